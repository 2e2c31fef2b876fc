"""One-dimensional Gaussian integrals of functions on cells, cut where nothing is left."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, sqrt

from flint import arb, ctx

from theory.quadrature.axis import Axis, Bend, Cell
from theory.quadrature.definition import Shape
from theory.quadrature.panels import Feature, Resolution, panels, rule, trapezoids

_HALF, _ZERO = arb("0.5"), arb(0)

# A pole this many standard deviations off the real axis is not seen by equal steps.
_FAR_POLE = 8
# Wider features make no difference any more.
_WIDEST = 64


@dataclass(frozen=True)
class Sum:
    """A value and the mass behind it: the same sum over absolute values."""

    value: arb
    mass: arb

    def __add__(self, other: "Sum") -> "Sum":
        """Add values and masses."""
        return Sum(self.value + other.value, self.mass + other.mass)

    def scaled(self, factor: arb) -> "Sum":
        """Multiply the value by ``factor`` and the mass by its absolute value."""
        return Sum(self.value * factor, self.mass * abs(factor))


NOTHING = Sum(arb(0), arb(0))


def total(parts: Iterable[Sum]) -> Sum:
    """Add up parts; nothing adds up to zero."""
    return sum(parts, NOTHING)


def energy(z: arb) -> arb:
    """Return the exponent z^2/2 of the standard normal density."""
    return z * z * _HALF


def density(z: arb) -> arb:
    """Return the standard normal density."""
    return (-energy(z)).exp() / (2 * arb.pi()).sqrt()


def clamp(value: arb, lo: arb, hi: arb) -> arb:
    """Return the point of [lo, hi] nearest to ``value``."""
    return max(lo, min(value, hi))


def lowest(cell: Cell, mean: arb, std: arb) -> arb:
    """Return the smallest exponent of N(mean, std^2) on a cell."""
    return energy(clamp(_ZERO, (cell.lo - mean) / std, (cell.hi - mean) / std))


def cell_sums(
    cell: Cell,
    features: Iterable[Bend],
    mean: arb,
    std: arb,
    cap: arb,
    resolution: Resolution,
) -> list[Sum]:
    """Integrate factor(mean + std z) exp(-z^2/2) dz over the cell where z^2/2 is at most ``cap``.

    One sum a factor of the cell; none at all where nothing is left.
    """
    lo, hi = (cell.lo - mean) / std, (cell.hi - mean) / std
    if lo > 0:
        z0, x0, start, end = lo, cell.lo, _ZERO, hi - lo
    elif hi < 0:
        z0, x0, start, end = hi, cell.hi, lo - hi, _ZERO
    else:
        z0, x0, start, end = _ZERO, mean, lo, hi
    room = float((cap - energy(z0)).mid())
    if not room > 0:
        return []
    slope = float(z0.mid())
    # z0 d + d^2/2 = room, without cancellation
    far = 2 * room / (abs(slope) + sqrt(slope * slope + 2 * room))
    ends = max(start, arb(-far)), min(end, arb(far))
    narrow, gentle = _bends(features, x0, std)
    bits, minus_half = ctx.prec, -_HALF
    collected = _Collected(cell, x0, std)
    if not narrow and gentle and start < -far and end > far:
        # A polynomial grows on the way off the real axis.
        digits = resolution.digits + max(2, *(len(f.coefficients) for f in cell.factors))
        for d, weight in trapezoids(gentle, ceil(far), digits, bits):
            collected.add(d, weight)
        return collected.sums()

    def exponent(offset: float) -> float:
        return offset * (slope + offset / 2)

    for panel in panels(ends, narrow, exponent, resolution):
        half = (panel.right - panel.left) * _HALF
        middle = panel.left + half
        for node, weight in rule(panel.nodes, bits):
            d = middle + half * node
            z = z0 + d
            collected.add(d, half * weight * (z * z * minus_half).exp())
    return collected.sums()


def _bends(features: Iterable[Bend], x0: arb, std: arb) -> tuple[list[Feature], int]:
    """Return features narrower than the Gaussian, and how wide all others are, in eighths.

    The width is 0 where a pole is too near for equal steps.
    """
    narrow: list[Feature] = []
    widest = float(_WIDEST)
    for bend in features:
        width = bend.width / std
        if width < 1:
            centre = (bend.centre - x0) / std
            narrow.append((float(centre.mid()), float(width.mid()), bend.shape))
        elif bend.shape is Shape.BELL or bend.shape is Shape.WAVE:
            widest = min(widest, float(width.mid()))
        elif width < _FAR_POLE:
            widest = 0.0
    return narrow, int(8 * widest)


class _Collected:
    """Sums over nodes at x = x0 + std d.

    A polynomial of one sign needs only the moments of d: its mass is its size. All others are weighed
    node by node: an odd integrand has mass, and no value.
    """

    def __init__(self, cell: Cell, x0: arb, std: arb) -> None:
        self.cell, self.x0, self.std = cell, x0, std
        self.weighed = [(k, f.at) for k, f in enumerate(cell.factors) if not f.by_moments]
        self.values = [_ZERO] * len(cell.factors)
        self.masses = [_ZERO] * len(cell.factors)
        easy = (len(f.coefficients) for f in cell.factors if f.by_moments)
        self.moments = [_ZERO] * max(easy, default=0)

    def add(self, d: arb, weight: arb) -> None:
        """Count a node."""
        for k, at in self.weighed:
            part = weight * at(self.x0 + self.std * d)
            self.values[k] += part
            self.masses[k] += abs(part)
        for power in range(len(self.moments)):
            self.moments[power] += weight
            weight *= d

    def sums(self) -> list[Sum]:
        """Return one sum a factor."""
        for k, factor in enumerate(self.cell.factors):
            if factor.by_moments:
                around = factor.around(self.x0, self.std)
                parts = zip(self.moments, around, strict=False)
                self.values[k] = sum((m * c for m, c in parts), _ZERO)
                self.masses[k] = abs(self.values[k])
        return [Sum(value, mass) for value, mass in zip(self.values, self.masses, strict=True)]


def gaussian_sums(axis: Axis, mean: arb, std: arb, resolution: Resolution) -> list[Sum]:
    """Integrate each function on ``axis`` against N(mean, std^2), deltas included."""
    floors = [lowest(cell, mean, std) for cell in axis.cells]
    caps: dict[int, arb] = {}
    for cell, floor in zip(axis.cells, floors, strict=True):
        for function, _, _ in cell.uses:
            caps[function] = min(caps.get(function, floor), floor)
    smooth = [NOTHING] * axis.count
    for cell, floor in zip(axis.cells, floors, strict=True):
        users = [caps[function] + resolution.reach for function, _, _ in cell.uses]
        cap = max(users)
        if not floor < cap:
            continue
        sums = cell_sums(cell, axis.features, mean, std, cap, resolution)
        if sums:
            for function, factor, coefficient in cell.uses:
                smooth[function] += sums[factor].scaled(coefficient)
    norm = (2 * arb.pi()).rsqrt()
    sums = [part.scaled(norm) for part in smooth]
    for place, weights in axis.diracs:
        peak = density((place - mean) / std) / std
        for function, weight in weights:
            sums[function] += Sum(weight * peak, abs(weight * peak))
    return sums
