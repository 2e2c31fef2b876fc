"""Proximal quantizers: which maps are proximal, which regularisers convex, and PAR's closed form (S1, S2, S12)."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import sympy as sp

from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.methods.identity import identity
from proofs_check.verdict import Grade, Verdict, every
from theory.quantized.maps import Map, Regulariser
from theory.quantized.quantizers import PAR, PiecewiseLinear, Projection, k_bit

SOURCE = "quantized-training.md, section 1"
F = Fraction
LEVELS = ((-1, 1), (-1, 0, 1), k_bit(2), (F(-1), F(1, 3), F(3, 2)))
LENGTHS = (F(0), F(1, 16), F(1, 8), F(1, 3), F(2))
PARS = (
    PAR((-1, 0, 1), (F(1, 2),)),
    PAR((-1, F(-1, 2), 0, F(1, 2), 1), (F(1, 8), F(1, 3))),
    PAR((-3, -1, 0, 1, 3), (F(0), F(2, 5))),
)
MUS = (F(1, 2), F(1), F(5, 2))


def family() -> list[Map]:
    """Projections, L_rho^varrho at every pair of lengths, and PAR at every sharpness."""
    maps = [
        PiecewiseLinear(levels, rho, varrho).map(1)
        for levels in LEVELS
        for rho in LENGTHS
        for varrho in LENGTHS
    ]
    maps += [Projection(levels).map(1) for levels in LEVELS]
    # Jumps off the midpoint, where r has to rise between the levels.
    maps += [Map((p, F(2)), (0, 0, F(1, 2)), (-1, 1, F(1, 2))) for p in (F(1, 4), F(-2, 3))]
    return maps + [par.map(mu) for par in PARS for mu in MUS]


def places(quantizer: Map) -> list[Fraction]:
    """Breakpoints, points between them, and points outside."""
    breaks = [F(place) for place in quantizer.breaks]
    inner = [(low + high) / 2 for low, high in pairwise(breaks)]
    return sorted({*breaks, *inner, breaks[0] - F(3, 7), breaks[-1] + F(5, 9)})


def limits(quantizer: Map, u: Fraction) -> tuple[Fraction, ...]:
    """The values of the set-valued map: both one-sided limits at a jump."""
    for place, before, after in quantizer.ends:
        if u == place:
            return tuple(sorted({F(before), F(after)}))
    return (F(quantizer(np.array([u], dtype=object))[0]),)


def _s1(weight: Fraction) -> Verdict:
    z, z2, u, u2, r, r2 = sp.symbols("z z2 u u2 r r2", real=True)
    box = Domain(dict.fromkeys((z, z2, u, u2, r, r2), (-3, 3)))

    def parts() -> Iterator[tuple[str, Verdict]]:
        # Optimality of z at u and of z2 at u2: the two gaps are at least 0, and r cancels in their sum.
        first = (z2 - u) ** 2 / 2 + r2 - (z - u) ** 2 / 2 - r
        second = (z - u2) ** 2 / 2 + r - (z2 - u2) ** 2 / 2 - r2
        yield "a falling map has no r", identity(first + second, (z2 - z) * (u2 - u), on=box)
        cases = [{"quantizer": one, "u": u} for one in family() for u in places(one)]

        def minimised(quantizer: Map, u: Fraction) -> tuple[Fraction, ...]:
            return tuple(F(z) for z in Regulariser.of(quantizer).minimisers(u, weight))

        yield "argmin", exhaustive(cases, minimised, limits)

    return every(parts())


@claim(
    "S1",
    statement=r"A scalar quantizer is a proximal map iff it is nondecreasing with closed graph. For a piecewise affine "
    r"one, $r'(z)=P^{-1}(z)-z$ on the range, and $+\infty$ off it, gives an $r$ with "
    r"$P(u)=\arg\min_z\frac12(z-u)^2+r(z)$, both limits at a jump.",
    source=f"{SOURCE}, S1; Yu et al. 2015, proposition 3, as quoted in PARQ",
    hypotheses=(
        "necessity: two optimality conditions added, an identity in which r cancels",
        "sufficiency: emitted r against all its exact minimisers, for 115 maps (projections, "
        r"$L_\rho^\varrho$, PAR), at every break, between breaks and outside",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _s1(F(101, 100)),
)
def proximal_maps_are_the_nondecreasing_ones() -> Verdict:
    """Minimise exactly with the emitted regulariser; the mutant weighs it 1.01."""
    return _s1(F(1))


# ------------------------------------------------------------------- S2: convexity


def convex(regulariser: Regulariser, modulus: Fraction) -> bool:
    """Whether r + modulus z^2/2 is convex, from its segments alone: connected domain, slopes that never fall."""
    segments = [s for s in regulariser.segments if s[0] != s[1]]
    if not segments:
        return False
    slopes: list[Fraction] = []
    for low, high, a, b, _ in segments:
        slopes += [(2 * a + modulus) * end + b for end in (low, high)]
    connected = all(one[1] == other[0] for one, other in pairwise(segments))
    points = {s[0] for s in regulariser.segments if s[0] == s[1]}
    inside = all(segments[0][0] <= z <= segments[-1][1] for z in points)
    return connected and inside and all(low <= high for low, high in pairwise(slopes))


def _s2(share: Fraction) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        lengths = [F(0), F(1, 16), F(1, 8), F(3, 16)]  # below half of every gap
        grid = [(rho, varrho) for rho in lengths for varrho in lengths]
        cases = [
            {"levels": levels, "rho": rho, "varrho": varrho}
            for levels in LEVELS
            for rho, varrho in grid
        ]

        def seen(levels: tuple[Any, ...], rho: Fraction, varrho: Fraction) -> tuple[Any, ...]:
            made = PiecewiseLinear(levels, rho, varrho).map(1)
            slopes = {F(slope) for slope in made.slopes} - {F(0)}
            return (
                int(convex(Regulariser.of(made), F(0))),
                int(made.expansion is None),
                *sorted(slopes),
            )

        def stated(levels: tuple[Any, ...], rho: Fraction, varrho: Fraction) -> tuple[Any, ...]:
            halves = {F(high - low) / 2 for low, high in pairwise(levels)}
            answer = int(rho == varrho == 0)
            return answer, answer, *sorted({(h - varrho) / (h - rho) for h in halves})

        yield "slopes and convexity", exhaustive(cases, seen, stated)
        weak = [{"levels": levels, "rho": rho} for levels in LEVELS for rho in lengths[1:]]

        def repaired(levels: tuple[Any, ...], rho: Fraction) -> tuple[int, int]:
            made = PiecewiseLinear(levels, rho).map(1)
            half = min(F(high - low) / 2 for low, high in pairwise(levels))
            r = Regulariser.of(made)
            return tuple(int(convex(r, share * f * rho / half)) for f in (F(1), F(99, 100)))  # type: ignore[return-value]

        yield "weak convexity", exhaustive(weak, repaired, lambda levels, rho: (1, 0))  # noqa: ARG005

    return every(parts())


@claim(
    "S2",
    statement=r"$r$ is convex iff $P$ is 1-Lipschitz. The sloped pieces of $L_\rho^\varrho$ have slope "
    r"$(h-\varrho)/(h-\rho)$, $h$ half the gap, so its $r$ is convex iff $\rho=\varrho=0$; for $\varrho=0$, "
    r"$r+\frac\rho{2h}|\cdot|^2$ is convex, and with less it is not.",
    source=f"{SOURCE}, S2",
    hypotheses=(
        r"$\rho,\varrho<h$; convexity is decided on the segments of the emitted $r$ (slopes at all ends), not on $P$",
        r"four sets of levels, 16 pairs of lengths; with unequal gaps $h$ is the smallest half gap",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _s2(F(1, 2)),
)
def only_the_identity_has_a_convex_regulariser() -> Verdict:
    """Decide convexity on the segments of r; the mutant adds half of what is needed."""
    return _s2(F(1))


# ------------------------------------------------------------------- S12: PAR


def argmin(par: PAR, mu: Fraction, u: Fraction) -> Fraction:
    """Return the minimiser of (z - u)^2/2 + mu Psi(z) among every kink and critical point of its definition."""
    q = [level for level in par.levels if level >= 0]
    candidates = {F(s) * level for level in q for s in (-1, 1)}
    candidates |= {u + s * mu * slope for slope in par.slopes for s in (-1, 1)}
    inside = [z for z in candidates if abs(z) <= q[-1]]
    return min(inside, key=lambda z: (z - u) ** 2 / 2 + mu * par.penalty(z))


def _s12(scale: Fraction) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        cases = [
            {"par": par, "mu": mu, "u": u}
            for par in PARS
            for mu in MUS
            for u in places(par.map(mu))
        ]
        yield (
            "closed form",
            exhaustive(
                cases,
                lambda par, mu, u: F(par.map(scale * mu)(np.array([u], dtype=object))[0]),
                argmin,
            ),
        )
        pairs = [{"par": par, "mu": mu} for par in PARS for mu in MUS]
        yield (
            "nonexpansive",
            exhaustive(
                pairs, lambda par, mu: int(par.map(mu).expansion is None), lambda par, mu: 1  # noqa: ARG005
            ),
        )  # fmt: skip
        yield "rescaled lengths", exhaustive(pairs, rescaled, stated_lengths)

    return every(parts())


def rescaled(par: PAR, mu: Fraction) -> tuple[Any, ...]:
    """Lengths of the pieces of u -> prox(mu u) on u > 0 in turn, and whether it is steeper than 1."""
    made = par.map(mu)
    breaks = [F(place) / mu for place in made.breaks if place >= 0]
    starts = [F(0), *breaks]
    lengths = [high - low for low, high in pairwise(starts)]
    scaled = Map(
        tuple(F(b) / mu for b in made.breaks), tuple(mu * s for s in made.slopes), made.shifts
    )
    return int(scaled.expansion is not None), *lengths


def stated_lengths(par: PAR, mu: Fraction) -> tuple[Any, ...]:
    """Flat pieces of constant length a_k - a_(k-1), sloped ones of (q_(k+1) - q_k)/mu."""
    q = [F(level) for level in par.levels if level >= 0]
    lengths: list[Fraction] = []
    previous = F(0)
    for k, slope in enumerate(par.slopes):
        flat = slope - previous
        # A flat piece of no length is no piece: with a_0 = 0 the map is the identity through 0.
        lengths += [flat] if flat or k else []
        lengths.append((q[k + 1] - q[k]) / mu)
        previous = slope
    return int(mu > 1), *lengths


@claim(
    "S12",
    statement=r"PAR, $\Psi(w)=\max_k\{a_k(|w|-q_k)+b_k\}$: $\mathrm{prox}_\Psi(u)=\mathrm{sgn}(u)q_k$ for "
    r"$a_{k-1}\leq|u|-q_k\leq a_k$, else $u-\mathrm{sgn}(u)a_k$; it is nonexpansive. "
    r"$u\mapsto\mathrm{prox}_{\gamma\Psi}(\gamma u)$ has flat pieces of constant length "
    r"$a_k-a_{k-1}$ and sloped ones of width $(q_k-q_{k-1})/\gamma$: it "
    r"tends to rounding, and for $\gamma>1$ is the proximal map of no convex function in the unit metric.",
    source=f"{SOURCE}, S12; PARQ, equations 6 and 7, as read",
    hypotheses=(
        r"three regularisers with $q_0=0$, three sharpnesses, every break and points between; the minimum is taken "
        "over all kinks and critical points of the definition",
        "that the code of PARQ applies the rescaled map without rescaling was read in it, not run",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _s12(F(101, 100)),
)
def par_in_closed_form() -> Verdict:
    """Compare the closed form with an exact minimum; the mutant is 1 % too sharp."""
    return _s12(F(1))
