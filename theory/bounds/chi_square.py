"""Wasserstein-2 at rate 1/n in closed form, for one hidden layer of a bounded activation."""

import math

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import BOUNDED, GAUSSIAN_FIRST, GAUSSIAN_READOUT, ONE_HIDDEN, REGULAR
from theory.bounds.setting import Setting

# Deviations of the whitened covariance that count as typical, in Frobenius norm.
RADII = tuple(0.05 * i for i in range(1, 20))


@network_bound(
    distance="W2",
    rate=-1,
    needs=(GAUSSIAN_FIRST, GAUSSIAN_READOUT, ONE_HIDDEN, BOUNDED, REGULAR),
    source="claim B18, cut off where claim B70 makes the rest exponentially small",
)
def chi_square(setting: Setting) -> Terms:
    r"""Upper bound on W2 through the chi-square distance, of order 1/n, without sampling.

    H = K^{-1/2} S K^{-1/2} - I is a mean of n independent centred matrices. Restricted to |H| <= r < 1
    (Frobenius), an event of probability P, and with x = r^2,

    .. math:: \chi^2 \le P^{-2}\Bigl(\tfrac m2\,|E[H;|H|>r]|^2
              + \frac{(1-x)^{-m/2}-1-\tfrac m2x}{x^2}\,(E|H|^2)^2\Bigr),

    because -ln det(I - H H') is a sum of traces, each at most a power of |H||H'|. Then W2^2 is at most
    2 |K| ln(1 + chi^2), plus the largest cost m d_B^2 times P(|H| > r), which McDiarmid's inequality
    for |H| makes exponentially small in n. The radius is the best of a fixed list: any of them is
    valid. Source: claim B18; W2^2 is convex, and at most 2 |K| times the relative entropy (Talagrand).
    """
    k, m, n = setting.inputs, setting.outputs, setting.widths[0]
    weight = setting.weight_variance(1)
    bound = setting.arch.layers[0].activation.bound
    least, largest = float(setting.eigenvalues[0]), float(setting.eigenvalues[-1])
    # c_w |K^(-1/2) sigma|^2 <= step: another neuron moves |H| by sqrt 2 step / n.
    step = weight * k * bound**2 / least
    second = weight**2 * setting.feature_fluctuation / (least**2 * n)
    free = float(setting.limit.trace()) - k * setting.arch.bias_stds[1] ** 2
    cost = m * (weight * k * bound**2 + free)
    options = [_at_radius(r, step, second, cost, largest, m, n) for r in RADII]
    value, inside, radius = min(options)
    return Terms(
        {"typical covariances": inside, "rare covariances": value - inside}
        if math.isfinite(value)
        else {"rare covariances": value},
        {"radius": radius, "E |H|^2": second},
    )


def _at_radius(
    r: float, step: float, second: float, cost: float, largest: float, m: int, n: int
) -> tuple[float, float, float]:
    """Value, its part from |H| <= r, and r."""
    excess = max(r - math.sqrt(second), 0.0)
    rare = math.exp(-n * (excess / step) ** 2)
    if rare > 0.5:
        return math.inf, math.inf, r
    linear = 0.5 * m * second * rare  # |E[H; out]|^2 <= E|H|^2 P(out)
    x = r * r
    series = ((1 - x) ** (-m / 2) - 1 - 0.5 * m * x) / x**2
    chi = (linear + series * second**2) / (1 - rare) ** 2
    inside = 2 * largest * math.log1p(chi)
    return math.sqrt(inside + cost * rare), math.sqrt(inside), r
