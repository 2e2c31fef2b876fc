"""Power series in rho against balls: every value that calls itself good is."""

import numpy as np
import pytest
import sympy as sp

import theory as th
from theory.gaussian.series import Series

BOX, SLOPED = th.hardtanh(1).derivative, th.hardtanh(1) + th.relu()
CANCELLING = th.hardtanh(1) + "-6826894921/10000000000" * th.identity()
NOISY = th.ternary(1).smoothed("1/2")
PAIRS = {
    "hardtanh": (th.hardtanh(1), th.hardtanh(1)),
    "box": (BOX, BOX),
    "ternary": (th.ternary(1), th.ternary(1)),
    "two widths": (th.hardtanh(1), th.hardtanh(2)),
    "jumps and slopes": (th.ternary(1), th.hardtanh("1/2")),
    "without parity": (SLOPED, SLOPED),
    "without parity and odd": (SLOPED, th.ternary("1/3")),
    "smoothed": (NOISY, NOISY),
    "cancelling": (CANCELLING, CANCELLING),
}
VARIANCES = np.array([1e-12, 1e-2, 0.3, 1.0, 2.5, 40.0, 1e12])


def summed(name: str, seed: int) -> tuple[list[tuple[float, float, float]], np.ndarray, np.ndarray]:
    """Return laws, one a row, with their sums, and which of them are good."""
    f, g = PAIRS[name]
    rng = np.random.default_rng(seed)
    p, q = rng.choice(VARIANCES, 60), rng.choice(VARIANCES, 60)
    c = np.sqrt(p) * np.sqrt(q) * rng.choice([1e-9, 0.09, 0.2, 0.3, 0.43, 0.54, 0.66, 0.8], 60)
    c *= rng.choice([-1, 1], 60)
    series = Series.of(f, g)
    assert series is not None
    one, other = series.table(0, p), series.table(1, q)
    values, states = np.empty(60), np.empty(60, np.int8)
    for k in range(60):
        place = np.array([k]), np.array([k]), k + 1
        series(*place, one, other, c[k : k + 1], values[k : k + 1], states[k : k + 1])
    laws = [tuple(map(float, law)) for law in zip(p, q, c, strict=True)]
    return laws, values, states == 0


@pytest.mark.parametrize("name", PAIRS)
def test_good_values_keep_their_digits(name: str) -> None:
    laws, values, good = summed(name, 1)
    F = th.expectation(*PAIRS[name])
    for law, value in zip(
        [law for law, ok in zip(laws, good, strict=True) if ok], values[good], strict=True
    ):
        exact = F.ball(*map(sp.Rational, law), bits=90)
        assert abs(float(exact / value) - 1) <= 1e-13


@pytest.mark.parametrize("name", PAIRS)
def test_ordinary_points_are_good_and_others_are_not(name: str) -> None:
    laws, _, good = summed(name, 1)
    both = 0.4 if "without" in name else 0.6
    for (p, q, c), ok in zip(laws, good, strict=True):
        rho = abs(c) / (p * q) ** 0.5
        if 0.1 <= min(p, q) <= max(p, q) <= 10 and rho < both and name != "cancelling":
            assert ok
        if rho > 0.7 and name != "smoothed":
            assert not ok


def test_exchange_changes_no_bit() -> None:
    series = Series.of(BOX, BOX)
    assert series is not None
    rng = np.random.default_rng(3)
    p, q = rng.uniform(0.1, 5, 50), rng.uniform(0.1, 5, 70)
    c = np.sqrt(np.outer(p, q)) * rng.uniform(-0.7, 0.7, (50, 70))
    found = []
    for one, other, moments in ((p, q, c), (q, p, c.T)):
        values, states = np.empty(c.size), np.empty(c.size, np.int8)
        rows, starts = np.arange(one.size), np.zeros(one.size, np.int64)
        tables = series.table(0, one), series.table(0, other)
        series(rows, starts, other.size, *tables, moments.ravel(), values, states)
        found.append((values.reshape(moments.shape), states.reshape(moments.shape)))
    assert np.array_equal(found[0][0], found[1][0].T)
    assert np.array_equal(found[0][1], found[1][1].T)


@pytest.mark.parametrize(
    "pair", [(th.gelu(), th.gelu()), (th.hardtanh(1), BOX)], ids=["gelu", "odd and even"]
)
def test_other_pairs_have_no_series(pair: tuple[th.Activation, th.Activation]) -> None:
    assert Series.of(*pair) is None
