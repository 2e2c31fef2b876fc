"""The reference table of Gaussian expectations: its columns, its file, its points.

``gaussian.npz`` holds, for every pair of functions (f, g) and every point (p, q, c), a value that the
quadrature of the definitions gave (claim G6), with the radius within which it was settled.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import IntEnum
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import mpmath
import numpy as np

from theory.activations import Activation, catalogue

PATH = Path(__file__).with_name("gaussian.npz")
# Powers of two are stored as integers; a value below this one is stored as 0, with it as radius.
TINY = -(2**62)
# Every pair has to be settled at so many points; those that are not draw on so many spare ones.
LEAST, SPARE = 200, 120
# Closer to the line than this, float64 input cannot be told from it.
NEAREST = Fraction(1, 2**50)


class State(IntEnum):
    """What is known about one value."""

    ABSENT = 0
    SETTLED = 1
    INFINITE = 2
    UNDECIDED = 3


@dataclass
class Table:
    """Values of pairs (rows) at points (columns).

    Attributes
    ----------
    functions, definitions
        Names as in the catalogue, a derivative with a prime, and the expressions they stood for.
    points
        Float64 numbers p, q, c, shape (points, 3), exact as they are.
    pairs
        Indices (f, g) into ``functions``.
    state
        ``State`` of each value.
    high, low, exponent
        A settled value is (high + low) * 2**exponent.
    doubt
        Its radius is at most 2**doubt.
    size
        Binary logarithm of E|f(u) g(v)|, to a few digits.
    """

    functions: np.ndarray
    definitions: np.ndarray
    points: np.ndarray
    pairs: np.ndarray
    state: np.ndarray
    high: np.ndarray
    low: np.ndarray
    exponent: np.ndarray
    doubt: np.ndarray
    size: np.ndarray

    def known(self, rows: np.ndarray) -> np.ndarray:
        """Return at how many points some rows are settled."""
        state = self.state[rows]
        return np.count_nonzero((state == State.SETTLED) | (state == State.INFINITE), axis=1)

    @classmethod
    def load(cls, path: Path = PATH) -> "Table":
        """Read a table."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(**{field.name: arrays[field.name] for field in fields(cls)})

    def save(self, path: Path = PATH) -> None:
        """Write a table, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez_compressed(part, **{f.name: getattr(self, f.name) for f in fields(self)})
        part.replace(path)

    @cached_property
    def rows(self) -> dict[tuple[str, str], int]:
        """Row of each pair of names."""
        names = [str(name) for name in self.functions]
        return {(names[i], names[j]): row for row, (i, j) in enumerate(self.pairs)}

    def float64(self, row: int) -> np.ndarray:
        """Values of one pair rounded to float64: ``nan`` if not settled, ``inf`` if infinite."""
        exponent = np.clip(self.exponent[row], -3000, 3000).astype(int)
        with np.errstate(under="ignore", over="ignore"):
            value = np.ldexp(self.high[row], exponent)
        value[self.state[row] == State.INFINITE] = np.inf
        value[(self.state[row] == State.ABSENT) | (self.state[row] == State.UNDECIDED)] = np.nan
        return value

    def value(self, row: int, column: int) -> tuple[mpmath.mpf, mpmath.mpf]:
        """Value and radius as they are stored, at the working precision of mpmath."""
        exponent, doubt = int(self.exponent[row, column]), int(self.doubt[row, column])
        total = mpmath.mpf(float(self.high[row, column])) + mpmath.mpf(float(self.low[row, column]))
        return mpmath.ldexp(total, exponent), mpmath.ldexp(1, doubt)


def functions() -> dict[str, Activation]:
    """Every function of the catalogue and every derivative, by name."""
    known = catalogue()
    return {**known, **{f"{name}'": f.derivative for name, f in known.items()}}


def pairs() -> list[tuple[str, str]]:
    """Every unordered pair of functions, and every one of derivatives."""
    names = list(catalogue())
    plain = [(f, g) for i, f in enumerate(names) for g in names[i:]]
    return plain + [(f"{f}'", f"{g}'") for f, g in plain]


def points() -> list[tuple[float, float, float]]:
    """All points of the table: those of every pair, then the spare ones."""
    return [*common_points(), *spare_points()]


def common_points(seed: int = 3) -> list[tuple[float, float, float]]:
    """Points that crowd the ends, the same ones for ever."""
    draw = random.Random(seed)
    found: list[tuple[float, float, float]] = []
    for count, make in (
        (70, lambda: (_decades(draw, 12), _decades(draw, 12), _gap(draw))),
        (48, lambda: (_decades(draw, 2), _decades(draw, 2), _gap(draw))),
        (16, lambda: (_decades(draw, 12), None, _gap(draw))),
        (12, lambda: (_decades(draw, 1), None, 10 ** draw.uniform(-15, -6))),
        (12, lambda: (_decades(draw, 2), _decades(draw, 2), 1 - 10 ** draw.uniform(-15, -3))),
        (12, lambda: (_decades(draw, 12), _decades(draw, 12), None)),
        (12, lambda: (10 ** draw.uniform(-4, -1), 10 ** draw.uniform(-4, -1), _gap(draw))),
    ):
        wanted = len(found) + count
        while len(found) < wanted:
            p, q, gap = make()
            point = _inside(p, p if q is None else q, gap, draw.choice((-1, 1)))
            if point is not None:
                found.append(point)
    for p in (1e-12, 1.0, 1e12):
        for q in (1e-12, 1.0, 1e12):
            corner = _inside(p, q, draw.choice((1e-15, 1e-8, 0.5)), draw.choice((-1, 1)))
            found += [corner] if corner else []
    for _ in range(16):
        p, half = _decades(draw, draw.choice((1, 10))), draw.randint(-3, 3)
        # q = 4**half p exactly, so that c = 2**half p is the line itself.
        found.append((p, p * 4.0**half, draw.choice((-1, 1)) * p * 2.0**half))
    return found


def spare_points(seed: int = 4) -> list[tuple[float, float, float]]:
    """Points of moderate variance, for pairs that the quadrature could not settle far out: waves above all."""
    draw, found = random.Random(seed), []
    while len(found) < SPARE:
        p, q = (10 ** draw.uniform(-6, 0) for _ in "pq")
        point = _inside(p, draw.choice((p, q)), _gap(draw), draw.choice((-1, 1)))
        found += [point] if point else []
    return found


def _decades(draw: random.Random, size: float) -> float:
    return float(10 ** draw.uniform(-size, size))


def _gap(draw: random.Random) -> float:
    return float(10 ** draw.uniform(-15, 0))


def _inside(p: float, q: float, gap: float | None, sign: int) -> tuple[float, float, float] | None:
    """Return (p, q, c) with 1 - |rho| about ``gap``, unless rounding moves it to the line."""
    if gap is None:
        return p, q, 0.0
    with mpmath.workprec(200):
        c = sign * float(mpmath.sqrt(mpmath.mpf(p) * q) * (1 - mpmath.mpf(gap)))
    product = Fraction(p) * Fraction(q)
    return (p, q, c) if product - Fraction(c) ** 2 > NEAREST * product else None


def split(value: mpmath.mpf, radius: mpmath.mpf) -> tuple[float, float, int, int]:
    """Return (high, low, exponent, doubt) of a value, rounding counted into the radius."""
    with mpmath.workprec(400):
        mantissa, exponent = mpmath.frexp(value)
        if value != 0 and exponent < TINY:
            return 0.0, 0.0, 0, TINY
        high = float(mantissa)
        low = float(np.float32(mantissa - high))
        rounding = abs(mpmath.ldexp(mantissa - high - low, exponent))
        error = mpmath.mpf(radius) + rounding
        doubt = int(mpmath.frexp(error)[1]) if error else TINY
        return high, low, int(exponent) if value else 0, max(doubt, TINY)


def blank(names: list[str], columns: list[tuple[float, float, float]]) -> Table:
    """Return a table of every pair of the catalogue with nothing in it."""
    known = functions()
    index = {name: i for i, name in enumerate(names)}
    where = np.array([(index[f], index[g]) for f, g in pairs()], dtype=np.uint16)
    shape = len(where), len(columns)
    return Table(
        np.array(names),
        np.array([str(known[name].expr) for name in names]),
        np.array(columns),
        where,
        np.zeros(shape, dtype=np.uint8),
        np.zeros(shape),
        np.zeros(shape, dtype=np.float32),
        np.zeros(shape, dtype=np.int64),
        np.full(shape, TINY, dtype=np.int64),
        np.full(shape, -np.inf, dtype=np.float32),
    )


def absent(table: Table) -> Iterator[tuple[int, list[int]]]:
    """Yield columns and the rows without a value that is wanted there."""
    common = len(common_points())
    for column in range(len(table.points)):
        rows = np.flatnonzero(table.state[:, column] == State.ABSENT)
        if column >= common:
            rows = rows[table.known(rows) < LEAST]
        if rows.size:
            yield column, [int(row) for row in rows]


def decimals(radius: mpmath.mpf, value: mpmath.mpf) -> float:
    """Return how many decimal digits of a value its radius leaves."""
    if value == 0 or radius == 0:
        return math.inf
    return float(-mpmath.log10(radius / abs(value)))
