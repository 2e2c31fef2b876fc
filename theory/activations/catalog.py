"""The catalogue: every module of ``cases`` that declares a case is found by itself."""

import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import theory.activations.cases as cases
from theory.activations.activation import Activation, Builder
from theory.errors import ActivationError

_CASES: dict[str, tuple[Builder, tuple[tuple[Any, ...], ...], bool]] = {}


def case(*examples: tuple[Any, ...], closed: bool = True) -> Callable[[Builder], Builder]:
    """Declare a builder as a case of the catalogue, with argument tuples of typical examples.

    ``closed`` says whether Gaussian expectations of it have closed forms.
    """

    def register(builder: Builder) -> Builder:
        _CASES[builder.__name__] = (builder, examples or ((),), closed)
        return builder

    return register


@cache
def builders() -> dict[str, Builder]:
    """Return every builder by its public name."""
    _load()
    return {name: builder for name, (builder, *_) in sorted(_CASES.items())}


def builder(name: str) -> Builder:
    """Return one builder, or raise ``ActivationError`` listing what exists."""
    known = builders()
    if name not in known:
        raise ActivationError(
            f"unknown activation {name!r}; known are {', '.join(known)} "
            f"(a new one is one file in theory/activations/cases, or th.from_piecewise)"
        )
    return known[name]


@cache
def catalogue(*, closed: bool = True) -> dict[str, Activation]:
    """Return the declared examples of every case, by their printed form, such as ``hardtanh(1/2)``.

    With ``closed=False`` those whose Gaussian expectations are integrals, and them alone.
    """
    _load()
    made = [
        make(*arguments)
        for make, examples, has_closed in _CASES.values()
        for arguments in examples
        if has_closed is closed
    ]
    return {str(activation): activation for activation in sorted(made, key=str)}


def _load() -> None:
    for module in pkgutil.iter_modules(cases.__path__):
        import_module(f"{cases.__name__}.{module.name}")
