"""Patterns of threshold neurons, against a grid of directions and the count in general position."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from theory.errors import InexactInputError, InputError
from theory.quantized.thresholds import cells, covectors, rank, threshold_patterns


@pytest.mark.parametrize("seed", range(6))
def test_every_pattern_of_a_grid_is_found_and_every_pattern_found_is_on_a_fine_one(seed):
    draws = np.random.default_rng(seed)
    X = [
        tuple(map(int, row)) for row in draws.integers(1, 4, (5, 2)) * draws.choice((-1, 1), (5, 2))
    ]
    # Directions (i, j), |i|, |j| <= 30, hold one in every cell and on every ray of rows with entries up to 3.
    grid = np.array(list(product(range(-30, 31), repeat=2)))
    seen = {tuple(map(int, row)) for row in (grid @ np.array(X).T >= 0)}
    assert threshold_patterns(X) == seen


def test_the_count_in_general_position_is_attained_and_ignores_scale_and_dependent_columns():
    X = [(1, t, t * t) for t in range(6)]
    assert len(threshold_patterns(X, ties=False)) == cells(6, 3) == 32
    scaled = [tuple(Fraction(v, 3 + i) for v in (*row, row[0] - row[1])) for i, row in enumerate(X)]
    assert rank(scaled) == 3
    assert covectors(scaled) == covectors(X)


@pytest.mark.parametrize(
    ("X", "error"),
    [
        ([], InputError),
        ([(1, 2), (3,)], InputError),
        ([(1, 2), (0, 0)], InputError),
        ([(1.0, 2)], InexactInputError),
    ],
    ids=["empty", "ragged", "zero", "float"],
)
def test_bad_inputs_are_refused(X, error):
    with pytest.raises(error):
        covectors(X)
