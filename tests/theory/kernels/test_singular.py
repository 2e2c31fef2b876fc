"""How tangent kernels of jumps blow up: against mpmath far in the limit, and against the kernels themselves."""

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

import theory as th
from theory.errors import ArchitectureError, InputError, UndefinedKernelError

TRUE, TRAINED = ("true", "true"), ("true", "surrogate")
STDS = ((1.5, 0.75, 1.25, 2.0, 0.5), (0.5, 0.25, 0.0, 1.5, 0.75))


def sign_network(hidden: int, biased: bool) -> th.Architecture:
    biases = STDS[1][: hidden + 1] if biased else 0.0
    return th.Architecture(hidden, th.sign(), weight_std=STDS[0][: hidden + 1], bias_std=biases)


def by_hand(arch: th.Architecture, norm: str, angle: mp.mpf, m: mp.mpf) -> mp.mpf:
    """Return Theta for erf_m (claims T5, T13, T14) at one angle, on inputs of one norm."""
    square, noise = mp.mpf(norm) ** 2, 1 / (2 * m * m)
    stds = list(zip(arch.weight_stds, arch.bias_stds, strict=True))
    w, b = (mp.mpf(std) ** 2 for std in stds[0])
    q = w * square + b
    # q - c without cancellation: c = q - gap.
    gap = 2 * w * square * mp.sin(angle / 2) ** 2
    theta = q - gap
    for weight, bias in stds[1:]:
        w, b = mp.mpf(weight) ** 2, mp.mpf(bias) ** 2
        slope = 2 / mp.pi / mp.sqrt((gap + noise) * (2 * q - gap + noise))
        # arccos of c / (q + noise) = 2 arcsin of the root of half its distance from 1.
        turn = 2 * mp.asin(mp.sqrt((gap + noise) / (2 * (q + noise))))
        same = 2 * mp.asin(mp.sqrt(noise / (2 * (q + noise))))
        q, gap = w * (1 - 2 * same / mp.pi) + b, w * 2 / mp.pi * (turn - same)
        theta = q - gap + theta * w * slope
    return theta


@pytest.mark.parametrize("biased", [False, True], ids=["without bias", "with biases"])
@pytest.mark.parametrize("hidden", [1, 2, 3, 4])
def test_sign_networks_against_mpmath_far_in_the_limit(hidden: int, biased: bool) -> None:
    arch = sign_network(hidden, biased)
    law, ball = th.singular_law(arch, 0.75), th.certified_singular_law(arch, "3/4")
    assert law.exponent == ball.exponent == 2 - Fraction(2, 2**hidden)
    assert law.power == ball.power == hidden
    with mp.workdps(900):
        angle, m = mp.mpf(10) ** -400, mp.mpf(10) ** 800
        near = by_hand(arch, "0.75", angle, m) * angle ** mp.mpf(float(law.exponent))
        steep = by_hand(arch, "0.75", mp.mpf(0), mp.mpf(10) ** 60) / mp.mpf(10) ** (60 * hidden)
        for found, ball_found, expected in (
            (law.coefficient, ball.coefficient, near),
            (law.diagonal, ball.diagonal, steep),
        ):
            assert found == pytest.approx(float(expected), rel=1e-13)
            middle = mp.mpf(ball_found.mid().str(40, radius=False))
            assert abs(middle / expected - 1) < mp.mpf(10) ** -30
            assert ball_found.rel_accuracy_bits() > 100


def test_the_constants_of_unit_sign_networks() -> None:
    for hidden in range(1, 9):
        law = th.singular_law(th.Architecture(hidden, th.sign()))
        exponent = 2 - 2.0 ** (1 - hidden)
        assert law.coefficient == pytest.approx((4 / np.pi) ** exponent / 2**hidden, rel=1e-13)
        assert law.diagonal == pytest.approx((2 / np.pi) ** hidden, rel=1e-13)


STAIRS = th.staircase(("-1/3", "1", "2"), (0, 1, 3, "5/2"))
BINARY = th.binarized(th.hardtanh("1/2"), th.hardtanh(1))
NETWORKS = {
    "heaviside": (th.Architecture(1, th.heaviside(), bias_std=0.5), TRUE),
    "ternary": (th.Architecture(1, th.ternary("1/2"), weight_std=1.5), TRUE),
    "staircase": (th.Architecture(1, STAIRS, bias_std=0.25), TRUE),
    "relu below": (th.Architecture(2, (th.relu(), th.sign()), bias_std=0.5), TRUE),
    "gelu above": (th.Architecture(2, (th.sign(), th.gelu()), bias_std=0.5), TRUE),
    "jumps of both": (th.Architecture(1, STAIRS, th.ternary(1), bias_std=0.5), TRAINED),
    "surrogate sign": (th.Architecture(1, th.hardtanh(1), th.sign()), ("surrogate", "surrogate")),
    "binarized": (th.Architecture(1, th.sign(), bias_std=0.5, weights=BINARY), TRUE),
}


@pytest.mark.parametrize("case", NETWORKS)
def test_any_network_against_its_own_kernel(case: str) -> None:
    """Near the diagonal, and on it with Gaussian noise: what is left over shrinks as it has to."""
    arch, pair = NETWORKS[case]
    law = th.singular_law(arch, 1.5, pair)
    assert law.power == 1
    one = 1.5 * np.sqrt(2) * np.array([[1.0, 0.0]])
    for angle, rest in ((1e-4, 1e-2), (1e-8, 1e-4)):
        turned = 1.5 * np.sqrt(2) * np.array([[np.cos(angle), np.sin(angle)]])
        kernel = th.ntk(arch, one, turned, pair, first_layer="gaussian").item()
        stated = law.coefficient * angle ** -float(law.exponent)
        assert kernel == pytest.approx(stated, rel=3 * rest)
    for m, rest in ((10**3, 1e-2), (10**5, 1e-4)):
        noise = sp.sqrt(2) / (2 * m)
        smoothed = th.Architecture(
            arch.hidden_layers,
            [f.smoothed(noise) for f in arch.activation],
            [g.smoothed(noise) for g in arch.surrogate],
            weight_std=arch.weight_std, bias_std=arch.bias_std, weights=arch.weights,
        )  # fmt: skip
        kernel = th.ntk(smoothed, one, jacobians=pair, first_layer="gaussian").item()
        assert kernel == pytest.approx(law.diagonal * m, rel=rest)


def test_exponents_follow_the_layers() -> None:
    def exponent(*layers):
        return th.singular_law(th.Architecture(len(layers), layers)).exponent

    sign, relu = th.sign(), th.relu()
    assert exponent(relu, sign) == exponent(sign, relu) == 1
    assert exponent(sign, relu, sign) == exponent(relu, sign, sign) == Fraction(3, 2)
    # Jumps that no Jacobian differentiates still turn delta into its root.
    arch = th.Architecture(2, (sign, sign), (th.hardtanh(1), sign))
    assert th.singular_law(arch, jacobians=TRAINED).exponent == Fraction(1, 2)
    assert th.singular_law(arch, jacobians=TRAINED).power == 1


def test_finite_kernels_have_their_diagonal() -> None:
    for arch, pair in (
        (th.Architecture(2, th.hardtanh("1/2"), weight_std=1.5, bias_std=0.5), TRUE),
        (th.Architecture(2, th.sign(), th.hardtanh(1), bias_std=0.5), TRAINED),
    ):
        norms = np.array([0.5, 2.0])
        law = th.singular_law(arch, norms, pair)
        assert (law.exponent, law.power) == (0, 0)
        inputs = norms[:, None] * np.ones((2, 3))
        diagonal = np.diag(th.ntk(arch, inputs, jacobians=pair))
        np.testing.assert_allclose(law.coefficient, diagonal, rtol=1e-12)
        np.testing.assert_allclose(law.diagonal, diagonal, rtol=1e-12)
        ball = th.certified_singular_law(arch, 2, pair).diagonal
        assert abs(float(ball.mid()) - diagonal[1]) < 1e-12 * diagonal[1]


def test_refusals() -> None:
    arch = th.Architecture(1, th.sign())
    for bad in (0.0, -1.0, [1.0, 0.0]):
        with pytest.raises(InputError, match="norm must be positive"):
            th.singular_law(arch, bad)
    with pytest.raises(InputError, match="norm must be positive"):
        th.certified_singular_law(arch, 0)
    with pytest.raises(InputError, match="no closed form"):
        th.certified_singular_law(th.Architecture(2, (th.tanh(1), th.sign())))
    with pytest.raises(ArchitectureError, match="float64 only"):
        th.certified_singular_law(NETWORKS["binarized"][0])
    valley = th.staircase(("-1/2", "1/2"), (1, 0, 1))
    for law in (th.singular_law, th.certified_singular_law):
        with pytest.raises(UndefinedKernelError, match="hidden layer 1: the leading term"):
            law(th.Architecture(1, th.ternary("1/2"), valley), jacobians=TRAINED)
