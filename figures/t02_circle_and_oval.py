"""T2: the settings of Eilers et al. on their circle, where a transposition is invisible, and on an oval."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.stats import norm

import theory as th
from figures import style
from figures.base import Array, Arrays, Figure, thinned
from proofs_check.claims import circle_and_beyond as setting
from proofs_check.claims.circle_and_beyond import ARCH, CURVES, LESSON, TESTS
from proofs_check.claims.training import SS, TS, predicted
from theory.estimate import Estimate
from theory.networks import SGD

SIGN = setting.architecture(th.sign())
ANGLES = 48
RATE, STEPS, SIGN_WIDTH, SIGN_DRAWS = 0.04, 200, 100, 100
KERNEL_WIDTHS, KERNEL_DRAWS = (16, 64, 256, 1024, 4096), 100
WIDTHS, DRAWS = (32, 64, 128, 256), 96
SEED = 53
Z95 = float(norm.ppf(0.975))


def data(scale: float = 1.0) -> dict[str, Array]:
    """Outputs of trained sign networks along both curves, kernel errors by width, and where trained networks are."""
    arrays: dict[str, Array] = {}
    for place, curve in enumerate(CURVES):
        arrays |= _outputs(curve, SEED + place, scale) | _kernels(curve, scale)
    return arrays | _towards(scale)


def _outputs(curve: str, seed: int, scale: float) -> dict[str, Array]:
    """Mean and spread of sign networks by angle, the law of the kernel, and means by its transpose and by K_ss."""
    angles = np.linspace(-np.pi, np.pi, thinned(ANGLES, scale, least=8), endpoint=False)
    x = setting.lesson(curve)
    y, tests = setting.target(x), setting.on_curve(curve, angles)
    run = th.train_networks(
        SIGN, x, y, SIGN_WIDTH, thinned(SIGN_DRAWS, scale, least=12), STEPS if scale == 1 else 20,
        SGD(RATE), seed, points=tests,
    )  # fmt: skip
    law = th.dynamics.trained_process(SIGN, x, y, tests, RATE * STEPS)
    both = np.concatenate([x, tests])
    kernel = th.ntk(SIGN, both)
    means = {"transposed": kernel.T, "surrogate": th.ntk(SIGN, both, jacobians=SS)}
    found = run.outputs[:, 0]
    return {
        f"{curve}.angle": angles,
        f"{curve}.mean": found.mean(axis=0),
        f"{curve}.mean_stderr": found.std(axis=0, ddof=1) / np.sqrt(len(found)),
        f"{curve}.std": found.std(axis=0, ddof=1),
        f"{curve}.law_mean": law.mean,
        f"{curve}.law_std": law.std,
        f"{curve}_lesson.angle": np.arctan2(*x.T[::-1]),
        f"{curve}_lesson.y": y,
    } | {
        f"{curve}.{name}": predicted(other, y, np.zeros((1, len(both))), STEPS, RATE)[0, LESSON:]
        for name, other in means.items()
    }


def _kernels(curve: str, scale: float) -> dict[str, Array]:
    """Mean square difference of a network's kernel from the limit and from its transpose, by width."""
    points, draws = setting.seen(curve), thinned(KERNEL_DRAWS, scale, least=8)
    limit, rows = th.ntk(ARCH, points), []
    for n in KERNEL_WIDTHS:
        sampled = th.sample_networks(
            ARCH, points, n, draws, seed=SEED + n, method="exact", jacobians=(TS,)
        ).ntk
        row = [float(n)]
        for kernel in (limit, limit.T):
            gap = Estimate.of_mean(np.mean((sampled - kernel) ** 2, axis=(1, 2)))
            row += [float(gap.value), float(gap.stderr)]
        rows.append(row)
    names = ("n", "right", "right_stderr", "transposed", "transposed_stderr")
    return {
        f"kernel_{curve}.{name}": column
        for name, column in zip(names, np.array(rows).T, strict=True)
    }


def _towards(scale: float) -> dict[str, Array]:
    """Where networks trained on the oval are, on the way from the kernel's prediction to two others'."""
    points = setting.points("oval")
    others = {"transposed": th.ntk(ARCH, points).T, "surrogate": th.ntk(ARCH, points, jacobians=SS)}
    widths = WIDTHS if scale == 1 else WIDTHS[:2]
    y = setting.target(setting.lesson("oval"))
    found: dict[str, list[Estimate]] = {name: [] for name in others}
    for n in widths:
        run = th.train_networks(
            ARCH, setting.lesson("oval"), y, n, thinned(DRAWS, scale, least=12), (0, setting.STEPS),
            SGD(setting.RATE), SEED + n, points=points,
        )  # fmt: skip
        for name, other in others.items():
            found[name].append(setting.towards(run, "oval", other))
    arrays = {"towards.n": np.array(widths, dtype=float)}
    for name, estimates in found.items():
        arrays[f"towards.{name}"] = np.array([float(e.value) for e in estimates])
        arrays[f"towards.{name}_stderr"] = np.array([float(e.stderr) for e in estimates])
    return arrays


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Outputs on the circle and on the oval above, kernels and trained networks below."""
    above, below = canvas.subplots(2, 2, height_ratios=(1.15, 1))
    for axes, curve, letter in zip(above, CURVES, "ab", strict=True):
        _draw_outputs(axes, arrays, curve)
        style.letter(axes, letter, f"sign networks on the {curve}")
    above[1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), handlelength=1.8)
    _draw_kernels(below[0], arrays)
    _draw_towards(below[1], arrays)


def _draw_outputs(axes: Axes, arrays: Arrays, curve: str) -> None:
    right, transposed, alone = style.SERIES[:3]
    angle = arrays[f"{curve}.angle"]
    mean, std = arrays[f"{curve}.law_mean"], arrays[f"{curve}.law_std"]
    axes.fill_between(angle, mean - std, mean + std, color=right.colour, alpha=0.2, lw=0)
    axes.plot(angle, mean, label=r"$\Theta_{ts}$", **right.line)
    axes.plot(
        angle, arrays[f"{curve}.transposed"], label=r"$\Theta_{ts}^{\mathsf{T}}$", **transposed.line
    )
    axes.plot(angle, arrays[f"{curve}.surrogate"], label=r"$\Theta_{ss}$", **alone.line)
    mark: dict[str, Any] = {"color": style.BLACK, "ls": "none", "ms": 2.0}
    measured = arrays[f"{curve}.mean"]
    axes.errorbar(angle, measured, Z95 * arrays[f"{curve}.mean_stderr"], marker="o", elinewidth=0.6,
                  label="networks", **mark)  # fmt: skip
    for sign in (-1, 1):
        axes.plot(
            angle, measured + sign * arrays[f"{curve}.std"], marker=".", **(mark | {"ms": 1.5})
        )
    lesson = arrays[f"{curve}_lesson.angle"], arrays[f"{curve}_lesson.y"]
    axes.plot(*lesson, "x", color=style.VERMILLION, mew=1.1, ms=5, label="targets", zorder=5)
    ticks = np.pi * np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    axes.set_xticks(ticks, [r"$-\pi$", r"$-\pi/2$", "$0$", r"$\pi/2$", r"$\pi$"])
    axes.set(xlabel=r"angle $\varphi$ of the input", ylabel="output $f(x)$")


def _draw_kernels(axes: Axes, arrays: Arrays) -> None:
    lines = (
        (style.SERIES[3], "circle", "right", "circle, both"),
        (style.SERIES[0], "oval", "right", r"oval, $\Theta_{ts}$"),
        (style.SERIES[1], "oval", "transposed", r"oval, $\Theta_{ts}^{\mathsf{T}}$"),
    )
    for series, curve, kernel, label in lines:
        table = f"kernel_{curve}"
        n, gap = arrays[f"{table}.n"], arrays[f"{table}.{kernel}"]
        axes.plot(n, gap, lw=0.8, **series.line)
        axes.errorbar(
            n, gap, Z95 * arrays[f"{table}.{kernel}_stderr"], label=label, **series.points
        )
    axes.set(xlabel="width $n$", yscale="log", ylabel="mean square difference")
    style.quiet_log(axes)
    axes.legend(loc="lower left")
    style.letter(axes, "c", "kernel of a network, erf")


def _draw_towards(axes: Axes, arrays: Arrays) -> None:
    n = arrays["towards.n"]
    names = {"transposed": r"$\Theta_{ts}^{\mathsf{T}}$", "surrogate": r"$\Theta_{ss}$"}
    for series, (name, label), shift in zip(
        style.SERIES[1:], names.items(), (0.96, 1.04), strict=False
    ):
        reach = Z95 * arrays[f"towards.{name}_stderr"]
        axes.errorbar(shift * n, arrays[f"towards.{name}"], reach, label=label, **series.points)
    axes.axhline(0.0, color=style.BLUE, lw=0.9)
    axes.axhline(1.0, color=style.GREY, lw=0.9, ls=style.DOTTED)
    style.quiet_log(axes)
    axes.set_xticks(n, [f"{width:.0f}" for width in n])
    axes.set(xlabel="width $n$", ylabel="share of the way", ylim=(-0.5, 1.4))
    axes.legend(loc="lower right", ncols=2, title="towards", title_fontsize=8)
    style.letter(axes, "d", "trained on the oval, erf")


FIGURE = Figure(
    id="T2",
    title="On one circle a kernel and its transpose cannot be told apart; on an oval networks follow the kernel",
    caption=rf"""
    The settings of Eilers et al. (2024): two hidden layers, $s_w=1$, $s_b=0.1$, {LESSON} training inputs, target
    $4x_0x_1^2-0.8x_0^3+1.2x_1^2-0.8x_0^2x_1$, backward derivative of erf; on their circle, and on an oval of radius
    $1+\frac{{3}}{{4}}\cos(2\varphi+1)$. (a), (b) Sign networks after {STEPS} steps of rate ${RATE}$: mean (black,
    whiskers 95 %), and mean plus and minus standard deviation (dots), of {SIGN_DRAWS} networks of width {SIGN_WIDTH};
    line and band: mean and standard deviation by the kernel $\Theta_{{ts}}$; dashes: means by other kernels. On the
    circle the transposed kernel is the kernel, and off it the eye cannot tell. (c) Forward $\mathrm{{erf}}(2x)$: mean
    square difference, at {len(range(0, LESSON + TESTS, 4))} inputs, of the kernel of one network from $\Theta_{{ts}}$
    and from its transpose; {KERNEL_DRAWS} networks a width. (d) The same networks after {setting.STEPS} steps of rate
    $0.1/{LESSON}$: how far they are on the way from what $\Theta_{{ts}}$ makes of their own start (0) to what another
    kernel does (1), by least squares at {TESTS} tests; {DRAWS} networks a width, whiskers 95 %.
    """,
    size_mm=(160.0, 125.0),
    shows=("T53", "T53.trained", "T37"),
    data=data,
    draw=draw,
    seed=SEED,
)
