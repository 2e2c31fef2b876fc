"""Sign networks by their integer chain: against its exact law, every network there is, and the other samplers."""

from collections import defaultdict
from itertools import product
from math import sqrt

import numpy as np
import pytest
from scipy import stats

import theory as th
from theory.errors import ArchitectureError
from theory.networks import sign_chain
from theory.networks.chains import agreement_with_sign_weights
from theory.networks.signs import binomial, binomial_mass, same_signs, sign_shares

X = np.array([[1.0, 0.5, -0.3], [0.2, -2.0, 1.0]])
# Family-wise false-alarm rate of each statistical test for right code; seeds were fixed before any run.
ALARM = 1e-6
SIGNS = [th.gaussian(), th.rademacher(), th.gaussian()]
TERNARY = [th.gaussian(), th.ternary_weights(0.3), th.gaussian()]


@pytest.mark.parametrize("n", [1, 2, 40, 1000, 10**6])
@pytest.mark.parametrize("p", [1e-7, 0.3, 0.5, 0.999])
def test_binomial_mass_and_inversion(n, p):
    law = stats.binom(n, p)
    mode = min(int((n + 1) * p), n)
    assert binomial_mass(n, mode, p) == pytest.approx(law.pmf(mode), rel=1e-9)
    near = np.arange(max(mode - 30, 0), min(mode + 31, n + 1))
    # Values in order of distance from the mode, upper first, cut the unit interval into their masses.
    order = sorted(near, key=lambda k: (abs(k - mode), -k))
    edges = np.cumsum(law.pmf(order))
    for k, right, mass in zip(order, edges, law.pmf(order), strict=True):
        if mass > 1e-6 and abs(k - mode) < min(mode, n - mode):
            assert binomial(n, p, right - mass / 2) == k


def test_binomial_at_the_ends():
    assert [binomial(7, p, 0.5) for p in (0.0, -1e-17, 1.0, 1.1)] == [0, 0, 7, 7]
    assert binomial(7, 0.5, 1.0 - 2.0**-53) in range(8)


def test_agreements_follow_the_exact_chain():
    arch, draws = th.Architecture(2, th.sign(), weight_std=1.3, bias_std=[0.0, 0.4, 0.4]), 20_000
    run = th.sample_networks(arch, X, (15, 10), draws, 5, ntk=False)
    assert run.method == "chain"
    assert "agree" in run.why
    rho = X[0] @ X[1] / np.sqrt((X[0] @ X[0]) * (X[1] @ X[1]))
    chain = sign_chain(rho, (15, 10), weight_std=1.3, bias_std=0.4)
    agreements = np.rint((((run.covariances[:, 0, 1] - 0.16) / 1.69) + 1) * 5).astype(int)
    expected = chain.pmfs[-1] * draws
    cells = expected >= 10
    counts = np.bincount(agreements, minlength=11)
    observed = [*counts[cells], counts[~cells].sum() + 1e-9]
    wanted = [*expected[cells], expected[~cells].sum() + 1e-9]
    assert stats.chisquare(observed, wanted).pvalue > ALARM / 3
    f, s = run.outputs, run.covariances
    np.testing.assert_allclose(s[:, 0, 0], 1.69 + 0.16, rtol=1e-14)
    z = (f[:, 0] * f[:, 1] - s[:, 0, 1]).mean() / (f[:, 0] * f[:, 1]).std() * np.sqrt(draws)
    assert abs(z) < stats.norm.isf(ALARM / 6)
    for t in ((1.0, 1.0), (1.0, -0.5)):
        values = np.cos(f @ t)
        z = (values.mean() - chain.characteristic(*t)) / values.std() * np.sqrt(draws)
        assert abs(z) < stats.norm.isf(ALARM / 12)


@pytest.mark.parametrize("n", [1, 3, 41, 1001])
def test_agreement_of_sums_of_signs(n):
    values = [same_signs(k, n - k, 0, 0) for k in range(n + 1)]
    np.testing.assert_allclose(values, agreement_with_sign_weights(n), rtol=1e-12, atol=1e-15)


def test_kinds_of_a_neuron_by_enumeration():
    for a, b, u, v in product(range(4), range(4), range(3), range(3)):
        weights = np.array(list(product((1, -1), repeat=a + b + u + v)))
        one = np.sign(weights @ np.array([1] * (a + b + u) + [0] * v))
        two = np.sign(weights @ np.array([1] * a + [-1] * b + [0] * u + [1] * v))
        kinds = (one * two > 0, one * two < 0, (one != 0) & (two == 0), (one == 0) & (two != 0))
        expected = [kind.mean() for kind in kinds]
        found = np.empty(5)
        sign_shares(np.array([a, b, u, v]), found)
        np.testing.assert_allclose(found, [*expected, 1 - sum(expected)], rtol=0, atol=1e-14)


@pytest.mark.parametrize("counts", [(90, 80, 17, 13), (1001, 400, 40, 1), (0, 700, 30, 30)])
def test_equal_signs_of_wide_layers(counts):
    """All four sums, term by term."""
    a, b, u, v = counts
    heads = [np.arange(n + 1) for n in counts]
    one, two = 2 * heads[0][:, None] - a, 2 * heads[1] - b
    mass = stats.binom.pmf(heads[0], a, 0.5)[:, None] * stats.binom.pmf(heads[1], b, 0.5)
    tipped = [
        stats.binom.sf(np.floor((bound + n) / 2), n, 0.5)
        for n, bound in ((u, -one - two), (v, two - one))
    ]
    expected = 2 * (mass * tipped[0] * tipped[1]).sum()
    assert same_signs(a, b, u, v) == pytest.approx(expected, rel=1e-11, abs=1e-14)


def every_network(widths, rho, zero):
    """Exact law of the features at two inputs and of a +-1 readout of them, weight by weight; sgn 0 = ``zero``."""
    n = widths[0]
    agree = 1.0 - np.arccos(rho) / np.pi
    states = defaultdict(float)
    for k in range(n + 1):
        states[(1,) * n, (1,) * k + (-1,) * (n - k)] = stats.binom.pmf(k, n, agree)
    for below, n in zip(widths, [*widths[1:], 1], strict=True):
        weights = np.array(list(product((1, -1), repeat=below * n))).reshape(-1, n, below)
        after = defaultdict(float)
        for (one, two), mass in states.items():
            sums = np.stack([weights @ one, weights @ two], axis=1)
            if n == 1:
                known = (np.dot(one, one), np.dot(two, two), np.dot(one, two))
                for f in sums[:, :, 0]:
                    after[(*known, *f)] += mass / len(weights)
            else:
                for pair in np.where(sums == 0, zero, np.sign(sums)):
                    after[tuple(pair[0]), tuple(pair[1])] += mass / len(weights)
        states = after
    return states


@pytest.mark.parametrize("zero", [0, 1])
@pytest.mark.parametrize("widths", [(2, 2), (4, 2), (3, 4), (2, 3, 2)], ids=str)
def test_every_network_of_signs(widths, zero):
    """Outputs and covariances have the law of all networks where sign is 0 at 0; where it is 1, for odd sums alone."""
    laws = [th.gaussian(), *[th.rademacher()] * len(widths)]
    arch, draws, n = th.Architecture(len(widths), th.sign(), weights=laws), 20_000, widths[-1]
    run = th.sample_networks(arch, X, widths, draws, 4, ntk=False)
    assert run.method == "chain"
    rho = X[0] @ X[1] / np.sqrt((X[0] @ X[0]) * (X[1] @ X[1]))
    law = every_network(widths, rho, zero)
    c = n * run.covariances
    seen = np.stack([c[:, 0, 0], c[:, 1, 1], c[:, 0, 1], *(sqrt(n) * run.outputs.T)], axis=1)
    found, counts = np.unique(np.rint(seen).astype(int), axis=0, return_counts=True)
    observed = {tuple(map(int, row)): count for row, count in zip(found, counts, strict=True)}
    if zero == 0:
        assert observed.keys() <= law.keys()
    cells = [key for key, mass in law.items() if mass * draws >= 10]
    there = [observed.get(key, 0) for key in cells]
    wanted = [law[key] * draws for key in cells]
    gathered = [*there, draws - sum(there) + 1e-9], [*wanted, draws - sum(wanted) + 1e-9]
    p_value = stats.chisquare(*gathered, sum_check=False).pvalue
    assert (p_value > ALARM / 4) == (zero == 0 or all(n % 2 for n in widths[:-1]))


@pytest.mark.parametrize("widths", [(30, 20, 16), (8, 8, 8, 8)], ids=str)
def test_even_widths_have_the_literal_law(widths):
    laws = [th.gaussian(), *[th.rademacher()] * len(widths)]
    arch = th.Architecture(len(widths), th.sign(), bias_std=[0] * len(widths) + [0.4], weights=laws)
    request = {"ntk": False, "outputs": 2}
    chain = th.sample_networks(arch, X, widths, 10_000, 1, **request)
    literal = th.sample_networks(arch, X, widths, 10_000, 2, method="weights", **request)
    for get in (
        lambda run: run.covariances[:, 0, 0].round(9),
        lambda run: run.covariances[:, 0, 1].round(9),
        lambda run: run.outputs[:, 0, 0],
        lambda run: run.outputs[:, 0, 0] * run.outputs[:, 1, 0],
        lambda run: run.outputs[:, 0, 0] * run.outputs[:, 0, 1],
    ):
        assert stats.ks_2samp(get(chain), get(literal)).pvalue > ALARM / 10


def test_zero_inputs_and_no_neuron_left():
    arch = th.Architecture(1, th.sign())
    run = th.sample_networks(arch, [[0.0, 0.0], [1.0, 2.0]], 4, 50, ntk=False)
    assert run.method == "chain"
    np.testing.assert_array_equal(run.outputs[:, 0], 0.0)
    np.testing.assert_array_equal(run.covariances, [[[0.0, 0.0], [0.0, 1.0]]] * 50)
    # Two +-1 weights cancel half the time: a layer of one neuron is then 0 for good.
    laws = [th.gaussian(), th.rademacher(), th.gaussian(), th.gaussian()]
    deep = th.Architecture(3, th.sign(), weights=laws)
    run = th.sample_networks(deep, X, (2, 1, 5), 2000, 1, ntk=False)
    gone = run.covariances[:, 0, 0] == 0.0
    assert stats.binomtest(int(gone.sum()), 2000, 0.5).pvalue > ALARM
    np.testing.assert_array_equal(run.outputs[gone, 0], 0.0)


def p_value_of_overlaps(run, pmf):
    """Chi-square of the last agreements, cells with fewer than 10 expected pooled."""
    n, draws = len(pmf) - 1, len(run.covariances)
    counts = np.bincount(
        np.rint((run.covariances[:, 0, 1] + 1) * n / 2).astype(int), minlength=n + 1
    )
    cells = pmf * draws >= 10
    observed = [*counts[cells], counts[~cells].sum() + 1e-9]
    return stats.chisquare(
        observed, [*(pmf[cells] * draws), pmf[~cells].sum() * draws + 1e-9]
    ).pvalue


@pytest.mark.parametrize("widths", [(15, 9), (15, 10), (7, 5, 12), (1, 3)], ids=str)
def test_agreements_with_sign_weights_follow_the_exact_chain(widths):
    laws = [th.gaussian(), *[th.rademacher()] * (len(widths) - 1), th.gaussian()]
    arch, draws = th.Architecture(len(widths), th.sign(), weights=laws), 20_000
    run = th.sample_networks(arch, X, widths, draws, 6, ntk=False)
    assert run.method == "chain"
    rho = X[0] @ X[1] / np.sqrt((X[0] @ X[0]) * (X[1] @ X[1]))
    pmf = sign_chain(rho, widths, hidden="rademacher").pmfs[-1]
    assert p_value_of_overlaps(run, pmf) > ALARM / 8
    literal = th.sample_networks(arch, X, widths, draws, 6, ntk=False, method="weights")
    assert p_value_of_overlaps(literal, pmf) > ALARM / 8
    # The other chain is another law: the check sees the difference.
    wrong = sign_chain(rho, widths).pmfs[-1]
    if widths == (7, 5, 12):
        assert p_value_of_overlaps(run, wrong) < ALARM


def test_chain_of_mixed_layers():
    laws = [th.gaussian(), th.gaussian(), th.rademacher(), th.gaussian(), th.gaussian()]
    arch = th.Architecture(4, th.sign(), bias_std=[0, 0.5, 0, 0.3, 0], weights=laws)
    chain = th.sample_networks(arch, X, (6, 5, 8, 9), 20_000, 1, ntk=False)
    assert chain.method == "chain"
    literal = th.sample_networks(arch, X, (6, 5, 8, 9), 20_000, 2, ntk=False, method="weights")
    one, other = (
        np.bincount(np.rint((run.covariances[:, 0, 1] + 1) * 4.5).astype(int), minlength=10)
        for run in (chain, literal)
    )
    assert stats.chi2_contingency([one, other]).pvalue > ALARM


def test_same_law_as_the_exact_sampler():
    arch, draws = th.Architecture(3, th.sign(), weight_std=1.3, bias_std=0.4), 10_000
    chain = th.sample_networks(arch, X, (9, 30, 8), draws, 1, ntk=False, outputs=2)
    exact = th.sample_networks(arch, X, (9, 30, 8), draws, 2, ntk=False, outputs=2, method="exact")
    for get in (
        lambda run: run.covariances[:, 0, 1].round(12),
        lambda run: run.outputs[:, 0, 0] * run.outputs[:, 1, 0],
        lambda run: run.outputs[:, 0, 1] * run.outputs[:, 1, 0],
    ):
        assert stats.ks_2samp(get(chain), get(exact)).pvalue > ALARM / 3


def test_bits_and_width():
    arch = th.Architecture(2, th.sign())
    whole = th.sample_networks(arch, X, 10**9, 8, 3, ntk=False, threads=2)
    later = th.sample_networks(arch, X, 10**9, 3, 3, ntk=False, first=5, batch=1)
    np.testing.assert_array_equal(later.outputs, whole.outputs[5:])
    np.testing.assert_allclose(
        whole.covariances[:, 0, 1], th.nngp(arch, X)[0, 1], rtol=0, atol=1e-3
    )


@pytest.mark.parametrize(
    ("arch", "x", "ntk", "message"),
    [
        (th.Architecture(1, th.sign()), np.eye(3), False, "two inputs"),
        (th.Architecture(1, th.erf(1)), X, False, "sign in every"),
        (th.Architecture(1, th.sign(), weights=th.rademacher()), X, False, "Gaussian"),
        (th.Architecture(2, th.sign(), bias_std=0.1, weights=SIGNS), X, False, "no bias"),
        (th.Architecture(2, th.sign(), weights=TERNARY), X, False, "ternary"),
        (th.Architecture(1, th.sign(), th.hardtanh(1)), X, True, "no kernels"),
    ],
    ids=["inputs", "activation", "weights", "bias", "ternary", "kernels"],
)
def test_what_the_chain_does_not_cover(arch, x, ntk, message):
    options = {"ntk": ntk, "jacobians": [("surrogate", "surrogate")]}
    with pytest.raises(ArchitectureError, match=message):
        th.sample_networks(arch, x, 4, 1, method="chain", **options)
    assert th.sample_networks(arch, x, 4, 1, **options).method != "chain"
