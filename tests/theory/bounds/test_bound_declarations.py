"""Every bound is a declaration: where it applies, what it says where it does not; values checked by hand."""

import math

import numpy as np
import pytest
from scipy.special import ndtri

import theory as th
from theory.bounds import NetworkBound
from theory.bounds.setting import Setting
from theory.errors import DomainError, HardlimitError, InputError

X = np.array([[1.0, 0.5, 0.0], [0.3, -1.2, 0.7]])
ONE = X[:1]
DECLARED = sorted(
    (one for one in th.bounds.catalogue().values() if isinstance(one, NetworkBound)),
    key=lambda one: one.name,
)
NAMES = [one.name for one in DECLARED]
BINARY = [th.gaussian(), th.rademacher()]
SETTINGS = {
    "erf": (th.Architecture(1, th.erf(1), weight_std=1.2, bias_std=0.3), ONE),
    "hardtanh": (th.Architecture(2, th.hardtanh(1), weight_std=1.2, bias_std=0.3), X),
    "signs": (th.Architecture(1, th.sign(), weights=BINARY), ONE),
}


@pytest.mark.parametrize("declared", DECLARED, ids=NAMES)
def test_a_declaration_is_complete(declared):
    assert declared.distance in {"W1", "W2", "TV", "Kolmogorov", "convex"}
    assert -1 <= declared.rate <= 0
    assert declared.formula.__doc__
    assert declared.source
    assert getattr(th.bounds, declared.name) is declared


@pytest.mark.parametrize("declared", DECLARED, ids=NAMES)
def test_every_bound_applies_somewhere_and_refuses_elsewhere(declared):
    settings = [Setting(arch, x, 64, 1, 50, 0, 0.99) for arch, x in SETTINGS.values()]
    settings.append(
        Setting(th.Architecture(2, th.sign(), weights=th.rademacher()), X, 9, 2, 50, 0, 0.9)
    )
    applied = [one for one in settings if not declared.failures(one)]
    refused = [one for one in settings if declared.failures(one)]
    assert applied
    found = declared.at(applied[0])
    assert 0 < found.value <= declared.most
    assert set(found.hypotheses) >= {hypothesis.phrase for hypothesis in declared.needs}
    if math.isfinite(found.value):
        assert math.fsum(found.terms.values()) == pytest.approx(found.value, rel=1e-12)
    for setting in refused:
        with pytest.raises(DomainError, match=f"{declared.name} does not apply"):
            declared.at(setting)


def test_the_table_lists_every_bound_once():
    arch, x = SETTINGS["erf"]
    rows = th.bounds.evaluate(arch, x, 64, draws=50)
    assert sorted(row.declared.name for row in rows) == NAMES
    assert all((row.bound is None) == bool(row.reasons) for row in rows)
    with pytest.raises(InputError):
        th.bounds.evaluate(arch, x, 0)


def test_published_theorems_without_constant_keep_their_dependence():
    arch, x = SETTINGS["erf"]
    found = th.bounds.basteri_trevisan_published(arch, x, 64, outputs=4)
    assert found.value == math.inf
    assert found.details["dependence"] == pytest.approx(2 / 8)


@pytest.mark.parametrize("n", [10**4, 10**6])
def test_closed_bound_of_order_one_over_n_keeps_its_leading_constant(n):
    """Chi-square: sqrt(3/4) Var(A) / sigma^3 against the sharp sqrt(3/32): a ratio of sqrt 8."""
    arch, x = SETTINGS["erf"]
    ratio = th.bounds.chi_square(arch, x, n).value / th.distances.leading_wasserstein2(arch, x, n)
    assert ratio == pytest.approx(math.sqrt(8), rel=0.1 if n == 10**4 else 0.02)


def test_closed_w1_bound_is_four_times_the_distance():
    arch, x = SETTINGS["erf"]
    leading = th.distances.leading_wasserstein2(arch, x, 64)
    c3 = math.sqrt(2 / math.pi) * (1 + 4 * math.exp(-1.5))
    found = th.bounds.relative_variance_wasserstein1(arch, x, 64).value
    assert found == pytest.approx(4 * (c3 / 8) / math.sqrt(3 / 32) * leading, rel=1e-8)


def test_one_layer_stein_by_hand():
    """One input: the Basteri-Trevisan bound; several: below it, by the inverse in place of 1 / lambda."""
    arch, x = SETTINGS["erf"]
    stein, closed = th.bounds.one_layer_stein(arch, x, 50), th.bounds.basteri_trevisan(arch, x, 50)
    assert stein.value == pytest.approx(closed.value, rel=1e-8)
    shallow = th.Architecture(1, th.hardtanh(1), weight_std=1.2, bias_std=0.3)
    assert (
        th.bounds.one_layer_stein(shallow, X, 50).value
        < th.bounds.basteri_trevisan(shallow, X, 50).value
    )


def test_one_layer_stein_for_three_inputs_against_monte_carlo():
    """E tr (T - M) K^-1 (T - M), 4*10^5 draws; six standard errors."""
    arch = th.Architecture(1, th.relu(), weight_std=1.2, bias_std=0.3)
    x = np.vstack([X, [[-0.4, 0.3, 1.6]]])
    sigma, limit = (np.asarray(one) for one in th.layer_covariances(arch, x))
    features = np.maximum(
        np.random.default_rng(0).multivariate_normal(np.zeros(3), sigma, 400_000), 0.0
    )
    moment = (limit - 0.09) / 1.44
    gaps = np.einsum("ni,nj->nij", features, features) - moment
    costs = np.einsum("nij,jk,nki->n", gaps, np.linalg.inv(limit), gaps)
    found = th.bounds.one_layer_stein(arch, x, 50).details["E tr (T-M) K^-1 (T-M)"]
    assert found == pytest.approx(costs.mean(), abs=6 * costs.std() / math.sqrt(costs.size))


def test_binary_layers_by_hand():
    """Identity, one input, no bias, signs as readout: sqrt(2 K / n) + s_w (2/3 * 3 p^2 / n)^(1/4)."""
    arch = th.Architecture(1, th.identity(), weight_std=1.5, weights=BINARY)
    p = 1.5**2 * 1.25 / 3
    expected = 1.5 * math.sqrt(2 * p / 50) + 1.5 * (2 / 3 * 3 * p**2 / 50) ** 0.25
    assert th.bounds.binary_layers(arch, ONE, 50).value == pytest.approx(expected, rel=1e-8)
    both = th.Architecture(1, th.identity(), weight_std=1.5, weights=th.rademacher())
    first = th.bounds.binary_layers(both, ONE, 50).terms["first weights"]
    assert first == pytest.approx(1.5 * 1.5 * (2 / 3 * 1.0625 / 9) ** 0.25, rel=1e-8)


def test_binary_readout_of_signs_by_hand():
    arch, x = SETTINGS["signs"]
    assert th.bounds.goldstein(arch, x, 16).value == pytest.approx(1 / 4, rel=1e-8)
    assert th.bounds.berry_esseen(arch, x, 16).value == pytest.approx(0.4748 / 4, rel=1e-8)
    assert th.bounds.hipp_mattner(arch, x, 16).value == pytest.approx(
        1 / math.sqrt(32 * math.pi), rel=1e-8
    )
    found = th.bounds.skorokhod(arch, x, 16, draws=50)
    assert found.value == pytest.approx((2 / 3 / 16) ** 0.25, rel=1e-6)
    assert th.bounds.eldan_mikulincer_zhai(arch, x, 16).value == pytest.approx(
        math.sqrt(40) / 4, rel=1e-8
    )


def test_conditional_limit_of_deeper_binary_networks_matches_its_covariance():
    """Two layers of sign on two inputs: the added term is sqrt E d_B^2 over the chain of agreements."""
    arch = th.Architecture(2, th.sign(), weights=[th.gaussian(), th.gaussian(), th.rademacher()])
    x = np.array([[1.0, 0.0], [0.3, math.sqrt(1 - 0.09)]])
    chain = th.sign_chain(0.3, [32])
    correlations = 2 / math.pi * np.arcsin(np.clip(chain.overlaps(), -1, 1))
    weights = chain.conditional_variances(1.0, 0.0)[1]
    limit = float(th.nngp(arch, x)[0, 1])
    cost = (np.sqrt(1 + correlations) - math.sqrt(1 + limit)) ** 2
    cost += (np.sqrt(1 - correlations) - math.sqrt(1 - limit)) ** 2
    found = th.bounds.zhai(arch, x, 32, draws=40_000, confidence=0.5)
    exact = math.sqrt(float(weights @ cost))
    assert found.terms["limit given the layer before"] == pytest.approx(exact, rel=0.15)


def test_klukowski_for_a_linear_polynomial():
    """For d = 3 and phi = x: C^2 = 6 * 3 * 4 / 2! = 36."""
    assert th.bounds.klukowski([0.0, 1.0], 3, 100).value == pytest.approx(0.6, rel=1e-8)
    with pytest.raises(InputError, match="E phi"):
        th.bounds.klukowski([1.0, 1.0], 3, 100)
    with pytest.raises(InputError, match="dimension"):
        th.bounds.klukowski([0.0, 1.0], 1, 100)


@pytest.mark.parametrize("outputs", [1, 3])
def test_bonis_against_monte_carlo(outputs):
    """|M| sqrt(km) |E YY^T |Y|^2|_HS / n from 4*10^5 draws of one neuron; false alarm below 1e-6 (3 %)."""
    arch = th.Architecture(1, th.hardtanh(1), weight_std=1.2, bias_std=0.3, weights=BINARY)
    sigma, limit = (np.asarray(one) for one in th.layer_covariances(arch, X))
    rng = np.random.default_rng(0)
    features = np.clip(rng.multivariate_normal(np.zeros(2), sigma, 400_000), -1, 1)
    moment = (limit - 0.09) / 1.44
    values, vectors = np.linalg.eigh(moment)
    white = features @ (vectors / np.sqrt(values))
    signs = rng.choice([-1.0, 1.0], (400_000, outputs))
    y = (signs[:, :, None] * white[:, None]).reshape(400_000, -1)
    norm = np.linalg.norm(np.einsum("na,nb,n->ab", y, y, (y**2).sum(1)) / 400_000)
    expected = math.sqrt(1.44 * values[-1] * math.sqrt(2 * outputs) * norm / 50)
    found = th.bounds.bonis(arch, X, 50, outputs=outputs)
    assert found.value == pytest.approx(expected, rel=0.03)


def test_bonis_for_signs_is_three_times_the_square_of_the_distance():
    """W2^2 <= 1/n, while n W2^2 -> 1/3 for fair signs (B41)."""
    arch, x = SETTINGS["signs"]
    assert th.bounds.bonis(arch, x, 100).value == pytest.approx(0.1, rel=1e-8)


def test_courtade_fathi_pananjady_for_uniform_summands():
    """Uniform on [-sqrt 3, sqrt 3]: C_P = 12 / pi^2; W2 of two of them (a triangular law) is below the bound."""
    u = (np.arange(20_000) + 0.5) / 20_000
    triangular = np.where(u < 0.5, np.sqrt(2 * u) - 1, 1 - np.sqrt(2 * (1 - u))) * math.sqrt(6)
    distance = math.sqrt(float(((triangular - ndtri(u)) ** 2).mean()))
    found = th.bounds.courtade_fathi_pananjady(12 / math.pi**2, 1, 2).value
    assert 0.05 < distance < found < 5 * distance
    assert found == pytest.approx(math.sqrt((12 / math.pi**2 - 1) / 2), rel=1e-8)
    assert th.bounds.courtade_fathi_pananjady(1.0, 3, 7).value == 0.0
    with pytest.raises(InputError, match="poincare"):
        th.bounds.courtade_fathi_pananjady(0.9, 1, 2)


def test_eldan_mikulincer_schramm_is_evaluated_and_vacuous():
    found = th.bounds.eldan_mikulincer_schramm([0.0, 2.0], 3, 10**6)
    logarithm = math.log(16 * 4) + math.lgamma(111) + (4.5 * math.log(3) - math.log(10**6)) / 3
    assert found.details["ln W2"] == pytest.approx(logarithm / 2, rel=1e-12)
    assert found.value == pytest.approx(math.exp(logarithm / 2), rel=1e-8)
    assert th.bounds.eldan_mikulincer_schramm([0, 0, 0, 1.0], 3, 10**6).value == math.inf
    with pytest.raises(InputError, match="degree"):
        th.bounds.eldan_mikulincer_schramm([1.0], 3, 10)


def test_mixture_bounds_are_ordered_above_the_exact_distance():
    variances, weights = [0.7, 1.0, 1.2, 1.5], [0.2, 0.4, 0.2, 0.2]
    mixture = th.distances.ScaleMixture(variances, weights)
    exact = th.distances.wasserstein2(mixture, mixture.mean_variance)
    path = th.bounds.mixture_benamou_brenier(variances, weights).value
    stein = th.bounds.mixture_stein(variances, weights).value
    chi = th.bounds.mixture_chi_square(variances, weights).value
    assert exact <= path <= stein <= chi
    assert path < 1.02 * exact
    assert th.bounds.mixture_chi_square([0.0, 5.0, 0.1]).value == math.inf
    for name in ("mixture_benamou_brenier", "mixture_stein", "mixture_chi_square"):
        bound = th.bounds.catalogue()[name]
        assert bound([0.0, 0.0]).value == 0.0
        assert bound([2.0]).value == pytest.approx(0.0, abs=1e-12)
        with pytest.raises(HardlimitError):
            bound([-1.0])


@pytest.mark.parametrize("name", ["one_output_wasserstein1", "logarithmic_total_variation"])
def test_deeper_networks_pay_for_the_shift_of_the_mean(name):
    deep = th.Architecture(2, th.hardtanh(1), weight_std=1.2, bias_std=0.3)
    shallow = th.Architecture(1, th.hardtanh(1), weight_std=1.2, bias_std=0.3)
    bound = th.bounds.catalogue()[name]
    assert bound(deep, ONE, 64, draws=400).terms["shift of the mean"] > 0
    assert bound(shallow, ONE, 64, draws=400).terms["shift of the mean"] == 0
