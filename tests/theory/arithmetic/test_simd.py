"""Elementary functions of vector code against mpmath."""

import mpmath
import numpy as np
import pytest
from numba import njit

from theory.arithmetic import simd

FUNCTIONS = {
    # name: arguments, reference, ulp promised
    "exp": (np.linspace(-708, 100, 400), mpmath.exp, 2),
    "expm1": (np.r_[-np.logspace(-15, 2.8, 300), np.logspace(-15, 2.8, 300)], mpmath.expm1, 3),
    "gauss": (np.linspace(0, 37, 300), lambda x: mpmath.exp(-(x**2) / 2), 3),
    "upper": (np.linspace(0, 37, 300), lambda x: mpmath.erfc(x / mpmath.sqrt(2)) / 2, 5),
    "within": (
        np.r_[np.logspace(-12, 0, 200), np.linspace(0.01, 1, 100)],
        lambda x: mpmath.erf(x / mpmath.sqrt(2)),
        3,
    ),
    "arctan": (np.r_[np.logspace(-12, 0, 200), np.linspace(0.01, 1, 100)], mpmath.atan, 3),
    "lag": (np.logspace(-12, 0, 200), lambda x: x - mpmath.atan(x), 4),
}


def vectorised(function):
    @njit(error_model="numpy")
    def loop(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    return loop


@pytest.mark.parametrize("name", FUNCTIONS)
def test_vector_functions_keep_their_ulps(name):
    x, exact, ulps = FUNCTIONS[name]
    out = np.empty_like(x)
    vectorised(getattr(simd, name))(x, out)
    with mpmath.workdps(60):
        errors = [
            abs(mpmath.mpf(float(o)) / exact(mpmath.mpf(float(v))) - 1)
            for v, o in zip(x, out, strict=True)
        ]
    assert max(errors) <= ulps * 2.0**-52


def test_exp_is_nothing_far_down_and_expm1_is_minus_one():
    x = np.array([-709.0, -1e4, -1e300, -np.inf])
    out = np.empty_like(x)
    vectorised(simd.exp)(x, out)
    assert np.array_equal(out, np.zeros(4))
    vectorised(simd.expm1)(x, out)
    assert np.array_equal(out, -np.ones(4))


def test_fma_rounds_once():
    a = 1.0 + 2.0**-30
    assert njit(lambda x, y, z: simd.fma(x, y, z))(a, a, -(1.0 + 2.0**-29)) == 2.0**-60
