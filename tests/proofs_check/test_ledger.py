"""A claim is declared once, completely, and found by folder."""

import pytest

import proofs_check
from proofs_check import Grade, Ledger, Verdict, every
from theory.errors import InputError

TRUE = Verdict(Grade.PROVED, "seen")
FALSE = Verdict(Grade.REFUTED, "not so", "at 1")


def declare(ledger: Ledger, **changes: object) -> None:
    entry = {
        "id": "X1",
        "statement": "One is one.",
        "source": "arithmetic",
        "aims_at": Grade.PROVED,
        "mutant": lambda: FALSE,
    } | changes
    ledger.claim(entry.pop("id"), **entry)(lambda: TRUE)  # type: ignore[arg-type]


def test_ids_are_unique() -> None:
    ledger = Ledger()
    declare(ledger)
    with pytest.raises(InputError, match="'X1' is declared twice"):
        declare(ledger)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"statement": "  "}, "empty statement"),
        ({"source": ""}, "empty source"),
        ({"aims_at": Grade.UNDECIDED}, "aims at UNDECIDED"),
        ({"aims_at": Grade.REFUTED_AS_PRINTED}, "correction None"),
        ({"correction": "two"}, "belongs to REFUTED_AS_PRINTED"),
    ],
)
def test_contradictory_declarations_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        declare(Ledger(), **changes)


def test_refutation_needs_a_witness() -> None:
    with pytest.raises(InputError, match="no witness"):
        Verdict(Grade.REFUTED, "somewhere")


def test_grades_reach_what_they_should() -> None:
    passing = [Grade.PROVED, Grade.ENCLOSED, Grade.AGREES, Grade.CONSISTENT]
    for i, grade in enumerate(passing):
        assert [grade.reaches(aim) for aim in passing] == [j >= i for j in range(4)]
        assert not grade.reaches(Grade.REFUTED_AS_PRINTED)
    for grade in (Grade.UNDECIDED, Grade.VACUOUS, Grade.REFUTED, Grade.REFUTED_AS_PRINTED):
        assert not any(grade.reaches(aim) for aim in passing)
    assert Grade.REFUTED_AS_PRINTED.reaches(Grade.REFUTED_AS_PRINTED)


def test_conjunction_takes_the_weakest_part() -> None:
    agrees = Verdict(Grade.AGREES, "digits")
    vacuous = Verdict(Grade.VACUOUS, "nothing")
    undecided = Verdict(Grade.UNDECIDED, "who knows")
    assert every([("a", TRUE), ("b", agrees)]).grade is Grade.AGREES
    assert every([("a", TRUE), ("b", undecided), ("c", agrees)]).grade is Grade.UNDECIDED
    assert every([("a", undecided), ("b", vacuous)]).grade is Grade.VACUOUS
    assert every([]).grade is Grade.VACUOUS
    refuted = every([("a", TRUE), ("b", FALSE), ("c", vacuous)])
    assert (refuted.grade, refuted.witness) == (Grade.REFUTED, "b: at 1")


def test_discovery_finds_every_claim_once_in_natural_order() -> None:
    ids = [entry.id for entry in proofs_check.discover()]
    assert len(ids) == len(set(ids))
    assert ids == [entry.id for entry in proofs_check.discover()]
    if {"T9", "T13"} <= set(ids):
        assert ids.index("T9") < ids.index("T13")
