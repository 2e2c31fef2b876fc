"""Expectations of products on several Gaussian variables as balls that contain them."""

import flint
import sympy as sp
from flint import arb, fmpq

from theory.errors import DomainError
from theory.gaussian.expectation import expectation
from theory.gaussian.several_factors import Factors, Reduced, blocks, is_odd, number
from theory.gaussian.several_moments import Matrix, Moments, Term, expanded
from theory.gaussian.several_orthants import Number, orthant

# Beyond this many times the bits asked for, and these more, a value counts as too small for relative accuracy.
_PATIENCE, _MORE = 4, 256


class _Balls:
    """Leaves of the recursion: rational numbers stay exact as long as they can."""

    one, zero = fmpq(1), fmpq(0)

    def number(self, value: sp.Expr) -> Number:
        return number(value)

    def is_zero(self, value: Number) -> bool:
        return bool(value == 0)

    def density(self, gap: Number, variance: Number) -> Number:
        if variance == 0:
            if not (gap > 0 or gap < 0):
                raise DomainError(
                    "Dirac masses meet on variables that determine each other: the value is infinite"
                )
            return self.zero
        spread = arb(variance)
        return (-arb(gap) * gap / (2 * spread)).exp() / (2 * arb.pi() * spread).sqrt()

    def orthant(self, gaps: tuple[Number, ...], matrix: Matrix) -> arb:
        return orthant(gaps, matrix)


def value(reduced: Reduced, bits: int) -> arb:
    """Return the value with ``bits`` good bits.

    Raises
    ------
    DomainError
        Where the value is infinite or does not settle.
    """
    parts = [
        _block(factors, covariance, bits + 16)
        for factors, covariance in blocks(reduced.factors, reduced.covariance)
    ]
    with flint.ctx.workprec(bits + 32):
        result = arb(1) * number(reduced.constant)
        for part in parts:
            result *= part
        return result


def _block(factors: Factors, covariance: sp.Matrix, bits: int) -> arb:
    functions = [f for f, _ in factors]
    if is_odd(functions):
        return arb(0)
    if len(factors) == 1:
        return expectation(functions[0]).ball(covariance[0, 0], bits=bits)
    if len(factors) == covariance.rows == 2:
        p, q, c = covariance[0, 0], covariance[1, 1], covariance[0, 1]
        return expectation(*functions).ball(p, q, c, bits=bits)
    terms = expanded(tuple(functions), tuple(k for _, k in factors))
    working = bits + 32
    while True:
        with flint.ctx.workprec(working):
            result = _sum(terms, covariance)
        if result.is_finite():
            small = working > _PATIENCE * bits + _MORE
            if result.rel_accuracy_bits() >= bits or small:
                return result
        elif working > 2 * (_PATIENCE * bits + _MORE):
            raise DomainError(
                f"the expectation of {', '.join(map(str, functions))} at K = {covariance.tolist()} does not settle "
                f"to a finite number at {working} bits; write K with rational entries"
            )
        working = working * 3 // 2


def _sum(terms: tuple[Term, ...], covariance: sp.Matrix) -> arb:
    leaves = _Balls()
    known: dict[tuple[tuple[int, ...], tuple[sp.Expr, ...]], Moments] = {}
    total = arb(0)
    for term in terms:
        key = (term.variables, term.scales)
        if key not in known:
            matrix = [[number(covariance[i, j]) for j in term.variables] for i in term.variables]
            noise = [number(scale) * number(scale) for scale in term.scales]
            known[key] = Moments(leaves, [leaves.zero] * len(matrix), matrix, noise)
        total += number(term.coefficient) * known[key].moment(term.powers, term.marks)
    return total
