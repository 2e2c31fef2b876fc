"""Exact and leading moments of finite networks: enumeration, known products, other routes, refusals."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import theory as th
from theory.errors import (
    ArchitectureError,
    DomainError,
    HardlimitError,
    InexactInputError,
    InputError,
    UndefinedKernelError,
)
from theory.networks.leading import Averages

HALF = Fraction(1, 2)
SIGMA, TAU = th.hardtanh("1/2"), th.hardtanh(1)
X = np.array([[1.0, 0.5, -0.3], [1.2, -0.4, -1.4]])
widths = st.lists(st.integers(1, 40), max_size=4)
entries = st.lists(
    st.fractions(-3, 3, max_denominator=7), min_size=1, max_size=4
).filter(any)  # fmt: skip


def one_layer_by_hand(x, n, law):
    """E f^2, f^4, K, K^2 of a one-layer ReLU network with inputs that never tie, by going through all weights."""
    d, totals, count = len(x), np.zeros(4), 0
    for weights in itertools.product(law, repeat=n * d + n):
        rows = np.reshape(weights[: n * d], (n, d))
        v = np.array(weights[n * d :])
        a = np.maximum(rows @ x, 0)
        f2 = (v @ a) ** 2 * 2 / d / n
        kernel = (a @ a + (v * (a > 0)) @ v * (x @ x)) * 2 / d / n
        totals += [f2, f2**2, kernel, kernel**2]
        count += 1
    return totals / count


@pytest.mark.parametrize(("x", "n"), [((1, 3), 2), ((2, 5, -1), 2), ((3,), 4)], ids=str)
def test_relu_moments_by_enumeration_of_signs(x, n):
    found = one_layer_by_hand(np.array(x, float), n, (-1.0, 1.0))
    output, kernel = th.relu_output_moments(x, [n], 1), th.relu_tangent_moments(x, [n], 1)
    stated = [output.second, output.fourth, kernel.mean, kernel.second]
    np.testing.assert_allclose([float(s) for s in stated], found, rtol=1e-13)


@given(entries, widths)
def test_gaussian_kurtosis_is_a_product(x, sizes):
    moments = th.relu_output_moments(x, sizes)
    product = math.prod((1 + Fraction(5, n) for n in sizes), start=Fraction(1))
    assert moments.excess_kurtosis == 3 * product - 3
    assert moments.second == sum(Fraction(v) ** 2 for v in x) / len(x)


@given(entries, widths, st.sampled_from([1, HALF * 3, 3, 5]))
def test_kernel_moments_scale_and_obey_jensen(x, sizes, fourth):
    base = th.relu_tangent_moments(x, sizes, fourth)
    assert base.mean == (len(sizes) + 1) * sum(Fraction(v) ** 2 for v in x) / len(x)
    assert base.relative_variance >= 0
    gains = [3, *[HALF] * len(sizes)]
    scaled = th.relu_tangent_moments(x, sizes, fourth, gains)
    factor = Fraction(scaled.mean, base.mean)
    assert scaled.second == factor**2 * base.second
    assert scaled.relative_variance == base.relative_variance
    # A permutation and a change of signs of the inputs change nothing.
    other = [-v for v in reversed(x)]
    assert th.relu_tangent_moments(other, sizes, fourth) == base


def test_no_hidden_layer():
    moments = th.relu_output_moments([1, 2], [], 1)
    assert (moments.second, moments.fourth) == (HALF * 5, Fraction(1 * 17 + 3 * 8, 4))
    kernel = th.relu_tangent_moments(["1/2", 2], [])
    assert (kernel.mean, kernel.relative_variance) == (Fraction(17, 8), 0)


def test_leading_ratio_is_the_limit_of_the_exact_one():
    for depth, fourth in itertools.product((1, 2, 3), (1, 3)):
        n = 10**9
        laws = [3, *[fourth] * depth]
        exact = n * th.relu_tangent_moments([2], [n] * depth, laws).relative_variance
        assert float(exact) == pytest.approx(float(th.relu_tangent_spread(depth, fourth)), rel=1e-7)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        pytest.param(([1.5], [3]), InexactInputError, "x", id="float"),
        pytest.param(([0, 0], [3]), InputError, "zero input", id="zero"),
        pytest.param(([1], [0]), InputError, "at least 1", id="width"),
        pytest.param(([1], [3], HALF), InputError, "kurtosis must be at least 1", id="kurtosis"),
        pytest.param(([1], [3], [3]), InputError, "2 weight layers", id="count"),
        pytest.param(([1], [3], 3, [1, -1]), InputError, "positive", id="variance"),
        pytest.param(
            ([1], [3], 3, [1, "sqrt(2)"]), HardlimitError, "variances", id="irrational"
        ),
    ],
)  # fmt: skip
def test_refusals_of_relu_moments(arguments, error, says):
    for function in (th.relu_output_moments, th.relu_tangent_moments):
        with pytest.raises(error, match=says):
            function(*arguments)


# ------------------------------------------------------------------- one hidden layer


def architecture(readout, sigma=SIGMA, tau=TAU):
    return th.Architecture(
        1, sigma, tau, weight_std=1.2, bias_std=0.3, weights=[th.gaussian(), readout]
    )


def test_one_layer_variance_of_relu_is_the_exact_one():
    arch = th.Architecture(1, th.relu(), weight_std=[2**0.5, 1])
    variance = th.one_layer_variance(arch, [[1.0, 2.0]], ("true", "true"))[0, 0]
    exact = th.relu_tangent_moments([1, 2], [7])
    assert variance / 7 == pytest.approx(float(exact.second - exact.mean**2), rel=1e-12)


def test_readouts_enter_by_two_moments():
    pairs = [
        th.one_layer_variance(architecture(law), X) for law in (th.gaussian(), th.rademacher())
    ]
    first = 1.2**2 * X @ X.T / 3 + 0.3**2
    p, q = np.diag(first)[:, None], np.diag(first)[None, :]
    slope, tau = SIGMA.derivative, TAU.derivative
    squared = th.expectation(slope * slope, tau * tau).float64(p, q, first)
    np.testing.assert_allclose(pairs[0] - pairs[1], 2 * 1.2**4 * first**2 * squared, rtol=1e-12)
    # A readout scaled by s multiplies everything behind it: ternary weights are signs times a mask.
    masked = th.one_layer_variance(architecture(th.ternary_weights(0.5)), X)
    kk = th.expectation(slope, tau).float64(p, q, first)
    gg = th.expectation(SIGMA, SIGMA).float64(p, q, first)
    cross = th.expectation(SIGMA * slope, SIGMA * tau).float64(p, q, first) - gg * kk
    own = th.expectation(SIGMA * SIGMA, SIGMA * SIGMA).float64(p, q, first) - gg**2
    stated = own + first**2 * (0.5 * squared - 0.25 * kk**2) + first * cross
    np.testing.assert_allclose(masked, 1.2**4 * stated, rtol=1e-12)


def test_order_of_the_pair_is_a_transposition():
    one = th.one_layer_variance(architecture(th.gaussian()), X, ("true", "surrogate"))
    other = th.one_layer_variance(architecture(th.gaussian()), X, ("surrogate", "true"))
    np.testing.assert_allclose(one, other.T, rtol=1e-12)
    assert abs(one[0, 1] / one[1, 0] - 1) > 0.01


def test_smooth_activations_go_through_four_factors():
    smooth = architecture(th.gaussian(), th.erf(1), th.erf(1))
    variance = th.one_layer_variance(smooth, X[:1], ("true", "true"))[0, 0]
    assert variance == pytest.approx(th.tangent_spread(smooth, X[0], 1).variance, rel=1e-10)


def test_refusals_of_one_layer():
    with pytest.raises(ArchitectureError, match="tangent_spread"):
        th.one_layer_variance(th.Architecture(2, th.relu()), X)
    with pytest.raises(ArchitectureError, match="weights 1"):
        th.one_layer_variance(th.Architecture(1, th.relu(), weights=th.rademacher()), X)
    with pytest.raises(ArchitectureError, match="weights 2"):
        th.one_layer_variance(architecture(th.binarized(th.sign(), th.hardtanh(1))), X)
    with pytest.raises(InputError):
        th.one_layer_variance(architecture(th.gaussian()), X, ("true", "none"))


# ------------------------------------------------------------------- order 1/n


@given(st.integers(1, 6), st.integers(1, 9), st.floats(0.1, 4))
def test_relu_recursion_is_that_of_the_paths(depth, n, scale):
    arch = th.Architecture(depth, th.relu(), weight_std=[2**0.5] * depth + [1])
    moments = th.tangent_spread(arch, [scale, -scale], n)
    spread = float(th.relu_tangent_spread(depth)) / n
    assert moments.variance == pytest.approx(spread * moments.limit**2, rel=1e-9)
    assert moments.covariance_variance == pytest.approx(5 * depth / n * scale**4, rel=1e-9)
    assert abs(moments.bias) < 1e-10 * moments.limit


def test_widths_add_up():
    # To order 1/n each layer contributes its own share: unequal widths are the sum of one layer at a time.
    arch = th.Architecture(3, th.hardtanh(1), weight_std=1.3, bias_std=0.2)
    huge = 2**31
    whole = th.tangent_spread(arch, X[0], [10, 20, 30])
    parts = [
        th.tangent_spread(arch, X[0], [n if i == j else huge for j in range(3)])
        for i, n in enumerate((10, 20, 30))
    ]
    for name in ("bias", "variance", "covariance_bias", "covariance_variance"):
        total = sum(getattr(part, name) for part in parts)
        assert getattr(whole, name) == pytest.approx(total, rel=1e-6)


def test_limits_are_the_limit_kernels():
    arch = th.Architecture(2, SIGMA, TAU, weight_std=1.2, bias_std=0.3)
    for side in ("true", "surrogate"):
        moments = th.tangent_spread(arch, X[0], 5, side)
        limit = th.ntk(arch, X[:1], jacobians=(side, side))[0, 0]
        assert moments.limit == pytest.approx(limit, rel=1e-11)
        assert moments.covariance == pytest.approx(th.nngp(arch, X[:1])[0, 0], rel=1e-11)


@pytest.mark.parametrize("slope", [1, 10**3, 10**6, 10**9])
def test_steep_functions_are_resolved(slope):
    # s -> sign and d -> 2 delta: E s^2 -> 1, E d^2 = E erf' erf' in closed form grows like the slope.
    f = th.erf(slope)
    e = Averages(f, f.derivative, 1.3)
    for g, values in ((f, e.f), (f.derivative, e.g)):
        closed = float(th.expectation(g, g).float64(1.3, 1.3, 1.3))
        assert e.mean(values**2) == pytest.approx(closed, rel=1e-11)


def test_averages_obey_stein():
    e = Averages(th.tanh(), th.tanh().derivative, 1.7)
    assert e.mean(e.z * e.f * math.sqrt(1.7)) == pytest.approx(1.7 * e.mean(e.g), rel=1e-12)
    # Price: d/dG E s^2 = E (d^2 + s s'')
    bend = th.tanh().derivative.derivative(math.sqrt(1.7) * e.z)
    assert e.slope(e.f**2) == pytest.approx(e.mean(e.g**2 + e.f * bend), rel=1e-12)


def test_refusals_of_the_leading_order():
    plain = th.Architecture(1, th.hardtanh(1))
    with pytest.raises(InputError, match="shape"):
        th.tangent_spread(plain, X, 5)
    with pytest.raises(InputError, match="jacobian"):
        th.tangent_spread(plain, X[0], 5, "both")
    with pytest.raises(ArchitectureError, match="no hidden layer"):
        th.tangent_spread(th.Architecture(0), X[0], [])
    with pytest.raises(ArchitectureError, match="weights 2"):
        th.tangent_spread(
            th.Architecture(1, th.relu(), weights=[th.gaussian(), th.rademacher()]), X[0], 5
        )
    with pytest.raises(UndefinedKernelError, match="hidden layer 1"):
        th.tangent_spread(th.Architecture(1, th.sign(), th.hardtanh(1)), X[0], 5)
    with pytest.raises(DomainError, match="all 0"):
        th.tangent_spread(plain, [0.0, 0.0], 5)
    with pytest.raises(DomainError, match="too steep"):
        th.tangent_spread(th.Architecture(1, th.sine(10**5)), X[0], 5)
    sign = th.Architecture(1, th.sign(), th.hardtanh(1))
    flat = th.tangent_spread(sign, X[0], 5, "surrogate")
    assert flat.covariance_variance == pytest.approx(0, abs=1e-15)
