"""What a person sees: results on standard output; errors, notices and progress on standard error."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from theory.errors import HardlimitError

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

Report = Callable[..., None]


def show_error(error: HardlimitError) -> None:
    """Show one readable panel: the kind of error, and its message."""
    kind = type(error).__name__
    err.print(Panel(Text(str(error)), title=kind, title_align="left", border_style="red"))


def notice(text: str) -> None:
    """Say something beside the result."""
    err.print(Text(text, style="dim"))


def print_json(value: Any) -> None:
    """Print ``value`` as JSON, and nothing else, on standard output."""
    sys.stdout.write(f"{json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)}\n")


def print_plain(text: str) -> None:
    """Print ``text`` as it is: neither wrapped nor read as markup, fit for a pipe."""
    sys.stdout.write(f"{text}\n")


@contextmanager
def progress(title: str) -> Iterator[Report]:
    """Yield ``report(done, total, name="")``: a bar that goes away, or ten lines where none can move."""
    if not err.is_terminal:
        yield _Lines(title)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[name]}"),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(title, total=None, name="")

        def report(done: int, total: int, name: str = "") -> None:
            bar.update(task, completed=done, total=total, name=name)

        yield report


class _Lines:
    """Says how far the work is, once a tenth: for logs."""

    def __init__(self, title: str) -> None:
        self.title, self.said = title, -1

    def __call__(self, done: int, total: int, name: str = "") -> None:
        tenth = 10 * done // total if total else 10
        if tenth > self.said:
            self.said = tenth
            err.print(Text(f"{self.title} {done}/{total} {name}".rstrip(), style="dim"))
