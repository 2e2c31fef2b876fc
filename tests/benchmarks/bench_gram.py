"""Gram matrices: seconds, nanoseconds an entry and layer, memory, and the exponent of their growth.

Processor time of one thread: X of N standard normal rows in dimension 32, three hidden layers, NNGP and tangent kernel
in one pass. The alternative is the same recursion with whole matrices, one expectation after the other.
"""

import math
import resource
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

import theory as th
from hardlimit.timing import Ratio

SIZES = (256, 1024, 4096)
ALTERNATIVE = 256
DIMENSION, LAYERS = 32, 3
TRAINING = ("true", "surrogate")

ARCHITECTURES = {
    "erf": th.Architecture(LAYERS, th.erf()),
    "relu": th.Architecture(LAYERS, th.relu()),
    "sign/hardtanh": th.Architecture(LAYERS, th.sign(), th.hardtanh(1)),
    "hardtanh": th.Architecture(LAYERS, th.hardtanh(1), weight_std="5/4"),
}


def run(sizes: tuple[int, ...] = SIZES) -> list[Ratio]:
    """Time every architecture at every size, on unequal norms and on one norm."""
    rows = []
    for name, arch in ARCHITECTURES.items():
        x = _inputs(ALTERNATIVE)
        slow = _seconds(lambda arch=arch, x=x: _whole(arch, x)) / ALTERNATIVE**2
        for kind in ("unequal norms", "one norm"):
            before: tuple[int, float] | None = None
            for n in sizes:
                x = _inputs(n)
                if kind == "one norm":
                    x *= math.sqrt(DIMENSION) / np.linalg.norm(x, axis=1, keepdims=True)
                seconds = _seconds(
                    lambda arch=arch, x=x: th.gram(arch, x, kinds=("nngp", TRAINING), threads=1)
                )
                label = f"{name}, {kind}, N = {n}: {seconds / n**2 / LAYERS * 1e9:.3g} ns an entry and layer"
                if before is not None:
                    exponent = math.log(seconds / before[1]) / math.log(n / before[0])
                    label += f", N^{exponent:.2f}"
                before = n, seconds
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
                rows.append(
                    Ratio(
                        f"{label}, {peak:.2g} GB at most",
                        seconds,
                        f"whole matrices, scaled from N = {ALTERNATIVE}",
                        slow * n**2,
                    )
                )
    return rows


def _inputs(n: int) -> NDArray[np.float64]:
    return np.random.default_rng(0).standard_normal((n, DIMENSION))


def _whole(arch: th.Architecture, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The recursion of T5, layer by layer on whole matrices."""
    c = x @ x.T / x.shape[1]
    theta = c
    w = arch.weight_stds
    for index, layer in enumerate(arch.layers, start=1):
        d = np.diag(c).copy()
        p, q = np.broadcast_arrays(d[:, None], d[None])
        c = np.where(np.eye(len(x), dtype=bool), d, c)
        slopes = th.expectation(*(layer.derivative(side) for side in TRAINING)).float64(p, q, c)
        c = w[index] ** 2 * th.expectation(layer.activation, layer.activation).float64(p, q, c)
        theta = c + theta * (w[index] ** 2 * slopes)
    return np.asarray(theta)


def _seconds(work: Callable[[], object]) -> float:
    """Return the least processor time of this thread in a few calls, after one that compiles."""
    work()
    times = []
    while len(times) < 2 or (sum(times) < 0.2 and len(times) < 20):
        start = time.thread_time()
        work()
        times.append(time.thread_time() - start)
    return min(times)
