"""ProxConnect, its relatives and ProxConnect++: one step, in which a rule says where the gradient is and what moves.

Section 1.1 of docs/theory/quantized-training.md; the update rules are recalled there, not read.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.errors import InputError
from theory.quantized.network import Network
from theory.quantized.quantizers import (
    PAR,
    SIGNS,
    TRITS,
    PiecewiseLinear,
    Projection,
    Quantizer,
    SignSwish,
    sign_swish_slope,
)
from theory.quantized.schedules import (
    Constant,
    Direction,
    Gradient,
    Linear,
    Schedule,
    fitting,
    schedule,
)
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

Backward = Callable[[Array, Any], Array]


@dataclass(frozen=True)
class Rule:
    """Where the gradient is taken, and what it moves: the quantized weights w or the latent ones u."""

    gradient_at_quantized: bool
    moves_quantized: bool


CONNECT = Rule(gradient_at_quantized=True, moves_quantized=False)
"""BinaryConnect and ProxConnect: u <- u - rate grad(w)."""
PROX_GRADIENT = Rule(gradient_at_quantized=True, moves_quantized=True)
"""ProxQuant: u <- w - rate grad(w)."""
REVERSE = Rule(gradient_at_quantized=False, moves_quantized=True)
"""Reverse ProxConnect: u <- w - rate grad(u)."""
POST_TRAINING = Rule(gradient_at_quantized=False, moves_quantized=False)
"""Post-training quantization: u <- u - rate grad(u), quantized once at the end."""


@dataclass(frozen=True)
class ProxConnect(Trainer):
    """ProxConnect++: w = F(u), and the step on u is multiplied by B(u).

    Parameters
    ----------
    forward
        F at every sharpness mu.
    backward
        B(latent, mu), elementwise; None is 1.
    rule
        ``CONNECT``, ``PROX_GRADIENT``, ``REVERSE`` or ``POST_TRAINING``.
    rate
        Step size: a number or a schedule; exact with exact states.
    sharpness
        mu at every step; None is 1 plus the step sizes so far, as generalised conditional gradients have it (S3).
    direction
        What is made of the gradient.
    clip
        Latent weights are kept in [-clip, clip]; None leaves them.

    Notes
    -----
    Which pairs (F, B) are covered by ProxConnect's theory is what ``compatibility`` decides; any pair runs.
    """

    forward: Quantizer = field(default_factory=Projection)
    backward: Backward | None = None
    rule: Rule = CONNECT
    rate: Any = 0.1
    sharpness: Any = None
    direction: Direction = field(default_factory=Gradient)
    clip: float | None = None

    def __post_init__(self) -> None:
        schedule(self.rate, "rate")
        if self.sharpness is not None:
            schedule(self.sharpness, "sharpness")
        if not isinstance(self.forward, Quantizer):
            raise InputError(
                f"forward must be a quantizer such as Projection((-1, 0, 1)), got {self.forward!r}"
            )

    def start(self, network: Network, seed: int) -> State:
        """Uniform latent weights on [-1, 1]."""
        return self.start_at(uniform_start(network, seed), seed)

    def start_at(self, latent: Array, seed: int = 0) -> State:
        """Return a start at given latent weights; an object array of ``Fraction`` is trained in rationals."""
        return begun(seed) | {"latent": latent, "mu": 1} | self.direction.start(len(latent))

    def step(self, state: State, batch: Batch) -> State:
        """Take the gradient, multiply it by B, and move."""
        latent, mu = state["latent"], self._mu(state)
        quantized = self.forward(latent, mu)
        gradient = batch.gradient(quantized if self.rule.gradient_at_quantized else latent)
        moved, memory = self.direction(state, gradient, state["step"])
        if self.backward is not None:
            moved = self.backward(latent, mu) * moved
        rate = fitting(schedule(self.rate, "rate")(state["step"]), latent, "rate")
        after = (quantized if self.rule.moves_quantized else latent) - rate * moved
        if self.clip is not None:
            after = np.clip(after, -self.clip, self.clip)
        return advanced(state, len(batch), latent=after, mu=state["mu"] + rate, **memory)

    def quantized(self, state: State) -> Array:
        """Return F of the latent weights at the sharpness of the next step: where training takes its gradient."""
        return self.forward(state["latent"], self._mu(state))

    def weights(self, state: State) -> Array:
        """The levels that predict, whatever the sharpness has reached."""
        return self.forward.final(state["latent"])

    def bits(self) -> Bits:
        """A real latent weight and the memory of the direction, and a level."""
        return Bits(32 + self.direction.bits, self.forward.bits)

    def _mu(self, state: State) -> Any:
        if self.sharpness is None:
            return state["mu"]
        return schedule(self.sharpness, "sharpness")(state["step"])


# ------------------------------------------------------------------- backward quantizers


@dataclass(frozen=True)
class Window:
    """1 for |u| <= width, else 0: the clipped straight-through estimator of BNN."""

    width: float = 1.0

    def __call__(self, latent: Array, mu: Any) -> Array:  # noqa: ARG002 - the same at every sharpness
        """Return the window."""
        return (abs(latent) <= self.width).astype(latent.dtype)


@dataclass(frozen=True)
class SignSwishSlope:
    """Derivative of SignSwish at steepness mu * beta."""

    beta: float = 5

    def __call__(self, latent: Array, mu: Any) -> NDArray[np.float64]:
        """Return the derivative."""
        return sign_swish_slope(latent, float(mu * self.beta))


# ------------------------------------------------------------------- the algorithms by their names


def binary_connect(
    rate: Any = 0.1,
    levels: tuple[Any, ...] = SIGNS,
    direction: Direction | None = None,
    clip: float | None = 1.0,
) -> ProxConnect:
    """BinaryConnect (Courbariaux et al. 2015): projection forward, the gradient at w moves u."""
    made = direction or Gradient()
    return ProxConnect(Projection(levels), rate=rate, direction=made, clip=clip)


def proxquant(
    rate: Any = 0.1,
    forward: Quantizer | None = None,
    sharpness: Any = 1,
    direction: Direction | None = None,
) -> ProxConnect:
    """ProxQuant (Bai et al. 2019): proximal gradient; a mild quantizer, for a hard one never moves far from a level."""
    quantizer = forward or PiecewiseLinear(SIGNS, 0.005)
    made = direction or Gradient()
    return ProxConnect(quantizer, None, PROX_GRADIENT, rate, sharpness, made)


def reverse_prox_connect(
    rate: Any = 0.1,
    forward: Quantizer | None = None,
    sharpness: Any = 1,
    direction: Direction | None = None,
) -> ProxConnect:
    """Reverse ProxConnect (Dockhorn et al. 2021): the gradient at u moves w."""
    quantizer = forward or PiecewiseLinear(SIGNS, 0.005)
    return ProxConnect(quantizer, None, REVERSE, rate, sharpness, direction or Gradient())


def prox_connect(
    rate: Any = 0.1,
    forward: Quantizer | None = None,
    sharpness: Any = None,
    direction: Direction | None = None,
) -> ProxConnect:
    """ProxConnect (Dockhorn et al. 2021): a proximal quantizer that sharpens as steps accumulate."""
    quantizer = forward or PiecewiseLinear(SIGNS, 0.1)
    return ProxConnect(quantizer, None, CONNECT, rate, sharpness, direction or Gradient())


def post_training(
    rate: Any = 0.1, levels: tuple[Any, ...] = SIGNS, direction: Direction | None = None
) -> ProxConnect:
    """Training with real weights, quantized once at the end."""
    return ProxConnect(Projection(levels), None, POST_TRAINING, rate, None, direction or Gradient())


def bnn(rate: Any = 0.1, direction: Direction | None = None) -> ProxConnect:
    """BNN (Hubara et al. 2016): sign forward, the window 1{|u| <= 1} backward."""
    return ProxConnect(Projection(SIGNS), Window(), rate=rate, direction=direction or Gradient())


def bnn_plus(rate: Any = 0.1, beta: float = 5, direction: Direction | None = None) -> ProxConnect:
    """BNN+ (Darabi et al. 2018): sign forward, the derivative of SignSwish backward; incompatible (S8)."""
    backward = SignSwishSlope(beta)
    sharpness = Constant(1)
    return ProxConnect(
        Projection(SIGNS), backward, CONNECT, rate, sharpness, direction or Gradient()
    )


def bnn_plus_plus(
    rate: Any = 0.1, beta: float = 5, sharpness: Any = None, direction: Direction | None = None
) -> ProxConnect:
    """BNN++: SignSwish forward and its derivative backward, gradient descent on the loss of SignSwish (S10).

    By default the steepness grows from beta by 1 % of it a step.
    """
    grows: Schedule = Linear(1, 0.01) if sharpness is None else schedule(sharpness, "sharpness")
    forward, backward = SignSwish(beta), SignSwishSlope(beta)
    return ProxConnect(forward, backward, CONNECT, rate, grows, direction or Gradient())


def parq(
    rate: Any = 0.1,
    levels: tuple[Any, ...] = TRITS,
    steps: int = 1000,
    direction: Direction | None = None,
) -> ProxConnect:
    """PARQ (Jin et al. 2025), in the form of its code: slopes between flat parts grow until they are jumps.

    The proximal map of PAR after rescaling u by the sharpness (S12): flat lengths grow linearly and reach the
    projection after ``steps`` steps.
    """
    least = min(high - low for low, high in pairwise(levels)) / 2
    quantizer = PiecewiseLinear(levels, 1)
    return ProxConnect(
        quantizer, None, CONNECT, rate, Linear(0.0, least / steps), direction or Gradient()
    )


def aprox(
    rate: Any = 0.1, forward: Quantizer | None = None, direction: Direction | None = None
) -> ProxConnect:
    """AProx (PARQ, algorithm 1): ProxConnect with the proximal map of a convex piecewise-affine regulariser.

    The sharpness is 1 plus the step sizes so far; PARQ leaves out the 1.
    """
    return ProxConnect(
        forward or PAR(TRITS, (0.1,)), None, CONNECT, rate, None, direction or Gradient()
    )
