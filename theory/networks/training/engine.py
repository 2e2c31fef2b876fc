"""Ensembles of finite networks, trained: the public function."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from theory import checks
from theory.networks.plan import Pair
from theory.networks.runs import Progress, run_batches
from theory.networks.training.layout import draw_parameters, places
from theory.networks.training.request import Task, check_state, prepare
from theory.networks.training.results import State, TrainedNetworks
from theory.networks.training.rules import SGD, Adam
from theory.networks.training.steps import advance
from theory.networks.training.tangents import observe

if TYPE_CHECKING:
    from theory.kernels import Architecture

Float = NDArray[np.float64]


def train_networks(
    arch: "Architecture",
    X: ArrayLike,
    y: ArrayLike,
    width: int | Sequence[int],
    draws: int,
    steps: int | Sequence[int],
    rule: SGD | Adam,
    seed: int = 0,
    *,
    points: ArrayLike | None = None,
    jacobians: Sequence[Pair] = (),
    loss: str = "sum",
    samples: int | None = None,
    parametrisation: str = "ntk",
    clip: float | None = None,
    keep: bool = False,
    resume: State | None = None,
    threads: int | None = None,
    first: int = 0,
    batch: int | None = None,
    progress: Progress | None = None,
) -> TrainedNetworks:
    """Train finite networks, forward with sigma and backward with tau, and record them on the way.

    Parameters
    ----------
    arch
        The architecture. The backward pass takes the derivatives of its surrogates, of activations and of binarized
        weights; scalar output.
    X, y
        Training inputs (N, d) and targets (N,).
    width
        Width of every hidden layer, or a sequence with one a layer.
    draws
        Number of networks.
    steps
        Numbers of steps after which networks are recorded, increasing; 0 is the start. One number: the end alone.
    rule
        ``SGD`` or ``Adam``.
    seed
        64-bit key of every random number: network i starts with bitwise the parameters of network i of
        ``sample_networks(..., method="weights")``.
    points
        Inputs where networks are recorded, (k, d); default: the training inputs.
    jacobians
        Pairs of ``"true"`` and ``"surrogate"`` whose empirical kernels are recorded.
    loss
        ``"sum"``: half the sum of the squared residuals; ``"mean"``: half their mean, over the samples of a step.
    samples
        Samples a step, without replacement in each epoch, in an order of each network's own. Default: all.
    parametrisation
        ``"ntk"``, or ``"standard"``: the trained coordinates are then the weights times s_w/sqrt(n) and the biases
        times s_b (claim T10).
    clip
        Bound within which binarized latent weights are kept after every step; Hubara et al. take 1.
    keep
        Whether to return the ``State``, from which ``resume`` goes on.
    resume
        A state of the same networks; ``steps`` count from their beginning.
    threads
        Default: every processor that this process may use. BLAS runs on one thread each meanwhile.
    first
        Number of the first network.
    batch
        Networks between two calls of ``progress`` and between two places where Ctrl-C stops.
    progress
        Called as ``progress(done, total)``, in networks.

    Returns
    -------
    TrainedNetworks
        Network i is bitwise the same for any threads, batch, first, points, recorded times and division by ``resume``,
        with one BLAS on one machine; start, order of samples and all that is no product of matrices, on any.

    Raises
    ------
    InputError
        For values or shapes that no run can start from, and for a state of other networks.
    ArchitectureError
        If a surrogate jumps, or ``clip`` is given where no weights are binarized.
    UndefinedKernelError
        If a requested Jacobian differentiates across a jump.

    Notes
    -----
    Float64. Networks are trained one after another on each thread: memory holds one set of parameters a thread, unless
    they are kept. Time O(N n^2) a step and layer of width n. The loss of the flow of ``th.dynamics`` is ``"sum"``.
    Sources: claims T34, T38; E5.
    """
    count, lowest = checks.positive_int(draws, "draws"), checks.non_negative_int(first, "first")
    task = prepare(
        arch,
        X,
        y,
        width,
        steps,
        rule,
        seed,
        points,
        jacobians,
        loss,
        samples,
        parametrisation,
        clip,
    )
    plan, k, depth = task.plan, len(task.points), len(task.plan.widths) - 2
    hidden = tuple(int(n) for n in plan.widths[1:-1])
    parameters = places(plan)[-1][1].stop
    if resume is not None:
        check_state(resume, task, count, lowest, hidden, parameters)
    begin = 0 if resume is None else resume.step
    times = len(task.steps)
    kept = count if keep else 0
    results = {
        name: checks.storage((count, times, *shape), "draws")
        for name, shape in (
            ("outputs", (k,)),
            ("kernels", (len(task.pairs), k, k)),
            ("displacement", (depth + 1,)),
            ("neuron_flips", (depth,)),
            ("weight_flips", (depth + 1,)),
        )
    }
    ends = checks.storage((kept, parameters), "draws")
    memories = checks.storage((kept, task.rule.kind, parameters), "draws")

    def work(start: int, stop: int) -> None:
        for i in range(start, stop):
            current = np.empty(parameters)
            draw_parameters(plan, task.seed, lowest + i, current)
            slots = np.zeros((task.rule.kind, parameters))
            before = _Start(task, current.copy())
            if resume is not None:
                current[:], slots[:] = resume.parameters[i], resume.slots[i]
            step = begin
            for t, end in enumerate(task.steps):
                advance(
                    plan, current, slots, task.rule, task.lesson, task.seed, lowest + i, step, end
                )
                step = end
                for name, values in before.compared(current).items():
                    results[name][i, t] = values
            if keep:
                ends[i], memories[i] = current, slots

    widths = plan.widths
    weights = float((widths[:-1] * widths[1:]).sum())
    cost = weights * (6.0 * task.lesson.size * (task.steps[-1] - begin) + 20.0 * times * k)
    with threadpool_limits(1, "blas"):
        done = run_batches(work, count, cost, lowest, threads, batch, progress)
    recorded = {name: values[:done] for name, values in results.items()}
    kernels = recorded.pop("kernels")
    state = State(task.steps[-1], seed, lowest, hidden, ends[:done], memories[:done])
    return TrainedNetworks(
        steps=np.array(task.steps, np.int64),
        **recorded,
        kernels={pair: kernels[:, :, p] for p, pair in enumerate(task.pairs)},
        seed=seed,
        first=lowest,
        widths=hidden,
        complete=done == count,
        state=state if keep else None,
    )


class _Start:
    """One network before training, and how far another set of parameters is from it."""

    def __init__(self, task: Task, parameters: Float) -> None:
        self.task, self.parameters = task, parameters
        self.layers = places(task.plan)
        self.sizes = len(task.points) * task.plan.widths[1:-1]
        self.before = self._seen(parameters, np.empty((0, 2), np.int64))[1]

    def _seen(self, parameters: Float, sides: NDArray[np.int64]) -> tuple[Float, Float, Float]:
        """Outputs, pre-activations of the hidden layers, and kernels."""
        task, k = self.task, len(self.task.points)
        outputs, before = np.empty(k), np.empty(int(self.sizes.sum()))
        theta = np.empty((len(sides), k, k))
        observe(
            task.plan,
            task.lesson,
            parameters,
            task.points,
            sides,
            task.used,
            outputs,
            before,
            theta,
        )
        return outputs, before, theta

    def compared(self, parameters: Float) -> dict[str, Float]:
        """What is recorded of the network with these parameters, by name."""
        outputs, after, theta = self._seen(parameters, self.task.sides)
        turns = np.split(after * self.before < 0, np.cumsum(self.sizes))[:-1]
        lesson, old, moved, turned = self.task.lesson, self.parameters, [], []
        for layer, (weights, biases) in enumerate(self.layers):
            with np.errstate(over="ignore", invalid="ignore"):
                steps = (parameters[weights] - old[weights]) / lesson.weight_gains[layer]
                shifts = (parameters[biases] - old[biases]) / lesson.bias_gains[layer]
                moved.append(np.sum(steps * steps) + np.sum(shifts * shifts))
                turned.append(np.mean(parameters[weights] * old[weights] < 0))
        return {
            "outputs": outputs,
            "kernels": theta,
            "displacement": np.array(moved),
            "neuron_flips": np.array([np.mean(part) for part in turns]),
            "weight_flips": np.array(turned),
        }
