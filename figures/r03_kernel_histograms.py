"""R3: the law of the empirical kernel at one input, for no, one and two hidden layers."""

from fractions import Fraction

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

import theory as th
from figures import style
from figures.base import Array, Arrays, Figure, thinned
from theory.networks.leading import tangent_spread
from theory.networks.moments import one_layer_variance

A = Fraction(1, 2)
WEIGHT_STD, BIAS_STD = 1.2, 0.3
WIDTHS = (16, 256, 4096)
DRAWS = 6000
DIMENSION = 4
REACH, BARS = 4.2, 30
SEED = 13
ORDINARY = ("true", "true")


def data(scale: float = 1.0) -> dict[str, Array]:
    """Histograms of sqrt(n) (Theta_n - Theta) in units of the leading standard deviation, and their moments."""
    draws = thinned(DRAWS, scale, least=200)
    z = np.linspace(-REACH, REACH, 121)
    arrays = {"normal.z": z, "normal.density": np.exp(-z * z / 2) / np.sqrt(2 * np.pi)}
    for hidden in (0, 1, 2):
        deviation = np.sqrt(_variance(hidden))
        for n in WIDTHS:
            edges = _edges(hidden, n, deviation)
            sample = np.sqrt(n) * _deviations(hidden, n, draws) / deviation
            counts, _ = np.histogram(sample, edges)
            width = np.diff(edges)
            arrays |= {
                f"l{hidden}n{n}.z_from": edges[:-1],
                f"l{hidden}n{n}.z_to": edges[1:],
                f"l{hidden}n{n}.density": counts / draws / width,
                f"m{hidden}n{n}.mean": np.array([sample.mean()]),
                f"m{hidden}n{n}.deviation": np.array([sample.std(ddof=1)]),
            }
    return arrays


def _arch(hidden: int) -> th.Architecture:
    stds = {"weight_std": WEIGHT_STD, "bias_std": BIAS_STD}
    if hidden == 0:
        return th.Architecture(0, weights=th.binarized(th.hardtanh(A)), **stds)
    return th.Architecture(hidden, th.hardtanh(A), **stds)


def _input(hidden: int, n: int) -> Array:
    return np.ones((1, n if hidden == 0 else DIMENSION))


def _deviations(hidden: int, n: int, draws: int) -> Array:
    """Theta_n(x, x) - Theta(x, x); n is the dimension where nothing is hidden."""
    arch, x = _arch(hidden), _input(hidden, n)
    first = draws * WIDTHS.index(n)  # networks of one number share weights across widths
    sample = th.sample_networks(
        arch, x, n, draws, seed=SEED + hidden, first=first, jacobians=(ORDINARY,)
    )
    return np.asarray(sample.ntk[:, 0, 0] - th.ntk(arch, x, jacobians=ORDINARY)[0, 0])


def _success() -> float:
    """Probability that a weight lies on the slope of h_a, where the derivative is 1/a."""
    return _arch(0).weight_laws[0].jacobian_moment(ORDINARY) * float(A) ** 2


def _variance(hidden: int) -> float:
    """Return lim n Var Theta_n(x, x): T12, T43 and B63."""
    arch = _arch(hidden)
    if hidden == 0:
        return WEIGHT_STD**4 * _success() * (1 - _success()) / float(A) ** 4
    if hidden == 1:
        return float(one_layer_variance(arch, _input(1, 1), ORDINARY)[0, 0])
    return tangent_spread(arch, _input(2, 1)[0], 1).variance


def _edges(hidden: int, n: int, deviation: float) -> Array:
    """Equal bins; with no hidden layer the kernel lies on a lattice, and a bin holds whole points of it."""
    if hidden:
        return np.linspace(-REACH, REACH, BARS + 1)
    spacing = WEIGHT_STD**2 / float(A) ** 2 / np.sqrt(n) / deviation
    bar = spacing * max(1, round(2 * REACH / BARS / spacing))
    # Half a point to the left of the count nearest to the mean.
    offset = (np.floor(n * _success()) - 0.5 - n * _success()) * spacing
    reach = int(np.ceil(REACH / bar))
    edges: Array = offset + bar * np.arange(-reach, reach + 1.0)
    return edges


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Depths in columns, widths in rows."""
    grid = canvas.subplots(len(WIDTHS), 3, sharex=True, sharey=True)
    for row, n in enumerate(WIDTHS):
        for hidden in (0, 1, 2):
            _draw_histogram(grid[row, hidden], arrays, hidden, n)
        grid[row, 0].set_ylabel(f"density, $n={n}$")
    for hidden, title in enumerate(("no hidden layer", "one", "two")):
        style.letter(grid[0, hidden], "abc"[hidden], title)
        grid[-1, hidden].set_xlabel(r"$\sqrt{n}\,(\Theta_n-\Theta)/\mathrm{s.d.}$")
    grid[0, 2].legend(loc="upper right", handlelength=1.3)
    grid[0, 0].set_xlim(-REACH, REACH)


def _draw_histogram(axes: Axes, arrays: Arrays, hidden: int, n: int) -> None:
    low, high = arrays[f"l{hidden}n{n}.z_from"], arrays[f"l{hidden}n{n}.z_to"]
    axes.bar(
        low,
        arrays[f"l{hidden}n{n}.density"],
        high - low,
        align="edge",
        color=style.SKY,
        edgecolor="white",
        linewidth=0.3,
        label="sampled",
    )
    z, density = arrays["normal.z"], arrays["normal.density"]
    axes.plot(z, density, color=style.BLACK, lw=0.9, label="normal")
    mean, deviation = (arrays[f"m{hidden}n{n}.{name}"][0] for name in ("mean", "deviation"))
    axes.text(
        0.03,
        0.96,
        f"mean {mean:z.2f}\ns.d. {deviation:.2f}".replace("-", "\N{MINUS SIGN}"),
        transform=axes.transAxes,
        va="top",
        fontsize=7,
    )


FIGURE = Figure(
    id="R3",
    title="The tangent kernel of a finite network is nearly normal, with known variance",
    caption=rf"""
    Ordinary tangent kernel $\Theta_n(x,x)$ of {DRAWS} networks a panel, minus its limit, times $\sqrt{{n}}$, in units
    of the standard deviation (s.d.) that theory gives for $n\to\infty$ (none fitted): (a) no hidden layer, weights
    binarized by $h_{{1/2}}$, a scaled binomial law on a lattice, $n=d$ (each bin holds a whole number of
    lattice points); (b) one hidden layer of $h_{{1/2}}$, variance exact at every width; (c) two hidden layers,
    leading order of the variance. Rows: widths. $s_w={WEIGHT_STD}$, $s_b={BIAS_STD}$, $|x|^2/d=1$. Line: the standard
    normal density. Numbers: mean and standard deviation of the sample, which tend to 0 and 1.
    """,
    size_mm=(150.0, 118.0),
    shows=("T12", "T43", "B63"),
    data=data,
    draw=draw,
    seed=SEED,
)
