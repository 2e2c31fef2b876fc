"""Limit kernels of an architecture: NNGP, and the tangent kernel for each pair of Jacobians.

    Sigma^1     = s_w^2 v <x,x'>/d + s_b^2                 Theta^1 = s_w^2 m <x,x'>/d + s_b^2
    Sigma^{l+1} = s_w^2 v E[sigma(u) sigma(v)] + s_b^2
    Theta^{l+1} = s_w^2 m E[sigma(u) sigma(v)] + s_b^2 + Theta^l s_w^2 v E[j1(u) j2(v)]

with (u, v) ~ N(0, Sigma^l at {x, x'}), j1 and j2 the derivatives of the two Jacobians, and the weight
law's constants v, m (1 for plain weights). Source: claims T5 and T11.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.checks import inputs, paired_inputs
from theory.checks import widths as checked_widths
from theory.errors import ArchitectureError, UndefinedKernelError
from theory.gaussian import expectation
from theory.kernels.architecture import Architecture, Layer, architecture, jacobian_pair
from theory.kernels.gram import second_moments

Float = NDArray[np.float64]
ORDINARY = ("true", "true")
TRAINING = ("true", "surrogate")


@dataclass(frozen=True)
class Moments:
    """Covariance of a layer's pre-activations: variances (n, 1), (1, m) and covariances (n, m)."""

    xx: Float
    yy: Float
    xy: Float
    symmetric: bool

    def affine(self, scale: float, shift: float) -> "Moments":
        """Return scale * self + shift."""
        return Moments(
            scale * self.xx + shift,
            scale * self.yy + shift,
            scale * self.xy + shift,
            self.symmetric,
        )


def nngp(arch: Architecture, X: ArrayLike, Y: ArrayLike | None = None) -> Float:
    """Return the covariance of the infinitely wide network's outputs (NNGP kernel).

    Parameters
    ----------
    arch
        Depth, activations and variances.
    X, Y
        Inputs, shapes (n, d) and (m, d); Y is X if absent.

    Returns
    -------
    ndarray
        Shape (n, m); symmetric to the last bit where Y is absent.

    Raises
    ------
    InputError
        For NaN, infinity, an empty array or dimensions that differ.

    Notes
    -----
    Each expectation is accurate to 2e-13. A first layer of binary weights is Gaussian only as d grows
    (claim B37). Source: claims T5, T11.
    """
    architecture(arch)
    x, y = paired_inputs(X, Y)
    *_, (last, _) = _covariances(arch, x, y)
    return last.xy


def layer_covariances(arch: Architecture, X: ArrayLike) -> list[Float]:
    """Return Sigma^1, ..., Sigma^{L+1} on X, each (n, n): the NNGP covariance of every layer."""
    architecture(arch)
    x = inputs(X)
    return [moments.xy for moments, _ in _covariances(arch, x, x)]


def ntk(
    arch: Architecture,
    X: ArrayLike,
    Y: ArrayLike | None = None,
    jacobians: tuple[str, str] = TRAINING,
) -> Float:
    """Return the infinitely wide network's tangent kernel for a pair of Jacobians.

    Parameters
    ----------
    arch
        Depth, activations, surrogates, variances and weight laws.
    X, Y
        Inputs, shapes (n, d) and (m, d); Y is X if absent. Rows take the first Jacobian.
    jacobians
        ``("true", "true")`` is the ordinary NTK, ``("true", "surrogate")`` governs surrogate-gradient
        training (rows: evaluation points), ``("surrogate", "surrogate")`` measures parameter motion.

    Returns
    -------
    ndarray
        Shape (n, m); not symmetric in general for a mixed pair.

    Raises
    ------
    UndefinedKernelError
        If an entry is infinite: a jump of the activation against itself on coincident inputs.
    InputError
        For NaN, infinity, an empty array, dimensions that differ or an unknown Jacobian.

    Notes
    -----
    A first layer of binary or ternary weights is Gaussian only as d grows: at small d networks follow
    another kernel, at any width (claim B37). Source: claims T5 (recursion), T11 (weight laws), T33 (finite
    diagonal with a surrogate).
    """

    def block(index: int, features: Float, pair: tuple[str, str]) -> Float:
        moment = arch.weight_laws[index].jacobian_moment(pair)
        weights = arch.weight_stds[index] ** 2 * moment * features
        return np.asarray(weights + arch.bias_stds[index] ** 2)

    return _tangent(architecture(arch), X, Y, jacobian_pair(jacobians), block)


def standard_ntk(
    arch: Architecture,
    X: ArrayLike,
    widths: int | Sequence[int],
    Y: ArrayLike | None = None,
    jacobians: tuple[str, str] = TRAINING,
) -> Float:
    """Return the tangent kernel of the same network in standard parametrisation, at given widths.

    Parameters
    ----------
    arch
        The network; its weights are then W_ij ~ N(0, s_w^2/n) and b_i ~ N(0, s_b^2), without prefactors.
    X, Y, jacobians
        As for ``ntk``.
    widths
        Hidden widths, an integer or one a hidden layer: the kernel grows with them.

    Returns
    -------
    ndarray
        Shape (n, m): every weight block of the limit kernel times fan-in / s_w^2, every bias block
        divided by s_b^2 (biases are trained, also where s_b = 0). The learning rate has to shrink like
        1/width.

    Raises
    ------
    ArchitectureError
        If weights are binarized: a latent weight has no scale of its own to move.
    InputError, UndefinedKernelError
        As for ``ntk``; also for bad widths.

    Notes
    -----
    Source: claim T10.
    """
    architecture(arch)
    x = inputs(X)
    fan_in = (x.shape[1], *checked_widths(widths, arch.hidden_layers))
    for place, law in enumerate(arch.weight_laws, start=1):
        if law.forward is not None:
            raise ArchitectureError(
                f"weights {place} follow {law.name}; binarized weights keep their values when the latent "
                f"weights are rescaled, so the standard parametrisation is another network: use th.ntk"
            )

    def block(index: int, features: Float, _: tuple[str, str]) -> Float:
        return np.asarray(fan_in[index] * features + 1.0)

    return _tangent(arch, x, Y, jacobian_pair(jacobians), block)


def _tangent(
    arch: Architecture,
    X: ArrayLike,
    Y: ArrayLike | None,
    pair: tuple[str, str],
    block: Callable[[int, Float, tuple[str, str]], Float],
) -> Float:
    """Run the recursion, each layer adding its own ``block(index, second moments of its features)``."""
    x, y = paired_inputs(X, Y)
    theta: Float | None = None
    previous: Moments | None = None
    for index, (moments, features) in enumerate(_covariances(arch, x, y)):
        own = block(index, features.xy, pair)
        if theta is None or previous is None:
            theta = own
        else:
            scale = arch.weight_stds[index] ** 2 * arch.weight_laws[index].variance
            slopes = _slopes(arch.layers[index - 1], previous, pair, index)
            theta = own + theta * (scale * slopes)
        previous = moments
    assert theta is not None
    return theta


def _covariances(arch: Architecture, x: Float, y: Float) -> Iterator[tuple[Moments, Moments]]:
    """Yield (Sigma^l, second moments of the features below it) for l = 1, ..., L + 1."""
    features = Moments(*second_moments(x, y), symmetric=y is x)
    laws, stds, biases = arch.weight_laws, arch.weight_stds, arch.bias_stds
    moments = features.affine(stds[0] ** 2 * laws[0].variance, biases[0] ** 2)
    yield moments, features
    for layer, law, w, b in zip(arch.layers, laws[1:], stds[1:], biases[1:], strict=True):
        features = _features(layer, moments)
        moments = features.affine(w**2 * law.variance, b**2)
        yield moments, features


def _features(layer: Layer, at: Moments) -> Moments:
    """Return E[sigma(u) sigma(v)] on and off the diagonal."""
    F = expectation(layer.activation, layer.activation)
    xx = F.float64(at.xx, at.xx, at.xx)
    yy = xx.T if at.symmetric else F.float64(at.yy, at.yy, at.yy)
    if not at.symmetric:
        return Moments(xx, yy, F.float64(at.xx, at.yy, at.xy), symmetric=False)
    # Only the upper triangle is computed: the result is symmetric to the last bit.
    rows, columns = np.triu_indices(at.xy.shape[0])
    xy = np.empty_like(at.xy)
    xy[rows, columns] = F.float64(at.xx[rows, 0], at.yy[0, columns], at.xy[rows, columns])
    xy[columns, rows] = xy[rows, columns]
    return Moments(xx, yy, xy, symmetric=True)


def _slopes(layer: Layer, at: Moments, pair: tuple[str, str], index: int) -> Float:
    first, second = (layer.derivative(side) for side in pair)
    slopes = expectation(first, second).float64(at.xx, at.yy, at.xy)
    if not np.all(np.isfinite(slopes)):
        i, j = (int(k) for k in np.argwhere(~np.isfinite(slopes))[0])
        raise UndefinedKernelError(
            f"the {pair} tangent kernel of {layer.activation} is infinite at row {i} and column {j}: "
            f"hidden layer {index} has variances {float(at.xx[i, 0]):.6g} and {float(at.yy[0, j]):.6g}, "
            f"covariance {float(at.xy[i, j]):.6g}, so E[{first}(u) {second}(v)] meets a Dirac mass with itself "
            f"(coincident or parallel inputs, or a zero input without bias). Use distinct inputs, a bias, or a "
            f'continuous surrogate with jacobians=("true", "surrogate")'
        )
    return slopes
