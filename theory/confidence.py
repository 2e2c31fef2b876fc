r"""One-sided confidence limits for means of independent samples, each labelled by what it rests on.

Where variables are bounded, limits are won by betting: the capital of a gambler who doubts that a mean is small.

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
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from theory.checks import positive, probability
from theory.errors import InputError

FloatArray = NDArray[np.float64]

# Quantiles of the training sample tried as cut-off, from mild to severe.
CUTS = (1.0, 0.999, 0.99, 0.95)
BETTING = "betting (Waudby-Smith and Ramdas)"
# Largest part of the capital at stake, and halvings of [0, 1].
BOLDEST = 0.75
HALVINGS = 36


@dataclass(frozen=True)
class Limit:
    """A one-sided confidence limit and the argument behind it.

    Parameters
    ----------
    value
        The limit.
    level
        Its confidence.
    method
        Name of the inequality; "asymptotic" in it means that the level holds for large samples
        only.
    """

    value: float
    level: float
    method: str


def upper_mean(samples: FloatArray, level: float, span: float | None = None) -> Limit:
    """Upper confidence limit for the mean of independent samples of a variable >= 0.

    Parameters
    ----------
    samples
        Shape (M,), M >= 2.
    level
        Confidence, in (0, 1).
    span
        An a-priori upper bound on the variable. With it the limit holds at every M (betting,
        claim B79); without it it rests on the central limit theorem.

    Raises
    ------
    InputError
        With fewer than two samples, a level outside (0, 1), or a sample outside [0, span].
    """
    values = _samples(samples)
    level = probability(level, "level")
    if span is None:
        margin = float(ndtri(level)) * float(values.std(ddof=1)) / math.sqrt(values.size)
        return Limit(float(values.mean()) + margin, level, "central limit theorem (asymptotic)")
    return Limit(
        span * (1 - betting_lower_mean(1 - _share(values, span), 1 - level)), level, BETTING
    )


def lower_mean(samples: FloatArray, level: float, span: float) -> Limit:
    """Lower confidence limit, at least 0, for the mean of a variable in [0, span]; as `upper_mean`."""
    values, level = _samples(samples), probability(level, "level")
    return Limit(span * betting_lower_mean(_share(values, span), 1 - level), level, BETTING)


def upper_gap(samples: FloatArray, target: float, level: float, span: float | None = None) -> Limit:
    """Upper confidence limit for |E Y - target|, from independent samples of Y.

    Parameters
    ----------
    samples
        Shape (M,), M >= 2.
    target
        Where the mean ought to be.
    level
        Confidence; each side takes half of the risk.
    span
        An a-priori bound on the distance of two values of Y. With it the limit holds at every M
        (claim B79); without it it rests on the central limit theorem.

    Raises
    ------
    InputError
        As `upper_mean`.
    """
    values = _samples(samples)
    half = (1 + probability(level, "level")) / 2
    low = float(values.min())
    mean = float(values.mean())
    above = upper_mean(values - low, half, span)
    return Limit(abs(mean - target) + above.value - (mean - low), level, above.method)


def lower_mean_cut(training: FloatArray, test: FloatArray, level: float) -> Limit:
    """Lower confidence limit for the mean of an unbounded variable >= 0, from two independent samples.

    The training sample chooses where to cut the variable off from above; what is left is bounded,
    and has the smaller mean. The limit holds at every sample size, and its relative error does
    not depend on the scale of the variable.

    Raises
    ------
    InputError
        As `lower_mean`; also for a negative training value.
    """
    values = _samples(test)
    cut = best_cut(training, level, values.size)[1]
    if cut == 0.0:
        return Limit(0.0, level, "trivial: the variable is not negative")
    return lower_mean(np.minimum(values, cut), level, cut)


def best_cut(training: FloatArray, level: float, size: int) -> tuple[float, float]:
    """Lower limit for the mean that about so many draws promise, and where to cut them off for it.

    To choose by, from a sample that decides nothing else: not a limit. (0, 0) for a sample of zeros.
    """
    pilot, risk = _samples(training), math.log(1 / (1 - probability(level, "level")))
    best = (-math.inf, 0.0)
    for quantile in CUTS:
        cut = float(np.quantile(pilot, quantile))
        if cut > 0:
            kept = np.minimum(pilot, cut)
            margin = math.sqrt(2 * float(kept.var(ddof=1)) * risk / size) + cut * risk / size
            best = max(best, (float(kept.mean()) - margin, cut))
    return best if best[1] > 0 else (0.0, 0.0)


def _samples(samples: FloatArray) -> FloatArray:
    values = np.asarray(samples, dtype=np.float64)
    if values.ndim != 1 or values.size < 2:
        raise InputError(
            f"a confidence limit needs samples of shape (M,) with M >= 2, got {values.shape}; draw more"
        )
    return values


def _share(values: FloatArray, span: float) -> FloatArray:
    """Samples as parts of their a-priori range."""
    span = positive(span, "span")
    # A bound reached in exact arithmetic may be passed by the rounding of the samples.
    if values.min() < 0 or values.max() > span * (1 + 1e-9):
        raise InputError(
            f"samples lie in [{values.min()}, {values.max()}], "
            f"outside the a-priori range [0, {span}]; give a range that holds"
        )
    share: FloatArray = np.minimum(values / span, 1.0)
    return share


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
