"""An ensemble in blocks: each a pure function of the description and its range, drawn here or on a cluster."""

import math
import warnings
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from theory import checks
from theory.errors import InterruptedRunWarning
from theory.networks.cluster import spread
from theory.networks.description import Description
from theory.networks.ensemble import cost, draw, shapes
from theory.networks.runs import Progress, run_batches
from theory.networks.statistics import Summary

if TYPE_CHECKING:
    from theory.networks.store import Store

BLOCK_COST = 2e9
"""Elementary steps in a default block: some seconds of one processor, which is what a kill can lose."""

BLOCK_BYTES = 2**26
LARGEST_BLOCK = 2**14

Range = tuple[int, int]


@dataclass(frozen=True)
class Block:
    """Networks ``start``, ..., ``stop - 1``: results by name (none if they are not kept), and statistics."""

    start: int
    stop: int
    arrays: dict[str, NDArray[Any]]
    summary: Summary


def block_size(description: Description) -> int:
    """Return how many networks a block has unless asked for otherwise: a power of two."""
    affordable = BLOCK_COST / cost(description.task), BLOCK_BYTES / result_bytes(description)
    return 2 ** int(np.log2(max(min(*affordable, LARGEST_BLOCK), 1)))


def result_bytes(description: Description) -> int:
    """Return the bytes that the results of one network take."""
    numbers = sum(math.prod(shape) for shape in shapes(description.task).values())
    return numbers * np.dtype(description.dtype).itemsize


def draw_block(
    description: Description, span: Range, keep: bool = True, threads: int | None = None
) -> Block:
    """Draw networks ``span[0]``, ..., ``span[1] - 1``; the bits do not depend on ``threads``.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C: half a block is no block.
    """
    (first, last), task = span, description.task
    parts: dict[int, dict[str, NDArray[Any]]] = {}

    def work(start: int, stop: int) -> None:
        parts[start] = draw(task, first + start, first + stop)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InterruptedRunWarning)
        done = run_batches(work, last - first, cost(task), first, threads, None, None)
    if done < last - first:
        raise KeyboardInterrupt
    rows = [parts[start] for start in sorted(parts)]
    arrays = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    summary = Summary.of(arrays, first, description.digest, threads)
    return Block(first, last, arrays if keep else {}, summary)


def run_ensemble(
    description: Description,
    draws: int,
    *,
    first: int = 0,
    store: "Store | None" = None,
    client: Any = None,
    threads: int | None = None,
    block: int | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Draw networks ``first``, ..., ``first + draws - 1`` in blocks and return statistics; memory holds a block.

    Parameters
    ----------
    description
        What to draw.
    draws, first
        Which networks. A store has whole blocks: ``first`` starts one, and ``draws`` is rounded up to end one.
    store
        Where finished blocks are kept; those already there are not drawn again.
    client
        A Dask client whose worker threads draw one block at a time each. The bits are those of a local run, and a
        worker that dies costs time alone.
    threads
        Of this process, without a client. Default: every processor that it may use.
    block
        Networks a block, without a store (which has its own). It changes no bit of the result.
    progress
        Called as ``progress(done, total)``, in networks that the store did not have.

    Returns
    -------
    Summary
        Of all finished blocks of the store; without one, of the networks asked for.

    Raises
    ------
    InputError
        For values that no run can start from.
    StoreError
        If the store holds another description.

    Warns
    -----
    InterruptedRunWarning
        After Ctrl-C: the result has fewer draws, and another run with the same store goes on from there.
    """
    start = checks.non_negative_int(first, "first")
    stop = start + checks.positive_int(draws, "draws")
    if store is None:
        size = block_size(description) if block is None else checks.positive_int(block, "block")
        spans = _spans(start, stop, size)
    else:
        spans = store.missing(description, start, stop)
    total: Summary | None = None
    keep = store is not None and store.keep
    done, wanted = 0, sum(b - a for a, b in spans)
    report = progress or (lambda *_: None)
    report(0, wanted)
    try:
        with closing(_drawn(description, spans, keep, client, threads)) as blocks:
            for drawn in blocks:
                if store is not None:
                    store.commit(drawn)
                total = drawn.summary if total is None else total + drawn.summary
                done += drawn.stop - drawn.start
                report(done, wanted)
    except KeyboardInterrupt:
        if total is None:  # whatever a store has, it has already
            raise
        where = "in the result" if store is None else f"kept in {store.path}"
        warnings.warn(
            f"interrupted: {done} of {wanted} networks were drawn, and are {where}",
            InterruptedRunWarning,
            stacklevel=2,
        )
    if store is not None:
        total = store.summary(total)
    assert total is not None  # at least one network was asked for
    if store is not None:
        store.save(total)
    return total


def _spans(start: int, stop: int, size: int) -> list[Range]:
    return [(a, min(a + size, stop)) for a in range(start, stop, size)]


def _drawn(
    description: Description, spans: Sequence[Range], keep: bool, client: Any, threads: int | None
) -> Generator[Block, None, None]:
    if client is None:
        for span in spans:
            yield draw_block(description, span, keep, threads)
    else:
        yield from spread(client, draw_block, [(description, span, keep, 1) for span in spans])
