"""Layer maps, fixed points, critical lines and quantisers: against the deep kernel itself and exact cases."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

import theory as th
from theory.errors import ArchitectureError, DomainError, InputError
from theory.kernels.mean_field import FixedPoint, depth_scale

CASES = {
    "hardtanh": th.MeanField(th.hardtanh(1), th.hardtanh(2), 1.5, 0.3),
    "erf": th.MeanField(th.erf(1), th.erf(2), 1.25, 0.5),
    "sign": th.MeanField(th.sign(), th.hardtanh(1), 1.5, 0.25),
    "relu": th.MeanField(th.relu(), th.gelu(), 1.2, 0.3),
    "staircase": th.MeanField(th.uniform_quantizer(2, 1), th.triangle(1), 1.25, 0.25),
}
every_case = pytest.mark.parametrize("layer", CASES.values(), ids=list(CASES))


def deep(layer: th.MeanField, depth: int) -> th.Architecture:
    return th.Architecture(
        depth, layer.activation, layer.surrogate, layer.weight_std, layer.bias_std
    )


@every_case
def test_maps_are_one_layer_of_the_kernel(layer):
    x = np.array([[1.1, 0.3], [-0.2, 0.9]])
    below, above = th.layer_covariances(deep(layer, 1), x)
    np.testing.assert_allclose(layer.length_map(np.diag(below)), np.diag(above), rtol=1e-13)
    length = float(below[0, 0])
    y = x[1] * np.sqrt((length - layer.bias_std**2) / (below[1, 1] - layer.bias_std**2))
    below, above = th.layer_covariances(deep(layer, 1), np.array([x[0], y]))
    rho = below[0, 1] / length
    assert layer.correlation_map(rho, length) == pytest.approx(above[0, 1] / above[0, 0], rel=1e-12)


@every_case
def test_slopes_are_derivatives(layer):
    q, h = np.array([0.4, 1.0, 2.5]), 1e-5
    numeric = (layer.length_map(q + h) - layer.length_map(q - h)) / (2 * h)
    np.testing.assert_allclose(layer.length_slope(q), numeric, atol=1e-8)
    rho = np.array([-0.6, 0.1, 0.8])
    numeric = (layer.correlation_map(rho + h, 1.3) - layer.correlation_map(rho - h, 1.3)) / (2 * h)
    np.testing.assert_allclose(layer.correlation_slope(rho, 1.3), numeric, atol=1e-8)


@every_case
def test_deep_kernels_reach_the_fixed_points(layer):
    x = np.array([[1.0, 0.4], [-0.3, 0.8]])
    last = th.layer_covariances(deep(layer, 60), x)[-1]
    assert last[0, 0] == pytest.approx(layer.length.value, rel=1e-8)
    # Ordered phases end at 1, chaotic ones below.
    rho = last[0, 1] / np.sqrt(last[0, 0] * last[1, 1])
    assert rho == pytest.approx(layer.correlation.value, abs=1e-3)
    assert (layer.phase == "ordered") == (layer.correlation.value == 1.0)


@every_case
def test_correlation_depth_scale_is_the_rate_of_approach(layer):
    q, point = layer.length.value, layer.correlation
    gap = [1e-4]
    for _ in range(20):
        rho = point.value - gap[-1]
        gap.append(point.value - float(layer.correlation_map(rho, q)))
    rate = math.log(gap[5] / gap[10]) / 5
    assert 1 / rate == pytest.approx(point.depth_scale, rel=0.02)


@pytest.mark.parametrize("pair", ["tt", "ts", "ss"])
@pytest.mark.parametrize("name", ["hardtanh", "erf", "relu"])
def test_chi_against_quadrature(name, pair):
    layer = CASES[name]
    sides = {"t": layer.activation.derivative, "s": layer.surrogate.derivative}
    first, second = (sides[side] for side in pair)
    for q in (0.5, 2.0):
        integral, _ = quad(
            lambda u, q=q: (
                float(first(np.array(u)) * second(np.array(u)))
                * math.exp(-u * u / (2 * q))
                / math.sqrt(2 * math.pi * q)
            ),
            -14,
            14,
            points=[-2, -1, 0, 1, 2],
            limit=400,
        )
        assert layer.chi(pair, q) == pytest.approx(layer.weight_std**2 * integral, rel=1e-9)


def test_tangent_kernel_grows_with_chi():
    """Theta^{L+1}(x, x) = Sigma (1 + chi + ... + chi^L) at the fixed length (T64), without bias."""
    layer = th.MeanField(th.hardtanh(1), th.hardtanh(2), 1.6)
    q = layer.length.value
    chi = float(layer.chi("ts", q))
    x = np.array([[math.sqrt(q) / layer.weight_std]])
    for depth in (1, 3, 6):
        kernel = th.ntk(deep(layer, depth), x)[0, 0]
        assert kernel == pytest.approx(q * sum(chi**k for k in range(depth + 1)), rel=1e-9)


@every_case
@pytest.mark.parametrize("pair", ["ts", "ss"])
def test_critical_lines_are_critical(layer, pair):
    for q in (0.3, 1.0, 3.0):
        variance, bias = layer.critical_line(pair, q)
        if bias < 0:
            continue
        there = th.MeanField(
            layer.activation, layer.surrogate, math.sqrt(variance), math.sqrt(bias)
        )
        assert there.chi(pair, q) == pytest.approx(1.0, rel=1e-13)
        assert there.length_map(q) == pytest.approx(q, rel=1e-13)


def test_edge_of_chaos_separates_the_phases():
    layer = th.MeanField(th.hardtanh(1), bias_std=0.3)
    edge = layer.critical_weight_std("tt")
    phases = [
        th.MeanField(th.hardtanh(1), weight_std=factor * edge, bias_std=0.3).phase
        for factor in (0.999, 1.001)
    ]
    assert phases == ["ordered", "chaotic"]


def test_printed_values():
    """Golden numbers of T64: edges of chaos, critical sign networks, no order for sign."""
    np.testing.assert_allclose(
        np.transpose(th.MeanField(th.hardtanh(1)).critical_line("tt", [0.2, 0.5, 1, 2])),
        [[1.02601, 0.004045], [1.18666, 0.059635], [1.464795, 0.244080], [1.921230, 0.767113]],
        atol=6e-6,
    )
    np.testing.assert_allclose(
        np.transpose(th.MeanField(th.erf(1)).critical_line("tt", [0.5, 1])),
        [[1.3603, 0.04655], [1.7562, 0.18414]],
        atol=6e-5,
    )
    sign = th.MeanField(th.sign(), th.hardtanh(1))
    assert sign.critical_weight_std("ss") == pytest.approx(1.36610, abs=5e-6)
    assert sign.critical_weight_std("ts") == pytest.approx(math.sqrt(math.pi / 2), rel=1e-13)
    assert sign.correlation.depth_scale == pytest.approx(1 / math.log(math.pi / 2), rel=1e-12)
    assert sign.phase == "chaotic"


def test_fixed_lengths_are_proved():
    for layer in CASES.values():
        ball = layer.certified_length(layer.length, digits=25)
        assert float(ball.mid()) == pytest.approx(layer.length.value, rel=1e-12)
        assert float(ball.rad()) <= 1e-24 * layer.length.value
    with pytest.raises(DomainError, match="no certain change of sign"):
        CASES["erf"].certified_length(FixedPoint(0.123, 0.5))


def test_lengths_without_a_stable_point():
    with pytest.raises(DomainError, match="no stable"):
        _ = th.MeanField(th.relu(), weight_std=1.5, bias_std=0.1).length
    shrinking = th.MeanField(th.hardtanh(1), weight_std=0.5)
    assert shrinking.length.value == 0
    with pytest.raises(DomainError, match="shrink to 0"):
        _ = shrinking.phase


def test_refusals():
    with pytest.raises(ArchitectureError, match="Dirac"):
        th.MeanField(th.sign().derivative)
    with pytest.raises(InputError, match="weight_std"):
        th.MeanField(th.sign(), weight_std=0.0)
    with pytest.raises(InputError, match="pair must be"):
        CASES["erf"].chi("st", 1.0)
    with pytest.raises(InputError, match="rho must lie"):
        CASES["erf"].correlation_map(1.5, 1.0)


def test_depth_scale_ends():
    assert depth_scale(0.0) == 0.0
    assert depth_scale(math.inf) == 0.0
    assert depth_scale(1.0) == math.inf
    assert depth_scale(math.e) == pytest.approx(1.0)


@pytest.mark.parametrize("levels", [2, 3, 4, 7, 16])
def test_quantizers_transmit_what_they_do_not_lose(levels):
    """T65: chi_0 = 1 - D_N, here through the library's staircase and its correlation map."""
    best, even = th.lloyd_max(levels), th.evenly_spaced(levels)
    assert best.transmission == pytest.approx(1 - best.distortion, rel=1e-13)
    assert best.transmission >= even.transmission - 1e-15
    for quantizer in (best, even):
        staircase = th.staircase(
            tuple(map(th_exact, quantizer.thresholds)), tuple(map(th_exact, quantizer.levels))
        )
        slope = th.MeanField(staircase).correlation_slope(0.0, 1.0)
        assert slope == pytest.approx(quantizer.transmission, rel=1e-12)


def th_exact(value: float) -> str:
    return f"{value:.17f}"


def test_known_distortions():
    # Max 1960, tables I and II (as corrected since in the last digit).
    best = [th.lloyd_max(n).distortion for n in (2, 4, 8, 16)]
    np.testing.assert_allclose(best, [0.3634, 0.1175, 0.03454, 0.009501], rtol=5e-4)
    even = [th.evenly_spaced(n).distortion for n in (4, 8, 16)]
    np.testing.assert_allclose(even, [0.1188, 0.03744, 0.01154], rtol=5e-4)
    many = th.lloyd_max(512)
    assert many.distortion * 512**2 == pytest.approx(math.sqrt(3) * math.pi / 2, rel=5e-3)
    with pytest.raises(InputError, match="2 to 4096"):
        th.lloyd_max(1)


def test_stochastic_weights_share_their_means_alone():
    """Correlations of a wide network whose weights keep their means and redraw the rest for each input."""
    layer = th.MeanField(th.erf(1), None, 1.5, 0.4, mean_square=0.6)
    draws, n, depth = np.random.default_rng(1), 2000, 3
    q = layer.length.value
    rho = 0.8
    h = np.sqrt(q) * np.stack([draws.normal(size=n), np.zeros(n)])
    h[1] = rho * h[0] + math.sqrt(q * (1 - rho**2)) * draws.normal(size=n)
    for _ in range(depth):
        rho = float(layer.correlation_map(rho, q))
        mean = math.sqrt(0.6) * draws.normal(size=(n, n))
        bias = layer.bias_std * draws.normal(size=n)
        rest = [math.sqrt(0.4) * draws.normal(size=(n, n)) for _ in h]
        features = layer.activation(h)
        h = np.stack(
            [
                layer.weight_std / math.sqrt(n) * (mean + own) @ x + bias
                for own, x in zip(rest, features, strict=True)
            ]
        )
    # Five standard errors of a correlation of 2000 pairs, and as much again for the layers before.
    assert np.corrcoef(h)[0, 1] == pytest.approx(rho, abs=10 / math.sqrt(n))
    np.testing.assert_allclose((h**2).mean(axis=1), q, rtol=10 * math.sqrt(2 / n))


@pytest.mark.parametrize("mean_square", [0.2, 0.9, 0.999])
def test_stochastic_weights_have_one_stable_correlation_and_no_chaos(mean_square):
    for layer in CASES.values():
        noisy = th.MeanField(
            layer.activation, layer.surrogate, layer.weight_std, layer.bias_std, mean_square
        )
        inside = [point for point in noisy.correlations() if point.value >= 0]
        assert len(inside) == 1
        assert inside[0].is_stable
        assert 0 < inside[0].value < 1
        assert noisy.correlation == inside[0]
        assert noisy.phase == "ordered"
        assert noisy.lengths == layer.lengths


@pytest.mark.parametrize("mean_square", [0.0, 1.5, math.nan])
def test_a_mean_square_is_a_share(mean_square):
    with pytest.raises(InputError, match="mean_square"):
        th.MeanField(th.sign(), mean_square=mean_square)


@every_case
def test_stochastic_slopes_are_derivatives_and_gradients_pass_through_means(layer):
    noisy = th.MeanField(
        layer.activation, layer.surrogate, layer.weight_std, layer.bias_std, mean_square=0.6
    )
    rho, h = np.array([-0.6, 0.1, 0.8]), 1e-5
    numeric = (noisy.correlation_map(rho + h, 1.3) - noisy.correlation_map(rho - h, 1.3)) / (2 * h)
    np.testing.assert_allclose(noisy.correlation_slope(rho, 1.3), numeric, atol=1e-8)
    for pair in ("ts", "ss"):
        assert noisy.chi(pair, 1.3) == pytest.approx(0.6 * layer.chi(pair, 1.3), rel=1e-14)
        variance, bias = noisy.critical_line(pair, 1.3)
        if bias >= 0:
            there = th.MeanField(
                layer.activation, layer.surrogate, math.sqrt(variance), math.sqrt(bias), 0.6
            )
            assert there.chi(pair, 1.3) == pytest.approx(1.0, rel=1e-13)


@pytest.mark.parametrize("mean_square", [1.0, 0.5])
@pytest.mark.parametrize("bias", [0.0, 0.3])
@pytest.mark.parametrize(
    "f",
    [th.sign(), th.hardtanh("1/2"), th.relu(), th.gaussian_bump(1), th.heaviside(), th.erf(2)],
    ids=str,
)
def test_fixed_correlations_are_all_that_a_scan_finds(f, bias, mean_square):
    field = th.MeanField(f, weight_std=1.3, bias_std=bias, mean_square=mean_square)
    found = np.array([point.value for point in field.correlations(0.8)])
    np.testing.assert_allclose(field.correlation_map(found, 0.8), found, atol=1e-13)
    grid = np.linspace(-1, 1, 402)[1:-1]
    excess = field.correlation_map(grid, 0.8) - grid
    turns = np.flatnonzero(excess[1:] * excess[:-1] < 0)
    inner = found[np.abs(found) < grid[-1]]
    assert len(turns) == len(inner)
    assert np.all((grid[turns] < inner) & (inner < grid[turns + 1]))


def test_functions_without_closed_forms_have_fixed_points_in_seconds():
    field = th.MeanField(th.tanh(1), th.hardtanh(1), weight_std=2.0, bias_std=0.3)
    inner = field.correlation
    # The map by Gauss-Hermite sums.
    nodes, weights = np.polynomial.hermite_e.hermegauss(160)
    q, rho = field.length.value, inner.value
    u = np.sqrt(q) * nodes
    v = rho * u[:, None] + np.sqrt((1 - rho**2) * q) * nodes
    product = weights @ (np.tanh(u)[:, None] * np.tanh(v)) @ weights / (2 * np.pi)
    assert (4 * product + 0.09) / q == pytest.approx(rho, abs=1e-8)
