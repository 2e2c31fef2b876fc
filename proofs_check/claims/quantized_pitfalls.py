"""Local reparameterisation where code went astray, and its limit of certain laws (S34, S40, S52)."""

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import sympy as sp

import theory as th
from proofs_check.claims.quantized_sums import CODE, SOURCE, cdf
from proofs_check.ledger import claim
from proofs_check.methods.agree import agree, as_ball
from proofs_check.methods.domain import Domain
from proofs_check.methods.erratum import erratum
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.methods.identity import identity
from proofs_check.verdict import Grade, Verdict, every
from theory.arithmetic import Phi
from theory.quantized.network import Network
from theory.quantized.reparameterised.passes import Laws, Pass, Path
from theory.quantized.reparameterised.signals import Signal

# ------------------------------------------------------------------------------- the ternary branch

x = sp.Symbol("x", positive=True)
PLACES = Domain({x: (0, 3)})
UP, DOWN = Phi(x - sp.Rational(1, 2)), Phi(-x - sp.Rational(1, 2))
SQUARE = th.staircase(["-1/2", "1/2"], [1, 0, 1])


def _branch(first: sp.Expr, second: sp.Expr) -> Verdict:
    """Compare moments with those of the engine, which smooths the activation by N(x, 1)."""
    variable = next(iter(th.ternary("1/2").smoothed(1).expr.free_symbols))
    engine = {f: f.smoothed(1).expr.subs(variable, x) for f in (th.ternary("1/2"), SQUARE)}
    return every(
        [
            ("E h", identity(first, engine[th.ternary("1/2")], on=PLACES)),
            ("E h^2", identity(second, engine[SQUARE], on=PLACES)),
        ]
    )


def _ternary(sign: int) -> Verdict:
    return erratum(
        printed=_branch(2 * UP - 1, UP + 1 - DOWN), corrected=_branch(UP - DOWN, UP + sign * DOWN)
    )


@claim(
    "S34",
    statement=r"A ternary neuron with threshold $r$ and $z\sim N(m,s^2)$ has $E h=2p_+-1$ and $E h^2=p_++1-p_-$.",
    source=f"{SOURCE}, S34; the development code of Berger et al., whose ternary branch was read for that text",
    hypotheses=("$r=1/2$, $s=1$, by scaling; $m=x>0$, by symmetry",),
    aims_at=Grade.REFUTED_AS_PRINTED,
    mutant=lambda: _ternary(-1),
    correction=r"$E h=p_+-p_-$, $E h^2=p_++p_-$, with $p_+=1-\Phi((r-m)/s)$ and $p_-=\Phi((-r-m)/s)$.",
)
def ternary_moments() -> Verdict:
    """The engine's smoothed activations against both forms."""
    return _ternary(1)


def _quantiser(zeros: int) -> Verdict:
    """Count zeros of both quantisers between the thresholds, ends left out."""
    cases = [{"r": Fraction(k, 4), "steps": 9} for k in (1, 2, 5)]

    def inside(r: Fraction, steps: int) -> list[Fraction]:
        return [-r + 2 * r * Fraction(i, steps) for i in range(1, steps)]

    def of_the_code(r: Fraction, steps: int) -> int:
        return sum(int(z >= r) - int(z <= r) == 0 for z in inside(r, steps))

    def corrected(r: Fraction, steps: int) -> int:
        return sum(int(z > r) - int(z < -r) == 0 for z in inside(r, steps))

    everything = {"printed": of_the_code, "corrected": corrected}
    verdicts = {
        name: exhaustive(cases, found, lambda r, steps: zeros * (steps - 1))  # noqa: ARG005
        for name, found in everything.items()
    }
    return erratum(**verdicts)


@claim(
    "S34.test",
    statement=r"The test quantiser $1\{z\ge r\}-1\{z\le r\}$ is the ternary activation.",
    source=f"{SOURCE}, S34; the development code of Berger et al., read for that text",
    hypotheses=("three thresholds, points between them",),
    aims_at=Grade.REFUTED_AS_PRINTED,
    mutant=lambda: _quantiser(0),
    correction=r"It is $1\{z>r\}-1\{z<-r\}$; as printed the value 0 occurs at $z=r$ alone.",
)
def ternary_quantiser() -> Verdict:
    """Values between the thresholds."""
    return _quantiser(1)


# ------------------------------------------------------------------------------------- pitfalls, limits

GRID = [Fraction(k, 12) for k in range(13)]


def _sigmoids(limit: Fraction) -> Verdict:
    """Compare where the pair gives a law with where it was said to."""
    cases = [{"down": d, "up": u} for d, u in product(GRID, repeat=2)]

    def is_law(down: Fraction, up: Fraction) -> int:
        return int(min(down, up, 1 - down - up) >= 0 and up + down - (up - down) ** 2 <= 1)

    return erratum(
        printed=exhaustive(cases, is_law, lambda down, up: 1),  # noqa: ARG005
        corrected=exhaustive(cases, is_law, lambda down, up: int(down + up <= limit)),
    )


@claim(
    "S40",
    statement=r"Two independent sigmoids $\theta_0,\theta_1$ as $P(-1)$ and $P(1)$ give a ternary law of mean "
    r"$\theta_1-\theta_0$ and variance $\theta_1+\theta_0-\mu^2$.",
    source=f"{SOURCE}, S40; a re-implementation of LR-nets by a third party, read for that text",
    hypotheses=("twelfths of the unit square; the region is a half-plane",),
    aims_at=Grade.REFUTED_AS_PRINTED,
    mutant=lambda: _sigmoids(Fraction(3, 2)),
    correction=r"Only for $\theta_0+\theta_1\le1$; at $\theta_0=\theta_1=1$ the variance of a variable in $[-1,1]$ "
    r"would be 2.",
)
def two_sigmoids() -> Verdict:
    """A grid of the unit square, in rationals."""
    return _sigmoids(Fraction(1))


def _certain(floor: float) -> Verdict:
    """Compare passes through certain laws with the discrete network, on all weights of a net 2-2-1."""
    network = Network((2, 2, 1), th.sign(), th.hardtanh(1), bias=False, scaled=False)
    signal = Signal.of(network.activation)
    cases: list[dict[str, Any]] = [
        {"weights": weights, "rows": rows, "path": path}
        for weights in product((-1, 1), repeat=6)
        for rows in ((1, 2), (1, 1))
        for path in Path
    ]

    def passed(weights: tuple[int, ...], rows: tuple[int, ...], path: Path) -> Fraction:
        laws = Laws(np.array(weights, dtype=float), np.full(6, floor))
        draws = np.random.Generator(np.random.Philox(key=1))
        found = Pass(network, signal, laws, path, draws).outputs(np.array([rows], dtype=float))
        return Fraction(float(found[0, 0]))

    def discrete(weights: tuple[int, ...], rows: tuple[int, ...], path: Path) -> Fraction:  # noqa: ARG001
        X = np.array([rows], dtype=float)
        return Fraction(float(network.outputs(np.array(weights, dtype=float), X)[0, 0]))

    tie = signal.moments(np.zeros(1), np.full(1, 1e-3))[0][0]
    residue = {
        "closed form": lambda z: 1 - cdf(as_ball(z) / as_ball(Fraction(1, 1000)).sqrt()),
        "library": lambda z: float(
            signal.probabilities(np.array([float(z)]), np.array([1e-3]))[0, 0]
        ),
    }
    points = [{"z": Fraction(k, 64)} for k in (0, 1, 3)]
    return every(
        [
            ("certain laws", exhaustive(cases, passed, discrete)),
            ("a tie under the floor", exhaustive([{"z": Fraction(tie)}], lambda z: z, lambda z: 0)),  # noqa: ARG005
            ("flips under the floor", agree(residue, points, digits=12)),
        ]
    )


@claim(
    "S52",
    statement=r"With certain weights, $v=0$, local reparameterisation is the discrete network, drawn or by moments. "
    r"A floor of "
    r"$10^{-3}$ under the variance breaks this: every pre-activation keeps noise $N(0,10^{-3})$, its sign flips with "
    r"probability $\Phi(-|z|/\sqrt{10^{-3}})$, one half at a tie.",
    source=f"{SOURCE} and section 6, S52; {CODE}",
    hypotheses=("all weights of a net 2-2-1 at two inputs, one with ties",),
    aims_at=Grade.AGREES,
    mutant=lambda: _certain(1e-3),
)
def certain_laws() -> Verdict:
    """The library's passes against the network."""
    return _certain(0.0)
