"""Q10: what moment propagation loses of the variance, by depth and by width, on nets whose laws are known exactly."""

from itertools import product

import numpy as np
from matplotlib.figure import Figure as Canvas
from scipy.special import ndtr

from figures import style
from figures.base import Array, Arrays, Figure, thinned

WIDTHS, DEPTH, NETS, SEED = (3, 5, 7, 9), 8, 24, 35
"""Odd widths: sums of an odd number of signs are never 0."""
SHOWN = (("normal", 2), ("marginal", 3), ("marginal", DEPTH))


def variances(ups: Array) -> tuple[Array, Array, Array]:
    """Variances of the sums of each layer from the second on: exact, by exact marginals, and by normal ones.

    Parameters
    ----------
    ups
        Probabilities of +1 of square layers, (layers, units, units); the input is 1 in every entry.

    Returns
    -------
    (layers - 1, units) each. The second drops the covariances of signals and nothing else; the third is what local
    reparameterisation propagates.
    """
    n = ups.shape[1]
    signs = np.array(list(product((-1.0, 1.0), repeat=n)))
    below = (signs @ signs.T) < 0  # pattern of weights, state of the layer before
    law = np.zeros(len(signs))
    law[-1] = 1.0
    normal_mean = np.ones(n)
    rows: list[list[Array]] = [[], [], []]
    for layer, up in enumerate(ups):
        mu, spread = 2 * up - 1, 4 * up * (1 - up)
        if layer:
            first = law @ signs
            joint = (signs * law[:, None]).T @ signs - np.outer(first, first)
            rows[0].append(spread.sum(axis=1) + np.einsum("ij,jk,ik->i", mu, joint, mu))
            rows[1].append(spread.sum(axis=1) + (mu**2) @ (1 - first**2))
            rows[2].append(spread.sum(axis=1) + (mu**2) @ (1 - normal_mean**2))
        variance = spread.sum(axis=1) + (mu**2) @ (1 - normal_mean**2)
        normal_mean = 2 * ndtr(mu @ normal_mean / np.sqrt(variance)) - 1
        down = np.stack([np.prod(np.where(signs > 0, p, 1 - p), axis=1) @ below for p in up])
        following = np.ones((len(signs), len(signs)))  # state before, state after
        for unit in range(n):
            chance = down[unit][:, None]
            following *= np.where(signs[:, unit] > 0, 1 - chance, chance)
        law = law @ following
    exact, marginal, normal = (np.array(row) for row in rows)
    return exact, marginal, normal


def data(scale: float = 1.0) -> dict[str, Array]:
    """Mean relative errors of the variance over units and nets, with standard errors over nets."""
    draws = np.random.Generator(np.random.Philox(key=SEED))
    arrays: dict[str, Array] = {"depth.layer": np.arange(2.0, DEPTH + 1)}
    arrays["width.n"] = np.array(WIDTHS, dtype=float)
    for width in WIDTHS:
        nets = [
            variances(draws.uniform(0.05, 0.95, (DEPTH, width, width)))
            for _ in range(thinned(NETS, scale))
        ]
        for k, name in ((1, "marginal"), (2, "normal")):
            errors = np.array([np.abs(one[k] / one[0] - 1).mean(axis=1) for one in nets])
            error = errors.std(axis=0, ddof=1) / np.sqrt(len(nets))
            arrays[f"depth.{name}{width}"] = np.stack([errors.mean(axis=0), error], axis=1)
    for name, layer in SHOWN:
        rows = [arrays[f"depth.{name}{width}"][layer - 2] for width in WIDTHS]
        arrays[f"width.{name}{layer}"] = np.array(rows)
    return arrays


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Against depth for each width, and against the width for two depths."""
    left, middle, right = canvas.subplots(1, 3, sharey=True)
    layer, n = arrays["depth.layer"], arrays["width.n"]
    for axes, name in ((left, "marginal"), (middle, "normal")):
        for series, width in zip(style.SERIES, WIDTHS, strict=False):
            value, error = arrays[f"depth.{name}{width}"].T
            # Zero, up to rounding, at the second layer with exact marginals.
            seen = value > 1e-12
            axes.errorbar(
                layer[seen],
                value[seen],
                error[seen],
                label=f"$n={width}$",
                **{**series.points, "linestyle": series.dash, "lw": 0.8},
            )
        axes.set(xlabel="layer $l$", xlim=(1.6, DEPTH + 0.4))
    for series, (name, depth) in zip(style.SERIES, SHOWN, strict=False):
        value, error = arrays[f"width.{name}{depth}"].T
        look = {**series.points, "linestyle": series.dash, "lw": 0.8}
        right.errorbar(
            n,
            value,
            error,
            label=f"$l={depth}$, {name} marginals".replace("marginal m", "exact m"),
            **look,
        )
    right.set(xlabel="width $n$", xticks=WIDTHS)
    left.set(yscale="log", ylabel=r"mean of $|v_{\mathrm{propagated}}/v-1|$")
    left.legend(loc="lower right", ncols=2)
    right.legend(loc="center right", bbox_to_anchor=(1.0, 0.58), fontsize=7)
    style.letter(left, "a", "exact marginals")
    style.letter(middle, "b", "normal marginals")
    style.letter(right, "c", "against the width")


FIGURE = Figure(
    id="Q10",
    title="Propagated variances are exact for two layers and wrong from the third on",
    caption=r"""
    Networks of $n$ signs a layer with independent binary weights, $P(+1)$ uniform on $[0.05,0.95]$, one input:
    variance $v$ of the sums of layer $l$ from the exact joint law, against the propagated one. Means over units
    and 24 nets, bars: standard errors over nets. (a) With the exact sign probabilities of each unit only the
    covariances of signals are dropped: exact at $l=2$. (b) With $\Phi(m/s)$ of the propagated moments, as local
    reparameterisation has it. (c) Against the width: the error of the normal law alone at $l=2$, which falls, and
    that of the covariances.
    """,
    size_mm=(160.0, 70.0),
    shows=("S35",),
    data=data,
    draw=draw,
    seed=SEED,
)
