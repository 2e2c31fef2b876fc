"""Mean kernels given the hidden layers: against n x n matrices, backward passes, and the kernels."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

import theory as th
from theory.errors import ArchitectureError, InputError
from theory.networks.normals import fill_normals
from theory.networks.roots import square_root
from theory.networks.streams import Role, address

PAIRS = tuple(product(("true", "surrogate"), repeat=2))
X = np.array([[1.0, 0.5, -0.3, 0.7], [0.2, -2.0, 1.0, 0.4], [0.0, 0.3, 0.0, -1.5]])
# A duplicate, an opposite multiple, and zero.
MANY = np.vstack([X, X[0], -2 * X[1], np.zeros(4)])
# Family-wise false-alarm rate of each statistical test for right code; seeds were fixed before any run.
ALARM = 1e-6
EPS = np.finfo(np.float64).eps


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


class Pass:
    """Hidden layers of one network of the exact sampler, drawn again in NumPy from their addresses."""

    def __init__(self, arch, x, widths, seed, number):
        self.arch, self.widths, k = arch, widths, len(x)
        self.hidden, self.augmented, self.grams, features = [], [], [], x
        for l in range(len(widths) + 1):
            factor = arch.weight_stds[l] / np.sqrt(features.shape[1])
            bias = np.full((k, 1), arch.bias_stds[l])
            self.augmented.append(np.concatenate([factor * features, bias], 1))
            self.grams.append(self.augmented[-1] @ self.augmented[-1].T)
            if l == len(widths):
                break
            root = np.zeros((k, k))
            pivots, room = np.empty(k, np.int64), np.empty((k + 2, k))
            rank = square_root(self.grams[-1], k, 64 * np.sqrt(EPS), root, pivots, room)
            n, rows = widths[l], np.zeros((k, widths[l]))
            for c in range(rank):
                rows[c] = row_of_normals(seed, number, l, c, n)
            self.hidden.append(root @ rows)
            features = arch.layers[l].activation(self.hidden[-1])

    def slopes(self, l, side):
        """Factor of the weights above hidden layer ``l`` (from 0), times the slopes there."""
        factor = self.arch.weight_stds[l + 1] / np.sqrt(self.widths[l])
        return factor * self.arch.layers[l].derivative(side)(self.hidden[l])


def row_of_normals(seed, number, layer, row, count):
    out = np.empty(count + count % 2)
    stream = address(np.uint64(seed), number, layer, int(Role.PREACTIVATION))
    fill_normals(out, count, stream, row)
    return out[:count]


def dense(once, pair, bug=""):
    """Mean kernel by second moments of whole layers: E[W^T A W] = Y^T A Y + tr(A) P, with Y and P of W given W x."""
    k, theta = len(once.grams[0]), once.grams[-1].copy()
    for a, b in product(range(k), repeat=2):
        moment = np.eye((1, *once.widths)[-1])
        for l in range(len(once.widths) - 1, -1, -1):
            if l < len(once.widths) - 1:
                x = once.augmented[l + 1].T
                pseudo = np.linalg.pinv(x, rcond=1e-9)
                known = (once.hidden[l + 1].T @ pseudo)[:, :-1]
                free = (np.eye(len(x)) - x @ pseudo)[:-1, :-1]
                if bug == "no fresh part":
                    free = 0.0 * free
                if bug == "no projection":
                    free = np.eye(len(free))
                moment = known.T @ moment @ known + np.trace(moment) * free
            one, two = (once.slopes(l, side)[i] for side, i in zip(pair, (a, b), strict=True))
            moment = one[:, None] * moment * two
            theta[a, b] += np.trace(moment) * once.grams[l][a, b]
    return theta


@pytest.mark.parametrize(
    ("widths", "x"),
    [((), X), ((7,), X), ((7, 6), X), ((300, 5, 260), X), ((9, 8, 11), MANY), ((2, 2, 2), MANY)],
    ids=["0", "1", "2", "chunks", "many", "narrow"],
)
def test_means_are_those_of_dense_matrices(widths, x):
    arch = architecture(len(widths))
    run = th.sample_networks(arch, x, widths, 2, 7, jacobians=PAIRS, conditional=True, first=3)
    assert list(run.conditional_kernels) == list(PAIRS)
    for m in range(2):
        once = Pass(arch, x, widths, 7, 3 + m)
        np.testing.assert_allclose(run.covariances[m], once.grams[-1], rtol=1e-9, atol=1e-10)
        for pair in PAIRS:
            expected = dense(once, pair)
            np.testing.assert_allclose(
                run.conditional_kernels[pair][m], expected, rtol=1e-8, atol=1e-9
            )


def backward_draws(once, draws, seed):
    """Kernels of one forward pass: readouts and weights W = Y + W' P drawn afresh and multiplied out."""
    rng, depth, kernels = np.random.default_rng(seed), len(once.widths), {}
    readout = rng.normal(size=(draws, 1, once.widths[-1]))
    back = {side: np.broadcast_to(readout, (draws, len(X), once.widths[-1])) for side in PAIRS[1]}
    kernels = {pair: np.broadcast_to(once.grams[-1], (draws, len(X), len(X))) for pair in PAIRS}
    for l in range(depth - 1, -1, -1):
        if l < depth - 1:
            x = once.augmented[l + 1].T
            pseudo = np.linalg.pinv(x, rcond=1e-9)
            fresh = rng.normal(size=(draws, once.widths[l + 1], len(x)))
            weights = once.hidden[l + 1].T @ pseudo + fresh - fresh @ x @ pseudo
            np.testing.assert_allclose(weights[0] @ x, once.hidden[l + 1].T, atol=1e-10)
            back = {side: v @ weights[:, :, :-1] for side, v in back.items()}
        back = {side: v * once.slopes(l, side) for side, v in back.items()}
        for one, two in PAIRS:
            inner = back[one] @ back[two].transpose(0, 2, 1)
            kernels[one, two] = kernels[one, two] + inner * once.grams[l]
    return kernels


@pytest.mark.parametrize("bug", ["", "no fresh part", "no projection"])
@pytest.mark.parametrize("widths", [(6,), (6, 5), (6, 5, 7)], ids=str)
def test_means_of_repeated_backward_passes(widths, bug):
    arch, draws = architecture(len(widths)), 20_000
    run = th.sample_networks(arch, X, widths, 1, 8, jacobians=PAIRS, conditional=True)
    once = Pass(arch, X, widths, 8, 0)
    limit, worst = stats.norm.isf(ALARM / 2 / (9 * len(PAIRS))), 0.0
    for pair, drawn in backward_draws(once, draws, 1).items():
        mean = dense(once, pair, bug) if bug else run.conditional_kernels[pair][0]
        gap, error = np.abs(drawn.mean(0) - mean), drawn.std(0, ddof=1) / np.sqrt(draws)
        # Where every slope is 0, the kernel is the same in every draw, up to rounding.
        free = error > 1e-9 * np.abs(mean)
        assert np.all(gap[~free] <= 1e-9 * np.abs(mean[~free]))
        worst = max(worst, float((gap[free] / error[free]).max()))
    assert (worst > limit) == (bool(bug) and len(widths) > 1)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_same_mean_and_less_variance(depth):
    """K - C has mean 0, and is orthogonal to C and to the covariances, network by network."""
    arch, draws = architecture(depth), 10_000
    run = th.sample_networks(arch, X, 8, draws, 2, jacobians=PAIRS, conditional=True)
    plain = th.sample_networks(arch, X, 8, 5, 2, jacobians=PAIRS)
    np.testing.assert_array_equal(plain.outputs, run.outputs[:5])
    assert plain.conditional_kernels == {}
    limit = stats.norm.isf(ALARM / 2 / (3 * 9 * len(PAIRS)))
    for pair in PAIRS:
        kernel, mean = run.kernels[pair], run.conditional_kernels[pair]
        np.testing.assert_array_equal(plain.kernels[pair], kernel[:5])
        gap = kernel - mean
        for values in (gap, gap * mean, gap * run.covariances):
            z = values.mean(0) / (values.std(0, ddof=1) / np.sqrt(draws))
            assert np.abs(z).max() < limit
        assert np.all(np.diag(mean.var(0)) < 0.9 * np.diag(kernel.var(0)))


def test_first_layer_and_readout_of_other_laws_and_several_outputs():
    laws = [th.rademacher(), th.gaussian(), th.rademacher()]
    arch, draws = architecture(2, laws), 10_000
    run = th.sample_networks(arch, X, 6, draws, 1, conditional=True, outputs=2)
    ((pair, mean),) = run.conditional_kernels.items()
    limit = stats.norm.isf(ALARM / 2 / (4 * 9))
    for o, q in product(range(2), repeat=2):
        gap = run.kernels[pair][:, :, o, :, q] - (mean if o == q else 0.0)
        z = gap.mean(0) / (gap.std(0, ddof=1) / np.sqrt(draws))
        assert np.abs(z).max() < limit


def test_bits_do_not_depend_on_threads_batches_or_offset():
    arch = architecture(3)
    options = {"seed": 4, "jacobians": PAIRS, "conditional": True}
    whole = th.sample_networks(arch, MANY, (300, 33, 257), 5, threads=1, **options)
    for extra in ({"threads": 2}, {"threads": 2, "batch": 3}):
        other = th.sample_networks(arch, MANY, (300, 33, 257), 5, **options, **extra)
        for pair in PAIRS:
            np.testing.assert_array_equal(
                other.conditional_kernels[pair], whole.conditional_kernels[pair]
            )
    later = th.sample_networks(arch, MANY, (300, 33, 257), 2, first=3, **options)
    for pair in PAIRS:
        np.testing.assert_array_equal(
            later.conditional_kernels[pair], whole.conditional_kernels[pair][3:]
        )


def test_what_has_no_conditional_kernels():
    arch = architecture(1)
    with pytest.raises(InputError, match="ntk=False"):
        th.sample_networks(arch, X, 4, 1, ntk=False, conditional=True)
    with pytest.raises(ArchitectureError, match="'weights'"):
        th.sample_networks(arch, X, 4, 1, method="weights", conditional=True)
    with pytest.raises(ArchitectureError, match="rademacher"):
        th.sample_networks(architecture(2, th.rademacher()), X, 4, 1, conditional=True)
