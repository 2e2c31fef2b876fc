"""Q4: the bias of discrete state transition, and its largest value and zero against the steepness."""

import math

import numpy as np
from matplotlib.figure import Figure as Canvas
from scipy.optimize import brentq

from figures import style
from figures.base import Array, Arrays, Figure, thinned
from theory.quantized import TanhRule

STEEPNESS = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0)
SHOWN = (1.02, 12.0)


def data(scale: float = 1.0) -> dict[str, Array]:
    """Bias over the spacing, for each steepness; maxima, their places and zeros from the closed forms."""
    part = np.linspace(0, 1, thinned(401, scale, least=11))
    arrays: dict[str, Array] = {"curve.part": part}
    for m in STEEPNESS:
        arrays[f"curve.m{10 * m:.0f}"] = TanhRule(m)(part) - part
    steepness = np.geomspace(*SHOWN, thinned(120, scale, least=6))
    root = np.sqrt(1 - 1 / steepness)
    place = np.arctanh(root) / steepness
    arrays |= {
        "steep.m": steepness,
        "steep.place": place,
        "steep.largest": root - place,
        "steep.zero": np.array([_zero(m) for m in steepness]),
    }
    marked = [m for m in STEEPNESS if m > 1]
    arrays["zero.m"] = np.array(marked)
    arrays["zero.part"] = np.array([_zero(m) for m in marked])
    return arrays


def _zero(m: float) -> float:
    """s* > 0 with tanh(m s) = s; it lies beyond the maximum of tanh(m s) - s."""
    low = math.atanh(math.sqrt(1 - 1 / m)) / m
    return float(brentq(lambda s: math.tanh(m * s) - s, low, 1.0, xtol=1e-14))


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Curves on the left, their marks against the steepness on the right."""
    left, right = canvas.subplots(1, 2, width_ratios=(1.2, 1))
    colours = (style.GREY, style.SKY, style.GREEN, style.BLACK, style.ORANGE, style.VERMILLION)
    for m, colour in zip(STEEPNESS, colours, strict=True):
        values = arrays[f"curve.m{10 * m:.0f}"]
        left.plot(arrays["curve.part"], values, color=colour, label=f"$m={m:g}$")
    left.axhline(0, color=style.GREY, lw=0.6)
    left.plot(
        arrays["zero.part"], np.zeros_like(arrays["zero.part"]), "o", ms=3.5, mfc="white",
        color=style.BLACK, label="zero $s^*$",
    )  # fmt: skip
    left.set(
        xlabel=r"rest $s=|\nu|/\Delta z$",
        ylabel=r"bias $(E[\Delta W]-\varrho)\,/\,(\mathrm{sign}(\varrho)\Delta z)$",
        xlim=(0, 1.02),
        ylim=(-0.6, 1.0),
    )
    left.legend(loc="upper right", ncols=2, fontsize=7)
    for name, series, label in (
        ("zero", style.SERIES[0], "zero $s^*$"),
        ("largest", style.SERIES[1], "largest bias"),
        ("place", style.SERIES[2], "its place"),
    ):
        right.plot(arrays["steep.m"], arrays[f"steep.{name}"], label=label, **series.line)
    style.quiet_log(right)
    right.set(xlabel="steepness $m$", ylabel=r"in units of $\Delta z$", ylim=(0, 1.05))
    right.set_xticks([1, 2, 3, 5, 10], labels=["1", "2", "3", "5", "10"])
    right.legend(loc="center right", fontsize=7)
    style.letter(left, "a", "bias of one step")
    style.letter(right, "b", "its zero and maximum")


FIGURE = Figure(
    id="Q4",
    title="Discrete state transition is biased at every steepness",
    caption=r"""
    (a) Mean change of a weight less the wanted one, over the spacing, when the extra spacing is taken with
    probability $\tanh(ms)$, $s$ the rest of the change over the spacing: negative for $m\leq1$; for $m>1$ positive
    up to the zero $s^*$ (circles) and negative beyond, down to $-2/(e^{2m}+1)$. (b) Zero, largest bias
    $\sqrt{1-1/m}-\mathrm{artanh}(\sqrt{1-1/m})/m$ and its place against $m$. The published code has $m=3$; only
    stochastic rounding, probability $s$, has no bias.
    """,
    size_mm=(150.0, 72.0),
    shows=("S15",),
    data=data,
    draw=draw,
)
