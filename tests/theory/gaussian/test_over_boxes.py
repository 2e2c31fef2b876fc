"""Expectations over boxes: they contain every value, their slopes every secant, and inequalities are decided."""

from fractions import Fraction

import pytest
import sympy as sp
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

import theory as th
from theory.arithmetic.boxes import above, minimum
from theory.arithmetic.jets import Jet
from theory.errors import DomainError, InexactInputError, InputError

PAIRS = {
    "hardtanh, hardtanh": (th.hardtanh(1), th.hardtanh(2)),
    "hardtanh', hardtanh'": (th.hardtanh(1).derivative, th.hardtanh("1/2").derivative),
    "sign, hardtanh": (th.sign(), th.hardtanh(1)),
    "sign', hardtanh'": (th.sign().derivative, th.hardtanh(1).derivative),
    "hardtanh', erf'": (th.hardtanh(1).derivative, th.erf(1).derivative),
    "gelu, relu": (th.gelu(), th.relu()),
    "gelu', gelu'": (th.gelu().derivative, th.gelu().derivative),
    "triangle, ternary": (th.triangle(1), th.ternary("1/2")),
    "ternary', ternary'": (th.ternary("1/2").derivative, th.ternary("1/2").derivative),
    "sine, hardtanh": (th.sine(1), th.hardtanh(1)),
    "bump, bump": (th.gaussian_bump(1), th.gaussian_bump("1/2")),
    "relu, clipped_relu": (th.relu(), th.clipped_relu(1)),
}
variances = st.fractions(min_value=Fraction(1, 4), max_value=4, max_denominator=16)
correlations = st.fractions(
    min_value=Fraction(-9, 10), max_value=Fraction(9, 10), max_denominator=20
)
corners = st.tuples(variances, variances, correlations)
pairs = pytest.mark.parametrize(("f", "g"), PAIRS.values(), ids=PAIRS)


def ball(low: Fraction, high: Fraction | None = None) -> arb:
    first, last = (
        arb(end.numerator) / end.denominator for end in (low, low if high is None else high)
    )
    return first.union(last)


def exact(f, g, p: Fraction, q: Fraction, rho: Fraction) -> arb:
    P, Q, R = (sp.Rational(v.numerator, v.denominator) for v in (p, q, rho))
    return th.expectation(f, g).ball(P, Q, R * sp.sqrt(P * Q), bits=80)


@pairs
@given(one=corners, other=corners, share=st.fractions(min_value=0, max_value=1, max_denominator=8))
def test_values_inside_the_box_are_contained(f, g, one, other, share):
    box = [tuple(sorted(ends)) for ends in zip(one, other, strict=True)]
    unit = [tuple(arb(int(i == j)) for j in range(3)) for i in range(3)]
    E = th.over_boxes(f, g)
    over = E(*(Jet(ball(*ends), unit[i]) for i, ends in enumerate(box)))
    inside = [low + share * (high - low) for low, high in box]
    value = exact(f, g, *inside)
    assert over.value.overlaps(value)
    assert E(*(ball(*ends) for ends in box)).overlaps(value)
    # Along the diagonal of the box the secant is the slope somewhere inside.
    difference = exact(f, g, *(high for _, high in box)) - exact(f, g, *(low for low, _ in box))
    steps = [ball(high - low) for low, high in box]
    assert sum((a * b for a, b in zip(over.slopes, steps, strict=True)), arb(0)).overlaps(
        difference
    )


@pairs
def test_small_boxes_are_tight(f, g):
    at, half = (Fraction(3, 2), Fraction(1, 2), Fraction(1, 3)), Fraction(1, 2000)
    unit = [tuple(arb(int(i == j)) for j in range(3)) for i in range(3)]
    over = th.over_boxes(f, g)(*(Jet(ball(v - half, v + half), unit[i]) for i, v in enumerate(at)))
    reach = sum((abs(slope).upper() for slope in over.slopes), arb(0)) * ball(half)
    assert over.value.rad() <= reach * arb("1.01") + arb("1e-12")
    for i in range(3):
        up, down = (tuple(v + s * half * (i == j) for j, v in enumerate(at)) for s in (1, -1))
        secant = (exact(f, g, *up) - exact(f, g, *down)) / (2 * ball(half))
        assert over.slopes[i].overlaps(secant)
        assert over.slopes[i].rad() < arb("0.02") * (1 + abs(secant))


def test_ranges_are_certified_and_sharp():
    a, b = th.hardtanh(1).derivative, th.hardtanh(2).derivative
    found = th.enclose(a, b, p=("1/2", 2), q=("1/2", 2), rho=("-1/2", "1/2"))
    least, most = (
        exact(a, b, Fraction(2), Fraction(2), Fraction(0)),
        exact(a, b, Fraction(1, 2), Fraction(1, 2), Fraction(1, 2)),
    )
    assert found.contains(least)
    assert found.contains(most)
    assert found.lower() > least * arb("0.998")
    assert found.upper() < most * arb("1.002")
    assert th.enclose(th.erf(1), th.erf(1), p=(1, 2), q=(1, 2), rho=(-1, 1)).is_finite()


def test_the_domain_is_checked():
    h = th.hardtanh(1)
    with pytest.raises(DomainError, match="leaves the domain"):
        th.enclose(h, h, p=(0, 1), q=1, rho=0)
    with pytest.raises(DomainError, match="leaves the domain"):
        th.enclose(h, h, p=1, q=1, rho=(0, "1.01"))
    with pytest.raises(InexactInputError):
        th.enclose(h, h, p=1, q=1, rho=0.5)
    with pytest.raises(DomainError, match="keep"):
        th.enclose(th.sign().derivative, th.sign().derivative, p=1, q=1, rho=(0, 1), max_boxes=50)


def test_pairs_without_closed_form_are_refused():
    with pytest.raises(InputError, match="closed form"):
        th.enclose(th.laplace(1), th.laplace(1), p=1, q=1, rho=0)


def test_a_planted_false_inequality_gets_a_witness():
    f = th.hardtanh(1).derivative
    box = {"p": ("1/2", 2), "q": ("1/2", 2), "rho": ("-1/2", "1/2")}
    E = th.over_boxes(f, f)
    found = minimum(E, box)
    assert found.worst is None
    # The least value is erf(1/2)^2 = 0.27092...
    true, false = above(E, box, "0.2708"), above(E, box, "0.2710")
    assert (true.refuted, true.worst) == (False, None)
    assert false.refuted
    assert exact(f, f, *false.place.values()) < arb("0.2710")
    razor = above(lambda **at: E(**at) - found.value, box, 0, max_boxes=60)
    assert razor.refuted or razor.worst is not None


def test_a_slope_of_the_wrong_sign_would_be_seen():
    """Mutation: with the slope in rho reversed, the minimum lands on the wrong face."""
    f = th.hardtanh(1)
    E = th.over_boxes(f, f)

    def reversed_slope(p, q, rho):
        jet = E(p, q, rho)
        if isinstance(jet, Jet):
            return Jet(jet.value, tuple(-slope for slope in jet.slopes))
        return jet

    box = {"p": 1, "q": 1, "rho": ("1/10", "1/2")}
    assert minimum(E, box).place["rho"] == Fraction(1, 10)
    assert minimum(reversed_slope, box).place["rho"] == Fraction(1, 2)
