"""Benchmarks: seconds, always beside the seconds of a named alternative."""

import os
import platform
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Ratio:
    """How long something takes, and how long the alternative takes for the same work.

    Parameters
    ----------
    name, alternative
        What is compared, in words.
    seconds, alternative_seconds
        Best of several runs, for the same work.
    """

    name: str
    seconds: float
    alternative: str
    alternative_seconds: float

    @property
    def ratio(self) -> float:
        """How many times longer the alternative takes."""
        return self.alternative_seconds / self.seconds


def best_of(work: Callable[[], object], repeat: int = 5) -> float:
    """Return the least wall time of ``repeat`` calls, after one that compiles and fills caches."""
    work()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def machine() -> dict[str, object]:
    """What the timings belong to; the load is the mean number of busy processes in the last five minutes."""
    from proofs_check.cache import versions

    about = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.*)", about.read_text()) if about.exists() else None
    return {
        "processor": " ".join((found[1] if found else platform.processor()).split()),
        "processors": os.cpu_count(),
        "system": platform.system(),
        "load": round(os.getloadavg()[1], 1),
        "versions": versions(("hardlimit", "numpy", "numba", "llvmlite")),
        "day": datetime.now(UTC).date().isoformat(),
    }
