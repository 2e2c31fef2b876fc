"""F2: no hidden layer, binarized weights: the tangent kernel is exactly a scaled binomial (T12)."""

from fractions import Fraction

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.stats import binom, norm

import theory as th
from figures import style
from figures.base import Array, Arrays, Figure, thinned

A, B = Fraction(1, 2), Fraction(1)
DIMENSIONS = (10, 100, 1_000, 10_000)
RATIO = 0.5
WEIGHT_STD, BIAS_STD = 1.2, 0.3
DRAWS = 4_000
SPREAD_DIMENSIONS = (10, 32, 100, 316, 1_000, 3_162, 10_000, 31_623, 100_000, 316_228, 1_000_000)
SPREAD_DRAWS, SPREAD_COST = 2_000, 100_000_000
BARS = 21
SEED = 2
Z95 = float(norm.ppf(0.975))


def data(scale: float = 1.0) -> dict[str, Array]:
    """Sampled Theta_d(x, x') binned on the lattice of its law, and the law itself."""
    weights = th.binarized(th.hardtanh(A), th.hardtanh(B))
    arch = th.Architecture(0, weight_std=WEIGHT_STD, bias_std=BIAS_STD, weights=weights)
    moment = weights.jacobian_moment(("true", "surrogate"))
    success = moment * float(A * B)
    draws = thinned(DRAWS, scale, least=8)
    arrays: dict[str, Array] = {}
    sampled = []
    for d in DIMENSIONS:
        pair = np.stack([np.ones(d), np.full(d, RATIO)])
        kernels = th.sample_networks(arch, pair, 1, draws, seed=SEED).ntk[:, 0, 1]
        step = WEIGHT_STD**2 * RATIO / (float(A * B) * d)
        edges = _edges(d, success)
        values = BIAS_STD**2 + step * edges
        exact = np.diff(binom.cdf(edges, d, success))
        arrays |= {
            f"d{d}.theta_from": values[:-1],
            f"d{d}.theta_to": values[1:],
            f"d{d}.exact": exact,
            f"d{d}.frequency": np.histogram(kernels, values)[0] / draws,
            f"d{d}.stderr": np.sqrt(exact * (1 - exact) / draws),
        }
        sampled.append((d, kernels.mean(), kernels.std(ddof=1)))
    sizes = np.geomspace(SPREAD_DIMENSIONS[0], SPREAD_DIMENSIONS[-1], 81)
    deviation = WEIGHT_STD**2 * RATIO / float(A * B) * np.sqrt(success * (1 - success) / sizes)
    size, mean, spread = np.array(sampled).T
    dimensions = SPREAD_DIMENSIONS[: thinned(len(SPREAD_DIMENSIONS), scale)]
    points = [_spread(arch, d, thinned(SPREAD_DRAWS, scale, least=16)) for d in dimensions]
    return arrays | {
        "spread.d": np.array(dimensions, dtype=float),
        "spread.deviation": np.array([deviation for deviation, _ in points]),
        "spread.stderr": np.array([stderr for _, stderr in points]),
        "exact.d": sizes,
        "exact.deviation": deviation,
        "sample.d": size,
        "sample.mean": mean,
        "sample.deviation": spread,
        "limit.theta": np.array(WEIGHT_STD**2 * moment * RATIO + BIAS_STD**2),
    }


def _spread(arch: th.Architecture, d: int, draws: int) -> tuple[float, float]:
    """Standard deviation of Theta_d and its standard error, from fewer networks where d is large."""
    pair, count = np.stack([np.ones(d), np.full(d, RATIO)]), max(16, min(draws, SPREAD_COST // d))
    kernels = th.sample_networks(arch, pair, 1, count, seed=SEED, first=DRAWS).ntk[:, 0, 1]
    deviations = (kernels - kernels.mean()) ** 2
    root = float(np.sqrt(deviations.sum() / (count - 1)))
    return root, float(deviations.std(ddof=1) / np.sqrt(count) / (2 * root))


def _edges(d: int, success: float) -> Array:
    """Half-integer edges of equal bins that cover the count up to 4.2 standard deviations."""
    deviation = np.sqrt(d * success * (1 - success))
    reach = 4.2 * deviation
    per_bar = max(1, round(2 * reach / BARS))
    low = max(0, round(d * success - reach))
    bars = min(BARS + 1, int(np.ceil((min(d, d * success + reach) - low + 1) / per_bar)))
    edges: Array = low - 0.5 + per_bar * np.arange(bars + 1.0)
    return edges


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Four histograms, the band in which Theta_d lies, and its width over five decades."""
    grid = canvas.add_gridspec(2, 3, width_ratios=(1, 1, 1.15))
    for k, d in enumerate(DIMENSIONS):
        axes = canvas.add_subplot(grid[k // 2, k % 2])
        _draw_histogram(axes, arrays, d)
        style.letter(axes, "abcd"[k], f"$d = {d}$")
        if k % 2 == 0:
            axes.set_ylabel("probability of a bin")
        if k >= 2:
            axes.set_xlabel(r"kernel $\Theta_d(x,x')$")
        if k == 0:
            axes.legend(loc="upper right", handlelength=1.2, borderaxespad=0)
    band = canvas.add_subplot(grid[0, 2])
    _draw_band(band, arrays)
    style.letter(band, "e")
    spread = canvas.add_subplot(grid[1, 2])
    _draw_spread(spread, arrays)
    style.letter(spread, "f")


def _draw_histogram(axes: Axes, arrays: Arrays, d: int) -> None:
    low, high = arrays[f"d{d}.theta_from"], arrays[f"d{d}.theta_to"]
    centre = (low + high) / 2
    axes.bar(
        centre,
        arrays[f"d{d}.frequency"],
        high - low,
        color=style.SKY,
        edgecolor="white",
        linewidth=0.4,
        label="sampled",
    )
    axes.errorbar(
        centre,
        arrays[f"d{d}.exact"],
        2 * arrays[f"d{d}.stderr"],
        fmt="o",
        ms=2.2,
        color=style.BLACK,
        elinewidth=0.7,
        label="exact law",
    )
    axes.axvline(arrays["limit.theta"][0], color=style.VERMILLION, lw=0.9, ls=style.SERIES[1].dash)
    axes.margins(x=0.02)
    axes.set_ylim(0, 1.25 * (arrays[f"d{d}.exact"] + 2 * arrays[f"d{d}.stderr"]).max())


def _draw_band(axes: Axes, arrays: Arrays) -> None:
    limit = arrays["limit.theta"][0]
    for width, shade in ((2, 0.3), (1, 0.55)):
        reach = width * arrays["exact.deviation"]
        axes.fill_between(
            arrays["exact.d"],
            limit - reach,
            limit + reach,
            color=style.SKY,
            alpha=shade,
            lw=0,
            label=f"exact mean $\\pm$ {'' if width == 1 else width} s.d.".replace("  ", " "),
        )
    axes.errorbar(
        arrays["sample.d"],
        arrays["sample.mean"],
        2 * arrays["sample.deviation"],
        fmt="o",
        ms=2.6,
        color=style.BLACK,
        elinewidth=1.0,
        capsize=2.5,
        label="sampled mean $\\pm$ 2 s.d.",
    )
    axes.axhline(
        limit,
        color=style.VERMILLION,
        lw=0.9,
        ls=style.SERIES[1].dash,
        label=r"limit $\Theta(x,x')$",
    )
    axes.set(xscale="log", xlabel="input dimension $d$", ylabel=r"kernel $\Theta_d(x,x')$")
    axes.set_xlim(DIMENSIONS[0] / 1.3, 1.3 * DIMENSIONS[-1])
    axes.set_ylim(None, limit + 4.5 * arrays["exact.deviation"][0])  # room for the legend
    axes.legend(loc="upper right", fontsize=7)


def _draw_spread(axes: Axes, arrays: Arrays) -> None:
    reach = Z95 * arrays["spread.stderr"]
    axes.errorbar(
        arrays["spread.d"],
        arrays["spread.deviation"],
        reach,
        label="sampled",
        **style.SERIES[0].points,
    )
    line = style.SERIES[0].line
    axes.plot(arrays["exact.d"], arrays["exact.deviation"], label="exact, slope $-1/2$", **line)
    style.quiet_log(axes, "x")
    style.quiet_log(axes, "y")
    axes.set(xlabel="input dimension $d$", ylabel=r"s.d. of $\Theta_d(x,x')$")
    axes.legend(loc="lower left")


FIGURE = Figure(
    id="F2",
    title="No hidden layer, binarized weights: the tangent kernel follows a scaled binomial law",
    caption=rf"""
    Weights binarized by $h_{{1/2}}$ in the forward pass with backward derivative $h_1'$; $s_w={WEIGHT_STD}$,
    $s_b={BIAS_STD}$; inputs $x=(1,\ldots,1)$ and $x'=x/2$ in dimension $d$, which is the width here.
    (a)-(d) Tangent kernel $\Theta_d(x,x')$ of {DRAWS} networks (bars) and its exact law,
    $\Theta_d=s_b^2+\frac{{s_w^2}}{{2abd}}\,\mathrm{{Bin}}(d,p)$ with $a=1/2$, $b=1$,
    $p=\mathrm{{erf}}(1/\sqrt{{8}})$ (dots; the whiskers are two standard errors of a sampled frequency). Each
    bin holds a whole number of lattice points. Dashed: the limit. Note the different scales of the
    horizontal axes. (e) Mean and standard deviation (s.d.), exact and sampled: the mean is the limit for every $d$.
    (f) The s.d. over five decades of $d$: at most {SPREAD_DRAWS} networks a point (fewer from $d=10^5$ on), whiskers
    95 %; the line is exact.
    """,
    size_mm=(155.0, 108.0),
    shows=("T12",),
    data=data,
    draw=draw,
    seed=SEED,
)
