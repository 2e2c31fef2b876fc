"""The exact sampler beside its floor, beside plain NumPy, and its cost against the width.

Kernels of k = 8 inputs in d = 16 dimensions, at L = 1, 2, 3 and n = 2^6, ..., 2^20; ours on one thread, NumPy's
products on as many as its BLAS takes. *Floor*: making the normals that the exact law needs, L n k for the forward pass,
2 (L - 1) n k for the backward pass (two Jacobians) and n for the readout, a row of a chunk at a time, never stored.
"""

import runpy
from functools import partial
from pathlib import Path

import numpy as np

import theory as th
from hardlimit.timing import Ratio, best_of
from theory.kernels import Architecture
from theory.networks import sample_covariances, sample_networks
from theory.networks.chunks import CHUNK
from theory.networks.compiled import compiled
from theory.networks.normals import normals_from
from theory.networks.streams import Role, address

K, INPUT = 8, 16
WIDTHS = tuple(2**power for power in range(6, 21, 2))
WORK = 2**17
"""Neurons a timed call, if one network has fewer."""


def architecture(depth: int) -> Architecture:
    return Architecture(depth, th.hardtanh("1/2"), th.hardtanh(1), weight_std=1.2, bias_std=0.3)


@compiled
def _numbers(out, count, role):  # type: ignore[no-untyped-def]
    stream = address(0, 0, 0, role)
    for start in range(0, count, CHUNK):
        normals_from(out, start, min(CHUNK, count - start), stream, 0)


def floor(depth: int, n: int, draws: int, dtype: type = np.float64) -> None:
    """Make the normals of ``draws`` networks."""
    _numbers(np.empty(CHUNK, dtype), draws * n * (depth * K + 2 * (depth - 1) * K + 1), int(Role.PREACTIVATION))


def run() -> list[Ratio]:
    """Time kernels of exact networks on one thread, beside the random numbers, NumPy and smaller widths."""
    x = np.random.default_rng(0).normal(size=(K, INPUT))
    beside = runpy.run_path(str(Path(__file__).with_name("bench_weights.py")))
    plain_numpy, rows = beside["plain_numpy"], list[Ratio]()
    for depth in (1, 2, 3):
        arch, seconds = architecture(depth), {}
        for n in WIDTHS:
            draws = max(WORK // n, 1)
            ours = partial(sample_networks, arch, x, n, draws, method="exact", threads=1)
            seconds[n] = best_of(ours, 3) / draws
            size = f"exact kernels, n={n}, k={K}, L={depth}"
            numbers = best_of(partial(floor, depth, n, draws), 3) / draws
            rows.append(Ratio(size, seconds[n], "floor: its normals alone", numbers))
            if depth == 2 and n in (1024, 4096):
                loop = best_of(partial(plain_numpy, x, depth, n, 1), 2)
                rows.append(Ratio(size, seconds[n], "plain NumPy", loop))
        small, large = 2**12, WIDTHS[-1]
        linear = seconds[small] * large / small
        rows.append(
            Ratio(f"n={large}, L={depth}", seconds[large], f"{large // small} times 2^12", linear)
        )
        outputs = best_of(
            partial(sample_networks, arch, x, 4096, 32, method="exact", ntk=False, threads=1), 3
        )
        forward = best_of(partial(sample_covariances, arch, x, 4096, 32, threads=1), 3)
        rows.append(Ratio(f"covariances, n=4096, L={depth}", forward, "outputs too", outputs))
    return rows
