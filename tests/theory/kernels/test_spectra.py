"""Spectra on spheres: float64 against balls, against Gram matrices, and against exact cases."""

import numpy as np
import pytest
import sympy as sp
from flint import arb
from scipy.special import eval_gegenbauer

import theory as th
from theory.errors import ArchitectureError, DomainError, InputError, UndefinedKernelError
from theory.kernels.spectra.spheres import cosine_series, harmonics, multiplicity, weighted

MIXED = th.Architecture(1, th.sign(), th.hardtanh("1/2"), weight_std=1.5, bias_std=0.25)
DEEP = th.Architecture(2, th.sign(), th.hardtanh(1), bias_std=0.5)
KINKS = th.Architecture(2, th.hardtanh(1), th.hardtanh("1/2"), weight_std=1.25)
SMOOTH = th.Architecture(2, th.erf(1), th.erf(2), bias_std=0.25)
RELU = th.Architecture(1, th.relu(), th.gelu(), weight_std=1.5)
STAIRS = th.Architecture(1, th.uniform_quantizer(2, 1), th.triangle(1), weight_std=1.25)


def circle(count: int, norm: float) -> np.ndarray:
    angles = 2 * np.pi * np.arange(count) / count
    return norm * np.sqrt(2) * np.stack([np.cos(angles), np.sin(angles)], axis=1)


@pytest.mark.parametrize("d", [2, 3, 4, 7])
def test_harmonics_are_gegenbauer_polynomials_and_orthogonal(d):
    angles = np.linspace(0.1, 3.0, 7)
    values = harmonics(np.cos(angles), 7, d)
    order = max(d / 2 - 1, 1e-9)
    for k in range(7):
        reference = eval_gegenbauer(k, order, np.cos(angles)) / eval_gegenbauer(k, order, 1.0)
        np.testing.assert_allclose(values[k], reference, atol=1e-7 if d == 2 else 1e-13)
        series = np.array([float(a) for a in cosine_series(k, d)])
        np.testing.assert_allclose(
            series @ np.cos(np.arange(k + 1)[:, None] * angles), values[k], atol=1e-14
        )
        assert sum(cosine_series(k, d)) == 1
        assert min(cosine_series(k, d)) >= 0
        terms, in_sines = weighted(k, d)
        wave = (np.sin if in_sines else np.cos)(np.arange(len(terms))[:, None] * angles)
        expected = values[k] * np.sin(angles) ** (d - 2)
        np.testing.assert_allclose(np.array([float(a) for a in terms]) @ wave, expected, atol=1e-14)


def test_multiplicities():
    assert [multiplicity(k, 2) for k in range(4)] == [1, 2, 2, 2]
    assert [multiplicity(k, 3) for k in range(5)] == [1, 3, 5, 7, 9]
    assert [multiplicity(k, 4) for k in range(5)] == [1, 4, 9, 16, 25]


@pytest.mark.parametrize("d", [2, 3, 6])
def test_the_linear_network_by_hand(d):
    # K = s_w^2 r^2 rho + s_b^2: lambda_0 = s_b^2, lambda_1 = s_w^2 r^2 / d.
    arch = th.Architecture(0, weight_std=1.5, bias_std=0.5)
    expected = [0.25, 2.25 * 4 / d, 0.0, 0.0]
    found = th.zonal_spectrum(arch, 4, dimension=d, norm=2)
    np.testing.assert_allclose(found.eigenvalues, expected, atol=1e-14)
    for ball, value in zip(
        th.certified_spectrum(arch, 4, dimension=d, norm=2), expected, strict=True
    ):
        assert ball.contains(value) or abs(float(ball.mid()) - value) < float(ball.rad()) + 1e-15
        assert float(ball.rad()) < 1e-8


@pytest.mark.parametrize(
    ("arch", "pair"),
    [
        (MIXED, ("true", "surrogate")),
        (MIXED, ("surrogate", "surrogate")),
        (KINKS, ("true", "true")),
        (SMOOTH, ("true", "surrogate")),
        (RELU, ("true", "surrogate")),
        (STAIRS, ("true", "surrogate")),
    ],
    ids=["sign", "sign surrogate", "hardtanh", "erf", "relu gelu", "staircase triangle"],
)
def test_gram_matrix_of_the_circle(arch, pair):
    """The spectrum of N equispaced inputs is N times the coefficients, folded at N."""
    count = 49
    gram = np.fft.fft(th.ntk(arch, circle(count, 1.5), jacobians=pair)[0]).real / count
    found = th.zonal_spectrum(arch, 600, norm=1.5, jacobians=pair)
    # Coefficients fall off like 1/k^2 or faster: what lies beyond degree 588, by their largest multiple.
    degrees = np.arange(300, 600)
    beyond = 4 * np.abs(found.eigenvalues[300:] * degrees**2).max() / (11 * count**2)
    assert beyond < 2e-4 * found.diagonal
    for k in (0, 1, 2, 7):
        folded = found.eigenvalues[k] + sum(
            found.eigenvalues[j * count + s * k] for j in range(1, 12) for s in (1, -1)
        )
        assert gram[k] == pytest.approx(folded, abs=beyond + 1e-12)


@pytest.mark.parametrize("d", [2, 5])
@pytest.mark.parametrize(
    "arch",
    [MIXED, DEEP, KINKS, SMOOTH, RELU, STAIRS],
    ids=["sign", "deep sign", "hardtanh", "erf", "relu gelu", "staircase triangle"],
)
def test_balls_contain_the_float64_values(arch, d):
    found = th.zonal_spectrum(arch, 5, dimension=d, norm=1.5)
    balls = th.certified_spectrum(arch, 5, dimension=d, norm="3/2", tolerance=1e-5)
    for ball, value, error in zip(balls, found.eigenvalues, found.errors, strict=True):
        gap = abs(float(ball.mid()) - value)
        assert gap <= float(ball.rad()) + error + 1e-12
        assert float(ball.rad()) < 4e-5 * found.diagonal


def test_balls_at_higher_accuracy():
    found = th.zonal_spectrum(MIXED, 6, kind="nngp")
    balls = th.certified_spectrum(MIXED, 6, kind="nngp", tolerance=1e-14)
    gaps = [abs(float(b.mid()) - v) for b, v in zip(balls, found.eigenvalues, strict=True)]
    assert max(gaps) < 3e-14
    # E[sgn sgn] = (2/pi) arcsin rho_1 with rho_1 = (2.25 cos + 1/16)/(2.25 + 1/16): no closed coefficients, but
    # the sum of all of them is the diagonal.
    assert found.diagonal == pytest.approx(1.5**2 + 0.25**2, rel=1e-14)


def test_arcsin_coefficients_are_exact():
    # (2/pi) arcsin(cos t) = (8/pi^2) sum_{odd k} cos(k t)/k^2: lambda_k = 4/(pi k)^2.
    arch = th.Architecture(1, th.sign())
    balls = th.certified_spectrum(arch, 10, kind="nngp", tolerance=1e-12)
    found = th.zonal_spectrum(arch, 10, kind="nngp")
    for k in range(10):
        exact = 4 / (np.pi * k) ** 2 if k % 2 else 0.0
        assert abs(float(balls[k].mid()) - exact) <= float(balls[k].rad()) + 1e-16
        assert found.eigenvalues[k] == pytest.approx(exact, abs=2e-15)


def test_sphere_agrees_with_the_kernel_in_that_dimension():
    """sum_k N_k lambda_k P_k is the kernel again, in three dimensions."""
    found = th.zonal_spectrum(SMOOTH, 40, dimension=3, norm=1.2)
    angles = np.array([0.3, 1.0, 2.5])
    points = 1.2 * np.sqrt(3) * np.stack([np.cos(angles), np.sin(angles), np.zeros(3)], axis=1)
    kernel = th.ntk(SMOOTH, points, 1.2 * np.sqrt(3) * np.array([[1.0, 0.0, 0.0]]))[:, 0]
    series = (found.multiplicities * found.eigenvalues) @ harmonics(np.cos(angles), 40, 3)
    np.testing.assert_allclose(series, kernel, rtol=1e-9)


def test_verdicts_in_words():
    arch = th.Architecture(1, th.sign(), th.hardtanh("1/2"))
    found = th.zonal_spectrum(arch, 16)
    certain = [k for k, b in enumerate(th.certified_spectrum(arch, 16, tolerance=1e-6)) if b < 0]
    assert certain == list(found.negative) == [11, 13, 15]
    assert "3 negative eigenvalues on S^1" in str(found)
    assert found.ratio == pytest.approx(-3.7e-3, abs=5e-5)
    positive = th.zonal_spectrum(th.Architecture(1, th.sign(), th.erf(1)), 16)
    assert "No negative eigenvalue" in str(positive)


@pytest.mark.parametrize("spectrum", [th.zonal_spectrum, th.certified_spectrum])
def test_refusals(spectrum):
    with pytest.raises(UndefinedKernelError, match="infinite on the diagonal"):
        spectrum(th.Architecture(1, th.sign()))
    with pytest.raises(InputError, match="dimension must be at least 2"):
        spectrum(MIXED, dimension=1)
    with pytest.raises(InputError, match="kind must be"):
        spectrum(MIXED, kind="kernel")


def test_what_cannot_be_certified_is_refused():
    with pytest.raises(InputError, match="closed form"):
        th.certified_spectrum(th.Architecture(1, th.tanh(1)))
    with pytest.raises(ArchitectureError, match="float64 only"):
        th.certified_spectrum(
            th.Architecture(
                1, th.sign(), th.erf(1), weights=th.binarized(th.sign(), th.hardtanh(1))
            )
        )
    with pytest.raises(InputError, match="does not lead to elementary"):
        th.certified_spectrum(th.Architecture(1, th.laplace(1)))
    with pytest.raises(InputError, match="tolerance"):
        th.certified_spectrum(MIXED, tolerance=1e-40)


def test_binarized_weights_have_a_spectrum_in_float64():
    arch = th.Architecture(
        1, th.sign(), th.hardtanh(1), weights=th.binarized(th.sign(), th.hardtanh(1))
    )
    gram = np.fft.fft(th.ntk(arch, circle(512, 1.0), first_layer="gaussian")[0]).real / 512
    found = th.zonal_spectrum(arch, 4)
    np.testing.assert_allclose(found.eigenvalues[1:4:2], gram[1:4:2], rtol=1e-3)


def test_where_the_hardtanh_estimator_turns_indefinite():
    ball = th.critical_parameter(
        lambda b: th.Architecture(1, th.sign(), th.hardtanh(b)), 9, "761/1000", "762/1000", digits=3
    )
    assert ball.contains(arb("0.761625698284055133235001699477"))
    assert ball.rad() < arb("0.0004")


def test_critical_parameters_are_refused_without_a_change_of_sign():
    def family(b):
        return th.Architecture(1, th.sign(), th.hardtanh(b))

    with pytest.raises(DomainError, match="no certain change of sign"):
        th.critical_parameter(family, 1, "1/2", 1, digits=3)
    with pytest.raises(InputError, match="at most 30"):
        th.critical_parameter(family, 9, "3/4", 1, digits=31)
    with pytest.raises(InputError, match="low < high"):
        th.critical_parameter(family, 9, 1, "3/4")
    with pytest.raises(InputError, match="rational"):
        th.critical_parameter(family, 9, "3/4", sp.sqrt(2))
