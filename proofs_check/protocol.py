"""Every bound against every network of a declared grid, at a family-wise confidence fixed beforehand (claim B80).

A bound is refuted where it lies below the lower confidence limit of the distance that it bounds. The
number of tests, and with it the confidence of each, is known before anything is drawn.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

import theory as th
from theory.activations import Activation
from theory.bounds import NetworkBound, catalogue, evaluate
from theory.checks import probability
from theory.distances import Sandwich, distances_to_limit, outputs_to_limit
from theory.kernels import Architecture, WeightLaw, gaussian, rademacher

Float = NDArray[np.float64]
Report = Callable[..., None]
Laws = Callable[[int], Sequence[WeightLaw]]

DISTANCES = 5
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


@dataclass(frozen=True)
class Comparison:
    """One bound at one network, beside the distance."""

    network: str
    bound: str
    distance: str
    value: float
    measured: Sandwich

    @property
    def holds(self) -> bool:
        """Whether the lower confidence limit of the distance is below the bound."""
        return self.value >= self.measured.lower

    def __str__(self) -> str:
        return (
            f"{self.bound} = {self.value:.4g} against {self.distance} >= {self.measured.lower:.4g} "
            f"({self.network})"
        )


@dataclass(frozen=True)
class Outcome:
    """What a grid showed.

    Parameters
    ----------
    comparisons
        Every bound with a finite value, at every network that satisfies its hypotheses.
    tests
        Confidence statements, counted before the first draw.
    level
        Confidence of each, such that all hold with probability 1 - false_alarm.
    """

    comparisons: tuple[Comparison, ...]
    tests: int
    level: float
    false_alarm: float

    @property
    def violations(self) -> list[Comparison]:
        """Bounds that the networks refute."""
        return [one for one in self.comparisons if not one.holds]

    @property
    def informative(self) -> int:
        """Comparisons whose lower limit is positive: those that could have failed."""
        return sum(one.measured.lower > 0 for one in self.comparisons)


def confront(network: Network, draws: int, seed: int, level: float) -> list[Comparison]:
    """Evaluate all bounds on one network, and measure the distances that they bound."""
    arch, x, n = network.arch, network.inputs, network.width
    if arch.weight_laws[-1] == gaussian():
        measured = distances_to_limit(arch, x, n, draws, seed, level)
    else:
        measured = outputs_to_limit(arch, x, n, draws, seed, level)
    rows = evaluate(arch, x, n, draws=draws, seed=seed, confidence=level)
    return [
        Comparison(
            network.label, row.declared.name, row.declared.distance, row.bound.value,
            measured[row.declared.distance],
        )
        for row in rows
        if row.bound is not None
        and row.declared.distance in measured
        and row.bound.value < row.declared.most
    ]  # fmt: skip


def run_protocol(
    grid: Grid,
    *,
    draws: int = 1000,
    seed: int = 0,
    false_alarm: float = 1e-3,
    progress: Report | None = None,
) -> Outcome:
    """Confront every bound with every network of a grid.

    Parameters
    ----------
    grid
        `DECLARED`, or a smaller one.
    draws
        Networks drawn at each cell.
    seed
        Of the addressed streams; every cell has its own.
    false_alarm
        Probability that some true bound is refuted, shared equally by all confidence statements: a lower
        limit a distance and an upper limit a bound at every cell.
    progress
        Called with (cells done, cells, name).
    """
    networks = grid.networks()
    bounds = sum(isinstance(one, NetworkBound) for one in catalogue().values())
    tests = len(networks) * (bounds + DISTANCES)
    level = 1 - probability(false_alarm, "false_alarm") / tests
    comparisons: list[Comparison] = []
    for index, network in enumerate(networks):
        comparisons += confront(network, draws, seed + index, level)
        if progress is not None:
            progress(index + 1, len(networks), network.label)
    return Outcome(tuple(comparisons), tests, level, false_alarm)
