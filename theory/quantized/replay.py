"""Training twice, in float64 and in rationals: where rounding first changes a quantized weight (S53)."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.checks import positive_int
from theory.errors import InputError
from theory.quantized.trainer import Batch, State, Trainer

Array = NDArray[Any]


@dataclass(frozen=True)
class Replay:
    """How far two runs of one algorithm stay together.

    Parameters
    ----------
    step
        First step after which a weight that predicts differs; None if none did.
    drift
        Largest difference of those weights at any step.
    weights
        Weights that predict after each step, (steps, d), in float64 and in rationals.
    """

    step: int | None
    drift: float
    weights: tuple[Array, Array]


def replay(
    trainer: Trainer,
    batch: Batch,
    latent: Array,
    steps: int,
    weights: Callable[[State], Array] | None = None,
) -> Replay:
    """Train from one start in both arithmetics, on the same batch at every step.

    Parameters
    ----------
    trainer
        With exact constants, and a ``start_at``: ``ProxConnect`` or ``Bop``.
    batch
        Exact data (object arrays) on a network with ``scaled=False``; rounded for the run in float64.
    latent
        Start, exact.
    steps
        Number of steps; numbers in rationals grow with each.
    weights
        What to compare; by default what predicts.

    Raises
    ------
    InputError
        If the trainer cannot start at given weights, or data are not exact.
    """
    count = positive_int(steps, "steps")
    start = getattr(trainer, "start_at", None)
    if start is None or latent.dtype != object or batch.X.dtype != object:
        raise InputError(
            "a replay needs a trainer with start_at (ProxConnect, Bop), and object arrays of Fraction for the start "
            f"and the data; got {type(trainer).__name__}, {latent.dtype} and {batch.X.dtype}"
        )
    seen = weights or trainer.weights
    rounded = Batch(batch.network, batch.X.astype(np.float64), batch.Y.astype(np.float64))
    states = [start(latent.astype(np.float64)), start(latent)]
    trails: tuple[list[Array], list[Array]] = ([], [])
    for _ in range(count):
        for k, data in enumerate((rounded, batch)):
            states[k] = trainer.step(states[k], data)
            trails[k].append(seen(states[k]))
    floats, exact = (np.array(trail) for trail in trails)
    apart = abs(np.vectorize(Fraction, otypes=[object])(floats) - exact)
    differ = np.flatnonzero((apart > 0).any(axis=1))
    return Replay(int(differ[0]) + 1 if differ.size else None, float(apart.max()), (floats, exact))
