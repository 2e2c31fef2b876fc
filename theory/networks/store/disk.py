"""What a store does with files: Zarr arrays with checksums, files replaced in one step, and the wait for the disk."""

import base64
import json
import os
import shutil
import uuid
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from theory.errors import StoreError

Value = TypeVar("Value")

KEY = "hardlimit"
"""Attribute of a Zarr group under which everything is kept that is no array."""


@contextmanager
def new_store(path: Path, facts: dict[str, Any]) -> Iterator[Any]:
    """Yield an empty group beside ``path``, and rename it when it is filled: no process sees half of a store."""
    import zarr

    made = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        made.mkdir(parents=True)
        yield zarr.create_group(made, attributes={KEY: facts})
        for file in made.rglob("*"):
            if file.is_file():
                flush(file)
        made.rename(path)
        flush(path)
    except OSError:
        # Where another process was faster, what it made is looked at next.
        if not (path / "zarr.json").is_file():
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def create(group: Any, name: str, shape: Any, chunks: Any, dtype: Any, fill: Any) -> Any:
    """Make an array whose chunks carry a checksum."""
    from zarr.codecs import Crc32cCodec

    return group.create_array(
        name,
        shape=shape,
        chunks=chunks,
        dtype=dtype,
        compressors=[Crc32cCodec()],
        fill_value=fill,
    )


def opened(path: Path) -> Any:
    """Open the Zarr group of a store."""
    import zarr

    return zarr.open_group(path, mode="r+")


def checksum(values: NDArray[Any]) -> int:
    """Return the CRC-32 of the bytes of an array."""
    return zlib.crc32(np.ascontiguousarray(values).tobytes())


def write_bytes(folder: Path, data: bytes) -> None:
    """Write bytes as the attribute of a Zarr group: one file, replaced in one step."""
    text = base64.b64encode(data).decode()
    node = {"zarr_format": 3, "node_type": "group", "attributes": {KEY: text}}
    folder.mkdir(exist_ok=True)
    partial = folder / f"zarr.{uuid.uuid4().hex}.partial"
    try:
        partial.write_text(json.dumps(node), encoding="utf-8")
        flush(partial)
        partial.replace(folder / "zarr.json")
    finally:
        partial.unlink(missing_ok=True)
    flush(folder / "zarr.json")


def read_bytes(folder: Path) -> bytes:
    """Return what ``write_bytes`` wrote."""
    node = json.loads((folder / "zarr.json").read_text(encoding="utf-8"))
    return base64.b64decode(node["attributes"][KEY], validate=True)


def checked(path: Path, what: str, read: Callable[[], Value]) -> Value:
    """Read, or say what is damaged and how it is mended."""
    try:
        return read()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(path, what, str(error)) from error


def damaged(path: Path, what: str, why: str) -> StoreError:
    """Return the error that names what is damaged, and the cure."""
    return StoreError(
        f"{what} in {path} is damaged: {why}; store.repair() forgets damaged blocks, and the next run draws the same "
        f"bits again (hardlimit sample --resume does both)"
    )


def flush(file: Path) -> None:
    """Wait until a file, and its name in its folder, are on the disk."""
    for path in (file, file.parent):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
