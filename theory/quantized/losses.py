"""Losses of small networks as data: value and derivative a sample, and how class numbers become targets.

Squared loss, squared hinge and the number of errors are exact on arrays of ``Fraction``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Loss:
    """A loss of outputs f and targets y, both of shape (samples, outputs).

    Parameters
    ----------
    name
        To print.
    value
        (f, y) -> loss of each sample, shape (samples,).
    derivative
        (f, y) -> its derivative in f, of the shape of f; None where training has only values.
    signed
        Whether class k is the target -1, ..., +1, ..., -1; else it is 0, ..., 1, ..., 0.
    """

    name: str
    value: Callable[[Array, Array], Array]
    derivative: Callable[[Array, Array], Array] | None
    signed: bool = True

    def targets(self, classes: NDArray[np.int64], count: int) -> NDArray[np.float64]:
        """Return the targets (samples, count) of class numbers (samples,)."""
        hot = np.eye(count)[classes]
        return 2 * hot - 1 if self.signed else hot

    def __str__(self) -> str:
        return self.name


def _positive(values: Array) -> Array:
    return np.where(values > 0, values, 0 * values)


def _softmax(f: Array) -> Array:
    shifted = np.exp(f - f.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def _cross_entropy(f: Array, y: Array) -> Array:
    top = f.max(axis=1, keepdims=True)
    return np.asarray(np.log(np.exp(f - top).sum(axis=1)) - ((f - top) * y).sum(axis=1))


def wrong(f: Array, y: Array) -> Array:
    """Return 1 for each sample that is misclassified, else 0, as integers.

    One output: f >= 0 stands for the target +1. Several: the first largest output, against the largest target.
    """
    single = f.shape[1] == 1
    found, wanted = (f >= 0, y > 0) if single else (f.argmax(axis=1), y.argmax(axis=1))
    missed = np.reshape(found != wanted, len(f))
    return missed.astype(np.int64)


def _squares(f: Array, y: Array) -> Array:
    return ((f - y) * (f - y)).sum(axis=1) / 2


def _difference(f: Array, y: Array) -> Array:
    return f - y


def _hinges(f: Array, y: Array) -> Array:
    return (_positive(1 - f * y) * _positive(1 - f * y)).sum(axis=1) / 2


def _hinge_slope(f: Array, y: Array) -> Array:
    return -y * _positive(1 - f * y)


def _excess(f: Array, y: Array) -> Array:
    return _softmax(f) - y


squared = Loss("squared", _squares, _difference)
"""Half the sum of squares, the loss of ``theory.dynamics``."""

squared_hinge = Loss("squared_hinge", _hinges, _hinge_slope)
"""Half the sum of (1 - f y)_+^2, the loss of BNN and GXNOR-Net."""

cross_entropy = Loss("cross_entropy", _cross_entropy, _excess, signed=False)
"""Softmax and negative log-likelihood, in nats; float64 only."""

errors = Loss("errors", wrong, None)
"""The number of misclassified samples; it has values and no derivative."""
