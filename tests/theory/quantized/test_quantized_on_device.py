"""Products on a device of JAX are the integers of the compiled ones; on a GPU where there is one."""

import jax
import numpy as np
import pytest

from theory.errors import InputError
from theory.quantized.on_device import packed_product_on_device
from theory.quantized.packed import pack, packed_product

LEVELS = {"signs": (-1, 1), "ternary": (-1, 0, 1)}


def has_gpu():
    try:
        return bool(jax.devices("gpu"))
    except RuntimeError:
        return False


PLATFORMS = (
    "cpu",
    pytest.param("gpu", marks=pytest.mark.skipif(not has_gpu(), reason="JAX finds no GPU here")),
)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("right", LEVELS)
@pytest.mark.parametrize("left", LEVELS)
def test_products_on_a_device(left, right, platform):
    random = np.random.default_rng(3)
    for rows, columns, width in ((1, 1, 1), (5, 33, 65), (70, 40, 300)):
        a = pack(random.choice(np.array(LEVELS[left], np.int8), (rows, width)))
        b = pack(random.choice(np.array(LEVELS[right], np.int8), (columns, width)))
        found = packed_product_on_device(a, b, platform=platform)
        assert found.dtype == np.int32
        np.testing.assert_array_equal(found, packed_product(a, b))


def test_widths_and_platforms_are_checked():
    one, other = pack([[1, -1]]), pack([[1, -1, 1]])
    with pytest.raises(InputError, match="2 columns and right has 3"):
        packed_product_on_device(one, other, platform="cpu")
    with pytest.raises(InputError, match="no device of platform 'gppu'"):
        packed_product_on_device(one, one, platform="gppu")
