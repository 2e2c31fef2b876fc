r"""E of products of powers of one function at correlated Gaussians, where no closed form is known.

The variable that the others know least is averaged first: given them it is Gaussian around a linear combination c, and
G(c) = E[f(u)^p | c] is smooth, even where f has kinks, so that a spline of it serves all values of the others. Those
take composite Gauss-Legendre rules between the kinks of f. Panels are halved until two values agree.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline

from theory.activations import Activation
from theory.errors import DomainError

FloatArray = NDArray[np.float64]

NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)
# Beyond 8.5 standard deviations the weight is below 2e-16 of its peak.
REACH = 8.5
# Panels in units of the least conditional deviation; knots of the spline in units of that of the averaged variable.
WIDEST, KNOTS, DEGREE = 3.0, 1 / 24, 7
AGREEMENT = 1e-11
MOST_POINTS = 40_000_000
# Less conditional variance than this share of the variance is none.
DEPENDENT = 1e-8


def product_moment(f: Activation, powers: Sequence[int], covariance: FloatArray) -> float:
    """E prod_i f(g_i)^{p_i}, g ~ N(0, covariance) with one to four variables, to 1e-10 of E prod_i |f(g_i)|^{p_i}.

    Parameters
    ----------
    f
        A function (no Dirac masses) that is smooth between its breakpoints.
    powers, covariance
        p_i >= 1, and a matrix of their number.

    Raises
    ------
    DomainError
        If a variable is a combination of the others, or f is too steep for forty million points.
    """
    precision = _conditional(covariance)
    order = np.argsort(precision)
    last = int(order[-1])
    kept = [i for i in range(len(covariance)) if i != last]
    reduced = covariance[np.ix_(kept, kept)]
    shares: FloatArray = np.asarray(np.linalg.solve(reduced, covariance[kept, last]), np.float64)
    deviation = math.sqrt(precision[last])
    width = WIDEST
    before = math.nan
    while True:
        average = _average(f, powers[last], deviation, float(covariance[last, last]), width)
        value, size, points = _over_the_others(
            f, [powers[i] for i in kept], reduced, shares, average, width
        )
        if abs(value - before) <= AGREEMENT * size:
            return value
        before, width = value, width / 2
        if points * 2 ** len(kept) > MOST_POINTS:
            raise DomainError(
                f"{f} is too steep, or inputs too nearly parallel, for a product of {sum(powers)} factors: its mean "
                f"still moves at {points} points; use fewer inputs, or a function with closed forms"
            )


def _conditional(covariance: FloatArray) -> FloatArray:
    """Variance of every variable given the others."""
    scale = np.sqrt(np.diag(covariance))
    if (
        not np.all(scale > 0)
        or np.linalg.eigvalsh(covariance / np.outer(scale, scale))[0] < DEPENDENT
    ):
        raise DomainError(
            f"a variable is 0 or a combination of the others in {covariance.tolist()}; leave out such inputs"
        )
    found: FloatArray = 1 / np.diag(np.linalg.inv(covariance))
    return found


def _rule(f: Activation, deviation: float, panel: float) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights on a line, split at the breakpoints of f and into panels of at most a given length."""
    reach = REACH * deviation
    inside = sorted({float(b) for b in f.breakpoints if abs(float(b)) < reach})
    edges = [-reach]
    for low, high in pairwise([-reach, *inside, reach]):
        edges += list(np.linspace(low, high, max(1, math.ceil((high - low) / panel)) + 1)[1:])
    half = 0.5 * np.diff(edges)[:, None]
    nodes = (np.array(edges[:-1])[:, None] + half * (1 + NODES)).ravel()
    return nodes, (half * WEIGHTS).ravel()


def _average(
    f: Activation, power: int, deviation: float, variance: float, width: float
) -> Callable[[FloatArray], FloatArray]:
    """Spline of c -> E f(c + deviation z)^power."""
    whole = math.sqrt(variance)
    nodes, weights = _rule(f, 2 * whole, width * deviation)
    values = weights * f(nodes) ** power / (math.sqrt(2 * math.pi) * deviation)
    rest = math.sqrt(max(variance - deviation**2, 0.0))
    reach = REACH * rest * 1.01 + 8 * deviation * KNOTS
    knots = np.linspace(-reach, reach, 2 * math.ceil(reach / (deviation * KNOTS)) + 1)
    table = np.empty(knots.size)
    for start in range(0, knots.size, 512):
        part = slice(start, start + 512)
        table[part] = np.exp(-0.5 * ((nodes - knots[part, None]) / deviation) ** 2) @ values
    spline: Callable[[FloatArray], FloatArray] = make_interp_spline(knots, table, DEGREE)
    return spline


def _over_the_others(
    f: Activation,
    powers: Sequence[int],
    covariance: FloatArray,
    shares: FloatArray,
    average: Callable[[FloatArray], FloatArray],
    width: float,
) -> tuple[float, float, int]:
    """Mean over the other variables x, mean of absolute values, and points; x . shares is what x tells of the last."""
    if not powers:
        value = float(average(np.zeros(1))[0])
        return value, abs(value), 1
    inverse = np.linalg.inv(covariance)
    panel = width * math.sqrt(float((1 / np.diag(inverse)).min()))
    rules = [_rule(f, math.sqrt(v), panel) for v in np.diag(covariance)]
    scale = (2 * math.pi) ** (-len(powers) / 2) / math.sqrt(float(np.linalg.det(covariance)))
    axes = [nodes for nodes, _ in rules]
    factors = [w * f(x) ** p for (x, w), p in zip(rules, powers, strict=True)]
    rest = (
        np.stack([one.ravel() for one in np.meshgrid(*axes[1:], indexing="ij")], axis=-1)
        if len(axes) > 1
        else np.zeros((1, 0))
    )
    product = np.ones(1)
    for factor in factors[1:]:
        product = np.multiply.outer(product, factor).ravel()
    total = size = 0.0
    for x, weight in zip(axes[0], factors[0], strict=True):
        points = np.column_stack([np.full(len(rest), x), rest])
        density = np.exp(-0.5 * np.einsum("ni,ij,nj->n", points, inverse, points))
        # Where the density is negligible, so is the function beside it.
        near = density > 1e-18
        terms = product[near] * density[near] * average(points[near] @ shares)
        total += weight * float(terms.sum())
        size += abs(weight) * float(np.abs(terms).sum())
    return scale * total, scale * size, math.prod(len(axis) for axis in axes)
