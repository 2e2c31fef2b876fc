"""A request for training, checked and flattened before any work starts."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory import checks
from theory.errors import ArchitectureError, InputError, UndefinedKernelError
from theory.kernels.weights import JACOBIANS, WeightLaw
from theory.networks.ensemble import DTYPES
from theory.networks.plan import NONE, Pair, Plan, check_pairs, flatten, hidden_widths
from theory.networks.streams import check_seed
from theory.networks.training.lowrank import directions, obstacle
from theory.networks.training.results import State
from theory.networks.training.rules import SGD, Adam, Rule
from theory.networks.training.steps import Lesson

if TYPE_CHECKING:
    from theory.kernels import Architecture

Float = NDArray[np.float64]
METHODS = ("auto", "weights", "low-rank")
LOSSES = ("sum", "mean")
PARAMETRISATIONS = ("ntk", "standard")

LEAST = 4
"""Neurons a direction from which weights between hidden layers are not stored, if the choice is free."""


class Task(NamedTuple):
    """A checked request: all that decides what network i does, and i alone is missing."""

    plan: Plan
    lesson: Lesson
    rule: Rule
    seed: np.uint64
    steps: tuple[int, ...]
    points: Float
    pairs: tuple[Pair, ...]
    sides: NDArray[np.int64]
    used: NDArray[np.bool_]
    laws: tuple[WeightLaw, ...]
    dtype: str
    method: str  # "weights" or "low-rank"


def prepare(
    arch: "Architecture",
    X: ArrayLike,
    y: ArrayLike,
    width: int | Sequence[int],
    steps: int | Sequence[int],
    rule: SGD | Adam,
    seed: int,
    points: ArrayLike | None,
    jacobians: Sequence[Pair],
    loss: str,
    samples: int | None,
    parametrisation: str,
    clip: float | None,
    method: str,
    dtype: str,
    states: bool,
) -> Task:
    """Check a request, and flatten it for the compiled engine."""
    hidden = hidden_widths(width, arch)
    x, seen = checks.paired_inputs(X, points)
    target = checks.finite(y, "y")
    if target.ndim not in {1, 2} or len(target) != len(x) or not target.size:
        raise InputError(
            f"y must have one target a training input and output, shape ({len(x)},) or ({len(x)}, outputs), "
            f"got {target.shape}"
        )
    target = np.ascontiguousarray(target.reshape(len(x), -1))
    for name, value, known in (
        ("loss", loss, LOSSES),
        ("parametrisation", parametrisation, PARAMETRISATIONS),
        ("method", method, METHODS),
        ("dtype", dtype, DTYPES),
    ):
        if value not in known:
            raise InputError(f"unknown {name} {value!r}; choose from {known}")
    if not isinstance(rule, SGD | Adam):
        raise InputError(f"rule must be such as th.SGD(0.1) or th.Adam(0.001), got {rule!r}")
    size = len(x) if samples is None else checks.positive_int(samples, "samples")
    if size > len(x):
        raise InputError(f"samples = {size} a step are more than the {len(x)} training inputs")
    _check_trainable(arch)
    plan = flatten(arch, x.shape[1], hidden, target.shape[1])
    if clip is not None:
        checks.positive(clip, "clip")
        if np.all(plan.weight_maps == NONE):
            raise ArchitectureError(
                f"clip={clip!r} bounds binarized latent weights, and {arch} has none; "
                f"pass weights=th.binarized(th.sign(), th.hardtanh(1)), or clip=None"
            )
    pairs = check_pairs(arch, jacobians) if len(jacobians) else ()
    sides = np.array([[JACOBIANS.index(s) for s in pair] for pair in pairs], np.int64)
    sides = sides.reshape(-1, 2)
    weight_gains, bias_gains = np.ones(len(hidden) + 1), np.ones(len(hidden) + 1)
    if parametrisation == "standard":
        weight_gains = np.sqrt(plan.widths[:-1]) / plan.weight_stds
        stds = plan.bias_stds
        bias_gains = 1 / np.where(stds > 0, stds, 1.0)
    lesson = Lesson(x, target, size, loss == "mean", weight_gains, bias_gains)
    used = np.array([side in sides for side in range(2)])
    task = Task(
        plan, lesson, rule.compiled(clip), check_seed(seed), _times(steps), seen, pairs, sides, used,
        arch.weight_laws, dtype, "weights",
    )  # fmt: skip
    return task._replace(method=_chosen(method, task, obstacle(arch, rule, dtype, states)))


def _chosen(method: str, task: Task, reason: str | None) -> str:
    """Return what a request for ``method`` means."""
    if method == "low-rank" and reason is not None:
        raise ArchitectureError(
            f"method='low-rank' does not cover this: {reason}; use method='weights' or 'auto'"
        )
    if method != "auto":
        return method
    inner = task.plan.widths[1:-1]
    # Where every direction of a side is asked for nothing is saved, and steps cost more than on stored weights.
    narrow = len(inner) < 2 or LEAST * max(directions(task)) > inner.min()
    return "weights" if narrow or reason is not None else "low-rank"


def _check_trainable(arch: "Architecture") -> None:
    """Refuse surrogates whose derivative is no function."""
    try:
        check_pairs(arch, (("surrogate", "surrogate"),))
    except UndefinedKernelError as error:
        raise ArchitectureError(
            f"training needs surrogates without jumps, for activations and binarized weights, and {arch} has one; "
            f"pass for example surrogate=th.hardtanh(1)"
        ) from error


def _times(steps: int | Sequence[int]) -> tuple[int, ...]:
    given = steps if isinstance(steps, Sequence | np.ndarray) else [steps]
    times = tuple(checks.non_negative_int(step, "steps") for step in given)
    if not times or any(b <= a for a, b in pairwise(times)):
        raise InputError(f"steps must be one number or an increasing list of them, got {steps!r}")
    return times


def check_state(
    state: State, task: Task, draws: int, first: int, hidden: tuple[int, ...], parameters: int
) -> None:
    """Refuse a state of other networks, or of another rule."""
    here = {
        "seed": (state.seed, int(task.seed)),
        "first network": (state.first, first),
        "widths": (tuple(state.widths), hidden),
        "shape of the parameters": (np.shape(state.parameters), (draws, parameters)),
        "shape of the slots": (np.shape(state.slots), (draws, task.rule.kind, parameters)),
        "type of the parameters": (str(np.asarray(state.parameters).dtype), task.dtype),
    }
    for name, (found, wanted) in here.items():
        if found != wanted:
            raise InputError(
                f"resume holds other networks: its {name} is {found}, and {wanted} is asked for; "
                f"resume with the arguments that made the state"
            )
    if task.steps[0] < state.step:
        raise InputError(
            f"resume stands at step {state.step}, and step {task.steps[0]} is asked for; "
            f"count steps from the beginning of training"
        )
