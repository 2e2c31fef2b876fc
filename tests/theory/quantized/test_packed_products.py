"""Packed products are the integer products, at every shape, for any number of threads."""

import numpy as np
import pytest

from theory.errors import InputError
from theory.quantized.packed import pack, packed_product

SHAPES = ((1, 1, 1), (3, 2, 63), (4, 32, 64), (5, 33, 65), (9, 50, 200), (130, 16, 128))
LEVELS = {"signs": (-1, 1), "ternary": (-1, 0, 1)}


def drawn(shape, levels, seed=0):
    return np.random.default_rng(seed).choice(np.array(levels, np.int8), shape)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("right", LEVELS)
@pytest.mark.parametrize("left", LEVELS)
def test_products_are_those_of_integers(left, right, shape):
    rows, columns, width = shape
    a = drawn((rows, width), LEVELS[left], 1)
    b = drawn((columns, width), LEVELS[right], 2)
    expected = a.astype(np.int64) @ b.T.astype(np.int64)
    for threads in (1, 3):
        found = packed_product(pack(a), pack(b), threads=threads)
        assert found.dtype == np.int32
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("levels", LEVELS.values(), ids=LEVELS)
@pytest.mark.parametrize("width", [1, 7, 64, 100])
def test_packing_round_trip(width, levels):
    a = drawn((5, width), levels)
    np.testing.assert_array_equal(pack(a).unpack(), a)
    np.testing.assert_array_equal(pack(a.astype(float)).unpack(), a)


def test_memory_is_one_or_two_bits_an_entry():
    signs, ternary = (pack(drawn((64, 256), levels)) for levels in LEVELS.values())
    assert (8 * signs.nbytes, 8 * ternary.nbytes) == (64 * 256, 2 * 64 * 256)
    assert (signs.shape, ternary.shape) == ((64, 256), (64, 256))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, -1], "shape"),
        (np.zeros((0, 3)), "shape"),
        ([[1, 2]], "values.0, 1. is 2"),
        ([[1.0, np.nan]], "is nan"),
        ([[0.5]], "is 0.5"),
    ],
    ids=("vector", "empty", "two", "nan", "half"),
)
def test_other_values_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        pack(values)


def test_widths_have_to_agree():
    with pytest.raises(InputError, match="3 columns and right has 4"):
        packed_product(pack(np.ones((2, 3))), pack(np.ones((2, 4))))


def test_a_thread_more_than_panels_is_harmless():
    a = drawn((3, 70), LEVELS["ternary"])
    np.testing.assert_array_equal(packed_product(pack(a), pack(a), threads=16), a @ a.T)
