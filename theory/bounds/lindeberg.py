"""Smooth statistics of networks with binary readout: as near to those of a Gaussian readout as 1/n."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from theory.bounds.base import ROUND_UP, Bound, bound
from theory.bounds.hypotheses import GAUSSIAN_FIRST, HIDDEN, TWO_POINT_READOUT
from theory.bounds.setting import Setting
from theory.checks import positive
from theory.coupling import fluctuation
from theory.errors import DomainError
from theory.kernels import Architecture

NEEDS = (HIDDEN, GAUSSIAN_FIRST, TWO_POINT_READOUT)


@bound
def lindeberg(
    arch: Architecture, X: ArrayLike, widths: int | Sequence[int], fourth_derivative: float
) -> Bound:
    r"""Upper bound :math:`\tfrac16\|D^4h\|\,c_w^2n^{-1}E|\sigma(g)|^4` on |E h(f(X)) - E h(f'(X))|.

    f' is the same network with a Gaussian readout of the same variance.
    Third moments match, and the remainders of Lindeberg's exchange add up to (1 + 3)/24. Not a distance of
    laws: those may stay of order n^{-1/2} apart (claim B41).

    Parameters
    ----------
    arch, X, widths
        A network with +-1 readout, inputs (k, d), hidden widths. One hidden layer: E|sigma|^4 in closed form; more: at
        most k^2 sup|sigma|^4, for bounded activations.
    fourth_derivative
        sup |D^4 h|, as a form on R^k with the Euclidean norm.

    Raises
    ------
    DomainError
        If a hypothesis fails; with several hidden layers also for an unbounded last activation.
    InputError
        For bad inputs or widths, or a derivative that is not positive.

    Notes
    -----
    Source: claim B44.
    """
    size = positive(fourth_derivative, "fourth_derivative")
    setting = Setting(arch, X, widths, 1, 2, 0, 0.5)
    failures = [reason for need in NEEDS if (reason := need.failure(setting)) is not None]
    if failures:
        raise DomainError(f"lindeberg does not apply: {'; '.join(failures)}")
    activation, k = arch.layers[-1].activation, setting.inputs
    if len(setting.widths) == 1:
        square = float((setting.feature_moment**2).sum())
        fourth = fluctuation(activation, setting.covariances[0]) + square
    elif math.isfinite(activation.bound):
        fourth = k**2 * activation.bound**4
    else:
        raise DomainError(
            f"lindeberg needs a bounded last activation at {len(setting.widths)} hidden layers, got {activation}; "
            f"take one hidden layer"
        )
    weight = setting.weight_variance(len(setting.widths))
    value = size / 6 * weight**2 * fourth / setting.widths[-1] * ROUND_UP
    return Bound(
        value,
        {"exchange of signs for Gaussians": value},
        tuple(need.phrase for need in NEEDS),
        "claim B44",
        {"E|sigma|^4": float(np.float64(fourth))},
    )
