r"""Expectations of products on several Gaussian variables as SymPy expressions in the entries of K.

The recursion of ``several_moments`` runs on symbols where its orthants are closed, or one integral: two thresholds
of any kind, three that are 0, or four that are 0 and no powers. Otherwise the expression is the defining integral.
"""

from itertools import combinations, product
from typing import Any

import sympy as sp

from theory.activations import Activation
from theory.activations.atoms import x
from theory.arithmetic import Phi, Phi2, phi
from theory.errors import ActivationError
from theory.gaussian.expectation import c, expectation, p, q
from theory.gaussian.several_factors import Factors, is_odd
from theory.gaussian.several_moments import NONE, Matrix, Moments, Sign, Term, expanded

t = sp.Symbol("t", real=True)


def symbols(size: int) -> sp.Matrix:
    """Return the symmetric matrix of symbols k11, k12, ..., the diagonal positive."""
    return sp.Matrix(size, size, lambda i, j: _symbol(min(i, j) + 1, max(i, j) + 1))


def _symbol(i: int, j: int) -> sp.Symbol:
    return sp.Symbol(f"k{i}{j}", positive=True) if i == j else sp.Symbol(f"k{i}{j}", real=True)


def formula(factors: Factors, K: sp.Matrix) -> sp.Expr:
    """Return the expectation of the factors under N(0, K), K regular."""
    functions = [f for f, _ in factors]
    variables = [k for _, k in factors]
    if is_odd(functions):
        return sp.S.Zero
    if len(factors) == 1:
        return expectation(functions[0]).expr.xreplace({p: K[0, 0]})
    if len(factors) == len(set(variables)) == 2:
        i, j = variables
        at = {p: K[i, i], q: K[j, j], c: K[i, j]}
        return expectation(*functions).expr.xreplace(at)
    try:
        terms = expanded(tuple(functions), tuple(variables))
    except ActivationError:
        return definition(factors, K)
    if not all(_is_closed(term) for term in terms):
        return definition(factors, K)
    known: dict[tuple[tuple[int, ...], tuple[sp.Expr, ...]], Moments] = {}
    total = []
    for term in terms:
        key = (term.variables, term.scales)
        if key not in known:
            matrix = [[K[i, j] for j in term.variables] for i in term.variables]
            noise = [scale**2 for scale in term.scales]
            known[key] = Moments(_Symbolic(), [sp.S.Zero] * len(noise), matrix, noise)
        total.append(term.coefficient * known[key].moment(term.powers, term.marks))
    # Coefficients are distributed once: arcsines of several terms then cancel.
    return sp.Add(*(sp.expand(part, deep=False) for part in total))


def _is_closed(term: Term) -> bool:
    """Whether the recursion gives a formula to read: four steps with powers have one of pages."""
    steps = sum(mark.sign is Sign.STEP for mark in term.marks)
    centred = all(mark.at == 0 for mark in term.marks if mark != NONE)
    return steps <= 2 or (centred and (steps == 3 or not any(term.powers)))


def definition(factors: Factors, K: sp.Matrix) -> sp.Expr:
    """Return the integral of the factors against the density of N(0, K)."""
    points = [sp.Symbol(f"x{k + 1}", real=True) for k in range(K.rows)]
    column = sp.Matrix(points)
    det = K.det()
    square = (column.T * K.adjugate() * column)[0, 0] / det
    density = sp.exp(-square / 2) / sp.sqrt((2 * sp.pi) ** K.rows * det)
    values = sp.Mul(*(_at(f, points[k]) for f, k in factors))
    return sp.Integral(values * density, *((point, -sp.oo, sp.oo) for point in points))


def _at(f: Activation, point: sp.Symbol) -> sp.Expr:
    # Steps, not branches: SymPy multiplies the branches of an integrand out.
    return sp.Add(*(atom.expr for atom in f.atoms)).xreplace({x: point})


class _Symbolic:
    """Leaves of the recursion as the functions that a reader knows."""

    one, zero = sp.S.One, sp.S.Zero

    def number(self, value: sp.Expr) -> sp.Expr:
        return value

    def is_zero(self, value: sp.Expr) -> bool:
        return bool(value == 0)

    def density(self, gap: sp.Expr, variance: sp.Expr) -> sp.Expr:
        return phi(gap / sp.sqrt(variance)) / sp.sqrt(variance)

    def orthant(self, gaps: tuple[Any, ...], matrix: Matrix) -> sp.Expr:
        S = sp.Matrix(matrix) if gaps else sp.Matrix(0, 0, [])
        scaled = [-gap / sp.sqrt(S[k, k]) for k, gap in enumerate(gaps)]
        if len(gaps) < 2:
            return sp.Mul(*map(Phi, scaled))
        if len(gaps) == 2:
            return Phi2(*scaled, _correlation(S, 0, 1))
        size = len(gaps)
        share = 2 ** (size - 1) * sp.pi
        arcs = [sp.asin(_correlation(S, i, j)) / share for i, j in combinations(range(size), 2)]
        signs = four_signs(S) / 16 if size == 4 else sp.S.Zero
        return sp.Add(sp.Rational(1, 2**size), *arcs, signs)


def _correlation(S: sp.Matrix, i: int, j: int) -> sp.Expr:
    return S[i, j] / sp.sqrt(S[i, i] * S[j, j])


def four_signs(S: sp.Matrix) -> sp.Expr:
    r"""Return E[sgn X_1 sgn X_2 sgn X_3 sgn X_4], X ~ N(0, S): arcsines and one integral of them (claim J3).

    The covariances between (X_1, X_2) and (X_3, X_4) are switched on by t; given two zeros, the other two signs
    have an arcsine.
    """
    switched = sp.Matrix(4, 4, lambda i, j: S[i, j] * (t if (i < 2) != (j < 2) else 1))
    shares = []
    for i, j in product((0, 1), (2, 3)):
        k, l = 1 - i, 5 - j
        first, second, mixed = (
            switched.extract([i, j, m], [i, j, n]).det() for m, n in ((k, k), (l, l), (k, l))
        )
        det = S[i, i] * S[j, j] - (t * S[i, j]) ** 2
        shares.append(S[i, j] / sp.sqrt(det) * sp.asin(mixed / sp.sqrt(first * second)))
    apart = sp.asin(_correlation(S, 0, 1)) * sp.asin(_correlation(S, 2, 3))
    return 4 * apart / sp.pi**2 + 4 * sp.Integral(sp.Add(*shares), (t, 0, 1)) / sp.pi**2
