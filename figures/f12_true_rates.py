"""F12: true rates. One surrogate step of a sign network against the width, and distances against what is proved."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.stats import norm

import theory as th
from figures import style
from figures.angle_sweep import power_law
from figures.base import Array, Arrays, Figure, thinned
from proofs_check.claims import sign_steps
from proofs_check.claims.lattice import wasserstein as lattice_distance
from proofs_check.claims.rates import linear_mixture
from theory.bounds import catalogue
from theory.distances import wasserstein2
from theory.kernels import Architecture

STEPS = {1: ((64, 3000), (256, 2000), (1024, 1500), (4096, 800), (16_384, 300)),
         2: ((64, 1500), (181, 800), (512, 400), (1448, 150))}  # fmt: skip
CHAIN = (64, 256, 1000, 4000, 16_000, 64_000, 256_000, 1_000_000)
DISTANCES = (4, 8, 16, 32, 64, 128, 256, 512, 1024)
Z95 = float(norm.ppf(0.975))
SEED = 12


def data(scale: float = 1.0) -> dict[str, Array]:
    """Standard deviation of one step, exact and sampled; distances and bounds against the width."""
    arrays: dict[str, Array] = {}
    widths = CHAIN[: thinned(len(CHAIN), scale, least=3)]
    fractions = np.array([sign_steps.flipped(n) for n in widths])
    moments = np.array([sign_steps.one_neuron(n) for n in widths])
    arrays["law.n"] = np.array(widths, float)
    arrays["law.l1"] = np.sqrt(moments[:, 2] - moments[:, 1] ** 2 / arrays["law.n"])
    for depth in sign_steps.DEPTHS[1:]:
        arrays[f"law.l{depth}"] = 2 * sign_steps.STD * np.sqrt(fractions[:, depth - 1])
    for depth, plan in STEPS.items():
        rows = []
        for n, draws in plan[: thinned(len(plan), scale, least=3)]:
            changes = _changes(depth, n, thinned(draws, scale, least=20))
            deviation = float(changes.std(ddof=1))
            fourth = float(((changes - changes.mean()) ** 4).mean())
            error = math.sqrt(max(0.0, fourth - deviation**4) / changes.size) / (2 * deviation)
            rows.append((n, deviation, error))
        n, deviation, error = np.array(rows).T
        arrays |= {f"step{depth}.n": n, f"step{depth}.std": deviation, f"step{depth}.stderr": error}
        arrays[f"fit.l{depth}"] = power_law(n, deviation, error)
    return arrays | _distances(scale)


def _changes(depth: int, n: int, draws: int) -> Array:
    """Change of f(x) by one step on the first hidden layer, in sampled networks."""
    if depth == 1:
        changes: Array = sign_steps.stepped(n, draws, SEED)
        return changes
    random = np.random.Generator(np.random.Philox(key=[SEED, n]))
    return np.array([_two_layers(n, random) for _ in range(draws)])


def _two_layers(n: int, random: np.random.Generator) -> float:
    """As `sign_steps.stepped`, behind a second hidden layer without bias; surrogate h_1' at both."""
    std, bias, (x, y) = sign_steps.STD, sign_steps.BIAS, sign_steps.POINTS
    weights, biases = random.standard_normal((n, x.size)), random.standard_normal(n)
    second, readout = random.standard_normal((n, n)), random.standard_normal(n)

    def first(point: Array) -> Array:
        value: Array = std / math.sqrt(x.size) * weights @ point + bias * biases
        return value

    def output(u: Array) -> float:
        return float(std / math.sqrt(n) * readout @ np.sign(second @ np.sign(u)))

    before, u = output(first(x)), first(y)
    adjoint = readout * (np.abs(std / math.sqrt(n) * second @ np.sign(u)) < 1)
    adjoint = std**2 / n * (adjoint @ second) * (np.abs(u) < 1)
    step = sign_steps.ETA * sign_steps.R * adjoint
    weights = weights - step[:, None] * std / math.sqrt(x.size) * y
    biases = biases - step * bias
    return output(first(x)) - before


def _distances(scale: float) -> dict[str, Array]:
    """Exact distances in units of the limit's deviation, and the explicit bound."""
    widths = DISTANCES[: thinned(len(DISTANCES), scale, least=3)]
    x = [[1.0, 1.0]]
    arch = Architecture(1, th.identity())
    bound = catalogue()["basteri_trevisan"]
    return {
        "distance.n": np.array(widths, float),
        "distance.linear": np.array([wasserstein2(linear_mixture(n, 1), 1.0) for n in widths]),
        "distance.bound": np.array([bound(arch, x, n).value for n in widths]),
        "distance.lattice": np.array([lattice_distance(n, 2) / math.sqrt(n) for n in widths]),
    }


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Steps on the left, distances on the right."""
    steps, distances = canvas.subplots(1, 2, width_ratios=(1.15, 1))
    _draw_steps(steps, arrays)
    _draw_distances(distances, arrays)
    style.letter(steps, "a", "one surrogate step, sign")
    style.letter(distances, "b", "distance to the limit")


def _draw_steps(axes: Axes, arrays: Arrays) -> None:
    n = arrays["law.n"]
    for depth in sign_steps.DEPTHS:
        series = style.SERIES[depth - 1]
        name = "law" if depth == 1 else "chain"
        label = rf"{name}, $L={depth}$: $n^{{-1/{2 ** (depth + 1)}}}$"
        axes.plot(n, arrays[f"law.l{depth}"], lw=1.0, label=label, **series.line)
    for depth in STEPS:
        series = style.SERIES[depth - 1]
        exponent, reach, _ = arrays[f"fit.l{depth}"]
        axes.errorbar(
            arrays[f"step{depth}.n"], arrays[f"step{depth}.std"], Z95 * arrays[f"step{depth}.stderr"],
            label=rf"networks, $L={depth}$: ${exponent:.3f}\pm{reach:.3f}$", **series.points,
        )  # fmt: skip
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="width $n$",
        ylabel=r"standard deviation of $\Delta f(x)$",
    )
    axes.legend(loc="lower left", fontsize=7)


def _draw_distances(axes: Axes, arrays: Arrays) -> None:
    n = arrays["distance.n"]
    for column, series, label in (
        ("bound", style.SERIES[1], "linear, bound B2"),
        ("lattice", style.SERIES[2], r"sign, $\pm1$ readout"),
        ("linear", style.SERIES[0], "linear, exact"),
    ):
        values = arrays[f"distance.{column}"]
        slope = math.log(values[-1] / values[-2]) / math.log(n[-1] / n[-2])
        axes.plot(
            n,
            values,
            ms=3,
            marker=series.marker,
            lw=1.0,
            label=f"{label}: ${slope:.3f}$",
            **series.line,
        )
    axes.set(xscale="log", yscale="log", xlabel="width $n$", ylabel=r"distance $W_2/\sqrt{K}$")
    axes.legend(loc="lower left", fontsize=7, title="local exponent at the right", title_fontsize=7)


FIGURE = Figure(
    id="F12",
    title="True rates: steps of sign networks and distances to the limit",
    caption=rf"""
    (a) Standard deviation of the change of $f(x)$ by one step of size $\eta={sign_steps.ETA}$ on the residual
    $r={sign_steps.R}$ at another input: sign forward, derivative of $h_1$ backward, first hidden layer trained,
    $s_w={sign_steps.STD}$, $s_b={sign_steps.BIAS}$ there and no bias above, inputs of unequal norms. Points: sampled
    networks with all their weights, whiskers 95 %; the legend gives the exponent fitted to them with its 95 %
    interval. Lines: for $L=1$ the exact standard deviation; beyond, the chain of flips through the layers, exact at
    every width but with the weights above the first hidden layer independent of the step: networks share its rate.
    Exponents in the legend of lines are those of $n\to\infty$. (b) Wasserstein-2 over the limit's deviation: a
    linear network with Gaussian readout (exact, of order $1/n$) and the explicit bound on it (order $n^{{-1/2}}$);
    sign features read out by signs, a lattice law, exact and truly of order $n^{{-1/2}}$. One hidden layer, one
    input, no bias.
    """,
    size_mm=(150.0, 82.0),
    shows=("T47", "T47.sampled", "T49", "B8.linear", "B41"),
    data=data,
    draw=draw,
    seed=SEED,
)
