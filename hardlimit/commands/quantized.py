"""``hardlimit quantized``: every trainer of discrete weights on real data, side by side."""

from pathlib import Path
from typing import Annotated

import typer

from hardlimit import console, options, tables
from hardlimit.commands import EVIDENCE

PANEL = EVIDENCE


def quantized(
    data: Annotated[
        str, typer.Option(metavar="NAME,NAME,...", help="Sets of scikit-learn.")
    ] = "iris,wine,breast_cancer,digits",
    widths: Annotated[
        str, typer.Option(metavar="N,N,...", help="Widths of the hidden layer.")
    ] = "16,64",
    trainers: Annotated[
        list[str] | None,
        typer.Option(
            "--trainer", metavar="NAME", help="A trainer; repeat it for more. Default: all."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Runs a cell, each with a split of its own.")] = 5,
    listing: Annotated[bool, typer.Option("--list", help="List trainers; train nothing.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write the table too: all digits as .csv, three as .tex.")
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where cells are kept.", show_default="build/trainers.json"
        ),
    ] = None,
    build: options.Build = options.BUILD,
    as_json: options.AsJson = False,
) -> None:
    """Train by every algorithm on every set at every width: accuracy, bits a weight, evaluations, time.

    A run that was interrupted goes on with the cells that it has. Times are CPU seconds on this machine, as ratios to
    training with real weights.

    Example: hardlimit quantized --data iris --widths 16 --trainer BNN --trainer CoNNTrA
    """
    from hardlimit import trainers as contest
    from hardlimit.timing import machine

    if listing:
        console.print_plain("\n".join(entrant.name for entrant in contest.ENTRANTS))
        return
    if out is not None:
        tables.check(out)
    sizes = [_width(text) for text in widths.split(",")]
    names = [name.strip() for name in data.split(",")]
    path = record or build / "trainers.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with console.progress("Trainers") as report:
        done = contest.record(
            path,
            sets=names,
            widths=sizes,
            trainers=trainers,
            seeds=seeds,
            about=machine(),
            progress=report,
        )
    asked = [
        cell
        for cell in done
        if cell.data in names
        and cell.width in sizes
        and cell.trainer in (trainers or [cell.trainer])
    ]
    rows = contest.table(asked)
    if out is not None:
        tables.write(out, contest.HEADER, rows)
    if as_json:
        console.print_json({"cells": [dict(zip(contest.HEADER, row, strict=True)) for row in rows]})
    else:
        console.print_plain(tables.aligned(contest.HEADER, rows))


def _width(text: str) -> int:
    from theory.errors import InputError

    try:
        return int(text)
    except ValueError as error:
        raise InputError(f"--widths must be integers such as 16,64, got {text!r}") from error


COMMAND = quantized
