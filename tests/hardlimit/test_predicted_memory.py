"""What ``hardlimit sample --dry-run`` says of memory, against what processes that draw the networks take."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# Imports once and forks a child for each measurement, so that no child has another's heap.
PROGRAM = r"""
import json, os, re, sys
from pathlib import Path
import numpy as np
import theory as th
from hardlimit.forecast import forecast

X = np.random.default_rng(0).normal(size=(8, 16))
arch = th.Architecture(2, th.hardtanh("1/2"), th.hardtanh(1), weight_std=1.2, bias_std=0.3)


def kilobytes(name):
    return int(re.search(rf"{name}:\s*(\d+)", Path("/proc/self/status").read_text())[1])


def measured(n, dtype):
    th.sample_networks(arch, X, 1, 1, method="exact", dtype=dtype, threads=1)
    Path("/proc/self/clear_refs").write_text("5")
    before = kilobytes("VmRSS")
    th.sample_networks(arch, X, n, 2, method="exact", dtype=dtype, threads=1)
    return 1024 * (kilobytes("VmHWM") - before)


def predicted(n, dtype):
    return forecast(th.Description.of(arch, X, n, method="exact", dtype=dtype), 1).memory


for name, n, dtype in json.loads(sys.argv[1]):
    into, out = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(out, json.dumps(globals()[name](n, dtype)).encode())
        os._exit(0)
    os.close(out)
    with os.fdopen(into) as told:
        print(told.read(), flush=True)
    os.waitpid(child, 0)
"""
LARGE, SMALL, BEYOND = 2**18, 2**14, 2**20
# Bands fixed before any run: a prediction is right up to a factor of 2; 16 times the width takes 10 to 18 times the
# memory, and float32 takes 0.4 to 0.7 of it.
FACTOR, GROWTH, HALF = 2.0, (10.0, 18.0), (0.4, 0.7)
ASKED = [
    ("measured", SMALL, "float64"),
    ("measured", LARGE, "float64"),
    ("measured", LARGE, "float32"),
    ("predicted", LARGE, "float64"),
    ("predicted", BEYOND, "float64"),
]


@pytest.mark.slow
@pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK), reason="the system does not tell peak memory"
)
def test_predicted_memory_is_what_is_taken_and_linear_in_the_width():
    # Freed memory goes back to the system, and pages are small: what is resident is what is held.
    plain = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0"}
    environment = os.environ | plain | {"NUMPY_MADVISE_HUGEPAGE": "0"}
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(ASKED)],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
        env=environment,
    )  # fmt: skip
    small, large, half, told, beyond = (float(line) for line in result.stdout.split())
    assert GROWTH[0] < large / small < GROWTH[1]
    assert HALF[0] < half / large < HALF[1]
    assert 1 / FACTOR < told / large < FACTOR
    # The widest network is predicted from a narrower one.
    assert 1 / FACTOR < beyond / (large * BEYOND / LARGE) < FACTOR
