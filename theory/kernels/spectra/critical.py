"""Parameters at which an eigenvalue of a limit kernel changes its sign, proved by balls on both sides."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from flint import arb

from theory.arithmetic.exact import exact
from theory.checks import non_negative_int, positive_int
from theory.errors import InputError
from theory.kernels.architecture import Architecture, architecture
from theory.kernels.brackets import sign_change
from theory.kernels.recursion import TRAINING
from theory.kernels.spectra.certified import FINEST, certified_spectrum

_LARGEST_DIGITS = 30
# Bits of a value that a step of the search asks for: its sign alone would do, more make it converge faster.
_BITS = 20
_COARSE, _FINER = 1e-7, 1e-4


def critical_parameter(
    family: Callable[[Fraction], Architecture],
    degree: int,
    low: Any,
    high: Any,
    *,
    digits: int = 30,
    dimension: int = 2,
    norm: Any = 1,
    kind: str = "ntk",
    jacobians: tuple[str, str] = TRAINING,
) -> arb:
    """Return a ball in which the eigenvalue of one degree changes its sign, as the parameter runs from low to high.

    Parameters
    ----------
    family
        Exact parameter -> architecture, such as ``lambda b: th.Architecture(1, th.sign(), th.hardtanh(b))``.
    degree
        Of the harmonic, at least 0.
    low, high
        Exact ends with eigenvalues of different signs.
    digits
        Relative width aimed at, up to 30.
    dimension, norm, kind, jacobians
        As for ``certified_spectrum``.

    Returns
    -------
    arb
        Contains a zero of the eigenvalue, by the intermediate value theorem; which side is positive, and
        whether other degrees are negative there, ``certified_spectrum`` tells.

    Raises
    ------
    DomainError
        If the signs at the ends are equal, or too close to 0 to be certain.
    InputError
        For bad arguments, and where ``certified_spectrum`` refuses the architecture.

    Notes
    -----
    Each value is taken as finely as its own size asks for: ten seconds in all for eight digits of a network of
    one hidden layer, a minute for thirty. Source: claims T25, T27.
    """
    k, count = non_negative_int(degree, "degree"), positive_int(digits, "digits")
    if count > _LARGEST_DIGITS:
        raise InputError(f"digits must be at most {_LARGEST_DIGITS}, got {count}")
    ends = [exact(end, name) for end, name in ((low, "low"), (high, "high"))]
    if not all(end.is_Rational for end in ends) or not ends[0] < ends[1]:
        raise InputError(f"low and high must be rational with low < high, got {low!r}, {high!r}")

    tolerance = _COARSE

    def value(parameter: Fraction) -> arb:
        # Values shrink towards the root: what the last one took is where the next one starts.
        nonlocal tolerance
        arch = architecture(family(parameter))
        while True:
            (ball,) = certified_spectrum(
                arch, [k], dimension=dimension, norm=norm, kind=kind, jacobians=jacobians,
                tolerance=tolerance,
            )  # fmt: skip
            if ball.rel_accuracy_bits() >= _BITS or tolerance <= FINEST:
                return ball
            tolerance = max(FINEST, tolerance * _FINER)

    left, right = (Fraction(int(end.p), int(end.q)) for end in ends)
    return sign_change(value, left, right, count)
