"""Local reparameterisation: moments against enumeration, slopes against differences, and limits."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import logsumexp, softmax
from scipy.stats import norm

import theory as th
from theory.errors import InputError
from theory.quantized import Network, cross_entropy, squared_hinge
from theory.quantized.reparameterised.exact import sum_law
from theory.quantized.reparameterised.laws import FAMILIES
from theory.quantized.reparameterised.normalisation import EPSILON, normalised
from theory.quantized.reparameterised.passes import Laws, Pass, Path
from theory.quantized.reparameterised.pooling import maximum_of_signs, maximum_of_two
from theory.quantized.reparameterised.signals import Signal

NAMES = list(FAMILIES)
DRAWS = np.random.default_rng(7)
SIGNALS = {
    "sign": (th.sign(), np.sign),
    "ternary": (th.ternary("1/2"), lambda z: (z > 0.5) - 1.0 * (z < -0.5)),
    "relu": (th.relu(), lambda z: np.maximum(z, 0)),
    "hardtanh": (th.hardtanh("3/2"), lambda z: np.clip(z / 1.5, -1, 1)),
}


# -- laws ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_laws_are_laws_and_their_slopes_are_differences(name):
    family = FAMILIES[name]
    logits = DRAWS.normal(size=(family.logits, 7)) * 2
    chances = family.probabilities(logits)
    assert np.all(chances > 0)
    np.testing.assert_allclose(chances.sum(axis=0), 1, rtol=1e-15)
    levels = np.array(family.levels)[:, None]
    mean, variance = family.moments(logits)
    np.testing.assert_allclose(mean, (levels * chances).sum(axis=0), atol=1e-15)
    np.testing.assert_allclose(variance, (levels**2 * chances).sum(axis=0) - mean**2, atol=1e-15)
    a, b = DRAWS.normal(size=(2, 7))
    moved = np.zeros_like(logits)
    step = 1e-6
    for k in range(family.logits):
        ahead, behind = logits.copy(), logits.copy()
        ahead[k] += step
        behind[k] -= step
        difference = sum(
            sign * (a * family.moments(at)[0] + b * family.moments(at)[1] + 3 * family.penalty(at))
            for sign, at in ((1, ahead), (-1, behind))
        )
        moved[k] = difference / (2 * step)
    given = family.pullback(logits, a, b) + 3 * family.penalty_slopes(logits)
    np.testing.assert_allclose(given, moved, atol=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_the_start_keeps_means_where_it_can_and_draws_follow_the_law(name):
    family = FAMILIES[name]
    reach = {"binary": 0.9, "ternary": 0.045 / 0.19}[name]
    weights = np.linspace(-reach, reach, 9)
    np.testing.assert_allclose(family.moments(family.from_weights(weights))[0], weights, atol=1e-12)
    edge = {"binary": 0.9, "ternary": 0.855}[name]
    assert family.moments(family.from_weights(np.array([3.0])))[0] == pytest.approx(edge)
    logits = np.repeat(DRAWS.normal(size=(family.logits, 1)), 40_000, axis=1)
    drawn = family.sample(logits, DRAWS.random(40_000))
    for level, chance in zip(family.levels, family.probabilities(logits)[:, 0], strict=True):
        # Six deviations: a false alarm in 10^9.
        assert abs((drawn == level).mean() - chance) < 6 * np.sqrt(chance / 40_000)
    top = family.levels[int(np.argmax(family.probabilities(logits)[:, 0]))]
    assert np.all(family.likeliest(logits) == top)


# -- signals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SIGNALS)
def test_moments_are_integrals_and_slopes_are_differences(name):
    activation, plain = SIGNALS[name]
    signal = Signal.of(activation)
    mean, variance = np.array([-1.3, 0.2, 0.0, 2.0]), np.array([0.3, 1.7, 0.8, 0.05])
    first, second = signal.moments(mean, variance)
    for i, (m, v) in enumerate(zip(mean, variance, strict=True)):
        cuts = [-1.5, -0.5, 0, 0.5, 1.5]
        for power, value in ((1, first[i]), (2, second[i])):
            ends = m - 9 * v**0.5, m + 9 * v**0.5
            inside = [c for c in cuts if ends[0] < c < ends[1]]
            found = quad(
                lambda z, m=m, v=v, k=power: plain(z) ** k * norm.pdf(z, m, v**0.5),
                *ends, points=inside, epsabs=1e-11, limit=200,
            )[0]  # fmt: skip
            assert value == pytest.approx(found, abs=1e-9)
    a, b = DRAWS.normal(size=(2, 4))
    step = 1e-6

    def total(m, v):
        return a * signal.moments(m, v)[0] + b * signal.moments(m, v)[1]

    by_mean, by_variance = signal.pullback(mean, variance, a, b)
    np.testing.assert_allclose(
        by_mean,
        (total(mean + step, variance) - total(mean - step, variance)) / (2 * step),
        atol=1e-7,
    )
    np.testing.assert_allclose(
        by_variance,
        (total(mean, variance + step) - total(mean, variance - step)) / (2 * step),
        atol=1e-7,
    )


@pytest.mark.parametrize("name", ["sign", "ternary"])
def test_level_probabilities_give_the_moments_and_their_slopes(name):
    signal = Signal.of(SIGNALS[name][0])
    mean, variance = DRAWS.normal(size=5), DRAWS.random(5)
    chances = signal.probabilities(mean, variance)
    levels = signal.levels[:, None]
    np.testing.assert_allclose(chances.sum(axis=0), 1, rtol=1e-14)
    np.testing.assert_allclose(
        (levels * chances).sum(axis=0), signal.moments(mean, variance)[0], atol=1e-14
    )
    a, b = DRAWS.normal(size=(2, 5))
    by_levels = np.stack([level * a + level**2 * b for level in signal.levels])
    for one, other in zip(
        signal.probability_pullback(mean, variance, by_levels),
        signal.pullback(mean, variance, a, b),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=1e-13)


def test_without_variance_a_signal_is_its_activation_at_jumps_too():
    z = np.array([-1.0, -0.5, 0.0, 0.5, 0.7])
    for activation, values in (
        (th.sign(), [-1, -1, 1, 1, 1]),
        (th.ternary("1/2"), [-1, 0, 0, 0, 1]),
    ):
        signal = Signal.of(activation)
        np.testing.assert_array_equal(signal.moments(z, 0 * z)[0], values)
        np.testing.assert_array_equal(signal.levels @ signal.probabilities(z, 0 * z), values)
        np.testing.assert_array_equal(signal.pullback(z, 0 * z, z, z)[1], 0)


# -- maxima ----------------------------------------------------------------------------------------


def test_the_maximum_of_signs_is_that_of_all_of_them():
    means = np.array([0.3, -0.8, 0.1])
    expected = sum(
        max(signs) * np.prod([(1 + s * m) / 2 for s, m in zip(signs, means, strict=True)])
        for signs in product((-1, 1), repeat=3)
    )
    assert maximum_of_signs(means) == pytest.approx(expected, rel=1e-14)
    with pytest.raises(InputError, match=r"lie in \[-1, 1\]"):
        maximum_of_signs(np.array([1.5]))


def test_the_maximum_of_two_normals_is_an_integral():
    first, second = (np.array(0.5), np.array(2.0)), (np.array(-0.3), np.array(0.25))
    laws = [norm(m, v**0.5) for m, v in (first, second)]

    def density(z):
        return laws[0].pdf(z) * laws[1].cdf(z) + laws[1].pdf(z) * laws[0].cdf(z)

    moments = [quad(lambda z, k=k: z**k * density(z), -14, 15, epsabs=1e-12)[0] for k in (1, 2)]
    mean, variance = maximum_of_two(first, second)
    assert mean == pytest.approx(moments[0], rel=1e-10)
    assert variance == pytest.approx(moments[1] - moments[0] ** 2, rel=1e-10)
    with pytest.raises(InputError, match="must be positive"):
        maximum_of_two(first, (np.array(0.0), np.array(0.0)))


# -- passes ----------------------------------------------------------------------------------------


def laws(network, name, normalise, floor=0.0):
    family = FAMILIES[name]
    mean, variance = family.moments(DRAWS.normal(size=(family.logits, network.dim)))
    units = sum(network.sizes[1:])
    own = (DRAWS.uniform(0.5, 1.5, units), DRAWS.normal(size=units)) if normalise else (None, None)
    return Laws(mean, variance + floor, *own)


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("sign", Path.MOMENTS),
        ("ternary", Path.MOMENTS),
        ("relu", Path.MOMENTS),
        ("hardtanh", Path.SAMPLED),
    ],
)
def test_the_gradient_is_a_difference_quotient(name, path, normalise):
    activation = SIGNALS[name][0]
    network = Network((3, 4, 3, 2), activation, loss=squared_hinge)
    signal = Signal.of(activation)
    X, Y = DRAWS.normal(size=(6, 3)), DRAWS.choice((-1.0, 1.0), size=(6, 2))
    start = laws(network, "ternary", normalise)

    def energy(at):
        return network.loss.value(
            Pass(network, signal, at, path, np.random.default_rng(3)).outputs(X), Y
        ).sum()

    forward = Pass(network, signal, start, path, np.random.default_rng(3))
    found = forward.gradient(network.loss.derivative(forward.outputs(X), Y))
    for part in ("mean", "variance", *(("gain", "shift") if normalise else ())):
        values = getattr(start, part)
        for i in range(0, len(values), 5):
            step = np.zeros_like(values)
            step[i] = 1e-6
            ends = [Laws(**{**vars(start), part: values + sign * step}) for sign in (1, -1)]
            difference = (energy(ends[0]) - energy(ends[1])) / 2e-6
            assert getattr(found, part)[i] == pytest.approx(difference, rel=2e-5, abs=2e-6)


@pytest.mark.parametrize("name", ["sign", "ternary"])
def test_drawn_levels_pass_the_gradient_of_their_softmax(name):
    activation, threshold = SIGNALS[name][0], {"sign": 0.0, "ternary": 0.5}[name]
    network = Network((3, 4, 2), activation, loss=cross_entropy)
    signal = Signal.of(activation)
    X, Y = DRAWS.normal(size=(5, 3)), np.eye(2)[DRAWS.integers(0, 2, 5)]
    start = laws(network, "binary", False)
    forward = Pass(network, signal, start, Path.SAMPLED, np.random.default_rng(5))
    found = forward.gradient(network.loss.derivative(forward.outputs(X), Y))
    noise = np.random.default_rng(5)
    gumbel = noise.gumbel(size=(len(signal.levels), 5, 4))
    normal = noise.standard_normal((5, 2))
    levels = signal.levels[:, None, None]

    def scores(mean, variance):
        m, s = (part[:16].reshape(4, 4) for part in (mean, variance))
        seen = np.concatenate([X, np.ones((5, 1))], axis=1)
        place, spread = seen @ m.T / 2, np.sqrt(seen**2 @ s.T / 4)
        up, down = norm.sf((threshold - place) / spread), norm.cdf((-threshold - place) / spread)
        return np.log([down, up] if name == "sign" else [down, 1 - up - down, up]) + gumbel

    fixed = scores(start.mean, start.variance)
    hard = fixed == fixed.max(axis=0)
    offset = hard - softmax(fixed, axis=0)

    def energy(mean, variance):
        # Straight through: the softmax moves, from where the largest score stands.
        drawn = softmax(scores(mean, variance), axis=0) + offset
        h, q = (
            np.concatenate([(u * drawn).sum(axis=0), np.ones((5, 1))], axis=1)
            for u in (levels, levels**2)
        )
        m, s = (part[16:].reshape(2, 5) for part in (mean, variance))
        total = q @ (s + m**2).T - h**2 @ (m**2).T
        f = h @ m.T / 5**0.5 + np.sqrt(total / 5) * normal
        return (logsumexp(f, axis=1) - (f * Y).sum(axis=1)).sum()

    for i in range(network.dim):
        step = 1e-6 * (np.arange(network.dim) == i)
        by_mean = energy(start.mean + step, start.variance) - energy(
            start.mean - step, start.variance
        )
        by_variance = energy(start.mean, start.variance + step) - energy(
            start.mean, start.variance - step
        )
        assert found.mean[i] == pytest.approx(by_mean / 2e-6, abs=1e-7)
        assert found.variance[i] == pytest.approx(by_variance / 2e-6, abs=1e-7)


def test_moments_of_two_layers_are_those_of_all_weights():
    family = FAMILIES["ternary"]
    network = Network((2, 2, 1), th.sign(), bias=False, scaled=False)
    chances = family.probabilities(DRAWS.normal(size=(2, 6)))
    mean, variance = (np.array([-1, 0, 1]) @ chances, np.zeros(6))
    variance = np.array([1, 0, 1]) @ chances - mean**2
    x = np.array([[2.0, -1.0]])
    first = second = 0.0
    for places in product(range(3), repeat=6):
        weights = np.array(places) - 1.0
        chance = np.prod(chances[places, range(6)])
        out = network.outputs(weights, x)[0, 0]
        first, second = first + chance * out, second + chance * out**2
    # The exact law of the first layer in place of the normal one: what is left is the second layer's rule.
    rational = [
        {
            level: Fraction(float(p))
            for level, p in zip((-1, 0, 1), column / column.sum(), strict=True)
        }
        for column in chances.T
    ]
    rational = [law | {0: 1 - law[-1] - law[1]} for law in rational]
    h = np.array(
        [1 - 2 * float(sum_law(rational[2 * j : 2 * j + 2], [2, -1]).below(0)) for j in range(2)]
    )
    found_mean = mean[4:] @ h
    found_variance = variance[4:].sum() + ((1 - h**2) * mean[4:] ** 2).sum()
    assert found_mean == pytest.approx(first, abs=1e-12)
    assert found_variance == pytest.approx(second - first**2, abs=1e-12)


@pytest.mark.parametrize("path", [path.value for path in Path])
def test_certain_laws_are_the_discrete_network(path):
    network = Network((4, 6, 5, 3), th.sign(), th.hardtanh(1))
    weights = DRAWS.choice((-1.0, 1.0), network.dim)
    certain = Laws(weights, np.zeros(network.dim))
    X = DRAWS.normal(size=(20, 4))
    found = Pass(network, Signal.of(network.activation), certain, Path(path), DRAWS).outputs(X)
    np.testing.assert_allclose(found, network.outputs(weights, X), atol=1e-13)


def test_normalised_laws_have_mean_zero_and_variance_one_over_samples_and_noise():
    mean, variance = DRAWS.normal(size=(50, 3)) * 4 + 2, DRAWS.random((50, 3))
    ones, zeros = np.ones(3), np.zeros(3)
    found = normalised(mean, variance, ones, zeros)
    total = found.variance.mean(axis=0) + found.mean.var(axis=0)
    np.testing.assert_allclose(found.mean.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(total, 1, atol=2 * EPSILON)
