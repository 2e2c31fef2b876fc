"""Expectations of products on several variables: singular covariances, float64, many digits, errors."""

from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
import sympy as sp

import theory as th
from theory.errors import ActivationError, DomainError, InexactInputError, InputError
from theory.gaussian import several_signs

K3 = [["1", "1/2", "-3/10"], ["1/2", "2", "2/5"], ["-3/10", "2/5", "7/10"]]
K4 = [
    ["1", "1/2", "3/10", "1/5"],
    ["1/2", "2", "-2/5", "1/10"],
    ["3/10", "-2/5", "1", "3/5"],
    ["1/5", "1/10", "3/5", "3/2"],
]


def floats(K):
    return np.array([[float(Fraction(entry)) for entry in row] for row in K])


def holds(ball, fraction):
    """Whether a ball contains a fraction."""
    with flint.ctx.workprec(400):
        return (ball * fraction.denominator - fraction.numerator).contains(0)


# ---------------------------------------------------------------- singular covariances


def test_duplicates_are_factors_on_one_variable():
    f, g, h = th.hardtanh(1), th.erf(1), th.sign()
    K = [[1, 1, "1/2"], [1, 1, "1/2"], ["1/2", "1/2", 2]]
    three = th.joint_expectation([f, g, h]).ball(K, bits=80)
    two = th.joint_expectation([f, g, h], variables=(0, 0, 1)).ball(
        [[1, "1/2"], ["1/2", 2]], bits=80
    )
    assert three.overlaps(two)


def test_multiples_are_functions_of_one_variable():
    # u_2 = -2 u_1: relu(u_1) relu(-2 u_1) = 0, and E|u| = sqrt(2/pi) from both halves.
    K = [[1, -2, 1], [-2, 4, -2], [1, -2, 3]]
    r, one = th.relu(), th.sign()
    assert th.joint_expectation([r, r, r]).ball(K) == 0
    value = th.joint_expectation([th.identity(), th.identity(), one * one]).ball(K, bits=90)
    assert holds(value, Fraction(-2))


def test_irrational_multiples():
    K = sp.Matrix(
        [[1, sp.sqrt(2), "1/2"], [sp.sqrt(2), 2, sp.sqrt(2) / 2], ["1/2", sp.sqrt(2) / 2, 1]]
    )
    three = th.joint_expectation([th.hardtanh(1), th.sign(), th.hardtanh(1)]).ball(K, bits=80)
    two = th.expectation(th.hardtanh(1) * th.sign(), th.hardtanh(1)).ball(1, 1, "1/2", bits=80)
    assert three.overlaps(two)


def test_a_zero_row_means_the_value_at_zero():
    K = [[1, 0, "1/2"], [0, 0, 0], ["1/2", 0, 2]]
    assert th.joint_expectation([th.sign()] * 3).ball(K) == 0
    value = th.joint_expectation([th.hardtanh(1), th.heaviside(), th.sign()]).ball(K, bits=80)
    pair = th.expectation(th.hardtanh(1), th.sign()).ball(1, 2, "1/2", bits=80)
    assert (2 * value).overlaps(pair)


def test_three_variables_in_a_plane():
    # u_3 = u_1 + u_2 is positive wherever u_1 and u_2 are, on a quarter of the plane.
    K = [[1, 0, 1], [0, 1, 1], [1, 1, 2]]
    quarter = th.joint_expectation([th.heaviside()] * 3).ball(K, bits=100)
    assert holds(quarter, Fraction(1, 4))
    # Shifted thresholds: P(u > 1, v > 1, u + v > 2) = P(u > 1)^2, the third condition being implied.
    above = th.from_piecewise([(0, (-sp.oo, 1)), (1, (1, sp.oo))])
    above_two = th.from_piecewise([(0, (-sp.oo, 2)), (1, (2, sp.oo))])
    value = th.joint_expectation([above, above, above_two]).ball(K, bits=60)
    alone = th.expectation(above).ball(1, bits=60)
    assert value.overlaps(alone * alone)
    assert value.rel_accuracy_bits() >= 60


@pytest.mark.slow
def test_four_variables_in_three_dimensions_with_thresholds():
    K = sp.Matrix([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 0], [1, 1, 0, 2]])
    K[2, 2], K[0, 2], K[2, 0], K[2, 3], K[3, 2] = 2, 1, 1, 1, 1
    above = [th.from_piecewise([(0, (-sp.oo, a)), (1, (a, sp.oo))]) for a in (1, 1, "1/2", 2)]
    four = th.joint_expectation(above).ball(K, bits=40)
    three = th.joint_expectation(above[:3]).ball(K[:3, :3], bits=40)
    assert four.overlaps(three)
    assert four.rel_accuracy_bits() >= 40


# ---------------------------------------------------------------- float64


def test_float64_broadcasts_and_is_the_rounded_ball():
    F = th.joint_expectation([th.erf(1), th.hardtanh(1), th.relu()])
    rng = np.random.default_rng(3)
    roots = rng.normal(size=(2, 3, 3, 3))
    matrices = roots @ roots.swapaxes(-1, -2)
    values = F.float64(matrices)
    assert values.shape == (2, 3)
    for where in np.ndindex(2, 3):
        symmetric = np.triu(matrices[where]) + np.triu(matrices[where], 1).T
        truth = F.mp(symmetric, digits=20)
        assert abs(values[where] - truth) <= 1e-12 * (1 + abs(truth))


def test_float64_at_singular_matrices():
    x = np.array([[1.0, 0.3], [1.0, 0.3], [-1.0, -0.3], [0.2, -1.1]])
    K = x @ x.T
    s = th.sign()
    pair = th.expectation(s, s).float64(K[0, 0], K[3, 3], K[0, 3])
    assert th.joint_expectation([s] * 4).float64(K) == pytest.approx(0.0 - 0.0 + -pair, abs=1e-12)
    flat = np.array([[1.0, 0.5, 0.2], [0.1, -0.4, 1.0]])
    plane = flat.T @ flat
    h = th.heaviside()
    angles = [
        np.arcsin(plane[i, j] / np.sqrt(plane[i, i] * plane[j, j]))
        for i, j in ((0, 1), (0, 2), (1, 2))
    ]
    assert th.joint_expectation([h] * 3).float64(plane) == pytest.approx(
        1 / 8 + sum(angles) / (4 * np.pi), abs=1e-12
    )


SIGNS = {
    "four error functions": ((th.erf(1),) * 4, (0, 0, 1, 1)),
    "four signs": ((th.sign(),) * 4, (0, 1, 2, 3)),
    "three kinds": ((th.erf(2), th.sign(), th.heaviside()), (0, 1, 2)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SIGNS)
def test_vectorised_signs_keep_their_error_bound(name):
    functions, variables = SIGNS[name]
    F = th.joint_expectation(functions, variables)
    size = F.K.rows
    roots = np.random.default_rng(5).normal(size=(40, size, size))
    # From well-conditioned to nearly singular.
    roots[:, -1] *= np.logspace(0, -3, 40)[:, None]
    matrices = roots.swapaxes(-1, -2) @ roots
    matrices = (matrices + matrices.swapaxes(-1, -2)) / 2
    terms = several_signs.terms_of(tuple(f for f, _ in F._factors), tuple(k for _, k in F._factors))
    assert terms is not None
    values, bounds = several_signs.evaluate(terms, matrices)
    kept = 0
    for value, bound, matrix in zip(values, bounds, matrices, strict=True):
        truth = F.mp(matrix, digits=20)
        assert abs(value - truth) <= bound, f"{value} instead of {truth}, {bound} allowed"
        assert abs(F.float64(matrix) - truth) <= 1e-12 * abs(truth)
        kept += bound <= 1e-12 * abs(truth)
    assert kept, "no point was left to the vectorised path"


@pytest.mark.parametrize("variance", [1e-12, 1.0, 1e12], ids=str)
def test_float64_at_extreme_variances(variance):
    K = floats(K3) * variance
    F = th.joint_expectation([th.hardtanh(1), th.erf(1), th.relu()])
    truth = F.mp(K, digits=30)
    assert abs(F.float64(K) - truth) <= 1e-12 * abs(truth)


def test_mp_to_many_digits():
    F = th.joint_expectation([th.sign()] * 4)
    assert abs(F.mp(K4, digits=150) - F.mp(K4, digits=60)) < mpmath.mpf("1e-59")


# ---------------------------------------------------------------- errors

S, H = th.sign(), th.heaviside()
INDEFINITE = [[1, 2], [2, 1]]
SMALL = np.array([[0.0, 0.0, 0.0], [0.0, 1e-6, 2e-6], [0.0, 2e-6, 1e-6]])


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: th.joint_expectation([]), InputError, "between 1 and 8"),
        (lambda: th.joint_expectation([S, 3]), InputError, "got 3"),
        (lambda: th.joint_expectation([S, S], variables=(0, 2)), InputError, "without gaps"),
        (
            lambda: th.joint_expectation([S, S], variables=(0,)),
            InputError,
            "one variable a function",
        ),
        (lambda: th.joint_expectation([S] * 5), InputError, "5 factors with steps"),
        (lambda: th.joint_expectation([S, S]).ball(INDEFINITE), InputError, "no covariance"),
        (lambda: th.joint_expectation([S, S]).float64(INDEFINITE), InputError, "semidefinite"),
        (
            lambda: th.joint_expectation([S] * 3).float64(np.diag([1e12, 0, 0]) + SMALL),
            InputError,
            "scaled to correlations",
        ),
        (lambda: th.joint_expectation([S, S]).ball([[1, 0]]), InputError, "2 rows"),
        (lambda: th.joint_expectation([S, S]).ball(3), InputError, "matrix"),
        (lambda: th.joint_expectation([S, S]).float64(np.eye(3)), InputError, r"\(\.\.\., 2, 2\)"),
        (lambda: th.joint_expectation([S, S]).ball([[1, 0], ["1/2", 1]]), InputError, "symmetric"),
        (lambda: th.joint_expectation([S, S]).ball([[1, 0.5], [0.5, 1]]), InexactInputError, "0.5"),
        (
            lambda: th.joint_expectation([S.derivative, S.derivative], (0, 0)),
            DomainError,
            "infinite",
        ),
        (lambda: th.joint_expectation([S.derivative, S], (0, 0)), DomainError, "jump"),
        (
            lambda: th.joint_expectation([S.derivative, H, H]).ball(
                [[0, 0, 0], [0, 1, 0], [0, 0, 1]]
            ),
            DomainError,
            "variance 0",
        ),
        (
            lambda: th.joint_expectation([S.derivative] * 3).ball(
                [[1, 0, 1], [0, 1, 1], [1, 1, 2]]
            ),
            DomainError,
            "is infinite",
        ),
        (
            lambda: th.joint_expectation([th.sine(), S, H]).ball(K3),
            ActivationError,
            "two factors at a time",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_errors(call, error, says):
    with pytest.raises(error, match=says):
        call()
