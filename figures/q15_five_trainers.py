"""Q15: which energies five trainers visit, on a landscape whose every state is known."""

import numpy as np
from matplotlib.figure import Figure as Canvas

from figures import style
from figures.base import Array, Arrays, Figure, thinned
from proofs_check.claims.quantized_trainers import problem, trainers, visits

RUNS, STEPS, CELLS = 20, 60, 24
SEED = 0
TITLES = {
    "BinaryConnect": "BinaryConnect", "ProxConnect": "ProxConnect", "transition": "state transition",
    "annealing": "annealing, $c=d^*$", "CoNNTrA": "CoNNTrA",
}  # fmt: skip


def data(scale: float = 1.0) -> dict[str, Array]:
    """Shares of visits in cells of energy, of the last state and of all; shares of all states; least energies."""
    _, land = problem()
    edges = np.linspace(float(land.lowest), float(land.energies.max()), CELLS + 1)
    runs = thinned(RUNS, scale, least=2)
    arrays: dict[str, Array] = {
        "cell.low": edges[:-1], "cell.high": edges[1:], "cell.states": _shares(land.energies, edges),
        "opt.energy": np.unique(land.energies[land.one_flip_minima()]),
    }  # fmt: skip
    for name, trainer in trainers().items():
        column = name.lower()
        steps = 3 * STEPS if name == "annealing" else STEPS
        seen = np.array([visits(trainer, SEED + run, steps) for run in range(runs)])
        arrays[f"cell.all_{column}"] = _shares(land.energies[seen].ravel(), edges)
        arrays[f"cell.last_{column}"] = _shares(land.energies[seen[:, -1]], edges)
    return arrays


def _shares(energies: Array, edges: Array) -> Array:
    return np.histogram(energies, edges)[0] / energies.size


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """One panel a trainer, energies upwards."""
    panels = canvas.subplots(1, len(TITLES), sharey=True)
    low, high = arrays["cell.low"], arrays["cell.high"]
    for axes, (name, title), letter in zip(panels, TITLES.items(), "abcde", strict=True):
        column = name.lower()
        axes.barh(
            low, arrays["cell.states"], high - low, align="edge", color=style.GREY, alpha=0.45,
            label="all states",
        )  # fmt: skip
        for kind, colour, label in (
            ("all", style.BLUE, "visited"),
            ("last", style.VERMILLION, "last state"),
        ):
            axes.stairs(
                arrays[f"cell.{kind}_{column}"], np.append(low, high[-1]), orientation="horizontal",
                color=colour, lw=1.1, label=label,
            )  # fmt: skip
        best = arrays["opt.energy"]
        axes.plot(np.full(len(best), 1.06), best, "_", ms=4, color=style.BLACK, clip_on=False)
        axes.set(xlim=(0, 1.0), xticks=[0, 0.5, 1.0])
        axes.set_xticklabels(["0", ".5", "1"])
        axes.set_title(rf"$\mathbf{{{letter}}}$  {title}", loc="left", pad=4.0, fontsize=7.5)
    top = np.searchsorted(np.cumsum(arrays["cell.states"]), 0.97)  # a few states lie far above
    panels[0].set(ylabel="energy (mean loss)", ylim=(low[0] - 0.05, high[top] + 0.05))
    panels[2].set_xlabel("share of visits, of runs, of states")
    handles, names = panels[0].get_legend_handles_labels()
    canvas.legend(handles, names, loc="outside lower center", ncols=3)


FIGURE = Figure(
    id="Q15",
    title="Five trainers on one landscape: where they spend their time and where they end",
    caption=rf"""
    Ternary 2-2-1 network with ternary activation, rectangular surrogate and squared loss on twelve samples of a
    declared stream; {RUNS} runs of {STEPS} steps on whole data ({3 * STEPS} single proposals for annealing).
    Shares, by energy, of all 729 states (grey), of the states that predict after each step (blue) and after the
    last one (red); strokes on the right mark the energies of one-coordinate minima. Coordinate search ends in such
    a minimum always, the others need not.
    """,
    size_mm=(155.0, 80.0),
    shows=("S50",),
    data=data,
    draw=draw,
    seed=SEED,
)
