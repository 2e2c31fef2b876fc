"""Choosing claims, running them with a progress bar, and showing what came out."""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hardlimit import console
from theory.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from proofs_check import Claim, Result

COLOURS = {
    "PROVED": "green",
    "ENCLOSED": "green",
    "AGREES": "cyan",
    "CONSISTENT": "blue",
    "REFUTED-AS-PRINTED": "magenta",
    "UNDECIDED": "yellow",
    "VACUOUS": "yellow",
    "REFUTED": "bold red",
}


def select(
    ids: Sequence[str] = (), sources: Sequence[str] = (), grades: Sequence[str] = ()
) -> "list[Claim]":
    """Return the claims that match every given criterion, in the order of the ledger.

    Parameters
    ----------
    ids
        Whole ids.
    sources
        Parts of the source's name, or the letters that ids begin with (``T`` means T5, T6, ...).
    grades
        Grades aimed at.

    Raises
    ------
    InputError
        For an unknown id or grade, or if nothing is left.
    """
    from proofs_check import Grade, discover

    claims = list(discover())
    known = [entry.id for entry in claims]
    unknown = [name for name in ids if name not in known]
    if unknown:
        raise InputError(f"there is no claim {', '.join(unknown)}; there are {', '.join(known)}")
    aims = {grade.value for grade in Grade}
    wrong = [grade for grade in grades if grade.upper() not in aims]
    if wrong:
        raise InputError(
            f"there is no grade {', '.join(wrong)}; there are {', '.join(sorted(aims))}"
        )
    chosen = [
        entry
        for entry in claims
        if (not ids or entry.id in ids)
        and (not sources or any(_comes_from(entry, source) for source in sources))
        and (not grades or entry.aims_at.value in {grade.upper() for grade in grades})
    ]
    if not chosen:
        raise InputError(f"no claim matches; there are {', '.join(known)}")
    return chosen


def _comes_from(entry: "Claim", source: str) -> bool:
    letters = re.match(r"[^\d]*", entry.id)
    by_id = letters is not None and letters.group() == source
    return by_id or source.lower() in entry.source.lower()


def check(claims: "Sequence[Claim]", *, jobs: int, seed: int, cache: Path | None) -> "list[Result]":
    """Run claims with a progress bar; results that are kept in ``cache`` and unchanged are reused."""
    from proofs_check import run

    with console.progress("Claims") as report, warnings.catch_warnings():
        # loky replaces a worker that has grown by 300 MB, as compiled code does, and loses nothing.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
        return list(run(claims, jobs=jobs, seed=seed, cache_dir=cache, progress=report))


def table(results: "Sequence[Result]") -> "Table":
    """Return a table of results: id, grade, mutant, time, evidence."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("claim", "grade", "mutant"):
        shown.add_column(heading, no_wrap=True)
    shown.add_column("seconds", justify="right", no_wrap=True)
    shown.add_column("evidence", overflow="fold")
    for result in results:
        grade = result.grade.value
        text = (
            result.evidence
            if result.passed
            else f"{result.evidence} | {result.witness or 'no witness'}"
        )
        shown.add_row(
            Text(result.id, style="bold"),
            Text(grade, style=COLOURS.get(grade, "")),
            Text(result.mutant, style="" if result.mutant == "REFUTED" else "bold red"),
            f"{result.seconds:.1f}",
            Text(text),
        )
    return shown


def summary(results: "Sequence[Result]") -> str:
    """Return one line: how many hold, of which grade, and how many were reused."""
    from collections import Counter

    held = [result for result in results if result.passed]
    grades = Counter(result.grade.value for result in held)
    counted = ", ".join(f"{grades[grade]} {grade}" for grade in COLOURS if grades[grade])
    reused = sum(result.reused for result in results)
    failed = [result.id for result in results if not result.passed]
    return (
        f"{len(held)} of {len(results)} claims hold with their mutants refuted ({counted or 'none'}); "
        f"{reused} unchanged and reused" + (f"; NOT HOLDING: {', '.join(failed)}" if failed else "")
    )
