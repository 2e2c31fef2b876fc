"""Ensembles of finite networks, trained: the public function."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from theory import checks
from theory.networks.plan import Pair
from theory.networks.runs import Progress
from theory.networks.training.literal import Literal, parameter_count
from theory.networks.training.lowrank import LowRank
from theory.networks.training.request import check_state, prepare
from theory.networks.training.results import State, TrainedNetworks
from theory.networks.training.rules import SGD, Adam
from theory.networks.training.runs import Pace, run_networks

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
    method: str = "weights",
    dtype: str = "float64",
    keep: bool = False,
    resume: State | None = None,
    threads: int | None = None,
    first: int = 0,
    progress: Progress | None = None,
) -> TrainedNetworks:
    """Train finite networks, forward with sigma and backward with tau, and record them on the way.

    Parameters
    ----------
    arch
        The architecture. The backward pass takes the derivatives of its surrogates, of activations and of binarized
        weights.
    X, y
        Training inputs (N, d) and targets (N,), or (N, o) for networks of o outputs.
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
        ``sample_networks(..., method="weights", outputs=o)``.
    points
        Inputs where networks are recorded, (k, d); default: the training inputs.
    jacobians
        Pairs of ``"true"`` and ``"surrogate"`` whose empirical kernels are recorded.
    loss
        ``"sum"``: half the sum of the squared residuals, over samples and outputs; ``"mean"``: that divided by the
        samples of a step.
    samples
        Samples a step, without replacement in each epoch, in an order of each network's own. Default: all.
    parametrisation
        ``"ntk"``, or ``"standard"``: the trained coordinates are then the weights times s_w/sqrt(n) and the biases
        times s_b (claim T10).
    clip
        Bound within which binarized latent weights are kept after every step; Hubara et al. take 1.
    method
        ``"weights"`` stores every weight; ``"low-rank"`` none of those between hidden layers, in time and memory linear
        in the width for the first steps (claim E3); ``"auto"`` takes the second where it applies and a layer has at
        least four neurons for each direction that it can ask for: samples a step times steps, and points times records.
    dtype
        ``"float64"``, or ``"float32"``: parameters and all arithmetic of a step, in half the memory and time. Records
        are computed in float64 from these parameters.
    keep
        Whether to return the ``State``, from which ``resume`` goes on.
    resume
        A state of the same networks; ``steps`` count from their beginning.
    threads
        Default: every processor that this process may use. BLAS runs on one thread each meanwhile.
    first
        Number of the first network.
    progress
        Called as ``progress(done, total)`` some five times a second, in steps of one network each; its start counts as
        one. Ctrl-C is heard within a slice of steps (0.2 s, or one step if that is longer) or after the record that is
        being computed, and keeps the networks that are finished, up to the first that is not.

    Returns
    -------
    TrainedNetworks
        Network i is bitwise the same for any threads, first, points, recorded times and division by ``resume``, on any
        machine; its kernels with one BLAS on one machine. With ``"low-rank"`` it is another network of the same law,
        which changes with points, recorded times and BLAS too, and has no ``weight_flips`` between hidden layers (NaN).

    Raises
    ------
    InputError
        For values or shapes that no run can start from, and for a state of other networks.
    ArchitectureError
        If a surrogate jumps, ``clip`` is given where no weights are binarized, or ``method="low-rank"`` does not cover
        the request: binarized or not Gaussian weights, Adam, float32, ``keep`` and ``resume``.
    UndefinedKernelError
        If a requested Jacobian differentiates across a jump.

    Notes
    -----
    Networks are trained one after another on each thread: memory holds one set of parameters a thread, unless they are
    kept. Time O(N n^2) a step and layer of width n; low-rank O(N n r) after r directions, in 32 n r bytes. In float32
    one gradient has a relative error of about 2^-24 sqrt(n) a layer. The loss of the flow of ``th.dynamics`` is
    ``"sum"``. Sources: claims T34, T38; E3, E5.
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
        method,
        dtype,
        checks.flag(keep, "keep") or resume is not None,
    )
    plan, k, depth = task.plan, len(task.points), len(task.plan.widths) - 2
    hidden = tuple(int(n) for n in plan.widths[1:-1])
    if resume is not None:
        parameters = parameter_count(task)
        check_state(resume, task, count, lowest, hidden, parameters)
    begin = 0 if resume is None else int(resume.step)
    times, looks = len(task.steps), (k, *np.shape(y)[1:])
    kept, parameters = (count, parameter_count(task)) if keep else (0, 0)
    results = {
        name: checks.storage((count, times, *shape), "draws")
        for name, shape in (
            ("outputs", looks),
            ("kernels", (len(task.pairs), *looks, *looks)),
            ("displacement", (depth + 1,)),
            ("neuron_flips", (depth,)),
            ("weight_flips", (depth + 1,)),
        )
    }
    ends = checks.storage((kept, parameters), "draws", dtype)
    memories = checks.storage((kept, task.rule.kind, parameters), "draws", dtype)

    pace = Pace()

    def trained(i: int) -> Iterator[int]:
        network = (
            LowRank(task, lowest + i)
            if task.method == "low-rank"
            else Literal(task, lowest + i, resume, i)
        )
        yield 1
        step = begin
        for t, end in enumerate(task.steps):
            for here, there in pace.slices(step, end):
                network.advance(here, there)
                yield there - here
            step = end
            for name, values in network.recorded().items():
                results[name][i, t] = values.reshape(results[name].shape[2:])
        if isinstance(network, Literal) and keep:
            ends[i], memories[i] = network.parameters, network.slots

    with threadpool_limits(1, "blas"):
        done = run_networks(trained, count, 1 + task.steps[-1] - begin, lowest, threads, progress)
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
