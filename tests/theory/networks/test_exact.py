"""The exact sampler against the literal one, against mutants of its own equations, and against solvable laws."""

from itertools import pairwise, product
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

import theory as th
from theory.errors import ArchitectureError
from theory.networks import exact as engine
from theory.networks import relu_law
from theory.networks.chunks import workspace
from theory.networks.ensemble import prepare

PAIRS = tuple(product(("true", "surrogate"), repeat=2))
# Unequal norms; a duplicate, an opposite multiple, and zero.
FEW = np.array([[1.0, 0.5, -0.3, 0.7], [0.2, -2.0, 1.0, 0.4], [0.0, 0.3, 0.0, -1.5]])
MANY = np.vstack([FEW, FEW[0], -2 * FEW[1], np.zeros(4)])
# Family-wise false-alarm rate of each test for right code; seeds were fixed before any run.
ALARM = 1e-6
ROUNDING = {"float64": 1e-9, "float32": 1e-6}
"""Relative differences of what is the same in every network."""


def architecture(depth, laws=None):
    forward = (th.hardtanh("1/2"), th.relu(), th.erf(1))
    backward = (th.hardtanh(1), th.triangle(2), th.gelu())
    return th.Architecture(
        depth,
        forward[:depth],
        backward[:depth],
        weight_std=[1.2, 0.9, 1.4, 1.1][: depth + 1],
        bias_std=[0.3, 0.2, 0.5, 0.2][: depth + 1],
        weights=laws or th.gaussian(),
    )


def moments(run):
    """Every statistic of order up to four, draws first."""
    f = run.outputs
    pair, third = f[:, :, None] * f[:, None, :], f[:, :, None] ** 2 * f[:, None, :]
    yield from (f, pair, third, pair**2, run.covariances, run.covariances**2)
    kernels = list(run.kernels.values())
    for theta in kernels:
        swapped = theta.transpose(0, 2, 1)
        yield from (theta, theta**2, theta * swapped, theta**3, theta**4, theta * pair)
        yield theta * run.covariances
    for one, two in pairwise(kernels):
        yield one * two
        yield one[:, :1, :1] * two


def largest_gap(one, other, rounding=1e-9):
    """Largest difference of means over its standard error, and how many were compared."""
    worst, count = 0.0, 0
    for u, v in zip(moments(one), moments(other), strict=True):
        error = np.sqrt(u.var(0, ddof=1) / len(u) + v.var(0, ddof=1) / len(v))
        size = np.abs(u).max(0) + np.abs(v).max(0)
        # What is the same in every network differs by rounding alone.
        gap = np.abs(u.mean(0) - v.mean(0))
        free = error > rounding * size
        assert np.all(gap[~free] <= rounding * size[~free])
        worst = max(worst, float((gap[free] / error[free]).max(initial=0.0)))
        count += gap.size
    return worst, count


def limit_of(count):
    return stats.norm.isf(ALARM / 2 / (2 * count))


@pytest.mark.parametrize(
    ("depth", "width", "x", "draws"),
    [
        (0, 4, FEW, 2000),
        (2, 8, FEW, 20_000),
        *((depth, width, FEW, 5000) for depth in (1, 3) for width in (3, 8, 32)),
        *((depth, width, MANY, 4000) for depth in (1, 2, 3) for width in (3, 8)),
    ],
    ids=lambda value: f"k={len(value)}" if isinstance(value, np.ndarray) else str(value),
)
def test_same_law_as_the_literal_sampler(depth, width, x, draws):
    arch = architecture(depth)
    exact = th.sample_networks(arch, x, width, draws, 1, method="exact", jacobians=PAIRS)
    literal = th.sample_networks(arch, x, width, draws, 2, method="weights", jacobians=PAIRS)
    worst, count = largest_gap(exact, literal)
    assert worst < limit_of(count)
    for pair in PAIRS if depth else ():
        for a, b in product(range(len(x)), repeat=2):
            one, two = exact.kernels[pair][:, a, b], literal.kernels[pair][:, a, b]
            # Ties of equal inputs and of zero are rounded differently.
            assert stats.ks_2samp(*(v.round(9) for v in (one, two))).pvalue > ALARM / 2 / 144


def by_definition(arch, x, width, draws, seed, bug=""):
    """E1 and E2 as they are written, in NumPy, for all draws at once; ``bug`` plants one."""
    rng, k, depth = np.random.default_rng(seed), len(x), len(arch.layers)

    def augmented(features, l):
        bias = np.full((draws, k, 1), arch.bias_stds[l] * (2 if bug == "bias twice" else 1))
        return np.concatenate(
            [arch.weight_stds[l] / np.sqrt(features.shape[2]) * features, bias], 2
        )

    xs, hs = [np.broadcast_to(x, (draws, *x.shape))], []
    for l in range(depth):
        xt = augmented(xs[-1], l)
        values, vectors = np.linalg.eigh(xt @ xt.transpose(0, 2, 1))
        root = vectors * np.sqrt(np.maximum(values, 0))[:, None, :]
        hs.append(root @ rng.normal(size=(draws, k, width)))
        xs.append(arch.layers[l].activation(hs[-1]))
    readout, factor = rng.normal(size=(draws, width)), arch.weight_stds[depth] / np.sqrt(width)
    outputs = factor * np.einsum("mn,mkn->mk", readout, xs[-1])
    outputs += arch.bias_stds[depth] * rng.normal(size=(draws, 1))
    grams = []
    for l, features in enumerate(xs):
        inner = features @ features.transpose(0, 2, 1)
        grams.append(arch.weight_stds[l] ** 2 / features.shape[2] * inner + arch.bias_stds[l] ** 2)
    sides = ("surrogate", "true") if bug == "adjoints swapped" else ("true", "surrogate")
    kernels = {pair: grams[depth].copy() for pair in PAIRS}
    back = np.broadcast_to(readout[:, None], (draws, 2 * k, width))
    for l in range(depth, 0, -1):
        slopes = [arch.layers[l - 1].derivative(side)(hs[l - 1]) for side in sides]
        v = arch.weight_stds[l] / np.sqrt(width) * back * np.concatenate(slopes, 1)
        halves = {"true": v[:, :k], "surrogate": v[:, k:]}
        for one, two in PAIRS:
            block = halves[one] @ halves[two].transpose(0, 2, 1)
            kernels[one, two] = kernels[one, two] + block * grams[l - 1]
        if l > 1:
            xt = augmented(xs[l - 1], l - 1).transpose(0, 2, 1)  # (draws, n + 1, k)
            pseudo = np.linalg.pinv(xt, rcond=1e-12)
            chol = np.linalg.cholesky(
                v @ v.transpose(0, 2, 1) + 1e-13 * np.eye(2 * k) * np.square(v).sum((1, 2))[:, None, None]
            )  # fmt: skip
            z = rng.normal(size=(draws, width + 1, 2 * k))
            fresh = z @ (chol if bug == "factor transposed" else chol.transpose(0, 2, 1))
            mapped = hs[l - 1] @ v.transpose(0, 2, 1)  # (draws, k, 2k): Y^T V
            lead = xt if bug == "features for pseudo-inverse" else pseudo.transpose(0, 2, 1)
            total = lead @ mapped
            if bug == "no fresh copy":
                fresh = 0.0 * fresh
            if bug != "no projection":
                fresh = fresh - xt @ (pseudo @ fresh)
            back = (total + fresh)[:, :width].transpose(0, 2, 1)
    return SimpleNamespace(outputs=outputs, covariances=grams[depth], kernels=kernels)


BUGS = (
    "no projection",
    "factor transposed",
    "no fresh copy",
    "adjoints swapped",
    "bias twice",
    "features for pseudo-inverse",
)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("bug", ["", *BUGS])
def test_planted_bugs_are_caught(bug, dtype):
    arch, options = architecture(2), {"method": "exact", "jacobians": PAIRS}
    mutant = by_definition(arch, FEW, 8, 20_000, 3, bug)
    exact = th.sample_networks(arch, FEW, 8, 20_000, 1, dtype=dtype, **options)
    worst, count = largest_gap(mutant, exact, ROUNDING[dtype])
    assert (worst > limit_of(count)) == bool(bug)


@pytest.mark.parametrize(
    ("depth", "width", "x", "outputs"),
    [
        (0, 4, FEW, 1),
        (1, 8, FEW, 1),
        (3, 8, FEW, 1),
        (2, 3, MANY, 1),
        (3, 8, MANY, 1),
        (2, 6, FEW, 2),
    ],
    ids=lambda value: f"k={len(value)}" if isinstance(value, np.ndarray) else str(value),
)
def test_float32_has_the_literal_law_of_float64(depth, width, x, outputs):
    arch, draws, rows = architecture(depth), 5000, len(x) * outputs
    runs = [
        th.sample_networks(
            arch,
            x,
            width,
            draws,
            seed,
            method=method,
            jacobians=PAIRS,
            outputs=outputs,
            dtype=dtype,
        )
        for seed, method, dtype in ((1, "exact", "float32"), (2, "weights", "float64"))
    ]
    assert {a.dtype.name for a in (runs[0].outputs, runs[0].covariances, runs[0].ntk)} == {
        "float32"
    }
    flat = [
        SimpleNamespace(
            outputs=run.outputs.reshape(draws, rows).astype(float),
            covariances=np.kron(run.covariances, np.ones((outputs, outputs))).astype(float),
            kernels={p: v.reshape(draws, rows, rows).astype(float) for p, v in run.kernels.items()},
        )
        for run in runs
    ]
    worst, count = largest_gap(*flat, ROUNDING["float32"])
    assert worst < limit_of(count)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("width", [64, 2047, 2049, 4700, 6145])
def test_linear_networks_are_homogeneous(width, dtype):
    """f(x) = h^2(x) . df/dh^2 for every x and any gradient: W^T V agrees with W x, in one stretch or in several."""
    arch = th.Architecture(3, th.identity(), weight_std=1.2)
    task = prepare(arch, MANY, width, 3, method="exact", jacobians=PAIRS[:1])
    x, k, height = MANY.astype(dtype), len(MANY), 8
    work, sums = workspace(task.plan, x, height, False, False), engine.no_sums(k, 1, height)
    outputs, chains = np.zeros((1, k)), np.zeros((1, 1, k, k))
    pairs, slots = np.array([[0, 0]]), np.array([0, -1])
    engine.draw(
        task.plan, x, None, task.seed, 0, pairs, slots, work, sums, outputs, chains,
        np.zeros((1, 1, k, k)), True,
    )  # fmt: skip
    # crossed = N^T V over hidden layer 2, whose pre-activations are its root times N.
    products = work.roots[1, :k].astype(float) @ sums.crossed[:k, :k]
    size = np.abs(work.roots[1, :k]).astype(float) @ np.abs(sums.crossed[:k, :k])
    expected = np.broadcast_to(outputs[0][:, None], (k, k))
    tolerance = 1e-10 if dtype == "float64" else 2e-4
    assert np.abs(products - expected).max() < tolerance * size.max()


def test_nothing_is_allocated_for_a_network():
    from numba.core.runtime import _nrt_python, rtsys

    _nrt_python.memsys_enable_stats()
    arch, counts = th.Architecture(3, th.hardtanh("1/2")), []
    for draws in (1, 30):
        before = rtsys.get_allocation_stats().alloc
        th.sample_networks(arch, FEW, 40, draws, 1, method="exact", threads=1, batch=draws)
        counts.append(rtsys.get_allocation_stats().alloc - before)
    assert counts[0] == counts[1]


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_several_outputs_have_the_literal_law(depth):
    arch, draws = architecture(depth), 10_000
    runs = [
        th.sample_networks(arch, FEW, 6, draws, seed, method=method, outputs=2)
        for seed, method in ((1, "exact"), (2, "weights"))
    ]
    shapes = {(run.outputs.shape, run.ntk.shape) for run in runs}
    assert shapes == {((draws, 3, 2), (draws, 3, 2, 3, 2))}
    flat = [
        SimpleNamespace(
            outputs=run.outputs.reshape(draws, 6),
            covariances=run.covariances,
            kernels={"": run.ntk.reshape(draws, 6, 6)},
        )
        for run in runs
    ]
    for run in flat:  # the covariances are 3 x 3, the kernels 6 x 6
        run.covariances = np.kron(run.covariances, np.eye(2))
    worst, count = largest_gap(*flat)
    assert worst < limit_of(count)
    single = th.sample_networks(arch, FEW, 6, 5, 1, method="exact").ntk
    if depth < 2:  # deeper, the second output shares the fresh numbers
        np.testing.assert_allclose(runs[0].ntk[:5, :, 0, :, 0], single, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_bits_do_not_depend_on_threads_batches_or_offset(dtype):
    arch = architecture(3)
    options = {"seed": 4, "jacobians": PAIRS, "method": "exact", "dtype": dtype}
    whole = th.sample_networks(arch, MANY, (600, 33, 257), 7, threads=1, **options)
    for extra in ({"threads": 2}, {"threads": 2, "batch": 3}, {"batch": 1}):
        other = th.sample_networks(arch, MANY, (600, 33, 257), 7, **options, **extra)
        for name in ("outputs", "covariances", "ntk"):
            np.testing.assert_array_equal(getattr(other, name), getattr(whole, name))
    later = th.sample_networks(arch, MANY, (600, 33, 257), 3, first=4, **options)
    for pair in PAIRS:
        np.testing.assert_array_equal(later.kernels[pair], whole.kernels[pair][4:])
    np.testing.assert_array_equal(later.outputs, whole.outputs[4:])


@pytest.mark.parametrize(
    ("dtype", "rtol", "atol"), [("float64", 1e-9, 1e-12), ("float32", 2e-4, 2e-5)]
)
def test_equal_opposite_and_zero_inputs(dtype, rtol, atol):
    odd = th.Architecture(3, th.hardtanh("1/2"), th.erf(2), weight_std=1.3)
    run = th.sample_networks(odd, MANY, 50, 4, 5, dtype=dtype)
    alike = {"rtol": rtol, "atol": atol}
    np.testing.assert_allclose(run.outputs[:, 0], run.outputs[:, 3], **alike)
    np.testing.assert_array_equal(run.outputs[:, 5], 0.0)
    np.testing.assert_array_equal(run.ntk[:, 5], 0.0)
    np.testing.assert_allclose(run.ntk[:, 0], run.ntk[:, 3], **alike)
    np.testing.assert_allclose(run.ntk[:, :, 0], run.ntk[:, :, 3], **alike)
    twice = th.sample_networks(odd, np.vstack([FEW, -FEW[:1]]), 50, 4, 5, dtype=dtype)
    np.testing.assert_allclose(twice.outputs[:, 3], -twice.outputs[:, 0], **alike)
    np.testing.assert_allclose(twice.ntk[:, 3, 3], twice.ntk[:, 0, 0], rtol=rtol)


@pytest.mark.parametrize("angle", [1e-3, 1e-5, 1e-7, 1e-8, 1e-9])
def test_close_inputs_differ_by_the_right_amount(angle):
    """A linear network at x + angle y minus at x is angle times the network at y; kernels alike."""
    arch, draws = th.Architecture(2, th.identity()), 4000
    x = np.vstack([FEW[0], FEW[0] + angle * FEW[1], FEW[2]])
    run = th.sample_networks(arch, x, 10, draws, 6)
    step = x[1] - x[0]  # what float64 makes of angle y
    difference = (run.outputs[:, 1] - run.outputs[:, 0]) / np.sqrt(step @ step / 4)
    far = th.sample_networks(arch, FEW, 10, draws, 7)
    reference = far.outputs[:, 1] / np.sqrt(FEW[1] @ FEW[1] / 4)
    theta = (run.ntk[:, 2, 1] - run.ntk[:, 2, 0]) / angle
    limit = ALARM / 2 / 5
    assert stats.ks_2samp(difference, reference).pvalue > limit
    assert stats.ks_2samp(theta, far.ntk[:, 2, 1]).pvalue > limit


def test_product_law_of_relu_networks():
    arch, widths, draws = th.Architecture(3, th.relu(), weight_std=np.sqrt(2)), (7, 5, 9), 40_000
    run = th.sample_networks(arch, FEW[:1], widths, draws, 8, ntk=False)
    a = run.covariances[:, 0, 0] / th.nngp(arch, FEW[:1])[0, 0]
    law = relu_law(widths)
    for values, exact in ((a, 1.0), (np.sqrt(a), law.mean_root)):
        z = (values.mean() - exact) / (values.std(ddof=1) / np.sqrt(draws))
        assert abs(z) < stats.norm.isf(ALARM / 4)


def test_mean_and_variance_of_one_hidden_layer():
    """T43: the mean is the limit, and n Var is known; sigma = tau = identity gives it in closed form."""
    arch, draws, n = th.Architecture(1, th.identity()), 40_000, 12
    run = th.sample_networks(arch, FEW, n, draws, 9).ntk
    s = FEW @ FEW.T / 4
    d = np.diag(s)
    # gg = uv, kk = 1: Var(uv) + s^2 (3 - 1) + 0.
    variance = (np.outer(d, d) + s**2 + 2 * s**2) / n
    limit = stats.norm.isf(ALARM / 2 / 18)
    centred = (run - 2 * s) ** 2
    for values, exact in ((run, 2 * s), (centred, variance)):
        assert np.all(
            np.abs(values.mean(0) - exact) < limit * values.std(0, ddof=1) / np.sqrt(draws)
        )


def test_first_layer_and_readout_of_other_laws():
    laws = [th.rademacher(), th.gaussian(), th.gaussian(), th.rademacher()]
    arch, draws = architecture(3, laws), 5000
    exact = th.sample_networks(arch, FEW, 5, draws, 1, jacobians=PAIRS)
    assert exact.method == "exact"
    literal = th.sample_networks(arch, FEW, 5, draws, 2, method="weights", jacobians=PAIRS)
    worst, count = largest_gap(exact, literal)
    assert worst < limit_of(count)
    binarized = architecture(2, [th.gaussian(), th.gaussian(), th.binarized(th.erf(1))])
    assert th.sample_networks(binarized, FEW, 5, 2, ntk=False).method == "exact"
    with pytest.raises(ArchitectureError, match="need every weight"):
        th.sample_networks(binarized, FEW, 5, 2, method="exact")
