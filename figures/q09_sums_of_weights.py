"""Q9: sums of discrete weights against their normal law, by fan-in: ties make the error, not the shape."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from figures import style
from figures.base import Array, Arrays, Figure, thinned
from proofs_check.claims.quantized_sums import compared, declared

KINDS = {"binary": (27, 1152), "ternary": (27, 1152)}
SIZES, DRAWS = 9, 5
CURVES = {
    "bound": r"$0.56\sum\rho_i/s^3$",
    "uniform": r"$\sup|P(S\leq x)-\Phi|$",
    "plain": r"$|\Phi(m/s)-P(S>0)|$",
    "tie": r"$\frac{1}{2}P(S=0)$",
    "corrected": "continuity correction",
}


def data(scale: float = 1.0) -> dict[str, Array]:
    """Median, least and largest error over draws of the laws, for even and odd fan-in."""
    arrays: dict[str, Array] = {}
    for kind, (least, most) in KINDS.items():
        sizes = np.geomspace(least, most, thinned(SIZES, scale)).round().astype(int)
        for parity, name in ((0, "even"), (1, "odd")):
            fan_in = sizes // 2 * 2 + parity
            table = f"{kind}_{name}"
            arrays[f"{table}.n"] = fan_in.astype(float)
            found = [
                [compared(*declared(kind, int(n), seed)) for seed in range(thinned(DRAWS, scale))]
                for n in fan_in
            ]
            for curve in CURVES:
                factor = 0.56 if curve == "bound" else 1.0
                values = np.array(
                    [[factor * float(getattr(one, curve)) for one in row] for row in found]
                )
                spread = (np.median(values, axis=1), values.min(axis=1), values.max(axis=1))
                arrays[f"{table}.{curve}"] = np.stack(spread, axis=1)
    return arrays


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Binary weights of either parity, and ternary ones."""
    panels = canvas.subplots(1, 3, sharey=True)
    tables = (
        ("binary_even", "binary, even $n$"),
        ("binary_odd", "binary, odd $n$"),
        ("ternary_even", "ternary"),
    )
    for letter, axes, (table, title) in zip("abc", panels, tables, strict=True):
        _panel(axes, arrays, table)
        style.letter(axes, letter, title)
    panels[0].set_ylabel("error")
    canvas.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)


def _panel(axes: Axes, arrays: Arrays, table: str) -> None:
    n = arrays[f"{table}.n"]
    bound = arrays[f"{table}.bound"]
    axes.plot(n, bound[:, 0], color=style.GREY, lw=0.9, label=CURVES["bound"])
    shown = [name for name in CURVES if name != "bound"]
    for series, curve in zip(style.SERIES, shown, strict=False):
        values, least, most = arrays[f"{table}.{curve}"].T
        if values.max() > 0.0:
            gaps = np.stack([values - least, most - values])
            axes.errorbar(
                n,
                values,
                gaps,
                label=CURVES[curve],
                **{**series.points, "linestyle": series.dash, "lw": 0.8},
            )
    for power, dash in ((0.5, "-"), (1.0, style.DOTTED)):
        label = r"$n^{-1/2}$" if power == 0.5 else r"$n^{-1}$"
        start = 0.06 if power == 0.5 else 0.002
        axes.plot(n, start * (n / n[0]) ** -power, color=style.BLACK, lw=0.6, ls=dash, label=label)
    axes.set(xlabel="fan-in $n$", xscale="log", yscale="log")
    style.quiet_log(axes, "x")


FIGURE = Figure(
    id="Q9",
    title="Half the mass of ties is the error of the sign probabilities in local reparameterisation",
    caption=r"""
    Sums $S=\sum w_ih_i$ of independent discrete weights on signs $h_i$, against $N(m,s^2)$ of the same mean and
    variance: exact laws, probabilities in sixty-fourths drawn at random, medians and ranges over five draws.
    Binary weights have ties, $S=0$, at even fan-in $n$ alone. With ties the error of $\Phi(m/s)$ as $P(S>0)$ is
    half the mass of 0, of order $n^{-1/2}$ (black line), far below the Berry-Esseen bound (grey) and of the order
    of the largest error of the distribution function; the continuity correction, and odd $n$, leave an error of
    order $n^{-1}$ (dots).
    """,
    size_mm=(160.0, 84.0),
    shows=("S31",),
    data=data,
    draw=draw,
    seed=0,
)
