"""Five trainers on one landscape whose every state is known, and trainers in rationals beside float64 (S50, S53)."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy import stats

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.verdict import Grade, Verdict, every
from theory.quantized import (
    Annealing,
    Batch,
    Bop,
    CoNNTrA,
    Landscape,
    LinearRule,
    Logarithmic,
    Network,
    PiecewiseLinear,
    StateTransition,
    Trainer,
    binary_connect,
    draws,
    prox_connect,
    proxquant,
    reverse_prox_connect,
)
from theory.quantized.chains import annealed_law
from theory.quantized.quantizers import SIGNS, TRITS
from theory.quantized.search import Cache, descend
from theory.quantized.surrogates import rectangular
from theory.quantized.transition import code_step, values

SOURCE = "quantized-training.md, section 6"
F = Fraction

# --------------------------------------------------------------------------- S50: one landscape

NETWORK = Network((2, 2, 1), th.ternary("1/2"), rectangular("1/2", "1/2"), bias=False, scaled=False)
LEVELS = (-1.0, 0.0, 1.0)
SEEDS, STEPS, COOLED = 40, 60, 200
FALSE_ALARM = 1e-6


@cache
def problem() -> tuple[Batch, Landscape]:
    """Twelve samples of a declared stream, and the mean squared loss of all 729 ternary 2-2-1 networks."""
    random = np.random.Generator(np.random.Philox(key=50))
    x, y = (
        random.integers(-2, 3, (12, 2)).astype(float),
        random.integers(-2, 3, (12, 1)).astype(float),
    )
    batch = Batch(NETWORK, x, y)
    land = Landscape.of(lambda states: [batch.energy(w) for w in states], LEVELS, NETWORK.dim)
    return batch, land


def trainers() -> Mapping[str, Trainer]:
    """The five, with ternary weights."""
    _, land = problem()
    return MappingProxyType(
        {
            "BinaryConnect": binary_connect(0.1, TRITS),
            "ProxConnect": prox_connect(0.05, PiecewiseLinear(TRITS, 0.1)),
            "transition": StateTransition(0.2),
            "annealing": Annealing(Logarithmic(float(land.hajek_depth)), proposals=1),
            "CoNNTrA": CoNNTrA(LEVELS),
        }
    )


def number(weights: Any) -> int:
    """Number of a ternary weight vector among the states."""
    return int((np.asarray(weights) + 1) @ 3 ** np.arange(NETWORK.dim - 1, -1, -1))


def visits(trainer: Trainer, seed: int, steps: int) -> list[int]:
    """States that predict after each step of one run on whole data."""
    batch, _ = problem()
    state, seen = trainer.start(NETWORK, seed), []
    for _ in range(steps):
        state = trainer.step(state, batch)
        seen.append(number(trainer.weights(state)))
    return seen


def _ends_of_search() -> set[int]:
    """End points of coordinate search from every state, in the order of the weights."""
    batch, land = problem()
    ends = set()
    for state in range(land.size):
        found = Cache(NETWORK, np.array(land.state(state)), batch.X, batch.Y)
        descend(found, LEVELS, range(NETWORK.dim), 100)
        ends.add(number(found.weights))
    return ends


@cache
def _annealed() -> tuple[int, float]:
    """Runs of annealing that end in a minimum, and the exact probability that one does."""
    _, land = problem()
    cooling = Logarithmic(float(land.hajek_depth))
    exact = float(annealed_law(land, cooling.between(0, COOLED))[land.minima()].sum())
    trainer = trainers()["annealing"]
    best = set(land.minima().tolist())
    return sum(visits(trainer, seed, COOLED)[-1] in best for seed in range(SEEDS)), exact


def _hits(share: float) -> Verdict:
    """Compare the runs with the law of their kernels; ``share`` is what the mutant leaves of it."""
    count, exact = _annealed()
    chance = float(stats.binomtest(count, SEEDS, share * exact).pvalue)
    text = f"{count} of {SEEDS} runs end in a minimum, exact probability {exact:.4f}, p-value {chance:.3g}"
    trusts = ("the streams", "SciPy's binomial test")
    if chance < FALSE_ALARM:
        return Verdict(Grade.REFUTED, text, text, trusts)
    return Verdict(Grade.CONSISTENT, text, None, trusts)


def _s50(share: float) -> Verdict:
    _, land = problem()

    def parts() -> Iterator[tuple[str, Verdict]]:
        yield "annealing", _hits(share)
        for name, trainer in trainers().items():
            runs = [visits(trainer, seed, STEPS) for seed in range(4)]
            least = min(float(land.energies[state]) for seen in runs for state in seen)
            text = f"least energy visited {least:.4f}, least of all {float(land.lowest):.4f}"
            ok = least >= float(land.lowest)
            grade = Grade.PROVED if ok else Grade.REFUTED
            yield name, Verdict(grade, text, None if ok else text, ("float64",))
        opt = land.one_flip_minima().tolist()
        found = sorted(_ends_of_search())
        yield (
            f"{len(opt)} ends of CoNNTrA",
            exhaustive([{}], lambda: tuple(found), lambda: tuple(opt)),
        )

    return every(parts())


@claim(
    "S50",
    statement=r"On a landscape whose states are all known, BinaryConnect, ProxConnect, discrete state transition, "
    r"annealing and CoNNTrA report no loss below the minimum; the end points of CoNNTrA from all starts are the "
    r"one-coordinate minima; annealing at $c=d^*$ ends in a minimum as often as the exact product of its kernels says.",
    source=f"{SOURCE}, S50",
    hypotheses=(
        "ternary 2-2-1 network, ternary activation with rectangular surrogate, squared loss, 12 declared samples",
        f"annealing: {SEEDS} runs of {COOLED} steps, false alarm 1e-6; the others 4 runs of {STEPS} steps",
        "fixed points of BinaryConnect against one-coordinate minima are S13",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda: _s50(0.3),
)
def five_trainers() -> Verdict:
    """Run them all; the mutant's annealing hits 0.3 times as often."""
    return _s50(1.0)


# ------------------------------------------------------------------- S53: float64 against rationals

REPLAYED = 100
CLOSE = 1e-11
DIM, SAMPLES = 5, 8


@cache
def replay() -> tuple[Batch, Batch, Any]:
    """One integer least-squares problem, exact and in float64, and latent weights in tenths."""
    random = np.random.Generator(np.random.Philox(key=53))
    x, y = random.integers(-2, 3, (SAMPLES, DIM)), random.integers(-3, 4, (SAMPLES, 1))
    latent = random.integers(-9, 10, DIM)
    network = Network((DIM, 1), th.identity(), bias=False, scaled=False)
    rational = np.vectorize(lambda v: F(int(v)), otypes=[object])
    return Batch(network, rational(x), rational(y)), Batch(network, x * 1.0, y * 1.0), latent


def _trainers(rate: Any) -> dict[str, Any]:
    soft = PiecewiseLinear(TRITS, F(1, 10))
    return {
        "BinaryConnect": binary_connect(rate, SIGNS, clip=None),
        "BinaryConnect, ternary": binary_connect(rate, TRITS, clip=None),
        "ProxConnect": prox_connect(rate, soft),
        "ProxQuant": proxquant(rate, soft),
        "reverse ProxConnect": reverse_prox_connect(rate, soft),
        "Bop": Bop(rate / 5, rate),
    }


def first_difference(name: str, rate: Fraction) -> tuple[int, float, bool]:
    """Compare codes step by step.

    Returns the first step at which they differ (0 if none does), the largest distance of the two memories until then,
    and whether every rational latent weight whose code differs lies exactly where its quantizer jumps.
    """
    rational, rounded, latent = replay()
    exact, float64 = _trainers(rate)[name], _trainers(float(rate))[name]
    tenths, memory = np.array([F(int(v), 10) for v in latent], dtype=object), "latent"
    if name == "Bop":
        tenths, memory = np.array([F(1 if v >= 0 else -1) for v in latent], dtype=object), "mean"
    one, other = exact.start_at(tenths), float64.start_at(tenths.astype(float))
    apart = 0.0
    for step in range(1, REPLAYED + 1):
        one, other = exact.step(one, rational), float64.step(other, rounded)
        gaps = [abs(float(a) - b) for a, b in zip(one[memory], other[memory], strict=True)]
        apart = max(apart, *gaps)
        codes = exact.weights(one), float64.weights(other)
        differ = [F(float(b)) != F(a) for a, b in zip(*codes, strict=True)]
        if any(differ):
            jumps = {F(0)} if name == "BinaryConnect" else {F(1, 2), F(-1, 2)}
            places = zip(one[memory], differ, strict=True)
            return step, apart, all(F(v) in jumps for v, other in places if other)
    return 0, apart, False


def transition_difference(rate: Fraction) -> int:
    """The same for discrete state transition with the linear rule, both fed with the same uniform numbers."""
    rational, rounded, _ = replay()
    trainer = StateTransition(float(rate), rule=LinearRule())
    state = trainer.start(rounded.network, 0)
    weights = [F(int(v)) for v in values(state["codes"], 1)]
    for step in range(1, REPLAYED + 1):
        # The uniform numbers of this step, from its address.
        uniforms = draws(state).random(DIM)
        gradient = rational.gradient(np.array(weights, dtype=object))
        moved = [code_step(w, -rate * F(g), 1) for w, g in zip(weights, gradient, strict=True)]
        weights = [
            one.far if F(float(u)) < one.part else one.near
            for one, u in zip(moved, uniforms, strict=True)
        ]
        state = trainer.step(state, rounded)
        if any(F(float(v)) != w for v, w in zip(values(state["codes"], 1), weights, strict=True)):
            return step
    return 0


RATES = (F(1, 100), F(1, 10))
FOUND = MappingProxyType(
    {
        ("BinaryConnect", RATES[1]): 36,
        ("BinaryConnect, ternary", RATES[0]): 51,
        ("BinaryConnect, ternary", RATES[1]): 83,
    }
)


def _s53(found: Mapping[tuple[str, Fraction], int]) -> Verdict:
    cases = [{"name": name, "rate": rate} for rate in RATES for name in _trainers(rate)]

    def steps(name: str, rate: Fraction) -> tuple[int, int, int]:
        step, apart, on_jump = first_difference(name, rate)
        return step, int(apart < CLOSE), int(on_jump or not step)

    def parts() -> Iterator[tuple[str, Verdict]]:
        listed = ", ".join(f"{name}, {rate}: {step}" for (name, rate), step in found.items())
        stated = exhaustive(cases, steps, lambda name, rate: (found.get((name, rate), 0), 1, 1))
        yield f"first differences ({listed}; no others)", stated
        yield (
            "transition",
            exhaustive([{"rate": r} for r in RATES], transition_difference, lambda rate: 0),  # noqa: ARG005
        )

    return every(parts())


@claim(
    "S53",
    statement=r"Float64 against rational replay, 100 steps of an integer least-squares problem in five weights, step "
    r"sizes 1/100 and 1/10: codes of BinaryConnect differ first at step 36 (1/10), ternary ones at steps 51 (1/100) "
    r"and 83 (1/10), each time where a rational latent weight lies exactly on a jump of the quantizer; those of "
    r"ProxConnect, ProxQuant, reverse ProxConnect, Bop and linear-rule state transition do not differ. Memories stay "
    r"within $10^{-11}$.",
    source=f"{SOURCE}, S53; motivated by S3",
    hypotheses=(
        "one declared instance; a report of what happens there, not a bound",
        "CoNNTrA compares losses that are integers over 16, exact in float64; local reparameterisation is not rational",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _s53(MappingProxyType({})),
)
def rational_replay() -> Verdict:
    """Replay each trainer; the mutant says that codes never differ."""
    return _s53(FOUND)
