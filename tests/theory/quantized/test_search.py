"""Coordinate search: cached losses against fresh ones, one-coordinate minima, counters, restarts, exact input."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

import theory as th
from theory.errors import InputError
from theory.quantized import Batch, Classifier, Network, cross_entropy, errors, squared
from theory.quantized.search import Cache, CoNNTrA, coordinate_search, descend, visit

DRAWS = np.random.default_rng(11)
LEVELS = (-1.0, 0.0, 1.0)
ACTIVATIONS = {"sign": th.sign(), "ternary": th.ternary("1/2"), "relu": th.relu()}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("sizes", [(3, 2), (3, 4, 2), (3, 4, 3, 2)])
def test_a_cached_loss_is_the_loss(name, sizes):
    network = Network(sizes, ACTIVATIONS[name], loss=cross_entropy)
    X, Y = DRAWS.normal(size=(9, 3)), np.eye(2)[DRAWS.integers(0, 2, 9)]
    cache = Cache(network, DRAWS.choice(LEVELS, network.dim), X, Y)
    for k in range(60):
        place, value = int(DRAWS.integers(network.dim)), float(DRAWS.choice(LEVELS))
        changed = cache.weights.copy()
        changed[place] = value
        assert cache.trial(place, value) == pytest.approx(network.energy(changed, X, Y), rel=1e-12)
        if k % 3 == 0:
            cache.move(place, value)
            np.testing.assert_array_equal(cache.weights, changed)
        assert cache.energy == pytest.approx(network.energy(cache.weights, X, Y), rel=1e-12)


def test_a_search_ends_in_a_one_coordinate_minimum_and_counts_its_trials():
    network = Network((4, 3, 1), th.sign(), loss=errors, scaled=False)
    X, Y = DRAWS.choice((-1.0, 1.0), size=(20, 4)), DRAWS.choice((-1.0, 1.0), size=(20, 1))
    cache = Cache(network, DRAWS.choice(LEVELS, network.dim), X, Y)
    before = cache.energy
    visits = descend(cache, LEVELS, range(network.dim), 50)
    assert cache.trials == 2 * visits
    assert cache.energy <= before
    for place, value in product(range(network.dim), LEVELS):
        changed = cache.weights.copy()
        changed[place] = value
        assert network.energy(changed, X, Y) >= cache.energy


def test_exact_input_stays_exact():
    network = Network((2, 3, 1), th.sign(), loss=squared, scaled=False)
    X = np.array([[Fraction(1, 3), Fraction(2)], [Fraction(-1), Fraction(1, 7)]], dtype=object)
    Y = np.array([[Fraction(1)], [Fraction(-2)]], dtype=object)
    levels = (Fraction(-1), Fraction(0), Fraction(1))
    weights = np.array([levels[k % 3] for k in range(network.dim)], dtype=object)
    cache = Cache(network, weights, X, Y)
    descend(cache, levels, range(network.dim), 5)
    assert isinstance(cache.energy, Fraction)
    assert cache.energy == network.energy(cache.weights, X, Y)


def test_ties_at_random_leave_a_plateau_and_kept_ties_do_not():
    # One input 1, target +1, two weights: the loss is 0 where their sum is >= 0.
    network = Network((2, 1), th.sign(), loss=errors, bias=False, scaled=False)
    X, Y = np.ones((1, 2)), np.ones((1, 1))
    for ties, moves in ((None, False), (np.random.default_rng(0), True)):
        cache = Cache(network, np.array([1.0, 1.0]), X, Y)
        seen = set()
        for _ in range(30):
            assert not visit(cache, 0, LEVELS, ties)
            assert cache.energy == 0
            seen.add(float(cache.weights[0]))
        assert (len(seen) > 1) is moves


def test_restarts_keep_the_best_and_validation_chooses():
    network = Network((5, 3, 1), th.sign(), loss=errors, scaled=False)
    X, Y = DRAWS.choice((-1.0, 1.0), size=(30, 5)), DRAWS.choice((-1.0, 1.0), size=(30, 1))
    found = coordinate_search(network, X, Y, starts=8, seed=3)
    assert found.energy == min(energy for _, energy in found.ends)
    assert found.energy < max(energy for _, energy in found.ends)
    assert found.trials == 2 * found.visits
    fewer = coordinate_search(network, X, Y, starts=2, seed=3)
    np.testing.assert_array_equal(fewer.ends[1][0], found.ends[1][0])
    other = DRAWS.choice((-1.0, 1.0), size=(30, 5)), DRAWS.choice((-1.0, 1.0), size=(30, 1))
    judged = coordinate_search(network, X, Y, starts=8, seed=3, validation=other)
    assert judged.energy == min(network.energy(w, *other) for w, _ in found.ends)


def test_a_restart_waits_for_a_quiet_sweep():
    network = Network((5, 3, 1), th.sign(), loss=errors, scaled=False)
    X, Y = DRAWS.choice((-1.0, 1.0), size=(30, 5)), DRAWS.choice((-1.0, 1.0), size=(30, 1))
    trainer = CoNNTrA(restarts=3)
    state = trainer.start(network, 0)
    for _ in range(25):
        before, quiet, left = network.energy(state["current"], X, Y), state["quiet"], state["left"]
        state = trainer.step(state, Batch(network, X, Y))
        assert state["left"] == left - bool(quiet and left)
        assert quiet or network.energy(state["current"], X, Y) <= before
        assert network.energy(trainer.weights(state), X, Y) == state["best_energy"]
    assert state["left"] == 0


def test_it_learns_iris_by_the_common_interface():
    X, Y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    model = Classifier(CoNNTrA(restarts=2), hidden=(8,), epochs=8, batch=None).fit(X, Y)
    assert model.score(X, Y) > 0.9
    assert model.evaluations_ == 8 * (1 + 2 * model.network_.dim) * 150
    assert (model.bits_.training, model.bits_.inference) == (2, 2)
    assert set(np.unique(model.weights_)) <= set(LEVELS)
    again = Classifier(CoNNTrA(restarts=2), hidden=(8,), epochs=3, batch=None).fit(X, Y)
    again.set_params(epochs=8).fit(X, Y, resume=again.state_)
    np.testing.assert_array_equal(again.weights_, model.weights_)


@pytest.mark.parametrize("levels", [(1.0,), (1.0, 1.0)])
def test_levels_must_differ(levels):
    with pytest.raises(InputError, match="two different"):
        CoNNTrA(levels)
