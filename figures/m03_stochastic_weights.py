"""M3: stochastic binary weights: how long correlations live, and how fast spectra of smoothed networks decay."""

from fractions import Fraction

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

import theory as th
from figures import style
from figures.base import Array, Arrays, Figure, thinned

LENGTH = 1.0
LAYERS: dict[str, tuple[th.Activation, str]] = {
    "erf": (th.erf(1), "erf, edge of chaos"),
    "hardtanh": (th.hardtanh(1), "$h_1$, edge of chaos"),
    "sign": (th.sign(), "sign, no bias"),
}
NOISES = {"quarter": Fraction(1, 2), "one": Fraction(1), "four": Fraction(2)}
MODES = 48
FLOOR = 1e-12


def data(scale: float = 1.0) -> dict[str, Array]:
    """Depth scales against 1 - E[m^2], and Fourier coefficients of smoothed sign with their leading terms."""
    gaps = np.geomspace(1e-7, 0.9, thinned(36, scale, least=3))
    arrays: dict[str, Array] = {"depth.gap": gaps}
    for name, (sigma, _) in LAYERS.items():
        stds = _critical(sigma) if name != "sign" else (1.0, 0.0)
        arrays[f"depth.{name}"] = np.array(
            [_depth(th.MeanField(sigma, None, *stds, mean_square=1 - gap)) for gap in gaps]
        )
    arrays["depth.expansion"] = _expansion(gaps)
    degrees = np.arange(1, thinned(MODES, scale, least=6), 2)
    for name, std in NOISES.items():
        arch = th.Architecture(1, th.sign().smoothed(std), th.identity())
        found = th.zonal_spectrum(arch, degrees[-1] + 1, kind="nngp").eigenvalues[degrees]
        kept = found > FLOOR
        start = 1 + float(std) ** 2
        base, wave = start + np.sqrt(start**2 - 1), np.sqrt(1 - start**-2)
        lead = np.sqrt(8 * wave / np.pi**3) * degrees**-1.5 * base ** (-1.0 * degrees)
        arrays[f"{name}.k"] = degrees[kept].astype(float)
        arrays[f"{name}.eigenvalue"] = found[kept]
        arrays[f"{name}.lead"] = lead[kept]
    return arrays


def _critical(sigma: th.Activation) -> tuple[float, float]:
    """Standard deviations on the edge of chaos at the length shown."""
    weight, bias = th.MeanField(sigma).critical_line("tt", LENGTH)
    return float(np.sqrt(weight)), float(np.sqrt(bias))


def _depth(layer: th.MeanField) -> float:
    """Depth scale of the stable correlation; without bias it is 0, at any length."""
    return layer.correlation.depth_scale


def _expansion(gaps: Array) -> Array:
    """(2 kappa F''(1) (1 - E[m^2]))^(-1/2) for erf, claim T66."""
    weight, bias = _critical(th.erf(1))
    bend = weight**2 * LENGTH**2 * 16 / np.pi * (1 + 4 * LENGTH) ** -1.5
    expansion: Array = (2 * (1 - bias**2 / LENGTH) * bend * gaps) ** -0.5
    return expansion


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Depth scales on the left, spectra on the right."""
    left, right = canvas.subplots(1, 2)
    _draw_depths(left, arrays)
    for series, (name, std) in zip(style.SERIES, NOISES.items(), strict=False):
        k = arrays[f"{name}.k"]
        look = {"ls": "none", "marker": series.marker, "mfc": "white", "color": series.colour}
        right.plot(k, arrays[f"{name}.eigenvalue"], label=f"$s^2/q={std**2}$", **look)
        right.plot(k, arrays[f"{name}.lead"], color=series.colour, lw=0.8)
    right.set(yscale="log", xlabel="degree $k$ (odd)", ylabel=r"eigenvalue $\lambda_k$")
    right.legend(loc="upper right")
    style.letter(right, "b", "smoothed sign on the circle")


def _draw_depths(axes: Axes, arrays: Arrays) -> None:
    gap = arrays["depth.gap"]
    for series, (name, (_, label)) in zip(style.SERIES, LAYERS.items(), strict=False):
        axes.plot(gap, arrays[f"depth.{name}"], label=label, **series.line)
    axes.plot(
        gap, arrays["depth.expansion"], color=style.BLACK, lw=0.8, linestyle=style.DOTTED,
        label="expansion for erf",
    )  # fmt: skip
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="share of the weights that is redrawn, $1-E[m^2]$",
        ylabel="depth scale of correlations (layers)",
        ylim=(0.2, None),
    )
    axes.legend(loc="upper right")
    style.letter(axes, "a", "stochastic weights")


FIGURE = Figure(
    id="M3",
    title="Stochastic binary weights: deep networks need means near one, smoothing makes spectra fall exponentially",
    caption=r"""
    (a) Weights of variance 1 with means $m$ that stay and a rest that is drawn anew for each input: layers over which
    correlations approach their fixed point by the factor $e$, against $1-E[m^2]$. Smooth and kinked neurons are put on
    the edge of chaos of weights that stay, at length 1: the depth scale diverges as the means go to $\pm1$, for erf as
    expanded (dotted), for the hardtanh with a smaller power. Networks of stochastic signs stay below
    $1/\ln(\pi/2)=2.21$ layers. (b) Fourier coefficients of the dual of the sign smoothed by Gaussian noise of variance
    $s^2$, at $q=1$: points by quadrature, lines the leading term
    $(8w/\pi^3)^{1/2}k^{-3/2}(t_0+\sqrt{t_0^2-1})^{-k}$ with $t_0=1+s^2/q$, $w^2=1-t_0^{-2}$.
    """,
    size_mm=(150.0, 70.0),
    shows=("T63.decay", "T66.depth", "T66.no-critical-point"),
    data=data,
    draw=draw,
)
