"""Bures distance against its definition, and where the definition loses its digits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.linalg import sqrtm

from theory.distances import bures
from theory.errors import InputError

factors = arrays(float, (2, 3, 3), elements=st.floats(-3, 3).map(lambda v: round(v, 3)))


def gram(factor):
    return factor @ factor.swapaxes(-1, -2)


@given(factors)
def test_equals_the_trace_formula(pair):
    a, b = gram(pair) + 0.1 * np.eye(3)
    root = sqrtm(a)
    squared = np.trace(a) + np.trace(b) - 2 * np.trace(sqrtm(root @ b @ root)).real
    assert bures(a, b) ** 2 == pytest.approx(squared, rel=1e-8, abs=1e-11)


@given(factors, arrays(float, (3, 3), elements=st.floats(-2, 2)))
def test_is_a_metric_also_on_singular_matrices(pair, third):
    a, b = gram(pair[..., :2])
    c = gram(third[:, :1])
    scale = 1e-7 * (1 + math.sqrt(np.trace(a) + np.trace(b) + np.trace(c)))
    assert bures(a, b) == pytest.approx(bures(b, a), abs=scale)
    assert bures(a, b) <= bures(a, c) + bures(c, b) + scale
    assert bures(a, a) <= scale


def test_small_distances_keep_their_digits():
    """Commuting matrices: the distance of the square roots, here 1e-9 of their size."""
    values = np.array([1.0, 2.0, 5.0])
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    roots = np.sqrt(values) * 1e-9
    near = turn @ np.diag((np.sqrt(values) + roots) ** 2) @ turn.T
    near = (near + near.T) / 2
    base = turn @ np.diag(values) @ turn.T
    base = (base + base.T) / 2
    assert bures(base, near) == pytest.approx(np.linalg.norm(roots), rel=1e-5)


def test_batches_broadcast():
    a = gram(np.random.default_rng(1).normal(size=(4, 2, 2)))
    together = bures(a, np.eye(2))
    assert together.shape == (4,)
    np.testing.assert_allclose(together, [float(bures(m, np.eye(2))) for m in a], rtol=1e-12)


def test_one_dimension_and_zero():
    assert bures([[4.0]], [[1.0]]) == pytest.approx(1.0, rel=1e-14)
    assert bures(np.zeros((2, 2)), np.diag([1.0, 3.0])) == pytest.approx(2.0, rel=1e-14)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([1.0], [[1.0]], "shape"),
        ([[1.0, 2.0]], [[1.0]], "shape"),
        ([[1.0, 0.5], [0.0, 1.0]], np.eye(2), "symmetric"),
        ([[1.0, 2.0], [2.0, 1.0]], np.eye(2), "eigenvalue -1"),
        ([[math.nan]], [[1.0]], "first"),
        (np.eye(2), np.eye(3), "rows"),
        (np.ones((2, 1, 1)), np.ones((3, 1, 1)), "broadcast"),
    ],
)
def test_bad_input(first, second, message):
    with pytest.raises(InputError, match=message):
        bures(first, second)
