"""What every training algorithm is to the rest: a declaration with a start, a step, and the weights that predict.

A state is a dictionary of arrays and integers, so a checkpoint is the state itself. It always holds ``seed``, ``step``
and ``evaluations``; a step takes its randomness from ``draws``, addressed by the seed and the number of the step, so a
run that is resumed has the bits of one that never stopped.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.quantized.network import Network
from theory.quantized.streams import Role, generator

Array = NDArray[Any]
State = dict[str, Any]


@dataclass(frozen=True)
class Bits:
    """Bits a weight: what has to be kept from step to step, and what predicts; a real number counts as 32."""

    training: float
    inference: float


@dataclass(frozen=True, eq=False)
class Batch:
    """Samples for one step: the network's energy and gradient at them.

    Parameters
    ----------
    network
        The network that is trained.
    X, Y
        Inputs (samples, inputs) and targets (samples, outputs).
    """

    network: Network
    X: Array
    Y: Array

    def __len__(self) -> int:
        return int(self.X.shape[0])

    def energy(self, weights: Array) -> Any:
        """Return the mean loss at a weight vector."""
        return self.network.energy(weights, self.X, self.Y)

    def gradient(self, weights: Array) -> Array:
        """Return the gradient of the mean loss at a weight vector."""
        return self.network.gradient(weights, self.X, self.Y)


class Trainer(ABC):
    """A training algorithm: a frozen dataclass of its constants."""

    @abstractmethod
    def start(self, network: Network, seed: int) -> State:
        """Return the state before the first step: ``begun(seed)`` and the algorithm's arrays."""

    @abstractmethod
    def step(self, state: State, batch: Batch) -> State:
        """Return the state after one step on a batch: ``advanced`` with the new arrays."""

    @abstractmethod
    def weights(self, state: State) -> Array:
        """Return the weight vector that predicts."""

    @abstractmethod
    def bits(self) -> Bits:
        """Return bits a weight in training and in inference."""

    def outputs(self, network: Network, state: State, X: Array) -> Array:
        """Return the outputs (samples, outputs) that predict; those of ``weights``, unless a trainer says otherwise."""
        return network.outputs(self.weights(state), X)


def begun(seed: int) -> State:
    """Return the counters of a new state."""
    return {"seed": seed, "step": 0, "evaluations": 0}


def advanced(state: State, evaluations: int, **arrays: Any) -> State:
    """Return a state one step on, with arrays replaced.

    ``evaluations``: weight vectors tried in this step times samples looked at, the forward passes that it cost.
    """
    counters = {"step": state["step"] + 1, "evaluations": state["evaluations"] + evaluations}
    return {**state, **counters, **arrays}


def draws(state: State) -> np.random.Generator:
    """Return the generator of a state's next step."""
    return generator(state["seed"], Role.STEP, state["step"])


def uniform_start(network: Network, seed: int, scale: float = 1.0) -> NDArray[np.float64]:
    """Return independent weights, uniform on [-scale, scale], at the address of the start."""
    return generator(seed, Role.START).uniform(-scale, scale, network.dim)
