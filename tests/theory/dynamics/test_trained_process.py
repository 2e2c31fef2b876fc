"""The law of trained ensembles: limits in time, a sampled start, and what it refuses."""

import numpy as np
import pytest

import theory as th
from theory.errors import DomainError, InputError

RNG = np.random.default_rng(3)
X = RNG.normal(size=(5, 2)) * np.array([[0.5], [1.0], [2.0], [1.0], [3.0]])
NEW = RNG.normal(size=(4, 2))
Y = np.array([1.0, -2.0, 0.5, 0.0, 1.0])
ARCH = th.Architecture(1, th.sign(), th.erf(1), weight_std=1.5, bias_std=0.5)


def test_start_and_end():
    start = th.dynamics.trained_process(ARCH, X, Y, NEW, 0.0)
    np.testing.assert_allclose(start.covariance, th.nngp(ARCH, NEW), rtol=1e-14)
    assert np.abs(start.mean).max() == 0.0
    end = th.dynamics.trained_process(ARCH, X, Y, X, np.inf)
    np.testing.assert_allclose(end.mean, Y, atol=1e-11)
    assert end.std.max() < 1e-5


@pytest.mark.parametrize("t", [0.2, 3.0, np.inf])
def test_law_is_that_of_the_flow_from_a_gaussian_start(t):
    """Every start is mapped by ``predict``: the map is affine, so its matrix gives mean and covariance."""
    kernel, cross = th.ntk(ARCH, X), th.ntk(ARCH, NEW, X)
    everything = np.vstack([X, NEW])
    sigma = th.nngp(ARCH, everything)
    identity = np.eye(9)
    zero = np.zeros((5, 1))
    linear = th.dynamics.predict(kernel, cross, np.zeros((5, 9)), identity[:5], identity[5:], t)
    mean = th.dynamics.predict(kernel, cross, Y[:, None], zero, zero[:4], t)[:, 0]
    found = th.dynamics.trained_process(ARCH, X, Y, NEW, t)
    np.testing.assert_allclose(found.mean, mean, atol=1e-12)
    np.testing.assert_allclose(found.covariance, linear @ sigma @ linear.T, atol=1e-11)


@pytest.mark.parametrize(
    "weights", [None, np.array([1.0, 0.5, 2.0, 1.0, 0.3])], ids=["plain", "weighted"]
)
def test_law_after_steps_is_that_of_stepping_every_start(weights):
    """Five starts at the training inputs and four at the new ones, each stepped by itself."""
    kernel, cross, rate = th.ntk(ARCH, X), th.ntk(ARCH, NEW, X), 0.02
    shape = np.eye(5) if weights is None else np.diag(weights)
    sigma, steps = th.nngp(ARCH, np.vstack([X, NEW])), [0, 1, 40]
    found = th.dynamics.descended_process(ARCH, X, Y, NEW, steps, rate, weights=weights)
    assert found.mean.shape == (3, 4)
    linear, here, mean, trained = np.eye(9)[5:], np.eye(9)[:5], np.zeros(4), np.zeros(5)
    for step in range(41):
        if step in steps:
            k = steps.index(step)
            np.testing.assert_allclose(found.mean[k], mean, atol=1e-12)
            np.testing.assert_allclose(found.covariance[k], linear @ sigma @ linear.T, atol=1e-11)
        mean, trained = (
            mean - rate * cross @ shape @ (trained - Y),
            trained - rate * kernel @ shape @ (trained - Y),
        )
        linear, here = linear - rate * cross @ shape @ here, here - rate * kernel @ shape @ here
    one = th.dynamics.descended_process(ARCH, X, Y, NEW, 40, rate, weights=weights)
    np.testing.assert_allclose(one.std, found.std[2], rtol=1e-12)
    np.testing.assert_allclose(one.std**2, np.diag(found.covariance[2]), rtol=1e-9)


def test_several_outputs_share_one_covariance():
    several = np.stack([Y, Y[::-1], np.ones(5)], axis=1)
    for law in (
        th.dynamics.trained_process(ARCH, X, several, NEW, [0.5, 2.0]),
        th.dynamics.descended_process(ARCH, X, several, NEW, [5, 20], 0.02),
    ):
        assert law.mean.shape == (2, 4, 3)
        assert law.covariance.shape == (2, 4, 4)
    alone = th.dynamics.trained_process(ARCH, X, several[:, 1], NEW, [0.5, 2.0])
    together = th.dynamics.trained_process(ARCH, X, several, NEW, [0.5, 2.0])
    np.testing.assert_allclose(together.mean[:, :, 1], alone.mean, atol=1e-13)


def test_times_and_weights():
    times = [0.2, 3.0]
    run = th.dynamics.trained_process(ARCH, X, Y, NEW, times, weights=np.array([1, 2, 1, 1, 1]))
    doubled, y = np.vstack([X, X[1:2]]), np.append(Y, Y[1])
    for k, t in enumerate(times):
        once = th.dynamics.trained_process(ARCH, doubled, y, NEW, t)
        np.testing.assert_allclose(run.mean[k], once.mean, atol=1e-11)
        np.testing.assert_allclose(run.covariance[k], once.covariance, atol=1e-11)
        np.testing.assert_allclose(run.std[k], np.sqrt(np.diag(once.covariance)), rtol=1e-9)


def test_many_test_inputs_have_deviations_without_a_covariance(monkeypatch):
    points = RNG.normal(size=(700, 2))
    found = th.dynamics.trained_process(ARCH, X, Y, points, 1.0)
    monkeypatch.setattr(type(found), "covariance", None)
    few = th.dynamics.trained_process(ARCH, X, Y, points[400:403], 1.0)
    np.testing.assert_allclose(found.std[400:403], few.std, rtol=1e-12)


def test_refusals():
    doubled = np.vstack([X, X[:1]])
    with pytest.raises(DomainError, match="no limit as t grows"):
        th.dynamics.trained_process(ARCH, doubled, np.zeros(6), NEW, np.inf)
    with pytest.raises(InputError, match="time of at least 0"):
        th.dynamics.trained_process(ARCH, X, Y, NEW, -1.0)
    with pytest.raises(InputError, match="at least one time"):
        th.dynamics.trained_process(ARCH, X, Y, NEW, [])
    with pytest.raises(InputError, match="y must have shape"):
        th.dynamics.trained_process(ARCH, X, Y[:3], NEW, 1.0)
    with pytest.raises(InputError, match="y must have shape"):
        th.dynamics.trained_process(ARCH, X, np.zeros((5, 0)), NEW, 1.0)
    with pytest.raises(DomainError, match="leave float64"):
        th.dynamics.descended_process(ARCH, X, Y, NEW, 10**5, 10.0)
