"""Gauss-Legendre panels that follow the scales of an integrand.

An integrand here is a Gaussian times a function that bends only near known places (``Feature``: a
centre and a width). Panels are at most ``step`` widths long wherever a feature or the Gaussian
itself bends, and short enough for the exponent not to fall by more than ``_FALL`` within one.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import ceil

from flint import arb, ctx

Feature = tuple[arb, arb]

# A factor exp(-_FALL t) on [0, 1] is integrated by 16 nodes to 1e-20, by 20 nodes to 1e-29.
_FALL = 12


@dataclass(frozen=True)
class Resolution:
    """How finely to integrate.

    Parameters
    ----------
    nodes
        Gauss-Legendre nodes a panel.
    reach
        Exponent below the peak at which the range is cut: points of density less than exp(-reach)
        of the largest on the support are dropped.
    step
        Longest panel, in units of the local width.
    """

    nodes: int
    reach: float
    step: float


@lru_cache(maxsize=64)
def rule(nodes: int, bits: int) -> tuple[tuple[arb, arb], ...]:
    """Gauss-Legendre nodes and weights on [-1, 1] as balls of ``bits`` bits."""
    with ctx.workprec(bits):
        return tuple(arb.legendre_p_root(nodes, k, weight=True) for k in range(nodes))


def panels(
    lo: arb,
    hi: arb,
    features: Sequence[Feature],
    energy: Callable[[arb], arb],
    resolution: Resolution,
) -> Iterator[tuple[arb, arb]]:
    """Cut [lo, hi] into panels.

    Parameters
    ----------
    lo, hi
        Finite ends; nothing is yielded unless lo < hi.
    features
        Pairs (centre, width); those wider than the Gaussian (width 1) need no panels of their own.
    energy
        Minus the logarithm of the integrand up to what is bounded or slow.
    resolution
        Step and reach.
    """
    if not lo.mid() < hi.mid():
        return
    far = arb(2 * resolution.reach).sqrt()
    zones = [
        (
            max(centre.mid() - far * width, lo),
            min(centre.mid() + far * width, hi),
            float(width.mid()),
        )
        for centre, width in features
        if width.mid() < 1
    ]
    zones = [(left, right, width) for left, right, width in zones if left.mid() < right.mid()]
    centres = [centre for centre, width in features if width.mid() < 1 and lo < centre < hi]
    inner = [end for left, right, _ in zones for end in (left, right) if lo < end < hi]
    cuts = [lo, *sorted(cut.mid() for cut in inner + centres), hi]
    for left, right in pairwise(cuts):
        if left.mid() < right.mid():
            middle = (left + right).mid() / 2
            width = min(
                (w for start, end, w in zones if start.mid() < middle < end.mid()), default=1.0
            )
            yield from _equal(left, right, width, energy, resolution)


def _equal(
    left: arb, right: arb, width: float, energy: Callable[[arb], arb], resolution: Resolution
) -> Iterator[tuple[arb, arb]]:
    by_length = float(((right - left) / (width * resolution.step)).mid())
    by_fall = float(abs(energy(right) - energy(left)).mid()) / _FALL
    count = max(1, ceil(by_length), ceil(by_fall))
    edges = [left, *((left + (right - left) * k / count).mid() for k in range(1, count)), right]
    yield from pairwise(edges)
