"""The normal form proves what is true, and only that; balls refute what is false."""

import pytest
import sympy as sp

from proofs_check import Grade
from proofs_check.methods.canonical import vanishes
from proofs_check.methods.domain import Domain
from proofs_check.methods.identity import Along, identity
from theory.arithmetic import OwenT, Phi, Phi2, phi
from theory.errors import DomainError, InexactInputError

h, k, s = sp.symbols("h k s", positive=True)
r = sp.Symbol("r", real=True)
BOX = Domain({h: (0, 2), k: (0, 2), r: (-1, 1)})


@pytest.mark.parametrize(
    "zero",
    [
        sp.erf(h) - 2 * Phi(sp.sqrt(2) * h) + 1,
        sp.erfc(-h) - 1 - sp.erf(h),
        phi(h) * phi(k) - sp.exp(-(h**2 + k**2) / 2) / (2 * sp.pi),
        sp.sqrt(h**2 * k / 2) - h * sp.sqrt(2 * k) / 2,
        1 / sp.sqrt(6 * h) - sp.sqrt(2) * sp.sqrt(3) * sp.sqrt(h) / (6 * h),
        Phi2(-h, k, r) - Phi(k) + Phi2(k, h, -r),
        Phi2(-h, -k, r) - 1 + Phi(h) + Phi(k) - Phi2(h, k, r),
        OwenT(-h, -r) + OwenT(h, r),
        sp.acos(-r) - sp.pi / 2 - sp.asin(r),
        sp.exp(h) * sp.exp(-h) - 1,
        Phi((h**2 - k**2) / (h - k)) - Phi(h + k),
    ],
)
def test_zero_is_shown(zero: sp.Expr) -> None:
    assert vanishes(zero)


@pytest.mark.parametrize(
    "other",
    [
        sp.sqrt(r**2) - r,
        Phi(h) - Phi(k),
        sp.exp(h) - 1 - h,
        sp.sqrt(2) - sp.Rational(99, 70),
        1 / (1 + sp.sqrt(h)) - 1,
    ],
)
def test_nothing_else_is(other: sp.Expr) -> None:
    assert not vanishes(other)


def test_proved_with_exact_residual() -> None:
    verdict = identity(sp.erf(h), 2 * Phi(sp.sqrt(2) * h) - 1, on=BOX)
    assert verdict.grade is Grade.PROVED
    assert verdict.trusts


def test_a_small_error_is_refuted_with_a_witness() -> None:
    tiny = sp.Rational(1, 10**30)
    verdict = identity(sp.erf(h), 2 * Phi(sp.sqrt(2) * h) - 1 + tiny, on=BOX)
    assert verdict.grade is Grade.REFUTED
    assert "h = " in (verdict.witness or "")


def test_balls_alone_prove_nothing() -> None:
    chart_free = sp.asin(r), sp.atan(r / sp.sqrt(1 - r**2))
    assert identity(*chart_free, on=BOX).grade is Grade.UNDECIDED
    assert identity(*chart_free, on=BOX, along=Along(r)).grade is Grade.PROVED


def test_a_wrong_constant_is_not_lost_by_differentiation() -> None:
    shifted = sp.atan(r / sp.sqrt(1 - r**2)) + sp.Rational(1, 10**60)
    verdict = identity(sp.asin(r), shifted, on=BOX, along=Along(r))
    assert verdict.grade is not Grade.PROVED


def test_symbols_outside_the_domain_are_undecided() -> None:
    assert identity(s, s, on=BOX).grade is Grade.UNDECIDED
    assert identity(s, h, on=BOX).grade is Grade.UNDECIDED


def test_domains_are_exact_and_not_empty() -> None:
    with pytest.raises(InexactInputError, match=r"0\.5"):
        Domain({h: (0, 0.5)})
    with pytest.raises(DomainError, match="empty"):
        Domain({h: (1, 1)})
    with pytest.raises(DomainError, match="found only 0"):
        Domain({h: (0, 1)}, (h > 2,)).points(1)
    points = Domain({h: (0, 1), k: (0, 1)}, (h < k,)).points(5)
    assert all(point[h] < point[k] for point in points)
    assert points == Domain({h: (0, 1), k: (0, 1)}, (h < k,)).points(5)
