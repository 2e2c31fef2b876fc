"""ReLU networks at one input: moments by sums over paths, exact at every width (bounds.md, B51, B52, B60-B62)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise, product
from math import log, prod
from typing import Any

from proofs_check.ledger import claim
from proofs_check.methods.erratum import erratum
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.methods.statistics import Comparison, z_tests
from proofs_check.verdict import Grade, Verdict, every
from theory.activations import relu
from theory.estimate import Estimate
from theory.kernels import Architecture, gaussian, rademacher
from theory.networks import sample_networks
from theory.networks.moments import (
    relu_output_moments,
    relu_tangent_moments,
    relu_tangent_spread,
)

SOURCE = "bounds.md"
HALF = Fraction(1, 2)

Law = tuple[tuple[int, Fraction], ...]
SIGNS: Law = ((-1, HALF), (1, HALF))
TERNARY: Law = tuple((v, Fraction(1, 3)) for v in (-1, 0, 1))
FIVE: Law = tuple((v, Fraction(1, 5)) for v in (-2, -1, 0, 1, 2))
LAWS = {"signs": SIGNS, "ternary": TERNARY, "five": FIVE}
NETWORKS: tuple[dict[str, Any], ...] = (
    {"x": (1, 3), "widths": (), "law": "five"},
    {"x": (1, 3), "widths": (2,), "law": "five"},
    {"x": (1, -2), "widths": (3,), "law": "signs"},
    {"x": (1, 2), "widths": (2, 1), "law": "ternary"},
    {"x": (3,), "widths": (1, 2, 1), "law": "ternary"},
    {"x": (1, 2), "widths": (2, 2), "law": "signs"},
    {"x": (1, 1, -3), "widths": (2, 2), "law": "signs"},
    {"x": (2,), "widths": (2, 1, 2), "law": "signs"},
)


@dataclass(frozen=True)
class Outcome:
    """Sums of powers over all networks, every weight scaled to variance 1."""

    second: Fraction
    fourth: Fraction
    kernel: Fraction
    kernel_second: Fraction
    biases: Fraction


def moment(law: Law, power: int) -> Fraction:
    """Return E w^power."""
    return sum((m * v**power for v, m in law), Fraction(0))


@cache
def enumerated(x: tuple[int, ...], widths: tuple[int, ...], law: str, tie: str) -> Outcome:
    """Go through all weights; ``tie`` is what relu' does at 0: a fair "coin", or "zero"."""
    variance, sizes = moment(LAWS[law], 2), (len(x), *widths, 1)
    scales = [Fraction(2)] * len(widths) + [Fraction(1)]
    each = [c / n / variance for c, n in zip(scales, sizes, strict=False)]
    total = [Fraction(0)] * 5
    for mass, features, matrices, gates in _networks(tuple(x), widths, LAWS[law], tie):
        output = features[-1][0]
        kernel, biases, adjoint = Fraction(0), Fraction(0), [1]
        for place in range(len(widths), -1, -1):
            norm = sum(d * d for d in adjoint)
            biases += norm * prod(each[place + 1 :], start=Fraction(1))
            kernel += norm * sum(a * a for a in features[place])
            if place:
                rows, gate = matrices[place], gates[place - 1]
                adjoint = [
                    gate[k] * sum(d * row[k] for d, row in zip(adjoint, rows, strict=True))
                    for k in range(len(gate))
                ]
        f2 = output**2 * prod(each)
        k = kernel * prod(each) * variance
        for i, value in enumerate((f2, f2**2, k, k**2, biases)):
            total[i] += mass * value
    return Outcome(*total)


def _networks(x: tuple[int, ...], widths: Sequence[int], law: Law, tie: str) -> Iterator[Any]:
    """Yield mass, features of every layer, weights and gates of all networks."""
    sizes = (*widths, 1)

    def deeper(mass: Fraction, features: list[Any], matrices: list[Any], gates: list[Any]) -> Any:
        place, below = len(matrices), features[-1]
        n = sizes[place]
        for entries in product(law, repeat=n * len(below)):
            rows = [
                [v for v, _ in entries[j * len(below) : (j + 1) * len(below)]] for j in range(n)
            ]
            weight = mass * prod((m for _, m in entries), start=Fraction(1))
            h = [sum(w * a for w, a in zip(row, below, strict=True)) for row in rows]
            if place == len(sizes) - 1:
                yield weight, [*features, h], [*matrices, rows], gates
                continue
            above = [max(v, 0) for v in h]
            sides = [(0, 1) if v == 0 and tie == "coin" else (int(v > 0),) for v in h]
            share = Fraction(1, prod(len(side) for side in sides))
            for gate in product(*sides):
                yield from deeper(
                    weight * share, [*features, above], [*matrices, rows], [*gates, gate]
                )

    yield from deeper(Fraction(1), [x], [], [])


def kurtosis(law: str) -> Fraction:
    """Return E w^4 / (E w^2)^2."""
    return moment(LAWS[law], 4) / moment(LAWS[law], 2) ** 2


# ------------------------------------------------------------------- B52: the output


def _b52(factor: Fraction) -> Verdict:
    def found(x: Any, widths: Any, law: str) -> tuple[Fraction, Fraction]:
        outcome = enumerated(x, widths, law, "zero")
        return outcome.second, outcome.fourth

    def stated(x: Any, widths: Any, law: str) -> tuple[Fraction, Fraction]:
        moments = relu_output_moments(x, widths, max(factor * kurtosis(law), Fraction(1)))
        return moments.second, moments.fourth

    def gaussian_ratio(x: Any, widths: Any) -> Fraction:
        return relu_output_moments(x, widths, 3 * factor).excess_kurtosis + 3

    def gaussian_stated(x: Any, widths: Any) -> Fraction:  # noqa: ARG001 - it does not depend on x
        return 3 * prod((1 + Fraction(5, n) for n in widths), start=Fraction(1))

    wide = [
        {"x": x, "widths": (n, 3, 2 * n)[:depth]}
        for x in ((1, 2), (Fraction(1, 3), 0, 5))
        for n in (1, 2, 1000, 10**6)
        for depth in (0, 1, 2, 3)
    ]
    return every(
        (
            ("enumeration", exhaustive(NETWORKS, found, stated)),
            ("Gaussian weights", exhaustive(wide, gaussian_ratio, gaussian_stated)),
        )
    )


@claim(
    "B52",
    statement=r"ReLU, any symmetric weights of fourth moment $\mu_4$ (incl. $\pm1$), bias-free, hidden variance "
    r"$2/n$, last $1/n$: $u_0=\|x\|_4^4$, $v_0=3(\|x\|_2^4-\|x\|_4^4)$; "
    r"$u_i=\frac4{n_{i-1}^2}\frac{n_i}2(\mu_4u_{i-1}+v_{i-1})$,"
    r" $v_i=\frac4{n_{i-1}^2}\frac{n_i(n_i-1)}4(3u_{i-1}+v_{i-1})$; $E f^4=(\mu_4u_{d-1}+v_{d-1})/n_{d-1}^2$, "
    r"$E f^2=|x|^2/n_0$. Gaussian: $E f^4/(E f^2)^2=3\prod(1+5/n_l)$ exactly.",
    source=f"{SOURCE}, B52",
    hypotheses=(
        "all networks of eight small shapes, weights uniform on {-1, 1}, {-1, 0, 1}, {-2, ..., 2}: "
        "$\\mu_4=1,3/2,17/10$; ties included, relu(0) = 0",
        "the Gaussian product at widths up to $2\\cdot10^6$, from the recursion, in rationals",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _b52(Fraction(101, 100)),
)
def relu_fourth_moment() -> Verdict:
    """Enumerate all weights of small networks; the mutant's fourth moment is 1 % too large."""
    return _b52(Fraction(1))


# ------------------------------------------------------------------- B60: the mean of the kernel


def _b60(biases: int, extra: Fraction = Fraction(0)) -> Verdict:
    """E K = |x|^2 d / n_0 + (d + biases)/2."""

    def found(x: Any, widths: Any, law: str) -> tuple[Fraction, Fraction]:
        outcome = enumerated(x, widths, law, "coin")
        return outcome.kernel, outcome.biases

    def stated(x: Any, widths: Any, law: str) -> tuple[Fraction, Fraction]:  # noqa: ARG001
        d = len(widths) + 1
        return Fraction(d * sum(v * v for v in x), len(x)), HALF * (d + biases) + extra

    return exhaustive(NETWORKS, found, stated)


@claim(
    "B60",
    statement=r"ReLU, any symmetric $\mu$ with density, biases 0 but trained, $d$ weight layers: "
    r"$E K=d(\tfrac12+|x|^2/n_0)$.",
    source=f"{SOURCE}, B60 (Hanin and Nica, Theorem 1, as quoted there, with the discrepancy)",
    hypotheses=(
        "all networks of eight small shapes; the gate of a tie is a fair coin, as for weights with a density",
        r"$d=1$ already tells: the kernel of one trained output bias is 1",
    ),
    aims_at=Grade.REFUTED_AS_PRINTED,
    correction=r"$E K=\frac{d+1}2+d\,|x|^2/n_0$: the output bias contributes 1, each hidden layer $\frac12$.",
    mutant=lambda: erratum(printed=_b60(0), corrected=_b60(1, Fraction(1, 100))),
)
def mean_kernel_with_biases() -> Verdict:
    """Enumerate all weights; the mutant's correction is off by 1/100."""
    return erratum(printed=_b60(0), corrected=_b60(1))


# ------------------------------------------------------------------- B61: the second moment of the kernel


def _b61(tie: str, factor: Fraction = Fraction(1)) -> Verdict:
    def found(x: Any, widths: Any, law: str) -> tuple[Fraction, Fraction]:
        outcome = enumerated(x, widths, law, tie)
        return outcome.kernel, outcome.kernel_second

    def stated(x: Any, widths: Any, law: str) -> tuple[Fraction, Fraction]:
        moments = relu_tangent_moments(x, widths, max(factor * kurtosis(law), Fraction(1)))
        return moments.mean, moments.second

    return exhaustive(NETWORKS, found, stated)


@claim(
    "B61",
    statement=r"Exact $E[K_w(x,x)^2]$, ReLU, any symmetric weights, by a 4-state transfer matrix (all four paths at one"
    r" neuron; pairings $12|34$, $13|24$, $14|23$): layer factor $(2/n_{i-1})^2$, gate $\frac12$ per distinct neuron; "
    r"unmarked: $T(1\to1)=n_i\mu_4/2$, $T(1\to\pi)=T(\pi\to\pi)=n_i(n_i-1)/4$, $T(\pi\to1)=n_i/2$; marked: states "
    r"$1,12|34$ alone, weights 1 instead of $\mu_4$.",
    source=f"{SOURCE}, B61",
    hypotheses=(
        "all networks of eight small shapes, three laws; printed reading: relu'(0) = 0, as in every library",
        "ties are met: $\\pm1$ weights cancel with positive probability at even fan-in",
    ),
    aims_at=Grade.REFUTED_AS_PRINTED,
    correction=r"The transfer matrix is exact for weights under which no pre-activation of live inputs is 0 with "
    r"positive probability, or if relu'(0) is a fair coin, 0 or 1.",
    mutant=lambda: erratum(printed=_b61("zero"), corrected=_b61("coin", Fraction(101, 100))),
)
def second_moment_of_the_kernel() -> Verdict:
    """Enumerate all weights with both conventions; the mutant's correction has a fourth moment 1 % too large."""
    return erratum(printed=_b61("zero"), corrected=_b61("coin"))


def _b61_sampled(factor: float, seed: int) -> Verdict:
    comparisons = []
    x = [[1.0, 2.0, -1.0, 0.5]]
    exact_x = [1, 2, -1, HALF]
    for name, laws, fourths in (
        ("Gaussian", gaussian(), 3),
        ("signs after a Gaussian layer", [gaussian(), rademacher(), rademacher()], [3, 1, 1]),
    ):
        # Odd widths: live inputs of one layer are random reals, so nothing ties.
        widths = (9, 7)
        arch = Architecture(2, activation=relu(), weight_std=[2**0.5, 2**0.5, 1], weights=laws)
        run = sample_networks(
            arch,
            x,
            widths,
            30_000,
            seed,
            method="weights",
            jacobians=(("true", "true"),),
            threads=1,
        )
        kernels = run.ntk[:, 0, 0]
        exact = relu_tangent_moments(exact_x, widths, fourths)
        output = relu_output_moments(exact_x, widths, fourths)
        second = Estimate.of_mean(kernels**2)
        variances = run.covariances[:, 0, 0]
        comparisons += [
            Comparison(f"{name}, E K", Estimate.of_mean(kernels), factor * float(exact.mean)),
            Comparison(f"{name}, E K^2", second, factor * float(exact.second)),
            Comparison(f"{name}, E S", Estimate.of_mean(variances), factor * float(output.second)),
        ]
    return z_tests(comparisons, false_alarm=1e-6, must_see=0.12)


@claim(
    "B61.sampled",
    statement=r"$E K_w$, $E K_w^2$ of B61 and $E f^2$ of B52 in networks drawn weight by weight, Gaussian and $\pm1$ "
    r"after a Gaussian first layer, widths (9, 7).",
    source=f"{SOURCE}, B52, B61",
    hypotheses=(
        "input of four dimensions; has to see 12 %; the mutant is 3 % off in every number",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _b61_sampled(1.03, seed),
)
def sampled_kernels_of_relu(seed: int = 0) -> Verdict:
    """Compare sampled moments with the transfer matrix."""
    return _b61_sampled(1.0, seed)


# ------------------------------------------------------------------- B62: the leading ratio


def _b62(leading: Fraction) -> Verdict:
    """Compare with (leading d - 4)(d - 1)/(3 d) - 2 (3 - mu_4)(1 - 1/d)^2, and d = 2 at every width."""

    def stated(hidden: int, kurtosis: int) -> Fraction:
        d = hidden + 1
        normal = (leading * d - 4) * (d - 1) / (3 * d)
        return normal - 2 * (3 - kurtosis) * (1 - Fraction(1, d)) ** 2

    cases = [{"hidden": h, "kurtosis": mu} for h in range(1, 13) for mu in (3, 2, 1)]

    def one_layer(n: int, mu: int) -> Fraction:
        return n * relu_tangent_moments((1, 2), [n], [3, mu]).relative_variance

    widths = [{"n": n, "mu": mu} for n in (1, 2, 3, 10, 1000, 10**6) for mu in (3, 1)]
    return every(
        (
            (
                "n Var/mean^2",
                exhaustive(
                    cases, lambda hidden, kurtosis: relu_tangent_spread(hidden, kurtosis), stated
                ),
            ),
            ("d = 2, every n", exhaustive(widths, one_layer, lambda n, mu: stated(1, mu))),  # noqa: ARG005
        )
    )


@claim(
    "B62",
    statement=r"ReLU, Gaussian first layer, equal widths: $\lim n\,\mathrm{Var}K_w/(E K_w)^2=\frac{(11d-4)(d-1)}{3d}-2"
    r"(3-\mu_4)(1-\tfrac1d)^2$ with $d$ weight layers, below $5d$; at $d=2$ this is exact at every $n$.",
    source=f"{SOURCE}, B60 (last sentence), B62; the closed form is derived here",
    hypotheses=(
        r"$E K^2$ from B61; $d=2,\dots,13$, $\mu_4=1,2,3$ in every layer but the first",
        "the limit by interpolation of a polynomial in 1/n, in rationals; n = 1, ..., $10^6$ at d = 2",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _b62(Fraction(1101, 100)),
)
def leading_ratio() -> Verdict:
    """Compare with a closed form; the mutant has 11.01 for 11."""
    return _b62(Fraction(11))


# ------------------------------------------------------------------- B51: exponents with +-1 weights

DECADES = (10**2, 10**3, 10**4, 10**5, 10**6)


def _b51(shift: float) -> Verdict:
    """Fit the exponents between widths 10^5 and 10^6, exact values throughout."""

    def values(depth: int, fourth: int) -> dict[str, tuple[float, list[Fraction]]]:
        x = (1, 2, -1)
        outputs = [relu_output_moments(x, [n] * depth, fourth) for n in DECADES]
        kernels = [relu_tangent_moments(x, [n] * depth, fourth) for n in DECADES]
        return {
            "E f^4": (0.0, [m.fourth for m in outputs]),
            "E f^4 - 3 (E f^2)^2": (-1.0, [m.fourth - 3 * m.second**2 for m in outputs]),
            "E Theta^2": (0.0, [m.second for m in kernels]),
            "Var Theta": (-1.0, [m.second - m.mean**2 for m in kernels]),
        }

    worst, count = 0.0, 0
    for depth, fourth in product((1, 2, 3), (1, 3)):
        for name, (stated, exact) in values(depth, fourth).items():
            slopes = [log(abs(b / a)) / log(10) for a, b in pairwise(exact)]
            # A correction g/n moves the last slope by at most 9 g 1e-6 / ln 10.
            gap, count = abs(slopes[-1] - stated - shift), count + 1
            worst = max(worst, gap)
            if gap > 1e-4:
                what = f"{name}, {depth} hidden layers, mu_4 = {fourth}: n^{slopes[-1]:.6f}"
                return Verdict(Grade.REFUTED, what, f"{what}, stated n^{stated + shift:g}", TRUSTS)
    return Verdict(
        Grade.AGREES,
        f"{count} exponents between widths 10^5 and 10^6 within {worst:.1e} of the stated ones",
        None,
        TRUSTS,
    )


TRUSTS = ("the recursions of B52 and B61, enumerated there", "float64 logarithms of exact ratios")


@claim(
    "B51",
    statement=r"With $\pm1$ weights the correlators scale as with Gaussian ones, $n^{s}$, $s=n_e+n_o/2-m/2$: ReLU at "
    r"equal inputs has $E f^4$ and $E\Theta^2$ of order $n^0$, their connected parts $E f^4-3(E f^2)^2$ and "
    r"$\mathrm{Var}\,\Theta$ of order $n^{-1}$.",
    source=f"{SOURCE}, B51, B68 (Dyer and Gur-Ari), the case proved there: ReLU at equal inputs",
    hypotheses=(
        "$\\pm1$ and Gaussian weights in all layers, 1, 2, 3 hidden layers of widths $10^2,\\dots,10^6$, "
        "$x=(1,2,-1)$",
        "ties count by B61's convention; time derivatives of the kernel are not looked at",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: _b51(0.01),
)
def same_exponents_with_signs() -> Verdict:
    """Exact values over four decades; the mutant's exponents are 0.01 larger."""
    return _b51(0.0)
