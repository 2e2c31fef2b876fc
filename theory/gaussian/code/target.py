"""A target, and how it spells one expression."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from theory.errors import InputError
from theory.gaussian.code.routine import Routine

# What binds how strongly in every target.
_SUM, _PRODUCT, _POWER, _ATOM = range(4)

Spelled = tuple[str, int]


@dataclass(frozen=True)
class Target:
    """A language and its mathematical library: data that one file of ``targets`` declares.

    Attributes
    ----------
    preamble
        Imports; may be empty.
    comment
        Turns lines of words into a comment.
    accuracy
        Turns the routines of a file into the lines of its header on accuracy and invalid input.
    integer, fraction
        Spell exact rationals.
    power, root
        Spell ``base**n`` with n > 1, base being an atom, and the square root of any text.
    pi, infinity
        Constants.
    call
        Template of a function call, with ``{name}`` and ``{arguments}``.
    functions
        Functions by their SymPy names.
    helpers
        Functions that the target lacks, as text by their name; only those in use are written.
    join
        Makes the name of a part, such as ``inside``, of a function.
    define
        Writes a function from its name, arguments, assignments and result.
    single, pair
        Templates (``string.Template``) that tell the cases apart: ``$name``, ``$inside``, ``$plus``,
        ``$minus``, ``$mean_f``, ``$mean_g``, ``$zero_f``, ``$zero_g``, ``$title``.
    layer
        Template of one step of a kernel recursion, from ``$dual`` and ``$slope``.
    """

    preamble: str
    comment: Callable[[Sequence[str]], str]
    accuracy: Callable[[Sequence[Routine]], Sequence[str]]
    integer: Callable[[int], str]
    fraction: Callable[[int, int], str]
    power: Callable[[str, int], str]
    root: Callable[[str], str]
    pi: str
    infinity: str
    call: str
    functions: Mapping[str, str]
    helpers: Mapping[str, str]
    join: Callable[[str, str], str]
    define: Callable[[str, Sequence[str], Sequence[tuple[str, str]], str], str]
    single: str
    pair: str
    layer: str


class Writer:
    """Spells expressions for one target; what the target does not know is an error, never a guess."""

    def __init__(self, target: Target, name: str) -> None:
        self.target, self.name = target, name

    def __call__(self, expr: sp.Expr) -> str:
        """Return the text of ``expr``.

        Raises
        ------
        InputError
            For a function that the target does not know.
        """
        return self._spelled(expr)[0]

    def _spelled(self, expr: sp.Expr) -> Spelled:
        if expr.is_Rational:
            return self._rational(expr)
        if expr.is_Symbol:
            return expr.name, _ATOM
        if expr is sp.pi:
            return self.target.pi, _ATOM
        if expr in (sp.oo, -sp.oo):
            sign = "-" if expr is -sp.oo else ""
            return sign + self.target.infinity, _PRODUCT if sign else _ATOM
        if expr.is_Add:
            return self._sum(expr), _SUM
        if expr.is_Mul or (expr.is_Pow and expr.exp.is_negative):
            return self._product(expr), _PRODUCT
        if expr.is_Pow and expr.exp.is_Rational and expr.exp.q in (1, 2):
            return self._power(expr.base, expr.exp)
        return self._call(expr), _ATOM

    def _rational(self, number: sp.Rational) -> Spelled:
        try:
            if number.q == 1:
                return self.target.integer(int(number)), _ATOM if number >= 0 else _PRODUCT
            return self.target.fraction(int(number.p), int(number.q)), _PRODUCT
        except OverflowError as error:
            raise InputError(
                f"the target {self.name} cannot hold the number {sp.sstr(number)[:60]}; "
                f"use python-mpmath or mathematica, or rescale the activation"
            ) from error

    def _sum(self, expr: sp.Expr) -> str:
        # Positive terms first: p*q - c*c, as it is read.
        terms = [self._spelled(term)[0] for term in expr.as_ordered_terms()]
        ordered = sorted(terms, key=lambda term: term.startswith("-"))
        text = ordered[0]
        for term in ordered[1:]:
            text += f" - {term[1:]}" if term.startswith("-") else f" + {term}"
        return text

    def _product(self, expr: sp.Expr) -> str:
        rational, rest = expr.as_coeff_Mul()
        above = [abs(int(rational.p))] if abs(rational.p) != 1 else []
        below = [int(rational.q)] if rational.q != 1 else []
        top = [self._rational(sp.Integer(n))[0] for n in above]
        bottom = [self._rational(sp.Integer(n))[0] for n in below]
        for factor in sp.Mul.make_args(rest):
            if factor is sp.S.One:
                continue
            if factor.is_Pow and factor.exp.is_negative:
                bottom.append(self._factor(1 / factor))
            else:
                top.append(self._factor(factor))
        sign = "-" if rational < 0 else ""
        text = "*".join(top or [self.target.integer(1)])
        if not bottom:
            return sign + text
        divisor = bottom[0] if len(bottom) == 1 else f"({'*'.join(bottom)})"
        return f"{sign}{text}/{divisor}"

    def _factor(self, expr: sp.Expr) -> str:
        text, level = self._spelled(expr)
        return text if level >= _POWER else f"({text})"

    def _power(self, base: sp.Expr, exponent: sp.Rational) -> Spelled:
        whole, half = divmod(int(exponent.p), int(exponent.q)) if exponent.q == 2 else (exponent, 0)
        parts = []
        if whole:
            text, level = self._spelled(base)
            atom = text if level == _ATOM else f"({text})"
            parts.append(atom if whole == 1 else self.target.power(atom, int(whole)))
        if half:
            parts.append(self.target.root(self(base)))
        return "*".join(parts), _PRODUCT if len(parts) > 1 else _POWER if whole else _ATOM

    def _call(self, expr: sp.Expr) -> str:
        known = self.target.functions
        kind = type(expr).__name__
        if kind not in known:
            raise InputError(
                f"the target {self.name} has no rule for {kind}, which the formula of this expectation "
                f"holds; hardlimit itself evaluates it, in float64, mp and ball"
            )
        arguments = ", ".join(self(argument) for argument in expr.args)
        return self.target.call.format(name=known[kind], arguments=arguments)
