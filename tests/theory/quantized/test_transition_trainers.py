"""Discrete state transition and annealing as trainers: their laws are those of the exact chains, and they learn."""

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

import theory as th
from theory.errors import InputError
from theory.quantized import Adam, Batch, Classifier, Geometric, Network, errors
from theory.quantized.annealing import Annealing
from theory.quantized.chains import annealed_law, metropolis_hastings, uniform_moves
from theory.quantized.gradient_chains import TransitionChain
from theory.quantized.landscape import Landscape
from theory.quantized.state_transition import StateTransition, code_bits
from theory.quantized.surrogates import rectangular
from theory.quantized.temperatures import Adaptive, Logarithmic
from theory.quantized.transition import LinearRule, TanhRule

X = np.array([[1.0, 0.5], [-0.5, 2.0], [1.0, -1.0], [0.3, 0.2]])
Y = np.array([[0.7], [-1.5], [0.4], [0.1]])
LINEAR = Network((2, 1), th.identity(), bias=False, scaled=False)
WHOLE = Batch(LINEAR, X, Y)
LAND = Landscape.of(lambda states: [LINEAR.energy(w, X, Y) for w in states], (-1, 0, 1), 2)
CHANGES = np.array([LINEAR.gradient(w, X, Y) for w in LAND.states()])
FALSE_ALARM = 1e-6


def number(state):
    return int(state["codes"] @ [3, 1])


def after(trainer, seed, steps):
    state = trainer.start(LINEAR, seed)
    first = number(state)
    for _ in range(steps):
        state = trainer.step(state, WHOLE)
    return first, number(state)


@pytest.mark.parametrize("rule", [TanhRule(3.0), LinearRule()], ids=str)
def test_jumps_have_the_law_of_the_exact_chain(rule):
    chain = TransitionChain.of(LAND, -0.3 * CHANGES, 1, rule)
    law = np.full(9, 1 / 9)
    for _ in range(2):
        law = chain.push(law)
    trainer = StateTransition(0.3, rule=rule)
    counts = np.bincount([after(trainer, s, 2)[1] for s in range(2000)], minlength=9)
    seen = law > 0
    assert counts[~seen].sum() == 0
    assert stats.chisquare(counts[seen], 2000 * law[seen]).pvalue > FALSE_ALARM


@pytest.mark.parametrize(("uniform", "block"), [(1.0, None), (0.3, None), (0.3, 1)])
def test_proposals_have_the_law_of_the_exact_chain(uniform, block):
    chosen = [np.eye(2)[i] for i in range(2)] if block else [np.ones(2)]
    kernels = []
    for mask in chosen:
        transition = TransitionChain.of(LAND, -0.6 * CHANGES * mask, 1, TanhRule(2.0)).matrix()
        proposal = uniform * uniform_moves(LAND) + (1 - uniform) * transition
        kernels.append(metropolis_hastings(LAND, 0.4, proposal).toarray())
    chain = np.mean(kernels, axis=0)
    trainer = Annealing(0.4, uniform, block, rate=0.6, rule=TanhRule(2.0), proposals=2)
    counts = np.bincount([after(trainer, s, 1)[1] for s in range(2500)], minlength=9)
    law = np.full(9, 1 / 9) @ chain @ chain
    assert stats.chisquare(counts, 2500 * law).pvalue > FALSE_ALARM


@pytest.mark.parametrize("chosen", [[0, 1], [1]], ids=str)
def test_the_chance_of_a_proposal_is_that_of_the_matrix(chosen):
    # To all digits: runs would not tell 0.7 from 1 in a factor of both directions.
    trainer = Annealing(0.4, 0.3, rate=0.6, rule=TanhRule(2.0))
    mask = np.isin([0, 1], chosen)
    transition = TransitionChain.of(LAND, -0.6 * CHANGES * mask, 1, TanhRule(2.0)).matrix()
    exact = (0.3 * uniform_moves(LAND) + 0.7 * transition).toarray()
    places = [trainer._at(np.array([s // 3, s % 3]), WHOLE) for s in range(9)]
    chances = np.exp(
        [[trainer._log_chance(a, b, np.array(chosen)) for b in places] for a in places]
    )
    np.testing.assert_allclose(chances, exact, atol=1e-14)


def test_annealing_has_the_law_of_the_exact_product():
    cooling = Geometric(1.0, 0.8, 1e-3)
    law = annealed_law(LAND, [cooling(step) for step in range(12)])
    trainer = Annealing(cooling, proposals=1)
    counts = np.bincount([after(trainer, s, 12)[1] for s in range(500)], minlength=9)
    rare = law * 500 < 5
    seen = np.append(counts[~rare], counts[rare].sum())
    assert stats.chisquare(seen, 500 * np.append(law[~rare], law[rare].sum())).pvalue > FALSE_ALARM


def test_adaptive_cooling_finds_a_minimum_of_one_coordinate():
    adaptive = Annealing(Adaptive(1.0, 0.2), proposals=20)
    state = adaptive.start(LINEAR, 0)
    temperatures = [state["temperature"]]
    for _ in range(20):
        state = adaptive.step(state, WHOLE)
        temperatures.append(state["temperature"])
    assert np.all(np.diff(temperatures) < 0)
    assert number(state) in LAND.one_flip_minima()


def test_logarithmic_temperatures_reach_the_trainer():
    trainer = Annealing(Logarithmic(0.7), proposals=1)
    state = trainer.step(trainer.start(LINEAR, 1), WHOLE)
    assert state["temperature"] == pytest.approx(0.7 / np.log(3.0))


def test_bits_count_codes_and_moments():
    assert [code_bits(n) for n in range(4)] == [1, 2, 3, 4]
    assert StateTransition().bits().training == 2
    assert StateTransition(direction=Adam()).bits().training == 66
    assert Annealing().bits().training == Annealing().bits().inference == 2


def test_trainers_learn_breast_cancer():
    x, y = load_breast_cancer(return_X_y=True)
    x = StandardScaler().fit_transform(x)[::3]
    y = y[::3]
    hidden = {"hidden": (8,), "activation": th.ternary(1), "surrogate": rectangular(1, "1/2")}
    jumps = StateTransition(Geometric(0.1, 0.9, 1e-3), Adam())
    assert Classifier(jumps, epochs=15, **hidden).fit(x, y).score(x, y) > 0.9
    search = Annealing(Geometric(0.05, 0.9, 1e-5), proposals=60)
    model = Classifier(search, epochs=30, batch=None, loss=errors, hidden=()).fit(x, y)
    assert model.score(x, y) > 0.9
    assert model.evaluations_ == 30 * 61 * len(x)


def test_refusals():
    with pytest.raises(InputError, match="uniform"):
        Annealing(uniform=0.0)
    with pytest.raises(InputError, match="at least 2 proposals"):
        Annealing(Adaptive(1.0), proposals=1)
    with pytest.raises(InputError, match="temperature"):
        Annealing("cold")
