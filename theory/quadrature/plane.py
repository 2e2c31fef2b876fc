"""The two-dimensional integral: outer over u, inner over v given u.

In units of the standard deviations, u = sqrt(p) s and v = sqrt(q) (rho s + r z) with s, z
independent standard normals and r^2 = 1 - rho^2. The joint exponent (s^2 + z^2)/2 is smallest over
each rectangle cell x cell at a point known exactly; everything whose exponent exceeds the smallest
one of all rectangles of a pair by ``reach`` is cut.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from flint import arb, ctx

from theory.quadrature.axis import Axis, Bend, Cell
from theory.quadrature.definition import Shape
from theory.quadrature.errors import QuadratureError
from theory.quadrature.line import (
    NOTHING,
    Sum,
    cell_sums,
    clamp,
    density,
    energy,
    gaussian_sums,
)
from theory.quadrature.panels import Feature, Resolution, panels, rule

Pair = tuple[int, int]


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


@dataclass(frozen=True)
class Rectangle:
    """One cell of u times one cell of v, with its sides in units of the standard deviations."""

    f: Cell
    g: Cell
    s: tuple[arb, arb]
    t: tuple[arb, arb]
    scales: Whitened

    def energy(self, s: arb) -> arb:
        """Return the smallest exponent on the line u = sqrt(p) s inside the rectangle."""
        z = (clamp(self.scales.rho * s, *self.t) - self.scales.rho * s) / self.scales.r
        return energy(s) + energy(z)

    def peak(self) -> arb:
        """Return s where the exponent is smallest (it is convex in s)."""
        return clamp(self.scales.rho * clamp(arb(0), *self.t), *self.s)

    def span(self, cap: arb) -> tuple[arb, arb]:
        """Bound s where the exponent is below ``cap``: the shadow of an ellipse cut by a strip."""
        radius = (2 * cap).sqrt().mid()
        sides = []
        for sign in (-1, 1):
            t = clamp(self.scales.rho * radius * sign, *self.t).mid()
            room = max(2 * cap - t * t, arb(0)).sqrt()
            sides.append((self.scales.rho * t + sign * self.scales.r * room).mid())
        return max(self.s[0], sides[0]), min(self.s[1], sides[1])

    def features(self, first: Axis, second: Axis) -> Iterator[Bend]:
        """Yield where the outer integrand bends: features of f, images of edges and features of g."""
        rho, r = self.scales.rho, self.scales.r
        for bend in first.features:
            std = self.scales.std_u
            yield Bend(bend.centre / std, bend.width / std, bend.shape)
        if rho == 0:
            return
        for edge in self.t:
            if edge.is_finite():
                yield Bend(edge / rho, r / abs(rho), Shape.BELL)
                # Beyond the image the integrand is itself a Gaussian of width r, centred here.
                if abs(edge) * r > abs(rho):
                    yield Bend(rho * edge, r, Shape.BELL)
        for bend in second.features:
            centre, width = bend.centre / self.scales.std_v, bend.width / self.scales.std_v
            if bend.shape is not Shape.WAVE:
                width = (width * width + r * r).sqrt()
            yield Bend(centre / rho, width / abs(rho), bend.shape)


def expectations(
    first: Axis,
    second: Axis,
    pairs: Sequence[Pair],
    scales: Whitened,
    resolution: Resolution,
) -> dict[Pair, Sum]:
    """Integrate f(u) g(v) for pairs of functions on two axes, at full rank and current precision.

    A pair whose integrand bends too often to be followed has no sum.
    """
    sums = dict.fromkeys(pairs, NOTHING)
    hopeless: set[Pair] = set()
    norm = 1 / (2 * arb.pi())
    for box, cap, users in _needed(first, second, pairs, scales, resolution):
        if all(pair in hopeless for pair, *_ in users):
            continue
        try:
            integrals = _integrals(box, first, second, cap, resolution)
        except QuadratureError:
            hopeless.update(pair for pair, *_ in users)
            continue
        for pair, j, k, coefficient in users:
            sums[pair] += integrals[j][k].scaled(coefficient * norm)
    for pair, value in _restricted(first, second, pairs, scales, resolution):
        if value is None:
            hopeless.add(pair)
        else:
            sums[pair] += value
    back = [(j, i) for i, j in pairs]
    smooth = replace(first, diracs=())
    for (j, i), value in _restricted(second, smooth, back, scales.flipped(), resolution):
        if value is None:
            hopeless.add((i, j))
        else:
            sums[i, j] += value
    return {pair: part for pair, part in sums.items() if pair not in hopeless}


_User = tuple[Pair, int, int, arb]


def _needed(
    first: Axis, second: Axis, pairs: Sequence[Pair], scales: Whitened, resolution: Resolution
) -> Iterator[tuple[Rectangle, arb, list[_User]]]:
    """Yield rectangles that some pair needs, the exponent to cut at, and who needs what of them."""
    by_pair: dict[Pair, list[tuple[int, int, int, int, arb]]] = {pair: [] for pair in pairs}
    boxes, floors = {}, {}
    rows, columns = _uses(first), _uses(second)
    for i, j in pairs:
        for a, n, left in rows.get(i, ()):
            for b, m, right in columns.get(j, ()):
                by_pair[i, j].append((a, b, n, m, left * right))
                if (a, b) not in boxes:
                    f, g = first.cells[a], second.cells[b]
                    box = Rectangle(
                        f,
                        g,
                        (f.lo / scales.std_u, f.hi / scales.std_u),
                        (g.lo / scales.std_v, g.hi / scales.std_v),
                        scales,
                    )
                    boxes[a, b], floors[a, b] = box, box.energy(box.peak())
    caps: dict[Pair, arb] = {}
    users: dict[Pair, list[_User]] = {}
    for pair, parts in by_pair.items():
        cap = min((floors[a, b] for a, b, *_ in parts), default=arb(0)) + resolution.reach
        for a, b, n, m, coefficient in parts:
            if floors[a, b] < cap:
                caps[a, b] = max(caps.get((a, b), cap), cap)
                users.setdefault((a, b), []).append((pair, n, m, coefficient))
    for where, whom in users.items():
        yield boxes[where], caps[where], whom


def _uses(axis: Axis) -> dict[int, list[tuple[int, int, arb]]]:
    found: dict[int, list[tuple[int, int, arb]]] = {}
    for index, cell in enumerate(axis.cells):
        for function, factor, coefficient in cell.uses:
            found.setdefault(function, []).append((index, factor, coefficient))
    return found


def _integrals(
    box: Rectangle, first: Axis, second: Axis, cap: arb, resolution: Resolution
) -> list[list[Sum]]:
    """Integrate every factor of u times every factor of v over a rectangle."""
    scales, half_ = box.scales, arb("0.5")
    slope, std = scales.std_v * scales.rho, scales.std_v * scales.r
    values = [[arb(0)] * len(box.g.factors) for _ in box.f.factors]
    masses = [[arb(0)] * len(box.g.factors) for _ in box.f.factors]
    lo, hi = box.span(cap)
    s0 = clamp(box.peak(), lo, hi)
    narrow: list[Feature] = [
        (float((bend.centre - s0).mid()), float(bend.width.mid()), bend.shape)
        for bend in box.features(first, second)
        if bend.width < 1
    ]
    bottom = box.energy(s0)

    def exponent(offset: float) -> float:
        return float((box.energy(s0 + offset) - bottom).mid())

    for panel in panels((lo - s0, hi - s0), narrow, exponent, resolution, peak=True):
        half = (panel.right - panel.left) * half_
        middle = s0 + panel.left + half
        for node, weight in rule(panel.nodes, ctx.prec):
            s = middle + half * node
            fall = energy(s)
            inner = cell_sums(box.g, second.features, slope * s, std, cap - fall, resolution)
            if not inner:
                continue
            outer = half * weight * (-fall).exp()
            u = scales.std_u * s
            for j, factor in enumerate(box.f.factors):
                scale = outer * factor.at(u)
                size = abs(scale)
                for k, part in enumerate(inner):
                    values[j][k] += scale * part.value
                    masses[j][k] += size * part.mass
    return [
        [Sum(value, mass) for value, mass in zip(*row, strict=True)]
        for row in zip(values, masses, strict=True)
    ]


def _restricted(
    first: Axis,
    second: Axis,
    pairs: Sequence[Pair],
    scales: Whitened,
    resolution: Resolution,
) -> Iterator[tuple[Pair, Sum | None]]:
    """Yield, for each delta of f, density of u at the place times the expectation of g given u.

    No sum where g bends too often to be followed.
    """
    partners: dict[int, list[int]] = {}
    for i, j in pairs:
        partners.setdefault(i, []).append(j)
    for place, weights in first.diracs:
        if not any(function in partners for function, _ in weights):
            continue
        s = place / scales.std_u
        peak = density(s) / scales.std_u
        mean, std = scales.std_v * scales.rho * s, scales.std_v * scales.r
        inner: list[Sum] = []
        with suppress(QuadratureError):
            inner = gaussian_sums(second, mean, std, resolution)
        for function, weight in weights:
            for partner in partners.get(function, ()):
                part = inner[partner].scaled(weight * peak) if inner else None
                yield (function, partner), part
