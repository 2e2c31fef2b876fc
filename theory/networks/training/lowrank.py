"""One wide network in its first steps, without the weights between its hidden layers (claim E3).

After s steps on k samples these weights are those of the start plus a matrix of rank s k, and both act on at most
(s + 1) k directions a side: see ``matrices.Unstored``. A step costs O(n r k) a layer of n neurons after r directions,
memory is 32 n r bytes a layer. First layer and readout are stored.
"""

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from theory.networks.entries import latent_weights
from theory.networks.streams import biases
from theory.networks.training.matrices import Stored, Unstored
from theory.networks.training.rules import Adam
from theory.networks.training.steps import applied, samples_of

if TYPE_CHECKING:
    from theory.kernels import Architecture
    from theory.networks.training.request import Task
    from theory.networks.training.rules import SGD

Float = NDArray[np.float64]


def obstacle(arch: "Architecture", rule: "SGD | Adam", dtype: str, states: bool) -> str | None:
    """Why weights between hidden layers have to be stored, or None if they need not be."""
    for place, law in enumerate(arch.weight_laws, start=1):
        if law.forward is not None:
            return f"weights {place} follow {law.name}: binarized weights need every latent weight"
        if 1 < place < len(arch.weight_laws) and not law.is_gaussian:
            return f"weights {place} follow {law.name}, and only Gaussian weights are Gaussian given what they did"
    if isinstance(rule, Adam):
        return "Adam works entry by entry, so its updates are not of low rank; take th.SGD"
    if dtype != "float64":
        return f"directions are told apart in float64, got dtype={dtype!r}"
    if states:
        return "a State holds every weight, so neither keep nor resume is possible"
    return None


def directions(task: "Task") -> tuple[int, int]:
    """Most directions that a run can ask for, on the right and on the left of one matrix."""
    looks, steps = len(task.points), task.steps[-1] * task.lesson.size
    adjoints = looks * int(task.plan.widths[-1]) * int(sum(task.used))
    return steps + (len(task.steps) + 1) * looks, steps + len(task.steps) * adjoints


class LowRank:
    """Network ``number`` from its start."""

    def __init__(self, task: "Task", number: int) -> None:
        plan = task.plan
        self.task, self.number, self.depth = task, number, len(plan.widths) - 2
        self.layers: list[Stored | Unstored] = []
        self.shifts, self.shift_velocities = [], []
        for layer, law in enumerate(task.laws):
            fan_in, fan_out = (int(n) for n in plan.widths[layer : layer + 2])
            self.layers.append(
                self.unstored(layer, fan_out, fan_in)
                if 0 < layer < self.depth
                else Stored(latent_weights(law, int(task.seed), number, layer, fan_out, fan_in))
            )
            size = fan_out if plan.bias_stds[layer] > 0 else 0
            self.shifts.append(biases(int(task.seed), number, layer, size))
            self.shift_velocities.append(np.zeros(size))
        self.first_shifts = [shift.copy() for shift in self.shifts]
        self.factors = [
            float(s) / sqrt(n) for s, n in zip(plan.weight_stds, plan.widths, strict=False)
        ]
        self.before = self._forward(task.points)[1]

    def unstored(self, layer: int, fan_out: int, fan_in: int) -> Unstored:
        """Return the weights between two hidden layers."""
        rights, lefts = directions(self.task)
        return Unstored(fan_out, fan_in, rights, lefts, (self.task.seed, self.number, layer))

    def advance(self, first: int, last: int) -> None:
        """Take steps ``first``, ..., ``last`` - 1."""
        lesson, number = self.task.lesson, self.number
        samples, size = lesson.inputs.shape[0], lesson.size
        epoch_steps = -(-samples // size)
        for step in range(first, last):
            if size == samples:
                self._step(lesson.inputs, lesson.targets)
                continue
            start = step % epoch_steps * size
            order = samples_of(samples, self.task.seed, number, step // epoch_steps)
            chosen = order[start : start + size]
            self._step(lesson.inputs[chosen], lesson.targets[chosen])

    def _step(self, x: Float, y: Float) -> None:
        lesson, rule, plan = self.task.lesson, self.task.rule, self.task.plan
        with np.errstate(over="ignore", invalid="ignore"):
            features, before = self._forward(x)
            now = before[-1] - y
            if lesson.mean:
                now = now / len(y)
            for layer in range(self.depth, -1, -1):
                back = self._below(layer, 1, now, before) if layer else now
                gain, shift_gain = lesson.weight_gains[layer], lesson.bias_gains[layer]
                scale = self.factors[layer] * gain
                self.layers[layer].descend(
                    now, features[layer], rule.rate * gain, scale, rule.first
                )
                if len(self.shifts[layer]):
                    velocity = self.shift_velocities[layer]
                    velocity *= rule.first
                    velocity += plan.bias_stds[layer] * shift_gain * now.sum(axis=0)
                    self.shifts[layer] -= rule.rate * shift_gain * velocity
                now = back

    def _forward(self, x: Float) -> tuple[list[Float], list[Float]]:
        """Features below every layer, and pre-activations above it, in panels (k, width)."""
        plan, features, before = self.task.plan, [x], []
        for layer, weights in enumerate(self.layers):
            h = self.factors[layer] * weights.forward(features[-1])
            if len(self.shifts[layer]):
                h += plan.bias_stds[layer] * self.shifts[layer]
            before.append(h)
            if layer < self.depth:
                features.append(applied(plan, plan.activations[layer], h))
        return features, before

    def _below(self, layer: int, side: int, adjoints: Float, before: list[Float]) -> Float:
        """Adjoints of the pre-activations below ``layer`` > 0 from those above it, one or more a sample in turn."""
        slopes = applied(self.task.plan, self.task.plan.slopes[side, layer - 1], before[layer - 1])
        below: Float = self.factors[layer] * self.layers[layer].backward(adjoints)
        return below * np.repeat(slopes, len(below) // len(slopes), axis=0)

    def recorded(self) -> dict[str, Float]:
        """What is recorded of the network as it stands, by name."""
        lesson = self.task.lesson
        with np.errstate(over="ignore", invalid="ignore"):
            features, before = self._forward(self.task.points)
            moved = [
                matrix.squared_displacement() / gain**2
                + float(np.sum((shift - first) ** 2)) / shift_gain**2
                for matrix, shift, first, gain, shift_gain in zip(
                    self.layers, self.shifts, self.first_shifts, lesson.weight_gains,
                    lesson.bias_gains, strict=True,
                )
            ]  # fmt: skip
            turned = [
                np.mean(old * new < 0)
                for old, new in zip(self.before[:-1], before[:-1], strict=True)
            ]
            return {
                "outputs": before[-1],
                "kernels": self._kernels(features, before),
                "displacement": np.array(moved),
                "neuron_flips": np.array(turned),
                "weight_flips": np.array([matrix.flips() for matrix in self.layers]),
            }

    def _kernels(self, features: list[Float], before: list[Float]) -> Float:
        """Empirical kernels of every pair at the points, by one backward pass a side."""
        task, k, outputs = self.task, len(self.task.points), int(self.task.plan.widths[-1])
        theta = np.zeros((len(task.sides), k, outputs, k, outputs))
        start = np.tile(np.eye(outputs), (k, 1))
        now = {side: start for side in range(2) if task.used[side]}
        for layer in range(self.depth, -1 if now else self.depth, -1):
            scale = (self.factors[layer] * task.lesson.weight_gains[layer]) ** 2
            shift = (task.plan.bias_stds[layer] * task.lesson.bias_gains[layer]) ** 2
            block = scale * features[layer] @ features[layer].T + shift
            for p, (rows, columns) in enumerate(task.sides):
                products = (now[rows] @ now[columns].T).reshape(theta.shape[1:])
                theta[p] += block[:, None, :, None] * products
            if layer:
                now = {side: self._below(layer, side, v, before) for side, v in now.items()}
        return theta
