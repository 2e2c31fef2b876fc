"""What training returns: records of an ensemble, and the state from which it goes on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.networks.plan import Pair

Float = NDArray[np.float64]


@dataclass(frozen=True)
class State:
    """Where training stands: arrays and numbers, for the caller to store.

    Parameters
    ----------
    step
        Steps taken.
    seed, first, widths
        Which networks: ``first``, ``first + 1``, ... of a seed.
    parameters
        Shape (draws, parameters): layer by layer from the input, the latent weights row by row, then the biases (none
        where s_b = 0), in the coordinates of tangent-kernel parametrisation.
    slots
        What the update rule remembers, (draws, 0 to 2, parameters).
    """

    step: int
    seed: int
    first: int
    widths: tuple[int, ...]
    parameters: Float
    slots: Float


@dataclass(frozen=True)
class TrainedNetworks:
    """Networks ``first``, ..., ``first + draws - 1`` of a seed at T times of their training, at k points.

    Parameters
    ----------
    steps
        The times, in steps, shape (T,).
    outputs
        Shape (draws, T, k), or (draws, T, k, o) for targets (N, o); infinite or NaN where training left float64.
    kernels
        Empirical tangent kernel for each Jacobian pair, (draws, T, k, k) or (draws, T, k, o, k, o), in the coordinates
        that are trained: products of the gradients of one output at one input (rows, first Jacobian) and of another
        (columns). Its limit is the scalar one for equal outputs and 0 for others.
    displacement
        Squared distance of the parameters of each layer from where they started, in the same coordinates,
        (draws, T, L + 1).
    neuron_flips
        Share of the pre-activations of each hidden layer, at all points, whose sign is the opposite of that at the
        start, (draws, T, L).
    weight_flips
        The same for the latent weights of each layer, (draws, T, L + 1).
    seed, first, widths
        Where they came from.
    complete
        False if the run was interrupted and holds fewer draws than asked for.
    state
        Where training stands, if it was to be kept.
    """

    steps: NDArray[np.int64]
    outputs: Float
    kernels: Mapping[Pair, Float]
    displacement: Float
    neuron_flips: Float
    weight_flips: Float
    seed: int
    first: int
    widths: tuple[int, ...]
    complete: bool
    state: State | None = None

    @property
    def draws(self) -> int:
        """Number of networks."""
        return len(self.outputs)
