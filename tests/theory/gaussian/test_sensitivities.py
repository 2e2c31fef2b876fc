"""How expectations move with p, q and c, against differences of their 48-digit values."""

import mpmath
import numpy as np
import pytest

import theory as th
from theory.activations import Activation, catalogue
from theory.gaussian import Expectation
from theory.gaussian.sensitivities import Sensitivities, sensitivities

DIGITS = 48
STEP = mpmath.mpf(10) ** -14

# Unequal variances, both signs, near the line on both sides, small and large variances beside thresholds near 1.
POINTS = [
    (1.5, 0.75, -0.5),
    (0.25, 3.0, 0.625),
    (1.0, 1.25, 1.118),
    (2.0**-12, 2.0**10, -0.4),
]


def differences(F: Expectation, p: float, q: float, c: float) -> list[mpmath.mpf]:
    """Return central differences in log p and log q at fixed correlation, and in c, times sqrt(pq)."""
    with mpmath.workdps(DIGITS + 8):
        P, Q, C = map(mpmath.mpf, (p, q, c))
        size = mpmath.sqrt(P * Q)
        step = STEP * (1 - abs(C) / size)
        grow, root = mpmath.exp(STEP), mpmath.exp(STEP / 2)

        def value(*at: mpmath.mpf) -> mpmath.mpf:
            return F.mp(*at, digits=DIGITS)

        return [
            (value(P * grow, Q, C * root) - value(P / grow, Q, C / root)) / (2 * STEP),
            (value(P, Q * grow, C * root) - value(P, Q / grow, C / root)) / (2 * STEP),
            (value(P, Q, C + step * size) - value(P, Q, C - step * size)) / (2 * step),
        ]


def natural_size(F: Expectation, p: float, q: float, c: float) -> float:
    """Return the value and sqrt(E[f^2] E[g^2]), Dirac masses left out of the latter."""
    size = abs(float(F.float64(p, q, c)))
    functions = [Activation.of([a for a in h.atoms if not a.is_dirac]) for h in (F.f, F.g)]
    squares = [
        float(th.expectation(h, h).float64(v, v, v)) if h.atoms else 0.0
        for h, v in zip(functions, (p, q), strict=True)
    ]
    return size + np.sqrt(squares[0] * squares[1])


def pairs() -> dict[str, tuple[Activation, Activation]]:
    """Every closed case as kernels meet it: with itself, its derivative with a surrogate's and with itself."""
    found = {}
    surrogate = th.hardtanh(1).derivative
    for name, f in catalogue().items():
        found[name] = (f, f)
        if not f.has_dirac:
            found[f"{name} slopes"] = (f.derivative, f.derivative)
            found[f"{name} mixed"] = (f.derivative, surrogate)
    return found


@pytest.mark.parametrize("name", pairs())
def test_sensitivities_are_derivatives(name: str) -> None:
    f, g = pairs()[name]
    F = th.expectation(f, g)
    # Exponentials on steps go by adaptive quadrature, a second a point.
    points = POINTS[:2] if f.has_tilted_step else POINTS
    p, q, c = np.array(points).T
    found = sensitivities(f, g, p, q, c, p * q - c**2)
    if f.parity * g.parity == -1:
        for part in (found.first, found.second, found.angle):
            np.testing.assert_allclose(part, 0.0, atol=1e-15)
        return
    for k, (p, q, c) in enumerate(points):
        exact = [float(d) for d in differences(F, p, q, c)]
        ours = [found.first[k], found.second[k], found.angle[k] * np.sqrt(p * q)]
        np.testing.assert_allclose(ours, exact, rtol=1e-11, atol=1e-13 * natural_size(F, p, q, c))


@pytest.mark.parametrize(
    ("f", "g"),
    [
        (th.hardtanh(1), th.hardtanh(1)),
        (th.hardtanh(1).derivative, th.hardtanh("1/2").derivative),
        (th.hardtanh(1).derivative, th.hardtanh(1).derivative),
        (th.ternary("1/2").derivative, th.hardtanh("1/2").derivative),
        (th.erf(1).derivative, th.erf(2).derivative),
        (th.relu(), th.relu()),
    ],
    ids=["hardtanh", "two-boxes", "one-box", "jump-on-jump", "bumps", "relu"],
)
def test_the_diagonal_is_the_derivative_along_it(f: Activation, g: Activation) -> None:
    p = np.array([0.25, 1.0, 7.0])
    found = sensitivities(f, g, p, p, p, 0 * p)
    F = th.expectation(f, g)
    for k, variance in enumerate(p):
        with mpmath.workdps(DIGITS):
            up, down = (mpmath.mpf(variance) * mpmath.exp(s * STEP) for s in (1, -1))
            exact = (F.mp(up, up, up, DIGITS) - F.mp(down, down, down, DIGITS)) / (2 * STEP)
        assert found.first[k] + found.second[k] == pytest.approx(float(exact), rel=1e-12)


def test_a_motion_along_the_line_ignores_an_infinite_angle() -> None:
    found = Sensitivities(np.array([1.0]), np.array([2.0]), np.array([np.inf]))
    one, zero = np.ones(1), np.zeros(1)
    assert found.along(one, one, zero) == 3.0
    assert np.isinf(found.along(one, one, one))


def test_variance_zero_has_no_sensitivity() -> None:
    zero, one = np.zeros(1), np.ones(1)
    for f in (th.sign(), th.hardtanh(1), th.relu()):
        found = sensitivities(f, f, zero, one, zero, zero)
        assert found.first == 0.0
    shifted = th.hard_sigmoid()
    found = sensitivities(shifted, shifted, zero, one, zero, zero)
    assert found.second == pytest.approx(
        0.5 * float(sensitivities(shifted, th.identity().derivative, one, one, zero, one).first[0])
    )
