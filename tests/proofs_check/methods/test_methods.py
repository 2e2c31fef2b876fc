"""Agreement, enclosure, enumeration, statistics, errata: each with true and false statements."""

from fractions import Fraction
from math import comb

import flint
import mpmath
import numpy as np
import pytest

from proofs_check import Grade, Verdict
from proofs_check.methods.agree import agree
from proofs_check.methods.enclose import positive
from proofs_check.methods.erratum import erratum
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.methods.statistics import Comparison, chi_square, z_tests
from theory.errors import DomainError, InexactInputError, InputError
from theory.estimate import Estimate


def mp_exp(x: int) -> mpmath.mpf:
    with mpmath.workdps(40):
        return mpmath.exp(x)


def ball_exp(x: int) -> flint.arb:
    return flint.arb(x).exp()


POINTS = [{"x": 0}, {"x": 1}, {"x": -3}]


def test_agree_counts_digits() -> None:
    verdict = agree({"ball": ball_exp, "mp": mp_exp}, POINTS, digits=35)
    assert verdict.grade is Grade.AGREES
    assert "35 digits" in verdict.evidence


def test_agree_refutes_the_last_digit() -> None:
    wrong = lambda x: mp_exp(x) + mpmath.mpf(10) ** -30  # noqa: E731
    verdict = agree({"ball": ball_exp, "mp": wrong}, POINTS, digits=32)
    assert verdict.grade is Grade.REFUTED


def test_wide_balls_and_no_points_are_no_agreement() -> None:
    wide = lambda x: flint.arb(x, "1e-3").exp()  # noqa: E731
    assert agree({"ball": wide, "mp": mp_exp}, POINTS, digits=20).grade is Grade.UNDECIDED
    assert agree({"mp": mp_exp}, POINTS, digits=20).grade is Grade.VACUOUS
    assert agree({"ball": ball_exp, "mp": mp_exp}, [], digits=20).grade is Grade.VACUOUS


def test_enclosure_of_an_inequality() -> None:
    gap = lambda x: x.exp() - 1 - x  # noqa: E731
    assert positive(gap, {"x": ("1/100", 3)}).grade is Grade.ENCLOSED
    at_contact = positive(gap, {"x": (-1, 2)}, max_boxes=200)
    assert at_contact.grade is Grade.UNDECIDED
    assert positive(gap, {"x": (-1, 1)}).witness == "x = 0: 0"
    false = positive(lambda x, y: x * y + flint.arb("0.9"), {"x": (-1, 1), "y": (-1, 1)})
    assert false.grade is Grade.REFUTED
    assert "x = " in (false.witness or "")


def test_boxes_are_exact_and_not_empty() -> None:
    with pytest.raises(InexactInputError):
        positive(abs, {"x": (0.1, 1)})
    with pytest.raises(DomainError):
        positive(abs, {"x": (2, 1)})


def test_enumeration() -> None:
    cases = [{"n": n} for n in range(8)]
    total = lambda n: sum(comb(n, k) for k in range(n + 1))  # noqa: E731
    assert exhaustive(cases, total, lambda n: 2**n).grade is Grade.PROVED
    verdict = exhaustive(cases, total, lambda n: max(1, 2 * n))
    assert (verdict.grade, verdict.witness) == (Grade.REFUTED, "n = 3: 8 against 6")
    assert exhaustive([], total, total).grade is Grade.VACUOUS
    with pytest.raises(InexactInputError, match=r"0\.5"):
        exhaustive(cases, lambda n: (Fraction(n, 2), 0.5), total)


def estimate(error: float) -> Estimate:
    return Estimate(np.array([1.0 + error, 2.0]), np.array([0.01, 0.02]), 1000)


def test_z_tests_declare_risk_and_resolution() -> None:
    fine = z_tests([Comparison("m", estimate(0.02), [1.0, 2.0])])
    assert fine.grade is Grade.CONSISTENT
    assert "false alarm 1e-06" in fine.evidence
    assert "blind below" in fine.evidence
    wrong = z_tests([Comparison("m", estimate(0.1), [1.0, 2.0])])
    assert wrong.grade is Grade.REFUTED
    assert (wrong.witness or "").startswith("m[0]")


def test_blind_statistics_are_vacuous() -> None:
    assert z_tests([]).grade is Grade.VACUOUS
    blind = z_tests([Comparison("m", estimate(0.0), [1.0, 2.0])], must_see=0.01)
    assert blind.grade is Grade.VACUOUS
    assert chi_square([3, 2], [0.5, 0.5]).grade is Grade.VACUOUS


def test_zero_error_is_judged_exactly() -> None:
    sure = Estimate(np.array(1.0), np.array(0.0), 10)
    assert z_tests([Comparison("m", sure, 1.0)]).grade is Grade.CONSISTENT
    assert z_tests([Comparison("m", sure, 1.1)]).grade is Grade.REFUTED


def test_goodness_of_fit() -> None:
    law = [comb(6, k) / 64 for k in range(7)]
    counts = np.round(np.array(law) * 64_000)
    assert chi_square(counts, law).grade is Grade.CONSISTENT
    shifted = np.roll(counts, 1)
    assert chi_square(shifted, law).grade is Grade.REFUTED
    assert chi_square([50, 50, 1], [0.5, 0.5, 0.0]).grade is Grade.REFUTED
    with pytest.raises(InputError, match="add up"):
        chi_square([1, 2], [0.5, 0.6])


def test_false_alarms_are_as_rare_as_declared() -> None:
    draws = np.random.Generator(np.random.Philox(key=5)).standard_normal(4000)
    alarms = sum(
        z_tests(
            [Comparison("z", Estimate(z, np.ones_like(z), 2), np.zeros_like(z))], false_alarm=0.1
        ).grade
        is Grade.REFUTED
        for z in draws.reshape(400, 10)
    )
    # Binomial(400, 0.1) leaves [16, 68] with probability 1e-5.
    assert 16 <= alarms <= 68


def test_erratum_needs_both_halves() -> None:
    false = Verdict(Grade.REFUTED, "differs", "at 1")
    true = Verdict(Grade.PROVED, "equal")
    unknown = Verdict(Grade.UNDECIDED, "hm")
    assert erratum(printed=false, corrected=true).grade is Grade.REFUTED_AS_PRINTED
    assert erratum(printed=false, corrected=false).grade is Grade.REFUTED
    assert erratum(printed=true, corrected=true).grade is Grade.UNDECIDED
    assert erratum(printed=false, corrected=unknown).grade is Grade.UNDECIDED
