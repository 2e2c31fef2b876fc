"""Gaussian weights under signs, their PAC-Bayes bound, and two slips of public code (S48, S49)."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import flint
import numpy as np
import sympy as sp

from proofs_check.ledger import claim
from proofs_check.methods.agree import agree, as_ball
from proofs_check.methods.domain import Domain
from proofs_check.methods.erratum import erratum
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.methods.identity import identity
from proofs_check.methods.statistics import Comparison, z_tests
from proofs_check.verdict import Grade, Verdict, every
from theory.arithmetic import Phi
from theory.estimate import Estimate

SOURCE = "quantized-training.md, S48"
PBG = f"{SOURCE}; PBGNet's code (pbgdeep/networks.py) was read"

m, s, p, loss = sp.symbols("m s p L", positive=True)
Matrix = tuple[tuple[Fraction, ...], ...]


# ------------------------------------------------------------------------------------- one neuron


def _one_neuron(factor: int) -> Verdict:
    """Compare P(N(m, s^2) > 0) - P(N(m, s^2) < 0) with the error function."""
    law = Phi(m / s) - Phi(-m / s)
    return identity(law, sp.erf(m / (sp.sqrt(factor) * s)), on=Domain({m: (0, 4), s: (0, 4)}))


@claim(
    "S48.i",
    statement=r"$E_{v\sim N(w,I)}\,\mathrm{sgn}(v\cdot x)=\mathrm{erf}(w\cdot x/(\sqrt2\,\|x\|))$.",
    source=PBG,
    hypotheses=(
        r"$v\cdot x\sim N(w\cdot x,\|x\|^2)$; odd in $w\cdot x$, so shown for $m=w\cdot x>0$",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _one_neuron(1),
)
def one_neuron() -> Verdict:
    """Normal probabilities in the two notations."""
    return _one_neuron(2)


# -------------------------------------------------------------- marginals against the joint law

# Rows of the second layer nearly alike: its signs then hang together, and the two propagations part.
FIRST: Matrix = ((Fraction(1, 2), Fraction(1), Fraction(-1, 3)), (Fraction(-1, 4), Fraction(2, 3), Fraction(1)),
                 (Fraction(1), Fraction(-1, 2), Fraction(1, 2)))  # fmt: skip
SECOND: Matrix = ((Fraction(2), Fraction(3, 2), Fraction(2)), (Fraction(2), Fraction(2), Fraction(3, 2)),
                  (Fraction(3, 2), Fraction(2), Fraction(2)))  # fmt: skip
LAST: Matrix = ((Fraction(1), Fraction(3, 2), Fraction(5, 4)),)
INPUT = (Fraction(1), Fraction(-1, 2), Fraction(3, 4))
SIGNS = tuple(product((-1, 1), repeat=3))


def _expected_sign(row: Sequence[Fraction], x: Sequence[Fraction | int]) -> flint.arb:
    """Return erf(w . x / (sqrt 2 ||x||)) as a ball."""
    inner = as_ball(sum((a * b for a, b in zip(row, x, strict=True)), Fraction(0)))
    square = as_ball(sum((Fraction(b) ** 2 for b in x), Fraction(0)))
    return (inner / (2 * square).sqrt()).erf()


def _chance(signs: Sequence[int], means: Sequence[flint.arb]) -> flint.arb:
    """Return the probability of independent signs with these means."""
    parts = [(1 + sign * mean) / 2 for sign, mean in zip(signs, means, strict=True)]
    return prod(parts, start=flint.arb(1))


def marginals(layers: Sequence[Matrix]) -> flint.arb:
    """Propagate the mean of each neuron alone, as the public code does."""
    means = [_expected_sign(row, INPUT) for row in FIRST]
    for layer in layers:
        means = [
            sum((_chance(h, means) * _expected_sign(row, h) for h in SIGNS), flint.arb(0))
            for row in layer
        ]
    return means[0]


def joint(layers: Sequence[Matrix]) -> flint.arb:
    """Propagate the law of the whole representation."""
    law = {h: _chance(h, [_expected_sign(row, INPUT) for row in FIRST]) for h in SIGNS}
    for layer in layers[:-1]:
        following = dict.fromkeys(SIGNS, flint.arb(0))
        for h, chance in law.items():
            means = [_expected_sign(row, h) for row in layer]
            for after in SIGNS:
                following[after] += chance * _chance(after, means)
        law = following
    (row,) = layers[-1]
    return sum((chance * _expected_sign(row, h) for h, chance in law.items()), flint.arb(0))


def unrolled() -> flint.arb:
    """Sum over all signs of the tree in which each neuron of the second layer has a first layer of its own."""
    means = [_expected_sign(row, INPUT) for row in FIRST]
    total = flint.arb(0)
    for after in SIGNS:
        chance = flint.arb(1)
        for sign, row in zip(after, SECOND, strict=True):
            own = (_chance(h, means) * (1 + sign * _expected_sign(row, h)) / 2 for h in SIGNS)
            chance *= sum(own, flint.arb(0))
        total += chance * _expected_sign(LAST[0], after)
    return total


def _sampled(seed: int, draws: int = 200_000) -> Estimate:
    """Draw the weights of the net itself, each layer once for all its neurons."""
    stream = np.random.Generator(np.random.Philox(key=seed))
    h = np.broadcast_to(np.array(INPUT, dtype=float), (draws, 3))
    for layer in (FIRST, SECOND, LAST):
        centre = np.array([[float(w) for w in row] for row in layer])
        weights = centre + stream.standard_normal((draws, *centre.shape))
        h = np.where(np.einsum("dij,dj->di", weights, h) >= 0, 1.0, -1.0)
    return Estimate.of_mean(h[:, 0])


def _differ() -> Verdict:
    gap = abs(joint((SECOND, LAST)) - marginals((SECOND, LAST)))
    shown = f"joint and marginals differ by {gap.str(8)}"
    if gap > as_ball(Fraction(1, 100)):
        return Verdict(Grade.ENCLOSED, shown, None, ("Arb (ball arithmetic)",))
    return Verdict(Grade.REFUTED, shown, shown, ("Arb (ball arithmetic)",))


def _propagations(shared: Callable[[Sequence[Matrix]], flint.arb], seed: int) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        exact = float(shared((SECOND, LAST)))
        yield (
            "the net itself",
            z_tests([Comparison("output", _sampled(seed), exact)], false_alarm=1e-6, must_see=0.1),
        )
        layers: dict[str, Callable[..., Any]] = {
            "joint": lambda: joint((LAST,)),
            "marginals": lambda: marginals((LAST,)),
        }
        yield "two layers", agree(layers, [{}], digits=12)
        tree: dict[str, Callable[..., Any]] = {
            "marginals": lambda: marginals((SECOND, LAST)),
            "every sign of the tree": unrolled,
        }
        yield "tree", agree(tree, [{}], digits=12)
        yield "three layers", _differ()

    return every(parts())


@claim(
    "S48.iii",
    statement=r"To propagate the mean of each neuron alone is exact for the net unrolled into a tree, where each "
    r"neuron has "
    r"private copies of all that is below; the net with shared weights needs the joint law, $P_{k+1}(s')=\sum_sP_k(s)"
    r"\prod_j(\frac12+\frac12s'_j\,\mathrm{erf}(w_j\cdot s/\sqrt{2d_k}))$. The two agree for two layers and part "
    r"from the "
    r"third on.",
    source=f"{PBG}, ABNet's recursion is recalled",
    hypotheses=(
        "one declared net 3-3-3-1 whose second layer has rows nearly alike; the weights behind the printed "
        ".060835 and .059428 are not given, so these digits were not redone",
        "marginals, joint law and tree in balls; the shared net by drawing its weights",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _propagations(marginals, seed),
)
def joint_law(seed: int = 0) -> Verdict:
    """The tree sign by sign, the net by draws, and the gap between the two propagations in balls."""
    return _propagations(joint, seed)


# ------------------------------------------------------------------------------- divergence and bound


def coefficients(widths: tuple[int, ...]) -> tuple[int, ...]:
    """Return the factor of each layer's norm in the code: the product of the widths above it."""
    return tuple(prod(widths[k + 1 :]) for k in range(len(widths)))


def copies(widths: tuple[int, ...], offset: int = 0) -> tuple[int, ...]:
    """Count the copies of each layer in the tree by walking it; all outputs share one layer."""
    found = [0] * len(widths)

    def walk(layer: int) -> None:
        found[layer] += 1
        if layer:
            for _ in range(widths[layer] + offset):
                walk(layer - 1)

    walk(len(widths) - 1)
    return tuple(found)


NETS = [{"widths": widths} for widths in ((1,), (3, 1), (2, 3, 1), (3, 2, 2, 1), (4, 3, 2, 1))]


@claim(
    "S48.iv",
    statement=r"The Kullback-Leibler divergence of the tree from its prior is $\frac12\sum_kd_{k+1}\cdots d_L"
    r"\|W_k-W_k^0\|^2$, each norm times the number of copies of its layer; that of the net with shared weights is "
    r"$\frac12\sum_k\|W_k-W_k^0\|^2$.",
    source=f"{PBG}; the divergence of ABNet is recalled",
    hypotheses=(
        "unit variances; divergences of independent weights add up",
        "a layer is copied once for each neuron above that reads it; counted in five trees",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: exhaustive(NETS, coefficients, lambda widths: copies(widths, 1)),
)
def divergence() -> Verdict:
    """Walk the trees."""
    return exhaustive(NETS, coefficients, copies)


def _bound(power: int) -> Verdict:
    """Show that h(C) = -ln(1 - p(1 - e^-C)) - C L is largest at one C, where it is kl(L, p)."""
    inside = Domain({p: (0, 1), loss: (0, 1)}, (loss < p,))
    c = loss * (1 - p) / (p * (1 - loss)) ** power  # e^-C
    x = sp.Symbol("x", positive=True)
    # d/dC = -x d/dx at x = e^-C.
    slope = x * p / (1 - p + p * x) - loss
    curvature = -x * sp.diff(slope, x)
    logs = lp, lq, ll, lm = sp.symbols("lp lq ll lm", positive=True)  # of p, 1-p, L, 1-L
    height = -(lq - lm) + loss * (ll + lq - lp - lm)
    box = {loss: (0, 1)} | dict.fromkeys(logs, (0, 3))
    return every(
        [
            ("stationary", identity(slope.subs(x, c), 0, on=inside)),
            (
                "concave in C",
                identity(
                    curvature,
                    -p * (1 - p) * x / (1 - p + p * x) ** 2,
                    on=Domain({p: (0, 1), x: (0, 1), loss: (0, 1)}),
                ),
            ),
            ("1 - p + p e^-C", identity(1 - p + p * c, (1 - p) / (1 - loss), on=inside)),
            ("height", identity(height, loss * (ll - lp) + (1 - loss) * (lm - lq), on=Domain(box))),
        ]
    )


@claim(
    "S48.v",
    statement=r"$\inf_{C>0}\frac{1-e^{-CL-K}}{1-e^{-C}}=\mathrm{kl}^{-1}(L,K)$, the $p\ge L$ with "
    r"$\mathrm{kl}(L,p)=K$: so the "
    r"bound with $K=(\mathrm{KL}+\ln(2\sqrt n/\delta))/n$ holds for a learned $C$. For every $C$, "
    r"$-\ln(1-p(1-e^{-C}))-CL\le\mathrm{kl}(L,p)$, concave in $C$, with equality at $e^{-C}=\frac{L(1-p)}{p(1-L)}$.",
    source=f"{SOURCE}; the bound was read in PBGNet's code, Seeger's and Maurer's theorem is recalled",
    hypotheses=(r"$0<L<p<1$",),
    aims_at=Grade.PROVED,
    mutant=lambda: _bound(2),
)
def learned_constant() -> Verdict:
    """Slope and curvature as rational functions of e^-C, the height as a polynomial in logarithms."""
    return _bound(1)


# ------------------------------------------------------------------------------------- two slips

POINTS = [
    {"inner": Fraction(1, 2), "square": Fraction(1), "bias": Fraction(3, 4)},
    {"inner": Fraction(-2), "square": Fraction(7, 2), "bias": Fraction(1, 3)},
    {"inner": Fraction(1, 5), "square": Fraction(1, 4), "bias": Fraction(-1)},
]


def _over_the_bias(inner: Fraction, square: Fraction, bias: Fraction) -> flint.arb:
    """Integrate the neuron over its bias, N(bias, 1): beyond 12 deviations less than 1e-30 is left."""

    def integrand(t: flint.acb, _: bool) -> flint.acb:
        density = (-t * t / 2).exp() / flint.acb.pi().sqrt() / flint.acb(2).sqrt()
        return density * ((t + as_ball(inner + bias)) / as_ball(2 * square).sqrt()).erf()

    return flint.acb.integral(integrand, -12, 12).real


def _with_bias(added: int) -> Callable[..., flint.arb]:
    def closed(inner: Fraction, square: Fraction, bias: Fraction) -> flint.arb:
        return (as_ball(inner + bias) / (2 * as_ball(square + added)).sqrt()).erf()

    return closed


def _bias(added: int) -> Verdict:
    def check(extra: int) -> Verdict:
        routes = {"integral over the bias": _over_the_bias, "closed form": _with_bias(extra)}
        return agree(routes, POINTS, digits=12)

    return erratum(printed=check(0), corrected=check(added))


@claim(
    "S48.vi",
    statement=r"The expected sign of a neuron with a Gaussian bias of mean $w_0$ and variance 1, as its divergence "
    r"counts it, "
    r"is $\mathrm{erf}((w\cdot x+w_0)/(\sqrt2\,\|x\|))$.",
    source=PBG,
    hypotheses=(
        "the code's divergence holds the bias as it does the weights",
        "three declared points",
    ),
    aims_at=Grade.REFUTED_AS_PRINTED,
    mutant=lambda: _bias(2),
    correction=r"It is $\mathrm{erf}((w\cdot x+w_0)/\sqrt{2(\|x\|^2+1)})$: the bias is a weight of the input 1.",
)
def bias_in_the_norm() -> Verdict:
    """Certified integrals over the bias against both forms."""
    return _bias(1)


def benchmark_entry(r: int, most: int) -> int:
    """Return the entry that one call of the generator gives, divided in integers and compared with one half."""
    return 1 if r // most > 0.5 else -1


def _vacuous(reached: int) -> Verdict:
    sizes = [{"most": 2**bits - 1} for bits in (2, 4, 8, 12)]

    def ones(most: int) -> int:
        return sum(benchmark_entry(r, most) == 1 for r in range(most + 1))

    return erratum(
        printed=exhaustive(sizes, ones, lambda most: (most + 1) // 2),
        corrected=exhaustive(sizes, ones, lambda most: reached),  # noqa: ARG005
    )


@claim(
    "S49",
    statement=r"The success check of BinaryNet's GPU benchmark compares products of two random $\pm1$ matrices.",
    source="quantized-training.md, S49; Run-time/benchmark-cublas.cu was read",
    hypotheses=(
        "the generator runs through 0, ..., RAND_MAX uniformly; exhausted for four RAND_MAX",
    ),
    aims_at=Grade.REFUTED_AS_PRINTED,
    mutant=lambda: _vacuous(0),
    correction=r"Entries of $B$ come from rand() / RAND_MAX divided in integers, which is 0 but where rand() = "
    r"RAND_MAX: "
    r"$B\equiv-1$ up to one entry in RAND_MAX + 1, and a product that ignores $B$ passes.",
)
def vacuous_benchmark() -> Verdict:
    """Run the assignment over the whole range of the generator."""
    return _vacuous(1)
