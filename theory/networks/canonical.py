"""Exact data as JSON: dataclasses, enumerations and SymPy numbers, read back without ``eval``."""

import dataclasses
from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np
import sympy as sp

from theory.activations import activation, atoms, curves
from theory.arithmetic import functions
from theory.errors import InputError
from theory.kernels import architecture, weights

_MODULES = (architecture, weights, activation, atoms, curves)
_SYMBOLS = {symbol.name: symbol for symbol in (atoms.x, curves.y, curves.s)}


def encode(value: Any, *, names: bool = True) -> Any:
    """Return ``value`` as JSON data: a dataclass, enumeration, SymPy expression, number, text, or a nest of them.

    Without ``names``, fields that do not count in comparisons (what an activation is called) are left out: equal
    values then give equal data.

    Raises
    ------
    InputError
        For anything else.
    """
    if isinstance(value, Enum):
        return {"is": type(value).__name__, "name": value.name}
    if isinstance(value, np.floating):  # a float to Python, and another text to JSON
        return float(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, sp.Basic):
        return {"is": "exact", "value": _tree(value)}
    if isinstance(value, tuple | list):
        return [encode(item, names=names) for item in value]
    if isinstance(value, Mapping):
        return {"is": "map", **{key: encode(item, names=names) for key, item in value.items()}}
    if dataclasses.is_dataclass(value):
        kept = [f.name for f in dataclasses.fields(value) if names or f.compare]
        fields = {name: encode(getattr(value, name), names=names) for name in kept}
        return {"is": type(value).__name__, **fields}
    raise InputError(f"{value!r} has no exact form as JSON")


def decode(data: Any) -> Any:
    """Return the value that ``encode`` wrote; sequences come back as tuples.

    Raises
    ------
    InputError
        For data that name no known type.
    """
    if isinstance(data, list):
        return tuple(decode(item) for item in data)
    if not isinstance(data, dict):
        return data
    kind = data["is"]
    fields = {key: item for key, item in data.items() if key != "is"}
    if kind == "exact":
        return _expression(fields["value"])
    if kind == "map":
        return {key: decode(item) for key, item in fields.items()}
    found = next((vars(module)[kind] for module in _MODULES if kind in vars(module)), None)
    if isinstance(found, type) and issubclass(found, Enum):
        return found[fields["name"]]
    if not (isinstance(found, type) and dataclasses.is_dataclass(found)):
        raise InputError(f"{kind!r} is no type that this version of hardlimit can read")
    return found(**{key: decode(item) for key, item in fields.items()})


def _tree(expr: sp.Basic) -> Any:
    """Integers as they are, rationals as text, symbols by name, anything else as [function, arguments ...]."""
    if isinstance(expr, sp.Integer):
        return int(expr)
    if isinstance(expr, sp.Rational):
        return f"{expr.p}/{expr.q}"
    if isinstance(expr, sp.Symbol):
        return ["Symbol", expr.name]
    return [type(expr).__name__, *(_tree(argument) for argument in expr.args)]


def _expression(tree: Any) -> sp.Basic:
    if not isinstance(tree, list):
        return sp.Rational(tree)
    name, *rest = tree
    if name == "Symbol":
        return _SYMBOLS[rest[0]]
    if not rest:
        return getattr(sp.S, name)
    function = getattr(functions, name, None) or getattr(sp, name, None)
    if not (isinstance(function, type) and issubclass(function, sp.Basic)):
        raise InputError(f"{name!r} is no function that this version of hardlimit can read")
    return function(*(_expression(argument) for argument in rest))
