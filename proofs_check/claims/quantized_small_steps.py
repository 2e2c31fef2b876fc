"""Discrete state transition as a chain: small steps do not anneal, whole gradients reach few states (S18, S19)."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache, partial
from itertools import pairwise, product
from typing import Any

import numpy as np
import sympy as sp

from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.methods.identity import identity
from proofs_check.verdict import Grade, Verdict, every
from theory.quantized.chains import gibbs, stationary
from theory.quantized.gradient_chains import LeastSquares, TransitionChain
from theory.quantized.landscape import Landscape
from theory.quantized.transition import LinearRule, TanhRule, code_step, spacing, states

SOURCE = "quantized-training.md, section 2; GXNOR-Net"
Matrix = dict[Any, Fraction]

# ---------------------------------------------------------------------------------- S18: small steps

# Samples (x, y) of one weight, loss (x w - y)^2/2: the declared instance.
SAMPLES = ((1, 1), (2, -1), (-1, 2), (3, 1), (1, -2))
PLANES = (((1, 2), 1), ((-1, 1), 2), ((2, -1), -1))
RATES = tuple(Fraction(1, k) for k in (1000, 200, 77, 48))


def _gradient(w: Fraction, x: int, target: int) -> Fraction:
    return (x * w - target) * x


def kernel(rate: Fraction, bits: int, rule: Callable[[Fraction], Fraction]) -> Matrix:
    """One step of one weight on a sample at random, in rationals."""
    entries: Matrix = {}
    for w, (x, target) in product(states(bits), SAMPLES):
        step = code_step(w, -rate * _gradient(w, x, target), spacing(bits))
        for value, chance in step.law(rule).items():
            entries[w, value] = entries.get((w, value), Fraction(0)) + Fraction(chance) / len(
                SAMPLES
            )
    return entries


def generator(bits: int) -> Matrix:
    """G: up at the mean of (-g)_+ over the spacing, down at that of g_+, inside the box."""
    entries: Matrix = {}
    gap = spacing(bits)
    for w in states(bits):
        slopes = [_gradient(w, x, target) for x, target in SAMPLES]
        for sign in (1, -1):
            total = sum((max(-sign * g, Fraction(0)) for g in slopes), Fraction(0))
            rate = total / len(slopes) / gap
            if abs(w + sign * gap) <= 1:
                entries[w, w + sign * gap] = rate
                entries[w, w] = entries.get((w, w), Fraction(0)) - rate
    return entries


def law(entries: Matrix, bits: int) -> tuple[Fraction, ...]:
    """Stationary law of a chain that moves by one spacing: detailed balance along the line."""
    line = states(bits)
    weights = [Fraction(1)]
    for low, high in pairwise(line):
        weights.append(weights[-1] * entries[low, high] / entries[high, low])
    return tuple(weight / sum(weights) for weight in weights)


def _scaled(rate: Fraction, bits: int, rule: Callable[[Fraction], Fraction]) -> dict[Any, Fraction]:
    """(K - I)/rate, entry by entry."""
    found = kernel(rate, bits, rule)
    return {
        (a, b): (found.get((a, b), Fraction(0)) - (a == b)) / rate
        for a, b in product(states(bits), repeat=2)
    }


def _whole(bits: int) -> dict[Any, Fraction]:
    found = generator(bits)
    return {pair: found.get(pair, Fraction(0)) for pair in product(states(bits), repeat=2)}


def _series() -> Iterator[tuple[str, Verdict]]:
    """pi(0)/pi(-1) = sum tanh(m a |g|) / sum tanh(m a |h|), two gradients each way, in powers of a."""
    m, a, g1, g2, h1, h2 = sp.symbols("m a g1 g2 h1 h2", positive=True)

    def jumps(one: sp.Expr, two: sp.Expr) -> sp.Expr:
        cubes = ((m * a) ** 3 / 3 for _ in "12")
        return m * a * (one + two) - next(cubes) * one**3 - next(cubes) * two**3

    for name, g in (("tanh", sp.tanh(m * a * g1)),):
        found = sp.series(g, a, 0, 5).removeO()
        on = Domain({m: (0, 9), a: (0, 1), g1: (0, 1)})
        yield f"series of {name}", identity(found, m * a * g1 - (m * a * g1) ** 3 / 3, on=on)
    ratio = sp.series(jumps(g1, g2) / jumps(h1, h2), a, 0, 3).removeO()
    on = Domain({m: (0, 9), g1: (0, 1), g2: (0, 1), h1: (0, 1), h2: (0, 1)})
    first = (g1 + g2) / (h1 + h2)
    bend = (h1**3 + h2**3) / (h1 + h2) - (g1**3 + g2**3) / (g1 + g2)
    stated = (first, sp.S.Zero, m**2 / 3 * first * bend)
    for power, value in enumerate(stated):
        yield f"order {power}", identity(ratio.coeff(a, power), value, on=on)


def _together(rate: Fraction) -> dict[Any, Fraction]:
    """(K - I)/rate of two weights that move at once."""
    line = states(1)
    entries: dict[Any, Fraction] = {}
    for here in product(line, repeat=2):
        for x, target in PLANES:
            residual = sum(c * w for c, w in zip(x, here, strict=True)) - target
            laws = [
                code_step(w, -rate * residual * c, 1).law(LinearRule())
                for w, c in zip(here, x, strict=True)
            ]
            for (u, p), (v, q) in product(laws[0].items(), laws[1].items()):
                place = here, (u, v)
                entries[place] = entries.get(place, Fraction(0)) + Fraction(p) * q / len(PLANES)
    pairs = product(product(line, repeat=2), repeat=2)
    return {pair: (entries.get(pair, Fraction(0)) - (pair[0] == pair[1])) / rate for pair in pairs}


def _flips(rate: Fraction) -> dict[Any, Fraction]:
    """What first order leaves: single moves at their rates, and moves of both at most ``rate`` times a constant."""
    scaled, limit = _together(rate), _together(rate / 2)
    # Entries are polynomials of degree 2 in the rate without constant: two values give the linear part.
    return {pair: 2 * limit[pair] - scaled[pair] for pair in scaled}


def _alone() -> dict[Any, Fraction]:
    """The generator of two weights that move one at a time."""
    line = states(1)
    entries: dict[Any, Fraction] = {
        pair: Fraction(0) for pair in product(product(line, repeat=2), repeat=2)
    }
    for here, axis in product(product(line, repeat=2), (0, 1)):
        for x, target in PLANES:
            residual = sum(c * w for c, w in zip(x, here, strict=True)) - target
            moved = Fraction(-residual * x[axis])
            there = list(here)
            there[axis] += (moved > 0) - (moved < 0)
            if moved and abs(there[axis]) <= 1:
                entries[here, tuple(there)] += abs(moved) / len(PLANES)
                entries[here, here] -= abs(moved) / len(PLANES)
    return entries


def _s18(rule: Callable[[Fraction], Fraction]) -> Verdict:
    cases = [{"rate": rate, "bits": bits} for bits in (1, 2) for rate in RATES]

    def parts() -> Iterator[tuple[str, Verdict]]:
        yield (
            "K = I + rate G",
            exhaustive(cases, lambda rate, bits: _scaled(rate, bits, rule), lambda rate, bits: _whole(bits)),  # noqa: ARG005
        )  # fmt: skip
        yield (
            "stationary law",
            exhaustive(
                cases,
                lambda rate, bits: law(kernel(rate, bits, rule), bits),
                lambda rate, bits: law(generator(bits), bits),  # noqa: ARG005
            ),
        )
        yield from _series()
        yield (
            "two weights, first order",
            exhaustive([{"rate": rate} for rate in RATES], _flips, lambda rate: _alone()),  # noqa: ARG005
        )

    return every(parts())


@claim(
    "S18",
    statement=r"One weight, gradients $g$ of single samples, $\alpha\max|g|\le\Delta z$. Linear rule: $K_\alpha=I+"
    r"\alpha G$, so the stationary law does not depend on $\alpha$ at all. DST: $\pi(0)/\pi(-1)$ and "
    r"$\pi(1)/\pi(0)$ are"
    r" $\sum\tanh(m\alpha a_i)/\sum\tanh(m\alpha b_i)=\frac{\sum a_i}{\sum b_i}[1+\frac{m^2\alpha^2}3(\frac{\sum b_i^3}"
    r"{\sum b_i}-\frac{\sum a_i^3}{\sum a_i})+O(\alpha^4)]$: the same law in the limit, for every $m$. For $N=1$ it is "
    r"$\pi(0)/\pi(-1)=E[(-g)_+|-1]/E[g_+|0]$, $\pi(1)/\pi(0)=E[(-g)_+|0]/E[g_+|1]$. Several weights: the same to first "
    r"order in $\alpha$, as independent single moves. Decay of the step size does not anneal.",
    source=f"{SOURCE}, S18",
    hypotheses=(
        "one weight, N = 1, 2, five samples of a declared least-squares instance, four step sizes, in rationals",
        "the series for two gradients each way; two ternary weights with three samples for the last sentence",
        "the printed numbers belong to an instance that is not given",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _s18(lambda part: part * part),
)
def small_steps() -> Verdict:
    """Kernels in rationals, series in symbols; the mutant's rule is the square of the rest."""
    return _s18(LinearRule())


# ------------------------------------------------------------------------------- S19: whole gradients

D, N, SEED, RATE, TEMPERATURE = 4, 20, 0, 0.1, 0.05


TARGETS = ("noisy", "exact", "beyond")


@cache
def instance(target: str = "noisy") -> tuple[LeastSquares, Landscape, TransitionChain]:
    """Ternary least squares in four weights with twenty samples, integers from a declared stream.

    Targets are X w with noise, X w itself, and X (3, 3, 3, 3), which no state reaches.
    """
    random = np.random.Generator(np.random.Philox(key=[D, SEED]))
    x = random.integers(-2, 3, (N, D)).astype(float)
    plain, noise = x @ random.integers(-1, 2, D), random.integers(-2, 3, N)
    y = {"noisy": plain + noise, "exact": plain, "beyond": 3 * x.sum(axis=1)}[target]
    problem = LeastSquares(x, y)
    land = Landscape.of(problem.energy, (-1, 0, 1), D)
    changes = -RATE * problem.gradient(land.states())
    return problem, land, TransitionChain.of(land, changes, 1, TanhRule(3.0))


def _slopes(state: int, target: str) -> tuple[Any, Any]:
    """A state and its gradient times the number of samples, integers."""
    problem, land, _ = instance(target)
    here = land.states()[state]
    return here, (here @ problem.X.T - problem.y) @ problem.X


def _absorbing(state: int, target: str, rate: Fraction) -> int:
    """Whether DST stays for certain, in rationals."""
    here, slopes = _slopes(state, target)
    steps = [code_step(int(w), -rate * int(g) / N, 1) for w, g in zip(here, slopes, strict=True)]
    return int(all(step.near == step.far == w for step, w in zip(steps, here, strict=True)))


def _pushed(state: int, target: str, faces: bool) -> int:
    """The stated condition: g_i = 0, or the weight sits on the face to which -g_i points."""
    here, slopes = _slopes(state, target)
    return int(np.all((slopes == 0) | (faces & (here == -np.sign(slopes)))))


def _reached() -> tuple[tuple[int, ...], ...]:
    """Closed classes by squaring the matrix of what can be reached."""
    matrix = (instance()[2].matrix().toarray() > 0) | np.eye(3**D, dtype=bool)
    for _ in range(8):
        matrix = (matrix.astype(np.int64) @ matrix) > 0
    both = matrix & matrix.T
    pairs = zip(both, matrix, strict=True)
    closed = {tuple(np.flatnonzero(row)) for row, far in pairs if np.array_equal(row, far)}
    return tuple(tuple(int(v) for v in one) for one in sorted(closed))


def _listed() -> tuple[tuple[int, ...], ...]:
    found = instance()[2].classes().closed_states()
    return tuple(sorted(tuple(int(v) for v in one) for one in found))


def _reducible() -> Verdict:
    _, land, chain = instance()
    mine, wanted = stationary(chain.matrix()), gibbs(land, TEMPERATURE)
    sizes = [len(one) for one in _listed()]
    total = float(np.abs(mine - wanted).sum() / 2)
    best = land.minima()
    text = (
        f"closed classes of {sizes} of {land.size} states; to Gibbs at T = {TEMPERATURE} total variation "
        f"{total:.3f}; mass on the minimum {mine[best].sum():.3f} against {wanted[best].sum():.3f}"
    )
    holds = len(sizes) == 1 and sum(sizes) < land.size and total > 0.1
    grade = Grade.PROVED if holds else Grade.REFUTED
    return Verdict(grade, text, None if holds else text, ("SciPy's sparse LU",))


def _s19(faces: bool) -> Verdict:
    cases = [
        {"state": state, "target": target, "rate": rate}
        for target, rate, state in product(TARGETS, (Fraction(1, 10), Fraction(4)), range(3**D))
    ]

    def parts() -> Iterator[tuple[str, Verdict]]:
        yield "reducible", _reducible()
        stated = partial(_pushed, faces=faces)
        yield (
            "absorbing",
            exhaustive(cases, _absorbing, lambda state, target, rate: stated(state, target)),  # noqa: ARG005
        )
        yield "classes", exhaustive([{}], lambda: sum(_listed(), ()), lambda: sum(_reached(), ()))

    return every(parts())


@claim(
    "S19",
    statement=r"Full-batch DST: a state is absorbing iff for every $i$ either $g_i=0$ or $W_i$ already sits on the "
    r"face to which $-g_i$ points. On ternary least squares with $d=4$, $n=20$ the chain is reducible: one closed "
    r"class, a proper subset of the 81 states, and its stationary law is far from Gibbs.",
    source=f"{SOURCE}, S19",
    hypotheses=(
        "declared instances, all 81 states, step sizes 1/10 and 4; targets with noise, without, and out of reach",
        "the printed 8 of 81 belongs to an instance that is not given",
        r"$m=3$ for the stationary law; classes do not depend on $m$",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _s19(False),
)
def whole_gradients() -> Verdict:
    """Enumerate; classes by Tarjan and by powers of the matrix. The mutant forgets the faces."""
    return _s19(True)
