"""Networks drawn weight by weight: packed bits against numbers, a plain NumPy loop and the floor.

Kernels of k = 8 inputs in d = 16 dimensions, at L = 1, 2, 3 and n = 2^6, ..., 2^12; ours on one thread, NumPy's
products on as many as its BLAS takes. *Floor*: drawing a network's Gaussian weights once, in pieces that stay in the
cache. Bytes a weight while it is in use: 8 as a number, 1/8 as a sign, 1/4 with zeros; never a whole matrix.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np

import theory as th
from hardlimit.timing import Ratio, best_of
from theory.kernels import Architecture, WeightLaw, gaussian
from theory.networks import sample_networks
from theory.networks.entries import latent_weights

K, INPUT = 8, 16
WIDTHS = tuple(2**power for power in range(6, 13, 2))
LAWS = (
    (th.gaussian(), "8 bytes a weight"),
    (th.rademacher(), "1/8 byte a weight"),
    (th.ternary_weights(0.5), "1/4 byte a weight"),
)


def architecture(depth: int, law: WeightLaw) -> Architecture:
    return Architecture(
        depth, th.hardtanh("1/2"), th.hardtanh(1), weight_std=1.2, bias_std=0.3, weights=law
    )


def plain_numpy(x: np.ndarray, depth: int, n: int, draws: int) -> np.ndarray:
    """Return kernels (draws, k, k) by the obvious loop: draw all weights, multiply, backpropagate."""
    rng, kernels = np.random.default_rng(0), np.zeros((draws, K, K))
    slopes = (lambda h: 2.0 * (np.abs(h) < 0.5), lambda h: 1.0 * (np.abs(h) < 1.0))
    sizes = (INPUT, *(n,) * depth, 1)
    for m in range(draws):
        features, before, weights = [x], [], []
        for fan_in, fan_out in pairwise(sizes):
            w, b = rng.normal(size=(fan_out, fan_in)), rng.normal(size=fan_out)
            weights.append(1.2 / fan_in**0.5 * w)
            before.append(features[-1] @ weights[-1].T + 0.3 * b)
            features.append(np.clip(2.0 * before[-1], -1.0, 1.0))
        sides = [np.ones((K, 1)), np.ones((K, 1))]
        for layer in range(depth, -1, -1):
            block = 1.44 / sizes[layer] * features[layer] @ features[layer].T + 0.09
            kernels[m] += (sides[0] @ sides[1].T) * block
            if layer:
                for side, slope in enumerate(slopes):
                    sides[side] = sides[side] @ weights[layer] * slope(before[layer - 1])
    return kernels


def floor(depth: int, n: int, draws: int) -> None:
    """Draw as many Gaussian weights as ``draws`` networks have between their hidden layers and before them."""
    rows = max(8192 // n, 1)
    parts = draws * (n * INPUT + (depth - 1) * n * n + n) // (rows * n)
    for part in range(parts):
        latent_weights(gaussian(), 0, part, 1, rows, n)


def run() -> list[Ratio]:
    """Time literal kernels of every law beside the Gaussian ones, NumPy and the floor."""
    x = np.random.default_rng(0).normal(size=(K, INPUT))
    rows: list[Ratio] = []
    for depth in (1, 2, 3):
        for n in WIDTHS:
            draws = max(1, 2**18 // n ** (2 if depth > 1 else 1))
            size = f"n={n}, L={depth}, {draws} networks"
            ours: dict[str, float] = {}
            for law, memory in LAWS:
                options = {"method": "weights", "threads": 1, "batch": draws}
                arch = architecture(depth, law)
                work: Callable[[], object] = partial(sample_networks, arch, x, n, draws, **options)
                ours[law.name] = best_of(work, 3)
                name = f"literal {law.name} ({memory}), {size}"
                if law == gaussian():
                    numpy_seconds = best_of(partial(plain_numpy, x, depth, n, draws), 3)
                    rows.append(Ratio(name, ours[law.name], "plain NumPy", numpy_seconds))
                    numbers = best_of(partial(floor, depth, n, draws), 3)
                    rows.append(
                        Ratio(name, ours[law.name], "floor: its weights alone, once", numbers)
                    )
                else:
                    rows.append(
                        Ratio(name, ours[law.name], "literal Gaussian", ours[gaussian().name])
                    )
                    rows.append(Ratio(name, ours[law.name], "plain NumPy", numpy_seconds))
    return rows
