"""Texts mean the activations, laws and numbers that they name, exactly."""

import pytest
import sympy as sp

import theory as th
from hardlimit import parsing
from theory.activations import catalogue, x

HALF = sp.Rational(1, 2)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("sign", th.sign()),
        ("sign()", th.sign()),
        ("hardtanh(1/2)", th.hardtanh("1/2")),
        ("hardtanh(0.3)", th.hardtanh("0.3")),
        ("hardtanh(a=2)", th.hardtanh(2)),
        ("hardtanh(sqrt(2)/2)", th.hardtanh(sp.sqrt(2) / 2)),
        ("erf(1e-3)", th.erf("1/1000")),
        ("hardtanh'", th.hardtanh(1).derivative),
        ("hardtanh''", th.hardtanh(1).derivative.derivative),
        ("relu.primitive", th.relu().primitive),
        ("sign.smoothed(1/2)", th.sign().smoothed("1/2")),
        ("sign + 2*heaviside - relu", th.sign() + 2 * th.heaviside() - th.relu()),
        ("-sign", -th.sign()),
        ("+sign*heaviside", th.sign() * th.heaviside()),
        ("staircase([-1, 0, 1], [0, 1, 2, 3])", th.staircase((-1, 0, 1), (0, 1, 2, 3))),
        (
            "from_piecewise([(-x, (-oo, 0)), (x**2, (0, oo))])",
            th.from_piecewise([(-x, (-sp.oo, 0)), (x**2, (0, sp.oo))]),
        ),
    ],
)
def test_activation(text, meant):
    assert parsing.activation(text) == meant


def test_every_builder_of_the_catalogue_can_be_named():
    names = {name.partition("(")[0] for name in catalogue()}
    for name in names & {"sign", "identity", "relu", "gelu", "heaviside", "clipped_relu"}:
        assert str(parsing.activation(name)).partition("(")[0] == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("gaussian", "gaussian"),
        ("rademacher()", "rademacher"),
        ("ternary_weights(0.25)", "ternary_weights(0.25)"),
        ("binarized(sign, hardtanh(1))", "binarized(sign, hardtanh(1))"),
    ],
)
def test_weight_law(text, name):
    assert parsing.weight_law(text).name == name


def test_weight_laws_are_found_where_they_are_declared():
    assert set(parsing.weight_laws()) == {
        "binarized",
        "gaussian",
        "permuted_blocks",
        "rademacher",
        "sparse_weights",
        "ternary_weights",
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [("1/2", HALF), ("0.5", HALF), ("-2", -2), ("sqrt(2)/2", sp.sqrt(2) / 2), ("5e-1", HALF)],
)
def test_numbers_are_exact(text, value):
    assert parsing.exact_number(text, "p") == value
