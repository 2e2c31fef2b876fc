"""The classifier that kernel regression with the ordinary tangent kernel of a network of jumps becomes.

Imported by its full name, ``theory.dynamics.singular``, so that scikit-learn is loaded only where it is used.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from theory.errors import ArchitectureError, InputError, UndefinedKernelError
from theory.kernels import Architecture, ntk, singular_law
from theory.kernels.architecture import architecture
from theory.kernels.recursion import ORDINARY

Float = NDArray[np.float64]
Marks = NDArray[np.bool_]

# Pairs of inputs with a larger cosine may be parallel: the kernel itself, which computes 1 - rho, decides.
_COSINE = 1 - 1e-9
# Norms below this count as it: squares keep their digits.
_SMALLEST = 1e-100


class SingularKernelClassifier(ClassifierMixin, BaseEstimator):
    r"""Sign of regression with the tangent kernel of sign, the limit of that of erf(m x) as m grows.

    The diagonal of the kernel grows like a power of m and the rest stays finite: beside its training inputs regression
    tends to 0, and its sign to that of a vote, whose weights grow without bound towards the training inputs:

    .. math:: \operatorname{sign} \sum_i y_i \, \Theta(x, x_i) / D(x_i), \qquad \Theta_m(x,x) \sim D(x) \, m^L.

    Parameters
    ----------
    arch
        A network of odd activations, one of which jumps at least, without surrogates.

    Attributes
    ----------
    classes_
        The two labels, in increasing order: y = -1 and 1.
    dual_coef_
        y_i / D(x_i), shape (n,); of k equal inputs, 1/k of it each: what the penalty of a ridge tends to.
    X_fit_
        The training inputs.

    Raises
    ------
    ArchitectureError
        In ``fit``, if no activation jumps, one is not odd, or there are surrogates.
    InputError
        In ``fit``, for other than two classes; where the first layer has no bias, also for an input 0, and for two
        inputs on one line, whose kernel is infinite: regression weighs them together.
    UndefinedKernelError
        As ``ntk`` does.

    Notes
    -----
    ``decision_function`` is the sum above, infinite at a training input, which gets its own label. How votes grow near
    it is ``singular_law(arch, norm)``. Weights of a first layer that are not Gaussian are taken in their Gaussian
    limit. Source: claims T31, T32.
    """

    def __init__(self, arch: Architecture) -> None:
        self.arch = arch

    def fit(self, X: ArrayLike, y: ArrayLike) -> "SingularKernelClassifier":
        """Weigh the training inputs; X has shape (n, d), y holds n labels of two kinds."""
        _require_odd_jumps(architecture(self.arch))
        x, given = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(given)
        self.classes_, labels = np.unique(given, return_inverse=True)
        if len(self.classes_) != 2:
            raise InputError(
                f"Only binary classification is supported. The type of the target is {type_of_target(given)}, with "
                f"{len(self.classes_)} classes or 1 class; for more take sklearn.multiclass.OneVsRestClassifier"
            )
        norms = _norms(x) / np.sqrt(x.shape[1])
        if self.arch.bias_stds[0] == 0 and np.any(norms == 0):
            raise InputError(
                f"row {int(norms.argmin())} of X is 0, where the kernel of a first layer without bias is not defined"
            )
        met, equal = self._infinite(x, x)
        apart = np.argwhere(met & ~equal)
        if apart.size:
            i, j = apart[0]
            raise InputError(
                f"rows {i} and {j} of X lie on one line, where the kernel of a first layer without bias is infinite; "
                f"scale inputs to one norm, or add a bias"
            )
        # The diagonal is continuous at the input 0, the rest of the law is not.
        law = singular_law(self.arch, np.maximum(norms, _SMALLEST))
        self.dual_coef_ = np.where(labels == 1, 1.0, -1.0) / (law.diagonal * equal.sum(axis=1))
        self.X_fit_: Float = x
        return self

    def decision_function(self, X: ArrayLike) -> Float:
        """Return the weighted vote, shape (n,): positive for the second class, infinite at training inputs."""
        check_is_fitted(self)
        new: Float = validate_data(self, X, dtype=np.float64, reset=False)
        met, _ = self._infinite(new, self.X_fit_)
        rows, votes = np.flatnonzero(~met.any(axis=1)), np.empty(len(new))
        if rows.size:
            kernel = ntk(self.arch, new[rows], self.X_fit_, ORDINARY, first_layer="gaussian")
            votes[rows] = kernel @ self.dual_coef_
        for i in np.flatnonzero(met.any(axis=1)):
            # The network is odd: opposite inputs on a line vote against. A tie of equal inputs stays one.
            near = self.X_fit_[met[i]]
            turned = np.where(near @ new[i] < 0, -1.0, 1.0) if self.arch.bias_stds[0] == 0 else 1.0
            total = float(np.sum(turned * self.dual_coef_[met[i]]))
            votes[i] = np.copysign(np.inf, total) if total else 0.0
        return votes

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the labels, shape (n,)."""
        votes = self.decision_function(X)
        labels: NDArray[Any] = self.classes_[(votes > 0).astype(int)]
        return labels

    def _infinite(self, x: Float, y: Float) -> tuple[Marks, Marks]:
        """Return at which pairs of rows the kernel is infinite, and which of them are equal, shapes (n, m)."""
        equal = np.zeros((len(x), len(y)), bool)
        places: dict[bytes, list[int]] = {}
        for j, row in enumerate(y + 0.0):
            places.setdefault(row.tobytes(), []).append(j)
        for i, row in enumerate(x + 0.0):
            equal[i, places.get(row.tobytes(), [])] = True
        found = equal.copy()
        if self.arch.bias_stds[0] == 0:
            one, other = (z / np.maximum(_norms(z), _SMALLEST)[:, None] for z in (x, y))
            for i, j in np.argwhere((np.abs(one @ other.T) > _COSINE) & ~equal):
                try:
                    ntk(self.arch, x[i : i + 1], y[j : j + 1], ORDINARY, first_layer="gaussian")
                except UndefinedKernelError:
                    found[i, j] = True
        return found, equal

    def __sklearn_tags__(self) -> Any:
        """Say what it takes: two classes."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def _norms(x: Float) -> Float:
    return np.asarray(np.linalg.norm(x, axis=1))


def _require_odd_jumps(arch: Architecture) -> None:
    if arch.activation != arch.surrogate:
        raise ArchitectureError(
            f"{arch} has surrogates, with which its kernel is finite; leave them out, or take "
            f"theory.dynamics.ridge.AsymmetricRidge"
        )
    functions = [layer.activation for layer in arch.layers]
    if all(f.is_continuous for f in functions) or any(f.parity != -1 for f in functions):
        raise ArchitectureError(
            f"a singular kernel that classifies needs odd activations with a jump among them, such as th.sign(), "
            f"got {arch}"
        )
