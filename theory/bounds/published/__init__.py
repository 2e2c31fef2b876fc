"""Theorems that state a rate and no constant, one a file: hypotheses, dependence on widths, nothing to evaluate."""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
