"""Conditional covariances of the outputs, layer by layer, without the weights (claim B53)."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory import checks
from theory.errors import ArchitectureError
from theory.kernels.architecture import architecture
from theory.networks.exact import sample
from theory.networks.plan import flatten, hidden_widths
from theory.networks.runs import Progress, run_batches
from theory.networks.streams import check_seed

if TYPE_CHECKING:
    from theory.kernels import Architecture

Float = NDArray[np.float64]
UNUSED = np.zeros(2, np.bool_)


def obstacle(arch: "Architecture", ntk: bool = False) -> str | None:
    """Why hidden weights of ``arch`` cannot be integrated out, for kernels too with ``ntk``; None if they can."""
    laws = arch.weight_laws
    for place, law in enumerate(laws[1:-1], start=2):
        if not law.is_gaussian:
            return f"weights {place} follow {law.name}; given the layer before, only Gaussian weights are Gaussian"
    for place, law in ((1, laws[0]), (len(laws), laws[-1])):
        if ntk and (law.forward is not None or law.density < 1.0):
            return f"weights {place} follow {law.name}; its kernels need every weight"
    return None


def sample_covariances(
    arch: "Architecture",
    X: ArrayLike,
    width: int | tuple[int, ...] | list[int],
    draws: int,
    seed: int = 0,
    *,
    all_layers: bool = False,
    first: int = 0,
    threads: int | None = None,
    batch: int | None = None,
    progress: Progress | None = None,
) -> Float:
    r"""Draw the conditional covariance of the output given the last hidden layer, exactly in law.

    Parameters
    ----------
    arch
        Weights between hidden layers Gaussian; the first layer and the readout (its variance enters) of any law.
    X
        Inputs, shape (n, d).
    width
        Hidden width, or one a hidden layer.
    draws, seed, first, threads, batch, progress
        As for ``sample_networks``.
    all_layers
        Return every S^1, ..., S^{L+1}.

    Returns
    -------
    array
        Shape (draws, n, n), or (draws, L + 1, n, n) with ``all_layers``; fewer draws, with an
        ``InterruptedRunWarning``, if the run was interrupted.

    Raises
    ------
    ArchitectureError
        If a weight law between hidden layers is not Gaussian.
    InputError
        For bad values or shapes.

    Notes
    -----
    S^{l+1} given S^l is s_b^2 + (s_w^2/n) sum_j sigma(g_j) sigma(g_j)^T, g_j iid N(0, S^l).
    O(L n k^2) operations and O(L n k) normals a network. Source: claim B53.
    """
    architecture(arch)
    x = checks.inputs(X)
    if (reason := obstacle(arch)) is not None:
        raise ArchitectureError(
            f"no collapsed sampler: {reason}; use sample_networks(method='weights')"
        )
    plan = flatten(arch, x.shape[1], hidden_widths(width, arch))
    key, k = check_seed(seed), x.shape[0]
    first, draws = checks.non_negative_int(first, "first"), checks.positive_int(draws, "draws")
    kept = len(plan.widths) - 1 if checks.flag(all_layers, "all_layers") else 1
    chains = checks.storage((draws, kept, k, k), "draws")
    pairs, nothing = np.empty((0, 2), np.int64), np.empty((0, 0, k, k))

    def work(start: int, stop: int) -> None:
        part, none = chains[start:stop], np.empty((0, k))
        sample(plan, x, key, first + start, pairs, UNUSED, none, part, nothing)

    cost = int(plan.widths[1:-1].sum()) * k * (k + 4)
    done = run_batches(work, draws, cost, first, threads, batch, progress)
    return chains[:done] if all_layers else chains[:done, 0]
