"""Gram matrices on disk: computed block by block under a memory cap, each block final once its record is there.

A ``.zarr`` is a Zarr group, which other programs read too: ``kernel`` in chunks with checksums, ``finished`` with one
record a block, written last. A ``.npy`` takes its name when it is whole; until then it is a hidden file beside its
records. A block is a function of the description alone, so a run goes on where it was stopped, on any number
of threads or workers, and comes out the same to the last bit.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardlimit.descriptions import digest, require_same
from theory.errors import InputError, StoreError
from theory.kernels import GramPlan
from theory.networks.canonical import encode
from theory.networks.cluster import spread
from theory.networks.store.disk import KEY, checksum, create, flush, opened

Array = NDArray[Any]
Span = tuple[int, int]
Progress = Callable[[int, int], object]

FORMAT = 1
VERSION = 3
"""Version of the kernels' bits: raised whenever an entry of any description comes out with other bits."""

MEMORY = 10**9
LARGEST_BLOCK, SMALLEST_BLOCK = 4096, 128
COPIES = 6
"""Arrays of the size of a block that are alive at a time: both halves, their transposes, and what is encoded."""


def write_gram(
    plan: GramPlan,
    path: Path,
    *,
    dtype: str = "float64",
    memory: int = MEMORY,
    threads: int | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    client: Any = None,
) -> int:
    """Compute the one kernel of a plan into a ``.zarr`` or ``.npy``; return how many blocks were computed.

    Parameters
    ----------
    plan
        As of ``th.gram_plan``, with one kind.
    path
        Where it goes.
    dtype
        ``"float64"`` or ``"float32"``.
    memory
        Bytes that inputs and blocks may take at a time, in this process; what Python and its libraries take (some
        200 MB) comes on top.
    threads
        Threads, by default one for each processor.
    resume
        Go on with what is there, or begin.
    progress
        Called as ``progress(done, total)``, in blocks.
    client
        A Dask client whose workers compute the blocks; this process writes them.

    Raises
    ------
    StoreError
        If something is there and ``resume`` is not asked for, or it is the matrix of another description.
    InputError
        For a plan of several kinds, another suffix, or a memory too small for the inputs.
    """
    if len(plan.kinds) != 1:
        raise InputError(f"a file holds one kernel, and the plan has {len(plan.kinds)} kinds")
    if path.suffix not in _TARGETS:
        raise InputError(f"a Gram matrix goes into .zarr or .npy, not {path}")
    target = _TARGETS[path.suffix](path)
    facts = {"format": FORMAT, "block": _block(plan, dtype, memory), **described(plan, dtype)}
    known = target.facts()
    if known is None:
        target.make(facts, plan.shape, dtype, _count(plan, facts["block"]))
    elif not resume:
        raise StoreError(
            f"{path} was begun before; go on with it by --resume, or give another path"
        )
    else:
        facts["block"] = known.get("block", facts["block"])
        require_same(path, "another matrix than the one", known, facts)
    spans = list(enumerate(plan.spans(facts["block"])))
    records = target.records()
    left = [
        (number, rows, columns)
        for number, (rows, columns) in spans
        if not _is_there(target, records[number], rows, columns)
    ]
    done = len(spans) - len(left)
    if progress is not None:
        progress(done, len(spans))
    for number, here, there in _results(plan, left, dtype, threads, client):
        rows, columns = spans[number][1]
        parts = [(rows, columns, here)]
        if there is not None:
            parts.append((columns, rows, there))
        target.commit(number, parts, np.array([1, checksum(here), _sum(there)], np.uint32))
        done += 1
        if progress is not None:
            progress(done, len(spans))
    target.close()
    return len(left)


def described(plan: GramPlan, dtype: str) -> dict[str, Any]:
    """Return what the bits of the matrix depend on, as JSON data; inputs by their SHA-256."""
    (kind,) = plan.kinds
    return {
        "kernels": VERSION,
        "architecture": encode(plan.arch, names=False),
        "kind": [kind.layer, list(kind.pair), [list(block) for block in kind.blocks], kind.less],
        "first_layer": "exact" if plan.exact_first_layer else "gaussian",
        "dtype": dtype,
        "X": digest(plan.X),
        "Y": None if plan.Y is None else digest(plan.Y),
    }


def _sum(values: Array | None) -> int:
    return 0 if values is None else checksum(values)


def _is_there(target: "_Zarr | _Npy", record: Array, rows: Span, columns: Span) -> bool:
    """Whether a block and its mirror image are what was written; a damaged one is computed again."""
    if record[0] != 1:
        return False
    try:
        here = target.read(rows, columns)
        mirrored = record[2] != 0 and rows != columns
        there = target.read(columns, rows) if mirrored else None
    except (OSError, ValueError):
        return False
    return bool(record[1] == checksum(here) and record[2] == _sum(there))


def _block(plan: GramPlan, dtype: str, memory: int) -> int:
    """Return the side of the blocks: as large as the memory allows, in whole tiles."""
    n, m = plan.shape
    inputs = 8 * (n + (0 if plan.symmetric else m)) * plan.numbers
    side = int(max(memory - inputs, 0) / (COPIES * np.dtype(dtype).itemsize)) ** 0.5
    block = min(int(side) // SMALLEST_BLOCK * SMALLEST_BLOCK, LARGEST_BLOCK)
    if block < SMALLEST_BLOCK:
        needed = inputs + COPIES * np.dtype(dtype).itemsize * SMALLEST_BLOCK**2
        raise InputError(
            f"{memory / 1e6:.0f} MB hold no block beside the inputs; at least {needed / 1e6:.0f} MB are needed"
        )
    whole = -(-max(n, m) // SMALLEST_BLOCK) * SMALLEST_BLOCK
    return min(block, whole)


def _count(plan: GramPlan, block: int) -> int:
    return sum(1 for _ in plan.spans(block))


def _results(
    plan: GramPlan, left: list[tuple[int, Span, Span]], dtype: str, threads: int | None, client: Any
) -> Iterator[tuple[int, Array, Array | None]]:
    if client is None:
        for call in left:
            yield _compute(plan, *call, dtype, threads)
        return
    sent = client.scatter(plan, hash=False) if left else None
    yield from spread(client, _compute, ((sent, *call, dtype, 1) for call in left))


def _compute(
    plan: GramPlan, number: int, rows: Span, columns: Span, dtype: str, threads: int | None
) -> tuple[int, Array, Array | None]:
    """Return a block, and for a symmetric plan the one at the mirrored place, of a kind that need not be symmetric."""
    (kind,) = plan.kinds
    if plan.symmetric and rows != columns:
        here, there = plan.both(rows, columns, dtype=dtype, threads=threads)
        return number, here[kind], there[kind]
    return number, plan.block(rows, columns, dtype=dtype, threads=threads)[kind], None


class _Zarr:
    """A Zarr group with the matrix and its records."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._group: Any = None

    def facts(self) -> dict[str, Any] | None:
        """Return the description that is there, None if nothing is."""
        if not self.path.exists():
            return None
        try:
            self._group = opened(self.path)
            return dict(self._group.attrs[KEY])
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise StoreError(
                f"{self.path} is no Gram matrix of hardlimit; give another path"
            ) from error

    def make(self, facts: dict[str, Any], shape: Span, dtype: str, blocks: int) -> None:
        """Make it beside its place, and rename it."""
        import zarr

        side, made = facts["block"], self.path.with_name(f".{self.path.name}.made")
        shutil.rmtree(made, ignore_errors=True)
        made.parent.mkdir(parents=True, exist_ok=True)
        group = zarr.create_group(made, attributes={KEY: facts})
        create(group, "kernel", shape, (side, side), np.dtype(dtype), np.nan)
        create(group, "finished", (blocks, 3), (1, 3), np.dtype(np.uint32), 0)
        made.rename(self.path)
        self._group = opened(self.path)

    def records(self) -> Array:
        """Return one record a block."""
        return np.asarray(self._group["finished"][:])

    def read(self, rows: Span, columns: Span) -> Array:
        """Return a block."""
        return np.asarray(self._group["kernel"][slice(*rows), slice(*columns)])

    def commit(self, number: int, parts: list[tuple[Span, Span, Array]], record: Array) -> None:
        """Write blocks, and their record last."""
        kernel, side = self._group["kernel"], self._group.attrs[KEY]["block"]
        for rows, columns, values in parts:
            kernel[slice(*rows), slice(*columns)] = values
            key = kernel.metadata.encode_chunk_key((rows[0] // side, columns[0] // side))
            flush(self.path / "kernel" / key)
        records = self._group["finished"]
        records[number] = record
        flush(self.path / "finished" / records.metadata.encode_chunk_key((number, 0)))

    def close(self) -> None:
        """Nothing is left to do."""


class _Npy:
    """A hidden .npy beside a folder with its records, renamed when it is whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._partial = path.with_name(f".{path.name}.partial")
        self._notes = path.with_name(f".{path.name}.records")

    def facts(self) -> dict[str, Any] | None:
        """Return the description of what was begun, None if nothing was."""
        if self.path.exists():
            raise StoreError(f"{self.path} exists, and is whole; remove it or give another path")
        if not (self._notes / "facts.json").is_file():
            return None
        return dict(json.loads((self._notes / "facts.json").read_text(encoding="utf-8")))

    def make(self, facts: dict[str, Any], shape: Span, dtype: str, blocks: int) -> None:
        """Make the hidden file; its description comes last."""
        self._notes.mkdir(parents=True, exist_ok=True)
        np.lib.format.open_memmap(self._partial, "w+", dtype, shape).flush()
        np.zeros((blocks, 3), np.uint32).tofile(self._notes / "finished")
        for file in (self._partial, self._notes / "finished"):
            flush(file)
        (self._notes / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
        flush(self._notes / "facts.json")

    def records(self) -> Array:
        """Return one record a block."""
        return np.fromfile(self._notes / "finished", np.uint32).reshape(-1, 3)

    def read(self, rows: Span, columns: Span) -> Array:
        """Return a block."""
        whole = np.lib.format.open_memmap(self._partial, "r")
        return np.array(whole[slice(*rows), slice(*columns)])

    def commit(self, number: int, parts: list[tuple[Span, Span, Array]], record: Array) -> None:
        """Write blocks, and their record last."""
        whole = np.lib.format.open_memmap(self._partial, "r")
        begin, (_, m), size = whole.offset, whole.shape, whole.itemsize
        # Row by row, not through the map: its pages would count as memory of the process.
        with self._partial.open("r+b") as file:
            for rows, columns, values in parts:
                for i, row in enumerate(values, start=rows[0]):
                    file.seek(begin + (i * m + columns[0]) * size)
                    file.write(row.tobytes())
        flush(self._partial)
        with (self._notes / "finished").open("r+b") as file:
            file.seek(record.nbytes * number)
            file.write(record.tobytes())
        flush(self._notes / "finished")

    def close(self) -> None:
        """Give the file its name."""
        self._partial.replace(self.path)
        flush(self.path)
        shutil.rmtree(self._notes)


_TARGETS: dict[str, type[_Zarr] | type[_Npy]] = {".zarr": _Zarr, ".npy": _Npy}
