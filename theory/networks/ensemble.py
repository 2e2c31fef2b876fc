"""Ensembles of finite networks: the public sampler and what it returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory import checks
from theory.errors import ArchitectureError, InputError
from theory.estimate import Estimate
from theory.kernels.weights import JACOBIANS
from theory.networks import exact, literal, signs
from theory.networks.collapsed import obstacle
from theory.networks.conditional import mean_kernels
from theory.networks.plan import Pair, Plan, check_pairs, flatten, hidden_widths
from theory.networks.runs import Progress, run_batches
from theory.networks.streams import check_seed

if TYPE_CHECKING:
    from theory.kernels import Architecture

Float = NDArray[np.float64]
METHODS = ("auto", "weights", "exact", "chain")
ENGINES = {"weights": literal.sample, "exact": exact.sample, "chain": signs.sample}


class Task(NamedTuple):
    """A checked request: all that decides the bits of network i, and i alone is missing."""

    method: str
    plan: Plan
    inputs: Float
    seed: np.uint64
    pairs: tuple[Pair, ...]
    why: str = ""


def prepare(
    arch: "Architecture",
    X: ArrayLike,
    width: int | Sequence[int],
    seed: int = 0,
    *,
    method: str = "auto",
    ntk: bool = True,
    jacobians: Sequence[Pair] = (("true", "surrogate"),),
    outputs: int = 1,
) -> Task:
    """Check a request as ``sample_networks`` does, with its errors, and choose the sampler."""
    x = checks.inputs(X)
    hidden = hidden_widths(width, arch)
    key = check_seed(seed)
    pairs = check_pairs(arch, jacobians) if ntk else ()
    many = checks.positive_int(outputs, "outputs")
    chosen, why = _choose(method, arch, x, hidden, ntk)
    return Task(chosen, flatten(arch, x.shape[1], hidden, many), x, key, pairs, why)


def draw(task: Task, start: int, stop: int) -> dict[str, Float]:
    """Results of networks ``start``, ..., ``stop - 1``, by name; m networks of n inputs.

    ``outputs`` (m, n), ``covariances`` (m, n, n), ``kernels`` (m, pairs, n, n); with o > 1 outputs a network (m, n, o)
    and (m, pairs, n, o, n, o). A pure function: network i is bitwise the same in any range.
    """
    m, n, many = stop - start, len(task.inputs), int(task.plan.widths[-1])
    sides, used = _sides(task)
    rows = n * many
    outputs: Float = np.empty((m, rows))
    kernels: Float = np.empty((m, len(sides), rows, rows))
    chains = np.empty((m, 1, n, n))
    engine = ENGINES[task.method]
    engine(task.plan, task.inputs, task.seed, start, sides, used, outputs, chains, kernels)
    if many > 1:
        outputs = outputs.reshape(m, n, many)
        kernels = kernels.reshape(m, len(sides), n, many, n, many)
    return {"outputs": outputs, "covariances": chains[:, 0], "kernels": kernels}


def draw_conditional(task: Task, start: int, stop: int) -> Float:
    """Mean kernels given the hidden layers of networks ``start``, ..., ``stop - 1`` of ``draw``, (m, pairs, n, n)."""
    n = len(task.inputs)
    sides, used = _sides(task)
    kernels: Float = np.empty((stop - start, len(sides), n, n))
    mean_kernels(task.plan, task.inputs, task.seed, start, sides, used, kernels)
    return kernels


def _sides(task: Task) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Jacobians of every pair by number, shape (pairs, 2), and which of the two occur."""
    sides = np.array([[JACOBIANS.index(s) for s in pair] for pair in task.pairs], np.int64)
    return sides.reshape(-1, 2), np.array([side in sides for side in range(2)])


def cost(task: Task) -> float:
    """Elementary steps of one network, roughly: for the size of batches."""
    n, sizes = len(task.inputs), task.plan.widths
    if task.method == "chain":
        return float(len(sizes) * 1000)
    weights, neurons = int((sizes[:-1] * sizes[1:]).sum()), int(sizes.sum())
    numbers = weights if task.method == "weights" else n * neurons
    return float(numbers * (n + 4) * (1 + 2 * len(task.pairs) * int(sizes[-1])))


@dataclass(frozen=True)
class Ensemble:
    """Networks ``first``, ..., ``first + draws - 1`` of a seed, at n inputs.

    Parameters
    ----------
    outputs
        Outputs, shape (draws, n), or (draws, n, o) with o > 1 outputs a network.
    covariances
        Covariance of each output given the last hidden layer, (draws, n, n):
        s_b^2 + (s_w^2 v / n_L) sum_j x_j x_j^T.
    kernels
        Empirical tangent kernel for each Jacobian pair, (draws, n, n) or (draws, n, o, n, o): products of the gradients
        of one output at one input (rows, first Jacobian) and of another (columns). Empty without ntk.
    method
        Sampler that drew them; all are exact in law.
    seed, first, widths
        Where they came from.
    complete
        False if the run was interrupted and holds fewer draws than asked for.
    why
        Why this sampler.
    conditional_kernels
        For each Jacobian pair, mean of the kernel given all hidden layers, (draws, n, n): of one output, and the same
        for every output; between two outputs it is 0. Empty unless asked for.
    """

    outputs: Float
    covariances: Float
    kernels: Mapping[Pair, Float]
    method: str
    seed: int
    first: int
    widths: tuple[int, ...]
    complete: bool
    why: str = ""
    conditional_kernels: Mapping[Pair, Float] = field(default_factory=dict)

    @property
    def draws(self) -> int:
        """Number of networks."""
        return len(self.outputs)

    @property
    def ntk(self) -> Float:
        """Empirical kernels of the first requested pair, shape (draws, n, n)."""
        return self._kernel(None)

    def mean_ntk(self, pair: Pair | None = None) -> Estimate:
        """Mean kernel of a pair (default: the first requested) with its standard error; needs two draws."""
        return Estimate.of_mean(self._kernel(pair))

    def _kernel(self, pair: Pair | None) -> Float:
        if not self.kernels:
            raise InputError("this ensemble has no kernels; sample it with ntk=True")
        wanted = next(iter(self.kernels)) if pair is None else pair
        if wanted not in self.kernels:
            raise InputError(f"pair {wanted!r} was not sampled; there are {tuple(self.kernels)}")
        return self.kernels[wanted]


def sample_networks(
    arch: "Architecture",
    X: ArrayLike,
    width: int | Sequence[int],
    draws: int,
    seed: int = 0,
    *,
    method: str = "auto",
    ntk: bool = True,
    jacobians: Sequence[Pair] = (("true", "surrogate"),),
    outputs: int = 1,
    conditional: bool = False,
    threads: int | None = None,
    first: int = 0,
    batch: int | None = None,
    progress: Progress | None = None,
) -> Ensemble:
    """Draw finite networks at initialisation: outputs, conditional covariances, empirical kernels.

    Parameters
    ----------
    arch
        The architecture, in NTK parametrisation.
    X
        Inputs in rows, shape (n, d).
    width
        Width of every hidden layer, or a sequence with one a layer.
    draws
        Number of networks.
    seed
        64-bit key of every random number.
    method
        ``"weights"`` draws every weight; ``"exact"`` integrates out Gaussian weights between hidden layers, in time
        linear in the width; ``"chain"`` draws two inputs of a sign network without any neuron; ``"auto"`` takes the
        fastest one that is exact in law.
    ntk, jacobians
        Whether to compute empirical kernels, and for which pairs of ``"true"`` and ``"surrogate"``.
    outputs
        Outputs of every network: readouts of the same hidden layers.
    conditional
        Whether to return the mean of each kernel given the hidden layers too (claim E6): the same mean with less
        variance, from the same networks, in O(L w n^4) operations for width w. Needs ``ntk`` and ``"exact"``.
    threads
        Default: every processor that this process may use.
    first
        Number of the first network: a run extends another by starting where it ended.
    batch
        Networks between two calls of ``progress`` and between two places where Ctrl-C stops.
    progress
        Called as ``progress(done, total)``.

    Returns
    -------
    Ensemble
        Network i of a seed and method is bitwise the same for any threads, batch and first.

    Raises
    ------
    InputError
        For values or shapes that no run can start from.
    ArchitectureError
        If ``method="exact"`` does not cover the request, or ``conditional`` meets another method.
    UndefinedKernelError
        If a requested Jacobian differentiates across a jump.

    Notes
    -----
    Float64 throughout; each output is a sum of n terms in fixed order, so relative rounding error is below
    (n/8 + 8) 2^-53 of the sum of absolute values a layer. Sources: claims E5, T5, T11, B53; E6, B55, B56.
    """
    count = checks.positive_int(draws, "draws")
    first = checks.non_negative_int(first, "first")
    task = prepare(
        arch, X, width, seed, method=method, ntk=ntk, jacobians=jacobians, outputs=outputs
    )
    if conditional:
        _check_conditional(task)
    n, means = len(task.inputs), len(task.pairs) if conditional else 0
    rows = (n, outputs) if outputs > 1 else (n,)
    results = {
        "outputs": checks.storage((count, *rows), "draws"),
        "covariances": checks.storage((count, n, n), "draws"),
        "kernels": checks.storage((count, len(task.pairs), *rows, *rows), "draws"),
    }
    averages = checks.storage((count, means, n, n), "draws")

    def work(start: int, stop: int) -> None:
        for name, values in draw(task, first + start, first + stop).items():
            results[name][start:stop] = values
        if conditional:
            averages[start:stop] = draw_conditional(task, first + start, first + stop)

    price = cost(task) * (n * n if conditional else 1)
    done = run_batches(work, count, price, first, threads, batch, progress)
    return Ensemble(
        outputs=results["outputs"][:done],
        covariances=results["covariances"][:done],
        kernels={pair: results["kernels"][:done, i] for i, pair in enumerate(task.pairs)},
        method=task.method,
        seed=seed,
        first=first,
        widths=tuple(int(w) for w in task.plan.widths[1:-1]),
        complete=done == count,
        why=task.why,
        conditional_kernels={pair: averages[:done, i] for i, pair in enumerate(task.pairs[:means])},
    )


def _check_conditional(task: Task) -> None:
    """Refuse kernels given the hidden layers where they are not known."""
    if not task.pairs:
        raise InputError("conditional=True averages the kernels of ntk=True, got ntk=False")
    if task.method != "exact":
        raise ArchitectureError(
            f"conditional=True needs method='exact', got {task.method!r} ({task.why}); "
            f"make the hidden weights gaussian(), or pass conditional=False"
        )


def _choose(
    method: str, arch: "Architecture", inputs: Float, hidden: tuple[int, ...], ntk: bool
) -> tuple[str, str]:
    """Name of the sampler and the reason: if the choice is free, the fastest one that is exact in law."""
    if method not in METHODS:
        raise InputError(f"unknown method {method!r}; choose from {METHODS}")
    obstacles = {"chain": signs.no_chain(arch, inputs, hidden, ntk), "exact": obstacle(arch, ntk)}
    reason = obstacles.get(method)
    if reason is not None:
        raise ArchitectureError(
            f"method={method!r} does not cover this: {reason}; use method='weights' or 'auto'"
        )
    if method != "auto":
        return method, "asked for"
    if obstacles["chain"] is None:
        return "chain", "two inputs of a sign network share only the number of neurons that agree"
    if obstacles["exact"] is None:
        return "exact", "weights between hidden layers are Gaussian, so they need not be drawn"
    return "weights", f"every weight is drawn: {obstacles['exact']}"
