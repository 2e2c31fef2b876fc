"""Q6: the states that full-batch discrete state transition visits for ever, and the mass that it leaves elsewhere."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from figures import style
from figures.base import Array, Arrays, Figure
from proofs_check.claims.quantized_small_steps import SEED, TEMPERATURE, instance
from theory.quantized.chains import gibbs, stationary

GAP = 3.7
"""Distance between blocks of nine states, in distances between states."""


def data(scale: float = 1.0) -> dict[str, Array]:  # noqa: ARG001 - 81 states are few
    """States with place, energy, class and laws; transitions of one coordinate within the closed class."""
    _, land, chain = instance()
    matrix, found = chain.matrix(), chain.classes()
    closed = found.closed[found.label]
    values = land.states()
    place = GAP * values[:, :2] + values[:, 2:]
    starts, ends = matrix.nonzero()
    single = (values[starts] != values[ends]).sum(axis=1) == 1
    return {
        "state.x": place[:, 0],
        "state.y": place[:, 1],
        "state.energy": land.energies,
        "state.closed": closed.astype(np.float64),
        "state.stationary": stationary(matrix),
        "state.gibbs": gibbs(land, TEMPERATURE),
        "edge.start": starts[single].astype(np.float64),
        "edge.end": ends[single].astype(np.float64),
    }


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """The graph on the left, masses over energies on the right."""
    graph, mass = canvas.subplots(1, 2, width_ratios=(1.25, 1))
    _draw_graph(graph, arrays)
    order = np.argsort(arrays["state.energy"], kind="stable")
    energy = arrays["state.energy"][order]
    for name, series, label in (
        ("stationary", style.SERIES[1], "transition, stationary"),
        ("gibbs", style.SERIES[0], f"Gibbs, $T={TEMPERATURE}$"),
    ):
        total = np.cumsum(arrays[f"state.{name}"][order])
        mass.step(energy, total, where="post", label=label, **series.line)
    mass.set(
        xlabel="energy", ylabel="mass at this energy or below", ylim=(0, 1.03),
        xlim=(energy[0] - 0.1, energy[-1]),
    )  # fmt: skip
    mass.legend(loc="lower right", fontsize=7)
    style.letter(graph, "a", "81 states")
    style.letter(mass, "b", "where the mass lies")


def _draw_graph(axes: Axes, arrays: Arrays) -> None:
    x, y = arrays["state.x"], arrays["state.y"]
    closed = arrays["state.closed"] > 0
    starts, ends = (arrays[f"edge.{name}"].astype(int) for name in ("start", "end"))
    for start, end in zip(starts, ends, strict=True):
        inside = closed[start] and closed[end]
        colour = style.SKY if inside else style.GREY
        bend = "arc3,rad=0.15"
        axes.annotate(
            "", xy=(x[end], y[end]), xytext=(x[start], y[start]),
            arrowprops={
                "arrowstyle": "-|>,head_length=0.15,head_width=0.08", "color": colour, "lw": 0.35,
                "alpha": 0.8 if inside else 0.35, "connectionstyle": bend, "shrinkA": 2, "shrinkB": 2,
            },
        )  # fmt: skip
    size = 7 + 300 * arrays["state.stationary"]
    axes.scatter(x[~closed], y[~closed], s=7, color=style.GREY, label="transient", zorder=3)
    axes.scatter(x[closed], y[closed], s=size[closed], color=style.BLUE, label="closed", zorder=3)
    best = int(np.argmin(arrays["state.energy"]))
    axes.scatter(x[best], y[best], s=45, marker="*", color=style.ORANGE, label="minimum", zorder=4)
    ticks = [GAP * v for v in (-1, 0, 1)]
    axes.set_xticks(ticks, labels=["$-1$", "0", "1"])
    axes.set_yticks(ticks, labels=["$-1$", "0", "1"])
    axes.set(xlabel="$w_1$; within a block $w_3$", ylabel="$w_2$; within a block $w_4$")
    axes.set(xlim=(-5.5, 5.5), ylim=(-5.5, 6.6))
    axes.set_aspect("equal")
    axes.legend(loc="upper center", ncols=3, fontsize=7, handletextpad=0.2, columnspacing=1.0)


FIGURE = Figure(
    id="Q6",
    title="Whole gradients do not reach every state: the closed class of discrete state transition",
    caption=r"""
    Ternary least squares, four weights, twenty samples of a declared stream, step size 0.1, $m=3$. (a) All 81
    states: three by three blocks for $w_1$ and $w_2$, in each $w_3$ and $w_4$. Arrows are the possible moves of a
    single weight (moves of several at once are not drawn); blue, with its stationary mass as size, is the one
    closed class, grey is transient: never seen again once left. (b) Mass at or below an energy under the stationary
    law of the chain, and under the Gibbs law that a Metropolis chain has at $T=0.05$.
    """,
    size_mm=(155.0, 88.0),
    shows=("S19",),
    data=data,
    draw=draw,
    seed=SEED,
)
