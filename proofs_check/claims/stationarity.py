"""Where surrogate-gradient training stands still (asymmetric-kernels.md, T39)."""

from collections.abc import Callable, Iterator

import sympy as sp

from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.identity import identity
from proofs_check.verdict import Grade, Verdict, every
from theory.arithmetic import Phi, phi

SECTION = "asymmetric-kernels.md, section 5"
Function = Callable[[sp.Expr], sp.Expr]

w, v = sp.symbols("w v", real=True)
X0, X1, Y0, Y1 = sp.symbols("x0 x1 y0 y1", real=True)
k = sp.symbols("k", positive=True)
a1, a2, a3, b0, b1, b2 = sp.symbols("a1 a2 a3 b0 b1 b2", real=True)
BOX = {
    w: (-2, 2), v: (-2, 2), X0: (-2, 2), X1: (-2, 2), Y0: (-2, 2), Y1: (-2, 2), k: (0, 2),
    a1: (-1, 1), a2: (-1, 1), a3: (-1, 1), b0: (-1, 1), b1: (-1, 1), b2: (-1, 1),
}  # fmt: skip
# sigma and tau: any cubic that vanishes at 0 with any quadratic, and a step of Phi with a bump of any width.
FUNCTIONS: dict[str, tuple[Function, Function]] = {
    "cubic and quadratic": (
        lambda u: a1 * u + a2 * u**2 + a3 * u**3,
        lambda u: b0 + b1 * u + b2 * u**2,
    ),
    "Phi and a bump": (Phi, lambda u: phi(k * u)),
}


def shown(left: sp.Expr, right: sp.Expr) -> Verdict:
    """Prove an identity on the box of its symbols."""
    free = left.free_symbols | right.free_symbols
    return identity(left, right, on=Domain({s: ends for s, ends in BOX.items() if s in free}))


def derivative(sigma: Function) -> Function:
    """Return the derivative of a function of one variable."""
    u = sp.Dummy("u", real=True)
    slope = sp.diff(sigma(u), u)
    return lambda at: slope.subs(u, at)


def jacobian(sigma: Function, slope: Function) -> sp.Matrix:
    """Return the quasi-Jacobian of v sigma(w x) at two samples, with ``slope`` for the derivative of sigma."""
    return sp.Matrix([[v * at * slope(w * at), sigma(w * at)] for at in (X0, X1)])


def _stationary(true: bool) -> Verdict:
    """Compare the squared length of the surrogate gradient with a quadratic form of the residual."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        for name, (sigma, tau) in FUNCTIONS.items():
            surrogate = jacobian(sigma, tau)
            rows = jacobian(sigma, derivative(sigma)) if true else surrogate
            residual = sp.Matrix([v * sigma(w * X0) - Y0, v * sigma(w * X1) - Y1])
            step = surrogate.T * residual
            form = residual.T * rows * surrogate.T * residual
            yield name, shown((step.T * step)[0, 0], form[0, 0])

    return every(parts())


@claim(
    "T39",
    statement=r"Surrogate-gradient training stands still where $\tilde J^{\mathsf T}r=0$, and "
    r"$|\tilde J^{\mathsf T}r|^2=r^{\mathsf T}K_{ss}r$: if $K_{ss}(X,X)$ is invertible, only at $r=0$.",
    source=f"{SECTION}, T39",
    hypotheses=(
        r"the identity, for one neuron $v\sigma(wx)$ and two samples; $\sigma$ any cubic with $\sigma(0)=0$ and $\tau$ "
        r"any quadratic, or $\sigma=\Phi$ and $\tau=\varphi(k\cdot)$",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _stationary(True),
)
def training_stands_still_at_zero_residuals() -> Verdict:
    """The identity; the mutant has the kernel of the outputs, true-surrogate, in its place."""
    return _stationary(False)
