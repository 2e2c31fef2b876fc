"""Kernel regression with a tangent kernel that need not be symmetric, as a scikit-learn regressor.

Imported by its full name, ``theory.dynamics.ridge``, so that scikit-learn is loaded only where it is used.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import lu_factor, lu_solve
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from theory.checks import number
from theory.dynamics.flow import require_convergence
from theory.errors import InputError
from theory.kernels import Architecture, ntk
from theory.kernels.architecture import architecture
from theory.kernels.recursion import TRAINING

Float = NDArray[np.float64]


class AsymmetricRidge(RegressorMixin, BaseEstimator):
    r"""What surrogate-gradient training of an infinitely wide network ends with, on average over its start.

    .. math:: f(x) = \Theta(x,X)\,(\Theta(X,X) + \lambda)^{-1} y

    Parameters
    ----------
    arch
        The network, as of ``Architecture``.
    ridge
        lambda >= 0: the penalty of weight decay, also what makes an unstable kernel stable.
    jacobians
        Of rows and columns of Theta; by default those of training, ``("true", "surrogate")``.

    Attributes
    ----------
    dual_coef_
        (Theta + lambda)^{-1} y, of the shape of y.
    stability_
        The verdict on Theta + lambda, as of ``theory.dynamics.stability``.
    X_fit_
        The training inputs.

    Raises
    ------
    DomainError
        In ``fit``, where training with Theta + lambda does not converge, with the verdict in words: the formula
        then still has a value, and no network tends to it.
    InputError, UndefinedKernelError
        For a negative ridge, and as ``ntk`` does.

    Notes
    -----
    The kernel is solved by LU decomposition, never made symmetric; the verdict takes the eigenvalues, about ten times
    as long. Weights of a first layer that are not Gaussian are taken in their Gaussian limit. Source: claims T34,
    T35, T37 (mean).
    """

    def __init__(
        self, arch: Architecture, ridge: float = 0.0, jacobians: tuple[str, str] = TRAINING
    ) -> None:
        self.arch = arch
        self.ridge = ridge
        self.jacobians = jacobians

    def fit(self, X: ArrayLike, y: ArrayLike) -> "AsymmetricRidge":
        """Solve for the dual coefficients; X has shape (n, d), y shape (n,) or (n, outputs)."""
        architecture(self.arch)
        ridge = number(self.ridge, "ridge")
        if ridge < 0:
            raise InputError(f"ridge must be at least 0, got {self.ridge!r}")
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        kernel = ntk(self.arch, X, jacobians=self.jacobians, first_layer="gaussian")
        kernel[np.diag_indices_from(kernel)] += ridge
        self.stability_ = require_convergence(kernel)
        self.X_fit_ = X
        self.dual_coef_ = lu_solve(lu_factor(kernel), np.asarray(y, dtype=np.float64))
        return self

    def predict(self, X: ArrayLike) -> Float:
        """Return the mean of the trained networks' outputs, shape (m,) or (m, outputs)."""
        check_is_fitted(self)
        new = validate_data(self, X, dtype=np.float64, reset=False)
        rows = ntk(self.arch, new, self.X_fit_, self.jacobians, first_layer="gaussian")
        outputs: Float = rows @ self.dual_coef_
        return outputs

    def __sklearn_tags__(self) -> Any:
        """Say what it takes: several outputs."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
