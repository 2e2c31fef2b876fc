"""Mean-field maps, critical lines, and quantisers (asymmetric-kernels.md, T64 and T65)."""

from collections.abc import Iterator
from fractions import Fraction

import flint
import numpy as np
import sympy as sp
from flint import arb

import theory as th
from proofs_check.claims.spectra import within
from proofs_check.ledger import claim
from proofs_check.methods.erratum import erratum
from proofs_check.methods.identity import identity
from proofs_check.notation import VARIANCES, chart, p, q
from proofs_check.verdict import Grade, Verdict, every
from theory.activations import Activation
from theory.gaussian import expectation
from theory.kernels.brackets import fmpq, sign_change

SECTION = "asymmetric-kernels.md, section 10"
TRUSTS = ("Arb (ball arithmetic)", "the closed forms of the engine (claims G2, T13-T23)")

EDGES = (
    (th.erf(1), "1/2", "1.3603", "0.04655"),
    (th.erf(1), "1", "1.7562", "0.18414"),
    (th.hardtanh(1), "1/5", "1.02601", "0.004045"),
    (th.hardtanh(1), "1/2", "1.18666", "0.059635"),
    (th.hardtanh(1), "1", "1.464795", "0.244080"),
    (th.hardtanh(1), "2", "1.921230", "0.767113"),
)


def critical(f: Activation, length: str, factor: int = 1) -> tuple[arb, arb]:
    """Return s_w^2 = 1/(factor E[f'^2]) and s_b^2 = q - s_w^2 E[f^2] at q = ``length``."""
    slope = f.derivative
    with flint.ctx.workprec(128):
        variance = 1 / (factor * expectation(slope, slope).ball(length, length, length))
        square = expectation(f, f).ball(length, length, length)
        return variance, arb(fmpq(Fraction(length))) - variance * square


def _edges(shift: int) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        for f, length, variance, bias in EDGES:
            found = critical(f, length)
            for name, value, printed in zip(
                ("s_w^2", "s_b^2"), found, (variance, bias), strict=True
            ):
                yield f"{f}, q = {length}", within(name, value, printed, shift)

    return every(parts())


@claim(
    "T64.edge",
    statement=r"Edge of chaos, $\chi_{tt}=1$ at a fixed length: erf (b = 1), $(q;s_w^2,s_b^2)=(.5;1.3603,.04655)$, "
    r"$(1;1.7562,.18414)$; hardtanh, $(.2;1.02601,.004045)$, $(.5;1.18666,.059635)$, $(1;1.464795,.244080)$, "
    r"$(2;1.921230,.767113)$.",
    source=f"{SECTION}, T64",
    hypotheses=("the digits printed",),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: _edges(1),
)
def edges_of_chaos() -> Verdict:
    """The critical line is explicit in the length: two balls a point."""
    return _edges(0)


def _chi_formulas(rate: int) -> Verdict:
    """Compare chi of erf and hardtanh with the printed formulas."""
    erf, hardtanh = th.erf(1), th.hardtanh(1)
    chi_erf = expectation(erf.derivative, erf.derivative).on_line(1).subs(q, p)
    chi_hardtanh = expectation(hardtanh.derivative, hardtanh.derivative).on_line(1).subs(q, p)
    square = expectation(erf, erf).on_line(1).subs(q, p)
    printed = 4 / sp.pi / sp.sqrt(1 + rate * p)
    return every(
        [
            ("chi of erf", identity(chi_erf, printed, on=VARIANCES, chart=chart(sp.S.Half))),
            (
                "chi of hardtanh",
                identity(chi_hardtanh, sp.erf(1 / sp.sqrt(2 * p)), on=VARIANCES, chart=chart()),
            ),
            ("V of erf", identity(square, 2 / sp.pi * sp.asin(2 * p / (1 + 2 * p)), on=VARIANCES)),
        ]
    )


@claim(
    "T64.chi",
    statement=r"$\chi/s_w^2=\frac{4b^2}\pi(1+4b^2q)^{-1/2}$ and $V=\frac2\pi\arcsin\frac{2b^2q}{1+2b^2q}$ for "
    r"$\operatorname{erf}(bx)$; $\chi/s_w^2=\operatorname{erf}(1/\sqrt{2q})$ for hardtanh.",
    source=f"{SECTION}, T64",
    hypotheses=(r"$b=1$; other $b$ by scaling $q$", "all $q>0$"),
    aims_at=Grade.PROVED,
    mutant=lambda: _chi_formulas(3),
)
def gradient_factors() -> Verdict:
    """Derived on the line against the printed forms."""
    return _chi_formulas(4)


def _sign_critical(shift: int) -> Verdict:
    """Enclose the s_w at which chi_ss = s_w^2 erf(1/(sqrt 2 s_w)) = 1 for sign with hardtanh(1)."""

    def excess(std: Fraction) -> arb:
        with flint.ctx.workprec(192):
            weight = arb(fmpq(std))
            return weight * weight * (1 / (arb(2).sqrt() * weight)).erf() - 1

    with flint.ctx.workprec(192):
        root = sign_change(excess, Fraction(5, 4), Fraction(3, 2), 30)
        inverse = 1 / (arb.pi() / 2).log()
        tangent = (arb.pi() / 2).sqrt()
        return every(
            [
                ("chi_ss = 1", within("s_w", root, "1.36610", shift)),
                ("chi_ts = 1", within("s_w", tangent, "1.25331", shift)),
                ("correlation length", within("1/ln(pi/2)", inverse, "2.2144", shift)),
            ]
        )


@claim(
    "T64.sign",
    statement=r"Sign with hardtanh estimator, $b=1$, $s_b=0$: $\chi_{ss}=s_w^2\operatorname{erf}(1/(\sqrt2s_w))=1$ at "
    r"$s_w=1.36610$; $\chi_{ts}=s_w\sqrt{2/\pi}=1$ at $s_w=\sqrt{\pi/2}=1.25331$: the two cannot hold at once. "
    r"Correlations die out over $1/\ln(\pi/2)=2.2144$ layers.",
    source=f"{SECTION}, T64",
    hypotheses=(r"$\chi_{ss}$ by T64.chi, $\chi_{ts}$ by T33.value, with $q=s_w^2$, $\tau(0)=1$",),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: _sign_critical(1),
)
def surrogate_criticality_of_sign() -> Verdict:
    """Both critical points as balls; the first by a change of sign."""
    return _sign_critical(0)


# -- T65 ------------------------------------------------------------------------------------------------


def _stein(exponent: int) -> Verdict:
    """Compare the slope of the correlation map at 0 with E[zQ]^2 / E[Q^2] for staircases, q = 1."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        line = th.identity()
        staircases = (
            th.sign(),
            th.ternary("1/2"),
            th.staircase((-1, 0, 1), (-3, -1, 1, 3)),
            th.uniform_quantizer(2, 1),
            th.staircase(("-1/3", "1/2", 2), (-1, 0, "1/2", 3)),
        )
        for f in staircases:
            slope = expectation(f.derivative).expr.subs(p, 1) ** 2
            moment = expectation(line * f).expr.subs(p, 1) ** exponent
            yield str(f), identity(slope, moment, on=VARIANCES)

    return every(parts())


@claim(
    "T65.stein",
    statement=r"A layer of staircase $Q$ at $q=1$ multiplies small correlations by $\chi_0=E[Q'(z)]^2/E[Q^2]="
    r"E[zQ]^2/E[Q^2]=1-\min_aE[(z-aQ)^2]$. As $aQ$ has as many levels as $Q$, $\chi_0\le1-D_N$ with $D_N$ the least "
    r"distortion of $N$ levels; a Lloyd-Max quantiser, $E[Q(z-Q)]=0$, attains it.",
    source=f"{SECTION}, T65",
    hypotheses=(
        r"the first equality for five staircases (Stein's identity in general); the last by least squares over $a$",
        r"odd $Q$, $s_b=0$, so that the correlation 0 is a fixed point",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _stein(1),
)
def quantisers_transmit_one_minus_distortion() -> Verdict:
    """E[Q'] = E[zQ] from the engine, Dirac masses against a moment."""
    return _stein(2)


TRANSMISSIONS = {
    2: ".63662", 3: ".809826", 4: ".881154", 5: ".917822", 6: ".939343", 8: ".96256",
    10: ".974313", 16: ".988457",
}  # fmt: skip


def transmission(thresholds: np.ndarray, levels: np.ndarray) -> arb:
    """Return chi_0 of the quantiser whose float64 thresholds and levels count as exact."""
    edges = [arb.neg_inf(), *(arb(float(t)) for t in thresholds), arb.pos_inf()]
    root = (2 * arb.pi()).sqrt()
    density = [arb(0), *((-(t * t) / 2).exp() / root for t in edges[1:-1]), arb(0)]
    below = [arb(0), *((-t / arb(2).sqrt()).erfc() / 2 for t in edges[1:-1]), arb(1)]
    values = [arb(float(level)) for level in levels]
    first = sum((v * (density[i] - density[i + 1]) for i, v in enumerate(values)), arb(0))
    square = sum((v * v * (below[i + 1] - below[i]) for i, v in enumerate(values)), arb(0))
    return first * first / square


def _even_values(shift: int) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        with flint.ctx.workprec(128):
            for count, printed in TRANSMISSIONS.items():
                found = th.evenly_spaced(count)
                value = transmission(found.thresholds, found.levels)
                yield f"N = {count}", within("chi_0", value, "0" + printed, shift)

    return every(parts())


@claim(
    "T65.values",
    statement=r"Equally spaced levels and thresholds of the best spacing, $s_b=0$: $\chi_0=.63662$, $.809826$, "
    r"$.881154$, $.917822$, $.939343$, $.96256$, $.974313$, $.988457$ for $N=2,3,4,5,6,8,10,16$.",
    source=f"{SECTION}, T65",
    hypotheses=(
        "the spacing is that of a bounded minimisation in float64: at an optimum its error is squared",
    ),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: _even_values(1),
)
def evenly_spaced_quantisers() -> Verdict:
    """The transmission of the quantiser found, as a ball."""
    return _even_values(0)


MAX_1960 = {2: "0.3634", 4: "0.1175", 8: "0.0345", 16: "0.0095"}


def _optimal(levels: dict[int, str]) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        with flint.ctx.workprec(128):
            for count, printed in levels.items():
                best = th.lloyd_max(count)
                value = 1 - transmission(best.thresholds, best.levels)
                yield f"N = {count}", within("1 - chi_0", value, printed)

    return every(parts())


@claim(
    "T65.optimum",
    statement=r"$\max\chi_0$ over $N$-level quantisers is $1-D_N$, with $D_4=.1188$, $D_8=.0374$, "
    r"$D_{16}=.0115$ (Max 1960).",
    source=f"{SECTION}, T65",
    hypotheses=("the witness is a quantiser with exact dyadic thresholds and levels",),
    aims_at=Grade.REFUTED_AS_PRINTED,
    correction=r"The numbers are those of equally spaced levels. Over all $N$-level quantisers $D_2=.3634$, "
    r"$D_4=.1175$, $D_8=.0345$, $D_{16}=.0095$.",
    mutant=lambda: erratum(
        printed=_optimal({4: "0.1188"}), corrected=_optimal({**MAX_1960, 4: "0.1176"})
    ),
)
def optimal_quantisers() -> Verdict:
    """A Lloyd-Max quantiser transmits more than the printed maximum; its distortion replaces it."""
    return erratum(printed=_optimal({4: "0.1188"}), corrected=_optimal(MAX_1960))
