r"""Gaussian expectations over boxes of variances and correlations, with their gradients.

E[f(u) g(v)] as a function of p = Var u, q = Var v and the correlation rho = c/sqrt(pq). Its gradient
consists of expectations of the same class: by scaling, 2p d/dp E[f(u) g(v)] = E[u f'(u) g(v)] at fixed
rho, and by Price's theorem d/drho E[f(u) g(v)] = sqrt(pq) E[f'(u) g'(v)]. Where f or g holds a Dirac
mass, whose derivative leaves the class, the formula itself is differentiated.
"""

from fractions import Fraction
from functools import cache, cached_property
from typing import Any

import flint
import sympy as sp
from flint import arb

from theory.activations import Activation
from theory.activations.atoms import step
from theory.arithmetic.balls import Balls
from theory.arithmetic.boxes import minimum, sides
from theory.arithmetic.functions import Arc, Cross, JointDensity, phi
from theory.arithmetic.jets import Jet, Jets, inverse, times
from theory.arithmetic.lowering import lower
from theory.errors import DomainError, InputError
from theory.gaussian.expectation import c, expectation, p, q

_S, _T = sp.symbols("s t", positive=True)
_RHO = sp.Symbol("rho", real=True)
_LINE = Activation.of([step(sp.S.One, 1)], "identity")


class OverBoxes:
    """E[f(u) g(v)] as a function of balls and jets: contains every value over the box they span.

    Parameters
    ----------
    f, g
        Activations whose expectations have a closed form; Dirac masses allowed.

    Raises
    ------
    InputError
        On the first call, where there is no closed form.

    Notes
    -----
    ``OverBoxes(f, g)(p, q, rho)`` takes balls or ``theory.arithmetic.jets.Jet``; p and q positive, and
    |rho| < 1 (<= 1 where f and g are smooth). At points it is the formula of ``theory.expectation`` in
    ball arithmetic. Outside this domain the result is not finite, or is NaN. Made for
    ``theory.arithmetic.boxes.above`` and ``minimum``.
    """

    def __init__(self, f: Activation, g: Activation) -> None:
        self.f, self.g = f, g

    def __call__(self, p: Any, q: Any, rho: Any) -> Any:
        """Return the range as a ball, or as a jet in the variables of the arguments."""
        given = [p, q, rho]
        balls = [number.value if isinstance(number, Jet) else number for number in given]
        if not any(isinstance(number, Jet) for number in given):
            return self._range(*balls)
        if self._slopes is None:
            seeds = [Jet(ball, _unit(i)) for i, ball in enumerate(balls)]
            inner = _evaluate(self._formula, seeds, Jets())
            value, slopes = inner.value, inner.slopes
        else:
            value, slopes = self._range(*balls), self._gradient(*balls)
        centre = [ball.mid() for ball in balls]
        form = self._range(*centre)
        for ball, middle, slope in zip(balls, centre, slopes, strict=True):
            form += slope * (ball - middle)
        if form.is_finite() and value.is_finite() and form.overlaps(value):
            value = form.intersection(value)
        elif form.is_finite():
            value = form
        outer: list[arb] | None = None
        for number, slope in zip(given, slopes, strict=True):
            if isinstance(number, Jet):
                terms = [times(slope, part) for part in number.slopes]
                outer = (
                    terms if outer is None else [a + b for a, b in zip(outer, terms, strict=True)]
                )
        return Jet(value, tuple(outer or ()))

    def _range(self, p: arb, q: arb, rho: arb) -> arb:
        thin = all(given.rel_accuracy_bits() > flint.ctx.prec - 16 for given in (p, q, rho))
        return _evaluate(self._formula, [p, q, rho], Balls() if thin else Jets())

    def _gradient(self, p: arb, q: arb, rho: arb) -> tuple[arb, arb, arb]:
        assert self._slopes is not None
        root = times(p, q).sqrt()
        by_p, by_q, by_c = (part._range(p, q, rho) for part in self._slopes)
        return times(by_p, inverse(2 * p)), times(by_q, inverse(2 * q)), times(by_c, root)

    @cached_property
    def _formula(self) -> sp.Expr:
        derived = expectation(self.f, self.g)._generic.expr
        if derived.has(sp.Integral):
            raise InputError(
                f"E[{self.f}(u) {self.g}(v)] or its slopes have no closed form, and boxes need one; "
                f"evaluate at points by .ball"
            )
        plain = derived.replace(lambda e: isinstance(e, JointDensity), lambda e: e.rewrite(phi))
        scaled = plain.subs({p: _S**2, q: _T**2, c: _RHO * _S * _T})
        return _factored(scaled.replace(lambda e: isinstance(e, Cross | Arc), lambda e: e.doit()))

    @cached_property
    def _slopes(self) -> tuple["OverBoxes", "OverBoxes", "OverBoxes"] | None:
        f, g = self.f, self.g
        if f.has_dirac or g.has_dirac:
            return None
        return (
            over_boxes(_LINE * f.derivative, g),
            over_boxes(f, _LINE * g.derivative),
            over_boxes(f.derivative, g.derivative),
        )


@cache
def over_boxes(f: Activation, g: Activation) -> OverBoxes:
    """Return E[f(u) g(v)] as a function of balls and jets (``OverBoxes``)."""
    return OverBoxes(f, g)


def enclose(
    f: Activation,
    g: Activation,
    *,
    p: Any,
    q: Any,
    rho: Any,
    tolerance: Any = Fraction(1, 1000),
    bits: int = 80,
    max_boxes: int = 20_000,
) -> arb:
    """Enclose E[f(u) g(v)] over a box of variances and correlations.

    Parameters
    ----------
    f, g
        Activations; Dirac masses allowed.
    p, q, rho
        Exact numbers, or pairs (low, high): the variances and the correlation c/sqrt(pq).
    tolerance, bits, max_boxes
        As in ``theory.arithmetic.boxes.minimum``: the ends of the ball are within ``tolerance``,
        relative, of the least and the greatest value, or the effort is spent.

    Returns
    -------
    arb
        Contains every value on the box, ends included.

    Raises
    ------
    DomainError
        For a variance that is not positive, |rho| > 1, or a box where nothing finite could be shown:
        functions with kinks or jumps need |rho| < 1.
    InexactInputError
        For a float.
    """
    box = sides({"p": p, "q": q, "rho": rho})
    if min(box["p"][0], box["q"][0]) <= 0 or box["rho"][0] < -1 or box["rho"][1] > 1:
        raise DomainError(
            f"p={p}, q={q}, rho={rho} leaves the domain: need p, q > 0 and |rho| <= 1"
        )
    value = over_boxes(f, g)
    effort = {"tolerance": tolerance, "bits": bits, "max_boxes": max_boxes}
    least = minimum(value, box, **effort).lower
    most = -minimum(lambda **at: -value(**at), box, **effort).lower
    if not (least.is_finite() and most.is_finite()):
        raise DomainError(
            f"E[{f}(u) {g}(v)] could not be bounded on p={p}, q={q}, rho={rho} with {max_boxes} boxes; "
            f"keep |rho| below 1, or halve the box"
        )
    return least.union(most)


def _unit(position: int) -> tuple[arb, arb, arb]:
    first, second, third = (arb(int(position == i)) for i in range(3))
    return first, second, third


def _evaluate(formula: sp.Expr, given: list[Any], system: Balls) -> Any:
    variance, other, rho = given
    return lower(formula, {_S: variance.sqrt(), _T: other.sqrt(), _RHO: rho}, system)


def _factored(expr: sp.Expr) -> sp.Expr:
    """Factor the polynomials inside: sqrt(s**2 t**2 - (rho s t)**2) becomes s t sqrt(1 - rho**2)."""
    if not expr.args:
        return expr
    inside = expr.func(*(_factored(part) for part in expr.args))
    if not (inside.is_Add and inside.is_polynomial(_S, _T, _RHO)):
        return inside
    # 1 - rho**2 is tighter as it stands than as a product.
    content, rest = sp.factor_terms(inside).as_independent(_RHO, as_Add=False)
    return content * (rest if rest.free_symbols == {_RHO} else sp.factor(rest))
