"""What belongs to single inputs: their norms, and their variance in every layer."""

from collections.abc import Callable, Hashable
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from theory.activations import Activation
from theory.gaussian import expectation
from theory.gaussian.evaluation import prepared
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
        self.points, self.columns = x, np.ascontiguousarray(x.T)
        self.squares = np.empty(len(x))
        squared_norms(x, self.squares)
        laws, layers = affine(arch, x.shape[1]), arch.layers
        self.variances: list[Float] = []
        self.features: list[Float] = []
        begin = 1
        if known is not None:
            self.variances.append(laws[0][0] * self.squares + laws[0][1])
            self.features.append(known)
            begin = 2
        # From here on all is a function of one number, and of inputs on a sphere one is enough.
        square, self._where = np.unique(
            self.squares if known is None else known, return_inverse=True
        )
        self._distinct: dict[int, Float] = {}
        self._kept: dict[tuple[int, Hashable], Float] = {}
        self._lock = RLock()
        for layer in range(begin, len(laws) + 1):
            scale, shift = laws[layer - 1]
            p = self._distinct[layer] = scale * square + shift
            self.variances.append(p[self._where])
            if layer <= len(layers):
                f = layers[layer - 1].activation
                square = prepared(expectation(f, f)).on_diagonal(p)
                self._kept[layer, (f, f)] = square[self._where]
                self.features.append(self._kept[layer, (f, f)])

    def diagonal(self, layer: int, f: Activation, g: Activation) -> Float:
        """Return E[f(u) g(u)] of the pre-activations of a hidden layer, where that is Gaussian."""
        return self.keep(layer, (f, g), prepared(expectation(f, g)).on_diagonal)

    def keep(self, layer: int, name: Hashable, of: Callable[[Float], Float]) -> Float:
        """Return a function of the variances of a layer, inputs along its last axis; it is computed once."""
        with self._lock:
            if (layer, name) not in self._kept:
                found = of(self._distinct[layer])
                self._kept[layer, name] = np.take(found, self._where, axis=-1)
            return self._kept[layer, name]


def affine(arch: Architecture, dimension: int) -> list[tuple[float, float]]:
    """Return scale and shift of every layer: Sigma = scale E[features] + shift, of the first layer of <x, x'>."""
    scales = [
        w**2 * law.variance for w, law in zip(arch.weight_stds, arch.weight_laws, strict=True)
    ]
    scales[0] /= dimension
    return [(scale, bias**2) for scale, bias in zip(scales, arch.bias_stds, strict=True)]
