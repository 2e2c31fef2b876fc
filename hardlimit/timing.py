"""Benchmarks: seconds, always beside the seconds of a named alternative."""

import time
from collections.abc import Callable
from dataclasses import dataclass


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
