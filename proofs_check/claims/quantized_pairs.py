"""Forward and backward quantizers that fit together: synthesis, no-go for the sign, masses (S7, S8, S10, S27)."""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

import theory as th
from proofs_check.claims.quantized_descent import problem, start
from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.methods.identity import identity
from proofs_check.verdict import Grade, Verdict, every
from theory.activations import Activation, x
from theory.quantized.compatibility import Fit, compatibility
from theory.quantized.maps import Map
from theory.quantized.proximal_trainers import ProxConnect
from theory.quantized.quantizers import PiecewiseLinear, sign_swish_activation
from theory.quantized.surrogates import rectangular, triangular
from theory.quantized.synthesis import Transformed

SOURCE = "quantized-training.md, section 1"
RECALLED = "the decomposition theorem is recalled; its useful direction is derived"
F = Fraction
NOWHERE = Domain({})
FITS = tuple(Fit)

# The backward quantizers of the literature, as multipliers of the gradient.
BACKWARDS: Mapping[str, Activation] = MappingProxyType(
    {
        "identity (BinaryConnect)": th.identity().derivative,
        "window (BNN)": th.hardtanh(1).derivative,
        "triangle (Bi-Real)": 2 * th.triangle(1),
        "SignSwish' (BNN+)": sign_swish_activation(2).derivative,
        "tanh'": th.tanh(1).derivative,
        "RBNN": sp.sqrt(2) * th.triangle(sp.sqrt(2)),
        "cosine (BiPer)": th.cosine(1),
        "sine series": sp.Integer(4) / sp.pi * (th.cosine(1) + th.cosine(3) + th.cosine(5)),
    }
)
FORWARDS: Mapping[str, Activation] = MappingProxyType(
    {
        "identity": th.identity(),
        "sign": th.sign(),
        "ternary": th.ternary("1/2"),
        "PC": PiecewiseLinear((-1, 1), F(1, 2)).map(1).activation,
        "hardtanh": th.hardtanh(1),
        "tanh": th.tanh(1),
        "SignSwish": sign_swish_activation(2),
    }
)


# ------------------------------------------------------------------- S7: synthesis

PROXIMALS = (
    PiecewiseLinear((-1, 0, 1), F(1, 8)).map(1),
    PiecewiseLinear((-1, 1), F(1, 4), F(1, 2)).map(1),
    Map((F(-1), F(1, 2)), (F(1, 2), F(2), F(1)), (F(-3, 2), F(0), F(1))),
)
TRANSFORMS = (x, x + x**3 / 3, 2 * x + x**2 / 4)


class Outer(NamedTuple):
    """A transform T as an expression, and T and T' by hand."""

    expr: sp.Expr
    value: Callable[[Any], Any]
    slope: Callable[[Any], Any]


PROX = PiecewiseLinear((-1, 0, 1), F(1, 8))
TRANSFORMED: Mapping[str, Outer] = MappingProxyType(
    {
        "cubic": Outer(x + x**3 / 2, lambda z: z + z * z * z / 2, lambda z: 1 + 3 * z * z / 2),
        "quadratic": Outer(2 * x + x**2 / 4, lambda z: 2 * z + z * z / 4, lambda z: 2 + z / 2),
    }
)


def recovered(proximal: Map, transform: sp.Expr, factor: Fraction) -> tuple[Any, ...]:
    """Increments of int dF/B for F = T(P), B = T'(P), between rational points; -1 where the pair is incompatible."""
    forward, backward = (
        composed(proximal, outer) for outer in (transform, factor * sp.diff(transform, x))
    )
    found = compatibility(forward, backward)
    if found.potential is None:
        return (-1,)
    values = [sp.Rational(found.potential.subs(x, sp.Rational(u))) for u in POINTS]
    return tuple(F(int(v.p), int(v.q)) - F(int(values[0].p), int(values[0].q)) for v in values)


def composed(proximal: Map, outer: sp.Expr) -> Activation:
    """Return T(P) as an activation."""
    places = [-sp.oo, *map(sp.Rational, proximal.breaks), sp.oo]
    lines = [
        sp.Rational(slope) * x + sp.Rational(shift)
        for slope, shift in zip(proximal.slopes, proximal.shifts, strict=True)
    ]
    ends = pairwise(places)
    return th.from_piecewise(
        [
            (sp.expand(sp.sympify(outer).subs(x, line)), end)
            for line, end in zip(lines, ends, strict=True)
        ]
    )


POINTS = [F(k, 24) + F(1, 97) for k in range(-48, 49, 5)]  # off the breaks


def increments(proximal: Map, transform: sp.Expr) -> tuple[Any, ...]:  # noqa: ARG001 - P alone is recovered
    """Increments of P between the same points; jumps of F over B are those of P only where T is affine across them."""
    values = [F(proximal(np.array([u], dtype=object))[0]) for u in POINTS]
    return tuple(value - values[0] for value in values)


def _s7(factor: Fraction) -> Verdict:
    continuous = [p for p in PROXIMALS if all(before == after for _, before, after in p.ends)]
    cases = [{"proximal": p, "transform": t} for p in continuous for t in TRANSFORMS]
    cases += [{"proximal": p, "transform": x} for p in PROXIMALS]

    def iterates(transform: str, seed: int) -> tuple[Any, ...]:
        pair, batch = Transformed(PROX, TRANSFORMED[transform].expr), problem(seed)
        trainer = ProxConnect(pair, pair.backward, rate=F(1, 16))
        state, seen = trainer.start_at(start(seed)), []
        for _ in range(4):
            state = trainer.step(state, batch)
            seen += list(state["latent"])
        return tuple(seen)

    def on_the_transformed_loss(transform: str, seed: int) -> tuple[Any, ...]:
        batch, u, mu, seen = problem(seed), start(seed), F(1), []
        outer = TRANSFORMED[transform]
        for _ in range(4):
            w = PROX.map(mu)(u)
            # The chain rule by hand: the gradient of loss(T(w)) in w.
            u = u - F(1, 16) * factor * outer.slope(w) * batch.gradient(outer.value(w))
            mu += F(1, 16)
            seen += list(u)
        return tuple(seen)

    def parts() -> Iterator[tuple[str, Verdict]]:
        yield (
            "P from F and B",
            exhaustive(
                cases,
                lambda proximal, transform: recovered(proximal, transform, factor),
                increments,
            ),
        )
        runs = [{"transform": name, "seed": seed} for name in TRANSFORMED for seed in range(3)]
        yield "iterates", exhaustive(runs, iterates, on_the_transformed_loss)

    return every(parts())


@claim(
    "S7",
    statement=r"For proximal $P$ and smooth $T$, $F=T\circ P$ and $B=T'\circ P$: $\int dF/B$ gives $P$ back, and the "
    r"iterates of ProxConnect++ with $(F,B)$ are those of ProxConnect on $\ell\circ T$.",
    source=f"{SOURCE}, S7; {RECALLED}",
    hypotheses=(
        r"$P$ continuous where $T$ is not affine: across a jump of $P$ the integral reads $T$ at one point only",
        "two continuous maps with three transforms, jumps with the identity; six rational steps on least squares",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _s7(F(101, 100)),
)
def synthesis_round_trip() -> Verdict:
    """Recover P symbolically and replay iterates; the mutant's B is 1 % too large."""
    return _s7(F(1))


# ------------------------------------------------------------------- S8: the sign

WITH_SIGN = MappingProxyType(
    {
        "identity (BinaryConnect)": Fit.COMPATIBLE,
        "window (BNN)": Fit.WEAK,
        **dict.fromkeys(
            ("triangle (Bi-Real)", "SignSwish' (BNN+)", "tanh'", "RBNN", "cosine (BiPer)", "sine series"),
            Fit.INCOMPATIBLE,
        ),
    }
)  # fmt: skip


def _s8(stated: Mapping[str, Fit]) -> Verdict:
    return exhaustive(
        [{"backward": name} for name in BACKWARDS],
        lambda backward: FITS.index(compatibility(th.sign(), BACKWARDS[backward]).fit),
        lambda backward: FITS.index(stated[backward]),
    )


@claim(
    "S8",
    statement=r"With $F=\mathrm{sgn}$, $P=\int dF/B$ is constant on every component of $\{B\neq0\}\setminus\{0\}$, so "
    r"$B$ has to be constant there. Of the usual backward quantizers the identity fits; the window of BNN fits only "
    r"once $P$ is chosen where $dF=B=0$; Bi-Real's triangle, SignSwish$'$ (BNN+), $\tanh'$, RBNN, BiPer's cosine and "
    r"the sine series do not fit.",
    source=f"{SOURCE}, S8; {RECALLED}",
    hypotheses=(
        "each misfit is witnessed by two rational points of one component at which balls of B are disjoint",
        "scales as listed; a scale of x or of B changes no verdict",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _s8({**WITH_SIGN, "SignSwish' (BNN+)": Fit.COMPATIBLE}),
)
def sign_admits_locally_constant_backwards_only() -> Verdict:
    """Decide every pair; the mutant lets BNN+ pass."""
    return _s8(WITH_SIGN)


# ------------------------------------------------------------------- S10: BNN++


def _s10(factor: sp.Expr) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        for beta in (1, 2, 5):
            swish = sign_swish_activation(beta)
            found = compatibility(swish, factor * swish.derivative).potential
            label = f"P = id at beta = {beta}"
            yield label, identity(sp.nan if found is None else found, x, on=Domain({x: (-3, 3)}))

    return every(parts())


@claim(
    "S10",
    statement=r"For BNN++, $(F,B)=(\mathrm{SS}_\beta,\mathrm{SS}_\beta')$: $P=\int dF/B$ is the identity, the common "
    r"zeros at $\pm x_0/\beta$ removed, and $r=0$: at fixed $\beta$ the update is gradient descent on $\ell\circ"
    r"\mathrm{SS}_\beta$.",
    source=f"{SOURCE}, S10; that BNN++ is this pair was read in a summary",
    hypotheses=(r"$\beta=1,2,5$; $r'(z)=P^{-1}(z)-z=0$", "chain rule"),
    aims_at=Grade.PROVED,
    mutant=lambda: _s10(sp.Rational(101, 100)),
)
def bnn_plus_plus_is_gradient_descent() -> Verdict:
    """Cancel F' against B; the mutant's B is 1 % too large."""
    return _s10(sp.S.One)


# ------------------------------------------------------------------- S27: mass of surrogates

k, t, r, a = sp.symbols("k t r a", positive=True)


def _s27(share: sp.Expr) -> Verdict:
    def mass(slope: Activation) -> sp.Expr:
        # All of these vanish beyond 9.
        return slope.primitive.expr.subs(x, 9) - slope.primitive.expr.subs(x, -9)

    def parts() -> Iterator[tuple[str, Verdict]]:
        for radius, width in ((1, "1/2"), ("1/2", "1/2"), (2, "1/3")):
            for made in (rectangular(radius, width), triangular(radius, width)):
                jump = th.ternary(radius)(10.0) - th.ternary(radius)(-10.0)
                yield (
                    f"{made}",
                    identity(mass(made.derivative), share * sp.Integer(int(jump)), on=NOWHERE),
                )
        for name in ("window (BNN)", "triangle (Bi-Real)"):
            yield name, identity(mass(BACKWARDS[name]), 2 * share, on=NOWHERE)
        swish = sign_swish_activation(3).expr.rewrite(sp.exp)
        ends = sp.limit(swish, x, sp.oo) - sp.limit(swish, x, -sp.oo)
        yield "SignSwish'", identity(ends, 2 * share, on=NOWHERE)
        # k (2 sqrt(t^2/2) - t^2 |x|)_+ is a triangle of height k sqrt(2) t and half-width sqrt(2)/t.
        height, half = 2 * k * sp.sqrt(t**2 / 2), sp.sqrt(2) / t
        box = Domain({k: (0, 9), t: (0, 3)})
        yield "RBNN, its zero", identity(2 * sp.sqrt(t**2 / 2) - t**2 * half, sp.S.Zero, on=box)
        yield "RBNN", identity(height * half, 2 * k * share, on=box)

    return every(parts())


@claim(
    "S27",
    statement=r"A surrogate of a jump has $\int B$ equal to it: 1 for each threshold of GXNOR-Net's rectangle and "
    r"triangle, 2 for BNN's window, Bi-Real's triangle and SignSwish$'$; RBNN's $k(2\sqrt{t^2/2}-t^2|x|)_+$ has $2k$, "
    r"$k=\max(1/t,1)$ times the jump.",
    source=f"{SOURCE}, S27",
    hypotheses=(
        "three windows of GXNOR-Net's; masses as differences or limits of primitives",
        "RBNN's scale was read in its code",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _s27(sp.Rational(99, 100)),
)
def surrogates_have_the_mass_of_the_jump() -> Verdict:
    """Take differences of primitives; the mutant asks for 0.99 of the jump."""
    return _s27(sp.S.One)
