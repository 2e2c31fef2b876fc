"""What a check may say: a grade, the evidence for it, and where it fails."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from theory.errors import InputError


class Grade(Enum):
    """How far a check got; only the first four, in this order, are degrees of being right.

    PROVED              exact: symbolic, rational or exhaustive
    ENCLOSED            balls over the whole stated domain
    AGREES              independent routes at listed points, with digits
    CONSISTENT          statistics, with false-alarm rate and resolution
    UNDECIDED           the check could not tell; never a pass
    VACUOUS             the check could not have failed; never a pass
    REFUTED             false, with a witness
    REFUTED_AS_PRINTED  the source's formula is false, and the correction beside it holds
    """

    PROVED = "PROVED"
    ENCLOSED = "ENCLOSED"
    AGREES = "AGREES"
    CONSISTENT = "CONSISTENT"
    UNDECIDED = "UNDECIDED"
    VACUOUS = "VACUOUS"
    REFUTED = "REFUTED"
    REFUTED_AS_PRINTED = "REFUTED-AS-PRINTED"

    def reaches(self, aim: "Grade") -> bool:
        """Whether a claim that aims at ``aim`` passes with this grade."""
        if aim in ASCENDING:
            return self in ASCENDING and ASCENDING.index(self) >= ASCENDING.index(aim)
        return self is aim is Grade.REFUTED_AS_PRINTED

    def __str__(self) -> str:
        return self.value


ASCENDING = (Grade.CONSISTENT, Grade.AGREES, Grade.ENCLOSED, Grade.PROVED)


@dataclass(frozen=True)
class Verdict:
    """The outcome of one check.

    Parameters
    ----------
    grade
        How far the check got.
    evidence
        One readable line: what was done, with its numbers.
    witness
        Where the statement fails; a refutation needs one.
    trusts
        What has to be right for the verdict to be right: methods declare it.

    Raises
    ------
    InputError
        For a refutation without a witness: nobody could check it.
    """

    grade: Grade
    evidence: str
    witness: str | None = None
    trusts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        refutes = self.grade in {Grade.REFUTED, Grade.REFUTED_AS_PRINTED}
        if refutes and not self.witness:
            raise InputError(
                f"verdict {self.grade} ({self.evidence}) has no witness; "
                f"say at which point, and by how much, the statement fails"
            )


def every(parts: Iterable[tuple[str, Verdict]]) -> Verdict:
    """Verdict on a conjunction of labelled parts: the weakest of them decides.

    The first refutation is returned at once, then VACUOUS, then UNDECIDED; otherwise the lowest
    grade among the parts. Parts are evaluated lazily, so a refutation costs no more than needed.
    """
    seen: list[tuple[str, Verdict]] = []
    for label, verdict in parts:
        if verdict.grade is Grade.REFUTED:
            return Verdict(
                Grade.REFUTED,
                f"{label}: {verdict.evidence}",
                f"{label}: {verdict.witness}",
                verdict.trusts,
            )
        seen.append((label, verdict))
    if not seen:
        return Verdict(Grade.VACUOUS, "a conjunction of no parts")
    order = (Grade.VACUOUS, Grade.UNDECIDED, Grade.REFUTED_AS_PRINTED, *ASCENDING)
    label, weakest = min(seen, key=lambda part: order.index(part[1].grade))
    trusts = tuple(dict.fromkeys(t for _, verdict in seen for t in verdict.trusts))
    if len(seen) == 1:
        evidence = weakest.evidence
    elif all(verdict.grade is weakest.grade for _, verdict in seen):
        evidence = f"{len(seen)} parts, each {weakest.grade}; {label}: {weakest.evidence}"
    else:
        evidence = f"{len(seen)} parts, weakest {label}: {weakest.grade}, {weakest.evidence}"
    return Verdict(weakest.grade, evidence, weakest.witness, trusts)
