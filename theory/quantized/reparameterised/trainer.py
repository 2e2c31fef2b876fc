"""Local reparameterisation as a trainer: gradient steps on the logits of weight laws (LR-nets; S31 to S37, S52)."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.checks import finite
from theory.errors import InputError
from theory.quantized.network import Network
from theory.quantized.reparameterised.laws import WeightFamily, weight_family
from theory.quantized.reparameterised.normalisation import applied
from theory.quantized.reparameterised.passes import Laws, Pass, Path, Slopes, scale, units
from theory.quantized.reparameterised.signals import Signal
from theory.quantized.schedules import Adam, Direction, schedule
from theory.quantized.streams import Role, generator
from theory.quantized.trainer import (
    Array,
    Batch,
    Bits,
    State,
    Trainer,
    advanced,
    begun,
    draws,
    uniform_start,
)

Float = NDArray[np.float64]
NORMALISATION = ("gain", "shift", "running_mean", "running_variance")


@dataclass(frozen=True)
class LocalReparameterisation(Trainer):
    """Training of laws on two or three values, one a weight, through the normal laws of their sums.

    Parameters
    ----------
    weights_on
        "binary" (-1, 1) or "ternary" (-1, 0, 1).
    path
        "sampled": signals are drawn at each layer, levels by the Gumbel maximum with the softmax's gradient.
        "moments": means and variances go to the last layer. Outputs are drawn in both.
    rate, direction
        Step size, a number or a schedule, and what is made of the gradient.
    sharpness
        Factor of the logits, a number or a schedule: growing, it anneals the laws to single values.
    penalty
        Weight of the mean penalty: P(w = 1) P(w = -1) of binary laws, squared logits of ternary ones.
    normalise
        Whether every layer is batch-normalised, on laws in training, with running statistics in prediction.
    memory
        Share of the running statistics that a step keeps.
    drawn
        Whether the weights that predict are drawn once from their laws, as LR-nets do, or are the likeliest ones.
    pretrained
        Real weights whose laws the run starts from (S33); None: uniform ones on [-1, 1].

    Raises
    ------
    InputError, ActivationError
        For unknown names, a share outside [0, 1), pretrained weights of another network, or an activation that is
        not piecewise linear.
    """

    weights_on: str = "binary"
    path: str = "sampled"
    rate: Any = 0.05
    direction: Direction = field(default_factory=Adam)
    sharpness: Any = 1.0
    penalty: float = 0.0
    normalise: bool = False
    memory: float = 0.9
    drawn: bool = False
    pretrained: Array | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        weight_family(self.weights_on)
        if self.path not in {path.value for path in Path}:
            raise InputError(
                f"path must be one of {', '.join(path.value for path in Path)}, got {self.path!r}"
            )
        if not 0.0 <= self.memory < 1.0:
            raise InputError(f"memory must lie in [0, 1), got {self.memory!r}")

    @property
    def family(self) -> WeightFamily:
        """The family of the weights' laws."""
        return weight_family(self.weights_on)

    def start(self, network: Network, seed: int) -> State:
        """Laws whose means are the pretrained weights, or uniform ones."""
        Signal.of(network.activation)
        weights = uniform_start(network, seed)
        if self.pretrained is not None:
            weights = finite(self.pretrained, "pretrained")
            network.layers(weights)
        arrays: State = {"logits": self.family.from_weights(weights)}
        size = arrays["logits"].size
        if self.normalise:
            ones, zeros = (np.full(sum(network.sizes[1:]), value) for value in (1.0, 0.0))
            arrays |= dict(zip(NORMALISATION, (ones, zeros, zeros, ones), strict=True))
            size += 2 * ones.size
        return begun(seed) | arrays | self.direction.start(size)

    def laws(self, state: State) -> Laws:
        """Return the laws of a state's next step."""
        mean, variance = self.family.moments(self._logits(state))
        return Laws(mean, variance, state.get("gain"), state.get("shift"))

    def step(self, state: State, batch: Batch) -> State:
        """Draw a pass, go back, and step against the direction."""
        network, stream = batch.network, draws(state)
        if network.loss.derivative is None:
            raise InputError(
                f"the loss {network.loss} has no derivative; take squared, squared_hinge or cross_entropy"
            )
        forward = Pass(
            network, Signal.of(network.activation), self.laws(state), Path(self.path), stream
        )
        outputs = forward.outputs(batch.X)
        slopes = forward.gradient(network.loss.derivative(outputs, batch.Y) / len(batch))
        gradient = self.gradient(state, slopes)
        moved, memory = self.direction(state, gradient, state["step"])
        moved = schedule(self.rate, "rate")(state["step"]) * moved
        logits = state["logits"]
        arrays: State = {"logits": logits - moved[: logits.size].reshape(logits.shape)}
        if self.normalise:
            gain, shift = np.split(moved[logits.size :], 2)
            arrays |= {"gain": state["gain"] - gain, "shift": state["shift"] - shift}
            arrays |= self._statistics(state, forward)
        return advanced(state, len(batch), **arrays, **memory)

    def gradient(self, state: State, slopes: Slopes) -> Float:
        """Return the derivative by logits, gains and shifts in one vector, the penalty with it."""
        logits, sharp = self._logits(state), self._sharpness(state)
        back = sharp * self.family.pullback(logits, slopes.mean, slopes.variance)
        if self.penalty:
            count = logits[0].size
            back = back + self.penalty * sharp * self.family.penalty_slopes(logits) / count
        parts = [back.ravel(), *([slopes.gain, slopes.shift] if self.normalise else [])]
        return np.concatenate(parts)

    def weights(self, state: State) -> Array:
        """The likeliest weights, or one draw of them that belongs to the state's seed."""
        logits = self._logits(state)
        if not self.drawn:
            return self.family.likeliest(logits)
        uniforms = generator(state["seed"], Role.PREDICT).random(logits.shape[1:])
        return self.family.sample(logits, uniforms)

    def outputs(self, network: Network, state: State, X: Array) -> Array:
        """Outputs of the discrete network, normalised with the running statistics."""
        if not self.normalise:
            return network.outputs(self.weights(state), X)
        signals, matrices = X, network.layers(self.weights(state))
        for layer, here in enumerate(units(network)):
            z = scale(network, layer) * network.features(signals) @ matrices[layer].T
            gain, shift, centre, total = (state[name][here] for name in NORMALISATION)
            z = applied(z, centre, total, gain, shift)
            signals = network.value(z)
        return z

    def bits(self) -> Bits:
        """32 bits a logit and its memory; 1 or 2 bits in inference."""
        family = self.family
        training = family.logits * (32 + self.direction.bits)
        return Bits(training, 1 if len(family.levels) == 2 else 2)

    def _sharpness(self, state: State) -> float:
        return float(schedule(self.sharpness, "sharpness")(state["step"]))

    def _logits(self, state: State) -> Float:
        return np.asarray(self._sharpness(state) * state["logits"])

    def _statistics(self, state: State, forward: Pass) -> State:
        """Running statistics after a step: of the first step its own."""
        found = [tape.normal for tape in forward.tapes if tape.normal is not None]
        keep = self.memory if state["step"] else 0.0
        seen = [
            np.concatenate([getattr(one, name) for one in found]) for name in ("centre", "total")
        ]
        return {
            name: keep * state[name] + (1 - keep) * value
            for name, value in zip(NORMALISATION[2:], seen, strict=True)
        }
