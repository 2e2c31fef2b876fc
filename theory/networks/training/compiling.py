"""Compilation as in ``theory.networks.compiled``, with a cache of its own: an edit here recompiles no sampler."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from theory.networks.compiled import _CACHE as _SAMPLERS

_FOLDER = Path(__file__).parent
_TEXTS = (path.read_bytes() for path in sorted(_FOLDER.glob("*.py")))
_SOURCES = b"".join(text for text in _TEXTS if b"@compiled" in text or b"@emitted" in text)
_KEY = hashlib.sha256(_SOURCES + _SAMPLERS.name.encode()).hexdigest()[:16]
_CACHE = _FOLDER / "__pycache__" / f"compiled-{_KEY}"


def compiled(function: Callable[..., Any]) -> Any:
    """Compile ``function`` at its first call, or load it from the cache of this version of both packages."""
    config: Any = numba.config
    before, config.CACHE_DIR = config.CACHE_DIR, str(_CACHE)
    try:
        return numba.njit(function, nogil=True, cache=True, error_model="numpy")
    finally:
        config.CACHE_DIR = before
