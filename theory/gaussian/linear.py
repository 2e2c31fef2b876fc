"""Linear combinations of special functions with rational coefficients: how results stay readable."""

import sympy as sp

from theory.arithmetic.functions import (
    Arc,
    JointDensity,
    Orthant,
    OwenT,
    Phi,
    Phi2,
    PhiCos,
    PhiSin,
    Voigt,
    phi,
)

_LEAVES = (Phi, phi, OwenT, Orthant, Arc, JointDensity, sp.Max, sp.Min)
_LEAVES += (Phi2, PhiCos, PhiSin, Voigt, sp.exp, sp.cos, sp.sin)


class Linear:
    """A mutable sum ``coefficient * leaf``, a leaf being a product of special functions or 1."""

    def __init__(self) -> None:
        self.terms: dict[sp.Expr, sp.Expr] = {}

    def add(self, expr: sp.Expr, factor: sp.Expr = sp.S.One) -> None:
        """Add ``factor * expr``, splitting products such as phi * (1 - Phi) into leaves."""
        for term in sp.Add.make_args(sp.expand(expr, deep=False, power_exp=False)):
            coefficient, leaf = term.as_independent(*_LEAVES, as_Add=False)
            self.terms[leaf] = self.terms.get(leaf, sp.S.Zero) + factor * coefficient

    def add_all(self, other: "Linear", factor: sp.Expr = sp.S.One) -> None:
        """Add ``factor * other``."""
        for leaf, coefficient in other.terms.items():
            self.terms[leaf] = self.terms.get(leaf, sp.S.Zero) + factor * coefficient

    @property
    def expr(self) -> sp.Expr:
        """The sum, each coefficient in factored form, vanishing leaves dropped."""
        return sp.Add(*(_factored(c) * leaf for leaf, c in self.terms.items()))


def _factored(coefficient: sp.Expr) -> sp.Expr:
    expanded = sp.expand(coefficient)
    return sp.factor_terms(expanded) if expanded.is_Add else expanded
