"""Is a map proximal, and is its regulariser convex: answers with the place that decides them (S1, S2)."""

from dataclasses import dataclass
from fractions import Fraction

from theory.activations import Activation
from theory.activations.cases.identity import identity
from theory.quantized.compatibility import Fit, compatibility
from theory.quantized.maps import Map, Regulariser


@dataclass(frozen=True)
class Certificate:
    """What a forward map is.

    Parameters
    ----------
    proximal
        Whether it is a proximal map: nondecreasing; None where a sign could not be shown.
    convex
        Whether its regulariser is convex: proximal and 1-Lipschitz.
    reason
        One line: where it falls, or is too steep.
    regulariser
        For proximal piecewise affine maps with exact numbers.
    """

    proximal: bool | None
    convex: bool
    reason: str
    regulariser: Regulariser | None = None


def certificate(forward: Map | Activation) -> Certificate:
    """Decide whether a map is proximal and its regulariser convex.

    Piecewise affine maps exactly; activations by the symbols of their derivative, witnesses enclosed by balls. Source:
    claims S1, S2; SignSwish is the example that fails (S9).
    """
    if isinstance(forward, Map):
        return _affine(forward)
    found = compatibility(forward, identity().derivative)
    if found.fit is not Fit.COMPATIBLE:
        return Certificate(None if found.fit is Fit.UNDECIDED else False, False, found.reason)
    steepest = forward.lipschitz
    convex = steepest <= 1 + 1e-12
    slope = "at most 1" if convex else ("a jump" if steepest == float("inf") else f"{steepest:.6g}")
    return Certificate(True, convex, f"nondecreasing, steepest slope {slope}")


def _affine(forward: Map) -> Certificate:
    if forward.descent is not None:
        return Certificate(False, False, forward.descent)
    numbers = (*forward.breaks, *forward.slopes, *forward.shifts)
    exact = all(isinstance(number, int | Fraction) for number in numbers)
    regulariser = Regulariser.of(forward) if exact else None
    steep = forward.expansion
    reason = "nondecreasing and 1-Lipschitz" if steep is None else f"nondecreasing, but {steep}"
    return Certificate(True, steep is None, reason, regulariser)
