"""Shared by F3 and F4: the empirical kernel against the angle between two inputs of unequal norms."""

from fractions import Fraction
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D

import theory as th
from figures import style
from figures.base import Array, Arrays, thinned

WIDTHS = (10, 100, 500, 1000)
DRAWS = 10
ANGLES = 61
NORM_FIXED, NORM_MOVING = 0.5, 1.5
A, B = Fraction(1, 2), Fraction(1)
WEIGHT_STD, BIAS_STD = 1.2, 0.3

SETTING = rf"""
    Forward pass $h_{{1/2}}$, backward derivative $h_1'$, $s_w={WEIGHT_STD}$, $s_b={BIAS_STD}$. The inputs lie in
    the plane with $|x_0|/\sqrt{{d}}=1/2$ and $|x(\theta)|/\sqrt{{d}}=3/2$, at angle $\theta$. Top:
    $\Theta_n(x_0,x(\theta))$, the kernel that moves $f(x_0)$ when the network is trained at $x(\theta)$. Middle:
    $\Theta_n(x(\theta),x_0)$, the roles exchanged. Thin lines: {DRAWS} networks a width. Black: the limit, from
    the closed form; dotted: the limit of the other order, for comparison. Bottom: the difference of the two
    orders. It does not vanish as $n$ grows: on inputs of unequal norms the limit kernel itself is asymmetric. At
    small widths some lines leave the frame.
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
    return arrays


def draw_sweep(canvas: Canvas, arrays: Arrays) -> None:
    """Columns: widths. Rows: the two orders, and their difference."""
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
