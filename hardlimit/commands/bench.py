"""``hardlimit bench``: timings as ratios to a named alternative."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hardlimit import console, options
from hardlimit.commands import EVIDENCE

if TYPE_CHECKING:
    from hardlimit.timing import Ratio

PANEL = EVIDENCE
FOLDER = Path(__file__).parents[2] / "tests" / "benchmarks"


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...", help="Benchmarks.")
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="List benchmarks; time nothing.")] = False,
    folder: Annotated[Path, typer.Option(metavar="DIR", help="Where bench_*.py are.")] = FOLDER,
    as_json: options.AsJson = False,
) -> None:
    """Time the engine against named alternatives that do the same work."""
    found = _find(folder)
    chosen = _choose(found, names)
    if listing:
        if as_json:
            console.print_json({"benchmarks": chosen})
        else:
            console.print_plain("\n".join(chosen))
        return
    rows: list[Ratio] = []
    with console.progress("Benchmarks") as report:
        for position, name in enumerate(chosen):
            report(position, len(chosen), name)
            rows += _run(found[name])
    if as_json:
        console.print_json({"benchmarks": [{**vars(row), "ratio": row.ratio} for row in rows]})
    else:
        _show(rows)


def _find(folder: Path) -> dict[str, Path]:
    from theory.errors import InputError

    found = {path.stem.removeprefix("bench_"): path for path in sorted(folder.glob("bench_*.py"))}
    if not found:
        raise InputError(
            f"{folder} holds no bench_*.py; run it in a checkout, or name their folder by --folder"
        )
    return found


def _choose(found: dict[str, Path], names: list[str] | None) -> list[str]:
    from theory.errors import InputError

    unknown = [name for name in names or () if name not in found]
    if unknown:
        raise InputError(
            f"there is no benchmark {', '.join(unknown)}; there are {', '.join(found)}"
        )
    return list(dict.fromkeys(names or found))


def _run(path: Path) -> "list[Ratio]":
    """Load a benchmark module and return its rows."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(module.run())


def _show(rows: "list[Ratio]") -> None:
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("what", overflow="fold")
    shown.add_column("seconds", justify="right")
    shown.add_column("alternative", overflow="fold")
    shown.add_column("seconds", justify="right")
    shown.add_column("ratio", justify="right")
    for row in rows:
        shown.add_row(
            Text(row.name),
            f"{row.seconds:.3g}",
            Text(row.alternative),
            f"{row.alternative_seconds:.3g}",
            f"{row.ratio:.3g}",
        )
    console.out.print(shown)


COMMAND = bench
