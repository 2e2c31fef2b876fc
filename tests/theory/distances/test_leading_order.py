"""Leading orders without sampling, distances of any order, radial laws, the blind set, sandwiches."""

import math

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.optimize import linear_sum_assignment
from scipy.special import roots_genlaguerre

import theory as th
from theory.distances import (
    ScaleMixture,
    blind_set,
    distances_to_limit,
    kolmogorov,
    leading_covariance,
    leading_wasserstein2,
    outputs_to_limit,
    radial_wasserstein,
    total_variation,
    wasserstein,
    wasserstein1,
    wasserstein2,
)
from theory.errors import DomainError, InputError

X = np.array([[1.0, 0.5, 0.0], [0.3, -1.2, 0.7]])
MIXTURE = ScaleMixture([0.3, 1.0, 1.2, 2.5], [0.2, 0.3, 0.3, 0.2])


@pytest.mark.parametrize("order", [1, 1.5, 2, 3, 4])
def test_orders_against_quantiles(order):
    """The monotone coupling by plain quadrature over x, with F and Phi^-1 of SciPy."""
    scales = np.sqrt(MIXTURE.variances)

    def integrand(x):
        shift = stats.norm.isf(float(MIXTURE.weights @ stats.norm.sf(x / scales))) - x
        return abs(shift) ** order * float(MIXTURE.weights @ (stats.norm.pdf(x / scales) / scales))

    value = 2 * integrate.quad(integrand, 0, 14, limit=400, points=[0.5, 1, 2, 4])[0]
    assert wasserstein(MIXTURE, 1.0, order) == pytest.approx(value ** (1 / order), rel=1e-6)


def test_orders_agree_with_their_special_cases():
    s2 = MIXTURE.mean_variance
    assert wasserstein(MIXTURE, s2, 2) == wasserstein2(MIXTURE, s2)
    assert wasserstein(MIXTURE, s2, 1) == pytest.approx(wasserstein1(MIXTURE, s2), rel=1e-6)
    assert wasserstein(ScaleMixture([4.0]), 1.0, 3) == pytest.approx(
        (8 / math.pi) ** (1 / 6), rel=1e-9
    )
    assert wasserstein(ScaleMixture([4.0]), 0.0, 3) == pytest.approx(
        2 * (8 / math.pi) ** (1 / 6), rel=1e-9
    )
    for order in (0.5, 33, math.nan):
        with pytest.raises(InputError):
            wasserstein(MIXTURE, 1.0, order)


def test_atom_of_any_order():
    """Half an atom at 0: E over the stretched atom, by quadrature."""
    value = wasserstein(ScaleMixture([0.0, 1.0]), 1.0, 4)
    edge = stats.norm.ppf(0.75)

    def outside(x):
        shift = stats.norm.isf(0.5 * stats.norm.sf(x)) - x
        return shift**4 * 0.5 * stats.norm.pdf(x)

    inside = 2 * integrate.quad(lambda z: z**4 * stats.norm.pdf(z), 0, edge)[0]
    total = inside + 2 * integrate.quad(outside, 0, 12, limit=200)[0]
    assert value == pytest.approx(total**0.25, rel=1e-7)


@pytest.mark.parametrize("outputs", [1, 2, 7, 300])
def test_radial_distance_of_two_gaussians(outputs):
    """N(0, 4 I) and N(0, I): sqrt m."""
    assert radial_wasserstein(ScaleMixture([4.0]), 1.0, outputs) == pytest.approx(
        math.sqrt(outputs), rel=1e-7
    )


@pytest.mark.parametrize("spread", [1e-4, 0.05, 0.5])
def test_radial_distance_lies_below_the_coupling_at_any_number_of_outputs(spread):
    """At most sqrt(m E (sqrt A - 1)^2), which many outputs attain: the radius then tells A."""
    mixture = ScaleMixture([1 - spread, 1.0, 1 + spread])
    cost = float(mixture.weights @ (np.sqrt(mixture.variances) - 1) ** 2)
    ratios = [
        radial_wasserstein(mixture, 1.0, m) / math.sqrt(m * cost)
        for m in (1, 3, 30, 300, 3000, 30_000)
    ]
    assert np.all(np.diff(ratios) > 0)
    assert ratios[-1] < 1
    if spread == 0.5:
        # What is missing is of order m^(-1/2).
        assert 1 - ratios[-1] < (1 - ratios[-2]) / 2


def test_radial_distance_of_one_output_is_that_on_the_line():
    assert radial_wasserstein(MIXTURE, 1.1, 1) == pytest.approx(
        wasserstein2(MIXTURE, 1.1), rel=1e-7
    )
    with pytest.raises(DomainError, match="positive variances"):
        radial_wasserstein(ScaleMixture([0.0, 1.0]), 1.0, 2)


def test_radial_distance_against_optimal_transport_of_samples():
    """Two outputs: exact assignment of samples, within the distances of two samples of the same law."""
    rng, size = np.random.default_rng(5), 700
    mixture = ScaleMixture([0.01, 0.4])

    def sample(is_mixture):
        variances = rng.choice(mixture.variances, size) if is_mixture else np.ones(size)
        return np.sqrt(variances)[:, None] * rng.normal(size=(size, 2))

    def transport(first, second):
        cost = ((first[:, None] - second[None]) ** 2).sum(-1)
        return math.sqrt(cost[linear_sum_assignment(cost)].mean())

    exact = radial_wasserstein(mixture, 1.0, 2)
    found = transport(sample(True), sample(False))
    noise = transport(sample(True), sample(True)) + transport(sample(False), sample(False))
    assert noise < exact / 1.5
    assert abs(found - exact) < noise


@pytest.mark.parametrize("ratio", [0.0, 0.3, 0.95, 1.02, 1.3, 8.0])
def test_blind_set_is_the_probability_of_a_set(ratio):
    s2, a, b = 1.7, 0.3712081181916463, 1.8219866005121847
    sigma = math.sqrt(s2)

    def probability(variance):
        if variance == 0:
            return 1.0
        law = stats.norm(scale=math.sqrt(variance))
        return 1 - 2 * (law.cdf(b * sigma) - law.cdf(a * sigma))

    expected = probability(ratio * s2) - probability(s2)
    assert expected >= 0
    assert blind_set(np.array([ratio * s2]), s2)[0] == pytest.approx(expected, abs=1e-12)


def test_blind_set_bounds_total_variation_and_kolmogorov():
    for variances in ([0.5, 1.5], [0.9, 1.0, 1.4], [3.0], [0.0, 1.0]):
        mixture = ScaleMixture(variances)
        lower = float(mixture.weights @ blind_set(mixture.variances, 1.0))
        assert lower <= total_variation(mixture, 1.0) * (1 + 1e-12)
        assert lower / 4 <= kolmogorov(mixture, 1.0) * (1 + 1e-12)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_linear_and_relu_recursions_are_exact_to_leading_order(depth):
    """Var(A) n / K^2 = 2 L for linear and 5 L for ReLU networks at one input, no bias."""
    for f, factor, std in ((th.identity(), 2, 1.0), (th.relu(), 5, math.sqrt(2))):
        found = leading_covariance(th.Architecture(depth, f, weight_std=std), X[:1], 1)
        relative = found.covariance[0, 0, 0, 0] / found.limit[0, 0] ** 2
        assert relative == pytest.approx(factor * depth, rel=1e-9)
        assert abs(found.bias[0, 0]) < 1e-12 * found.limit[0, 0]


@pytest.mark.parametrize("activation", [th.hardtanh(1), th.erf(1)], ids=str)
def test_recursion_against_sampled_covariances(activation):
    """Two layers of 128, 40000 draws: six standard errors, and a term of order 1/n^2."""
    arch = th.Architecture(2, activation, weight_std=1.5, bias_std=0.3)
    n, draws = 128, 40_000
    found = leading_covariance(arch, X, n)
    gaps = th.sample_covariances(arch, X, n, draws, seed=3) - found.limit
    shift = np.abs(gaps.mean(0) - found.bias)
    assert np.all(shift < 6 * gaps.std(0) / math.sqrt(draws) + 8 / n**2)
    centred = gaps - gaps.mean(0)
    products = np.einsum("nij,nkl->nijkl", centred, centred)
    error = 6 * products.std(0) / math.sqrt(draws)
    assert np.all(np.abs(products.mean(0) - found.covariance) < error + 20 / n**2)
    # Without the part that the first layer hands on the comparison fails.
    alone = leading_covariance(arch, X, [10**9, n])
    assert np.any(np.abs(products.mean(0) - alone.covariance) > error + 20 / n**2)


def test_recursion_of_an_activation_without_closed_forms():
    """Softsign, one input, two layers of 128, 40000 draws: six standard errors, and a share 5/n for higher orders."""
    arch = th.Architecture(2, th.softsign(1), weight_std=3.0, bias_std=0.3)
    n, draws = 128, 40_000
    found = leading_covariance(arch, X[:1], n)
    bias, variance = found.bias[0, 0], found.covariance[0, 0, 0, 0]
    gaps = th.sample_covariances(arch, X[:1], n, draws, seed=4)[:, 0, 0] - found.limit[0, 0]
    assert abs(gaps.mean() - bias) < 6 * gaps.std() / math.sqrt(draws) + 5 / n * abs(bias)
    error = 6 * ((gaps - gaps.mean()) ** 2).std() / math.sqrt(draws) + 5 / n * variance
    assert abs(gaps.var() - variance) < error
    alone = leading_covariance(arch, X[:1], [10**9, n])
    assert abs(gaps.var() - alone.covariance[0, 0, 0, 0]) > error


def test_leading_distance_is_that_of_t45():
    std, bias, q = 1.3, 0.2, 1.4
    arch = th.Architecture(1, th.hardtanh(1), weight_std=std, bias_std=bias)
    x = [[math.sqrt((q - bias**2) / std**2)]]
    square = th.hardtanh(1) * th.hardtanh(1)
    mean = float(th.expectation(square).float64(q))
    spread = float(th.expectation(square, square).float64(q, q, q)) - mean**2
    limit = float(th.nngp(arch, x)[0, 0])
    expected = math.sqrt(6) / 8 * std**4 * spread / limit**1.5 / 100
    assert leading_wasserstein2(arch, x, 100) == pytest.approx(expected, rel=1e-9)
    assert leading_wasserstein2(arch, x, 100, outputs=5) == pytest.approx(
        expected * math.sqrt(35 / 3), rel=1e-9
    )


def test_leading_covariance_refuses_what_it_cannot_differentiate():
    parallel = np.vstack([X[0], 2 * X[0]])
    with pytest.raises(DomainError, match="singular covariance"):
        leading_covariance(th.Architecture(2, th.relu()), parallel, 8)
    with pytest.raises(DomainError, match="Gaussian"):
        leading_covariance(th.Architecture(1, th.erf(1), weights=th.rademacher()), X, 8)


@pytest.mark.parametrize("n", [16, 256])
def test_sandwiches_contain_the_exact_distances(n):
    """A linear network, A = K chi^2_n / n: exact by a Gauss rule; every limit holds, at risk 5 * 1e-3."""
    arch = th.Architecture(1, th.identity(), weight_std=1.3)
    nodes, weights = roots_genlaguerre(60, n / 2 - 1)
    limit = float(th.nngp(arch, X[:1])[0, 0])
    law = ScaleMixture(limit * 2 * nodes / n, weights)
    found = distances_to_limit(arch, X[:1], n, draws=4000, confidence=0.999)
    exact = {
        "W1": wasserstein1,
        "W2": wasserstein2,
        "TV": total_variation,
        "Kolmogorov": kolmogorov,
    }
    for name, distance in exact.items():
        sandwich = found[name]
        value = distance(law, limit)
        assert value in sandwich
        assert sandwich.lower > 0.1 * value
        assert sandwich.upper < 1.25 * value
        assert sandwich.estimate == pytest.approx(value, abs=5 * sandwich.stderr)


def test_bounded_networks_of_one_layer_have_a_rigorous_upper_end_of_order_one_over_n():
    arch = th.Architecture(1, th.hardtanh(1), weight_std=1.2, bias_std=0.3)
    narrow, wide = (
        th.distances.wasserstein2_to_limit(arch, X[:1], n, draws=400) for n in (512, 4096)
    )
    assert "chi-square" in wide.upper_by
    assert narrow.upper / wide.upper > 7


def test_raw_outputs_of_a_lattice_contain_its_distance():
    """Signs read out by signs, n = 9: the exact law of 10 atoms."""
    arch = th.Architecture(1, th.sign(), weights=[th.gaussian(), th.rademacher()])
    found = outputs_to_limit(arch, X[:1], 9, draws=4000, confidence=0.999)
    atoms = (2 * np.arange(10) - 9) / 3
    cdf = stats.binom.cdf(np.arange(10), 9, 0.5)
    level = stats.norm.cdf(atoms)
    exact = max((cdf - level).max(), (level - np.append(0.0, cdf[:-1])).max())
    assert exact in found["Kolmogorov"]
    assert found["Kolmogorov"].lower > 0.5 * exact
    assert math.isfinite(found["W2"].upper)
    pair = outputs_to_limit(arch, X, 9, draws=400)
    assert pair["W1"].upper == math.inf
    assert pair["convex"].lower >= pair["Kolmogorov"].lower > 0


def test_recursion_of_sign_networks_against_their_exact_chain():
    """Two hidden layers, correlation 0.3: mean and variance of the agreements, extrapolated in 1/n."""
    x = np.array([[1.0, 0.0], [0.3, math.sqrt(1 - 0.09)]])
    limit = 2 / math.pi * math.asin(2 / math.pi * math.asin(0.3))

    def moments(n):
        chain = th.sign_chain(0.3, [n, n])
        weights, gap = chain.conditional_variances(1.0, 0.0)[1], chain.overlaps() - limit
        mean = weights @ gap
        return n * np.array([mean, weights @ (gap - mean) ** 2])

    exact = 2 * moments(2000) - moments(1000)
    found = leading_covariance(th.Architecture(2, th.sign()), x, 1)
    predicted = [found.bias[0, 1], found.covariance[0, 1, 0, 1]]
    np.testing.assert_allclose(exact, predicted, rtol=1e-4)
