"""What a stored result depends on: the sources and the versions, never a file's mere existence."""

import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

NUMERICAL = (
    "hardlimit",
    "numpy",
    "scipy",
    "sympy",
    "mpmath",
    "python-flint",
    "numba",
    "llvmlite",
    "matplotlib",
)


def versions(distributions: Sequence[str] = NUMERICAL) -> dict[str, str]:
    """Return the version of Python and of each distribution; "absent" if it is not installed."""
    found = {"python": platform.python_version()}
    for name in distributions:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def digest(packages: Sequence[str], versions: Mapping[str, str]) -> str:
    """SHA-256 (hex) of every Python source of ``packages`` (import names) and of ``versions``.

    File names and contents count, dates and places do not: two checkouts of the same sources
    with the same versions share a digest.
    """
    state = hashlib.sha256()
    for package in sorted(packages):
        for root in sorted(import_module(package).__path__):
            for source in sorted(Path(root).rglob("*.py")):
                content = hashlib.sha256(source.read_bytes()).hexdigest()
                state.update(
                    f"{package}/{source.relative_to(root).as_posix()} {content}\n".encode()
                )
    state.update(json.dumps(dict(versions), sort_keys=True).encode())
    return state.hexdigest()


def load(path: Path, key: str) -> dict[str, Any] | None:
    """Return the entry stored under ``key``; None where it is absent, stale or broken."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        return dict(entry["value"]) if entry["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def store(path: Path, key: str, value: Mapping[str, Any]) -> None:
    """Write an entry atomically: a reader sees the old one or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"key": key, "value": dict(value)}, file)
    Path(name).replace(path)
