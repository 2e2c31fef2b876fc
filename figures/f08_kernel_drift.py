"""F8: the kernel of networks before and after training, its drift in time, and the drift against the width."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.stats import norm

import theory as th
from figures import style, trained
from figures.angle_sweep import power_law
from figures.base import Array, Arrays, Figure, thinned
from theory.networks import SGD, TrainedNetworks

TS, SS = ("true", "surrogate"), ("surrogate", "surrogate")
NETWORKS = {
    "smooth": (trained.architecture(1, th.erf(2), th.erf(1)), TS, r"erf, $\Theta_{ts}$"),
    "hardtanh": (
        trained.architecture(1, th.hardtanh("1/2"), th.hardtanh(1)), TS, r"$h_{1/2}$, $\Theta_{ts}$",
    ),
    "sign": (trained.architecture(1, th.sign(), th.hardtanh(1)), SS, r"sign, $\Theta_{ss}$"),
}  # fmt: skip
SHOWN = "hardtanh"
STEPS = (0, 1, 5, 20, 80)
WIDTHS = (64, 256, 1024, 4096)
DRAWS = 48
POINTS, ROW = 31, 4
SEED = 8
Z95 = float(norm.ppf(0.975))


def data(scale: float = 1.0) -> dict[str, Array]:
    """One row of the kernel of single networks at both ends of training, and the drift by time and width."""
    u = np.linspace(-2.5, 2.5, thinned(POINTS, scale, least=7))
    arrays = {"row.u": u, "drift.t": trained.RATE * np.array(STEPS[1:], dtype=float)}
    widths = WIDTHS[: thinned(len(WIDTHS), scale, least=3)]
    for place, (name, (arch, pair, _)) in enumerate(NETWORKS.items()):
        rows = []
        for n in widths:
            points = trained.on_line(
                np.concatenate([trained.LESSON, u] if n in widths[:2] else [trained.LESSON])
            )
            run = th.train_networks(
                arch, trained.on_line(trained.LESSON), trained.TARGET, n,
                thinned(DRAWS, scale, least=12), STEPS, SGD(trained.RATE), SEED + 100 * place + n,
                points=points, jacobians=[pair],
            )  # fmt: skip
            moved = _drift(run)
            rows.append(trained.root_mean(moved[:, -1] ** 2))
            if name == SHOWN:
                arrays |= {
                    f"drift.n{n}": moved.mean(axis=0),
                    f"drift.n{n}_stderr": moved.std(axis=0, ddof=1) / np.sqrt(len(moved)),
                }
                if n in widths[:2]:
                    kernel = next(iter(run.kernels.values()))[0, :, ROW, len(trained.LESSON) :]
                    arrays |= {f"row.start{n}": kernel[0], f"row.end{n}": kernel[-1]}
        all_widths, measured = np.array(widths, dtype=float), np.array(rows)
        arrays |= {
            f"{name}.n": all_widths,
            f"{name}.rms": measured[:, 0],
            f"{name}.stderr": measured[:, 1],
            f"fit.{name}": power_law(all_widths, *measured.T),
        }
    arch, pair, _ = NETWORKS[SHOWN]
    lesson = trained.on_line(trained.LESSON[ROW : ROW + 1])
    arrays["row.limit"] = th.ntk(arch, lesson, trained.on_line(u), jacobians=pair)[0]
    return arrays


def _drift(run: TrainedNetworks) -> Array:
    """Relative Frobenius distance of the kernel at the lesson from the start, (draws, times)."""
    size = len(trained.LESSON)
    kernels = next(iter(run.kernels.values()))[:, :, :size, :size]
    moved: Array = np.linalg.norm(kernels[:, 1:] - kernels[:, :1], axis=(2, 3))
    return moved / np.linalg.norm(kernels[:, :1], axis=(2, 3))


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """A row of the kernel, its drift in time, and the drift at the end by width."""
    row, time, width = canvas.subplots(1, 3, width_ratios=(1.1, 1, 1))
    _draw_row(row, arrays)
    shown = [n for n in WIDTHS if f"drift.n{n}" in arrays]
    for series, n in zip(style.SERIES, shown, strict=False):
        reach = Z95 * arrays[f"drift.n{n}_stderr"]
        time.errorbar(arrays["drift.t"], arrays[f"drift.n{n}"], reach, **series.points)
        time.plot(arrays["drift.t"], arrays[f"drift.n{n}"], lw=0.8, **series.line)
    style.quiet_log(time)
    time.set(
        yscale="log",
        xlabel="training time $t$",
        ylabel=r"drift $\|\Theta_t-\Theta_0\|_F/\|\Theta_0\|_F$",
    )
    style.quiet_log(time, "y")
    for n in shown:
        time.annotate(
            f"$n={n}$", (arrays["drift.t"][1], arrays[f"drift.n{n}"][1]), (7, -9),
            textcoords="offset points", fontsize=7, ha="left",
        )  # fmt: skip
    time.set_ylim(None, 0.25)
    for series, (name, (_, _, label)) in zip(style.SERIES, NETWORKS.items(), strict=False):
        x, (exponent, spread, level) = arrays[f"{name}.n"], arrays[f"fit.{name}"]
        width.plot(x, np.exp(level) * x**exponent, lw=0.8, **series.line)
        width.errorbar(
            x, arrays[f"{name}.rms"], Z95 * arrays[f"{name}.stderr"],
            label=rf"{label}: ${exponent:.2f}\pm{spread:.2f}$", **series.points,
        )  # fmt: skip
    guide = np.array([128.0, 4096.0])
    width.plot(guide, 0.5 * (guide / 128) ** -0.5, color=style.BLACK, lw=0.8)
    width.annotate("$n^{-1/2}$", (guide[0], 0.5), (3, 2), textcoords="offset points", fontsize=8)
    width.set(
        yscale="log", xlabel="width $n$", ylabel=f"RMS drift at $t={trained.RATE * STEPS[-1]:g}$"
    )
    style.quiet_log(width)
    width.legend(
        loc="lower left", title="fitted exponent", title_fontsize=7, fontsize=6.5, handlelength=1.2
    )
    for axes, letter in zip((row, time, width), "abc", strict=True):
        style.letter(axes, letter)


def _draw_row(axes: Axes, arrays: Arrays) -> None:
    u = arrays["row.u"]
    axes.plot(u, arrays["row.limit"], color=style.BLACK, lw=1.0, label="limit")
    shown = [n for n in WIDTHS if f"row.start{n}" in arrays]
    for series, n in zip(style.SERIES, shown, strict=False):
        after: dict[str, Any] = {"color": series.colour, "ls": "none", "ms": 2.4}
        axes.plot(u, arrays[f"row.start{n}"], lw=0.9, label=f"$n={n}$, $t=0$", **series.line)
        axes.plot(u, arrays[f"row.end{n}"], marker=series.marker, label="after training", **after)
    axes.set(xlabel="$u$, input $(u,1)$", ylabel=r"kernel $\Theta_t(x_5,(u,1))$")
    axes.legend(loc="upper left")


FIGURE = Figure(
    id="F8",
    title="The kernel of a network stays where it started, the better the wider the network",
    caption=rf"""
    Networks of figure F9 with one hidden layer, $s_w={trained.WEIGHT_STD}$, $s_b={trained.BIAS_STD}$, {STEPS[-1]}
    steps of rate ${trained.RATE}$. (a) One row of the kernel $\Theta_{{ts}}$ (true row, surrogate columns) of single
    networks, forward $h_{{1/2}}$, backward $h_1'$, before and after training, and the limit: at the start a network
    is farther from the limit than training takes it. (b) Relative drift of that kernel at the five training inputs
    since $t=0$. (c) Root mean square (RMS) drift at the end: smooth networks, forward $\mathrm{{erf}}(2x)$, backward
    $\mathrm{{erf}}'$; those of (b); sign networks, whose kernel of the surrogate alone is followed, as the true one
    is a distribution. Lines are fits, exponents with 95 % intervals in the legend; black: the order of the bound of
    Lee et al. {DRAWS} networks a width, whiskers 95 %.
    """,
    size_mm=(160.0, 78.0),
    shows=("T41.drift",),
    data=data,
    draw=draw,
    seed=SEED,
)
