"""Networks in float32: the law of those in float64, their accuracy where both draw the same weights, and their bits."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

import theory as th
from theory.errors import InputError

PAIRS = tuple(product(("true", "surrogate"), repeat=2))
X = np.array([[1.0, 0.5, -0.3, 0.7], [0.2, -2.0, 1.0, 0.4], [0.0, 0.3, 0.0, -1.5]])
# A duplicate, an opposite multiple, and zero.
MANY = np.vstack([X, X[0], -2 * X[1], np.zeros(4)])
# Family-wise false-alarm rate of each statistical test for right code; seeds were fixed before any run.
ALARM = 1e-6
DRAWS = 20_000
SIGNS = (
    th.rademacher(),
    th.ternary_weights(0.4),
    th.sparse_weights(0.3, "rademacher"),
    th.permuted_blocks(2, "rademacher"),
)


def architecture(depth, laws=None, std=1.2):
    forward = (th.hardtanh("1/2"), th.relu(), th.erf(1))
    backward = (th.hardtanh(1), th.triangle(2), th.gelu())
    return th.Architecture(
        depth,
        forward[:depth],
        backward[:depth],
        weight_std=[std, 0.9, 1.4, 1.1][: depth + 1],
        bias_std=[0.3, 0.2, 0.5, 0.2][: depth + 1],
        weights=laws or th.gaussian(),
    )


def statistics_of(run):
    """Numbers of each network, (draws, statistics), in float64."""
    f, s = run.outputs.astype(float), run.covariances.astype(float)
    parts = [f, f[:, :, None] * f[:, None, :], s, s**2]
    for kernel in run.kernels.values():
        theta = kernel.astype(float)
        parts += [theta, theta**2, theta * theta.transpose(0, 2, 1), theta * s]
    return np.concatenate([part.reshape(len(f), -1) for part in parts], axis=1)


def p_value(one, other):
    """Least p-value of Kolmogorov's and of z-tests, times how many there are."""
    a, b = statistics_of(one), statistics_of(other)
    least = 1.0
    for u, v in zip(a.T, b.T, strict=True):
        # Values that many networks share differ by rounding alone.
        size = np.abs(u).max() + np.abs(v).max()
        least = min(least, stats.ks_2samp(*(np.round(w / size, 4) for w in (u, v))).pvalue)
        error = np.sqrt(u.var() / len(u) + v.var() / len(v))
        if error > 1e-5 * size:
            least = min(least, 2 * stats.norm.sf(abs(u.mean() - v.mean()) / error))
    return least * 2 * a.shape[1]


@pytest.mark.parametrize(
    ("method", "laws", "std"),
    [
        ("exact", None, 1.2),
        ("exact", None, 1.3),
        ("exact", [th.rademacher(), th.gaussian(), th.rademacher()], 1.2),
        ("weights", None, 1.2),
        ("weights", th.binarized(th.hardtanh("1/2"), th.hardtanh(1)), 1.2),
        ("weights", th.sparse_weights(0.6), 1.2),
    ],
    ids=["exact", "planted", "exact, signs at both ends", "weights", "binarized", "sparse"],
)
def test_same_law_as_in_float64(method, laws, std):
    """And another law, of weights 8 % larger, is seen."""
    request = {"method": method, "jacobians": PAIRS[:2]}
    long = th.sample_networks(architecture(2, laws), X, 8, DRAWS, 1, **request)
    short = th.sample_networks(
        architecture(2, laws, std), X, 8, DRAWS, 2, dtype="float32", **request
    )
    assert (p_value(long, short) > ALARM) == (std == 1.2)


@pytest.mark.parametrize("law", SIGNS, ids=lambda law: law.name)
def test_packed_weights_are_the_same_in_both(law):
    """So results differ by rounding: 300 terms a sum, in 16 partial sums."""
    request = {"seed": 3, "method": "weights", "jacobians": [("surrogate", "surrogate")]}
    arch = th.Architecture(2, th.relu(), th.hardtanh(1), weights=law)
    long, short = (
        th.sample_networks(arch, X, 300, 20, dtype=dtype, **request)
        for dtype in ("float64", "float32")
    )
    bound = 3 * (300 / 16 + 8) * 2.0**-24
    for name in ("outputs", "covariances", "ntk"):
        one, other = getattr(long, name), getattr(short, name)
        gap = np.abs(one - other).max()
        assert 0 < gap < 4 * bound * np.abs(one).max()


@pytest.mark.parametrize("method", ["exact", "weights"])
def test_wide_layers_reach_the_limit(method):
    """Rounding that grew with the width would show: 2^15 neurons, standard errors of about 1 %."""
    n = 2**15 if method == "exact" else 2**10
    run = th.sample_networks(architecture(1), X, n, 40, 5, method=method, dtype="float32")
    limit = th.ntk(architecture(1), X, jacobians=("true", "surrogate"))
    assert np.abs(run.mean_ntk().z_score(limit)).max() < stats.t.isf(ALARM / 18, 39)
    assert np.abs(run.mean_ntk().value / limit - 1).max() < 0.1


def test_results_take_half_the_memory():
    long, short = (
        th.sample_networks(architecture(2), X, 6, 4, conditional=True, dtype=dtype, outputs=2)
        for dtype in ("float64", "float32")
    )
    for name in ("outputs", "covariances", "ntk"):
        assert getattr(short, name).dtype == np.float32
        assert getattr(short, name).nbytes * 2 == getattr(long, name).nbytes
    (means,) = short.conditional_kernels.values()
    assert means.dtype == np.float32
    assert short.mean_ntk().value.dtype == np.float64


def test_conditional_kernels_are_means():
    run = th.sample_networks(
        architecture(3), X, 8, DRAWS, 2, jacobians=PAIRS, conditional=True, dtype="float32"
    )
    limit = stats.norm.isf(ALARM / 2 / (2 * 9 * len(PAIRS)))
    for pair in PAIRS:
        gap = run.kernels[pair].astype(float) - run.conditional_kernels[pair]
        for values in (gap, gap * run.covariances):
            z = values.mean(0) / (values.std(0, ddof=1) / np.sqrt(DRAWS))
            assert np.abs(z).max() < limit


@pytest.mark.parametrize("method", ["exact", "weights"])
def test_bits_do_not_depend_on_threads_batches_or_offset(method):
    options = {"seed": 4, "jacobians": PAIRS, "method": method, "dtype": "float32"}
    whole = th.sample_networks(architecture(3), MANY, (300, 33, 257), 7, threads=1, **options)
    for extra in ({"threads": 2, "batch": 3}, {"batch": 1}):
        other = th.sample_networks(architecture(3), MANY, (300, 33, 257), 7, **options, **extra)
        for name in ("outputs", "covariances", "ntk"):
            np.testing.assert_array_equal(getattr(other, name), getattr(whole, name))
    later = th.sample_networks(architecture(3), MANY, (300, 33, 257), 3, first=4, **options)
    np.testing.assert_array_equal(later.ntk, whole.ntk[4:])


def test_equal_opposite_and_zero_inputs():
    odd = th.Architecture(3, th.hardtanh("1/2"), th.erf(2), weight_std=1.3)
    run = th.sample_networks(odd, MANY, 50, 4, 5, dtype="float32")
    np.testing.assert_allclose(run.outputs[:, 0], run.outputs[:, 3], rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(run.outputs[:, 5], 0.0)
    np.testing.assert_array_equal(run.ntk[:, 5], 0.0)
    np.testing.assert_allclose(run.ntk[:, 0], run.ntk[:, 3], rtol=1e-3, atol=1e-3)


def test_a_chain_is_rounded_at_the_end():
    arch = th.Architecture(2, th.sign())
    long, short = (
        th.sample_networks(arch, X[:2], 40, 9, ntk=False, dtype=dtype)
        for dtype in ("float64", "float32")
    )
    assert long.method == "chain"
    np.testing.assert_array_equal(short.outputs, long.outputs.astype(np.float32))


@pytest.mark.parametrize("dtype", ["float16", "double", np.float32, None], ids=str)
def test_unknown_types_are_refused(dtype):
    with pytest.raises(InputError, match=r"unknown dtype .*'float64', 'float32'"):
        th.sample_networks(architecture(1), X, 4, 1, dtype=dtype)


@pytest.mark.parametrize("factor", [1e20, 1e-20], ids=str)
def test_numbers_whose_products_float32_cannot_hold_are_refused(factor):
    with pytest.raises(InputError, match=r"the largest of X; rescale X .*float64"):
        th.sample_networks(architecture(1), factor * X, 4, 1, dtype="float32")
    assert np.isfinite(th.sample_networks(architecture(1), factor * X, 4, 1).outputs).all()
