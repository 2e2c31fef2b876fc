"""The theory of wide binarized networks: derive, evaluate, sample, measure.

``import theory as th`` offers every public name of the floors below, loaded when first used:
activations (``th.hardtanh``), Gaussian expectations (``th.expectation``), kernels (``th.nngp``), finite
networks (``th.sample_networks``), and the packages ``th.distances`` and ``th.bounds``.
"""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

# Searched in this order: the packages whose names are offered here directly.
_FLAT = ("activations", "gaussian", "kernels", "networks")


def __getattr__(name: str) -> Any:
    if not name.startswith("_"):
        if _is_package(name):
            return import_module(f"theory.{name}")
        for package in _FLAT:
            module = import_module(f"theory.{package}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"theory has no public name {name!r}")


@cache
def _is_package(name: str) -> bool:
    # It looks into folders, every time.
    return find_spec(f"theory.{name}") is not None


def __dir__() -> list[str]:
    names = set(globals())
    for package in _FLAT:
        module = import_module(f"theory.{package}")
        names |= {name for name in dir(module) if not name.startswith("_")}
    return sorted(names)
