"""Certified roots: known ones, awkward ones, and none."""

from fractions import Fraction

import flint
import pytest
from flint import arb

from theory.errors import DomainError
from theory.kernels.brackets import fmpq, sign_change


def of(function, bits=400):
    def value(x):
        with flint.ctx.workprec(bits):
            return function(arb(fmpq(x)))

    return value


@pytest.mark.parametrize("digits", [5, 40, 90])
def test_known_roots(digits):
    with flint.ctx.workprec(400):
        for function, root in (
            (lambda x: x * x - 2, arb(2).sqrt()),
            (lambda x: x.exp() - 3, arb(3).log()),
            (lambda x: -(x * x * x * x * x - arb(2)), arb(2).root(5)),
        ):
            ball = sign_change(of(function), Fraction(1, 3), Fraction(5, 2), digits)
            assert ball.contains(root)
            assert ball.rad() < 3 * arb(10) ** -digits


def test_digits_double_from_step_to_step():
    """Two values a step: ninety digits, 300 bits, take about eight steps from width 2; bisection takes 300."""
    looked = []

    def counted(x):
        looked.append(x)
        return of(lambda y: y.exp() - 3)(x)

    sign_change(counted, Fraction(1, 3), Fraction(5, 2), 90)
    assert len(looked) < 30


def test_a_root_that_is_hit_exactly_is_enclosed():
    ball = sign_change(of(lambda x: x - arb(3) / 4), Fraction(0), Fraction(3, 2), 30)
    assert ball.contains(arb(3) / 4)
    assert ball.rad() < arb(10) ** -29


def test_no_sign_no_root():
    with pytest.raises(DomainError, match="no certain change of sign"):
        sign_change(of(lambda x: x * x + 1), Fraction(-1), Fraction(1), 10)
    with pytest.raises(DomainError, match="more bits"):
        sign_change(of(lambda x: x.exp() - 3, bits=30), Fraction(1), Fraction(2), 40)
