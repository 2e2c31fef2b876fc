"""Networks at initialisation: the exact sampler beside its floor, weights drawn one by one, plain NumPy, and width.

Kernels of k = 8 inputs in d = 16 dimensions, at L = 1, 2, 3 and n = 2^6, ..., 2^20; ours on one thread, NumPy's
products on as many as its BLAS takes. *Floor*: making the normals that the exact law needs, L n k for the forward pass,
2 (L - 1) n k for the backward pass (two Jacobians) and n for the readout, a row of a chunk at a time, never stored.
Exponents are slopes of least squares of log time against log width. Methods whose cost grows with n^2 are timed up to
``LONGEST`` seconds a network; beyond, the row says that its seconds are extrapolated. Memory is the peak of one
thread, as NumPy reports it to Python: compiled code allocates none.
"""

import runpy
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numba import njit

import theory as th
from hardlimit.timing import Ratio, best_of
from theory.kernels import Architecture
from theory.networks import sample_covariances, sample_networks
from theory.networks.chunks import CHUNK
from theory.networks.normals import normals_from
from theory.networks.streams import Role, address

K, INPUT = 8, 16
WIDTHS = tuple(2**power for power in range(6, 21, 2))
DTYPES = ("float64", "float32")
WORK = 2**17
"""Neurons a timed call, if one network has fewer."""

FITTED = 2**12
"""Least width that an exponent is fitted from."""

LONGEST = 10.0
"""Seconds a network beyond which a method is not timed."""

LARGEST = 2**28
"""Weights between two layers beyond which NumPy's matrices do not fit in an ordinary machine: 2 GiB."""


def architecture(depth: int, law: object = None) -> Architecture:
    return Architecture(
        depth,
        th.hardtanh("1/2"),
        th.hardtanh(1),
        weight_std=1.2,
        bias_std=0.3,
        weights=law or th.gaussian(),
    )


# Not cached: a benchmark is loaded by its path, and a cache entry could not name its module.
@njit(nogil=True, error_model="numpy")
def _numbers(out, count, role):  # type: ignore[no-untyped-def]
    stream = address(0, 0, 0, role)
    for start in range(0, count, CHUNK):
        normals_from(out, start, min(CHUNK, count - start), stream, 0)


def floor(depth: int, n: int, draws: int, dtype: str = "float64") -> None:
    """Make the normals of ``draws`` networks."""
    count = draws * n * (depth * K + 2 * (depth - 1) * K + 1)
    _numbers(np.empty(CHUNK, dtype), count, int(Role.PREACTIVATION))


def peak(work: Callable[[], object]) -> float:
    """Return the most memory that Python and NumPy hold during a call, in MiB."""
    tracemalloc.start()
    work()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / 2**20


def exponent(seconds: dict[int, float]) -> float:
    """Return the slope of log time against log width from ``FITTED`` on."""
    widths = [n for n in seconds if n >= FITTED]
    return float(np.polyfit(np.log(widths), np.log([seconds[n] for n in widths]), 1)[0])


def quadratic(
    work: Callable[[int, int], object], depth: int, most: int = 2**62
) -> dict[int, Ratio]:
    """Seconds a network by width, of a method that draws every weight, with what is to be said about them."""
    found: dict[int, Ratio] = {}
    last, seconds = 0, 0.0
    for n in WIDTHS:
        growth = (n / last) ** (2 if depth > 1 else 1) if last else 1.0
        if seconds * growth > LONGEST or (depth > 1 and n * n > most):
            found[n] = Ratio("extrapolated", seconds * growth, f"from n={last}", seconds)
            continue
        draws = max(1, 2**16 // n ** (2 if depth > 1 else 1))
        last, seconds = n, best_of(partial(work, n, draws), 1) / draws
        found[n] = Ratio("timed", seconds, "", seconds)
    return found


def run() -> list[Ratio]:
    """Time kernels of exact networks on one thread beside everything else that makes them."""
    x = np.random.default_rng(0).normal(size=(K, INPUT))
    beside = runpy.run_path(str(Path(__file__).with_name("bench_weights.py")))
    rows = list[Ratio]()
    for depth in (1, 2, 3):
        rows += _depth(x, depth, beside["plain_numpy"])
    return rows


def _depth(x: np.ndarray, depth: int, plain_numpy: Callable[..., object]) -> list[Ratio]:
    rows, arch, seconds = list[Ratio](), architecture(depth), dict[str, dict[int, float]]()

    def literal(law: object, n: int, draws: int) -> object:
        options = {"method": "weights", "threads": 1, "batch": draws}
        return sample_networks(architecture(depth, law), x, n, draws, **options)

    others = {
        "literal Gaussian": quadratic(partial(literal, th.gaussian()), depth),
        "literal binary": quadratic(partial(literal, th.rademacher()), depth),
        "plain NumPy": quadratic(partial(plain_numpy, x, depth), depth, LARGEST),
    }
    for dtype in DTYPES:
        seconds[dtype] = {}
        for n in WIDTHS:
            draws = max(WORK // n, 1)
            options = {"method": "exact", "threads": 1, "batch": draws, "dtype": dtype}
            ours = partial(sample_networks, arch, x, n, draws, **options)
            one = partial(sample_networks, arch, x, n, 1, **options)
            time = seconds[dtype][n] = best_of(ours, 5) / draws
            name = (
                f"exact {dtype}, L={depth}, n={n}: {1 / time:.3g} networks/s, {peak(one):.3g} MiB"
            )
            numbers = best_of(partial(floor, depth, n, draws, dtype), 5) / draws
            rows.append(Ratio(name, time, "floor: its normals alone", numbers))
            if dtype == "float64":
                for other, found in others.items():
                    row = found[n]
                    note = (
                        other if row.name == "timed" else f"{other}, {row.name} {row.alternative}"
                    )
                    note += f": {1 / row.seconds:.3g} networks/s"
                    rows.append(Ratio(name, time, note, row.seconds))
        small, large = FITTED, WIDTHS[-1]
        fitted = f"exact {dtype}, L={depth}: exponent {exponent(seconds[dtype]):.3f}; n={large}"
        linear = seconds[dtype][small] * large / small
        rows.append(
            Ratio(fitted, seconds[dtype][large], f"{large // small} times n={small}", linear)
        )
    outputs = best_of(
        partial(sample_networks, arch, x, 4096, 32, method="exact", ntk=False, threads=1), 3
    )
    forward = best_of(partial(sample_covariances, arch, x, 4096, 32, threads=1), 3)
    rows.append(Ratio(f"covariances, n=4096, L={depth}", forward, "outputs too", outputs))
    return rows
