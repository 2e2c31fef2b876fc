"""Population gradients of straight-through estimators: Yin et al. and any other (asymmetric-kernels.md, T56-T58)."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import sympy as sp
from numpy.typing import NDArray

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.identity import identity
from proofs_check.methods.statistics import Comparison, z_tests
from proofs_check.verdict import Grade, Verdict, every
from theory.activations import Activation
from theory.arithmetic import Phi, phi
from theory.estimate import Estimate
from theory.gaussian import expectation

Float = NDArray[np.float64]

SOURCE = "asymmetric-kernels.md, section 8"
# cot(theta) and |w|; then |v|^2, v.v*, |v*|^2, 1.v, 1.v* and the number m of neurons.
c, z = sp.symbols("c z", real=True)
w, k = sp.symbols("w k", positive=True)
vv, vs, ss, one_v, one_s, m = sp.symbols("vv vs ss one_v one_s m", real=True)
BOX = {
    c: (-3, 3), z: (-2, 2), w: (0, 3), k: (0, 2), vv: (0, 3), vs: (-2, 2), ss: (0, 3),
    one_v: (-2, 2), one_s: (-2, 2), m: (2, 9),
}  # fmt: skip
SINE = 1 / sp.sqrt(1 + c**2)
COSINE = c * SINE
ROOT = sp.sqrt(2 * sp.pi)


def proved(left: sp.Expr, right: sp.Expr) -> Verdict:
    """Prove an identity on the box of its symbols."""
    free = left.free_symbols | right.free_symbols
    return identity(left, right, on=Domain({s: ends for s, ends in BOX.items() if s in free}))


def at_correlation(f: Activation, rho: sp.Symbol) -> sp.Expr:
    """E f(u) f(v) of standard normals with correlation ``rho``, as the library derives it."""
    derived = expectation(f, f).expr
    units = {"p": sp.S.One, "q": sp.S.One, "c": rho}
    return derived.subs({symbol: units[symbol.name] for symbol in derived.free_symbols})


class Moments(NamedTuple):
    """M0 = E z tau, M1 = E z tau 1{z > 0}, C1 = E z tau Phi(c z), C2 = E tau phi(c z), tau at |w| z, z ~ N(0, 1)."""

    m0: sp.Expr
    m1: sp.Expr
    c1: sp.Expr
    c2: sp.Expr


def primitives(rate: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """Primitives in z of z e phi(z), z e Phi(c z) phi(z) and e phi(c z) phi(z), e = exp(-rate z^2)."""
    damped, wide, spread = phi(z) * sp.exp(-rate * z**2), 1 + 2 * rate, 1 + c**2 + 2 * rate
    along = Phi(z * sp.sqrt(spread)) / (ROOT * sp.sqrt(spread))
    return -damped / wide, (-damped * Phi(c * z) + c * along) / wide, along


def between(rate: sp.Expr, low: sp.Expr, high: sp.Expr) -> Moments:
    """Moments of tau = exp(-rate z^2) on (low, high), from the primitives at the ends; infinite ends are allowed."""
    first, second, third = primitives(rate)
    spread = 1 + c**2 + 2 * rate
    top = 1 / (ROOT * sp.sqrt(spread))

    def at(end: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
        if end.is_infinite:
            mass = top if end > 0 else sp.S.Zero
            return sp.S.Zero, c * mass / (1 + 2 * rate), mass
        return first.subs(z, end), second.subs(z, end), third.subs(z, end)

    ends = [
        upper - lower
        for upper, lower in zip(at(sp.sympify(high)), at(sp.sympify(low)), strict=True)
    ]
    positive = at(sp.sympify(high))[0] - at(sp.S.Zero)[0]
    return Moments(ends[0], positive, ends[1], ends[2])


ESTIMATORS: Mapping[str, Moments] = MappingProxyType(
    {
        "identity": between(sp.S.Zero, -sp.oo, sp.oo),
        "ReLU": between(sp.S.Zero, sp.S.Zero, sp.oo),
        "clipped ReLU": between(sp.S.Zero, sp.S.Zero, 1 / w),
        "hardtanh": between(sp.S.Zero, -1 / w, 1 / w),
        "Gaussian": between(k**2 * w**2, -sp.oo, sp.oo),
    }
)


def mean_gradient(moments: Moments) -> tuple[sp.Expr, sp.Expr]:
    """Components of E g along e and along t, as T57 states them."""
    m0, m1, c1, c2 = moments
    own = vv * (m1 - m0 / 2) + (one_v**2 - one_v * one_s + vs) * m0 / 2
    return own - vs * c1, -vs * c2


# ------------------------------------------------------------------- T57: any estimator


def printed(factor: sp.Expr) -> dict[str, sp.Expr]:
    """C2 of every estimator as printed; ``factor`` multiplies the argument of the error function."""
    clipped = SINE / (2 * ROOT) * sp.erf(factor / (sp.sqrt(2) * w * SINE))
    return {
        "identity": SINE / ROOT,
        "ReLU": SINE / (2 * ROOT),
        "clipped ReLU": clipped,
        "hardtanh": 2 * clipped,
        "Gaussian": 1 / (ROOT * sp.sqrt(1 + c**2 + 2 * k**2 * w**2)),
    }


def _t57(factor: sp.Expr) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        for name, rate in (("sharp", sp.S.Zero), ("Gaussian", k**2 * w**2)):
            damped = phi(z) * sp.exp(-rate * z**2)
            integrands = z * damped, z * damped * Phi(c * z), damped * phi(c * z)
            for place, pair in enumerate(zip(primitives(rate), integrands, strict=True), start=1):
                yield f"{name}, primitive {place}", proved(sp.diff(pair[0], z), pair[1])
        for name, stated in printed(factor).items():
            yield f"C2, {name}", proved(ESTIMATORS[name].c2, stated)
            along = mean_gradient(ESTIMATORS[name])[1]
            slope = -vs / (2 * sp.pi * w)  # of f, along t
            yield f"correlation, {name}", proved(along * slope, vs**2 * stated / (2 * sp.pi * w))

    return every(parts())


@claim(
    "T57",
    statement=r"$y=v^{\mathsf T}\sigma(Zw)$, $\sigma=1\{x>0\}$: $E g=[|v|^2(M_1-M_0/2)+((1^{\mathsf T}v)^2"
    r"-(1^{\mathsf T}v)(1^{\mathsf T}v^*)+v\cdot v^*)M_0/2]e-(v\cdot v^*)(C_1e+C_2t)$ and "
    r"$\langle Eg,\partial_wf\rangle=(v\cdot v^*)^2C_2/(2\pi|w|)$; $C_2=\sin\theta/\sqrt{2\pi}$ for the identity, "
    r"half of it for ReLU, $\frac{\sin\theta}{2\sqrt{2\pi}}\mathrm{erf}\frac1{\sqrt2|w|\sin\theta}$ for the "
    r"clipped ReLU, twice that for hardtanh, $(2\pi)^{-1/2}(1+\cot^2\theta+2k^2|w|^2)^{-1/2}$ for $e^{-k^2x^2}$.",
    source=f"{SOURCE}, T57",
    hypotheses=(
        r"the form of $Eg$ by conditioning on $z=Z_ie$: $P(s>-cz)=\Phi(cz)$ and $E[s1\{s>-cz\}]=\varphi(cz)$, "
        r"$c=\cot\theta$; T57.sampled checks it whole",
        "moments by primitives, which differentiation proves",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _t57(sp.Rational(101, 100)),
)
def correlation_of_any_estimator() -> Verdict:
    """Differentiate the primitives, and put in the ends; the mutant's clip is at 1.01."""
    return _t57(sp.S.One)


V, STAR = np.array([0.8, -0.5, 1.3]), np.array([-0.4, 0.9, 1.1])
LENGTH, ANGLE, DRAWS = 0.7, 1.1, 400_000
SLOPES: Mapping[str, Callable[[Float], Float]] = MappingProxyType(
    {
        "identity": lambda u: np.ones_like(u),
        "ReLU": lambda u: np.where(u > 0, 1.0, 0.0),
        "clipped ReLU": lambda u: np.where((u > 0) & (u < 1), 1.0, 0.0),
        "hardtanh": lambda u: np.where(np.abs(u) < 1, 1.0, 0.0),
        "Gaussian": lambda u: np.asarray(np.exp(-0.81 * u**2)),
    }
)


def _sampled(sign: float, seed: int) -> Verdict:
    random = np.random.Generator(np.random.Philox(key=seed))
    along, across = random.standard_normal((2, DRAWS, 3))
    teacher = np.cos(ANGLE) * along + np.sin(ANGLE) * across > 0
    residual = (along > 0) @ V - teacher @ STAR
    values = {
        c: 1 / np.tan(ANGLE), w: LENGTH, k: 0.9, vv: V @ V, vs: V @ STAR, one_v: V.sum(),
        one_s: STAR.sum(),
    }  # fmt: skip
    comparisons = []
    for name, slope in SLOPES.items():
        weights = residual[:, None] * V * slope(LENGTH * along)
        pair = np.stack([(weights * along).sum(axis=1), (weights * across).sum(axis=1)], axis=1)
        stated = [float(part.subs(values).evalf()) for part in mean_gradient(ESTIMATORS[name])]
        exact = np.array([stated[0], sign * stated[1]])
        comparisons.append(Comparison(name, Estimate.of_mean(pair), exact))
    return z_tests(comparisons, false_alarm=1e-6, must_see=0.3)


@claim(
    "T57.sampled",
    statement=r"$E g$ of T57, with its moments in closed form, is the mean of $g=(v^{\mathsf T}\sigma(Zw)"
    r"-v^{*\mathsf T}\sigma(Zw^*))\sum_iv_i\tau(Z_i\cdot w)Z_i$.",
    source=f"{SOURCE}, T57",
    hypotheses=(
        r"three neurons, $|w|=0.7$, $\theta=1.1$, $k=0.9$; identity, ReLU, clipped ReLU, hardtanh, Gaussian; "
        "400000 draws, components along $e$ and $t$",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _sampled(-1.0, seed),
)
def sampled_gradients(seed: int = 0) -> Verdict:
    """Average the straight-through gradient; the mutant turns its component along t."""
    return _sampled(1.0, seed)


# ------------------------------------------------------------------- T56: Yin et al.


def _t56(share: sp.Expr) -> Verdict:
    """``share``: what multiplies 1 - 2 theta/pi in the loss; 1 as printed."""
    theta, rho = sp.acos(sp.Symbol("rho", real=True)), sp.Symbol("rho", real=True)
    on_rho = Domain({rho: (-1, 1)})

    def parts() -> Iterator[tuple[str, Verdict]]:
        both = at_correlation(th.heaviside(), rho)
        yield (
            "L1, E step step",
            identity(both, (share * (1 - 2 * theta / sp.pi) + 1) / 4, on=on_rho),
        )
        relu, same = mean_gradient(ESTIMATORS["ReLU"]), mean_gradient(ESTIMATORS["identity"])
        h = vv + one_v**2 - one_v * one_s + vs
        yield "L4, along e", proved(relu[0], h / (2 * ROOT) - vs / (2 * ROOT) * (1 + COSINE))
        yield "L4, along t", proved(relu[1], -vs / (2 * ROOT) * SINE)
        slope = -vs / (2 * sp.pi * w)
        yield (
            "L5",
            proved(relu[1] * slope, SINE * vs**2 / (2 * (2 * sp.pi) ** sp.Rational(3, 2) * w)),
        )
        yield "L7, along e", proved(same[0], (vv - vs * COSINE) / ROOT)
        yield "L7, along t", proved(same[1], -vs * SINE / ROOT)
        yield "L8", proved(same[1] * slope, SINE * vs**2 / ((2 * sp.pi) ** sp.Rational(3, 2) * w))
        yield from _stationary()

    return every(parts())


def _stationary() -> Iterator[tuple[str, Verdict]]:
    """Stationary points v = alpha v* + beta 1: B v = (kappa I + 1 1^T) v*, B = I + 1 1^T, kappa = 1 - 2 theta/pi."""
    for name, kappa in (
        ("saddle", -(one_s**2) / ((m + 1) * ss - one_s**2)),
        ("minimum", -sp.S.One),
    ):
        alpha, beta = kappa, one_s * (1 - kappa) / (m + 1)
        yield f"{name}, B v", proved(beta + alpha * one_s + beta * m, one_s)
        inner, square = (
            alpha * ss + beta * one_s,
            alpha**2 * ss + 2 * alpha * beta * one_s + beta**2 * m,
        )
        if name == "saddle":
            angle = sp.pi / 2 * (m + 1) * ss / ((m + 1) * ss - one_s**2)
            yield "saddle, v.v* = 0", proved(inner, sp.S.Zero)
            yield "saddle, theta", proved(1 - 2 * angle / sp.pi, kappa)
        else:
            # Here w* = -e, and the identity's mean gradient is (|v|^2 + v.v*) e over the root of 2 pi.
            stated = 2 * (m - 1) * one_s**2 / (ROOT * (m + 1) ** 2)
            yield "minimum, identity", proved((square + inner) / ROOT, stated)


@claim(
    "T56",
    statement=r"Yin et al. 2019: $f=\frac18[v^{\mathsf T}Bv-2v^{\mathsf T}((1-2\theta/\pi)I+11^{\mathsf T})v^*"
    r"+v^{*\mathsf T}Bv^*]$, $B=I+11^{\mathsf T}$; its saddles and its spurious minimum at $\theta=\pi$; for the "
    r"ReLU estimator $Eg=\frac h{2\sqrt{2\pi}}e-\frac{v\cdot v^*}{2\sqrt{2\pi}}(e+w^*)$ with "
    r"$\langle Eg,\partial_wf\rangle=\frac{\sin\theta\,(v\cdot v^*)^2}{2(2\pi)^{3/2}|w|}$; for the identity "
    r"$Eg=(|v|^2e-(v\cdot v^*)w^*)/\sqrt{2\pi}$, which at the spurious minimum is "
    r"$\frac{2(m-1)(1^{\mathsf T}v^*)^2}{\sqrt{2\pi}(m+1)^2}e\ne0$.",
    source=f"{SOURCE}, T56; Yin et al., ICLR 2019, lemmas 1, 4, 5, 7, 8",
    hypotheses=(
        r"$\partial_wf=-\frac{v\cdot v^*}{2\pi|w|}t$, from $\partial_w\theta=-t/|w|$; $w^*=e\cos\theta+t\sin\theta$",
        r"off the diagonal $E\sigma_i\sigma_j=\frac14$ by independence",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _t56(sp.Rational(99, 100)),
)
def yin_et_al() -> Verdict:
    """Each lemma from the moments of T57; the mutant's loss has 0.99 of the angle."""
    return _t56(sp.S.One)


# ------------------------------------------------------------------- T58: signs


def _t58(factor: sp.Expr) -> Verdict:
    rho = sp.Symbol("rho", real=True)

    def parts() -> Iterator[tuple[str, Verdict]]:
        both = at_correlation(th.sign(), rho)
        stated = 1 - 2 * sp.acos(rho) / sp.pi
        yield "E sgn sgn", identity(both, stated, on=Domain({rho: (-1, 1)}))
        # f depends on w through theta alone: along t its slope is that in theta over -|w|.
        theta = sp.Symbol("theta", positive=True)
        loss = (vv + ss) / 2 - (1 - 2 * theta / sp.pi) * vs
        slope = -sp.diff(loss, theta) / w
        yield "slope", proved(slope, -2 * vs / (sp.pi * w))
        for name, moments in ESTIMATORS.items():
            # sgn = 2 step - 1, and s tau has mean 0.
            along = -vs * 2 * moments.c2
            yield (
                name,
                proved(along * slope, factor / (sp.pi * w) * vs**2 * printed(sp.S.One)[name]),
            )

    return every(parts())


@claim(
    "T58",
    statement=r"$\sigma=\mathrm{sgn}$: $f=(|v|^2+|v^*|^2)/2-(1-2\theta/\pi)v\cdot v^*$, $\partial_wf=-\frac2{\pi|w|}"
    r"(v\cdot v^*)t$ and $\langle Eg,\partial_wf\rangle=\frac4{\pi|w|}(v\cdot v^*)^2C_2$.",
    source=f"{SOURCE}, T58",
    hypotheses=(r"$C_2$ of T57, for its five estimators",),
    aims_at=Grade.PROVED,
    mutant=lambda: _t58(sp.Integer(2)),
)
def sign_networks_have_no_coupling() -> Verdict:
    """The same with signs for steps; the mutant keeps the factor 2 of the slope alone."""
    return _t58(sp.Integer(4))
