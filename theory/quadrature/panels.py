"""Product Gauss-Legendre rules on quadrilaterals of the standard normal plane, with a proof of their error.

A panel lies between two verticals y = left, right and two lines low(y), high(y). In its own coordinates,
eta across and omega along, both from -1 to 1,

    y = ym + yh eta,   x = (A0 + A1 eta) + (B0 + B1 eta) omega,

so that the exponent (x^2 + y^2)/2 is a polynomial and everything is analytic in either coordinate. For f
analytic and below M on the ellipse with foci -1, 1 and sum of semi-axes R, n >= 2 nodes err by at most
64 M R^(-2n) / (15 (1 - R^-2)) (Trefethen 2008, theorem 4.5); of a product rule, the first error is
integrated along omega, the second summed with the positive weights of eta.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, exp, inf, log, sqrt

import numpy as np
from flint import acb, arb, arb_mat, ctx
from numpy.typing import NDArray

from theory.quadrature.axis import Factor

Float = NDArray[np.float64]
Bilinear = tuple[arb, arb, arb, arb]

# More nodes than this in one direction, and a panel is halved.
MOST_NODES = 44
# Float arithmetic on coefficients below the first, known to the second, is off by less than the third in an
# exponent and by less than the fourth as a factor.
_LARGEST, _THIN, _SLACK, ROUNDING = 1e6, 1e-12, 1e-5, 1.001
# An ellipse is covered by so many slices, and the other coordinate by so many.
_SLICES = (np.arange(10) * 2.0 - 9) / 10
_BANDS = (np.arange(4) * 2.0 - 3) / 4
_EDGES = np.abs(_BANDS) + 0.25


@dataclass(frozen=True)
class Form:
    """The affine function along x + across y + shift of the plane."""

    along: arb
    across: arb
    shift: arb


@dataclass(frozen=True)
class Panel:
    """left <= y <= right between two lines, each given by x at left and right.

    A ``flat`` panel is an interval of the line y = 0. What lies in a ``sliver`` is bounded, not integrated.
    """

    left: arb
    right: arb
    low: tuple[arb, arb]
    high: tuple[arb, arb]
    flat: bool = False
    sliver: bool = False

    def halves(self, *, across: bool | None = None) -> tuple["Panel", "Panel"]:
        """Cut by a vertical, or along the line half way between low and high; by default the longer side."""
        (a, b), (c, d) = self.low, self.high
        if across is None:
            across = bool(self.right - self.left > (c + d - a - b) / 2)
        if across:
            y = (self.left + self.right) / 2
            low, high = (a + b) / 2, (c + d) / 2
            return (
                Panel(self.left, y, (a, low), (c, high), self.flat),
                Panel(y, self.right, (low, b), (high, d), self.flat),
            )
        middle = (a + c) / 2, (b + d) / 2
        return (
            Panel(self.left, self.right, self.low, middle, self.flat),
            Panel(self.left, self.right, middle, self.high, self.flat),
        )


class Chart:
    """A panel in its own coordinates: coefficients of 1, eta, omega, eta omega."""

    def __init__(self, panel: Panel) -> None:
        (a, b), (c, d), quarter, half = panel.low, panel.high, arb("0.25"), arb("0.5")
        self.x = (
            (a + b + c + d) * quarter,
            (b + d - a - c) * quarter,
            (c + d - a - b) * quarter,
            (d - b - c + a) * quarter,
        )
        self.y = (panel.left + panel.right) * half, (panel.right - panel.left) * half
        self.flat = panel.flat

    def form(self, form: Form) -> Bilinear:
        """Write an affine function in the coordinates of the panel."""
        x0, x1, x2, x3 = self.x
        y0, y1 = self.y
        return (
            form.along * x0 + form.across * y0 + form.shift,
            form.along * x1 + form.across * y1,
            form.along * x2,
            form.along * x3,
        )

    def spans(self) -> tuple[float, float]:
        """Return k, m of a bound k + m |eta| of the Jacobian, to the rounding of floats."""
        height = 1.0 if self.flat else float(self.y[1].upper())
        return height * float(abs(self.x[2]).upper()), height * float(abs(self.x[3]).upper())

    def energy(self) -> arb:
        """Return the exponent at the centre."""
        return (self.x[0] * self.x[0] + self.y[0] * self.y[0]) / 2

    def falls(self) -> "Falls":
        """Return the exponent above that of the centre."""
        (a0, a1, b0, b1), (y0, y1) = self.x, self.y
        return Falls(
            *(
                float(c.mid()) if c.rad() < _THIN else inf
                for c in (
                    a0 * a1 + y0 * y1,
                    a0 * b0,
                    a0 * b1 + a1 * b0,
                    (a1 * a1 + y1 * y1) / 2,
                    b0 * b0 / 2,
                    a1 * b1,
                    b0 * b1,
                    b1 * b1 / 2,
                    a0 * b1,
                    a1,
                    b0,
                    b1,
                )
            )
        )


@dataclass(frozen=True)
class Falls:
    """Coefficients e_ij of eta^i omega^j in the exponent, the point (x, y) dot d^2/d eta d omega, and a1, b0, b1."""

    e10: float
    e01: float
    e11: float
    e20: float
    e02: float
    e21: float
    e12: float
    e22: float
    twist: float
    a1: float
    b0: float
    b1: float

    def turned(self) -> "Falls":
        """Exchange the coordinates."""
        return Falls(
            self.e01,
            self.e10,
            self.e11,
            self.e02,
            self.e20,
            self.e12,
            self.e21,
            self.e22,
            self.twist,
            self.b0,
            self.a1,
            self.b1,
        )

    @property
    def moderate(self) -> bool:
        """Whether float arithmetic can be trusted with the coefficients."""
        sizes = (self.e10, self.e01, self.e11, self.e20, self.e02, self.e21, self.e12, self.e22)
        return max(map(abs, (*sizes, self.twist))) < _LARGEST

    def peak(self, radius: float) -> float:
        """Bound -Re(exponent) for eta in the ellipse of sum of semi-axes ``radius`` and omega in [-1, 1].

        Notes
        -----
        Re E(a + ib, omega) = E(a, omega) - b^2 (e20 + e21 omega + e22 omega^2), and E is convex in the
        plane: on each slice it is above its tangent plane at the middle, which is bilinear.
        """
        wide, high = (radius + 1 / radius) / 2, (radius - 1 / radius) / 2
        a, w = (wide * _SLICES)[:, None], _BANDS[None, :]
        ra, rw = wide / len(_SLICES), 1 / len(_BANDS)
        value = (
            (self.e10 + self.e20 * a) * a
            + (self.e01 + self.e02 * w) * w
            + (self.e11 + self.e21 * a + self.e12 * w + self.e22 * a * w) * a * w
        )
        by_a = (
            self.e10
            + self.e11 * w
            + 2 * (self.e20 + self.e21 * w + self.e22 * w * w) * a
            + self.e12 * w * w
        )
        by_w = (
            self.e01
            + self.e11 * a
            + 2 * (self.e02 + self.e12 * a + self.e22 * a * a) * w
            + self.e21 * a * a
        )
        both = self.twist + self.b1 * (self.a1 * a + self.b0 * w + self.b1 * a * w)
        least = value - np.abs(by_a) * ra - np.abs(by_w) * rw - np.abs(both) * (ra * rw)
        inner = np.maximum(np.abs(_SLICES) - 1 / len(_SLICES), 0.0)[:, None]
        lift = (high * high) * (1 - inner * inner)
        # e20 + e21 omega + e22 omega^2 is convex: largest at an end of the band.
        left, right = w - rw, w + rw
        bend = np.maximum(
            self.e20 + self.e21 * left + self.e22 * left * left,
            self.e20 + self.e21 * right + self.e22 * right * right,
        )
        return float(np.max(lift * bend - least)) + _SLACK


@lru_cache(maxsize=1024)
def rule(nodes: int, bits: int) -> tuple[tuple[arb, arb], ...]:
    """Gauss-Legendre nodes and weights on [-1, 1] as balls of ``bits`` bits."""
    with ctx.workprec(bits):
        return tuple(arb.legendre_p_root(nodes, k, weight=True) for k in range(nodes))


@dataclass(frozen=True)
class Sizes:
    """Bounds of the factors of u and of v on a region, and their logarithms."""

    f: list[arb]
    g: list[arb]

    def logs(self) -> Float:
        """Return logarithms of all products."""
        return np.add.outer([_log(size) for size in self.f], [_log(size) for size in self.g])


@dataclass(frozen=True)
class Side:
    """Nodes in one direction, and the constant and the sizes that bound their error."""

    nodes: float
    constant: float = inf
    sizes: Sizes | None = None


def real_sizes(
    fs: Sequence[Factor], gs: Sequence[Factor], u: Bilinear, v: Bilinear
) -> tuple[Sizes, Sizes]:
    """Bound factors on a panel, and how far the pieces are from them."""
    over_u, over_v = (
        arb(c[0].mid(), c[0].rad() + sum((abs(k) for k in c[1:]), arb(0)).upper()) for c in (u, v)
    )
    return (
        Sizes([abs(f.at(over_u)).upper() for f in fs], [abs(g.at(over_v)).upper() for g in gs]),
        Sizes([f.slack(over_u).upper() for f in fs], [g.slack(over_v).upper() for g in gs]),
    )


def _ellipse_sizes(
    fs: Sequence[Factor], gs: Sequence[Factor], u: Bilinear, v: Bilinear, radius: float
) -> Sizes:
    """Bound factors for eta in an ellipse and omega in [-1, 1]."""
    wide, high = arb((radius + 1 / radius) / 2), arb((radius - 1 / radius) / 2)
    boxes = []
    for c0, c1, c2, c3 in (u, v):
        turning = abs(c1) + abs(c3)
        reach = (turning * wide + abs(c2) + c0.rad()).upper()
        boxes.append(acb(arb(c0.mid(), reach), arb(0, (turning * high).upper())))
    return Sizes(
        [abs(f.at(boxes[0])).upper() for f in fs], [abs(g.at(boxes[1])).upper() for g in gs]
    )


def side(
    fs: Sequence[Factor],
    gs: Sequence[Factor],
    forms: tuple[Bilinear, Bilinear],
    falls: Falls,
    spans: tuple[float, float],
    need: Float,
) -> Side:
    """Choose an ellipse and a number of nodes in the direction of eta.

    Parameters
    ----------
    forms
        Arguments of the factors.
    falls
        The exponent.
    spans
        The Jacobian is at most spans[0] + spans[1] |eta|.
    need
        Logarithm of what a product of factors is to be multiplied by, shape (factors of u, of v).
    """
    bend = max(falls.e20 + abs(falls.e21) + falls.e22, 1e-30)
    radius = min(11 / sqrt(2 * bend), 60 / (abs(falls.e10) + abs(falls.e11) + 1e-30), 1e3)
    radius = max(radius, 1.6)
    best = Side(inf)
    # Down to where it clears the nearest pole, or until it is too narrow to gain anything.
    while radius >= 1.15:
        top = falls.peak(radius)
        sizes = _ellipse_sizes(fs, gs, *forms, radius)
        jacobian = spans[0] + spans[1] * (radius + 1 / radius) / 2
        # The other coordinate runs over an interval of length 2.
        front = 2 * 64 / 15 / (1 - radius**-2) * jacobian
        logs = np.where(need > -inf, need + sizes.logs(), -inf)
        total = float(np.max(logs)) + top + log(front)
        if total < inf and top < 300:
            nodes = max(2, ceil(max(total, 0.0) / (2 * log(radius))))
            if nodes >= best.nodes:
                break
            constant = front * exp(top - 2 * nodes * log(radius)) * ROUNDING
            best = Side(nodes, constant, sizes)
        radius = 1 + (radius - 1) / 2
    return best


def turned(form: Bilinear) -> Bilinear:
    """Exchange the coordinates."""
    return form[0], form[2], form[1], form[3]


def product_rule(
    chart: Chart,
    nodes: tuple[int, int],
    fs: Sequence[Factor],
    gs: Sequence[Factor],
    forms: tuple[Bilinear, Bilinear],
) -> tuple[arb_mat, arb_mat]:
    """Integrate all products of factors, and of their absolute values to a few digits."""
    bits, minus_half = ctx.prec, arb("-0.5")
    (a0, a1, b0, b1), (y0, y1) = chart.x, chart.y
    outer = ((arb(0), arb(1)),) if chart.flat else rule(nodes[0], bits)
    inner = rule(nodes[1], bits)
    densities = []
    for eta, weight in outer:
        start, slope = a0 + a1 * eta, b0 + b1 * eta
        y = y0 + y1 * eta
        square = y * y
        scale = weight * slope if chart.flat else weight * slope * y1
        for omega, part in inner:
            x = start + slope * omega
            densities.append(scale * part * ((x * x + square) * minus_half).exp())
    etas, omegas = [eta for eta, _ in outer], [omega for omega, _ in inner]
    lefts = [_values(f, forms[0], etas, omegas) for f in fs]
    rights = [
        [density * value for density, value in zip(densities, values, strict=True)]
        for values in (_values(g, forms[1], etas, omegas) for g in gs)
    ]
    count = len(densities)
    value = _matrix(lefts, count) * _matrix(rights, count).transpose()
    with ctx.workprec(32):
        sizes = [[[abs(entry) for entry in column] for column in side] for side in (lefts, rights)]
        mass = _matrix(sizes[0], count) * _matrix(sizes[1], count).transpose()
    return value, mass


def _values(
    factor: Factor, form: Bilinear, etas: Sequence[arb], omegas: Sequence[arb]
) -> list[arb]:
    """Evaluate a factor at all nodes; only once for nodes at which its argument is the same."""
    c0, c1, c2, c3 = form
    small = (abs(c0) + abs(c1) + abs(c2)).upper() * arb(2) ** (8 - ctx.prec)
    if abs(c1) + abs(c3) <= small:
        doubt = arb(0, (abs(c1) + abs(c3)).upper())
        return [factor.at(c0 + doubt + c2 * omega) for omega in omegas] * len(etas)
    if abs(c2) + abs(c3) <= small:
        doubt = arb(0, (abs(c2) + abs(c3)).upper())
        return [
            value for value in [factor.at(c0 + doubt + c1 * eta) for eta in etas] for _ in omegas
        ]
    at = factor.at
    return [
        at(start + slope * omega)
        for start, slope in [(c0 + c1 * eta, c2 + c3 * eta) for eta in etas]
        for omega in omegas
    ]


def _matrix(columns: list[list[arb]], count: int) -> arb_mat:
    return arb_mat(len(columns), count, [entry for column in columns for entry in column])


def _log(size: arb) -> float:
    if not size.is_finite():
        return inf
    return float(size.log().mid()) if size > 0 else -inf
