"""An architecture: layers, variances and weight laws, checked before anything is computed with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from theory.activations import Activation
from theory.arithmetic import exact
from theory.checks import non_negative_int
from theory.errors import ArchitectureError, HardlimitError, InputError
from theory.kernels.weights import WeightLaw, gaussian

SMALLEST_STD, LARGEST_STD = 1e-36, 1e36

LARGEST_DEPTH = 2**16 - 2
"""Layers are numbered in 16 bits."""


@dataclass(frozen=True)
class Layer:
    """Forward activation of a hidden layer, and the function whose derivative the backward pass uses."""

    activation: Activation
    surrogate: Activation

    def derivative(self, jacobian: str) -> Activation:
        """Return sigma' for ``"true"``, tau for ``"surrogate"``."""
        return (self.activation if jacobian == "true" else self.surrogate).derivative


@dataclass(frozen=True)
class Architecture:
    r"""A fully connected network in NTK parametrisation, with scalar output.

    .. math:: h^1 = \tfrac{s_w}{\sqrt d} W^1 x + s_b b^1,\quad x^l = \sigma_l(h^l),\quad
              h^{l+1} = \tfrac{s_w}{\sqrt{n_l}} W^{l+1} x^l + s_b b^{l+1},\quad f = h^{L+1}.

    Parameters
    ----------
    hidden_layers
        L >= 0.
    activation
        Forward function of every hidden layer, or a sequence of L; not needed for L = 0.
    surrogate
        Function whose derivative replaces that of ``activation`` in the backward pass, or a sequence of
        L; by default the activation itself (ordinary backpropagation).
    weight_std, bias_std
        Standard deviations s_w > 0 and s_b >= 0, numbers or sequences of L + 1.
    weights
        Law of the weights, or a sequence of L + 1.

    Raises
    ------
    ArchitectureError
        If counts, kinds or values do not fit together.

    Notes
    -----
    Conventions: section 0 of the kernel theory (L counts hidden layers; standard deviations).
    """

    hidden_layers: int
    activation: Activation | Sequence[Activation] | None = None
    surrogate: Activation | Sequence[Activation] | None = None
    weight_std: Any = 1.0
    bias_std: Any = 0.0
    weights: WeightLaw | Sequence[WeightLaw] = gaussian()  # noqa: RUF009  immutable data

    def __post_init__(self) -> None:
        depth = non_negative_int(self.hidden_layers, "hidden_layers")
        object.__setattr__(self, "hidden_layers", depth)
        if depth > LARGEST_DEPTH:
            raise ArchitectureError(
                f"hidden_layers must be at most {LARGEST_DEPTH} = 2^16 - 2, got {depth}"
            )
        forward = self._functions(self.activation, depth, "activation")
        backward = (
            forward
            if self.surrogate is None
            else self._functions(self.surrogate, depth, "surrogate")
        )
        object.__setattr__(self, "activation", forward)
        object.__setattr__(self, "surrogate", backward)
        object.__setattr__(self, "weight_std", _numbers(self.weight_std, depth + 1, "weight_std"))
        object.__setattr__(self, "bias_std", _numbers(self.bias_std, depth + 1, "bias_std"))
        laws = _spread(self.weights, depth + 1, "weights")
        if not all(isinstance(law, WeightLaw) for law in laws):
            raise ArchitectureError(
                f"weights must be laws such as th.gaussian(), got {self.weights!r}"
            )
        object.__setattr__(self, "weights", laws)
        if any(std <= 0 for std in self.weight_std):
            raise ArchitectureError(
                f"weight_std must be positive in every layer, got {self.weight_std}"
            )
        if any(std < 0 for std in self.bias_std):
            raise ArchitectureError(
                f"bias_std must be at least 0 in every layer, got {self.bias_std}"
            )
        for name, stds in (("weight_std", self.weight_std), ("bias_std", self.bias_std)):
            if any(std and not SMALLEST_STD <= std <= LARGEST_STD for std in stds):
                raise ArchitectureError(
                    f"{name} must lie between {SMALLEST_STD:g} and {LARGEST_STD:g}, so that its square keeps "
                    f"its digits in float64, got {stds}; rescale the inputs instead"
                )

    @staticmethod
    def _functions(given: Any, depth: int, name: str) -> tuple[Activation, ...]:
        if depth == 0 and given is None:
            return ()
        functions = _spread(given, depth, name)
        for function in functions:
            if not isinstance(function, Activation):
                raise ArchitectureError(
                    f"{name} must be an activation such as th.hardtanh(1) (one, or one a hidden layer), "
                    f"got {function!r}"
                )
            if function.has_dirac:
                raise ArchitectureError(
                    f"{name} {function} holds Dirac masses; give the function whose derivative is meant, "
                    f"for example th.hardtanh(1) for the surrogate derivative 1{{|x| < 1}}"
                )
        return functions

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The L hidden layers."""
        return tuple(Layer(f, g) for f, g in zip(self.activation, self.surrogate, strict=True))  # type: ignore[arg-type]

    @property
    def weight_stds(self) -> tuple[float, ...]:
        """s_w of the L + 1 weight layers."""
        return tuple(self.weight_std)

    @property
    def bias_stds(self) -> tuple[float, ...]:
        """s_b of the L + 1 weight layers."""
        return tuple(self.bias_std)

    @property
    def weight_laws(self) -> tuple[WeightLaw, ...]:
        """Laws of the L + 1 weight layers."""
        return tuple(self.weights)  # type: ignore[arg-type]

    def __str__(self) -> str:
        layers = " -> ".join(
            str(layer.activation)
            if layer.activation == layer.surrogate
            else f"{layer.activation}/{layer.surrogate}"
            for layer in self.layers
        )
        shown = layers or "linear"
        return f"{shown} (s_w = {_brief(self.weight_stds)}, s_b = {_brief(self.bias_stds)}, {self.weight_laws[0].name})"


def _spread(given: Any, count: int, name: str) -> tuple[Any, ...]:
    if isinstance(given, np.ndarray):
        given = given.tolist()
    if isinstance(given, list | tuple):
        if len(given) != count:
            raise ArchitectureError(
                f"{name} lists {len(given)} entries where {count} are needed; give one for all, or {count}"
            )
        return tuple(given)
    return (given,) * count


def _numbers(given: Any, count: int, name: str) -> tuple[float, ...]:
    values = []
    for value in _spread(given, count, name):
        try:
            number = (
                float(value)
                if isinstance(value, float | np.floating)
                else float(exact(value, name))
            )
        except HardlimitError as error:
            raise ArchitectureError(f"{name} must be a real number, got {value!r}") from error
        if not np.isfinite(number):
            raise ArchitectureError(f"{name} must be finite, got {value!r}")
        values.append(number)
    return tuple(values)


def _brief(values: tuple[float, ...]) -> str:
    return f"{values[0]:g}" if len(set(values)) == 1 else str([float(f"{v:g}") for v in values])


def architecture(value: Any) -> Architecture:
    """Return an architecture, or raise ``ArchitectureError``."""
    if not isinstance(value, Architecture):
        raise ArchitectureError(
            f"arch must be an architecture such as th.Architecture(1, th.hardtanh(1)), got {value!r}"
        )
    return value


def jacobian_pair(pair: Any) -> tuple[str, str]:
    """Return a valid pair of Jacobians, or raise ``InputError``."""
    if (
        not isinstance(pair, list | tuple)
        or len(pair) != 2
        or any(side not in ("true", "surrogate") for side in pair)
    ):
        raise InputError(
            f'jacobians must be a pair of "true" or "surrogate" (rows first, columns second), got {pair!r}'
        )
    return (pair[0], pair[1])
