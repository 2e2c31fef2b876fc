"""A derived expectation against SymPy's own lambdify, and against reference integration."""

import numpy as np
import sympy as sp

import theory as th
from hardlimit.timing import Ratio, best_of
from theory.gaussian import c, p, q
from theory.quadrature import expectation as integrate

SIZE = 20_000


def run() -> list[Ratio]:
    """Time erf x erf on an array, and hardtanh x hardtanh at a point."""
    rng = np.random.default_rng(0)
    P, Q = rng.uniform(0.5, 2.0, (2, SIZE))
    C = rng.uniform(-0.9, 0.9, SIZE) * np.sqrt(P * Q)
    smooth = th.expectation(th.erf(1), th.erf(1))
    plain = sp.lambdify((p, q, c), smooth.expr, "numpy")
    clip = th.hardtanh(1)
    kinked = th.expectation(clip, clip)
    return [
        Ratio(
            f"E[erf erf] at {SIZE} points, ends checked",
            best_of(lambda: smooth.float64(P, Q, C)),
            "the bare formula by sympy.lambdify",
            best_of(lambda: plain(P, Q, C)),
        ),
        Ratio(
            "E[hardtanh hardtanh], one ball of 100 bits",
            best_of(lambda: kinked.ball(1, 2, "1/2", bits=100)),
            "nested quadrature to 30 digits",
            best_of(lambda: integrate(clip, clip, 1, 2, sp.Rational(1, 2), digits=30), repeat=1),
        ),
    ]
