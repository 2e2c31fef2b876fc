"""Training with real weights: what quantized training is compared with."""

from dataclasses import dataclass, field
from typing import Any

from theory.quantized.network import Network
from theory.quantized.schedules import Direction, Gradient, schedule
from theory.quantized.trainer import (
    Array,
    Batch,
    Bits,
    State,
    Trainer,
    advanced,
    begun,
    uniform_start,
)


@dataclass(frozen=True)
class FullPrecision(Trainer):
    """Gradient descent on real weights.

    Parameters
    ----------
    rate
        Step size: a number or a schedule.
    direction
        What is made of the gradient: ``Gradient()`` or ``Adam()``.
    """

    rate: Any = 0.1
    direction: Direction = field(default_factory=Gradient)

    def start(self, network: Network, seed: int) -> State:
        """Uniform weights on [-1, 1]."""
        memory = self.direction.start(network.dim)
        return begun(seed) | {"latent": uniform_start(network, seed)} | memory

    def step(self, state: State, batch: Batch) -> State:
        """Go against the direction."""
        gradient = batch.gradient(state["latent"])
        moved, memory = self.direction(state, gradient, state["step"])
        rate = schedule(self.rate, "rate")(state["step"])
        return advanced(state, len(batch), latent=state["latent"] - rate * moved, **memory)

    def weights(self, state: State) -> Array:
        """The real weights."""
        return state["latent"]

    def bits(self) -> Bits:
        """32 bits, and the memory of the direction."""
        return Bits(32 + self.direction.bits, 32)
