"""Flip certificates against corners, replays in two arithmetics, and the tangent kernels of algorithms."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import sympy as sp

import theory as th
from theory.activations import x
from theory.errors import InexactInputError, InputError
from theory.quantized import (
    PAR,
    Batch,
    Bop,
    FullPrecision,
    Map,
    Network,
    PiecewiseLinear,
    Power,
    ProxConnect,
    Window,
    binary_connect,
    certificate,
    flip_certificate,
    replay,
    sign_swish_activation,
    tangents,
)

F = Fraction
RNG = np.random.default_rng(8)


@pytest.mark.parametrize("rate", [0.02, 0.5, 3.0])
def test_the_certificate_is_above_the_gap_and_has_a_simple_worst_case(rate: float) -> None:
    d, steps = 6, 200
    X, y = RNG.standard_normal((9, d)), RNG.standard_normal((9, 1))
    batch = Batch(Network((d, 1), th.identity(), bias=False), X, y)
    trainer = binary_connect(Power(rate, -0.5), clip=None)
    state = trainer.start_at(RNG.uniform(-1, 1, d))
    latents, losses, slopes = [state["latent"]], [], []
    for _ in range(steps):
        losses.append(batch.energy(trainer.weights(state)))
        slopes.append(batch.gradient(trainer.weights(state)))
        state = trainer.step(state, batch)
        latents.append(state["latent"])
    corners = np.array(list(product((-1.0, 1.0), repeat=d)))
    least = min(batch.energy(corner) for corner in corners)
    u, eta = np.array(latents), rate * np.arange(1.0, steps + 1) ** -0.5
    bound, floor = flip_certificate(u, eta)
    assert np.all(np.minimum.accumulate(losses) - least <= bound + 1e-12)
    assert np.all(floor <= bound + 1e-12)
    # The identity of S4 at every corner: what flips cost is what is left of the regret.
    w, total = trainer.forward(u, 1), eta.sum()
    for corner in corners:
        regret = sum(eta[k] * slopes[k] @ (w[k] - corner) for k in range(steps))
        ends = [np.abs(v).sum() - corner @ v for v in (u[0], u[-1])]
        assert floor[-1] * total == pytest.approx(regret - ends[0] + ends[1], abs=1e-9)
    # The largest difference of the Delta over all corners, by going through them.
    t = steps // 2
    spread = max(
        (np.abs(u[0]) - w * u[0]).sum() - (np.abs(u[t + 1]) - w * u[t + 1]).sum() for w in corners
    )
    assert (bound[t] - floor[t]) * eta[: t + 1].sum() == pytest.approx(spread)
    with pytest.raises(InputError, match="shapes"):
        flip_certificate(u, eta[1:])


def exact(values: object) -> np.ndarray:
    return np.vectorize(F, otypes=[object])(np.asarray(values))


def unstable(seed: int) -> Batch:
    draws = np.random.default_rng(seed)
    network = Network((3, 1), th.identity(), bias=False, scaled=False)
    return Batch(
        network, exact(draws.integers(-3, 4, (4, 3))), exact(draws.integers(-9, 10, (4, 1)))
    )


def test_dyadic_runs_agree_and_thirds_split() -> None:
    start = exact([F(1, 4), F(-1, 2), F(3, 8)])
    dyadic = replay(ProxConnect(rate=F(1, 4)), unstable(1), start, 60)
    assert (dyadic.step, dyadic.drift) == (None, 0.0)
    # A weight that exact arithmetic brings back to 0, whose sign is +1, and float64 to just below.
    network = Network((1, 1), th.identity(), bias=False, scaled=False)
    batch = Batch(network, exact([[1]]), exact([[F(-2)]]))
    third = replay(ProxConnect(rate=F(1, 10)), batch, exact([F(9, 10)]), 3)
    assert third.weights[1].ravel().tolist() == [1, 1, 1]
    assert third.weights[0].ravel().tolist() != [1, 1, 1]
    assert (third.step, third.drift) == (3, 2.0)


def test_replays_and_exact_states_refuse_floats() -> None:
    start = exact([F(1, 4), F(-1, 2), F(3, 8)])
    with pytest.raises(InexactInputError, match="rate"):
        replay(ProxConnect(rate=0.1), unstable(1), start, 2)
    with pytest.raises(InexactInputError, match="adaptivity"):
        Bop(F(1, 2), 0.1).step(Bop().start_at(exact([1, 1, 1])), unstable(1))
    with pytest.raises(InputError, match="start_at"):
        replay(FullPrecision(), unstable(1), start, 2)
    with pytest.raises(InputError, match="float64"):
        replay(ProxConnect(rate=F(1)), unstable(1), start.astype(float), 2)


def test_an_exact_rate_leaves_float_weights_floats() -> None:
    trainer = ProxConnect(rate=F(1, 4))
    batch = Batch(unstable(1).network, np.ones((2, 3)), np.zeros((2, 1)))
    assert trainer.step(trainer.start_at(np.ones(3)), batch)["latent"].dtype == np.float64


def test_tangents_of_the_literature() -> None:
    table = tangents()
    assert table["BinaryConnect"].step == pytest.approx(np.sqrt(2 / np.pi))
    assert table["BNN+ (beta = 5)"].step == pytest.approx(5 * np.sqrt(2 / np.pi))
    # Against quadrature, for a smooth forward map.
    w = np.linspace(-9, 9, 200_001)
    weight = np.exp(-w * w / 2) / np.sqrt(2 * np.pi) * (w[1] - w[0])
    swish = table["BNN++ (beta = 5)"]
    assert swish.propagation == pytest.approx(weight @ swish.forward(w) ** 2, rel=1e-8)
    assert swish.step == pytest.approx(weight @ swish.forward.derivative(w) ** 2, rel=1e-8)


def test_certificates_say_what_decides() -> None:
    soft = certificate(PiecewiseLinear((-1, 0, 1), F(1, 4)).map(1))
    assert (soft.proximal, soft.convex) == (True, False)
    assert "slope is 2 on" in soft.reason
    assert soft.regulariser is not None
    for z in (F(-1), F(-1, 3), F(0), F(7, 8)):
        assert soft.regulariser.expr.subs(x, sp.Rational(z)) == sp.Rational(soft.regulariser(z))
    assert soft.regulariser.expr.subs(x, 2) == sp.oo
    par = certificate(PAR().map(1))
    assert (par.proximal, par.convex, par.reason) == (True, True, "nondecreasing and 1-Lipschitz")
    assert certificate(Map((0,), (1, -1), (0, 0))).proximal is False
    assert certificate(PiecewiseLinear((-1.0, 1.0), 0.3).map(1)).regulariser is None
    swish = certificate(sign_swish_activation(2))
    assert swish.proximal is False
    assert "falls" in swish.reason
    smooth = certificate(th.tanh(1))
    assert (smooth.proximal, smooth.convex) == (True, True)
    assert certificate(th.sign()).convex is False
    assert "slope 2" in certificate(th.hardtanh("1/2")).reason


@pytest.mark.slow
def test_a_step_of_bnn_moves_a_wide_network_as_its_kernel_says() -> None:
    """One hidden layer of 400 units over 200 inputs: -rate Theta(x', x) r, on average over 60 networks."""
    d, n, draws = 200, 400, 60
    activation, surrogate = th.hardtanh(1), th.hardtanh(2)
    arch = th.Architecture(
        1, activation, surrogate, weights=tangents()["BNN"].law, weight_std=1.0, bias_std=0.0
    )
    X = np.stack([np.ones(d), 0.5 + (np.arange(d) % 2)])
    kernel = th.ntk(arch, X, first_layer="gaussian")[:, 0]
    network, rate = Network((d, n, 1), activation, surrogate, bias=False), 90.0
    seen = []
    for seed in range(draws):
        random = np.random.default_rng([seed, 4])
        moving = ProxConnect(backward=Window(), rate=rate)
        state = moving.start_at(random.standard_normal(network.dim))
        before = network.outputs(moving.quantized(state), X)[:, 0]
        batch = Batch(network, X[:1], np.array([[before[0] - 0.02]]))
        after = network.outputs(moving.quantized(moving.step(state, batch)), X)[:, 0]
        seen.append(-(after - before) / (rate * 0.02))
    mean, stderr = np.mean(seen, axis=0), np.std(seen, axis=0, ddof=1) / np.sqrt(draws)
    # Five standard errors, and 3 % for the width, the first layer and the length of the step.
    assert np.all(np.abs(mean - kernel) <= 5 * stderr + 0.03 * kernel)
    assert np.all(stderr < 0.04 * kernel)
