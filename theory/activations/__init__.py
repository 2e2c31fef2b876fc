"""Activations and surrogates as data: one case a file, found by folder.

A module of ``cases`` declares a builder with ``@case(...)``; the builder is then reachable as
``theory.activations.NAME`` and ``theory.NAME``.
"""

from typing import TYPE_CHECKING

from theory.activations.activation import Activation as Activation
from theory.activations.atoms import Atom as Atom
from theory.activations.atoms import Kind as Kind
from theory.activations.atoms import x as x

if TYPE_CHECKING:
    from theory.activations.activation import Builder


def catalogue(*, closed: bool = True) -> dict[str, Activation]:
    """Return the examples of every case, by their printed form.

    With ``closed=False`` those whose Gaussian expectations are integrals, and them alone.
    """
    from theory.activations.catalog import catalogue as made

    return made(closed=closed)


def __getattr__(name: str) -> "Builder":
    if name.startswith("_"):
        raise AttributeError(name)
    from theory.activations.catalog import builders

    try:
        return builders()[name]
    except KeyError:
        raise AttributeError(f"theory.activations has no {name!r}") from None


def __dir__() -> list[str]:
    from theory.activations.catalog import builders

    return sorted({*globals(), *builders()})
