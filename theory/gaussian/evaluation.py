"""Float64 evaluation of an expectation: arguments, ends of the domain, and who computes what inside it."""

from functools import cache
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from theory.activations.motions import reflected
from theory.arithmetic import Formula
from theory.arithmetic.float64 import cross
from theory.checks import finite
from theory.errors import InputError
from theory.gaussian.fused import (
    Kernel,
    both_kernel,
    condition,
    fused,
    given_determinants,
    in_order,
    nanoseconds,
    pair_kernel,
    through,
)
from theory.gaussian.given import TERM_ERROR, means
from theory.gaussian.lanes import DONE, NOT_INSIDE, OTHER_WAY
from theory.gaussian.tables import Tables, tables

if TYPE_CHECKING:
    from theory.activations import Activation
    from theory.gaussian.expectation import Expectation
    from theory.gaussian.integral import LineIntegral

Float = NDArray[np.float64]
Status = NDArray[np.int8]

# Inputs p, q, c rounded to float64 move p*q - c*c by up to 2 ulp of p*q: a determinant below that
# is the line c = +-sqrt(p*q) itself.
_ON_LINE = 2.0**-51

# Determinants and their products with a variance, of third order, have to stay within float64.
_SMALLEST, _LARGEST = 1e-75, 1e75

# SymPy, mpmath and Arb, which settle what is left to them, are not made for threads.
_SLOW = RLock()

# Up to this share of itself a closed form on the line is taken as it is.
_BUDGET = 1e-13


def evaluate(F: "Expectation", p: Float, q: Float, c: Float, threads: int) -> Float:
    """Evaluate E[f(u) g(v)] at arrays of equal shape."""
    shape = p.shape
    P, Q, C = p.ravel(), q.ravel(), c.ravel()
    ordered, kernel = _plan(F)
    if ordered is not F:
        F, P, Q = ordered, Q, P
    values, status = through(kernel, F.f, F.g, P, Q, C, threads)
    if np.any(status):
        with _SLOW:
            if np.any(status == NOT_INSIDE):
                _require(p, q, c)
            _settle(F, P, Q, C, values, status)
    return values.reshape(shape)


class Prepared:
    """An expectation made ready for many short arrays, whose determinants p q - c**2 are known.

    ``nanoseconds`` is roughly what a point costs, away from the ends of the domain.
    """

    def __init__(self, F: "Expectation") -> None:
        self.F, self._kernel = _plan(F)
        self._exchanged = self.F is not F
        self._both = both_kernel(self.F.f, self.F.g)
        self.nanoseconds = nanoseconds(self.F.f, self.F.g)

    def __call__(
        self, p: Float, q: Float, c: Float, det: Float, out: Float, status: Status
    ) -> None:
        """Fill ``out`` at one-dimensional arrays; a determinant 0 is c = +-sqrt(pq). ``status`` is scratch."""
        one, other = (q, p) if self._exchanged else (p, q)
        if given_determinants(self._kernel, self.F.f, self.F.g, one, other, c, det, out, status):
            with _SLOW:
                if np.any(status == NOT_INSIDE):
                    variance(finite(p, "p"), "p"), variance(finite(q, "q"), "q"), finite(c, "c")
                _settle(self.F, one, other, c, out, status)

    def on_diagonal(self, p: Float) -> Float:
        """Return E[f(u) g(u)] at variances in a one-dimensional array."""
        out = np.empty(p.shape)
        self(p, p, p, np.zeros(p.shape), out, np.empty(p.shape, np.int8))
        return out

    @property
    def has_both(self) -> bool:
        """Whether ``both`` can be asked for."""
        return self._both is not None

    def both(self, p: Float, q: Float, c: Float, det: Float, out: Float, slopes: Float) -> bool:
        """Fill ``out``, and ``slopes`` with E[f'(u) g'(v)], in one pass; return whether no point is left.

        The bits are those of the two calls that it saves; where a point is left, they have to be made.
        """
        assert self._both is not None
        one, other = (q, p) if self._exchanged else (p, q)
        return self._both(one, other, c, det, out, slopes) == 0


@cache
def prepared(F: "Expectation") -> Prepared:
    """Return ``Prepared(F)``, made once."""
    return Prepared(F)


def _settle(F: "Expectation", P: Float, Q: Float, C: Float, values: Float, status: Status) -> None:
    """Evaluate what neither Price's theorem nor conditioning has settled."""
    if F.f == F.g:
        P, Q = np.maximum(P, Q), np.minimum(P, Q)
    if np.any(status == NOT_INSIDE):
        _ends(F, P, Q, C, values, status)
    _generic(F, P, Q, C, values, status)


@cache
def _plan(F: "Expectation") -> "tuple[Expectation, Kernel | None]":
    """Return the expectation in the order in which the pair is computed, and its kernel."""
    ordered = F if in_order(F.f, F.g) else F.exchanged
    return ordered, pair_kernel(ordered.f, ordered.g)


def _ends(F: "Expectation", P: Float, Q: Float, C: Float, values: Float, status: Status) -> None:
    """Settle the points with a variance 0 or on the line c = +-sqrt(pq)."""
    flat = (status == NOT_INSIDE) & ((P == 0) | (Q == 0))
    if np.any(flat):
        alone = [_mean(h, V[flat]) for h, V in ((F.f, P), (F.g, Q))]
        values[flat] = _product(*alone)
        status[flat] = DONE
    for sign in (1, -1):
        line = np.flatnonzero((status == NOT_INSIDE) & (np.sign(C) == sign))
        if not line.size:
            continue
        p, q, c = P[line], Q[line], C[line]
        here, state = np.empty(line.size), np.full(line.size, OTHER_WAY, np.int8)
        product = _product_on_line(F, sign)
        if product is not None:
            size = np.empty(line.size)
            means(p, here, size, product.breaks, product.pieces, product.smooth)
            state[(p == q) & (size * TERM_ERROR <= _BUDGET * np.abs(here))] = DONE
        left = np.flatnonzero(state)
        if left.size:
            here[left] = _on_line(F, sign, p[left], q[left], c[left])
        values[line] = here
        status[line] = DONE


def _on_line(F: "Expectation", sign: int, p: Float, q: Float, c: Float) -> Float:
    """Evaluate on the line c = +-sqrt(pq) by its formula, or what else keeps the digits."""
    values, state = np.empty(p.size), np.full(p.size, OTHER_WAY, np.int8)
    closed = F._line(sign)
    if isinstance(closed, Formula):
        values, error = closed.bounded(p, q)
        state[error <= _BUDGET * np.abs(values)] = DONE
    if not (F.f.has_dirac or F.g.has_dirac):
        condition(F.f, F.g, p, q, c, np.zeros_like(p), values, state)
    for i in np.flatnonzero(state == OTHER_WAY):
        values[i] = _exactly_on_line(closed, p[i], q[i])
    return values


@cache
def _product_on_line(F: "Expectation", sign: int) -> Tables | None:
    """Return u -> f(u) g(+-u) as tables, where f and g are sharp: with equal variances its mean is the value."""
    if F._vanishes or not (F.f.is_sharp and F.g.is_sharp) or F.f.has_dirac or F.g.has_dirac:
        return None
    other = F.g
    if sign < 0:
        other = type(other).of([term for atom in other.atoms for term in reflected(atom)])
    return tables(F.f * other)


def _exactly_on_line(closed: "Formula | LineIntegral", p: float, q: float) -> float:
    """Return the value on the line by exact numbers, so that coinciding jumps and masses are seen as such."""
    P, Q = sp.Rational(p), sp.Rational(q)
    if not isinstance(closed, Formula):
        return float(closed.float64(np.array([p]), np.array([q]))[0])
    value = closed.expr.subs(dict(zip(closed.symbols, (P, Q), strict=True)))
    if value.has(sp.oo, -sp.oo):
        return float("inf")
    return float(Formula(value, ()).ball(bits=60).mid())


def _generic(F: "Expectation", P: Float, Q: Float, C: Float, values: Float, status: Status) -> None:
    apart = (status == OTHER_WAY) & (C == 0)
    if np.any(apart):
        values[apart] = _product(_mean(F.f, P[apart]), _mean(F.g, Q[apart]))
        status[apart] = DONE
    left = status == OTHER_WAY
    if np.any(left):
        values[left] = F._generic.float64(
            P[left], Q[left], C[left], scale=lambda p, q, _: _scale(F, p, q)
        )


def _product(one: Float, other: Float) -> Float:
    with np.errstate(invalid="ignore"):
        # A Dirac mass on a variable of variance 0 against a factor of mean 0: the limit is 0.
        return np.where((one == 0) | (other == 0), 0.0, one * other)


def _mean(f: "Activation", P: Float) -> Float:
    """Return E[f(u)] at variances P, which may be 0."""
    from theory.gaussian.expectation import expectation

    values = np.full(P.shape, float(f.at_zero))
    inside = P > 0
    if np.any(inside):
        single = expectation(f)
        p, one, zero = P[inside], np.ones(inside.sum()), np.zeros(inside.sum())
        here, status = fused(single.f, single.g, p, one, zero, 1)
        left = status != DONE
        if np.any(left):
            here[left] = single.mean_formula.float64(p[left])
        values[inside] = here
    return values


def _scale(F: "Expectation", P: Float, Q: Float) -> Float:
    """Return sqrt(E[f(u)^2] E[g(v)^2]), the natural size of the value; 0 where it does not exist."""
    from theory.gaussian.expectation import expectation

    if F.f.has_dirac or F.g.has_dirac:
        return np.zeros_like(P)
    squares = [expectation(h, h)._line(1).float64(V, V) for h, V in ((F.f, P), (F.g, Q))]
    return np.asarray(np.sqrt(squares[0] * squares[1]))


def _require(p: Float, q: Float, c: Float) -> None:
    """Raise ``InputError`` for what is no covariance, naming the first bad entry."""
    P, Q, C = variance(finite(p, "p"), "p"), variance(finite(q, "q"), "q"), finite(c, "c")
    det = cross(P, Q, C, C)
    bad = np.argwhere((det < 0) & ~(np.abs(det) <= _ON_LINE * P * Q))
    if len(bad):
        i = tuple(bad[0])
        raise InputError(
            f"p={P[i]}, q={Q[i]}, c={C[i]} is no covariance: c*c exceeds p*q; need |c| <= sqrt(p*q)"
        )


def broadcast(*arrays: Float) -> list[Float]:
    """Broadcast, or raise ``InputError`` with the shapes."""
    try:
        return list(np.broadcast_arrays(*arrays))
    except ValueError as error:
        shapes = " and ".join(str(array.shape) for array in arrays)
        raise InputError(
            f"the arguments have shapes {shapes}, which do not broadcast; "
            f"give equal shapes, or single numbers"
        ) from error


def variance(array: Float, name: str) -> Float:
    """Return variances, or raise ``InputError`` for one that is negative or out of range."""
    if np.any(array < 0):
        raise InputError(f"variance {name} must be at least 0, got {array.min()}")
    outside = (array > 0) & ((array < _SMALLEST) | (array > _LARGEST))
    if np.any(outside):
        raise InputError(
            f"variance {name} must be 0 or lie between {_SMALLEST:g} and {_LARGEST:g} in float64, got "
            f"{array[outside].flat[0]:g}; rescale the inputs, or use .mp or .ball"
        )
    return array
