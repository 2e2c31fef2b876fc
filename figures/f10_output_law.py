"""F10: the law of the output against its Gaussian limit, and the distance between the two."""

from fractions import Fraction

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.stats import chi2, norm

import theory as th
from figures import bound_panels, style
from figures.base import Array, Arrays, Figure, thinned
from theory.bounds import catalogue
from theory.estimate import Estimate

A = Fraction(1, 2)
WEIGHT_STD, BIAS_STD = 1.2, 0.3
DEPTHS = (1, 2, 3)
WIDTHS = (2, 4, 8, 16, 32, 64, 128, 256)
SHOWN = (2, 8, 64)
DRAWS = 60_000
GROUPS = 10
REACH = 4.5
SEED = 10
Z95 = float(norm.ppf(0.975))
INPUT = np.ones((1, 2))


def data(scale: float = 1.0) -> dict[str, Array]:
    """Histogram and densities in units of the limit's deviation; distances and bounds against the width."""
    widths = WIDTHS[: thinned(len(WIDTHS), scale, least=3)]
    draws = thinned(DRAWS, scale, least=20 * GROUPS)
    arrays = _law(draws)
    for hidden in DEPTHS:
        arch, limit = _arch(hidden), _limit(hidden)
        rows = []
        for k, n in enumerate(widths):
            variances = _variances(hidden, n, draws, first=k * draws)
            distance, error = _distance(variances, limit, centred=hidden == 1)
            coupling = Estimate.of_mean((np.sqrt(variances) - np.sqrt(limit)) ** 2)
            root = float(np.sqrt(coupling.value))
            rows.append((n, distance, error, root, float(coupling.stderr) / (2 * root)))
        columns = np.array(rows).T
        names = ("n", "distance", "distance_stderr", "coupling", "coupling_stderr")
        arrays |= {f"l{hidden}.{name}": column for name, column in zip(names, columns, strict=True)}
        for name in ("basteri_trevisan", "chi_square"):
            bound = catalogue()[name]
            if hidden > 1 and name != "basteri_trevisan":
                continue
            values = np.array([bound(arch, INPUT, n).value for n in widths])
            # Without a value at small widths: the concentration that it needs is not there yet.
            kept = np.isfinite(values)
            if np.any(kept):
                arrays |= {f"{name}_l{hidden}.n": np.array(widths, float)[kept]}
                arrays |= {f"{name}_l{hidden}.value": values[kept]}
        line = np.array([WIDTHS[0], WIDTHS[-1]], dtype=float)
        sharp = th.distances.leading_wasserstein2(arch, INPUT, 1) / line
        arrays |= {f"sharp_l{hidden}.n": line, f"sharp_l{hidden}.value": sharp}
    return arrays | bound_panels.data(scale, SEED)


def _arch(hidden: int) -> th.Architecture:
    return th.Architecture(hidden, th.hardtanh(A), weight_std=WEIGHT_STD, bias_std=BIAS_STD)


def _limit(hidden: int) -> float:
    return float(th.nngp(_arch(hidden), INPUT)[0, 0])


def _variances(hidden: int, n: int, draws: int, first: int = 0) -> Array:
    """Conditional variances of the output at ``INPUT``, one a network; exact in law."""
    sample = th.sample_covariances
    drawn: Array = sample(_arch(hidden), INPUT, n, draws, seed=SEED, first=first)[:, 0, 0]
    return drawn


def _excess_variance() -> float:
    """Variance of the conditional variance times n with one hidden layer: s_w^4 Var(sigma(u)^2)."""
    at = (float(th.layer_covariances(_arch(1), INPUT)[0][0, 0]),) * 3
    square = th.hardtanh(A) * th.hardtanh(A)
    mean = th.expectation(square).float64(at[0])
    return float(WEIGHT_STD**4 * (th.expectation(square, square).float64(*at) - mean**2))


def _law(draws: int) -> dict[str, Array]:
    """Law of the output over the limit's deviation: sampled, and as the exact mixture of Gaussians."""
    narrow, deep = SHOWN[0], DEPTHS[-1]
    outputs = th.sample_networks(_arch(deep), INPUT, narrow, draws, seed=SEED, ntk=False).outputs[
        :, 0
    ]
    edges = np.linspace(-REACH, REACH, 37)
    counts = np.histogram(outputs / np.sqrt(_limit(deep)), edges)[0]
    width = edges[1] - edges[0]
    z = np.linspace(-REACH, REACH, 91)
    arrays = {
        "histogram.z_from": edges[:-1],
        "histogram.z_to": edges[1:],
        "histogram.density": counts / draws / width,
        "histogram.lower": chi2.ppf(0.025, 2 * np.maximum(counts, 1)) / 2 / draws / width,
        "histogram.upper": chi2.ppf(0.975, 2 * counts + 2) / 2 / draws / width,
        "density.z": z,
        "density.gauss": norm.pdf(z),
    }
    for hidden in DEPTHS:
        ratio = _density_ratio(_variances(hidden, narrow, draws) / _limit(hidden), z)
        arrays[f"density.l{hidden}"] = ratio.value * norm.pdf(z)
    for n in SHOWN:
        ratio = _density_ratio(_variances(1, n, draws) / _limit(1), z)
        arrays[f"ratio.n{n}"] = n * (ratio.value - 1)
        arrays[f"ratio.n{n}_stderr"] = n * ratio.stderr
    hermite = z**4 - 6 * z**2 + 3
    arrays |= {"ratio.z": z, "ratio.edgeworth": _excess_variance() / _limit(1) ** 2 / 8 * hermite}
    return arrays


def _density_ratio(relative: Array, z: Array) -> Estimate:
    """Density of the mixture of N(0, A) over that of N(0, 1), for sampled A; exact given the sample."""
    values, errors = [], []
    for point in z:
        ratio = np.exp(point**2 / 2 * (1 - 1 / relative)) / np.sqrt(relative)
        one = Estimate.of_mean(ratio)
        values.append(one.value)
        errors.append(one.stderr)
    return Estimate(np.array(values), np.array(errors), len(relative))


def _distance(variances: Array, limit: float, *, centred: bool) -> tuple[float, float]:
    """W2 of the mixture to N(0, limit) and its standard error, by a jackknife of W2^2 over groups.

    Sampling noise adds a term of order 1/draws to W2^2; the jackknife removes it.
    """

    def squared(sample: Array) -> float:
        mixture = th.distances.ScaleMixture(sample)
        if centred:
            mixture = mixture.recentred(limit)
        return float(th.distances.wasserstein2(mixture, limit)) ** 2

    groups = np.array_split(np.arange(len(variances)), GROUPS)
    left_out = np.array([squared(np.delete(variances, group)) for group in groups])
    whole = squared(variances)
    # A thinned sample may be all noise; the plain distance is then the honest value.
    value = GROUPS * whole - (GROUPS - 1) * left_out.mean()
    distance = float(np.sqrt(value if value > 0 else whole))
    spread = (GROUPS - 1) / GROUPS * ((left_out - left_out.mean()) ** 2).sum()
    return distance, float(np.sqrt(spread)) / (2 * distance)


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """The law above, the distances below."""
    grid = canvas.add_gridspec(4, 1, height_ratios=(1, 1.05, 0.95, 0.95))
    above, below = grid[0].subgridspec(1, 2), grid[1].subgridspec(1, len(DEPTHS))
    density, ratio = (canvas.add_subplot(above[0, k]) for k in range(2))
    _draw_density(density, arrays)
    _draw_ratio(ratio, arrays)
    style.letter(density, "a", f"$n = {SHOWN[0]}$")
    style.letter(ratio, "b", "1 hidden layer")
    first: Axes | None = None
    for k, hidden in enumerate(DEPTHS):
        axes = canvas.add_subplot(below[0, k], sharey=first)
        first = first or axes
        _draw_distances(axes, arrays, hidden)
        axes.tick_params(labelleft=k == 0)
        style.letter(axes, "cde"[k], f"{hidden} hidden layer{'s' * (hidden > 1)}")
    if first is not None:
        first.set_ylabel(r"distance $W_2(f_n(x), N(0,K))$")
        handles, labels = first.get_legend_handles_labels()
        canvas.legend(handles, labels, loc="outside lower center", ncols=3, columnspacing=1.4)
    third, fourth = grid[2].subgridspec(1, 2), grid[3].subgridspec(1, 2)
    for place, mark, title, drawn in (
        (third[0, 0], "f", "bound B2 / distance", bound_panels.draw_looseness),
        (third[0, 1], "g", "features, readout", bound_panels.draw_binary),
        (fourth[0, 0], "h", f"$n = {bound_panels.OUTPUT_WIDTH}$", bound_panels.draw_outputs),
        (fourth[0, 1], "i", "two inputs", bound_panels.draw_angles),
    ):
        axes = canvas.add_subplot(place)
        drawn(axes, arrays)
        style.letter(axes, mark, title)


def _draw_density(axes: Axes, arrays: Arrays) -> None:
    low, high = arrays["histogram.z_from"], arrays["histogram.z_to"]
    height = arrays["histogram.density"]
    seen = height > 0
    reach = (height - arrays["histogram.lower"], arrays["histogram.upper"] - height)
    axes.errorbar(
        ((low + high) / 2)[seen],
        height[seen],
        np.array(reach)[:, seen],
        fmt="o",
        ms=2.0,
        color=style.GREY,
        elinewidth=0.7,
        label=f"sampled, {DEPTHS[-1]} layers",
    )
    z = arrays["density.z"]
    for k, hidden in enumerate(DEPTHS):
        label = f"{hidden} layer{'s' * (hidden > 1)}"
        axes.plot(z, arrays[f"density.l{hidden}"], lw=1.0, label=label, **style.SERIES[k].line)
    axes.plot(z, arrays["density.gauss"], color=style.BLACK, lw=1.0, label="limit")
    axes.set(
        yscale="log",
        ylim=(2e-6, 1),
        xlabel=r"output $z = f_n(x)/\sqrt{K}$",
        ylabel="density",
    )
    axes.legend(loc="lower center")


def _draw_ratio(axes: Axes, arrays: Arrays) -> None:
    z = arrays["ratio.z"]
    for k, n in enumerate(SHOWN):
        value, reach = arrays[f"ratio.n{n}"], Z95 * arrays[f"ratio.n{n}_stderr"]
        line = style.SERIES[k].line
        axes.fill_between(z, value - reach, value + reach, color=line["color"], alpha=0.25, lw=0)
        axes.plot(z, value, lw=1.0, label=f"$n = {n}$", **line)
    axes.plot(z, arrays["ratio.edgeworth"], color=style.BLACK, lw=1.0, label=r"$n \to \infty$")
    axes.set_xlim(-3.6, 3.6)
    inside = np.abs(z) < 3.6
    axes.set_ylim(-0.4, 1.05 * arrays["ratio.edgeworth"][inside].max())
    axes.set(
        xlabel=r"output $z = f_n(x)/\sqrt{K}$",
        ylabel=r"$n\,\times$ (density$\,/\,$limit $-\,1$)",
    )
    axes.legend(loc="upper center")


def _draw_distances(axes: Axes, arrays: Arrays, hidden: int) -> None:
    table, n = f"l{hidden}", arrays[f"l{hidden}.n"]
    for name, series, label in (
        ("basteri_trevisan", style.SERIES[3], "explicit bound B2"),
        ("chi_square", style.SERIES[4], "chi-square bound B18"),
    ):
        if f"{name}_{table}.n" in arrays:
            axes.plot(
                arrays[f"{name}_{table}.n"], arrays[f"{name}_{table}.value"],
                color=series.colour, ls=series.dash, label=label,
            )  # fmt: skip
    for column, series, label in (
        ("coupling", style.SERIES[1], "coupling bound B6"),
        ("distance", style.SERIES[0], "measured distance"),
    ):
        error = Z95 * arrays[f"{table}.{column}_stderr"]
        axes.errorbar(n, arrays[f"{table}.{column}"], error, label=label, **series.points)
    axes.plot(
        arrays[f"sharp_{table}.n"], arrays[f"sharp_{table}.value"],
        color=style.BLACK, lw=0.8, label="leading order", zorder=1,
    )  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="width $n$")


FIGURE = Figure(
    id="F10",
    title="The law of the output: distance to its Gaussian limit, measured and bounded",
    caption=rf"""
    Output $f_n(x)$ at one input with $|x|^2/d=1$, activation $h_{{1/2}}$, $s_w={WEIGHT_STD}$, $s_b={BIAS_STD}$,
    Gaussian weights; the limit is $N(0,K)$. Given the last hidden layer the output is Gaussian, so its law is a
    mixture over the conditional variance, of which {DRAWS} values are sampled for each width. (a) Density for width
    ${SHOWN[0]}$: mixtures (lines), raw outputs of networks with three hidden layers (dots). (b) Relative deviation of
    the density from the limit times $n$, with 95 % bands, and the leading term of its expansion in $1/n$ (closed
    form). (c)-(e) Distance $W_2$: exact distance of the sampled mixture, the coupling bound
    estimated from the same variances, and bounds from closed forms; whiskers 95 % (jackknife for the distance). The
    line of leading order is a closed form at every depth. B2 and B6 decrease like $n^{{-1/2}}$, the distance and,
    for one hidden layer, the chi-square bound like $1/n$. (f) The explicit bound over the leading order of the
    distance, $n={bound_panels.MAP_WIDTH}$, one input, $s_w={bound_panels.WEIGHT_STD}$. (g) One hidden layer:
    sign features read out by signs (exact, a lattice law of order $n^{{-1/2}}$, with two bounds), and
    $\mathrm{{erf}}$ features read out by Gaussian weights or signs (leading orders, without output bias).
    (h) ReLU, one hidden layer: with $m$ outputs the distance grows like $m$ until the coupling bound, of
    order $\sqrt{{m}}$, takes over. (i) $h_1$, two inputs at angle $\theta$, $|x|^2/d=1$: the bound is the lesser of
    a form with the smallest eigenvalue and one without (dotted).
    """,
    size_mm=(150.0, 228.0),
    shows=("B2", "B2.value", "B9", "B18.closed", "B19", "B38-B50.sign", "B41", "B58", "T45"),
    data=data,
    draw=draw,
    seed=SEED,
)
