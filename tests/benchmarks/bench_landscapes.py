"""All states of a small network: barriers by one sweep, classes without a matrix, gaps; seconds and memory.

The alternatives take SciPy's components: of every sublevel graph for the barriers, and of the written-out transition
matrix for the classes. At 3^12 states these are out of reach (the matrix has 10^9 entries), and scaled from 3^8.
"""

import resource
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from hardlimit.timing import Ratio
from theory.quantized import Landscape, TanhRule
from theory.quantized.chains import communicating_classes, gibbs, metropolis, spectral_gap
from theory.quantized.gradient_chains import LeastSquares, TransitionChain
from theory.quantized.landscape import threshold_errors

SMALL, LARGE = 8, 12


def run(large: int = LARGE) -> list[Ratio]:
    """Time barriers, classes and a gap at 3^8 and 3^12 states."""
    rows = []
    slow = _seconds(lambda: _levels(_neuron(SMALL)))
    for d in (SMALL, large):
        land = _neuron(d)
        _ = land.neighbours
        ours = _seconds(
            lambda land=land: Landscape(land.energies, land.levels, land.dimension).hajek_depth
        )
        scaled = slow * 3.0 ** (d - SMALL)
        rows.append(
            Ratio(f"d* of 3^{d} states{_peak()}", ours, f"level by level{_from(d)}", scaled)
        )
    entries, matrix = 0, 0.0
    for d in (SMALL, large):
        problem = _plane(d)
        land = Landscape.of(problem.energy, (-1, 0, 1), d)
        changes = -0.05 * problem.gradient(land.states())
        chain = TransitionChain.of(land, changes, 1, TanhRule())
        if d == SMALL:
            entries = chain.entries
            matrix = _seconds(lambda chain=chain: communicating_classes(chain.matrix()))
        ours = _seconds(chain.classes)
        label = f"classes of 3^{d} states, {chain.entries} transitions{_peak()}"
        scaled = matrix * chain.entries / entries
        rows.append(Ratio(label, ours, f"written out{_from(d)}", scaled))
        if d == SMALL:
            law = gibbs(land, 1.0)
            ours = _seconds(lambda land=land, law=law: spectral_gap(metropolis(land, 1.0), law))
            dense = metropolis(land, 1.0).toarray()[:2187, :2187]
            whole = _seconds(lambda dense=dense: np.linalg.eigvalsh(dense)) * 3.0**3
            rows.append(
                Ratio(f"gap of 3^{d} states{_peak()}", ours, "dense, scaled from 3^7", whole)
            )
    return rows


def _neuron(d: int) -> Landscape:
    random = np.random.default_rng(d)
    x, y = random.choice([-1.0, 1.0], (2 * d, d)), random.choice([-1.0, 1.0], 2 * d)
    return Landscape.of(threshold_errors(x, y), (-1, 0, 1), d)


def _plane(d: int) -> LeastSquares:
    random = np.random.default_rng(d)
    x = random.integers(-2, 3, (4 * d, d)).astype(float)
    return LeastSquares(x, x @ random.integers(-1, 2, d) + random.integers(-2, 3, 4 * d))


def _levels(land: Landscape) -> list[NDArray[np.int32]]:
    """Components of every sublevel graph."""
    rows = np.repeat(np.arange(land.size), land.neighbours.shape[1])
    columns, found = land.neighbours.ravel(), []
    for level in np.unique(land.energies):
        low = land.energies <= level
        kept = low[rows] & low[columns]
        data = np.ones(np.count_nonzero(kept), np.int8)
        graph = sparse.csr_matrix((data, (rows[kept], columns[kept])), shape=(land.size,) * 2)
        found.append(csgraph.connected_components(graph, directed=False)[1])
    return found


def _peak() -> str:
    return f"; {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2g} GB at most so far"


def _from(d: int) -> str:
    return "" if d == SMALL else f", scaled from 3^{SMALL}"


def _seconds(work: Callable[[], object]) -> float:
    """Return the least processor time of this thread in two calls, the first of which may compile."""
    times = []
    for _ in range(2):
        start = time.thread_time()
        work()
        times.append(time.thread_time() - start)
        if times[0] > 20:
            break
    return min(times)
