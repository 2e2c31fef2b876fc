"""Expectations as source text for other systems: every module of ``targets`` is one, found by its file."""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module

import theory.gaussian.code.targets as folder
from theory.errors import InputError
from theory.gaussian.code.assemble import source
from theory.gaussian.code.routine import Routine as Routine
from theory.gaussian.code.target import Target


@cache
def targets() -> tuple[str, ...]:
    """Return the names of all targets, such as ``python-mpmath``."""
    found = pkgutil.iter_modules(folder.__path__)
    return tuple(sorted(module.name.replace("_", "-") for module in found))


def target(name: str) -> Target:
    """Return one target.

    Raises
    ------
    InputError
        For an unknown name, listing what exists.
    """
    if name not in targets():
        raise InputError(f"unknown target {name!r}; known are {', '.join(targets())}")
    module = import_module(f"{folder.__name__}.{name.replace('-', '_')}")
    made: Target = module.TARGET
    return made


def write(routines: Mapping[str, Routine], name: str) -> str:
    """Return one file of the target ``name`` with a function for each routine, by its key."""
    return source(routines, target(name), name)


def write_layer(dual: Routine, slope: Routine, name: str) -> str:
    """Return one file with the two factors of a kernel recursion and ``layer``, one step of it.

    Parameters
    ----------
    dual, slope
        E[f(u) f(v)] and E[f'(u) g'(v)]: what a layer does to the covariance, and the factor of the
        tangent kernel.
    name
        Target.
    """
    made = target(name)
    return source({"dual": dual, "slope": slope}, made, name, made.layer)
