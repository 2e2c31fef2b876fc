"""One step of discrete state transition: bias, boundary rules, expectation, small steps (S15-S18, S51)."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import product
from typing import Any

import flint
import numpy as np
import sympy as sp
from flint import arb

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.methods.identity import identity
from proofs_check.verdict import Grade, Verdict, every
from theory.quantized import Network
from theory.quantized.transition import LinearRule, Step, code_step, paper_step, spacing, states

SOURCE = "quantized-training.md, section 2; GXNOR-Net"
READ = "the update is recalled from the paper and read in its code"

# ------------------------------------------------------------------------------ S15: the bias of tanh

# y = exp(2 m s), so that tanh(m s) = (y - 1)/(y + 1) and dy/ds = 2 m y.
m, s, r, y, artanh = sp.symbols("m s r y artanh", positive=True)
TANH = (y - 1) / (y + 1)


def _along(expr: sp.Expr) -> sp.Expr:
    """Derivative in s of an expression in s and y."""
    return sp.diff(expr, s) + 2 * m * y * sp.diff(expr, y)


def _shape(share: int) -> Iterator[tuple[str, Verdict]]:
    """The bias over the spacing, tanh(m s) - s: its slope, bend, ends and maximum, where tanh(m s) = r."""
    bias, on = TANH - s, Domain({m: (0, 9), s: (0, 1), y: (1, 99)})
    yield "slope", identity(_along(bias), -(1 - m) - m * TANH**2, on=on)
    bend = _along(_along(bias))
    yield "bend", identity(bend, -2 * m**2 * TANH * (1 - TANH**2), on=on)
    yield "start", identity(bias.subs({s: 0, y: 1}), sp.S.Zero, on=on)
    yield "right limit", identity(bias.subs(s, 1), -2 / (y + 1), on=Domain({y: (1, 99)}))
    steepness = share / (1 - r**2)  # r = sqrt(1 - 1/m)
    at = {y: (1 + r) / (1 - r), m: steepness, s: artanh / steepness}
    inside = Domain({r: (0, 1), artanh: (0, 9)})
    top = _along(bias).subs(at, simultaneous=True)
    yield "slope at the maximum", identity(top, sp.S.Zero, on=inside)
    value = bias.subs(at, simultaneous=True)
    yield "maximum", identity(value, r - artanh * (1 - r**2), on=inside)


def _printed() -> Iterator[tuple[str, Verdict]]:
    """The numbers printed for m = 3, in balls."""
    with flint.ctx.workprec(128):
        root = (arb(2) / 3).sqrt()
        place = root.atanh() / 3
        values = {
            "maximum": (root - place, "0.43442"),
            "its place": (place, "0.38207"),
            "right limit": (arb(3).tanh() - 1, "-0.00495"),
        }
        for name, (value, printed) in values.items():
            yield name, _rounds_to(value, printed)
        low, high = (arb("0.99490") + sign * arb("5e-6") for sign in (-1, 1))
        signs = (3 * low).tanh() - low, (3 * high).tanh() - high
        text = f"tanh(3s) - s is {signs[0].str(5)} and {signs[1].str(5)} at 0.99490 -+ 5e-6"
        if signs[0] > 0 > signs[1]:
            yield "zero", Verdict(Grade.PROVED, text, None, ("Arb",))
        else:
            yield "zero", Verdict(Grade.REFUTED, text, text, ("Arb",))


def _rounds_to(value: arb, printed: str) -> Verdict:
    unit = arb(10) ** -len(printed.split(".")[1])
    text = f"{value.str(12)} against {printed}"
    if abs(value - arb(printed)) < unit / 2:
        return Verdict(Grade.PROVED, text, None, ("Arb",))
    return Verdict(Grade.REFUTED, text, text, ("Arb",))


def grid(bits: tuple[int, ...] = (0, 1, 2, 3)) -> list[dict[str, Any]]:
    """Every state of Z_N with changes at all breakpoints and at two points between any two of them, past the box.

    Near, far and rest are affine in the change between multiples of the spacing, and constant beyond the box: equal
    at two points of a piece means equal on it.
    """
    return [
        {"w": w, "d": k * spacing(n) / 3, "gap": spacing(n)}
        for n in bits
        for w in states(n)
        for k in range(-3 * 2 ** (n + 1), 3 * 2 ** (n + 1) + 1)
    ]


def _s15(share: int) -> Verdict:
    chances = [Fraction(1, 7), Fraction(5, 8)]
    cases = [{**case, "tau": tau} for case in grid() for tau in chances]

    def bias(w: Fraction, d: Fraction, gap: Fraction, tau: Fraction) -> Fraction:
        law = paper_step(w, d, gap).law(lambda _: tau)
        kept = min(1 - w, d) if d >= 0 else max(-1 - w, d)
        return sum((value * p for value, p in law.items()), Fraction(0)) - w - kept

    def stated(w: Fraction, d: Fraction, gap: Fraction, tau: Fraction) -> Fraction:
        kept = min(1 - w, d) if d >= 0 else max(-1 - w, d)
        part = abs(kept) / gap % 1
        return (1 if kept >= 0 else -1) * gap * (tau - part) if part else Fraction(0)

    def parts() -> Iterator[tuple[str, Verdict]]:
        yield "bias of any rule", exhaustive(cases, bias, stated)
        yield from _shape(share)
        yield from _printed()

    return every(parts())


@claim(
    "S15",
    statement=r"$E[\Delta W]-\varrho=\mathrm{sign}(\varrho)\Delta z(\tau(s)-s)$, $s=|\nu|/\Delta z$. For $\tau="
    r"\tanh(ms)$ it is negative on $(0,1)$ if $m\le1$; if $m>1$ positive on $(0,s^*)$ and negative on $(s^*,1)$, with"
    r" maximum $\sqrt{1-1/m}-\mathrm{artanh}(\sqrt{1-1/m})/m$ at $s=\mathrm{artanh}(\sqrt{1-1/m})/m$. No $m$ "
    r"makes it vanish: its right limit is $-2/(e^{2m}+1)$. $m=3$: maximum 0.43442 at 0.38207, $s^*=0.99490$, "
    r"right limit $-0.00495$.",
    source=f"{SOURCE}, S15; {READ}",
    hypotheses=(
        r"signs from the identities: the slope $-(1-m)-m\tanh^2$ is negative for $m\le1$; for $m>1$ the bias starts at"
        r" 0 with slope $m-1>0$, is concave and ends below 0, so it has one zero",
        r"any $\tau$ with $\tau(0)=0$; $N=0,\dots,3$ in the enumeration",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _s15(2),
)
def bias_of_tanh() -> Verdict:
    """Enumerate the bias, differentiate tanh(ms) - s; the mutant's r is sqrt(1 - 2/m)."""
    return _s15(1)


# ---------------------------------------------------------------------- S16, S17, S51: laws of one step


def _same(one: Callable[..., Step], other: Callable[..., Step]) -> Verdict:
    def fields(rule: Callable[..., Step]) -> Callable[..., tuple[Fraction, ...]]:
        def listed(w: Fraction, d: Fraction, gap: Fraction) -> tuple[Fraction, ...]:
            step = rule(w, d, gap)
            inside = int(all(abs(value) <= 1 for value in (step.near, step.far)))
            whole = int(all((value + 1) % gap == 0 for value in (step.near, step.far)))
            return step.near, step.far, step.part, Fraction(inside), Fraction(whole)

        return listed

    def stated(w: Fraction, d: Fraction, gap: Fraction) -> tuple[Fraction, ...]:
        return *fields(other)(w, d, gap)[:3], Fraction(1), Fraction(1)

    # 1 is no multiple of 2/3: there the two have to differ, and the paper's leaves the box.
    outside = {"w": Fraction(2, 3), "d": Fraction(1, 2), "gap": Fraction(2, 3)}
    return every(
        (
            ("on the lattice", exhaustive(grid(), fields(one), stated)),
            (
                "off the lattice",
                exhaustive(
                    [outside],
                    lambda w, d, gap: (paper_step(w, d, gap).far, code_step(w, d, gap).far),
                    lambda w, d, gap: (w + gap, Fraction(1)),  # noqa: ARG005
                ),
            ),
        )
    )


def _unclipped(w: Fraction, d: Fraction, gap: Fraction) -> Step:
    """The code's rule without its clipping."""
    whole, sign = abs(d) // gap, 1 if d >= 0 else -1
    rest = abs(d) / gap - whole
    near = w + sign * whole * gap
    return Step(near, near + sign * gap if rest else near, rest)


@claim(
    "S16",
    statement=r"DST is a law on $Z_N$ within $[-1,1]$, and clipping before the split into $\kappa,\nu$ (paper) gives "
    r"the law of clipping after the draw (code), because $\pm1$ are lattice points; where 1 is no multiple of "
    r"$\Delta z$ they differ.",
    source=f"{SOURCE}, S16; {READ}",
    hypotheses=(
        r"every state of $Z_0,\dots,Z_3$; all changes: the laws are affine between the breakpoints that are looked at",
        r"any $\tau$ with $\tau(0)=0$: near, far and $\nu/\Delta z$ are compared, not probabilities",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _same(_unclipped, paper_step),
)
def boundary_rules() -> Verdict:
    """Compare the two rules; the mutant forgets to clip."""
    return _same(code_step, paper_step)


def _mean(rule: Callable[[Fraction], Fraction]) -> Callable[..., Fraction]:
    def mean(w: Fraction, d: Fraction, gap: Fraction) -> Fraction:
        law = code_step(w, d, gap).law(rule)
        return sum((value * p for value, p in law.items()), Fraction(0))

    return mean


def _s17(rule: Callable[[Fraction], Fraction]) -> Verdict:
    return exhaustive(grid(), _mean(rule), lambda w, d, gap: max(-1, min(1, w + d)) + 0 * gap)


@claim(
    "S17",
    statement=r"With the linear rule $E[W'|W]=W+\Delta W$ exactly where $W+\Delta W\in[-1,1]$; outside, the bias is "
    r"the clip: $E[W'|W]=\mathrm{clip}(W+\Delta W,-1,1)$.",
    source=f"{SOURCE}, S17",
    hypotheses=(r"every state of $Z_0,\dots,Z_3$; all changes, by affine pieces",),
    aims_at=Grade.PROVED,
    mutant=lambda: _s17(lambda part: part * part),
)
def unbiased_region() -> Verdict:
    """Expectations on every piece; the mutant's rule is the square of the rest."""
    return _s17(LinearRule())


def _rounded(w: Fraction, d: Fraction, gap: Fraction) -> tuple[Fraction, ...]:
    """Stochastic rounding of clip(w + d): the lattice points below and above, and the chance of the upper one."""
    value = max(Fraction(-1), min(Fraction(1), w + d))
    below = (value + 1) // gap * gap - 1
    chance = (value - below) / gap
    return below, 1 - chance, below + gap if chance else below, chance


def _in_order(w: Fraction, d: Fraction, gap: Fraction) -> tuple[Fraction, ...]:
    law = code_step(w, d, gap).law(LinearRule())
    low, high = min(law), max(law)
    return low, Fraction(law[low]), high, Fraction(law[high]) if high != low else Fraction(0)


# A network with exact gradients: 2-2-1, hardtanh, three samples, step 1/8.
NETWORK = Network((2, 2, 1), th.hardtanh(1), bias=False, scaled=False)
INPUTS = np.array([[Fraction(v) for v in row] for row in ((1, -1), (2, 1), (-1, 3))], dtype=object)
TARGETS = np.array([[Fraction(v)] for v in (1, -1, 2)], dtype=object)


def _expected_step(codes: tuple[int, ...]) -> tuple[Fraction, ...]:
    weights = np.array([Fraction(code) for code in codes], dtype=object)
    gradient = NETWORK.gradient(weights, INPUTS, TARGETS)
    mean = _mean(LinearRule())
    return tuple(
        mean(w, -Fraction(g) / 8, Fraction(1)) for w, g in zip(weights, gradient, strict=True)
    )


def _plain_step(codes: tuple[int, ...], rate: Fraction) -> tuple[Fraction, ...]:
    """SGD without quantization, clipped to the box."""
    weights = np.array([Fraction(code) for code in codes], dtype=object)
    gradient = NETWORK.gradient(weights, INPUTS, TARGETS)
    moved = weights - rate * gradient
    return tuple(max(Fraction(-1), min(Fraction(1), value)) for value in moved)


def _s51(rate: Fraction) -> Verdict:
    codes = [{"codes": code} for code in product((-1, 0, 1), repeat=NETWORK.dim)]
    return every(
        (
            ("law of one weight", exhaustive(grid(), _in_order, _rounded)),
            (
                "expectation of a network",
                exhaustive(codes, _expected_step, lambda codes: _plain_step(codes, rate)),
            ),
        )
    )


@claim(
    "S51",
    statement=r"DST with linear $\tau$ is SGD with stochastic rounding, in law; its expectation is one unquantized SGD "
    r"step from the quantized point as long as that stays in the box.",
    source="quantized-training.md, S51",
    hypotheses=(
        r"every state of $Z_0,\dots,Z_3$, all changes by affine pieces",
        "all 729 ternary states of a 2-2-1 hardtanh network with three samples, exact gradients, step 1/8",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _s51(Fraction(1, 9)),
)
def stochastic_rounding() -> Verdict:
    """Laws side by side, then expectations of whole steps; the mutant's plain step is shorter."""
    return _s51(Fraction(1, 8))
