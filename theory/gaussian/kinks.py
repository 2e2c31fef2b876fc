r"""Activations as a polynomial and kinks that open away from the origin: the form Price's theorem wants.

    f(x) = c_0 + c_1 x + sum over (k, a, e) of  E[ s_+ (x + e z - a)_+^k + s_- (-x - e z - a)_+^k ],

k in {0, 1}, a >= 0, e >= 0, z standard normal. The part between the innermost kinks is the polynomial, so
that small variances see nothing else; and a function that is odd or even has s_- = -+ s_+ to the last bit,
so that what parity cancels is never computed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from theory.activations import Activation
from theory.activations.atoms import Atom, Kind

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Half:
    """The odd or the even part of an activation, but for a constant.

    Attributes
    ----------
    odd, slope
        Which of the two, and the slope between its innermost kinks.
    table, scales
        Rows (k, a, s, slope beyond a) of s ((x + e z - a)_+^k -+ (-x - e z - a)_+^k), and scales as of
        ``Kinks``. The slopes are exact numbers rounded once: outside a bounded function they are 0.
    """

    odd: bool
    slope: float
    table: Float
    scales: Float


@dataclass(frozen=True)
class Kinks:
    """An activation in the form above, exact numbers rounded once.

    Attributes
    ----------
    constant, slope
        c_0 and c_1.
    table
        Rows (k, a, high and low part of a**2, s_+, s_-), kinks of one scale next to each other.
    scales
        The distinct e**2, and where their rows begin and end in ``table``.
    """

    constant: float
    slope: float
    table: Float
    scales: tuple[tuple[float, int, int], ...]

    @property
    def slopes(self) -> tuple[float, float] | None:
        """The slopes (f_+, f_-) of f(x) = f_+ max(x, 0) + f_- max(-x, 0), or None for another function."""
        if self.constant != 0.0 or len(self.table) > 1 or any(e != 0.0 for e, _, _ in self.scales):
            return None
        right = left = 0.0
        if len(self.table) == 1:
            order, a, _, _, right, left = self.table[0]
            if order != 1.0 or a != 0.0:
                return None
        return self.slope + right, left - self.slope

    @property
    def step(self) -> tuple[float, float, float] | None:
        """The c_0, the weight w and e**2 of f(x) = c_0 + w E sign(x + e z), or None for another function."""
        if self.slope != 0.0 or len(self.table) != 1:
            return None
        order, a, _, _, right, left = self.table[0]
        if order != 0.0 or a != 0.0 or right != -left:
            return None
        return self.constant, right, self.scales[0][0]


@dataclass(frozen=True)
class Mass:
    """``weight`` times the density of N(0, variance) at x; variance 0 is a Dirac mass at the origin."""

    weight: float
    variance: float


@cache
def kinks(f: Activation) -> Kinks | None:
    """Return the kinks of an activation, or None if it has others than of order 0 and 1."""
    form = _exactly(f)
    if form is None:
        return None
    polynomial, rows = form
    table: list[list[float]] = []
    scales: list[tuple[float, int, int]] = []
    for e, members in _by_scale(rows):
        start = len(table)
        for order, a, right, left in members:
            if right != 0 or left != 0:
                high, low = _double_double(a**2)
                table.append([order, float(a), high, low, float(right), float(left)])
        if len(table) > start:
            scales.append((float(e**2), start, len(table)))
    return Kinks(
        float(polynomial[0]), float(polynomial[1]), np.array(table).reshape(-1, 6), tuple(scales)
    )


@cache
def halves(f: Activation) -> tuple[Half, ...] | None:
    """Return the odd and the even part, without one that is constant, or None as ``kinks`` does."""
    form = _exactly(f)
    if form is None:
        return None
    (_, linear), rows = form
    parts = []
    for odd in (True, False):
        table: list[list[float]] = []
        scales: list[tuple[float, int, int]] = []
        slope = first = linear if odd else sp.S.Zero
        for e, members in _by_scale(rows):
            start = len(table)
            for order, a, right, left in members:
                weight = (right - left if odd else right + left) / 2
                slope += weight if order == 1 else 0
                if weight != 0:
                    table.append([order, float(a), float(weight), float(slope)])
            if len(table) > start:
                scales.append((float(e**2), start, len(table)))
        if table or first != 0:
            ends = np.array(scales).reshape(-1, 3)
            parts.append(Half(odd, float(first), np.array(table).reshape(-1, 4), ends))
    return tuple(parts)


@cache
def mass(f: Activation) -> Mass | None:
    """Return the activation as one mass at the origin, or None if it is something else."""
    if len(f.atoms) != 1:
        return None
    (atom,) = f.atoms
    if atom.kind is not Kind.BUMP or atom.power != 0 or atom.at != 0 or not _plain(atom):
        return None
    return Mass(float(atom.coef), float(atom.scale**2))


_Rows = dict[tuple[sp.Expr, int, sp.Expr], list[sp.Expr]]


def _exactly(f: Activation) -> tuple[list[sp.Expr], _Rows] | None:
    """Return c_0 and c_1, and the exact (s_+, s_-) by (e, k, a)."""
    if not all(_is_kink(atom) for atom in f.atoms):
        return None
    polynomial = [sp.S.Zero, sp.S.Zero]
    rows: _Rows = {}
    for atom in f.atoms:
        if atom.is_polynomial:
            polynomial[atom.power] += atom.coef
            continue
        # x H(x - a) = (x - a)_+ + a H(x - a)
        steps = [(atom.power, atom.coef)]
        if atom.power == 1:
            steps.append((0, atom.coef * atom.at))
        for order, s in steps:
            _open_outwards(polynomial, rows, atom, order, s)
    return polynomial, rows


def _by_scale(
    rows: _Rows,
) -> Iterator[tuple[sp.Expr, list[tuple[int, sp.Expr, sp.Expr, sp.Expr]]]]:
    """Yield each e with its (k, a, s_+, s_-), by order and from the origin outwards."""
    ordered = sorted(rows.items(), key=lambda row: (row[0][1], float(row[0][2])))
    for e in sorted({e for e, _, _ in rows}, key=float):
        yield e, [(k, a, *sides) for (scale, k, a), sides in ordered if scale == e]


def _plain(atom: Atom) -> bool:
    return atom == Atom(atom.coef, atom.power, atom.at, atom.scale, atom.kind)


def _is_kink(atom: Atom) -> bool:
    if atom.kind is not Kind.STEP or not _plain(atom):
        return False
    return atom.power == 0 or (atom.power == 1 and (atom.is_polynomial or atom.scale == 0))


def _open_outwards(
    polynomial: list[sp.Expr],
    rows: _Rows,
    atom: Atom,
    order: int,
    s: sp.Expr,
) -> None:
    a = atom.at
    if bool(a < 0):
        # y_+^k = y^k - (-1)^k (-y)_+^k, with 0^0 = 1 away from y = 0
        for power in range(order + 1):
            polynomial[power] += s * (-a if order == 1 and power == 0 else 1)
        rows.setdefault((atom.scale, order, -a), [sp.S.Zero] * 2)[1] -= (-1) ** order * s
        return
    row = rows.setdefault((atom.scale, order, a), [sp.S.Zero] * 2)
    if a == 0:
        # half of it on each side: (x)_+ = x/2 + (x_+ + (-x)_+)/2,  H(x) = 1/2 + (H(x) - H(-x))/2
        polynomial[order] += s / 2
        row[0] += s / 2
        row[1] -= (-1) ** order * s / 2
    else:
        row[0] += s


def _double_double(value: sp.Expr) -> tuple[float, float]:
    high = float(value)
    return high, float(value - sp.Rational(Fraction(high)))
