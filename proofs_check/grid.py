"""Grids of networks on which every bound is confronted with the distance that it bounds (claim B80)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

import theory as th
from theory.activations import Activation
from theory.kernels import Architecture, WeightLaw, gaussian, rademacher

Float = NDArray[np.float64]
Laws = Callable[[int], Sequence[WeightLaw]]

FAR = [[1.0, 0.5, 0.0, 0.2], [0.3, -1.2, 0.7, 0.1]]
# Norms from 0.6 to 2.3; the first two inputs are 2 degrees apart.
INPUTS: Mapping[str, Float] = MappingProxyType(
    {
        "one input": np.array(FAR[:1]),
        "two inputs": np.array(FAR),
        "five inputs": np.array(
            [
                FAR[0],
                [1.0, 0.5, 0.04, 0.2],
                FAR[1],
                [-0.4, 0.3, 0.2, 0.2],
                [2.0, 1.0, 0.3, -0.5],
            ]
        ),
    }
)


def gaussian_laws(hidden: int) -> Sequence[WeightLaw]:
    """Gaussian weights everywhere."""
    return [gaussian()] * (hidden + 1)


def binary_readout(hidden: int) -> Sequence[WeightLaw]:
    """Gaussian hidden weights and fair signs as readout."""
    return [gaussian()] * hidden + [rademacher()]


def binary_but_first(hidden: int) -> Sequence[WeightLaw]:
    """Fair signs behind a Gaussian first layer, which keeps the limit (claim B37)."""
    return [gaussian()] + [rademacher()] * hidden


@dataclass(frozen=True)
class Network:
    """One cell of a grid."""

    label: str
    arch: Architecture
    inputs: Float
    width: int


@dataclass(frozen=True)
class Grid:
    """Architectures, widths and inputs: every combination.

    Parameters
    ----------
    activations
        By label.
    depths, widths
        Hidden layers, and their common width.
    inputs
        Labels of `INPUTS`.
    laws
        By label: the laws of the weights, given the number of hidden layers, and the largest width to draw.
    """

    activations: Mapping[str, Activation]
    depths: Sequence[int]
    widths: Sequence[int]
    inputs: Sequence[str]
    laws: Mapping[str, tuple[Laws, int]]

    def networks(self) -> list[Network]:
        """All cells, in a fixed order."""
        return list(self._cells())

    def _cells(self) -> Iterator[Network]:
        cells = product(self.activations.items(), self.depths, self.laws.items(), self.inputs)
        for (name, f), depth, (law, (laws, largest)), inputs in cells:
            arch = Architecture(depth, f, weight_std=1.2, bias_std=0.3, weights=laws(depth))
            for width in self.widths:
                if width <= largest:
                    label = f"{name}, {depth} hidden, {law}, {inputs}, n = {width}"
                    yield Network(label, arch, INPUTS[inputs], width)


ALL_LAWS: Mapping[str, tuple[Laws, int]] = MappingProxyType(
    {
        "Gaussian": (gaussian_laws, 2**16),
        "binary readout": (binary_readout, 2**16),
        # Without conditional Gaussianity every weight is drawn: n^2 a layer.
        "binary": (binary_but_first, 2**7),
    }
)
DECLARED = Grid(
    {"hardtanh": th.hardtanh(1), "erf": th.erf(1), "relu": th.relu(), "sign": th.sign()},
    (1, 2, 3, 4),
    tuple(2**j for j in range(3, 17)),
    tuple(INPUTS),
    ALL_LAWS,
)
SMALL = Grid(
    {"hardtanh": th.hardtanh(1), "sign": th.sign()},
    (1, 2),
    (8, 64),
    ("one input", "two inputs"),
    ALL_LAWS,
)
