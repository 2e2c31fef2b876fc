"""F5: how fast the empirical kernel converges, for no, one and two hidden layers."""

from fractions import Fraction

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.stats import norm

import theory as th
from figures import style
from figures.angle_sweep import power_law
from figures.base import Array, Arrays, Figure, thinned
from theory.networks.moments import one_layer_variance

A, B = Fraction(1, 2), Fraction(1)
WEIGHT_STD, BIAS_STD = 1.2, 0.3
WIDTHS = (12, 40, 120, 400, 1200, 4000, 12_000, 40_000, 120_000, 400_000, 1_200_000)
DRAWS, LEAST_DRAWS, COST = 2000, 100, 5_000_000
SEED = 5
Z95 = float(norm.ppf(0.975))


def data(scale: float = 1.0) -> dict[str, Array]:
    """RMS deviation of Theta_n(x, x') from its limit, with its standard error, a fit, and the exact laws."""
    widths = WIDTHS[: thinned(len(WIDTHS), scale, least=3)]
    line = np.geomspace(WIDTHS[0], WIDTHS[-1], 41)
    arrays = {"exact.n": line}
    for hidden in (0, 1, 2):
        points = np.array(
            [
                _deviation(hidden, n, thinned(_draws(n), scale, least=16), first=k * DRAWS)
                for k, n in enumerate(widths)
            ]
        )
        arrays |= {
            f"l{hidden}.n": np.array(widths, dtype=float),
            f"l{hidden}.rms": points[:, 0],
            f"l{hidden}.stderr": points[:, 1],
            f"fit.l{hidden}": power_law(np.array(widths), *points.T),
        }
    arrays["exact.l0"] = np.sqrt(_weight_variance() / line)
    arrays["exact.l1"] = np.sqrt(one_layer_variance(_arch(1), _pair(4))[0, 1] / line)
    return arrays


def _draws(n: int) -> int:
    """Networks at width n: fewer where each is large."""
    return max(LEAST_DRAWS, min(DRAWS, COST // n))


def _arch(hidden: int) -> th.Architecture:
    stds = {"weight_std": WEIGHT_STD, "bias_std": BIAS_STD}
    h_a, h_b = th.hardtanh(A), th.hardtanh(B)
    if hidden == 0:
        return th.Architecture(0, weights=th.binarized(h_a, h_b), **stds)
    return th.Architecture(hidden, h_a, h_b, **stds)


def _pair(d: int) -> Array:
    """Two inputs with |x|^2/d = 1/4, |x'|^2/d = 9/4 and correlation 1/2; d is a multiple of 4."""
    signs = np.where(np.arange(d) < 3 * d // 4, 1.0, -1.0)
    return np.stack([0.5 * np.ones(d), 1.5 * signs])


def _deviation(hidden: int, n: int, draws: int, first: int) -> tuple[float, float]:
    """RMS deviation at width n (dimension n where nothing is hidden), and its standard error.

    Networks of one number share weights across widths: ``first`` keeps the points independent.
    """
    arch, pair = _arch(hidden), _pair(4 if hidden else n)
    kernels = th.sample_networks(arch, pair, n, draws, seed=SEED, first=first).ntk[:, 0, 1]
    squares = (kernels - th.ntk(arch, pair)[0, 1]) ** 2
    rms = float(np.sqrt(squares.mean()))
    return rms, float(squares.std(ddof=1) / np.sqrt(draws) / (2 * rms))


def _weight_variance() -> float:
    """Return d Var Theta_d of the pair, for binarized weights and no hidden layer (T12)."""
    success = _arch(0).weight_laws[0].jacobian_moment(("true", "surrogate")) * float(A * B)
    product = float((np.prod(_pair(4), axis=0) ** 2).mean())
    return float(WEIGHT_STD**4 * success * (1 - success) / float(A * B) ** 2 * product)


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """RMS deviation against width, plain and multiplied by the root of the width."""
    rate, constant = canvas.subplots(1, 2, width_ratios=(1.1, 1))
    for hidden in (0, 1, 2):
        _draw_depth(rate, arrays, hidden, scaled=False)
        _draw_depth(constant, arrays, hidden, scaled=True)
    rate.set(
        xscale="log",
        yscale="log",
        xlabel="width $n$  ($d$ for no hidden layer)",
        ylabel=r"RMS deviation of $\Theta_n(x,x')$ from $\Theta(x,x')$",
    )
    n = np.array([3e3, 1e6])
    rate.plot(n, 5.2 * n**-0.5, color=style.BLACK, lw=0.8)
    rate.annotate(
        "slope $-1/2$", (6e4, 5.2 * 6e4**-0.5), (2, 2), textcoords="offset points", fontsize=8
    )
    constant.set(
        xscale="log",
        xlabel="width $n$  ($d$ for no hidden layer)",
        ylabel=r"$\sqrt{n}\,\times$ RMS deviation",
    )
    constant.set_ylim(0, None)
    rate.legend(loc="lower left", title="hidden layers; fitted exponent", title_fontsize=8)
    style.letter(rate, "a")
    style.letter(constant, "b")


def _draw_depth(axes: Axes, arrays: Arrays, hidden: int, *, scaled: bool) -> None:
    series, table = style.SERIES[hidden], f"l{hidden}"
    n, line = arrays[f"{table}.n"], arrays["exact.n"]
    exponent, reach, level = arrays[f"fit.{table}"]
    factor, on_line = (
        (np.sqrt(n), np.sqrt(line)) if scaled else (np.ones_like(n), np.ones_like(line))
    )
    axes.errorbar(
        n,
        factor * arrays[f"{table}.rms"],
        Z95 * factor * arrays[f"{table}.stderr"],
        label=rf"{hidden};  ${exponent:.3f} \pm {reach:.3f}$",
        **series.points,
    )
    known = arrays.get(f"exact.{table}")
    if known is None:
        axes.plot(line, on_line * np.exp(level) * line**exponent, lw=0.8, **series.line)
    else:
        axes.plot(line, on_line * known, **series.line)
    if scaled:
        name = ("exact", "exact", "power-law fit")[hidden]
        # Between the points at n = 120 and n = 400, above the whiskers of their neighbours.
        place = 220.0
        law = np.exp(level) * place**exponent
        height = np.sqrt(place) * (law if known is None else np.interp(place, line, known))
        axes.annotate(
            name, (place, height), (0, 14), textcoords="offset points", ha="center", fontsize=8,
            color=series.colour,
        )  # fmt: skip


FIGURE = Figure(
    id="F5",
    title="The tangent kernel converges at rate one over the square root of the width",
    caption=rf"""
    (a) Root mean square (RMS) of $\Theta_n(x,x')-\Theta(x,x')$ over {DRAWS} networks a point, fewer from
    $n=4000$ and {LEAST_DRAWS} at the largest widths, whiskers 95 %; five decades of width. No
    hidden layer: weights binarized by $h_{{1/2}}$ with backward derivative $h_1'$, and $n=d$. One and two hidden
    layers: activations $h_{{1/2}}$ with backward derivative $h_1'$, Gaussian weights. $s_w={WEIGHT_STD}$,
    $s_b={BIAS_STD}$, $|x|^2/d=1/4$, $|x'|^2/d=9/4$, correlation $1/2$. Solid and dashed: exact standard
    deviations, from the variance of the scaled binomial law and from the variance of the kernel with one hidden
    layer; neither is fitted. Dash-dotted: weighted fit of a power law for two hidden layers. The legend gives
    the exponent fitted to each series with its 95 % interval. (b) The same times $\sqrt{{n}}$: the constants.
    """,
    size_mm=(150.0, 84.0),
    shows=("T12", "T43"),
    data=data,
    draw=draw,
    seed=SEED,
)
