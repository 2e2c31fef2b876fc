r"""Exact laws of what local reparameterisation approximates: sums of discrete weights, and small layers (S31, S35).

Probabilities are rational, with one denominator a sum; polynomials with integer coefficients carry them, so nothing is
rounded.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import lcm, prod

import flint

from theory.errors import InputError

Law = Mapping[int, Fraction]
"""Value of a weight -> its probability."""


@dataclass(frozen=True)
class SumLaw:
    """Law of a sum of integers.

    Parameters
    ----------
    least
        Smallest value.
    counts
        Probability of ``least + i`` in units of 1/total.
    total
        Their sum.
    """

    least: int
    counts: tuple[int, ...]
    total: int

    def items(self) -> Iterator[tuple[int, Fraction]]:
        """Return values and probabilities, the impossible left out."""
        for i, count in enumerate(self.counts):
            if count:
                yield self.least + i, Fraction(count, self.total)

    def mean(self) -> Fraction:
        """Return the mean."""
        shifted = sum(i * count for i, count in enumerate(self.counts))
        return self.least + Fraction(shifted, self.total)

    def below(self, value: int) -> Fraction:
        """Return P(S < value)."""
        places = min(max(value - self.least, 0), len(self.counts))
        return Fraction(sum(self.counts[:places]), self.total)

    def at(self, value: int) -> Fraction:
        """Return P(S = value)."""
        place = value - self.least
        inside = 0 <= place < len(self.counts)
        return Fraction(self.counts[place], self.total) if inside else Fraction(0)


def sum_law(laws: Sequence[Law], inputs: Sequence[int]) -> SumLaw:
    """Return the law of sum_i w_i h_i for independent weights with given laws and integer inputs (S31).

    Raises
    ------
    InputError
        If the lengths differ, or the probabilities of a weight do not add up to 1.
    """
    if len(laws) != len(inputs) or not laws:
        raise InputError(
            f"{len(laws)} laws of weights for {len(inputs)} inputs; give one law an input, at least one"
        )
    least, total, factors = 0, 1, []
    for law, h in zip(laws, inputs, strict=True):
        if sum(law.values()) != 1 or min(law.values()) < 0:
            raise InputError(
                f"the law {dict(law)} of a weight is no law: it must be >= 0 and add up to 1"
            )
        low = min(h * value for value in law)
        scale = _common_denominator(law.values())
        coefficients = [0] * (max(h * value for value in law) - low + 1)
        for value, chance in law.items():
            coefficients[h * value - low] += int(chance * scale)
        least, total = least + low, total * scale
        factors.append(flint.fmpz_poly(coefficients))
    counts = [int(count) for count in _multiplied(factors)]
    width = sum(factor.degree() for factor in factors) + 1
    return SumLaw(least, tuple(counts + [0] * (width - len(counts))), total)


def _common_denominator(chances: Iterable[Fraction]) -> int:
    return lcm(*(Fraction(chance).denominator for chance in chances))


def _multiplied(factors: list[flint.fmpz_poly]) -> flint.fmpz_poly:
    """Multiply in pairs: factors of equal length, where fast multiplication pays."""
    while len(factors) > 1:
        pairs = zip(factors[::2], factors[1::2], strict=False)
        rest = factors[-1:] if len(factors) % 2 else []
        factors = [one * other for one, other in pairs] + rest
    return factors[0]


Rows = Sequence[Sequence[Law]]
State = tuple[int, ...]


def layer_law(rows: Rows, law: Mapping[State, Fraction]) -> dict[State, Fraction]:
    """Return the joint law of the signs of a layer, from that of its inputs; sign 0 is +1 (S35, S48).

    Given the inputs the units are independent; over them they are not.
    """
    found: dict[State, Fraction] = {}
    for inputs, chance in law.items():
        down = [sum_law(row, inputs).below(0) for row in rows]
        for signs in product((-1, 1), repeat=len(rows)):
            part = prod((p if sign < 0 else 1 - p) for p, sign in zip(down, signs, strict=True))
            if part:
                found[signs] = found.get(signs, Fraction(0)) + chance * part
    return found


def moments(law: Law) -> tuple[Fraction, Fraction]:
    """Return mean and second moment of a weight."""
    mean = sum((value * chance for value, chance in law.items()), Fraction(0))
    return mean, sum((value**2 * chance for value, chance in law.items()), Fraction(0))


def exact_variance(row: Sequence[Law], law: Mapping[State, Fraction]) -> Fraction:
    """Return Var sum_j w_j h_j for weights that are independent of the jointly distributed inputs h."""
    first = second = Fraction(0)
    pairs = [moments(one) for one in row]
    for inputs, chance in law.items():
        mean = sum(m * h for (m, _), h in zip(pairs, inputs, strict=True))
        noise = sum((s - m * m) * h * h for (m, s), h in zip(pairs, inputs, strict=True))
        first, second = first + chance * mean, second + chance * (mean * mean + noise)
    return second - first * first


def propagated_variance(row: Sequence[Law], law: Mapping[State, Fraction]) -> Fraction:
    """Return sum_j (E w_j^2 E h_j^2 - (E w_j E h_j)^2), which takes the inputs as uncorrelated (S35)."""
    total = Fraction(0)
    for j, one in enumerate(row):
        mean, second = moments(one)
        first = sum((chance * h[j] for h, chance in law.items()), Fraction(0))
        square = sum((chance * h[j] ** 2 for h, chance in law.items()), Fraction(0))
        total += second * square - (mean * first) ** 2
    return total
