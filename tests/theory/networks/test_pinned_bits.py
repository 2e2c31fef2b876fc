"""Bits of every sampler, tied to the version that stores and descriptions carry.

``python tests/theory/networks/test_pinned_bits.py`` writes ``pinned_bits.json`` anew once ``VERSION`` is raised, and
adds requests that are not in it; it refuses to write other bits under the same version.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import theory as th
from theory.networks.description import VERSION
from theory.networks.ensemble import DTYPES, draw

PATH = Path(__file__).with_name("pinned_bits.json")
SOURCE = "theory/networks/description.py"
COMMAND = "python tests/theory/networks/test_pinned_bits.py"
# Unequal norms, a duplicate, and zero.
X = np.array([[1.0, 0.5, -0.3], [0.2, -2.0, 1.0], [1.0, 0.5, -0.3], [0.0, 0.0, 0.0]])
EVERY = [(one, two) for one in ("true", "surrogate") for two in ("true", "surrogate")]
WIDTHS = (300, 33)


def kinked(*laws):
    """Piecewise polynomials alone: exp and erf are those of the machine's library."""
    return th.Architecture(
        2,
        (th.hardtanh("1/2"), th.relu()),
        (th.hardtanh(1), th.triangle(2)),
        weight_std=[1.2, 0.9, 1.4],
        bias_std=[0.3, 0.2, 0.5],
        weights=list(laws) if len(laws) > 1 else laws[0],
    )


def signs(*laws):
    return th.Architecture(3, th.sign(), bias_std=[0.3, 0.0, 0.0, 0.2], weights=list(laws))


PLAIN, SIGN = th.gaussian(), th.rademacher()
REQUESTS = {
    "exact": (kinked(PLAIN), X, WIDTHS, {"jacobians": EVERY, "conditional": True}),
    "exact, two outputs": (kinked(PLAIN), X, WIDTHS, {"outputs": 2}),
    "exact, signs at both ends": (kinked(SIGN, PLAIN, SIGN), X, WIDTHS, {}),
    "chain": (signs(PLAIN, PLAIN, PLAIN, PLAIN), X[:2], (40, 31, 20), {"ntk": False}),
    "chain of signs": (signs(PLAIN, SIGN, SIGN, SIGN), X[:2], (40, 31, 20), {"ntk": False}),
    **{
        f"weights, {law.name}": (kinked(law), X, WIDTHS, {"method": "weights", "outputs": 2})
        for law in (
            PLAIN,
            SIGN,
            th.ternary_weights(0.3),
            th.binarized(th.hardtanh("1/2"), th.hardtanh(1)),
            th.sparse_weights(0.3),
        )
    },
    "weights, permuted blocks": (
        kinked(PLAIN, th.permuted_blocks(3, "rademacher"), PLAIN), X, WIDTHS, {"method": "weights"},
    ),
}  # fmt: skip
CASES = [f"{name}, {dtype}" for name in REQUESTS for dtype in DTYPES]


def digest(case):
    """SHA-256 of everything that networks 5 and 6 of seed 3 give."""
    name, _, dtype = case.rpartition(", ")
    arch, x, widths, options = REQUESTS[name]
    asked = th.Description.of(arch, x, widths, 3, dtype=dtype, **options)
    assert asked.method == name.split(maxsplit=1)[0].strip(",")
    text = hashlib.sha256()
    for part, values in draw(asked.task, 5, 7).items():
        text.update(part.encode())
        text.update(np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes())
    return text.hexdigest()


def test_the_file_is_of_this_version():
    assert json.loads(PATH.read_text())["version"] == VERSION, (
        f"VERSION in {SOURCE} is {VERSION}, and {PATH.name} is of another; regenerate it: {COMMAND}"
    )


@pytest.mark.parametrize("case", CASES)
def test_bits(case):
    pinned = json.loads(PATH.read_text())
    if pinned["version"] != VERSION:
        pytest.skip("the file is of another version, as another test says")
    assert digest(case) == pinned["sha256"].get(case), (
        f"{case}: networks come out with other bits than version {VERSION} had, so its stores cannot go on; "
        f"raise VERSION in {SOURCE} and regenerate with {COMMAND}"
    )


def write():
    """Write the file; return the cases whose bits moved without a new version, and write nothing then."""
    found = {case: digest(case) for case in CASES}
    old = json.loads(PATH.read_text()) if PATH.exists() else {"version": None}
    if old["version"] == VERSION:
        moved = [c for c, value in old["sha256"].items() if found.get(c, value) != value]
        if moved:
            return moved
    PATH.write_text(json.dumps({"version": VERSION, "sha256": found}, indent=1) + "\n")
    return []


if __name__ == "__main__":
    if cases := write():
        sys.exit(f"bits moved, raise VERSION in {SOURCE} first: {', '.join(cases)}")
