"""Staircases: k-bit uniform quantizers and any other piecewise constant function (claim T22)."""

import itertools
from collections.abc import Sequence
from typing import Any

import sympy as sp

from theory.activations.activation import Activation
from theory.activations.atoms import step
from theory.activations.catalog import case
from theory.arithmetic.exact import exact
from theory.errors import ActivationError


@case(((-1, 0, 1), (-3, -1, 1, 3)))
def staircase(thresholds: Sequence[Any], levels: Sequence[Any]) -> Activation:
    """Return the function that takes ``levels[i]`` between ``thresholds[i-1]`` and ``thresholds[i]``.

    Raises
    ------
    ActivationError
        Unless the thresholds increase strictly and there is one level more than thresholds.
    """
    try:
        given = list(thresholds), list(levels)
    except TypeError as error:
        raise ActivationError(
            f"a staircase needs a list of thresholds and a list of levels, got {thresholds!r} and {levels!r}"
        ) from error
    places = [exact(t, "threshold") for t in given[0]]
    values = [exact(v, "level") for v in given[1]]
    if len(values) != len(places) + 1:
        raise ActivationError(
            f"a staircase with {len(places)} thresholds needs {len(places) + 1} levels, got {len(values)}"
        )
    if any(not bool(a < b) for a, b in itertools.pairwise(places)):
        raise ActivationError(f"staircase thresholds must increase strictly, got {places}")
    jumps = [step(b - a, 0, t) for t, a, b in zip(places, values, values[1:], strict=False)]
    parameters = {"thresholds": sp.Tuple(*places), "levels": sp.Tuple(*values)}
    return Activation.of([step(values[0], 0), *jumps], "staircase", parameters, "Q")
