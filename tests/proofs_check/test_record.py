"""The committed ledger.json says what a fresh run says."""

import json
from pathlib import Path
from typing import Any

import pytest

import proofs_check
from proofs_check import Claim, discover, record, run

FILE = Path(proofs_check.__file__).with_name("ledger.json")
RECORDED: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))["claims"]
REFRESH = "if the change is meant, run `python -m proofs_check` and commit ledger.json"


def test_record_lists_the_claims_in_order() -> None:
    assert [entry["id"] for entry in RECORDED] == [entry.id for entry in discover()], REFRESH


def test_record_holds_only_green_claims() -> None:
    for entry in RECORDED:
        assert entry["mutant"] == "REFUTED", entry["id"]
        assert proofs_check.Grade(entry["grade"]).reaches(proofs_check.Grade(entry["aims_at"]))


@pytest.mark.slow
@pytest.mark.parametrize("entry", discover(), ids=lambda entry: entry.id)
def test_record_equals_a_fresh_run(entry: Claim) -> None:
    (result,) = run([entry])
    (fresh,) = record([result])["claims"]
    recorded = next((old for old in RECORDED if old["id"] == entry.id), None)
    assert result.passed, result.why
    assert fresh == recorded, REFRESH
