"""Price's path integral where nothing hides it: functions that vanish around the origin, at small variances."""

import numpy as np
import pytest
import sympy as sp

import theory as th

h = th.hardtanh(1)
OUTSIDE = {
    "dead_zone": th.identity() - h,
    "outside": th.identity().derivative - h.derivative,
}


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("rho", [0.15, 0.28, -0.6, 0.8, -0.93, 0.98])
@pytest.mark.parametrize("p", [0.2, 0.05, 0.03])
def test_density_that_grows_along_the_path(name: str, rho: float, p: float) -> None:
    # E grows by exp(x y r): 33 at the smallest variance. The functions are of one sign for u v > 0,
    # so that the error is relative to the value up to that of the opposite corner.
    F = th.expectation(OUTSIDE[name], OUTSIDE[name])
    q = 1.3 * p
    c = rho * np.sqrt(p * q)
    exact = float(F.mp(*map(sp.Rational, (p, q, float(c))), digits=20))
    # The exponent X of exp(-X) rounds too: 1e-15 X, X <= 2/(p (1 + |rho|)).
    assert F.float64(p, q, c) == pytest.approx(exact, rel=1e-13 + 2e-15 / p)
