"""A limit kernel on inputs of one norm: a function of the angle alone (claim T8)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from theory.activations import Activation
from theory.errors import UndefinedKernelError
from theory.gaussian import Expectation, expectation
from theory.kernels.architecture import Architecture, Layer

Float = NDArray[np.float64]


def profile(
    arch: Architecture, norm: float, kind: str, pair: tuple[str, str]
) -> Callable[[Float], Float]:
    """Return the kernel as a function of the angles between inputs with |x|/sqrt(d) = ``norm``.

    Raises
    ------
    UndefinedKernelError
        If the diagonal is infinite: a jump of the activation against itself.
    """
    if kind == "ntk":
        require_finite_diagonal(arch, pair)

    def kernel(angles: Float) -> Float:
        variance = np.float64(norm**2)
        features, theta = variance * np.cos(angles), np.zeros_like(angles)
        for index, law in enumerate(arch.weight_laws):
            scale, shift = arch.weight_stds[index] ** 2, arch.bias_stds[index] ** 2
            if kind == "ntk":
                theta = theta + scale * law.jacobian_moment(pair) * features + shift
            q = np.full_like(angles, scale * law.variance * variance + shift)
            c = np.clip(scale * law.variance * features + shift, -q, q)
            if index == arch.hidden_layers:
                return theta if kind == "ntk" else np.asarray(c)
            layer, following = arch.layers[index], index + 1
            features = expectation(layer.activation, layer.activation).float64(q, q, c)
            variance = expectation(layer.activation, layer.activation).float64(q[:1], q[:1], q[:1])[
                0
            ]
            if kind == "ntk":
                carried = arch.weight_stds[following] ** 2 * arch.weight_laws[following].variance
                theta = theta * carried * _slopes(layer, pair).float64(q, q, c)
        raise AssertionError("the output layer returns")

    return kernel


def _slopes(layer: Layer, pair: tuple[str, str]) -> Expectation:
    first, second = (layer.derivative(side) for side in pair)
    return expectation(first, second)


def require_finite_diagonal(arch: Architecture, pair: tuple[str, str]) -> None:
    """Raise ``UndefinedKernelError`` if both Jacobians of some layer carry a mass at one place."""
    for index, layer in enumerate(arch.layers, start=1):
        first, second = (masses(layer.derivative(side)) for side in pair)
        if first & second:
            raise UndefinedKernelError(
                f"the {pair} tangent kernel of {layer.activation} is infinite on the diagonal (hidden layer "
                f'{index}): it has no spectrum. Use a continuous surrogate with jacobians=("true", "surrogate")'
            )


def masses(f: Activation) -> set[object]:
    """Return the places of the Dirac masses of ``f``."""
    return {atom.at for atom in f.atoms if atom.is_dirac}
