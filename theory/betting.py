r"""Confidence limits by betting: the capital of a gambler who doubts that a mean is small.

For X in [0, 1] with mean m, independent draws, and stakes lambda_t in [0, c/m] that depend on earlier
draws alone,

    K_t(m) = prod_{i <= t} (1 + lambda_i (X_i - m))

is a martingale >= 0 that starts at 1, so P(sup_t K_t(m) >= 1/alpha) <= alpha (Ville): means at which the
capital ever reached 1/alpha are ruled out, at every sample size and every time of looking. Each factor
falls in m, also where the stake is cut off at c/m; what is ruled out is therefore an interval from 0, and its
end is found by bisection. Source: Waudby-Smith and Ramdas, J. R. Stat. Soc. B 86 (2024), "predictable
plug-in" stakes; claim B79.
"""

import math

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# Largest part of the capital at stake, and halvings of [0, 1].
BOLDEST = 0.75
HALVINGS = 36


def betting_lower_mean(values: FloatArray, alpha: float) -> float:
    """Lower confidence limit for the mean of independent variables in [0, 1], in the order of the draws.

    Parameters
    ----------
    values
        Shape (M,), M >= 1, in [0, 1].
    alpha
        Risk, in (0, 1).

    Returns
    -------
    float
        Largest mean, to 2^-36 from below, at which the capital reached 1 / alpha; 0 where none did.
    """
    stakes, target = _stakes(values, alpha), math.log(1 / alpha)
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        # The stake min(lambda, c / m) leaves at least 1 - c of the capital at X = 0.
        gains = np.log1p(np.minimum(stakes, BOLDEST / middle) * (values - middle))
        if float(np.cumsum(gains).max()) >= target:
            low = middle
        else:
            high = middle
    return low


def _stakes(values: FloatArray, alpha: float) -> FloatArray:
    """Stakes sqrt(2 ln(1/alpha) / (M v_t)), v_t a variance estimated before draw t."""
    seen = np.arange(1, values.size + 1)
    means = (0.5 + np.cumsum(values)) / (seen + 1)
    squares = (0.25 + np.cumsum((values - means) ** 2)) / (seen + 1)
    before = np.concatenate([[0.25], squares[:-1]])
    stakes: FloatArray = np.sqrt(2 * math.log(1 / alpha) / (values.size * before))
    return stakes
