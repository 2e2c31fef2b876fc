"""One network in training, every parameter of which is there."""

import numpy as np
from numpy.typing import NDArray

from theory.networks.training.layout import draw_parameters, filled, places
from theory.networks.training.request import Task
from theory.networks.training.results import State
from theory.networks.training.steps import advance
from theory.networks.training.tangents import observe

Float = NDArray[np.float64]


class Literal:
    """Network ``number`` from its start, or from row ``row`` of a state.

    Parameters are of the type of the task; what is recorded of them is computed in float64.
    """

    def __init__(self, task: Task, number: int, resume: State | None, row: int) -> None:
        self.task, self.number = task, number
        self.layers = places(task.plan)
        self.sizes = len(task.points) * task.plan.widths[1:-1]
        drawn = np.empty(parameter_count(task))
        draw_parameters(task.plan, task.seed, number, drawn)
        self.start = drawn.astype(task.dtype, copy=False)
        self.parameters = filled(len(drawn), task.dtype)
        self.parameters[:] = self.start
        self.slots = np.zeros((task.rule.kind, len(drawn)), task.dtype)
        if resume is not None:
            self.parameters[:], self.slots[:] = resume.parameters[row], resume.slots[row]
        self.before = self._seen(self.start, np.empty((0, 2), np.int64))[1]

    def advance(self, first: int, last: int) -> None:
        """Take steps ``first``, ..., ``last`` - 1."""
        task = self.task
        advance(
            task.plan, self.parameters, self.slots, task.rule, task.lesson, task.seed, self.number,
            first, last,
        )  # fmt: skip

    def _seen(self, parameters: Float, sides: NDArray[np.int64]) -> tuple[Float, Float, Float]:
        """Outputs, pre-activations of the hidden layers, and kernels."""
        task, k = self.task, len(self.task.points)
        many = int(task.plan.widths[-1])
        outputs, before = np.empty((k, many)), np.empty(int(self.sizes.sum()))
        theta = np.empty((len(sides), k * many, k * many))
        observe(
            task.plan, task.lesson, parameters.astype(np.float64, copy=False), task.points, sides,
            task.used, outputs, before, theta,
        )  # fmt: skip
        return outputs, before, theta

    def recorded(self) -> dict[str, Float]:
        """What is recorded of the network as it stands, by name."""
        outputs, after, theta = self._seen(self.parameters, self.task.sides)
        turns = np.split(after * self.before < 0, np.cumsum(self.sizes))[:-1]
        lesson, moved, turned = self.task.lesson, [], []
        for layer, (weights, biases) in enumerate(self.layers):
            old, new = self.start, self.parameters
            with np.errstate(over="ignore", invalid="ignore"):
                steps = np.subtract(new[weights], old[weights], dtype=np.float64)
                shifts = np.subtract(new[biases], old[biases], dtype=np.float64)
                steps /= lesson.weight_gains[layer]
                shifts /= lesson.bias_gains[layer]
                moved.append(np.sum(steps * steps) + np.sum(shifts * shifts))
                turned.append(np.mean(new[weights] * old[weights] < 0))
        return {
            "outputs": outputs,
            "kernels": theta,
            "displacement": np.array(moved),
            "neuron_flips": np.array([np.mean(part) for part in turns]),
            "weight_flips": np.array(turned),
        }


def parameter_count(task: Task) -> int:
    """Weights and biases of one network."""
    return places(task.plan)[-1][1].stop
