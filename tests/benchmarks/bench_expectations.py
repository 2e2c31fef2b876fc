"""Gaussian expectations in float64: nanoseconds a value, beside alternatives and beside the floor, with errors.

Law of the points: p and q log-uniform in [1e-2, 1e2], the correlation uniform in (-1, 1). Ours runs over all
10^7 of them; an alternative runs over the first of them only, as many as its row says, and its seconds are
scaled to 10^7. Seconds are of processor time on one thread, except "on 2 threads": wall time. Errors are
|value - ball| / |ball| over the first 200 points, relative to the value itself: the greatest, and the median.

The floor of a pair is what its arithmetic costs if nothing else is done: exponentials and divisions counted
from the rules of ``theory.gaussian.nodes`` for a uniform correlation, each at its speed in a Numba loop over
numbers in the cache, plus 32 bytes to and from memory at the speed of a triad over the same arrays.

Pairs of hardtanh are 5 to 6 times faster than their shortest form by Owen's T (four T), not 10: the floor itself is
a tenth of that form, and a profile of E[h h] gives the sums over nodes 27%, the nodes 12%, the two means 10%, sorting
by rule 9%, roots 6%, rules 5%, and the rest to copies, none above 4%.

Why pairs of hardtanh stay about 2.4 times above it. Measured, in ns a value on one core of a shared server,
with 12 nodes: means at c = 0 10.5 (a normal tail is a polynomial of degree 23 beside its exponential, which
the floor does not count); roots and quotients of a point 6; nodes 8 and their sums 20, against 7 and 13 in
the floor. About 14 remain of the whole for what the floor lacks altogether: finding the rule of each point,
sorting by it, judging the result. Correlations in random order cost 12 more than sorted ones: there, groups
that share a rule are filled up to whole vectors, and their points lie apart. One point in 10^5 has
|rho| > 0.99999 and goes to adaptive quadrature, 0.1 to 0.3 ms each: 1 to 3 ns a value. x y > 4 adds nodes,
which the floor leaves out. erf x erf is a root, a quotient and an arctangent of degree 21, within twice the
floor, two thirds of which are memory.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp
from numba import njit
from numpy.typing import NDArray
from scipy.special import erf, ndtr, owens_t
from scipy.stats import multivariate_normal

import theory as th
from hardlimit.timing import Ratio, best_of
from theory.activations import Activation
from theory.arithmetic import simd
from theory.gaussian.gap import _ball_gap
from theory.gaussian.nodes import RULES

Float = NDArray[np.float64]
Method = Callable[[Float, Float, Float], Float]

POINTS = 10_000_000
CHECKED = 200
CACHED = 4096


@dataclass(frozen=True)
class Alternative:
    """Another way to the same value, and over how many of the points it is timed."""

    name: str
    method: Method
    points: int


@dataclass(frozen=True)
class Pair:
    """A pair, what its value costs at least, and who else computes it.

    ``node`` and ``ends`` are (exponentials, divisions or roots) of one node and of one value outside the nodes.
    """

    f: Activation
    g: Activation
    node: tuple[int, int]
    ends: tuple[int, int]
    alternatives: tuple[Alternative, ...]


def pairs() -> list[Pair]:
    """Return the pairs.

    A node takes one exponential for the density, one for what opposite kinks differ by (none where a kink
    sits at the origin), one division for the node itself. The mean of a kink takes one exponential, one root
    and two divisions (one at the origin); the path three roots and four divisions, one more between a jump
    and a change of slope.
    """
    h, s, e = th.hardtanh(1), th.sign(), th.erf(1)
    owen = (
        Alternative("SciPy owens_t, T19: 4 R's, 2 T each", _hardtanh_hardtanh, 20_000),
        Alternative("SciPy owens_t, shortest: 4 T", _hardtanh_hardtanh_short, 40_000),
    )
    inside = (
        Alternative("SciPy owens_t, T19: 4 Phi_2, 2 T each", _box, 20_000),
        Alternative("SciPy owens_t, shortest: 4 T", _box_short, 40_000),
        Alternative("SciPy bivariate normal cdf", _box_cdf, CHECKED),
    )
    return [
        Pair(h, h, (2, 1), (2, 13), (*owen, *_quadratures(h, h))),
        Pair(
            s.derivative, h.derivative, (0, 0), (1, 6),
            (Alternative("SciPy erf, T17", _sign_slope, POINTS // 4),),
        ),
        Pair(
            h.derivative, h.derivative, (2, 1), (2, 13), (*inside, *_quadratures(h.derivative, h.derivative))
        ),
        Pair(e, e, (0, 0), (0, 2), (Alternative("NumPy arcsin, T13", _erf_erf, POINTS), *_quadratures(e, e))),
        Pair(
            h, e, (1, 1), (2, 13),
            (Alternative("SciPy owens_t, T20 at P + 1/2: 1 T", _hardtanh_erf, 80_000), *_quadratures(h, e)),
        ),
    ]  # fmt: skip


def points() -> tuple[Float, Float, Float]:
    """Return p, q, c by the law above."""
    rng = np.random.default_rng(0)
    p, q = 10 ** rng.uniform(-2, 2, (2, POINTS))
    return p, q, rng.uniform(-1, 1, POINTS) * np.sqrt(p * q)


def run() -> list[Ratio]:
    """Return rows of the floor, then one row a pair and alternative."""
    p, q, c = points()
    rows, costs = _floor(p, q, c)
    for pair in pairs():
        F = th.expectation(pair.f, pair.g)
        exact = _exact(F, p, q, c)

        F.float64(p[:CHECKED], q[:CHECKED], c[:CHECKED])  # compiles
        one = _once(F.float64, p, q, c)
        two = best_of(lambda F=F: F.float64(p, q, c, threads=2), repeat=2)  # type: ignore[misc]
        error = _error(F.float64, exact, p, q, c)
        name = f"E[{pair.f}(u) {pair.g}(v)], {_ns(one)}, 2 threads {_ns(two)}, error {error}"
        exps, divisions = (
            _expected_nodes() * node + end for node, end in zip(pair.node, pair.ends, strict=True)
        )
        least = exps * costs["exp"] + divisions * costs["division"] + costs["triad"]
        floor = f"floor: {exps:.0f} exponentials, {divisions:.0f} divisions, 32 bytes"
        rows.append(Ratio(name, one, f"{floor}, {_ns(least)}", least))
        rows.append(Ratio(name, one, "ours on 2 threads", two))
        for other in pair.alternatives:
            n = other.points
            given = p[:n], q[:n], c[:n]
            seconds = _once(other.method, *given) * POINTS / n
            label = f"{other.name}, {_ns(seconds)}, on {n}"
            label += f", error {_error(other.method, exact, p, q, c)}"
            rows.append(Ratio(name, one, label, seconds))
    return rows + _gaps()


def _gaps() -> list[Ratio]:
    """Return rows of E[f(u)^2] - E[f(u) f(v)]: p log-uniform in [1e-2, 1e2], 1 - rho in [1e-12, 1]."""
    rng = np.random.default_rng(1)
    p, delta = 10 ** rng.uniform(-2, 2, POINTS // 10), 10 ** rng.uniform(-12, 0, POINTS // 10)
    rows = []
    for f in (th.hardtanh(1), th.erf(1), th.sign(), th.relu()):
        F = th.expectation(f, f)
        some = p[:CHECKED], delta[:CHECKED]
        start = time.process_time()
        exact = np.array([_ball_gap(F, *point) for point in zip(*some, strict=True)])
        balls = (time.process_time() - start) * POINTS / CHECKED

        def naive(p: Float, delta: Float, F: th.Expectation = F) -> Float:
            return F.float64(p, p, p) - F.float64(p, p, p * (1 - delta))

        def error(values: Float, exact: Float = exact) -> str:
            errors = np.abs(values - exact) / exact
            return f"{np.max(errors):.0e} (median {np.median(errors):.0e})"

        seconds = []
        for method in (F.gap, naive):
            method(*some)  # compiles
            start = time.process_time()
            method(p, delta)
            seconds.append((time.process_time() - start) * 10)
        name = f"gap of {f}, {_ns(seconds[0])}, error {error(F.gap(*some))}"
        rows.append(
            Ratio(name, seconds[0], f"difference of balls, {_ns(balls)}, on {CHECKED}", balls)
        )
        label = f"difference of float64, {_ns(seconds[1])}, error {error(naive(*some))}"
        rows.append(Ratio(name, seconds[0], label, seconds[1]))
    return rows


def _ns(seconds: float) -> str:
    return f"{seconds / POINTS * 1e9:.3g} ns"


def _once(method: Method, p: Float, q: Float, c: Float) -> float:
    """Return the better of two processor times."""
    times = []
    for _ in range(2):
        start = time.process_time()
        method(p, q, c)
        times.append(time.process_time() - start)
    return min(times)


# --- the floor ---------------------------------------------------------------------------------------------


def _expected_nodes() -> float:
    """Return the mean number of nodes for |rho| uniform in (0, 1), at the rules' own ends."""
    limits, starts = RULES[0], RULES[1]
    return float(np.diff(limits, prepend=0.0) @ np.diff(starts))


@njit(error_model="numpy")
def _exponentials(x: Float, y: Float, out: Float) -> None:
    simd.wide()
    for i in range(x.size):
        out[i] = simd.exp(x[i])


@njit(error_model="numpy")
def _divisions(x: Float, y: Float, out: Float) -> None:
    simd.wide()
    for i in range(x.size):
        out[i] = x[i] / y[i]


@njit(error_model="numpy")
def _triad(x: Float, y: Float, z: Float, out: Float) -> None:
    for i in range(x.size):
        out[i] = x[i] + y[i] * z[i]


def _floor(p: Float, q: Float, c: Float) -> tuple[list[Ratio], dict[str, float]]:
    """Return rows and the seconds that POINTS of each operation take."""
    out, few = np.empty(POINTS), np.empty(CACHED)
    x, y = -p[:CACHED], q[:CACHED].copy()
    repeats = 200

    def cached(kernel: Callable[[Float, Float, Float], None]) -> float:
        def work() -> None:
            for _ in range(repeats):
                kernel(x, y, few)

        return best_of(work) * POINTS / (repeats * CACHED)

    costs = {
        "exp": cached(_exponentials),
        "division": cached(_divisions),
        "triad": best_of(lambda: _triad(p, q, c, out), repeat=3),
    }
    numpy_exp = best_of(lambda: np.exp(x, out=few), repeat=200) * POINTS / CACHED
    rows = [
        Ratio(f"an exponential, {_ns(costs['exp'])}", costs["exp"], f"NumPy's, {_ns(numpy_exp)}", numpy_exp),
        Ratio(
            f"a division, {_ns(costs['division'])}", costs["division"],
            f"triad over the arrays: 32 bytes a value, {_ns(costs['triad'])}", costs["triad"],
        ),
    ]  # fmt: skip
    return rows, costs


# --- the alternatives --------------------------------------------------------------------------------------


def _density(x: Float) -> Float:
    return np.asarray(np.exp(-x * x / 2) / math.sqrt(2 * math.pi))


def _upper(h: Float, k: Float, r: Float, s: Float) -> Float:
    """P(X > h, Y > k) by two Owen T (T19)."""
    h, k = -h, -k
    total = ndtr(h) / 2 + ndtr(k) / 2 - owens_t(h, (k / h - r) / s) - owens_t(k, (h / k - r) / s)
    return np.asarray(total - np.where(h * k > 0, 0.0, 0.5))


def _ramps(h: Float, k: Float, r: Float, s: Float) -> Float:
    """E[(X - h)_+ (Y - k)_+], R of T19."""
    both = np.exp(-(h * h - 2 * r * h * k + k * k) / (2 * s * s)) / (2 * math.pi * s)
    total = (r + h * k) * _upper(h, k, r, s) + s * s * both
    total -= k * _density(h) * ndtr(-(k - r * h) / s)
    return np.asarray(total - h * _density(k) * ndtr(-(h - r * k) / s))


def _standard(p: Float, q: Float, c: Float) -> tuple[Float, Float, Float, Float]:
    r = c / np.sqrt(p * q)
    return 1 / np.sqrt(p), 1 / np.sqrt(q), r, np.sqrt((1 - r) * (1 + r))


def _hardtanh_hardtanh(p: Float, q: Float, c: Float) -> Float:
    A, B, r, s = _standard(p, q, c)
    total = _ramps(-A, -B, r, s) - _ramps(-A, B, r, s) - _ramps(A, -B, r, s) + _ramps(A, B, r, s)
    return np.asarray((total - A * B) / (A * B))


def _box(p: Float, q: Float, c: Float) -> Float:
    A, B, r, s = _standard(p, q, c)
    return np.asarray(
        _upper(-A, -B, r, s) - _upper(A, -B, r, s) - _upper(-A, B, r, s) + _upper(A, B, r, s)
    )


def _four(A: Float, B: Float, r: Float, s: Float) -> tuple[Float, Float]:
    """P(X > A, Y > B) and P(X > A, Y < -B): the four T that differ, as opposite thresholds share them."""
    ends = (1 - ndtr(A)) / 2 + (1 - ndtr(B)) / 2
    same = owens_t(A, (B / A - r) / s) + owens_t(B, (A / B - r) / s)
    opposite = owens_t(A, (B / A + r) / s) + owens_t(B, (A / B + r) / s)
    return ends - same, ends - opposite


def _box_short(p: Float, q: Float, c: Float) -> Float:
    A, B, r, s = _standard(p, q, c)
    same, opposite = _four(A, B, r, s)
    # 1 - P(|X| > A) - P(|Y| > B) + P(both)
    return np.asarray(1 - 2 * ndtr(-A) - 2 * ndtr(-B) + 2 * same + 2 * opposite)


def _hardtanh_hardtanh_short(p: Float, q: Float, c: Float) -> Float:
    A, B, r, s = _standard(p, q, c)
    same, opposite = _four(A, B, r, s)
    # X - (X - A)_+ + (-X - A)_+ with its mirror images collected: two R and two mixed moments
    total = r * (1 - 2 * ndtr(-A) - 2 * ndtr(-B))
    for sign, mass in ((1.0, same), (-1.0, opposite)):
        a, b = (A - sign * r * B) / s, (B - sign * r * A) / s
        both = np.exp(-(A * A - sign * 2 * r * A * B + B * B) / (2 * s * s)) / (2 * math.pi * s)
        ramp = (sign * r + A * B) * mass + s * s * both
        ramp -= B * _density(A) * ndtr(-b) + A * _density(B) * ndtr(-a)
        total += sign * 2 * ramp
    return np.asarray(total / (A * B))


def _box_cdf(p: Float, q: Float, c: Float) -> Float:
    """P(|u| < 1, |v| < 1) as one box probability of the bivariate normal law."""
    total = np.zeros_like(p)
    for i, (P, Q, C) in enumerate(zip(p, q, c, strict=True)):
        law = multivariate_normal(cov=[[P, C], [C, Q]])
        total[i] = law.cdf([1, 1], lower_limit=[-1, -1])
    return total


def _sign_slope(p: Float, q: Float, c: Float) -> Float:
    return np.asarray(np.sqrt(2 / (math.pi * p)) * erf(np.sqrt(p / (2 * (p * q - c * c)))))


def _erf_erf(p: Float, q: Float, c: Float) -> Float:
    return np.asarray(2 / math.pi * np.arcsin(c / np.sqrt((p + 0.5) * (q + 0.5))))


def _hardtanh_erf(p: Float, q: Float, c: Float) -> Float:
    """T20 with the roles exchanged, the sign's variance inflated by 1/2."""
    B = 1 / np.sqrt(p)
    r = c / np.sqrt(p * (q + 0.5))
    s = np.sqrt((1 - r) * (1 + r))
    al = r / s
    total = B * owens_t(B, al) - _density(B) * (ndtr(al * B) - 0.5)
    return np.asarray(4 / B * (total + r / math.sqrt(2 * math.pi) * (ndtr(B / s) - 0.5)))


def _quadratures(f: Activation, g: Activation) -> tuple[Alternative, ...]:
    return tuple(
        Alternative(f"Gauss-Hermite, {n} nodes", _gauss_hermite(f, g, n), 200_000 // n**2)
        for n in (25, 100)
    )


def _gauss_hermite(f: Activation, g: Activation, nodes: int) -> Method:
    z, w = np.polynomial.hermite_e.hermegauss(nodes)
    w = w / math.sqrt(2 * math.pi)

    def rule(p: Float, q: Float, c: Float) -> Float:
        u = np.sqrt(p)[:, None] * z
        rest = np.sqrt(q - c**2 / p)
        v = (c / p)[:, None, None] * u[:, :, None] + rest[:, None, None] * z
        return np.asarray((f(u) * (g(v) @ w)) @ w)

    return rule


# --- errors ------------------------------------------------------------------------------------------------


def _exact(F: th.Expectation, p: Float, q: Float, c: Float) -> Float:
    some = zip(p[:CHECKED], q[:CHECKED], c[:CHECKED], strict=True)
    return np.array([float(F.mp(*map(sp.Rational, point), digits=20)) for point in some])


def _error(method: Method, exact: Float, p: Float, q: Float, c: Float) -> str:
    values = method(p[:CHECKED], q[:CHECKED], c[:CHECKED])
    errors = np.abs(values - exact) / np.abs(exact)
    return f"{np.max(errors):.0e} (median {np.median(errors):.0e})"
