"""R6: what one network costs with each sampler, against the width; drawn from a record of measured times."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.stats import t as student

from figures import style
from figures.base import Array, Arrays, Figure

RECORD: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
SAMPLERS = {
    "exact_float64": "exact, float64",
    "exact_float32": "exact, float32",
    "gaussian": "every Gaussian weight",
    "binary": r"every $\pm1$ weight, packed",
    "numpy": "NumPy loop",
}
FLOORS = {
    "floor_float64": "normals alone, float64",
    "floor_float32": "normals alone, float32",
}
FITTED = 2**10
"""Least width of the fits: below, part of the time is spent once a network."""


def data(scale: float = 1.0) -> dict[str, Array]:  # noqa: ARG001  (a record is never thinned)
    """CPU seconds a network by width, and for each sampler the fit of a power law to the wide ones."""
    arrays: dict[str, Array] = {}
    for name in (*SAMPLERS, *FLOORS):
        n, least, median = np.array(RECORD["seconds"][name], dtype=float).T
        arrays |= {f"{name}.n": n, f"{name}.least": least, f"{name}.median": median}
        wide = n >= FITTED
        arrays[f"fit.{name}"] = power_law(n[wide], least[wide])
    for dtype in ("float64", "float32"):
        exact = arrays[f"exact_{dtype}.least"]
        arrays[f"ratio_{dtype}.n"] = arrays[f"exact_{dtype}.n"]
        arrays[f"ratio_{dtype}.floor"] = exact / arrays[f"floor_{dtype}.least"]
    return arrays


def power_law(n: Array, seconds: Array) -> Array:
    """Least squares of log seconds on log n: exponent, half-width of its 95 % interval, log prefactor.

    The interval is Student's, from the residuals: it holds the scatter about a line, and what bends the line.
    """
    abscissa, ordinate = np.log(n), np.log(seconds)
    centred = abscissa - abscissa.mean()
    exponent = (centred @ ordinate) / (centred @ centred)
    level = ordinate.mean() - exponent * abscissa.mean()
    residual = ordinate - level - exponent * abscissa
    error = np.sqrt(residual @ residual / (len(n) - 2) / (centred @ centred))
    return np.array([exponent, student.ppf(0.975, len(n) - 2) * error, level])


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Seconds a network, and the exact sampler in multiples of its random numbers."""
    cost, ratio = canvas.subplots(1, 2, width_ratios=(1.7, 1))
    for series, (name, label) in zip(style.SERIES, SAMPLERS.items(), strict=True):
        _draw_sampler(cost, arrays, name, label, series)
    for dash, (name, label) in zip(("-", style.DOTTED), FLOORS.items(), strict=True):
        n, least = arrays[f"{name}.n"], arrays[f"{name}.least"]
        cost.plot(n, least, color=style.GREY, lw=0.9, ls=dash, label=label, zorder=1)
    for series, dtype in zip(style.SERIES, ("float64", "float32"), strict=False):
        n, times = arrays[f"ratio_{dtype}.n"], arrays[f"ratio_{dtype}.floor"]
        ratio.plot(n, times, label=dtype, marker=series.marker, mfc="white", **series.line)
    ratio.set_ylim(0, None)
    ratio.set(xlabel="width $n$", ylabel="exact sampler / its normals alone")
    cost.set(xlabel="width $n$", ylabel="CPU seconds a network, one thread", yscale="log")
    for axes in (cost, ratio):
        style.quiet_log(axes, "x")
    cost.set_ylim(2e-7, None)
    cost.legend(loc="lower right", title="fitted exponent", title_fontsize=8, fontsize=7)
    ratio.legend(loc="upper right")
    style.letter(cost, "a")
    style.letter(ratio, "b")


def _draw_sampler(axes: Axes, arrays: Arrays, name: str, label: str, series: style.Series) -> None:
    n, least, median = (arrays[f"{name}.{column}"] for column in ("n", "least", "median"))
    exponent, reach, level = arrays[f"fit.{name}"]
    wide = n[n >= FITTED]
    axes.errorbar(
        n, least, [np.zeros_like(n), np.maximum(median - least, 0.0)],
        label=rf"{label}: ${exponent:.2f}\pm{reach:.2f}$", **series.points,
    )  # fmt: skip
    axes.plot(wide, np.exp(level) * wide**exponent, lw=0.9, **series.line)


def _machine() -> str:
    about = RECORD["machine"]
    versions = about["versions"]
    day = date.fromisoformat(about["day"])
    return (
        f"{about['processor']}, one of {about['processors']} processors that {about['load']:.0f} processes shared, "
        f"{about['system']}, Python {versions['python']}, NumPy {versions['numpy']}, "
        f"Numba {versions['numba']}, {day.day} {day:%B %Y}"
    )


FIGURE = Figure(
    id="R6",
    title="Networks without weights cost a multiple of their width, not of its square",
    caption=rf"""
    A measurement, not a computation: times on {_machine()}. They are drawn from a record in the repository, which
    tests/benchmarks/recording.py makes anew on any machine. (a) Time of one network
    with its kernel for the pair (true, surrogate) at $k=8$ inputs in $d=16$ dimensions: two hidden layers, activation
    $h_{{1/2}}$, backward derivative $h_1'$. Markers: least of several calls, whiskers up to their median. Lines: fits
    of a power law through the widths from {FITTED} on, whose exponents are in the legend with 95 % intervals of the
    scatter. Grey: making the normals that the exact law needs, and nothing else. (b) The exact sampler in multiples of
    that floor.
    """,
    size_mm=(160.0, 92.0),
    shows=("T43.wide",),
    data=data,
    draw=draw,
)
