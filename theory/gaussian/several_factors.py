"""Factors of a product of activations on Gaussian variables: merged, or split where they are independent.

Sharp factors on one variable multiply to one activation; smoothed ones keep a noise of their own. A variable of
variance 0 evaluates its factors at 0, and u_j = k u_i turns factors of u_j into factors of u_i: what is left has a
covariance without zeros on its diagonal and without proportional pairs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from math import prod
from typing import TypeAlias

import flint
import sympy as sp

from theory.activations import Activation
from theory.activations.atoms import Atom, Kind
from theory.activations.motions import reflected
from theory.arithmetic import ball
from theory.errors import ActivationError, DomainError, InputError

Factors: TypeAlias = tuple[tuple[Activation, int], ...]
"""Pairs of an activation and the number of its variable."""


@dataclass(frozen=True)
class Reduced:
    """A constant times the expectation of factors on variables of a regular diagonal.

    Parameters
    ----------
    constant
        Exact.
    factors
        Variables numbered along ``covariance``.
    covariance
        Exact, no variance 0, no proportional pair.
    """

    constant: sp.Expr
    factors: Factors
    covariance: sp.Matrix


def merged(factors: Factors) -> Factors:
    """Multiply factors on one variable where their product stays an activation.

    Raises
    ------
    DomainError
        Where two Dirac masses, or a mass and a jump, share a variable and a place.
    """
    result: list[tuple[Activation, int]] = []
    for f, k in factors:
        for place, (g, j) in enumerate(result):
            product = _product(g, f) if j == k else None
            if product is not None:
                result[place] = (product, k)
                break
        else:
            result.append((f, k))
    return tuple(result)


@cache
def _product(f: Activation, g: Activation) -> Activation | None:
    for mass, other in ((f, g), (g, f)):
        for atom in mass.atoms:
            if atom.is_dirac:
                _require_continuity(mass, other, atom)
    try:
        return f * g
    except ActivationError:
        return None


def _require_continuity(mass: Activation, other: Activation, atom: Atom) -> None:
    jumps = [a.at for a in other.derivative.atoms if a.is_dirac] if not other.has_dirac else []
    points = [a.at for a in other.atoms if a.is_dirac]
    if atom.at in points or atom.at in jumps:
        raise DomainError(
            f"{mass} has a Dirac mass at {atom.at}, where {other} of the same variable has a "
            f"{'mass too: the value is infinite' if atom.at in points else 'jump: their product is not defined'}; "
            f"smooth one of them, or give them variables of their own"
        )


def reduced(factors: Factors, covariance: sp.Matrix, tied: Callable[[int, int], bool]) -> Reduced:
    """Return the product on representatives of the classes of proportional variables.

    Parameters
    ----------
    covariance
        Exact.
    tied
        Whether two variables of positive variance are proportional.

    Raises
    ------
    DomainError
        Where a Dirac mass sits on a variable of variance 0, or meets another or a jump.
    """
    constant = sp.S.One
    slopes: dict[int, tuple[int, sp.Expr]] = {}
    leaders: list[int] = []
    for k in range(covariance.rows):
        if covariance[k, k] == 0:
            continue
        leader = next((j for j in leaders if tied(j, k)), None)
        if leader is None:
            leaders.append(k)
            slopes[k] = (k, sp.S.One)
        else:
            slopes[k] = (leader, covariance[leader, k] / covariance[leader, leader])
    moved: list[tuple[Activation, int]] = []
    for f, k in factors:
        if k in slopes:
            leader, slope = slopes[k]
            moved.append((stretched(f, slope), leaders.index(leader)))
            continue
        if f.at_zero.is_infinite:
            raise DomainError(
                f"variable {k} has variance 0 and {f} a Dirac mass at 0: the value is infinite"
            )
        constant *= f.at_zero
    return Reduced(constant, merged(tuple(moved)), covariance.extract(leaders, leaders))


def stretched(f: Activation, slope: sp.Expr) -> Activation:
    """Return x -> f(slope x).

    Raises
    ------
    ActivationError
        For a slope other than 1 and -1 where f holds more than steps and bumps.
    """
    if slope == 1:
        return f
    if slope == -1:
        return Activation.of([term for atom in f.atoms for term in reflected(atom)], f"{f.name}(-)")
    if not f.is_plain:
        raise ActivationError(
            f"{f} of a multiple of another variable is not supported: it holds more than polynomials, steps "
            f"and Gaussian bumps"
        )
    size = abs(slope)
    terms = []
    for atom in f.atoms:
        coefficient = atom.coef * size**atom.power
        if atom.kind is Kind.BUMP:
            coefficient /= size
        terms.append(replace(atom, coef=coefficient, at=atom.at / size, scale=atom.scale / size))
    if bool(slope < 0):
        terms = [term for atom in terms for term in reflected(atom)]
    return Activation.of(terms, f"{f.name}({slope})")


def blocks(factors: Factors, covariance: sp.Matrix) -> list[tuple[Factors, sp.Matrix]]:
    """Split into groups of variables that are independent of each other, each with its covariance."""
    left = sorted({k for _, k in factors})
    groups = []
    while left:
        linked = [left[0]]
        for k in linked:
            linked += [j for j in left if j not in linked and covariance[k, j] != 0]
        left = [k for k in left if k not in linked]
        part = tuple((f, linked.index(k)) for f, k in factors if k in linked)
        groups.append((part, covariance.extract(linked, linked)))
    return groups


def require_semidefinite(covariance: sp.Matrix) -> None:
    """Raise ``InputError`` unless an exact symmetric matrix is positive semidefinite, decided exactly."""
    for size in range(1, covariance.rows + 1):
        for rows in combinations(range(covariance.rows), size):
            if sign(covariance.extract(rows, rows).det()) < 0:
                raise InputError(
                    f"K = {covariance.tolist()} is no covariance: its minor of the variables {list(rows)} is "
                    f"negative"
                )


def sign(value: sp.Expr) -> int:
    """Return the sign of an exact real number.

    Raises
    ------
    InputError
        If it cannot be decided.
    """
    if value.is_Rational:
        return int(sp.sign(value))
    for bits in (64, 256, 1024):
        enclosure = ball(value, bits=bits)
        if enclosure > 0 or enclosure < 0:
            return 1 if enclosure > 0 else -1
    if value.equals(0):
        return 0
    raise InputError(f"whether {value} is 0 cannot be decided exactly; simplify the covariances")


def exactly_tied(covariance: sp.Matrix) -> Callable[[int, int], bool]:
    """Return whether two variables are proportional, decided exactly."""
    return lambda i, j: (
        sign(sp.expand(covariance[i, i] * covariance[j, j] - covariance[i, j] ** 2)) == 0
    )


def number(value: sp.Expr) -> flint.fmpq | flint.arb:
    """Return an exact number exactly where it is rational, else as a ball at the current precision."""
    if value.is_Rational:
        return flint.fmpq(int(value.p), int(value.q))
    return ball(value, bits=flint.ctx.prec)


def is_odd(functions: Sequence[Activation]) -> bool:
    """Whether a product of even and odd functions is odd, so that its expectation is 0 by symmetry."""
    return prod(f.parity for f in functions) == -1


def describe(functions: Sequence[Activation], variables: Sequence[int]) -> str:
    """Return the product as text."""
    return "E[" + " ".join(f"{f}(u{k})" for f, k in zip(functions, variables, strict=True)) + "]"
