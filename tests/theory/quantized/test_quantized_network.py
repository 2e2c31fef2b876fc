"""Small networks: exact and float passes agree, gradients are derivatives, and jumps follow the convention."""

from fractions import Fraction

import numpy as np
import pytest

import theory as th
from theory.activations import Activation
from theory.errors import ActivationError, ArchitectureError, InputError
from theory.quantized import Loss, Network, cross_entropy, errors, squared, squared_hinge

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("loss", [squared, squared_hinge, cross_entropy], ids=str)
@pytest.mark.parametrize("hidden", [(), (5,), (4, 3)], ids=str)
def test_gradient_is_the_derivative_where_there_are_no_surrogates(
    loss: Loss, hidden: tuple[int, ...]
) -> None:
    network = Network((3, *hidden, 2), th.tanh(1), loss=loss)
    w, X = RNG.standard_normal(network.dim), RNG.standard_normal((6, 3))
    Y = loss.targets(RNG.integers(2, size=6), 2)
    step = 1e-6 * np.eye(network.dim)
    slopes = [(network.energy(w + h, X, Y) - network.energy(w - h, X, Y)) / 2e-6 for h in step]
    np.testing.assert_allclose(network.gradient(w, X, Y), slopes, atol=1e-7)


@pytest.mark.parametrize("loss", [squared, squared_hinge], ids=str)
@pytest.mark.parametrize("activation", [th.sign(), th.ternary("1/2"), th.hardtanh("1/2")], ids=str)
def test_rationals_and_floats_agree(loss: Loss, activation: Activation) -> None:
    network = Network((3, 4, 2, 2), activation, th.hardtanh(1), loss, scaled=False)
    w = RNG.integers(-1, 2, network.dim)
    X, Y = RNG.integers(-2, 3, (5, 3)) / 2, 2.0 * RNG.integers(0, 2, (5, 2)) - 1
    exact = [np.vectorize(Fraction, otypes=[object])(array) for array in (w, X, Y)]
    floats = (w.astype(float), X, Y)
    assert isinstance(network.energy(*exact), Fraction)
    assert float(network.energy(*exact)) == pytest.approx(network.energy(*floats), abs=1e-13)
    gradient = network.gradient(*exact)
    assert all(isinstance(entry, Fraction | int) for entry in gradient)
    np.testing.assert_allclose(gradient.astype(float), network.gradient(*floats), atol=1e-13)


def test_jumps_take_the_limit_nearer_zero_and_windows_are_closed() -> None:
    z = np.array([-1.5, -0.5, 0.0, 0.5, 1.0])
    sign = Network((1, 1), th.sign(), th.hardtanh("1/2"))
    ternary = Network((1, 1), th.ternary("1/2"), th.hardtanh(1))
    assert sign.value(z).tolist() == [-1, -1, 1, 1, 1]
    assert sign.slope(z).tolist() == [0, 2, 2, 2, 0]
    assert ternary.value(z).tolist() == [-1, 0, 0, 0, 1]
    exact = np.array([Fraction(entry) for entry in z], dtype=object)
    assert sign.value(exact).tolist() == sign.value(z).tolist()
    assert ternary.slope(exact).tolist() == ternary.slope(z).tolist() == [0, 1, 1, 1, 1]


def test_a_neuron_by_hand() -> None:
    neuron = Network((2, 1), th.sign(), loss=errors, scaled=False)
    assert neuron.shapes == ((1, 3),)
    w, X = np.array([1.0, -1.0, 0.0]), np.array([[2.0, 1.0], [0.0, 1.0], [1.0, 1.0]])
    Y = np.array([[1.0], [1.0], [-1.0]])
    # Outputs 1, -1, 0; an output of 0 stands for +1.
    assert neuron.outputs(w, X).ravel().tolist() == [1, -1, 0]
    assert neuron.energy(w, X, Y) == pytest.approx(2 / 3)
    assert neuron.errors(w, X, Y) == 2


def test_scale_bias_and_places() -> None:
    network = Network((3, 2, 1), th.sign())
    assert network.shapes == ((2, 4), (1, 3))
    assert network.dim == 11
    w = np.arange(11.0)
    first, last = network.layers(w)
    for j in range(11):
        layer, row, column = network.place(j)
        assert (first, last)[layer][row, column] == j
    X = RNG.standard_normal((4, 3))
    np.testing.assert_allclose(
        network.preactivations(w, X)[0], (X @ first[:, :3].T + first[:, 3]) / 2
    )


def test_refusals() -> None:
    with pytest.raises(ArchitectureError, match="one neuron"):
        Network((3,), th.sign())
    with pytest.raises(ActivationError, match="activation"):
        Network((3, 1), th.sign().derivative)
    network = Network((2, 1), th.sign(), loss=errors)
    with pytest.raises(InputError, match="no derivative"):
        network.gradient(np.zeros(3), np.zeros((1, 2)), np.zeros((1, 1)))
    with pytest.raises(InputError, match="3 weights"):
        network.outputs(np.zeros(4), np.zeros((1, 2)))
    with pytest.raises(InputError, match="beyond"):
        network.place(3)
    with pytest.raises(InputError, match="scaled=False"):
        network.outputs(np.array([Fraction(1)] * 3, dtype=object), np.zeros((1, 2)))
    smooth = Network((2, 2, 1), th.tanh(1), scaled=False)
    with pytest.raises(InputError, match="piecewise"):
        smooth.outputs(np.array([Fraction(1)] * 9, dtype=object), np.zeros((1, 2)))
