"""The radius of a reference value is a proof: it holds what is known, and it can fail to."""

import random
from dataclasses import dataclass, replace
from fractions import Fraction

import mpmath
import pytest
import sympy as sp

from theory.activations import erf, hardtanh, identity, laplace, relu, sign, ternary, x
from theory.errors import DomainError
from theory.quadrature import QuadratureError, Reference, certify, expectations, moment, panels
from theory.quadrature.growth import Growth

DIGITS = 25
MP = mpmath.MPContext()
MP.dps = 250


@dataclass(frozen=True)
class Given:
    """A function by its definition alone."""

    expr: sp.Expr
    breakpoints: tuple[sp.Expr, ...] = ()


def erf_law(p, q, c):
    return 2 / MP.pi * MP.asin(4 * c / MP.sqrt((1 + 2 * p) * (1 + 8 * q)))


def relu_law(p, q, c):
    angle = MP.acos(c / MP.sqrt(p * q))
    return (MP.sqrt(p * q - c * c) + c * (MP.pi - angle)) / (2 * MP.pi)


# f, g and E[f(u) g(v)] in p, q, c, each a textbook integral.
LAWS = {
    "signs": (sign(), sign(), lambda p, q, c: 2 / MP.pi * MP.asin(c / MP.sqrt(p * q))),
    "relus": (relu(), relu(), relu_law),
    "erfs": (erf(1), erf(2), erf_law),
    "sines": (
        Given(sp.sin(x)),
        Given(sp.sin(x)),
        lambda p, q, c: MP.exp(-(p + q) / 2) * MP.sinh(c),
    ),
    "cosines": (
        Given(sp.cos(x)),
        Given(sp.cos(2 * x)),
        lambda p, q, c: MP.exp(-(p + 4 * q) / 2) * MP.cosh(2 * c),
    ),
    "bumps": (
        Given(sp.exp(-(x**2))),
        Given(sp.exp(-(x**2))),
        lambda p, q, c: 1 / MP.sqrt((1 + 2 * p) * (1 + 2 * q) - 4 * c * c),
    ),
    "line and sign": (identity(), sign(), lambda _, q, c: c * MP.sqrt(2 / (MP.pi * q))),
    "powers": (
        Given(x**3),
        Given(x**3),
        lambda p, q, c: 9 * p * q * c + 6 * c**3,
    ),
    "square and erf'": (
        Given(x**2),
        erf(1).derivative,
        lambda p, q, c: 2 / MP.sqrt(MP.pi) / MP.sqrt(1 + 2 * q) * (p - 2 * c * c / (1 + 2 * q)),
    ),
    "mass and relu": (
        sign().derivative,
        relu(),
        lambda p, q, c: MP.sqrt(p * q - c * c) / p / MP.pi,
    ),
    "mass and cosine": (
        sign().derivative,
        Given(sp.cos(x)),
        lambda p, q, c: 2 / MP.sqrt(2 * MP.pi * p) * MP.exp(-(q - c * c / p) / 2),
    ),
    "masses": (
        sign().derivative,
        sign().derivative,
        lambda p, q, c: 2 / (MP.pi * MP.sqrt(p * q - c * c)),
    ),
}


def point(draw, decades):
    """Return exact p, q, c with 1 - |rho| between 1e-15 and 1."""
    p, q = (Fraction(float(10 ** draw.uniform(-decades, decades))) for _ in "pq")
    with mpmath.workprec(300):
        root = mpmath.sqrt(mpmath.mpf(p.numerator) * q.numerator / p.denominator / q.denominator)
        cross = draw.choice((-1, 1)) * root * (1 - mpmath.mpf(10) ** draw.uniform(-15, 0))
        sign_, mantissa, exponent, _ = cross._mpf_
    c = (-1) ** sign_ * int(mantissa) * Fraction(2) ** exponent
    return p, q, c


def real(value):
    return MP.mpf(value.numerator) / value.denominator


def held(laws, p, q, c, digits=DIGITS):
    """Return how many laws were settled, and those whose ball misses the truth or is too wide."""
    results = expectations([law[:2] for law in laws.values()], p, q, c, digits)
    settled, wrong = 0, []
    for (name, (_, _, law)), found in zip(laws.items(), results, strict=True):
        if not isinstance(found, Reference):
            assert not isinstance(found, DomainError)
            continue
        settled += 1
        truth = law(real(p), real(q), real(c))
        value, radius, mass = map(MP.mpf, (found.value, found.radius, found.mass))
        if not (abs(value - truth) <= radius <= 2 * MP.mpf(10) ** -digits * mass):
            wrong.append((name, p, q, c))
    return settled, wrong


@pytest.mark.parametrize("decades", [1, 4, 12])
def test_balls_contain_what_is_known(decades):
    draw = random.Random(decades)
    settled, wrong = 0, []
    for _ in range(4):
        more, off = held(LAWS, *point(draw, decades))
        settled, wrong = settled + more, wrong + off
    assert wrong == []
    assert settled >= 4 * (len(LAWS) - 3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_balls_contain_what_is_known_at_many_points(seed):
    draw = random.Random(100 + seed)
    wrong = [off for decades in (1, 3, 6, 12) * 2 for off in held(LAWS, *point(draw, decades))[1]]
    assert wrong == []


SMOOTH = {name: LAWS[name] for name in ("erfs", "bumps", "relus", "powers", "square and erf'")}
MODERATE = [(Fraction(1, 2), Fraction(3), Fraction(3, 4)), (Fraction(2), Fraction(2), Fraction(-1))]


def caught(laws=SMOOTH):
    """Whether a planted bug shows as a ball that misses the truth."""
    return any(held(laws, *at)[1] for at in MODERATE)


def test_no_bug_is_caught_where_none_is():
    assert not caught()


def test_fewer_nodes_than_proved_are_caught(monkeypatch):
    proved = certify.side

    def fewer(*given):
        found = proved(*given)
        return replace(found, nodes=max(2, found.nodes // 2))

    monkeypatch.setattr(certify, "side", fewer)
    assert caught()


def test_a_bound_on_the_real_axis_alone_is_caught(monkeypatch):
    peak = panels.Falls.peak
    sizes = panels._ellipse_sizes
    monkeypatch.setattr(panels.Falls, "peak", lambda self, _: peak(self, 1.0))
    monkeypatch.setattr(panels, "_ellipse_sizes", lambda *given: sizes(*given[:-1], 1.0))
    assert caught()


def test_a_tail_left_out_is_caught(monkeypatch):
    monkeypatch.setattr(certify, "_cap", lambda problem, key, _: problem.floor(key) + 12)
    # An honest radius grows with what is cut off, and nothing is claimed.
    assert not any(isinstance(r, Reference) for r in expectations([LAWS["erfs"][:2]], 1, 1, 0))
    monkeypatch.setattr(Growth, "beyond", lambda _, cap: cap * 0)
    assert caught()


def test_dropped_panels_left_out_are_caught(monkeypatch):
    work = certify._Work.of

    def careless(panel, patch, targets, levels):
        generous = {where: target * 10**20 for where, target in targets.items()}
        found = work(panel, patch, generous, levels)
        if found is None or found.active:
            return found
        return replace(found, bounds=dict.fromkeys(found.bounds, 0))

    monkeypatch.setattr(certify._Work, "of", careless)
    assert caught()


def test_a_limit_without_its_slack_is_caught(monkeypatch):
    """Where erf is taken for 1 three widths out, what that leaves out must be counted."""
    from theory.quadrature import axis, reference

    monkeypatch.setattr(reference, "_settled", lambda _: 9.0)
    laws = {"erfs": LAWS["erfs"]}
    assert not caught(laws)
    build = axis._factor
    axis.axis.cache_clear()
    monkeypatch.setattr(axis, "_factor", lambda monic, _, *place: build(monic, (), *place))
    assert caught(laws)
    axis.axis.cache_clear()


def test_a_minute_product_leaves_its_neighbours_alone():
    p, q, c = 1040.6083312486423, 3.7384589973441626e-11, 0.0001972377139055249
    (alone,) = expectations([(hardtanh(1), ternary("1/2"))], p, q, c)
    minute, beside = expectations(
        [(laplace(1), ternary("1/2")), (hardtanh(1), ternary("1/2"))], p, q, c
    )
    assert isinstance(minute, QuadratureError)
    assert isinstance(alone, Reference)
    assert isinstance(beside, Reference)
    # P(|v| > 1/2), for u is far outside of [-1, 1] and of the sign of v wherever that happens.
    truth = MP.erfc(1 / MP.sqrt(8 * MP.mpf(q)))
    for found in (alone, beside):
        assert abs(MP.mpf(found.value) - truth) < MP.mpf(10) ** -19 * truth


def test_a_fast_wave_is_bounded_by_its_damping():
    wave = Given(sp.sin(x))
    (found,) = expectations([(wave, relu())], 10**6, 10**6, 0)
    assert found.value == 0
    assert 0 < found.radius <= mpmath.mpf(10) ** -20 * found.mass
    # E|sin u| E relu(v)
    assert abs(found.mass - 2 / mpmath.pi * 1000 / mpmath.sqrt(2 * mpmath.pi)) < 1


@pytest.mark.parametrize(
    "expr", [1 / (1 + x**2), sp.atan(x), sp.tanh(x), sp.log(1 + x**2) / (1 + x**2)], ids=str
)
def test_poles_off_the_axis_are_seen(expr):
    few = mpmath.MPContext()
    few.dps = 25
    at = sp.lambdify(x, expr**2, few)
    truth = few.quad(lambda z: at(z) * few.npdf(z), [-20, -5, -1, 0, 1, 5, 20])
    value = moment(Given(expr**2), 1, digits=15)
    assert abs(few.mpf(value) - truth) < 1e-14
