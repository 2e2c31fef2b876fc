"""Schedules at their ends, and Adam against its definition."""

from fractions import Fraction

import numpy as np
import pytest

from theory.errors import InexactInputError, InputError
from theory.quantized import Adam, Constant, Cosine, Geometric, Gradient, Linear, Power, schedule
from theory.quantized.schedules import fitting


def test_schedules_at_their_ends() -> None:
    assert [Constant(Fraction(1, 3))(t) for t in (0, 9)] == [Fraction(1, 3)] * 2
    assert Linear(1, Fraction(1, 2))(3) == Fraction(5, 2)
    assert [Power(0.2, -0.5)(t) for t in (0, 3)] == [0.2, 0.1]
    down, up = Geometric(1.0, 0.5, 0.2), Geometric(1.0, 3.0, 50.0)
    assert [down(t) for t in (0, 1, 2, 3, 10**6)] == pytest.approx([1, 0.5, 0.25, 0.2, 0.2])
    assert [up(t) for t in (0, 1, 3, 10**6)] == pytest.approx([1, 3, 27, 50])
    cosine = Cosine(1.0, 0.1, 10)
    assert [cosine(t) for t in (0, 5, 10, 99)] == pytest.approx([1, 0.55, 0.1, 0.1])


def test_numbers_are_schedules_and_words_are_not() -> None:
    assert schedule(0.3, "rate")(7) == 0.3
    assert schedule(Constant(2), "rate") == Constant(2)
    for value in ("fast", None, True):
        with pytest.raises(InputError, match="rate must be"):
            schedule(value, "rate")


def test_adam_follows_its_definition() -> None:
    adam, gradients = Adam(0.8, 0.9, 1e-8), np.random.default_rng(0).standard_normal((5, 3))
    memory = adam.start(3)
    for t, gradient in enumerate(gradients):
        moved, memory = adam(memory, gradient, t)
        ages = np.arange(t, -1, -1)[:, None]
        mean = (0.2 * 0.8**ages * gradients[: t + 1]).sum(axis=0) / (1 - 0.8 ** (t + 1))
        square = (0.1 * 0.9**ages * gradients[: t + 1] ** 2).sum(axis=0) / (1 - 0.9 ** (t + 1))
        np.testing.assert_allclose(moved, mean / (np.sqrt(square) + 1e-8), rtol=1e-12)
    assert (Adam().bits, Gradient().bits) == (64, 0)


def test_constants_keep_the_arithmetic_of_the_weights() -> None:
    exact, floats = np.array([Fraction(1)], dtype=object), np.ones(1)
    assert fitting(Fraction(1, 4), exact, "rate") == Fraction(1, 4)
    assert isinstance(fitting(Fraction(1, 4), floats, "rate"), float)
    with pytest.raises(InexactInputError, match=r"rate = 0\.1"):
        fitting(0.1, exact, "rate")
