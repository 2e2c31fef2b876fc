"""The literal sampler against explicit Jacobians in NumPy, and its independence of threads, batches and offsets."""

import warnings
from itertools import product

import numpy as np
import pytest
from scipy import stats

import theory as th
from theory.activations import catalogue
from theory.errors import ArchitectureError, InputError, InterruptedRunWarning, UndefinedKernelError
from theory.networks.entries import latent_weights
from theory.networks.plan import _Registry, evaluate
from theory.networks.streams import biases

X = np.array([[1.0, 0.5, -0.3, 0.7], [0.2, -2.0, 1.0, 0.4], [0.0, 0.3, 0.0, -1.5]])
PAIRS = tuple(product(("true", "surrogate"), repeat=2))
LAWS = (
    th.gaussian(),
    th.rademacher(),
    th.ternary_weights(0.4),
    th.binarized(th.hardtanh("1/2"), th.hardtanh(1)),
    th.binarized(th.erf(2), th.triangle(1)),
    th.sparse_weights(0.3),
    th.sparse_weights(0.6, "rademacher"),
    th.permuted_blocks(3),
    th.permuted_blocks(2, "rademacher"),
)


def architecture(depth, laws, sigma=None, tau=None, second_bias=0.0):
    forward = (th.hardtanh("1/2"), th.erf(1), th.relu())
    backward = (th.hardtanh(1), th.triangle(2), th.gelu())
    return th.Architecture(
        hidden_layers=depth,
        activation=sigma or forward[:depth],
        surrogate=tau or backward[:depth],
        weight_std=[1.2, 0.9, 1.4, 1.1][: depth + 1],
        bias_std=[0.3, second_bias, 0.5, 0.2][: depth + 1],
        weights=laws,
    )


def jacobians(arch, x, widths, seed, network):
    """Outputs and, for each Jacobian, the matrix (inputs, parameters) written out parameter by parameter."""
    sizes = (x.shape[1], *widths, 1)
    features, pre = [x], []
    latents = [
        latent_weights(law, seed, network, l, sizes[l + 1], sizes[l])
        for l, law in enumerate(arch.weight_laws)
    ]
    effective = [
        w if law.forward is None else law.forward(w)
        for w, law in zip(latents, arch.weight_laws, strict=True)
    ]
    for l, w in enumerate(effective):
        b = biases(seed, network, l, sizes[l + 1])
        factor = arch.weight_stds[l] / np.sqrt(sizes[l])
        pre.append(factor * features[-1] @ w.T + arch.bias_stds[l] * b)
        if l < len(arch.layers):
            features.append(arch.layers[l].activation(pre[-1]))
    result = {}
    for side in ("true", "surrogate"):
        adjoint, columns = np.ones((len(x), 1)), []
        for l in range(len(effective) - 1, -1, -1):
            slope = arch.weight_laws[l].derivative(side)
            own = np.ones_like(latents[l]) if slope is None else slope(latents[l])
            factor = arch.weight_stds[l] / np.sqrt(sizes[l])
            outer = factor * own * adjoint[:, :, None] * features[l][:, None, :]
            columns += [outer.reshape(len(x), -1), arch.bias_stds[l] * adjoint]
            if l:
                inner = arch.layers[l - 1].derivative(side)(pre[l - 1])
                adjoint = factor * (adjoint @ effective[l]) * inner
        result[side] = np.concatenate(columns, axis=1)
    return pre[-1][:, 0], features[-1], result


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
@pytest.mark.parametrize("widths", [(), (5,), (6, 4), (3, 7, 20)])
def test_kernels_are_products_of_explicit_jacobians(law, widths):
    # Without bias, saturated features and few weight values cancel exactly, and NumPy's sums do not: a kink apart.
    arch = architecture(len(widths), law, second_bias=0.0 if law.is_gaussian else 0.1)
    run = th.sample_networks(
        arch, X, widths, 2, seed=3, method="weights", jacobians=PAIRS, first=5, threads=1
    )
    last = len(widths)
    v = arch.weight_laws[last].variance
    for m in range(2):
        outputs, features, explicit = jacobians(arch, X, widths, 3, 5 + m)
        np.testing.assert_allclose(run.outputs[m], outputs, rtol=1e-12, atol=1e-13)
        gram = arch.weight_stds[last] ** 2 * v / features.shape[1] * features @ features.T
        np.testing.assert_allclose(
            run.covariances[m], gram + arch.bias_stds[last] ** 2, rtol=1e-12, atol=1e-13
        )
        for pair in PAIRS:
            expected = explicit[pair[0]] @ explicit[pair[1]].T
            np.testing.assert_allclose(run.kernels[pair][m], expected, rtol=1e-11, atol=1e-12)
    np.testing.assert_array_equal(run.ntk, run.kernels[PAIRS[0]])


def test_true_kernel_is_that_of_finite_differences():
    law = th.binarized(th.erf(1))
    arch = th.Architecture(
        hidden_layers=1, activation=th.gelu(), weight_std=1.3, bias_std=0.4, weights=law
    )
    run = th.sample_networks(arch, X, 3, 1, seed=8, jacobians=[("true", "true")], method="weights")
    parameters = [latent_weights(law, 8, 0, 0, 3, 4), latent_weights(law, 8, 0, 1, 1, 3)]
    parameters += [biases(8, 0, 0, 3), biases(8, 0, 1, 1)]

    def network(flat):
        first, second = flat[:12].reshape(3, 4), flat[12:15].reshape(1, 3)
        h = 1.3 / 2 * X @ law.forward(first).T + 0.4 * flat[15:18]
        hidden = arch.layers[0].activation(h)
        return (1.3 / np.sqrt(3) * hidden @ law.forward(second).T + 0.4 * flat[18:])[:, 0]

    flat, step = np.concatenate([p.ravel() for p in parameters]), 1e-5
    moves = np.eye(len(flat)) * step
    jacobian = np.array([(network(flat + m) - network(flat - m)) / (2 * step) for m in moves])
    # Central differences of a smooth function: error about step^2, far below 1e-8.
    np.testing.assert_allclose(run.ntk[0], jacobian.T @ jacobian, rtol=1e-8)


def test_bits_do_not_depend_on_threads_batches_or_offset():
    arch = architecture(2, th.gaussian())
    options = {"seed": 1, "jacobians": PAIRS, "method": "weights"}
    whole = th.sample_networks(arch, X, 33, 11, threads=1, **options)
    assert whole.complete
    for extra in ({"threads": 2}, {"threads": 2, "batch": 3}, {"batch": 1}, {"threads": 5}):
        other = th.sample_networks(arch, X, 33, 11, **options, **extra)
        np.testing.assert_array_equal(other.outputs, whole.outputs)
        np.testing.assert_array_equal(other.covariances, whole.covariances)
        for pair in PAIRS:
            np.testing.assert_array_equal(other.kernels[pair], whole.kernels[pair])
    later = th.sample_networks(arch, X, 33, 4, first=7, **options)
    np.testing.assert_array_equal(later.outputs, whole.outputs[7:])
    np.testing.assert_array_equal(later.ntk, whole.ntk[7:])
    again = th.sample_networks(arch, X[:2], 33, 11, **options)
    np.testing.assert_array_equal(again.outputs, whole.outputs[:, :2])


@pytest.mark.parametrize(
    "law", [th.gaussian(), th.rademacher(), th.binarized(th.sign(), th.hardtanh(1))], ids=str
)
def test_mean_kernel_of_one_hidden_layer_is_the_limit(law):
    # T43: E Theta_n = Theta at every width, for a Gaussian first layer; false alarm 1e-6 in all.
    arch = th.Architecture(
        hidden_layers=1,
        activation=th.hardtanh("1/2"),
        surrogate=th.hardtanh(1),
        weight_std=1.2,
        bias_std=0.3,
        weights=[th.gaussian(), law],
    )
    pairs = (("surrogate", "surrogate"),) if law.name.startswith("binarized") else PAIRS
    run = th.sample_networks(arch, X, 24, 3000, seed=11, jacobians=pairs, method="weights")
    limit = stats.norm.isf(1e-6 / (3 * 2 * 9 * len(pairs)))
    for pair in pairs:
        exact = th.ntk(arch, X, jacobians=pair)
        assert np.abs(run.mean_ntk(pair).z_score(exact)).max() < limit
    second = run.outputs[:, :, None] * run.outputs[:, None, :]
    for samples in (second, run.covariances):
        z = (samples.mean(0) - th.nngp(arch, X)) / (samples.std(0, ddof=1) / np.sqrt(3000))
        assert np.abs(z).max() < limit


def test_interrupted_run_keeps_what_was_drawn():
    arch = architecture(1, th.gaussian())

    def stop_after_two(done, total):
        assert total == 10
        if done == 6:
            raise KeyboardInterrupt

    with pytest.warns(InterruptedRunWarning, match=r"6 of 10.*first=106"):
        part = th.sample_networks(arch, X, 8, 10, first=100, batch=3, progress=stop_after_two)
    whole = th.sample_networks(arch, X, 8, 10, first=100)
    assert not part.complete
    assert part.draws == 6
    np.testing.assert_array_equal(part.outputs, whole.outputs[:6])
    np.testing.assert_array_equal(part.ntk, whole.ntk[:6])


def test_progress_is_monotone_and_ends_at_the_total():
    seen = []
    th.sample_networks(
        architecture(1, th.gaussian()), X, 8, 7, batch=2, progress=lambda *pair: seen.append(pair)
    )
    assert seen == [(0, 7), (2, 7), (4, 7), (6, 7), (7, 7)]


@pytest.mark.parametrize("pair", [("true", "surrogate"), ("surrogate", "true"), ("true", "true")])
def test_true_jacobian_of_sign_is_refused(pair):
    arch = th.Architecture(hidden_layers=1, activation=th.sign(), surrogate=th.hardtanh(1))
    with pytest.raises(UndefinedKernelError, match=r"hidden layer 1.*hardtanh"):
        th.sample_networks(arch, X, 8, 2, jacobians=[pair])
    weights = th.binarized(th.sign(), th.hardtanh(1))
    with pytest.raises(UndefinedKernelError, match=r"weights 1.*binarized"):
        th.sample_networks(th.Architecture(0, weights=weights), X, 8, 2, jacobians=[pair])
    run = th.sample_networks(arch, X, 8, 2, jacobians=[("surrogate", "surrogate")])
    assert run.ntk.shape == (2, 3, 3)
    plain = th.sample_networks(arch, X, 8, 2, ntk=False)
    assert plain.kernels == {}
    with pytest.raises(InputError, match="ntk=True"):
        _ = plain.ntk
    with pytest.raises(InputError, match="not sampled"):
        run.mean_ntk(("true", "true"))


def test_auto_takes_the_collapsed_sampler_where_it_is_exact():
    two, one = architecture(2, th.gaussian()), architecture(1, th.gaussian())
    signs = architecture(2, th.rademacher())
    assert th.sample_networks(two, X, 4, 1).method == "exact"
    assert th.sample_networks(two, X, 4, 1, ntk=False).method == "exact"
    assert th.sample_networks(one, X, 4, 1).method == "exact"
    assert th.sample_networks(signs, X, 4, 1).method == "weights"
    with pytest.raises(ArchitectureError, match="does not cover"):
        th.sample_networks(signs, X, 4, 1, method="exact")


def test_no_hidden_layer_with_gaussian_weights_is_deterministic():
    arch = architecture(0, th.gaussian())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = th.sample_networks(arch, X, 7, 3, seed=1)
    np.testing.assert_allclose(run.ntk, np.broadcast_to(th.ntk(arch, X), (3, 3, 3)), rtol=1e-14)
    assert run.widths == ()


def test_zero_pre_activation_takes_the_midpoint():
    arch = th.Architecture(hidden_layers=1, activation=th.sign())
    run = th.sample_networks(arch, np.zeros((1, 2)), 4, 1, ntk=False, method="weights")
    assert run.outputs[0, 0] == 0.0
    assert run.covariances[0, 0, 0] == 0.0


def test_compiled_evaluation_is_that_of_the_activation() -> None:
    """Waves, exponentials and curves run as programs, everything else as tables: the same values."""
    every = [*catalogue().values(), *catalogue(closed=False).values(), th.laplace(2).smoothed(1)]
    functions = [g for f in every for g in (f, f.derivative, f.primitive) if not g.has_dirac]
    registry = _Registry()
    rows = [registry.index(f) for f in functions]
    arrays = registry.arrays()
    u = np.concatenate([np.linspace(-5, 5, 41), [-800.0, 800.0]])
    out = np.empty(len(u))
    for f, row in zip(functions, rows, strict=True):
        evaluate(arrays, row, u, out, len(u))
        np.testing.assert_allclose(out, f(u), rtol=1e-13, atol=1e-15, err_msg=str(f))
