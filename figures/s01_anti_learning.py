"""S1: eigenvalues of sign networks on the circle, and the modes that they learn with the wrong sign."""

from fractions import Fraction
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.stats import norm

import theory as th
from figures import style
from figures.base import Array, Arrays, Figure, thinned
from theory.estimate import Estimate
from theory.networks import SGD

POINTS, WEIGHT_STD = 64, 2
TARGETS = (3, 5, 11)
TIME = 1.0
CRITICAL = 0.761625698284055
MODES = 49
WIDTHS, DRAWS = (1024, 4096), (96, 24)
RATE, LOOKS = 0.01, 5
SEED = 28
Z95 = float(norm.ppf(0.975))
RATIOS = [Fraction(k, 20) for k in range(4, 31)]


def data(scale: float = 1.0) -> dict[str, Array]:
    """Fourier coefficients, their least one against beta, and the flow towards three targets."""
    modes = thinned(MODES, scale, least=14)
    degrees = np.arange(1, modes, 2)
    arrays = {"modes.k": degrees.astype(float)}
    for name, surrogate in (("hardtanh", th.hardtanh("1/2")), ("erf", th.erf(2))):
        found = th.zonal_spectrum(th.Architecture(1, th.sign(), surrogate), modes)
        arrays[f"modes.{name}"] = found.eigenvalues[degrees]
    ratios = RATIOS[:: max(1, round(0.25 / scale))]
    arrays["ratio.beta"] = np.array([float(beta) for beta in ratios])
    for dimension, name in ((2, "circle"), (3, "sphere")):
        arrays[f"ratio.{name}"] = np.array([_least(beta, dimension) for beta in ratios])
    return arrays | _training(scale) | _networks(scale)


def _least(beta: Fraction, dimension: int) -> float:
    """Least eigenvalue of odd degree over the largest, degrees up to 8/beta."""
    arch = th.Architecture(1, th.sign(), th.hardtanh(beta))
    found = th.zonal_spectrum(arch, round(8 / beta) + 12, dimension=dimension)
    return float(found.eigenvalues[1::2].min() / found.eigenvalues.max())


def _training(scale: float) -> dict[str, Array]:
    arch = th.Architecture(1, th.sign(), th.hardtanh(1), weight_std=WEIGHT_STD)
    angles = 2 * np.pi * np.arange(POINTS) / POINTS
    circle = _circle(angles)
    kernel = th.ntk(arch, circle)
    times = np.linspace(0, TIME, thinned(81, scale, least=5))
    targets = np.cos(np.array(TARGETS)[:, None] * angles).T
    outputs = th.dynamics.flow(kernel, targets, np.zeros_like(targets), times)
    fine = np.linspace(0, 2 * np.pi, thinned(721, scale, least=9))
    cross, start = th.ntk(arch, _circle(fine), circle), np.zeros(len(fine))
    learned = th.dynamics.predict(kernel, cross, targets[:, 2], np.zeros(POINTS), start, TIME)
    return {
        "flow.t": times,
        "flow.projection": np.einsum("tij,ij->tj", outputs, targets) * 2 / POINTS,
        "mode.angle": angles,
        "mode.target": targets[:, 2],
        "mode.learned": outputs[-1, :, 2],
        "between.angle": fine,
        "between.target": np.cos(TARGETS[2] * fine),
        "between.learned": learned,
    }


def _networks(scale: float) -> dict[str, Array]:
    """Mean projection of trained networks on the last target, by time and width, with standard errors."""
    arch = th.Architecture(1, th.sign(), th.hardtanh(1), weight_std=WEIGHT_STD)
    angles = 2 * np.pi * np.arange(POINTS) / POINTS
    target = np.cos(TARGETS[2] * angles)
    steps = [round(TIME / RATE * k / LOOKS) for k in range(1, LOOKS + 1)]
    arrays = {"networks.t": RATE * np.array(steps, dtype=float)}
    for n, draws in zip(WIDTHS, DRAWS, strict=True):
        run = th.train_networks(
            arch, _circle(angles), target, n, thinned(draws, scale, least=4), steps, SGD(RATE),
            SEED + n,
        )  # fmt: skip
        found = Estimate.of_mean(run.outputs @ target * 2 / POINTS)
        arrays |= {f"networks.n{n}": found.value, f"networks.n{n}_stderr": found.stderr}
    return arrays


def _circle(angles: Array) -> Array:
    points: Array = np.sqrt(2) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return points


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Spectrum, least eigenvalue, projections, and the eigenfunction itself."""
    panels = canvas.subplots(2, 2).ravel()
    _draw_modes(panels[0], arrays)
    _draw_ratio(panels[1], arrays)
    _draw_flow(panels[2], arrays)
    _draw_function(panels[3], arrays)


def _draw_modes(axes: Axes, arrays: Arrays) -> None:
    degree = arrays["modes.k"]
    names = (("hardtanh", r"$\tau=h_{1/2}'$"), ("erf", r"$\tau=(\mathrm{erf}\,2x)'$"))
    for series, (name, label) in zip(style.SERIES, names, strict=False):
        value = arrays[f"modes.{name}"]
        keys: dict[str, Any] = {
            "color": series.colour,
            "marker": series.marker,
            "ls": "none",
            "mew": 0.9,
        }
        axes.plot(degree[value > 0], value[value > 0], mfc=series.colour, label=label, **keys)
        if np.any(value < 0):
            axes.plot(degree[value < 0], -value[value < 0], mfc="white", label="negative", **keys)
    axes.set(yscale="log", xlabel="degree $k$ (odd)", ylabel=r"$|\lambda_k|$")
    axes.legend(loc="upper right")
    style.letter(axes, "a", "eigenvalues on the circle")


def _draw_ratio(axes: Axes, arrays: Arrays) -> None:
    beta = arrays["ratio.beta"]
    for series, (name, label) in zip(
        style.SERIES, (("circle", "circle"), ("sphere", "$S^2$")), strict=False
    ):
        axes.plot(beta, 1e3 * arrays[f"ratio.{name}"], label=label, **series.line)
    axes.axhline(0, color=style.GREY, lw=0.6)
    axes.axvline(CRITICAL, color=style.BLACK, lw=0.7, linestyle=style.DOTTED)
    axes.annotate(r"$\beta^*$", (CRITICAL, -4.0), (3, 0), textcoords="offset points", fontsize=9)
    axes.set(xlabel=r"$\beta=b/\sqrt{q}$", ylabel=r"$10^3\,\min_k\lambda_k/\lambda_1$")
    axes.legend(loc="lower right")
    style.letter(axes, "b", "least eigenvalue of odd degree")


def _draw_flow(axes: Axes, arrays: Arrays) -> None:
    for k, (series, target) in enumerate(zip(style.SERIES, TARGETS, strict=False)):
        axes.plot(
            arrays["flow.t"],
            arrays["flow.projection"][:, k],
            label=rf"$\cos{target}\theta$",
            **series.line,
        )
    for series, n in zip((style.SERIES[3], style.SERIES[2]), WIDTHS, strict=True):
        reach = Z95 * arrays[f"networks.n{n}_stderr"]
        axes.errorbar(
            arrays["networks.t"],
            arrays[f"networks.n{n}"],
            reach,
            label=f"networks, $n={n}$",
            **series.points,
        )
    axes.axhline(0, color=style.GREY, lw=0.6)
    axes.set(xlabel="time $t$", ylabel="projection of $f_t$ on the target", ylim=(-1.6, 2.2))
    axes.legend(loc="upper right", ncols=2, columnspacing=1.0)
    style.letter(axes, "c", "learning three targets")


def _draw_function(axes: Axes, arrays: Arrays) -> None:
    labels = ("target", f"$f_t$, $t={TIME:g}$")
    for series, name, label in zip(style.SERIES, ("target", "learned"), labels, strict=False):
        fine, inputs = arrays[f"between.{name}"], arrays[f"mode.{name}"]
        axes.plot(arrays["between.angle"], fine, lw=0.9, label=label, **series.line)
        axes.plot(
            arrays["mode.angle"], inputs, ls="none", marker=series.marker, ms=2, color=series.colour
        )
    axes.set_xticks([0, np.pi, 2 * np.pi], ["$0$", r"$\pi$", r"$2\pi$"])
    axes.set(xlabel=r"angle $\theta$", ylabel="output", ylim=(-2.0, 2.6))
    axes.legend(loc="upper right", ncols=2)
    style.letter(axes, "d", r"the eigenfunction $\cos 11\theta$")


FIGURE = Figure(
    id="S1",
    title="Sign networks with the hardtanh estimator learn some targets with the wrong sign",
    caption=rf"""
    One hidden layer, sign forward, no bias. (a) Fourier coefficients of the kernel $\Theta$, $s_w=1$: with the
    derivative of $h_{{1/2}}$ as surrogate some are negative (open), with that of $\mathrm{{erf}}(2x)$, a mixture of
    Gaussians, none. (b) The least eigenvalue of odd degree up to $8/\beta+12$, over the largest, against
    $\beta=b/\sqrt{{q}}$; on the circle it changes sign at $\beta^*=0.76162\ldots$ (dotted), where its degree is 9.
    (c) {POINTS} equispaced inputs, $s_w={WEIGHT_STD}$, $b=1$ ($\beta=1/2$): projection of the outputs on the target:
    lines under gradient flow from $f_0=0$, marks the mean of {DRAWS[0]} and {DRAWS[1]} sign networks that learn $\cos
    11\theta$ by steps of rate ${RATE}$, whiskers 95 %; narrow networks turn back the sooner. (d) The target $\cos
    11\theta$ and what is learned of it by $t={TIME:g}$, at the inputs (points) and between: its negative, growing.
    """,
    size_mm=(150.0, 112.0),
    shows=("T26", "T27.circle", "T27.spheres", "T28", "T28.networks"),
    data=data,
    draw=draw,
    seed=SEED,
)
