"""From figure modules to files: find, compute, keep, draw, write."""

import hashlib
import importlib
import pkgutil
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import figures
from figures import files, style
from figures.base import Array, Figure, checked
from figures.provenance import data_digest, drawing_digest
from proofs_check.cache import load, store
from theory.errors import InputError, InterruptedRunWarning

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class BuiltFigure:
    """A figure on disk.

    Parameters
    ----------
    figure
        What was built.
    files
        PNG, PDF, NPZ, then one CSV a table.
    seconds
        Wall time that this build spent on it.
    reused
        Whether the arrays came from the cache; files that they already fill are left as they are.
    """

    figure: Figure
    files: tuple[Path, ...]
    seconds: float
    reused: bool


def discover() -> dict[str, Figure]:
    """Return every figure of the package by id: letters first, then numbers in their order.

    Raises
    ------
    InputError
        If two modules claim one id.
    """
    found: dict[str, Figure] = {}
    for module in pkgutil.iter_modules(figures.__path__, "figures."):
        figure = getattr(importlib.import_module(module.name), "FIGURE", None)
        if figure is None:
            continue
        if figure.id in found:
            raise InputError(f"two modules declare figure {figure.id}; the second is {module.name}")
        found[figure.id] = figure
    return dict(sorted(found.items(), key=lambda item: (item[0][0], int(item[0][1:]))))


def select(ids: Iterable[str] | None) -> list[Figure]:
    """Return the figures named by ``ids``, each once, in that order; all of them for None.

    Raises
    ------
    InputError
        If an id is unknown.
    """
    known = discover()
    wanted = list(known) if ids is None else list(dict.fromkeys(ids))
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise InputError(f"no figure {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in wanted]


def build(
    ids: Iterable[str] | None = None,
    *,
    out: str | Path,
    cache_dir: str | Path,
    force: bool = False,
    progress: Progress | None = None,
) -> tuple[BuiltFigure, ...]:
    """Write figures as ``ID.png``, ``ID.pdf``, ``ID.npz`` and ``ID.TABLE.csv``, byte for byte repeatable.

    Parameters
    ----------
    ids
        Which figures; None for all.
    out
        Folder for the files; made if absent.
    cache_dir
        Folder where arrays are kept by the digest of sources and versions.
    force
        Compute and draw again, whatever is kept.
    progress
        Called as ``progress(done, total, id)`` before each figure, and once at the end with an empty id.

    Raises
    ------
    InputError
        If an id is unknown, before any work; or if a figure's arrays cannot be published.
    KeyboardInterrupt
        On interruption. Figures already finished stay on disk and in the cache; an array that a
        sampler had to cut short is never kept.
    """
    chosen = select(ids)
    out, cache_dir = Path(out), Path(cache_dir)
    built = []
    for position, figure in enumerate(chosen):
        if progress is not None:
            progress(position, len(chosen), figure.id)
        built.append(_build_one(figure, out, cache_dir, force))
    if progress is not None:
        progress(len(chosen), len(chosen), "")
    return tuple(built)


def _build_one(figure: Figure, out: Path, cache_dir: Path, force: bool) -> BuiltFigure:
    start = time.perf_counter()
    stamp, key = cache_dir / f"{figure.id}.json", drawing_digest(figure)
    kept = None if force else load(stamp, key)
    if kept is not None and _intact(out, kept["files"]):
        written = tuple(out / name for name in kept["files"])
        return BuiltFigure(figure, written, time.perf_counter() - start, reused=True)
    arrays, reused = _arrays(figure, cache_dir, force)
    contents = {
        f"{figure.id}.{kind}": content for kind, content in _pictures(figure, arrays).items()
    }
    contents[f"{figure.id}.npz"] = files.npz(arrays)
    contents |= {f"{figure.id}.{name}.csv": text for name, text in files.tables(arrays).items()}
    written = tuple(files.write(out / name, content) for name, content in contents.items())
    store(stamp, key, {"files": {name: _sha256(content) for name, content in contents.items()}})
    return BuiltFigure(figure, written, time.perf_counter() - start, reused)


def _arrays(figure: Figure, cache_dir: Path, force: bool) -> tuple[dict[str, Array], bool]:
    """Return the arrays of a figure, and whether they were kept from an earlier build."""
    place = cache_dir / f"{figure.id}-{data_digest(figure)[:20]}.npz"
    if place.exists() and not force:
        return files.read_npz(place), True
    with warnings.catch_warnings():
        # A sampler that was interrupted returns what it has and warns; half a sample is no figure.
        warnings.simplefilter("error", InterruptedRunWarning)
        try:
            arrays = checked(figure.data(), f"figure {figure.id}")
        except InterruptedRunWarning as stop:
            raise KeyboardInterrupt from stop
    for stale in cache_dir.glob(f"{figure.id}-*.npz"):
        stale.unlink(missing_ok=True)
    files.write(place, files.npz(arrays))
    return arrays, False


def _pictures(figure: Figure, arrays: dict[str, Array]) -> dict[str, bytes]:
    with style.thesis_style():
        canvas = style.canvas(figure.size_mm)
        figure.draw(canvas, arrays)
        return {kind: files.picture(canvas, kind) for kind in ("png", "pdf")}


def _intact(out: Path, recorded: dict[str, str]) -> bool:
    """Whether every recorded file is there with the recorded content."""
    places = {out / name: content for name, content in recorded.items()}
    return all(
        place.is_file() and _sha256(place.read_bytes()) == content
        for place, content in places.items()
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
