"""A packed network predicts what the network predicts, bit by bit."""

import numpy as np
import pytest

import theory as th
from theory.errors import InputError
from theory.quantized import Network
from theory.quantized.packed_network import PackedNetwork

RANDOM = np.random.default_rng(4)
REAL = RANDOM.normal(size=(9, 5))
TRITS = RANDOM.integers(-1, 2, (9, 5)).astype(float)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("activation", [th.sign(), th.ternary(1)], ids=str)
@pytest.mark.parametrize("levels", [(-1, 1), (-1, 0, 1)], ids=str)
def test_outputs_are_those_of_the_network(levels, activation, scaled, bias):
    network = Network((5, 70, 33, 3), activation, bias=bias, scaled=scaled)
    weights = RANDOM.choice(np.array(levels, float), network.dim)
    packed = PackedNetwork.of(network, weights)
    for x in (REAL, TRITS):
        np.testing.assert_array_equal(packed.outputs(x), network.outputs(weights, x))
    rows = [8 * -(-columns // 64) * rows for rows, columns in network.shapes]
    assert packed.nbytes == sum(rows) * (1 if 0 not in levels else 2)


def test_refusals():
    network = Network((5, 4, 1), th.tanh(1))
    with pytest.raises(InputError, match="hold -1, 0 and"):
        PackedNetwork.of(network, np.full(network.dim, 0.5))
    packed = PackedNetwork.of(network, np.ones(network.dim))
    with pytest.raises(InputError, match="other values"):
        packed.outputs(REAL)
    with pytest.raises(InputError, match="takes 5"):
        packed.outputs(np.ones((2, 4)))
