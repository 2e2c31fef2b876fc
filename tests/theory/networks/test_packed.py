"""Packed weights: bits, masks and permutations against plain Python, products against matrices of numbers."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

import theory as th
from theory.networks.bits import transpose, words_of
from theory.networks.compiled import compiled
from theory.networks.entries import entries_of, fill_row, latent_weights
from theory.networks.normals import scratch
from theory.networks.packed import packed_backward, packed_forward, packed_room
from theory.networks.streams import Role, address, blocks

# Each statistical test refutes right code at 1e-6; seeds were fixed before any run.
ALARM = 1e-6
LAWS = {
    "signs": (0.0, 0),
    "ternary": (0.3, 0),
    "rare": (0.97, 0),
    "blocks": (0.0, 3),
}
SHAPES = [(1, 1), (1, 130), (5, 64), (64, 5), (100, 77), (129, 200)]


@compiled
def _products(zero, number, inputs, adjoints, out, back, dense):
    (k, fan_in), fan_out, room = inputs.shape, out.shape[1], scratch()
    stream = address(np.uint64(11), 3, 1, 0)
    entries = entries_of(stream, zero, number, fan_out, fan_in, room)
    space = packed_room(max(fan_in, fan_out), k, adjoints.shape[0], inputs)
    packed_forward(entries, inputs, out, 1.0, room, space)
    packed_backward(entries, adjoints, back, fan_out, fan_in, room, space)
    row = np.empty(fan_in + 1)
    for i in range(fan_out):
        fill_row(row, fan_in, 1, entries, i, room)
        for j in range(fan_in):
            dense[i, j] = row[j]


def products(law, inputs, adjoints):
    """W x, W^T v and W as numbers, W (fan-out, fan-in) packed."""
    out = np.empty((len(inputs), adjoints.shape[1]), inputs.dtype)
    back = np.empty((len(adjoints), inputs.shape[1]), inputs.dtype)
    dense = np.empty((adjoints.shape[1], inputs.shape[1]))
    _products(*LAWS[law], inputs, adjoints, out, back, dense)
    return out, back, dense


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_integer_products_are_exact(law, shape):
    rng = np.random.default_rng(1)
    for k in (1, 3, 8, 11):
        x = rng.integers(-50, 51, (k, shape[1])).astype(float)
        v = rng.integers(-50, 51, (2 * k, shape[0])).astype(float)
        out, back, weights = products(law, x, v)
        np.testing.assert_array_equal(out, x @ weights.T)
        np.testing.assert_array_equal(back, v @ weights)
    assert set(np.unique(weights)) <= {-1.0, 0.0, 1.0}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(
    ("kind", "unit"), [(np.float64, 2.0**-53), (np.float32, 2.0**-24)], ids=["64", "32"]
)
def test_real_products_are_right_to_rounding(law, kind, unit):
    rng = np.random.default_rng(2)
    x, v = rng.normal(size=(9, 200)).astype(kind), rng.normal(size=(18, 129)).astype(kind)
    out, back, weights = products(law, x, v)
    # n/8 + 8 roundings of partial sums, each at most the sum of absolute values.
    for values, lines, matrix in ((out, x, weights.T), (back, v, weights)):
        exact, size = lines.astype(float) @ matrix, np.abs(lines).astype(float) @ np.abs(matrix)
        assert (np.abs(values - exact) <= (len(matrix) / 8 + 8) * unit * size).all()


@pytest.mark.parametrize("law", LAWS)
def test_each_line_depends_on_itself_alone(law):
    rng = np.random.default_rng(3)
    x, v = rng.normal(size=(100, 150)), rng.normal(size=(200, 90))
    out, back, _ = products(law, x, v)
    for part in (slice(0, 1), slice(7, 9), slice(3, 60)):
        one, other, _ = products(law, x[part], v[part])
        np.testing.assert_array_equal(one, out[part])
        np.testing.assert_array_equal(other, back[part])


@pytest.mark.parametrize("law", LAWS)
def test_counting_bits_and_adding_table_rows_agree(law):
    rng = np.random.default_rng(4)
    x, v = rng.integers(-1, 2, (5, 150)).astype(float), np.zeros((1, 90))
    counted, _, weights = products(law, x, v)
    added, _, _ = products(law, np.vstack([x, np.full((1, 150), 0.5)]), v)
    np.testing.assert_array_equal(counted, added[:5])
    np.testing.assert_array_equal(counted, x @ weights.T)


@compiled
def _transpose(strip, words):
    transpose(strip, words)


@pytest.mark.parametrize("words", [1, 2, 5])
def test_blocks_of_bits_are_transposed(words):
    strip = np.random.default_rng(5).integers(0, 2**64, (64, 8), dtype=np.uint64)
    before = _bits(strip)
    _transpose(strip, words)
    np.testing.assert_array_equal(_bits(strip)[:, :words], before.transpose(2, 1, 0)[:, :words])
    np.testing.assert_array_equal(_bits(strip)[:, words:], before[:, words:])


def _bits(words):
    return (words[..., None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)


def test_signs_are_the_bits_of_the_blocks():
    weights = latent_weights(th.rademacher(), 7, 2, 1, 3, 300)
    for row in range(3):
        bits = _bits(blocks(7, 2, 1, Role.WEIGHT, row, words_of(300) // 2)).ravel()[:300]
        np.testing.assert_array_equal(weights[row], 1.0 - 2.0 * bits)


def _philox(counter, key):
    for _ in range(10):
        left, right = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        low = 0xFFFFFFFF
        counter = [
            (right >> 32) ^ counter[1] ^ key[0],
            right & low,
            (left >> 32) ^ counter[3] ^ key[1],
            left & low,
        ]
        key = [(key[0] + 0x9E3779B9) & low, (key[1] + 0xBB67AE85) & low]
    return counter[0] << 32 | counter[1], counter[2] << 32 | counter[3]


@pytest.mark.parametrize("zero", [0.3, 0.5, 2.0**-40, 1.0 - 2.0**-30, 0.7])
def test_masks_compare_uniforms_with_the_threshold(zero):
    # Plain integers: 53 random planes are the binary digits of U, and an entry is kept where U < (1 - p0) 2^53.
    weights = latent_weights(th.ternary_weights(zero), 9, 5, 2, 3, 140)
    for row, block in product(range(3), range(2)):
        planes = [
            _philox([t << 26 | block, row, 5, 2 << 16 | int(Role.MASK) << 8], [9, 0])
            for t in range(53)
        ]
        for column in range(128 * block, min(128 * block + 128, 140)):
            half, bit = divmod(column % 128, 64)
            uniform = sum(((planes[t][half] >> bit) & 1) << (52 - t) for t in range(53))
            assert (weights[row, column] != 0.0) == (uniform < round((1.0 - zero) * 2**53))


def test_law_of_masked_entries():
    for law, zero in (
        (th.ternary_weights(0.3), 0.3),
        (th.sparse_weights(0.05, "rademacher"), 0.95),
    ):
        values = latent_weights(law, 1, 0, 0, 200, 1001)
        counts = [int((np.sign(values) == s).sum()) for s in (-1, 0, 1)]
        expected = np.array([0.5 - zero / 2, zero, 0.5 - zero / 2]) * values.size
        assert stats.chisquare(counts, expected).pvalue > ALARM
        kept = (values != 0.0).astype(float)
        # Rows, columns, and the two words of a block have masks of their own.
        for one, other in (
            (kept[1:], kept[:-1]),
            (kept[:, 1:], kept[:, :-1]),
            (kept[:, :64], kept[:, 64:128]),
        ):
            score = np.corrcoef(one.ravel(), other.ravel())[0, 1] * np.sqrt(one.size)
            assert abs(score) < stats.norm.isf(ALARM / 6)
        assert np.isclose(np.abs(values).max(), (law.variance / (1 - zero)) ** 0.5)


def test_sparse_normals_are_normal_where_they_are_kept():
    values = latent_weights(th.sparse_weights(0.2), 3, 0, 0, 300, 1001)
    kept = values[values != 0.0] * 0.2**0.5
    assert stats.binomtest(len(kept), values.size, 0.2).pvalue > ALARM
    assert stats.kstest(kept, "norm").pvalue > ALARM


def test_permuted_blocks_are_permutations_drawn_uniformly():
    law, seen = th.permuted_blocks(2, "rademacher"), {}
    draws = 9000
    for network in range(draws):
        mask = latent_weights(law, 2, network, 0, 4, 4) != 0.0
        assert (mask.sum(0) == 2).all()
        assert (mask.sum(1) == 2).all()
        seen[mask.tobytes()] = seen.get(mask.tobytes(), 0) + 1
    # 6 x 6 ways to place rows and columns in two blocks; exchanging the blocks leaves the mask.
    assert len(seen) == 18
    assert stats.chisquare(list(seen.values())).pvalue > ALARM


def test_unequal_blocks():
    values = latent_weights(th.permuted_blocks(3), 2, 0, 0, 7, 5)
    rows = sorted((values != 0.0).sum(1).tolist())
    assert rows == [1, 1, 2, 2, 2, 2, 2]
    assert (values != 0.0).sum() == round(35 / th.permuted_blocks(3).scale(7, 5) ** 2)
