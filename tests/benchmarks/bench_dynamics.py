"""Kernel flow of 2000 training inputs at 10000 others: outputs at one time, beside SciPy's exponential and a solver.

The kernel is that of sign networks with the hardtanh estimator, not symmetric. *SciPy*: expm of the kernel, and the
integral of the flow by solving with it, which a singular kernel forbids. Both on every processor.
"""

from functools import partial

import numpy as np
from scipy.linalg import expm, solve

import theory as th
from hardlimit.timing import Ratio, best_of
from theory.kernels import Architecture

TRAIN, TEST, DIMENSION, TIME = 2000, 10_000, 10, 1.0


def by_scipy(kernel, cross, y):
    """Outputs at ``TIME`` from 0."""
    return cross @ solve(kernel, y - expm(-TIME * kernel) @ y)


def run() -> list[Ratio]:
    """Time both on kernels that are there."""
    random = np.random.default_rng(0)
    x, new = random.normal(size=(TRAIN, DIMENSION)), random.normal(size=(TEST, DIMENSION))
    arch = Architecture(1, th.sign(), th.hardtanh(1), weight_std=1.2, bias_std=0.3)
    kernel, cross, y = th.ntk(arch, x), th.ntk(arch, new, x), random.normal(size=TRAIN)
    start, elsewhere = np.zeros(TRAIN), np.zeros(TEST)
    ours = partial(th.dynamics.predict, kernel, cross, y, start, elsewhere, TIME)
    size = f"kernel flow, {TRAIN} training and {TEST} test inputs, one time"
    scipys = partial(by_scipy, kernel, cross, y)
    return [Ratio(size, best_of(ours, 1), "SciPy, expm and solve", best_of(scipys, 1))]
