"""Kernels by neural-tangents, run in an environment of its own: one JSON request a line in, one answer a line out.

A request names an activation, a kind, the depth, the standard deviations, a file of inputs and entries of the result.
An answer has the processor seconds after compilation, the growth of memory at its peak, the entries. One processor, and
so one thread, as on our side: sharing work costs jax some percent of processor time.
"""

import contextlib
import json
import os
import sys
import time
import types
import warnings
from pathlib import Path

if hasattr(os, "sched_setaffinity"):
    # Before jax counts the processors.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import jax
import numpy as np

# The experimental part wants TensorFlow; nothing else does.
sys.modules["neural_tangents.experimental"] = types.ModuleType("neural_tangents.experimental")
from neural_tangents import stax  # noqa: E402

jax.config.update("jax_enable_x64", True)
warnings.filterwarnings("ignore")

ACTIVATIONS = {
    "erf": stax.Erf,
    "relu": stax.Relu,
    "sign": stax.Sign,
    "hardtanh": lambda: stax.ElementwiseNumerical(lambda x: jax.numpy.clip(x, -1, 1), deg=25),
}


def kernel(request):
    """Return the compiled kernel function of a request."""
    stds = {"W_std": request["weight_std"], "b_std": request["bias_std"]}
    layers = []
    for _ in range(request["depth"]):
        layers += [stax.Dense(1, **stds), ACTIVATIONS[request["activation"]]()]
    *_, kernel_fn = stax.serial(*layers, stax.Dense(1, **stds))
    return jax.jit(lambda x: kernel_fn(x, None, request["kind"]))


def memory(field):
    """Return a field of /proc/self/status in MiB, or NaN where there is none."""
    try:
        text = Path("/proc/self/status").read_text()
    except OSError:
        return float("nan")
    return float(text.split(f"{field}:")[1].split()[0]) / 1024


def main():
    """Answer requests until there are no more."""
    for line in sys.stdin:
        request = json.loads(line)
        x = np.load(request["inputs"])
        compute = kernel(request)
        compute(x).block_until_ready()
        seconds, found = [], None
        for _ in range(request["repeat"]):
            found = None
            with contextlib.suppress(OSError):
                Path("/proc/self/clear_refs").write_text("5")
            before = memory("VmRSS")
            start = time.process_time()
            found = compute(x).block_until_ready()
            seconds.append(time.process_time() - start)
            grown = memory("VmHWM") - before
        values = np.asarray(found)[tuple(np.array(request["entries"]).T)]
        answer = {"seconds": min(seconds), "mebibytes": grown, "values": values.tolist()}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


main()
