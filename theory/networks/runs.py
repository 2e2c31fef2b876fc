"""Runs of many networks: batches, threads, progress, and interruptions that keep what is there."""

import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from theory import checks
from theory.errors import InputError, InterruptedRunWarning
from theory.networks.streams import MAX_NETWORKS

Progress = Callable[[int, int], object]
"""Called as ``progress(done, total)`` before the first batch and after each one."""

BATCH_COST = 1e8
"""Elementary steps in a default batch: some tenths of a second, so that progress moves and Ctrl-C is heard."""


def run_batches(
    work: Callable[[int, int], None],
    draws: int,
    cost: float,
    first: int,
    threads: int | None,
    batch: int | None,
    progress: Progress | None,
) -> int:
    """Call ``work(start, stop)`` over 0, ..., ``draws``, batch after batch; return how many draws were finished.

    Within a batch the range is split between threads. ``work`` writes each network's results to its own place, and
    networks depend on their number alone, so neither split changes a bit. A KeyboardInterrupt lets the running
    batch end and drops it (``InterruptedRunWarning``).

    Raises
    ------
    InputError
        For a bad number of threads or networks, before any work.
    """
    workers = checked_threads(draws, first, threads, progress)
    if batch is None:
        size = max(workers, int(workers * BATCH_COST / max(cost, 1.0)))
    else:
        size = checks.positive_int(batch, "batch")
    done = 0
    pool = ThreadPoolExecutor(workers)
    try:
        if progress is not None:
            progress(0, draws)
        while done < draws:
            stop = min(done + size, draws)
            share = -(-(stop - done) // workers)
            parts = [(i, min(i + share, stop)) for i in range(done, stop, share)]
            for future in [pool.submit(work, *part) for part in parts]:
                future.result()
            done = stop
            if progress is not None:
                progress(done, draws)
    except KeyboardInterrupt:
        warn_interrupted(done, draws, first)
    finally:
        pool.shutdown(wait=True)
    return done


def checked_threads(draws: int, first: int, threads: int | None, progress: Progress | None) -> int:
    """Return the number of threads of a run, or raise ``InputError`` if it cannot start."""
    if progress is not None and not callable(progress):
        raise InputError(f"progress must be called as progress(done, total), got {progress!r}")
    workers = default_threads() if threads is None else checks.positive_int(threads, "threads")
    if checks.non_negative_int(first, "first") + draws > MAX_NETWORKS:
        raise InputError(
            f"networks are numbered below 2^40; first = {first} and draws = {draws} go beyond"
        )
    return workers


def warn_interrupted(done: int, draws: int, first: int) -> None:
    """Warn the caller of the public function that calls the run that calls this."""
    warnings.warn(
        f"interrupted: {done} of {draws} draws are kept; continue with first={first + done} to get the others",
        InterruptedRunWarning,
        stacklevel=4,
    )


def default_threads() -> int:
    """Number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
