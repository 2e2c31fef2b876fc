"""Networks of packed weights against exactly solvable laws, and the same bits however a run is cut."""

import numpy as np
import pytest
from scipy import stats

import theory as th
from theory.networks.chains import binomial_pmf, sign_chain

# Each statistical test refutes right code at 1e-6; seeds were fixed before any run.
ALARM = 1e-6
X = np.array([[1.0, 0.5, -0.3, 0.7], [0.2, -2.0, 1.0, 0.4], [0.0, 0.3, 0.0, -1.5]])
LAWS = (
    th.rademacher(),
    th.ternary_weights(0.4),
    th.sparse_weights(0.3),
    th.sparse_weights(0.3, "rademacher"),
    th.permuted_blocks(3),
    th.permuted_blocks(3, "rademacher"),
)


def fits(counts, pmf):
    """Chi-square test with cells pooled to 10 expected or more."""
    expected, seen, cells = 0.0, 0, []
    for count, mass in zip(counts, pmf * counts.sum(), strict=True):
        expected, seen = expected + mass, seen + count
        if expected >= 10:
            cells.append((seen, expected))
            expected, seen = 0.0, 0
    cells[-1] = (cells[-1][0] + seen, cells[-1][1] + expected)
    seen, expected = np.array(cells).T
    return stats.chisquare(seen, expected * seen.sum() / expected.sum()).pvalue > ALARM


@pytest.mark.parametrize("hidden", [th.gaussian(), th.rademacher()], ids=str)
def test_sign_network_with_sign_readout_is_binomial(hidden):
    # B41, B54: sqrt(n) f = 2 Bin(n, 1/2) - n for odd widths, whatever the hidden weights.
    weights = [th.gaussian(), hidden, th.rademacher()]
    arch = th.Architecture(2, th.sign(), weights=weights)
    run = th.sample_networks(arch, X[:1], 31, 20_000, seed=5, method="weights", ntk=False)
    heads = (run.outputs[:, 0] * np.sqrt(31) + 31) / 2
    np.testing.assert_allclose(heads, np.round(heads), atol=1e-12)
    counts = np.bincount(np.round(heads).astype(int), minlength=32)
    assert fits(counts, binomial_pmf(31, 0.5))
    assert not fits(counts, binomial_pmf(31, 0.48))


def test_agreements_of_two_inputs_follow_the_chain():
    # B56: hidden weights +-1, first layer Gaussian.
    pair, widths = X[:2], (25, 25, 25)
    rho = float(pair[0] @ pair[1] / np.linalg.norm(pair[0]) / np.linalg.norm(pair[1]))
    chain = sign_chain(rho, widths, hidden="rademacher")
    weights = [th.gaussian(), th.rademacher(), th.rademacher(), th.rademacher()]
    arch = th.Architecture(3, th.sign(), weights=weights)
    run = th.sample_networks(arch, pair, widths, 20_000, seed=6, method="weights", ntk=False)
    agreements = np.round(25 * (1 + run.covariances[:, 0, 1]) / 2).astype(int)
    counts = np.bincount(agreements, minlength=26)
    assert fits(counts, chain.pmfs[-1])
    assert not fits(counts, binomial_pmf(25, 0.5))


def fourth_moment(x, widths, mu4):
    """E f^4 and E f^2 of a ReLU network without biases, s_w^2 = 2 in hidden layers and 1 in the last (B52)."""
    u = (x**4).sum()
    v = 3 * ((x**2).sum() ** 2 - u)
    below = len(x)
    for n in widths:
        u, v = (
            4 / below**2 * n / 2 * (mu4 * u + v),
            4 / below**2 * n * (n - 1) / 4 * (3 * u + v),
        )
        below = n
    return (mu4 * u + v) / below**2, (x**2).sum() / len(x)


@pytest.mark.parametrize(
    ("law", "mu4", "widths"),
    [
        (th.rademacher(), 1.0, (6,)),
        (th.rademacher(), 1.0, (8, 5)),
        (th.sparse_weights(0.5, "rademacher"), 2.0, (6,)),
        (th.sparse_weights(0.5, "rademacher"), 2.0, (8, 5)),
        (th.sparse_weights(0.5), 6.0, (6,)),  # deeper, f^4 is too heavy-tailed for a normal test
    ],
    ids=str,
)
def test_fourth_moments_of_relu_networks(law, mu4, widths):
    arch = th.Architecture(
        len(widths), th.relu(), weight_std=[2**0.5] * len(widths) + [1.0], weights=law
    )
    run = th.sample_networks(arch, X[:1], widths, 100_000, seed=7, method="weights", ntk=False)
    fourth, second = fourth_moment(X[0], widths, mu4)
    f = run.outputs[:, 0]
    for values, exact in ((f**2, second), (f**4, fourth)):
        score = (values.mean() - exact) / (values.std() / np.sqrt(len(f)))
        assert abs(score) < stats.norm.isf(ALARM / 24)
    wrong, _ = fourth_moment(X[0], widths, mu4 + 1.0)
    assert abs((f**4).mean() - wrong) > 5 * (f**4).std() / np.sqrt(len(f))


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_bits_do_not_depend_on_threads_batches_offset_or_other_inputs(law):
    arch = th.Architecture(2, th.hardtanh(1), th.erf(1), weight_std=1.2, bias_std=0.3, weights=law)
    options = {"seed": 1, "method": "weights"}
    whole = th.sample_networks(arch, X, (70, 33), 5, threads=1, **options)
    for extra in ({"threads": 2}, {"threads": 2, "batch": 3}, {"batch": 1}):
        other = th.sample_networks(arch, X, (70, 33), 5, **options, **extra)
        np.testing.assert_array_equal(other.outputs, whole.outputs)
        np.testing.assert_array_equal(other.ntk, whole.ntk)
    later = th.sample_networks(arch, X, (70, 33), 2, first=3, **options)
    np.testing.assert_array_equal(later.ntk, whole.ntk[3:])
    fewer = th.sample_networks(arch, X[:2], (70, 33), 5, **options)
    np.testing.assert_array_equal(fewer.outputs, whole.outputs[:, :2])
    np.testing.assert_array_equal(fewer.ntk, whole.ntk[:, :2, :2])
