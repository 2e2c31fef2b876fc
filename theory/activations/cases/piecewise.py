"""A user's own piecewise polynomial, with an example that has a jump and a parabola."""

import sympy as sp

from theory.activations.atoms import x
from theory.activations.catalog import case
from theory.activations.pieces import from_piecewise

case(([(-x / 2, (-sp.oo, -1)), (x**2 / 2, (-1, 1)), (x, (1, sp.oo))], "parabolic"))(from_piecewise)
