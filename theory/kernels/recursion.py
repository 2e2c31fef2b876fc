"""Limit kernels of an architecture: NNGP, and the tangent kernel for each pair of Jacobians.

    Sigma^1     = s_w^2 v <x,x'>/d + s_b^2                 Theta^1 = s_w^2 m <x,x'>/d + s_b^2
    Sigma^{l+1} = s_w^2 v E[sigma(u) sigma(v)] + s_b^2
    Theta^{l+1} = s_w^2 m E[sigma(u) sigma(v)] + s_b^2 + Theta^l s_w^2 v E[j1(u) j2(v)]

with (u, v) ~ N(0, Sigma^l at {x, x'}), j1 and j2 the derivatives of the two Jacobians, and the weight
law's constants v, m (1 for plain weights). Source: claims T5 and T11.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory import checks
from theory.checks import inputs, paired_inputs
from theory.checks import widths as checked_widths
from theory.errors import ArchitectureError, InputError
from theory.kernels.architecture import Architecture, architecture, jacobian_pair
from theory.kernels.first_layer import first_layer as chosen_first_layer
from theory.kernels.first_layer import require_free_signs
from theory.kernels.layers import Kind
from theory.kernels.plan import GramPlan

Float = NDArray[np.float64]
Which = Literal["nngp"] | tuple[str, str]
ORDINARY = ("true", "true")
TRAINING = ("true", "surrogate")
DTYPES = ("float64", "float32")


def nngp(
    arch: Architecture,
    X: ArrayLike,
    Y: ArrayLike | None = None,
    *,
    first_layer: str | None = None,
    dtype: str = "float64",
    threads: int | None = None,
) -> Float:
    """Return the covariance of the infinitely wide network's outputs (NNGP kernel).

    Parameters
    ----------
    arch
        Depth, activations and variances.
    X, Y
        Inputs, shapes (n, d) and (m, d); Y is X if absent.
    first_layer
        What is made of first-layer weights that are not Gaussian. ``"gaussian"``: their limit as d grows too;
        ``"exact"``: the limit of wide hidden layers at this d, by going through all rows of weights, 2^d for +-1
        (d <= 24), 3^d for ternary ones (d <= 15). By default Gaussian, with a ``FirstLayerWarning`` where the two
        differ noticeably.
    dtype
        ``"float64"``, or ``"float32"`` for half the memory: computed in float64 and rounded once.
    threads
        Threads, by default one for each processor; no bit depends on them.

    Returns
    -------
    ndarray
        Shape (n, m); symmetric to the last bit where Y is absent.

    Raises
    ------
    InputError
        For NaN, infinity, an empty array, dimensions that differ, an unknown ``first_layer`` or ``dtype``, or bad
        ``threads``.
    ArchitectureError
        If ``"exact"`` would go through too many rows, or infinitely many.

    Notes
    -----
    Each expectation is accurate to 2e-13; an entry does not depend on the other rows of X and Y. No arrays of shape
    (n, m) but the result are made, unless the first layer is exact. Source: claims T5, T11; B37 for the first layer.
    """
    chosen = _chosen(dtype, threads)
    plan = _plan(arch, X, Y, ("nngp",), None, first_layer)
    return _matrices(plan, chosen)[0]


def layer_covariances(arch: Architecture, X: ArrayLike) -> list[Float]:
    """Return Sigma^1, ..., Sigma^{L+1} on X, each (n, n): the NNGP covariance of every layer."""
    architecture(arch)
    x = inputs(X)
    kinds = tuple(Kind(layer) for layer in range(1, arch.hidden_layers + 2))
    plan = GramPlan(arch, x, x, kinds, None)
    return list(plan.block((0, len(x)), (0, len(x))).values())


def ntk(
    arch: Architecture,
    X: ArrayLike,
    Y: ArrayLike | None = None,
    jacobians: tuple[str, str] = TRAINING,
    *,
    first_layer: str | None = None,
    dtype: str = "float64",
    threads: int | None = None,
) -> Float:
    """Return the infinitely wide network's tangent kernel for a pair of Jacobians.

    Parameters
    ----------
    arch
        Depth, activations, surrogates, variances and weight laws.
    X, Y
        Inputs, shapes (n, d) and (m, d); Y is X if absent. Rows take the first Jacobian.
    jacobians
        ``("true", "true")`` is the ordinary NTK, ``("true", "surrogate")`` governs surrogate-gradient
        training (rows: evaluation points), ``("surrogate", "surrogate")`` measures parameter motion.
    first_layer, dtype, threads
        As for ``nngp``.

    Returns
    -------
    ndarray
        Shape (n, m); not symmetric in general for a mixed pair.

    Raises
    ------
    UndefinedKernelError
        If an entry is infinite: a jump of the activation against itself on coincident inputs; or, with an exact
        first layer and no bias in it, if a Jacobian differentiates a jump there.
    InputError
        As for ``nngp``; also for an unknown Jacobian.
    ArchitectureError
        If an exact first layer is out of reach, or its weights are binarized to more than two values.

    Notes
    -----
    Source: claims T5 (recursion), T11 (weight laws), T33 (finite diagonal with a surrogate), B37 (first layer).
    """
    chosen = _chosen(dtype, threads)
    plan = _plan(arch, X, Y, (jacobian_pair(jacobians),), None, first_layer)
    return _matrices(plan, chosen)[0]


def standard_ntk(
    arch: Architecture,
    X: ArrayLike,
    widths: int | Sequence[int],
    Y: ArrayLike | None = None,
    jacobians: tuple[str, str] = TRAINING,
    *,
    first_layer: str | None = None,
    dtype: str = "float64",
    threads: int | None = None,
) -> Float:
    """Return the tangent kernel of the same network in standard parametrisation, at given widths.

    Parameters
    ----------
    arch
        The network; its weights are then W_ij ~ N(0, s_w^2/n) and b_i ~ N(0, s_b^2), without prefactors.
    X, Y, jacobians, first_layer, dtype, threads
        As for ``ntk``.
    widths
        Hidden widths, an integer or one a hidden layer: the kernel grows with them.

    Returns
    -------
    ndarray
        Shape (n, m): every weight block of the limit kernel times fan-in / s_w^2, every bias block
        divided by s_b^2 (biases are trained, also where s_b = 0). The learning rate has to shrink like
        1/width.

    Raises
    ------
    ArchitectureError
        If weights are binarized: a latent weight has no scale of its own to move.
    InputError, UndefinedKernelError
        As for ``ntk``; also for bad widths.

    Notes
    -----
    Source: claim T10.
    """
    chosen = _chosen(dtype, threads)
    plan = _plan(arch, X, Y, (jacobian_pair(jacobians),), widths, first_layer)
    return _matrices(plan, chosen)[0]


def gram(
    arch: Architecture,
    X: ArrayLike,
    Y: ArrayLike | None = None,
    kinds: Sequence[Which] = ("nngp", TRAINING),
    *,
    first_layer: str | None = None,
    dtype: str = "float64",
    threads: int | None = None,
) -> dict[Which, Float]:
    """Return several limit kernels, computed in one pass: they share norms, covariances and slopes.

    Parameters
    ----------
    arch, X, Y, first_layer, dtype, threads
        As for ``nngp`` and ``ntk``.
    kinds
        ``"nngp"``, and pairs of Jacobians as of ``ntk``.

    Returns
    -------
    dict
        The matrix of every kind, each the same to the last bit as from ``nngp`` or ``ntk``.

    Raises
    ------
    InputError
        As for ``ntk``; also if ``kinds`` is empty or names something else.
    UndefinedKernelError, ArchitectureError
        As for ``ntk``.
    """
    chosen = _chosen(dtype, threads)
    plan = _plan(arch, X, Y, kinds, None, first_layer)
    return dict(zip(map(_which, kinds), _matrices(plan, chosen), strict=True))


def differences(
    arch: Architecture,
    X: ArrayLike,
    Y: ArrayLike | None = None,
    *,
    dtype: str = "float64",
    threads: int | None = None,
) -> Float:
    """Return K(x, x) - K(x, y) of the NNGP kernel without cancellation, for every row x of X and y of Y.

    Parameters
    ----------
    arch, X, Y, dtype, threads
        As for ``nngp``; a first layer is taken as Gaussian.

    Returns
    -------
    ndarray
        Shape (n, m): what decides the conditioning of a Gram matrix. Half of E(f(x) - f(y))^2, f the limit process,
        plus half of K(x, x) - K(y, y).

    Raises
    ------
    InputError
        As for ``nngp``.

    Notes
    -----
    Error below 1e-12 of the larger of those two halves, at any distance of x and y, norms from 1e-6 to 1e6 included,
    for activations of jumps, sharp or smoothed (sign, erf, ternary), or of changes of slope (ReLU, hardtanh). Of other
    activations (GELU, sine, tanh) the difference is subtracted: error 2e-13 K(x, x). Claims G4, G5.
    """
    architecture(arch)
    chosen = _chosen(dtype, threads)
    kind = Kind(arch.hidden_layers + 1, less="row")
    return _matrices(GramPlan(arch, *paired_inputs(X, Y), (kind,), None), chosen)[0]


def gram_plan(
    arch: Architecture,
    X: ArrayLike,
    Y: ArrayLike | None = None,
    kinds: Sequence[Which] = ("nngp", TRAINING),
    *,
    widths: int | Sequence[int] | None = None,
    first_layer: str | None = None,
) -> GramPlan:
    """Return the plan of some kernels, which computes any block of them: the same bits in any block.

    Parameters
    ----------
    arch, X, Y, kinds, first_layer
        As for ``gram``.
    widths
        Hidden widths, for tangent kernels in standard parametrisation as of ``standard_ntk``.

    Raises
    ------
    InputError, UndefinedKernelError, ArchitectureError
        As for ``gram`` and ``standard_ntk``.
    """
    return _plan(arch, X, Y, kinds, widths, first_layer)


def _plan(
    arch: Architecture,
    X: ArrayLike,
    Y: ArrayLike | None,
    kinds: Sequence[Which],
    widths: int | Sequence[int] | None,
    first_layer: str | None,
) -> GramPlan:
    architecture(arch)
    x, y = paired_inputs(X, Y)
    if isinstance(kinds, str) or not len(kinds):
        raise InputError(
            f'kinds must list "nngp" or pairs of Jacobians, such as ("nngp", ("true", "true")), got {kinds!r}'
        )
    asked = tuple(_which(kind) for kind in kinds)
    fan_in = None
    if widths is not None:
        fan_in = (x.shape[1], *checked_widths(widths, arch.hidden_layers))
        _require_plain(arch)
    pairs = [kind for kind in asked if kind != "nngp"]
    lattice = chosen_first_layer(arch, x, y, first_layer)
    if lattice is not None:
        for pair in pairs:
            require_free_signs(arch, pair)
    blocks = {pair: _blocks(arch, pair, x.shape[1], fan_in) for pair in pairs}
    last = Kind(arch.hidden_layers + 1)
    # Without surrogates all Jacobians are one.
    plain = arch.activation == arch.surrogate
    plan = [
        last if kind == "nngp" else Kind(0, ORDINARY if plain else kind, blocks[kind])
        for kind in asked
    ]
    return GramPlan(arch, x, y, plan, lattice)


def _which(kind: Any) -> Which:
    return "nngp" if isinstance(kind, str) and kind == "nngp" else jacobian_pair(kind)


def _chosen(dtype: str, threads: int | None) -> tuple[str, int]:
    """Return the type of the result and the number of threads, checked."""
    if dtype not in DTYPES:
        raise InputError(f"dtype must be one of {DTYPES}, got {dtype!r}")
    return dtype, checks.threads(threads)


def _matrices(plan: GramPlan, chosen: tuple[str, int]) -> list[Float]:
    n, m = plan.shape
    found = plan.block((0, n), (0, m), dtype=chosen[0], threads=chosen[1])
    return [found[kind] for kind in plan.kinds]


def _blocks(
    arch: Architecture, pair: tuple[str, str], dimension: int, fan_in: Sequence[int] | None
) -> tuple[tuple[float, float], ...]:
    """Return what the weights and the bias of every layer add: A E[sigma(u) sigma(v)] + B."""
    if fan_in is not None:
        # The first layer's features are <x, x'>/d, and d their number.
        return ((1.0, 1.0), *((float(n), 1.0) for n in fan_in[1:]))
    laws = zip(arch.weight_stds, arch.bias_stds, arch.weight_laws, strict=True)
    blocks = [(w**2 * law.jacobian_moment(pair), b**2) for w, b, law in laws]
    blocks[0] = (blocks[0][0] / dimension, blocks[0][1])
    return tuple(blocks)


def _require_plain(arch: Architecture) -> None:
    """Refuse binarized weights in standard parametrisation."""
    for place, law in enumerate(arch.weight_laws, start=1):
        if law.forward is not None:
            raise ArchitectureError(
                f"weights {place} follow {law.name}; binarized weights keep their values when the latent "
                f"weights are rescaled, so the standard parametrisation is another network: use th.ntk"
            )
