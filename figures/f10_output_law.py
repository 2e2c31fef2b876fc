"""F10: the law of the output against its Gaussian limit, and the distance between the two."""

import math
from fractions import Fraction

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.stats import chi2, norm

import theory as th
from figures import bound_panels, style
from figures.base import Array, Arrays, Figure, thinned
from theory.bounds import Setting, catalogue, evaluate_at
from theory.distances import wasserstein2_to_limit
from theory.estimate import Estimate

A = Fraction(1, 2)
WEIGHT_STD, BIAS_STD = 1.2, 0.3
DEPTHS = (1, 2, 3)
WIDTHS = (2, 4, 8, 16, 32, 64, 128, 256)
SHOWN = (2, 8, 64)
DRAWS, NETWORKS = 60_000, 20_000
CONFIDENCE = 0.95
REACH = 4.5
SEED = 10
Z95 = float(norm.ppf(0.975))
INPUT = np.ones((1, 2))


def data(scale: float = 1.0) -> dict[str, Array]:
    """Histogram and densities in units of the limit's deviation; distances and bounds against the width."""
    widths = WIDTHS[: thinned(len(WIDTHS), scale, least=3)]
    draws = thinned(DRAWS, scale, least=200)
    networks = thinned(NETWORKS, scale, least=200)
    arrays = _law(draws)
    for hidden in DEPTHS:
        arch, rows = _arch(hidden), []
        bounds: dict[str, list[tuple[float, float]]] = {}
        for k, n in enumerate(widths):
            setting = Setting(arch, INPUT, n, 1, networks, SEED + k, CONFIDENCE)
            found = wasserstein2_to_limit(arch, INPUT, n, networks, SEED + k, CONFIDENCE)
            rows.append((n, found.estimate, found.stderr, found.lower))
            for name, value in _bounds(setting).items():
                # Without a value at small widths: the concentration that some need is not there yet.
                if math.isfinite(value):
                    bounds.setdefault(name, []).append((n, value))
        names = ("n", "distance", "distance_stderr", "lower")
        columns = np.array(rows, float).T
        arrays |= {f"l{hidden}.{name}": column for name, column in zip(names, columns, strict=True)}
        for name, points in sorted(bounds.items()):
            n, value = np.array(points).T
            arrays |= {f"{name}_l{hidden}.n": n, f"{name}_l{hidden}.value": value}
        line = np.array([WIDTHS[0], WIDTHS[-1]], dtype=float)
        sharp = th.distances.leading_wasserstein2(arch, INPUT, 1) / line
        arrays |= {f"sharp_l{hidden}.n": line, f"sharp_l{hidden}.value": sharp}
    return arrays | bound_panels.data(scale, SEED)


def _bounds(setting: Setting) -> dict[str, float]:
    """Every bound on W2 that applies; for one hidden layer those of the sampled mixture too, whose mean is known."""
    found = {
        row.declared.name: row.bound.value
        for row in evaluate_at(setting)
        if row.bound is not None and row.declared.distance == "W2"
    }
    if setting.is_centred:
        variances = setting.coupling.covariances[:, 0, 0]
        centred = variances * float(setting.limit[0, 0]) / variances.mean()
        for name in ("mixture_stein", "mixture_benamou_brenier"):
            found[name] = catalogue()[name](centred).value
    return found


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
    others = "other bounds"
    for name in sorted(name for name in arrays if name.endswith(f"_{table}.value")):
        bound = name.removesuffix(f"_{table}.value")
        if bound in (*NAMED, "sharp"):
            continue
        axes.plot(
            arrays[f"{bound}_{table}.n"], arrays[name],
            color=style.GREY, lw=0.6, alpha=0.8, label=others, zorder=0,
        )  # fmt: skip
        others = "_"
    for name, (series, label) in NAMED.items():
        if f"{name}_{table}.n" in arrays:
            axes.plot(
                arrays[f"{name}_{table}.n"], arrays[f"{name}_{table}.value"],
                color=series.colour, ls=series.dash, label=label,
            )  # fmt: skip
    axes.plot(
        n,
        arrays[f"{table}.lower"],
        ls="",
        marker="^",
        ms=3.0,
        color=style.BLUE,
        label="lower limit, 95 %",
    )
    error = Z95 * arrays[f"{table}.distance_stderr"]
    axes.errorbar(
        n, arrays[f"{table}.distance"], error, label="measured distance", **style.SERIES[0].points
    )
    axes.plot(
        arrays[f"sharp_{table}.n"], arrays[f"sharp_{table}.value"],
        color=style.BLACK, lw=0.8, label="leading order", zorder=1,
    )  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="width $n$")


NAMED = {
    "basteri_trevisan": (style.SERIES[3], "explicit bound B2"),
    "coupling": (style.SERIES[1], "coupling bound B6(ii)"),
    "chi_square": (style.SERIES[4], "chi-square bound B18"),
    "mixture_benamou_brenier": (style.SERIES[2], "path bound B17"),
}
FIGURE = Figure(
    id="F10",
    title="The law of the output: distance to its Gaussian limit, measured and bounded",
    caption=rf"""
    Output $f_n(x)$ at one input with $|x|^2/d=1$, activation $h_{{1/2}}$, $s_w={WEIGHT_STD}$, $s_b={BIAS_STD}$,
    Gaussian weights; the limit is $N(0,K)$. Given the last hidden layer the output is Gaussian, so its law is a
    mixture over the conditional variance, of which {DRAWS} values are sampled in (a) and (b), and {NETWORKS} for each
    width in (c)-(e). (a) Density for width ${SHOWN[0]}$: mixtures (lines), raw outputs of networks with three hidden
    layers (dots). (b) Relative deviation of
    the density from the limit times $n$, with 95 % bands, and the leading term of its expansion in $1/n$ (closed
    form). (c)-(e) Distance $W_2$: exact distance of the sampled mixture with 95 % whiskers (jackknife), a lower
    limit that holds at every sample size (95 %), and every bound on $W_2$ that applies, those with a sampled part at
    confidence 95 %; grey: B6(i), B12 (Talagrand), B16, B31, B45, B50b and B50c. The line of leading order is a closed
    form at every depth. B2 and B6 decrease like $n^{{-1/2}}$, the distance and, for one hidden layer, B16 to B18 like
    $1/n$. (f) The explicit bound over the leading order of the
    distance, $n={bound_panels.MAP_WIDTH}$, one input, $s_w={bound_panels.WEIGHT_STD}$. (g) One hidden layer:
    sign features read out by signs (exact, a lattice law of order $n^{{-1/2}}$, with two bounds), and
    $\mathrm{{erf}}$ features read out by Gaussian weights or signs (leading orders, without output bias).
    (h) ReLU, one hidden layer: with $m$ outputs the distance grows like $m$ until the coupling bound, of
    order $\sqrt{{m}}$, takes over. (i) $h_1$, two inputs at angle $\theta$, $|x|^2/d=1$: the bound is the lesser of
    a form with the smallest eigenvalue and one without (dotted).
    """,
    size_mm=(150.0, 228.0),
    shows=(
        "B2",
        "B2.value",
        "B9",
        "B16-B18.leading",
        "B17",
        "B18.closed",
        "B19",
        "B38-B50.sign",
        "B41",
        "B58",
        "T45",
    ),
    data=data,
    draw=draw,
    seed=SEED,
)
