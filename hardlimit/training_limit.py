"""What trained networks did, and what the kernel limit says about it: moments over networks, and tables of both."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardlimit import tables
from hardlimit.training import Training
from theory.dynamics import descended_process
from theory.errors import DomainError
from theory.networks import SGD

Array = NDArray[Any]

MEASURED = ("loss", "outputs", "neuron_flips")
"""Results whose moments are told."""

SHOWN = 8
"""Points of the table of points."""


@dataclass(frozen=True)
class Limit:
    """What infinitely wide networks do at the recorded times: mean loss (T,), mean (T, k, ...) and deviation (T, k)."""

    loss: Array
    mean: Array
    std: Array


LIMIT_COST = 2e12
"""Elementary steps of the largest limit that is computed beside a run: about a minute."""


def limit_of(training: Training) -> Limit | str:
    """Return the kernel limit of a request, or why there is none."""
    rule, n = training.rule, len(training.X)
    if not isinstance(rule, SGD) or rule.momentum:
        return "the limit is known for plain gradient descent, --rule sgd"
    if training.samples < n:
        return (
            f"the limit is known for full batches, not for {training.samples} of {n} samples a step"
        )
    if training.clip is not None:
        return "the limit knows nothing of --clip"
    if training.parametrisation != "ntk":
        return "the limit is that of --parametrisation ntk"
    if 4.0 * n**3 * len(training.steps) * math.log2(2 + training.steps[-1]) > LIMIT_COST:
        return f"the limit on {n} training inputs takes minutes: see th.dynamics.descended_process"
    weights = np.full(n, 1 / n) if training.loss == "mean" else None
    try:
        law = descended_process(
            training.arch, training.X, training.y, training.looks, training.steps, rule.rate,
            weights=weights,
        )  # fmt: skip
    except DomainError as error:
        return str(error)
    spread = law.std**2 if training.y.ndim == 1 else training.y.shape[1] * law.std**2
    squares = (law.mean[:, :n] - training.y) ** 2
    loss = (squares.reshape(len(squares), -1).sum(axis=1) + spread[:, :n].sum(axis=1)) / 2
    seen = slice(None) if training.points is None else slice(n, None)
    return Limit(loss / n if training.loss == "mean" else loss, law.mean[:, seen], law.std[:, seen])


@dataclass
class Moments:
    """Number, mean, squared deviations and losses (what is not finite) of arrays that come in pieces along axis 0."""

    count: int = 0
    mean: Array | float = 0.0
    squares: Array | float = 0.0
    lost: int = 0

    def add(self, values: Array) -> None:
        """Take in one more piece."""
        with np.errstate(over="ignore", invalid="ignore"):
            n, mean = len(values), values.mean(axis=0)
            total, away = self.count + n, mean - self.mean
            self.squares = (
                self.squares
                + ((values - mean) ** 2).sum(axis=0)
                + away**2 * (self.count * n / total)
            )
            self.mean = self.mean + away * (n / total)
            self.count = total
        self.lost += n - int(np.isfinite(values).reshape(n, -1).all(axis=1).sum())

    @property
    def std(self) -> Array | None:
        """Standard deviation of one, None of fewer than two."""
        return None if self.count < 2 else np.sqrt(np.asarray(self.squares) / (self.count - 1))

    @property
    def stderr(self) -> Array | None:
        """Standard error of the mean."""
        return None if self.std is None else self.std / math.sqrt(self.count)


def moments(pieces: Iterable[dict[str, Array]]) -> dict[str, Moments]:
    """Return the moments of what is measured, over networks that come in pieces; nothing of no networks."""
    found: dict[str, Moments] = {}
    for piece in pieces:
        for name in MEASURED:
            if name in piece:
                found.setdefault(name, Moments()).add(piece[name])
    return found


def table_of_times(training: Training, found: dict[str, Moments], limit: Limit | None) -> str:
    """Loss, root mean squares over the points of mean and spread, and flips, at every recorded time."""
    loss, outputs = found["loss"], found["outputs"]
    flips = found.get("neuron_flips")
    header = ["step", "loss", "+-", "limit", "rms mean", "limit", "rms spread", "limit"]
    header += [f"flips {layer}" for layer in range(1, len(training.widths) + 1)]
    columns = [
        loss.mean,
        loss.stderr,
        limit and limit.loss,
        _size(outputs.mean),
        limit and _size(limit.mean),
        _size(outputs.std),
        limit and _size(limit.std),
        *(() if flips is None else np.moveaxis(np.asarray(flips.mean), -1, 0)),
    ]
    rows = [
        [step, *(None if column is None else float(column[t]) for column in columns)]
        for t, step in enumerate(training.steps)
    ]
    return tables.aligned(header, rows)


def table_of_points(training: Training, found: dict[str, Moments], limit: Limit | None) -> str:
    """Mean and spread at the first points, each output of them, at the last recorded time."""
    outputs = found["outputs"]
    mean = np.asarray(outputs.mean)[-1]
    spread = None if limit is None else limit.std[-1].reshape(-1, *(1,) * (mean.ndim - 1))
    columns = [
        mean,
        None if outputs.stderr is None else outputs.stderr[-1],
        None if limit is None else limit.mean[-1],
        None if outputs.std is None else outputs.std[-1],
        None if spread is None else np.broadcast_to(spread, mean.shape),
    ]
    rows: list[list[tables.Cell]] = [
        [",".join(map(str, place)), *(None if c is None else float(c[place]) for c in columns)]
        for place in list(np.ndindex(mean.shape))[:SHOWN]
    ]
    point = "point" if mean.ndim == 1 else "point,output"
    header = [f"{point} at step {training.steps[-1]}", "mean", "+-", "limit", "spread", "limit"]
    more = mean.size - len(rows)
    return tables.aligned(header, rows) + (f"\n... and {more} more" if more > 0 else "")


def _size(values: Array | float | None) -> Array | None:
    """Root mean square over all axes but the first."""
    if values is None:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        array = np.asarray(values)
        return np.sqrt((array**2).reshape(len(array), -1).mean(axis=1))
