"""M1: critical lines of forward and surrogate gradients, depth scales, and quantisers."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

import theory as th
from figures import style
from figures.base import Array, Arrays, Figure, thinned

SIGN = th.MeanField(th.sign(), th.hardtanh(1))
SHARP = th.MeanField(th.hardtanh("1/2"), th.hardtanh(1))
PAIRS = {"tt": r"$\chi_{tt}=1$", "ts": r"$\chi_{ts}=1$", "ss": r"$\chi_{ss}=1$"}
BIAS_STD = 0.3
LARGEST_LENGTH = 40.0


def data(scale: float = 1.0) -> dict[str, Array]:
    """Critical lines in the plane of variances, depth scales against s_w, distortions against N."""
    lengths = np.geomspace(1e-3, LARGEST_LENGTH, thinned(600, scale, least=12))
    arrays: dict[str, Array] = {}
    for name, layer, pairs in (("hardtanh", SHARP, PAIRS), ("sign", SIGN, ("ts", "ss"))):
        for pair in pairs:
            weight, bias = layer.critical_line(pair, lengths)
            inside = bias >= 0
            arrays[f"{name}_{pair}.weight"] = weight[inside]
            arrays[f"{name}_{pair}.bias"] = bias[inside]
    stds = np.linspace(0.4, 1.6, thinned(61, scale, least=4))
    layers = [th.MeanField(th.hardtanh("1/2"), th.hardtanh(1), s, BIAS_STD) for s in stds]
    scales = [layer.depth_scales() for layer in layers]
    arrays["depth.std"] = stds
    for name in ("correlation", *PAIRS):
        arrays[f"depth.{name}"] = np.array([found[name] for found in scales])
    levels = [2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128][: thinned(13, scale, least=3)]
    arrays["levels.n"] = np.array(levels, dtype=float)
    arrays["levels.even"] = np.array([1 - th.evenly_spaced(n).transmission for n in levels])
    arrays["levels.best"] = np.array([th.lloyd_max(n).distortion for n in levels])
    return arrays


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Two phase diagrams above, depth scales and quantisers below."""
    panels = canvas.subplots(2, 2).ravel()
    _draw_lines(panels[0], arrays, "hardtanh", tuple(PAIRS))
    panels[0].annotate("ordered", (0.12, 0.55), fontsize=8)
    panels[0].annotate("chaotic", (0.62, 0.04), fontsize=8)
    style.letter(panels[0], "a", r"$\sigma=h_{1/2}$, $\tau=h_1'$")
    _draw_lines(panels[1], arrays, "sign", ("ts", "ss"))
    style.letter(panels[1], "b", r"$\sigma=\mathrm{sign}$, $\tau=h_1'$")
    _draw_depth(panels[2], arrays)
    _draw_levels(panels[3], arrays)


def _draw_lines(axes: Axes, arrays: Arrays, name: str, pairs: tuple[str, ...]) -> None:
    for pair in pairs:
        series = style.SERIES[tuple(PAIRS).index(pair)]
        axes.plot(
            arrays[f"{name}_{pair}.weight"],
            arrays[f"{name}_{pair}.bias"],
            label=PAIRS[pair],
            **series.line,
        )
    axes.set(
        xlabel="weight variance $s_w^2$",
        ylabel="bias variance $s_b^2$",
        ylim=(0, 0.8 if name == "hardtanh" else 3),
    )
    axes.set_xlim((0, 2.2) if name == "hardtanh" else (1, 4))
    axes.legend(loc=(0.37, 0.6) if name == "hardtanh" else "lower right")


def _draw_depth(axes: Axes, arrays: Arrays) -> None:
    std = arrays["depth.std"]
    for k, pair in enumerate(PAIRS):
        axes.plot(std, arrays[f"depth.{pair}"], label=rf"$\chi_{{{pair}}}$", **style.SERIES[k].line)
    axes.plot(
        std, arrays["depth.correlation"], color=style.BLACK, lw=0.9, label="correlation", zorder=1
    )
    axes.set(
        yscale="log",
        xlabel="weight standard deviation $s_w$",
        ylabel="depth scale (layers)",
        ylim=(0.5, 3000),
    )
    axes.legend(loc="upper right", ncols=2)
    style.letter(axes, "c", f"depth scales of (a) at $s_b={BIAS_STD}$")


def _draw_levels(axes: Axes, arrays: Arrays) -> None:
    n = arrays["levels.n"]
    for series, (name, label) in zip(
        style.SERIES, (("even", "evenly spaced"), ("best", "Lloyd-Max")), strict=False
    ):
        look: dict[str, Any] = {
            "color": series.colour,
            "marker": series.marker,
            "ls": "none",
            "mfc": "white",
        }
        axes.plot(n, arrays[f"levels.{name}"], label=label, **look)
    axes.plot(
        n,
        np.sqrt(3) * np.pi / 2 / n**2,
        color=style.BLACK,
        lw=0.8,
        label=r"$\frac{\sqrt{3}\pi}{2}N^{-2}$",
    )
    axes.set(xscale="log", yscale="log", xlabel="levels $N$", ylabel=r"$1-\chi_0$")
    axes.legend(loc="lower left")
    style.letter(axes, "d", "loss of correlation a layer")


FIGURE = Figure(
    id="M1",
    title="Forward and surrogate gradients are critical on different lines",
    caption=rf"""
    (a) Forward $h_{{1/2}}$, backward $h_1'$: lines in the plane of weight and bias variance on which, at the fixed
    length, true gradients ($\chi_{{tt}}$, the edge of chaos), the tangent kernel ($\chi_{{ts}}$) and surrogate
    gradients ($\chi_{{ss}}$) neither grow nor shrink with depth. (b) The same for a sign forward pass: $\chi_{{tt}}$ is
    infinite, there is no ordered phase, and the two other lines leave the axis at $s_w^2=\pi/2$ and
    $s_w^2=1.366^2$. (c) Layers over which correlations and gradients change by the factor $e$, along $s_b={BIAS_STD}$
    in (a); they diverge where a line is crossed. (d) $1-\chi_0$, what a layer of an $N$-level quantiser loses of a
    small correlation: for the best quantiser it is the least mean square error of $N$ levels. Line: Panter and Dite's
    asymptote.
    """,
    size_mm=(150.0, 116.0),
    shows=("T64.edge", "T64.sign", "T65.stein", "T65.values"),
    data=data,
    draw=draw,
)
