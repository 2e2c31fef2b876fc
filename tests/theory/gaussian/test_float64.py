"""Float64 expectations: the fused way, conditioning, the ends between them, and gaps."""

import itertools

import numpy as np
import pytest
import sympy as sp
from flint import arb, ctx

import theory as th
from theory.activations import catalogue
from theory.errors import DomainError, InputError
from theory.gaussian.evaluation import Prepared
from theory.gaussian.fused import fused
from theory.gaussian.gap import _sum
from theory.gaussian.kinks import halves, kinks
from theory.gaussian.lanes import DONE, NOT_INSIDE, OTHER_WAY, determinants
from theory.gaussian.nodes import RULES
from theory.gaussian.tables import tables

H = th.hardtanh(1)
CASES = catalogue()
FAST = {name: f for name, f in CASES.items() if kinks(f) is not None}
PLAIN = {name: f for name, f in CASES.items() if tables(f) is not None}


def truth(F, p, q, c):
    """The value at float64 numbers, from balls."""
    return np.array(
        [float(F.mp(*map(float, point), digits=25)) for point in zip(p, q, c, strict=True)]
    )


def random_points(n, seed, widest=12.0, nearest=-15.0):
    rng = np.random.default_rng(seed)
    p, q = 10 ** rng.uniform(-widest, widest, (2, n))
    rho = (1 - 10 ** rng.uniform(nearest, 0, n)) * rng.choice([-1, 1], n)
    return p, q, rho * np.sqrt(p) * np.sqrt(q)


@pytest.mark.parametrize("k", range(len(RULES[0])))
def test_rules_reach_full_precision_at_their_limit(k):
    # Just below the limit of a rule its nodes are stretched the most.
    limit = RULES[0][k] * (1 - 1e-9)
    scale = np.array([0.03, 0.3, 1.0, 3.0, 30.0])
    p, q = (v.ravel() for v in np.meshgrid(scale, scale))
    for sign in (1, -1):
        c = sign * limit * np.sqrt(p) * np.sqrt(q)
        for f, g in ((H, H), (H.derivative, H.derivative), (th.sign(), H)):
            values, status = fused(f, g, p, q, c, 1)
            F = th.expectation(f, g)
            right = truth(F, p, q, c)
            assert np.all(status == DONE)
            assert np.max(np.abs(values / right - 1)) <= 5e-15


def test_the_fused_way_is_taken_in_the_bulk():
    # Slow ways are for the ends: a fast one that is never taken would pass every other test.
    p, q, c = random_points(2000, seed=1, widest=2, nearest=-3)
    for f, g in ((H, H), (H.derivative, H.derivative), (th.sign().derivative, H.derivative),
                 (th.erf(1), th.erf(1)), (H, th.erf(1)), (th.relu(), th.relu())):  # fmt: skip
        from theory.gaussian.fused import pair_kernel

        values, status = np.empty(p.size), np.empty(p.size, np.int8)
        pair_kernel(f, g)(p, q, c, p * q - c * c, values, status)
        assert np.mean(status == DONE) > 0.99


def test_two_in_one_pass_have_the_bits_of_two():
    p, q, c = random_points(3000, seed=5, widest=9, nearest=-12)
    # Towards rho = -1 slopes of ReLU lose digits, and are left to another way.
    c = np.maximum(c, -0.9 * np.sqrt(p) * np.sqrt(q))
    det = np.empty(p.size)
    determinants(p, q, c, det)
    for f, g in ((th.relu(), th.relu()), (th.erf(1), th.erf(2)), (th.sign(), th.erf(1))):
        both = Prepared(th.expectation(f, g))
        one, other = np.empty((2, p.size))
        assert both.both(p, q, c, det, one, other)
        status = np.empty(p.size, np.int8)
        value, slope = np.empty((2, p.size))
        both(p, q, c, det, value, status)
        assert np.array_equal(one, value)
        Prepared(th.expectation(f.derivative, g.derivative))(p, q, c, det, slope, status)
        assert np.array_equal(other, slope)


@pytest.mark.parametrize("seed", range(4))
def test_every_plain_pair_keeps_thirteen_digits_on_the_whole_domain(seed):
    rng = np.random.default_rng(seed)
    functions = [*PLAIN.values(), *(f.derivative for f in PLAIN.values())]
    p, q, c = random_points(6, seed=100 + seed)
    for _ in range(25):
        f, g = (functions[i] for i in rng.integers(len(functions), size=2))
        F = th.expectation(f, g)
        values = F.float64(p, q, c)
        right = truth(F, p, q, c)
        # Masses have no second moment: their pairs are held to E|f g| by the reference table.
        if f.has_dirac or g.has_dirac:
            assert not np.any(np.isnan(values))
            continue
        size = np.sqrt(
            th.expectation(f, f).float64(p, p, p) * th.expectation(g, g).float64(q, q, q)
        )
        tail = 1 + np.maximum(0, -np.log(np.maximum(np.abs(right), 1e-300))) / 100
        wrong = np.abs(values - right) > 1e-13 * tail * (np.abs(right) + size) + 1e-300
        assert not np.any(wrong), (
            f"{f} x {g}: {values[wrong]} for {right[wrong]} at {p[wrong]}, {q[wrong]}, {c[wrong]}"
        )


@pytest.mark.parametrize(
    "pair", list(itertools.combinations_with_replacement(sorted(PLAIN), 2)), ids="-".join
)
def test_exchange_changes_no_bit(pair):
    f, g = (PLAIN[name] for name in pair)
    p, q, c = random_points(5, seed=7, widest=6)
    p, q, c = np.r_[p, 1.0, 2.0, 3.0], np.r_[q, 1.0, 2.0, 0.0], np.r_[c, 1.0, -2.0, 0.0]
    one = th.expectation(f, g).float64(p, q, c)
    other = th.expectation(g, f).float64(q, p, c)
    assert np.array_equal(one, other)
    assert not np.any(np.isnan(one))


def test_threads_and_shapes_change_no_bit():
    p, q, c = random_points(200_001, seed=3, widest=2, nearest=-2)
    F = th.expectation(H, th.erf(1))
    alone = F.float64(p, q, c)
    assert np.array_equal(alone, F.float64(p, q, c, threads=2))
    some = slice(70_000, 70_100)
    assert np.array_equal(alone[some], F.float64(p[some], q[some], c[some]))
    reversed_ = F.float64(p[::-1], q[::-1], c[::-1])
    assert np.array_equal(alone, reversed_[::-1])
    with pytest.raises(InputError, match="threads"):
        F.float64(1.0, 1.0, 0.5, threads=0)


def test_odd_against_even_is_nothing_exactly():
    p, q, c = random_points(300, seed=5)
    for f, g in ((H, th.triangle(1)), (th.triangle(1).derivative, H.derivative)):
        assert np.array_equal(th.expectation(f, g).float64(p, q, c), np.zeros(300))


def test_kernels_say_what_they_cannot_do():
    p = np.array([1.0, np.nan, 1.0, 1.0, 0.0, 1.0])
    q = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1e-80])
    c = np.array([0.5, 0.5, 1.0, 1.5, 0.0, 0.0])
    expected = [DONE, NOT_INSIDE, NOT_INSIDE, NOT_INSIDE, NOT_INSIDE, NOT_INSIDE]
    for f, g in ((H, H), (th.sign().derivative, H), (th.gelu(), H)):
        assert list(fused(f, g, p, q, c, 1)[1]) == expected
    # Closed forms hold on the line c = sqrt(pq), the third point, but where two masses meet.
    sharp = th.sign().derivative
    for f, g in ((th.relu(), th.relu()), (th.sign(), th.sign()), (sharp, th.erf(1).derivative)):
        assert list(fused(f, g, p, q, c, 1)[1]) == [DONE, NOT_INSIDE, DONE, *expected[3:]]
    assert list(fused(sharp, sharp, p, q, c, 1)[1]) == expected
    wave = fused(th.sine(), H, p, q, c, 1)[1]
    assert list(wave) == [OTHER_WAY, *expected[1:]]


def ball_gap(F, p, delta):
    """The gap at float64 numbers, from balls."""
    P, D = sp.Rational(float(p)), sp.Rational(float(delta))
    with ctx.workprec(600):
        return F.ball(P, P, P, bits=500) - F.ball(P, P, P * (1 - D), bits=500)


def ends(n, seed, widest=12.0):
    """Variances, and deltas that crowd 0 and 2."""
    rng = np.random.default_rng(seed)
    p, delta = 10 ** rng.uniform(-widest, widest, n), 10 ** rng.uniform(-15, 0, n)
    return p, np.where(rng.random(n) < 0.7, delta, 2.0 - delta)


GAPS = {
    **{
        name: CASES[name]
        for name in ("hardtanh(1)", "sign", "relu", "triangle(1)", "erf(1)", "gelu")
    },
    "uneven": CASES["staircase((-1, 0, 1), (-3, -1, 1, 3))"],
    "one sided": th.staircase((0, 1, 3), (0, 1, -1, 2)),
    "with a slope": th.identity() + th.sign(),
    "two noises": th.erf(1) + th.erf(3) + th.sign(),
    "dead zone": th.identity() - H,
    "several slopes": th.hardtanh(1) + th.hardtanh(3) + th.leaky_relu("1/5"),
    "far scales": th.hardtanh("1/10") + th.hardtanh(10),
    "near and far steps": th.staircase((-1000, 0, "1/100"), (0, 1, 2, 5)),
    "both orders": th.relu() + th.sign(),
}


@pytest.mark.parametrize("name", GAPS)
def test_gaps_keep_thirteen_digits(name):
    f = GAPS[name]
    F = th.expectation(f, f)
    p, delta = ends(16, seed=11)
    if name == "dead zone":
        p = np.maximum(p, 1e-2)  # exp(-1/(2 p)) is 0 below
    for v, P, D in zip(F.gap(p, delta), p, delta, strict=True):
        right = ball_gap(F, P, D)
        assert abs(float((arb(float(v)) - right) / right)) <= 1e-13


def test_gaps_that_are_rare_events_keep_the_digits_of_their_exponent():
    # From 5 standard deviations on to 36: values down to 1e-280.
    F = th.expectation(GAPS["dead zone"], GAPS["dead zone"])
    x = np.linspace(5, 36, 12)
    for i, delta in enumerate((1e-14, 1e-7, 1e-3, 0.1, 1.0, 1.9)):
        for v, X in zip(F.gap(1 / x[i::6] ** 2, delta), x[i::6], strict=True):
            right = ball_gap(F, 1 / X**2, delta)
            assert abs(float((arb(float(v)) - right) / right)) <= 1e-13 + 1e-15 * X**2


@pytest.mark.parametrize(
    "name", ["hardtanh(1)", "sign", "relu", "erf(1)", "uneven", "with a slope"]
)
def test_gaps_of_positive_terms_never_need_balls(name):
    p, delta = ends(3000, seed=12)
    assert np.all(_sum(halves(GAPS[name]), p, delta, 1)[1] == DONE)


def test_threads_and_order_change_no_bit_of_a_gap():
    p, delta = ends(140_001, seed=13, widest=3)
    F = th.expectation(H, H)
    alone = F.gap(p, delta)
    assert np.array_equal(alone, F.gap(p, delta, threads=2))
    assert np.array_equal(alone[70_000:70_100], F.gap(p[70_000:70_100], delta[70_000:70_100]))
    assert np.array_equal(alone, F.gap(p[::-1], delta[::-1])[::-1])
    with pytest.raises(InputError, match="threads"):
        F.gap(1.0, 0.5, threads=0)


def test_gap_of_equal_and_opposite_variables():
    F = th.expectation(th.sign(), th.sign())
    assert np.array_equal(F.gap(1.0, [0.0, 2.0]), [0.0, 2.0])
    assert F.gap(0.0, 0.5) == 0.0


@pytest.mark.parametrize(
    ("F", "p", "delta", "error", "says"),
    [
        (th.expectation(H, th.sign()), 1.0, 0.1, InputError, "one function"),
        (th.expectation(H, H), 1.0, 2.5, InputError, "delta"),
        (th.expectation(H, H), -1.0, 0.5, InputError, "variance"),
        (th.expectation(H, H), [1.0, 2.0], [0.1, 0.2, 0.3], InputError, "broadcast"),
        (th.expectation(th.sign().derivative, th.sign().derivative), 1.0, 0.1, DomainError, "Dirac"),
    ],
    ids=["two functions", "delta", "variance", "shapes", "masses"],
)  # fmt: skip
def test_gaps_refuse_what_they_cannot_mean(F, p, delta, error, says):
    with pytest.raises(error, match=says):
        F.gap(p, delta)
