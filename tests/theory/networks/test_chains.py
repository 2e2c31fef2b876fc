"""Exact laws against enumeration, closed forms and 40-digit arithmetic."""

from itertools import product

import mpmath
import numpy as np
import pytest

from theory.errors import InputError
from theory.networks import linear_law, one_layer_characteristic, relu_law, sign_chain
from theory.networks.chains import (
    agreement_with_gaussian_weights,
    agreement_with_sign_weights,
    binomial_pmf,
)


@pytest.mark.parametrize(("n", "p"), [(1, 0.5), (40, 1e-9), (300, 0.3), (2000, 0.999)])
def test_binomial_pmf_relative_accuracy(n, p):
    pmf, mode = binomial_pmf(n, p), int((n + 1) * p)
    with mpmath.workdps(40):
        exact = mpmath.mpf(p)
        for k in range(0, n + 1, max(1, n // 23)):
            reference = mpmath.binomial(n, k) * exact**k * (1 - exact) ** (n - k)
            if reference > 1e-290:
                roundings = 5 * (abs(k - mode) + n**0.5 / 2 + 4)
                assert abs(pmf[k] / reference - 1) < roundings * 2.0**-53


@pytest.mark.parametrize(("p", "place"), [(0.0, 0), (1.0, 7), (-1e-17, 0), (1 + 1e-15, 7)])
def test_binomial_pmf_at_the_ends(p, place):
    assert binomial_pmf(7, p).tolist() == [float(k == place) for k in range(8)]


@pytest.mark.parametrize("n", [1, 2, 3, 6, 7])
def test_agreement_with_sign_weights_by_enumeration(n):
    weights = np.array(list(product((1, -1), repeat=n)))
    found = agreement_with_sign_weights(n)
    for k in range(n + 1):
        other = np.array([1] * k + [-1] * (n - k))
        same = np.where(weights.sum(1) >= 0, 1, -1) == np.where(weights @ other >= 0, 1, -1)
        assert found[k] == pytest.approx(same.mean(), rel=1e-14, abs=1e-16)


def test_gaussian_agreement_is_clipped():
    assert agreement_with_gaussian_weights([1 + 1e-15, -1 - 1e-15]).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("hidden", ["gaussian", "rademacher"])
def test_chain_is_a_law_and_symmetric(hidden):
    there = sign_chain(0.4, (9, 13, 7), hidden=hidden)
    back = sign_chain(-0.4, (9, 13, 7), hidden=hidden)
    for one, other in zip(there.pmfs, back.pmfs, strict=True):
        assert one.sum() == pytest.approx(1.0, rel=1e-14)
        np.testing.assert_allclose(one, other[::-1], rtol=1e-12)


@pytest.mark.parametrize("rho", [-1.0, 0.0, 1.0])
def test_chain_at_the_ends(rho):
    chain = sign_chain(rho, (8, 9))
    if rho:
        assert chain.pmfs[-1][9 if rho > 0 else 0] == 1.0
    assert chain.covariance() == pytest.approx(rho, abs=1e-15)


def test_characteristic_function_of_one_layer():
    for n, t1, t2 in ((1, 0.3, 1.0), (10, -1.5, 2.0), (257, 0.7, 0.7)):
        chain = sign_chain(-0.35, n, weight_std=1.3)
        closed = one_layer_characteristic(-0.35, n, t1, t2, 1.3)
        assert chain.characteristic(t1, t2) == pytest.approx(closed, rel=1e-12)


def test_one_input_is_exactly_gaussian():
    # T44(i): with t2 = 0 the conditional variance does not depend on the agreements.
    chain = sign_chain(0.2, (5, 6), weight_std=1.3, bias_std=0.4)
    variances, weights = chain.conditional_variances(1.0, 0.0)
    np.testing.assert_allclose(variances, 1.3**2 + 0.4**2, rtol=1e-15)
    assert weights.sum() == pytest.approx(1.0)


def test_bias_pulls_the_agreements_up():
    without, with_bias = sign_chain(0.1, (50, 50)), sign_chain(0.1, (50, 50), bias_std=1.0)
    assert with_bias.pmfs[-1] @ np.arange(51) > without.pmfs[-1] @ np.arange(51) + 1


@pytest.mark.parametrize("widths", [(1,), (2, 3), (100, 7, 20)])
def test_product_laws_against_quadrature(widths):
    def chi_root(j):
        return (
            mpmath.sqrt(2) * mpmath.gamma(mpmath.mpf(j + 1) / 2) / mpmath.gamma(mpmath.mpf(j) / 2)
        )

    relu = linear = relu2 = linear2 = mpmath.mpf(1)
    for n in widths:
        active = [mpmath.binomial(n, j) / mpmath.mpf(2) ** n for j in range(n + 1)]
        relu *= mpmath.fsum(active[j] * chi_root(j) for j in range(1, n + 1)) * mpmath.sqrt(
            mpmath.mpf(2) / n
        )
        linear *= chi_root(n) / mpmath.sqrt(n)
        # E (chi^2_j)^2 = j (j + 2).
        relu2 *= mpmath.fsum(active[j] * j * (j + 2) for j in range(n + 1)) * 4 / mpmath.mpf(n) ** 2
        linear2 *= mpmath.mpf(n + 2) / n
    assert relu_law(widths).mean_root == pytest.approx(float(relu), rel=1e-12)
    assert linear_law(widths).mean_root == pytest.approx(float(linear), rel=1e-12)
    assert relu_law(widths).relative_variance == pytest.approx(float(relu2 - 1), rel=1e-12)
    assert linear_law(widths).relative_variance == pytest.approx(float(linear2 - 1), rel=1e-12)


@pytest.mark.parametrize(
    "bad",
    [
        {"correlation": 1.1},
        {"correlation": float("nan")},
        {"widths": ()},
        {"widths": 0},
        {"widths": (3, -1)},
        {"weight_std": 0.0},
        {"bias_std": -0.1},
        {"hidden": "ternary"},
        {"hidden": "rademacher", "bias_std": 0.1},
    ],
    ids=str,
)
def test_bad_input(bad):
    arguments = {"correlation": 0.1, "widths": (3, 3)} | bad
    with pytest.raises(InputError):
        sign_chain(arguments.pop("correlation"), arguments.pop("widths"), **arguments)
