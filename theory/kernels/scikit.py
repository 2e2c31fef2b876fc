"""Limit kernels for scikit-learn: Gaussian processes, kernel ridge regression, pipelines.

Imported by its full name, ``theory.kernels.scikit``, so that scikit-learn is loaded only where it is used.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.gaussian_process.kernels import Hyperparameter, Kernel

from theory.activations import Activation
from theory.errors import InputError
from theory.kernels.architecture import Architecture
from theory.kernels.covariance import Covariance
from theory.kernels.hyperparameters import PARAMETERS, kernel_derivatives
from theory.kernels.recursion import ORDINARY
from theory.kernels.weights import WeightLaw, gaussian

Float = NDArray[np.float64]
Bounds = tuple[float, float] | str


class NeuralKernel(Kernel):
    r"""The NNGP or the tangent kernel of an infinitely wide network, as a scikit-learn kernel.

    For ``GaussianProcessRegressor`` and ``GaussianProcessClassifier``, which fit the standard deviations by the
    gradient of the marginal likelihood; for ``KernelRidge``, ``SVC`` and whatever else takes a kernel. It can be
    added, multiplied, cloned and pickled.

    Parameters
    ----------
    hidden_layers, activation, surrogate, weight_std, bias_std, weights
        As for ``Architecture``. Standard deviations are numbers, or lists of L + 1 that are fitted one by one.
    kind
        ``"nngp"`` or ``"ntk"``.
    jacobians
        For the tangent kernel, one of the symmetric pairs: ``("true", "true")`` or ``("surrogate", "surrogate")``.
    weight_std_bounds, bias_std_bounds
        Between which values the standard deviations are fitted; ``"fixed"`` leaves them as they are, and a
        ``bias_std`` of 0 has to be fixed.

    Raises
    ------
    InputError
        When it is called: for unknown names; for an asymmetric pair of Jacobians, which is no covariance (the
        regressor for those is ``theory.dynamics.ridge.AsymmetricRidge``); where 0 is to be fitted.
    ArchitectureError, UndefinedKernelError
        As ``Architecture``, ``nngp`` and ``ntk`` do.

    Notes
    -----
    Derivatives are exact (``kernel_derivatives``). Weights of a first layer that are not Gaussian are taken in
    their Gaussian limit. Source: claims T5, T11.
    """

    def __init__(
        self,
        hidden_layers: int,
        activation: Activation | None = None,
        surrogate: Activation | None = None,
        weight_std: Any = 1.0,
        bias_std: Any = 0.1,
        weights: WeightLaw | None = None,
        kind: str = "nngp",
        jacobians: tuple[str, str] = ORDINARY,
        weight_std_bounds: Bounds = (1e-2, 1e2),
        bias_std_bounds: Bounds = (1e-3, 1e2),
    ) -> None:
        self.hidden_layers = hidden_layers
        self.activation = activation
        self.surrogate = surrogate
        self.weight_std = weight_std
        self.bias_std = bias_std
        self.weights = weights
        self.kind = kind
        self.jacobians = jacobians
        self.weight_std_bounds = weight_std_bounds
        self.bias_std_bounds = bias_std_bounds

    @property
    def hyperparameter_weight_std(self) -> Hyperparameter:
        """How scikit-learn fits ``weight_std``: its logarithm."""
        return self._hyperparameter("weight_std")

    @property
    def hyperparameter_bias_std(self) -> Hyperparameter:
        """How scikit-learn fits ``bias_std``: its logarithm."""
        return self._hyperparameter("bias_std")

    def _hyperparameter(self, name: str) -> Hyperparameter:
        values, bounds = np.asarray(getattr(self, name)), getattr(self, f"{name}_bounds")
        if not isinstance(bounds, str) and not np.all(values > 0):
            raise InputError(
                f"{name} = {getattr(self, name)} cannot be fitted, since its logarithm is; give positive numbers, or "
                f'{name}_bounds="fixed"'
            )
        return Hyperparameter(name, "numeric", bounds, values.size if values.ndim else 1)

    def __call__(
        self, X: ArrayLike, Y: ArrayLike | None = None, eval_gradient: bool = False
    ) -> Float | tuple[Float, Float]:
        """Return the kernel (n, m), and with ``eval_gradient`` its derivatives (n, n, len(theta)) in theta."""
        if not eval_gradient:
            return self._covariance(X, Y)
        if Y is not None:
            raise InputError(
                "scikit-learn takes gradients of the kernel of X with itself: leave Y out"
            )
        covariance = self._covariance
        names = [name for name in PARAMETERS if not self._hyperparameter(name).fixed]
        if not names:
            kernel = covariance(X)
            return kernel, np.empty((*kernel.shape, 0))
        per_layer = any(np.ndim(getattr(self, name)) for name in names)
        found = kernel_derivatives(
            self.architecture, X, None, self.kind, self.jacobians, names,
            per_layer=per_layer, first_layer="gaussian",
        )  # fmt: skip
        # In the order of theta: scikit-learn sorts the names.
        parts = []
        for name in sorted(names):
            values, slopes = np.asarray(getattr(self, name), dtype=np.float64), found[name]
            if per_layer and values.ndim == 0:
                slopes = slopes.sum(axis=0)
            parts.append(values.reshape(-1, 1, 1) * slopes)
        return found.kernel, np.moveaxis(np.concatenate(parts), 0, -1)

    def diag(self, X: ArrayLike) -> Float:
        """Return the kernel of every row of X with itself, shape (n,)."""
        return self._covariance.diagonal(X)

    def is_stationary(self) -> bool:
        """Return False: the kernel depends on more than x - x'."""
        return False

    @property
    def architecture(self) -> Architecture:
        """The architecture of these parameters."""
        return Architecture(
            self.hidden_layers,
            self.activation,
            self.surrogate,
            self.weight_std,
            self.bias_std,
            gaussian() if self.weights is None else self.weights,
        )

    @property
    def _covariance(self) -> Covariance:
        return Covariance(self.architecture, self.kind, self.jacobians)

    def __repr__(self) -> str:
        return f"{self.kind} of {self.architecture}"
