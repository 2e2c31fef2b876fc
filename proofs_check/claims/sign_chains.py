"""Sign networks with two inputs: an integer Markov chain (bounds.md, B55 and B56)."""

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import sympy as sp

import theory as th
from proofs_check.claims.exact_laws import (
    Law,
    agreement,
    fair_sum,
    frequencies,
    inner,
    overlap_form,
    pairs_of_features,
    quadratic,
    rho,
    signs,
)
from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.methods.identity import Along, identity
from proofs_check.methods.statistics import chi_square
from proofs_check.verdict import Grade, Verdict, every
from theory.kernels import gaussian, rademacher
from theory.networks import SignChain, sign_chain

SOURCE = "bounds.md, section 5"


def _b55(turn: sp.Expr) -> Verdict:
    """Check the step and the readout; ``turn`` is the factor of r in the variance of (f1 + f2)/sqrt 2."""
    r = sp.Symbol("r", real=True)
    covariance = sp.Matrix([[1, r], [r, 1]])
    rotated = sp.Matrix([[1, 1], [1, -1]]) / sp.sqrt(2)
    found = rotated * covariance * rotated.T
    stated = sp.Matrix([[1 + turn * r, 0], [0, 1 - turn * r]])

    def parts() -> Iterator[tuple[str, Verdict]]:
        yield "step", identity(*agreement(), on=Domain({rho: (-1, 1)}), along=Along(rho))
        yield "conditional covariance", exhaustive(pairs_of_features(5), quadratic, overlap_form)
        for i, j in ((0, 0), (0, 1), (1, 1)):
            yield f"rotated {i}{j}", identity(found[i, j], stated[i, j], on=Domain({r: (-1, 1)}))

    return every(parts())


@claim(
    "B55",
    statement=r"Sign forward, two inputs, Gaussian weights, no bias, any depth: $k_{l+1}\sim\mathrm{Bin}(n_{l+1},1-"
    r"\arccos(2k_l/n_l-1)/\pi)$, $k_1\sim\mathrm{Bin}(n_1,1-\arccos(\rho_0)/\pi)$. The outputs have conditional "
    r"covariance $\begin{pmatrix}1&r\\r&1\end{pmatrix}$, $r=2k/n-1$: $(f_1\pm f_2)/\sqrt2$ independent $N(0,1\pm r)$.",
    source=f"{SOURCE}, B55",
    hypotheses=(
        "neurons of a layer are iid given the layer before, hence a binomial number of agreements",
        "$s_w=1$; the quadratic form for all features up to width 5 at one rational direction and a sum at any width",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _b55(sp.Rational(101, 100)),
)
def gaussian_weights_step() -> Verdict:
    """Derive the agreement probability; go through all features for the readout."""
    return _b55(sp.S.One)


X = np.array([[1.0, 0.5, -0.3], [0.2, -2.0, 1.0]])
CORRELATION = float(X[0] @ X[1] / np.sqrt((X[0] @ X[0]) * (X[1] @ X[1])))


def overlaps(widths: tuple[int, ...], hidden: Any, seed: int, draws: int) -> np.ndarray:
    """Return how often each number of agreements occurs among networks sampled weight by weight."""
    laws = [gaussian(), *[hidden] * (len(widths) - 1), gaussian()]
    arch = th.Architecture(len(widths), activation=th.sign(), weights=laws)
    run = th.sample_networks(arch, X, widths, draws, seed, method="weights", ntk=False, threads=1)
    agreements = np.rint((run.covariances[:, 0, 1] + 1) * widths[-1] / 2).astype(np.int64)
    return np.bincount(agreements, minlength=widths[-1] + 1)


def _fits(
    chain: Any,
    hidden: Any,
    sizes: tuple[tuple[int, ...], ...],
    seed: int,
    draws: int,
    effect: float,
) -> Verdict:
    """Compare sampled overlaps with a stated chain, one goodness-of-fit test for each depth."""
    return every(
        (
            f"widths {widths}",
            chi_square(
                overlaps(widths, hidden, seed, draws),
                chain(widths).pmfs[-1],
                false_alarm=1e-6 / len(sizes),
                must_see=effect,
            ),
        )
        for widths in sizes
    )


def gaussian_chain(widths: tuple[int, ...]) -> SignChain:
    """Return the chain of B55."""
    return sign_chain(CORRELATION, widths)


def rademacher_chain(widths: tuple[int, ...]) -> SignChain:
    """Return the chain of B56."""
    return sign_chain(CORRELATION, widths, hidden="rademacher")


def weaker_chain(widths: tuple[int, ...]) -> SignChain:
    """Return the chain started from nine tenths of the correlation: an effect of 0.1 after one layer."""
    return sign_chain(0.9 * CORRELATION, widths)


B55_SIZES = ((12,), (15, 11), (14, 9, 12))


@claim(
    "B55.sampled",
    statement=r"The number of neurons of the last layer on which two inputs agree, in sign networks sampled weight by"
    r" weight with 1, 2 and 3 hidden layers, has the law of the chain of B55.",
    source=f"{SOURCE}, B55",
    hypotheses=(
        "widths (12), (15, 11), (14, 9, 12); unequal norms; false alarm 1e-6 in all",
        "has to see an effect of 0.05, a small one in Cohen's scale being 0.1; the mutant starts from 0.9 rho",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _fits(weaker_chain, gaussian(), B55_SIZES, seed, 40_000, 0.05),
)
def gaussian_weights_sampled(seed: int = 0) -> Verdict:
    """Test the fit of sampled overlaps at depths 1, 2, 3."""
    return _fits(gaussian_chain, gaussian(), B55_SIZES, seed, 40_000, 0.05)


B56_SIZES = ((5, 5), (3, 5, 3))


@claim(
    "B56.sampled",
    statement=r"The number of neurons of the last layer on which two inputs agree, in sign networks with a Gaussian"
    r" first layer and $\pm1$ weights after it, sampled weight by weight, has the law of the chain of B56.",
    source=f"{SOURCE}, B56",
    hypotheses=(
        "widths (5, 5) and (3, 5, 3): odd, so that no sum is 0; false alarm 1e-6 in all",
        "has to see an effect of 0.05; the mutant is the chain of Gaussian weights",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _fits(gaussian_chain, rademacher(), B56_SIZES, seed, 40_000, 0.05),
)
def sign_weights_sampled(seed: int = 0) -> Verdict:
    """Test the fit of sampled overlaps at depths 2, 3."""
    return _fits(rademacher_chain, rademacher(), B56_SIZES, seed, 40_000, 0.05)


def step_by_enumeration(n: int, k: int) -> Fraction:
    """Return P(sgn(w.x) = sgn(w.x')) over all +-1 rows w, for x, x' with k agreements; sgn 0 = +1."""
    other = (1,) * k + (-1,) * (n - k)
    rows = signs(n)
    return Fraction(sum((sum(w) >= 0) == (inner(w, other) >= 0) for w in rows), len(rows))


def step_as_stated(n: int, k: int, zero: int = 1) -> Fraction:
    """Return P(sgn(A + B) = sgn(A - B)), A = 2 Bin(k, 1/2) - k, B = 2 Bin(n - k, 1/2) - (n - k)."""

    def side(h: int) -> int:
        return (h > 0) - (h < 0) or zero

    return sum(
        (
            u * v
            for (a, u), (b, v) in product(fair_sum(k).items(), fair_sum(n - k).items())
            if side(a + b) == side(a - b)
        ),
        Fraction(0),
    )


def joint_outputs(n: int, k: int) -> Law:
    """Return the joint law of sqrt(n) (f1, f2) over all +-1 readouts."""
    other = (1,) * k + (-1,) * (n - k)
    return frequencies([(sum(v), inner(v, other)) for v in signs(n)])


def joint_as_stated(n: int, k: int) -> Law:
    """Return the law of (A + B, A - B)."""
    law: Counter[tuple[int, int]] = Counter()
    for (a, u), (b, v) in product(fair_sum(k).items(), fair_sum(n - k).items()):
        law[(a + b, a - b)] += u * v  # type: ignore[assignment]
    return {value: Fraction(weight) for value, weight in sorted(law.items())}


def _b56(zero: int) -> Verdict:
    cases = [{"n": n, "k": k} for n in range(1, 10) for k in range(n + 1)]
    return every(
        (
            (
                "step",
                exhaustive(cases, step_by_enumeration, lambda n, k: step_as_stated(n, k, zero)),
            ),
            ("outputs", exhaustive(cases[:40], joint_outputs, joint_as_stated)),
        )
    )


@claim(
    "B56",
    statement=r"With $\pm1$ hidden weights and sign forward, the agreements of two inputs are a Markov chain"
    r" $k_{l+1}\sim\mathrm{Bin}(n_{l+1},p(k_l))$, $p(k)=P(\mathrm{sgn}(A+B)=\mathrm{sgn}(A-B))$, $A=2\mathrm{Bin}"
    r"(k,\frac12)-k$, $B=2\mathrm{Bin}(n-k,\frac12)-(n-k)$; $\pm1$ readout: $f_1=(A+B)/\sqrt n$, $f_2=(A-B)/\sqrt n$.",
    source=f"{SOURCE}, B56",
    hypotheses=(
        "sgn 0 = +1; rows of the weight matrix are iid, so agreements are binomial given the last layer",
        "all rows of weights for n up to 9 and every k",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _b56(0),
)
def sign_weights_step() -> Verdict:
    """Go through all rows of weights and all readouts."""
    return _b56(1)


def _b56_gap(exponent: int) -> Verdict:
    """Compare the decay of the difference between the two chains with n^-exponent."""
    sizes, slack = (81, 161, 321), 0.1
    found = []
    for correlation, depth in product((0.3, 0.7), (2, 3)):
        gaps = []
        for n in sizes:
            one, other = (
                sign_chain(correlation, (n,) * depth, hidden=law)
                for law in ("gaussian", "rademacher")
            )
            gaps.append(abs(one.covariance() - other.covariance()))
        slopes = -np.diff(np.log(gaps)) / np.diff(np.log(sizes))
        found.append((float(np.abs(slopes - exponent).max()), correlation, depth, slopes))
    worst, correlation, depth, slopes = max(found, key=lambda item: item[0])
    what = f"local exponents at rho = {correlation}, {depth} layers: {slopes.round(4).tolist()}"
    trusts = ("float64 chains of widths 81, 161, 321, differences above 1e-6",)
    if worst > slack:
        return Verdict(Grade.REFUTED, what, f"exponent {exponent} is off by {worst:.3f}", trusts)
    return Verdict(
        Grade.AGREES, f"four chains within {slack} of exponent {exponent}; {what}", None, trusts
    )


@claim(
    "B56.gap",
    statement=r"Two inputs of a sign network with Gaussian first layer: replacing the Gaussian weights of the later"
    r" layers by $\pm1$ weights changes $E[f_1f_2]$ only at order $1/n^2$.",
    source=f"{SOURCE}, B56, finding",
    hypotheses=(
        r"$\rho=0.3,0.7$; 2 and 3 hidden layers; odd widths 81, 161, 321",
        "a gap c/n^2 (1 + a/n) has local exponents within |a|/n of 2: 0.1 allows |a| up to 8",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: _b56_gap(1),
)
def sign_weights_matter_at_second_order() -> Verdict:
    """Measure the local exponents of the gap between the two chains."""
    return _b56_gap(2)
