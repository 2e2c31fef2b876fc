"""T3: sign networks on the circle of Eilers et al. at their size, 30000 steps long; drawn from a record."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.stats import norm

from figures import circle_long, style
from figures.base import Array, Arrays, Figure
from figures.circle_long import CELLS, STEPS, WIDTHS, Cell, points, predictions
from proofs_check.claims import circle_and_beyond as setting
from proofs_check.claims.circle_and_beyond import LESSON

RECORD: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
SHOWN = WIDTHS[:2]
"""Widths whose outputs are drawn."""
CIRCLE = tuple(
    next(c for c in CELLS if (c.curve, c.width) == ("circle", width)) for width in WIDTHS
)
Z95 = float(norm.ppf(0.975))


def held(cell: Cell) -> dict[str, Array]:
    """Measures of a cell of the record."""
    return {key: np.asarray(value) for key, value in RECORD["cells"][cell.name].items()}


def mean(found: dict[str, Array], key: str) -> tuple[Array, Array]:
    """Mean over networks of a number by time, and its standard error."""
    first, second = found[key]
    return first, np.sqrt((second - first**2) / (found["networks"] - 1))


def spread(found: dict[str, Array], curve: str) -> tuple[Array, Array]:
    """Root mean variance over the law's by time, and its standard error."""
    first, second = found["f"]
    many = found["networks"]
    law = np.mean(predictions(curve)["ts"].std ** 2, axis=1)
    variance = np.mean(second - first**2, axis=1) * many / (many - 1)
    ratio = np.sqrt(variance / law)
    # Scatter of the square about the law's mean, which is nearly the networks'.
    return ratio, mean(found, "square")[1] / (2 * law * ratio)


def data(scale: float = 1.0) -> dict[str, Array]:  # noqa: ARG001  (a record is never thinned)
    """Outputs by angle at the end, and by time: where their mean is, their spread, and distances."""
    x = points("circle")
    laws = predictions("circle")
    arrays = {
        "lesson.angle": np.arctan2(*x[:LESSON].T[::-1]) % (2 * np.pi),
        "lesson.y": setting.target(x[:LESSON]),
        "law.angle": circle_long.ANGLES,
        "law.mean": laws["ts"].mean[-1],
        "law.std": laws["ts"].std[-1],
        "law.nngp": laws["nngp"].mean[-1],
    }
    for cell in CELLS:
        found, name = held(cell), cell.name.replace(".", "_")
        first, second = found["f"][:, -1]
        arrays[f"{name}_end.mean"] = first
        arrays[f"{name}_end.std"] = np.sqrt(second - first**2)
        arrays[f"{name}.steps"] = np.array(STEPS, dtype=float)
        for key in ("nngp", "ss", "own", "lesson", "flips"):
            arrays[f"{name}.{key}"], arrays[f"{name}.{key}_stderr"] = mean(found, key)
        arrays[f"{name}.spread"], arrays[f"{name}.spread_stderr"] = spread(found, cell.curve)
        arrays[f"{name}.networks"] = np.full(len(STEPS), found["networks"])
    return arrays


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Outputs of two widths above; below, in time, where the mean is, and the spread."""
    above, below = canvas.subplots(2, 2)
    for axes, width, letter in zip(above, SHOWN, "ab", strict=True):
        _draw_outputs(axes, arrays, f"circle_{width}_float64_end")
        style.letter(axes, letter, f"$n={width}$, {STEPS[-1]} steps")
    above[1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), handlelength=1.8)
    labels = {"nngp": "share of the way to NNGP", "spread": "spread, measured / predicted"}
    for axes, (key, label), letter in zip(below, labels.items(), "cd", strict=True):
        for series, cell in zip(style.SERIES, CIRCLE, strict=False):
            name = cell.name.replace(".", "_")
            steps, value = arrays[f"{name}.steps"], arrays[f"{name}.{key}"]
            axes.plot(steps, value, lw=0.8, **series.line)
            reach = Z95 * arrays[f"{name}.{key}_stderr"]
            axes.errorbar(steps, value, reach, label=f"$n={cell.width}$", **series.points)
        axes.axhline(0.0 if key == "nngp" else 1.0, color=style.GREY, lw=0.8, ls=style.DOTTED)
        style.quiet_log(axes)
        axes.set(xlabel="steps", ylabel=label)
        style.letter(axes, letter)
    below[0].axhline(1.0, color=style.GREY, lw=0.5)
    below[1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _draw_outputs(axes: Axes, arrays: Arrays, name: str) -> None:
    right, start = style.SERIES[:2]
    angle, stated, std = arrays["law.angle"], arrays["law.mean"], arrays["law.std"]
    axes.fill_between(angle, stated - std, stated + std, color=right.colour, alpha=0.2, lw=0)
    axes.plot(angle, stated, label=r"$\Theta_{ts}$", **right.line)
    axes.plot(angle, arrays["law.nngp"], label="NNGP", **start.line)
    found, reach = arrays[f"{name}.mean"], arrays[f"{name}.std"]
    mark: dict[str, Any] = {"color": style.BLACK, "ls": "none"}
    axes.plot(angle, found, "o", ms=1.6, label="networks", **mark)
    for side in (-1, 1):
        axes.plot(angle, found + side * reach, ".", ms=1.2, **mark)
    axes.plot(
        arrays["lesson.angle"], arrays["lesson.y"], "x", color=style.VERMILLION, mew=1.1, ms=5, label="targets",
        zorder=5,
    )  # fmt: skip
    axes.set_xticks(
        np.pi * np.arange(0, 2.5, 0.5), ["0", r"$\pi/2$", r"$\pi$", r"$3\pi/2$", r"$2\pi$"]
    )
    axes.set(xlabel=r"angle $\varphi$ of the input", ylabel="output $f(x)$")


def _counts() -> str:
    return ", ".join(str(int(held(cell)["networks"])) for cell in CIRCLE)


FIGURE = Figure(
    id="T3",
    title="Sign networks on the circle of Eilers et al., at their size and for their 30000 steps",
    caption=rf"""
    Two hidden layers, $s_w=1$, $s_b=0.1$, sign with backward derivative of erf, {LESSON} training inputs on the unit
    circle and {len(circle_long.ANGLES)} others, target $4x_0x_1^2-0.8x_0^3+1.2x_1^2-0.8x_0^2x_1$, half the mean square,
    rate {circle_long.RATE:g}; {_counts()} networks of widths {", ".join(map(str, WIDTHS))}, the last in float32.
    (a), (b) Mean of networks (black) and mean plus and minus standard deviation (dots) after {STEPS[-1]} steps; line
    and band: mean and standard deviation by $\Theta_{{ts}}$; dashes: mean of regression with the covariance at the
    start (NNGP). (c) How far the mean of networks is on the way from the mean by $\Theta_{{ts}}$ (0) to that by NNGP
    (1), both after the same steps, by least squares. (d) Root mean variance over that of $\Theta_{{ts}}$. Whiskers
    95 %. A record: docs/guide/real-data.md says how it is made anew.
    """,
    size_mm=(160.0, 115.0),
    shows=("T53", "T53.long", "T37"),
    data=data,
    draw=draw,
    seed=circle_long.SEED,
)
