"""When signs flip: fixed points of BinaryConnect, and Bop's memory, threshold and scale (S13, S14, S43)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from proofs_check.claims.quantized_descent import exact
from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.methods.identity import identity
from proofs_check.verdict import Grade, Verdict, every
from theory.quantized.bop import Bop
from theory.quantized.proximal_trainers import ProxConnect
from theory.quantized.quantizers import Projection

Array = NDArray[Any]
SOURCE = "quantized-training.md"
F = Fraction


@dataclass(frozen=True)
class Scripted:
    """A batch whose gradient is whatever a function of the weights says."""

    slope: Callable[[Array], Array]

    def __len__(self) -> int:
        return 1

    def gradient(self, weights: Array) -> Array:
        """Return the scripted gradient."""
        return self.slope(weights)


# ------------------------------------------------------------------- S13: fixed points


class Polynomial:
    """sum_S c_S prod_(i in S) w_i, plus sum_i h_i w_i^2 + k_i w_i^3: multilinear with h = k = 0."""

    def __init__(self, seed: int, d: int, squares: bool) -> None:
        draws = np.random.Generator(np.random.Philox(key=seed))
        self.d, self.sets = (
            d,
            [s for s in product((0, 1), repeat=d) if sum(s) <= (2 if squares else d)],
        )
        self.c = [F(int(v)) for v in draws.integers(-5, 6, len(self.sets))]
        self.h = [F(int(v)) for v in draws.integers(0, 3, d)] if squares else [F(0)] * d

    def __repr__(self) -> str:
        return f"c = {self.c}, h = {self.h}"

    def __call__(self, w: Sequence[Any]) -> Fraction:
        """Return the loss."""
        total = sum((h * v * v for h, v in zip(self.h, w, strict=True)), F(0))
        for c, members in zip(self.c, self.sets, strict=True):
            term = c
            for v, inside in zip(w, members, strict=True):
                term = term * v if inside else term
            total += term
        return total

    def gradient(self, w: Array) -> Array:
        """Return the derivative: affine in w_i but for h_i, so a central difference is exact."""
        slopes = []
        for i in range(self.d):
            up, down = (list(w) for _ in range(2))
            up[i], down[i] = w[i] + 1, w[i] - 1
            slopes.append((self(up) - self(down)) / 2)
        return np.array(slopes, dtype=object)


def corners(d: int) -> list[tuple[int, ...]]:
    """All sign vectors."""
    return list(product((-1, 1), repeat=d))


def stays(loss: Polynomial, s: tuple[int, ...]) -> bool:
    """Whether full-batch BinaryConnect, started at latent weights s, keeps its signs for ever."""
    trainer, batch = ProxConnect(Projection((-1, 1)), rate=F(1)), Scripted(loss.gradient)
    state = trainer.start_at(exact(s))
    # While signs stay the gradient does: a weight that moves inwards, by 1/2 or more a step, is across after three.
    for _ in range(4):
        state = trainer.step(state, batch)  # type: ignore[arg-type]
        if tuple(trainer.weights(state)) != s:
            return False
    return True


def lowest(loss: Polynomial, s: tuple[int, ...]) -> bool:
    """Whether no single flip lowers the loss."""
    return all(
        loss([-v if i == j else v for j, v in enumerate(s)]) >= loss(s) for i in range(loss.d)
    )


def _s13(squares: bool) -> Verdict:
    """``squares``: whether the claim of equality is put to losses with squares too."""
    a, b = sp.symbols("a b", real=True)

    def parts() -> Iterator[tuple[str, Verdict]]:
        cases: list[dict[str, Any]] = [
            {"loss": loss, "s": s}
            for seed in range(12)
            for loss in [Polynomial(seed, 3, squares=squares)]
            for s in corners(3)
        ]
        met = [case for case in cases if all(v for v in case["loss"].gradient(np.array(case["s"])))]
        yield (
            "condition",
            exhaustive(
                met,
                lambda loss, s: int(stays(loss, s)),
                lambda loss, s: int(
                    all(v * g <= 0 for v, g in zip(s, loss.gradient(np.array(s)), strict=True))
                ),
            ),
        )
        yield (
            "multilinear: the 1-flip minima",
            exhaustive(
                met, lambda loss, s: int(stays(loss, s)), lambda loss, s: int(lowest(loss, s))
            ),
        )
        convex: list[dict[str, Any]] = [
            {"loss": loss, "s": s}
            for seed in range(12)
            for loss in [Polynomial(seed, 3, squares=True)]
            for s in corners(3)
        ]
        yield (
            "convex in each coordinate: some of them",
            exhaustive(
                [case for case in convex if stays(**case)],
                lambda loss, s: int(lowest(loss, s)),
                lambda loss, s: 1,  # noqa: ARG005
            ),
        )
        # In one coordinate, l(w) = a w + b w^2/2 (b the Hessian's diagonal): a flip of s costs -2 s l'(s) + 2 b.
        s = sp.Symbol("s", real=True)
        gap = (-a * s + b * s**2 / 2) - (a * s + b * s**2 / 2)
        step = -2 * s * (a + b * s) + 2 * b * s**2
        yield (
            "flip of a quadratic",
            identity(gap, step, on=Domain({a: (-3, 3), b: (0, 3), s: (-2, 2)})),
        )
        # Neither inclusion in general: l = p w + r w^3 at w = 1.
        yield "neither", exhaustive(
            [{"p": -2, "r": 1, "kind": (1, 0)}, {"p": 2, "r": -1, "kind": (0, 1)}],
            lambda p, r, kind: (int(p + r <= -p - r), int(p + 3 * r <= 0)),  # noqa: ARG005
            lambda p, r, kind: kind,  # noqa: ARG005
        )  # fmt: skip

    return every(parts())


@claim(
    "S13",
    statement=r"$s\in\{\pm1\}^d$ is stationary under full-batch BinaryConnect iff $s_i\partial_i\ell(s)\leq0$ for all "
    r"$i$. For multilinear $\ell$ these are exactly the 1-flip minima; for $\ell$ convex in each coordinate some "
    r"of them "
    r"($\ell(\mathrm{flip}_i)-\ell(s)=-2s_i\partial_i\ell+2H_{ii}$ for quadratics); in general neither inclusion "
    r"holds.",
    source=f"{SOURCE}, section 1, S13; the condition as in notes on ProxQuant",
    hypotheses=(
        "12 losses of each kind in three weights, integer coefficients, at corners where no partial derivative is 0",
        "the general case by two cubics of one weight",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _s13(squares=True),
)
def fixed_points_of_binary_connect() -> Verdict:
    """Run from every corner; the mutant claims equality for losses with squares."""
    return _s13(squares=False)


# ------------------------------------------------------------------- S14: no map from m to w

TAU, GAMMA = F(1, 4), F(1, 2)


def steady(g: Fraction, w: Array) -> Array:
    """The same gradient whatever the weights are."""
    return np.full(len(w), g, dtype=object)


def outcomes(length: int) -> dict[Fraction, set[int]]:
    """Weights that every history of gradients in {-1, 0, 1} ends with, by the average m that it ends with."""
    trainer = Bop(TAU, GAMMA)
    found: dict[Fraction, set[int]] = {}
    for first in (-1, 1):
        for history in product((-1, 0, 1), repeat=length):
            state = trainer.start_at(exact([first]))
            for g in history:
                batch = Scripted(partial(steady, F(g)))
                state = trainer.step(state, batch)  # type: ignore[arg-type]
            found.setdefault(F(state["mean"][0]), set()).add(int(state["weights"][0]))
    return found


def _s14(forgets: bool) -> Verdict:
    """``forgets``: whether m is claimed to fix w everywhere."""
    found = outcomes(4)

    def stated(m: Fraction) -> int:
        if abs(m) > TAU:
            return -1 if m > 0 else 1
        return -1 if forgets else 0

    return exhaustive(
        [{"m": m} for m in sorted(found)],
        lambda m: next(iter(found[m])) if len(found[m]) == 1 else 0,
        stated,
    )


@claim(
    "S14",
    statement=r"Bop flips iff $wm>\tau$. Where $|m|>\tau$ the average fixes the weight, $w=-\mathrm{sgn}\,m$; "
    r"wherever "
    r"$|m|\leq\tau$, histories with the same $m$ end with either sign: no $F$ with $w=F(m)$ exists, and Bop is no "
    r"ProxConnect++. It is relay hysteresis.",
    source=f"{SOURCE}, section 1, S14; the rule as in rethinking-bnn-optimization",
    hypotheses=(
        r"all $2\cdot3^4$ histories of four gradients in $\{-1,0,1\}$, $\gamma=\frac12$, $\tau=\frac14$",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _s14(forgets=True),
)
def bop_has_a_memory() -> Verdict:
    """Go through all histories; the mutant lets m decide."""
    return _s14(forgets=False)


# ------------------------------------------------------------------- S43: Bop's statistic


def as_coded(w: int, m: Fraction, tau: Fraction) -> int:
    """sign(-sign(w m - tau) w), the inner sign 0 at 0, the outer +1 there."""
    inner = (w * m > tau) - (w * m < tau)
    return 1 if -inner * w >= 0 else -1


def by_rule(w: int, m: Fraction, tau: Fraction) -> int:
    """Flip where w m > tau."""
    return -w if w * m > tau else w


def moments(
    gradients: Sequence[Fraction], gamma: Fraction, sigma: Fraction
) -> tuple[Fraction, Fraction]:
    """Return m and v of second-order Bop after these gradients, by its recursion."""
    m = v = F(0)
    for g in gradients:
        m = (1 - gamma) * m + gamma * g
        v = (1 - sigma) * v + sigma * g * g
    return m, v


PAIRS = ((F(1, 2), F(1, 2)), (F(1, 3), F(1, 4)), (F(1, 100), F(1, 1000)))


def _s43(factor: Fraction) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        grid = [F(k, 4) for k in range(-4, 5)]
        off = [
            {"w": w, "m": m, "tau": tau}
            for w in (-1, 1)
            for m in grid
            for tau in (F(1, 4), F(1, 2))
            if w * m != tau
        ]
        yield "the code, off the threshold", exhaustive(off, as_coded, by_rule)
        on = [{"w": w, "m": w * tau, "tau": tau} for w in (-1, 1) for tau in (F(1, 4), F(1, 2))]
        yield "the code, at it", exhaustive(on, as_coded, lambda w, m, tau: 1)  # noqa: ARG005
        draws = np.random.Generator(np.random.Philox(key=43))
        histories = [tuple(F(int(g), 3) for g in draws.integers(-9, 10, 6)) for _ in range(6)]
        cases = [
            {"history": h, "pair": pair, "c": c} for h in histories for pair in PAIRS for c in (F(7), F(1, 5))
        ]  # fmt: skip

        def scaled(history: tuple[Fraction, ...], pair: Any, c: Fraction) -> tuple[Fraction, ...]:
            m, v = moments([c * g for g in history], *pair)
            return m * m / v, m

        def plain(history: tuple[Fraction, ...], pair: Any, c: Fraction) -> tuple[Fraction, ...]:
            m, v = moments(history, *pair)
            return m * m / v, c * m

        yield "scale", exhaustive(cases, scaled, plain)
        # Cauchy and Schwarz, with equality for g_k ~ ((1 - gamma)/(1 - sigma))^k into the past.
        horizon = 12

        def extremal(pair: tuple[Fraction, Fraction]) -> Fraction:
            gamma, sigma = pair
            ratio = (1 - gamma) / (1 - sigma)
            m, v = moments([ratio ** (horizon - 1 - k) for k in range(horizon)], gamma, sigma)
            return m * m / v

        def partial(pair: tuple[Fraction, Fraction]) -> Fraction:
            gamma, sigma = pair
            rho = (1 - gamma) ** 2 / (1 - sigma)
            return factor * gamma**2 / sigma * (1 - rho**horizon) / (1 - rho)

        yield "attained", exhaustive([{"pair": pair} for pair in PAIRS], extremal, partial)
        yield (
            "never passed",
            exhaustive(
                [{"history": h, "pair": pair} for h in histories for pair in PAIRS],
                lambda history, pair: int(F(plain(history, pair, F(1))[0]) <= limit(*pair)),
                lambda history, pair: 1,  # noqa: ARG005
            ),
        )
        gamma = sp.Symbol("gamma", positive=True)
        at_equal = gamma**2 / gamma / (1 - (1 - gamma) ** 2 / (1 - gamma))
        yield "gamma = sigma", identity(at_equal, sp.S.One, on=Domain({gamma: (0, 1)}))

    return every(parts())


def limit(gamma: Fraction, sigma: Fraction) -> Fraction:
    """Return the supremum of m^2/v."""
    return gamma**2 / sigma / (1 - (1 - gamma) ** 2 / (1 - sigma))


@claim(
    "S43",
    statement=r"(i) Bop's $\mathrm{sign}(-\mathrm{sign}(wm-\tau)w)$ flips iff $wm>\tau$, but at $wm=\tau$ gives $+1$ "
    r"whatever $w$ is. (ii) Bop2ndOrder's $m/\sqrt v$ does not change under $g\to cg$, Bop's $m$ does. (iii) "
    r"$|m|/\sqrt v\leq\frac\gamma{\sqrt\sigma}(1-\frac{(1-\gamma)^2}{1-\sigma})^{-1/2}$ for $(1-\gamma)^2<1-\sigma$, "
    r"the supremum; for $\gamma=\sigma$ it is 1, so any $\tau\geq1$ freezes training.",
    source=f"{SOURCE}, section 5, S43; Bop as in its code, Bop2ndOrder recalled, sign(0) = +1 of larq recalled",
    hypotheses=(
        r"three pairs $(\gamma,\sigma)$, rational histories; equality along $g\propto((1-\gamma)/(1-\sigma))^k$ "
        r"gives the "
        "partial geometric sums, whose limit is the bound",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _s43(F(99, 100)),
)
def bop_statistics() -> Verdict:
    """Enumerate the rule, scale gradients, attain the bound; the mutant's is 1 % lower."""
    return _s43(F(1))
