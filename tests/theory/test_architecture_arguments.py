"""What is no architecture, and numbers beyond any machine, are refused before any work."""

import numpy as np
import pytest

import theory as th
from theory.errors import ArchitectureError, InputError

X = np.array([[1.0, 0.5], [0.2, -2.0]])
ARCH = th.Architecture(1, th.hardtanh(1))

USES = {
    "nngp": lambda arch: th.nngp(arch, X),
    "ntk": lambda arch: th.ntk(arch, X),
    "standard_ntk": lambda arch: th.standard_ntk(arch, X, 4),
    "layer_covariances": lambda arch: th.layer_covariances(arch, X),
    "kernel_expression": lambda arch: th.kernel_expression(arch),
    "sample_networks": lambda arch: th.sample_networks(arch, X, 4, 3),
    "sample_covariances": lambda arch: th.sample_covariances(arch, X, 4, 3),
    "basteri_trevisan": lambda arch: th.bounds.basteri_trevisan(arch, X, 4),
    "wasserstein2_to_limit": lambda arch: th.distances.wasserstein2_to_limit(arch, X, 4),
}


@pytest.mark.parametrize("use", USES)
def test_no_architecture(use) -> None:
    for value in (None, "sign", th.sign(), th.Architecture):
        with pytest.raises(ArchitectureError, match="arch must be"):
            USES[use](value)


def test_numbers_beyond_any_machine() -> None:
    with pytest.raises(ArchitectureError, match="hidden_layers"):
        th.Architecture(10**9, th.relu())
    for sample in (th.sample_networks, th.sample_covariances):
        with pytest.raises(InputError, match="width"):
            sample(ARCH, X, 2**63, 3)
        with pytest.raises(InputError, match="memory"):
            sample(ARCH, X, 4, 2**39)
        with pytest.raises(InputError, match="progress"):
            sample(ARCH, X, 4, 3, progress=3)


def test_numpy_integers_number_networks() -> None:
    later = th.sample_networks(ARCH, X, 4, 20, first=np.int8(120))
    np.testing.assert_array_equal(
        later.outputs, th.sample_networks(ARCH, X, 4, 20, first=120).outputs
    )


@pytest.mark.parametrize("widths", [None, 2.5, True, [3, 0], "34"])
def test_widths_of_the_exact_laws(widths) -> None:
    with pytest.raises(InputError, match="width"):
        th.sign_chain(0.5, widths)
    with pytest.raises(InputError, match="width"):
        th.relu_law(widths)


@pytest.mark.parametrize("name", ["weight_std", "bias_std"])
@pytest.mark.parametrize("value", [1e200, 1e-200])
def test_squares_that_leave_float64(name, value) -> None:
    with pytest.raises(ArchitectureError, match=f"{name} must lie between"):
        th.Architecture(1, th.relu(), **{name: value})


def test_inputs_out_of_all_proportion() -> None:
    for sample in (th.sample_networks, th.sample_covariances):
        with pytest.raises(InputError, match="rescale the inputs"):
            sample(ARCH, [[1e300, 1.0]], 4, 3)
