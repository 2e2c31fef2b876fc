"""Limit kernels of an architecture: NNGP, and the tangent kernel for each pair of Jacobians.

    Sigma^1     = s_w^2 v <x,x'>/d + s_b^2                 Theta^1 = s_w^2 m <x,x'>/d + s_b^2
    Sigma^{l+1} = s_w^2 v E[sigma(u) sigma(v)] + s_b^2
    Theta^{l+1} = s_w^2 m E[sigma(u) sigma(v)] + s_b^2 + Theta^l s_w^2 v E[j1(u) j2(v)]

with (u, v) ~ N(0, Sigma^l at {x, x'}), j1 and j2 the derivatives of the two Jacobians, and the weight
law's constants v, m (1 for plain weights). Source: claims T5 and T11.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.arithmetic.float64 import cross
from theory.checks import inputs, paired_inputs
from theory.checks import widths as checked_widths
from theory.errors import ArchitectureError, FirstLayerWarning, InputError, UndefinedKernelError
from theory.gaussian import expectation
from theory.kernels.architecture import Architecture, Layer, architecture, jacobian_pair
from theory.kernels.gram import second_moments
from theory.kernels.lattice import Lattice, support

Float = NDArray[np.float64]
ORDINARY = ("true", "true")
TRAINING = ("true", "surrogate")
FIRST_LAYERS = ("gaussian", "exact")

NOTICEABLE = 0.05
"""Relative fourth cumulant of a first pre-activation above which its Gaussian limit is not taken silently."""


@dataclass(frozen=True)
class Moments:
    """Covariance of a layer's pre-activations: variances (n, 1), (1, m) and covariances (n, m)."""

    xx: Float
    yy: Float
    xy: Float
    symmetric: bool

    def affine(self, scale: float, shift: float) -> "Moments":
        """Return scale * self + shift."""
        xx, yy, xy = (scale * part + shift for part in (self.xx, self.yy, self.xy))
        # Rounding may leave parallel inputs outside of what Cauchy and Schwarz allow.
        outside = cross(xx, yy, xy, xy) < 0.0
        bound = np.copysign(np.sqrt(xx) * np.sqrt(yy), xy)
        return Moments(xx, yy, np.where(outside, bound, xy), self.symmetric)


def nngp(
    arch: Architecture,
    X: ArrayLike,
    Y: ArrayLike | None = None,
    *,
    first_layer: str | None = None,
) -> Float:
    """Return the covariance of the infinitely wide network's outputs (NNGP kernel).

    Parameters
    ----------
    arch
        Depth, activations and variances.
    X, Y
        Inputs, shapes (n, d) and (m, d); Y is X if absent.
    first_layer
        What is made of first-layer weights that are not Gaussian. ``"gaussian"``: their limit as d grows too;
        ``"exact"``: the limit of wide hidden layers at this d, by going through all rows of weights, 2^d for +-1
        (d <= 24), 3^d for ternary ones (d <= 15). By default Gaussian, with a ``FirstLayerWarning`` where the two
        differ noticeably.

    Returns
    -------
    ndarray
        Shape (n, m); symmetric to the last bit where Y is absent.

    Raises
    ------
    InputError
        For NaN, infinity, an empty array, dimensions that differ, or an unknown ``first_layer``.
    ArchitectureError
        If ``"exact"`` would go through too many rows, or infinitely many.

    Notes
    -----
    Each expectation is accurate to 2e-13. Source: claims T5, T11; B37 for the first layer.
    """
    architecture(arch)
    x, y = paired_inputs(X, Y)
    lattice = _first_layer(arch, x, y, first_layer)
    *_, (last, _) = _covariances(arch, x, y, lattice)
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
    *,
    first_layer: str | None = None,
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
    first_layer
        As for ``nngp``.

    Returns
    -------
    ndarray
        Shape (n, m); not symmetric in general for a mixed pair.

    Raises
    ------
    UndefinedKernelError
        If an entry is infinite: a jump of the activation against itself on coincident inputs; or, with an exact
        first layer and no bias in it, if a Jacobian differentiates a jump there.
    InputError
        For NaN, infinity, an empty array, dimensions that differ, an unknown Jacobian or ``first_layer``.
    ArchitectureError
        If an exact first layer is out of reach, or its weights are binarized to more than two values.

    Notes
    -----
    Source: claims T5 (recursion), T11 (weight laws), T33 (finite diagonal with a surrogate), B37 (first layer).
    """

    def block(index: int, features: Float, pair: tuple[str, str]) -> Float:
        moment = arch.weight_laws[index].jacobian_moment(pair)
        weights = arch.weight_stds[index] ** 2 * moment * features
        return np.asarray(weights + arch.bias_stds[index] ** 2)

    architecture(arch)
    pair = jacobian_pair(jacobians)
    x, y = paired_inputs(X, Y)
    return _tangent(arch, x, y, pair, block, _first_layer(arch, x, y, first_layer))


def standard_ntk(
    arch: Architecture,
    X: ArrayLike,
    widths: int | Sequence[int],
    Y: ArrayLike | None = None,
    jacobians: tuple[str, str] = TRAINING,
    *,
    first_layer: str | None = None,
) -> Float:
    """Return the tangent kernel of the same network in standard parametrisation, at given widths.

    Parameters
    ----------
    arch
        The network; its weights are then W_ij ~ N(0, s_w^2/n) and b_i ~ N(0, s_b^2), without prefactors.
    X, Y, jacobians, first_layer
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

    pair = jacobian_pair(jacobians)
    x, y = paired_inputs(x, Y)
    return _tangent(arch, x, y, pair, block, _first_layer(arch, x, y, first_layer))


def _tangent(
    arch: Architecture,
    x: Float,
    y: Float,
    pair: tuple[str, str],
    block: Callable[[int, Float, tuple[str, str]], Float],
    lattice: Lattice | None,
) -> Float:
    """Run the recursion, each layer adding its own ``block(index, second moments of its features)``."""
    if lattice is not None:
        _require_free_signs(arch, pair)
    theta: Float | None = None
    previous: Moments | None = None
    for index, (moments, features) in enumerate(_covariances(arch, x, y, lattice)):
        own = block(index, features.xy, pair)
        if theta is None or previous is None:
            theta = own
        else:
            scale = arch.weight_stds[index] ** 2 * arch.weight_laws[index].variance
            layer = arch.layers[index - 1]
            if index == 1 and lattice is not None:
                first, second = (layer.derivative(side) for side in pair)
                slopes = lattice.products(first, second)
            else:
                slopes = _slopes(layer, previous, pair, index)
            theta = own + theta * (scale * slopes)
        previous = moments
    assert theta is not None
    return theta


def _first_layer(arch: Architecture, x: Float, y: Float, choice: str | None) -> Lattice | None:
    """Return the exact first layer, or None where it is Gaussian or taken so; warn where nobody chose."""
    if choice is not None and choice not in FIRST_LAYERS:
        raise InputError(f"first_layer must be one of {FIRST_LAYERS} or None, got {choice!r}")
    law = arch.weight_laws[0]
    if not arch.layers or law.is_gaussian:
        return None
    if choice == "exact":
        return Lattice.of(law, x, y, arch.weight_stds[0], arch.bias_stds[0])
    if choice is None:
        size = _fourth_cumulant(arch, np.concatenate([x, y]))
        if size > NOTICEABLE:
            warnings.warn(
                f"weights 1 follow {law.name}, and d = {x.shape[1]} is small: first pre-activations have relative "
                f"fourth cumulant {size:.2g}, so finite networks follow another kernel at any width. Pass "
                f'first_layer="exact" for it, or first_layer="gaussian" for this one, the limit as d grows',
                FirstLayerWarning,
                stacklevel=3,
            )
    return None


def _fourth_cumulant(arch: Architecture, points: Float) -> float:
    """Return the largest relative fourth cumulant of a first pre-activation, in absolute value."""
    law, bias = arch.weight_laws[0], arch.bias_stds[0]
    scaled = points / max(float(np.abs(points).max()), 1e-300)
    factor = abs(law.kurtosis - 3 * law.variance**2)
    weight = arch.weight_stds[0] * max(float(np.abs(points).max()), 1e-300)
    variance = weight**2 * law.variance * (scaled**2).mean(axis=1) + bias**2
    fourth = weight**4 * factor * (scaled**4).sum(axis=1) / points.shape[1] ** 2
    return float(
        np.divide(fourth, variance**2, out=np.zeros(len(points)), where=variance > 0).max()
    )


def _require_free_signs(arch: Architecture, pair: tuple[str, str]) -> None:
    """Refuse latent weights whose derivative depends on the value that they take."""
    law = arch.weight_laws[0]
    values = support(law)
    if law.forward is not None and values is not None and values[0].size > 2:
        raise ArchitectureError(
            f"weights 1 follow {law.name}: with {values[0].size} values, the derivative of a latent weight for {pair} "
            f"depends on the value taken, and the first block of the kernel on the pre-activation; "
            f'first_layer="exact" covers two values, or th.nngp'
        )


def _covariances(
    arch: Architecture, x: Float, y: Float, lattice: Lattice | None = None
) -> Iterator[tuple[Moments, Moments]]:
    """Yield (Sigma^l, second moments of the features below it) for l = 1, ..., L + 1."""
    features = Moments(*second_moments(x, y), symmetric=y is x)
    laws, stds, biases = arch.weight_laws, arch.weight_stds, arch.bias_stds
    moments = features.affine(stds[0] ** 2 * laws[0].variance, biases[0] ** 2)
    yield moments, features
    for layer, law, w, b in zip(arch.layers, laws[1:], stds[1:], biases[1:], strict=True):
        features = _features(layer, moments) if lattice is None else _on_lattice(layer, lattice)
        lattice = None
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


def _on_lattice(layer: Layer, lattice: Lattice) -> Moments:
    """Return E[sigma(u) sigma(v)] over an exact first layer, on and off the diagonal."""
    xx, yy = lattice.squares(layer.activation)
    xy = lattice.products(layer.activation, layer.activation)
    return Moments(xx[:, None], yy[None, :], xy, lattice.y is lattice.x)


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
