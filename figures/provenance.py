"""What the arrays and the files of a figure depend on, as digests.

Arrays depend on ``theory``, on the versions, on the figure's module without its drawing and its words, and on a record
of measurements beside it, of the same name with the ending ``.json``: a new colour or caption redraws, and recomputes
nothing.
"""

import ast
import hashlib
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

from figures.base import Figure
from proofs_check.cache import NUMERICAL, digest, versions

LIBRARIES = (*NUMERICAL, "scikit-learn", "pillow")
_DRAWING_ONLY = ("figures.style",)


def _imported(tree: ast.Module) -> Iterator[str]:
    """Names of the modules of ``figures`` that a source imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "figures":
            yield from (f"figures.{alias.name}" for alias in node.names)
        elif (
            isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("figures.")
        ):
            yield node.module


def _sources(figure: Figure) -> dict[str, str]:
    """Sources behind a figure inside ``figures``: its module and what that imports, by name."""
    owner = inspect.getmodule(figure.data)
    waiting: list[str | ModuleType] = [owner] if owner else []
    found: dict[str, str] = {}
    while waiting:
        item = waiting.pop()
        module = import_module(item) if isinstance(item, str) else item
        if module.__name__ not in found:
            found[module.__name__] = inspect.getsource(module)
            waiting.extend(_imported(ast.parse(found[module.__name__])))
    return dict(sorted(found.items()))


def _draws(node: ast.stmt) -> bool:
    """Whether a top-level statement only draws or describes."""
    if isinstance(node, ast.FunctionDef):
        return node.name.lstrip("_").startswith("draw")
    targets = node.targets if isinstance(node, ast.Assign) else []
    named_figure = any(isinstance(name, ast.Name) and name.id == "FIGURE" for name in targets)
    return named_figure or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def data_digest(figure: Figure) -> str:
    """SHA-256 (hex) of everything that the arrays of ``figure`` depend on."""
    state = hashlib.sha256(digest(("theory",), versions(LIBRARIES)).encode())
    for name, source in _sources(figure).items():
        if name not in _DRAWING_ONLY:
            kept = [node for node in ast.parse(source).body if not _draws(node)]
            state.update(f"{name} {ast.dump(ast.Module(kept, []))}\n".encode())
        record = Path(inspect.getfile(import_module(name))).with_suffix(".json")
        if record.exists():
            state.update(record.read_bytes())
    return state.hexdigest()


def drawing_digest(figure: Figure) -> str:
    """SHA-256 (hex) of everything that the files of ``figure`` depend on, its arrays included."""
    state = hashlib.sha256(data_digest(figure).encode())
    sources = _sources(figure)
    sources["figures.files"] = inspect.getsource(import_module("figures.files"))
    sources["figures.style"] = inspect.getsource(import_module("figures.style"))
    for source in sources.values():
        state.update(source.encode())
    return state.hexdigest()
