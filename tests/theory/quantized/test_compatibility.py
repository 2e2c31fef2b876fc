"""Which (F, B) pairs ProxConnect++ covers: the pairs of the literature, and synthesis as an oracle."""

import pytest
import sympy as sp

import theory as th
from theory.activations import Activation, x
from theory.quantized import Fit, compatibility, sign_swish_activation

ONE = th.identity().derivative
CLIP = th.hardtanh(1).derivative
SWISH = sign_swish_activation(2)
CASES = {
    "BinaryConnect": (th.sign(), ONE, Fit.COMPATIBLE),
    "BNN": (th.sign(), CLIP, Fit.WEAK),
    "BNN+": (th.sign(), SWISH.derivative, Fit.INCOMPATIBLE),
    "BNN++": (SWISH, SWISH.derivative, Fit.COMPATIBLE),
    "Bi-Real": (th.sign(), 2 * th.triangle(1), Fit.INCOMPATIBLE),
    "tanh": (th.tanh(1), th.tanh(1).derivative, Fit.COMPATIBLE),
    "tanh with 1": (th.tanh(1), ONE, Fit.COMPATIBLE),
    "SignSwish with 1": (SWISH, ONE, Fit.INCOMPATIBLE),
    "identity with window": (th.identity(), CLIP, Fit.INCOMPATIBLE),
    "identity with tanh'": (th.identity(), th.tanh(1).derivative, Fit.COMPATIBLE),
    "hardtanh with triangle": (th.hardtanh(1), 2 * th.triangle(1), Fit.INCOMPATIBLE),
    "jump where B is negative": (th.sign(), (-1) * ONE, Fit.INCOMPATIBLE),
    "jump where B is 0": (
        th.sign(),
        th.relu(),
        Fit.INCOMPATIBLE,
    ),
    "two constants": (th.sign(), CLIP + ONE, Fit.INCOMPATIBLE),
}


@pytest.mark.parametrize("name", CASES)
def test_pairs_of_the_literature(name: str) -> None:
    forward, backward, fit = CASES[name]
    found = compatibility(forward, backward)
    assert found.fit is fit, found.reason
    assert found.reason


def test_potentials() -> None:
    found = compatibility(th.sign(), ONE).potential
    assert [found.subs(x, u) for u in (-2, 3)] == [0, 2]
    assert compatibility(SWISH, SWISH.derivative).potential == x
    free = compatibility(th.sign(), CLIP).potential
    assert [free.subs(x, u) for u in (-2, sp.Rational(-1, 2), sp.Rational(1, 2), 3)] == [
        -1,
        0,
        2,
        4,
    ]


def test_a_pole_of_the_slope_is_not_compatible() -> None:
    square = th.from_piecewise([(x**2, (-sp.oo, sp.oo))])
    assert compatibility(th.identity(), square).fit is not Fit.COMPATIBLE


def composed(power: int) -> tuple[Activation, Activation]:
    """T(P) and T'(P) for P(u) = clip(2u, -1, 1) + u and T = z + z^power."""
    outer = x + x**power
    line = {"low": x - 1, "mid": 3 * x, "high": x + 1}
    half = sp.Rational(1, 2)
    ends = [(-sp.oo, -half), (-half, half), (half, sp.oo)]
    return tuple(  # type: ignore[return-value]
        th.from_piecewise(
            [
                (sp.expand(f.subs(x, piece)), end)
                for piece, end in zip(line.values(), ends, strict=True)
            ]
        )
        for f in (outer, sp.diff(outer, x))
    )


@pytest.mark.parametrize("power", [3, 5])
def test_synthesised_pairs_are_compatible_and_give_p_back(power: int) -> None:
    forward, backward = composed(power)
    found = compatibility(forward, backward)
    assert found.fit is Fit.COMPATIBLE
    # P is 0 at the first break, where the P of the construction is -3/2.
    for u, value in ((-2, -3), (0, 0), (sp.Rational(1, 4), sp.Rational(3, 4)), (1, 2)):
        assert found.potential.subs(x, u) - value == sp.Rational(3, 2)
