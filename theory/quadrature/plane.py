"""The two-dimensional integral: outer over u, inner over v given u.

In units of the standard deviations, u = sqrt(p) s and v = sqrt(q) (rho s + r z) with s, z
independent standard normals and r^2 = 1 - rho^2. The joint exponent (s^2 + z^2)/2 is smallest over
each rectangle piece x piece at a point known exactly; everything whose exponent exceeds the
smallest one of all rectangles by ``reach`` is cut.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from flint import arb, ctx

from theory.quadrature.line import (
    Sum,
    clamp,
    density,
    energy,
    gaussian_integral,
    piece_integral,
    standardise,
    total,
)
from theory.quadrature.numeric import NumericDefinition, NumericPiece
from theory.quadrature.panels import Feature, Resolution, panels, rule


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
    """One piece of f times one piece of g, with its sides in units of the standard deviations."""

    f: NumericPiece
    g: NumericPiece
    s: tuple[arb, arb]
    t: tuple[arb, arb]
    scales: Whitened

    def energy(self, s: arb) -> arb:
        """Return the smallest exponent on the line u = sqrt(p) s inside the rectangle."""
        z = (clamp(self.scales.rho * s, *self.t) - self.scales.rho * s) / self.scales.r
        return energy(s) + energy(z)

    def lowest(self) -> arb:
        """Return the smallest exponent in the rectangle (it is convex in s)."""
        return self.energy(clamp(self.scales.rho * clamp(arb(0), *self.t), *self.s))

    def span(self, cap: arb) -> tuple[arb, arb]:
        """Bound s where the exponent is below ``cap``: the shadow of an ellipse cut by a strip."""
        radius = (2 * cap).sqrt().mid()
        sides = []
        for sign in (-1, 1):
            t = clamp(self.scales.rho * radius * sign, *self.t).mid()
            room = max(2 * cap - t * t, arb(0)).sqrt()
            sides.append((self.scales.rho * t + sign * self.scales.r * room).mid())
        return max(self.s[0], sides[0]), min(self.s[1], sides[1])

    def features(self, f: NumericDefinition, g: NumericDefinition) -> Iterator[Feature]:
        """Yield where the outer integrand bends: features of f, images of edges and features of g."""
        rho, r = self.scales.rho, self.scales.r
        yield from standardise(f.features, arb(0), self.scales.std_u)
        if rho == 0:
            return
        for edge in self.t:
            if edge.is_finite():
                yield edge / rho, r / abs(rho)
                # Beyond the image the integrand is itself a Gaussian of width r, centred here.
                if abs(edge) * r > abs(rho):
                    yield rho * edge, r
        for centre, width in standardise(g.features, arb(0), self.scales.std_v):
            yield centre / rho, (width * width + r * r).sqrt() / abs(rho)


def expectation(
    f: NumericDefinition, g: NumericDefinition, scales: Whitened, resolution: Resolution
) -> Sum:
    """Integrate f(u) g(v) for a covariance of full rank, at the current precision."""
    rectangles = [
        Rectangle(
            a,
            b,
            (a.lo / scales.std_u, a.hi / scales.std_u),
            (b.lo / scales.std_v, b.hi / scales.std_v),
            scales,
        )
        for a in f.pieces
        for b in g.pieces
    ]
    cap = min((box.lowest() for box in rectangles), default=arb(0)) + arb(resolution.reach)
    smooth = total(
        _integral(box, f, g, cap, resolution) for box in rectangles if box.lowest() < cap
    )
    return (
        smooth.scaled(1 / (2 * arb.pi()))
        + _restricted(f, g, scales, resolution)
        + _restricted(g, _without_diracs(f), scales.flipped(), resolution)
    )


def _integral(
    box: Rectangle, f: NumericDefinition, g: NumericDefinition, cap: arb, resolution: Resolution
) -> Sum:
    scales = box.scales
    slope, std = scales.std_v * scales.rho, scales.std_v * scales.r
    parts = []
    for left, right in panels(*box.span(cap), list(box.features(f, g)), box.energy, resolution):
        half, middle = (right - left) / 2, (right + left) / 2
        for node, weight in rule(resolution.nodes, ctx.prec):
            s = middle + half * node
            inner = piece_integral(box.g, g.features, slope * s, std, cap - energy(s), resolution)
            parts.append(
                inner.scaled(half * weight * (-energy(s)).exp() * box.f.at(scales.std_u * s))
            )
    return total(parts)


def _restricted(
    f: NumericDefinition, g: NumericDefinition, scales: Whitened, resolution: Resolution
) -> Sum:
    """Sum over deltas of f: density of u at the place times the expectation of g given u."""
    parts = []
    for place, weight in f.diracs:
        s = place / scales.std_u
        inner = gaussian_integral(
            g, scales.std_v * scales.rho * s, scales.std_v * scales.r, resolution
        )
        parts.append(inner.scaled(weight * density(s) / scales.std_u))
    return total(parts)


def _without_diracs(f: NumericDefinition) -> NumericDefinition:
    return NumericDefinition(f.pieces, (), f.features)
