"""Q7: the valleys of a small quantized network as a merge tree, and gaps that fall by Arrhenius' law."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from figures import style
from figures.base import Array, Arrays, Figure, thinned
from proofs_check.claims.quantized_landscape import neuron
from theory.quantized.chains import gibbs, metropolis, spectral_gap

TREE = (6, 14, 0)
NEURONS = {"d4": (4, 8, 0), "d5": (5, 10, 0), "d6": (6, 14, 0)}
INVERSE = (1.0, 12.0)


def data(scale: float = 1.0) -> dict[str, Array]:
    """Leaves and mergers of the tree, in an order without crossings; gaps against 1/T with their exponents."""
    leaves, mergers = _tree()
    arrays: dict[str, Array] = {
        "leaf.energy": leaves, "merger.elder": mergers[:, 0], "merger.younger": mergers[:, 1],
        "merger.height": mergers[:, 2],
    }  # fmt: skip
    inverse = np.linspace(*INVERSE, thinned(12, scale, least=2))
    arrays["gap.inverse"] = inverse
    for name, case in NEURONS.items():
        land = neuron(*case)
        gaps = [spectral_gap(metropolis(land, 1 / b), gibbs(land, 1 / b)) for b in inverse]
        arrays[f"gap.{name}"] = np.array(gaps)
        arrays[f"exponent.{name}"] = np.array([float(land.gap_exponent), float(land.hajek_depth)])
    return arrays


def _tree() -> tuple[Array, Array]:
    """Energies of leaves from left to right, and mergers (elder leaf, younger leaf, height) in these numbers."""
    land = neuron(*TREE)
    tree, energy = land.barriers, land.energies
    mergers = list(zip(tree.elder, tree.younger, energy[tree.saddle], strict=True))
    rows: dict[int, list[int]] = {}
    for elder, younger, _ in mergers:
        for leaf in (int(elder), int(younger)):
            rows.setdefault(leaf, [leaf])
        rows[int(elder)] += rows.pop(int(younger))
    order = [leaf for row in rows.values() for leaf in row]
    number = {leaf: place for place, leaf in enumerate(order)}
    listed = [(number[int(a)], number[int(b)], height) for a, b, height in mergers]
    return energy[order].astype(np.float64), np.array(listed, dtype=np.float64)


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """The tree on the left, gaps on the right."""
    tree, gaps = canvas.subplots(1, 2, width_ratios=(1.25, 1))
    _draw_tree(tree, arrays)
    inverse = arrays["gap.inverse"]
    for (name, case), series in zip(NEURONS.items(), style.SERIES, strict=False):
        m, depth = arrays[f"exponent.{name}"]
        values = arrays[f"gap.{name}"]
        gaps.plot(
            inverse, values, linestyle="none", marker=series.marker, color=series.colour, mfc="white",
            label=f"$d={case[0]}$: $m={m:.0f}$, $d^*={depth:.0f}$",
        )  # fmt: skip
        gaps.plot(inverse, values[-1] * np.exp(-m * (inverse - inverse[-1])), lw=0.9, **series.line)
    style.quiet_log(gaps, "y")
    gaps.set(xlabel="inverse temperature $1/T$", ylabel="spectral gap")
    gaps.legend(loc="lower left", fontsize=7)
    style.letter(tree, "a", "valleys and where they meet")
    style.letter(gaps, "b", "gaps, lines of slope $-m$")


def _draw_tree(axes: Axes, arrays: Arrays) -> None:
    energy = arrays["leaf.energy"]
    place = np.arange(len(energy), dtype=np.float64)
    reached = energy.copy()
    deepest = (0.0, 0.0, 0.0, 0.0)
    columns = (arrays[f"merger.{name}"] for name in ("elder", "younger", "height"))
    lowest = energy.copy()
    for elder, younger, height in zip(*columns, strict=True):
        a, b = int(elder), int(younger)
        for leaf in (a, b):
            axes.plot([place[leaf]] * 2, [reached[leaf], height], color=style.BLUE, lw=0.7)
        axes.plot([place[a], place[b]], [height, height], color=style.BLUE, lw=0.7)
        depth = height - lowest[b]
        if lowest[b] > lowest[a] and depth > deepest[0]:
            deepest = (float(depth), float(place[b]), float(lowest[b]), float(height))
        place[a] = (place[a] + place[b]) / 2
        reached[a] = height
    axes.plot([place[0]] * 2, [reached[0], reached[0] + 0.5], color=style.BLUE, lw=0.7)
    bottom = energy == energy.min()
    axes.plot(
        np.flatnonzero(bottom), energy[bottom], "o", color=style.ORANGE, ms=4, label="global minima"
    )
    if deepest[0] > 0:
        axes.annotate(
            "", xy=(deepest[1], deepest[2]), xytext=(deepest[1], deepest[3]),
            arrowprops={"arrowstyle": "<->", "color": style.VERMILLION, "lw": 1.1},
        )  # fmt: skip
        axes.text(
            deepest[1], deepest[2] - 0.12, f"$d^*={deepest[0]:.0f}$", color=style.VERMILLION,
            fontsize=8, ha="center", va="top",
        )  # fmt: skip
    axes.set_xticks([])
    axes.set(xlabel="minima", ylabel="energy (errors)", ylim=(energy.min() - 0.9, None))
    axes.legend(loc="lower right", fontsize=7)


FIGURE = Figure(
    id="Q7",
    title="Barriers of a small ternary network, and the spectral gaps that they cause",
    caption=r"""
    Ternary threshold neurons on $\pm1$ data of declared streams; the energy is the number of errors, moves change
    one weight. (a) All 729 states of $d=6$, $n=14$: valleys as lines from their lowest energy up to where they meet
    a valley of smaller or equal minimum; valleys without depth are left out. Hajek's $d^*$ is the deepest one that
    does not hold a global minimum. (b) Spectral gap of the Metropolis chain against $1/T$ for $d=4,5,6$; lines have
    the slope $-m$ of Holley and Stroock, which also counts barriers between global minima, and pass through the
    coldest point.
    """,
    size_mm=(155.0, 80.0),
    shows=("S23", "S24"),
    data=data,
    draw=draw,
    seed=TREE[2],
)
