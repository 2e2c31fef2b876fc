"""Packed +-1 and ternary products: seconds and bytes against float32 BLAS of the same product.

Processor time of one thread against BLAS on one thread, and wall time of all threads against BLAS on all. Both factors
are packed beforehand, as weights are; the last rows add the packing of one factor, as activations need it.
"""

import time
from collections.abc import Callable
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from hardlimit.timing import Ratio
from theory.quantized.packed import Packed, pack, packed_product

SIZES = (1024, 4096)
KINDS = {"+-1": (-1, 1), "ternary": (-1, 0, 1)}


def run(sizes: tuple[int, ...] = SIZES) -> list[Ratio]:
    """Time n x n by n x n, and count the bytes of one factor."""
    rows = []
    for name, values in KINDS.items():
        for n in sizes:
            random = np.random.default_rng(n)
            entries = [random.choice(np.array(values, np.int8), (n, n)) for _ in range(2)]
            packed = [pack(one) for one in entries]
            left, right = (one.astype(np.float32) for one in entries)
            saved = left.nbytes / packed[0].nbytes
            size = f"{packed[0].nbytes} bytes, {saved:.0f} (float64: {2 * saved:.0f}) times fewer"
            for label, clock, threads in (
                ("one thread", time.thread_time, 1),
                ("all threads", time.perf_counter, None),
            ):
                with threadpool_limits(threads):
                    ours = _seconds(partial(packed_product, *packed, threads=threads), clock)
                    blas = _seconds(partial(np.matmul, left, right.T), clock)
                rows.append(Ratio(f"{name}, n = {n}, {label}; {size}", ours, "float32 BLAS", blas))
            with threadpool_limits(1):
                ours = _seconds(partial(_packing, entries[0], packed[1]), time.thread_time)
                blas = _seconds(partial(np.matmul, left, right.T), time.thread_time)
            label = f"{name}, n = {n}, one thread, with the packing of one factor"
            rows.append(Ratio(label, ours, "float32 BLAS", blas))
    return rows


def _packing(entries: np.ndarray, right: Packed) -> object:
    return packed_product(pack(entries), right, threads=1)


def _seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    """Return the least time of a few calls, after one that compiles."""
    work()
    times = []
    while len(times) < 3 or (sum(times) < 0.5 and len(times) < 20):
        start = clock()
        work()
        times.append(clock() - start)
    return min(times)
