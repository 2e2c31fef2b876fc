"""Reflection and translation of atoms: what parity and noise are read off from."""

from dataclasses import replace
from math import comb

import sympy as sp

from theory.activations.atoms import Atom, bump, waves
from theory.errors import ActivationError


def reflected(atom: Atom) -> list[Atom]:
    """Return the atom at -x.

    Raises
    ------
    ActivationError
        For a curve that is not declared even.
    """
    turned = replace(atom, coef=-atom.coef if (atom.power + atom.odd) % 2 else atom.coef)
    turned = replace(turned, tilt=-atom.tilt)
    if atom.is_smooth:
        return [turned]
    turned = replace(turned, at=-atom.at)
    if atom.curve is not None:
        if not atom.curve.is_even:
            raise ActivationError(f"the curve {atom.curve} has no declared reflection")
        return [replace(turned, coef=-turned.coef) if atom.order % 2 else turned]
    if atom.kind is atom.kind.BUMP:
        return [turned]
    return [replace(turned, at=-sp.oo, scale=sp.S.Zero), replace(turned, coef=-turned.coef)]


def translated(atom: Atom, h: sp.Expr) -> list[Atom]:
    """Return the atom at x - h, which moves it to the right by h."""
    result = []
    for k in range(atom.power + 1):
        coef = atom.coef * comb(atom.power, k) * (-h) ** (atom.power - k)
        if coef == 0:
            continue
        if atom.omega != 0:
            turned = atom.phase * sp.exp(-atom.tilt * h)
            angle = atom.omega * h
            result += waves(
                coef * turned * (sp.cos(angle) - sp.I * sp.sin(angle)), k, atom.exponent
            )
            continue
        moved = replace(atom, coef=coef * sp.exp(-atom.tilt * h), power=k, at=atom.at + h)
        result.append(bump(moved.coef, 0, moved.at, moved.scale) if moved.is_dirac else moved)
    return result
