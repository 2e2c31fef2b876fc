"""Sign networks in the settings of figure 3 of Eilers et al., 30000 steps long: one cell of the record of figure T3."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

import theory as th
from figures.base import Array
from proofs_check.claims import circle_and_beyond as setting
from proofs_check.claims.circle_and_beyond import CURVES, LESSON
from proofs_check.claims.memory import response
from theory.networks import SGD, TrainedNetworks

ARCH = setting.architecture(th.sign())
STEPS = (300, 1000, 3000, 10_000, 30_000)
RATE = 0.1
"""For the mean of the losses."""
ANGLES = 2 * np.pi * (np.arange(100) + 0.5) / 100
SEED = 53_000
WIDTHS = (20, 100, 500)


class Cell(NamedTuple):
    """Networks of one width on one curve, and how many are planned; ``batch`` of them are trained at a time."""

    curve: str
    width: int
    dtype: str
    planned: int
    batch: int

    @property
    def name(self) -> str:
        """Name in the record."""
        return f"{self.curve}.{self.width}.{self.dtype}"

    @property
    def seed(self) -> int:
        """Seed of its own, but float32 networks start where float64 ones do."""
        return SEED + 10 * list(CURVES).index(self.curve) + WIDTHS.index(self.width)


CELLS = (
    Cell("circle", 20, "float64", 500, 100),
    Cell("circle", 100, "float64", 500, 25),
    Cell("circle", 500, "float32", 100, 4),
    Cell("circle", 100, "float32", 50, 25),
    Cell("oval", 20, "float64", 100, 100),
    Cell("oval", 100, "float64", 100, 25),
)


class Prediction(NamedTuple):
    """What a kernel makes of the targets and of the start, at the tests after each of ``STEPS``; and its spread."""

    mean: Array  # (times, tests)
    gain: Array  # (times, tests, points)
    std: Array  # (times, tests)


def points(curve: str) -> Array:
    """Training inputs, then tests."""
    return np.concatenate([setting.lesson(curve), setting.on_curve(curve, ANGLES)])


def predictions(curve: str) -> dict[str, Prediction]:
    """Asymmetric kernel ("ts"), surrogate alone ("ss"), and regression with the covariance at the start ("nngp")."""
    x = points(curve)
    start = th.nngp(ARCH, x)
    kernels = {
        "ts": th.ntk(ARCH, x),
        "ss": th.ntk(ARCH, x, jacobians=("surrogate", "surrogate")),
        "nngp": start,
    }
    y, found = np.zeros(len(x)), {}
    y[:LESSON] = setting.target(x[:LESSON])
    for name, kernel in kernels.items():
        gains = np.array([response(kernel, LESSON, s, RATE / LESSON)[LESSON:] for s in STEPS])
        variance = np.einsum("tai,ij,taj->ta", gains, start, gains)
        found[name] = Prediction(-gains @ y, gains, np.sqrt(variance))
    return found


def trained(cell: Cell, first: int) -> TrainedNetworks:
    """One batch of networks, at the start and after each of ``STEPS``."""
    x = setting.lesson(cell.curve)
    return th.train_networks(
        ARCH, x, setting.target(x), cell.width, cell.batch, (0, *STEPS), SGD(RATE), cell.seed, first=first,
        points=points(cell.curve), loss="mean", dtype=cell.dtype, threads=1,
    )  # fmt: skip


def measured(curve: str, outputs: Array, flips: Array) -> dict[str, Array]:
    """Means over networks, which merge by weight: of outputs at tests, and of several numbers of a network.

    ``outputs`` (networks, 1 + times, points). First and second powers are kept, (2, times, ...): of ``f``, the outputs
    at the tests; and of numbers a network and time: ``square``, its mean square distance from the mean by the
    asymmetric kernel; ``own``, from what that kernel makes of its own start; ``lesson``, from the targets;
    ``nngp`` and ``ss``, how far it is on the way from that mean (0) to another's (1); ``flips``, of the second layer.
    """
    laws, x = predictions(curve), points(curve)
    right, end = laws["ts"], outputs[:, 1:, LESSON:]
    away = end - right.mean
    own = away - np.einsum("tai,mi->mta", right.gain, outputs[:, 0])
    numbers = {
        "square": np.mean(away**2, axis=2),
        "own": np.mean(own**2, axis=2),
        "lesson": np.mean((outputs[:, 1:, :LESSON] - setting.target(x[:LESSON])) ** 2, axis=2),
        "flips": flips[:, 1:, 1],
    }
    for name in ("nngp", "ss"):
        step = laws[name].mean - right.mean
        numbers[name] = np.mean(away * step, axis=2) / np.mean(step**2, axis=1)
    powers = {key: np.stack([v, v**2]).mean(axis=1) for key, v in (numbers | {"f": end}).items()}
    return {"networks": np.array(float(len(outputs)))} | powers


def merged(one: Mapping[str, Array], other: Mapping[str, Array]) -> dict[str, Array]:
    """Measures of the networks of both."""
    share = one["networks"] / (one["networks"] + other["networks"])
    means = {key: share * one[key] + (1 - share) * other[key] for key in one}
    return means | {"networks": one["networks"] + other["networks"]}
