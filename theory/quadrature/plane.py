"""The two-dimensional integral, cut into quadrilaterals.

In units of the standard deviations, u = sqrt(p) s and v = sqrt(q) (rho s + r z) with s, z independent
standard normals and r^2 = 1 - rho^2. A cell of u times a cell of v is a parallelogram of the plane (s, z);
verticals through its corners cut it into panels. The inner coordinate is z where |rho| is small and s where
it is large: then sides lean by at most 45 degrees, and no scale is left but those of f and g.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from flint import arb

from theory.quadrature.axis import Axis
from theory.quadrature.certify import Patch, Sum, User, alike, certified
from theory.quadrature.growth import Growth
from theory.quadrature.line import clamp, density, energy, gaussian_sums
from theory.quadrature.panels import Form, Panel

Pair = tuple[int, int]
Span = tuple[arb, arb]


@dataclass(frozen=True)
class Whitened:
    """Scales of (u, v): standard deviations, correlation, r = sqrt(1 - rho^2)."""

    std_u: arb
    std_v: arb
    rho: arb
    r: arb

    def flipped(self) -> "Whitened":
        """Exchange the roles of u and v."""
        return Whitened(self.std_v, self.std_u, self.rho, self.r)


class Plane:
    """Integrals of f(u) g(v) for pairs of functions on two axes."""

    def __init__(self, first: Axis, second: Axis, pairs: Sequence[Pair], scales: Whitened) -> None:
        self.first, self.second, self.scales = first, second, scales
        self.zero = arb(0)
        self.users: dict[Pair, list[User[Pair]]] = {}
        self.floors: dict[Pair, arb] = {}
        rows, columns = _uses(first), _uses(second)
        boxes: dict[Pair, arb] = {}
        for i, j in pairs:
            for a, n, left in rows.get(i, ()):
                for b, m, right in columns.get(j, ()):
                    if (a, b) not in boxes:
                        boxes[a, b] = self._floor(*self._spans(a, b))
                    self.users.setdefault((a, b), []).append(User((i, j), n, m, left * right))
                    known = self.floors.get((i, j))
                    if known is None or boxes[a, b] < known:
                        self.floors[i, j] = boxes[a, b]
        self.boxes = boxes

    def floor(self, key: Pair) -> arb:
        """Return the least exponent where a pair has something."""
        return self.floors.get(key, self.zero).mid()

    def beyond(self, key: Pair, cap: arb) -> arb:
        """Bound the integral of |f g| where the exponent is above ``cap``."""
        f: Growth = self.first.growths[key[0]].of_normal(self.zero, self.scales.std_u)
        g = self.second.growths[key[1]].of_normal(self.zero, self.scales.std_v)
        return 2 * arb.pi() * (f * g).beyond(cap)

    def patches(self, caps: Mapping[Pair, arb]) -> Iterator[Patch[Pair]]:
        """Yield each cell times each cell, as far as some pair needs it."""
        along_v = self.scales.rho * self.scales.rho < self.scales.r * self.scales.r
        zero, s = self.zero, self.scales
        forms = (
            (Form(zero, s.std_u, zero), Form(s.std_v * s.r, s.std_v * s.rho, zero))
            if along_v
            else (Form(s.std_u, zero, zero), Form(s.std_v * s.rho, s.std_v * s.r, zero))
        )
        for (a, b), users in self.users.items():
            floor, f, g = self.boxes[a, b], self.first.cells[a], self.second.cells[b]
            for cap, group in alike(users, caps, floor):
                # One more than the cap: the rounding of what cuts is far below 1.
                panels = self._panels(*self._spans(a, b), (cap + 1).mid(), along_v=bool(along_v))
                if panels:
                    yield Patch(panels, f.factors, g.factors, forms, group)

    def _spans(self, a: int, b: int) -> tuple[Span, Span]:
        """Return a cell of u and one of v in units of the standard deviations."""
        f, g, scales = self.first.cells[a], self.second.cells[b], self.scales
        return (f.lo / scales.std_u, f.hi / scales.std_u), (
            g.lo / scales.std_v,
            g.hi / scales.std_v,
        )

    def _floor(self, s: Span, t: Span) -> arb:
        """Return the least exponent on a parallelogram: it is convex along s."""
        rho, r = self.scales.rho, self.scales.r
        place = clamp(rho * clamp(self.zero, *t), *s)
        off = (clamp(rho * place, *t) - rho * place) / r
        return energy(place) + energy(off)

    def _panels(self, s: Span, t: Span, cap: arb, *, along_v: bool) -> list[Panel]:
        """Cut what a parallelogram holds up to an exponent."""
        rho, r = self.scales.rho, self.scales.r
        # Cut at two distances, so that no two of the cuts meet at the axis.
        near, far = (2 * cap).sqrt().mid(), (2 * cap + 2).sqrt().mid()
        s, t = (max(s[0], -near), min(s[1], near)), (max(t[0], -far), min(t[1], far))
        # t = lean y + step x
        lean, step = (rho, r) if along_v else (r, rho)
        bottom, top = _shadow(t, lean, abs(step), cap)
        if along_v:
            bottom, top = max(s[0], bottom), min(s[1], top)
            room = _room(clamp(self.zero, bottom, top), cap)
            upright = -room, room
        else:
            room = _room(clamp(self.zero, *s), cap)
            bottom, top = max(bottom, -room), min(top, room)
            upright = s
        if not bottom < top:
            return []
        slanted = t if step > 0 else (t[1], t[0])
        crossings = [] if lean == 0 else [(e - step * k) / lean for e in slanted for k in upright]
        inside = [y for y in crossings if not (y < bottom or y > top)]
        cuts = sorted([bottom, *inside, top], key=_Middle)

        def lines(y: arb) -> tuple[arb, arb, arb, arb]:
            return (*upright, (slanted[0] - lean * y) / step, (slanted[1] - lean * y) / step)

        panels = []
        for left, right in pairwise(cuts):
            if not left < right:
                y = left.union(right)
                low, high, slant_low, slant_high = lines(y)
                ends = max(low.lower(), slant_low.lower()), min(high.upper(), slant_high.upper())
                start, end = min(ends), max(ends)
                panels.append(Panel(y, y, (start, start), (end, end), sliver=True))
                continue
            at, middle = (lines(left), lines(right)), lines((left + right) / 2)
            lower = 2 if middle[2] > middle[0] else 0
            upper = 3 if middle[3] < middle[1] else 1
            if middle[lower] > middle[upper]:
                continue
            edges = (at[0][lower], at[1][lower]), (at[0][upper], at[1][upper])
            panels.append(Panel(left, right, *edges))
        return panels


class _Middle:
    """Orders balls by their midpoints."""

    def __init__(self, ball: arb) -> None:
        self.middle = ball.mid()

    def __lt__(self, other: "_Middle") -> bool:
        return bool(self.middle < other.middle)


def _room(place: arb, cap: arb) -> arb:
    """Return how far the other coordinate goes below an exponent."""
    return max(2 * cap - place * place, arb(0)).mid().sqrt().mid()


def _shadow(t: Span, lean: arb, step: arb, cap: arb) -> Span:
    """Bound lean t + step w on the disc (t^2 + w^2)/2 <= cap, lean^2 + step^2 = 1, step > 0."""
    sides = []
    for sign in (-1, 1):
        place = clamp(lean * (2 * cap).sqrt() * sign, *t).mid()
        sides.append((lean * place + sign * step * _room(place, cap)).mid())
    return sides[0], sides[1]


def _uses(axis: Axis) -> dict[int, list[tuple[int, int, arb]]]:
    found: dict[int, list[tuple[int, int, arb]]] = {}
    for index, cell in enumerate(axis.cells):
        for function, factor, coefficient in cell.uses:
            found.setdefault(function, []).append((index, factor, coefficient))
    return found


def expectations(
    first: Axis, second: Axis, pairs: Sequence[Pair], scales: Whitened, digits: int
) -> dict[Pair, Sum]:
    """Integrate f(u) g(v) for pairs of functions on two axes, at full rank and current precision.

    A pair whose integrand bends too often to be followed has no sum.
    """
    norm = 1 / (2 * arb.pi())
    sums = {
        pair: part.scaled(norm)
        for pair, part in certified(Plane(first, second, pairs, scales), pairs, digits).items()
    }
    for pair, value in _restricted(first, second, pairs, scales, digits):
        _add(sums, pair, value)
    back = [(j, i) for i, j in pairs]
    smooth = replace(first, diracs=())
    for (j, i), value in _restricted(second, smooth, back, scales.flipped(), digits):
        _add(sums, (i, j), value)
    return sums


def _add(sums: dict[Pair, Sum], pair: Pair, value: Sum | None) -> None:
    if value is None:
        sums.pop(pair, None)
    elif pair in sums:
        sums[pair] += value


def _restricted(
    first: Axis, second: Axis, pairs: Sequence[Pair], scales: Whitened, digits: int
) -> Iterator[tuple[Pair, Sum | None]]:
    """Yield, for each delta of f, density of u at the place times the expectation of g given u.

    No sum where g bends too often to be followed.
    """
    partners: dict[int, list[int]] = {}
    for i, j in pairs:
        partners.setdefault(i, []).append(j)
    for place, weights in first.diracs:
        wanted = [j for function, _ in weights for j in partners.get(function, ())]
        if not wanted:
            continue
        s = place / scales.std_u
        peak = density(s) / scales.std_u
        mean, std = scales.std_v * scales.rho * s, scales.std_v * scales.r
        inner = gaussian_sums(second, mean, std, digits, wanted)
        for function, weight in weights:
            for partner in partners.get(function, ()):
                part = inner[partner]
                yield (function, partner), None if part is None else part.scaled(weight * peak)
