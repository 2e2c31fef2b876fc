"""Where a claim holds: an open box of exact numbers, cut by exact conditions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from theory.errors import DomainError, InexactInputError

DENOMINATOR = 97
Point = dict[sp.Symbol, sp.Rational]


@dataclass(frozen=True)
class Domain:
    """Rational points with ``low < symbol < high`` for every symbol, under all conditions.

    Parameters
    ----------
    box
        Symbol -> (low, high), exact numbers.
    where
        SymPy relations between the symbols, decided exactly at rational points.
    """

    box: Mapping[sp.Symbol, tuple[Any, Any]]
    where: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        for symbol, ends in self.box.items():
            if any(isinstance(end, float) for end in ends):
                raise InexactInputError(
                    f"domain of {symbol} is {ends!r}; give int, Fraction or Rational ends"
                )
            if not sp.Rational(ends[0]) < sp.Rational(ends[1]):
                raise DomainError(f"domain of {symbol} is empty: {ends!r}")

    def points(self, count: int, seed: int = 0) -> list[Point]:
        """Return ``count`` rational points, addressed by ``seed``.

        Raises
        ------
        DomainError
            If fewer than one in a hundred points of the box satisfies the conditions.
        """
        draws = np.random.Generator(np.random.Philox(key=seed))
        found: list[Point] = []
        for _ in range(100 * count + 100):
            if len(found) == count:
                return found
            point = {
                symbol: sp.Rational(low)
                + (sp.Rational(high) - low)
                * sp.Rational(int(draws.integers(1, DENOMINATOR)), DENOMINATOR)
                for symbol, (low, high) in self.box.items()
            }
            if all(sp.sympify(relation).subs(point) == sp.true for relation in self.where):
                found.append(point)
        raise DomainError(
            f"found only {len(found)} of {count} points with {self.where} "
            f"in the box {dict(self.box)}; shrink the box, or check that the conditions can be met"
        )


def written(point: Mapping[Any, Any]) -> str:
    """Return a point as text, "p = 3/2, q = 1"."""
    return ", ".join(f"{name} = {value}" for name, value in point.items())
