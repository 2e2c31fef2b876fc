"""M2: phase diagrams of six pairs: how long correlations live, and where gradients are critical."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure as Canvas

import theory as th
from figures import style
from figures.base import Array, Arrays, Figure, thinned

SURROGATE = th.hardtanh(1)
PAIRS: dict[str, tuple[th.MeanField, str]] = {
    "erf": (th.MeanField(th.erf(1), th.erf(2)), r"$\mathrm{erf}(x)$, $(\mathrm{erf}\,2x)'$"),
    "hardtanh": (th.MeanField(th.hardtanh("1/2"), SURROGATE), "$h_{1/2}$, $h_1'$"),
    "sine": (th.MeanField(th.sine(1), SURROGATE), r"$\sin x$, $h_1'$"),
    "sign": (th.MeanField(th.sign(), SURROGATE), r"$\mathrm{sign}$, $h_1'$"),
    "ternary": (th.MeanField(th.ternary("1/2"), SURROGATE), "ternary, $h_1'$"),
    "quantizer": (th.MeanField(th.uniform_quantizer(2, 1), SURROGATE), "2-bit levels, $h_1'$"),
}
LINES = {"tt": r"$\chi_{tt}=1$", "ts": r"$\chi_{ts}=1$", "ss": r"$\chi_{ss}=1$"}
WEIGHT, BIAS = (0.2, 4.0), (0.01, 1.0)
GRID = 25
LENGTHS = np.geomspace(0.01, 8, 600)  # a length is at least the bias variance
STEPS = 40
SHOWN = (1.0, 100.0)


def data(scale: float = 1.0) -> dict[str, Array]:
    """Depth scales of correlations on a grid of variances, and critical lines, for each pair."""
    count = thinned(GRID, scale, least=4)
    weight, bias = (grid.ravel() for grid in np.meshgrid(*_axes(count)))
    arrays: dict[str, Array] = {"grid.weight": weight, "grid.bias": bias}
    for name, (layer, _) in PAIRS.items():
        arrays[f"grid.{name}"] = _depths(layer.activation, weight, bias)
        for pair in LINES:
            found = layer.critical_line(pair, LENGTHS)
            inside = (found[0] > 0) & (found[0] < 1.2 * WEIGHT[1]) & (found[1] >= 0)
            inside &= found[1] < 1.2 * BIAS[1]
            if np.any(inside):
                arrays[f"{name}_{pair}.weight"], arrays[f"{name}_{pair}.bias"] = (
                    side[inside] for side in found
                )
    return arrays


def _axes(count: int) -> tuple[Array, Array]:
    return np.linspace(*WEIGHT, count), np.linspace(*BIAS, count)


def _depths(sigma: th.Activation, weight: Array, bias: Array) -> Array:
    """Depth scale of correlations at the stable length, by iteration of the maps from far apart.

    Lengths start above their fixed point. Correlations start at 0 and reach the stable fixed point from
    below, as the map is convex on [0, 1]; where it is 1, the slope there is chi_tt.
    """
    product, slope = (
        th.expectation(sigma, sigma),
        th.expectation(sigma.derivative, sigma.derivative),
    )
    q = np.full_like(weight, 4.0)
    for _ in range(STEPS):
        q = weight * product.float64(q, q, q) + bias
    rho = np.zeros_like(q)
    for _ in range(6 * STEPS):
        rho = np.minimum((weight * product.float64(q, q, rho * q) + bias) / q, 1.0)
    settled = (rho > 1 - 1e-6) & (weight * slope.float64(q, q, q) < 1)
    rho = np.where(settled, 1.0, rho)
    rate = weight * slope.float64(q, q, rho * q)
    found: Array = 1 / np.abs(np.log(np.clip(rate, 1e-12, 1 - 1e-6)))
    return found


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Three smooth or kinked activations above, three with jumps below."""
    panels = canvas.subplots(2, 3, sharex=True, sharey=True).ravel()
    images = []
    for axes, (name, (_, title)), letter in zip(panels, PAIRS.items(), "abcdef", strict=True):
        images.append(_draw_phases(axes, arrays, name))
        style.letter(axes, letter, title)
    for axes in panels[3:]:
        axes.set_xlabel("weight variance $s_w^2$")
    for axes in panels[::3]:
        axes.set_ylabel("bias variance $s_b^2$")
    bar = canvas.colorbar(images[0], ax=list(panels), pad=0.015, aspect=30, extend="max")
    bar.set_label("depth scale of correlations (layers)")
    handles, names = panels[1].get_legend_handles_labels()
    canvas.legend(handles, names, loc="outside lower center", ncols=3)


def _draw_phases(axes: Axes, arrays: Arrays, name: str) -> Any:
    count = round(np.sqrt(len(arrays["grid.weight"])))
    image = axes.pcolormesh(
        *_axes(count),
        arrays[f"grid.{name}"].reshape(count, count),
        norm=LogNorm(*SHOWN),
        cmap=style.SEQUENTIAL,
        shading="gouraud",
        rasterized=True,
    )
    looks = ((style.BLACK, "-"), (style.VERMILLION, (0, (4, 1.2))), (style.PURPLE, style.DOTTED))
    for (pair, label), (colour, dash) in zip(LINES.items(), looks, strict=True):
        if f"{name}_{pair}.weight" in arrays:
            axes.plot(
                arrays[f"{name}_{pair}.weight"], arrays[f"{name}_{pair}.bias"],
                color=colour, linestyle=dash, lw=1.6, label=label,
            )  # fmt: skip
    axes.set(xlim=WEIGHT, ylim=BIAS)
    style.all_round(axes)
    return image


FIGURE = Figure(
    id="M2",
    title="Phase diagrams: forward criticality needs a slope, surrogate criticality does not",
    caption=r"""
    For forward function and backward derivative as named: layers over which the correlation of two inputs
    approaches its stable fixed point by the factor $e$, at the stable length, in the plane of weight and bias
    variance. It diverges on the edge of chaos $\chi_{tt}=1$ (black), which lies between the ordered phase
    (left) and the chaotic one. Functions with jumps (d)-(f) have no ordered phase and no such line:
    correlations live a few layers everywhere. Dashed and dotted: where the tangent kernel ($\chi_{ts}=1$) and
    surrogate gradients ($\chi_{ss}=1$) neither grow nor shrink with depth; both lines exist for every pair,
    apart from each other and from the edge, which in (c) one of them crosses. The ternary function jumps at
    $\pm1/2$; the 2-bit quantiser has four levels.
    """,
    size_mm=(155.0, 105.0),
    shows=("T64.edge", "T64.sign", "T64.sign-map", "T64.catalogue"),
    data=data,
    draw=draw,
)
