"""The store of one ensemble: reading, verifying, extending."""

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory import checks
from theory.errors import InputError, StoreError
from theory.networks.blocks import Block, Range, block_size
from theory.networks.description import Description
from theory.networks.ensemble import Ensemble, shapes
from theory.networks.statistics import Summary
from theory.networks.store.disk import (
    KEY,
    checked,
    checksum,
    create,
    damaged,
    flush,
    new_store,
    opened,
    read_bytes,
    write_bytes,
)

FORMAT = 1
Records = dict[int, NDArray[np.uint32]]


class Store:
    """Finished blocks of one ensemble; made by ``open_store``.

    Parameters
    ----------
    path
        Its folder.
    description
        What its networks are.
    block
        Networks a block.
    names
        Results that are kept of every network; none where statistics are all that is kept.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._group = checked(path, "zarr.json", lambda: opened(path))
        facts: Any = self._group.attrs[KEY]
        if facts["format"] != FORMAT:
            raise StoreError(
                f"{path} has format {facts['format']}, and this version of hardlimit reads format {FORMAT}"
            )
        self.block: int = facts["block"]
        self.names: tuple[str, ...] = tuple(facts["arrays"])
        inputs = checked(path, "inputs", lambda: self._array("inputs")[:])
        try:
            self.description = Description.from_document(facts["description"], inputs)
        except InputError as error:
            raise StoreError(f"{path}: {error}") from error

    @property
    def keep(self) -> bool:
        """Whether the results of every network are kept."""
        return bool(self.names)

    @property
    def draws(self) -> int:
        """Number of networks in finished blocks."""
        return self.block * len(self._records())

    def finished(self) -> list[int]:
        """Return the numbers of finished blocks, in increasing order."""
        return sorted(self._records())

    # -- reading -----------------------------------------------------------------------------------

    def read(self, name: str, first: int = 0, draws: int | None = None) -> NDArray[Any]:
        """Return result ``name`` of networks ``first``, ..., along axis 0; without ``draws``, up to the first gap.

        Raises
        ------
        InputError
            For a name that is not kept, or networks that are not drawn yet.
        StoreError
            If a block is damaged.
        """
        if name not in self.names:
            kept = ", ".join(self.names) or "statistics alone"
            raise InputError(f"{self.path} does not keep {name!r}; it keeps {kept}")
        records, here = self._records(), checks.non_negative_int(first, "first") // self.block
        if draws is None:
            there = here
            while there in records:
                there += 1
            stop = there * self.block
        else:
            stop = first + checks.positive_int(draws, "draws")
        numbers = range(here, max(-(-stop // self.block), here + 1))
        absent = [number for number in numbers if number not in records]
        if absent:
            a, b = self._span(absent[0])
            raise InputError(
                f"networks {a} to {b - 1} of {self.path} are not drawn yet; read others, or draw them"
            )
        rows = np.concatenate([self._chunk(name, number, records) for number in numbers])
        return rows[first - here * self.block : stop - here * self.block]

    def summary(self, known: Summary | None = None) -> Summary | None:
        """Return the statistics of all finished blocks, None if there is none; takes the memory of one block.

        ``known`` are statistics of some of them, which then need not be read.

        Raises
        ------
        StoreError
            If a block is damaged.
        """
        records, total = self._records(), known
        saved = self._saved()
        if saved is not None and self._blocks(saved) <= records.keys() - self._blocks(total):
            total = saved if total is None else total + saved
        for number in sorted(records.keys() - self._blocks(total)):
            part = self._statistics(number, records)
            total = part if total is None else total + part
        return total

    def ensemble(self, first: int = 0, draws: int | None = None) -> Ensemble:
        """Return networks ``first``, ... as ``sample_networks`` does; see ``read``."""
        task = self.description.task
        return Ensemble.of(
            task, {name: self.read(name, first, draws) for name in shapes(task)}, first
        )

    def damaged(self) -> list[str]:
        """Read every finished block, and return a line for each that is not what was written."""
        return [line for _, line in self._bad()]

    # -- writing -----------------------------------------------------------------------------------

    def missing(self, description: Description, start: int, stop: int) -> list[Range]:
        """Return the blocks between networks ``start`` and ``stop`` that are to be drawn, and make room for them.

        Raises
        ------
        StoreError
            If ``description`` is not that of the store; the message shows the difference.
        InputError
            If ``start`` does not begin a block.
        """
        self.require(description)
        if start % self.block:
            raise InputError(
                f"first must be a multiple of {self.block}, the block of {self.path}, got {start}; "
                f"take {start - start % self.block}"
            )
        last = -(-stop // self.block)
        self._reach(last)
        records = self._records()
        return [self._span(k) for k in range(start // self.block, last) if k not in records]

    def require(self, description: Description) -> None:
        """Refuse any description but the store's, by a ``StoreError`` that shows the difference."""
        if description != self.description:
            lines = "\n  ".join(self.description.difference(description))
            raise StoreError(
                f"{self.path} holds other networks than those asked for:\n  {lines}\n"
                f"give what was given when it was made, or another path"
            )

    def commit(self, block: Block) -> None:
        """Write one block, and its record last."""
        number, sums = block.start // self.block, []
        if (block.start, block.stop) != self._span(number):
            raise InputError(
                f"networks {block.start} to {block.stop - 1} are no block of {self.path}"
            )
        self._reach(number + 1)
        for name in self.names:
            array = self._array(name)
            array[block.start : block.stop] = block.arrays[name]
            corner = (number, *(0 for _ in array.shape[1:]))
            flush(self.path / name / array.metadata.encode_chunk_key(corner))
            sums.append(checksum(block.arrays[name]))
        if not self.keep:
            data = block.summary.to_bytes()
            write_bytes(self.path / "statistics" / str(number), data)
            sums.append(zlib.crc32(data))
        records = self._array("finished")
        records[number] = np.array([1, *sums], np.uint32)
        flush(self.path / "finished" / records.metadata.encode_chunk_key((number, 0)))

    def save(self, summary: Summary) -> None:
        """Keep statistics, so that the next ``summary`` need not read what they know."""
        write_bytes(self.path / "summary", summary.to_bytes())

    def repair(self) -> list[str]:
        """Forget damaged blocks, and return a line for each: the next run draws the same bits again."""
        lines = []
        for number, line in self._bad():
            self._array("finished")[number] = 0
            lines.append(line)
        return lines

    # -- inside ------------------------------------------------------------------------------------

    def _array(self, name: str) -> Any:
        return self._group[name]

    def _span(self, number: int) -> Range:
        return number * self.block, (number + 1) * self.block

    def _reach(self, blocks: int) -> None:
        """Let every array have room for ``blocks`` blocks; other processes may do the same at any time."""
        for name, rows in (*((name, self.block) for name in self.names), ("finished", 1)):
            while (array := self._array(name)).shape[0] < blocks * rows:
                array.resize((blocks * rows, *array.shape[1:]))
                flush(self.path / name / "zarr.json")

    def _records(self) -> Records:
        """Records of finished blocks; one that cannot be read counts as absent, since its block can be drawn again."""
        array = self._array("finished")
        try:
            table = {k: row for k, row in enumerate(array[:]) if row[0] == 1}
        except ValueError:
            table = {}
            for number in range(array.shape[0]):
                try:
                    row = array[number]
                except ValueError:
                    continue
                if row[0] == 1:
                    table[number] = row
        return table

    def _chunk(self, name: str, number: int, records: Records) -> NDArray[Any]:
        start, stop = self._span(number)
        values = checked(
            self.path, f"{name} of {self._named(number)}", lambda: self._array(name)[start:stop]
        )
        if checksum(values) != records[number][1 + self.names.index(name)]:
            raise damaged(self.path, f"{name} of {self._named(number)}", "its checksum is another")
        return np.asarray(values)

    def _statistics(self, number: int, records: Records) -> Summary:
        if self.keep:
            arrays = {name: self._chunk(name, number, records) for name in self.names}
            return Summary.of(arrays, number * self.block, self.description.digest)
        what = f"statistics of {self._named(number)}"
        file = self.path / "statistics" / str(number)
        data = checked(self.path, what, lambda: read_bytes(file))
        if zlib.crc32(data) != records[number][1]:
            raise damaged(self.path, what, "its checksum is another")
        return Summary.from_bytes(data)

    def _bad(self) -> Iterator[tuple[int, str]]:
        records = self._records()
        for number in sorted(records):
            try:
                for name in self.names:
                    self._chunk(name, number, records)
                if not self.keep:
                    self._statistics(number, records)
            except StoreError as error:
                yield number, str(error)

    def _saved(self) -> Summary | None:
        """Statistics of an earlier run; None if there are none, or they are damaged, since blocks tell the same."""
        try:
            summary = Summary.from_bytes(read_bytes(self.path / "summary"))
        except (OSError, KeyError, ValueError):
            return None
        return summary if summary.digest == self.description.digest else None

    def _blocks(self, summary: Summary | None) -> set[int]:
        ranges = () if summary is None else summary.ranges
        return {k for start, stop in ranges for k in range(start // self.block, stop // self.block)}

    def _named(self, number: int) -> str:
        start, stop = self._span(number)
        return f"block {number} (networks {start} to {stop - 1})"


def open_store(
    path: str | os.PathLike[str],
    description: Description | None = None,
    *,
    block: int | None = None,
    keep: bool = True,
) -> Store:
    """Open the store of an ensemble, or make one where there is none.

    Parameters
    ----------
    path
        Folder, by custom ending in ``.zarr``.
    description
        What its networks are; may be left out where the store exists.
    block
        Networks a block, fixed when the store is made; the default takes some seconds of one processor.
    keep
        Whether to keep the results of every network, or statistics alone; fixed when the store is made.

    Raises
    ------
    StoreError
        If there is no store and no description, something else is there, or the store holds other networks, blocks of
        another size or other results: the message shows the difference.
    """
    where = Path(path)
    if not (where / "zarr.json").is_file():
        if description is None:
            raise StoreError(
                f"there is no store {where}; give the description of the networks to make one"
            )
        if where.exists() and (not where.is_dir() or any(where.iterdir())):
            raise StoreError(f"{where} exists, and is no store; give another path")
        size = block_size(description) if block is None else checks.positive_int(block, "block")
        _make(where, description, size, keep)
    if KEY not in checked(where, "zarr.json", lambda: opened(where)).attrs:
        raise StoreError(f"{where} is a Zarr group that hardlimit did not make; give another path")
    store = Store(where)
    if description is None:
        return store
    store.require(description)
    if block not in (None, store.block):
        raise StoreError(
            f"{where} has blocks of {store.block} networks, not {block}; leave block out"
        )
    if keep != store.keep:
        has, asked = ("results", "statistics alone")[:: 1 if store.keep else -1]
        raise StoreError(f"{where} keeps {has}, and {asked} were asked for; give another path")
    return store


def _make(path: Path, description: Description, block: int, keep: bool) -> None:
    kept = shapes(description.task) if keep else {}
    facts = {
        "format": FORMAT,
        "block": block,
        "arrays": list(kept),
        "digest": description.digest,
        "description": description.document(),
    }
    with new_store(path, facts) as group:
        group.create_group("statistics")
        x = description.inputs
        create(group, "inputs", x.shape, x.shape, x.dtype, np.nan)[:] = x
        for name, shape in kept.items():
            dtype = np.dtype(description.dtype)
            create(group, name, (0, *shape), (block, *shape), dtype, np.nan)
        columns = 1 + max(len(kept), 1)
        create(group, "finished", (0, columns), (1, columns), np.dtype(np.uint32), 0)
