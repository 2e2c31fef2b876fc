"""Low temperatures: gaps by Arrhenius, and the schedules that find the minimum (S24, S25)."""

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import pairwise

import flint
import numpy as np
from flint import arb

from proofs_check.claims.quantized_landscape import CASES, SOURCE, neuron
from proofs_check.ledger import claim
from proofs_check.verdict import Grade, Verdict, every
from theory.quantized.chains import annealed_law, gibbs, metropolis, spectral_gap
from theory.quantized.landscape import Landscape
from theory.quantized.temperatures import Logarithmic

# ------------------------------------------------------------------------------- S24: Arrhenius

COLD = (0.12, 0.10)
ENCLOSED_CASE = (4, 8, 0)


def _above(land: Landscape, temperature: Fraction, value: arb) -> int | None:
    """How many eigenvalues of the Metropolis chain exceed ``value``: positive pivots (Sylvester); None: not decided."""
    t = arb(flint.fmpq(temperature.numerator, temperature.denominator))
    size, degree = land.neighbours.shape
    energies = [int(e) for e in land.energies]
    rows = [[arb(0)] * size for _ in range(size)]
    for i in range(size):
        stays = arb(1)
        for j in map(int, land.neighbours[i]):
            rows[i][j] = (-arb(abs(energies[i] - energies[j])) / (2 * t)).exp() / degree
            stays -= (-arb(max(energies[j] - energies[i], 0)) / t).exp() / degree
        rows[i][i] = stays - value
    positive = 0
    for k in range(size):
        pivot = rows[k][k]
        if not (pivot > 0 or pivot < 0):
            return None
        positive += bool(pivot > 0)
        for i in range(k + 1, size):
            if rows[i][k] != 0:
                factor = rows[i][k] / pivot
                for j in range(i, size):
                    rows[i][j] -= factor * rows[k][j]
                    rows[j][i] = rows[i][j]
    return positive


def _enclosed_slope(exponent: Fraction) -> Verdict:
    """-d log gap / d(1/T) between two temperatures, from enclosures of both gaps."""
    land = neuron(*ENCLOSED_CASE)
    with flint.ctx.workprec(256):
        ends = []
        for temperature in (Fraction(12, 100), Fraction(1, 10)):
            gap = spectral_gap(
                metropolis(land, float(temperature)), gibbs(land, float(temperature))
            )
            low, high = arb(gap) * (1 - arb("1e-4")), arb(gap) * (1 + arb("1e-4"))
            if (_above(land, temperature, 1 - low), _above(land, temperature, 1 - high)) != (1, 2):
                return Verdict(Grade.UNDECIDED, f"the gap at T = {temperature} was not enclosed")
            ends.append(low.union(high).log())
        slope = (ends[0] - ends[1]) / (arb(10) - arb(25) / 3)
        text = f"slope {slope.str(6)} against m = {land.gap_exponent}, for {ENCLOSED_CASE}"
        # Corrections are of relative order e^(-1/T), 5e-5 to 2e-4, times the number of neighbours of the barrier.
        off = abs(slope - arb(flint.fmpq(exponent.numerator, exponent.denominator)))
        if off < arb("0.01"):
            return Verdict(Grade.ENCLOSED, text, None, ("Arb; Sylvester's law of inertia",))
        return Verdict(Grade.REFUTED, text, text, ("Arb; Sylvester's law of inertia",))


def _slopes(name: str) -> Verdict:
    """The same in float64, for all neurons up to d = 6."""
    lines, worst = [], 0.0
    for case in CASES[:-1]:
        land = neuron(*case)
        gaps = [spectral_gap(metropolis(land, t), gibbs(land, t)) for t in COLD]
        slope = math.log(gaps[0] / gaps[1]) / (1 / COLD[1] - 1 / COLD[0])
        worst = max(worst, abs(slope - float(getattr(land, name))))
        lines.append(f"{case}: {slope:.4f}, m = {land.gap_exponent}, d* = {land.hajek_depth}")
    text = "; ".join(lines)
    ok = worst < 0.01
    return Verdict(Grade.AGREES if ok else Grade.REFUTED, text, None if ok else text, ("LAPACK",))


@claim(
    "S24.enclosed",
    statement=r"One neuron of S24, $d=4$: the slope $-d\log\mathrm{gap}/d(1/T)$ between $T=0.12$ and $0.10$ is $m$ "
    r"within 0.01.",
    source=f"{SOURCE}, S24; Holley and Stroock (recalled)",
    hypotheses=("81 states; the second eigenvalue by the signs of pivots, 256 bits",),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: _enclosed_slope(
        Fraction(int(neuron(*ENCLOSED_CASE).gap_exponent)) + Fraction(1, 10)
    ),
)
def enclosed_gap() -> Verdict:
    """Count eigenvalues on both sides of each gap; the mutant's exponent is m + 1/10."""
    return _enclosed_slope(Fraction(int(neuron(*ENCLOSED_CASE).gap_exponent)))


@claim(
    "S24",
    statement=r"$-d\log\mathrm{gap}/d(1/T)\to m$, which also counts barriers between distinct global minima: the gap "
    r"overstates the hardness of optimisation wherever $m>d^*$.",
    source=f"{SOURCE}, S24; Holley and Stroock (recalled)",
    hypotheses=(
        r"ternary threshold neurons, $3\le d\le6$, declared data, $T=0.12$ and $0.10$; slopes within 0.01",
        "the printed slopes belong to data that are not given",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: _slopes("hajek_depth"),
)
def arrhenius() -> Verdict:
    """Slopes against m; the mutant puts d* in its place."""
    return _slopes("gap_exponent")


# ----------------------------------------------------------------------------------- S25: schedules

ANNEALED = (4, 8)
EXACT_STEPS, DECADES = 6, (1000, 10_000, 100_000)


@cache
def trapping() -> Landscape:
    """The first neuron of its kind, by seed, whose deepest minimum that is not global has depth 1."""
    seed = 0
    while neuron(*ANNEALED, seed).hajek_depth != 1:
        seed += 1
    return neuron(*ANNEALED, seed)


def trap(land: Landscape) -> list[int]:
    """States of a valley of depth 1: connected at one energy, above the minimum, every way out a climb."""
    tree, e = land.barriers, land.energies
    ends = np.flatnonzero(e[tree.younger] > e[tree.elder])
    first = int(tree.younger[ends[np.argmax(e[tree.saddle[ends]] - e[tree.younger[ends]])]])
    found, todo = {first}, [first]
    while todo:
        for other in map(int, land.neighbours[todo.pop()]):
            if e[other] == e[first] and other not in found:
                found.add(other)
                todo.append(other)
    return sorted(found)


def exact_law(land: Landscape, power: int, steps: int) -> list[Fraction]:
    """Law after ``steps`` steps at T_t = c / log(1 + t), 1/c = ``power``: a climb of k has (1 + t)^(-k power)."""
    size, degree = land.neighbours.shape
    energies = [int(value) for value in land.energies]
    law = [Fraction(1, size)] * size
    for t in range(1, steps + 1):
        following = list(law)
        for i in range(size):
            for j in map(int, land.neighbours[i]):
                climb = max(energies[j] - energies[i], 0)
                moved = law[i] / degree / (1 + t) ** (climb * power)
                following[i] -= moved
                following[j] += moved
        law = following
    return law


def _trapped(power: int) -> Verdict:
    """Show that a share of the mass never leaves the trap: prod over k > K of (1 - k^-power) > 0 for power >= 2."""
    land = trapping()
    states = trap(land)
    outside = {int(j) for i in states for j in land.neighbours[i]} - set(states)
    climbs = min(int(land.energies[j]) for j in outside) - int(land.energies[states[0]])
    mass = sum((exact_law(land, power, EXACT_STEPS)[i] for i in states), Fraction(0))
    # From step t on, 1 - (1 + t)^-2 telescopes to (1 + t) / (2 + t) at t = EXACT_STEPS; the harmonic product is 0.
    kept = Fraction(EXACT_STEPS + 1, EXACT_STEPS + 2) if power * climbs >= 2 else Fraction(0)
    bound = mass * kept
    text = (
        f"{len(states)} states at energy {land.energies[states[0]]}, climb {climbs}; "
        f"P(not minimal) >= {float(bound):.6f} for every t >= {EXACT_STEPS}"
    )
    if bound > 0 and land.energies[states[0]] > land.lowest:
        return Verdict(Grade.PROVED, text, None, ("Python's rational arithmetic",))
    return Verdict(Grade.REFUTED, text, f"no mass is held: {text}")


@claim(
    "S25.trap",
    statement=r"$T_t=c/\log(1+t)$ with $c=d^*/2$: $P(X_t\notin\arg\min)$ stays above a positive number for ever, by "
    r"the exact law after a few steps and $\prod_{k>K}(1-k^{-2})=K/(K+1)$.",
    source=f"{SOURCE}, S25; Hajek 1988 (abstract read)",
    hypotheses=(
        "a ternary neuron with d* = 1, from the uniform law; the barrier is one move, as S25 requires for this bound",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _trapped(1),
)
def cooled_too_fast() -> Verdict:
    """Bound the mass that leaves; the mutant's scale is d*, where the product is 0."""
    return _trapped(2)


def unsolved(land: Landscape, scale: float, times: tuple[int, ...]) -> list[float]:
    """Return P(X_t not minimal) at given times, from the uniform law."""
    found, law, before = [], None, 0
    for time in times:
        temperatures = Logarithmic(scale).between(before, time)
        law = annealed_law(land, temperatures, start=law)
        found.append(float(1 - law[land.minima()].sum()))
        before = time
    return found


def _dichotomy(converging: tuple[float, ...]) -> Verdict:
    """Mass off the minima at three times: it falls where c >= d*, and is held where c < d*."""
    land = trapping()

    def parts() -> Iterator[tuple[str, Verdict]]:
        for scale in (0.5, 1.0, 2.0):
            values = unsolved(land, scale * float(land.hajek_depth), DECADES)
            ratios = [later / earlier for earlier, later in pairwise(values)]
            listed = ", ".join(f"{value:.5f}" for value in values)
            text = f"P(not minimal) = {listed} at t = {DECADES}"
            # A valley with one way out loses mass like t^(-1/8) at c = d*: 0.75 a decade, or less.
            falls = max(ratios) < 0.9
            holds = falls == (scale in converging)
            grade = Grade.AGREES if holds else Grade.REFUTED
            yield f"c = {scale} d*", Verdict(grade, text, None if holds else text, ("float64",))

    return every(parts())


@claim(
    "S25",
    statement=r"Annealing with $T_t=c/\log(1+t)$: $P(X_t\notin\arg\min)\to0$ if $c\ge d^*$, and bounded away from 0 if "
    r"$c<d^*$.",
    source=f"{SOURCE}, S25; Hajek 1988 (abstract read)",
    hypotheses=(
        "the neuron of S25.trap, exact products of kernels to t = 100000, c = d*/2, d*, 2 d*",
        "falling: by a tenth or more in each of two decades; the limit itself is Hajek's theorem, not checked here",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: _dichotomy((0.5, 1.0, 2.0)),
)
def annealing_dichotomy() -> Verdict:
    """Push the law through the kernels; the mutant expects d*/2 to converge too."""
    return _dichotomy((1.0, 2.0))
