"""What a file on disk was made for, as JSON data, and how that differs from what is asked for."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.errors import StoreError


def digest(array: NDArray[Any]) -> dict[str, Any]:
    """Return shape and SHA-256 of the float64 bytes of an array."""
    data = np.ascontiguousarray(array, "<f8").tobytes()
    return {"shape": list(array.shape), "sha256": hashlib.sha256(data).hexdigest()}


def require_same(path: Path, what: str, known: dict[str, Any], facts: dict[str, Any]) -> None:
    """Refuse, by a ``StoreError`` that names each difference, facts other than those of ``path``."""
    facts = json.loads(json.dumps(facts))
    different = [name for name in facts if known.get(name) != facts[name]]
    if different:
        lines = "\n  ".join(
            f"{name}: {_brief(known.get(name))} here, {_brief(facts[name])} asked for"
            for name in different
        )
        raise StoreError(
            f"{path} holds {what} asked for:\n  {lines}\n"
            f"give what was given when it was begun, or another path"
        )


def _brief(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
