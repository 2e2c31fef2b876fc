"""Measure what one network costs with each sampler, for figure R6: ``python tests/benchmarks/recording.py``.

Writes ``figures/r06_sampler_cost.json``: CPU seconds a network on one thread (least and median of several calls), with
the machine, the versions and the day. Kernels of the pair ("true", "surrogate") at k = 8 inputs in d = 16 dimensions,
L = 2; the architectures and the floor are those of ``bench_networks`` and ``bench_weights``. A minute or two; timings
do not repeat, so the figure draws the record.
"""

import json
import os
import runpy
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

HERE = Path(__file__).parent
OUT = HERE.parents[1] / "figures" / "r06_sampler_cost.json"
DEPTH, REPEATS, ENOUGH = 2, 5, 0.03
"""Hidden layers, timed calls, and CPU seconds that a call takes at least."""


def seconds(work: Callable[[int], object]) -> tuple[float, float]:
    """Least and median CPU seconds a network of calls ``work(draws)``, each long enough for the clock."""
    work(1)
    draws, spent = 1, 0.0
    while spent < ENOUGH:
        start = time.process_time()
        work(draws)
        spent = time.process_time() - start
        draws = draws if spent >= ENOUGH else max(2 * draws, int(draws * ENOUGH / max(spent, 1e-4)))
    times = []
    for _ in range(REPEATS if spent < 0.5 else 2):
        start = time.process_time()
        work(draws)
        times.append((time.process_time() - start) / draws)
    return min(times), statistics.median(times)


def samplers() -> dict[str, tuple[int, Callable[[int, int], object]]]:
    """Largest power of two among the widths, and ``work(n, draws)``, by name."""
    import numpy as np

    import theory as th

    exact = runpy.run_path(str(HERE / "bench_networks.py"))
    literal = runpy.run_path(str(HERE / "bench_weights.py"))
    x = np.random.default_rng(0).normal(size=(exact["K"], exact["INPUT"]))

    def ours(law: object, method: str, dtype: str, n: int, draws: int) -> object:
        arch = literal["architecture"](DEPTH, law)
        options = {"method": method, "dtype": dtype, "threads": 1}
        return th.sample_networks(arch, x, n, draws, **options)

    gaussian, signs = th.gaussian(), th.rademacher()
    return {
        "exact_float64": (20, partial(ours, gaussian, "exact", "float64")),
        "exact_float32": (20, partial(ours, gaussian, "exact", "float32")),
        "gaussian": (13, partial(ours, gaussian, "weights", "float64")),
        "binary": (14, partial(ours, signs, "weights", "float64")),
        "numpy": (12, lambda n, draws: literal["plain_numpy"](x, DEPTH, n, draws)),
        "floor_float64": (20, lambda n, draws: exact["floor"](DEPTH, n, draws, "float64")),
        "floor_float32": (20, lambda n, draws: exact["floor"](DEPTH, n, draws, "float32")),
    }


def record() -> dict[str, object]:
    """Return the machine, and for each sampler the rows (width, least, median)."""
    from hardlimit.timing import machine

    rows = {}
    for name, (largest, work) in samplers().items():
        widths = [2**power for power in range(6, largest + 1)]
        rows[name] = [[n, *seconds(partial(work, n))] for n in widths]
    return {"machine": machine(), "seconds": rows}


if __name__ == "__main__":
    # Before NumPy is loaded: one thread for its products too.
    os.environ.update({"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"})
    OUT.write_text(json.dumps(record(), indent=1) + "\n")
