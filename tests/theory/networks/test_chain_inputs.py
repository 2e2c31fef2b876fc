"""Exact laws: what lies outside their domain is refused, and large arguments stay finite."""

import numpy as np
import pytest

from theory.errors import InputError
from theory.networks.chains import one_layer_characteristic, sign_chain

REFUSED = [
    (lambda: one_layer_characteristic(2, 4, 1, 1), "correlation"),
    (lambda: one_layer_characteristic(np.nan, 4, 1, 1), "finite"),
    (lambda: one_layer_characteristic(0.5, 0, 1, 1), "at least 1"),
    (lambda: one_layer_characteristic(0.5, 1.5, 1, 1), "integer"),
    (lambda: one_layer_characteristic(0.5, 4, 1, 1, weight_std=-1), "positive"),
    (lambda: sign_chain([0.1, 0.2], 5), "one number"),
    (lambda: sign_chain(0.5, 4, bias_std=[1, 2]), "one number"),
    (lambda: sign_chain(0.5, [4, 4], weight_std=1e200), "float64"),
]


@pytest.mark.parametrize(
    ("call", "message"), REFUSED, ids=[f"{i}-{m}" for i, (_, m) in enumerate(REFUSED)]
)
def test_bad_arguments_are_refused(call, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_the_characteristic_function_is_the_stated_one_and_never_overflows() -> None:
    a, r = 0.3 * 0.7 / 4, 2 / np.pi * np.arcsin(0.5)
    expected = np.exp(-(0.09 + 0.49) / 2) * (np.cosh(a) - r * np.sinh(a)) ** 4
    assert one_layer_characteristic(0.5, 4, 0.3, 0.7) == pytest.approx(expected, rel=1e-14)
    assert one_layer_characteristic(-0.5, 4, 0.3, -0.7) == pytest.approx(expected, rel=1e-14)
    far = one_layer_characteristic(0.5, 4, 1e5, 1e5)
    assert far == pytest.approx(((1 - r) / 2) ** 4, rel=1e-12)
