"""Claims over boxes: every constant holds, and is within 1 % of what is true, part by part."""

import pytest

from proofs_check import Grade
from proofs_check.claims import boxes
from proofs_check.claims.boxes import MONOTONE, MORE, arb, decimal


@pytest.mark.parametrize("name", MONOTONE)
def test_each_rate_is_sharp(name):
    f, g, constant = MONOTONE[name]
    assert boxes.least(f.derivative, g.derivative, decimal(constant), boxes.MIDDLE).grade is (
        Grade.ENCLOSED
    )
    above = boxes.least(f.derivative, g.derivative, decimal(constant, MORE), boxes.MIDDLE)
    assert above.grade is Grade.REFUTED
    assert "rho = " in above.witness


def test_both_gaps_are_sharp():
    tau = boxes.H2.derivative
    apart, equal = decimal("0.121"), decimal("0.0542")
    on_diagonal = boxes.cauchy_schwarz(tau, arb(0), equal * MORE)
    assert on_diagonal.grade is Grade.REFUTED
    assert on_diagonal.witness.startswith("x' = x: p = 1/2")
    assert boxes.cauchy_schwarz(tau, apart * MORE, equal).grade is Grade.REFUTED


def test_the_norm_of_sign_is_reached_at_the_corner():
    # 2/(pi p0) sqrt((1 + r^2)/(1 - r^2)), p0 = 1, r = 9/10.
    sharp = 2 / arb.pi() * (decimal("1.81") / decimal("0.19")).sqrt()
    assert boxes.sign_lipschitz(sharp * decimal("1.0001")).grade is Grade.ENCLOSED
    assert boxes.sign_lipschitz(sharp * decimal("0.9999")).grade is Grade.REFUTED


def test_lipschitz_constants_match_difference_quotients():
    """The derivative of the whole map, against finite differences of its entries."""
    f = boxes.H1
    slopes = boxes.DualMap(f)(arb(1), arb("1.5"), arb("0.4"))
    dual = boxes.th.over_boxes(f, f)
    c, step = arb("0.4") * arb("1.5").sqrt(), arb(2) ** -12

    def value(p, q, c):
        return dual(p, q, c / (p * q).sqrt())

    start = [arb(1), arb("1.5"), c]
    for i, slope in enumerate(slopes):
        up, down = ([v + s * step * (i == j) for j, v in enumerate(start)] for s in (1, -1))
        assert abs((value(*up) - value(*down)) / (2 * step) - slope) < arb("1e-6")
