"""Q11: SiMaN's angle against the fraction of ones, for three laws of the weights."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas
from scipy.stats import norm

from figures import style
from figures.base import Array, Arrays, Figure, thinned

SEED = 11
SAMPLE = 4000
LAWS = ("uniform", "gauss", "laplace")
LABELS = {"uniform": "uniform", "gauss": "Gauss", "laplace": "Laplace"}
BEST = {"uniform": 2 / 3, "gauss": 0.5405, "laplace": np.exp(-1)}


def cosine(law: str, p: Array) -> Array:
    """Return E[|w|; |w| > tau]/sqrt(P E w^2) at P(|w| > tau) = p."""
    if law == "laplace":
        return (1 - np.log(p)) * np.sqrt(p) / np.sqrt(2)
    if law == "gauss":
        return np.asarray(2 * norm.pdf(norm.isf(p / 2)) / np.sqrt(p))
    return (1 - (1 - p) ** 2) / 2 / np.sqrt(p / 3)


def data(scale: float = 1.0) -> dict[str, Array]:
    """Closed forms, and the cosine of top-k codes of one sample of each law."""
    p = np.linspace(0.01, 1, thinned(200, scale, least=21))
    arrays = {"law.fraction": p} | {f"law.{law}": cosine(law, p) for law in LAWS}
    draws = np.random.Generator(np.random.Philox(key=SEED))
    samples = {
        "uniform": draws.uniform(-1, 1, SAMPLE),
        "gauss": draws.standard_normal(SAMPLE),
        "laplace": draws.laplace(size=SAMPLE),
    }
    k = np.linspace(0.04, 1, 13) * SAMPLE
    arrays["sample.fraction"] = k.round() / SAMPLE
    for law, w in samples.items():
        sums = np.cumsum(np.sort(np.abs(w))[::-1])[k.round().astype(int) - 1]
        arrays[f"sample.{law}"] = sums / np.sqrt(k.round() * (w @ w))
    return arrays


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """One curve a law, its maximum marked."""
    axes = canvas.subplots()
    for law, series in zip(LAWS, style.SERIES, strict=False):
        best = np.array([BEST[law]])
        top = cosine(law, best)
        axes.plot(
            arrays["law.fraction"], arrays[f"law.{law}"], lw=1.2, **series.line,
            label=f"{LABELS[law]}: best at {best[0]:.4f}, cosine {top[0]:.4f}",
        )  # fmt: skip
        axes.plot(arrays["sample.fraction"], arrays[f"sample.{law}"], ms=3.5, **_points(series))
        axes.plot(best, top, marker="|", ms=14, mew=1.4, color=series.colour)
    axes.axvline(0.5, color=style.GREY, lw=0.7, linestyle=style.DOTTED)
    axes.annotate("half-half (SiMaN) ", (0.5, 0.43), color=style.GREY, fontsize=8, ha="right")
    axes.set(xlabel="fraction of ones", ylabel=r"$\cos(|w|,B)$", xlim=(0, 1.01), ylim=(0.4, 1.0))
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.08))


def _points(series: style.Series) -> dict[str, Any]:
    return {
        "color": series.colour,
        "marker": series.marker,
        "linestyle": "none",
        "markerfacecolor": "white",
    }


FIGURE = Figure(
    id="Q11",
    title="Half of the weights is not the best share of ones",
    caption=rf"""
    Cosine between weights in absolute value and their best binary code $B\in\{{0,1\}}^n$ with a given fraction of
    ones, which takes the largest. Lines: population, from $E[|w|;|w|>\tau]$ and $P(|w|>\tau)$ in closed form;
    points: one sample of {SAMPLE} weights. Upright marks: the optimum, $e^{{-1}}$ for Laplace, .5405 for Gauss,
    $2/3$ for the uniform law. At the right end stands the plain sign, $B=1$. Taking one half (SiMaN) costs 1.3 %
    for Laplace weights and 0.13 % for Gaussian ones.
    """,
    size_mm=(120.0, 82.0),
    shows=("S45",),
    data=data,
    draw=draw,
    seed=SEED,
)
