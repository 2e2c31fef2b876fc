"""A pure function spread over the workers of a Dask client, which redoes what a dead worker had."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from theory.errors import InputError

Result = TypeVar("Result")

WAITING = 2
"""Calls given to each worker thread at a time: one runs, one waits; so results do not pile up there."""


def spread(
    client: Any, function: Callable[..., Result], calls: Iterable[tuple[Any, ...]]
) -> Iterator[Result]:
    """Yield ``function(*call)`` for every call, in the order in which workers finish.

    ``function`` is pure: when a worker dies, Dask calls it again elsewhere. Workers may come and go. What is still
    running when the iteration is left is cancelled.

    Raises
    ------
    InputError
        If ``client`` is no Dask client.
    """
    if not all(hasattr(client, name) for name in ("submit", "nthreads", "cancel")):
        raise InputError(
            f"client must be a Dask client, such as distributed.Client(address), got {client!r}"
        )
    from distributed import wait

    waiting, running = iter(calls), set[Any]()
    try:
        while True:
            room = WAITING * max(1, sum(client.nthreads().values())) - len(running)
            for _, call in zip(range(room), waiting, strict=False):
                running.add(client.submit(function, *call, pure=False))
            if not running:
                return
            done, running = wait(running, return_when="FIRST_COMPLETED")  # type: ignore[no-untyped-call]
            for future in done:
                yield future.result()
    finally:
        client.cancel(list(running))
