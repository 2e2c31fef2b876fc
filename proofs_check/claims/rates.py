"""Upper bounds of order n^(-1/2), distances of order 1/n (bounds.md, B2, B6(ii), B8, by the protocol B80)."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.linalg import eigh_tridiagonal

import theory as th
from proofs_check.ledger import claim
from proofs_check.verdict import Grade, Verdict, every
from theory.confidence import lower_mean_cut, upper_mean
from theory.coupling import sample_coupling
from theory.distances import ScaleMixture, blind_critic, wasserstein2
from theory.distances.critic import critic_limit
from theory.networks import sign_chain

Float = NDArray[np.float64]
SOURCE = "bounds.md"
DEPTHS = (1, 2, 3)
# The slope is fitted beside a term in 1/n, so what is left is of relative order 1/n^2 < 3e-4 at the least width.
EXACT_WIDTHS = (64, 128, 256, 512, 1024)
SLOPE_TOLERANCE = 0.005
EXACT_TRUSTS = ("float64 evaluation of the closed forms and of the exact one-dimensional distance",)


def slope(widths: Sequence[int], values: Float, errors: Float | None = None) -> tuple[float, float]:
    """Exponent b of values = a n^b (1 + g / n), and its standard error (relative ``errors``, else 0)."""
    n = np.asarray(widths, np.float64)
    design = np.stack([np.ones(n.size), np.log(n), 1 / n], axis=1)
    weight = np.ones(n.size) if errors is None else 1 / errors
    scaled = design * weight[:, None]
    solution = np.linalg.lstsq(scaled, weight * np.log(values), rcond=None)[0]
    error = 0.0 if errors is None else math.sqrt(np.linalg.inv(scaled.T @ scaled)[1, 1])
    return float(solution[1]), error


def exponent(name: str, values: Sequence[float], stated: float) -> Verdict:
    """Compare the fitted exponent of exact values with the stated one."""
    found, _ = slope(EXACT_WIDTHS, np.array(values))
    evidence = f"{name} ~ n^{found:.4f} over n = 64..1024, stated n^{stated:g}"
    if abs(found - stated) > SLOPE_TOLERANCE:
        return Verdict(Grade.REFUTED, evidence, evidence, EXACT_TRUSTS)
    return Verdict(Grade.AGREES, evidence, None, EXACT_TRUSTS)


def with_exponents(parts: Iterable[tuple[str, Verdict]]) -> Verdict:
    """Verdict on all parts whose evidence, where it passes, lists the fitted exponents."""
    listed = list(parts)
    verdict = every(listed)
    if verdict.grade not in {Grade.AGREES, Grade.CONSISTENT}:
        return verdict
    exponents = "; ".join(f"{label}: {v.evidence}" for label, v in listed if "~" in v.evidence)
    return replace(verdict, evidence=f"{len(listed)} comparisons hold; {exponents}")


def ordered(n: int, named: dict[str, float]) -> Verdict:
    """Values in decreasing order."""
    listed = ", ".join(f"{name} = {value:.6g}" for name, value in named.items())
    values = list(named.values())
    if any(b > a for a, b in pairwise(values)):
        return Verdict(
            Grade.REFUTED, f"order broken at n = {n}", f"n = {n}: {listed}", EXACT_TRUSTS
        )
    return Verdict(Grade.AGREES, f"n = {n}: {listed}", None, EXACT_TRUSTS)


def chi_square_rule(n: int, order: int) -> tuple[Float, Float]:
    """Gauss rule for the law of chi^2_n / n (generalised Laguerre, Golub and Welsch)."""
    k = np.arange(order)
    diagonal, side = 2 * k + n / 2, np.sqrt(k[1:] * (k[1:] + n / 2 - 1))
    nodes, vectors = eigh_tridiagonal(diagonal, side)
    return 2 * nodes / n, vectors[0] ** 2


def linear_mixture(n: int, depth: int) -> ScaleMixture:
    """A / K = product of ``depth`` independent chi^2_n / n, by a product of Gauss rules."""
    nodes, weights = chi_square_rule(n, {1: 40, 2: 24, 3: 16}[depth])
    values, mass = np.ones(1), np.ones(1)
    for _ in range(depth):
        values, mass = np.outer(values, nodes).ravel(), np.outer(mass, weights).ravel()
    return ScaleMixture(values, mass)


def linear(rate: float) -> Verdict:
    """B2 >= B6(ii) >= exact W2 in linear networks, with slopes; B2 is multiplied by n^rate."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        for depth in DEPTHS:
            arch = th.Architecture(depth, th.identity(), weight_std=1.2)
            x = [[1.0, 0.5]]
            scale = math.sqrt(float(th.nngp(arch, x)[0, 0]))
            couplings, distances = [], []
            for n in EXACT_WIDTHS:
                mixture = linear_mixture(n, depth)
                closed = th.bounds.basteri_trevisan(arch, x, n).value * n**rate
                cost = float(mixture.weights @ (np.sqrt(mixture.variances) - 1) ** 2)
                couplings.append(scale * math.sqrt(cost))
                distances.append(scale * wasserstein2(mixture, 1.0))
                named = {"B2": closed, "B6(ii)": couplings[-1], "exact W2": distances[-1]}
                yield f"depth {depth}", ordered(n, named)
            yield f"depth {depth}, coupling", exponent("B6(ii)", couplings, -0.5)
            yield f"depth {depth}, distance", exponent("exact W2", distances, -1.0)

    return with_exponents(parts())


@claim(
    "B8.linear",
    statement=r"In linear networks with 1, 2, 3 hidden layers, $W_2(f_n(x),G(x))\le$ B6(ii) $\le$ B2; "
    r"B6(ii) falls as $n^{-1/2}$ and the exact $W_2$ as $n^{-1}$.",
    source=f"{SOURCE}, B2, B6(ii), B8, B57",
    hypotheses=(
        r"identity activation, $s_w=1.2$, $s_b=0$, one input: $A=K\prod_l\chi^2_{n_l}/n_l$",
        "equal widths 64, 128, ..., 1024; exponents fitted beside a term in 1/n, to 0.005",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: linear(-0.5),
)
def linear_networks() -> Verdict:
    """Exact laws, Lipschitz activation."""
    return linear(0.0)


RHO = 0.3


def sign(stated: float) -> Verdict:
    """Exact W2 of (f1 + f2)/sqrt 2 and exact B6(ii) on the pair, from the law of the agreements."""
    root = math.sqrt(0.5)

    def parts() -> Iterator[tuple[str, Verdict]]:
        for depth in DEPTHS:
            limit = RHO
            for _ in range(depth):
                limit = 2 / math.pi * math.asin(limit)
            couplings, distances = [], []
            for n in EXACT_WIDTHS:
                chain = sign_chain(RHO, [n] * depth)
                variances, weights = chain.conditional_variances(root, root)
                r = chain.overlaps()
                cost = (np.sqrt(1 + r) - math.sqrt(1 + limit)) ** 2
                cost += (np.sqrt(1 - r) - math.sqrt(1 - limit)) ** 2
                couplings.append(math.sqrt(float(weights @ cost)))
                mixture = ScaleMixture(np.maximum(variances, 0), weights)
                distances.append(wasserstein2(mixture, 1 + limit))
                named = {"B6(ii)": couplings[-1], "exact W2": distances[-1]}
                yield f"depth {depth}", ordered(n, named)
            yield f"depth {depth}, coupling", exponent("B6(ii)", couplings, -0.5)
            yield f"depth {depth}, distance", exponent("exact W2", distances, stated)

    return with_exponents(parts())


@claim(
    "B8.sign",
    statement=r"In sign networks with 1, 2, 3 hidden layers (not Lipschitz), on two inputs: "
    r"$W_2((f_1+f_2)/\sqrt2,\cdot)\le W_2(f,G)\le$ B6(ii); B6(ii) falls as $n^{-1/2}$, the exact "
    r"$W_2$ of the projection as $n^{-1}$.",
    source=f"{SOURCE}, B6(ii), B8, B55",
    hypotheses=(
        r"Gaussian weights, no bias, correlation $\rho=.3$ of the inputs; law of the agreements exact",
        "equal widths 64, 128, ..., 1024; exponents fitted beside a term in 1/n, to 0.005",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: sign(-0.5),
)
def sign_networks() -> Verdict:
    """Exact laws, activation with a jump."""
    return sign(-1.0)


WIDTHS = (32, 64, 128, 256)
DRAWS = 6000
FALSE_ALARM = 1e-4
# Unequal norms, and neither parallel nor orthogonal.
INPUTS = np.array([[1.0, 0.5, 0.0], [0.3, -1.2, 0.7]])
# Per depth: three limits a width and two slopes.
TESTS = len(DEPTHS) * (3 * len(WIDTHS) + 2)
LEVEL = 1 - FALSE_ALARM / TESTS
QUANTILE = float(stats.norm.isf(FALSE_ALARM / TESTS / 2))
SAMPLED_TRUSTS = (
    "the pseudo-random streams and the collapsed sampler",
    "betting limits (any sample size); the central limit theorem for the two slopes",
)


def sampled(rate: float, seed: int) -> Verdict:
    """Protocol B80 for hardtanh: lower limits below B2, and the slopes inside their intervals."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        for depth in DEPTHS:
            arch = th.Architecture(depth, th.hardtanh(1), weight_std=1.2, bias_std=0.3)
            means = np.empty((2, len(WIDTHS)))
            errors = np.empty_like(means)
            for index, n in enumerate(WIDTHS):
                drawn = sample_coupling(arch, INPUTS, n, DRAWS, seed + n)
                bound = th.bounds.basteri_trevisan(arch, INPUTS, n).value * n**rate
                half = DRAWS // 2
                cost = lower_mean_cut(drawn.costs[:half], drawn.costs[half:], LEVEL).value
                yield f"depth {depth}, n = {n}", below("B6(ii)", math.sqrt(cost), bound)
                s2 = float(drawn.limit[1, 1])
                variances = drawn.covariances[:, 1, 1]
                distance = critic_limit(variances[:half], variances[half:], s2, LEVEL).value
                yield f"depth {depth}, n = {n}", below("W2", distance, bound)
                ceiling = math.sqrt(upper_mean(drawn.costs, LEVEL, drawn.span).value)
                yield f"depth {depth}, n = {n}", below("W2", distance, ceiling, "B6(ii)")
                for row, values in enumerate((drawn.costs, blind_critic(variances, s2))):
                    means[row, index] = values.mean()
                    errors[row, index] = values.std(ddof=1) / math.sqrt(DRAWS) / values.mean()
            yield f"depth {depth}", interval("B6(ii)", np.sqrt(means[0]), errors[0] / 2, -0.5)
            yield f"depth {depth}", interval("lower bound on W2", means[1], errors[1], -1.0)

    return with_exponents(parts())


def below(name: str, lower: float, bound: float, other: str = "B2") -> Verdict:
    """Compare the lower limit of something with a bound on it."""
    evidence = f"{name} >= {lower:.4g} ({LEVEL:.6f} confidence) against {other} = {bound:.4g}"
    if lower > bound:
        return Verdict(Grade.REFUTED, f"{name} exceeds {other}", evidence, SAMPLED_TRUSTS)
    return Verdict(Grade.CONSISTENT, evidence, None, SAMPLED_TRUSTS)


def interval(name: str, values: Float, errors: Float, stated: float) -> Verdict:
    """Check that the confidence interval of the fitted exponent contains the stated one."""
    found, error = slope(WIDTHS, values, errors)
    half = QUANTILE * error
    evidence = f"{name} ~ n^({found:.3f} +- {half:.3f}), stated n^{stated:g}"
    if half >= 0.25:
        return Verdict(Grade.VACUOUS, f"{evidence}: cannot tell -1/2 from -1", None, SAMPLED_TRUSTS)
    if abs(found - stated) > half:
        return Verdict(Grade.REFUTED, evidence, evidence, SAMPLED_TRUSTS)
    return Verdict(Grade.CONSISTENT, evidence, None, SAMPLED_TRUSTS)


@claim(
    "B2",
    statement=r"$W_2(f[X],G[X])\le\sqrt{n_L}\sum_l\frac{c_w\sqrt{V_l/\lambda_+}}{\sqrt{n_l}}"
    r"\prod_{j>l}\mathrm{Lip}(\sigma_j)\sqrt{c_w}$: lower confidence limits of $W_2$ and of B6(ii) stay below it for "
    r"1, 2, 3 hidden layers; B6(ii) falls as $n^{-1/2}$, a lower bound on $W_2$ as $n^{-1}$.",
    source=f"{SOURCE}, B2 with B3, B4, against B6(ii); protocol B80; asymmetric-kernels.md, T46",
    hypotheses=(
        r"hardtanh, $s_w=1.2$, $s_b=.3$, Gaussian weights, two inputs of unequal norms",
        "equal widths 32, 64, 128, 256; 6000 draws a width; family-wise false alarm 1e-4 over 42 tests",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed: sampled(-0.5, seed),
)
def explicit_basteri_trevisan(seed: int) -> Verdict:
    """Sampled covariances, binarized-network surrogate as activation."""
    return sampled(0.0, seed)
