r"""Exact normal form of the expressions in which Gaussian expectations are written.

A form is a sum of ``coefficient * exp(e) * F(a) * sqrt(r) ...`` with coefficients in the field of
rational functions over the rationals, computed by polynomial arithmetic; the exponents e and
arguments a are forms again, and the symmetries of F (Phi, Phi2, OwenT, PhiCos, PhiSin, sin, cos, asin,
atan) are used up.
Equal keys are added, so a form without terms *is* zero: that is a proof. A form with terms says
nothing, since its functions may still be related.
"""

from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp
from sympy.polys.fields import FracElement

from theory.arithmetic import OwenT, Phi, Phi2, phi, readable
from theory.arithmetic.functions import PhiCos, PhiSin
from theory.errors import DomainError

TRUSTS = (
    "SymPy's polynomial arithmetic (rational functions over the rationals, factorisation)",
    "the derivatives and symmetries of Phi, Phi2, OwenT, PhiCos, PhiSin, sin, cos, asin, atan",
)

# exponent of exp, powers of functions, bases of square roots (each to the first power)
Key = tuple[frozenset[Any], frozenset[tuple[sp.Expr, int]], frozenset[sp.Expr]]
Form = dict[Key, FracElement]

UNIT: Key = (frozenset(), frozenset(), frozenset())
HALF = sp.Rational(1, 2)


def vanishes(expr: sp.Expr, chart: Mapping[sp.Symbol, sp.Expr] | None = None) -> bool:
    """Whether ``expr`` is shown to be identically zero; False means "not shown".

    Parameters
    ----------
    expr
        In the functions of ``theory.arithmetic``, erf, erfc, exp, asin, acos, atan and square
        roots.
    chart
        Change of variables under which square roots become rational, symbol -> expression in
        positive symbols; it has to map onto the domain.
    """
    plain = readable(expr)
    try:
        return not Normaliser(plain, chart or {}).form(plain)
    except DomainError:
        return False


class Normaliser:
    """Computes forms over one field of rational functions.

    Parameters
    ----------
    expr
        Its free symbols, charted, generate the field, together with the square root of pi.
    chart
        Symbol -> expression that stands for it.
    """

    def __init__(self, expr: sp.Expr, chart: Mapping[sp.Symbol, sp.Expr]) -> None:
        self.chart = chart
        self.root_pi = sp.Dummy("root_pi", positive=True)
        charted = [chart.get(symbol, symbol).free_symbols for symbol in expr.free_symbols]
        symbols = sorted(set().union(*charted), key=lambda symbol: str(symbol.name))
        self.field = sp.QQ.frac_field(*symbols, self.root_pi)
        self.known: dict[sp.Expr, Form] = {}

    def form(self, expr: sp.Expr) -> Form:
        """Return the form of an expression.

        Raises
        ------
        DomainError
            Where the expression leaves the class: the quotient by a sum, or the root of one, of
            functions.
        """
        if expr not in self.known:
            self.known[expr] = self._form(expr)
        return self.known[expr]

    def _form(self, expr: sp.Expr) -> Form:
        if expr is sp.pi:
            return self._constant(self.field.from_sympy(self.root_pi) ** 2)
        if expr in self.chart:
            return self.form(self.chart[expr])
        if expr.is_Rational or expr.is_Symbol:
            return self._constant(self.field.from_sympy(expr))
        if expr.is_Add:
            return self._sum([self.form(arg) for arg in expr.args])
        if expr.is_Mul:
            result = self._constant(self.field.one)
            for arg in expr.args:
                result = self._product(result, self.form(arg))
            return result
        if isinstance(expr, sp.exp):
            exponent = self.form(expr.args[0])
            return {(frozenset(exponent.items()), frozenset(), frozenset()): self.field.one}
        if expr.is_Pow and expr.exp.is_Rational and expr.exp.q in (1, 2):
            base = self.form(expr.base)
            return self._power(base if expr.exp.q == 1 else self._root(base), int(expr.exp.p))
        rewritten = _REWRITTEN.get(type(expr))
        if rewritten is not None:
            return self.form(rewritten(*expr.args))
        if type(expr) in _SYMMETRIES:
            return self._function(type(expr), [self.form(arg) for arg in expr.args])
        raise DomainError(f"no normal form for {type(expr).__name__} in {expr}")

    # -- sums, products, powers --------------------------------------------------------------------

    def _constant(self, value: FracElement) -> Form:
        return {UNIT: value} if value else {}

    def _sum(self, forms: list[Form]) -> Form:
        total: Form = {}
        for form in forms:
            for key, value in form.items():
                merged = total.get(key, self.field.zero) + value
                if merged:
                    total[key] = merged
                else:
                    del total[key]
        return total

    def _product(self, left: Form, right: Form) -> Form:
        parts = []
        for (exponent, functions, roots), value in left.items():
            for (exponent2, functions2, roots2), value2 in right.items():
                factor = value * value2
                for base in roots & roots2:
                    factor *= self.field.from_sympy(base)
                powers = dict(functions)
                for function, power in functions2:
                    powers[function] = powers.get(function, 0) + power
                key: Key = (
                    frozenset(self._sum([dict(exponent), dict(exponent2)]).items()),
                    frozenset((f, n) for f, n in powers.items() if n),
                    roots ^ roots2,
                )
                parts.append({key: factor})
        return self._sum(parts)

    def _power(self, base: Form, exponent: int) -> Form:
        if exponent < 0:
            base = self._inverse(base)
        result = self._constant(self.field.one)
        for _ in range(abs(exponent)):
            result = self._product(result, base)
        return result

    def _inverse(self, form: Form) -> Form:
        if len(form) != 1:
            raise DomainError(f"no normal form for the inverse of {self.expression(form)}")
        (((exponent, functions, roots), value),) = form.items()
        for base in roots:
            value *= self.field.from_sympy(base)
        negated = frozenset((key, -coefficient) for key, coefficient in exponent)
        return {(negated, frozenset((f, -n) for f, n in functions), roots): 1 / value}

    def _root(self, form: Form) -> Form:
        """Return the square root, with every known square taken out and known signs split off."""
        if not form:
            return {}
        if set(form) != {UNIT}:
            raise DomainError(f"no normal form for the square root of {self.expression(form)}")
        value = form[UNIT]
        content, factors = _factors(value)
        outside, unknown, roots = self.field.one, self.field.one, set()
        for factor, power in factors:
            expr = factor.as_expr()
            signed = factor
            if (-expr).is_positive:
                signed, expr, content = -factor, -expr, content * (-1) ** power
            if expr.is_positive:
                outside *= self.field(signed) ** (power // 2)
                if power % 2:
                    roots.add(self.field(signed).as_expr())
            else:
                # The square root of a square is an absolute value: leave it alone.
                unknown *= self.field(factor) ** power
        outside *= self.field.from_sympy(sp.Rational(1, content.q))
        number = abs(int(content.p * content.q))
        for prime, power in sp.factorint(number).items():
            outside *= int(prime) ** (power // 2)
            if power % 2:
                roots.add(sp.Integer(prime))
        unknown *= -1 if content < 0 else 1
        if unknown != self.field.one:
            roots.add(unknown.as_expr())
        return {(frozenset(), frozenset(), frozenset(roots)): outside}

    # -- functions ---------------------------------------------------------------------------------

    def _function(self, name: type[sp.Expr], arguments: list[Form]) -> Form:
        if any(not argument for argument in arguments):
            special = name(*(self.expression(argument) for argument in arguments))
            if not isinstance(special, name):
                return self.form(special)
        for place, reflection in enumerate(_SYMMETRIES[name]):
            if reflection is not None and self._is_negative(arguments[place]):
                flipped = [self._negated(a) if i == place else a for i, a in enumerate(arguments)]
                return self._reflected(reflection, name, flipped, place)
        exprs = [self.expression(argument) for argument in arguments]
        if name is Phi2:
            exprs[:2] = sorted(exprs[:2], key=sp.default_sort_key)
        return {
            (
                frozenset(),
                frozenset({(name(*exprs, evaluate=False), 1)}),
                frozenset(),
            ): self.field.one
        }

    def _reflected(
        self, reflection: str, name: type[sp.Expr], flipped: list[Form], place: int
    ) -> Form:
        """Return F at a negative argument from F at its opposite."""
        if reflection == "orthant":
            # P(X <= -h, Y <= k; r) = P(Y <= k) - P(X <= h, Y <= k; -r)
            first, other, r = flipped[place], flipped[1 - place], self._negated(flipped[2])
            rest = self._negated(self._function(Phi2, [first, other, r]))
            return self._sum([self._function(Phi, [other]), rest])
        value = self._function(name, flipped)
        if reflection == "wave":
            # E[cos(yZ)] = exp(-y^2/2) is what lies above -x and above x together.
            y = self.expression(flipped[1])
            return self._sum([self.form(sp.exp(-(y**2) / 2)), self._negated(value)])
        if reflection == "even":
            return value
        opposite = self._negated(value)
        if reflection == "odd":
            return opposite
        return self._sum([self._constant(self.field.one), opposite])

    def _negated(self, form: Form) -> Form:
        return {key: -value for key, value in form.items()}

    def _is_negative(self, form: Form) -> bool:
        """Choose one of a form and its negative, always the same one."""
        if not form:
            return False
        leading = min(
            form, key=lambda key: sp.default_sort_key(self.expression({key: self.field.one}))
        )
        return bool(form[leading].numer.LC < 0)

    def expression(self, form: Form) -> sp.Expr:
        """Return a form as SymPy, the same expression for equal forms."""
        return sp.Add(
            *(
                value.as_expr()
                * sp.exp(self.expression(dict(exponent)))
                * sp.Mul(*(function**power for function, power in functions))
                * sp.Mul(*(sp.sqrt(base) for base in roots))
                for (exponent, functions, roots), value in form.items()
            )
        )


def _factors(value: FracElement) -> tuple[sp.Rational, list[tuple[Any, int]]]:
    """Return the content and the irreducible factors, to negative powers from the denominator."""
    top, over = value.numer.factor_list()
    bottom, under = value.denom.factor_list()
    content = sp.Rational(int(top.numerator), int(top.denominator)) / sp.Rational(
        int(bottom.numerator), int(bottom.denominator)
    )
    return content, [*over, *((factor, -power) for factor, power in under)]


_REWRITTEN: dict[type[sp.Basic], Callable[..., sp.Expr]] = {
    phi: lambda z: sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi),
    sp.erf: lambda z: 2 * Phi(sp.sqrt(2) * z) - 1,
    sp.erfc: lambda z: 2 - 2 * Phi(sp.sqrt(2) * z),
    sp.acos: lambda z: sp.pi / 2 - sp.asin(z),
}

# What each argument's change of sign does: nothing known (None), even, odd, complement, orthant, or wave.
_SYMMETRIES: dict[type[sp.Expr], tuple[str | None, ...]] = {
    Phi: ("complement",),
    Phi2: ("orthant", "orthant", None),
    OwenT: ("even", "odd"),
    sp.asin: ("odd",),
    sp.atan: ("odd",),
    sp.cos: ("even",),
    sp.sin: ("odd",),
    PhiCos: ("wave", "even"),
    PhiSin: ("even", "odd"),
}
