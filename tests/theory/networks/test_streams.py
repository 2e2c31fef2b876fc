"""Addressed streams: known answers of Philox, laws of what is made from it, independence of the address."""

import numpy as np
import pytest
from scipy import stats

import theory as th
from theory.errors import InputError
from theory.kernels.weights import Latent
from theory.networks import streams
from theory.networks.compiled import LANES, compiled, philox_lanes
from theory.networks.entries import latent_weights
from theory.networks.normals import fill_normals, normals_from
from theory.networks.streams import Role, address, biases, blocks

# Each statistical test below is a refutation at 1e-6 for right code; seeds were fixed before any run.
ALARM = 1e-6


@compiled
def _philox(c0, c1, c2, c3, k0, k1):
    first, second = np.zeros(LANES, np.uint64), np.zeros(LANES, np.uint64)
    philox_lanes(first, second, 0, c0, c1, c2, c3, k0, k1)
    return first[0], second[0]


# Random123 (Salmon et al. 2011), kat_vectors: counter, key, words of philox4x32 with 10 rounds.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_philox_known_answers(counter, key, words):
    first, second = _philox(*(np.uint64(v) for v in (*counter, *key)))
    assert (int(first) >> 32, int(first) & 0xFFFFFFFF) == words[:2]
    assert (int(second) >> 32, int(second) & 0xFFFFFFFF) == words[2:]


def _plain_philox(counter: list[int], key: list[int]) -> list[int]:
    for _ in range(10):
        left, right = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [
            (right >> 32) ^ counter[1] ^ key[0],
            right & 0xFFFFFFFF,
            (left >> 32) ^ counter[3] ^ key[1],
            left & 0xFFFFFFFF,
        ]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return counter


def test_address_is_the_documented_counter():
    seed, network, layer, role, row = 0x123456789ABCDEF0, 0x5_0000_0007, 3, Role.BIAS, 11
    drawn = blocks(seed, network, layer, role, row, 300)
    for block in (0, 1, 127, 128, 299):
        counter = [block, row, network & 0xFFFFFFFF, layer << 16 | role << 8 | network >> 32]
        words = _plain_philox(counter, [seed & 0xFFFFFFFF, seed >> 32])
        packed = [words[0] << 32 | words[1], words[2] << 32 | words[3]]
        assert [int(v) for v in drawn[block]] == packed


def test_normals_are_box_muller_of_the_blocks():
    z = latent_weights(th.gaussian(), 5, 2, 1, 3, 501)
    for row in range(3):
        words = blocks(5, 2, 1, Role.WEIGHT, row, 251)
        u = ((words[:, 0] >> np.uint64(12)).astype(float) + 0.5) * 2.0**-52
        second = words[:, 1]
        t = (((second >> np.uint64(10)) & np.uint64(2**52 - 1)).astype(float) + 0.5) * 2.0**-52
        quarter = (second >> np.uint64(62)).astype(int)
        # Quarters 0, 1, 2, 3 are the arcs around angle 0, pi/2, pi, 3 pi/2, run through in either sense.
        angle = (t - 0.5) * np.pi / 2
        points = [
            (np.cos(angle), np.sin(angle)),
            (np.sin(angle), np.cos(angle)),
            (-np.cos(angle), np.sin(angle)),
            (np.sin(angle), -np.cos(angle)),
        ]
        radius = np.sqrt(-2 * np.log(u))
        first = radius * np.choose(quarter, [p[0] for p in points])
        other = radius * np.choose(quarter, [p[1] for p in points])
        expected = np.column_stack([first, other]).ravel()[:501]
        np.testing.assert_allclose(z[row], expected, rtol=4e-15, atol=1e-300)


def single(count, row=0):
    out = np.empty(count, np.float32)
    fill_normals(out, count, address(np.uint64(5), 2, 1, int(Role.WEIGHT)), row)
    return out


def test_float32_normals_are_box_muller_of_the_words():
    """Numbers b, b + 16, b + 32, b + 48 of 64 are of block b: two pairs of words, a radius and an angle each."""
    words = blocks(5, 2, 1, Role.WEIGHT, 0, 64)
    halves = [words[:, 0] >> np.uint64(32), words[:, 0], words[:, 1] >> np.uint64(32), words[:, 1]]
    w = [(v & np.uint64(2**32 - 1)).astype(np.int64) for v in halves]
    parts = []
    for radial, angular in (w[:2], w[2:]):
        radius = np.sqrt(-2 * np.log((radial + 0.5) * 2.0**-32))
        angle = ((angular * 4 + 2 + 2**31) % 2**32 - 2**31) * (np.pi / 2 * 2.0**-32)
        cosine = np.where(angular >> 31, -1, 1) * np.cos(angle)
        upright = (angular >> 30) & 1 == 0
        parts += [radius * np.where(upright, cosine, np.sin(angle))]
        parts += [radius * np.where(upright, np.sin(angle), cosine)]
    expected = np.stack(parts).reshape(4, 4, 16).transpose(1, 0, 2).ravel()
    np.testing.assert_allclose(single(256), expected, rtol=3 * 2.0**-23)


def test_float32_normal_law():
    z = np.concatenate([single(10_000, row) for row in range(20)]).astype(float)
    assert stats.kstest(z, "norm").pvalue > ALARM
    limit, scale = stats.norm.isf(ALARM / 12), np.sqrt(len(z))
    for power, variance, exact in ((1, 1, 0), (2, 2, 1), (3, 15, 0), (4, 96, 3)):
        assert abs((z**power).mean() - exact) * scale < limit * np.sqrt(variance)
    for step in (1, 16, 32, 48, 64):
        assert abs(np.corrcoef(z[:-step], z[step:])[0, 1]) * scale < limit
        assert abs(np.corrcoef(z[:-step] ** 2, z[step:] ** 2)[0, 1]) * scale < limit


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_normals_do_not_depend_on_how_many_are_drawn(dtype):
    stream = address(np.uint64(5), 2, 1, int(Role.WEIGHT))
    longest = np.empty(1000, dtype)
    fill_normals(longest, 1000, stream, 3)
    for count in (0, 1, 15, 16, 17, 63, 64, 65, 500):
        out = np.full(count + 2, 7.0, dtype)
        fill_normals(out, count, stream, 3)
        np.testing.assert_array_equal(out, [*longest[:count], 7.0, 7.0])
        normals_from(out, 64, count, stream, 3)
        np.testing.assert_array_equal(out[:count], longest[64 : 64 + count])


def test_normal_law():
    z = latent_weights(th.gaussian(), 20240712, 0, 0, 200, 1000).ravel()
    assert stats.kstest(z, "norm").pvalue > ALARM
    scale = np.sqrt(len(z))
    limit = stats.norm.isf(ALARM / 12)
    for power, variance in ((1, 1), (2, 2), (3, 15), (4, 96)):
        exact = (0, 1, 0, 3)[power - 1]
        assert abs((z**power).mean() - exact) * scale < limit * np.sqrt(variance)
    # The two values of a block, and neighbours of different blocks, are uncorrelated, as are their squares.
    for x, y in ((z[::2], z[1::2]), (z[1:-1:2], z[2::2])):
        assert abs(np.corrcoef(x, y)[0, 1]) * np.sqrt(len(x)) < limit
        assert abs(np.corrcoef(x**2, y**2)[0, 1]) * np.sqrt(len(x)) < limit


def test_sign_and_ternary_laws():
    signs = latent_weights(th.rademacher(), 1, 0, 0, 100, 1001)
    assert set(np.unique(signs)) == {-1.0, 1.0}
    assert stats.binomtest(int((signs > 0).sum()), signs.size).pvalue > ALARM
    neighbours = int((signs[:, 1:] == signs[:, :-1]).sum())
    assert stats.binomtest(neighbours, signs.size - 100).pvalue > ALARM
    values = latent_weights(th.ternary_weights(0.3), 1, 0, 0, 100, 1001)
    counts = [int((values == v).sum()) for v in (-1, 0, 1)]
    assert sum(counts) == values.size
    expected = np.array([0.35, 0.3, 0.35]) * values.size
    assert stats.chisquare(counts, expected).pvalue > ALARM


@pytest.mark.parametrize("law", [th.gaussian(), th.rademacher(), th.ternary_weights(0.5)])
@pytest.mark.parametrize("count", [1, 2, 7, 255, 256, 257, 700])
def test_values_do_not_depend_on_how_many_are_drawn(law, count):
    longest = latent_weights(law, 9, 4, 2, 3, 20_000)
    np.testing.assert_array_equal(latent_weights(law, 9, 4, 2, 2, count), longest[:2, :count])


def test_every_part_of_the_address_matters():
    base = latent_weights(th.gaussian(), 1, 2, 3, 2, 8)
    for other in (
        latent_weights(th.gaussian(), 2, 2, 3, 2, 8),
        latent_weights(th.gaussian(), 1, 2 + 2**32, 3, 2, 8),
        latent_weights(th.gaussian(), 1, 3, 3, 2, 8),
        latent_weights(th.gaussian(), 1, 2, 2, 2, 8),
        latent_weights(th.gaussian(), 1 + 2**32, 2, 3, 2, 8),
    ):
        assert not np.isin(base, other).any()
    assert not np.isin(biases(1, 2, 3, 8), base).any()
    assert not np.isin(base[0], base[1]).any()


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, True, None])
def test_bad_seeds(seed):
    with pytest.raises(InputError, match="seed"):
        streams.check_seed(seed)


def test_latent_codes_cover_every_law():
    assert [int(kind) for kind in Latent] == [0, 1]
