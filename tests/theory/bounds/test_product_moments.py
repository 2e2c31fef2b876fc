"""Products of four factors without closed forms: against closed forms where there are some."""

import numpy as np
import pytest

import theory as th
from theory.coupling import product_moment
from theory.errors import DomainError

COVARIANCE = np.array(
    [[1.3, 0.4, -0.2, 0.3], [0.4, 0.9, 0.25, 0.1], [-0.2, 0.25, 1.1, -0.3], [0.3, 0.1, -0.3, 0.8]]
)
POWERS = {"one": (4,), "two": (2, 2), "odd": (3, 1), "three": (2, 1, 1), "four": (1, 1, 1, 1)}


CASES = [(f, name) for f in (th.relu(), th.hardtanh(1)) for name in POWERS if name != "four"]


@pytest.mark.parametrize(("f", "name"), [*CASES, (th.erf(1), "four")], ids=str)
def test_against_closed_forms(f, name):
    powers = POWERS[name]
    block = COVARIANCE[: len(powers), : len(powers)]
    variables = np.repeat(np.arange(len(powers)), powers).tolist()
    expected = float(th.joint_expectation([f] * 4, variables=variables).float64(block))
    assert product_moment(f, powers, block) == pytest.approx(expected, rel=1e-10)


def test_nearly_parallel_inputs_take_more_points():
    block = np.array([[1.0, 0.999], [0.999, 1.1]])
    expected = th.joint_expectation([th.relu()] * 4, variables=(0, 0, 1, 1)).float64(block)
    assert product_moment(th.relu(), (2, 2), block) == pytest.approx(float(expected), rel=1e-9)


def test_dependent_variables_and_steep_functions_are_refused(monkeypatch):
    with pytest.raises(DomainError, match="combination"):
        product_moment(th.softsign(1), (2, 2), np.ones((2, 2)))
    monkeypatch.setattr("theory.coupling.product_moments.MOST_POINTS", 10_000)
    with pytest.raises(DomainError, match="too steep"):
        product_moment(th.sine(200), (2, 1, 1), COVARIANCE[:3, :3])
