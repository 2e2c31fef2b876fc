"""What propagated moments leave out: covariances of deeper layers, shared weights, maxima (S35, S36, S39)."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import flint
import numpy as np

from proofs_check.claims.quantized_sums import CODE, QUARTERS, SOURCE, below, cdf, pdf
from proofs_check.ledger import claim
from proofs_check.methods.agree import agree, as_ball
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.verdict import Grade, Verdict, every
from theory.quantized.reparameterised.exact import (
    Law,
    State,
    exact_variance,
    layer_law,
    moments,
    propagated_variance,
    sum_law,
)

# ---------------------------------------------------------------------------------- moments over layers

START: dict[State, Fraction] = {(1, -1, 1): Fraction(1)}


def _rows(seed: int, outputs: int, width: int) -> list[list[Law]]:
    draws = np.random.Generator(np.random.Philox(key=seed))
    ups = draws.integers(1, 8, (outputs, width))
    return [[{-1: 1 - Fraction(int(k), 8), 1: Fraction(int(k), 8)} for k in row] for row in ups]


def _covariances(row: Sequence[Law], law: Mapping[tuple[int, ...], Fraction]) -> Fraction:
    """Return sum_{j != k} mu_j mu_k Cov(h_j, h_k)."""
    mu = [moments(one)[0] for one in row]
    mean = [sum((p * h[j] for h, p in law.items()), Fraction(0)) for j in range(len(row))]
    total = Fraction(0)
    for j, k in product(range(len(row)), repeat=2):
        if j != k:
            joint = sum((p * h[j] * h[k] for h, p in law.items()), Fraction(0))
            total += mu[j] * mu[k] * (joint - mean[j] * mean[k])
    return total


def _drawn(layers: Sequence[list[list[Law]]], start: tuple[int, ...]) -> Fraction:
    """Return the variance of the output over every choice of all weights: nothing is shared with the above."""
    flat = [law for rows in layers for row in rows for law in row]
    first = second = Fraction(0)
    for choice in product(*(law.items() for law in flat)):
        chance, weights, h = (
            prod((p for _, p in choice), start=Fraction(1)),
            [w for w, _ in choice],
            list(start),
        )
        for layer, rows in enumerate(layers):
            z = [sum(weights.pop(0) * value for value in h) for _ in rows]
            h = z if layer == len(layers) - 1 else [1 if one >= 0 else -1 for one in z]
        first, second = first + chance * h[0], second + chance * h[0] ** 2
    return second - first**2


def _depth(dropped: int) -> Verdict:
    """Compare exact and propagated variances of z^2 and z^3, and both exact ones with all weights of a smaller net."""

    def exact(seed: int) -> tuple[Fraction, ...]:
        one = layer_law(_rows(seed, 3, 3), START)
        two = layer_law(_rows(seed + 100, 3, 3), one)
        (middle,), (last,) = _rows(seed + 200, 1, 3), _rows(seed + 300, 1, 3)
        differ = exact_variance(last, two) != propagated_variance(last, two)
        return exact_variance(middle, one), exact_variance(last, two), Fraction(differ)

    def stated(seed: int) -> tuple[Fraction, ...]:
        one = layer_law(_rows(seed, 3, 3), START)
        two = layer_law(_rows(seed + 100, 3, 3), one)
        (middle,), (last,) = _rows(seed + 200, 1, 3), _rows(seed + 300, 1, 3)
        missing = dropped * _covariances(last, two)
        return (
            propagated_variance(middle, one),
            propagated_variance(last, two) + missing,
            Fraction(1),
        )

    small = [_rows(7, 2, 2), _rows(8, 2, 2), _rows(9, 1, 2)]
    law = layer_law(small[1], layer_law(small[0], {(1, -1): Fraction(1)}))
    return every(
        [
            ("3-3-3-1", exhaustive([{"seed": seed} for seed in range(6)], exact, stated)),
            (
                "every weight of 2-2-2-1",
                exhaustive([{"start": (1, -1)}], lambda start: _drawn(small, start), lambda start: exact_variance(small[2][0], law)),  # noqa: ARG005, E501
            ),
        ]
    )  # fmt: skip


@claim(
    "S35",
    statement=r"For a given input the units of the first layer are independent, so $\sum_j(E w_j^2E h_j^2-\mu_j^2(E "
    r"h_j)^2)$ "
    r"is the variance of $z^2$. From $z^3$ on it drops $\sum_{j\ne k}\mu_j\mu_k\mathrm{Cov}(h_j,h_k)$, which is not 0.",
    source=f"{SOURCE}, S35",
    hypotheses=(
        "signs with exact probabilities, so that the covariances alone are at fault",
        "six declared nets 3-3-3-1 with probabilities in eighths; one net 2-2-2-1 over all its weights",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _depth(0),
)
def variance_over_layers() -> Verdict:
    """Joint laws of layers, in rationals."""
    return _depth(1)


# ------------------------------------------------------------------------------- weights that are shared

TAPS: tuple[tuple[Law, ...], ...] = (
    (QUARTERS[0], QUARTERS[2], QUARTERS[0]),
    (QUARTERS[1], QUARTERS[0], QUARTERS[2]),
)
PATCHES = [{"laws": laws, "x": x} for laws in TAPS for x in product((-1, 1), repeat=4)]


def _pair(laws: tuple[Law, ...], x: tuple[int, ...]) -> Iterator[tuple[int, int, Fraction]]:
    """Yield the two outputs of a filter of three taps on four inputs, over all weights."""
    for choice in product(*(law.items() for law in laws)):
        w = [value for value, _ in choice]
        z = [sum(a * b for a, b in zip(w, x[p : p + 3], strict=True)) for p in (0, 1)]
        yield z[0], z[1], prod((chance for _, chance in choice), start=Fraction(1))


def _covariance(laws: tuple[Law, ...], x: tuple[int, ...]) -> Fraction:
    rows = list(_pair(laws, x))
    means = [sum((row[2] * row[p] for row in rows), Fraction(0)) for p in (0, 1)]
    return sum((p * a * b for a, b, p in rows), Fraction(0)) - means[0] * means[1]


def _shared(share: int) -> Verdict:
    def closed(laws: tuple[Law, ...], x: tuple[int, ...]) -> Fraction:
        pairs = [moments(one) for one in laws]
        return share * sum(
            (a * b * (s - m * m) for a, b, (m, s) in zip(x, x[1:], pairs, strict=False)),
            Fraction(0),
        )

    def marginals(laws: tuple[Law, ...], x: tuple[int, ...]) -> tuple[Fraction, ...]:
        rows = list(_pair(laws, x))
        return tuple(sum((p for *z, p in rows if z[k] >= 0), Fraction(0)) for k in (0, 1))

    def alone(laws: tuple[Law, ...], x: tuple[int, ...]) -> tuple[Fraction, ...]:
        return tuple(1 - sum_law(laws, x[k : k + 3]).below(0) for k in (0, 1))

    return every(
        [
            ("covariance", exhaustive(PATCHES, _covariance, closed)),
            ("marginals", exhaustive(PATCHES, marginals, alone)),
        ]
    )


@claim(
    "S36",
    statement=r"Outputs of a filter at two places share its weights: $\mathrm{Cov}(z_p,z_q)=\sum_ix_{p,i}x_{q,i}"
    r"\mathrm{Var}\,w_i$, not 0. Local reparameterisation draws them independently: marginals right, joint law wrong.",
    source=f"{SOURCE}, S36; {CODE}",
    hypotheses=("three taps of two sets of laws on all signs of four inputs, over all weights",),
    aims_at=Grade.PROVED,
    mutant=lambda: _shared(0),
)
def shared_weights() -> Verdict:
    """Every choice of the weights of a filter, in rationals."""
    return _shared(1)


def _pooled(shared: int) -> Verdict:
    """Compare P(max of two signs = -1) with the product, for separate and for shared weights."""

    def down(laws: tuple[Law, ...], x: tuple[int, ...]) -> list[Fraction]:
        return [sum_law(laws, x[k : k + 3]).below(0) for k in (0, 1)]

    def separate(laws: tuple[Law, ...], x: tuple[int, ...]) -> Fraction:
        law = layer_law([[*laws, QUARTERS[1]], [QUARTERS[1], *laws]], {x: Fraction(1)})
        return law.get((-1, -1), Fraction(0))

    def product_of_both(laws: tuple[Law, ...], x: tuple[int, ...]) -> Fraction:
        rows = sum_law([*laws, QUARTERS[1]], x).below(0), sum_law([QUARTERS[1], *laws], x).below(0)
        return rows[0] * rows[1]

    def gaps(cases: list[dict[str, Any]]) -> int:
        together = [
            sum((p for a, b, p in _pair(**case) if a < 0 and b < 0), Fraction(0)) for case in cases
        ]
        return sum(one != prod(down(**case)) for one, case in zip(together, cases, strict=True))

    count = gaps(PATCHES)
    return every(
        [
            ("separate weights", exhaustive(PATCHES, separate, product_of_both)),
            ("shared weights", exhaustive([{"gaps": count}], lambda gaps: int(gaps > 0), lambda gaps: shared)),  # noqa: ARG005
        ]
    )  # fmt: skip


@claim(
    "S39",
    statement=r"$P(\max_ih_i=-1)=\prod_iP(h_i=-1)$ for signs of independent weights, and not for patches that share "
    r"theirs.",
    source=f"{SOURCE}, S39; the pooling of nn-discrete, whose code was read for that text",
    hypotheses=(
        "two signs of a filter of three taps, and of two rows of their own, on all signs of four inputs",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _pooled(0),
)
def maximum_of_signs() -> Verdict:
    """Every choice of weights, in rationals."""
    return _pooled(1)


PAIRS = [
    {"m": (Fraction(0), Fraction(0)), "v": (Fraction(1), Fraction(1))},
    {"m": (Fraction(1, 2), Fraction(-1, 3)), "v": (Fraction(2), Fraction(1, 4))},
    {"m": (Fraction(-1), Fraction(2)), "v": (Fraction(1, 9), Fraction(3))},
]


def clark(m: tuple[Any, Any], v: tuple[Any, Any]) -> tuple[flint.arb, flint.arb]:
    """Return E max and E max^2 of two independent normals."""
    one, two, u, w = as_ball(m[0]), as_ball(m[1]), as_ball(v[0]), as_ball(v[1])
    a = (u + w).sqrt()
    x = (one - two) / a
    first = one * cdf(x) + two * cdf(-x) + a * pdf(x)
    second = (one * one + u) * cdf(x) + (two * two + w) * cdf(-x) + (one + two) * a * pdf(x)
    return first, second


def _integrated(
    power: int, m: tuple[Fraction, Fraction], v: tuple[Fraction, Fraction]
) -> flint.arb:
    """Integrate x^power against the density of the maximum; beyond 30 less than 1e-30 is left."""

    def density(z: flint.acb, k: int) -> flint.acb:
        u = (z - as_ball(m[k])) / as_ball(v[k]).sqrt()
        return (-u * u / 2).exp() / (2 * flint.acb.pi() * as_ball(v[k])).sqrt()

    def mass(z: flint.acb, k: int) -> flint.acb:
        return (-(z - as_ball(m[k])) / (2 * as_ball(v[k])).sqrt()).erfc() / 2

    def integrand(z: flint.acb, _: bool) -> flint.acb:
        return z**power * (density(z, 0) * mass(z, 1) + density(z, 1) * mass(z, 0))

    return flint.acb.integral(integrand, -30, 30).real


def _two_moments(nested: int) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        for power in (1, 2):
            routes = {
                "closed form": lambda m, v, k=power: clark(m, v)[k - 1],
                "integral": lambda m, v, k=power: _integrated(k, m, v),
            }
            yield f"moment {power}", agree(routes, PAIRS, digits=10)
        first, second = clark((0, 0), (1, 1))
        again = clark((first, first), (second - first**2, second - first**2))[0]
        third = flint.arb(1) / 3
        exact = 3 / (2 * flint.arb.pi().sqrt()) * (1 + 2 / flint.arb.pi() * third.asin())
        gap = again - exact if nested else exact - again
        yield "four, nested", below([("1/10000 against the gap", as_ball(Fraction(1, 10**4)), gap)])

    return every(parts())


@claim(
    "S39.two-moments",
    statement=r"Clark's mean and second moment of the maximum of two independent normals are exact; used twice for "
    r"four "
    r"standard normals they give $1.0300$ in place of $\frac3{2\sqrt\pi}(1+\frac2\pi\arcsin\frac13)=1.0294$.",
    source=f"{SOURCE}, S39; Clark 1961 is recalled",
    hypotheses=("three declared pairs, against certified integrals of the density of the maximum",),
    aims_at=Grade.AGREES,
    mutant=lambda: _two_moments(0),
)
def clark_is_not_nested() -> Verdict:
    """Closed forms against certified integrals; the gap in balls."""
    return _two_moments(1)
