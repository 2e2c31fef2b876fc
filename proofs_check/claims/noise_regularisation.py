"""Noise-regularised quantizers (asymmetric-kernels.md, T62a): which noise gives which surrogate."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sympy as sp

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.identity import identity
from proofs_check.verdict import Grade, Verdict, every
from theory.activations import x
from theory.activations.evaluation import pieces

SCALES = (sp.S.One, sp.Rational(2, 3), sp.Integer(3))
t = sp.Symbol("t", positive=True)


@dataclass(frozen=True)
class Row:
    """One line of the dictionary, for x > 0 at scale s: E sgn(x + noise), and the density of the noise.

    Both hold below ``end``; beyond it the noise has no mass.
    """

    average: Callable[[sp.Expr, sp.Expr], sp.Expr]
    density: Callable[[sp.Expr], sp.Expr]
    bounded: bool = False


ROWS = {
    "uniform": Row(lambda u, s: u / s, lambda s: 1 / (2 * s), bounded=True),
    "triangular": Row(
        lambda u, s: 2 * u / s - u**2 / s**2, lambda s: (1 - x / s) / s, bounded=True
    ),
    "gaussian": Row(
        lambda u, s: sp.erf(u / (s * sp.sqrt(2))),
        lambda s: sp.exp(-(x**2) / (2 * s**2)) / (s * sp.sqrt(2 * sp.pi)),
    ),
    "logistic": Row(
        lambda u, s: sp.tanh(u / (2 * s)),
        lambda s: sp.exp(-x / s) / (s * (1 + sp.exp(-x / s)) ** 2),
    ),
    "laplace": Row(lambda u, s: 1 - sp.exp(-u / s), lambda s: sp.exp(-x / s) / (2 * s)),
    "cauchy": Row(lambda u, s: 2 / sp.pi * sp.atan(u / s), lambda s: s / (sp.pi * (s**2 + x**2))),
}


def _rational(expr: sp.Expr, s: sp.Expr) -> sp.Expr:
    """Write functions of exp(-x/s) with t in its place: tanh(x/(2s)) = (1 - t)/(1 + t)."""
    plain = expr.replace(sp.tanh, lambda z: (1 - sp.exp(-2 * z)) / (1 + sp.exp(-2 * z)))
    plain = plain.replace(sp.cosh, lambda z: (1 + sp.exp(-2 * z)) / (2 * sp.exp(-z)))
    return plain.replace(sp.exp, lambda z: t ** sp.expand(-z * s / x))


def _t62a(stretch: sp.Expr) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        for name, row in ROWS.items():
            for s in SCALES:
                built = th.sign().noisy(name, s)
                printed = row.average(stretch * x, s)
                places = [low for low, _, _ in pieces(built.atoms) if low > 0]
                end = s if row.bounded else sp.Integer(4)
                inside = next(expr for low, high, expr in pieces(built.atoms) if low <= 0 < high)
                on = Domain({x: (0, end)})
                yield f"{name}, s = {s}: E sgn", identity(inside, printed, on=on)
                slope, density = sp.diff(inside, x), 2 * row.density(s)
                if name == "logistic":
                    slope, density = _rational(slope, s), _rational(density, s)
                    on = Domain({t: (0, 1)})
                yield f"{name}, s = {s}: density", identity(slope, density, on=on)
                yield f"{name}, s = {s}: odd, settled", _exactly(built.parity == -1, name)
                if row.bounded:
                    last = pieces(built.atoms)[-1][2]
                    yield f"{name}, s = {s}: beyond", _exactly(places == [s] and last == 1, name)

    return every(parts())


def _exactly(holds: bool, name: str) -> Verdict:
    trust = ("SymPy's equality of exact numbers",)
    if holds:
        return Verdict(Grade.PROVED, "exact comparison", None, trust)
    return Verdict(Grade.REFUTED, "exact comparison fails", name, trust)


@claim(
    "T62a",
    statement=r"For symmetric noise $\nu$ with distribution function $F$: "
    r"$E\,\mathrm{sgn}(x+\nu)=1-2F(-x)$; uniform on $[-s,s]$ gives $h_s$, "
    r"$N(0,s^2)$ gives $\mathrm{erf}(x/(s\sqrt2))$, logistic $\tanh(x/2s)$, "
    r"Laplace $\mathrm{sgn}(x)(1-e^{-|x|/s})$, Cauchy $\frac2\pi\arctan(x/s)$, "
    "triangular noise a piecewise quadratic function.",
    source="asymmetric-kernels.md, section 9, T62a",
    hypotheses=(
        f"scales {', '.join(map(str, SCALES))}",
        "an odd function whose derivative is twice the density is $1-2F(-x)$",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _t62a(sp.Rational(101, 100)),
)
def noise_dictionary() -> Verdict:
    """Compare the builder with the printed row, and its slope with twice the density."""
    return _t62a(sp.S.One)
