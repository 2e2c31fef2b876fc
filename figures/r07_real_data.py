"""R7: trained sign networks on digits and tumours against the law of their kernel; drawn from a record."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.stats import norm

from figures import real_data, style
from figures.base import Array, Arrays, Figure
from figures.real_data import CELLS, DRAWS, RIVALS, SHOWN, STEPS, Cell, expected_error, feigned
from proofs_check.claims.real_data import BIAS_STD, LESSON, TASKS, TEST, WEIGHT_STD, law

RECORD: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
NAMES = {"zero_one": "digits 0, 1", "three_eight": "digits 3, 8", "tumours": "tumours"}
MEASURES = (
    "bias", "spread", "cover68", "cover95", "error", "residual", "own_ts",
    *(f"own_{name}" for name in RIVALS), *(f"towards_{name}" for name in RIVALS),
)  # fmt: skip
PLACE = 2
"""Which of ``STEPS`` is drawn."""
FOLLOWED = 256
"""Width whose course in time is in the tables."""
SHIFTS = 1.07 ** np.linspace(-2.5, 2.5, 2 * len(NAMES))
"""Series stand side by side."""
Z95 = float(norm.ppf(0.975))


def data(scale: float = 1.0) -> dict[str, Array]:  # noqa: ARG001  (a record is never thinned)
    """Measures by width with standard errors, in time at one width, at every test; and what four kernels predict."""
    arrays: dict[str, Array] = {}
    for task in TASKS:
        for hidden in DRAWS:
            name = f"{task}{hidden}"
            cells = [
                c
                for c in CELLS
                if (c.task, c.hidden) == (task, hidden) and c.name in RECORD["cells"]
            ]
            arrays[f"{name}.n"] = np.array([cell.width for cell in cells], dtype=float)
            for key in MEASURES:
                found = np.array([RECORD["cells"][cell.name][key][PLACE] for cell in cells])
                arrays |= {f"{name}.{key}": found[:, 0], f"{name}.{key}_stderr": found[:, 1]}
            if hidden == 1:
                flips = [RECORD["cells"][cell.name]["flips1"][PLACE][0] for cell in cells]
                arrays[f"{name}.feigned_ss"] = np.array(
                    [feigned(task, STEPS[PLACE], share) for share in flips]
                )
            course = RECORD["cells"][Cell(task, hidden, FOLLOWED).name]
            arrays[f"time_{name}.steps"] = np.array(STEPS, dtype=float)
            for key in ("spread", "cover95", "error", "own_ts", "towards_ss"):
                found = np.array(course[key])
                arrays |= {
                    f"time_{name}.{key}": found[:, 0],
                    f"time_{name}.{key}_stderr": found[:, 1],
                }
            arrays |= _tests(task, hidden) | _laws(task, hidden)
    return arrays


def _tests(task: str, hidden: int) -> dict[str, Array]:
    """Predicted and measured mean and standard deviation at every test, after all steps that the width took."""
    cell = Cell(task, hidden, SHOWN)
    stated, table = law(task, hidden, "ts", cell.steps[-1]), f"test_{task}{hidden}"
    arrays = {f"{table}.law_mean": stated.mean, f"{table}.law_std": stated.std}
    for key in ("mean", "std"):
        found = np.array(RECORD["cells"][cell.name][f"test.{key}"])
        arrays |= {f"{table}.{key}": found[:, 0], f"{table}.{key}_stderr": found[:, 1]}
    return arrays


def _laws(task: str, hidden: int) -> dict[str, Array]:
    """What each kernel predicts: a row for the right one, and one for each of its rivals."""
    labels, table = TASKS[task]().labels[LESSON:], f"law_{task}{hidden}"
    laws = [law(task, hidden, name, STEPS[PLACE]) for name in ("ts", *RIVALS)]
    gaps = [np.sqrt(np.mean((stated.mean - laws[0].mean) ** 2)) for stated in laws]
    return {
        f"{table}.mean_gap": np.array(gaps),
        f"{table}.std": np.array([np.sqrt(np.mean(stated.std**2)) for stated in laws]),
        f"{table}.error": np.array([expected_error(stated, labels) for stated in laws]),
    }


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Tests one by one; then mean, spread, intervals, errors, distances, and the place between kernels."""
    panels = canvas.subplots(3, 3)
    _draw_tests(panels[0, 0], arrays, "mean", r"mean output $\mathbb{E}f$")
    _draw_tests(panels[0, 1], arrays, "std", "standard deviation of $f$")
    _draw_bias(panels[0, 2], arrays)
    spread, inside, wrong, own, alone, turned = panels[1:].ravel()
    _by_width(spread, arrays, "spread", "spread, measured / predicted")
    spread.axhline(1.0, color=style.GREY, lw=0.8, ls=style.DOTTED, zorder=1)
    _by_width(inside, arrays, "cover95", "share within predicted 95 %")
    inside.axhline(real_data.LEVELS["cover95"], color=style.GREY, lw=0.8, ls=style.DOTTED, zorder=1)
    _by_width(wrong, arrays, "error", "test error of a network")
    for series, task in zip(style.SERIES, TASKS, strict=False):
        for hidden, dash in ((1, "-"), (2, style.SERIES[1].dash)):
            level = arrays[f"law_{task}{hidden}.error"][0]
            wrong.axhline(level, color=series.colour, lw=0.8, ls=dash, zorder=1)
    _by_width(own, arrays, "own_ts", "distance from own prediction", root=True)
    style.quiet_log(own, "y")
    for power, level in ((4, 0.42), (8, 1.0)):
        n = np.array([64.0, 2048.0])
        own.plot(n, level * (n / 64) ** (-1 / power), color=style.BLACK, lw=0.7)
        own.annotate(
            f"$n^{{-1/{power}}}$", (n[0], level), (-3, 0), textcoords="offset points", fontsize=8,
            ha="right", va="center",
        )  # fmt: skip
    own.set_yticks([0.2, 0.5, 1.0], ["0.2", "0.5", "1"])
    own.set_ylim(0.17, 1.1)
    _by_width(alone, arrays, "towards_ss", r"share of the way to $\Theta_{ss}$")
    for series, task in zip(style.SERIES, TASKS, strict=False):
        line = arrays[f"{task}1.n"], arrays[f"{task}1.feigned_ss"]
        alone.plot(*line, color=series.colour, lw=1.0, ls=style.DOTTED, zorder=5)
    _by_width(turned, arrays, "towards_st", r"share of the way to $\Theta_{ts}^{\mathsf{T}}$")
    for axes in (alone, turned):
        axes.axhline(0.0, color=style.GREY, lw=0.8, ls=style.DOTTED, zorder=1)
        axes.axhline(1.0, color=style.GREY, lw=0.5, zorder=1)
    for axes, name in zip(panels.ravel(), "abcdefghi", strict=True):
        style.letter(axes, name)
    handles, labels = spread.get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside lower center", ncols=2, columnspacing=1.6)


def _series(hidden: int, place: int) -> tuple[style.Series, dict[str, Any]]:
    """Colour by task; hollow marks and full lines for one hidden layer, full marks and dashes for two."""
    own = style.SERIES[place]
    if hidden == 1:
        series = own._replace(dash="-")
        return series, series.points
    series = own._replace(dash=style.SERIES[1].dash)
    return series, series.points | {"markerfacecolor": own.colour}


def _each() -> list[tuple[str, int, str, style.Series, dict[str, Any]]]:
    """Name, depth, label and look of every series."""
    return [
        (
            f"{task}{hidden}",
            hidden,
            f"{label}, {hidden} layer{'s' * (hidden > 1)}",
            *_series(hidden, place),
        )
        for hidden in DRAWS
        for place, (task, label) in enumerate(NAMES.items())
    ]


def _by_width(axes: Axes, arrays: Arrays, key: str, label: str, *, root: bool = False) -> None:
    for shift, (name, _, called, series, points) in zip(SHIFTS, _each(), strict=True):
        n, value = shift * arrays[f"{name}.n"], arrays[f"{name}.{key}"]
        reach = Z95 * arrays[f"{name}.{key}_stderr"]
        if root:
            value, reach = np.sqrt(value), reach / (2 * np.sqrt(value))
        axes.plot(n, value, lw=0.7, **series.line)
        axes.errorbar(n, value, reach, label=called, **points)
    style.quiet_log(axes)
    axes.set(xlabel="width $n$", ylabel=label)


def _draw_tests(axes: Axes, arrays: Arrays, key: str, label: str) -> None:
    ends: list[float] = []
    for name, hidden, _, series, _ in _each():
        stated, found = arrays[f"test_{name}.law_{key}"], arrays[f"test_{name}.{key}"]
        face = series.colour if hidden == 2 else "none"
        axes.errorbar(
            stated, found, Z95 * arrays[f"test_{name}.{key}_stderr"], color=series.colour, ls="none",
            elinewidth=0.3, alpha=0.25, zorder=1,
        )  # fmt: skip
        axes.plot(
            stated, found, color=series.colour, marker=series.marker, ls="none", ms=1.8, mew=0.4, mfc=face,
            alpha=0.8, zorder=4 - hidden,
        )  # fmt: skip
        ends += [float(stated.min()), float(stated.max())]
    axes.plot([min(ends), max(ends)], [min(ends), max(ends)], color=style.BLACK, lw=0.8, zorder=4)
    axes.set(xlabel=f"predicted {label}", ylabel="measured")


def _draw_bias(axes: Axes, arrays: Arrays) -> None:
    """Root mean square difference of means, as intervals: what is estimated is its square, which may be negative."""
    for shift, (name, _, _, series, points) in zip(SHIFTS, _each(), strict=True):
        n, square = shift * arrays[f"{name}.n"], arrays[f"{name}.bias"]
        reach = Z95 * arrays[f"{name}.bias_stderr"]
        middle = np.sqrt(np.maximum(square, 0))
        low, high = (np.sqrt(np.maximum(square + side * reach, 0)) for side in (-1, 1))
        axes.errorbar(n, middle, [middle - low, high - middle], **points)
        axes.axhline(arrays[f"law_{name}.mean_gap"][-1], lw=0.7, zorder=1, **series.line)
    style.quiet_log(axes)
    axes.set(xlabel="width $n$", ylabel="RMS difference of means", ylim=(0, None))


def _counts(hidden: int) -> str:
    return f"{max(DRAWS[hidden])} to {min(DRAWS[hidden])}"


FIGURE = Figure(
    id="R7",
    title="Sign networks trained on digits and tumours, against the law that their kernel gives",
    caption=rf"""
    Sign networks with backward derivative $h_1'$, $s_w={WEIGHT_STD}$, $s_b={BIAS_STD}$, learn to tell two classes
    from {LESSON} inputs, by gradient descent at a quarter of the largest stable rate; {2 * TEST} others test, of
    unequal norms. The law: mean and standard deviation over the start by the asymmetric limit kernel $\Theta_{{ts}}$,
    at the same steps. (a), (b) Every test at $n={SHOWN}$, after {Cell("tumours", 1, SHOWN).steps[-1]} steps (one
    layer) or {Cell("tumours", 2, SHOWN).steps[-1]} (two). (c)-(i) By width, after {STEPS[PLACE]} steps. (c) Root mean
    square (RMS) difference of the means of networks and law; lines: of the means by $\Theta_{{ss}}$ and by
    $\Theta_{{ts}}$. (d) Root mean variance over the law's. (e) Outputs within the law's intervals. (f) Tests on the
    wrong side; lines: under the law. (g) RMS distance of a network from what $\Theta_{{ts}}$ makes of its own start.
    (h), (i) How far a network is on the way from there (0) to what the symmetric kernel $\Theta_{{ss}}$, or the
    transpose, makes of its start (1), by least squares; dots in (h): the share that forgetting the start feigns, from
    the flips of one layer. {_counts(1)} networks a point for one hidden layer,
    {_counts(2)} for two; whiskers 95 %. A record: docs/guide/real-data.md says how it is made anew.
    """,
    size_mm=(160.0, 165.0),
    shows=("T37", "T37.data", "T37.memory", "T48", "T49"),
    data=data,
    draw=draw,
    seed=real_data.SEED,
)
