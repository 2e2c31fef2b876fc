"""The collapsed sampler: Gaussian hidden weights integrated out, one layer's covariance at a time (claim B53).

Given the features x of a layer, the neurons of the next are iid N(0, S) with S = s_b^2 + (s_w^2/n) x x^T. So a network
costs n k normals a layer instead of n^2 weights, with the same law of everything that depends on the forward pass.
The root of S is a pivoted Cholesky factor (singular S allowed): backward stable, and the same bits on every machine.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory import checks
from theory.errors import ArchitectureError
from theory.kernels.weights import Latent
from theory.networks.compiled import compiled
from theory.networks.passes import (
    activate,
    apply_layer,
    dot,
    panel,
    row_buffers,
    second_moment,
    tangent_kernels,
)
from theory.networks.plan import flatten, hidden_widths
from theory.networks.runs import Progress, run_batches
from theory.networks.streams import Role, address, check_seed, fill_normals, scratch

if TYPE_CHECKING:
    from theory.kernels import Architecture

Float = NDArray[np.float64]
_PREACTIVATION = int(Role.PREACTIVATION)
_EPS = float(np.finfo(np.float64).eps)


@compiled
def square_root(matrix, root):  # type: ignore[no-untyped-def]
    """Pivoted Cholesky: ``root`` root^T = ``matrix`` (symmetric, positive semidefinite); returns the rank found.

    Stops where the largest remaining variance is rounding error of the largest one.
    """
    k = matrix.shape[0]
    rest, done = np.empty(k), np.zeros(k, np.bool_)
    root[:] = 0.0
    for a in range(k):
        rest[a] = matrix[a, a]
    floor = k * _EPS * rest.max()
    for step in range(k):
        pivot = -1
        for a in range(k):
            if not done[a] and (pivot < 0 or rest[a] > rest[pivot]):
                pivot = a
        if rest[pivot] <= floor:
            return step
        done[pivot] = True
        diagonal = np.sqrt(rest[pivot])
        root[pivot, step] = diagonal
        for a in range(k):
            if not done[a]:
                root[a, step] = (
                    matrix[a, pivot] - dot(root[a], root[pivot], step)
                ) / diagonal
                rest[a] -= root[a, step] ** 2
    return k


@compiled
def draw_neurons(covariance, seed, network, layer, out, root, normals, room):  # type: ignore[no-untyped-def]
    """Fill a (k, n) panel with iid columns N(0, ``covariance``)."""
    k, n = out.shape
    rank = square_root(covariance, root)
    stream = address(seed, network, layer, _PREACTIVATION)
    out[:] = 0.0
    for c in range(rank):
        fill_normals(normals, n, stream, c, room)
        for a in range(k):
            weight = root[a, c]
            if weight != 0.0:
                for j in range(n):
                    out[a, j] += weight * normals[j]


@compiled
def _forward(plan, seed, network, features, preactivations, covariances, root, rows, room):  # type: ignore[no-untyped-def]
    """Features, pre-activations and the covariances S^1, ..., S^{L+1} (L + 1, k, k) of one network."""
    depth, k = plan.widths.shape[0] - 2, root.shape[0]
    for layer in range(depth + 1):
        below = panel(features, plan, layer, 0, k)
        second_moment(
            below,
            plan.weight_stds[layer],
            plan.bias_stds[layer],
            plan.variances[layer],
            covariances[layer],
        )
        if layer < depth:
            before = panel(preactivations, plan, layer + 1, 1, k)
            draw_neurons(
                covariances[layer], seed, network, layer, before, root, rows[0], room
            )
            activate(plan, layer, before, panel(features, plan, layer + 1, 0, k))


@compiled
def sample(plan, inputs, seed, first, pairs, used, outputs, covariances, kernels):  # type: ignore[no-untyped-def]
    """As ``literal.sample``, for Gaussian hidden weights; kernels for at most one hidden layer.

    The readout is drawn literally, so it may have any law.
    """
    k, depth = inputs.shape[0], plan.widths.shape[0] - 2
    room, rows, root = scratch(), row_buffers(plan), np.empty((k, k))
    features = np.empty(k * plan.widths[: depth + 1].sum())
    preactivations = np.empty(k * plan.widths[1 : depth + 1].sum())
    adjoints = np.empty((2, 2, k, rows.shape[1] if pairs.shape[0] else 0))
    chain = np.empty((depth + 1, k, k))
    panel(features, plan, 0, 0, k)[:] = inputs
    for m in range(outputs.shape[0]):
        network = first + m
        _forward(plan, seed, network, features, preactivations, chain, root, rows, room)
        covariances[m] = chain[depth]
        last = panel(features, plan, depth, 0, k)
        apply_layer(plan, depth, seed, network, last, outputs[m].reshape(k, 1), rows, room)
        if pairs.shape[0]:
            tangent_kernels(
                plan,
                seed,
                network,
                features,
                preactivations,
                k,
                pairs,
                used,
                adjoints,
                rows,
                room,
                kernels[m],
            )


@compiled
def _chains(plan, inputs, seed, first, chains):  # type: ignore[no-untyped-def]
    k, depth = inputs.shape[0], plan.widths.shape[0] - 2
    room, rows, root = scratch(), row_buffers(plan), np.empty((k, k))
    features = np.empty(k * plan.widths[: depth + 1].sum())
    preactivations = np.empty(k * plan.widths[1 : depth + 1].sum())
    panel(features, plan, 0, 0, k)[:] = inputs
    for m in range(chains.shape[0]):
        _forward(
            plan, seed, first + m, features, preactivations, chains[m], root, rows, room
        )


def obstacle(arch: "Architecture") -> str | None:
    """Why the forward pass of ``arch`` cannot be collapsed, or None if it can."""
    for place, law in enumerate(arch.weight_laws[:-1], start=1):
        if law.latent is not Latent.NORMAL or law.forward is not None:
            return f"weights {place} follow {law.name}; given the layer before, only Gaussian weights are Gaussian"
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
        Hidden weights Gaussian; the readout of any law (its variance enters).
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
        If a hidden weight law is not Gaussian.
    InputError
        For bad values or shapes.

    Notes
    -----
    S^{l+1} given S^l is s_b^2 + (s_w^2/n) sum_j sigma(g_j) sigma(g_j)^T, g_j iid N(0, S^l).
    O(L n k^2) operations and O(L n k) normals a network. Source: claim B53.
    """
    x = checks.inputs(X)
    if (reason := obstacle(arch)) is not None:
        raise ArchitectureError(f"no collapsed sampler: {reason}; use sample_networks(method='weights')")
    plan = flatten(arch, x.shape[1], hidden_widths(width, arch))
    key, k = check_seed(seed), x.shape[0]
    chains = np.empty((checks.positive_int(draws, "draws"), len(plan.widths) - 1, k, k))

    def work(start: int, stop: int) -> None:
        _chains(plan, x, key, first + start, chains[start:stop])

    cost = int(plan.widths[1:-1].sum()) * k * (k + 4)
    done = run_batches(work, draws, cost, first, threads, batch, progress)
    return chains[:done] if all_layers else chains[:done, -1].copy()
