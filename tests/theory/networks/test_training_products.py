"""Products of a training step: against NumPy over blocks and edges, and bit by bit against their definition."""

from fractions import Fraction

import numpy as np
import pytest

from theory.networks.training import products

SIZES = [(1, 1, 1), (3, 5, 2), (17, 33, 3), (70, 600, 2)]


def made(rows, columns, groups, dtype):
    """A matrix, panels below and above it, and the panels' factors for the outer product."""
    random = np.random.default_rng(rows)
    matrix = random.normal(size=(rows, columns)).astype(dtype)
    group = products.group_of(matrix)
    below, above = (random.normal(size=(groups, n, group)).astype(dtype) for n in (columns, rows))
    turned = np.full((rows, groups * group), np.nan, dtype)
    strips = np.full((-(-columns // group), groups * group, group), np.nan, dtype)
    products.turn(above, dtype(0.5), turned)
    products.cut(below, strips)
    return matrix, below, above, turned, strips


def computed(matrix, below, above, turned, strips):
    """All three products, the last two over two blocks of rows."""
    forward, back, updated = np.full_like(above, np.nan), below.copy(), matrix.copy()
    products.multiply(matrix, below, forward)
    middle = len(matrix) // 2
    for first, last in ((0, middle), (middle, len(matrix))):
        products.add_back(matrix[first:last], above, first, back)
        products.add_outer(updated[first:last], turned, first, strips)
    return forward, back, updated


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_products_are_those_of_numpy(size, dtype):
    given = made(*size, dtype)
    matrix, below, above = (np.asarray(part, np.float64) for part in given[:3])
    exact = (
        np.einsum("ij,gja->gia", matrix, below),
        below + np.einsum("ij,gia->gja", matrix, above),
        matrix + 0.5 * np.einsum("gia,gja->ij", above, below),
    )
    for found, expected in zip(computed(*given), exact, strict=True):
        bound = 60 * np.finfo(dtype).eps * np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=0, atol=bound)


def added(start, factors, terms):
    """A sum from its old value on, each term by one fused product."""
    for factor, term in zip(factors, terms, strict=True):
        start = float(Fraction(start) + Fraction(float(factor)) * Fraction(float(term)))
    return start


def test_an_entry_is_the_sum_in_the_order_of_its_index():
    matrix, below, above, turned, strips = given = made(3, 5, 2, np.float64)
    forward, back, updated = computed(*given)
    for g, a in ((0, 0), (0, 9), (1, 15)):
        assert forward[g, 1, a] == added(0.0, matrix[1], below[g, :, a])
        assert back[g, 4, a] == added(below[g, 4, a], matrix[:, 4], above[g, :, a])
    for i, j in ((0, 0), (2, 4)):
        assert updated[i, j] == added(matrix[i, j], turned[i], strips[0, :, j])
