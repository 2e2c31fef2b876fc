r"""LaTeX as a mathematician would write it: one determinant, common factors outside, one root a product.

SymPy's own printer splits :math:`\sqrt{pq}`, puts minus signs first and repeats the determinant in every
argument. Here terms that share a factor are grouped, and :math:`\Delta` stands for the determinant.
"""

from math import gcd

import sympy as sp
from sympy.printing.latex import LatexPrinter

from theory.arithmetic.functions import OwenT, Phi, Phi2, phi

_DELTA = sp.Symbol(r"\Delta", positive=True)
# Characters of LaTeX that fit on one line.
LINE = 380
# Groups are written in this order of their functions; what has none comes last.
_RANK = (Phi2, OwenT, sp.asin, Phi, phi, sp.exp)


def latex_terms(expr: sp.Expr, determinant: sp.Expr) -> tuple[str, ...]:
    r"""Return the LaTeX of an expectation as pieces that may be broken over lines.

    Parameters
    ----------
    expr
        A sum of special functions with algebraic coefficients.
    determinant
        Abbreviated to :math:`\Delta` where it occurs more than once; then its definition is the last
        piece.

    Returns
    -------
    tuple of str
        Terms with their signs, to be joined by spaces.
    """
    # Only the determinant itself is abbreviated; pq alone stays.
    short = expr.replace(lambda e: e.is_Add and sp.expand(e - determinant) == 0, lambda _: _DELTA)
    recurs = short.count(_DELTA) > 1
    pieces = [plain_latex(group) for group in _groups(short if recurs else expr)]
    first, rest = pieces[0], [p if p.startswith("-") else f"+ {p}" for p in pieces[1:]]
    if not recurs:
        return (first, *rest)
    last = rest.pop() if rest else ""
    definition = rf"\quad \Delta = {plain_latex(determinant)}"
    return (first, *rest, f"{last},", definition) if last else (f"{first},", definition)


def lines(terms: tuple[str, ...]) -> tuple[str, ...]:
    """Return the pieces of a sum as lines of whole terms, each short enough for a page."""
    found: list[str] = []
    for term in terms:
        if found and len(found[-1]) + len(term) <= LINE:
            found[-1] += f" {term}"
        else:
            found.append(term)
    return tuple(found)


def displayed(left: str, terms: tuple[str, ...]) -> str:
    """Return ``left = sum of terms`` as a displayed equation for a notebook, aligned where it is long."""
    first, *rest = lines(terms)
    if not rest:
        return f"$${left} = {first}$$"
    body = " \\\\\n".join([rf"{left} ={{}}& {first}", *(rf"& {line}" for line in rest)])
    return f"$$\\begin{{aligned}}\n{body}\n\\end{{aligned}}$$"


def plain_latex(expr: sp.Expr) -> str:
    """Return the LaTeX of any expression in the same hand: positive terms first, one root a product."""
    return str(_Printer().doprint(expr))


def _groups(expr: sp.Expr) -> list[sp.Expr]:
    """Collect terms that share their algebraic factor, and put the common rational in front."""
    found: dict[sp.Expr, list[tuple[sp.Rational, sp.Expr]]] = {}
    for term in sp.Add.make_args(expr):
        rational, rest = term.as_coeff_Mul()
        shared, leaf = rest.as_independent(Phi, Phi2, OwenT, sp.exp, sp.asin, as_Add=False)
        found.setdefault(shared, []).append((rational, leaf))
    return sorted((_group(shared, terms) for shared, terms in found.items()), key=_rank)


def _group(shared: sp.Expr, terms: list[tuple[sp.Rational, sp.Expr]]) -> sp.Expr:
    if len(terms) == 1:
        rational, leaf = terms[0]
        whole = shared * leaf
        if any(factor.is_Add for factor in sp.Mul.make_args(whole)):  # 2 (2c + 1), not (4c + 2)
            return sp.Mul(rational, *sp.Mul.make_args(whole), evaluate=False)
        return rational * whole
    top = gcd(*(int(abs(r.p)) for r, _ in terms))
    common = sp.Rational(top, int(sp.ilcm(*(r.q for r, _ in terms))))
    inside = sp.Add(*(r / common * leaf for r, leaf in terms))
    return sp.Mul(common * shared, inside, evaluate=False) if common * shared != 1 else inside


def _rank(group: sp.Expr) -> tuple[int, int]:
    return (
        next((i for i, kind in enumerate(_RANK) if group.has(kind)), len(_RANK)),
        sp.count_ops(group),
    )


def _join(pieces: list[str]) -> str:
    text = pieces[0]
    for piece in pieces[1:]:
        text += f" - {piece[1:].lstrip()}" if piece.startswith("-") else f" + {piece}"
    return text


class _Printer(LatexPrinter):
    def _print_Add(self, expr: sp.Expr, order: str | None = None) -> str:
        # Positive terms first: pq - c^2, not -c^2 + pq.
        terms = self._as_ordered_terms(expr, order=order)
        positive = [t for t in terms if not t.could_extract_minus_sign()]
        negative = [t for t in terms if t.could_extract_minus_sign()]
        return _join([self._print(t) for t in [*positive, *negative]])

    def _print_Mul(self, expr: sp.Expr) -> str:
        if expr.is_Mul and any(
            factor.is_Mul for factor in expr.args
        ):  # a group: its shared factor, then the sum
            return self._product(list(expr.args))
        rational, _ = expr.as_coeff_Mul()
        if rational.is_negative:
            return f"- {' '.join(self._pieces([-expr]))}"
        above: list[sp.Expr] = []
        below: list[sp.Expr] = []
        roots_above: list[sp.Expr] = []
        roots_below: list[sp.Expr] = []
        # SymPy sends a reciprocal here too, as a power.
        for factor in sp.Mul.make_args(expr):
            if factor.is_Rational:
                above += [sp.Integer(factor.p)] if factor.p != 1 else []
                below += [sp.Integer(factor.q)] if factor.q != 1 else []
            elif factor.is_Pow and abs(factor.exp) == sp.S.Half:
                (roots_above if factor.exp > 0 else roots_below).append(factor.base)
            elif factor.is_Pow and factor.exp.could_extract_minus_sign():
                below.append(1 / factor)
            else:
                above.append(factor)
        return self._fraction(above, below, roots_above, roots_below)

    def _fraction(
        self,
        above: list[sp.Expr],
        below: list[sp.Expr],
        roots_above: list[sp.Expr],
        roots_below: list[sp.Expr],
    ) -> str:
        if roots_above and roots_below and not below:
            quotient = rf"\frac{{{self._product(roots_above)}}}{{{self._product(roots_below)}}}"
            return rf"{' '.join(self._pieces(above))} \sqrt{{{quotient}}}".strip()
        plain = [factor for factor in above if not factor.has(sp.Function)]
        functions = [factor for factor in above if factor.has(sp.Function)]
        top = [
            *self._pieces(plain),
            *([rf"\sqrt{{{self._product(roots_above)}}}"] if roots_above else []),
            *self._pieces(functions),
        ]
        bottom = self._pieces(below)
        bottom += [rf"\sqrt{{{self._product(roots_below)}}}"] if roots_below else []
        if not bottom:
            return " ".join(top)
        if len(top) == 1 and not roots_above:
            top = [str(self._print(above[0]))]
        if len(bottom) == 1 and not roots_below:
            bottom = [str(self._print(below[0]))]
        return rf"\frac{{{' '.join(top) or '1'}}}{{{' '.join(bottom)}}}"

    def _product(self, factors: list[sp.Expr]) -> str:
        if len(factors) == 1:
            return str(self._print(factors[0]))
        return " ".join(self._pieces(factors))

    def _pieces(self, factors: list[sp.Expr]) -> list[str]:
        ordered = sorted(factors, key=lambda f: (f.has(sp.Function), f.is_Add))
        return [
            rf"\left({self._print(f)}\right)" if f.is_Add else str(self._print(f)) for f in ordered
        ]
