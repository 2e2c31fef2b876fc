"""Small fully connected networks whose weights are one vector: outputs, loss, and gradient by surrogates.

In float64 with BLAS; on object arrays of ``Fraction`` the same code is exact, where activations are piecewise
polynomials and the loss is polynomial.
"""

from dataclasses import dataclass, field
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory import checks
from theory.activations import Activation
from theory.errors import ActivationError, ArchitectureError, InputError
from theory.quantized.losses import Loss, squared, wrong
from theory.quantized.tables import Side, Values

Array = NDArray[Any]


@dataclass(frozen=True)
class Network:
    r"""A network :math:`x\mapsto W_L\,\sigma(\dots\sigma(W_1x))`, with its loss; every weight may be quantized.

    Parameters
    ----------
    sizes
        Inputs, hidden widths, outputs: (4, 16, 3). (4, 1) is a single neuron. The readout is linear.
    activation
        sigma. At a jump its value is the one-sided limit nearer 0, the right one of two equally near: sign(0) = 1,
        ternary(r)(r) = 0, as in networks of -1, 0 and 1.
    surrogate
        Function whose derivative training uses for that of sigma; at a jump of the derivative its limit farther from
        0 (the closed window of BNN). Default: sigma itself.
    loss
        Declared in ``theory.quantized.losses``.
    bias
        Whether every layer sees one more input, the constant 1, with weights like the others.
    scaled
        Whether sums are divided by the root of the fan-in (the constant counted); without it exact input stays exact.

    Raises
    ------
    ArchitectureError, ActivationError
        For fewer than two sizes, or an activation that is none or has Dirac masses.
    """

    sizes: tuple[int, ...]
    activation: Activation
    surrogate: Activation | None = None
    loss: Loss = squared
    bias: bool = True
    scaled: bool = True
    _values: Values = field(init=False, repr=False, compare=False)
    _slopes: Values = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        sizes = tuple(checks.positive_int(size, "each of sizes") for size in self.sizes)
        if len(sizes) < 2:
            raise ArchitectureError(
                f"sizes needs the inputs and the outputs at least, got {self.sizes!r}; (4, 1) is one neuron"
            )
        roles: dict[str, Any] = {"activation": self.activation, "surrogate": self.slope_of}
        for role, function in roles.items():
            if not isinstance(function, Activation) or function.has_dirac:
                raise ActivationError(
                    f"the {role} must be a function such as th.sign(), got {function!r}"
                )
        object.__setattr__(self, "sizes", sizes)
        object.__setattr__(self, "_values", Values.of(self.activation, Side.NEARER))
        object.__setattr__(self, "_slopes", Values.of(self.slope_of.derivative, Side.FARTHER))

    @property
    def slope_of(self) -> Activation:
        """The function whose derivative the backward pass uses."""
        return self.activation if self.surrogate is None else self.surrogate

    # -- the weight vector -------------------------------------------------------------------------

    @cached_property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(rows, columns) of every weight matrix; the last column belongs to the constant 1, if there is one."""
        pairs = zip(self.sizes[1:], self.sizes[:-1], strict=True)
        return tuple((rows, columns + int(self.bias)) for rows, columns in pairs)

    @cached_property
    def dim(self) -> int:
        """Number of weights."""
        return sum(rows * columns for rows, columns in self.shapes)

    def layers(self, weights: Array) -> list[Array]:
        """Return the weight matrices as views of the weight vector, layer by layer, rows first.

        Raises
        ------
        InputError
            If the vector does not have ``dim`` entries.
        """
        if np.shape(weights) != (self.dim,):
            raise InputError(
                f"a network of sizes {self.sizes} has {self.dim} weights in one vector, got shape {np.shape(weights)}"
            )
        matrices, start = [], 0
        for rows, columns in self.shapes:
            matrices.append(weights[start : start + rows * columns].reshape(rows, columns))
            start += rows * columns
        return matrices

    def place(self, coordinate: int) -> tuple[int, int, int]:
        """Return (layer, row, column) of an entry of the weight vector."""
        for layer, (rows, columns) in enumerate(self.shapes):
            if coordinate < rows * columns:
                return layer, coordinate // columns, coordinate % columns
            coordinate -= rows * columns
        raise InputError(f"coordinate {coordinate} lies beyond the {self.dim} weights")

    # -- passes ------------------------------------------------------------------------------------

    def preactivations(self, weights: Array, X: Array) -> list[Array]:
        """Return the pre-activations of every layer, (samples, width) each; the last one is the output."""
        return self._forward(weights, X)[1]

    def outputs(self, weights: Array, X: Array) -> Array:
        """Return the outputs (samples, outputs) at the rows of X."""
        return self.preactivations(weights, X)[-1]

    def energy(self, weights: Array, X: Array, Y: Array) -> Any:
        """Return the mean loss over samples."""
        return self.loss.value(self.outputs(weights, X), Y).sum() / _count(X)

    def errors(self, weights: Array, X: Array, Y: Array) -> int:
        """Return how many samples are misclassified."""
        return int(wrong(self.outputs(weights, X), Y).sum())

    def gradient(self, weights: Array, X: Array, Y: Array) -> Array:
        """Return the derivative of ``energy`` in the weight vector, surrogate slopes for those of sigma.

        Raises
        ------
        InputError
            For a loss without derivative.
        """
        if self.loss.derivative is None:
            raise InputError(
                f"the loss {self.loss} has no derivative; take squared, squared_hinge or cross_entropy, "
                f"or a trainer that searches"
            )
        features, sums = self._forward(weights, X)
        matrices = self.layers(weights)
        error = self.loss.derivative(sums[-1], Y) / _count(X)
        parts: list[Array] = []
        for layer in range(len(matrices) - 1, -1, -1):
            error = error * self._factor(layer)
            parts.append((error.T @ features[layer]).ravel())
            if layer:
                below = error @ matrices[layer]
                error = below[:, : self.sizes[layer]] * self.slope(sums[layer - 1])
        return np.concatenate(parts[::-1])

    def value(self, sums: Array) -> Array:
        """Return sigma of pre-activations, with this network's convention at jumps."""
        return self._values(sums)

    def slope(self, sums: Array) -> Array:
        """Return the derivative of the surrogate, with this network's convention at jumps."""
        return self._slopes(sums)

    def features(self, values: Array) -> Array:
        """Return what a layer sees of its input (samples, width): the constant 1 is appended, if there is one."""
        if not self.bias:
            return values
        return np.concatenate([values, np.ones_like(values[:, :1])], axis=1)

    def _forward(self, weights: Array, X: Array) -> tuple[list[Array], list[Array]]:
        self._require_exact_is_possible(weights, X)
        features, sums = [self.features(X)], []
        for layer, matrix in enumerate(self.layers(weights)):
            sums.append(features[-1] @ matrix.T * self._factor(layer))
            if layer < len(self.shapes) - 1:
                features.append(self.features(self.value(sums[-1])))
        return features, sums

    def _factor(self, layer: int) -> Any:
        return 1 / sqrt(self.shapes[layer][1]) if self.scaled else 1

    def _require_exact_is_possible(self, weights: Array, X: Array) -> None:
        if self.scaled and (weights.dtype == object or X.dtype == object):
            raise InputError(
                "a scaled network divides by square roots, which exact numbers cannot; pass scaled=False"
            )


def _count(X: Array) -> int:
    """Number of samples, as an integer: it divides a Fraction exactly."""
    return int(X.shape[0])
