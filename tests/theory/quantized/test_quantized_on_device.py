"""Products, transitions and walks on a device of JAX are those of the host; on a GPU where there is one."""

import jax
import numpy as np
import pytest
from scipy.stats import chi2

from theory.errors import InputError
from theory.quantized.chains import annealed_law
from theory.quantized.landscape import Landscape, threshold_errors
from theory.quantized.on_device import packed_product_on_device
from theory.quantized.packed import pack, packed_product
from theory.quantized.temperatures import Logarithmic
from theory.quantized.transition import LinearRule, TanhRule, moves
from theory.quantized.walks import annealed_walks, transition_on_device

FALSE_ALARM = 1e-6
"""That the law of walks is rejected by chance, fixed before it was first run."""
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


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("rule", [LinearRule(), TanhRule(3.0)], ids=["linear", "tanh"])
@pytest.mark.parametrize("bits", [0, 1, 3])
def test_transitions_on_a_device(bits, rule, platform):
    random = np.random.default_rng(bits)
    codes = random.integers(0, 2**bits + 1, (40, 50))
    change = random.normal(0, 1.5, codes.shape)
    change[0], change[1, :2] = 0.0, (1e300, -1e300)
    uniforms = random.random(codes.shape)
    found = transition_on_device(codes, change, uniforms, bits, rule, platform=platform)
    host = moves(codes, change, bits, rule)
    # The device's tanh may differ from the host's in its last bits.
    sure = np.abs(uniforms - host.chance) > (1e-15 if isinstance(rule, TanhRule) else 0)
    np.testing.assert_array_equal(found[sure], host.draw(uniforms)[sure])


def neuron():
    """Errors of a ternary neuron on ten samples: 243 states."""
    random = np.random.default_rng(5)
    X = random.choice([-1.0, 1.0], (10, 5))
    y = random.choice([-1.0, 1.0], 10)
    return Landscape.of(threshold_errors(X, y), (-1, 0, 1), 5)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_walks_have_the_exact_law_and_repeat(platform):
    landscape, temperatures = neuron(), Logarithmic(2.0).between(0, 30)
    count = 40_000
    walks = annealed_walks(landscape, temperatures, count, seed=1, platform=platform)
    again = annealed_walks(landscape, temperatures, count, seed=1, platform="cpu")
    np.testing.assert_array_equal(walks.last, again.last)
    np.testing.assert_array_equal(walks.best, again.best)
    expected = count * annealed_law(landscape, temperatures)
    observed = np.bincount(walks.last, minlength=landscape.size)
    often = expected >= 5
    pairs = np.append(expected[often], expected[~often].sum())
    seen = np.append(observed[often], observed[~often].sum())
    assert chi2.sf(((seen - pairs) ** 2 / pairs).sum(), len(pairs) - 1) > FALSE_ALARM
    assert np.all(landscape.energies[walks.best] <= landscape.energies[walks.last])
    assert np.any(walks.best != walks.last)


def test_words_of_walks_decide():
    """One step at temperature 1, replayed from JAX's words."""
    landscape, walks = neuron(), 500
    key = jax.random.key(9, impl="threefry2x32")
    words = [
        np.asarray(jax.random.bits(jax.random.fold_in(key, step), (rows, walks), np.uint32))
        for step, rows in ((0, 1), (1, 2))
    ]
    start = words[0][0] % landscape.size
    turn = words[1][0].astype(np.uint64) * 10 >> np.uint64(32)
    other = landscape.neighbours[start, turn]
    climb = landscape.energies[other] - landscape.energies[start]
    reached = np.where(words[1][1] / 2**32 < np.exp(-climb), other, start)
    found = annealed_walks(landscape, [1.0], walks, seed=9, platform="cpu")
    np.testing.assert_array_equal(found.last, reached)


def test_walks_and_transitions_check_their_arguments():
    landscape = neuron()
    for bad in ([0.0], [[1.0]], [np.nan]):
        with pytest.raises(InputError, match="temperatures"):
            annealed_walks(landscape, bad, 3, platform="cpu")
    with pytest.raises(InputError, match=r"below 2\^32"):
        annealed_walks(landscape, [1.0], 3, 2**32, platform="cpu")
    with pytest.raises(InputError, match="one a weight"):
        transition_on_device([0, 1], [0.1, 0.2], [0.5], 1, LinearRule(), platform="cpu")
