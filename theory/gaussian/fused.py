"""E[f(u) g(v)] of whole arrays: the fast way where it is exact, the general one where it is not.

One mechanism for every pair of polynomial and step atoms, sharp or smoothed: Price's theorem in vector
code (``price``), point by point its own judge; then conditioning (``conditional``). What neither
settles, and every pair of another kind, is left to the caller.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
from numpy.typing import NDArray

from theory.activations import Activation
from theory.gaussian.conditional import conditional_moments
from theory.gaussian.given import TERM_ERROR
from theory.gaussian.kinks import Kinks, Mass, kinks, mass
from theory.gaussian.lanes import DONE, NOT_INSIDE, OTHER_WAY, determinants
from theory.gaussian.nodes import RULES
from theory.gaussian.origin import (
    mass_moments,
    mass_products,
    slope_and_step_products,
    slope_products,
    step_and_mass_products,
    step_products,
)
from theory.gaussian.price import kink_moments
from theory.gaussian.tables import Tables, tables

Float = NDArray[np.float64]
Status = NDArray[np.int8]
Kernel = Callable[[Float, Float, Float, Float, Float, Status], int]
Both = Callable[[Float, Float, Float, Float, Float, Float], int]

_BUDGET = 1e-13
_SLICE = 1 << 16


def in_order(f: Activation, g: Activation) -> bool:
    """Whether (f, g) is the order in which the pair is computed.

    E[f(u) g(v)] is symmetric under exchange of (f, p) and (g, q); computing each pair in one order
    only makes it so to the last bit.
    """
    return _key(f) <= _key(g)


@cache
def _key(f: Activation) -> str:
    return repr(f.atoms)


def fused(
    f: Activation, g: Activation, p: Float, q: Float, c: Float, threads: int
) -> tuple[Float, Status]:
    """Evaluate at one-dimensional contiguous arrays of equal length.

    Returns
    -------
    tuple
        Values, and for each DONE (good to 1e-13 of E|f g|), OTHER_WAY, or NOT_INSIDE: no covariance with
        |c| < sqrt(pq) and variances in range. Closed forms hold on |c| = sqrt(pq) too.
    """
    return through(pair_kernel(f, g), f, g, p, q, c, threads)


def through(
    kernel: Kernel | None, f: Activation, g: Activation, p: Float, q: Float, c: Float, threads: int
) -> tuple[Float, Status]:
    """Do the same with a kernel looked up before: hashing activations takes longer than one value."""
    out, status = np.empty(p.shape), np.empty(p.shape, np.int8)

    def work(s: slice) -> None:
        # Of a slice, not of everything: new pages would cost more than a closed form.
        det = np.empty(out[s].shape)
        determinants(p[s], q[s], c[s], det)
        given_determinants(kernel, f, g, p[s], q[s], c[s], det, out[s], status[s])

    in_slices(work, p.size, threads)
    return out, status


def given_determinants(
    kernel: Kernel | None, f: Activation, g: Activation,
    p: Float, q: Float, c: Float, det: Float, out: Float, status: Status,
) -> int:  # fmt: skip
    """Do the same where p q - c**2 is known better than from p, q and c; return how many points are left.

    What is 0 may be NOT_INSIDE.
    """
    left = (kernel or _refer)(p, q, c, det, out, status)
    if left and np.any(status == OTHER_WAY):
        if f.parity * g.parity == -1:
            out[status == OTHER_WAY], status[status == OTHER_WAY] = 0.0, DONE
        if f == g:
            p, q = np.maximum(p, q), np.minimum(p, q)
        condition(f, g, p, q, c, det, out, status)
        left = int(np.count_nonzero(status))
    return left


def _in_one_order(kernel: Kernel) -> Kernel:
    """Put the larger variance first, slice by slice: of a function with itself, p and q exchange."""
    return lambda p, q, *rest: kernel(np.maximum(p, q), np.minimum(p, q), *rest)


def condition(
    f: Activation,
    g: Activation,
    p: Float,
    q: Float,
    c: Float,
    det: Float,
    out: Float,
    status: Status,
) -> None:
    """Settle by conditioning what can be settled among the points whose status is OTHER_WAY.

    Where ``det`` is 0, on c = +-sqrt(pq), neither function may hold masses.
    """
    left = np.flatnonzero(status == OTHER_WAY)
    first, second = tables(f), tables(g)
    if not left.size or first is None or second is None:
        return
    p, q, c, det = p[left], q[left], c[left], det[left]
    value, size, error = (np.empty(left.size) for _ in range(3))
    conditional_moments(p, q, c, det, value, size, error, *_fields(first), *_fields(second))
    good = (error + TERM_ERROR * size <= _BUDGET * size) & np.isfinite(value)
    out[left] = value
    status[left[good]] = DONE


def _refer(p: Float, q: Float, c: Float, det: Float, _: Float, status: Status) -> int:  # noqa: ARG001
    """Leave every point of the domain to another way."""
    with np.errstate(invalid="ignore"):
        inside = (np.minimum(p, q) >= 1e-75) & (np.maximum(p, q) <= 1e75) & (det > 0.0)
    status[:] = np.where(inside, OTHER_WAY, NOT_INSIDE)
    return status.size


@cache
def pair_kernel(f: Activation, g: Activation) -> Kernel | None:
    """Return the compiled evaluator of a pair, or None; of f = g, one in which p and q exchange."""
    heavy, light = mass(f), mass(g)
    first, second = kinks(f), kinks(g)
    if heavy is not None and light is not None:
        weight = heavy.weight * light.weight
        return lambda p, q, c, det, out, status: mass_products(
            p, q, c, det, out, status, weight, heavy.variance, light.variance
        )
    if first is not None and second is not None:
        one, other = first.slopes, second.slopes
        if one is not None and other is not None:
            same = one[0] * other[0] + one[1] * other[1]
            opposite = one[0] * other[1] + one[1] * other[0]
            return lambda p, q, c, det, out, status: slope_products(
                p, q, c, det, out, status, same, opposite
            )
        if first.step is not None and second.step is not None:
            (c1, w1, e2), (c2, w2, d2) = first.step, second.step
            return lambda p, q, c, det, out, status: step_products(
                p, q, c, det, out, status, c1 * c2, w1 * w2, e2, d2
            )
        given = (*_arrays(first), *_arrays(second), *RULES)

        def kernel(p: Float, q: Float, c: Float, det: Float, out: Float, status: Status) -> int:
            return kink_moments(p, q, c, det, out, status, *given)

        return _in_one_order(kernel) if f == g else kernel
    if heavy is not None and second is not None:
        return _against(heavy, second)
    if light is not None and first is not None:
        swapped = _against(light, first)
        return lambda p, q, *rest: swapped(q, p, *rest)
    return None


@cache
def both_kernel(f: Activation, g: Activation) -> Both | None:
    """Return the compiled evaluator of E[f g] and of E[f' g'], its derivative in c, where they share their work.

    It fills two arrays, and returns how many points the evaluators of one of the two would leave. The values are those
    of ``pair_kernel`` to the last bit.
    """
    first, second = kinks(f), kinks(g)
    if first is None or second is None:
        return None
    if first.slopes is not None and second.slopes is not None:
        one, other = kinks(f.derivative), kinks(g.derivative)
        if one is None or other is None or one.step is None or other.step is None:
            return None
        (right, left), (f_right, f_left) = first.slopes, second.slopes
        same, opposite = right * f_right + left * f_left, right * f_left + left * f_right
        constant, weight = one.step[0] * other.step[0], one.step[1] * other.step[1]
        return lambda p, q, c, det, out, slopes: slope_and_step_products(
            p, q, c, det, out, slopes, same, opposite, constant, weight
        )
    if first.step is not None and second.step is not None:
        (c1, w1, e2), (c2, w2, d2) = first.step, second.step
        heavy, light = mass(f.derivative), mass(g.derivative)
        if heavy is None or light is None:
            return None
        return lambda p, q, c, det, out, slopes: step_and_mass_products(
            p, q, c, det, out, slopes, c1 * c2, w1 * w2, heavy.weight * light.weight, e2, d2
        )
    return None


def nanoseconds(f: Activation, g: Activation) -> float:
    """Return roughly what a point costs: of a closed form, along a path of Price's theorem, or by another way."""
    heavy, light = mass(f), mass(g)
    first, second = kinks(f), kinks(g)
    if heavy is not None and light is not None:
        return 2.0
    if pair_kernel(f, g) is None:
        return 1e5
    if first is None or second is None:
        return 9.0
    if first.slopes is not None and second.slopes is not None:
        return 10.0
    return 3.0 if first.step is not None and second.step is not None else 70.0


def _against(f: Mass, g: Kinks) -> Kernel:
    given = (f.weight, f.variance, *_arrays(g))
    return lambda p, q, c, det, out, status: mass_moments(p, q, c, det, out, status, *given)


def _arrays(f: Kinks) -> tuple[Float, Float, Float]:
    return np.array([f.constant, f.slope]), f.table, np.array(f.scales).reshape(-1, 3)


def _fields(f: Tables) -> tuple[Float, Float, Float, Float]:
    return f.breaks, f.pieces, f.masses, f.smooth


def in_slices(work: Callable[[slice], None], n: int, threads: int) -> None:
    """Do work on every slice of n points, the same ones for any number of threads."""
    slices = [slice(start, min(start + _SLICE, n)) for start in range(0, n, _SLICE)]
    if threads > 1 and len(slices) > 1:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, slices))
    else:
        for part in slices:
            work(part)
