"""Which kernel of an architecture a Gaussian process may take: symmetric ones."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import InputError
from theory.kernels.architecture import Architecture, jacobian_pair
from theory.kernels.hyperparameters import KINDS
from theory.kernels.recursion import nngp, ntk

Float = NDArray[np.float64]

# Rows of a square block whose diagonal alone is wanted.
BLOCK = 32


class Covariance:
    """The NNGP or a symmetric tangent kernel, its first layer taken as Gaussian.

    Raises
    ------
    InputError
        For an unknown ``kind``, or Jacobians that make the tangent kernel asymmetric.
    """

    def __init__(self, arch: Architecture, kind: str, jacobians: tuple[str, str]) -> None:
        if kind not in KINDS:
            raise InputError(f"kind must be one of {KINDS}, got {kind!r}")
        first, second = pair = jacobian_pair(jacobians)
        if kind == "ntk" and first != second and arch.activation != arch.surrogate:
            raise InputError(
                f"the {pair} tangent kernel is not symmetric, and no covariance of a Gaussian process: half of it "
                f"would be used. For regression with it take theory.dynamics.ridge.AsymmetricRidge; here take the "
                f'jacobians ("surrogate", "surrogate") or ("true", "true")'
            )
        self._of: Callable[..., Float] = nngp if kind == "nngp" else ntk
        self._given = {"first_layer": "gaussian"} | ({"jacobians": pair} if kind == "ntk" else {})
        self._arch = arch

    def __call__(self, X: ArrayLike, Y: ArrayLike | None = None) -> Float:
        """Return the kernel, shape (n, m)."""
        return self._of(self._arch, X, Y, **self._given)

    def diagonal(self, X: ArrayLike) -> Float:
        """Return the kernel of every row of X with itself, shape (n,)."""
        rows = np.asarray(X)
        blocks = (rows[k : k + BLOCK] for k in range(0, max(len(rows), 1), BLOCK))
        return np.concatenate([np.diag(self(block)) for block in blocks])
