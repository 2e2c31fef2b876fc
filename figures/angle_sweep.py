"""Shared by F3 and F4: the empirical kernel against the angle between two inputs of unequal norms."""

from fractions import Fraction
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.figure import SubFigure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from scipy.stats import norm

import theory as th
from figures import style
from figures.base import Array, Arrays, thinned

WIDTHS = (10, 100, 500, 1000)
DRAWS = 10
ANGLES = 61
NORM_FIXED, NORM_MOVING = 0.5, 1.5
RATE_WIDTHS = (10, 32, 100, 316, 1000, 3162, 10_000, 31_623, 100_000, 316_228, 1_000_000)
RATE_ANGLES, RATE_DRAWS, RATE_LEAST, RATE_COST = 8, 200, 12, 2_000_000
A, B = Fraction(1, 2), Fraction(1)
Z95 = float(norm.ppf(0.975))
WEIGHT_STD, BIAS_STD = 1.2, 0.3

SETTING = rf"""
    Forward pass $h_{{1/2}}$, backward derivative $h_1'$, $s_w={WEIGHT_STD}$, $s_b={BIAS_STD}$. The inputs lie in
    the plane with $|x_0|/\sqrt{{d}}=1/2$ and $|x(\theta)|/\sqrt{{d}}=3/2$, at angle $\theta$. Top:
    $\Theta_n(x_0,x(\theta))$, the kernel that moves $f(x_0)$ when the network is trained at $x(\theta)$. Middle:
    $\Theta_n(x(\theta),x_0)$, the roles exchanged. Thin lines: {DRAWS} networks a width. Black: the limit, from
    the closed form; dotted: the limit of the other order, for comparison. Bottom: the difference of the two
    orders. It does not vanish as $n$ grows: on inputs of unequal norms the limit kernel itself is asymmetric. At
    small widths some lines leave the frame. (e) Root mean square of $\Theta_n-\Theta$ over both orders and
    {RATE_ANGLES} angles, over five decades of width; at most {RATE_DRAWS} networks a point, {RATE_LEAST} at the largest
    widths, whiskers 95 %. The line is a weighted fit, and the legend gives its exponent with a 95 % interval.
"""


def sweep(hidden_layers: int, seed: int, scale: float) -> dict[str, Array]:
    """Kernels in both orders: ``DRAWS`` networks for each width, and the limit, against the angle."""
    arch = th.Architecture(
        hidden_layers, th.hardtanh(A), th.hardtanh(B), weight_std=WEIGHT_STD, bias_std=BIAS_STD
    )
    angle = np.linspace(-np.pi, np.pi, thinned(ANGLES, scale, least=5))
    circle = np.sqrt(2) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    fixed = NORM_FIXED * np.array([[np.sqrt(2), 0.0]])
    moving = NORM_MOVING * circle
    arrays = {
        "limit.angle": angle,
        "limit.fixed_first": th.ntk(arch, fixed, moving)[0],
        "limit.moving_first": th.ntk(arch, moving, fixed)[:, 0],
    }
    both = np.concatenate([fixed, moving])
    for n in WIDTHS:
        kernels = th.sample_networks(arch, both, n, thinned(DRAWS, scale), seed=seed).ntk
        arrays |= {
            f"n{n}.angle": angle,
            f"n{n}.fixed_first": kernels[:, 0, 1:].T,
            f"n{n}.moving_first": kernels[:, 1:, 0].T,
        }
    widths = RATE_WIDTHS[: thinned(len(RATE_WIDTHS), scale)]
    points = np.array([_deviation(arch, n, seed, scale) for n in widths])
    return arrays | {
        "rate.n": np.array(widths, dtype=float),
        "rate.rms": points[:, 0],
        "rate.stderr": points[:, 1],
        "fit.rate": power_law(np.array(widths, dtype=float), *points.T),
    }


def _deviation(arch: th.Architecture, n: int, seed: int, scale: float) -> tuple[float, float]:
    """RMS deviation from the limit over orders, angles and networks, with its standard error over networks."""
    angle = np.pi * (2 * np.arange(RATE_ANGLES) + 1) / RATE_ANGLES
    moving = NORM_MOVING * np.sqrt(2) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    both = np.concatenate([NORM_FIXED * np.array([[np.sqrt(2), 0.0]]), moving])
    draws = thinned(max(RATE_LEAST, min(RATE_DRAWS, RATE_COST // n)), scale, least=RATE_LEAST)
    first = DRAWS + RATE_DRAWS * RATE_WIDTHS.index(n)  # other networks than those drawn above
    kernels = th.sample_networks(arch, both, n, draws, seed=seed, first=first).ntk
    gap = kernels - th.ntk(arch, both)
    squares = (gap[:, 0, 1:] ** 2 + gap[:, 1:, 0] ** 2).mean(axis=1) / 2
    rms = float(np.sqrt(squares.mean()))
    return rms, float(squares.std(ddof=1) / np.sqrt(draws) / (2 * rms))


def power_law(n: Array, rms: Array, stderr: Array) -> Array:
    """Weighted least squares of log RMS on log n: exponent, half-width of its 95 % interval, log prefactor."""
    weight = (rms / stderr) ** 2
    centre = np.average(np.log(n), weights=weight)
    abscissa = np.log(n) - centre
    information = (weight * abscissa**2).sum()
    exponent = (weight * abscissa * np.log(rms)).sum() / information
    level = np.average(np.log(rms), weights=weight) - exponent * centre
    return np.array([exponent, Z95 / np.sqrt(information), level])


def draw_sweep(canvas: Canvas, arrays: Arrays) -> None:
    """Columns: widths. Rows: the two orders, their difference, and the rate over five decades of width."""
    parts: Any = canvas.subfigures(2, 1, height_ratios=(3.1, 1.25))
    above, below = parts
    _draw_orders(above, arrays)
    axes = below.subplots()
    _draw_rate(axes, arrays)
    style.letter(axes, "e")


def _draw_rate(axes: Axes, arrays: Arrays) -> None:
    n, (exponent, reach, level) = arrays["rate.n"], arrays["fit.rate"]
    whiskers = Z95 * arrays["rate.stderr"]
    axes.errorbar(n, arrays["rate.rms"], whiskers, label="sampled", **style.SERIES[0].points)
    label = rf"fit, exponent ${exponent:.3f}\pm{reach:.3f}$"
    axes.plot(n, np.exp(level) * n**exponent, lw=0.9, label=label, **style.SERIES[1].line)
    style.quiet_log(axes, "x")
    style.quiet_log(axes, "y")
    axes.set(xlabel="width $n$", ylabel=r"RMS of $\Theta_n-\Theta$")
    axes.legend(loc="upper right")


def _draw_orders(canvas: SubFigure, arrays: Arrays) -> None:
    grid = canvas.subplots(3, len(WIDTHS), sharex=True, sharey="row")
    angle, orders = arrays["limit.angle"], ("fixed_first", "moving_first")
    limits = [arrays[f"limit.{order}"] for order in orders]
    for column, n in enumerate(WIDTHS):
        draws = [arrays[f"n{n}.{order}"] for order in orders]
        rows = (
            (draws[0], limits[0], style.BLUE),
            (draws[1], limits[1], style.VERMILLION),
            (draws[0] - draws[1], limits[0] - limits[1], style.GREEN),
        )
        for row, (sampled, limit, colour) in enumerate(rows):
            axes = grid[row, column]
            axes.plot(angle, sampled, color=colour, lw=0.5, alpha=0.75)
            axes.plot(angle, limit, color=style.BLACK, lw=1.2, label="limit")
        for row in range(2):
            other = {"color": style.BLACK, "lw": 1.0, "ls": style.DOTTED}
            grid[row, column].plot(angle, limits[1 - row], label="limit, other order", **other)
        grid[2, column].axhline(0.0, color=style.GREY, lw=0.5, zorder=1)
        grid[2, column].set_xticks([-np.pi, 0, np.pi], [r"$-\pi$", "$0$", r"$\pi$"])
        style.letter(grid[0, column], "abcd"[column], f"$n = {n}$")
    for axes, margin in zip(grid[:, 0], (0.35, 0.35, 0.9), strict=True):
        low, high = limits[0].min(), limits[0].max()
        if axes is grid[2, 0]:
            low, high = (limits[0] - limits[1]).min(), (limits[0] - limits[1]).max()
        axes.set_ylim(low - margin * (high - low), high + margin * (high - low))
    grid[0, 0].set_ylabel(r"kernel $\Theta_n(x_0, x(\theta))$")
    grid[1, 0].set_ylabel(r"kernel $\Theta_n(x(\theta), x_0)$")
    grid[2, 0].set_ylabel("difference of the orders")
    colours = (style.BLUE, style.VERMILLION, style.GREEN)
    lines, names = grid[0, 0].get_legend_handles_labels()
    handles: list[Any] = [tuple(Line2D([], [], color=c, lw=0.9) for c in colours), *lines]
    handlers: dict[Any, Any] = {tuple: HandlerTuple(ndivide=None, pad=0.3)}
    canvas.legend(
        handles,
        [f"{draws[0].shape[1]} sampled networks", *names],
        handler_map=handlers,
        loc="outside upper center",
        ncols=3,
        handlelength=3.0,
    )
    canvas.supxlabel(r"angle $\theta$ between the inputs", fontsize=9)
