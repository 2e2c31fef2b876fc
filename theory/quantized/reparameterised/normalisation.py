r"""Batch normalisation of normal laws: the variance of a unit over samples and noise together (S38).

    Var = mean_b(v_b) + var_b(m_b)

In training the statistics are those of the batch; what predicts uses their running means, so that a prediction depends
on its own input alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
EPSILON = 1e-5


@dataclass(frozen=True)
class Normalised:
    """Laws (samples, units) after normalisation, with what the way back needs."""

    mean: Float
    variance: Float
    centre: Float
    total: Float
    standard: Float
    spread: Float
    gain: Float


def normalised(mean: Float, variance: Float, gain: Float, shift: Float) -> Normalised:
    """Normalise over the batch, then scale by ``gain`` and move by ``shift``, one number a unit."""
    centre = mean.mean(axis=0)
    total = variance.mean(axis=0) + mean.var(axis=0)
    root = 1 / np.sqrt(total + EPSILON)
    standard, spread = (mean - centre) * root, variance * root**2
    return Normalised(
        gain * standard + shift, gain**2 * spread, centre, total, standard, spread, gain
    )


def normalised_pullback(
    tape: Normalised, by_mean: Float, by_variance: Float
) -> tuple[Float, Float, Float, Float]:
    """Return derivatives by mean, variance, gain and shift from those by the results."""
    samples, gain = len(by_mean), tape.gain
    root = 1 / np.sqrt(tape.total + EPSILON)
    by_gain = (by_mean * tape.standard + 2 * gain * by_variance * tape.spread).sum(axis=0)
    # d/d(total) through the common factor 1/sqrt(total + eps), which stands once in the mean and twice in the variance.
    by_total = (
        -0.5
        * root**2
        * (gain * by_mean * tape.standard + 2 * gain**2 * by_variance * tape.spread).sum(axis=0)
    )
    direct = gain * root * by_mean
    back = direct - direct.mean(axis=0) + 2 * by_total * tape.standard / root / samples
    return back, gain**2 * root**2 * by_variance + by_total / samples, by_gain, by_mean.sum(axis=0)


def applied(z: Float, centre: Float, total: Float, gain: Float, shift: Float) -> Float:
    """Normalise numbers with given statistics: what predicts."""
    return np.asarray(gain * (z - centre) / np.sqrt(total + EPSILON) + shift)
