"""Activations as float64 tables: pieces, Dirac masses and smoothed atoms."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from theory.activations import Activation
from theory.activations.atoms import Atom, Kind
from theory.activations.table import intervals

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Tables:
    """An activation as float64 tables.

    Attributes
    ----------
    breaks, pieces
        Breakpoints (m,) and polynomials (m+1, degree+1) between them, constant term first. Half of every
        smoothed step is in here, so that an odd function is small near 0.
    masses
        Rows (a, low part of a, weight) of the Dirac masses.
    smooth
        Rows (coefficient, power, a, e, 1 for a step or 0 for a bump) of the smoothed atoms.
    """

    breaks: Float
    pieces: Float
    masses: Float
    smooth: Float


@cache
def tables(f: Activation) -> Tables | None:
    """Return the tables of an activation, or None if it has atoms of another kind."""
    if not all(a == Atom(a.coef, a.power, a.at, a.scale, a.kind) for a in f.atoms):
        return None
    sharp, masses, smooth = [], [], []
    for atom in f.atoms:
        if atom.is_dirac:
            high = float(atom.at)
            low = float(atom.at - sp.Rational(Fraction(high)))
            masses.append((high, low, float(atom.coef)))
        elif atom.scale == 0:
            sharp.append(atom)
        else:
            step = atom.kind is Kind.STEP
            if step:
                half = Atom(atom.coef / 2, atom.power, -sp.oo, sp.S.Zero, Kind.STEP)
                sharp.append(half)
            smooth.append(
                (float(atom.coef), atom.power, float(atom.at), float(atom.scale), float(step))
            )
    places, polynomials = intervals(sharp)
    degree = max((q.degree() for q in polynomials if not q.is_zero), default=0)
    pieces = np.zeros((len(polynomials), degree + 1))
    for row, polynomial in zip(pieces, polynomials, strict=True):
        for (k,), coefficient in polynomial.terms():
            row[k] = float(coefficient)
    return Tables(
        np.array([float(x) for x in places]).reshape(-1),
        pieces,
        np.array(masses).reshape(-1, 3),
        np.array(smooth).reshape(-1, 5),
    )
