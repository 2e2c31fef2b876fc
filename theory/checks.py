"""Input checks shared by every public function: they run before any work does."""

import os
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import InputError

LARGEST_ENTRY = 1e36
"""Squares of larger inputs leave the range in which expectations are evaluated."""

LARGEST_WIDTH = 2**31
"""Neurons of a layer are numbered in 32 bits."""


def reals(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return ``values`` as float64, finite or not, or raise ``InputError`` if they are no real numbers."""
    try:
        given = np.asarray(values)
        # Converted silently, complex numbers lose a part, dates turn into days, masks are dropped.
        if given.dtype.kind not in "biufO" or np.ma.is_masked(values):
            raise TypeError(f"{type(values).__name__} of {given.dtype}")
        with np.errstate(over="ignore"):
            return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{name} must be an array of real numbers in the range of float64, none of them masked; "
            f"got {values!r} ({error})"
        ) from error


def finite(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return ``values`` as finite float64, or raise ``InputError`` naming the first bad entry."""
    array = reals(values, name)
    if not np.all(np.isfinite(array)):
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        place = f"{name}{list(where)}" if where else name
        raise InputError(f"{place} is {array[where]}; every entry of {name} must be finite")
    return array


def inputs(values: ArrayLike, name: str = "X") -> NDArray[np.float64]:
    """Return network inputs, rows = inputs, as finite float64 of shape (n, d) with n, d >= 1."""
    array = finite(values, name)
    if array.ndim != 2:
        raise InputError(
            f"{name} must have shape (inputs, dimensions), got shape {array.shape}; "
            f"reshape a single input x to x[None, :]"
        )
    if 0 in array.shape:
        raise InputError(
            f"{name} is empty (shape {array.shape}); give at least one input and one dimension"
        )
    if np.abs(array).max() > LARGEST_ENTRY:
        raise InputError(
            f"{name} holds {np.abs(array).max():g}; entries must stay below {LARGEST_ENTRY:g} in absolute "
            f"value: rescale the inputs, and weight_std with them"
        )
    return np.ascontiguousarray(array)


def paired_inputs(
    first: ArrayLike, second: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return X (n, d) and Y (m, d); Y is X itself where it is None."""
    x = inputs(first)
    if second is None:
        return x, x
    y = inputs(second, "Y")
    if y.shape[1] != x.shape[1]:
        raise InputError(
            f"X has {x.shape[1]} dimensions and Y has {y.shape[1]}; both need the same number of columns"
        )
    return x, y


def positive_int(value: object, name: str) -> int:
    """Return an integer >= 1, or raise ``InputError``."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise InputError(f"{name} must be an integer of at least 1, got {value!r}")
    return int(value)


def non_negative_int(value: object, name: str) -> int:
    """Return an integer >= 0, or raise ``InputError``."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
        raise InputError(f"{name} must be an integer of at least 0, got {value!r}")
    return int(value)


def threads(value: object) -> int:
    """Return a number of threads: what was asked for, or the processors that this process may use for None."""
    if value is not None:
        return positive_int(value, "threads")
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def flag(value: object, name: str) -> bool:
    """Return True or False, or raise ``InputError``: strings and numbers are true by accident."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def number(value: object, name: str) -> float:
    """Return one finite float, or raise ``InputError``."""
    array = finite(value, name)  # type: ignore[arg-type]
    if array.ndim:
        raise InputError(f"{name} must be one number, got an array of shape {array.shape}")
    return float(array)


def positive(value: object, name: str) -> float:
    """Return a finite float > 0, or raise ``InputError``."""
    number = finite(value, name)  # type: ignore[arg-type]
    if number.ndim or number <= 0:
        raise InputError(f"{name} must be a positive number, got {value!r}")
    return float(number)


def probability(value: object, name: str) -> float:
    """Return a float strictly between 0 and 1, or raise ``InputError``."""
    number = finite(value, name)  # type: ignore[arg-type]
    if number.ndim or not 0 < number < 1:
        raise InputError(f"{name} must lie strictly between 0 and 1, got {value!r}")
    return float(number)


def widths(value: object, hidden_layers: int) -> tuple[int, ...]:
    """Return one positive width a hidden layer, from an int (all equal) or a sequence."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != hidden_layers:
            raise InputError(
                f"got {len(value)} widths {list(value)} for {hidden_layers} hidden layers; "
                f"give one width a hidden layer, or a single integer"
            )
        return tuple(
            _width(width, f"width of hidden layer {i + 1}") for i, width in enumerate(value)
        )
    return (_width(value, "width"),) * hidden_layers


def _width(value: object, name: str) -> int:
    width = positive_int(value, name)
    if width > LARGEST_WIDTH:
        raise InputError(f"{name} must be at most {LARGEST_WIDTH} = 2^31, got {width}")
    return width


def storage(shape: tuple[int, ...], name: str, dtype: str = "float64") -> NDArray[Any]:
    """Return an unfilled array, or raise ``InputError`` if ``name`` asks for more than memory can hold."""
    try:
        return np.empty(shape, dtype)
    except (MemoryError, ValueError) as error:
        raise InputError(
            f"{name} = {shape[0]} needs results of shape {shape}, more than memory can hold; draw less at a time"
        ) from error
