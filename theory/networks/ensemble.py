"""Ensembles of finite networks: the public sampler and what it returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

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
Results = NDArray[Any]
"""Float64 or float32, as asked for."""

METHODS = ("auto", "weights", "exact", "chain")
DTYPES = ("float64", "float32")
FLOAT32_REACH = 1e15
ENGINES = {"weights": literal.sample, "exact": exact.sample, "chain": signs.sample}


class Task(NamedTuple):
    """A checked request: all that decides the bits of network i, and i alone is missing."""

    method: str
    plan: Plan
    inputs: Float
    seed: np.uint64
    pairs: tuple[Pair, ...]
    why: str
    conditional: bool
    dtype: str


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
    conditional: bool = False,
    dtype: str = "float64",
) -> Task:
    """Check a request as ``sample_networks`` does, with its errors, and choose the sampler."""
    if dtype not in DTYPES:
        raise InputError(f"unknown dtype {dtype!r}; choose from {DTYPES}")
    x = checks.inputs(X)
    largest = float(np.abs(x).max())
    if dtype == "float32" and not (largest == 0.0 or 1 / FLOAT32_REACH <= largest <= FLOAT32_REACH):
        raise InputError(
            f"float32 has no room for products of numbers like {largest:g}, the largest of X; "
            f"rescale X to below {FLOAT32_REACH:g}, or take dtype='float64'"
        )
    hidden = hidden_widths(width, arch)
    key = check_seed(seed)
    checks.flag(conditional, "conditional")
    pairs = check_pairs(arch, jacobians) if checks.flag(ntk, "ntk") else ()
    many = checks.positive_int(outputs, "outputs")
    chosen, why = _choose(method, arch, x, hidden, ntk)
    name = DTYPES[DTYPES.index(dtype)]  # plain text, also where a NumPy dtype was given
    task = Task(
        chosen, flatten(arch, x.shape[1], hidden, many), x, key, pairs, why, conditional, name
    )
    if conditional:
        _check_conditional(task)
    return task


def shapes(task: Task) -> dict[str, tuple[int, ...]]:
    """Shape of each result of one network, by name; kernels of either kind where they are asked for."""
    n, many, pairs = len(task.inputs), int(task.plan.widths[-1]), len(task.pairs)
    rows = (n, many) if many > 1 else (n,)
    found: dict[str, tuple[int, ...]] = {"outputs": rows, "covariances": (n, n)}
    if pairs:
        found["kernels"] = (pairs, *rows, *rows)
    if task.conditional:
        found["conditional_kernels"] = (pairs, n, n)
    return found


def draw(task: Task, start: int, stop: int) -> dict[str, Results]:
    """Results of networks ``start``, ..., ``stop - 1``, by name, along axis 0; see ``shapes``.

    A pure function: network i is bitwise the same in any range.
    """
    m, n = stop - start, len(task.inputs)
    # A chain adds up integers, and has no arithmetic of the width that float32 could make cheaper.
    inputs = task.inputs.astype("float64" if task.method == "chain" else task.dtype)
    sides, used = _sides(task)
    rows = n * int(task.plan.widths[-1])
    outputs, chains = np.empty((m, rows)), np.empty((m, 1, n, n))
    kernels = np.empty((m, len(sides), rows, rows))
    engine = ENGINES[task.method]
    engine(task.plan, inputs, task.seed, start, sides, used, outputs, chains, kernels)
    found = {"outputs": outputs, "covariances": chains, "kernels": kernels}
    if task.conditional:
        found["conditional_kernels"] = means = np.empty((m, len(sides), n, n))
        mean_kernels(task.plan, inputs, task.seed, start, sides, used, means)
    return {
        name: found[name].reshape(m, *shape).astype(task.dtype, copy=False)
        for name, shape in shapes(task).items()
    }


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
    steps = float(numbers * (n + 4) * (1 + 2 * len(task.pairs) * int(sizes[-1])))
    return steps * n * n if task.conditional else steps


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

    outputs: Results
    covariances: Results
    kernels: Mapping[Pair, Results]
    method: str
    seed: int
    first: int
    widths: tuple[int, ...]
    complete: bool
    why: str = ""
    conditional_kernels: Mapping[Pair, Results] = field(default_factory=dict)

    @classmethod
    def of(
        cls, task: Task, results: Mapping[str, Results], first: int, *, complete: bool = True
    ) -> "Ensemble":
        """Return what ``draw`` gave for networks ``first``, ``first + 1``, ..."""
        kernels, means = (
            {pair: results[name][:, i] for i, pair in enumerate(task.pairs)}
            if name in results
            else {}
            for name in ("kernels", "conditional_kernels")
        )
        return cls(
            outputs=results["outputs"],
            covariances=results["covariances"],
            kernels=kernels,
            method=task.method,
            seed=int(task.seed),
            first=first,
            widths=tuple(int(w) for w in task.plan.widths[1:-1]),
            complete=complete,
            why=task.why,
            conditional_kernels=means,
        )

    @property
    def draws(self) -> int:
        """Number of networks."""
        return len(self.outputs)

    @property
    def ntk(self) -> Results:
        """Empirical kernels of the first requested pair, shape (draws, n, n)."""
        return self._kernel(None)

    def mean_ntk(self, pair: Pair | None = None) -> Estimate:
        """Mean kernel of a pair (default: the first requested) with its standard error; needs two draws."""
        return Estimate.of_mean(self._kernel(pair))

    def _kernel(self, pair: Pair | None) -> Results:
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
    dtype: str = "float64",
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
    dtype
        ``"float64"``, or ``"float32"``: numbers of every neuron and results in half the memory, and random numbers of
        their own. What is of the size of the inputs alone stays float64, and so does a chain until its results.
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
    Each output is a sum of n terms in fixed order, so relative rounding error is below (n/8 + 8) u of the sum of
    absolute values a layer, u = 2^-53 in float64 and 2^-24 in float32. Sources: claims E5, T5, T11, B53; E6, B55, B56.
    """
    count = checks.positive_int(draws, "draws")
    first = checks.non_negative_int(first, "first")
    task = prepare(
        arch, X, width, seed, method=method, ntk=ntk, jacobians=jacobians, outputs=outputs,
        conditional=conditional, dtype=dtype,
    )  # fmt: skip
    results = {
        name: checks.storage((count, *shape), "draws", dtype)
        for name, shape in shapes(task).items()
    }

    def work(start: int, stop: int) -> None:
        for name, values in draw(task, first + start, first + stop).items():
            results[name][start:stop] = values

    done = run_batches(work, count, cost(task), first, threads, batch, progress)
    drawn = {name: values[:done] for name, values in results.items()}
    return Ensemble.of(task, drawn, first, complete=done == count)


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
