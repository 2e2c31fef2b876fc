"""Malformed arguments of the symbolic floors: a typed error that shows the value, before any work."""

import numpy as np
import pytest

import theory as th
from theory.errors import ActivationError, InputError

F = th.expectation(th.hardtanh("1/2"), th.sign())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        pytest.param(lambda: th.sign() + 1, ActivationError, "number on the left", id="1"),
        pytest.param(lambda: th.sign() * "2", ActivationError, "number on the left", id="2"),
        pytest.param(lambda: th.binarized(None), ActivationError, "None", id="3"),
        pytest.param(
            lambda: th.binarized("sign", th.hardtanh(1)), ActivationError, "'sign'", id="4"
        ),
        pytest.param(lambda: th.binarized(th.sign(), 0.5), ActivationError, "0.5", id="5"),
        pytest.param(lambda: th.staircase(0, 1), ActivationError, "list of thresholds", id="6"),
        pytest.param(lambda: th.from_piecewise("x"), ActivationError, "pairs", id="7"),
        pytest.param(lambda: th.from_piecewise([(1, 2, 3)]), ActivationError, "pairs", id="8"),
        pytest.param(lambda: th.expectation([1]), InputError, r"\[1\]", id="9"),
        pytest.param(
            lambda: th.expectation(th.sign(), np.ones(2)),
            InputError,
            "must be an activation",
            id="10",
        ),
        pytest.param(lambda: F.float64([1, 2], [1, 2, 3], 0), InputError, "broadcast", id="11"),
        pytest.param(lambda: F.mp(1, 2, 0, digits=0), InputError, "digits.*0", id="12"),
        pytest.param(lambda: F.mp(np.ones(2), 2, 0), InputError, "single real number", id="13"),
        pytest.param(lambda: F.ball(1, 2, "1/2", bits=1.5), InputError, "bits.*1.5", id="14"),
        pytest.param(lambda: th.hardtanh("1e999999999"), InputError, "1e999999999", id="15"),
        pytest.param(lambda: th.hardtanh("1e"), InputError, "1e|exact", id="16"),
    ],
)
def test_it_is_refused(call, error, message) -> None:
    with pytest.raises(error, match=message):
        call()


def test_powers_of_ten_stay_exact() -> None:
    assert th.hardtanh("2.5e-1") == th.hardtanh("1/4")
    assert th.expectation(th.sign()) is th.expectation(th.sign())
