"""Every bound on one network: the value of those that apply, the failing hypotheses of those that do not."""

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from theory.bounds.base import REGISTRY, Bound, NetworkBound
from theory.bounds.setting import Setting
from theory.errors import HardlimitError
from theory.kernels import Architecture


@dataclass(frozen=True)
class Row:
    """One bound at one network.

    Parameters
    ----------
    declared
        The bound: name, distance, rate, source.
    bound
        Its value; None where it does not apply.
    reasons
        Why it does not apply; empty where it does.
    """

    declared: NetworkBound
    bound: Bound | None
    reasons: tuple[str, ...]


def evaluate(
    arch: Architecture,
    X: ArrayLike,
    widths: int | Sequence[int],
    outputs: int = 1,
    *,
    draws: int = 20_000,
    seed: int = 0,
    confidence: float = 0.99,
) -> list[Row]:
    """Evaluate every network bound, from the same draws; sorted by distance, value and name.

    Arguments and errors as for `NetworkBound`; a hypothesis that fails, and a moment without closed
    form, become the reasons of a row.
    """
    return evaluate_at(Setting(arch, X, widths, outputs, draws, seed, confidence))


def evaluate_at(setting: Setting) -> list[Row]:
    """Evaluate every network bound in a setting, whose draws a measurement may share; as `evaluate`."""
    rows = [_row(item, setting) for item in REGISTRY.values() if isinstance(item, NetworkBound)]

    def place(row: Row) -> tuple[bool, str, float, str]:
        value = row.bound.value if row.bound else 0.0
        return (row.bound is None, row.declared.distance, value, row.declared.name)

    return sorted(rows, key=place)


def _row(declared: NetworkBound, setting: Setting) -> Row:
    failures = declared.failures(setting)
    if failures:
        return Row(declared, None, tuple(failures))
    try:
        return Row(declared, declared.at(setting), ())
    except HardlimitError as error:
        return Row(declared, None, (str(error),))
