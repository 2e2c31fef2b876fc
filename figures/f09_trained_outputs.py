"""F9: trained networks against the matrix exponential of the asymmetric kernel, and against the wrong kernels."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.stats import norm

import theory as th
from figures import style, trained
from figures.base import Array, Arrays, Figure, thinned
from theory.networks import SGD

ARCH = trained.architecture(1, th.hardtanh("1/2"), th.hardtanh(1))
SHOWN_WIDTH, SHOWN_DRAWS = 1000, 200
TIMES = (0.25, 2.0)
WIDTHS = (64, 256, 1024, 4096, 16_384)
DRAWS = 150
KERNELS = {"ts": ("true", "surrogate"), "ss": ("surrogate", "surrogate"), "tt": ("true", "true")}
NAMES = {"ts": r"$\Theta_{ts}$", "ss": r"$\Theta_{ss}$", "tt": r"$\Theta_{tt}$"}
SEED = 9
Z95 = float(norm.ppf(0.975))


def data(scale: float = 1.0) -> dict[str, Array]:
    """Mean and spread of trained outputs along the line beside theory, and errors of three kernels by width."""
    u = np.linspace(-2.5, 2.5, thinned(51, scale, least=11))
    arrays = {
        "line.u": u,
        "lesson.u": trained.LESSON,
        "lesson.y": trained.TARGET,
    }
    steps = [round(time / trained.RATE) for time in TIMES]
    run = th.train_networks(
        ARCH, trained.on_line(trained.LESSON), trained.TARGET, SHOWN_WIDTH,
        thinned(SHOWN_DRAWS, scale, least=12), steps, SGD(trained.RATE), SEED,
        points=trained.on_line(u),
    )  # fmt: skip
    for place, time in enumerate(TIMES):
        law = th.dynamics.trained_process(
            ARCH, trained.on_line(trained.LESSON), trained.TARGET, trained.on_line(u), time
        )
        arrays |= {
            f"line.theory_mean{place}": law.mean,
            f"line.theory_std{place}": law.std,
            f"line.mean{place}": run.outputs[:, place].mean(axis=0),
            f"line.std{place}": run.outputs[:, place].std(axis=0, ddof=1),
        }
    widths = list(WIDTHS[: thinned(len(WIDTHS), scale, least=3)])
    draws = thinned(DRAWS, scale, least=12)
    points = trained.on_line(np.concatenate([trained.LESSON, u]))
    runs = {n: trained.trained(ARCH, u, n, draws, SEED + 1 + i) for i, n in enumerate(widths)}
    for name, pair in KERNELS.items():
        kernel = th.ntk(ARCH, points, jacobians=pair)

        def measured(n: int, kernel: Array = kernel) -> tuple[float, float]:
            return trained.distance(runs[n], kernel)

        arrays |= trained.rates(name, widths, measured)
    return arrays


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Outputs along the line at two times, and the error of each kernel against the width."""
    outputs, errors = canvas.subplots(1, 2, width_ratios=(1.15, 1))
    _draw_outputs(outputs, arrays)
    for series, name in zip(style.SERIES, KERNELS, strict=False):
        exponent, reach, level = arrays[f"fit.{name}"]
        n = arrays[f"{name}.n"]
        label = NAMES[name]
        if name == "ts":
            label += rf"; ${exponent:.3f} \pm {reach:.3f}$"
            errors.plot(n, np.exp(level) * n**exponent, lw=0.8, **series.line)
            half = arrays["ts.rms"][-1] * np.sqrt(n[-1] / n[-2:])
            errors.plot(n[-2:], 0.8 * half, color=style.BLACK, lw=0.8)
        stderr = Z95 * arrays[f"{name}.stderr"]
        errors.errorbar(n, arrays[f"{name}.rms"], stderr, label=label, **series.points)
    errors.set(yscale="log", xlabel="width $n$", ylabel="RMS distance from the prediction")
    style.quiet_log(errors)
    errors.legend(loc="lower left", title="kernel; fitted exponent", title_fontsize=8)
    style.letter(outputs, "a", rf"outputs, $n={SHOWN_WIDTH}$")
    style.letter(errors, "b", "which kernel predicts them")


def _draw_outputs(axes: Axes, arrays: Arrays) -> None:
    u = arrays["line.u"]
    for series, place in zip(style.SERIES, range(len(TIMES)), strict=False):
        mean, std = arrays[f"line.theory_mean{place}"], arrays[f"line.theory_std{place}"]
        axes.fill_between(u, mean - std, mean + std, color=series.colour, alpha=0.2, lw=0)
        axes.plot(u, mean, label=f"$t={TIMES[place]:g}$", **series.line)
        keys: dict[str, Any] = {"color": series.colour, "ls": "none", "ms": 2.2}
        axes.plot(u, arrays[f"line.mean{place}"], marker=series.marker, **keys)
        for sign in (-1, 1):
            axes.plot(
                u,
                arrays[f"line.mean{place}"] + sign * arrays[f"line.std{place}"],
                marker=".",
                **keys,
            )
    lesson = arrays["lesson.u"], arrays["lesson.y"]
    axes.plot(*lesson, "x", color=style.BLACK, mew=1.2, ms=6, label="targets", zorder=5)
    axes.set(xlabel="$u$, input $(u,1)$", ylabel=r"output $f_t$")
    axes.legend(loc="lower right")


FIGURE = Figure(
    id="F9",
    title="Networks trained with a surrogate follow the asymmetric kernel, and no other",
    caption=rf"""
    One hidden layer, forward $h_{{1/2}}$, backward $h_1'$, $s_w={trained.WEIGHT_STD}$, $s_b={trained.BIAS_STD}$; five
    training inputs $(u,1)$ (crosses), gradient descent with rate ${trained.RATE}$, $t$ = rate times steps. (a) Lines
    and bands: mean and standard deviation of the trained Gaussian process, by the matrix exponential of the limit
    kernel. Marks: mean, and mean plus and minus standard deviation, of {SHOWN_DRAWS} networks. (b) Root mean square
    (RMS) distance, along the line at $t={TIMES[-1]:g}$, between each of {DRAWS} networks a width and what
    $\Theta_{{ts}}$ (true rows, surrogate columns), $\Theta_{{ss}}$ or $\Theta_{{tt}}$ makes of its own start;
    whiskers 95 %. The line is a fit over all widths, its exponent with 95 % interval in the legend; narrow
    networks are off by less than the order $n^{{-1/2}}$ of the wide ones (black).
    """,
    size_mm=(150.0, 80.0),
    shows=("T34", "T34.networks"),
    data=data,
    draw=draw,
    seed=SEED,
)
