"""The exact and the literal sampler on a GPU (or any device of JAX): the same laws, other random numbers.

One network is a pure function of its number; a batch of them is mapped and compiled as a whole. Randomness is
addressed here too: JAX's Threefry with the key (seed, network, layer, role).
"""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from theory import checks
from theory.devices import device
from theory.networks.collapsed import obstacle
from theory.networks.device_network import Network
from theory.networks.ensemble import Ensemble, Task, prepare, shapes
from theory.networks.plan import Pair
from theory.networks.runs import Progress, run_batches

if TYPE_CHECKING:
    from theory.kernels import Architecture

MEMORY = 2**30
"""Bytes that a default batch may take on the device."""


def sample_on_device(
    arch: "Architecture",
    X: ArrayLike,
    width: int | Sequence[int],
    draws: int,
    seed: int = 0,
    *,
    method: str = "auto",
    ntk: bool = True,
    jacobians: Sequence[Pair] = (("true", "surrogate"),),
    dtype: str = "float32",
    platform: str = "gpu",
    first: int = 0,
    batch: int | None = None,
    progress: Progress | None = None,
) -> Ensemble:
    """Draw finite networks on a device of JAX, with the laws of ``sample_networks`` and random numbers of its own.

    Parameters
    ----------
    arch, X, width, draws, seed, method, ntk, jacobians, first, progress
        As for ``sample_networks``.
    dtype
        ``"float32"`` or ``"float64"``, of all numbers on the device and of the results.
    platform
        ``"gpu"``, ``"cpu"`` or another platform of JAX.
    batch
        Networks on the device at a time; by default as many as fit a GiB.

    Returns
    -------
    Ensemble
        Network i of a seed draws the same random numbers in any batch; sums may round differently.

    Raises
    ------
    InputError
        If JAX is not installed, it has no such platform, or an argument is outside its domain.
    ArchitectureError, UndefinedKernelError
        As for ``sample_networks``.

    Notes
    -----
    In float32 a kernel has a relative error of about sqrt(n) 2^-24 a layer, and directions of the features that are
    within rounding of the largest one count as rounding. Sources: claims E1, E2, T5, T11.
    """
    count, first = checks.positive_int(draws, "draws"), checks.non_negative_int(first, "first")
    checked = partial(prepare, arch, X, width, seed, ntk=ntk, jacobians=jacobians, dtype=dtype)
    task = checked(method=method)
    if task.method == "chain":  # of integers, for the host alone
        task = checked(method="weights" if obstacle(arch) else "exact")
    place, jax = device(platform, "sample_networks")
    size = _fitting(task, dtype) if batch is None else checks.positive_int(batch, "batch")
    results = {
        name: checks.storage((count, *shape), "draws", dtype)
        for name, shape in shapes(task).items()
    }
    networks = jax.jit(jax.vmap(Network(task, arch.weight_laws, jax, dtype)))

    def work(start: int, stop: int) -> None:
        # A last batch is filled up, so that one compiled program serves all.
        numbers = first + start + np.arange(size, dtype=np.uint64)
        words = np.stack([numbers & np.uint64(0xFFFFFFFF), numbers >> np.uint64(32)], axis=1)
        with jax.enable_x64(dtype == "float64"), jax.default_device(place):  # of this thread
            drawn = networks(words.astype(np.uint32))
        for name, values in results.items():
            values[start:stop] = drawn[name][: stop - start]

    done = run_batches(work, count, 1.0, first, 1, size, progress)
    drawn = {name: values[:done] for name, values in results.items()}
    return Ensemble.of(task, drawn, first, complete=done == count)


def _fitting(task: Task, dtype: str) -> int:
    widths = task.plan.widths
    panels = 8 * len(task.inputs) * int(widths.sum())
    weights = int((widths[:-1] * widths[1:]).max()) if task.method == "weights" else 0
    return max(1, min(256, MEMORY // ((panels + 3 * weights) * np.dtype(dtype).itemsize)))
