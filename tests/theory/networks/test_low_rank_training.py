"""Training without the weights between hidden layers: their law, the same algebra on given weights, and refusals."""

from itertools import product

import numpy as np
import pytest

import theory as th
from theory.errors import ArchitectureError
from theory.networks.entries import latent_weights
from theory.networks.training import engine
from theory.networks.training.lowrank import LowRank
from theory.networks.training.matrices import Unstored

RANDOM = np.random.default_rng(11)
X, NEW, Y = RANDOM.normal(size=(5, 3)), RANDOM.normal(size=(4, 3)), RANDOM.normal(size=5)
SEED = np.uint64(5)


class Given(Unstored):
    """A matrix known by its action whose answers come from a matrix that is there."""

    def __init__(self, matrix, rights, lefts):
        super().__init__(*matrix.shape, rights, lefts, (SEED, 0, 1))
        self.matrix = matrix

    def _answers(self, units, left):
        return units @ (self.matrix if left else self.matrix.T)


class Materialised(LowRank):
    """A network whose unstored weights answer like the weights of the literal engine."""

    def unstored(self, layer, fan_out, fan_in):
        law, seed = self.task.laws[layer], int(self.task.seed)
        most = fan_in + fan_out
        return Given(latent_weights(law, seed, self.number, layer, fan_out, fan_in), most, most)


# ---------------------------------------------------------------------- the algebra, on given weights

PAIRS = [("true", "surrogate"), ("surrogate", "surrogate")]
FUNCTIONS = {
    "steep": (th.hardtanh("1/2"), th.hardtanh(1)),
    "smooth": (th.gelu(), th.erf(1)),
}
OPTIONS = {
    "plain": {},
    "momentum": {"rule": th.SGD(0.05, 0.9)},
    "two samples": {"samples": 2},
    "mean": {"loss": "mean"},
    "standard": {"parametrisation": "standard", "rule": th.SGD(0.01)},
    "no bias": {"bias": 0.0},
}


def ran(
    method, functions="steep", widths=(40, 50, 30), bias=0.3, draws=2, steps=(0, 1, 4), **changes
):
    arch = th.Architecture(
        len(widths), *FUNCTIONS[functions], np.linspace(1.3, 0.9, len(widths) + 1), bias
    )
    request = {"rule": th.SGD(0.05), "points": NEW, "jacobians": PAIRS, "seed": 5, "first": 3}
    return th.train_networks(arch, X, Y, widths, draws, steps, method=method, **request | changes)


@pytest.mark.parametrize(
    ("functions", "option", "widths"),
    [
        *product(["steep"], OPTIONS, [(40, 50, 30)]),
        ("smooth", "plain", (40, 50, 30)),
        ("smooth", "plain", (7, 4, 9)),  # fewer neurons than directions
        ("smooth", "plain", (6,)),
    ],
    ids=str,
)
def test_on_given_weights_it_is_the_literal_engine(monkeypatch, functions, option, widths):
    literal = ran("weights", functions, widths, **OPTIONS[option])
    monkeypatch.setattr(engine, "LowRank", Materialised)
    found = ran("low-rank", functions, widths, **OPTIONS[option])
    close = {"rtol": 1e-9, "atol": 1e-10}
    np.testing.assert_allclose(found.outputs, literal.outputs, **close)
    for pair in PAIRS:
        np.testing.assert_allclose(found.kernels[pair], literal.kernels[pair], **close)
    np.testing.assert_allclose(found.displacement, literal.displacement, rtol=1e-8, atol=1e-16)
    np.testing.assert_allclose(found.neuron_flips, literal.neuron_flips, atol=1e-12)
    ends = [0, len(widths)]
    np.testing.assert_array_equal(found.weight_flips[..., ends], literal.weight_flips[..., ends])
    assert np.isnan(found.weight_flips[..., 1:-1]).all()


# ---------------------------------------------------------------------- the law of what is not there


def asked(network, fan_out=5, fan_in=4):
    """The matrix that answered questions about earlier answers, and what it answered on the left."""
    matrix = Unstored(fan_out, fan_in, 9, 9, (SEED, network, 1))
    x = np.array([[1.0, 0.5, -0.3, 0.2]])
    for _ in range(4):
        v = np.sign(matrix.forward(x)) + 0.3
        x = np.tanh(matrix.backward(v) + x)
    matrix.forward(np.eye(4))
    matrix.backward(np.eye(5))
    return matrix


def test_whatever_is_asked_the_entries_are_independent_normals():
    """All directions asked for, each one a function of earlier answers, the matrix itself is known."""
    found = []
    for network in range(4000):
        matrix = asked(network)
        entries = matrix.rights.images.T @ matrix.rights.units
        np.testing.assert_allclose(
            matrix.lefts.images, matrix.lefts.units @ entries, rtol=0, atol=1e-9
        )
        found.append(entries.ravel())
    found, draws = np.array(found), 4000
    # 20 means, 210 second moments, 20 fourth moments: 5 standard errors leave 250 * 6e-7 = 1.5e-4 for a false alarm.
    products = found[:, :, None] * found[:, None, :]
    deviations = [
        found.mean(axis=0),
        (products.mean(axis=0) - np.eye(20)) / np.sqrt(1 + np.eye(20)),
        ((found**4).mean(axis=0) - 3) / np.sqrt(96),
    ]
    assert max(np.abs(part).max() for part in deviations) * np.sqrt(draws) < 5


def test_nearly_equal_questions_have_nearly_equal_answers():
    x, z = RANDOM.normal(size=(3, 150)), RANDOM.normal(size=(3, 150))
    z -= (z @ np.linalg.pinv(x)) @ x
    matrix = Unstored(200, 150, 40, 40, (SEED, 0, 1))
    first = matrix.forward(x)
    for size in (1e-3, 1e-7, 1e-10, 0.0):
        near = matrix.forward(x + size * z)
        assert np.abs(near - first).max() <= 6 * size * np.linalg.norm(z, axis=1).max() + 1e-12
    units = matrix.rights.units
    assert len(units) == 6  # one change of direction, seen three times
    np.testing.assert_allclose(units @ units.T, np.eye(6), rtol=0, atol=2e-15)
    beside = matrix.forward(z)
    np.testing.assert_allclose(
        matrix.forward(x + 1e-3 * z), first + 1e-3 * beside, rtol=0, atol=1e-11
    )


def test_trained_networks_have_the_law_of_those_with_weights():
    """Two thirds of the directions of a narrow layer are asked for, so that what is known matters."""
    samples = {}
    for method, first in (("weights", 0), ("low-rank", 10**6)):
        run = ran(
            method, "steep", (12, 12), draws=1500, steps=(0, 2), first=first,
            points=np.concatenate([X[:1], NEW[:1]]), samples=2, jacobians=PAIRS[1:], threads=1,
        )  # fmt: skip
        outputs = run.outputs.reshape(1500, 4)
        kernels = run.kernels["surrogate", "surrogate"].reshape(1500, 8)
        moved = run.displacement[:, 1]
        values = np.concatenate([outputs, kernels, moved], axis=1)
        samples[method] = np.concatenate(
            [values, *(outputs * outputs[:, [i]] for i in range(4)), outputs**2 * moved[:, :1]],
            axis=1,
        )
    one, other = samples.values()
    error = np.sqrt((one.var(axis=0) + other.var(axis=0)) / 1500)
    gaps = np.abs(one.mean(axis=0) - other.mean(axis=0))[error > 0] / error[error > 0]
    # 35 comparisons at 5 standard errors: a false alarm in 5e4.
    assert len(gaps) >= 33
    assert gaps.max() < 5


# ---------------------------------------------------------------------- runs


def test_threads_change_no_bit():
    whole = ran("low-rank", draws=4, threads=1)
    other = ran("low-rank", draws=4, threads=3)
    later = ran("low-rank", draws=2, first=5)
    np.testing.assert_array_equal(other.outputs, whole.outputs)
    np.testing.assert_array_equal(later.outputs, whole.outputs[2:])
    assert not np.array_equal(later.outputs, ran("low-rank", draws=2, first=5, seed=6).outputs)


def test_the_choice_is_free_where_it_pays():
    wide, narrow = ({"widths": (n, n), "jacobians": (), "steps": 2} for n in (200, 40))
    for widths, method in ((wide, "low-rank"), (narrow, "weights")):
        np.testing.assert_array_equal(ran("auto", **widths).outputs, ran(method, **widths).outputs)
    run = ran("auto", **wide, keep=True)
    assert run.state.parameters.shape[0] == 2


def test_divergence_is_visible_and_silent():
    run = ran("low-rank", "smooth", widths=(8, 8), steps=(1, 60), rule=th.SGD(1e6))
    assert np.isfinite(run.outputs[:, 0]).all()
    assert not np.isfinite(run.outputs[:, 1]).any()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rule": th.Adam(0.1)}, "entry by entry"),
        ({"keep": True}, "every weight"),
        ({"dtype": "float32"}, "float64"),
    ],
    ids=str,
)
def test_what_it_does_not_cover_is_refused(changes, words):
    with pytest.raises(ArchitectureError, match=words):
        ran("low-rank", **changes)


def test_other_weights_are_refused():
    for law, words in (
        (th.rademacher(), "only Gaussian"),
        (th.binarized(th.erf(1)), "binarized"),
    ):
        arch = th.Architecture(2, th.erf(1), weights=law)
        with pytest.raises(ArchitectureError, match=words):
            th.train_networks(arch, X, Y, 9, 1, 1, th.SGD(0.1), method="low-rank")
