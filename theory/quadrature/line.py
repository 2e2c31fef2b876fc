"""Integrals of several functions against one normal distribution on a line."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from flint import arb

from theory.quadrature.axis import Axis, Cell, Factor
from theory.quadrature.certify import Patch, Sum, User, alike, certified
from theory.quadrature.panels import Form, Panel

_ONE = Factor(lambda _: arb(1), lambda _: arb(0))


def energy(z: arb) -> arb:
    """Return the exponent z^2/2 of the standard normal density."""
    return z * z / 2


def density(z: arb) -> arb:
    """Return the standard normal density."""
    return (-energy(z)).exp() / (2 * arb.pi()).sqrt()


def clamp(value: arb, lo: arb, hi: arb) -> arb:
    """Return the point of [lo, hi] nearest to ``value``."""
    return max(lo, min(value, hi))


class Line:
    """Integrals of the functions of an axis at mean + std z, z along the line; keys are their numbers."""

    def __init__(self, axis: Axis, mean: arb, std: arb) -> None:
        self.axis, self.mean, self.std = axis, mean, std
        self.spans = [((c.lo - mean) / std, (c.hi - mean) / std) for c in axis.cells]
        self.floors = [energy(clamp(arb(0), lo, hi)) for lo, hi in self.spans]

    def floor(self, key: int) -> arb:
        """Return the least exponent where a function has something."""
        own = (
            floor
            for cell, floor in zip(self.axis.cells, self.floors, strict=True)
            if any(function == key for function, _, _ in cell.uses)
        )
        return min(own, default=arb(0)).mid()

    def beyond(self, key: int, cap: arb) -> arb:
        """Bound the integral of |g| where the exponent is above ``cap``."""
        majorant = self.axis.growths[key].of_normal(self.mean, self.std)
        return (2 * arb.pi()).sqrt() * majorant.beyond(cap)

    def patches(self, caps: Mapping[int, arb]) -> Iterator[Patch[int]]:
        """Yield each cell, as far as some function needs it."""
        for cell, (lo, hi), floor in zip(self.axis.cells, self.spans, self.floors, strict=True):
            users = [User(f, 0, factor, c) for f, factor, c in cell.uses]
            for cap, group in alike(users, caps, floor):
                yield self._patch(cell, lo, hi, cap, group)

    def _patch(self, cell: Cell, lo: arb, hi: arb, cap: arb, users: list[User[int]]) -> Patch[int]:
        # One more than the cap: the rounding of what cuts is far below 1.
        far = (2 * (cap + 1)).sqrt().mid()
        low, high = max(lo, -far), min(hi, far)
        panel = Panel(arb(0), arb(0), (low, low), (high, high), flat=True)
        still = Form(arb(0), arb(0), arb(0))
        return Patch(
            [panel], (_ONE,), cell.factors, (still, Form(self.std, arb(0), self.mean)), users
        )


def gaussian_sums(
    axis: Axis, mean: arb, std: arb, digits: int, wanted: Iterable[int] | None = None
) -> list[Sum | None]:
    """Integrate functions on ``axis`` against N(mean, std^2), deltas included; none where one cannot be followed."""
    keys: Sequence[int] = range(len(axis.growths)) if wanted is None else sorted(set(wanted))
    found = certified(Line(axis, mean, std), keys, digits)
    norm = 1 / (2 * arb.pi()).sqrt()
    sums: list[Sum | None] = [None] * len(axis.growths)
    for key, part in found.items():
        sums[key] = part.scaled(norm)
    for place, weights in axis.diracs:
        peak = density((place - mean) / std) / std
        for key, weight in weights:
            known = sums[key]
            if known is not None:
                sums[key] = known + Sum(weight * peak, abs(weight * peak))
    return sums
