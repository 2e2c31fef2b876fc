"""Threshold networks: the LASSO that training them is, and how many patterns a neuron has (S47)."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise, product
from typing import Any

import numpy as np
import sympy as sp

from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.erratum import erratum
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.methods.identity import identity
from proofs_check.verdict import Grade, Verdict, every
from theory.quantized.thresholds import cells, cells_with_ties, rank, threshold_patterns

SOURCE = "quantized-training.md, S47; globally optimal threshold networks"
READ = "the abstract was read, the formulas are recalled and derived here"

a, b = sp.symbols("a b", positive=True)
_POSITIVE = Domain({a: (0, 9), b: (0, 9)})


# ------------------------------------------------------------------------ (i) weight decay is an l1 norm


def _decay(power: int) -> Verdict:
    """Show |s w| <= (s^2 + w^2)/2 with equality at |s| = |w|, and that neurons of one pattern merge."""
    split = {
        "excess over |s w|": identity((a**2 + b**2) / 2 - a * b, (a - b) ** 2 / 2, on=_POSITIVE),
        "attained": identity((sp.sqrt(a) ** 2 + sp.sqrt(a) ** 2) / 2, a**power, on=_POSITIVE),
    }
    # Neurons of one pattern: their coefficients add up, and |c + c'| <= |c| + |c'|.
    merged = exhaustive(
        [{"c": c, "d": d} for c, d in product(range(-4, 5), repeat=2)],
        lambda c, d: int(abs(c + d) <= abs(c) + abs(d)),
        lambda c, d: 1,  # noqa: ARG005
    )
    return every([*split.items(), ("neurons of one pattern", merged)])


@claim(
    "S47.i",
    statement=r"$\min\,L(\sum_js_jw_j1\{Xu_j\ge0\},y)+\frac\beta2\sum_j(s_j^2+w_j^2)$ over threshold networks is "
    r"$\min_wL(Dw,y)+\beta\|w\|_1$ over the distinct columns $D=1\{Xu\ge0\}$, as soon as there are as many neurons "
    r"as the LASSO uses columns: $\frac12(s^2+w^2)=|sw|+\frac12(|s|-|w|)^2$, neurons of one pattern merge at no cost.",
    source=f"{SOURCE}; {READ}",
    hypotheses=("amplitude and weight of each neuron are decayed, its direction is not",),
    aims_at=Grade.PROVED,
    mutant=lambda: _decay(2),
)
def weight_decay() -> Verdict:
    """Complete the square; then the triangle inequality."""
    return _decay(1)


# ------------------------------------------------------------------------------ (ii) how many columns

TRIANGLE = ((1, 0), (-1, 2), (-1, -2))
CROSS = ((1, 0), (-1, 0), (0, 1), (0, -1))
PAIR = ((1,), (-1,))


def _samples() -> list[dict[str, Any]]:
    """Return declared inputs: three by hand, and integer ones of every size up to n = 8, r = 3."""
    draws = np.random.Generator(np.random.Philox(key=47))
    cases: list[dict[str, Any]] = [{"X": TRIANGLE}, {"X": CROSS}, {"X": PAIR}]
    for n, d in ((3, 2), (5, 2), (8, 2), (4, 3), (6, 3), (8, 3)):
        for size in (1, 9):
            rows = [tuple(map(int, row)) for row in draws.integers(-size, size + 1, (n, d))]
            cases.append({"X": tuple(row if any(row) else (1,) * d for row in rows)})
    return cases


def _with_bias(X: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    return tuple((*row, 1) for row in X)


def _within(limit: Any, *, ties: bool, bias: bool = False) -> Verdict:
    """Compare the number of patterns of the declared inputs with a bound."""

    def holds(X: tuple[tuple[int, ...], ...]) -> int:
        rows = _with_bias(X) if bias else X
        return int(len(threshold_patterns(rows, ties=ties)) <= limit(len(rows), rank(rows)))

    return exhaustive(_samples(), holds, lambda X: 1)  # noqa: ARG005


def _attained() -> Verdict:
    """Return that both bounds are attained: by the triangle with ties, by points in general position without."""
    count = {
        True: lambda X: len(threshold_patterns(X, ties=True)),
        False: lambda X: len(threshold_patterns(X, ties=False)),
    }
    general = [
        {"X": tuple((1, t, t * t)[:d] for t in range(-3, n - 3))} for n, d in ((5, 2), (7, 3))
    ]
    return every(
        [
            (
                "with ties",
                exhaustive(
                    [{"X": TRIANGLE}], count[True], lambda X: cells_with_ties(len(X), len(X[0]))
                ),
            ),
            ("without", exhaustive(general, count[False], lambda X: cells(len(X), len(X[0])))),
        ]
    )


def _columns(limit: Any) -> Verdict:
    corrected = every(
        [
            ("Xu without zeros", _within(limit, ties=False)),
            ("a column of ones in X", _within(limit, ties=True, bias=True)),
            ("any u", _within(cells_with_ties, ties=True)),
            ("attained", _attained()),
        ]
    )
    return erratum(printed=_within(cells, ties=True), corrected=corrected)


@claim(
    "S47.ii",
    statement=r"The distinct columns $1\{Xu\ge0\}$ number at most $2\sum_{k<r}\binom{n-1}k$, $r$ the rank of $X$.",
    source=f"{SOURCE}; {READ}, so that the error may be in the recollection",
    hypotheses=("n inputs, none of them 0, every u, with u = 0",),
    aims_at=Grade.REFUTED_AS_PRINTED,
    mutant=lambda: _columns(lambda n, r: cells(n, r) - 1),
    correction=r"That many have $Xu$ without zeros, and so it is for all $u$ where some $v$ has $Xv>0$, as with a bias "
    r"(a column of ones): $u+\varepsilon v$ breaks the ties. Without, as for inputs $(1,0),(-1,2),(-1,-2)$ with the "
    r"seventh pattern at $u=0$, the bound is $\sum_{k\le r}\binom nk$, the cells of "
    r"$Xu+\varepsilon>0$, and it is attained.",
)
def number_of_columns() -> Verdict:
    """Count covectors of declared inputs in rationals, and compare with both bounds."""
    return _columns(cells)


# --------------------------------------------------------------------- (iii) every pattern occurs


def _closed(delta: tuple[Fraction, ...]) -> Fraction:
    """Return ||delta_+||_inf + ||(-delta)_+||_inf."""
    return max(Fraction(0), *delta) + max(Fraction(0), *(-x for x in delta))


def layer_cake(delta: tuple[Fraction, ...]) -> dict[tuple[int, ...], Fraction]:
    """Return w >= 0 or <= 0 a column with Dw = delta: a column for every level that entries reach."""
    weights: dict[tuple[int, ...], Fraction] = {}
    for sign in (1, -1):
        part = [max(Fraction(0), sign * x) for x in delta]
        levels = sorted({Fraction(0), *part})
        for low, high in pairwise(levels):
            column = tuple(int(x >= high) for x in part)
            weights[column] = weights.get(column, Fraction(0)) + sign * (high - low)
    return weights


def dual_vertex(delta: tuple[Fraction, ...]) -> tuple[int, ...]:
    """Return e_i - e_j for the largest positive and the smallest negative entry, whichever exist."""
    most, least = max(delta), min(delta)
    v = [0] * len(delta)
    if most > 0:
        v[delta.index(most)] = 1
    if least < 0:
        v[delta.index(least)] = -1
    return tuple(v)


def _shattered(factor: int) -> Verdict:
    """Show on all sign patterns and orders of up to four entries that primal and dual meet at the closed form."""
    levels = [Fraction(k, 2) for k in (-3, -2, 0, 1, 4)]
    cases = [{"delta": delta} for n in (1, 2, 3, 4) for delta in product(levels, repeat=n)]

    def primal(delta: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
        weights = layer_cake(delta)
        reached = [
            sum((w * c[i] for c, w in weights.items()), Fraction(0)) for i in range(len(delta))
        ]
        return (*reached, sum((abs(w) for w in weights.values()), Fraction(0)))

    def dual(delta: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
        v = dual_vertex(delta)
        inner = (
            abs(sum(x for x, c in zip(v, column, strict=True) if c))
            for column in product((0, 1), repeat=len(v))
        )
        return (
            Fraction(max(inner) <= 1),
            sum((x * y for x, y in zip(v, delta, strict=True)), Fraction(0)),
        )

    parts: Iterator[tuple[str, Verdict]] = iter(
        [
            (
                "w is feasible, and its norm",
                exhaustive(cases, primal, lambda delta: (*delta, factor * _closed(delta))),
            ),
            (
                "v is feasible, and its value",
                exhaustive(cases, dual, lambda delta: (Fraction(1), _closed(delta))),
            ),
        ]
    )
    return every(parts)


@claim(
    "S47.iii",
    statement=r"If all $2^n$ patterns occur, $\min\{\|w\|_1:Dw=\delta\}=\|\delta_+\|_\infty+\|(-\delta)_+\|_\infty$, "
    r"so training is $\min_\delta L(\delta,y)+\beta(\|\delta_+\|_\infty+\|(-\delta)_+\|_\infty)$: the layer cake of "
    r"$\delta$ is feasible, $e_i-e_j$ at its largest and smallest entries is dual feasible, and both have this value.",
    source=f"{SOURCE}; {READ}",
    hypotheses=(
        "both certificates depend on the signs and the order of the entries alone",
        "exhausted for five levels of both signs, with ties, up to n = 4",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _shattered(2),
)
def shattered() -> Verdict:
    """Weak duality with explicit certificates, in rationals."""
    return _shattered(1)
