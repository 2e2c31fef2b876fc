"""What belongs to single inputs: their norms, and their variance in every layer."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from theory.activations import Activation
from theory.gaussian import expectation
from theory.kernels.architecture import Architecture
from theory.kernels.pairs import squared_norms

Float = NDArray[np.float64]


class Inputs:
    """One set of inputs on its way through the layers.

    Attributes
    ----------
    points, columns
        The inputs, shape (n, d), and their transpose.
    squares
        Squared norms, correctly rounded.
    variances
        Sigma^l(x, x) for l = 1, ..., L + 1.
    features
        E[sigma(u)^2] of the hidden layers 1, ..., L.
    """

    def __init__(self, arch: Architecture, x: Float, known: Float | None) -> None:
        """Compute all of it; ``known`` is E[sigma(u)^2] of the first layer where that is not Gaussian."""
        self._activations = [layer.activation for layer in arch.layers]
        self.points, self.columns = x, np.ascontiguousarray(x.T)
        self.squares = np.empty(len(x))
        squared_norms(x, self.squares)
        self.variances: list[Float] = []
        self.features: list[Float] = []
        for (scale, shift), square in zip(affine(arch, x.shape[1]), self._squares(arch, known)):  # noqa: B905
            self.variances.append(scale * square + shift)

    def diagonal(self, layer: int, f: Activation, g: Activation) -> Float:
        """Return E[f(u) g(u)] of the pre-activations of a hidden layer, where that is Gaussian."""
        if f == g == self._activations[layer - 1]:
            return self.features[layer - 1]
        # Of inputs on a sphere one is enough.
        p, where = np.unique(self.variances[layer - 1], return_inverse=True)
        return expectation(f, g).float64(p, p, p)[where]

    def _squares(self, arch: Architecture, known: Float | None) -> Iterator[Float]:
        """Yield the second moments of the features below every layer."""
        yield self.squares
        for layer in arch.layers:
            F = expectation(layer.activation, layer.activation)
            if known is None:
                # Of inputs on a sphere one is enough.
                p, where = np.unique(self.variances[-1], return_inverse=True)
                self.features.append(F.float64(p, p, p)[where])
            else:
                self.features.append(known)
            known = None
            yield self.features[-1]


def affine(arch: Architecture, dimension: int) -> list[tuple[float, float]]:
    """Return scale and shift of every layer: Sigma = scale E[features] + shift, of the first layer of <x, x'>."""
    scales = [
        w**2 * law.variance for w, law in zip(arch.weight_stds, arch.weight_laws, strict=True)
    ]
    scales[0] /= dimension
    return [(scale, bias**2) for scale, bias in zip(scales, arch.bias_stds, strict=True)]
