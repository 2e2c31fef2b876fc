"""Standard against tangent-kernel parametrisation (asymmetric-kernels.md, section 2, T10)."""

from collections.abc import Callable, Iterator
from itertools import product

import sympy as sp

from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.identity import identity
from proofs_check.verdict import Grade, Verdict, every

s_w, s_b = sp.symbols("s_w s_b", positive=True)
D, N = 9, 4  # two widths that differ, with rational square roots
INPUTS = {"x": (1, -2, 3, 1, 0, 2, -1, 1, 2), "y": (2, 1, -1, 4, 1, 0, 1, -3, 1)}
Function = Callable[[sp.Expr], sp.Expr]


def sigma(h: sp.Expr) -> sp.Expr:
    """Forward function: any polynomial does, the statement is about scales."""
    return h - h**3 / 3


SLOPES: dict[str, Function] = {"true": lambda h: 1 - h**2, "surrogate": lambda h: 2 - h / 3}


def _number(*place: int) -> sp.Rational:
    """Return a rational that stands for a drawn weight."""
    return sp.Rational(sum((k + 2) * (i + 1) ** 2 for k, i in enumerate(place)) % 11 - 5, 3)


Blocks = dict[tuple[str, int], list[tuple[sp.Symbol, sp.Expr]]]


def parameters() -> Blocks:
    """Return the symbols of every block (weights or biases, layer) and the numbers at which to look."""
    return {
        ("w", 1): [(sp.Symbol(f"W{i}{j}"), _number(i, j)) for i in range(N) for j in range(D)],
        ("b", 1): [(sp.Symbol(f"b{i}"), _number(i, 5)) for i in range(N)],
        ("w", 2): [(sp.Symbol(f"v{i}"), _number(i, 7)) for i in range(N)],
        ("b", 2): [(sp.Symbol("c"), _number(1, 9))],
    }


def gradient(
    x: tuple[int, ...], slope: Function, *, standard: bool
) -> dict[tuple[str, int], list[sp.Expr]]:
    """Return the (quasi-)Jacobian of a 9-4-1 network by differentiation, block by block.

    The activation is replaced by its value plus ``slope`` times the distance, both at the point: its
    derivative is then the one that this Jacobian uses.
    """
    blocks = parameters()
    # In standard parametrisation the scales sit in the numbers, not in the network.
    inside = {("w", 1): s_w / 3, ("w", 2): s_w / 2, ("b", 1): s_b, ("b", 2): s_b}
    at: dict[sp.Symbol, sp.Expr] = {}
    for block, entries in blocks.items():
        at |= {symbol: value * (inside[block] if standard else 1) for symbol, value in entries}
    outside = dict.fromkeys(blocks, sp.S.One) if standard else inside
    W, b, v, (c,) = ([symbol for symbol, _ in entries] for entries in blocks.values())
    output = outside["b", 2] * c
    for i in range(N):
        h = outside["w", 1] * sum(W[D * i + j] * x[j] for j in range(D)) + outside["b", 1] * b[i]
        there = sp.expand(h.subs(at))
        output += outside["w", 2] * v[i] * (sigma(there) + slope(there) * (h - there))
    return {
        block: [sp.diff(output, symbol).subs(at) for symbol, _ in entries]
        for block, entries in blocks.items()
    }


Factor = dict[tuple[str, int], sp.Expr]


def _t10(factor: Factor) -> Verdict:
    domain = Domain({s_w: (0, 3), s_b: (0, 3)})

    def parts() -> Iterator[tuple[str, Verdict]]:
        for pair in product(SLOPES, repeat=2):
            sides = list(zip(INPUTS.values(), (SLOPES[side] for side in pair), strict=True))
            plain = [gradient(x, slope, standard=False) for x, slope in sides]
            scaled = [gradient(x, slope, standard=True) for x, slope in sides]
            left = right = sp.S.Zero
            for block in plain[0]:
                right += factor[block] * _dot(plain[0][block], plain[1][block])
                left += _dot(scaled[0][block], scaled[1][block])
            yield f"{pair}", identity(sp.expand(left), sp.expand(right), on=domain)

    return every(parts())


def _factors(first: int, second: int) -> Factor:
    """Return the factors of the blocks for the two fan-ins."""
    weights: Factor = {("w", 1): first / s_w**2, ("w", 2): second / s_w**2}
    return weights | {("b", 1): 1 / s_b**2, ("b", 2): 1 / s_b**2}


def _dot(a: list[sp.Expr], b: list[sp.Expr]) -> sp.Expr:
    return sp.Add(*(one * other for one, other in zip(a, b, strict=True)))


@claim(
    "T10",
    statement=r"In standard parametrisation, $W_{ij}\sim N(0,s_w^2/n)$, $b\sim N(0,s_b^2)$ without prefactors, each "
    r"weight block of the tangent kernel is multiplied by $n_{l-1}/s_w^2$ and each bias block by $1/s_b^2$: "
    r"$\Theta_{std}=\sum_l[(n_{l-1}/s_w^2)A_l+(1/s_b^2)B_l]$, for every pair of Jacobians.",
    source="asymmetric-kernels.md, section 2, T10",
    hypotheses=(
        "an identity of every single network, shown for 9-4-1 networks at rational weights, one polynomial"
        " activation and surrogate, all $s_w,s_b>0$; the limit follows entry by entry",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _t10(_factors(N, D)),
)
def standard_parametrisation() -> Verdict:
    """Differentiate one network in both parametrisations."""
    return _t10(_factors(D, N))
