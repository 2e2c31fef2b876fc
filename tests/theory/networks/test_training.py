"""Trained networks against autodiff and textbook rules; their start and their kernels against the sampler."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import theory as th
from theory.networks.entries import latent_weights
from theory.networks.streams import biases
from theory.networks.training.steps import samples_of

RANDOM = np.random.default_rng(7)
X, NEW, Y = RANDOM.normal(size=(5, 3)), RANDOM.normal(size=(4, 3)), RANDOM.normal(size=5)
WIDTHS = ((), (6,), (5, 8, 3))
PAIRS = tuple(product(("true", "surrogate"), repeat=2))
FUNCTIONS = {
    "sign": (th.sign(), jnp.sign),
    "h1": (th.hardtanh(1), lambda u: jnp.clip(u, -1, 1)),
    "h1/2": (th.hardtanh("1/2"), lambda u: jnp.clip(2 * u, -1, 1)),
    "tanh": (th.tanh(), jnp.tanh),
    "erf": (th.erf(1), jax.scipy.special.erf),
    "gelu": (th.gelu(), lambda u: u * jax.scipy.special.ndtr(u)),
}
SMOOTH, STEEP = ("tanh", "tanh"), ("sign", "h1")
LAWS = {
    "gaussian": (th.gaussian(), None),
    "rademacher": (th.rademacher(), None),
    "sparse": (th.sparse_weights(0.5), None),
    "blocks": (th.permuted_blocks(2, "rademacher"), None),
    "smooth": (th.binarized(th.erf(1)), ("erf", "erf")),
    "uneven": (th.binarized(th.tanh(), th.erf(1)), ("tanh", "erf")),
    "hubara": (th.binarized(th.sign(), th.hardtanh(1)), STEEP),
}


def architecture(widths, functions=STEEP, law="gaussian", bias=0.3):
    sigma, tau = (FUNCTIONS[name][0] for name in functions)
    stds = np.linspace(1.2, 0.9, len(widths) + 1)
    return th.Architecture(len(widths), sigma, tau, stds, bias, LAWS[law][0])


def started(arch, widths, seed, network):
    """Weights and biases as the sampler draws them, [(W, b), ...]."""
    sizes = (X.shape[1], *widths, 1)
    return [
        (
            latent_weights(law, seed, network, l, sizes[l + 1], sizes[l]),
            biases(seed, network, l, sizes[l + 1] if arch.bias_stds[l] else 0),
        )
        for l, law in enumerate(arch.weight_laws)
    ]


def flat(layers):
    return np.concatenate([np.ravel(part) for layer in layers for part in layer])


def seen(functions, u):
    """Forward value of the first function, with the derivative of the second."""
    if functions is None:
        return u
    forward, surrogate = (FUNCTIONS[name][1] for name in functions)
    return surrogate(u) + jax.lax.stop_gradient(forward(u) - surrogate(u))


def network(arch, functions, law, layers, x, standard=False):
    """The network in JAX, with one law or one a layer; in standard parametrisation the scales sit in the numbers."""
    laws = [law] * len(layers) if isinstance(law, str) else law
    for l, (w, b) in enumerate(layers):
        scale, bias_std = arch.weight_stds[l] / np.sqrt(w.shape[1]), arch.bias_stds[l]
        latent = w / scale if standard else w
        x = scale * x @ seen(LAWS[laws[l]][1], latent).T
        if bias_std:
            x = x + (b if standard else bias_std * b)
        if l < len(layers) - 1:
            x = seen(functions if isinstance(functions[0], str) else functions[l], x)
    return x[:, 0]


def gradient(arch, functions, law, layers, x, y, mean=False, standard=False):
    """Gradient of the squared loss, by autodiff."""

    def loss(parameters):
        squares = (network(arch, functions, law, parameters, x, standard) - y) ** 2
        return (jnp.mean(squares) if mean else jnp.sum(squares)) / 2

    with jax.enable_x64(True):
        given = [(jnp.asarray(w), jnp.asarray(b)) for w, b in layers]
        return [(np.asarray(w), np.asarray(b)) for w, b in jax.grad(loss)(given)]


def descended(layers, slopes, rate):
    return [(w - rate * u, b - rate * v) for (w, b), (u, v) in zip(layers, slopes, strict=True)]


@pytest.mark.parametrize(
    ("law", "functions", "widths"),
    [*product(LAWS, (SMOOTH, STEEP), [(7, 4)]), *product(["gaussian"], [STEEP], WIDTHS)],
    ids=str,
)
def test_three_steps_are_those_of_autodiff(law, functions, widths):
    arch = architecture(widths, functions, law)
    run = th.train_networks(
        arch, X, Y, widths, 2, [0, 3], th.SGD(0.05), seed=3, first=4, points=NEW, keep=True
    )
    for m in range(2):
        layers = begun = started(arch, widths, 3, 4 + m)
        for _ in range(3):
            layers = descended(layers, gradient(arch, functions, law, layers, X, Y), 0.05)
        np.testing.assert_allclose(run.state.parameters[m], flat(layers), rtol=1e-11, atol=1e-12)
        with jax.enable_x64(True):
            outputs = network(arch, functions, law, layers, NEW)
        np.testing.assert_allclose(run.outputs[m, 1], outputs, rtol=1e-10, atol=1e-11)
        moved = [np.sum((flat([a]) - flat([b])) ** 2) for a, b in zip(layers, begun, strict=True)]
        np.testing.assert_allclose(run.displacement[m, 1], moved, rtol=1e-9, atol=1e-14)
        turned = [np.mean(a[0] * b[0] < 0) for a, b in zip(layers, begun, strict=True)]
        np.testing.assert_allclose(run.weight_flips[m, 1], turned, rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    "functions", [("h1/2", "h1"), ("gelu", "erf"), ("erf", "gelu")], ids="/".join
)
def test_other_pairs_of_functions(functions):
    arch = architecture((7, 4), functions)
    run = th.train_networks(arch, X, Y, (7, 4), 1, 1, th.SGD(0.1), keep=True)
    layers = started(arch, (7, 4), 0, 0)
    expected = descended(layers, gradient(arch, functions, "gaussian", layers, X, Y), 0.1)
    np.testing.assert_allclose(run.state.parameters[0], flat(expected), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("law", ["gaussian", "smooth", "hubara"])
@pytest.mark.parametrize("mean", [False, True], ids=["sum", "mean"])
def test_standard_parametrisation_is_that_of_autodiff(law, mean):
    arch = architecture((6,), SMOOTH, law)
    loss, scale = (
        "mean" if mean else "sum",
        [arch.weight_stds[0] / np.sqrt(3), arch.weight_stds[1] / np.sqrt(6)],
    )
    layers = started(arch, (6,), 0, 0)
    inside = [(w * s, b * 0.3) for (w, b), s in zip(layers, scale, strict=True)]
    slopes = gradient(arch, SMOOTH, law, inside, X, Y, mean, standard=True)
    after = descended(inside, slopes, 0.02)
    run = th.train_networks(
        arch, X, Y, 6, 1, 1, th.SGD(0.02), loss=loss, parametrisation="standard", keep=True
    )
    expected = [(w / s, b / 0.3) for (w, b), s in zip(after, scale, strict=True)]
    np.testing.assert_allclose(run.state.parameters[0], flat(expected), rtol=1e-12, atol=1e-13)
    moved = [np.sum((flat([a]) - flat([b])) ** 2) for a, b in zip(after, inside, strict=True)]
    np.testing.assert_allclose(run.displacement[0, 0], moved, rtol=1e-9)


def test_rules_are_the_textbook_ones():
    arch = architecture((6,), SMOOTH, "smooth")
    begun = started(arch, (6,), 0, 0)
    shapes = [(w.shape, b.shape) for w, b in begun]

    def unflat(theta):
        layers, start = [], 0
        for shape_w, shape_b in shapes:
            middle = start + int(np.prod(shape_w))
            stop = middle + int(np.prod(shape_b))
            layers.append((theta[start:middle].reshape(shape_w), theta[middle:stop]))
            start = stop
        return layers

    def slope(theta):
        return flat(gradient(arch, SMOOTH, "smooth", unflat(theta), X, Y))

    theta, velocity = flat(begun), 0.0
    for _ in range(4):
        velocity = 0.9 * velocity + slope(theta)
        theta = theta - 0.03 * velocity
    run = th.train_networks(arch, X, Y, 6, 1, 4, th.SGD(0.03, momentum=0.9), keep=True)
    np.testing.assert_allclose(run.state.parameters[0], theta, rtol=1e-11)
    np.testing.assert_allclose(run.state.slots[0, 0], velocity, rtol=1e-10, atol=1e-12)

    theta, m, v = flat(begun), 0.0, 0.0
    for t in range(1, 5):
        g = slope(theta)
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g**2
        theta = theta - 0.01 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-3)
    run = th.train_networks(arch, X, Y, 6, 1, 4, th.Adam(0.01, 0.8, 0.95, 1e-3), keep=True)
    np.testing.assert_allclose(run.state.parameters[0], theta, rtol=1e-11)


def stepped(rule, slots, theta, g, t):
    """One step of the textbook's rule on a flat vector; t counts from 1."""
    if isinstance(rule, th.SGD):
        slots[0] = rule.momentum * slots[0] + g
        return theta - rule.rate * slots[0]
    slots[0] = rule.beta1 * slots[0] + (1 - rule.beta1) * g
    slots[1] = rule.beta2 * slots[1] + (1 - rule.beta2) * g**2
    mean, square = slots[0] / (1 - rule.beta1**t), slots[1] / (1 - rule.beta2**t)
    return theta - rule.rate * mean / (np.sqrt(square) + rule.epsilon)


DIFFERENT = [("h1/2", "h1"), ("sign", "erf"), ("erf", "tanh")]
MIXED = ["gaussian", "hubara", "smooth", "rademacher"]
TOGETHER = {
    "momentum, samples, mean": (th.SGD(0.1, 0.8), [STEEP] * 3, {"samples": 2, "loss": "mean"}),
    "momentum, clip, standard": (th.SGD(0.02, 0.9), DIFFERENT, {"clip": 0.9, "parametrisation": "standard"}),
    "Adam, samples, clip": (th.Adam(0.05, 0.8, 0.95, 1e-3), DIFFERENT, {"samples": 3, "clip": 0.7}),
    "Adam, standard": (th.Adam(0.02, 0.8, 0.95, 1e-3), [SMOOTH] * 3, {"parametrisation": "standard"}),
    "plain, samples, clip": (th.SGD(0.1), DIFFERENT, {"samples": 2, "clip": 0.8}),
}  # fmt: skip


@pytest.mark.parametrize("case", TOGETHER)
def test_everything_together_is_a_plain_training_loop(case):
    """Three hidden layers whose weights follow different laws, against autodiff and a textbook's rule."""
    rule, functions, options = TOGETHER[case]
    sizes, standard = (3, 6, 5, 4, 1), options.get("parametrisation") == "standard"
    laws = [LAWS[law][0] for law in MIXED]
    sigmas, taus = ([FUNCTIONS[pair[i]][0] for pair in functions] for i in range(2))
    arch = th.Architecture(3, sigmas, taus, [1.2, 1.1, 1.3, 0.9], [0.3, 0.2, 0.0, 0.5], laws)
    layers = started(arch, sizes[1:-1], 2, 1)
    gains = [
        (s / np.sqrt(n), bias or 1.0) if standard else (1.0, 1.0)
        for s, bias, n in zip(arch.weight_stds, arch.bias_stds, sizes, strict=False)
    ]
    slots = [[np.zeros_like(part), np.zeros_like(part)] for layer in layers for part in layer]
    size, bound = options.get("samples", 5), options.get("clip", np.inf)
    for step in range(5):
        epoch, place = divmod(step, -(-5 // size))
        order = samples_of(5, np.uint64(2), 1, epoch) if size < 5 else np.arange(5)
        chosen = order[place * size : (place + 1) * size]
        mean = options.get("loss") == "mean"
        slopes = gradient(arch, functions, MIXED, layers, X[chosen], Y[chosen], mean)
        after = []
        for l, (layer, slope, gain) in enumerate(zip(layers, slopes, gains, strict=True)):
            parts = [
                stepped(rule, slots[2 * l + i], part * g, np.asarray(d) / g, step + 1) / g
                for i, (part, d, g) in enumerate(zip(layer, slope, gain, strict=True))
            ]
            if LAWS[MIXED[l]][1] is not None:
                parts[0] = np.clip(parts[0], -bound, bound)
            after.append(tuple(parts))
        layers = after
    run = th.train_networks(arch, X, Y, sizes[1:-1], 1, 5, rule, 2, first=1, keep=True, **options)
    np.testing.assert_allclose(run.state.parameters[0], flat(layers), rtol=1e-10, atol=1e-12)


def test_latent_weights_are_clipped_and_biases_are_not():
    arch = architecture((20,), STEEP, "hubara")
    run = th.train_networks(arch, X, Y, 20, 3, [0, 1], th.SGD(1e-9), clip=0.5, keep=True)
    begun = np.stack([flat(started(arch, (20,), 0, m)) for m in range(3)])
    bias = np.zeros(begun.shape[1], bool)
    bias[60:80] = bias[100:] = True
    after = run.state.parameters
    np.testing.assert_allclose(after[:, bias], begun[:, bias], rtol=0, atol=1e-7)
    np.testing.assert_allclose(after[:, ~bias], np.clip(begun[:, ~bias], -0.5, 0.5), atol=1e-7)
    assert np.abs(after[:, ~bias]).max() == 0.5 < np.abs(after[:, bias]).max()


# ---------------------------------------------------------------------- the start, and kernels


@pytest.mark.parametrize("law", LAWS)
def test_start_is_the_sampled_network(law):
    arch = architecture((7, 4), ("h1/2", "h1"), law if law != "hubara" else "smooth")
    sampled = th.sample_networks(
        arch, X, (7, 4), 3, seed=5, first=2, method="weights", jacobians=PAIRS
    )
    run = th.train_networks(
        arch, X, Y, (7, 4), 3, 0, th.SGD(1.0), seed=5, first=2, jacobians=PAIRS, keep=True
    )
    drawn = np.stack([flat(started(arch, (7, 4), 5, 2 + m)) for m in range(3)])
    np.testing.assert_array_equal(run.state.parameters, drawn)
    np.testing.assert_allclose(run.outputs[:, 0], sampled.outputs, rtol=1e-12, atol=1e-13)
    for pair in PAIRS:
        np.testing.assert_allclose(
            run.kernels[pair][:, 0], sampled.kernels[pair], rtol=1e-11, atol=1e-12
        )
    for none in (run.displacement, run.neuron_flips, run.weight_flips):
        assert not none.any()


@pytest.mark.parametrize("parametrisation", ["ntk", "standard"])
@pytest.mark.parametrize("law", ["gaussian", "smooth"])
def test_recorded_kernel_moves_the_outputs(law, parametrisation):
    """A small step changes the outputs by -rate Theta(x, X) r: rows true, columns surrogate, asymmetric."""
    arch = architecture((9, 8), ("tanh", "erf"), law)
    rate, both = 1e-6, np.concatenate([X, NEW])
    run = th.train_networks(
        arch, X, Y, (9, 8), 1, [0, 1], th.SGD(rate), points=both, parametrisation=parametrisation,
        jacobians=[("true", "surrogate")],
    )  # fmt: skip
    kernel = run.kernels["true", "surrogate"][0, 0]
    predicted = -rate * kernel[:, :5] @ (run.outputs[0, 0, :5] - Y)
    np.testing.assert_allclose(run.outputs[0, 1] - run.outputs[0, 0], predicted, rtol=1e-3)
    assert np.abs(kernel - kernel.T).max() > 1e-2


def test_neuron_flips_count_opposite_signs():
    arch = th.Architecture(1, th.sign(), th.hardtanh(1))
    run = th.train_networks(arch, X, Y, 50, 2, 20, th.SGD(0.3), points=NEW, keep=True)
    for m in range(2):
        begun = started(arch, (50,), 0, m)[0][0]
        after = run.state.parameters[m, :150].reshape(50, 3)
        flipped = np.mean((NEW @ begun.T) * (NEW @ after.T) < 0)
        assert run.neuron_flips[m, 0, 0] == pytest.approx(flipped, abs=1e-12)
        assert flipped > 0.01


@pytest.mark.parametrize("method", ["weights", "low-rank"])
def test_a_zero_has_no_opposite_sign(method):
    arch = th.Architecture(2, th.sign(), th.hardtanh(1))
    run = th.train_networks(
        arch, X, Y, 5, 1, 1, th.SGD(0.1), points=np.zeros((1, 3)), method=method
    )
    assert not run.neuron_flips[0, 0, 0]
