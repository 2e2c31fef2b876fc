"""Byte-stable files: the same arrays and the same drawing always give the same bytes."""

import csv
import io
import os
import zipfile
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure as Canvas

from figures.base import Array, Arrays

_EPOCH = (1980, 1, 1, 0, 0, 0)
_NO_DATES: dict[str, dict[str, str | None]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
}


def write(path: Path, content: bytes) -> Path:
    """Put ``content`` at ``path`` in one step: an interrupted run leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def npz(arrays: Arrays) -> bytes:
    """Return a compressed NPZ archive whose members carry a fixed time, in the order given."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, member.getvalue())
    return buffer.getvalue()


def read_npz(path: Path) -> dict[str, Array]:
    """Return the arrays of an archive written by :func:`npz`."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def tables(arrays: Arrays) -> Mapping[str, bytes]:
    """Return one CSV a table; an array with more axes fills one column an entry, ``name[i,j]``.

    Numbers have the shortest form that reads back to the same float64.
    """
    columns: dict[str, list[tuple[str, Array]]] = {}
    for name, array in arrays.items():
        table, column = name.split(".")
        flat = array.reshape(len(array), -1)
        for place, index in enumerate(product(*(range(size) for size in array.shape[1:]))):
            head = f"{column}[{','.join(map(str, index))}]" if index else column
            columns.setdefault(table, []).append((head, flat[:, place]))
    result = {}
    for table, named in columns.items():
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(head for head, _ in named)
        writer.writerows(zip(*(map(repr, values.tolist()) for _, values in named), strict=True))
        result[table] = text.getvalue().encode()
    return result


def picture(canvas: Canvas, kind: str) -> bytes:
    """Return the drawing as ``"png"`` or ``"pdf"``, without dates or versions inside."""
    buffer = io.BytesIO()
    canvas.savefig(buffer, format=kind, metadata=_NO_DATES[kind])
    return buffer.getvalue()
