"""What networks trained on real inputs do, measured against the laws of several kernels: one cell of figure R7."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

import theory as th
from figures.base import Array
from proofs_check.claims import real_data
from proofs_check.claims.memory import forgotten
from proofs_check.claims.real_data import LESSON, TASKS, Law
from theory.estimate import Estimate
from theory.networks import SGD

STEPS = (4, 16, 64, 256)
WIDTHS = tuple(2**k for k in range(5, 13))
DRAWS = {
    1: (384, 384, 384, 384, 384, 192, 96, 48),
    2: (192, 192, 192, 192, 96, 48, 16, 16),
}
"""Networks of each width, by hidden layers: as many as an hour can train."""
DEAR = {1: 4096, 2: 512}
"""From these widths on networks take no more than the first three numbers of steps."""
SHOWN = 1024
"""Width of which every test input is kept."""
GROUPS = 16
SEED = 27
LEVELS = {"cover68": float(norm.cdf(1) - norm.cdf(-1)), "cover95": 0.95}
RIVALS = ("st", "even", "ss")
"""Kernels other than the right one, "ts"."""


class Cell(NamedTuple):
    """Networks of one width and depth on one task."""

    task: str
    hidden: int
    width: int

    @property
    def draws(self) -> int:
        """How many of them."""
        return DRAWS[self.hidden][WIDTHS.index(self.width)]

    @property
    def steps(self) -> tuple[int, ...]:
        """After how many steps they are looked at."""
        return STEPS[:3] if self.width >= DEAR[self.hidden] else STEPS

    @property
    def name(self) -> str:
        """Name in the record."""
        return f"{self.task}.{self.hidden}.{self.width}"

    @property
    def seed(self) -> int:
        """A seed of its own: cells are independent."""
        return (
            SEED
            + 1000 * (1 + list(TASKS).index(self.task))
            + 100 * self.hidden
            + WIDTHS.index(self.width)
        )


CELLS = tuple(Cell(task, hidden, n) for n in WIDTHS for hidden in DRAWS for task in TASKS)


def measure(cell: Cell, draws: int) -> dict[str, Array]:
    """Train ``draws`` networks, and return estimates as rows (value, standard error), one a time of ``cell.steps``."""
    inputs, labels = TASKS[cell.task]()
    run = th.train_networks(
        real_data.architecture(cell.hidden), inputs[:LESSON], labels[:LESSON], cell.width, draws, (0, *cell.steps),
        SGD(real_data.rate(cell.task, cell.hidden)), cell.seed, points=inputs, threads=1,
    )  # fmt: skip
    start, found = run.outputs[:, 0], []
    for place, steps in enumerate(cell.steps, start=1):
        laws = {
            name: real_data.law(cell.task, cell.hidden, name, steps) for name in ("ts", *RIVALS)
        }
        end = run.outputs[:, place]
        row = compared(start, end[:, LESSON:], labels[LESSON:], laws)
        residual = np.mean((end[:, :LESSON] - labels[:LESSON]) ** 2, axis=1)
        row["residual"] = jackknife(lambda mean: float(np.sqrt(mean)), residual)
        for layer in range(cell.hidden):
            flips = Estimate.of_mean(run.neuron_flips[:, place, layer])
            row[f"flips{layer + 1}"] = float(flips.value), float(flips.stderr)
        found.append(row)
    final = run.outputs[:, -1, LESSON:]
    spread = final.std(axis=0, ddof=1)
    return {key: np.array([row[key] for row in found]) for key in found[0]} | {
        "test.mean": np.stack([final.mean(axis=0), spread / np.sqrt(draws)], axis=1),
        "test.std": np.stack([spread, _std_error(final)], axis=1),
    }


def compared(
    start: Array, end: Array, labels: Array, laws: Mapping[str, Law]
) -> dict[str, tuple[float, float]]:
    """Estimates of how outputs (draws, tests) differ from what the laws say, with standard errors.

    ``bias`` is the mean square over the tests of the difference of means, ``spread`` the ratio of root mean variances,
    ``cover..`` the share of outputs within the law's intervals, ``error`` that on the wrong side, ``own_..`` the mean
    square distance of a network from what a kernel makes of its own start, ``towards_..`` how far it is on the
    way from the right kernel's prediction (0) to another's (1), by least squares.
    """
    right = laws["ts"]
    away = end - right.of(start)
    result = {
        "bias": jackknife(lambda mean: float(np.mean(mean**2)), away),
        "spread": jackknife(_spread(right), np.stack([end, end**2], axis=1)),
        "error": _mean((end * labels <= 0).mean(axis=1)),
        "own_ts": _mean(np.mean(away**2, axis=1)),
    }
    scores = np.abs(end - right.mean) / right.std
    for name, level in LEVELS.items():
        result[name] = _mean((scores < norm.ppf((1 + level) / 2)).mean(axis=1))
    for name in RIVALS:
        other = laws[name].of(start)
        step = other - right.of(start)
        result[f"own_{name}"] = _mean(np.mean((end - other) ** 2, axis=1))
        products = np.stack([np.mean(away * step, axis=1), np.mean(step**2, axis=1)], axis=1)
        result[f"towards_{name}"] = jackknife(lambda mean: float(mean[0] / mean[1]), products)
    return result


def _mean(samples: Array) -> tuple[float, float]:
    estimate = Estimate.of_mean(samples)
    return float(estimate.value), float(estimate.stderr)


def _spread(law: Law) -> Callable[[Array], float]:
    def ratio(moments: Array) -> float:
        return float(np.sqrt(np.mean(moments[1] - moments[0] ** 2) / np.mean(law.std**2)))

    return ratio


def _std_error(samples: Array) -> Array:
    """Standard error of a standard deviation, for samples of any kurtosis."""
    squares = (samples - samples.mean(axis=0)) ** 2
    error: Array = squares.std(axis=0, ddof=1) / np.sqrt(len(samples)) / (2 * samples.std(axis=0))
    return error


def jackknife(function: Callable[[Array], float], samples: Array) -> tuple[float, float]:
    """Estimate a function of a mean, free of its bias of order 1/draws, with its standard error; leaves groups out."""
    groups = np.array([part.mean(axis=0) for part in np.array_split(samples, GROUPS)])
    count, whole = len(groups), groups.mean(axis=0)
    left_out = np.array([function((count * whole - group) / (count - 1)) for group in groups])
    value = count * function(whole) - (count - 1) * left_out.mean()
    return float(value), float(np.sqrt((count - 1) * left_out.var()))


def expected_error(law: Law, labels: Array) -> float:
    """Share of outputs on the wrong side under a law, at tests with these labels."""
    return float(np.mean(norm.cdf(-labels * law.mean / law.std)))


def feigned(task: str, steps: int, flips: float) -> float:
    """Share of the way to the symmetric kernel that forgetting passes for, after a share of flips in the only layer.

    What networks miss for having forgotten their start (claim T37.memory), projected as ``compared`` projects.
    """
    inputs, _ = TASKS[task]()
    arch = real_data.architecture(1)
    right, other = (real_data.law(task, 1, name, steps) for name in ("ts", "ss"))
    turn, missed = other.gain - right.gain, -right.gain @ forgotten(arch, inputs, flips)
    length = np.sum((turn @ th.nngp(arch, inputs)) * turn) + np.sum((other.mean - right.mean) ** 2)
    return float(np.sum(turn * missed) / length)
