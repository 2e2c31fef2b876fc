"""Inequalities over a whole box, by subdivision in ball arithmetic."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import flint

from proofs_check.methods.domain import written
from proofs_check.verdict import Grade, Verdict
from theory.checks import positive_int
from theory.errors import DomainError, InexactInputError

TRUSTS = ("Arb (ball arithmetic)", "that the function given returns an enclosure on balls")
Box = dict[str, tuple[Fraction, Fraction]]


def positive(
    function: Callable[..., flint.arb],
    box: Mapping[str, tuple[Any, Any]],
    *,
    gap: int | str | Fraction = 0,
    bits: int = 80,
    max_boxes: int = 20_000,
) -> Verdict:
    """Show ``function > gap`` on a closed box: ENCLOSED, REFUTED at a point, or UNDECIDED at a box.

    Parameters
    ----------
    function
        Takes one ball a variable, by name, and returns a ball that contains all its values there.
    box
        Name -> (low, high), exact; both ends belong to the box.
    gap
        Exact number. Shrinking boxes decide a strict inequality only: where equality is attained
        the verdict is UNDECIDED.
    max_boxes
        Effort: boxes looked at before giving up.
    """
    positive_int(max_boxes, "max_boxes")
    queue: list[Box] = [{name: _interval(name, ends) for name, ends in box.items()}]
    bound, looked = Fraction(gap), 0
    with flint.ctx.workprec(bits):
        level = flint.arb(flint.fmpq(bound.numerator, bound.denominator))
        while queue:
            here = queue.pop()
            looked += 1
            if function(**{name: _ball(*ends) for name, ends in here.items()}) > level:
                continue
            centre = {name: (low + high) / 2 for name, (low, high) in here.items()}
            value = function(**{name: _ball(point, point) for name, point in centre.items()})
            if value <= level:
                return Verdict(
                    Grade.REFUTED,
                    f"not above {gap}: {value.str(12)} after {looked} boxes",
                    f"{written(centre)}: {value.str(12)}",
                    TRUSTS,
                )
            if looked + len(queue) >= max_boxes:
                return Verdict(
                    Grade.UNDECIDED,
                    f"undecided after {looked} boxes of {bits} bits, at {_shown(here)}",
                    None,
                    TRUSTS,
                )
            queue.extend(_halves(here))
    return Verdict(Grade.ENCLOSED, f"above {gap} on {looked} boxes, {bits} bits", None, TRUSTS)


def _interval(name: str, ends: tuple[Any, Any]) -> tuple[Fraction, Fraction]:
    """Return exact ends."""
    if any(isinstance(end, float) for end in ends):
        raise InexactInputError(
            f"box of {name} is {ends!r}; give int, Fraction or decimal string ends"
        )
    low, high = Fraction(ends[0]), Fraction(ends[1])
    if low > high:
        raise DomainError(f"box of {name} is empty: {ends!r}")
    return low, high


def _ball(low: Fraction, high: Fraction) -> flint.arb:
    """Return a ball that contains the interval."""
    first, last = (flint.arb(flint.fmpq(end.numerator, end.denominator)) for end in (low, high))
    return first if low == high else first.union(last)


def _halves(box: Box) -> list[Box]:
    """Split the widest side."""
    name = max(box, key=lambda key: box[key][1] - box[key][0])
    low, high = box[name]
    middle = (low + high) / 2
    return [{**box, name: (low, middle)}, {**box, name: (middle, high)}]


def _shown(box: Box) -> str:
    """Return a box as text."""
    return ", ".join(
        f"{name} in [{float(low):.6g}, {float(high):.6g}]" for name, (low, high) in box.items()
    )
