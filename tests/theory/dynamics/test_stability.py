"""Verdicts on training against direct simulation, exact small cases and independent bounds."""

import numpy as np
import pytest
from scipy.linalg import expm

import theory as th
from theory.dynamics import stability
from theory.errors import DomainError, InputError

RNG = np.random.default_rng(8)
X = RNG.normal(size=(9, 2)) * np.exp(RNG.normal(size=(9, 1)))
SHEAR = np.array([[1.0, -30.0], [0.0, 1.2]])


def amplification(step: np.ndarray, count: int) -> float:
    return float(np.linalg.norm(np.linalg.matrix_power(step, count), 2))


@pytest.mark.parametrize("hidden", [1, 2])
def test_learning_rate_limit_is_sharp(hidden):
    arch = th.Architecture(hidden, th.hardtanh("1/2"), th.hardtanh(2), bias_std=0.5)
    kernel = th.ntk(arch, X)
    found = stability(kernel)
    assert found.converges
    below, above = (
        np.abs(np.linalg.eigvals(np.eye(9) - factor * found.rate_limit * kernel)).max()
        for factor in (1 - 1e-9, 1 + 1e-6)
    )
    assert below < 1 < above


def test_complex_modes_limit_the_rate():
    # lambda = 1 +- 3i: 2 Re/|lambda|^2 = 1/5; the radius alone would say 2/sqrt(10).
    kernel = np.array([[1.0, 3.0], [-3.0, 1.0]])
    found = stability(kernel)
    assert found.rate_limit == pytest.approx(0.2, rel=1e-14)
    assert amplification(np.eye(2) - 0.199 * kernel, 4000) < 0.1
    assert amplification(np.eye(2) - 0.201 * kernel, 4000) > 10
    assert found.monotone
    assert "decreases from every start" in str(found)


def test_anti_learning_modes_of_sign_networks():
    """Golden numbers of T28."""
    angles = 2 * np.pi * np.arange(64) / 64
    circle = np.sqrt(2) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    kernel = th.ntk(th.Architecture(1, th.sign(), th.hardtanh(1), weight_std=2), circle)
    found = stability(kernel)
    values = [mode.eigenvalue.real for mode in found.learning_negative]
    np.testing.assert_allclose(values[:4:2], [-0.88485827, -0.85112621], atol=1e-8)
    first = found.learning_negative[0].direction
    spectrum = np.abs(np.fft.fft(first)) ** 2
    assert spectrum[[11, 53]].sum() == pytest.approx(spectrum.sum(), rel=1e-9)
    assert found.rate_limit == 0.0
    assert "learn the negative of the target" in str(found)
    target = np.cos(11 * angles)
    projection = th.dynamics.flow(kernel, target, np.zeros(64), 0.8) @ target / 32
    assert projection == pytest.approx(1 - np.exp(0.8 * 0.88485827), abs=1e-7)


def test_off_the_sphere():
    """Golden numbers of T30: a negative eigenvalue on three inputs of the line."""
    arch = th.Architecture(1, th.sign(), th.hardtanh("0.22"), bias_std=0.73)
    found = stability(th.ntk(arch, [[-3.34], [-3.80], [-2.96]]))
    values = [mode.eigenvalue for mode in found.modes]
    assert np.all(np.abs(np.array(values) - [-0.6564, 2.7645, 39.980]) <= [5e-5, 5e-5, 5e-4])


def test_transient_growth_encloses_a_fine_scan():
    found = stability(SHEAR)
    scan = max(np.linalg.norm(expm(-SHEAR * t), 2) for t in np.linspace(0, 10, 1001))
    growth, kreiss = found.transient_growth(), found.kreiss_constant()
    assert growth.lower <= scan * (1 + 1e-6)
    assert scan <= growth.upper <= 1.01 * scan * (1 + 1e-6)
    assert 1 < kreiss.lower <= scan <= np.e * 2 * kreiss.upper
    z = kreiss.at
    assert z.real * found.resolvent_norm(z) == pytest.approx(kreiss.lower, rel=1e-9)
    assert scan <= np.e * 2 * kreiss.lower


def test_kreiss_constant_of_a_known_matrix():
    # For [[1, -k], [0, 1]]: |(z + Theta)^-1| at real z = x has largest singular value s with
    # s^2 the larger root of (x+1)^4 s^4 - (2 (x+1)^2 + k^2) s^2 + 1 = 0; its maximum lies on the real axis.
    k, x = 12.0, np.linspace(1e-3, 40, 400_001)
    a, b = (x + 1) ** 4, 2 * (x + 1) ** 2 + k**2
    reference = (x * np.sqrt((b + np.sqrt(b**2 - 4 * a)) / (2 * a))).max()
    found = stability(np.array([[1.0, -k], [0.0, 1.0]])).kreiss_constant()
    assert found.lower == pytest.approx(reference, rel=1e-6)


def test_no_growth_where_the_symmetric_part_is_definite():
    found = stability(np.array([[2.0, 1.0], [-1.0, 3.0]]))
    assert found.monotone
    assert (found.transient_growth().lower, found.transient_growth().upper) == (1.0, 1.0)
    eta = found.monotone_rate_limit
    step = np.eye(2) - eta * np.array([[2.0, 1.0], [-1.0, 3.0]])
    assert np.linalg.norm(step, 2) == pytest.approx(1.0, abs=1e-12)
    assert eta <= found.rate_limit


def test_distance_to_divergence():
    # Normal: the least real part. Sheared: an explicit perturbation reaches the axis.
    turned = np.array([[0.3, 5.0], [-5.0, 0.3]])
    assert 0.3 in stability(turned).distance_to_divergence(1e-6)
    assert stability(turned).distance_to_divergence(1e-6).upper == pytest.approx(0.3, rel=1e-6)
    found = stability(SHEAR).distance_to_divergence(1e-4)
    left, values, right = np.linalg.svd(SHEAR + found.at * np.eye(2))
    moved = SHEAR - values[-1] * np.outer(left[:, -1], right[-1])
    assert np.linalg.eigvals(moved).real.min() < 1e-12
    assert found.upper == pytest.approx(values[-1], rel=1e-9)
    assert found.upper < 0.05  # where the least eigenvalue is 1


def test_standing_modes_are_left_open():
    found = stability(th.ntk(th.Architecture(0), RNG.normal(size=(5, 2))))
    assert found.converges is None
    assert len(found.standing) == 3
    assert "3 modes have a real part that is zero to rounding" in str(found)
    assert 0 < found.rate_limit < np.inf


def test_a_jordan_block_is_not_split_in_two_verdicts():
    found = stability(np.array([[1.0, 1.0], [0.0, 1.0]]))
    assert found.converges
    assert max(mode.error for mode in found.modes) > 1e-9
    assert stability(np.array([[0.0, 1.0], [0.0, 0.0]])).converges is None


# ---------------------------------------------------------------------- weights of the loss

TURN = RNG.normal(size=(9, 9)) + 3 * np.eye(9)
WEIGHTS = {"samples": np.geomspace(0.2, 5.0, 9), "form": TURN.T @ TURN}


def matrix_of(weights):
    return np.diag(weights) if weights.ndim == 1 else weights


@pytest.mark.parametrize("name", WEIGHTS)
def test_weighted_rate_limit_against_descent(name):
    """Steps of descent on (1/2) r^T W r itself, just below and just above the limit."""
    kernel = th.ntk(
        th.Architecture(1, th.hardtanh("1/2"), th.hardtanh(2), bias_std=0.5),
        np.vstack([X[:8], [[0.3, -1.0]]]),
    )
    found = stability(kernel, weights=WEIGHTS[name])
    assert found.converges
    sizes = []
    for factor in (0.99, 1.01):
        rate, residual = factor * found.rate_limit, np.ones(9)
        for _ in range(2000):
            residual = residual - rate * kernel @ (matrix_of(WEIGHTS[name]) @ residual)
        sizes.append(np.abs(residual).max())
    assert sizes[0] < 10
    assert sizes[1] > 1e10
    plain = stability(kernel).rate_limit
    assert abs(found.rate_limit / plain - 1) > 0.1


@pytest.mark.parametrize("name", WEIGHTS)
def test_weighted_growth_is_that_of_the_root_of_the_loss(name):
    """Scan of sup_t sup_r loss(t)/loss(0), by exponentials in the coordinates of the samples."""
    shear = np.eye(9) + np.triu(np.full((9, 9), 0.7), 1)
    weights = matrix_of(WEIGHTS[name])
    found = stability(shear, weights=WEIGHTS[name])
    root = np.linalg.cholesky(weights)
    best = 0.0
    for t in np.linspace(0, 8, 401):
        power = expm(-shear @ weights * t)
        ratio = np.linalg.eigvalsh(
            np.linalg.solve(root, power.T @ weights @ power) @ np.linalg.inv(root.T)
        )
        best = max(best, ratio[-1] ** 0.5)
    growth = found.transient_growth()
    assert growth.lower <= best * (1 + 1e-3)
    assert best <= growth.upper * (1 + 1e-9)
    symmetric = weights @ (shear + shear.T) @ weights
    assert found.monotone == bool(np.linalg.eigvalsh(symmetric)[0] > 0)


def test_weighted_monotone_rate_limit_is_sharp():
    kernel = np.array([[2.0, 1.0], [-1.0, 3.0]])
    weights = np.array([0.2, 4.0])
    limit = stability(kernel, weights=weights).monotone_rate_limit
    starts = np.stack([np.cos(a := np.linspace(0, np.pi, 20_001)), np.sin(a)])

    def worst(rate):
        after = starts - rate * kernel @ (weights[:, None] * starts)
        return ((weights @ after**2) / (weights @ starts**2)).max()

    assert worst(0.999 * limit) < 1 < worst(1.001 * limit)


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_weighted_mode_is_learned_at_its_own_rate(name):
    kernel = np.diag(np.arange(1.0, 10.0)) + np.triu(np.full((9, 9), 0.3), 1)
    for mode in stability(kernel, weights=WEIGHTS[name]).modes[::3]:
        assert np.linalg.norm(mode.direction) == pytest.approx(1.0, abs=1e-12)
        parts = np.stack([mode.direction.real, mode.direction.imag], axis=1)
        time = 0.7 / abs(mode.eigenvalue)
        learned = th.dynamics.flow(kernel, parts, np.zeros((9, 2)), time, weights=WEIGHTS[name]) @ [
            1,
            1j,
        ]
        expected = (1 - np.exp(-mode.eigenvalue * time)) * mode.direction
        np.testing.assert_allclose(learned, expected, atol=1e-9)


def test_weights_as_repeated_samples_and_as_a_mean():
    kernel, counts = th.ntk(th.Architecture(1, th.sign(), th.hardtanh(1)), X), np.arange(1, 10)
    places = np.repeat(np.arange(9), counts)
    many = np.linalg.eigvals(kernel[np.ix_(places, places)])
    moving = np.sort_complex(many[np.argsort(-np.abs(many))[:9]])
    found = np.sort_complex([mode.eigenvalue for mode in stability(kernel, weights=counts).modes])
    np.testing.assert_allclose(found, moving, rtol=1e-9)
    mean, total = stability(kernel, weights=np.full(9, 1 / 9)), stability(kernel)
    assert mean.rate_limit == pytest.approx(9 * total.rate_limit, rel=1e-12)
    assert str(stability(kernel, weights=np.eye(9))) == str(total)


def test_a_limit_that_is_refused_speaks_of_the_weighted_loss():
    """For residuals apart this kernel is monotone; for the weighted loss it is not, and the verdict says so."""
    kernel = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.5], [0.0, -0.4, 0.0]])
    words = str(stability(kernel, weights=[1.0, 9.0, 0.1]))
    assert words != str(stability(kernel))
    singular = np.array([[1.0, 1.9], [0.0, 0.0]])
    with pytest.raises(DomainError) as refused:
        th.dynamics.flow(singular, [1.0, 1.0], [0.0, 0.0], np.inf, weights=[1.0, 50.0])
    assert str(stability(singular, weights=[1.0, 50.0])) in str(refused.value)


def test_bad_weights_are_refused():
    with pytest.raises(InputError, match="weights must be positive, got 0"):
        stability(np.eye(2), weights=[1.0, 0.0])
    with pytest.raises(InputError, match="one number a sample"):
        stability(np.eye(2), weights=[1.0, 1.0, 1.0])
