"""Sums of discrete weights against their normal approximation, and the sign of zero (S31, S32)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import comb, prod

import flint
import numpy as np

from proofs_check.ledger import claim
from proofs_check.methods.agree import as_ball
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.verdict import Grade, Verdict, every
from theory.quantized.reparameterised.exact import (
    Law,
    moments,
    sum_law,
)

SOURCE = "quantized-training.md, section 4.2"
CODE = "the authors' code was read for that text"
ARB = ("Arb (ball arithmetic)", "polynomials with integer coefficients (FLINT)")
Sum = tuple[tuple[Law, ...], tuple[int, ...]]


def cdf(x: flint.arb) -> flint.arb:
    """Return the normal distribution function."""
    return (-x / flint.arb(2).sqrt()).erfc() / 2


def pdf(x: flint.arb) -> flint.arb:
    """Return the normal density."""
    return (-x * x / 2).exp() / (2 * flint.arb.pi()).sqrt()


def below(rows: Iterable[tuple[str, flint.arb, flint.arb]]) -> Verdict:
    """Show value < bound for labelled balls: ENCLOSED, or REFUTED at the first that is above."""
    count, closest = 0, flint.arb(0)
    for label, value, bound in rows:
        count += 1
        shown = f"{label}: {value.str(6)} against {bound.str(6)}"
        if value > bound:
            return Verdict(Grade.REFUTED, "not below its bound", shown, ARB)
        if not value < bound:
            return Verdict(Grade.UNDECIDED, shown, None, ARB)
        closest = max(closest, value / bound, key=float)
    evidence = f"{count} values below their bounds; largest ratio {closest.str(4, radius=False)}"
    return Verdict(Grade.ENCLOSED, evidence, None, ARB)


# --------------------------------------------------------------------------- one sum and the normal law

KINDS = (
    ("binary", 27),
    ("binary", 288),
    ("binary", 1152),
    ("ternary", 27),
    ("ternary", 1152),
    ("nearly certain", 1152),
)
SEEDS = range(3)


def declared(kind: str, n: int, seed: int) -> Sum:
    """Return laws of n weights with probabilities in sixty-fourths, or twentieths, and signed inputs."""
    draws = np.random.Generator(np.random.Philox(key=[n, seed]))
    inputs = tuple(int(h) for h in draws.choice((-1, 1), n))
    if kind == "nearly certain":
        chances = [Fraction(int(k), 20) for k in draws.choice((1, 19), n)]
        return tuple({-1: 1 - p, 1: p} for p in chances), inputs
    ups = [int(k) for k in draws.integers(1, 64, n)]
    if kind == "binary":
        return tuple({-1: 1 - Fraction(k, 64), 1: Fraction(k, 64)} for k in ups), inputs
    rests = [int(draws.integers(0, 64 - k)) for k in ups]
    return tuple(
        {-1: Fraction(64 - k - r, 64), 0: Fraction(r, 64), 1: Fraction(k, 64)}
        for k, r in zip(ups, rests, strict=True)
    ), inputs


@dataclass(frozen=True)
class Compared:
    """A sum beside N(mean, variance): errors of its distribution function, all in balls.

    Parameters
    ----------
    uniform, bound
        Kolmogorov distance, and sum rho_i / v^(3/2).
    plain, split, corrected
        Errors of Phi(m/s) as P(S > 0), as P(S > 0) + P(S = 0)/2, and of the continuity correction as P(S > 0).
    tie, local
        P(S = 0)/2, and its normal approximation.
    """

    uniform: flint.arb
    bound: flint.arb
    plain: flint.arb
    split: flint.arb
    corrected: flint.arb
    tie: flint.arb
    local: flint.arb


def compared(laws: Sequence[Law], inputs: Sequence[int]) -> Compared:
    """Compare the exact law of a sum with the normal one of its moments."""
    law = sum_law(laws, inputs)
    pairs = [moments(one) for one in laws]
    mean = sum((m * h for (m, _), h in zip(pairs, inputs, strict=True)), Fraction(0))
    variance = sum(
        ((s - m * m) * h * h for (m, s), h in zip(pairs, inputs, strict=True)), Fraction(0)
    )
    third = sum(
        (p * abs(value - m) ** 3 * abs(h) ** 3
         for one, (m, _), h in zip(laws, pairs, inputs, strict=True) for value, p in one.items()),
        Fraction(0),
    )  # fmt: skip
    s, total = as_ball(variance).sqrt(), flint.arb(law.total)
    # The supremum stands at an atom, from either side.
    passed, uniform = 0, flint.arb(0)
    places = [law.least + i for i, count in enumerate(law.counts) if count]
    for place in places:
        level = cdf((as_ball(place - mean)) / s)
        before, passed = passed, passed + law.counts[place - law.least]
        for reached in (before, passed):
            gap = abs(level - flint.arb(reached) / total)
            uniform = max(uniform, gap, key=float)
    step = places[1] - places[0]
    last = max(place for place in places if place <= 0)
    above = as_ball(1 - law.below(1))
    tie = as_ball(law.at(0)) / 2
    at_zero = cdf(as_ball(mean) / s)
    return Compared(
        uniform,
        as_ball(third) / (as_ball(variance) * s),
        abs(at_zero - above),
        abs(at_zero - above - tie),
        abs(cdf((as_ball(mean - last) - as_ball(Fraction(step, 2))) / s) - above),
        tie,
        pdf(as_ball(mean) / s) / s * step / 2,
    )  # fmt: skip


def _clt(constant: Fraction, split: str) -> Verdict:
    """Put the errors of all declared sums against 0.56 sum rho / v^1.5 and 1/n."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        found = {
            (kind, n, seed): compared(*declared(kind, n, seed))
            for kind, n in KINDS
            for seed in SEEDS
        }
        yield (
            "Berry-Esseen",
            below(
                (f"{key}", one.uniform, as_ball(constant) * one.bound) for key, one in found.items()
            ),
        )
        ties = {key: one for key, one in found.items() if one.tie > 0}
        yield (
            "ties split, and counted by the local law",
            below(
                row
                for key, one in ties.items()
                for row in (
                    (f"split, {key}", getattr(one, split), as_ball(Fraction(1, key[1]))),
                    (f"local, {key}", abs(one.tie - one.local), as_ball(Fraction(1, key[1]))),
                )
            ),
        )
        yield (
            "continuity correction",
            below(
                (f"{key}", one.corrected, as_ball(Fraction(1, key[1])))
                for key, one in found.items()
            ),
        )

    return every(parts())


@claim(
    "S31",
    statement=r"$S=\sum w_ih_i$ of independent discrete weights, mean $m$, variance $s^2$: $\sup|P(S\le x)-\Phi|\le0.56"
    r"\sum\rho_i/s^3$. At 0 the error of $\Phi(m/s)$ as $P(S>0)$ is mostly half the mass of ties: against "
    r"$P(S>0)+\frac12P(S=0)$ it stays below $1/n$, $\frac12P(S=0)$ is within $1/n$ of "
    r"$\frac{\text{step}}{2s}\varphi(m/s)$, "
    r"and so does the continuity correction as $P(S>0)$.",
    source=f"{SOURCE}, S31",
    hypotheses=(
        "eighteen declared sums of 27 to 1152 binary, ternary and nearly certain weights, three draws a kind; the "
        "bound 1/n was fixed from the printed table, whose own draws are not stated",
        "laws of sums exact, normal probabilities in balls",
    ),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: _clt(Fraction(56, 100), "plain"),
)
def normal_sums() -> Verdict:
    """Exact laws by integer polynomials, against balls."""
    return _clt(Fraction(56, 100), "split")


# ------------------------------------------------------------------------------------ the sign of zero

QUARTERS: tuple[Law, ...] = (
    {-1: Fraction(1, 4), 1: Fraction(3, 4)},
    {-1: Fraction(1, 2), 1: Fraction(1, 2)},
    {-1: Fraction(1, 4), 0: Fraction(1, 4), 1: Fraction(1, 2)},
)
SUMS = [
    {"laws": laws, "inputs": inputs}
    for n in (1, 2, 3)
    for laws in product(QUARTERS, repeat=n)
    for inputs in product((-1, 1), repeat=n)
]


def _listed(laws: Sequence[Law], inputs: Sequence[int]) -> Iterator[tuple[int, Fraction]]:
    """Yield the sum and the probability of every choice of weights."""
    for choice in product(*(law.items() for law in laws)):
        total = sum(value * h for (value, _), h in zip(choice, inputs, strict=True))
        yield total, prod((chance for _, chance in choice), start=Fraction(1))


def _zero(counted: int) -> Verdict:
    """Compare first and second moments of the two signs, over all weights, with the law of the sum."""

    def enumerated(laws: Sequence[Law], inputs: Sequence[int]) -> tuple[Fraction, ...]:
        first = second = up = Fraction(0)
        for total, chance in _listed(laws, inputs):
            sign = (total > 0) - (total < 0)
            first, second = first + sign * chance, second + sign**2 * chance
            up += (1 if total >= 0 else -1) * chance
        return first, second, up

    def stated(laws: Sequence[Law], inputs: Sequence[int]) -> tuple[Fraction, ...]:
        law = sum_law(laws, inputs)
        above, tie = 1 - law.below(1), law.at(0)
        split = 2 * (above + tie / 2) - 1
        return split, 1 - counted * tie, split + tie

    fair = exhaustive(
        [{"n": 288}], lambda n: round(Fraction(comb(n, n // 2), 2**n) * 10**4), lambda n: 470  # noqa: ARG005
    )  # fmt: skip
    return every([("all weights", exhaustive(SUMS, enumerated, stated)), ("fair signs", fair)])


@claim(
    "S32",
    statement=r"To split ties, as $\Phi(m/s)$ does, keeps the mean of a sign with $\mathrm{sgn}\,0=0$, but its "
    r"second moment "
    r"is $1-P(S=0)$, not 1: tested so, a unit leaves $\{-1,1\}$ with probability $P(S=0)$. With $\mathrm{sgn}\,0=1$ "
    r"the "
    r"mean is larger by $P(S=0)$. Of 288 fair signs this is $4.70\%$.",
    source=f"{SOURCE}, S32; {CODE}; the printed 5.6 % belongs to unstated draws",
    hypotheses=("every sum of up to three weights of three laws, and all signs of inputs",),
    aims_at=Grade.PROVED,
    mutant=lambda: _zero(0),
)
def sign_of_zero() -> Verdict:
    """Every choice of weights, in rationals."""
    return _zero(1)
