"""Bop: binary weights that flip where an average of gradients has pushed long enough; no latent weights (S14, S43)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from theory.errors import InputError
from theory.quantized.network import Network
from theory.quantized.schedules import fitting, schedule
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
class Bop(Trainer):
    """Bop (Helwegen et al. 2019): m <- (1 - gamma) m + gamma g, and w flips where w m > tau.

    Parameters
    ----------
    threshold
        tau >= 0: a number or a schedule.
    adaptivity
        gamma in (0, 1].
    second
        sigma of Bop2ndOrder (recalled): v <- (1 - sigma) v + sigma g^2, and w m is compared with tau (sqrt(v) + 1e-10).
        None is Bop itself.

    Raises
    ------
    InputError
        For an adaptivity outside (0, 1].

    Notes
    -----
    Flips are strict: w m = tau keeps w, where the published ``sign(-sign(w m - tau) w)`` gives +1 (S43).
    """

    threshold: Any = 1e-3
    adaptivity: Any = 0.1
    second: Any = None

    def __post_init__(self) -> None:
        schedule(self.threshold, "threshold")
        for name, value in (("adaptivity", self.adaptivity), ("second", self.second)):
            if value is not None and not 0 < value <= 1:
                raise InputError(f"{name} must lie in (0, 1], got {value!r}")

    def start(self, network: Network, seed: int) -> State:
        """Signs of uniform weights, and no memory."""
        return self.start_at(np.where(uniform_start(network, seed) < 0, -1.0, 1.0), seed)

    def start_at(self, weights: Array, seed: int = 0) -> State:
        """Return a start at given signs; an object array is trained in rationals, with exact constants."""
        state = begun(seed) | {"weights": weights, "mean": 0 * weights}
        return state if self.second is None else state | {"square": 0.0 * weights}

    def step(self, state: State, batch: Batch) -> State:
        """Average the gradient and flip what it has pushed past the threshold."""
        w = state["weights"]
        gamma = fitting(self.adaptivity, w, "adaptivity")
        gradient = batch.gradient(w)
        mean = (1 - gamma) * state["mean"] + gamma * gradient
        bar: Any = fitting(schedule(self.threshold, "threshold")(state["step"]), w, "threshold")
        memory: State = {"mean": mean}
        if self.second is not None:
            memory["square"] = (1 - self.second) * state["square"] + self.second * gradient**2
            bar = bar * (np.sqrt(memory["square"]) + 1e-10)
        return advanced(state, len(batch), weights=np.where(w * mean > bar, -w, w), **memory)

    def weights(self, state: State) -> Array:
        """The signs."""
        return state["weights"]

    def bits(self) -> Bits:
        """A sign and one real average, or two."""
        return Bits(33 if self.second is None else 65, 1)
