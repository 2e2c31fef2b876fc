"""Regression with an asymmetric kernel: the limit of training, refusals, and scikit-learn's own checks."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import check_estimator

import theory as th
from theory.dynamics.ridge import AsymmetricRidge
from theory.errors import ArchitectureError, DomainError, InputError

RNG = np.random.default_rng(3)
X = RNG.standard_normal((20, 3)) * RNG.uniform(0.5, 2, (20, 1))
Y = np.stack([X[:, 0], np.abs(X[:, 1])], axis=1)
NEW = RNG.standard_normal((7, 3))
ARCH = th.Architecture(1, th.hardtanh("1/2"), th.hardtanh(1), weight_std=1.25, bias_std=0.5)


@pytest.mark.parametrize("outputs", [1, 2])
def test_predictions_are_the_limit_of_training(outputs: int) -> None:
    y = Y[:, 0] if outputs == 1 else Y
    model = AsymmetricRidge(ARCH, ridge=0.1).fit(X, y)
    kernel = th.ntk(ARCH, X)
    assert np.abs(kernel - kernel.T).max() > 0.01
    zero = np.zeros((len(NEW), *y.shape[1:]))
    limit = th.dynamics.predict(
        kernel + 0.1 * np.eye(20), th.ntk(ARCH, NEW, X), y, 0 * y, zero, np.inf
    )
    np.testing.assert_allclose(model.predict(NEW), limit, rtol=1e-9)
    assert model.dual_coef_.shape == y.shape
    assert model.stability_.converges is True
    assert model.score(X, y) > 0.9


def test_without_ridge_it_interpolates_and_the_rows_are_evaluation_points() -> None:
    model = AsymmetricRidge(ARCH).fit(X, Y[:, 0])
    np.testing.assert_allclose(model.predict(X), Y[:, 0], rtol=1e-9)
    turned = AsymmetricRidge(ARCH, jacobians=("surrogate", "true")).fit(X, Y[:, 0])
    assert np.abs(turned.predict(NEW) - model.predict(NEW)).max() > 1e-3


def test_unstable_kernels_are_refused_with_the_verdict_until_the_ridge_holds_them() -> None:
    angles = 2 * np.pi * np.arange(24) / 24
    circle = np.sqrt(2) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    # Claim T27: on the circle the straight-through estimator is not positive.
    arch = th.Architecture(1, th.sign(), th.hardtanh("1/2"), weight_std=1.0)
    y = np.sign(np.sin(3 * angles + 0.1))
    with pytest.raises(DomainError, match="diverges"):
        AsymmetricRidge(arch).fit(circle, y)
    least = min(mode.eigenvalue.real for mode in th.dynamics.stability(th.ntk(arch, circle)).modes)
    AsymmetricRidge(arch, ridge=-1.1 * least).fit(circle, y)
    with pytest.raises(DomainError, match="diverges"):
        AsymmetricRidge(arch, ridge=-0.9 * least).fit(circle, y)
    # Twice the same input, twice the same row: a mode stands still.
    with pytest.raises(DomainError, match="no limit"):
        AsymmetricRidge(ARCH).fit(np.vstack([X, X[:1]]), np.append(Y[:, 0], 1.0))


def test_scikit_learns_own_checks() -> None:
    # On all of its data this kernel is stable, and asymmetric.
    arch = th.Architecture(1, th.erf(2), th.erf(1), weight_std=1.25, bias_std=0.5)
    found = check_estimator(AsymmetricRidge(arch, ridge=1.0), on_fail=None, on_skip=None)
    failed = {
        check["check_name"]: check["exception"] for check in found if check["status"] == "failed"
    }
    assert not failed
    assert len(found) > 40


def test_clones_pickles_and_searches() -> None:
    model = AsymmetricRidge(ARCH, ridge=0.5).fit(X, Y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(NEW), model.predict(NEW))
    np.testing.assert_array_equal(clone(model).fit(X, Y).predict(NEW), model.predict(NEW))
    search = GridSearchCV(AsymmetricRidge(ARCH), {"ridge": [0.1, 10.0]}, cv=2).fit(X, Y)
    assert search.best_params_["ridge"] in (0.1, 10.0)


def test_refusals() -> None:
    with pytest.raises(InputError, match="ridge must be at least 0"):
        AsymmetricRidge(ARCH, ridge=-1).fit(X, Y)
    with pytest.raises(ArchitectureError, match="arch"):
        AsymmetricRidge(th.sign()).fit(X, Y)
