"""R4: Gaussian against binary weights at the same width: kernels, kurtosis, distance to the limit."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.stats import norm

import theory as th
from figures import style
from figures.base import Array, Arrays, Figure, thinned
from proofs_check.claims import lattice, smooth_readout
from theory.kernels.weights import WeightLaw, gaussian, rademacher
from theory.networks.moments import one_layer_variance, relu_output_moments

A, B = Fraction(1, 2), Fraction(1)
WEIGHT_STD, BIAS_STD = 1.2, 0.3
X = np.array([[0.5, 0.5, 0.5, 0.5], [1.5, 1.5, 1.5, -1.5]])
WIDTHS = (16, 32, 64, 128, 256, 512, 1024, 2048)
DRAWS = (1000, 300)
KURTOSIS_WIDTHS = (2, 4, 8, 16, 32)
KURTOSIS_DRAWS = 100_000
SEED = 14
Z95 = float(norm.ppf(0.975))
LAWS = {"gaussian": gaussian(), "binary": rademacher()}
LABELS = {"gaussian": "Gaussian", "binary": "binary"}


def data(scale: float = 1.0) -> dict[str, Array]:
    """RMS deviation of kernels, n times the excess kurtosis of a ReLU output, and W1 of one-layer outputs."""
    widths = WIDTHS[: thinned(len(WIDTHS), scale, least=2)]
    line = np.geomspace(WIDTHS[0], WIDTHS[-1], 31)
    arrays = {"line.n": line}
    for place, (name, law) in enumerate(LAWS.items()):
        variance = one_layer_variance(_arch(1, law), X)[0, 1]
        arrays[f"line.{name}"] = np.sqrt(variance / line)
        for hidden in (1, 2):
            draws = thinned(DRAWS[hidden - 1], scale, least=16)
            points = [_deviation(hidden, law, n, draws, 2 * hidden + place) for n in widths]
            arrays |= _columns(f"{name}{hidden}", ("n", "rms", "stderr"), points)
        sizes = KURTOSIS_WIDTHS[: thinned(len(KURTOSIS_WIDTHS), scale, least=2)]
        draws = thinned(KURTOSIS_DRAWS, scale, least=1000)
        moments = [_kurtosis(law, n, draws, 8 + place) for n in sizes]
        arrays |= _columns(f"k_{name}", ("n", "excess", "stderr", "exact"), moments)
    distances = [10, 31, 100, 316, 1000, 10_000, 100_000][: thinned(7, scale, least=2)]
    arrays |= {
        "distance.n": np.array(distances, dtype=float),
        "distance.sign": np.array([lattice.wasserstein(n, 1) / np.sqrt(n) for n in distances]),
        "distance.tanh": np.array([smooth_readout.distances("tanh", n)[0] for n in distances]),
    }
    return arrays


def _columns(
    table: str, names: tuple[str, ...], rows: Sequence[tuple[float, ...]]
) -> dict[str, Array]:
    columns = np.array(rows, dtype=float).T
    return {f"{table}.{name}": values for name, values in zip(names, columns, strict=True)}


def _arch(hidden: int, law: WeightLaw) -> th.Architecture:
    """Gaussian first layer, because a binary one has another limit (B37); ``law`` above it."""
    laws = [gaussian(), *[law] * hidden]
    return th.Architecture(hidden, th.hardtanh(A), th.hardtanh(B), WEIGHT_STD, BIAS_STD, laws)


def _deviation(
    hidden: int, law: WeightLaw, n: int, draws: int, seed: int
) -> tuple[float, float, float]:
    arch, first = _arch(hidden, law), draws * WIDTHS.index(n)
    kernels = th.sample_networks(arch, X, n, draws, seed=SEED + seed, first=first).ntk[:, 0, 1]
    squares = (kernels - th.ntk(arch, X)[0, 1]) ** 2
    rms = float(np.sqrt(squares.mean()))
    return n, rms, float(squares.std(ddof=1) / np.sqrt(draws) / (2 * rms))


def _kurtosis(law: WeightLaw, n: int, draws: int, seed: int) -> tuple[float, float, float, float]:
    """Width, n (E f^4/(E f^2)^2 - 3) of one hidden ReLU layer, its standard error, its exact value."""
    arch = th.Architecture(1, th.relu(), weight_std=[2**0.5, 1.0], weights=[gaussian(), law])
    sample = th.sample_networks(arch, [[1.0]], n, draws, seed=SEED + seed, ntk=False).outputs[:, 0]
    # E f^2 = 1 exactly, so the fourth moment alone is estimated.
    exact = relu_output_moments([1], [n], [3, 3 if law == gaussian() else 1])
    fourth = sample**4
    ratio = exact.fourth / exact.second**2
    return (
        n,
        n * float(fourth.mean() - 3.0),
        n * float(fourth.std(ddof=1) / np.sqrt(draws)),
        n * float(ratio - 3),
    )


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Kernels, kurtosis, distances."""
    kernels, kurtosis, distance = canvas.subplots(1, 3, width_ratios=(1.1, 1, 1))
    for place, name in enumerate(LAWS):
        _draw_kernels(kernels, arrays, name, place)
        series = style.SERIES[place]
        kurtosis.errorbar(
            arrays[f"k_{name}.n"],
            arrays[f"k_{name}.excess"],
            Z95 * arrays[f"k_{name}.stderr"],
            label=f"{LABELS[name]}, sampled",
            **series.points,
        )
        kurtosis.plot(
            arrays[f"k_{name}.n"],
            arrays[f"k_{name}.exact"],
            label="exact" if place == 0 else None,
            lw=0.9,
            **series.line,
        )
    style.quiet_log(kernels, "x")
    style.quiet_log(kernels, "y")
    kernels.set(xlabel="width $n$", ylabel=r"RMS deviation of $\Theta_n(x,x')$")
    kernels.set_ylim(arrays["line.binary"][-1] / 8, None)
    kernels.legend(loc="lower left", title="weights, hidden layers", title_fontsize=8)
    kurtosis.set_xscale("log", base=2)
    kurtosis.set(xlabel="width $n$", ylabel=r"$n\times$ excess kurtosis, ReLU")
    kurtosis.set_ylim(0, None)
    kurtosis.legend(loc="center right", bbox_to_anchor=(1.0, 0.55))
    for place, (name, slope) in enumerate((("sign", "-1/2"), ("tanh", "-1"))):
        series = style.SERIES[place + 2]
        distance.plot(
            arrays["distance.n"],
            arrays[f"distance.{name}"],
            marker=series.marker,
            mfc="white",
            label=f"{name}, slope ${slope}$",
            **series.line,
        )
    style.quiet_log(distance, "x")
    style.quiet_log(distance, "y")
    distance.set(xlabel="width $n$", ylabel=r"$W_1$ to the normal limit")
    distance.legend(loc="lower left", title=r"features; $\pm1$ readout", title_fontsize=8)
    for axes, name in zip((kernels, kurtosis, distance), "abc", strict=True):
        style.letter(axes, name)


def _draw_kernels(axes: Axes, arrays: Arrays, name: str, place: int) -> None:
    for hidden in (1, 2):
        series = style.SERIES[2 * (hidden - 1) + place]
        table = f"{name}{hidden}"
        axes.errorbar(
            arrays[f"{table}.n"],
            arrays[f"{table}.rms"],
            Z95 * arrays[f"{table}.stderr"],
            label=f"{LABELS[name]}, {hidden}",
            **series.points,
        )
    axes.plot(arrays["line.n"], arrays[f"line.{name}"], lw=0.9, **style.SERIES[place].line)


FIGURE = Figure(
    id="R4",
    title="Gaussian against binary weights at the same width",
    caption=rf"""
    First layer Gaussian; the layers above it Gaussian or $\pm1$. (a) Root mean square of
    $\Theta_n(x,x')-\Theta(x,x')$, forward $h_{{1/2}}$, backward $h_1'$, $s_w={WEIGHT_STD}$, $s_b={BIAS_STD}$,
    $|x|^2/d=1/4$, $|x'|^2/d=9/4$, correlation $1/2$; {DRAWS[0]} networks a point with one hidden layer, {DRAWS[1]}
    with two. Lines: exact for one hidden layer, not fitted; a binary readout has the smaller variance. (b) One
    hidden ReLU layer: $n$ times the excess kurtosis of the output, {KURTOSIS_DRAWS} networks a point, and its
    exact value: $15$ for Gaussian, $3$ for binary weights. (c) Binary readout: distance of the output law of one
    hidden layer from its normal limit, computed without sampling. Features of a sign network are themselves $\pm1$: the
    law lives on a lattice and the distance falls like $n^{{-1/2}}$; smooth features (tanh) keep $1/n$. Whiskers 95 %.
    """,
    size_mm=(160.0, 76.0),
    shows=("B41", "B42", "B52", "B59"),
    data=data,
    draw=draw,
    seed=SEED,
)
