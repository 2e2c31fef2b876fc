"""SignSwish, the forward map of BNN++: not monotone, and how fast it sharpens (S9, S11)."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import sympy as sp
from flint import arb

from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.enclose import positive
from proofs_check.methods.identity import identity
from proofs_check.verdict import Grade, Verdict, every

SOURCE = "quantized-training.md, section 1"
Number = Any  # a ball at a point, a jet over a box
F = Fraction
u, z = sp.symbols("u z", real=True)
beta, q = sp.symbols("beta q", positive=True)  # q = exp(-beta u) = exp(-2 z), z = beta u/2
BOX = Domain({u: (-3, 3), beta: (0, 3), q: (0, 4)})
ON_Z = Domain({z: (-3, 3), beta: (0, 3), q: (0, 4)})
T = (1 - q) / (1 + q)  # tanh z


def swish() -> sp.Expr:
    """SS_beta(u) = 2 s (1 + beta u (1 - s)) - 1, as printed, s = 1/(1 + q)."""
    s = 1 / (1 + q)
    return 2 * s * (1 + beta * u * (1 - s)) - 1


def along(expr: sp.Expr, variable: sp.Symbol, rate: sp.Expr) -> sp.Expr:
    """Differentiate in a variable that q follows by dq = -rate q."""
    return sp.diff(expr, variable) - rate * q * sp.diff(expr, q)


def tanh(z: Number) -> Number:
    """Hyperbolic tangent by exponentials, for balls and jets, z >= 0."""
    small = (-2 * z).exp()
    return (1 - small) / (1 + small)


def sech2(z: Number) -> Number:
    """1/cosh(z)^2, z >= 0."""
    small = (-2 * z).exp()
    return 4 * small / ((1 + small) * (1 + small))


def excess(z: Number) -> Number:
    """Z tanh z - 1: its sign is that of -SS'."""
    return z * tanh(z) - 1


def slope(z: Number) -> Number:
    """SS'/beta = (1 - z tanh z)/cosh(z)^2."""
    return -excess(z) * sech2(z)


def turning(z: Number) -> Number:
    """The derivative of ``slope`` in z, times cosh(z)^2."""
    t = tanh(z)
    return 3 * z * t * t - z - 3 * t


ROOT = (F("1.19967864025"), F("1.19967864026"))
LOWEST = (F("1.71791"), F("1.71793"))


def _s9(shift: Fraction) -> Verdict:
    down = arb(shift.numerator) / arb(shift.denominator)
    # 1 + cosh(beta u) = 1 + (q + 1/q)/2
    printed = beta * (2 - beta * u * T) / (1 + (q + 1 / q) / 2)
    rate = (1 - z * T) * (1 - T**2)
    bend = (1 - T**2) * (3 * z * T**2 - z - 3 * T)

    def symbolic() -> Iterator[tuple[str, Verdict]]:
        yield "derivative as printed", identity(along(swish(), u, beta), printed, on=BOX)
        yield "in z", identity(printed.subs(u, 2 * z / beta), beta * rate, on=ON_Z)
        made = T + z * (1 - T**2)
        yield "as the library has it", identity(swish().subs(u, 2 * z / beta), made, on=ON_Z)
        yield "turning", identity(along(rate, z, sp.Integer(2)), bend, on=ON_Z)
        # At the root z = 1/tanh z, so SS = 1/z + z (1 - 1/z^2) = z: the maximum is half of x_0.
        peak = 1 / z + z * (1 - 1 / z**2)
        yield "the maximum is x_0/2", identity(peak, z, on=Domain({z: (1, 2)}))
        # An odd function that tends to 1 (S11): the mass of the slope is 2.
        mirrored = swish().subs({u: -u, q: 1 / q}, simultaneous=True)
        yield "odd", identity(mirrored, -swish(), on=BOX)
        far = sp.limit((1 + z) * sp.exp(-z), z, sp.oo)
        yield "its limit", identity(far, sp.S.Zero, on=Domain({}))

    def enclosed() -> Iterator[tuple[str, Verdict]]:
        # z tanh z - 1 rises from -1: one zero for z > 0.
        yield "no zero near 0", positive(lambda z: -excess(z), {"z": (0, F(1))})
        yield "excess rises", positive(lambda z: tanh(z) + z * sech2(z), {"z": (F(1), F(40))})
        yield "zero from below", positive(lambda z: -excess(z), {"z": ROOT[0]})
        yield "zero from above", positive(lambda z: excess(z - down), {"z": ROOT[1]})
        # The slope turns once, from falling to rising.
        yield "falls before", positive(lambda z: -turning(z), {"z": (F(1, 100), LOWEST[0])})
        yield "rises after", positive(turning, {"z": (LOWEST[1], F(40))})
        floor, ceiling = arb("0.0738288"), arb("0.0738286")
        yield "least value, below", positive(lambda z: slope(z) + floor, {"z": (F(1), F(5, 2))})
        yield "least value, above", positive(lambda z: -slope(z) - ceiling, {"z": F("1.71792")})

    return every([*symbolic(), *enclosed()])


@claim(
    "S9",
    statement=r"$\nabla\mathrm{SS}_\beta(x)=\beta(2-\beta x\tanh\frac{\beta x}2)/(1+\cosh\beta x)$ has exactly two "
    r"zeros, $\beta x=\pm x_0$, $x_0\tanh\frac{x_0}2=2$, $x_0=2.39935728\ldots$; "
    r"$\max\mathrm{SS}_\beta=x_0/2=1.19967864\ldots$ for every $\beta$; "
    r"$\min\nabla\mathrm{SS}_\beta=-0.0738287\beta$ at $\beta x\approx3.43584$; "
    r"$\int\nabla\mathrm{SS}_\beta=2$. So forward weights leave $[-1,1]$, and beyond $x_0/\beta$ gradients turn.",
    source=f"{SOURCE}, S9; the map as in the code of larq and QuantizedNetworks.jl",
    hypotheses=(
        r"on $z=\beta x/2\leq40$ by balls; beyond, $z\tanh z>2$ and $|\nabla\mathrm{SS}_\beta|<4z\beta e^{-2z}$",
        r"near $z=0$ the slope falls: its derivative is $\mathrm{sech}^2z\,(3z\tanh^2z-z-3\tanh z)$ and $\tanh z<z$",
        "that the maximum is half the root is new here",
    ),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: _s9(F(2, 10**10)),
)
def sign_swish_is_not_monotone() -> Verdict:
    """Isolate the zero and the least slope; the mutant's zero lies 2e-10 higher."""
    return _s9(F(0))


# ------------------------------------------------------------------- S11: sharpening


def _s11(constant: Fraction) -> Verdict:
    t = sp.Symbol("t", positive=True)

    def room(t: Number) -> Number:
        """[bound - |SS - 1|] e^t for SS - 1 = 2 (1 - s)(t s - 1), 1 - s = e^-t s."""
        s = 1 / (1 + (-t).exp())
        return constant.numerator * (1 + t) / constant.denominator - 2 * s * (t * s - 1)

    def other(t: Number) -> Number:
        """The same for 1 - SS."""
        s = 1 / (1 + (-t).exp())
        return constant.numerator * (1 + t) / constant.denominator + 2 * s * (t * s - 1)

    def parts() -> Iterator[tuple[str, Verdict]]:
        s = 1 / (1 + q)
        printed = 2 * s * (1 + t * (1 - s)) - 2
        box = Domain({t: (0, 4), q: (0, 1)})
        yield "form", identity(printed, 2 * q * s * (t * s - 1), on=box)
        yield "SS above 1", positive(room, {"t": (0, F(40))})
        yield "SS below 1", positive(other, {"t": (0, F(40))})
        # (1 + t) - s (t s - 1) with s in (0, 1) is at least 1 + t - max(0, t - 1) > 0 for every t.
        falls = identity(sp.diff((1 + t) * sp.exp(-t), t), -t * sp.exp(-t), on=Domain({t: (0, 4)}))
        yield "the bound falls", falls
        at_zero = swish().subs({u: 0, q: 1})
        yield "SS(0) = 0", identity(at_zero, sp.S.Zero, on=Domain({}))

    return every(parts())


@claim(
    "S11",
    statement=r"For $x>0$: $|\mathrm{SS}_\beta(x)-1|\leq2(1+\beta x)e^{-\beta x}$, and $(1+t)e^{-t}$ falls: "
    r"convergence to the sign is uniform off any neighbourhood of 0, and never near 0, as "
    r" $\mathrm{SS}_\beta(0)=0$ for every $\beta$.",
    source=f"{SOURCE}, S11",
    hypotheses=(
        r"$t=\beta x\leq40$ by balls; for every $t$, $|s(ts-1)|\leq\max(1,t-1)<1+t$ with $s\in(0,1)$",
    ),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: _s11(F(3, 2)),
)
def sharpening_rate() -> Verdict:
    """Enclose what is left of the bound; the mutant has 3/2 for 2."""
    return _s11(F(2))
