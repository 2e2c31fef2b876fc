"""Exact enumeration: a finite statement is proved by looking at every case."""

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from proofs_check.methods.domain import written
from proofs_check.verdict import Grade, Verdict
from theory.errors import InexactInputError

TRUSTS = ("that the cases listed are all cases of the statement", "Python's rational arithmetic")


def exhaustive(
    cases: Iterable[Mapping[str, Any]],
    left: Callable[..., Any],
    right: Callable[..., Any],
) -> Verdict:
    """Compare two exact values on every case: PROVED, or REFUTED at the first that differs.

    ``left`` and ``right`` take a case's entries as keywords and return int, Fraction, or a tuple
    or mapping of these; a float raises ``InexactInputError``. No cases at all is VACUOUS.
    """
    count = 0
    for case in cases:
        count += 1
        one, other = left(**case), right(**case)
        _refuse_floats(one, case)
        _refuse_floats(other, case)
        if one != other:
            return Verdict(
                Grade.REFUTED,
                f"differs at case {count}",
                f"{written(case)}: {one} against {other}",
                TRUSTS,
            )
    if not count:
        return Verdict(Grade.VACUOUS, "no case to look at", None, TRUSTS)
    return Verdict(Grade.PROVED, f"equal in all {count} cases, in rationals", None, TRUSTS)


def _refuse_floats(value: Any, case: Mapping[str, Any]) -> None:
    """Raise where a value is not exact."""
    if isinstance(value, Mapping):
        value = tuple(value.values())
    for item in value if isinstance(value, tuple | list) else (value,):
        if not isinstance(item, int | Fraction):
            raise InexactInputError(
                f"case {written(case)} gave {item!r} ({type(item).__name__}); "
                f"enumeration needs int or Fraction"
            )
