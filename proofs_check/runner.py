"""Run claims and their mutants, in parallel over claims, reusing what is unchanged."""

import hashlib
import inspect
import re
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed, parallel_config
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from proofs_check.cache import digest, load, store, versions
from proofs_check.ledger import Check, Claim
from proofs_check.verdict import Grade, Verdict
from theory.checks import non_negative_int, positive_int

SOURCES = ("theory", "proofs_check")
SURVIVED = "SURVIVED"


@dataclass(frozen=True)
class Result:
    """A claim with the verdict on it and on its mutant.

    ``mutant`` is "REFUTED" or "SURVIVED"; ``seconds`` covers both checks; ``reused`` says that
    an earlier run with the same sources, versions and seed was taken over.
    """

    id: str
    statement: str
    source: str
    hypotheses: tuple[str, ...]
    grade: Grade
    aims_at: Grade
    evidence: str
    witness: str | None
    mutant: str
    mutant_evidence: str
    trusts: tuple[str, ...]
    seconds: float
    reused: bool
    correction: str | None

    @property
    def passed(self) -> bool:
        """Whether the claim reached its aim and its mutant was refuted."""
        return self.grade.reaches(self.aims_at) and self.mutant == Grade.REFUTED.value

    @property
    def why(self) -> str:
        """What the verdict rests on, as text for a reader."""
        lines = [
            self.statement,
            f"Source: {self.source}",
            *(f"Assumes: {hypothesis}" for hypothesis in self.hypotheses),
            *([f"Correction: {self.correction}"] if self.correction else []),
            f"Grade: {self.grade} (aims at {self.aims_at})",
            f"Evidence: {self.evidence}",
            *([f"Witness: {self.witness}"] if self.witness else []),
            f"Mutant: {self.mutant} ({self.mutant_evidence})",
            *(f"Trusts: {item}" for item in self.trusts),
        ]
        return "\n".join(lines)


def run(
    claims: Sequence[Claim],
    *,
    jobs: int = 1,
    seed: int = 0,
    cache_dir: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Result]:
    """Check ``claims`` and their mutants; the results come in the order of the claims.

    Parameters
    ----------
    claims
        From ``discover()``, or a selection of them.
    jobs
        Processes; with 1 everything runs in this process. Each worker keeps BLAS and Numba to
        the claim's own number of threads, 1 unless declared.
    seed
        Handed to the checks that take a ``seed``.
    cache_dir
        Where results are kept. A result is reused if sources, versions and seed are unchanged
        and it was green; a red one is always checked again.
    progress
        Called as ``progress(done, total)`` after every claim.

    Raises
    ------
    InputError
        If ``jobs`` or ``seed`` is out of range. Exceptions inside a check are not raised: they
        give UNDECIDED.
    """
    jobs, seed = positive_int(jobs, "jobs"), non_negative_int(seed, "seed")
    key = f"{digest(SOURCES, versions())} seed {seed}"
    done: dict[str, Result] = {}
    for entry in claims:
        kept = _recall(entry, cache_dir, key)
        if kept is not None:
            done[entry.id] = kept
    if progress is not None and done:
        progress(len(done), len(claims))
    for result in _fresh([entry for entry in claims if entry.id not in done], jobs, seed):
        done[result.id] = result
        if cache_dir is not None and result.passed:
            store(_place(cache_dir, result.id), key, _plain(result))
        if progress is not None:
            progress(len(done), len(claims))
    return [done[entry.id] for entry in claims]


def to_json(results: Sequence[Result], seed: int) -> dict[str, Any]:
    """Return what ``hardlimit verify --json`` prints: claims, versions, seed."""
    keys = (
        "id",
        "statement",
        "source",
        "grade",
        "aims_at",
        "evidence",
        "witness",
        "mutant",
        "seconds",
    )
    plain = [_plain(result) for result in results]
    return {
        "claims": [{key: entry[key] for key in keys} for entry in plain],
        "versions": versions(),
        "seed": seed,
    }


def record(results: Sequence[Result]) -> dict[str, Any]:
    """Return the part of the results that changes only with the mathematics (``ledger.json``)."""
    keys = ("id", "statement", "source", "hypotheses", "grade", "aims_at", "mutant", "correction")
    plain = [_plain(result) for result in results]
    return {"claims": [{key: entry[key] for key in keys} for entry in plain]}


def _fresh(claims: Sequence[Claim], jobs: int, seed: int) -> Iterator[Result]:
    """Check claims, those that share a number of threads in one pool."""
    pools: dict[int, list[Claim]] = defaultdict(list)
    for entry in claims:
        pools[entry.threads].append(entry)
    for threads, members in sorted(pools.items()):
        workers = min(max(1, jobs // threads), len(members))
        if workers == 1:
            yield from (_examine(entry, seed) for entry in members)
            continue
        # The environment variables reach Numba too, which reads them once, at import.
        with parallel_config(backend="loky", inner_max_num_threads=threads):
            yield from Parallel(n_jobs=workers, batch_size=1, return_as="generator_unordered")(
                delayed(_examine)(entry, seed) for entry in members
            )


def _examine(entry: Claim, seed: int) -> Result:
    """Put the claim, then its mutant, to the check."""
    start = time.perf_counter()
    with threadpool_limits(limits=entry.threads):
        verdict = _verdict(entry.check, seed)
        mutant = _verdict(entry.mutant, seed)
    return Result(
        id=entry.id,
        statement=entry.statement,
        source=entry.source,
        hypotheses=entry.hypotheses,
        grade=verdict.grade,
        aims_at=entry.aims_at,
        evidence=verdict.evidence,
        witness=verdict.witness,
        mutant=Grade.REFUTED.value if mutant.grade is Grade.REFUTED else SURVIVED,
        mutant_evidence=f"{mutant.grade}: {mutant.witness or mutant.evidence}",
        trusts=verdict.trusts,
        seconds=time.perf_counter() - start,
        reused=False,
        correction=entry.correction,
    )


def _verdict(check: Check, seed: int) -> Verdict:
    """Return the check's verdict; an exception says nothing about the claim, so UNDECIDED."""
    try:
        takes_seed = "seed" in inspect.signature(check).parameters
        verdict = check(seed=seed) if takes_seed else check()
    except Exception as error:
        line = traceback.format_exception_only(error)[-1].strip()
        return Verdict(Grade.UNDECIDED, f"the check raised {line}")
    if not isinstance(verdict, Verdict):
        return Verdict(Grade.UNDECIDED, f"the check returned {verdict!r} instead of a Verdict")
    return verdict


def _place(cache_dir: str | Path, claim_id: str) -> Path:
    """File of a claim's result: readable, and distinct for distinct ids."""
    readable = re.sub(r"[^A-Za-z0-9.-]", "_", claim_id)
    tag = hashlib.sha256(claim_id.encode()).hexdigest()[:8]
    return Path(cache_dir) / f"{readable}-{tag}.json"


def _recall(entry: Claim, cache_dir: str | Path | None, key: str) -> Result | None:
    """Return the stored result of an unchanged claim, marked as reused."""
    value = None if cache_dir is None else load(_place(cache_dir, entry.id), key)
    if value is None:
        return None
    grades = {name: Grade(value[name]) for name in ("grade", "aims_at")}
    lists = {name: tuple(value[name]) for name in ("hypotheses", "trusts")}
    result = replace(Result(**{**value, **grades, **lists}), reused=True)
    return (
        result if (result.statement, result.aims_at) == (entry.statement, entry.aims_at) else None
    )


def _plain(result: Result) -> dict[str, Any]:
    """Return the result as JSON values."""
    grades = {"grade": result.grade.value, "aims_at": result.aims_at.value}
    lists = {"hypotheses": list(result.hypotheses), "trusts": list(result.trusts)}
    return {**asdict(result), **grades, **lists}
