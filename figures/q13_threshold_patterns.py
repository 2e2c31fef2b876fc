"""Q13: how many patterns a threshold neuron has on n inputs, exactly, against the bounds."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from figures import style
from figures.base import Array, Arrays, Figure, thinned
from theory.quantized.thresholds import cells, cells_with_ties, threshold_patterns

RANKS, MOST, SEED = (2, 3), 12, 13


def scattered(n: int, r: int) -> list[list[int]]:
    """Return n > r inputs with integer entries, in general position and all around the origin."""
    draws = np.random.Generator(np.random.Philox(key=[SEED, r]))
    simplex = [[int(i == j) for j in range(r)] for i in range(r)] + [[-1] * r]
    return simplex + [
        [int(v) for v in row] for row in draws.integers(-99, 100, (MOST, r))[: n - r - 1]
    ]


def paired(n: int, r: int) -> list[list[int]]:
    """Return n inputs of which every second one is the negative of the one before."""
    rows = scattered(MOST, r)[r + 1 :]
    return [[sign * v for v in row] for row in rows for sign in (1, -1)][:n]


def data(scale: float = 1.0) -> dict[str, Array]:
    """Counts with and without ties, and both bounds."""
    arrays: dict[str, Array] = {}
    for r in RANKS:
        n = np.arange(r + 1, 1 + max(r + 2, thinned(MOST, scale)))
        table = f"rank{r}"
        arrays[f"{table}.n"] = n.astype(float)
        arrays[f"{table}.cells"] = np.array([float(cells(int(k), r)) for k in n])
        arrays[f"{table}.ties"] = np.array([float(cells_with_ties(int(k), r)) for k in n])
        for name, inputs in (("scattered", scattered), ("paired", paired)):
            found = [
                [len(threshold_patterns(inputs(int(k), r), ties=ties)) for ties in (False, True)]
                for k in n
            ]
            arrays[f"{table}.{name}"] = np.array(found, dtype=float)
    return arrays


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Counts in units of the bound on open cells, one panel a rank."""
    panels = canvas.subplots(1, 1 + len(RANKS))
    counts = panels[0]
    for series, r in zip(style.SERIES, RANKS, strict=False):
        n = arrays[f"rank{r}.n"]
        counts.plot(n, arrays[f"rank{r}.cells"], label=f"bound, $r={r}$", **series.line)
        counts.plot(n, arrays[f"rank{r}.ties"], color=series.colour, lw=0.8, ls=style.DOTTED)
        counts.plot(
            n,
            arrays[f"rank{r}.scattered"][:, 1],
            marker=series.marker,
            color=series.colour,
            ls="none",
            mfc="white",
            label=f"counted, $r={r}$",
        )
    counts.set(
        xticks=(4, 8, 12), xlabel="inputs $n$", ylabel="patterns", yscale="log", ylim=(5, 2000)
    )
    counts.legend(loc="upper left", ncols=1)
    style.letter(counts, "a", "in general position")
    for letter, axes, r in zip("bc", panels[1:], RANKS, strict=True):
        _ratios(axes, arrays, r)
        style.letter(axes, letter, f"rank {r}")
    canvas.legend(*panels[1].get_legend_handles_labels(), loc="outside lower right", ncols=4)


def _ratios(axes: Axes, arrays: Arrays, r: int) -> None:
    n, bound = arrays[f"rank{r}.n"], arrays[f"rank{r}.cells"]
    axes.axhline(1.0, color=style.BLACK, lw=0.7)
    axes.plot(
        n,
        arrays[f"rank{r}.ties"] / bound,
        color=style.GREY,
        lw=0.9,
        ls=style.DOTTED,
        label="bound, with ties",
    )
    rows = (
        ("scattered", 1, "general position, any $u$"),
        ("paired", 1, "pairs $\\pm x$, any $u$"),
        ("paired", 0, "pairs $\\pm x$, no ties"),
    )
    for series, (name, column, label) in zip(style.SERIES, rows, strict=False):
        axes.plot(
            n,
            arrays[f"rank{r}.{name}"][:, column] / bound,
            marker=series.marker,
            mfc="white",
            lw=0.8,
            color=series.colour,
            ls=series.dash,
            label=label,
        )
    axes.set(
        xlabel="inputs $n$",
        ylabel="patterns / bound without ties",
        ylim=(0, 1.7),
        xticks=(4, 8, 12),
    )


FIGURE = Figure(
    id="Q13",
    title="Ties give a threshold neuron more patterns than its hyperplanes have cells",
    caption=r"""
    Distinct columns $1\{Xu\geq0\}$ over all $u$, counted exactly from the covectors of $n$ integer inputs of rank
    $r$. (a) Inputs in general position around the origin, any $u$ (markers), against $2\sum_{k<r}\binom{n-1}{k}$
    (lines), which bounds the open cells, and $\sum_{k\leq r}\binom{n}{k}$ (dots), which bounds the patterns with
    ties. (b), (c) Counts in units of the former: with $u=0$ there is one pattern more than cells, and inputs in
    pairs $\pm x$ have most of their patterns on the boundary, where $Xu$ has zeros.
    """,
    size_mm=(160.0, 72.0),
    shows=("S47.ii",),
    data=data,
    draw=draw,
    seed=SEED,
)
