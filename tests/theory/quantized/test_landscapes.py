"""Exact landscapes and chains against brute force: minimax paths, dense matrices, SciPy's components."""

import itertools

import numpy as np
import pytest

import theory as th
from theory.errors import DomainError, InputError
from theory.quantized import Network, errors
from theory.quantized.chains import (
    annealed_law,
    communicating_classes,
    gibbs,
    metropolis,
    metropolis_hastings,
    spectral_gap,
    stationary,
    uniform_moves,
)
from theory.quantized.gradient_chains import LeastSquares, TransitionChain
from theory.quantized.landscape import Landscape, threshold_errors, weight_count
from theory.quantized.temperatures import Adaptive, Logarithmic
from theory.quantized.transition import LinearRule, TanhRule


def neuron(d, n, seed, levels=(-1, 0, 1)):
    random = np.random.default_rng([d, n, seed])
    x, y = random.choice([-1.0, 1.0], (n, d)), random.choice([-1.0, 1.0], n)
    return Landscape.of(threshold_errors(x, y), levels, d)


def plane(d, n, seed):
    random = np.random.default_rng([d, n, seed])
    return LeastSquares(random.integers(-2, 3, (n, d)).astype(float), random.integers(-3, 4, n))


def heights(land):
    """Minimax heights of all pairs, by Floyd and Warshall."""
    energies = land.energies
    found = np.full((land.size, land.size), np.inf)
    for one in range(land.size):
        found[one, one] = energies[one]
        for other in land.neighbours[one]:
            found[one, other] = max(energies[one], energies[other])
    for k in range(land.size):
        found = np.minimum(found, np.maximum(found[:, k, None], found[k]))
    return found


@pytest.mark.parametrize("case", [(2, 5, 0), (3, 6, 1), (4, 8, 1), (5, 10, 4)], ids=str)
def test_depths_are_those_of_minimax_paths(case):
    land = neuron(*case)
    found, energies = heights(land), land.energies
    depths = [
        (found[s][energies < energies[s]] - energies[s]).min()
        for s in range(land.size)
        if energies[s] > land.lowest
    ]
    assert land.hajek_depth == max([*depths, 0])
    costs = found - energies[:, None] - energies + land.lowest
    assert land.gap_exponent == max(costs.max(), 0)


def test_a_barrier_between_global_minima_counts_for_gaps_alone():
    energies = np.full(9, 3)
    energies[[0, 8]] = 0  # (-1, -1) and (1, 1)
    land = Landscape(energies, (-1, 0, 1), 2)
    assert (land.hajek_depth, land.gap_exponent) == (0, 3)
    energies[8] = 1
    land = Landscape(energies, (-1, 0, 1), 2)
    assert (land.hajek_depth, land.gap_exponent) == (2, 2)
    assert land.barriers.saddle.tolist() == [2]


def test_two_levels_and_real_energies():
    random = np.random.default_rng(3)
    land = Landscape(random.normal(size=2**6), (-1.0, 1.0), 6)
    found = heights(land)
    lower = land.energies < land.energies[:, None]
    climbs = np.where(lower, found - land.energies[:, None], np.inf).min(axis=1)
    assert land.hajek_depth == climbs[np.isfinite(climbs)].max()
    brute = [s for s in range(64) if land.energies[s] <= land.energies[land.neighbours[s]].min()]
    np.testing.assert_array_equal(land.one_flip_minima(), brute)


def test_neighbours_differ_in_one_coordinate():
    land = neuron(3, 5, 0)
    values = land.states()
    for state in (0, 5, 26):
        assert land.state(state) == tuple(values[state])
        differ = (values[land.neighbours[state]] != values[state]).sum(axis=1)
        assert list(differ) == [1] * 6
        assert len(set(land.neighbours[state])) == 6


def test_network_energies_are_those_of_the_network():
    random = np.random.default_rng(5)
    x, y = random.choice([-1.0, 1.0], (7, 2)), random.choice([-1.0, 1.0], 7)
    network = Network((2, 2, 1), th.sign(), loss=errors, bias=False, scaled=False)
    assert weight_count(2, (2,)) == network.dim == 6
    land = Landscape.of(threshold_errors(x, y, (2,)), (-1, 0, 1), 6)
    for state in range(0, land.size, 17):
        assert land.energies[state] == network.errors(np.array(land.state(state)), x, y[:, None])


def test_metropolis_is_reversible_and_its_gap_that_of_the_whole_matrix():
    land = neuron(4, 8, 1)
    law, chain = gibbs(land, 0.5), metropolis(land, 0.5)
    flow = law[:, None] * chain.toarray()
    np.testing.assert_allclose(flow, flow.T, atol=1e-16)
    np.testing.assert_allclose(stationary(chain), law, atol=1e-13)
    eigenvalues = np.sort(np.linalg.eigvals(chain.toarray()).real)
    assert spectral_gap(chain, law) == pytest.approx(1 - eigenvalues[-2], abs=1e-12)
    general = metropolis_hastings(land, 0.5, uniform_moves(land))
    np.testing.assert_allclose(general.toarray(), chain.toarray(), atol=1e-15)


def test_lanczos_and_the_whole_matrix_agree(monkeypatch):
    land = neuron(5, 10, 1)
    chain, law = metropolis(land, 0.7), gibbs(land, 0.7)
    whole = spectral_gap(chain, law)
    monkeypatch.setattr("theory.quantized.chains.DENSE", 10)
    assert spectral_gap(chain, law) == pytest.approx(whole, abs=1e-9)


@pytest.mark.parametrize("rule", [TanhRule(3.0), LinearRule()], ids=str)
@pytest.mark.parametrize("case", [(3, 10, 0), (4, 20, 1)], ids=str)
def test_transitions_without_their_matrix(case, rule):
    problem = plane(*case)
    land = Landscape.of(problem.energy, (-1, 0, 1), case[0])
    chain = TransitionChain.of(land, -0.1 * problem.gradient(land.states()), 1, rule)
    matrix = chain.matrix()
    assert chain.entries == matrix.nnz
    np.testing.assert_allclose(np.asarray(matrix.sum(axis=1)), 1, atol=1e-14)
    law = np.random.default_rng(0).dirichlet(np.ones(land.size))
    np.testing.assert_allclose(chain.push(law), law @ matrix, atol=1e-15)
    ours, theirs = chain.classes(), communicating_classes(matrix)
    pairs = set(zip(ours.label.tolist(), theirs.label.tolist(), strict=True))
    assert len(pairs) == len(ours.closed) == len(theirs.closed)
    assert all(ours.closed[a] == theirs.closed[b] for a, b in pairs)
    mixed = metropolis_hastings(land, 0.3, 0.2 * uniform_moves(land) + 0.8 * matrix)
    flow = gibbs(land, 0.3)[:, None] * mixed.toarray()
    np.testing.assert_allclose(flow, flow.T, atol=1e-15)


def test_gradients_are_differences_of_energies():
    problem = plane(3, 7, 2)
    at = np.array([[0.5, -1.0, 0.25]])
    for axis, step in itertools.product(range(3), (0.5,)):
        move = np.zeros(3)
        move[axis] = step
        slope = (problem.energy(at + move) - problem.energy(at - move)) / (2 * step)
        assert problem.gradient(at)[0, axis] == pytest.approx(slope[0])
    whole = problem.sample_gradients(at).mean(axis=0)
    np.testing.assert_allclose(whole, problem.gradient(at))


def test_annealing_is_the_product_of_its_kernels():
    land = neuron(3, 9, 5)
    cooling = Logarithmic(1.0)
    law = np.full(land.size, 1 / land.size)
    for step in range(20):
        law = law @ metropolis(land, cooling(step))
    np.testing.assert_allclose(annealed_law(land, cooling.between(0, 20)), law, atol=1e-15)
    half = annealed_law(land, cooling.between(0, 8))
    again = annealed_law(land, cooling.between(8, 20), start=half)
    np.testing.assert_allclose(again, law, atol=1e-15)


def test_adaptive_temperatures_fall():
    rule = Adaptive(2.0, 0.5)
    assert rule.after(2.0, 4.0) == pytest.approx(2.0 * np.exp(-0.25))
    assert rule.after(2.0, 1e-9) == rule.after(2.0, 0.0) == 1.0
    with pytest.raises(InputError, match="deviation"):
        rule.after(1.0, -1.0)


def test_refusals():
    land = neuron(2, 5, 0)
    with pytest.raises(InputError, match="9 states"):
        Landscape(np.zeros(8), (-1, 0, 1), 2)
    with pytest.raises(InputError, match="531441"):
        Landscape.of(lambda states: states[:, 0], (-1, 0, 1), 13)
    with pytest.raises(InputError, match="rows of probabilities"):
        metropolis_hastings(land, 1.0, 2 * uniform_moves(land))
    two = np.eye(9)
    with pytest.raises(DomainError, match="9 closed classes"):
        stationary(two)
    with pytest.raises(DomainError, match="not reversible"):
        spectral_gap(np.roll(two, 1, axis=1), np.full(9, 1 / 9))
    with pytest.raises(InputError, match="levels of bits"):
        TransitionChain.of(land, np.zeros((9, 2)), 2, LinearRule())
