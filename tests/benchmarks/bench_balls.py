"""A certified ball of a derived expectation against reference integration."""

from fractions import Fraction

import theory as th
from hardlimit.timing import Ratio, best_of
from theory.quadrature import expectation as integrate


def run() -> list[Ratio]:
    """Time one value of E[h h], h = hardtanh(1), at p = 1, q = 2, c = 1/2."""
    h, point = th.hardtanh(1), (1, 2, Fraction(1, 2))
    derived = th.expectation(h, h)
    return [
        Ratio(
            "E[hardtanh hardtanh], one ball of 100 bits",
            best_of(lambda: derived.ball(*point, bits=100)),
            "nested quadrature to 30 digits",
            best_of(lambda: integrate(h, h, *point, digits=30), repeat=1),
        )
    ]
