"""Speed of sampled networks: against plain NumPy, and against the floor that random numbers set.

Ours runs on one thread, NumPy's products on as many as its BLAS takes.
"""

from collections.abc import Callable

import numpy as np

import theory as th
from hardlimit.timing import Ratio, best_of
from theory.kernels import Architecture, gaussian
from theory.networks import sample_covariances, sample_networks
from theory.networks.entries import latent_weights

K, DEPTH, INPUT = 8, 2, 16


def architecture() -> Architecture:
    return Architecture(DEPTH, th.hardtanh("1/2"), th.hardtanh(1), weight_std=1.2, bias_std=0.3)


def plain_numpy(x: np.ndarray, n: int, draws: int, seed: int) -> np.ndarray:
    """Return kernels (draws, k, k) by the obvious loop: draw all weights, multiply, backpropagate."""
    rng, kernels = np.random.default_rng(seed), np.empty((draws, K, K))
    for m in range(draws):
        w1, w2, w3 = rng.normal(size=(n, INPUT)), rng.normal(size=(n, n)), rng.normal(size=(1, n))
        b1, b2 = rng.normal(size=n), rng.normal(size=n)
        h1 = 1.2 / INPUT**0.5 * x @ w1.T + 0.3 * b1
        x1 = np.clip(2 * h1, -1, 1)
        h2 = 1.2 / n**0.5 * x1 @ w2.T + 0.3 * b2
        x2 = np.clip(2 * h2, -1, 1)
        theta = 1.44 / n * x2 @ x2.T + 0.09
        sides = []
        for slope in (lambda h: 2.0 * (np.abs(h) < 0.5), lambda h: 1.0 * (np.abs(h) < 1)):
            v2 = 1.2 / n**0.5 * w3 * slope(h2)
            sides.append((v2, 1.2 / n**0.5 * v2 @ w2 * slope(h1)))
        theta += (sides[0][0] @ sides[1][0].T) * (1.44 / n * x1 @ x1.T + 0.09)
        theta += (sides[0][1] @ sides[1][1].T) * (1.44 / INPUT * x @ x.T + 0.09)
        kernels[m] = theta
    return kernels


def run() -> list[Ratio]:
    """Time kernels, outputs and collapsed covariances on one thread, beside NumPy and beside the random numbers."""
    x = np.random.default_rng(0).normal(size=(K, INPUT))
    rows: list[Ratio] = []

    def compare(
        name: str, ours: Callable[[], object], other: str, theirs: Callable[[], object]
    ) -> None:
        rows.append(Ratio(name, best_of(ours), other, best_of(theirs)))

    for n, draws in ((256, 40), (1024, 4)):
        arch, size = architecture(), f"n={n}, k={K}, L={DEPTH}, {draws} networks"

        def kernels(arch: Architecture = arch, n: int = n, draws: int = draws) -> object:
            return sample_networks(arch, x, n, draws, method="weights", threads=1)

        def outputs(arch: Architecture = arch, n: int = n, draws: int = draws) -> object:
            return sample_networks(arch, x, n, draws, method="weights", ntk=False, threads=1)

        def collapsed(arch: Architecture = arch, n: int = n, draws: int = draws) -> object:
            return sample_covariances(arch, x, n, draws, threads=1)

        def numbers(n: int = n, draws: int = draws) -> object:
            # In pieces that stay in the cache: the floor is making the numbers, not storing them.
            rows = 8192 // n
            parts = draws * n // rows
            return [latent_weights(gaussian(), 0, part, 1, rows, n).shape for part in range(parts)]

        def loop(n: int = n, draws: int = draws) -> object:
            return plain_numpy(x, n, draws, 0)

        compare(f"kernels, {size}", kernels, "plain NumPy", loop)
        compare(f"kernels, {size}", kernels, "floor: its weights alone, once", numbers)
        compare(f"outputs, {size}", outputs, "floor: its weights alone, once", numbers)
        compare(f"covariances collapsed, {size}", collapsed, "outputs, literal", outputs)
    return rows
