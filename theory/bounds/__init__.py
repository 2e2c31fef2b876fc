"""Explicit inequalities between finite networks and their limits; one file a bound, found by folder."""

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any

from theory.bounds.base import REGISTRY
from theory.bounds.base import Bound as Bound
from theory.bounds.base import NetworkBound as NetworkBound
from theory.bounds.setting import Setting as Setting
from theory.bounds.table import Row as Row
from theory.bounds.table import evaluate as evaluate
from theory.bounds.table import evaluate_at as evaluate_at

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
# A file may be called like its bound: published last, the function wins over the module.
globals().update(REGISTRY)


def catalogue() -> MappingProxyType[str, Callable[..., Any]]:
    """Return every bound by name."""
    return MappingProxyType(REGISTRY)
