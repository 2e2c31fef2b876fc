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

_LEAVES = (
    *(Phi, phi, OwenT, Orthant, Arc, JointDensity, sp.Max, sp.Min),
    *(Phi2, PhiCos, PhiSin, Voigt, sp.exp, sp.cos, sp.sin, sp.erfc),
)


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

    def complement(self) -> None:
        r"""Write exp(E) (k - k Phi(z)) as k exp(E) erfc(z/sqrt 2)/2, a large number times a small one.

        Tilted steps come as differences of two large numbers; no precision that is affordable would keep
        their digits at large variances.
        """
        for whole in [leaf for leaf in self.terms if isinstance(leaf, sp.exp)]:
            tails = {
                leaf: leaf / whole
                for leaf in self.terms
                if leaf.is_Mul and whole in leaf.args and isinstance(leaf / whole, Phi)
            }
            if tails and sp.expand(self.terms[whole] + sum(self.terms[t] for t in tails)) == 0:
                del self.terms[whole]
                for leaf, tail in tails.items():
                    tiny = whole * sp.erfc(tail.args[0] / sp.sqrt(2))
                    self.add(tiny, -self.terms.pop(leaf) / 2)

    @property
    def expr(self) -> sp.Expr:
        """The sum, each coefficient in factored form, vanishing leaves dropped."""
        return sp.Add(*(_factored(c) * leaf for leaf, c in self.terms.items()))


def _factored(coefficient: sp.Expr) -> sp.Expr:
    expanded = sp.expand(coefficient)
    return sp.factor_terms(expanded) if expanded.is_Add else expanded
