"""Training with a surrogate: the law of its ensembles, and the loss that it does not descend (T37, T40)."""

from collections.abc import Iterator

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

import theory as th
from proofs_check.claims.training import POINTS, TARGET, N, architecture
from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.identity import identity
from proofs_check.verdict import Grade, Verdict, every

Float = NDArray[np.float64]

SOURCE = "asymmetric-kernels.md, section 5"
TIMES = (0.3, 2.0, 10.0)
DIGITS = 1e-8

# ------------------------------------------------------------------- T37: the law of trained networks


def integrated(kernel: Float, covariance: Float, target: Float, t: float) -> tuple[Float, Float]:
    """Mean and covariance of linear outputs at time t, by a Runge-Kutta method on their own equations.

    m' = -K (m - y), C' = -K C - C K^T, with K = 0 in the columns of what is not trained.
    """
    size, many = len(kernel), len(target)
    rows = kernel.copy()
    rows[:, many:] = 0.0
    y = np.zeros(size)
    y[:many] = target

    def slope(_: float, state: Float) -> Float:
        mean, spread = state[:size], state[size:].reshape(size, size)
        turned = rows @ spread
        return np.concatenate([-rows @ (mean - y), -(turned + turned.T).ravel()])

    start = np.concatenate([np.zeros(size), covariance.ravel()])
    end = solve_ivp(slope, (0.0, t), start, method="DOP853", rtol=1e-11, atol=1e-12).y[:, -1]
    return end[:size], end[size:].reshape(size, size)


def _t37(transposed: bool) -> Verdict:
    for name in ("hardtanh", "erf", "sign"):
        arch = architecture(name)
        kernel, covariance = th.ntk(arch, POINTS), th.nngp(arch, POINTS)
        for t in TIMES:
            mean, spread = integrated(kernel.T if transposed else kernel, covariance, TARGET, t)
            law = th.dynamics.trained_process(arch, POINTS[:N], TARGET, POINTS, t)
            gap = max(np.abs(law.mean - mean).max(), np.abs(law.covariance - spread).max())
            if gap > DIGITS:
                where = f"{name}, t = {t:g}"
                return Verdict(Grade.REFUTED, f"{where}: they differ", f"{where}: by {gap:.2g}")
    evidence = f"three activations, t = {', '.join(f'{t:g}' for t in TIMES)}: within {DIGITS:g}"
    return Verdict(Grade.AGREES, evidence, None, ("SciPy's Runge-Kutta method DOP853",))


@claim(
    "T37",
    statement=r"With $f_0\sim GP(0,\Sigma)$ and $A_t(x)=\Theta(x,X)\Theta^{-1}(I-e^{-\Theta t})$ the trained ensemble "
    r"has mean $A_ty$ and covariance $\Sigma(x,x')-A_t\Sigma(X,x')-\Sigma(x,X)A_t'^{\mathsf T}"
    r"+A_t\Sigma(X,X)A_t'^{\mathsf T}$.",
    source=f"{SOURCE}, T37",
    hypotheses=(
        r"one hidden layer; $h_{1/2}$ with $h_1'$, $\mathrm{erf}(2x)$ with $\mathrm{erf}'$, sign with $h_1'$; five "
        "training inputs and two others, of unequal norms",
        r"against $m'=-K(m-y)$ and $C'=-KC-CK^{\mathsf T}$, $K=\Theta$ with columns 0 beyond the training inputs",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: _t37(transposed=True),
)
def law_of_the_trained_ensemble() -> Verdict:
    """Integrate the moment equations step by step; the mutant's kernel is transposed."""
    return _t37(transposed=False)


# ------------------------------------------------------------------- T40: no loss descends

v, w, x, y, s, slope, tau = sp.symbols("v w x y sigma sigma_1 tau", real=True)
BOX = Domain(dict.fromkeys((v, x, y, s, slope, tau), (-2, 2)))


def coarse_gradient() -> tuple[sp.Expr, sp.Expr]:
    """Components along v and w of what the surrogate makes of the gradient of (v sigma(w x) - y)^2 / 2."""
    forward, backward = sp.Function("sigma"), sp.Function("tau")
    residual = v * forward(w * x) - y
    return residual * forward(w * x), residual * v * x * backward(w * x)


def _plain(expr: sp.Expr) -> sp.Expr:
    """Write symbols for sigma(w x), sigma'(w x), tau(w x)."""
    forward, backward = sp.Function("sigma")(w * x), sp.Function("tau")(w * x)
    return expr.doit().subs(sp.diff(forward, w).doit(), x * slope).subs({forward: s, backward: tau})


def _t40(sign: int) -> Verdict:
    along_v, along_w = coarse_gradient()
    curl = _plain(sp.diff(along_v, w) - sp.diff(along_w, v))
    residual = v * s - y

    def parts() -> Iterator[tuple[str, Verdict]]:
        yield "curl", identity(curl, x * (slope - tau) * (residual + sign * v * s), on=BOX)
        yield "no curl if tau = sigma'", identity(curl.subs(tau, slope), sp.S.Zero, on=BOX)
        # Linear in y, with the slope -x (sigma' - tau): it vanishes at two targets only where tau = sigma'.
        yield "otherwise curl", identity(sp.diff(curl, y), -x * (slope - tau), on=BOX)

    return every(parts())


@claim(
    "T40",
    statement=r"One neuron $f=v\sigma(wx)$, loss $r^2/2$: the surrogate's field $g$ has curl "
    r"$\partial_wg_v-\partial_vg_w=x(\sigma'(wx)-\tau(wx))(r+v\sigma(wx))$, zero for every target iff "
    r"$\tau=\sigma'$: training with a surrogate descends no loss.",
    source=f"{SOURCE}, T40",
    hypotheses=(r"where $\sigma$ has a derivative; one sample $(x,y)$, $x\ne0$",),
    aims_at=Grade.PROVED,
    mutant=lambda: _t40(-1),
)
def surrogates_descend_no_loss() -> Verdict:
    """Differentiate the field by the chain rule; the mutant has r - v sigma."""
    return _t40(1)
