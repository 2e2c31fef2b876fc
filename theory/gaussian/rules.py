"""Composite Gauss-Legendre rules in float64 for expectations without closed form.

Panels double in length away from every place where an integrand bends, starting at the width of the bend, and are
never longer than the Gaussian allows. Two rules of different order have to agree, and the rounding error of the inner
mean is carried along; a point where either fails is left to certified integrals.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from theory.activations import Activation
from theory.activations.atoms import Atom, x
from theory.activations.evaluation import evaluator
from theory.arithmetic.float64 import EPS, Float64, Tracked, cross
from theory.arithmetic.lowering import lower
from theory.gaussian.averages import STD, average, is_tame

Float = NDArray[np.float64]
Bend = tuple[Float, float]

# Agreement that is asked for, as a share of E|f g|.
TARGET = 1e-13
_ORDERS = (20, 15)
# Beyond this the standard normal density is 0 in float64.
_REACH = 39.0
# A wave with more periods than this on a standard deviation has no digit left in float64.
_FASTEST = 60.0


@dataclass(frozen=True)
class Sampled:
    """A sum with the mass behind it, sum |term|, and a bound of what rounding did to it."""

    value: float
    mass: float
    error: float

    def __add__(self, other: "Sampled") -> "Sampled":
        return Sampled(self.value + other.value, self.mass + other.mass, self.error + other.error)


def pair_float64(f: Activation, g: Activation, p: float, q: float, c: float) -> float:
    """Return E[f(u) g(v)] to 1e-13 of E|f g|, or NaN where that was not reached; |c| < sqrt(pq)."""
    direct = average(g) is None or not is_tame(g, float(np.sqrt(q)))
    return _agreed(lambda order: _pair(f, g, (p, q, c), order, direct))


def line_float64(f: Activation, g: Activation, p: float, k: float) -> float:
    """Return E[f(u) g(k u)], u ~ N(0, p), to 1e-13 of E|f g|, or NaN where that was not reached."""
    return _agreed(lambda order: _line(f, g, p, k, order))


def _agreed(rule: Callable[[int], Sampled]) -> float:
    with np.errstate(all="ignore"):
        fine, coarse = (rule(order) for order in _ORDERS)
        doubt = abs(fine.value - coarse.value) + fine.error
        return fine.value if doubt <= TARGET * fine.mass else float("nan")


def _pair(
    f: Activation, g: Activation, covariance: tuple[float, float, float], order: int, direct: bool
) -> Sampled:
    p, q, c = covariance
    slope = c / p
    std = float(np.sqrt(cross(*(np.float64(v) for v in (p, q, c, c))) / p))  # type: ignore[arg-type]
    bends = [(np.array([place]), width) for place, width in _bends(f)]
    if slope != 0:
        bends += [
            (np.array([place / slope]), float(np.hypot(width, std) / abs(slope)))
            for place, width in _bends(g)
        ]
    fastest = max(_frequency(f), abs(slope) * _frequency(g))
    nodes, weights = _rule(bends, np.zeros(1), np.sqrt(p), fastest, order)
    u, w = nodes[0], weights[0] * _density(nodes[0], p)
    total = Sampled(0.0, 0.0, 0.0)
    if len(u) == 0:
        return Sampled(float("nan"), 0.0, 0.0)
    regular = [a for a in f.atoms if not a.is_dirac]
    for at, front in [(np.array([a]), np.array([m * _density(a, p)])) for a, m in _masses(f)] + (
        [(u, w * evaluator(regular)(u))] if regular else []
    ):
        mean, mass, error = (_sampled if direct else _closed)(g, slope * at, std, order)
        terms = front * mean
        rounding = np.abs(front) * error + 8 * EPS * np.abs(terms)
        total += Sampled(
            float(np.sum(terms)), float(np.sum(np.abs(front) * mass)), float(np.sum(rounding))
        )
    return total


def _closed(g: Activation, mean: Float, std: float, _order: int) -> tuple[Float, Float, Float]:
    """Return E[g(w)] for w ~ N(mean, std^2) with what rounding did to it, by its closed form."""
    values = {
        x: Tracked(mean, EPS * np.abs(mean)),
        STD: Tracked(np.asarray(std), np.asarray(4 * EPS * std)),
    }
    result = lower(average(g), values, Float64())
    value = np.broadcast_to(result.value, mean.shape)
    return value, np.abs(value), np.broadcast_to(result.error, mean.shape)


def _sampled(g: Activation, mean: Float, std: float, order: int) -> tuple[Float, Float, Float]:
    """Return E[g(w)] as ``_closed`` does, by a rule of its own for every mean."""
    value, mass = np.zeros_like(mean), np.zeros_like(mean)
    for at, weight in _masses(g):
        value = value + weight * _density(at - mean, std**2)
        mass = mass + abs(weight) * _density(at - mean, std**2)
    regular = [a for a in g.atoms if not a.is_dirac]
    if regular:
        function = evaluator(regular)
        bends = [(np.full_like(mean, place), width) for place, width in _bends(g)]
        for rows in np.array_split(np.arange(len(mean)), max(1, len(mean) // 100)):
            here = [(place[rows], width) for place, width in bends]
            z, w = _rule(here, mean[rows], std, _frequency(g), order)
            terms = function(mean[rows, None] + z) * w * _density(z, std**2)
            value[rows] += terms.sum(axis=1)
            mass[rows] += np.abs(terms).sum(axis=1)
    return value, mass, 8 * EPS * mass


def _line(f: Activation, g: Activation, p: float, k: float, order: int) -> Sampled:
    bends = [(np.array([place]), width) for place, width in _bends(f)]
    bends += [(np.array([place / k]), width / abs(k)) for place, width in _bends(g)]
    total = Sampled(0.0, 0.0, 0.0)
    f_smooth, g_smooth = (
        evaluator([a for a in h.atoms if not a.is_dirac]) if h.atoms else np.zeros_like
        for h in (f, g)
    )
    for at, weight in _masses(f):
        total += _at_mass(weight * float(_density(at, p)), g_smooth, at * k)
    for at, weight in _masses(g):
        total += _at_mass(weight * float(_density(at / k, p)) / abs(k), f_smooth, at / k)
    if any(abs(a * k - b) <= 4 * EPS * abs(b) for a, _ in _masses(f) for b, _ in _masses(g)):
        return Sampled(float("inf"), float("inf"), 0.0)
    fastest = max(_frequency(f), abs(k) * _frequency(g))
    nodes, weights = _rule(bends, np.zeros(1), np.sqrt(p), fastest, order)
    if nodes.size == 0:
        return Sampled(float("nan"), 0.0, 0.0)
    u = nodes[0]
    terms = weights[0] * _density(u, p) * f_smooth(u) * g_smooth(k * u)
    size = float(np.sum(np.abs(terms)))
    return total + Sampled(float(np.sum(terms)), size, 16 * EPS * size)


def _at_mass(weight: float, other: Callable[[Float], Float], place: float) -> Sampled:
    term = weight * float(other(np.array([place]))[0])
    return Sampled(term, abs(term), 16 * EPS * abs(term))


def _masses(f: Activation) -> list[tuple[float, float]]:
    return [(float(a.at), float(a.coef)) for a in f.atoms if a.is_dirac]


def _bends(f: Activation) -> list[tuple[float, float]]:
    """Return places where the regular part of f bends, and the widths of the bends (0 at a kink)."""
    return [
        (0.0 if a.is_smooth else float(a.at), width)
        for a in f.atoms
        if not a.is_dirac and not (a.is_smooth and a.tilt == 0)
        for width in _widths(a)
    ]


def _widths(a: Atom) -> list[float]:
    widths = [float(a.scale)] if a.curve is None else [float(1 / sp.N(a.curve.rate))]
    return [*widths, float(1 / abs(a.tilt))] if a.tilt != 0 else widths


def _frequency(f: Activation) -> float:
    return max((float(a.omega) for a in f.atoms), default=0.0)


def _density(u: Float | float, p: float) -> Float:
    return np.asarray(np.exp(-((np.asarray(u) / np.sqrt(p)) ** 2) / 2) / np.sqrt(2 * np.pi * p))


def _rule(
    bends: Sequence[Bend], mean: Float, std: float, fastest: float, order: int
) -> tuple[Float, Float]:
    """Return nodes and weights, one row a mean, for a Gaussian of ``std`` times a function with ``bends``.

    Nodes are counted from the mean: of a narrow Gaussian far out, nothing else keeps the digits. Empty where a
    wave is too fast.
    """
    if fastest * std > _FASTEST:
        return np.zeros((1, 0)), np.zeros((1, 0))
    count = int(np.ceil(_REACH * max(1.0, fastest * std / 2)))
    offsets = np.linspace(-_REACH, _REACH, count + 1 + count % 2) * std
    edges = [np.broadcast_to(offsets, (len(mean), len(offsets)))]
    for place, width in bends:
        away = (place - mean)[:, None]
        edges.append(away)
        if width >= 2 * _REACH * std:
            continue
        # A kink needs its place alone; a bend needs panels from its width up.
        if width > 0:
            steps = width / 2 * 2.0 ** np.arange(np.ceil(np.log2(4 * _REACH * std / width)) + 1)
            edges += [away + steps, away - steps]
    reach = _REACH * std
    ordered = np.sort(np.clip(np.concatenate(edges, axis=1), -reach, reach), axis=1)
    t, w = np.polynomial.legendre.leggauss(order)
    half = np.diff(ordered, axis=1)[:, :, None] / 2
    nodes = (ordered[:, :-1, None] + half) + half * t
    return nodes.reshape(len(mean), -1), (half * w).reshape(len(mean), -1)
