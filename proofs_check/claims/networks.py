"""Tangent kernels of finite networks: exact moments, and the recursions they scatter about (asymmetric-kernels.md)."""

from collections.abc import Iterator
from math import comb, erf, sqrt
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.methods.domain import Domain
from proofs_check.methods.identity import identity
from proofs_check.methods.statistics import Comparison, chi_square, z_tests
from proofs_check.verdict import Grade, Verdict, every
from theory.activations import Activation
from theory.estimate import Estimate
from theory.gaussian import expectation
from theory.kernels import Architecture, WeightLaw, binarized, gaussian
from theory.networks import Ensemble, sample_networks

Float = NDArray[np.float64]
Pair = tuple[str, str]

SOURCE = "asymmetric-kernels.md"
TRUE, SURROGATE = ("true", "surrogate"), ("surrogate", "surrogate")
SIGMA, TAU = th.hardtanh("1/2"), th.hardtanh(1)
# Unequal norms: the kernels are not symmetric. No entry of a kernel is near 0: errors are relative.
X = np.array([[1.0, 0.5, -0.3], [1.2, -0.4, -1.4]])


def mean_product(f: Activation, g: Activation, covariance: Float) -> Float:
    """Return the matrix of E f(u_a) g(u_b), u ~ N(0, covariance)."""
    variances = np.diag(covariance)
    p, q = np.broadcast_arrays(variances[:, None], variances[None, :])
    return np.asarray(expectation(f, g).float64(p, q, covariance))


def architecture(hidden: int, weights: Any) -> Architecture:
    """Return hardtanh(1/2) trained as hardtanh(1), s_w = 1.2 and s_b = 0.3."""
    return Architecture(hidden, SIGMA, TAU, weight_std=1.2, bias_std=0.3, weights=weights)


def sampled(arch: Architecture, pair: Pair, width: int, draws: int, seed: int) -> Ensemble:
    """Return networks drawn weight by weight."""
    options = {"method": "weights", "threads": 1, "jacobians": (pair,)}
    return sample_networks(arch, X, width, draws, seed, **options)  # type: ignore[arg-type]


# ------------------------------------------------------------------- T11: binarized weights


def _constants(two: sp.Expr) -> Verdict:
    """Compare m and v as the engine derives them with the printed constants; ``two`` is that of sqrt(2/pi)."""
    none = Domain({})

    def parts() -> Iterator[tuple[str, Verdict]]:
        for tau in (
            TAU.derivative,
            th.hardtanh("1/3").derivative,
            th.triangle(2),
            th.erf(2).derivative,
        ):
            m = sp.sqrt(two / sp.pi) * tau.at_zero
            yield (
                f"m, sign with {tau}",
                identity(latent_mean(th.sign().derivative, tau), m, on=none),
            )
        square = latent_mean(th.sign(), th.sign())
        yield "v, sign", identity(square, sp.S.One, on=none)
        for a in (sp.Rational(1, 2), sp.Integer(2)):
            phi = sp.exp(-(a**2) / 2) / sp.sqrt(2 * sp.pi)
            inside = sp.erf(a / sp.sqrt(2))
            v = (inside - 2 * a * phi) / a**2 + 1 - inside
            yield f"v, h_{a}", identity(latent_mean(th.hardtanh(a), th.hardtanh(a)), v, on=none)

    return every(parts())


def latent_mean(f: Activation, g: Activation) -> sp.Expr:
    """Return E f(W) g(W) for one standard normal latent weight."""
    derived = expectation(f, g).on_line(1)
    return derived.subs(dict.fromkeys(derived.free_symbols, 1))


@claim(
    "T11.constants",
    statement=r"Constants of weight binarization, $v=E[\omega(W)^2]$ and $m=E[\omega'(W)\tau_w(W)]$: for $\omega="
    r"\mathrm{sgn}$, $v=1$ and $m=\sqrt{2/\pi}\,\tau_w(0)$; for $\omega=h_a$, $v=E[h_a(W)^2]$ as in T19.",
    source=f"{SOURCE}, section 2, T11",
    hypotheses=(
        r"$\tau_w=h_1',h_{1/3}'$, triangle(2), $\mathrm{erf}(2x)'$; $a=1/2,2$; $m$ of hardtanh is part of T12",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _constants(sp.Rational(201, 100)),
)
def constants_of_weight_binarization() -> Verdict:
    """Derive the constants from the atoms of the weight maps; the mutant has 2.01 for 2."""
    return _constants(sp.Integer(2))


def binarized_kernel(arch: Architecture, pair: Pair, swap: bool) -> Float:
    """Return the recursion as printed, from expectations alone; ``swap`` exchanges m and v."""
    covariance = gram = X @ X.T / X.shape[1]
    theta = np.zeros_like(gram)
    slope = np.zeros_like(gram)
    for place, law in enumerate(arch.weight_laws):
        v, m = law.variance, law.jacobian_moment(pair)
        if swap:
            v, m = m, v
        s2, b2 = arch.weight_stds[place] ** 2, arch.bias_stds[place] ** 2
        if place:
            layer = arch.layers[place - 1]
            gram = mean_product(layer.activation, layer.activation, covariance)
            rows, columns = (layer.derivative(side) for side in pair)
            slope = mean_product(rows, columns, covariance)
        theta = s2 * m * gram + b2 + theta * s2 * v * slope
        covariance = s2 * v * gram + b2
    return np.asarray(theta)


T11_LAWS: tuple[tuple[WeightLaw, Pair], ...] = (
    (binarized(th.hardtanh("1/2"), th.hardtanh(1)), TRUE),
    (binarized(th.sign(), th.hardtanh(1)), SURROGATE),
)


def _t11(swap: bool, seed: int) -> Verdict:
    comparisons = []
    for law, pair in T11_LAWS:
        for hidden in (0, 1, 2):
            arch = architecture(hidden, [gaussian(), *[law] * hidden] if hidden else law)
            if hidden < 2:
                mean = sampled(arch, pair, 24, 30_000, seed).mean_ntk()
            else:
                # The bias is c/n + O(n^-2): two widths remove c, and what is left is below 1e-3.
                narrow = sampled(arch, pair, 64, 2_000, seed).mean_ntk()
                wide = sampled(arch, pair, 128, 2_000, seed + 1).mean_ntk()
                mean = 2.0 * wide + -1.0 * narrow
            exact = binarized_kernel(arch, pair, swap)
            comparisons.append(Comparison(f"{law}, L = {hidden}, Theta", mean, exact))
    return z_tests(comparisons, false_alarm=1e-6, must_see=0.1)


@claim(
    "T11",
    statement=r"Weight binarization, latent $W\sim N(0,1)$, effective $\omega(W)$: $\Sigma^{l+1}=s_w^2v\,E[\sigma"
    r"\sigma]+s_b^2$, $\Theta^{l+1}=s_w^2m\,E[\sigma\sigma]+s_b^2+\Theta^l\,s_w^2v\,E[\sigma'\tau]$, "
    r"$\Theta^1=s_w^2m\langle x,x'\rangle/d+s_b^2$ is the limit of the mean empirical kernel of binarized networks.",
    source=f"{SOURCE}, section 2, T11",
    hypotheses=(
        "L = 0, and L = 1, 2 with a real Gaussian first layer (T11 asks for it, or for d to infinity)",
        "exact in mean for L = 0, 1 at width 24; L = 2 extrapolated from widths 64 and 128",
        "weights (h_1/2, h_1) with the pair (true, surrogate), (sgn, h_1) with (surrogate, surrogate): the true "
        "derivative of sgn is a distribution, whose m is T11.constants",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _t11(True, seed),
)
def binarized_networks_follow_the_recursion(seed: int = 0) -> Verdict:
    """Compare mean kernels of sampled networks with the printed recursion."""
    return _t11(False, seed)


def _t11_values(swap: bool) -> Verdict:
    def library(law: int, pair: Pair, hidden: int, row: int, column: int) -> float:
        arch = architecture(hidden, T11_LAWS[law][0])
        kernel = th.ntk(arch, X, jacobians=pair, first_layer="gaussian")
        return float(kernel[row, column])

    def printed(law: int, pair: Pair, hidden: int, row: int, column: int) -> float:
        arch = architecture(hidden, T11_LAWS[law][0])
        return float(binarized_kernel(arch, pair, swap)[row, column])

    points = [
        {"law": law, "pair": pair, "hidden": hidden, "row": row, "column": column}
        for law in range(len(T11_LAWS))
        for pair in (TRUE, SURROGATE)
        for hidden in (0, 1, 2)
        for row, column in ((0, 1), (1, 0), (1, 1))
    ]
    # Expectations are good to 2e-13 each; two layers leave 11 digits.
    return agree({"th.ntk": library, "as printed": printed}, points, digits=11)


@claim(
    "T11.values",
    statement=r"The tangent kernel that the library computes for binarized weights is the recursion of T11: $m$ on "
    r"every weight block, $v$ on every propagation.",
    source=f"{SOURCE}, section 2, T11",
    hypotheses=(
        r"$(h_{1/2},h_1)$ and $(\mathrm{sgn},h_1)$ weights, L = 0, 1, 2, pairs (true, surrogate) and (surrogate,"
        " surrogate), both orders of two inputs of unequal norms; the expectations themselves are shared",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: _t11_values(True),
)
def library_kernel_of_binarized_weights() -> Verdict:
    """Compare entries of ``th.ntk`` with the printed recursion."""
    return _t11_values(False)


# ------------------------------------------------------------------- T12: the binomial, sampled


def _t12(least: float, seed: int) -> Verdict:
    d, draws, a, b = 24, 40_000, 0.5, 1.0
    arch = Architecture(0, weights=binarized(th.hardtanh("1/2"), th.hardtanh(1)))
    options = {"method": "weights", "threads": 1, "jacobians": (TRUE,)}
    run = sample_networks(arch, np.ones((1, d)), 1, draws, seed, **options)  # type: ignore[arg-type]
    successes = np.rint(run.ntk[:, 0, 0] * a * b * d).astype(np.int64)
    p = erf(least / sqrt(2))
    law = [comb(d, k) * p**k * (1 - p) ** (d - k) for k in range(d + 1)]
    counts = np.bincount(successes, minlength=d + 1)
    return chi_square(counts, law, false_alarm=1e-6, must_see=0.05)


@claim(
    "T12.sampled",
    statement=r"The kernel of a weight-binarized network with no hidden layer at $x=x'=(1,\dots,1)$, $\omega=h_{1/2}$, "
    r"$\tau_w=h_1'$, sampled from its weights, is $\frac{1}{ab\,d}$ times a Binomial$(d,\mathrm{erf}(\min(a,b)/"
    r"\sqrt2))$.",
    source=f"{SOURCE}, section 2, T12",
    hypotheses=("d = 24; has to see an effect of 0.05",),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _t12(0.53, seed),
)
def sampled_kernel_is_binomial(seed: int = 0) -> Verdict:
    """Test the fit of sampled kernels; the mutant moves min(a, b) from 0.5 to 0.53."""
    return _t12(0.5, seed)


# ------------------------------------------------------------------- T43: one hidden layer


def _t43(fourth: sp.Expr) -> Verdict:
    """Expand the variance of one neuron's term, gg + v^2 kk Sigma, in moments of (gg, kk)."""
    g, k, v, s = sp.symbols("g k v Sigma", real=True)
    means = sp.symbols("Eg Eg2 Ek Ek2 Egk", real=True)
    eg, eg2, ek, ek2, egk = means
    tables: dict[tuple[int, int], sp.Expr] = {
        (0, 0): sp.S.One,
        (1, 0): eg,
        (2, 0): eg2,
        (0, 1): ek,
        (0, 2): ek2,
        (1, 1): egk,
    }
    normal = {0: 1, 2: 1, 4: 3}

    def mean(polynomial: sp.Expr) -> sp.Expr:
        terms = sp.Poly(polynomial, g, k, v).terms()
        return sp.Add(*(c * tables[powers[:2]] * normal[powers[2]] for powers, c in terms))

    term = g + v**2 * k * s
    variance = mean(sp.expand(term**2)) - mean(term) ** 2
    stated = (eg2 - eg**2) + s**2 * (fourth * ek2 - ek**2) + 2 * s * (egk - eg * ek)
    domain = Domain(dict.fromkeys((*means, s), (-2, 2)))
    return every(
        (
            ("mean", identity(mean(term), eg + s * ek, on=domain)),
            ("variance", identity(variance, stated, on=domain)),
        )
    )


T43_FORMULA = (
    r"$E[\Theta_n]=\Theta$ exactly for all $n$; $n\,\mathrm{Var}\,\Theta_n(x,x')=s_w^4\{\mathrm{Var}(gg)+(\Sigma^1)^2"
    r"(3E[kk^2]-E[kk]^2)+2\Sigma^1\mathrm{Cov}(gg,kk)\}$, $gg=\sigma(u)\sigma(v)$, $kk=\sigma'(u)\tau(v)$"
)


@claim(
    "T43",
    statement=f"One hidden layer: {T43_FORMULA}.",
    source=f"{SOURCE}, section 6, T43",
    hypotheses=(
        r"$\Theta_n=s_b^2+\frac{s_w^2}n\sum_j(gg_j+v_j^2kk_j\Sigma^1)$ with iid neurons and readout weights $v_j\sim"
        r" N(0,1)$ independent of them, by the chain rule",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _t43(sp.Rational(303, 100)),
)
def mean_and_variance_of_one_hidden_layer() -> Verdict:
    """Expand mean and variance in the moments of one neuron, all kept as symbols."""
    return _t43(sp.Integer(3))


def stated_variance(covariance: Float) -> Float:
    """Return n Var Theta_n from the closed forms of its pieces, s_w = 1.2."""
    slope, tau = SIGMA.derivative, TAU.derivative
    gg = mean_product(SIGMA, SIGMA, covariance)
    kk = mean_product(slope, tau, covariance)
    gg2 = mean_product(SIGMA * SIGMA, SIGMA * SIGMA, covariance)
    kk2 = mean_product(slope * slope, tau * tau, covariance)
    cross = mean_product(SIGMA * slope, SIGMA * tau, covariance)
    spread = covariance**2 * (3 * kk2 - kk**2)
    return np.asarray(1.2**4 * (gg2 - gg**2 + spread + 2 * covariance * (cross - gg * kk)))


def _t43_sampled(factor: float, seed: int) -> Verdict:
    n, arch = 6, architecture(1, gaussian())
    kernels = sampled(arch, TRUE, n, 150_000, seed).ntk
    first = 1.2**2 * X @ X.T / X.shape[1] + 0.3**2
    gram = mean_product(SIGMA, SIGMA, first)
    slope = mean_product(SIGMA.derivative, TAU.derivative, first)
    exact = 1.2**2 * gram + 0.3**2 + first * 1.2**2 * slope
    squares = Estimate.of_mean(n * (kernels - exact) ** 2)
    comparisons = [
        Comparison("mean", Estimate.of_mean(kernels), exact),
        Comparison("n Var", squares, factor * stated_variance(first)),
    ]
    return z_tests(comparisons, false_alarm=1e-6, must_see=0.1)


@claim(
    "T43.sampled",
    statement=f"One hidden layer of width 6, hardtanh(1/2) trained as hardtanh(1), networks sampled weight by weight: "
    f"{T43_FORMULA}, with the pieces in closed form.",
    source=f"{SOURCE}, section 6, T43",
    hypotheses=(r"two inputs of unequal norms, all four entries; $s_w=1.2$, $s_b=0.3$",),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _t43_sampled(1.1, seed),
)
def sampled_mean_and_variance(seed: int = 0) -> Verdict:
    """Compare sampled moments with closed forms; the mutant's variance is 10 % too large."""
    return _t43_sampled(1.0, seed)


# ------------------------------------------------------------------- T8 (iv): asymmetry on the sphere


SPHERE = np.array([[3.0, 4.0], [-5.0, 0.0]]) / sqrt(12.5)


def _t8iv(power: int, seed: int) -> Verdict:
    """Compare n^power E[(Theta_12 - Theta_21)^2] with its value, the same at every width if power is 1."""
    arch = architecture(1, gaussian())
    first = 1.2**2 * SPHERE @ SPHERE.T / 2 + 0.3**2
    slope, tau = SIGMA.derivative, TAU.derivative
    squared = mean_product(slope * slope, tau * tau, first)[0, 1]
    crossed = mean_product(slope * tau, slope * tau, first)[0, 1]
    exact = 6 * 1.2**4 * first[0, 1] ** 2 * (squared - crossed)
    comparisons = []
    for n in (8, 16, 64):
        options = {"method": "weights", "threads": 1, "jacobians": (TRUE,)}
        run = sample_networks(arch, SPHERE, n, 40_000, seed, **options)  # type: ignore[arg-type]
        gap = run.ntk[:, 0, 1] - run.ntk[:, 1, 0]
        scaled = Estimate.of_mean((n / 16) ** (power - 1) * n * gap**2)
        comparisons.append(Comparison(f"scaled square at n = {n}", scaled, exact))
        comparisons.append(Comparison(f"mean at n = {n}", Estimate.of_mean(gap), 0.0))
    return z_tests(comparisons, false_alarm=1e-6, must_see=0.15)


@claim(
    "T8.iv",
    statement=r"At finite width the empirical $K_{ts}$ is asymmetric even on the sphere, by $O(n^{-1/2})$: with one "
    r"hidden layer $E[\Theta_{12}-\Theta_{21}]=0$ and $n\,E[(\Theta_{12}-\Theta_{21})^2]=6s_w^4(\Sigma^1)^2(E["
    r"\sigma'(u)^2\tau(v)^2]-E[\sigma'\tau(u)\,\sigma'\tau(v)])$ at every $n$.",
    source=f"{SOURCE}, section 2, T8 (iv); the constant follows from T43's representation",
    hypotheses=(
        "one hidden layer, hardtanh(1/2) trained as hardtanh(1); equal norms; n = 8, 16, 64",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _t8iv(2, seed),
)
def asymmetric_on_the_sphere_at_finite_width(seed: int = 0) -> Verdict:
    """Compare the scaled antisymmetric part with its closed form; the mutant decays as 1/n."""
    return _t8iv(1, seed)
