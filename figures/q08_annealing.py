"""Q8: logarithmic cooling below and above Hajek's depth: the mass that is not yet in a minimum."""

import numpy as np
from matplotlib.figure import Figure as Canvas

from figures import style
from figures.base import Array, Arrays, Figure
from proofs_check.claims.quantized_annealing import EXACT_STEPS, exact_law, trap, trapping, unsolved

SCALES = {"half": 0.5, "one": 1.0, "two": 2.0}
LABELS = {"half": r"$c=d^*/2$", "one": "$c=d^*$", "two": r"$c=2d^*$"}
DECADES = 5


def data(scale: float = 1.0) -> dict[str, Array]:
    """P(not minimal) at times spaced evenly in their logarithm; the mass that is trapped for ever."""
    land = trapping()
    last = DECADES if scale >= 1 else 3
    times = np.unique(np.rint(np.geomspace(1, 10**last, 8 * last + 1)).astype(np.int64))
    arrays: dict[str, Array] = {"time.t": times.astype(np.float64)}
    for name, factor in SCALES.items():
        found = unsolved(land, factor * float(land.hajek_depth), tuple(times.tolist()))
        arrays[f"time.{name}"] = np.array(found)
    law = exact_law(land, 2, EXACT_STEPS)
    held = float(sum(law[i] for i in trap(land))) * (EXACT_STEPS + 1) / (EXACT_STEPS + 2)
    return arrays | {"bound.held": np.array([held]), "bound.states": np.array([float(land.size)])}


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Three schedules on logarithmic axes."""
    axes = canvas.subplots()
    times = arrays["time.t"]
    for name, series in zip(SCALES, (style.SERIES[1], *style.SERIES[::2]), strict=False):
        axes.plot(times, arrays[f"time.{name}"], label=LABELS[name], **series.line)
    held = float(arrays["bound.held"][0])
    axes.axhline(held, color=style.GREY, lw=0.8, linestyle=style.DOTTED, label="held for ever")
    style.quiet_log(axes)
    style.quiet_log(axes, "y")
    axes.set(xlabel="step $t$", ylabel=r"$P(X_t\notin\mathrm{arg\,min})$")
    axes.legend(loc="lower left", fontsize=7)


FIGURE = Figure(
    id="Q8",
    title="Logarithmic annealing of a ternary neuron finds the minimum if and only if it is slow enough",
    caption=r"""
    Probability that Metropolis annealing at $T_t=c/\log(1+t)$ is not in a global minimum after $t$ steps: exact
    products of the kernels on all 81 states of a ternary threshold neuron (four weights, eight samples of a
    declared stream, $d^*=1$), from the uniform law. Below $c=d^*$ it stays above a positive number for ever;
    dotted: such a number, by the exact law after six steps at $c=d^*/2$ and the mass that provably never leaves the
    trap. At $c=d^*$ it falls as a power of $t$, and at $2d^*$ as well, from a higher temperature.
    """,
    size_mm=(100.0, 75.0),
    shows=("S25", "S25.trap"),
    data=data,
    draw=draw,
    seed=0,
)
