"""Certified statements about a function over a whole box: bounds by subdivision in ball arithmetic.

Every box is bounded by the range of the function and by its centred form f(m) + slopes (x - m); where a
slope keeps its sign, the least value lies on one face and only that face is kept. What is left is
halved along the side that contributes most, the least bound first.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import Any

import flint
import sympy as sp
from flint import arb

from theory.arithmetic.exact import exact
from theory.arithmetic.jets import Jet
from theory.checks import positive_int
from theory.errors import DomainError, InputError

Sides = dict[str, tuple[Fraction, Fraction]]
Point = dict[str, Fraction]
Function = Callable[..., Any]


@dataclass(frozen=True)
class Search:
    """What a subdivision found.

    Attributes
    ----------
    lower
        Ball whose lower end bounds the function from below on the whole box; minus infinity where
        nothing could be said.
    value, place
        The least value that was met at a rational point, and that point; infinity where none was
        finite.
    refuted
        Whether ``value`` is at or below the level asked about.
    worst
        The box with the least bound among those that could not be decided; None if there is none.
    boxes
        How many were looked at.
    """

    lower: arb
    value: arb
    place: Point
    refuted: bool
    worst: Sides | None
    boxes: int


def sides(box: Mapping[str, Any]) -> Sides:
    """Return exact closed intervals from pairs (low, high) or single numbers.

    Raises
    ------
    InexactInputError
        For a float end.
    DomainError
        For low > high.
    InputError
        For an end that is not rational.
    """
    return {name: _interval(name, ends) for name, ends in box.items()}


def above(
    function: Function,
    box: Mapping[str, Any],
    level: Any,
    *,
    bits: int = 80,
    max_boxes: int = 20_000,
) -> Search:
    """Decide whether ``function > level`` on a closed box.

    Parameters
    ----------
    function
        Takes one number a side, by name: balls at points and jets (``theory.arithmetic.jets``) over
        boxes, or balls alone; whatever it returns must contain all its values there.
    box
        Name -> (low, high), exact rational numbers; both ends belong to the box. A single number is
        a side of length 0.
    level
        Exact number.
    bits
        Working precision.
    max_boxes
        Effort: boxes looked at before giving up.

    Returns
    -------
    Search
        False if ``refuted``, with ``place`` as witness; otherwise true if ``worst`` is None, else
        undecided. Equality somewhere in the box is never decided as true.
    """
    bound = exact(level, "level")
    with flint.ctx.workprec(bits):
        threshold = _number(bound)
        return _search(
            function, sides(box), lambda _: threshold, lambda v: v <= threshold, max_boxes
        )


def minimum(
    function: Function,
    box: Mapping[str, Any],
    *,
    tolerance: Any = Fraction(1, 1000),
    bits: int = 80,
    max_boxes: int = 20_000,
) -> Search:
    """Enclose the least value of ``function`` on a closed box.

    Parameters
    ----------
    function, box, bits, max_boxes
        As in ``above``.
    tolerance
        Exact; the search ends when ``value - lower`` is at most ``tolerance * |value|``. A least value
        of 0 is therefore never settled.

    Returns
    -------
    Search
        The minimum lies between the lower end of ``lower`` and the upper end of ``value``; they are
        within the tolerance if ``worst`` is None.
    """
    share = exact(tolerance, "tolerance")
    if not share > 0:
        raise InputError(f"tolerance must be positive, got {tolerance}; bounds by boxes never meet")
    with flint.ctx.workprec(bits):
        part = _number(share)

        def threshold(best: arb) -> arb:
            return best.upper() - part * abs(best).lower() if best.is_finite() else best

        return _search(function, sides(box), threshold, lambda _: False, max_boxes)


def _search(
    function: Function,
    start: Sides,
    threshold: Callable[[arb], arb],
    enough: Callable[[arb], bool],
    max_boxes: int,
) -> Search:
    """Look at boxes, the least bound first, until each is above the threshold or a value is enough."""
    positive_int(max_boxes, "max_boxes")
    best, place = arb.pos_inf(), {name: low for name, (low, _) in start.items()}
    lower, order = arb.pos_inf(), count()
    queue: list[tuple[float, int, _Examined]] = []
    stuck: list[_Examined] = []
    pending: Iterator[Sides] = iter((start,))
    looked = 0
    while True:
        for here in pending:
            looked += 1
            examined = _examine(function, here)
            if examined.value.is_finite() and bool(examined.value < best):
                best, place = examined.value, examined.centre
            if enough(best):
                return Search(arb.neg_inf(), best, place, True, None, looked)
            if examined.lower > threshold(best):
                lower = lower.min(examined.lower)
            elif examined.is_point:
                stuck.append(examined)
            else:
                heapq.heappush(queue, (float(examined.lower), next(order), examined))
        # The threshold falls while the search goes on: what was queued may be done with by now.
        while queue and queue[0][2].lower > threshold(best):
            lower = lower.min(heapq.heappop(queue)[2].lower)
        if not queue or looked >= max_boxes:
            break
        pending = heapq.heappop(queue)[2].halves()
    left = [*stuck, *(entry[2] for entry in queue)]
    worst = min(left, key=lambda examined: float(examined.lower), default=None)
    for examined in left:
        lower = lower.min(examined.lower)
    return Search(lower, best, place, False, worst.sides if worst else None, looked)


@dataclass(frozen=True)
class _Examined:
    """A box, cut down to the face where the least value lies, and what is known there."""

    sides: Sides
    lower: arb
    value: arb
    centre: Point
    smear: Mapping[str, float]

    @property
    def is_point(self) -> bool:
        return all(low == high for low, high in self.sides.values())

    def halves(self) -> Iterator[Sides]:
        """Split the side that contributes most to the width of the centred form."""
        name = max(self.smear, key=lambda key: self.smear[key])
        low, high = self.sides[name]
        middle = (low + high) / 2
        yield {**self.sides, name: (low, middle)}
        yield {**self.sides, name: (middle, high)}


def _examine(function: Function, box: Sides) -> _Examined:
    jet, names, face = _over(function, box)
    while face != box:
        box = face
        jet, names, face = _over(function, box)
    centre = {name: (low + high) / 2 for name, (low, high) in box.items()}
    value = function(**{name: _ball(point, point) for name, point in centre.items()})
    widths = {name: box[name][1] - box[name][0] for name in names}
    smear = {name: float(width) for name, width in widths.items()}
    bounds = [jet.value if isinstance(jet, Jet) else jet]
    if isinstance(jet, Jet) and all(slope.is_finite() for slope in jet.slopes):
        form = value
        for name, slope in zip(names, jet.slopes, strict=True):
            reach = abs(slope).upper() * _ball(widths[name], widths[name]) / 2
            form -= reach
            smear[name] = float(reach.mid())
        bounds.append(form)
    lower = arb.neg_inf()
    for bound in bounds:
        if bound.is_finite():
            lower = lower.max(bound.lower())
    return _Examined(box, lower, value, centre, smear)


def _over(function: Function, box: Sides) -> tuple[Any, list[str], Sides]:
    """Return the function over the box, the names of its sides that are not points, and the face left."""
    names = [name for name, (low, high) in box.items() if low < high]
    seeds = {name: tuple(arb(int(name == other)) for other in names) for name in names}
    jet = function(
        **{
            name: Jet(_ball(*ends), seeds[name]) if name in seeds else _ball(*ends)
            for name, ends in box.items()
        }
    )
    face = dict(box)
    if isinstance(jet, Jet):
        for name, slope in zip(names, jet.slopes, strict=True):
            low, high = box[name]
            if slope >= 0:
                face[name] = (low, low)
            elif slope <= 0:
                face[name] = (high, high)
    return jet, names, face


def _interval(name: str, ends: Any) -> tuple[Fraction, Fraction]:
    pair = ends if isinstance(ends, tuple | list) else (ends, ends)
    if len(pair) != 2:
        raise InputError(f"side {name} must be (low, high) or one number, got {ends!r}")
    low, high = (_rational(end, name) for end in pair)
    if low > high:
        raise DomainError(f"box of {name} is empty: {ends!r}")
    return low, high


def _rational(value: Any, name: str) -> Fraction:
    number = exact(value, f"box of {name}")
    if not isinstance(number, sp.Rational):
        raise InputError(f"box of {name} ends at {number}; halving needs rational ends")
    return Fraction(int(number.p), int(number.q))


def _number(value: sp.Expr) -> arb:
    rational = _rational(value, "level")
    return _ball(rational, rational)


def _ball(low: Fraction, high: Fraction) -> arb:
    first, last = (arb(flint.fmpq(end.numerator, end.denominator)) for end in (low, high))
    return first if low == high else first.union(last)
