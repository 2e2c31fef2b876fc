"""Surrogates of the ternary activation: the functions whose derivatives are GXNOR-Net's rectangle and triangle.

The derivative has mass 1 around each threshold, the size of the jump there (S27). The paper's code has r = 1, a = 1/2,
and ``ternary(1)`` forward.
"""

from collections.abc import Sequence
from typing import Any

import sympy as sp

from theory.activations import Activation
from theory.activations.atoms import Atom, step
from theory.activations.parameters import positive
from theory.errors import ActivationError


def rectangular(r: Any = 1, a: Any = "1/2") -> Activation:
    """Return the function with derivative 1/(2a) where r - a < |x| < r + a, and values -1, 0, 1 beyond.

    Raises
    ------
    ActivationError
        Unless 0 < a <= r, both exact: else the windows of the two thresholds overlap.
    """
    r, a = _window(r, a)
    terms = [
        atom
        for centre in (-r, r)
        for place, slope in ((centre - a, 1 / (2 * a)), (centre + a, -1 / (2 * a)))
        for atom in _powers(place, (slope,))
    ]
    label = rf"R_{{{sp.latex(r)},{sp.latex(a)}}}"
    return Activation.of([step(-sp.S.One, 0), *terms], "rectangular", {"r": r, "a": a}, label)


def triangular(r: Any = 1, a: Any = "1/2") -> Activation:
    """Return the function with derivative max(0, a - ||x| - r|)/a^2: a triangle over the window of ``rectangular``.

    Raises
    ------
    ActivationError
        Unless 0 < a <= r, both exact.
    """
    r, a = _window(r, a)
    terms = [
        atom
        for centre in (-r, r)
        for place, bend in ((centre - a, 1), (centre, -2), (centre + a, 1))
        for atom in _powers(place, (sp.S.Zero, bend / (2 * a**2)))
    ]
    label = rf"T_{{{sp.latex(r)},{sp.latex(a)}}}"
    return Activation.of([step(-sp.S.One, 0), *terms], "triangular", {"r": r, "a": a}, label)


def _window(r: Any, a: Any) -> tuple[sp.Expr, sp.Expr]:
    r, a = positive(r, "r"), positive(a, "a")
    if not bool(a <= r):
        raise ActivationError(
            f"the windows of half-width a = {a} around -{r} and {r} overlap; take a <= r"
        )
    return r, a


def _powers(place: sp.Expr, coefficients: Sequence[sp.Expr]) -> list[Atom]:
    """Return sum_k c_k (x - place)^k H(x - place), k = 1, 2, ..., as atoms."""
    x = sp.Symbol("x")
    polynomial = sp.Poly(sum(c * (x - place) ** k for k, c in enumerate(coefficients, start=1)), x)
    return [
        step(sp.sympify(coefficient), power, place)
        for (power,), coefficient in polynomial.terms()
        if coefficient != 0
    ]
