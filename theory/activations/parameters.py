"""Checks of exact parameters."""

from typing import Any

import sympy as sp

from theory.arithmetic.exact import exact
from theory.errors import ActivationError


def positive(value: Any, name: str) -> sp.Expr:
    """Return an exact positive number, or raise ``ActivationError``."""
    number = exact(value, name)
    if not bool(number > 0):
        raise ActivationError(f"{name} must be positive, got {number}")
    return number
