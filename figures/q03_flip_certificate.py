"""Q3: what BinaryConnect and AProx can certify about themselves, against the true gap."""

from itertools import pairwise, product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

import theory as th
from figures import style
from figures.base import Array, Arrays, Figure, thinned
from theory.quantized import (
    PAR,
    Batch,
    Network,
    Power,
    aprox,
    binary_connect,
    flip_certificate,
)

D, SAMPLES, SEED = 12, 30, 5
STEPS = 4000
RATE = 0.3
PENALTY = PAR((-1, 0, 1), (0.05,))


def data(scale: float = 1.0) -> dict[str, Array]:
    """Best gap so far, certificate, and what flips or overlaps cost, at steps spread over decades."""
    draws = np.random.Generator(np.random.Philox(key=SEED))
    X, y = draws.standard_normal((SAMPLES, D)), draws.standard_normal((SAMPLES, 1))
    batch = Batch(Network((D, 1), th.identity(), bias=False), X, y)
    start = draws.uniform(-1, 1, D)
    steps = thinned(STEPS, scale, least=50)
    shown = np.unique(np.geomspace(1, steps, 120).astype(int)) - 1
    found = {"bc": _binary(batch, start, steps), "aprox": _convex(batch, start, steps)}
    arrays: dict[str, Array] = {}
    for name, columns in found.items():
        arrays[f"{name}.step"] = shown + 1.0
        for column, values in columns.items():
            arrays[f"{name}.{column}"] = values[shown]
    return arrays


def _binary(batch: Batch, start: Array, steps: int) -> dict[str, Array]:
    """BinaryConnect over {-1, 1}^d, its minimum by going through all corners."""
    trainer = binary_connect(Power(RATE, -0.5), clip=None)
    state, latents, losses = trainer.start_at(start), [start], []
    for _ in range(steps):
        losses.append(batch.energy(trainer.weights(state)))
        state = trainer.step(state, batch)
        latents.append(state["latent"])
    least = min(batch.energy(np.array(corner, float)) for corner in product((-1, 1), repeat=D))
    rates = RATE * (np.arange(steps) + 1.0) ** -0.5
    bound, floor = flip_certificate(np.array(latents), rates)
    return {"gap": np.minimum.accumulate(losses) - least, "bound": bound, "cost": floor}


def _convex(batch: Batch, start: Array, steps: int) -> dict[str, Array]:
    """AProx on loss + Psi over [-1, 1]^d, a convex problem: the identity of S4 at its minimiser."""
    trainer = aprox(Power(RATE, -0.5), PENALTY)
    state, trail = trainer.start_at(start), []
    for _ in range(steps + 1):
        trail.append((state["latent"], float(state["mu"]), trainer.quantized(state)))
        state = trainer.step(state, batch)
    best = _minimiser(batch)
    values = [_total(batch, w) for _, _, w in trail[:-1]]
    overlaps = [_phi(*after[:2], before[2]) - _phi(*after) for before, after in pairwise(trail)]
    ends = np.array([_phi(u, mu, best) - _phi(u, mu, w) for u, mu, w in trail])
    total = np.cumsum(RATE * (np.arange(steps) + 1.0) ** -0.5)
    cost = np.cumsum(overlaps) / total
    return {
        "gap": np.maximum(np.minimum.accumulate(values) - _total(batch, best), 1e-16),
        "bound": (ends[0] - ends[1:]) / total + cost,
        "cost": cost,
    }


def _height(w: Array) -> float:
    return float(sum(PENALTY.penalty(entry) for entry in np.clip(w, -1, 1)))


def _total(batch: Batch, w: Array) -> float:
    return float(batch.energy(w)) + _height(w)


def _phi(u: Array, mu: float, w: Array) -> float:
    return float(w @ w / 2 - u @ w + mu * _height(w))


def _minimiser(batch: Batch) -> Array:
    """Proximal gradient until nothing moves."""
    w, rate = np.zeros(D), 0.3
    for _ in range(5000):
        w = PENALTY.map(rate)(w - rate * batch.gradient(w))
    return w


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Hard signs on the left, a convex regulariser on the right."""
    left, right = canvas.subplots(1, 2, sharey=True)
    _draw_run(left, arrays, "bc", r"price of flips $2\sum|u|/\sum\eta$")
    _draw_run(right, arrays, "aprox", r"overlaps $\sum\Delta_{\tau+1}(w_\tau)/\sum\eta$")
    left.set_ylabel("gap and bounds on it")
    style.letter(left, "a", "BinaryConnect, signs")
    style.letter(right, "b", "AProx, convex regulariser")


def _draw_run(axes: Axes, arrays: Arrays, name: str, cost: str) -> None:
    t = arrays[f"{name}.step"]
    for column, series, label in (
        ("bound", style.SERIES[0], "certificate"),
        ("cost", style.SERIES[2], cost),
        ("gap", style.SERIES[1], "true gap, best so far"),
    ):
        values = arrays[f"{name}.{column}"]
        seen = values > 1e-9
        axes.plot(t[seen], values[seen], lw=1.1, label=label, **series.line)
    axes.set(xscale="log", yscale="log", xlabel="step $t$")
    axes.legend(loc="lower left", fontsize=7)


FIGURE = Figure(
    id="Q3",
    title="Optimality certificates of BinaryConnect and of a convex relative",
    caption=rf"""
    Least squares with {SAMPLES} Gaussian samples in $d={D}$ weights, $\eta_t={RATE}\,t^{{-1/2}}$. (a)
    BinaryConnect: the certificate is read off latent weights alone, without the minimum; its floor is what flips
    cost, $O(\eta)$ each, which does not vanish while signs keep flipping. The true gap, from all $2^{{{D}}}$ sign
    vectors, reaches 0 or stays far below. (b) AProx, ProxConnect with a convex piecewise-affine regulariser
    ($a_0={PENALTY.slopes[0]}$): the same identity at the minimiser, where overlaps cost $O(\eta^2)$ a step and the
    bound falls with the gap. Values below $10^{{-9}}$ are left out.
    """,
    size_mm=(155.0, 78.0),
    shows=("S4", "S5"),
    data=data,
    draw=draw,
    seed=SEED,
)
