r"""Moments of several noisy Gaussian variables by Stein's identity and conditioning (claims G2, G3).

Setting: u = (u_1, ..., u_m) is Gaussian, factor k reads u_k and the noisy s_k = u_k + e_k z_k, all z_k independent
standard normal. Every moment

    E[prod_k u_k^{i_k} S_k(s_k)],   S_k in {1, step above a threshold, Dirac mass at a threshold}

comes down to densities and orthant probabilities of the s_k: a power is removed by
E[u_k G] = E[u_k] E[G] + sum_l Cov(u_k, u_l) (E[d_{u_l} G] + E[d_{s_l} G]), and a Dirac mass is conditioned on. The
same recursion runs in balls, in float64 and in SymPy: a ``Leaves`` says what a density and an orthant are there.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cache
from itertools import product
from typing import Any, Protocol, TypeAlias

import sympy as sp

from theory.activations import Activation
from theory.activations.atoms import Atom, Kind
from theory.activations.atoms import product as atom_product
from theory.errors import ActivationError

Matrix = list[list[Any]]


class Sign(IntEnum):
    """What a factor puts on its noisy variable."""

    NONE = 0
    STEP = 1
    MASS = 2


@dataclass(frozen=True)
class Mark:
    """A factor's step or Dirac mass, at an exact threshold."""

    sign: Sign
    at: sp.Expr = sp.S.Zero

    @classmethod
    def of(cls, atom: Atom) -> "Mark":
        """Return what an atom puts on its noisy variable.

        Raises
        ------
        ActivationError
            For an atom that is no polynomial times a step or a bump.
        """
        if not atom.is_plain:
            raise ActivationError(
                f"the atom {atom.expr} is more than a polynomial times a step or a Gaussian bump, which is what "
                f"expectations of several factors know; take two factors at a time by th.expectation"
            )
        if atom.is_polynomial:
            return NONE
        return cls(Sign.MASS if atom.kind is Kind.BUMP else Sign.STEP, atom.at)


NONE = Mark(Sign.NONE)


@dataclass(frozen=True)
class Term:
    """One product of atoms: a coefficient, and for each factor its variable, noise scale, power and mark."""

    coefficient: sp.Expr
    variables: tuple[int, ...]
    scales: tuple[sp.Expr, ...]
    powers: tuple[int, ...]
    marks: tuple[Mark, ...]


Word: TypeAlias = tuple[Atom, ...]
"""Atoms on one variable, coefficients 1, whose product is no sum of atoms."""


@cache
def expanded(functions: tuple[Activation, ...], variables: tuple[int, ...]) -> tuple[Term, ...]:
    """Expand a product of activations over their atoms, sharp atoms on one variable multiplied."""
    words = [
        _words(tuple(f for f, k in zip(functions, variables, strict=True) if k == variable))
        for variable in sorted(set(variables))
    ]
    terms = []
    for chosen in product(*(of_variable.items() for of_variable in words)):
        placed = [(k, atom) for k, (word, _) in enumerate(chosen) for atom in word]
        terms.append(
            Term(
                sp.Mul(*(coefficient for _, coefficient in chosen)),
                tuple(sorted(set(variables))[k] for k, _ in placed),
                tuple(atom.scale for _, atom in placed),
                tuple(atom.power for _, atom in placed),
                tuple(Mark.of(atom) for _, atom in placed),
            )
        )
    return tuple(terms)


def _words(functions: tuple[Activation, ...]) -> dict[Word, sp.Expr]:
    total: dict[Word, sp.Expr] = {(): sp.S.One}
    # Dirac masses last: they then meet one step at a place, and take its midpoint.
    for f in sorted(functions, key=lambda f: f.has_dirac):
        longer: dict[Word, sp.Expr] = {}
        for (word, coefficient), atom in product(total.items(), f.atoms):
            for joined, factor in _joined(word, atom):
                longer[joined] = longer.get(joined, sp.S.Zero) + coefficient * factor
        total = {word: coefficient for word, coefficient in longer.items() if coefficient != 0}
    return total


def _joined(word: Word, atom: Atom) -> list[tuple[Word, sp.Expr]]:
    """Multiply an atom into a word."""
    for place, other in enumerate(word):
        together = _together(other, atom)
        if together is not None:
            rest = (*word[:place], *word[place + 1 :])
            return [part for one in together for part in _joined(rest, one)]
    return [((*word, replace(atom, coef=sp.S.One)), atom.coef)]


def _together(one: Atom, other: Atom) -> list[Atom] | None:
    if one.is_dirac and other.is_dirac and one.at != other.at:
        return []
    try:
        return atom_product(one, other)
    except ActivationError:
        for mass, step in ((one, other), (other, one)):
            if mass.is_dirac and step.is_sharp and step.at == mass.at:
                return [replace(mass, coef=mass.coef * step.coef * mass.at**step.power / 2)]
        return None


class Leaves(Protocol):
    """A number system's densities and orthants."""

    one: Any
    zero: Any

    def number(self, value: sp.Expr) -> Any:
        """Return an exact number."""

    def is_zero(self, value: Any) -> bool:
        """Whether a number is known to be exactly 0."""

    def density(self, gap: Any, variance: Any) -> Any:
        """Return the density of N(0, variance) at ``gap``; infinite masses raise ``DomainError``."""

    def orthant(self, gaps: tuple[Any, ...], matrix: Matrix) -> Any:
        """Return P(X_1 > gaps_1, ..., X_n > gaps_n) for X ~ N(0, matrix)."""


class Moments:
    """All moments of one Gaussian vector with noise.

    Parameters
    ----------
    leaves
        The number system.
    mean, covariance
        Of u, as its numbers.
    noise
        Squares of the scales e_k; None for a factor that has been conditioned on.
    """

    def __init__(
        self, leaves: Leaves, mean: list[Any], covariance: Matrix, noise: list[Any]
    ) -> None:
        self.leaves, self.mean, self.covariance, self.noise = leaves, mean, covariance, noise
        self._moments: dict[tuple[tuple[int, ...], tuple[Mark, ...]], Any] = {}
        self._given: dict[tuple[int, sp.Expr], Moments] = {}

    def moment(self, powers: tuple[int, ...], marks: tuple[Mark, ...]) -> Any:
        """Return E[prod u^powers S(s)]."""
        key = (powers, marks)
        if key not in self._moments:
            self._moments[key] = self._moment(powers, marks)
        return self._moments[key]

    def _moment(self, powers: tuple[int, ...], marks: tuple[Mark, ...]) -> Any:
        for k, mark in enumerate(marks):
            if mark.sign is Sign.MASS:
                return self._conditioned(k, powers, marks)
        raised = [k for k, power in enumerate(powers) if power]
        return self._stein(raised[0], powers, marks) if raised else self._orthant(marks)

    def _stein(self, k: int, powers: tuple[int, ...], marks: tuple[Mark, ...]) -> Any:
        lowered = _replaced(powers, k, powers[k] - 1)
        known = self.leaves.is_zero
        total = self.leaves.zero
        if not known(self.mean[k]):
            total = total + self.mean[k] * self.moment(lowered, marks)
        for j, (power, mark) in enumerate(zip(lowered, marks, strict=True)):
            slope = self.covariance[k][j]
            if known(slope):
                continue
            if power:
                total = total + slope * power * self.moment(_replaced(lowered, j, power - 1), marks)
            if mark.sign is Sign.STEP:
                jump = Mark(Sign.MASS, mark.at)
                total = total + slope * self.moment(lowered, _replaced(marks, j, jump))
        return total

    def _conditioned(self, k: int, powers: tuple[int, ...], marks: tuple[Mark, ...]) -> Any:
        gap = self.leaves.number(marks[k].at) - self.mean[k]
        variance = self.covariance[k][k] + self.noise[k]
        density = self.leaves.density(gap, variance)
        if self.leaves.is_zero(density):
            return self.leaves.zero
        rest = self._known(k, marks[k].at, gap, variance)
        return density * rest.moment(powers, _replaced(marks, k, NONE))

    def _known(self, k: int, at: sp.Expr, gap: Any, variance: Any) -> "Moments":
        """Return the moments given s_k = at."""
        if (k, at) not in self._given:
            column = [row[k] for row in self.covariance]
            gains = [entry / variance for entry in column]
            mean = [m + gain * gap for m, gain in zip(self.mean, gains, strict=True)]
            covariance = [
                [entry - gain * other for entry, other in zip(row, column, strict=True)]
                for row, gain in zip(self.covariance, gains, strict=True)
            ]
            self._given[k, at] = Moments(self.leaves, mean, covariance, self.noise)
        return self._given[k, at]

    def _orthant(self, marks: tuple[Mark, ...]) -> Any:
        steps = [k for k, mark in enumerate(marks) if mark.sign is Sign.STEP]
        gaps = tuple(self.leaves.number(marks[k].at) - self.mean[k] for k in steps)
        matrix = [
            [self.covariance[k][j] + (self.noise[k] if j == k else 0) for j in steps] for k in steps
        ]
        return self.leaves.orthant(gaps, matrix)


def _replaced(values: tuple[Any, ...], k: int, value: Any) -> tuple[Any, ...]:
    return (*values[:k], value, *values[k + 1 :])
