"""Q16: every trainer of discrete weights on the bundled sets, drawn from a record of measured runs."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas
from scipy.stats import t as student

from figures import style
from figures.base import Array, Arrays, Figure

RECORD: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
CELLS: list[dict[str, Any]] = RECORD["cells"]
TRAINERS = list(dict.fromkeys(cell["trainer"] for cell in CELLS))
SETS = sorted({cell["data"] for cell in CELLS})
WIDTHS = sorted({int(cell["width"]) for cell in CELLS})
REFERENCE = "full precision"


def data(scale: float = 1.0) -> dict[str, Array]:  # noqa: ARG001  (a record is never thinned)
    """Errors with the half-lengths of their intervals, bits a weight and time ratios, by set and width."""
    arrays: dict[str, Array] = {}
    for name in SETS:
        for width in WIDTHS:
            found = {c["trainer"]: c for c in CELLS if (c["data"], c["width"]) == (name, width)}
            if not found:
                continue
            table = f"{name}_{width}"
            rows = [found[trainer] for trainer in TRAINERS if trainer in found]
            errors = [1 - np.array(row["accuracy"]) for row in rows]
            arrays[f"{table}.trainer"] = np.array(
                [float(TRAINERS.index(row["trainer"])) for row in rows]
            )
            arrays[f"{table}.error"] = np.array([one.mean() for one in errors])
            arrays[f"{table}.interval"] = np.array([_half(one) for one in errors])
            for entry in ("training", "inference", "weights", "evaluations"):
                arrays[f"{table}.{entry}"] = np.array([float(row[entry]) for row in rows])
            base = np.mean(found[REFERENCE]["seconds"])
            arrays[f"{table}.time"] = np.array([np.mean(row["seconds"]) / base for row in rows])
    return arrays


def _half(values: Array) -> float:
    """Half of Student's 95 % interval of the mean."""
    runs = len(values)
    return float(student.ppf(0.975, runs - 1) * values.std(ddof=1) / np.sqrt(runs))


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """One panel a set, trainers downwards; last the time in multiples of full precision."""
    panels = canvas.subplots(1, len(SETS) + 1, sharey=True)
    shift = np.linspace(-0.2, 0.2, len(WIDTHS))
    for letter, axes, name in zip("abcdefgh", panels, SETS, strict=False):
        for series, width, offset in zip(style.SERIES, WIDTHS, shift, strict=False):
            table = f"{name}_{width}"
            if f"{table}.error" in arrays:
                place, error = arrays[f"{table}.trainer"] + offset, arrays[f"{table}.error"]
                look = {**series.points, "markersize": 3.0, "capsize": 0.0}
                axes.errorbar(
                    error, place, xerr=arrays[f"{table}.interval"], label=f"width {width}", **look
                )
        axes.set(xlabel="test error", xlim=(0, None))
        style.letter(axes, letter, name.replace("_", " "))
    last = panels[-1]
    for series, width, offset in zip(style.SERIES, WIDTHS, shift, strict=False):
        for name in SETS:
            table = f"{name}_{width}"
            if f"{table}.time" in arrays:
                place = arrays[f"{table}.trainer"] + offset
                last.plot(
                    arrays[f"{table}.time"],
                    place,
                    series.marker,
                    color=series.colour,
                    ms=2.5,
                    mfc="white",
                )
    style.quiet_log(last, "x")
    last.set(xlabel="time ratio")
    style.letter(last, "abcdefgh"[len(SETS)], "cost")
    panels[0].set_yticks(range(len(TRAINERS)), TRAINERS)
    panels[0].set_ylim(len(TRAINERS) - 0.5, -0.5)
    panels[0].set_ylabel("trainer")
    for axes in panels:
        axes.grid(axis="y", lw=0.3, color=style.GREY, alpha=0.4)
    canvas.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(WIDTHS)
    )


def _machine() -> str:
    about = RECORD["machine"]
    day = date.fromisoformat(about["day"])
    return (
        f"{about['processor']}, one of {about['processors']} processors that {about['load']:.0f} processes shared, "
        f"Python {about['versions']['python']}, NumPy {about['versions']['numpy']}, {day.day} {day:%B %Y}"
    )


FIGURE = Figure(
    id="Q16",
    title="Every trainer of discrete weights on the same networks and data",
    caption=rf"""
    A measurement, not a computation, drawn from a record in the repository, which the command hardlimit quantized makes
    anew on any machine, and prints with bits a weight and evaluations. Networks of one hidden layer of signs, squared
    hinge; test errors, means over {RECORD["seeds"]} seeds with 95 % intervals of the mean (Student); every seed has its
    own split (70 % to train, by class), start and order of samples. Of each trainer's two or three declared
    step sizes the one that is best on a quarter of the training samples is used. Last panel: CPU time of training as a
    ratio to that with real weights on the same set at the same width, on {_machine()}.
    """,
    size_mm=(160.0, 150.0),
    shows=("S30", "S52"),
    data=data,
    draw=draw,
)
