"""Metropolis chains on all states of small networks: balance, gaps, depths (S20, S21, S23)."""

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray
from scipy.sparse import csgraph, csr_matrix

from proofs_check.claims.quantized_small_steps import instance
from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.verdict import Grade, Verdict, every
from theory.quantized.chains import (
    gibbs,
    metropolis,
    metropolis_hastings,
    spectral_gap,
    uniform_moves,
)
from theory.quantized.gradient_chains import TransitionChain
from theory.quantized.landscape import Landscape, threshold_errors
from theory.quantized.transition import TanhRule

SOURCE = "quantized-training.md, section 2"

# Inputs, samples, seed: ternary threshold neurons on +-1 data from declared streams.
CASES = ((3, 6, 0), (4, 8, 0), (4, 8, 1), (5, 10, 0), (6, 14, 0), (7, 16, 0))


@cache
def neuron(d: int, n: int, seed: int) -> Landscape:
    """Number of errors of a ternary threshold neuron at n random +-1 samples."""
    random = np.random.Generator(np.random.Philox(key=[1000 * d + n, seed]))
    x, y = random.choice([-1.0, 1.0], (n, d)), random.choice([-1.0, 1.0], n)
    return Landscape.of(threshold_errors(x, y), (-1, 0, 1), d)


# -------------------------------------------------------------------------- S20: detailed balance

Powers = dict[int, int]


def _flow(land: Landscape, state: int, other: int, shift: int) -> Powers:
    """pi(i) P(i, j) times the number of proposals, as a polynomial in x = e^(-1/T): power -> coefficient."""
    here, there = int(land.energies[state]), int(land.energies[other])
    return {here + max(there - here + shift, 0): 1}


def _balance(d: int, seed: int, shift: int) -> Verdict:
    """All pairs of neighbours, and the sum into every state."""
    land = neuron(d, 2 * d, seed)
    pairs = [
        {"state": state, "other": int(other)}
        for state in range(land.size)
        for other in land.neighbours[state]
    ]

    def into(state: int) -> Powers:
        """Sum of pi(i) P(i, state) over all i, the state itself among them, times the number of proposals."""
        near = [int(other) for other in land.neighbours[state]]
        total: Powers = {int(land.energies[state]): len(near)}
        for other in near:
            for flow, sign in (
                (_flow(land, other, state, shift), 1),
                (_flow(land, state, other, shift), -1),
            ):
                for power, coefficient in flow.items():
                    total[power] = total.get(power, 0) + sign * coefficient
        return {power: value for power, value in sorted(total.items()) if value}

    return every(
        (
            (
                f"d = {d}, detailed balance",
                exhaustive(
                    pairs,
                    lambda state, other: _flow(land, state, other, shift),
                    lambda state, other: _flow(land, other, state, shift),
                ),
            ),
            (
                f"d = {d}, stationarity",
                exhaustive(
                    [{"state": state} for state in range(land.size)],
                    into,
                    lambda state: {int(land.energies[state]): len(land.neighbours[state])},
                ),
            ),
        )
    )


def _mixed(rounding: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """MH with DST proposals in rationals: flows pi(i) P(i, j) on nine states, tau rounded to 1/``rounding``.

    Any table of chances is a tau: those of tanh, rounded, with e^(-1/T) = 1/3.
    """
    land = neuron(2, 5, 0)
    changes = np.array([[0.3, -0.7], [-1.2, 0.4], [0.1, 0.9]] * 3) * np.linspace(1, 2, 9)[:, None]
    chain = TransitionChain.of(land, changes, 1, TanhRule(3.0)).matrix().toarray()
    q = [[Fraction(round(v * rounding), rounding) for v in row] for row in chain]
    single = uniform_moves(land).toarray()
    size, share = land.size, Fraction(1, 5)
    proposal = [
        [share * Fraction(single[i, j]).limit_denominator(99) + (1 - share) * q[i][j] for j in range(size)]
        for i in range(size)
    ]  # fmt: skip
    weight = [Fraction(1, 3) ** int(e) for e in land.energies]
    flows = np.empty((size, size), dtype=object)
    for i, j in product(range(size), repeat=2):
        there, back = proposal[i][j], proposal[j][i]
        accept = min(Fraction(1), weight[j] * back / (weight[i] * there)) if there else Fraction(0)
        flows[i, j] = weight[i] * there * accept
    return flows, np.array(weight, dtype=object)


def _s20(shift: int) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        for d in (2, 3, 4, 5):
            yield f"d = {d}", _balance(d, 0, shift)
        flows, _ = _mixed(2**20)
        cells = [{"i": i, "j": j} for i, j in product(range(9), repeat=2)]
        yield "DST proposals", exhaustive(cells, lambda i, j: flows[i, j], lambda i, j: flows[j, i])
        _, land, _ = instance()
        matrix = instance()[2].matrix()
        worst = 0.0
        for temperature in (0.5, 0.05):
            mixed = metropolis_hastings(land, temperature, 0.2 * uniform_moves(land) + 0.8 * matrix)
            flow = gibbs(land, temperature)[:, None] * mixed.toarray()
            worst = max(worst, float(np.abs(flow - flow.T).max()))
        text = f"the library's chain of 81 states: asymmetry {worst:.2g}"
        ok = worst < 1e-14
        yield "library", Verdict(Grade.PROVED if ok else Grade.REFUTED, text, None if ok else text)

    return every(parts())


@claim(
    "S20",
    statement=r"Metropolis with integer energies, $x=e^{-1/T}$: $\pi(i)P(i,j)=\pi(j)P(j,i)$ as polynomials in $x$, and "
    r"$\pi P=\pi$. DST proposals, mixed with single changes and corrected by Metropolis-Hastings, satisfy it for "
    r"every $\tau$ and $T$.",
    source=f"{SOURCE}, S20",
    hypotheses=(
        "ternary threshold neurons with 2, 3, 4, 5 weights, all states and neighbours",
        r"DST proposals: nine states in rationals, $\tau$ a table of multiples of $2^{-20}$, $e^{-1/T}=1/3$; beyond, "
        r"$\pi(i)P(i,j)=\min(\pi(i)q(i,j),\pi(j)q(j,i))$ is symmetric whatever they are; "
        r"81 states in float64 to $10^{-14}$",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _s20(1),
)
def detailed_balance() -> Verdict:
    """Compare powers of x; the mutant asks one more error for every climb."""
    return _s20(0)


# ------------------------------------------------------------------------------------ S21: gaps

TEMPERATURES = (4.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.05)


def _gaps(temperature: float) -> tuple[float, float, float]:
    """Gaps at a temperature of least squares: with DST proposals (by two routes), and with single changes."""
    _, land, chain = instance()
    law = gibbs(land, temperature)
    mixed = metropolis_hastings(land, temperature, 0.2 * uniform_moves(land) + 0.8 * chain.matrix())
    spectrum = np.sort(np.linalg.eigvals(mixed.toarray()).real)
    plain = spectral_gap(metropolis(land, temperature), law)
    return spectral_gap(mixed, law), float(1 - spectrum[-2]), plain


def _s21(helps_everywhere: bool) -> Verdict:
    table = {t: _gaps(t) for t in TEMPERATURES}

    def parts() -> Iterator[tuple[str, Verdict]]:
        yield (
            "routes",
            agree(
                {
                    "symmetric spectrum": lambda t: arb(table[t][0]),
                    "whole spectrum": lambda t: arb(table[t][1]),
                },
                [{"t": t} for t in TEMPERATURES],
                digits=9,
            ),
        )
        better = {t: gaps[0] > gaps[2] for t, gaps in table.items()}
        text = "; ".join(f"T = {t}: {g[0]:.3f} against {g[2]:.3f}" for t, g in table.items())
        holds = all(better.values()) if helps_everywhere else len(set(better.values())) == 2
        grade = Grade.AGREES if holds else Grade.REFUTED
        yield "crossing", Verdict(grade, text, None if holds else text, ("LAPACK",))

    return every(parts())


@claim(
    "S21",
    statement=r"Spectral gap with DST proposals (mixed with 0.2 of single changes) against single changes alone: "
    r"larger at low temperatures, smaller at high ones, on an instance; no theorem.",
    source=f"{SOURCE}, S21",
    hypotheses=(
        r"ternary least squares, $d=4$, $n=20$, a declared instance; $T$ from 0.05 to 4",
        "the printed gaps belong to an instance that is not given",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: _s21(True),
)
def gradient_proposals() -> Verdict:
    """Two spectra at seven temperatures; the mutant says that the gradient helps at all of them."""
    return _s21(False)


# ------------------------------------------------------------------------------ S23: Hajek's depth


def _components(land: Landscape, level: int) -> NDArray[Any]:
    """Labels of the valleys of {energy <= level}; -1 above."""
    low = land.energies <= level
    rows = np.repeat(np.arange(land.size), land.neighbours.shape[1])
    columns = land.neighbours.ravel()
    kept = low[rows] & low[columns]
    graph = csr_matrix(
        (np.ones(kept.sum(), np.int8), (rows[kept], columns[kept])), shape=(land.size,) * 2
    )
    labels = csgraph.connected_components(graph, directed=False)[1]
    return np.where(low, labels, -1)


def _depth_by_levels(land: Landscape) -> int:
    """Deepest climb to something lower: raise the level until the valley of each state holds a lower one."""
    depth = np.where(land.energies == land.lowest, 0, -1)
    for level in np.unique(land.energies):
        labels = _components(land, int(level))
        inside = labels >= 0
        best = np.full(labels.max() + 1, np.iinfo(np.int64).max)
        np.minimum.at(best, labels[inside], land.energies[inside])
        free = inside & (depth < 0)
        free[free] = best[labels[free]] < land.energies[free]
        depth[free] = level - land.energies[free]
    return int(depth.max())


def _exponent_by_paths(land: Landscape) -> int:
    """Return m by minimax paths between all pairs (Floyd and Warshall)."""
    e = land.energies.astype(np.int64)
    height = np.full((land.size, land.size), 10**6)
    rows = np.arange(land.size)[:, None]
    height[rows, land.neighbours] = np.maximum(e[:, None], e[land.neighbours])
    height[rows[:, 0], rows[:, 0]] = e
    for k in range(land.size):
        height = np.minimum(height, np.maximum(height[:, k, None], height[k]))
    return int((height - e[:, None] - e).max() + e.min())


def _s23(depth: str) -> Verdict:
    cases = [{"d": d, "n": n, "seed": seed} for d, n, seed in CASES]

    def by_sweep(d: int, n: int, seed: int) -> tuple[int, int]:
        land = neuron(d, n, seed)
        return land.size, int(getattr(land, depth))

    def by_levels(d: int, n: int, seed: int) -> tuple[int, int]:
        return 3**d, _depth_by_levels(neuron(d, n, seed))

    def parts() -> Iterator[tuple[str, Verdict]]:
        found = ", ".join(f"{case}: {by_sweep(*case)[1]}" for case in CASES)
        verdict = exhaustive(cases, by_sweep, by_levels)
        yield f"d* of (d, n, seed) {found}", verdict
        small = [case for case in cases if case["d"] <= 5]
        yield (
            "m by paths",
            exhaustive(
                small,
                lambda d, n, seed: int(neuron(d, n, seed).gap_exponent),
                lambda d, n, seed: _exponent_by_paths(neuron(d, n, seed)),
            ),
        )

    return every(parts())


@claim(
    "S23",
    statement=r"Hajek's $d^*$ of small quantized networks by one sweep over sublevel sets with union-find, "
    r"$O(|S|d\log|S|)$, equals the deepest climb found level by level; Holley and Stroock's $m$ equals that by "
    r"minimax paths.",
    source=f"{SOURCE}, S23; Hajek 1988 (abstract read), Holley and Stroock (recalled)",
    hypotheses=(
        "ternary threshold neurons, (d, n, seed) as listed in the evidence, +-1 data from declared streams",
        "the printed depths belong to data that are not given",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _s23("gap_exponent"),
)
def hajek_depths() -> Verdict:
    """Sweep against sublevel components; the mutant takes m for d*."""
    return _s23("hajek_depth")
