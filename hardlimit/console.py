"""What a person sees: results on standard output; errors, notices and progress on standard error."""

import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
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


@contextmanager
def warnings_as_notices() -> Iterator[None]:
    """Show the warnings of a computation as notices: their texts, without places in the code."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for text in dict.fromkeys(str(warning.message) for warning in caught):
        notice(text)


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
        _Rate(),
        TimeElapsedColumn(),
        TextColumn("[dim]left"),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.fields[name]}"),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(title, total=None, name="")

        def report(done: int, total: int, name: str = "") -> None:
            bar.update(task, completed=done, total=total, name=name)

        yield report


def duration(seconds: float) -> str:
    """Return a time in the largest units that tell it: ``0.35 s``, ``12 min``, ``3.1 days``."""
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"


def size(count: float) -> str:
    """Return a number of bytes in decimal units: ``12 MB``."""
    for unit, base in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= base:
            return f"{count / base:.3g} {unit}"
    return f"{count:.0f} B"


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Show how many a second."""
        return Text(f"{task.speed:.3g}/s" if task.speed else "", style="dim")


class _Lines:
    """Says how far the work is, once a tenth, with rate and time left: for logs."""

    def __init__(self, title: str) -> None:
        self.title, self.said, self.start = title, -1, time.perf_counter()
        self.before: int | None = None

    def __call__(self, done: int, total: int, name: str = "") -> None:
        if self.before is None:  # what an earlier run had done took no time of this one
            self.before = done
        tenth = 10 * done // total if total else 10
        if tenth > self.said:
            self.said = tenth
            new = done - self.before
            pace = (time.perf_counter() - self.start) / new if new > 0 else 0.0
            left = f"{1 / pace:.3g}/s, {duration(pace * (total - done))} left " if pace else ""
            err.print(Text(f"{self.title} {done}/{total} {left}{name}".rstrip(), style="dim"))
