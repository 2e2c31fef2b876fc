"""Running claims: what passes, what never does, and what is reused."""

import json
from pathlib import Path

import pytest

import proofs_check
from proofs_check import Grade, Ledger, Result, Verdict, run, to_json
from theory.errors import InputError

TRUE = Verdict(Grade.PROVED, "seen", trusts=("eyes",))
FALSE = Verdict(Grade.REFUTED, "not so", "at 1")


def ledger_of(check: object, mutant: object = lambda: FALSE) -> Ledger:
    ledger = Ledger()
    ledger.claim(
        "X1",
        statement="One is $1$.",
        source="arithmetic",
        hypotheses="a unit",
        aims_at=Grade.AGREES,
        mutant=mutant,  # type: ignore[arg-type]
    )(check)  # type: ignore[arg-type]
    return ledger


def only(ledger: Ledger, **options: object) -> Result:
    (result,) = run(list(ledger), **options)  # type: ignore[arg-type]
    return result


def test_true_claim_with_refuted_mutant_passes() -> None:
    result = only(ledger_of(lambda: TRUE))
    assert result.passed
    assert (result.grade, result.mutant, result.reused) == (Grade.PROVED, "REFUTED", False)
    for text in ("One is $1$.", "Assumes: a unit", "Trusts: eyes", "Mutant: REFUTED"):
        assert text in result.why


@pytest.mark.parametrize("grade", [Grade.PROVED, Grade.UNDECIDED, Grade.VACUOUS])
def test_surviving_mutant_is_red(grade: Grade) -> None:
    result = only(ledger_of(lambda: TRUE, lambda: Verdict(grade, "cannot tell")))
    assert result.mutant == "SURVIVED"
    assert not result.passed


@pytest.mark.parametrize("grade", [Grade.UNDECIDED, Grade.VACUOUS, Grade.CONSISTENT])
def test_weaker_grades_do_not_pass(grade: Grade) -> None:
    assert not only(ledger_of(lambda: Verdict(grade, "weak"))).passed


def test_exception_is_undecided() -> None:
    def breaks() -> Verdict:
        raise ZeroDivisionError("by nought")

    result = only(ledger_of(breaks, breaks))
    assert (result.grade, result.mutant) == (Grade.UNDECIDED, "SURVIVED")
    assert "ZeroDivisionError: by nought" in result.evidence


def test_check_without_verdict_is_undecided() -> None:
    assert only(ledger_of(lambda: True)).grade is Grade.UNDECIDED


def test_seed_reaches_the_checks_that_ask_for_it() -> None:
    def check(seed: int) -> Verdict:
        return Verdict(Grade.AGREES, f"seed {seed}")

    assert only(ledger_of(check), seed=7).evidence == "seed 7"


def test_green_results_are_reused_and_red_ones_are_not(tmp_path: Path) -> None:
    calls = []

    def check() -> Verdict:
        calls.append(1)
        return TRUE

    good = ledger_of(check)
    first, second = only(good, cache_dir=tmp_path), only(good, cache_dir=tmp_path)
    assert (first.reused, second.reused, len(calls)) == (False, True, 1)
    assert second.why == first.why
    assert not only(good, cache_dir=tmp_path, seed=1).reused

    bad = ledger_of(check, lambda: TRUE)
    for _ in range(2):
        assert not only(bad, cache_dir=tmp_path / "bad").reused


def test_damaged_cache_entry_is_ignored(tmp_path: Path) -> None:
    good = ledger_of(lambda: TRUE)
    only(good, cache_dir=tmp_path)
    for entry in tmp_path.iterdir():
        entry.write_text("{", encoding="utf-8")
    assert not only(good, cache_dir=tmp_path).reused


def test_progress_counts_every_claim(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    ledger = ledger_of(lambda: TRUE)
    for _ in range(2):
        only(ledger, cache_dir=tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 1), (1, 1)]


def test_json_has_the_published_shape() -> None:
    report = to_json(run(list(ledger_of(lambda: TRUE))), seed=3)
    assert json.loads(json.dumps(report)) == report
    assert set(report) == {"claims", "versions", "seed"}
    assert report["seed"] == 3
    assert {"python", "sympy", "python-flint"} <= set(report["versions"])
    (entry,) = report["claims"]
    assert list(entry) == [
        "id", "statement", "source", "grade", "aims_at", "evidence", "witness", "mutant", "seconds",
    ]  # fmt: skip
    assert (entry["grade"], entry["witness"], entry["mutant"]) == ("PROVED", None, "REFUTED")


@pytest.mark.parametrize("options", [{"jobs": 0}, {"jobs": 1.5}, {"seed": -1}])
def test_bad_options_are_refused_before_any_work(options: dict[str, object]) -> None:
    def never() -> Verdict:
        raise AssertionError("work was started")

    with pytest.raises(InputError):
        only(ledger_of(never), **options)


def test_digest_follows_sources_and_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "sample_package"
    package.mkdir()
    (package / "__init__.py").write_text("A = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    first = proofs_check.digest(["sample_package"], {"python": "3"})
    assert first == proofs_check.digest(["sample_package"], {"python": "3"})
    assert first != proofs_check.digest(["sample_package"], {"python": "4"})
    (package / "__init__.py").write_text("A = 2\n", encoding="utf-8")
    assert first != proofs_check.digest(["sample_package"], {"python": "3"})


@pytest.mark.slow
def test_processes_give_what_one_process_gives() -> None:
    chosen = [
        entry for entry in proofs_check.discover() if entry.id in {"T13", "T14", "T6.identity"}
    ]
    one, two = run(chosen), run(chosen, jobs=2)
    assert [result.id for result in two] == [entry.id for entry in chosen]
    assert [result.why for result in one] == [result.why for result in two]
