"""What a run of networks will cost: a short run of the real samplers on this machine, scaled to the widths."""

import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from theory.errors import HardlimitError

if TYPE_CHECKING:
    from hardlimit.training import Training
    from theory.networks import Description

MEASURED = 0.4
"""Seconds that the timed run takes at least."""

AFFORDABLE = 2e8
"""Elementary steps of the largest network that is drawn to time it: below a second."""


@dataclass(frozen=True)
class Forecast:
    """Cost of one network, and of the process.

    Parameters
    ----------
    seconds
        Wall time of one network, statistics included, with the given threads.
    widths
        Hidden widths that were timed; smaller than those asked for where one network would have taken too long.
    memory
        Bytes that drawing takes beyond what the process has anyway; None where the system does not tell.
    """

    seconds: float
    widths: tuple[int, ...]
    memory: float | None


def forecast(description: "Description", threads: int | None) -> Forecast:
    """Time the samplers on this machine, for about a second and no more than a few.

    Time grows with the elementary steps and memory with the neurons of a network: exact in the limit of wide networks,
    and the only extrapolation made.
    """
    from theory.networks.blocks import draw_block
    from theory.networks.ensemble import cost
    from theory.networks.runs import default_threads

    timed = _affordable(description)
    workers = default_threads() if threads is None else threads
    draw_block(_narrowest(description), (0, workers), False, threads)  # compiles
    before, count = _resident(), workers
    while True:
        start = time.perf_counter()
        draw_block(timed, (0, count), False, threads)
        seconds = time.perf_counter() - start
        if seconds >= MEASURED:
            break
        count *= 2 if seconds > MEASURED / 8 else 8
    steps = cost(description.task) / cost(timed.task)
    neurons = sum(description.widths) / max(sum(timed.widths), 1) if description.widths else 1.0
    memory = None if before is None else (_kilobytes("VmHWM") - before) * 1024.0 * neurons
    return Forecast(seconds / count * steps, timed.widths, memory)


def forecast_training(training: "Training", threads: int | None) -> Forecast:
    """Time the trainer on this machine: the start and a record of a network, and a step, for about a second.

    Memory is counted: what one network takes on each thread. With ``method="low-rank"`` a shorter training is timed,
    and scaled as its directions.
    """
    from theory.networks.runs import default_threads

    workers = default_threads() if threads is None else threads
    narrow, last = _affordable_training(training), training.steps[-1]

    def seconds(steps: int) -> float:
        start = time.perf_counter()
        narrow.trained(
            [steps], 0, workers, narrow.looks, jacobians=narrow.jacobians, threads=threads
        )
        return time.perf_counter() - start

    seconds(0)  # compiles
    look, count = seconds(0), 0
    whole = look
    while whole - look < MEASURED and count < last:
        count = min(last, max(1, 4 * count))
        whole = seconds(count)
    if training.method == "low-rank":
        timed = replace(training, steps=(max(count, 1),))
        each = whole * training.cost / timed.cost
    else:
        step = max(whole - look, 0.0) / max(count, 1)
        each = (look * len(training.steps) + step * last) * training.cost / narrow.cost
    return Forecast(each / workers, narrow.widths, float(workers * training.working_bytes))


def _affordable_training(training: "Training") -> "Training":
    """Return the request with hidden widths halved until one step is cheap; low-rank steps are."""
    if training.method == "low-rank":
        return training
    timed = training
    while timed.cost / (1 + timed.steps[-1]) > AFFORDABLE and max(timed.widths, default=1) > 1:
        timed = replace(timed, widths=tuple(max(width // 2, 1) for width in timed.widths))
    return timed


def _narrowest(description: "Description") -> "Description":
    """Return the same with one neuron a layer, or as it is where a weight law needs more."""
    smaller = replace(description, widths=(1,) * len(description.widths))
    return smaller if _is_allowed(smaller) else description


def _is_allowed(description: "Description") -> bool:
    try:
        return bool(description.task)
    except HardlimitError:
        return False


def _affordable(description: "Description") -> "Description":
    """Return the description with hidden widths halved until a network is cheap, as far as its weight laws allow."""
    from theory.networks.ensemble import cost

    timed = description
    while cost(timed.task) > AFFORDABLE and max(timed.widths, default=1) > 1:
        smaller = replace(timed, widths=tuple(max(width // 2, 1) for width in timed.widths))
        if not _is_allowed(smaller):
            break
        timed = smaller
    return timed


def _resident() -> int | None:
    """Let Linux forget the largest size that this process had, and return its size in kB; None elsewhere."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        return _kilobytes("VmRSS")
    except OSError:
        return None


def _kilobytes(name: str) -> int:
    found = re.search(rf"{name}:\s*(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(found[1]) if found else 0
