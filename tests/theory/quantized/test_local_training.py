"""Local reparameterisation as a trainer: it learns, anneals, starts from given weights, and refuses."""

from fractions import Fraction

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

import theory as th
from theory.errors import ActivationError, InputError
from theory.quantized import Batch, Classifier, Constant, Geometric, Network, squared_hinge
from theory.quantized.reparameterised.exact import sum_law
from theory.quantized.reparameterised.laws import FAMILIES
from theory.quantized.reparameterised.passes import Path
from theory.quantized.reparameterised.trainer import LocalReparameterisation

NAMES = list(FAMILIES)
DRAWS = np.random.default_rng(8)
X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("path", [path.value for path in Path])
@pytest.mark.parametrize("name", NAMES)
def test_it_learns_iris_with_discrete_weights(name, path, normalise):
    # The mean of the training labels alone scores 1/3.
    trainer = LocalReparameterisation(
        name, path, normalise=normalise, sharpness=Geometric(1, 1.02, 8)
    )
    model = Classifier(trainer, hidden=(16,), epochs=20, seed=1).fit(X, Y)
    assert set(np.unique(model.weights_)) <= set(map(float, FAMILIES[name].levels))
    assert model.score(X, Y) > 0.8


def test_a_prediction_does_not_depend_on_its_companions():
    trainer = LocalReparameterisation(normalise=True)
    model = Classifier(trainer, hidden=(8,), epochs=2).fit(X, Y)
    np.testing.assert_allclose(
        model.decision_function(X)[:5], model.decision_function(X[:5]), atol=1e-13
    )


def test_sharpness_and_penalty_anneal_to_certain_laws():
    network = Network((4, 8, 3), th.sign(), th.hardtanh(1), squared_hinge)
    batch = Batch(network, X, squared_hinge.targets(Y, 3))
    left = {}
    for name, options in {
        "plain": {}, "sharp": {"sharpness": Geometric(1, 1.1, 50)}, "penalty": {"penalty": 50.0},
    }.items():  # fmt: skip
        trainer = LocalReparameterisation(rate=0.05, **options)
        state = trainer.start(network, 0)
        for _ in range(60):
            state = trainer.step(state, batch)
        left[name] = trainer.laws(state).variance.mean()
    assert left["sharp"] < left["plain"] / 3
    assert left["penalty"] < left["plain"] / 3


def test_pretrained_weights_are_the_means_of_the_start_and_drawn_ones_repeat():
    network = Network((4, 3), th.sign())
    weights = DRAWS.uniform(-0.9, 0.9, network.dim)
    trainer = LocalReparameterisation(pretrained=weights, drawn=True, sharpness=Constant(1))
    state = trainer.start(network, 4)
    np.testing.assert_allclose(trainer.laws(state).mean, weights, atol=1e-12)
    np.testing.assert_array_equal(trainer.weights(state), trainer.weights(state))
    assert trainer.bits().inference == 1
    assert LocalReparameterisation("ternary").bits().training == 2 * 96


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"weights_on": "quaternary"}, "weights must be"),
        ({"path": "straight"}, "path must be"),
        ({"memory": 1.0}, "memory must lie"),
    ],
    ids=["family", "path", "memory"],
)
def test_unknown_settings_are_refused(options, text):
    with pytest.raises(InputError, match=text):
        LocalReparameterisation(**options)


def test_networks_that_cannot_be_propagated_are_refused():
    smooth = Network((4, 3, 1), th.tanh(1))
    with pytest.raises(ActivationError, match="piecewise linear"):
        LocalReparameterisation().start(smooth, 0)
    with pytest.raises(InputError, match="weights in one vector"):
        LocalReparameterisation(pretrained=np.zeros(3)).start(Network((4, 3), th.sign()), 0)


def test_sums_are_refused_without_laws():
    with pytest.raises(InputError, match="one law an input"):
        sum_law([{1: Fraction(1)}], [1, 2])
    with pytest.raises(InputError, match="is no law"):
        sum_law([{1: Fraction(1, 2)}], [1])
