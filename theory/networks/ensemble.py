"""Ensembles of finite networks: the public sampler and what it returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory import checks
from theory.errors import ArchitectureError, InputError
from theory.estimate import Estimate
from theory.kernels.weights import JACOBIANS
from theory.networks.collapsed import obstacle
from theory.networks.plan import Pair, check_pairs, flatten, hidden_widths
from theory.networks.runs import Progress, run_batches
from theory.networks.sampler import sample
from theory.networks.streams import check_seed

if TYPE_CHECKING:
    from theory.kernels import Architecture

Float = NDArray[np.float64]
METHODS = ("auto", "weights", "exact")


@dataclass(frozen=True)
class Ensemble:
    """Networks ``first``, ..., ``first + draws - 1`` of a seed, at n inputs.

    Parameters
    ----------
    outputs
        Scalar outputs, shape (draws, n).
    covariances
        Covariance of the outputs given the last hidden layer, (draws, n, n):
        s_b^2 + (s_w^2 v / n_L) sum_j x_j x_j^T.
    kernels
        Empirical tangent kernel (draws, n, n) for each Jacobian pair; rows take the first Jacobian. Empty without ntk.
    method
        Sampler that drew them; both are exact in law.
    seed, first, widths
        Where they came from.
    complete
        False if the run was interrupted and holds fewer draws than asked for.
    """

    outputs: Float
    covariances: Float
    kernels: Mapping[Pair, Float]
    method: str
    seed: int
    first: int
    widths: tuple[int, ...]
    complete: bool

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
        ``"weights"`` draws every weight; ``"exact"`` integrates Gaussian hidden weights out (outputs and
        covariances at any depth, kernels up to one hidden layer); ``"auto"`` takes the faster one that is exact in law.
    ntk, jacobians
        Whether to compute empirical kernels, and for which pairs of ``"true"`` and ``"surrogate"``.
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
        If ``method="exact"`` does not cover the request.
    UndefinedKernelError
        If a requested Jacobian differentiates across a jump.

    Notes
    -----
    Float64 throughout; each output is a sum of n terms in fixed order, so relative rounding error is below
    (n/8 + 8) 2^-53 of the sum of absolute values a layer. Sources: claims E5, T5, T11, B53.
    """
    x = checks.inputs(X)
    hidden = hidden_widths(width, arch)
    count = checks.positive_int(draws, "draws")
    key, first = check_seed(seed), checks.non_negative_int(first, "first")
    pairs = check_pairs(arch, jacobians) if ntk else ()
    chosen = _choose(method, arch, ntk)
    plan = flatten(arch, x.shape[1], hidden)
    sides = np.array([[JACOBIANS.index(s) for s in pair] for pair in pairs], np.int64).reshape(
        -1, 2
    )
    used = np.array([side in sides for side in range(2)])
    n = x.shape[0]
    outputs = checks.storage((count, n), "draws")
    covariances = checks.storage((count, 1, n, n), "draws")
    kernels = checks.storage((count, len(pairs), n, n), "draws")

    def work(start: int, stop: int) -> None:
        part = slice(start, stop)
        results = outputs[part], covariances[part], kernels[part]
        sample(plan, x, key, first + start, chosen == "exact", sides, used, *results)

    weights = int((plan.widths[:-1] * plan.widths[1:]).sum())
    neurons = int(plan.widths.sum())
    cost = (weights if chosen == "weights" else n * neurons) * (n + 4) * (1 + 2 * len(pairs))
    done = run_batches(work, count, cost, first, threads, batch, progress)
    return Ensemble(
        outputs=outputs[:done],
        covariances=covariances[:done, 0],
        kernels={pair: kernels[:done, i] for i, pair in enumerate(pairs)},
        method=chosen,
        seed=seed,
        first=first,
        widths=hidden,
        complete=done == count,
    )


def _choose(method: str, arch: "Architecture", ntk: bool) -> str:
    """Name of the sampler: the collapsed one wherever it is exact in law, if the choice is free."""
    if method not in METHODS:
        raise InputError(f"unknown method {method!r}; choose from {METHODS}")
    reason = obstacle(arch)
    if reason is None and ntk and len(arch.layers) > 1:
        reason = f"kernels of {len(arch.layers)} hidden layers need the weights between them"
    if method == "exact" and reason is not None:
        raise ArchitectureError(
            f"method='exact' does not cover this: {reason}; use method='weights' or 'auto'"
        )
    if method == "auto":
        return "weights" if reason is not None else "exact"
    return method
