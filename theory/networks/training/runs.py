"""Runs of networks that are trained: threads, progress in steps, and interruptions within a network."""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from itertools import takewhile
from threading import Event
from time import perf_counter

from theory.networks.runs import Progress, checked_threads, warn_interrupted

PERIOD = 0.2
"""Seconds between two calls of ``progress``, and those that a slice of steps aims at."""


class Pace:
    """How many steps take about ``PERIOD``: found from those that were taken, by any thread."""

    def __init__(self) -> None:
        self._steps = 1

    def slices(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Divide steps ``first``, ..., ``last`` - 1; each slice is taken when the next one is asked for."""
        while first < last:
            stop, began = min(last, first + self._steps), perf_counter()
            yield first, stop
            seconds = max(perf_counter() - began, 1e-9)
            self._steps = max(1, int((stop - first) * PERIOD / seconds))
            first = stop


def run_networks(
    trained: Callable[[int], Iterator[int]],
    draws: int,
    steps: int,
    first: int,
    threads: int | None,
    progress: Progress | None,
) -> int:
    """Exhaust ``trained(i)`` for i in 0, ..., ``draws`` - 1; return how many of the first networks are finished.

    ``trained`` yields how much it has done since it yielded last, ``steps`` in total. Each thread takes the next
    network when it has finished one, and looks at each yield whether it is to stop: a KeyboardInterrupt keeps all
    networks before the first one that is not finished (``InterruptedRunWarning``).

    Raises
    ------
    InputError
        For a bad number of threads or networks, before any work.
    """
    workers = min(checked_threads(draws, first, threads, progress), draws)
    queue, stop = iter(range(draws)), Event()
    taken, finished = [0] * workers, [False] * draws

    def serve(worker: int) -> None:
        for i in queue:
            for done in trained(i):
                taken[worker] += done
                if stop.is_set():
                    return
            finished[i] = True

    pool = ThreadPoolExecutor(workers)
    try:
        if progress is not None:
            progress(0, draws * steps)
        running = {pool.submit(serve, worker) for worker in range(workers)}
        while running:
            ended, running = wait(running, PERIOD, FIRST_EXCEPTION)
            for future in ended:
                future.result()
            if progress is not None:
                progress(sum(taken), draws * steps)
    except KeyboardInterrupt:
        stop.set()
        pool.shutdown(wait=True)
        warn_interrupted(sum(takewhile(bool, finished)), draws, first)
    finally:
        stop.set()
        pool.shutdown(wait=True)
    return sum(takewhile(bool, finished))
