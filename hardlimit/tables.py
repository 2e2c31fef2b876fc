"""Tables of texts and numbers as CSV, for other programs, and as LaTeX, for a page."""

import csv
import io
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from hardlimit.files import check_suffix

Cell: TypeAlias = "str | float | int | bool | None"

SUFFIXES = (".csv", ".tex")
SPECIAL = str.maketrans(
    {
        "_": r"\_",
        "%": r"\%",
        "&": r"\&",
        "#": r"\#",
        "$": r"\$",
        "^": r"\^{}",
        "{": r"\{",
        "}": r"\}",
    }
)


def check(path: Path) -> None:
    """Refuse, before any work, a file that is neither CSV nor LaTeX."""
    check_suffix(path, SUFFIXES)


def write(path: Path, header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Write a table, ``.csv`` with all digits or ``.tex`` with three, in one step.

    Raises
    ------
    InputError
        For another suffix.
    """
    check(path)
    text = _csv(header, rows) if path.suffix == ".csv" else _latex(header, rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def aligned(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return the table for a terminal: columns of equal width, numbers to four digits."""
    lines = [list(header), *([_plain(cell) for cell in row] for row in rows)]
    sizes = [max(len(line[place]) for line in lines) for place in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(size) for cell, size in zip(line, sizes, strict=True)).rstrip()
        for line in lines
    )


def _plain(cell: Cell) -> str:
    if cell is None:
        return "-"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def _csv(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
    return text.getvalue()


def _latex(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    r"""Return a ``tabular`` that needs no package; numbers to the right, in math mode."""
    numeric = [
        any(_is_number(row[place]) for row in rows)
        and not any(isinstance(row[place], str) for row in rows)
        for place in range(len(header))
    ]
    lines = [
        rf"\begin{{tabular}}{{{''.join('r' if one else 'l' for one in numeric)}}}",
        r"\hline",
        " & ".join(title.translate(SPECIAL) for title in header) + r" \\",
        r"\hline",
        *(" & ".join(_shown(cell) for cell in row) + r" \\" for row in rows),
        r"\hline",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _shown(cell: Cell) -> str:
    if cell is None:
        return "--"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, str):
        return cell.translate(SPECIAL)
    if not math.isfinite(cell):
        return r"$\infty$" if cell > 0 else "--"
    digits = f"{cell:.3g}"
    if "e" in digits:
        mantissa, power = digits.split("e")
        return rf"${mantissa}\times10^{{{int(power)}}}$"
    return f"${digits}$"
