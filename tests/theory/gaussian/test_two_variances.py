"""What E[f(u) f(v)] lacks to its bound at unequal variances: both parts against balls, and far in scale."""

import flint
import numpy as np
import pytest
import sympy as sp

import theory as th
from theory.gaussian.dilation import dilations
from theory.gaussian.gaps import RULES, gap_moments
from theory.gaussian.kinks import halves, kinks
from theory.gaussian.lanes import DONE

# variance, relative excess, 1 - rho: differences of norm of the size of the angle, far below it, far above
POINTS = [
    (1.0, 1e-8, 1e-16), (1e3, 1e-8, 1e-16), (1e-2, 3e-7, 1e-12), (1.0, 1e-12, 1e-6),
    (2.0, 1e-3, 1e-6), (1e2, 0.4, 1e-10), (0.3, 0.5, 1e-3), (1.0, 1e-3, 0.3), (1.0, 2.0**-52, 1e-16),
]  # fmt: skip
FUNCTIONS = {
    "hardtanh": th.hardtanh(1),
    "slope of hardtanh": th.hardtanh(1).derivative,
    "erf": th.erf(),
    "relu": th.relu(),
    "sign": th.sign(),
    "ternary": th.ternary("1/2"),
}


def both_ways(f, p, excess, delta):
    """Return E f(u)^2 - E f(v)^2, what two variances lack and what the correlation lacks: here, and by balls."""
    form, q = kinks(f), p - excess
    P, Q, E, D = (np.array([value]) for value in (p, q, excess, delta))
    F = th.expectation(f, f)
    squares = [F.float64(V, V, V) for V in (P, Q)]
    rise, lack = np.empty(1), np.empty(1)
    scales = np.array(form.scales).reshape(-1, 3)
    dilations(
        P, Q, E, *squares, np.array([form.constant, form.slope]), form.table, scales, rise, lack
    )
    gap = 0.0
    for half in halves(f):
        value, status = np.empty(1), np.empty(1, np.int8)
        gap_moments(
            P, Q, E, D, value, status,
            half.slope, half.table, half.scales, half.odd, False, *RULES,
        )  # fmt: skip
        assert status[0] == DONE or value[0] <= 1e-16 * lack[0]
        gap += value[0]
    p, excess, delta = (sp.Rational(value) for value in (p, excess, delta))
    q, root = p - excess, sp.sqrt(p * (p - excess))
    with flint.ctx.workprec(500):
        one, other = (F.ball(v, v, v, bits=400) for v in (p, q))
        line = F.ball(p, q, root, bits=400)
        inside = F.ball(p, q, root * (1 - delta), bits=400)
        exact = one - other, (one * other).sqrt() - line, line - inside
    return (rise[0], lack[0], gap), [float(value.mid()) for value in exact]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("point", POINTS, ids=str)
def test_both_parts_keep_their_digits(name, point):
    p, relative, delta = point
    found, exact = both_ways(FUNCTIONS[name], p, p * relative, delta)
    assert abs(found[0] - exact[0]) <= 2e-13 * abs(exact[0])
    # Of a nearly homogeneous function nearly nothing is lacking, of a jump between far norms nearly all: both add up.
    size = abs(exact[1]) + abs(exact[2])
    assert abs(found[1] - exact[1]) <= 2e-13 * size
    assert abs(found[2] - exact[2]) <= 5e-13 * size


def test_equal_variances_are_the_limit_of_unequal_ones():
    f = FUNCTIONS["hardtanh"]
    (half,) = halves(f)
    p, delta = np.full(40, 1.5), 10.0 ** np.linspace(-14, -0.3, 40)
    values = []
    for excess, equal in ((0.0, True), (0.0, False), (1e-14, False)):
        out, status = np.empty(40), np.empty(40, np.int8)
        gap_moments(
            p, p - excess, np.full(40, excess), delta, out, status,
            half.slope, half.table, half.scales, half.odd, equal, *RULES,
        )  # fmt: skip
        assert np.all(status == DONE)
        values.append(out)
    assert np.array_equal(values[0], th.expectation(f, f).gap(p, delta))
    np.testing.assert_allclose(values[1], values[0], rtol=1e-14)
    np.testing.assert_allclose(values[2], values[0], rtol=2e-13)
