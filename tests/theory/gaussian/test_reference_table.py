"""Every pair of the catalogue against the versioned table of reference integrals (claim G6).

The table is made by ``tests/reference/generate.py``, which sees definitions and no closed form.
"""

import random
import sys
from importlib import util
from pathlib import Path

import mpmath
import numpy as np
import pytest
from flint import arb, ctx

import theory as th
from theory.errors import DomainError
from theory.gaussian.tables import tables

FOLDER = Path(__file__).parents[2] / "reference"
# What float64 promises: of E|f g| for plain pairs, plus a hundredth of that for each factor e by which the
# value is smaller than 1; of |value| + sqrt(E f^2 E g^2) for waves and exponentials,
# E|f g| in place of the root where masses make it infinite.
PLAIN, OTHER = 1e-13, 2e-13
# Below this float64 has fewer digits to be right in.
UNDERFLOW = 1e-305


def load(name):
    """A module of tests/reference, by its place: tests are no package."""
    known = f"reference_{name}"
    if known not in sys.modules:
        spec = util.spec_from_file_location(known, FOLDER / f"{name}.py")
        sys.modules[known] = util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[known])
    return sys.modules[known]


reference = load("table")
State = reference.State


@pytest.fixture(scope="module")
def table():
    return reference.Table.load()


def test_the_table_covers_every_pair(table):
    known = reference.functions()
    stale = [
        str(name)
        for name, definition in zip(table.functions, table.definitions, strict=True)
        if str(name) in known and str(known[str(name)].expr) != definition
    ]
    assert stale == [], "definitions have changed: run tests/reference/generate.py"
    short = {}
    for pair in reference.pairs():
        row = table.rows.get(pair)
        count = 0 if row is None else int(table.known(np.array([row]))[0])
        if count < reference.LEAST:
            short[pair] = count
    assert short == {}, f"{len(short)} pairs have too few points: run tests/reference/generate.py"


def test_the_points_crowd_the_ends(table):
    p, q, c = table.points.T
    rho = c / (np.sqrt(p) * np.sqrt(q))
    for variance in (p, q):
        assert variance.min() <= 1e-12
        assert variance.max() >= 1e12
    assert np.count_nonzero(np.abs(1 - np.abs(rho)) < 1e-12) >= 20
    assert np.count_nonzero(np.abs(rho) < 1e-10) >= 10
    assert np.count_nonzero(rho < 0) >= 50
    assert np.count_nonzero(p == q) >= 20
    assert np.array_equal(table.points, np.array(reference.points()))


def test_what_is_settled_is_settled_to_twenty_digits(table):
    # Further out the logarithm of the size has no digits left for a comparison.
    near = np.abs(table.size) < 1e4
    settled = (table.state == State.SETTLED) & (table.doubt > reference.TINY) & near
    assert np.all(table.doubt[settled] <= table.size[settled] - np.log2(1e19))
    undecided = np.count_nonzero(table.state == State.UNDECIDED)
    sys.stdout.write(f"{undecided} of {table.state.size} values are recorded as undecided\n")


def test_float64_of_some_pairs_against_the_table(table):
    hold_float64(table, random.Random(0).sample(reference.pairs(), 12))


@pytest.mark.slow
def test_float64_of_plain_pairs_against_the_table(table):
    known = reference.functions()
    hold_float64(table, [(f, g) for f, g in reference.pairs() if is_plain(known, f, g)])


def natural_size(f, g, p, q):
    """sqrt(E f^2 E g^2), or 0 where masses make it infinite."""
    if f.has_dirac or g.has_dirac:
        return np.zeros_like(p)
    squares = [th.expectation(h, h).float64(v, v, v) for h, v in ((f, p), (g, q))]
    return np.sqrt(squares[0]) * np.sqrt(squares[1])


def is_plain(known, f, g):
    """Whether both are polynomials and steps, sharp or smoothed: what has its own float64 engine."""
    return tables(known[f]) is not None and tables(known[g]) is not None


def hold_float64(table, pairs):
    known = reference.functions()
    p, q, c = table.points.T
    worst, failures = (0.0, ""), []
    for f, g in pairs:
        if (f, g) not in table.rows:
            continue
        row = table.rows[f, g]
        truth = table.float64(row)
        there = ~np.isnan(truth)
        try:
            value = th.expectation(known[f], known[g]).float64(p, q, c)
        except DomainError as error:
            failures.append((f, g, str(error)))
            continue
        infinite = np.isinf(truth)
        finite = there & ~infinite
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            size = np.exp2(table.size[row].astype(float))
            if is_plain(known, f, g):
                tail = 1 + np.maximum(0, -np.log(np.maximum(size, UNDERFLOW))) / 100
                promise, scale = PLAIN, size * tail
            else:
                natural = natural_size(known[f], known[g], p, q)
                promise, scale = OTHER, np.abs(truth) + np.maximum(size, natural)
            ratio = np.abs(value - truth) / (scale + UNDERFLOW / promise)
        # Not below: a NaN is wrong too.
        wrong = (finite & ~(ratio <= promise)) | (infinite & (value != truth))
        for column in np.flatnonzero(wrong):
            failures.append((f, g, *table.points[column], value[column], truth[column]))
        if np.any(finite):
            column = np.nanargmax(np.where(finite, ratio, -1.0))
            if ratio[column] > worst[0]:
                worst = ratio[column], f"{f} x {g} at {table.points[column].tolist()}"
    sys.stdout.write(f"worst float64 error: {worst[0]:.2e} of what it is relative to, {worst[1]}\n")
    shown = "\n".join(map(str, failures[:20]))
    assert failures == [], f"{len(failures)} values are off; the first:\n{shown}"


@pytest.mark.slow
def test_balls_contain_the_table(table):
    known, draw = reference.functions(), random.Random(0)
    for (f, g), row in table.rows.items():
        columns = np.flatnonzero(table.state[row] == State.SETTLED)
        if f not in known or g not in known or not columns.size:
            continue
        pair = th.expectation(known[f], known[g])
        for column in draw.sample(list(columns), min(4, len(columns))):
            point = [mpmath.mpf(float(x)) for x in table.points[column]]
            with ctx.workprec(200), mpmath.workprec(200):
                value, radius = map(as_ball, table.value(row, column))
                exact = [as_fraction(x) for x in point]
                found = pair.ball(*exact, bits=64)
                doubt = arb(0, radius) + arb(0, arb(2) ** -4096)
                assert found.overlaps(value + doubt), (f, g, table.points[column].tolist())


def as_ball(number):
    mantissa, exponent = mpmath.libmp.to_man_exp(number._mpf_)
    return arb(int(mantissa)) * arb(2) ** int(exponent) * (-1 if number < 0 else 1)


def as_fraction(number):
    numerator, denominator = float(number).as_integer_ratio()
    return str(numerator) + "/" + str(denominator)


@pytest.mark.slow
def test_the_generator_gives_the_same_again(table):
    generate = load("generate")
    assert generate.check(share=0.0001, seed=1) == 0
