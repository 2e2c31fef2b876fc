"""F1: the forward functions h_a, the backward derivatives h_b', and the limit a -> 0."""

from fractions import Fraction
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

import theory as th
from figures import style
from figures.base import Array, Arrays, Figure, thinned

FORWARD = (Fraction(1), Fraction(1, 2), Fraction(1, 4), Fraction(1, 16))
BACKWARD = FORWARD[:3]
REACH = 1.75


def data(scale: float = 1.0) -> dict[str, Array]:
    """Values of h_a and h_b' on a grid, and E[h_a'(u) h_b'(u)] for u ~ N(0, 1) as a -> 0."""
    count = thinned(1400, scale, least=28)
    grid = REACH * (2 * np.arange(count) + 1 - count) / count  # symmetric, off every jump
    halvings = [Fraction(1, 2**k) for k in range(thinned(8, scale))]
    one = th.hardtanh(1).derivative
    slopes = [th.hardtanh(a).derivative for a in halvings]
    return {
        "forward.x": grid,
        "forward.h": np.stack([th.hardtanh(a)(grid) for a in FORWARD], axis=1),
        "forward.sign": th.sign()(grid),
        "backward.x": grid,
        "backward.h_prime": np.stack([th.hardtanh(b).derivative(grid) for b in BACKWARD], axis=1),
        "factor.a": np.array([float(a) for a in halvings]),
        "factor.fixed_b": np.array([th.expectation(f, one).float64(1.0, 1.0, 1.0) for f in slopes]),
        "factor.equal_b": np.array([th.expectation(f, f).float64(1.0, 1.0, 1.0) for f in slopes]),
        "limit.fixed_b": th.expectation(th.sign().derivative, one).float64(1.0, 1.0, 1.0),
    }


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Three panels: forward, backward, and their product at one input."""
    forward, backward, factor = canvas.subplots(1, 3, width_ratios=(1.1, 1, 1.1))
    _draw_forward(forward, arrays)
    _draw_backward(backward, arrays)
    _draw_factor(factor, arrays)


def _draw_forward(axes: Axes, arrays: Arrays) -> None:
    x, jump = arrays["forward.x"], arrays["forward.sign"]
    for k, a in enumerate(FORWARD):
        axes.plot(x, arrays["forward.h"][:, k], label=f"$a = {a}$", **style.SERIES[k].line)
    for side, name in ((x < 0, "sign"), (x > 0, "_sign")):
        axes.plot(x[side], jump[side], color=style.BLACK, lw=0.7, zorder=3, label=name)
    hollow: dict[str, Any] = {
        "ls": "none",
        "marker": "o",
        "mec": style.BLACK,
        "mew": 0.8,
        "zorder": 4,
    }
    axes.plot([0, 0], [-1, 1], ms=3.2, mfc="white", **hollow)
    axes.plot([0], [0], ms=2.6, mfc=style.BLACK, **hollow)
    axes.set(xlabel="pre-activation $x$", ylabel="forward pass $h_a(x)$", ylim=(-1.12, 1.12))
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, 0.92), handlelength=1.7)
    style.letter(axes, "a")


def _draw_backward(axes: Axes, arrays: Arrays) -> None:
    for k, b in enumerate(BACKWARD):
        line = style.SERIES[k].line
        axes.plot(arrays["backward.x"], arrays["backward.h_prime"][:, k], **line)
        axes.annotate(
            f"$b = {b}$",
            (float(b), 1 / float(b)),
            xytext=(3.5, -7),
            textcoords="offset points",
            color=line["color"],
            fontsize=8,
        )
    axes.set(xlabel="pre-activation $x$", ylabel="backward pass $h_b'(x)$", ylim=(-0.15, 4.4))
    axes.set_yticks(range(5))
    style.letter(axes, "b")


def _draw_factor(axes: Axes, arrays: Arrays) -> None:
    for k, (column, label) in enumerate((("fixed_b", "$b = 1$"), ("equal_b", "$b = a$"))):
        series = style.SERIES[k]
        axes.plot(
            arrays["factor.a"],
            arrays[f"factor.{column}"],
            marker=series.marker,
            mfc="white",
            label=label,
            **series.line,
        )
    limit = arrays["limit.fixed_b"][0]
    axes.axhline(limit, color=style.BLACK, lw=0.8, ls=style.DOTTED, zorder=1)
    axes.annotate(
        r"sign forward, $b = 1$: $\sqrt{2/\pi}$",
        (arrays["factor.a"][-1], limit),
        xytext=(-1, -12),
        textcoords="offset points",
        fontsize=8,
    )
    axes.set(
        xscale="log",
        yscale="log",
        ylim=(0.35, 200),
        xlabel="forward half-width $a$",
        ylabel=r"backward factor $\mathbb{E}[h_a'(u)\,h_b'(u)]$",
    )
    axes.legend(loc="upper right", reverse=True)
    style.letter(axes, "c")


FIGURE = Figure(
    id="F1",
    title="The hardtanh family, and the limit in which the forward pass becomes binary",
    caption=r"""
    (a) Forward functions $h_a(x)=\mathrm{clip}(x/a,-1,1)$ for $a=1,1/2,1/4,1/16$, and their limit as
    $a\to 0$: the sign, with $\mathrm{sign}(0)=0$. (b) Backward derivatives $h_b'(x)=1/b$ for $|x|<b$ and $0$
    beyond; each has mass $2$, like the derivative of the sign. (c) The backward factor
    $\mathbb{E}[h_a'(u)\,h_b'(u)]$ of one input with $u\sim N(0,1)$. With $b=a$, the ordinary tangent kernel, it
    diverges like $\sqrt{2/\pi}/a$; with $b=1$ kept fixed, the straight-through estimator, it tends to
    $\sqrt{2/\pi}$, the value for the sign (dotted). All lines and points are closed forms.
    """,
    size_mm=(150.0, 62.0),
    shows=("T17", "T19"),
    data=data,
    draw=draw,
)
