"""Trained networks on disk: a Zarr group of results by network, and the states of those that are not finished.

Layout, plain Zarr (version 3), which other programs read too::

    zarr.json                      what was asked for, and the block size
    X, y, points, steps            what was given
    loss, outputs, ...             (draws, times, ...): one chunk a block, with a checksum; NaN where nothing is yet
    finished                       (blocks, 1 + arrays): finished networks of a block, CRC-32 of each of their results
    running/BLOCK-STEP             networks that are not finished: their results so far, parameters and slots

Every file is written under another name and renamed; a record is written after what it speaks of, and the state of a
block is removed after its record or a later state. So a run that is killed at any moment goes on from its last state.
"""

import math
import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardlimit.descriptions import require_same
from hardlimit.training import Part, Training
from theory.errors import InputError, StoreError
from theory.networks import State
from theory.networks.store.disk import KEY, checksum, create, flush, new_store, opened

Array = NDArray[Any]

FORMAT = 1
CHUNK_BYTES = 2**28
_RUNNING = "running"
_STATE = ("results", "parameters", "slots")


class TrainingStore:
    """Networks of one request, in blocks; made where there is none.

    Parameters
    ----------
    path
        Its folder.
    training
        The request.
    block
        Networks a block, of a store that is made.

    Raises
    ------
    StoreError
        If something else is there, or networks of another request: the message names what differs.
    """

    def __init__(self, path: Path, training: Training, block: int) -> None:
        self.path, self.training = path, training
        self._verified: dict[int, int] = {}
        if not path.exists():
            _make(path, training, block)
        try:
            self._group = opened(path)
            facts: Any = self._group.attrs[KEY]
            known, self.block = facts["request"], int(facts["block"])
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise StoreError(
                f"{path} is no store of trained networks; give another path"
            ) from error
        if facts["format"] != FORMAT:
            raise StoreError(
                f"{path} has format {facts['format']}, and this version of hardlimit reads format {FORMAT}"
            )
        require_same(path, "other networks than those", known, training.document())

    # -- reading -----------------------------------------------------------------------------------

    def finished(self, number: int) -> int:
        """Return how many networks of a block are finished, and are what was written: read once."""
        if number in self._verified:
            return self._verified[number]
        records = self._group["finished"]
        try:
            count, *sums = (int(value) for value in records[number])
            whole = all(
                checksum(self._read(name, number, count)) == expected
                for name, expected in zip(self.training.shapes, sums, strict=True)
            )
        except (OSError, ValueError, IndexError):
            return 0
        if whole and count:
            self._verified[number] = count
        return count if whole else 0

    def pieces(self, names: Sequence[str]) -> Iterator[dict[str, Array]]:
        """Yield the results of every block's finished networks."""
        for number in range(self._group["finished"].shape[0]):
            if count := self.finished(number):
                yield {name: self._read(name, number, count) for name in names}

    def damaged(self) -> list[str]:
        """Return a line for each block whose results are not what was written; `missing` counts them as absent."""
        lines = []
        for number in range(self._group["finished"].shape[0]):
            count = int(self._group["finished"][number][0])
            if self.finished(number) < count:
                start = number * self.block
                lines.append(f"block {number} (networks {start} to {start + count - 1})")
        return lines

    def missing(self, first: int, draws: int) -> list[tuple[int, int]]:
        """Return what is to be done about networks ``first``, ..., ``first + draws - 1``: first and number, by block.

        Raises
        ------
        InputError
            If ``first`` does not begin a block.
        """
        if first % self.block:
            raise InputError(
                f"first must be a multiple of {self.block}, the block of {self.path}, got {first}; "
                f"take {first - first % self.block}"
            )
        begins = [
            (start, start + self.finished(start // self.block))
            for start in range(first, first + draws, self.block)
        ]
        spans = [(begin, min(start + self.block, first + draws) - begin) for start, begin in begins]
        return [span for span in spans if span[1] > 0]

    def part(self, first: int, draws: int) -> Part:
        """Return networks of one block as they stand: at their latest state, or at the beginning."""
        return self._resumed(first, draws) or Part.begin(self.training, first, draws)

    def _read(self, name: str, number: int, count: int) -> Array:
        start = number * self.block
        return np.asarray(self._group[name][start : start + count])

    # -- writing -----------------------------------------------------------------------------------

    def commit(self, part: Part) -> None:
        """Write networks that are trained to the end; those of their block before them are finished."""
        number = part.first // self.block
        start, before = number * self.block, part.first - number * self.block
        rows = {
            name: np.concatenate([self._read(name, number, before), values])
            for name, values in part.arrays.items()
        }
        self._reach(number + 1)
        for name, values in rows.items():
            array = self._group[name]
            array[start : start + len(values)] = values
            corner = (number, *(0 for _ in array.shape[1:]))
            flush(self.path / name / array.metadata.encode_chunk_key(corner))
        records = self._group["finished"]
        records[number] = np.array(
            [before + part.draws, *(checksum(rows[name]) for name in self.training.shapes)],
            np.uint32,
        )
        flush(self.path / "finished" / records.metadata.encode_chunk_key((number, 0)))
        self._verified[number] = before + part.draws
        for folder in self._states(number):
            shutil.rmtree(folder, ignore_errors=True)

    def save(self, part: Part) -> None:
        """Write where networks stand that are not finished, and remove what is older."""
        import zarr

        if part.state is None:
            return
        number = part.first // self.block
        older = self._states(number)
        name = f"{number}-{part.step}"
        made = self.path / _RUNNING / f".{name}.{uuid.uuid4().hex}"
        results = [part.arrays[name].reshape(part.draws, -1) for name in self.training.shapes]
        slots = part.state.slots.reshape(part.draws, -1)
        kept = dict(zip(_STATE, (np.hstack(results), part.state.parameters, slots), strict=True))
        facts = {
            "first": part.first,
            "draws": part.draws,
            "step": part.step,
            "sums": [checksum(kept[key]) for key in _STATE],
        }
        group = zarr.create_group(made, attributes={KEY: facts})
        for key, values in kept.items():
            if values.size:
                rows = max(1, min(part.draws, CHUNK_BYTES // values[0].nbytes))
                shape = (rows, values.shape[1])
                create(group, key, values.shape, shape, values.dtype, 0)[:] = values
        for file in made.rglob("*"):
            if file.is_file():
                flush(file)
        target = self.path / _RUNNING / name
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)
        flush(target)
        for folder in older:
            if folder != target:
                shutil.rmtree(folder, ignore_errors=True)

    def _resumed(self, first: int, draws: int) -> Part | None:
        """Return the latest state of exactly these networks that can be read."""
        for folder in self._states(first // self.block):
            try:
                group = opened(folder)
                facts: Any = group.attrs[KEY]
                if (facts["first"], facts["draws"]) != (first, draws):
                    continue
                kept = [
                    np.asarray(group[key][:]) if key in group else np.empty((draws, 0))
                    for key in _STATE
                ]
                if [checksum(values) for values in kept] != facts["sums"]:
                    continue
            except (OSError, KeyError, ValueError, TypeError):
                continue
            results, parameters, slots = kept
            shapes = self.training.shapes
            ends = np.cumsum([math.prod(shape) for shape in shapes.values()])[:-1]
            arrays = {
                name: values.reshape(draws, *shape)
                for (name, shape), values in zip(
                    shapes.items(), np.split(results, ends, axis=1), strict=True
                )
            }
            slots = slots.reshape(draws, -1, parameters.shape[1]).astype(parameters.dtype)
            state = State(
                int(facts["step"]),
                self.training.seed,
                first,
                self.training.widths,
                parameters,
                slots,
            )
            return Part(first, draws, arrays, state.step, state)
        return None

    def _states(self, number: int) -> list[Path]:
        """Folders with states of a block, the latest first."""
        found = [
            folder
            for folder in (self.path / _RUNNING).glob(f"{number}-*")
            if folder.name.partition("-")[2].isdigit()
        ]
        return sorted(found, key=lambda folder: -int(folder.name.partition("-")[2]))

    def _reach(self, blocks: int) -> None:
        """Let every array have room for ``blocks`` blocks; other processes may do the same at any time."""
        for name, rows in (*((name, self.block) for name in self.training.shapes), ("finished", 1)):
            while (array := self._group[name]).shape[0] < blocks * rows:
                array.resize((blocks * rows, *array.shape[1:]))
                flush(self.path / name / "zarr.json")


def _make(path: Path, training: Training, block: int) -> None:
    facts = {"format": FORMAT, "block": block, "request": training.document()}
    given = {"X": training.X, "y": training.y, "steps": np.array(training.steps, np.int64)}
    if training.points is not None:
        given["points"] = training.points
    with new_store(path, facts) as group:
        group.create_group(_RUNNING)
        for name, values in given.items():
            create(group, name, values.shape, values.shape, values.dtype, 0)[:] = values
        for name, shape in training.shapes.items():
            create(group, name, (0, *shape), (block, *shape), np.dtype(np.float64), np.nan)
        columns = 1 + len(training.shapes)
        create(group, "finished", (0, columns), (1, columns), np.dtype(np.uint32), 0)
