"""Inequalities over a whole box, by subdivision in ball arithmetic."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from proofs_check.methods.domain import written
from proofs_check.verdict import Grade, Verdict
from theory.arithmetic.boxes import Sides, above

TRUSTS = (
    "Arb (ball arithmetic)",
    "that the function given returns an enclosure on balls, and of its slopes on jets",
    "subdivision and centred forms (theory.arithmetic.boxes)",
)


def positive(
    function: Callable[..., Any],
    box: Mapping[str, Any],
    *,
    gap: int | str | Fraction = 0,
    bits: int = 80,
    max_boxes: int = 20_000,
) -> Verdict:
    """Show ``function > gap`` on a closed box: ENCLOSED, REFUTED at a point, or UNDECIDED at a box.

    Parameters
    ----------
    function
        Takes one number a side, by name: balls, and jets (``theory.arithmetic.jets``), which a
        function written for balls takes unchanged.
    box
        Name -> (low, high), exact; both ends belong to the box. A single number is a point.
    gap
        Exact number. Shrinking boxes decide a strict inequality only: where equality is attained
        the verdict is UNDECIDED.
    bits
        Working precision.
    max_boxes
        Effort: boxes looked at before giving up.
    """
    found = above(function, box, gap, bits=bits, max_boxes=max_boxes)
    if found.refuted:
        shown = found.value.str(12)
        return Verdict(
            Grade.REFUTED,
            f"not above {gap}: {shown} after {found.boxes} boxes",
            f"{written(found.place)}: {shown}",
            TRUSTS,
        )
    if found.worst is not None:
        evidence = f"undecided after {found.boxes} boxes of {bits} bits, at {_shown(found.worst)}"
        return Verdict(Grade.UNDECIDED, evidence, None, TRUSTS)
    least = found.lower.lower().str(6, radius=False)
    evidence = f"above {gap} on {found.boxes} boxes, {bits} bits; lowest bound {least}"
    return Verdict(Grade.ENCLOSED, evidence, None, TRUSTS)


def _shown(box: Sides) -> str:
    """Return a box as text."""
    return ", ".join(
        f"{name} in [{float(low):.6g}, {float(high):.6g}]" for name, (low, high) in box.items()
    )
