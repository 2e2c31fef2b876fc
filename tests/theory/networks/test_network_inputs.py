"""Bad input is refused with a typed error that shows the value, before any network is drawn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import theory as th
from theory.errors import InputError
from theory.networks import sample_covariances

X = np.array([[1.0, 0.5], [0.2, -2.0]])
ARCH = th.Architecture(2, activation=th.relu())

not_positive = st.one_of(
    st.integers(max_value=0), st.floats(), st.text(max_size=3), st.none(), st.booleans()
)
not_inputs = st.one_of(
    st.just([]),
    st.just([[]]),
    st.just([1.0, 2.0]),
    st.just("X"),
    st.just([[[1.0]]]),
    st.sampled_from([np.nan, np.inf, -np.inf]).map(lambda v: [[1.0, v]]),
)
not_widths = st.one_of(
    not_positive, st.lists(st.integers(1, 9)).filter(lambda w: len(w) != 2), st.just([4, 0])
)
not_jacobians = st.one_of(
    st.just(()),
    st.none(),
    st.just("true"),
    st.just(("true", "surrogate")),
    st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4)), min_size=1),
)
BAD = {
    "X": not_inputs,
    "width": not_widths,
    "draws": not_positive,
    "seed": st.one_of(
        st.integers(max_value=-1), st.integers(min_value=2**64), st.floats(), st.booleans()
    ),
    "method": st.text(max_size=8).filter(lambda m: m not in ("auto", "weights", "exact")),
    "jacobians": not_jacobians,
    "threads": not_positive.filter(lambda v: v is not None),
    "batch": not_positive.filter(lambda v: v is not None),
    "first": st.one_of(st.integers(max_value=-1), st.just(2**40), st.floats(), st.booleans()),
}


def never(done, total):
    raise AssertionError("work started before the input was checked")


@pytest.mark.parametrize("name", BAD)
@given(data=st.data())
def test_sample_networks_refuses(name, data):
    arguments = {"X": X, "width": 3, "draws": 2, name: data.draw(BAD[name])}
    with pytest.raises(InputError):
        th.sample_networks(ARCH, progress=never, **arguments)


@pytest.mark.parametrize("name", [name for name in BAD if name not in ("method", "jacobians")])
@given(data=st.data())
def test_sample_covariances_refuses(name, data):
    arguments = {"X": X, "width": 3, "draws": 2, name: data.draw(BAD[name])}
    with pytest.raises(InputError):
        sample_covariances(ARCH, progress=never, **arguments)


def test_messages_show_the_value():
    for arguments, words in (
        ({"X": [[1.0, np.nan]]}, r"X\[0, 1\] is nan"),
        ({"width": [3]}, r"1 widths \[3\] for 2 hidden layers"),
        ({"draws": 0}, "draws.*0"),
        ({"seed": -4}, "seed.*-4"),
        ({"method": "fast"}, "'fast'.*auto"),
        ({"first": 2**40}, "2\\^40"),
        ({"ntk": "no"}, "ntk must be True or False, got 'no'"),
        ({"conditional": 1}, "conditional must be True or False, got 1"),
    ):
        with pytest.raises(InputError, match=words):
            th.sample_networks(ARCH, **({"X": X, "width": 3, "draws": 2} | arguments))
    with pytest.raises(InputError, match="all_layers must be True or False"):
        sample_covariances(ARCH, X, 3, 2, all_layers="last")
