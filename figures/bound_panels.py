"""Panels of F10 about bounds: how loose they are, binary readout, many outputs, nearly parallel inputs."""

import math
from fractions import Fraction

import numpy as np
from matplotlib.axes import Axes

import theory as th
from figures import style
from figures.base import Array, Arrays, thinned
from proofs_check.claims.lattice import wasserstein as lattice_distance
from theory.activations import Activation
from theory.bounds import catalogue
from theory.distances import ScaleMixture, leading_wasserstein2, radial_wasserstein
from theory.kernels import Architecture, gaussian, rademacher

WEIGHT_STD, BIAS_STD = 1.2, 0.3
MAP_WIDTH, MAP_DEPTHS = 256, (1, 2, 3, 4)
ACTIVATIONS = {
    "relu": th.relu(),
    "erf": th.erf(1),
    "h one": th.hardtanh(1),
    "h half": th.hardtanh(Fraction(1, 2)),
}
LABELS = (r"$\mathrm{ReLU}$", r"$\mathrm{erf}$", r"$h_1$", r"$h_{1/2}$")
BINARY_WIDTHS = tuple(2**j + 1 for j in range(3, 13))
OUTPUTS, OUTPUT_WIDTH, OUTPUT_DRAWS = (1, 2, 4, 8, 16, 32, 64, 128, 256), 64, 4000
ANGLES, ANGLE_WIDTHS = np.geomspace(1e-3, 1.0, 25), (64, 4096)
INPUT = np.ones((1, 2))


def data(scale: float, seed: int) -> dict[str, Array]:
    """Arrays of the four panels."""
    return {**_looseness(), **_binary(scale), **_outputs(scale, seed), **_angles(scale)}


def _arch(hidden: int, activation: Activation) -> Architecture:
    return Architecture(hidden, activation, weight_std=WEIGHT_STD, bias_std=BIAS_STD)


def _looseness() -> dict[str, Array]:
    """Explicit bound over the leading order of the distance."""
    columns = {}
    for column, f in zip("abcd", ACTIVATIONS.values(), strict=True):
        ratios = []
        for hidden in MAP_DEPTHS:
            arch = _arch(hidden, f)
            bound = catalogue()["basteri_trevisan"](arch, INPUT, MAP_WIDTH).value
            ratios.append(bound / leading_wasserstein2(arch, INPUT, MAP_WIDTH))
        columns[f"map.{column}"] = np.array(ratios)
    return {"map.depth": np.array(MAP_DEPTHS, float), **columns}


def _binary(scale: float) -> dict[str, Array]:
    """Signs read out by signs: exact lattice distance and bounds; smooth features: leading orders."""
    widths = BINARY_WIDTHS[: thinned(len(BINARY_WIDTHS), scale, least=3)]
    lattice = Architecture(1, th.sign(), weights=[gaussian(), rademacher()])
    f = th.erf(1)
    p = float(th.layer_covariances(_arch(1, f), INPUT)[0][0, 0])
    second = float(th.expectation(f, f).float64(p, p, p))
    fourth = float(th.joint_expectation([f] * 4, variables=(0, 0, 0, 0)).float64([[p]]))
    smooth = {
        "gaussian": abs(3 * fourth - 3 * second**2),
        "signs": abs(fourth - 3 * second**2),
    }
    n = np.array(widths, float)
    arrays = {
        "binary.n": n,
        "binary.lattice": np.array([lattice_distance(k, 2) / math.sqrt(k) for k in widths]),
    }
    for name in ("skorokhod", "eldan_mikulincer_zhai"):
        bound = catalogue()[name]
        values = [bound(lattice, INPUT, k, draws=8).value for k in widths]
        arrays[f"binary.{name}"] = np.array(values)
    for name, cumulant in smooth.items():
        arrays[f"binary.{name}"] = cumulant / (math.sqrt(96) * second**1.5 * n) * math.sqrt(second)
    return arrays


def _outputs(scale: float, seed: int) -> dict[str, Array]:
    """Exact radial distance of sampled mixtures, and the coupling bound, against the number of outputs."""
    counts = OUTPUTS[: thinned(len(OUTPUTS), scale, least=3)]
    arch = _arch(1, th.relu())
    limit = float(th.nngp(arch, INPUT)[0, 0])
    draws = thinned(OUTPUT_DRAWS, scale, least=200)
    variances = th.sample_covariances(arch, INPUT, OUTPUT_WIDTH, draws, seed=seed)[:, 0, 0]
    mixture = ScaleMixture(variances).recentred(limit)
    root = math.sqrt(float(((np.sqrt(variances) - math.sqrt(limit)) ** 2).mean()))
    m = np.array(counts, float)
    return {
        "outputs.m": m,
        "outputs.distance": np.array([radial_wasserstein(mixture, limit, k) for k in counts]),
        "outputs.leading": np.array(
            [leading_wasserstein2(arch, INPUT, OUTPUT_WIDTH, k) for k in counts]
        ),
        "outputs.coupling": np.sqrt(m) * root,
    }


def _angles(scale: float) -> dict[str, Array]:
    """The explicit bound for two inputs at an angle: by the eigenvalue and by Powers and Stormer."""
    angles = ANGLES[:: max(1, round(1 / max(scale, 0.2)))]
    arch = _arch(1, th.hardtanh(1))
    arrays = {"angle.theta": angles}
    for n in ANGLE_WIDTHS:
        least, free = [], []
        for angle in angles:
            x = math.sqrt(2) * np.array([[1.0, 0.0], [math.cos(angle), math.sin(angle)]])
            found = catalogue()["basteri_trevisan"](arch, x, n)
            spread, smallest = found.details["V_1"], found.details["lambda_1"]
            least.append(WEIGHT_STD**2 * math.sqrt(spread / (smallest * n)))
            free.append(WEIGHT_STD * (2 * spread / n) ** 0.25)
        arrays |= {f"angle.eigenvalue_{n}": np.array(least), f"angle.free_{n}": np.array(free)}
    return arrays


def draw_looseness(axes: Axes, arrays: Arrays) -> None:
    """Numbers in a grid: bound over distance."""
    values = np.array([arrays[f"map.{column}"] for column in "abcd"])
    axes.imshow(np.log10(values), cmap=style.SEQUENTIAL, aspect="auto")
    middle = np.log10(values).mean()
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if np.log10(value) < middle else style.BLACK
        axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(MAP_DEPTHS)), [str(depth) for depth in MAP_DEPTHS])
    axes.set_yticks(range(len(LABELS)), LABELS)
    axes.set(xlabel="hidden layers", ylabel="activation")
    style.all_round(axes)


def draw_binary(axes: Axes, arrays: Arrays) -> None:
    """Distances over the limit's deviation."""
    n = arrays["binary.n"]
    for column, series, label in (
        ("eldan_mikulincer_zhai", style.SERIES[3], "bound B50"),
        ("skorokhod", style.SERIES[4], "bound B50b"),
        ("lattice", style.SERIES[0], "signs, signs: exact"),
        ("gaussian", style.SERIES[1], "erf, Gaussian"),
        ("signs", style.SERIES[2], "erf, signs"),
    ):
        axes.plot(n, arrays[f"binary.{column}"], lw=1.0, label=label, **series.line)
    axes.set(xscale="log", yscale="log", xlabel="width $n$", ylabel=r"distance $W_2/\sqrt{K}$")
    # Room for the legend below the lowest line.
    axes.set_ylim(bottom=1e-8)
    axes.legend(loc="lower left", fontsize=6.5)


def draw_outputs(axes: Axes, arrays: Arrays) -> None:
    """Growth like m, and like its root."""
    m = arrays["outputs.m"]
    axes.plot(m, arrays["outputs.coupling"], lw=1.0, label="coupling bound", **style.SERIES[1].line)
    axes.plot(m, arrays["outputs.leading"], lw=1.0, color=style.BLACK, label="leading order")
    axes.plot(
        m,
        arrays["outputs.distance"],
        "o",
        label="distance",
        color=style.BLUE,
        markerfacecolor="white",
    )
    axes.set(xscale="log", yscale="log", xlabel="outputs $m$", ylabel="distance $W_2$")
    axes.legend(loc="upper left")


def draw_angles(axes: Axes, arrays: Arrays) -> None:
    """The two forms cross at small angles."""
    theta = arrays["angle.theta"]
    for n, series in zip(ANGLE_WIDTHS, style.SERIES, strict=False):
        least, free = arrays[f"angle.eigenvalue_{n}"], arrays[f"angle.free_{n}"]
        axes.plot(theta, least, lw=0.6, color=series.colour, ls=style.DOTTED)
        axes.plot(theta, free, lw=0.6, color=series.colour, ls=style.DOTTED)
        axes.plot(theta, np.minimum(least, free), color=series.colour, lw=1.2, label=f"$n = {n}$")
    axes.set(xscale="log", yscale="log", xlabel=r"angle $\theta$", ylabel="explicit bound on $W_2$")
    axes.legend(loc="upper right")
