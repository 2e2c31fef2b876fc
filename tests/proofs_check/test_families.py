"""A printed formula for a family is proved for all its parameters, or refuted."""

import sympy as sp

from proofs_check import Grade
from proofs_check.families import ERF, HARDTANH, SIGN, derived, derived_mean
from proofs_check.methods.canonical import vanishes
from proofs_check.notation import c, chart, p, q, rho


def test_true_formulas_are_proved_for_all_parameters() -> None:
    verdict = derived(SIGN, SIGN, lambda _, __: 2 / sp.pi * sp.asin(rho))
    assert verdict.grade is Grade.PROVED
    assert any("scaling" in item for item in verdict.trusts)
    mean = derived_mean(HARDTANH.derivative, lambda a: sp.erf(a / sp.sqrt(2 * p)) / a)
    assert mean.grade is Grade.PROVED


def test_a_formula_right_at_one_parameter_only_is_refuted() -> None:
    verdict = derived_mean(HARDTANH.derivative, lambda a: sp.erf(a / sp.sqrt(2 * p)))
    assert verdict.grade is Grade.REFUTED


def test_a_formula_right_at_the_tested_parameters_only_is_refuted_by_scaling() -> None:
    # (a - 1)(a - 1/2) vanishes where the engine derives; no true formula scales like this one.
    def printed(a: sp.Expr) -> sp.Expr:
        return sp.erf(a / sp.sqrt(2 * p)) / a + (a - 1) * (a - sp.Rational(1, 2))

    verdict = derived_mean(HARDTANH.derivative, printed)
    assert verdict.grade is Grade.REFUTED
    assert "scaling" in (verdict.witness or "")


def test_exchanged_variances_are_refuted() -> None:
    def printed(_: sp.Expr, b: sp.Expr) -> sp.Expr:
        return sp.sqrt(2 / (sp.pi * q)) * 2 * b / sp.sqrt(sp.pi * (1 + 2 * b**2 * (q - c**2 / p)))

    assert derived(SIGN.derivative, ERF.derivative, printed).grade is Grade.REFUTED


def test_charts_make_roots_rational() -> None:
    determinant = sp.sqrt(p * q - c**2)
    assert vanishes(determinant**2 - p * q + c**2, chart())
    assert vanishes(determinant / sp.sqrt(p) - sp.sqrt(q - c**2 / p), chart())
    inflated = sp.sqrt((p + 1) * (q + 2) - c**2)
    assert vanishes(inflated / sp.sqrt(q + 2) - sp.sqrt(p + 1 - c**2 / (q + 2)), chart(1, 2))
    assert not vanishes(inflated - determinant, chart())
