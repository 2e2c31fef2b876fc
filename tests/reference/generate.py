"""Fill the reference table: ``python tests/reference/generate.py``.

Computes what is absent, point after point, by certified quadrature of the definitions in ball arithmetic
(theory.quadrature, claim G6) to 20 digits of E|f(u) g(v)|, and saves after each point: a run that is
interrupted goes on where it stopped, and new cases of the catalogue are added to what is there. A pair
whose definition has changed is computed again. About an hour of one core for 22 functions.

    --check SHARE   compute a random share of the points anew and compare; exit status 1 if one differs
    --pairs F G     only the pair of these two names, such as --pairs "hardtanh(1)" "sign"

A value that is not proved to that accuracy is recorded as UNDECIDED, an infinite one as INFINITE. The
file is not to be edited.
"""

import argparse
import random
import sys
import time
from importlib import util
from pathlib import Path

import mpmath
import numpy as np

from theory.errors import DomainError
from theory.quadrature import Reference, expectations

DIGITS = 20


def _sibling(name: str):
    """Load a module of this folder by its place: tests are no package."""
    known = f"reference_{name}"
    if known not in sys.modules:
        spec = util.spec_from_file_location(known, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[known] = util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[known])
    return sys.modules[known]


reference = _sibling("table")
State = reference.State


def say(line: str) -> None:
    """Show progress at once, also in a file."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def current():
    """Return the table with a row for every pair there is now, filled from the file as far as it goes."""
    table = reference.blank(list(reference.functions()), reference.points())
    if not reference.PATH.exists():
        return table
    stored = reference.Table.load()
    known = len(stored.points)
    if not np.array_equal(stored.points, table.points[:known]):
        return table
    meaning = dict(zip(map(str, stored.functions), map(str, stored.definitions), strict=True))
    now = dict(zip(map(str, table.functions), map(str, table.definitions), strict=True))
    for pair, row in table.rows.items():
        if pair in stored.rows and all(meaning[name] == now[name] for name in pair):
            for column in ("state", "high", "low", "exponent", "doubt", "size"):
                getattr(table, column)[row, :known] = getattr(stored, column)[stored.rows[pair]]
    return table


def compute(table, column: int, rows: list[int]) -> None:
    """Fill some rows of one column."""
    known = reference.functions()
    names = [str(name) for name in table.functions]
    wanted = [(known[names[i]], known[names[j]]) for i, j in table.pairs[rows]]
    p, q, c = map(float, table.points[column])
    for row, result in zip(rows, expectations(wanted, p, q, c, DIGITS), strict=True):
        if isinstance(result, Reference):
            high, low, exponent, doubt = reference.split(result.value, result.radius)
            table.state[row, column] = State.SETTLED
            table.high[row, column], table.low[row, column] = high, low
            table.exponent[row, column], table.doubt[row, column] = exponent, doubt
            if result.mass > 0:
                table.size[row, column] = mpmath.log(result.mass, 2)
        else:
            infinite = isinstance(result, DomainError)
            table.state[row, column] = State.INFINITE if infinite else State.UNDECIDED


def fill(only: list[str] | None) -> None:
    """Compute and save everything that is absent."""
    table = current()
    began, todo = time.monotonic(), len(list(reference.absent(table)))
    # Asked anew at each point: a pair that is settled often enough needs no spare one.
    for done, (column, rows) in enumerate(reference.absent(table), 1):
        if only is not None:
            row = table.rows[tuple(only)]
            rows = [row] if row in rows else []
        if rows:
            compute(table, column, rows)
            table.save()
        spent = time.monotonic() - began
        left = spent / done * (todo - done)
        say(f"point {done}/{todo}: {len(rows)} values, {spent:.0f} s, {left:.0f} s left")
    for state in State:
        say(f"{state.name.lower()}: {np.count_nonzero(table.state == state)}")


def check(share: float, seed: int) -> int:
    """Compute a random share anew and return how many values differ beyond both radii."""
    table = reference.Table.load()
    draw = random.Random(seed)
    differing = compared = 0
    for column in range(len(table.points)):
        there = np.flatnonzero(table.state[:, column] != State.ABSENT)
        rows = [int(row) for row in there if draw.random() < share]
        if not rows:
            continue
        anew = reference.blank(list(map(str, table.functions)), list(map(tuple, table.points)))
        compute(anew, column, rows)
        for row in rows:
            compared += 1
            differing += not _same(table, anew, row, column)
    say(f"{compared} values computed anew, {differing} differ")
    return differing


def _same(one, other, row: int, column: int) -> bool:
    if one.state[row, column] != other.state[row, column]:
        return False
    with mpmath.workprec(200):
        (a, wide), (b, narrow) = one.value(row, column), other.value(row, column)
        return abs(a - b) <= wide + narrow


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", type=float, metavar="SHARE")
    parser.add_argument("--pairs", nargs=2, metavar=("F", "G"))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.check is not None:
        return int(check(given.check, given.seed) > 0)
    fill(given.pairs)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
