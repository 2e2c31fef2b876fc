"""Kernel flow of 2000 training inputs at 10000 others: outputs at one time, beside SciPy's exponential and its solver.

The kernel is that of sign networks with the hardtanh estimator, not symmetric. *expm and solve*: the exponential of the
kernel, and the integral of the flow by solving with it, which a singular kernel forbids; as many digits as ours.
*solve_ivp*: Runge and Kutta's fifth order on the residuals and their integral, to six digits. All on every processor.
"""

import time
from functools import partial

import numpy as np
from scipy.integrate import solve_ivp
from scipy.linalg import expm, solve

import theory as th
from hardlimit.timing import Ratio, best_of
from theory.kernels import Architecture

TRAIN, TEST, DIMENSION, TIME = 2000, 10_000, 10, 1.0
TOLERANCE = 1e-6


def by_exponential(kernel, cross, y):
    """Outputs at ``TIME`` from 0."""
    return cross @ solve(kernel, y - expm(-TIME * kernel) @ y)


def by_steps(kernel, cross, y):
    """The same to `TOLERANCE`."""

    def change(_, state):
        return np.concatenate([-kernel @ state[:TRAIN], state[:TRAIN]])

    start = np.concatenate([-y, np.zeros(TRAIN)])
    found = solve_ivp(change, (0, TIME), start, rtol=TOLERANCE, atol=TOLERANCE)
    return -cross @ found.y[TRAIN:, -1]


def run() -> list[Ratio]:
    """Time the three on kernels that are there, and see that they agree."""
    random = np.random.default_rng(0)
    x, new = random.normal(size=(TRAIN, DIMENSION)), random.normal(size=(TEST, DIMENSION))
    arch = Architecture(1, th.sign(), th.hardtanh(1), weight_std=1.2, bias_std=0.3)
    kernel, cross, y = th.ntk(arch, x), th.ntk(arch, new, x), random.normal(size=TRAIN)
    start, elsewhere = np.zeros(TRAIN), np.zeros(TEST)
    ours = partial(th.dynamics.predict, kernel, cross, y, start, elsewhere, TIME)
    size = f"kernel flow, {TRAIN} training and {TEST} test inputs, one time"
    seconds, exponential = best_of(ours, 2), partial(by_exponential, kernel, cross, y)
    began = time.perf_counter()
    stepped = by_steps(kernel, cross, y)
    took = time.perf_counter() - began
    np.testing.assert_allclose(exponential(), ours(), atol=1e-10)
    np.testing.assert_allclose(stepped, ours(), atol=1e-4)
    return [
        Ratio(size, seconds, "SciPy, expm and solve", best_of(exponential, 1)),
        Ratio(size, seconds, f"SciPy, solve_ivp to {TOLERANCE:g}", took),
    ]
