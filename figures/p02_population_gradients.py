"""P2: population gradients of straight-through estimators beside the true gradient, and where they lead."""

from collections.abc import Callable

import numpy as np
import sympy as sp
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.stats import norm

from figures import style
from figures.base import Array, Arrays, Figure, thinned
from proofs_check.claims import population as law
from proofs_check.claims.population import ESTIMATORS, LENGTH, SLOPES, STAR, V

NAMES = {
    "identity": "identity",
    "relu": "ReLU",
    "clipped": "clipped ReLU",
    "hardtanh": "hardtanh",
    "gaussian": "Gaussian",
}
"""Tables and names in the claims; k of the Gaussian is that of T57.sampled."""
RATE = 0.9
SAMPLED_ANGLES, DRAWS = (0.4, 1.1, 1.8, 2.6), 100_000
LENGTHS = (0.05, 4.0)
STEP, STEPS, EVERY = 0.02, 2000, 10
START = 2.4
"""Angle of student and teacher where descent begins."""
ALIGNED = 1e-9
"""Angle below which student and teacher count as one direction."""
SEED = 56
Z95 = float(norm.ppf(0.975))

Components = Callable[..., tuple[float, float]]


def components(name: str) -> Components:
    """Return E g along e and t as a function of (cot theta, |w|, |v|^2, v.v*, 1.v, 1.v*)."""
    parts = law.mean_gradient(ESTIMATORS[NAMES[name]])
    symbols = (law.c, law.w, law.vv, law.vs, law.one_v, law.one_s)
    plain = [part.subs(law.k, sp.Float(RATE)) for part in parts]
    normal = {"phi": norm.pdf, "Phi": norm.cdf}
    found: Components = sp.lambdify(symbols, plain, [normal, "scipy"])
    return found


def _at(v: Array, angle: float, length: float) -> tuple[float, ...]:
    """Arguments of ``components`` at a student (v, w)."""
    products = float(v @ v), float(v @ STAR), float(v.sum()), float(STAR.sum())
    return 1 / float(np.tan(angle)), length, *products


def angle_to_truth(along: tuple[float, float]) -> float:
    """Angle in degrees of E g with the true gradient, which points along -(v.v*) t, from components along e, t."""
    return float(np.degrees(np.arctan2(abs(along[0]), -np.sign(V @ STAR) * along[1])))


def data(scale: float = 1.0) -> dict[str, Array]:
    """Angles by theta, sampled ones beside; gain by length; losses along coarse descent."""
    theta = np.linspace(0.02, np.pi - 0.02, thinned(80, scale, least=9))
    lengths = np.geomspace(*LENGTHS, thinned(60, scale, least=9))
    arrays = {"angle.theta": theta, "gain.length": lengths}
    sampled = np.array(SAMPLED_ANGLES)
    arrays["sampled.theta"] = sampled
    for place, name in enumerate(NAMES):
        gradient = components(name)
        arrays[f"angle.{name}"] = np.array(
            [angle_to_truth(gradient(*_at(V, t, LENGTH))) for t in theta]
        )
        # Both along t: the true gradient is -(v.v*) / (2 pi |w|).
        arrays[f"gain.{name}"] = np.array(
            [gradient(*_at(V, law.ANGLE, n))[1] / -(V @ STAR) * 2 * np.pi * n for n in lengths]
        )
        rows = np.array([_sampled(name, t, SEED + place, scale) for t in SAMPLED_ANGLES])
        arrays |= {f"sampled.{name}": rows[:, 0], f"sampled.{name}_stderr": rows[:, 1]}
    steps = thinned(STEPS, scale, least=20)
    arrays["descent.step"] = np.arange(0, steps + 1, EVERY, dtype=float)
    for name in NAMES:
        arrays[f"descent.{name}"] = _descent(components(name), steps)[::EVERY]
    return arrays | {"descent.true": _descent(_true, steps)[::EVERY]}


def _true(
    cot: float, length: float, vv: float, vs: float, one_v: float, one_s: float
) -> tuple[float, float]:
    """The true gradient, along t alone."""
    del cot, vv, one_v, one_s
    return 0.0, -vs / (2 * np.pi * length)


def _sampled(name: str, theta: float, seed: int, scale: float) -> tuple[float, float]:
    """Angle of the mean of sampled gradients, and its standard error by the delta method."""
    random = np.random.Generator(np.random.Philox(key=seed))
    along, across = random.standard_normal((2, thinned(DRAWS, scale, least=4000), len(V)))
    teacher = np.cos(theta) * along + np.sin(theta) * across > 0
    residual = (along > 0) @ V - teacher @ STAR
    weights = residual[:, None] * V * SLOPES[NAMES[name]](LENGTH * along)
    pair = np.stack([(weights * along).sum(axis=1), (weights * across).sum(axis=1)])
    mean, covariance = pair.mean(axis=1), np.cov(pair) / pair.shape[1]
    turn = np.array([-mean[1], mean[0]]) / (mean @ mean)
    error = np.degrees(np.sqrt(turn @ covariance @ turn))
    return angle_to_truth((mean[0], mean[1])), float(error)


def loss(v: Array, theta: float) -> float:
    """Population loss, T56."""
    both = np.eye(len(v)) + 1
    mixed = (1 - 2 * theta / np.pi) * np.eye(len(v)) + 1
    return float(v @ both @ v - 2 * v @ mixed @ STAR + STAR @ both @ STAR) / 8


def _descent(gradient: Components, steps: int) -> Array:
    """Losses along descent with E g, or another field, for w and the gradient for v."""
    size = len(STAR)
    both, v = np.eye(size) + 1, V.copy()
    w = LENGTH * np.array([np.cos(START), np.sin(START)])  # the teacher is (1, 0)
    losses = []
    for _ in range(steps + 1):
        length = float(np.hypot(*w))
        e = w / length
        t = np.sign(e[1] or 1.0) * np.array([e[1], -e[0]])  # towards the teacher
        theta = max(float(np.arctan2(abs(e[1]), e[0])), ALIGNED)
        losses.append(loss(v, theta))
        mixed = (1 - 2 * theta / np.pi) * np.eye(size) + 1
        slope = (both @ v - mixed @ STAR) / 4
        along = gradient(*_at(v, theta, length))
        v, w = v - STEP * slope, w - STEP * (along[0] * e + along[1] * t)
    return np.array(losses)


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Angle against theta, gain against the length of w, and losses."""
    angle, gain, descent = canvas.subplots(1, 3, width_ratios=(1.15, 1, 1))
    for series, (name, label) in zip(style.SERIES, NAMES.items(), strict=True):
        angle.plot(arrays["angle.theta"], arrays[f"angle.{name}"], label=label, **series.line)
        reach = Z95 * arrays[f"sampled.{name}_stderr"]
        angle.errorbar(arrays["sampled.theta"], arrays[f"sampled.{name}"], reach, **series.points)
        gain.plot(arrays["gain.length"], arrays[f"gain.{name}"], **series.line)
        descent.plot(arrays["descent.step"], arrays[f"descent.{name}"], **series.line)
    descent.plot(arrays["descent.step"], arrays["descent.true"], color=style.BLACK, lw=0.8)
    angle.axhline(90.0, color=style.GREY, lw=0.8, ls=style.DOTTED)
    angle.set_xticks(np.pi * np.array([0, 0.5, 1.0]), ["$0$", r"$\pi/2$", r"$\pi$"])
    angle.set(xlabel=r"angle $\theta$ of student and teacher", ylim=(60, 95))
    angle.set_ylabel("angle to the true gradient, degrees")
    _log(gain, "length $|w|$", "coarse over true slope of $f$")
    gain.set_yscale("log")
    descent.set(xlabel="steps", ylabel="population loss $f$", yscale="log")
    descent.annotate(
        "true gradient", (0.97, 0.97), xycoords="axes fraction", ha="right", va="top", fontsize=8
    )
    canvas.legend(*angle.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    for axes, letter in zip((angle, gain, descent), "abc", strict=True):
        style.letter(axes, letter)


def _log(axes: Axes, across: str, up: str) -> None:
    style.quiet_log(axes)
    axes.set(xlabel=across, ylabel=up)


FIGURE = Figure(
    id="P2",
    title="Straight-through estimators point within a right angle of the true gradient",
    caption=rf"""
    $f(v,w)=\frac{{1}}{{2}}\mathbb{{E}}(v^T1\{{Zw>0\}}-v^{{*T}}1\{{Zw^*>0\}})^2$ with {len(V)} neurons,
    $v={tuple(map(float, V))}$, $v^*={tuple(map(float, STAR))}$, Gaussian inputs. (a) Angle between the mean coarse
    gradient $\mathbb{{E}}g$ in $w$ and $\partial_wf$, at $|w|={LENGTH}$: lines by closed forms, marks by {DRAWS}
    samples, whiskers 95 %. A non-negative surrogate stays below a right angle (dotted); what is left is along $w$, on
    which $f$ does not depend. (b) The component of $\mathbb{{E}}g$ across $w$ over that of the true gradient,
    $2\pi|w|C_2$, at $\theta={law.ANGLE}$. (c) Loss along descent of step ${STEP}$ with $\mathbb{{E}}g$ for $w$ and
    the gradient for $v$, from $\theta={START}$; black: with the true gradient, whose steps overshoot the kink of $f$
    at $\theta=0$.
    """,
    size_mm=(160.0, 78.0),
    shows=("T56", "T57", "T57.sampled"),
    data=data,
    draw=draw,
    seed=SEED,
)
