"""Training of an ensemble as one request: what it is, and networks of it that go on from where they stood.

Networks are trained a block at a time, and a block in segments of half a minute, so that a run that is killed goes on
from the state after the last segment. Neither changes a bit of a network.
"""

import math
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hardlimit.descriptions import digest
from theory.checks import inputs
from theory.errors import InputError, InterruptedRunWarning
from theory.kernels import Architecture
from theory.networks import SGD, Adam, State, TrainedNetworks, train_networks
from theory.networks.canonical import encode
from theory.networks.description import VERSION as SAMPLERS
from theory.networks.training.lowrank import directions
from theory.networks.training.request import Task, prepare

Array = NDArray[Any]
Pair = tuple[str, str]
Progress = Callable[[int, int], object]

VERSION = 1
"""Version of the trainer's bits: raised whenever a network of any request comes out with other bits."""

PERIOD = 30.0
"""Seconds of a segment, which is what a kill can lose; and of a default block of networks that are trained faster."""

SHARE = 0.05
"""Largest part of its time that a run spends on writing states."""

BLOCK_COST = 2e10
"""Elementary steps in a default block: about `PERIOD` on one processor."""

BLOCK_BYTES = 2**28
LARGEST_BLOCK = 2**12


@dataclass(frozen=True, eq=False)
class Training:
    """A request that ``train_networks`` would accept, with every choice made; build it by ``Training.of``.

    Fields are the arguments of ``train_networks``; ``points`` is None where networks are looked at on the training
    inputs.
    """

    arch: Architecture
    X: Array
    y: Array
    widths: tuple[int, ...]
    steps: tuple[int, ...]
    rule: SGD | Adam
    seed: int
    points: Array | None
    jacobians: tuple[Pair, ...]
    loss: str
    samples: int
    parametrisation: str
    clip: float | None
    method: str
    dtype: str

    @classmethod
    def of(
        cls,
        arch: Architecture,
        X: ArrayLike,
        y: ArrayLike,
        width: int | Sequence[int],
        steps: Sequence[int],
        rule: SGD | Adam,
        seed: int = 0,
        *,
        points: ArrayLike | None = None,
        jacobians: Sequence[Pair] = (),
        loss: str = "sum",
        samples: int | None = None,
        parametrisation: str = "ntk",
        clip: float | None = None,
        method: str = "weights",
        dtype: str = "float64",
    ) -> "Training":
        """Check a request.

        Raises
        ------
        InputError, ArchitectureError, UndefinedKernelError
            As ``train_networks`` does.
        """
        seen = None if points is None else inputs(points, "points")
        x = inputs(X)
        if seen is not None and seen.shape[1] != x.shape[1]:
            raise InputError(
                f"points have {seen.shape[1]} dimensions and X has {x.shape[1]}; both need the same"
            )
        task = prepare(
            arch, x, y, width, steps, rule, seed, seen, jacobians, loss, samples, parametrisation,
            clip, method, dtype, False,
        )  # fmt: skip
        hidden = tuple(int(n) for n in task.plan.widths[1:-1])
        return cls(
            arch, x, np.asarray(y, np.float64), hidden, task.steps, rule, int(task.seed), seen,
            task.pairs, loss, task.lesson.size, parametrisation, clip, task.method, dtype,
        )  # fmt: skip

    @cached_property
    def looks(self) -> Array:
        """Where networks are looked at: the training inputs, for the loss, and then the points."""
        return self.X if self.points is None else np.vstack([self.X, self.points])

    @cached_property
    def task(self) -> Task:
        """The request, checked and flattened."""
        return prepare(
            self.arch, self.X, self.y, self.widths, self.steps, self.rule, self.seed, self.looks,
            self.jacobians, self.loss, self.samples, self.parametrisation, self.clip, self.method,
            self.dtype, False,
        )  # fmt: skip

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Results of one network, none of them empty: name and shape; the first axis is that of the recorded times."""
        times, depth = len(self.steps), len(self.widths)
        seen = len(self.X if self.points is None else self.points)
        found = {
            "loss": (times,),
            "outputs": (times, seen, *self.y.shape[1:]),
            "displacement": (times, depth + 1),
            "neuron_flips": (times, depth),
            "weight_flips": (times, depth + 1),
        }
        found["kernels"] = (
            times,
            len(self.jacobians),
            *found["outputs"][1:],
            *found["outputs"][1:],
        )
        return {name: shape for name, shape in found.items() if 0 not in shape}

    @property
    def parameters(self) -> int:
        """Weights and biases of one network."""
        widths = self.task.plan.widths
        biases = widths[1:] * (self.task.plan.bias_stds > 0)
        return int((widths[1:] * widths[:-1]).sum() + biases.sum())

    @property
    def state_bytes(self) -> int:
        """Bytes of the state of one network; none is kept where the weights between hidden layers are not stored."""
        if self.method == "low-rank":
            return 0
        return self.parameters * (1 + self.task.rule.kind) * np.dtype(self.dtype).itemsize

    @property
    def result_bytes(self) -> int:
        """Bytes of the results of one network."""
        return 8 * sum(math.prod(shape) for shape in self.shapes.values())

    @property
    def kernel_bytes(self) -> int:
        """Bytes of the kernels of one network at one time, at all that it is looked at."""
        side = len(self.looks) * math.prod(self.y.shape[1:])
        return 8 * len(self.jacobians) * side**2

    @property
    def working_bytes(self) -> int:
        """Bytes that one network takes while it is trained and looked at."""
        widths = self.task.plan.widths
        panels = 8 * (max(self.samples, len(self.looks)) * int(2 * widths.sum() + 3 * widths.max()))
        kernels = 3 * self.kernel_bytes
        if self.method == "low-rank":
            kept = 32 * max(directions(self.task)) * int(widths.sum())
        else:
            # The start as it is drawn, the start and the parameters in their type, and what the rule remembers.
            kept = self.parameters * (8 + 2 * np.dtype(self.dtype).itemsize) + self.state_bytes
        return kept + panels + kernels

    @property
    def cost(self) -> float:
        """Elementary steps of one network."""
        widths = self.task.plan.widths.astype(float)
        if self.method == "low-rank":
            return float(widths.sum()) * 10.0 * max(directions(self.task)) ** 2
        looked = 20.0 * len(self.steps) * len(self.looks)
        pairs = float((widths[:-1] * widths[1:]).sum())
        return pairs * (6.0 * self.samples * self.steps[-1] + looked + 20.0)

    def document(self) -> dict[str, Any]:
        """Return all that the bits of a network depend on, as JSON data; arrays by their SHA-256."""
        return {
            "training": VERSION,
            "samplers": SAMPLERS,
            "architecture": encode(self.arch, names=False),
            "X": digest(self.X),
            "y": digest(self.y),
            "points": None if self.points is None else digest(self.points),
            "widths": list(self.widths),
            "steps": list(self.steps),
            "rule": encode(self.rule),
            "seed": self.seed,
            "jacobians": [list(pair) for pair in self.jacobians],
            "loss": self.loss,
            "samples": self.samples,
            "parametrisation": self.parametrisation,
            "clip": self.clip,
            "method": self.method,
            "dtype": self.dtype,
        }

    def trained(
        self, steps: Sequence[int], first: int, draws: int, looks: Array, **options: Any
    ) -> TrainedNetworks:
        """Train networks ``first``, ... up to each of ``steps``, and look at them at ``looks``."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InterruptedRunWarning)
            return train_networks(
                self.arch, self.X, self.y, self.widths, draws, list(steps), self.rule, self.seed,
                points=looks, loss=self.loss, samples=self.samples,
                parametrisation=self.parametrisation, clip=self.clip, method=self.method,
                dtype=self.dtype, first=first, **options,
            )  # fmt: skip

    def results(self, run: TrainedNetworks) -> dict[str, Array]:
        """Return the results, by the names of ``shapes``, of networks looked at in ``looks``."""
        n = len(self.X)
        with np.errstate(over="ignore", invalid="ignore"):
            squares = (run.outputs[:, :, :n] - self.y) ** 2
            loss = squares.sum(axis=tuple(range(2, squares.ndim))) / 2
        seen = slice(None) if self.points is None else slice(n, None)
        found = {
            "loss": loss / n if self.loss == "mean" else loss,
            "outputs": run.outputs[:, :, seen],
            "displacement": run.displacement,
            "neuron_flips": run.neuron_flips,
            "weight_flips": run.weight_flips,
        }
        if self.jacobians:
            side = (seen, *(slice(None),) * (self.y.ndim - 1))
            found["kernels"] = np.stack(
                [run.kernels[pair][:, :, *side, *side] for pair in self.jacobians], axis=2
            )
        return {name: found[name] for name in self.shapes}


def block_size(training: Training, workers: int) -> int:
    """Return how many networks a block has unless asked for otherwise: at least one a thread."""
    each = training.result_bytes + 2 * training.state_bytes + training.kernel_bytes
    affordable = min(BLOCK_COST / training.cost, BLOCK_BYTES / each, LARGEST_BLOCK)
    return max(2 ** int(math.log2(max(affordable, 1))), workers)


@dataclass
class Part:
    """Where networks ``first``, ..., ``first + draws - 1`` stand.

    Parameters
    ----------
    first, draws
        Which networks.
    arrays
        Their results, (draws, times, ...), up to ``step``; what follows is not there yet.
    step
        Steps that are taken; -1 before the start is looked at.
    state
        Of all of them, where there is more to be done.
    """

    first: int
    draws: int
    arrays: dict[str, Array]
    step: int = -1
    state: State | None = None

    @classmethod
    def begin(cls, training: Training, first: int, draws: int) -> "Part":
        """Return networks that nothing has been done about."""
        arrays = {n: np.full((draws, *shape), np.nan) for n, shape in training.shapes.items()}
        return cls(first, draws, arrays)


class Runner:
    """Trains parts of a request; keeps what is needed to go on.

    Parameters
    ----------
    training
        The request.
    threads
        As for ``train_networks``.
    save
        Called with a part after a segment, no more often than `SHARE` allows, and when the run is interrupted.
    progress
        Called as ``progress(done, total)``, in steps of one network each; its start counts as one.
    """

    def __init__(
        self,
        training: Training,
        threads: int | None,
        save: Callable[[Part], object],
        progress: Progress,
    ) -> None:
        self.training, self.threads, self.save, self.progress = training, threads, save, progress
        self.each = 1 + training.steps[-1]

    def run(self, parts: Iterable[Part], total: int) -> Iterator[Part]:
        """Train parts to the end, of ``total`` networks in all, and yield each.

        After Ctrl-C the last one holds the networks of it that are finished, if any, and nothing follows.
        """
        done = 0
        for part in parts:
            wanted = part.draws
            try:
                self._finish(part, done, total)
            except KeyboardInterrupt:
                if part.step < self.training.steps[-1]:
                    self.save(part)
                    return
            if part.draws:
                yield part
            if part.draws < wanted:
                return
            done += part.draws

    def _finish(self, part: Part, before: int, total: int) -> None:
        last, saved, needed = self.training.steps[-1], time.perf_counter(), PERIOD
        stride = self._first_stride(part.draws)
        while part.step < last:
            began = time.perf_counter()
            self._segment(part, stride, before * self.each, total * self.each)
            now = time.perf_counter()
            stride = max(1, int(stride * min(8.0, PERIOD / max(now - began, 1e-3))))
            if part.step < last and now - saved >= needed:
                self.save(part)
                saved = time.perf_counter()
                needed = max(PERIOD, (saved - now) / SHARE)

    def _first_stride(self, draws: int) -> int:
        """Steps of the first segment: some seconds at the slowest."""
        if self.training.method == "low-rank":  # there is no state to go on from
            return self.each
        one = self.training.cost / max(self.training.steps[-1], 1) * draws
        return max(1, int(BLOCK_COST / 8 / one))

    def _segment(self, part: Part, stride: int, before: int, total: int) -> None:
        """Take some steps, up to recorded times if there are any so near; raise ``KeyboardInterrupt`` on Ctrl-C."""
        training, at = self.training, part.step
        reach = max(at, 0) + stride
        near = [step for step in training.steps if at < step <= reach]
        if training.jacobians and training.method != "low-rank":
            near = near[:1]  # kernels of one time in memory
        times = near or [min(reach, training.steps[-1])]
        end = times[-1]
        base, share = before + part.draws * (at + 1), part.draws * (end - at)

        def report(done: int, whole: int) -> None:
            self.progress(base + share * done // whole, total)

        run = training.trained(
            times,
            part.first,
            part.draws,
            training.looks if near else training.X[:1],
            jacobians=training.jacobians if near else (),
            resume=part.state,
            keep=end < training.steps[-1],
            threads=self.threads,
            progress=report,
        )
        if not run.complete and (at >= 0 or end < training.steps[-1]):
            raise KeyboardInterrupt
        if near:
            places = [training.steps.index(step) for step in near]
            found = training.results(run)
            part.arrays = {name: values[: run.draws] for name, values in part.arrays.items()}
            for name, values in found.items():
                part.arrays[name][:, places] = values
        part.draws, part.step, part.state = run.draws, end, run.state
