"""T1: trained sign networks approach their kernel by the power -1/4 of the width, and more slowly when deeper."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.stats import norm

import theory as th
from figures import style, trained
from figures.base import Array, Arrays, Figure, thinned

ARCHES = {
    "smooth": trained.architecture(1, th.hardtanh("1/2"), th.hardtanh(1)),
    "one": trained.architecture(1, th.sign(), th.hardtanh(1)),
    "two": trained.architecture(2, th.sign(), th.hardtanh(1)),
}
NAMES = {"smooth": "$h_{1/2}$, $L=1$", "one": "sign, $L=1$", "two": "sign, $L=2$"}
POWERS = {"smooth": 0.5, "one": 0.25, "two": 0.125}
WIDTHS = {
    "smooth": (64, 256, 1024, 4096, 16_384),
    "one": (64, 256, 1024, 4096, 16_384),
    "two": (32, 128, 512, 1024),
}
DRAWS = 60
PLACES = np.linspace(-2.5, 2.5, 11)
SEED = 12
Z95 = float(norm.ppf(0.975))


def data(scale: float = 1.0) -> dict[str, Array]:
    """RMS distance of trained networks from their own kernel prediction by width, with fits."""
    arrays: dict[str, Array] = {}
    points = trained.on_line(np.concatenate([trained.LESSON, PLACES]))
    for place, (name, arch) in enumerate(ARCHES.items()):
        kernel = th.ntk(arch, points)
        widths = list(WIDTHS[name][: thinned(len(WIDTHS[name]), scale, least=3)])
        draws = thinned(DRAWS, scale, least=12)

        def measured(
            n: int,
            arch: th.Architecture = arch,
            kernel: Array = kernel,
            draws: int = draws,
            seed: int = SEED + 100 * place,
        ) -> tuple[float, float]:
            return trained.distance(trained.trained(arch, PLACES, n, draws, seed + n), kernel)

        arrays |= trained.rates(name, widths, measured)
    return arrays


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """RMS distance against width, plain and times the stated power of the width."""
    plain, scaled = canvas.subplots(1, 2)
    for series, name in zip(style.SERIES, ARCHES, strict=False):
        n, rms = arrays[f"{name}.n"], arrays[f"{name}.rms"]
        reach, (exponent, interval, level) = Z95 * arrays[f"{name}.stderr"], arrays[f"fit.{name}"]
        label = rf"{NAMES[name]};  ${exponent:.3f} \pm {interval:.3f}$"
        plain.errorbar(n, rms, reach, label=label, **series.points)
        plain.plot(n, np.exp(level) * n**exponent, lw=0.8, **series.line)
        factor = n ** POWERS[name]
        scaled.errorbar(n, factor * rms, factor * reach, **series.points)
        scaled.plot(n, factor * rms, lw=0.6, **series.line)
        _name(scaled, rf"$n^{{1/{round(1 / POWERS[name])}}}$", n[-1], (factor * rms)[-1], series)
    plain.set(yscale="log", xlabel="width $n$", ylabel="RMS distance from the prediction")
    style.quiet_log(plain)
    scaled.set(xlabel="width $n$", ylabel="RMS distance times a power of $n$")
    style.quiet_log(scaled)
    scaled.set_ylim(0, None)
    plain.legend(loc="lower left", title="fitted exponent", title_fontsize=8)
    style.letter(plain, "a")
    style.letter(scaled, "b")


def _name(axes: Axes, text: str, n: float, height: float, series: style.Series) -> None:
    axes.annotate(
        text, (n, height), (5, 3), textcoords="offset points", fontsize=8, color=series.colour
    )


FIGURE = Figure(
    id="T1",
    title="Trained sign networks approach their kernel at the power $-1/4$ of the width, deeper ones more slowly",
    caption=rf"""
    Root mean square (RMS) distance between trained networks and what the limit kernel makes of their own start, along
    the line of figure F9, after {trained.STEPS} steps of rate ${trained.RATE}$; backward $h_1'$,
    $s_w={trained.WEIGHT_STD}$, $s_b={trained.BIAS_STD}$; {DRAWS} networks a
    point, whiskers 95 %. (a) Lines are fits, exponents with 95 % intervals in the legend. (b) The same times
    $n^{{1/2}}$, $n^{{1/4}}$ and $n^{{1/8}}$, the orders of T34, T48 and T49: what is flat has that order. At
    these widths all are still on the way there; claim T48.deep follows two layers to 65536 neurons.
    """,
    size_mm=(150.0, 80.0),
    shows=("T34.networks", "T48", "T48.deep", "T49"),
    data=data,
    draw=draw,
    seed=SEED,
)
