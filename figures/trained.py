"""What the figures of trained networks share: inputs on a line, targets, and distances from the kernel's prediction."""

from collections.abc import Callable

import numpy as np

import theory as th
from figures.angle_sweep import power_law
from figures.base import Array
from proofs_check.claims.training import predicted
from theory.kernels import Architecture
from theory.networks import SGD, TrainedNetworks

# Inputs (u, 1): on a line that misses the origin lengths differ, and the kernel is not symmetric.
LESSON = np.array([-1.7, -0.9, 0.1, 0.8, 1.8])
TARGET = np.array([0.8, -0.6, -0.2, 1.0, 0.3])
WEIGHT_STD, BIAS_STD = 1.3, 0.3
RATE, STEPS = 0.05, 40


def on_line(u: Array) -> Array:
    """Inputs (u, 1)."""
    return np.stack([u, np.ones_like(u)], axis=1)


def architecture(hidden: int, sigma: th.Activation, tau: th.Activation) -> Architecture:
    """Networks of these figures."""
    return Architecture(hidden, sigma, tau, weight_std=WEIGHT_STD, bias_std=BIAS_STD)


def trained(arch: Architecture, u: Array, width: int, draws: int, seed: int) -> TrainedNetworks:
    """Networks at the training inputs and then at the places ``u``, at the start and at the end."""
    points = on_line(np.concatenate([LESSON, u]))
    return th.train_networks(
        arch, on_line(LESSON), TARGET, width, draws, (0, STEPS), SGD(RATE), seed, points=points
    )


def distance(run: TrainedNetworks, kernel: Array) -> tuple[float, float]:
    """RMS distance of the outputs at the places from what a kernel makes of each start, and its standard error."""
    limit = predicted(kernel, TARGET, run.outputs[:, 0], STEPS, RATE)
    squares = np.mean((run.outputs[:, 1] - limit)[:, len(LESSON) :] ** 2, axis=1)
    return root_mean(squares)


def root_mean(squares: Array) -> tuple[float, float]:
    """Root of the mean of independent squares, and its standard error."""
    rms = float(np.sqrt(squares.mean()))
    return rms, float(squares.std(ddof=1) / np.sqrt(len(squares)) / (2 * rms))


def rates(
    table: str, widths: list[int], measured: Callable[[int], tuple[float, float]]
) -> dict[str, Array]:
    """Measured values at every width, their standard errors, and the fitted power law."""
    points = np.array([measured(n) for n in widths])
    n = np.array(widths, dtype=float)
    return {
        f"{table}.n": n,
        f"{table}.rms": points[:, 0],
        f"{table}.stderr": points[:, 1],
        f"fit.{table}": power_law(n, *points.T),
    }
