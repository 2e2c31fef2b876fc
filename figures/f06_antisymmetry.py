"""F6: the limit kernel as a heat map, its antisymmetric part, and when that part survives the limit."""

from fractions import Fraction
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import NullFormatter
from scipy.stats import norm

import theory as th
from figures import style
from figures.base import Array, Arrays, Figure, thinned

A, B = Fraction(1, 2), Fraction(1)
WEIGHT_STD, BIAS_STD = 1.2, 0.3
PIXELS, INPUTS = 60, 24
SHOWN_WIDTH = 1000
WIDTHS = {
    1: (16, 32, 64, 128, 256, 512, 1024, 2048, 4096),
    2: (16, 32, 64, 128, 256, 512, 1024, 2048),
}
DRAWS = 40
SEED = 6
Z95 = float(norm.ppf(0.975))


def data(scale: float = 1.0) -> dict[str, Array]:
    """Kernels on a spiral, and the relative size of the antisymmetric part on spiral and circle."""
    shown = _spiral(thinned(PIXELS, scale, least=6))
    arch = _arch(1)
    arrays = {
        "limit.radius": np.sqrt((shown**2).mean(axis=1)),
        "limit.kernel": th.ntk(arch, shown),
        "sampled.kernel": th.sample_networks(arch, shown, SHOWN_WIDTH, 1, seed=SEED).ntk[0],
    }
    spiral = _spiral(thinned(INPUTS, scale, least=4))
    circle = spiral / np.sqrt((spiral**2).mean(axis=1, keepdims=True))
    for hidden, all_widths in WIDTHS.items():
        widths = all_widths[: thinned(len(all_widths), scale, least=2)]
        for name, points in (("circle", circle), ("spiral", spiral)):
            limit = th.ntk(_arch(hidden), points)
            sizes = np.array([_size(_arch(hidden), points, limit, n, scale) for n in widths])
            arrays |= {
                f"{name}{hidden}.n": np.array(widths, dtype=float),
                f"{name}{hidden}.size": sizes[:, 0],
                f"{name}{hidden}.stderr": sizes[:, 1],
            }
            arrays[f"limit_size.{name}{hidden}"] = np.array(
                np.linalg.norm(_odd(limit)) / np.linalg.norm(limit)
            )
    return arrays


def _arch(hidden: int) -> th.Architecture:
    return th.Architecture(
        hidden, th.hardtanh(A), th.hardtanh(B), weight_std=WEIGHT_STD, bias_std=BIAS_STD
    )


def _spiral(count: int) -> Array:
    """Inputs of the plane at even angles, |x|/sqrt(d) growing geometrically from 1/4 to 2."""
    angle = 2 * np.pi * np.arange(count) / count
    radius = np.geomspace(0.25, 2.0, count)
    points: Array = np.sqrt(2) * radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return points


def _odd(kernel: Array) -> Array:
    odd: Array = (kernel - kernel.swapaxes(-1, -2)) / 2
    return odd


def _size(
    arch: th.Architecture, points: Array, limit: Array, n: int, scale: float
) -> tuple[float, float]:
    """RMS Frobenius norm of the antisymmetric part, over the norm of the limit kernel; standard error."""
    kernels = th.sample_networks(arch, points, n, thinned(DRAWS, scale), seed=SEED).ntk
    squares = (_odd(kernels) ** 2).sum(axis=(1, 2)) / (limit**2).sum()
    rms = float(np.sqrt(squares.mean()))
    return rms, float(squares.std(ddof=1) / np.sqrt(len(squares)) / (2 * rms))


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Heat maps above, sizes against width below."""
    grid = canvas.add_gridspec(2, 3, height_ratios=(1, 1.15))
    limit, sampled = arrays["limit.kernel"], arrays["sampled.kernel"]
    top = [canvas.add_subplot(grid[0, k]) for k in range(3)]
    reach = np.abs(_odd(limit)).max()
    shades: dict[str, Any] = {"cmap": style.DIVERGING, "aspect": "auto"}
    peak = np.abs(limit).max()
    images = (
        top[0].imshow(limit, vmin=-peak, vmax=peak, **shades),
        top[1].imshow(_odd(limit), vmin=-reach, vmax=reach, **shades),
        top[2].imshow(_odd(sampled), vmin=-reach, vmax=reach, **shades),
    )
    names = (
        r"limit $\Theta$",
        r"$(\Theta-\Theta^{\mathsf{T}})/2$",
        r"$(\Theta_n-\Theta_n^{\mathsf{T}})/2$, " + f"$n={SHOWN_WIDTH}$",
    )
    radius = arrays["limit.radius"]
    places = np.linspace(0, len(radius) - 1, 4)
    marks = [f"{np.interp(p, np.arange(len(radius)), radius):.2g}" for p in places]
    for k, axes in enumerate(top):
        style.all_round(axes)
        axes.set_xticks(places, marks)
        axes.set_yticks(places, marks if k == 0 else [""] * 4)
        axes.set_xlabel(r"norm $|x'|/\sqrt{d}$ (surrogate)")
        style.letter(axes, "abc"[k], names[k])
    canvas.colorbar(images[0], ax=top[0], pad=0.03, aspect=18)
    canvas.colorbar(images[2], ax=top[2], pad=0.03, aspect=18, extend="both")
    top[0].set_ylabel(r"norm $|x|/\sqrt{d}$ (true)")
    bottom = grid[1, :].subgridspec(1, 2)
    panels = [canvas.add_subplot(bottom[0, 0])]
    panels.append(canvas.add_subplot(bottom[0, 1], sharey=panels[0]))
    titles = ("equal norms", "unequal norms")
    for k, (axes, name) in enumerate(zip(panels, ("circle", "spiral"), strict=True)):
        _draw_sizes(axes, arrays, name)
        style.letter(axes, "de"[k], titles[k])
    panels[0].set_ylabel("relative size of\nthe antisymmetric part")
    panels[1].tick_params(labelleft=False)


def _draw_sizes(axes: Axes, arrays: Arrays, name: str) -> None:
    for k, hidden in enumerate(WIDTHS):
        series, table = style.SERIES[k], f"{name}{hidden}"
        n, size = arrays[f"{table}.n"], arrays[f"{table}.size"]
        axes.errorbar(
            n,
            size,
            Z95 * arrays[f"{table}.stderr"],
            label=f"{hidden} hidden layer{'s' * (hidden > 1)}",
            **series.points,
        )
        if name == "spiral":
            height = arrays[f"limit_size.{table}"][0]
            axes.axhline(height, lw=1.0, **series.line)
            axes.annotate(
                f"limit, {hidden} hidden layer{'s' * (hidden > 1)}",
                (14, height),
                (0, 2 if hidden == 1 else -9),
                textcoords="offset points",
                fontsize=8,
                color=series.colour,
            )
    if name == "circle":
        guide = np.array([24.0, 1500.0])
        axes.plot(guide, 0.45 * guide**-0.5, color=style.BLACK, lw=0.8, label="slope $-1/2$")
    axes.set(xscale="log", yscale="log", xlabel="width $n$")
    axes.set_yticks([0.01, 0.02, 0.05, 0.1, 0.2], ["0.01", "0.02", "0.05", "0.1", "0.2"])
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.legend(loc="upper right")


FIGURE = Figure(
    id="F6",
    title="The antisymmetric part of the kernel dies out on a sphere and survives off it",
    caption=rf"""
    Forward pass $h_{{1/2}}$, backward derivative $h_1'$, $s_w={WEIGHT_STD}$, $s_b={BIAS_STD}$. (a) Limit kernel
    $\Theta(x,x')$ of one hidden layer on {PIXELS} inputs of the plane along a spiral: one turn, while
    $|x|/\sqrt{{d}}$ grows from $1/4$ to $2$. Rows take the true Jacobian, columns the surrogate one. (b) Its
    antisymmetric part. (c) The antisymmetric part of one sampled network of width ${SHOWN_WIDTH}$, on the
    scale of (b). (d), (e) Size of the antisymmetric part,
    $\sqrt{{\mathbb{{E}}\|\Theta_n-\Theta_n^{{\mathsf{{T}}}}\|_F^2}}/(2\|\Theta\|_F)$,
    against the width: {DRAWS} networks a point on {INPUTS} inputs, whiskers 95 %. On inputs of one norm it decays
    like $n^{{-1/2}}$, as the limit is symmetric; along the spiral it settles at the value of the limit (lines,
    closed form).
    """,
    size_mm=(150.0, 104.0),
    shows=("T8",),
    data=data,
    draw=draw,
    seed=SEED,
)
