"""One-dimensional Gaussian integrals of a piecewise smooth function, cut where nothing is left."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flint import arb, ctx

from theory.quadrature.numeric import NumericDefinition, NumericPiece
from theory.quadrature.panels import Feature, Resolution, panels, rule


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


def total(parts: Iterable[Sum]) -> Sum:
    """Add up parts; nothing adds up to zero."""
    return sum(parts, Sum(arb(0), arb(0)))


def energy(z: arb) -> arb:
    """Return the exponent z^2/2 of the standard normal density."""
    return z * z / 2


def density(z: arb) -> arb:
    """Return the standard normal density."""
    return (-energy(z)).exp() / (2 * arb.pi()).sqrt()


def clamp(value: arb, lo: arb, hi: arb) -> arb:
    """Return the point of [lo, hi] nearest to ``value``."""
    return max(lo, min(value, hi))


def standardise(features: Sequence[Feature], mean: arb, std: arb) -> list[Feature]:
    """Turn features of x -> f(x) into features of z -> f(mean + std z)."""
    return [((centre - mean) / std, width / std) for centre, width in features]


def piece_integral(
    piece: NumericPiece,
    features: Sequence[Feature],
    mean: arb,
    std: arb,
    cap: arb,
    resolution: Resolution,
) -> Sum:
    """Integrate piece(mean + std z) exp(-z^2/2) dz where z^2/2 is at most ``cap``."""
    reach = max(cap.mid(), arb(0)).sqrt() * arb(2).sqrt()
    lo = max((piece.lo - mean) / std, -reach)
    hi = min((piece.hi - mean) / std, reach)
    nodes = rule(resolution.nodes, ctx.prec)
    at = piece.at
    value = mass = arb(0)
    for left, right in panels(lo, hi, standardise(features, mean, std), energy, resolution):
        half, middle = (right - left) / 2, (right + left) / 2
        for node, weight in nodes:
            z = middle + half * node
            term = half * weight * (z * z / -2).exp() * at(mean + std * z)
            value += term
            # Node by node: an odd integrand on a symmetric panel has mass, and no value.
            mass += abs(term)
    return Sum(value, mass)


def gaussian_integral(f: NumericDefinition, mean: arb, std: arb, resolution: Resolution) -> Sum:
    """Integrate f(mean + std z) over standard normal z; a Dirac delta counts with its density."""
    lowest = [energy(clamp(arb(0), (g.lo - mean) / std, (g.hi - mean) / std)) for g in f.pieces]
    cap = min(lowest, default=arb(0)) + arb(resolution.reach)
    smooth = total(piece_integral(g, f.features, mean, std, cap, resolution) for g in f.pieces)
    atoms = (weight * density((place - mean) / std) / std for place, weight in f.diracs)
    return smooth.scaled((2 * arb.pi()).rsqrt()) + total(Sum(atom, abs(atom)) for atom in atoms)
