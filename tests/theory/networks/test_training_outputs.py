"""Trained networks of several outputs: against autodiff, the sampler, one output, and the limit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import theory as th
from theory.errors import InputError
from theory.networks.entries import latent_weights
from theory.networks.streams import biases
from theory.networks.training.steps import samples_of

RANDOM = np.random.default_rng(8)
X, NEW, Y = RANDOM.normal(size=(5, 3)), RANDOM.normal(size=(4, 3)), RANDOM.normal(size=(5, 3))
PAIRS = (("true", "surrogate"), ("surrogate", "surrogate"))
STDS, BIAS = (1.2, 1.1, 0.9), 0.3


def architecture(sigma, tau, law=None):
    return th.Architecture(2, sigma, tau, STDS, BIAS, th.gaussian() if law is None else law)


SMOOTH = architecture(th.tanh(), th.erf(1))
BINARIZED = architecture(th.tanh(), th.erf(1), th.binarized(th.erf(1)))


def trained(arch, method="weights", y=Y, steps=(0, 3), rate=0.05, **changes):
    request = {"points": NEW, "jacobians": PAIRS} | changes
    return th.train_networks(
        arch, X, y, (9, 8), 2, steps, th.SGD(rate), 3, method=method, **request
    )


def network(layers, x):
    """A network with tanh forward and erf backward, in JAX."""
    for l, ((w, b), std) in enumerate(zip(layers, STDS, strict=True)):
        x = std / np.sqrt(w.shape[1]) * x @ w.T + BIAS * b
        if l < len(layers) - 1:
            slow = jax.scipy.special.erf(x)
            x = slow + jax.lax.stop_gradient(jnp.tanh(x) - slow)
    return x


@pytest.mark.parametrize(("samples", "mean"), [(None, False), (2, True)], ids=["all", "two, mean"])
def test_steps_are_those_of_autodiff(samples, mean):
    def loss(layers, x, y):
        return jnp.sum((network(layers, x) - y) ** 2) / 2 / (len(x) if mean else 1)

    run = trained(SMOOTH, steps=(0, 4), samples=samples, loss="mean" if mean else "sum", keep=True)
    for m in range(2):
        with jax.enable_x64(True):
            layers = [
                (latent_weights(th.gaussian(), 3, m, l, b, a), biases(3, m, l, b))
                for l, (a, b) in enumerate(((3, 9), (9, 8), (8, 3)))
            ]
            for step in range(4):
                epoch, place = divmod(step, 3)
                order = samples_of(5, np.uint64(3), m, epoch)[2 * place : 2 * place + 2]
                chosen = np.arange(5) if samples is None else order
                slopes = jax.grad(loss)(layers, X[chosen], Y[chosen])
                layers = jax.tree.map(lambda w, g: w - 0.05 * g, layers, slopes)
            flat = np.concatenate([np.ravel(part) for layer in layers for part in layer])
            np.testing.assert_allclose(run.state.parameters[m], flat, rtol=1e-11, atol=1e-12)
            np.testing.assert_allclose(run.outputs[m, 1], network(layers, NEW), rtol=1e-10)


@pytest.mark.parametrize("arch", [SMOOTH, BINARIZED], ids=["smooth", "binarized"])
def test_start_is_the_sampled_network(arch):
    run = trained(arch)
    sampled = th.sample_networks(
        arch, NEW, (9, 8), 2, seed=3, method="weights", jacobians=PAIRS, outputs=3
    )
    np.testing.assert_allclose(run.outputs[:, 0], sampled.outputs, rtol=1e-12, atol=1e-13)
    for pair in PAIRS:
        assert run.kernels[pair].shape == (2, 2, 4, 3, 4, 3)
        np.testing.assert_allclose(
            run.kernels[pair][:, 0], sampled.kernels[pair], rtol=1e-11, atol=1e-12
        )


@pytest.mark.parametrize("arch", [SMOOTH, BINARIZED], ids=["smooth", "binarized"])
def test_recorded_kernel_moves_the_outputs(arch):
    """A small step changes output p at x by -rate sum_x'q Theta(x p, x' q) r(x' q): rows true."""
    run = trained(arch, steps=(0, 1), rate=1e-6, points=np.concatenate([X, NEW]))
    kernel = run.kernels["true", "surrogate"][0, 0]
    residual = run.outputs[0, 0, :5] - Y
    moved = run.outputs[0, 1] - run.outputs[0, 0]
    predicted = -1e-6 * np.einsum("apbq,bq->ap", kernel[:, :, :5], residual)
    np.testing.assert_allclose(moved, predicted, rtol=1e-3)
    turned = -1e-6 * np.einsum("bqap,bq->ap", kernel[:5], residual)
    assert not np.allclose(moved, turned, rtol=1e-3, atol=0)


def test_one_column_is_one_output():
    many, one = (trained(SMOOTH, y=y, keep=True) for y in (Y[:, :1], Y[:, 0]))
    assert many.outputs.shape == (2, 2, 4, 1)
    np.testing.assert_array_equal(many.state.parameters, one.state.parameters)
    np.testing.assert_array_equal(many.outputs[..., 0], one.outputs)
    for pair in PAIRS:
        np.testing.assert_array_equal(many.kernels[pair][:, :, :, 0, :, 0], one.kernels[pair])


def test_outputs_of_wide_networks_train_each_by_itself():
    """The limit kernel is the scalar one times the identity (claim T37 holds for each output)."""
    both = np.concatenate([X, NEW])
    arch = th.Architecture(1, th.erf(1), weight_std=1.2, bias_std=0.3)
    run = th.train_networks(
        arch, X, Y, 2**14, 1, [0, 40], th.SGD(0.1), points=both, jacobians=[("true", "true")]
    )
    kernel, scalar = run.kernels["true", "true"][0, 0], th.ntk(arch, both)
    # Entries deviate by about 5/sqrt(n) = 0.04, outputs after training by a few of that.
    np.testing.assert_allclose(
        kernel, np.einsum("ab,pq->apbq", scalar, np.eye(3)), rtol=0, atol=0.3
    )
    for p in range(3):
        start = run.outputs[0, 0, :, p]
        predicted = th.dynamics.predict_descent(
            th.ntk(arch, X), th.ntk(arch, both, X), Y[:, p], start[:5], start, [40], 0.1
        )
        np.testing.assert_allclose(run.outputs[0, 1, :, p], predicted[0], rtol=0, atol=0.1)
        assert np.abs(predicted[0] - start).max() > 0.5


def test_low_rank_networks_have_the_law_of_those_with_weights():
    """Means and second moments of outputs, and the kernel between outputs, at 5 standard errors."""
    found = {}
    for method, first in (("weights", 0), ("low-rank", 10**6)):
        run = th.train_networks(
            architecture(th.hardtanh("1/2"), th.hardtanh(1)), X[:2], Y[:2, :2], (12, 12), 500, 2,
            th.SGD(0.05), first=first, points=NEW[:1], jacobians=PAIRS[1:], method=method, threads=1,
        )  # fmt: skip
        outputs = run.outputs.reshape(500, 2)
        kernels = run.kernels[PAIRS[1]].reshape(500, 4)
        found[method] = np.concatenate([outputs, outputs**2, kernels, kernels**2], axis=1)
    one, other = found.values()
    error = np.sqrt((one.var(axis=0) + other.var(axis=0)) / 500)
    # 12 comparisons: a false alarm in 1e5.
    assert (np.abs(one.mean(axis=0) - other.mean(axis=0)) < 5 * error).all()


def test_low_rank_at_the_start_obeys_the_kernel():
    both = np.concatenate([X, NEW])
    run = trained(SMOOTH, "low-rank", steps=(0, 1), rate=1e-6, points=both)
    kernel, residual = run.kernels["true", "surrogate"][0, 0], run.outputs[0, 0, :5] - Y
    predicted = -1e-6 * np.einsum("apbq,bq->ap", kernel[:, :, :5], residual)
    np.testing.assert_allclose(run.outputs[0, 1] - run.outputs[0, 0], predicted, rtol=1e-3)


@pytest.mark.parametrize("y", [Y[:4], Y[None], np.empty((5, 0))], ids=["few", "deep", "none"])
def test_other_shapes_are_refused(y):
    with pytest.raises(InputError, match="one target a training input and output"):
        trained(SMOOTH, y=y)
