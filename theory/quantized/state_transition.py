"""Training without real weights: discrete state transition, by gradients or Adam (GXNOR-Net; S15-S19, S22)."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from theory.quantized.network import Network
from theory.quantized.schedules import Direction, Gradient, schedule
from theory.quantized.streams import Role, generator
from theory.quantized.trainer import Array, Batch, Bits, State, Trainer, advanced, begun, draws
from theory.quantized.transition import Rule, TanhRule, moves, values


@dataclass(frozen=True)
class StateTransition(Trainer):
    """Weights in Z_N that jump by chance: w + kappa, or one spacing more with probability tau (S15, S16).

    Parameters
    ----------
    rate
        Step size: a number or a schedule. It slows the chain, and does not anneal it (S18).
    direction
        ``Gradient()``, or ``Adam()`` as in the code, which keeps two real numbers a weight (S22).
    rule
        tau: ``TanhRule(m)`` or ``LinearRule()``, which is stochastic rounding (S51).
    levels
        N: 0 binary, 1 ternary, 2 five values, ...
    """

    rate: Any = 0.1
    direction: Direction = field(default_factory=Gradient)
    rule: Rule = field(default_factory=TanhRule)
    levels: int = 1

    def start(self, network: Network, seed: int) -> State:
        """Independent weights, uniform on Z_N."""
        memory = self.direction.start(network.dim)
        return begun(seed) | {"codes": random_codes(network, seed, self.levels)} | memory

    def step(self, state: State, batch: Batch) -> State:
        """Draw the jumps; the step size need not be small."""
        moved, memory = self.direction(state, batch.gradient(self.weights(state)), state["step"])
        rate = schedule(self.rate, "rate")(state["step"])
        jumps = moves(state["codes"], -rate * moved, self.levels, self.rule)
        codes = jumps.draw(draws(state).random(moved.shape))
        return advanced(state, len(batch), codes=codes, **memory)

    def weights(self, state: State) -> Array:
        """The values of the states."""
        return values(state["codes"], self.levels)

    def bits(self) -> Bits:
        """What a code takes, and the memory of the direction: 2 bits for ternary weights, 66 with Adam (S22)."""
        code = code_bits(self.levels)
        return Bits(code + self.direction.bits, code)


def code_bits(levels: int) -> int:
    """Return the bits of a code of Z_N: 1 for N = 0, else N + 1."""
    return (2**levels).bit_length()


def random_codes(network: Network, seed: int, levels: int) -> Array:
    """Return independent states of Z_N, uniform, at the address of the start."""
    found: Array = generator(seed, Role.START).integers(0, 2**levels + 1, network.dim)
    return np.asarray(found)
