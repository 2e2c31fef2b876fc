"""What a bound returns, and where bounds register."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Bound:
    """An explicit inequality, evaluated.

    Parameters
    ----------
    value
        The bound.
    terms
        Its summands by name: they add up to ``value``.
    hypotheses
        What was used, one phrase each.
    source
        Claim or theorem.
    details
        Numbers that the terms were made of.
    """

    value: float
    terms: Mapping[str, float]
    hypotheses: tuple[str, ...]
    source: str
    details: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", MappingProxyType(dict(self.terms)))
        object.__setattr__(self, "details", MappingProxyType(dict(self.details)))

    def __str__(self) -> str:
        parts = " + ".join(f"{number:.4g} ({name})" for name, number in self.terms.items())
        return f"{self.value:.6g} = {parts} [{self.source}]"


REGISTRY: dict[str, Callable[..., Any]] = {}


def bound(function: Function) -> Function:
    """Publish a function as ``theory.bounds.<its name>``."""
    REGISTRY[function.__name__] = function
    return function
