"""What is printed is what was derived: the LaTeX is read back and evaluated."""

import re

import pytest
import sympy as sp
from sympy.parsing.sympy_parser import (
    implicit_multiplication,
    parse_expr,
    standard_transformations,
)

import theory as th
from theory.activations import catalogue
from theory.arithmetic import OwenT, Phi, Phi2, phi
from theory.arithmetic.functions import PhiCos, PhiSin
from theory.gaussian import c, p, q

CASES = [*catalogue().values(), *(f.derivative for f in catalogue().values())]
PAIRS = [(f, g) for f in CASES for g in CASES]
NAMES = {"Phi": Phi, "phi": phi, "Phi2": Phi2, "T": OwenT, "p": p, "q": q, "c": c, "pi": sp.pi}
NAMES |= {"asin": sp.asin, "sqrt": sp.sqrt, "exp": sp.exp, "sin": sp.sin, "cos": sp.cos}
NAMES |= {"PhiCos": PhiCos, "PhiSin": PhiSin, "erfc": sp.erfc}
AT = {p: sp.Rational(13, 10), q: sp.Rational(7, 10), c: sp.Rational(-2, 5)}


def group(text: str, start: int) -> tuple[str, int]:
    """Return the inside of the braces that open at ``start``, and where they end."""
    depth = 0
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start + 1 : place], place + 1
    raise ValueError(text)


def plain(latex: str) -> str:
    """Turn LaTeX of this project's hand into an expression that SymPy parses."""
    for spelled, name in (
        (r"\\Phi_\{\\cos\}", " PhiCos"), (r"\\Phi_\{\\sin\}", " PhiSin"),
        (r"\\left\(", "("), (r"\\right\)", ")"), (r"\\Phi_2", " Phi2"), (r"\\Phi", " Phi"),
        (r"\\varphi", " phi"), (r"\\operatorname\{T\}", " T"), (r"\\operatorname\{asin\}", " asin"),
        (r"\\operatorname\{erfc\}", " erfc"),
        (r"\\pi", " pi "), (r"\\Delta", " Delta "), (r";", ","),
    ):  # fmt: skip
        latex = re.sub(spelled, name, latex)
    while (
        match := re.search(r"\\frac|\\sqrt|e\^|\^|asin\{|\\(?:sin|cos)\{|erfc\{", latex)
    ) is not None:
        word, at = match.group(), match.start()
        first, end = group(latex, match.end() - word.endswith("{"))
        if word == r"\frac":
            second, end = group(latex, end)
            new = f" (({first})/({second})) "
        else:
            new = {r"\sqrt": " sqrt({})", "e^": " exp({})", "^": "**({})"}.get(
                word, f" {word.strip(chr(92) + '{')}({{}})"
            ).format(first)
        latex = latex[:at] + new + latex[end:]
    return latex


def read(latex: str) -> sp.Expr:
    body, _, definition = latex.partition(r", \quad \Delta = ")
    rules = (*standard_transformations, implicit_multiplication)
    names = dict(NAMES)
    if definition:
        names["Delta"] = parse_expr(plain(definition), names, rules)
    return parse_expr(plain(body), names, rules)


@pytest.mark.parametrize(("f", "g"), PAIRS[::5], ids=lambda f: str(f))
def test_the_printed_formula_has_the_derived_value(f, g) -> None:
    F = th.expectation(f, g)
    printed = read(F.latex()).subs(AT).evalf(20)
    assert abs(printed - F.expr.subs(AT).evalf(20)) < 1e-15 * (1 + abs(printed))


@pytest.mark.parametrize(("f", "g"), PAIRS[::23], ids=lambda f: str(f))
def test_a_notebook_shows_the_same_formula_in_lines_that_render(f, g) -> None:
    F = th.expectation(f, g)
    shown = F._repr_latex_()
    assert shown.startswith("$$")
    assert shown.endswith("$$")
    body = shown.strip("$").removeprefix("\\begin{aligned}\n").removesuffix("\n\\end{aligned}")
    lines = body.split(" \\\\\n")
    for line in lines:
        assert line.count(r"\left") == line.count(r"\right")
    if len(lines) > 1:
        assert all(line.startswith("& ") for line in lines[1:])
        assert lines[0].count("={}&") == 1
    joined = " ".join(line.removeprefix("& ") for line in lines).replace("={}&", "=")
    assert joined.split("= ", 1)[1] == F.latex()
