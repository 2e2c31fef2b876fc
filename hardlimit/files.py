"""Arrays from and to files: .npy, .npz and .csv."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from theory.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

READABLE = (".npy", ".npz", ".csv")


def read_inputs(path: Path, key: str | None = None) -> "NDArray[np.float64]":
    """Read network inputs, rows = inputs, of shape (n, d).

    Parameters
    ----------
    path
        ``.npy``, ``.npz`` or ``.csv`` (comma-separated; a first line of names is skipped).
    key
        Which array of an ``.npz``; may be left out if there is only one.

    Raises
    ------
    InputError
        If the file cannot be read, or holds no finite matrix.
    """
    from theory.checks import inputs

    return inputs(_read(path, key), str(path))


def read_targets(path: Path, key: str | None = None) -> "NDArray[np.float64]":
    """Read targets, of shape (n,), or (n, k) with k >= 2; arguments and errors are those of ``read_inputs``."""
    from theory.checks import finite

    values = finite(_read(path, key), str(path))
    if values.ndim not in (1, 2) or not values.size:
        raise InputError(
            f"{path} must hold targets, of shape (samples,) or (samples, outputs), got {values.shape}"
        )
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _read(path: Path, key: str | None) -> Any:
    import numpy as np

    if path.suffix not in READABLE:
        raise InputError(f"{path} must end in one of {', '.join(READABLE)}")
    if not path.is_file():
        raise InputError(f"there is no file {path}; give a readable {', '.join(READABLE)} file")
    try:
        if path.suffix == ".csv":
            return _csv(path)
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        with np.load(path, allow_pickle=False) as archive:
            return archive[_key(archive.files, key, path)]
    except (OSError, ValueError, EOFError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"cannot read {path} as an array of numbers: {error}") from error


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> Path:
    """Write arrays to ``.npz``, or a single one to ``.npy`` or ``.csv``, in one step.

    Raises
    ------
    InputError
        If the suffix is unknown, or cannot hold that many arrays.
    """
    import numpy as np

    check_suffix(path, READABLE if len(arrays) == 1 else (".npz",))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
            if path.suffix == ".npz":
                np.savez(file, **arrays)
            elif path.suffix == ".npy":
                np.save(file, *arrays.values())
            else:
                # 17 digits read back to the same float64.
                (array,) = arrays.values()
                np.savetxt(file, array, delimiter=",", fmt="%.17g")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def check_suffix(path: Path, allowed: tuple[str, ...]) -> None:
    """Refuse, before any work, a file name that could not hold the result."""
    if path.suffix not in allowed:
        raise InputError(f"--out {path} must end in {' or '.join(allowed)}")


def _csv(path: Path) -> "NDArray[np.float64]":
    import numpy as np

    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if lines and not _is_numeric(lines[0]):
        lines = lines[1:]
    if not lines:
        raise InputError(f"{path} holds no numbers; give one input a line, separated by commas")
    return np.loadtxt(lines, delimiter=",", ndmin=2)


def _is_numeric(line: str) -> bool:
    try:
        [float(cell) for cell in line.split(",")]
    except ValueError:
        return False
    return True


def _key(present: list[str], key: str | None, path: Path) -> str:
    if key is None and len(present) == 1:
        return present[0]
    if key not in present:
        raise InputError(
            f"{path} holds the arrays {', '.join(present)}; choose one by --key, not {key}"
        )
    return key
