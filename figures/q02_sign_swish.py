"""Q2: SignSwish, its derivative with the negative lobe, and the weights that BNN++ trains with it."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

from figures import style
from figures.base import Array, Arrays, Figure, thinned
from theory.quantized import Adam, Classifier, bnn_plus_plus
from theory.quantized.quantizers import sign_swish, sign_swish_slope

ROOT = 2.3993572805
BETA = 5.0
SEED = 0
EPOCHS = 25


def data(scale: float = 1.0) -> dict[str, Array]:
    """Curves in beta x, and latent weights before and after training on handwritten digits."""
    grid = np.linspace(-8, 8, thinned(801, scale, least=41))
    X, y = load_digits(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    trainer = bnn_plus_plus(0.02, BETA, sharpness=1, direction=Adam())
    model = Classifier(
        trainer, hidden=(32,), epochs=thinned(EPOCHS, scale), batch=64, seed=SEED
    ).fit(X, y)
    latent = model.state_["trainer"]["latent"]
    edges = np.linspace(-8, 8, 65)
    start = trainer.start(model.network_, SEED)["latent"]
    counts = [np.histogram(np.clip(BETA * w, -8, 8), edges)[0] / w.size for w in (start, latent)]
    return {
        "curve.x": grid,
        "curve.value": sign_swish(grid, 1.0),
        "curve.slope": sign_swish_slope(grid, 1.0),
        "weights.low": edges[:-1],
        "weights.high": edges[1:],
        "weights.start": counts[0],
        "weights.trained": counts[1],
        "share.beyond": np.array([np.mean(np.abs(BETA * w) > ROOT) for w in (start, latent)]),
    }


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Curves above, histograms beneath, one axis."""
    curves, weights = canvas.subplots(2, 1, sharex=True, height_ratios=(1.7, 1))
    _draw_curves(curves, arrays)
    edges = [*arrays["weights.low"], arrays["weights.high"][-1]]
    shares = arrays["share.beyond"]
    for column, series, share in (
        ("start", style.SERIES[2], shares[0]),
        ("trained", style.SERIES[0], shares[1]),
    ):
        label = f"{column}: {share:.0%} beyond $x_0$"
        weights.stairs(
            arrays[f"weights.{column}"], edges, color=series.colour, lw=1.0, label=label,
            fill=column == "trained", alpha=0.55 if column == "trained" else None,
        )  # fmt: skip
    for side in (-ROOT, ROOT):
        weights.axvline(side, color=style.BLACK, lw=0.6, linestyle=style.DOTTED)
    weights.set(xlabel=r"latent weight $\beta x$", ylabel="share of weights", xlim=(-8, 8))
    weights.legend(loc="upper right")
    style.letter(curves, "a", "the map and its derivative")
    style.letter(weights, "b", "latent weights of BNN++ on digits")


def _draw_curves(axes: Axes, arrays: Arrays) -> None:
    x, value, slope = (arrays[f"curve.{name}"] for name in ("x", "value", "slope"))
    axes.plot(x, value, label=r"$\mathrm{SS}_\beta(x)$", **style.SERIES[0].line)
    axes.plot(x, slope, label=r"$\mathrm{SS}_\beta'(x)/\beta$", **style.SERIES[1].line)
    axes.fill_between(x, slope, 0, where=list(slope < 0), color=style.VERMILLION, alpha=0.35, lw=0)
    axes.fill_between(x, value, 1, where=list(value > 1), color=style.BLUE, alpha=0.2, lw=0)
    axes.fill_between(x, value, -1, where=list(value < -1), color=style.BLUE, alpha=0.2, lw=0)
    axes.axhline(0, color=style.BLACK, lw=0.5)
    for side in (-1, 1):
        axes.axhline(side, color=style.GREY, lw=0.5)
        axes.axvline(side * ROOT, color=style.BLACK, lw=0.6, linestyle=style.DOTTED)
    axes.annotate(r"$x_0=2.3994$", (ROOT, -0.6), (ROOT + 0.15, -0.6), va="center")
    axes.annotate(r"$x_0/2=1.1997$", (ROOT, ROOT / 2), (ROOT + 0.5, 1.32), va="center")
    axes.set(ylabel="value", ylim=(-1.4, 1.5))
    axes.legend(loc="center left", bbox_to_anchor=(0.0, 0.68))


FIGURE = Figure(
    id="Q2",
    title="SignSwish is not monotone",
    caption=rf"""
    (a) The forward map $\mathrm{{SS}}_\beta$ of BNN++ passes $\pm1$ by 19.97 % at $\beta x=\pm x_0$,
    $x_0\tanh(x_0/2)=2$, where its value is exactly $\pm x_0/2$ for every $\beta$; beyond, its derivative is
    negative (shaded), so the gradient that a latent weight sees changes sign. (b) Latent weights of a network with
    64 inputs, 32 sign units and 10 outputs, trained by BNN++ on the handwritten digits of scikit-learn
    ($\beta={BETA:g}$ fixed, {EPOCHS} epochs of Adam with step 0.02): weights gather at the maximum; those beyond it
    are pushed the other way. The outer bins hold everything beyond $\pm8$.
    """,
    size_mm=(150.0, 105.0),
    shows=("S9", "S10"),
    data=data,
    draw=draw,
    seed=SEED,
)
