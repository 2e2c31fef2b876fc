"""What no float64 array can hold is refused, and never converted to something else."""

import numpy as np
import pytest

from theory import checks
from theory.errors import InputError


@pytest.mark.parametrize(
    "values",
    [
        np.array([[1 + 1j, 2.0]]),
        [[1j, 2.0]],
        [[10**400, 1]],
        np.array([["2020-01-01"]], "datetime64[D]"),
        np.array([[1]], "timedelta64[s]"),
        [["1", "2"]],
        np.ma.masked_array([[1.0, 2.0]], mask=[[True, False]]),
        np.array([[np.finfo(np.longdouble).max]]),
    ],
    ids=["complex", "complex list", "huge", "date", "duration", "text", "masked", "long double"],
)
def test_arrays_that_lose_their_meaning(values) -> None:
    with pytest.raises(InputError, match="X"):
        checks.inputs(values)


def test_real_numbers_of_every_kind() -> None:
    for values in ([[True, False]], np.ones((1, 2), np.float16), np.ma.masked_array([[1.0]])):
        assert checks.inputs(values).dtype == np.float64


@pytest.mark.parametrize("value", [np.array(3.5), np.array([2.0]), np.array([[2]]), [2, 2]])
def test_widths_that_are_none(value) -> None:
    with pytest.raises(InputError, match="width"):
        checks.widths(value, 1)


def test_widths_from_arrays() -> None:
    assert checks.widths(np.array(3), 2) == (3, 3)
    assert checks.widths(np.array([3, 4]), 2) == (3, 4)
