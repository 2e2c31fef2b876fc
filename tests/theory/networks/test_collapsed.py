"""The collapsed sampler: same law as the literal one, addressed, exact at the ends."""

import numpy as np
import pytest
from scipy import stats

import theory as th
from theory.errors import ArchitectureError
from theory.networks import sample_covariances, sign_chain
from theory.networks.chains import binomial_pmf
from theory.networks.roots import square_root

X = np.array([[1.0, 0.5, -0.3], [0.2, -2.0, 1.0], [0.4, 0.4, 2.2]])
# Family-wise false-alarm rate of each statistical test for right code; seeds were fixed before any run.
ALARM = 1e-6
EPS = np.finfo(np.float64).eps


def architecture(depth, sigma):
    return th.Architecture(depth, activation=sigma, weight_std=1.2, bias_std=0.3)


@pytest.mark.parametrize(
    "matrix",
    [
        np.eye(3),
        np.ones((3, 3)),
        np.zeros((3, 3)),
        np.array([[4.0, 2.0, -2.0], [2.0, 1.0, -1.0], [-2.0, -1.0, 1.0]]),
        X @ X.T,
    ],
    ids=["identity", "ones", "zero", "rank one", "full"],
)
def test_square_root(matrix):
    root = np.empty((3, 3))
    rank = square_root(matrix, 3, 3 * EPS, root, np.empty(3, np.int64), np.empty((5, 3)))
    assert rank == np.linalg.matrix_rank(matrix)
    np.testing.assert_allclose(root @ root.T, matrix, rtol=0, atol=4e-16 * np.abs(matrix).max())


def test_square_root_of_nearly_singular_matrices():
    rng = np.random.default_rng(0)
    for rank in (1, 5, 12):
        factor = rng.normal(size=(12, rank)) * np.logspace(0, -6, rank)
        matrix = factor @ factor.T
        root = np.empty((12, 12))
        square_root(matrix, 12, 12 * EPS, root, np.empty(12, np.int64), np.empty((14, 12)))
        # Higham 2002, theorem 10.14: backward error of order k eps.
        assert np.abs(root @ root.T - matrix).max() < 12 * 4.4e-16 * np.abs(matrix).max()


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("sigma", [th.hardtanh("1/2"), th.erf(2), th.sign()], ids=str)
def test_same_moments_as_the_literal_sampler(depth, sigma):
    arch, draws = architecture(depth, sigma), 2500
    options = {"width": 12, "draws": draws, "ntk": False}
    literal = th.sample_networks(arch, X, seed=1, method="weights", **options)
    collapsed = th.sample_networks(arch, X, seed=2, method="exact", **options)
    limit = stats.norm.isf(ALARM / 2 / (6 * 4 * 9))
    for get in (
        lambda run: run.outputs[:, :, None] * run.outputs[:, None, :],
        lambda run: run.covariances,
        lambda run: run.covariances**2,
        lambda run: run.covariances[:, :1] * run.covariances,
    ):
        one, other = get(literal), get(collapsed)
        error = np.sqrt((one.var(0, ddof=1) + other.var(0, ddof=1)) / draws)
        gap = np.abs(one.mean(0) - other.mean(0))
        assert np.all(gap <= limit * error + 1e-12)


def test_kernels_of_one_hidden_layer_have_the_law_of_the_literal_ones():
    arch = th.Architecture(
        1, activation=th.hardtanh("1/2"), surrogate=th.hardtanh(1), weight_std=1.2, bias_std=0.3
    )
    literal = th.sample_networks(arch, X, 9, 4000, seed=3, method="weights").ntk
    collapsed = th.sample_networks(arch, X, 9, 4000, seed=4, method="exact").ntk
    for a in range(3):
        for b in range(3):
            assert stats.ks_2samp(literal[:, a, b], collapsed[:, a, b]).pvalue > ALARM / 9


def test_overlaps_of_sign_networks_follow_the_exact_chain():
    arch = th.Architecture(2, activation=th.sign())
    first = X[:2] @ X[:2].T / 3
    rho = first[0, 1] / np.sqrt(first[0, 0] * first[1, 1])
    s = sample_covariances(arch, X[:2], (15, 10), 20_000, seed=5)
    agreements = np.rint((s[:, 0, 1] + 1) * 5).astype(int)
    np.testing.assert_allclose(s[:, 0, 0], 1.0, rtol=1e-15)
    expected = sign_chain(rho, (15, 10)).pmfs[-1]
    counts = np.bincount(agreements, minlength=11)
    # Every cell expects at least 10 (the least 10.95), so none is pooled.
    assert stats.chisquare(counts, expected * 20_000).pvalue > ALARM


def test_every_layer_and_every_split():
    arch = architecture(3, th.relu())
    layers = sample_covariances(arch, X, 21, 9, seed=6, all_layers=True, threads=1)
    assert layers.shape == (9, 4, 3, 3)
    first = 1.2**2 / 3 * X @ X.T + 0.3**2
    np.testing.assert_allclose(layers[:, 0], np.broadcast_to(first, (9, 3, 3)), rtol=1e-14)
    np.testing.assert_array_equal(sample_covariances(arch, X, 21, 9, seed=6), layers[:, -1])
    part = sample_covariances(arch, X, 21, 4, seed=6, first=5, batch=1, threads=2, all_layers=True)
    np.testing.assert_array_equal(part, layers[5:])
    run = th.sample_networks(arch, X, 21, 9, seed=6, ntk=False)
    np.testing.assert_array_equal(run.covariances, layers[:, -1])


def test_singular_covariance():
    arch = architecture(2, th.hardtanh("1/2"))
    twice = np.vstack([X[:1], X[:1], 2 * X[:1]])
    s = sample_covariances(arch, twice, 30, 5, seed=7)
    np.testing.assert_allclose(s[:, 0, 0], s[:, 0, 1], rtol=1e-13)
    np.testing.assert_allclose(s[:, 0, 2], s[:, 1, 2], rtol=1e-13)


def test_non_gaussian_hidden_weights_are_refused():
    for law in (th.rademacher(), th.binarized(th.sign(), th.hardtanh(1))):
        arch = th.Architecture(2, activation=th.relu(), weights=law)
        with pytest.raises(ArchitectureError, match="only Gaussian weights"):
            sample_covariances(arch, X, 4, 2)
    ends = th.Architecture(1, activation=th.relu(), weights=th.rademacher())
    assert sample_covariances(ends, X, 4, 2).shape == (2, 3, 3)


def test_binomial_pmf_is_the_one_that_the_chain_needs():
    np.testing.assert_allclose(
        binomial_pmf(10, 0.3), stats.binom.pmf(range(11), 10, 0.3), rtol=1e-13
    )
