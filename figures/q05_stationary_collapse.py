"""Q5: stationary laws of one weight against the step size: all rules tend to one law, which no decay changes."""

from fractions import Fraction

import numpy as np
from matplotlib.figure import Figure as Canvas

from figures import style
from figures.base import Array, Arrays, Figure, thinned
from proofs_check.claims.quantized_small_steps import generator, kernel, law
from theory.quantized import LinearRule, TanhRule

RULES: dict[str, LinearRule | TanhRule] = {
    "linear": LinearRule(),
    "m1": TanhRule(1.0),
    "m3": TanhRule(3.0),
    "m10": TanhRule(10.0),
}
LABELS = {"linear": "stochastic rounding", "m1": "$m=1$", "m3": "$m=3$", "m10": "$m=10$"}
RANGE = (1e-4, 1 / 12.5)  # the largest gradient of the instance is 12


def data(scale: float = 1.0) -> dict[str, Array]:
    """Probability of the weight 0, and total variation to the law of the limit, by rule."""
    rates = np.geomspace(*RANGE, thinned(40, scale, least=4))
    limit = np.array([float(p) for p in law(generator(1), 1)])
    arrays: dict[str, Array] = {"rate.rate": rates, "limit.zero": limit[[1]]}
    for name, rule in RULES.items():
        laws = np.array([_law(rate, rule) for rate in rates])
        arrays[f"rate.{name}"] = laws[:, 1]
        if name != "linear":
            arrays[f"rate.tv_{name}"] = np.abs(laws - limit).sum(axis=1) / 2
    return arrays


def _law(rate: float, rule: LinearRule | TanhRule) -> list[float]:
    exact = Fraction(rate).limit_denominator(10**9)
    return [float(p) for p in law(kernel(exact, 1, rule), 1)]


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """The probability of 0 on the left, the distance to the limit on the right."""
    left, right = canvas.subplots(1, 2)
    rates = arrays["rate.rate"]
    for name, series in zip(RULES, style.SERIES, strict=False):
        left.plot(rates, arrays[f"rate.{name}"], label=LABELS[name], **series.line)
        if name != "linear":
            right.plot(rates, arrays[f"rate.tv_{name}"], label=LABELS[name], **series.line)
    left.axhline(float(arrays["limit.zero"][0]), color=style.GREY, lw=0.6)
    guide = arrays["rate.tv_m1"][0] / 30 * (rates / rates[0]) ** 2
    right.plot(rates, guide, color=style.GREY, lw=0.8, linestyle=style.DOTTED, label=r"slope 2")
    style.quiet_log(left)
    style.quiet_log(right)
    style.quiet_log(right, "y")
    left.set(xlabel=r"step size $\alpha$", ylabel=r"stationary probability $\pi_\alpha(0)$")
    right.set(
        xlabel=r"step size $\alpha$", ylabel=r"total variation $\frac{1}{2}|\pi_\alpha-\pi_G|$"
    )
    left.legend(loc="best", fontsize=7)
    right.legend(loc="upper left", fontsize=7)
    style.letter(left, "a", "decay does not anneal")
    style.letter(right, "b", "distance to the limit")


FIGURE = Figure(
    id="Q5",
    title="Stationary laws of discrete state transition collapse: a smaller step only slows the chain",
    caption=r"""
    One ternary weight, squared loss, gradients of single samples, five samples $(1,1),(2,-1),(-1,2),(3,1),(1,-2)$.
    (a) Stationary probability of the weight 0 against the step size. Stochastic rounding: exactly the same at every
    step size. The tanh rule: different at steps of the order of the spacing, and for small steps the same law for
    every $m$. (b) Total variation to that law falls as the square of the step size. Kernels in rational arithmetic,
    tanh in double precision.
    """,
    size_mm=(150.0, 70.0),
    shows=("S18",),
    data=data,
    draw=draw,
)
