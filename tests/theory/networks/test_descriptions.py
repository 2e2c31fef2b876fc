"""A description says all that decides the bits: it survives JSON and pickling, and tells what differs."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

import theory as th
from theory.activations import catalogue
from theory.errors import ArchitectureError, InputError, UndefinedKernelError
from theory.networks.canonical import decode, encode
from theory.networks.description import VERSION

X = np.array([[1.0, 0.5], [0.2, -2.0]])
ARCH = th.Architecture(2, th.hardtanh("1/2"), th.hardtanh(1), weight_std=1.2, bias_std=0.3)
FUNCTIONS = {**catalogue(), **catalogue(closed=False)}


def described(**changes):
    given = {"arch": ARCH, "X": X, "width": (3, 5), "seed": 7, "method": "weights", **changes}
    return th.Description.of(
        given.pop("arch"), given.pop("X"), given.pop("width"), given.pop("seed"), **given
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_activation_survives_json(name):
    function = FUNCTIONS[name]
    law = th.binarized(th.hardtanh("1/3"), th.erf(1))
    arch = th.Architecture(1, function, th.hardtanh(1), weights=[law, th.ternary_weights(0.3)])
    here = described(arch=arch, width=3, jacobians=[("surrogate", "surrogate")])
    text = json.loads(json.dumps(here.document(), allow_nan=False))
    there = th.Description.from_document(text, X)
    assert there == here
    assert there.arch == arch
    assert str(there.arch) == str(arch)


def test_pickling_gives_one_object_a_process():
    data = pickle.dumps(described())
    assert pickle.loads(data) == described()
    assert pickle.loads(data) is pickle.loads(data)
    other = described(seed=8)
    assert pickle.loads(pickle.dumps(other)) == other


def test_what_a_function_is_called_does_not_count():
    renamed = replace(th.relu(), name="ramp", label="r")
    one, other = (described(arch=th.Architecture(1, f), width=4) for f in (th.relu(), renamed))
    assert one.digest == other.digest
    assert one.difference(other) == []


def test_choices_are_made():
    arch = th.Architecture(1, th.relu())
    free = described(arch=arch, width=4, method="auto")
    assert free.method in ("exact", "weights")
    assert free == described(arch=arch, width=[4], method=free.method)


CHANGES = {
    "seed": ({"seed": 8}, "seed: 7 here, 8 asked for"),
    "widths": ({"width": (3, 6)}, "widths: (3, 5) here, (3, 6) asked for"),
    "kernels": ({"ntk": False}, "jacobians: ((true, surrogate)) here, () asked for"),
    "dtype": ({"dtype": "float32"}, "dtype: float64 here, float32 asked for"),
    "conditional": (
        {"method": "exact", "conditional": True},
        "conditional: False here, True asked for",
    ),
    "outputs": ({"outputs": 2}, "outputs: 1 here, 2 asked for"),
    "jacobians": (
        {"jacobians": [("true", "true")]},
        "jacobians: ((true, surrogate)) here, ((true, true)) asked for",
    ),
    "activation": (
        {"arch": replace(ARCH, activation=(th.hardtanh("1/2"), th.hardtanh("1/3")))},
        "activation of layer 2: hardtanh(1/2) here, hardtanh(1/3) asked for",
    ),
    "bias": ({"arch": replace(ARCH, bias_std=0.5)}, "bias_std of layer 3: 0.3 here, 0.5 asked for"),
    "weights": (
        {"arch": replace(ARCH, weights=th.rademacher())},
        "weights of layer 1: gaussian here, rademacher asked for",
    ),
    "one input": (
        {"X": np.add(X, [[0, 2e-16], [0, 0]])},
        "inputs: 1 of 4 entries, the first X[0, 1] = 0.5 here, 0.5000000000000002 asked for",
    ),
    "sign of zero": (
        {"X": X * [[1, 1], [-0.0, 1]]},
        "inputs: 1 of 4 entries, the first X[1, 0] = 0.2 here, -0.0 asked for",
    ),
    "shape": ({"X": X[:1]}, "inputs: shape (2, 2) here, (1, 2) asked for"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_difference_is_told(name):
    changes, line = CHANGES[name]
    here, there = described(), described(**changes)
    assert here != there
    assert line in here.difference(there)


def test_the_version_of_the_samplers_counts(monkeypatch):
    here = described()
    document, digest = here.document(), here.digest
    monkeypatch.setattr("theory.networks.description.VERSION", 99)
    assert described().digest != digest
    with pytest.raises(InputError, match=rf"version {VERSION}, and this is version 99.*zarr"):
        th.Description.from_document(document, X)


def test_other_inputs_than_those_described_are_refused():
    with pytest.raises(InputError, match="inputs came out different"):
        th.Description.from_document(described().document(), X + 1.0)


def test_requests_are_refused_as_by_the_sampler():
    with pytest.raises(InputError, match="seed"):
        described(seed=-1)
    with pytest.raises(UndefinedKernelError):
        described(arch=th.Architecture(1, th.sign()), width=3)
    with pytest.raises(ArchitectureError, match="arch must be"):
        described(arch="two layers")


def test_only_exact_data_have_a_form():
    with pytest.raises(InputError, match="no exact form"):
        encode(object())
    for data in ({"is": "Path"}, {"is": "exact", "value": ["eval", 1]}):
        with pytest.raises(InputError, match="can read"):
            decode(data)
