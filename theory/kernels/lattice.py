"""A first layer of finitely many weight values, exactly: its pre-activations sit on a lattice (claim B37).

With d inputs and +-1 weights, a first pre-activation takes 2^d values, at any width: as the hidden layers widen
alone, kernels converge to averages over those values, and not to Gaussian ones. Later layers are Gaussian in the limit.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from theory.activations import Activation
from theory.errors import ArchitectureError, DomainError, UndefinedKernelError
from theory.kernels.weights import Latent, WeightLaw

Float = NDArray[np.float64]

MOST_STATES = 2**24
"""Outcomes of one row of the first layer that are gone through: d <= 24 for two values, d <= 15 for three."""

BLOCK = 2**13
RANGE = 9.5
PANEL, FINEST = 3.0, 3.0 / 64
AGREEMENT = 1e-12
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)


def support(law: WeightLaw) -> tuple[Float, Float] | None:
    """Return the values of an effective weight, in increasing order, and their probabilities; None if not finite."""
    if law.latent is Latent.SIGN and law.forward is None and law.is_iid:
        size = math.sqrt(law.variance / law.density)
        if law.density == 1.0:
            return np.array([-size, size]), np.array([0.5, 0.5])
        half = law.density / 2
        return np.array([-size, 0.0, size]), np.array([half, 1.0 - law.density, half])
    steps = law.forward
    if steps is None or not steps.is_sharp or any(atom.power for atom in steps.atoms):
        return None
    places = np.array([float(at) for at in steps.breakpoints])
    ends = np.concatenate([[places[0] - 1.0], places, [places[-1] + 1.0]])
    levels = ndtr(np.concatenate([[-np.inf], places, [np.inf]]))
    values, where = np.unique(steps((ends[:-1] + ends[1:]) / 2), return_inverse=True)
    return values, np.asarray(np.bincount(where, np.diff(levels)), np.float64)


@dataclass(frozen=True)
class Lattice:
    """First pre-activations (s_w / sqrt d) sum_i w_i x_i + s_b b, b ~ N(0, 1), of one neuron at two sets of inputs.

    Parameters
    ----------
    values, masses
        The values of a weight and their probabilities; symmetric about 0.
    x, y
        Inputs, shapes (n, d) and (m, d); ``y is x`` makes products symmetric to the last bit.
    weight_std, bias_std
        s_w and s_b.
    """

    values: Float
    masses: Float
    x: Float
    y: Float
    weight_std: float
    bias_std: float

    @classmethod
    def of(
        cls, law: WeightLaw, x: Float, y: Float, weight_std: float, bias_std: float
    ) -> "Lattice":
        """Build from a weight law.

        Raises
        ------
        ArchitectureError
            If its values are not finitely many, or the outcomes of a row more than ``MOST_STATES``.
        """
        found, d = support(law), x.shape[1]
        if found is None:
            raise ArchitectureError(
                f"weights 1 follow {law.name}, which are not independent weights of finitely many values; use "
                f'first_layer="gaussian", the limit of many input dimensions'
            )
        values, masses = found
        if d * math.log2(values.size) > math.log2(MOST_STATES) + 1e-9:
            raise ArchitectureError(
                f"a row of {d} weights of {law.name} has {values.size}^{d} = {float(values.size) ** d:.2g} outcomes, "
                f'more than the {MOST_STATES} that first_layer="exact" goes through; first_layer="gaussian" is off by '
                f"a relative {3 / d:.2g} or so at this d, for inputs with entries of one size"
            )
        return cls(values, masses, x, y, weight_std, bias_std)

    def products(self, f: Activation, g: Activation) -> Float:
        """E f(h(x)) g(h(y)), shape (n, m).

        Accuracy: rounding of sums over the states without a bias; with one, quadrature over b to 1e-11 of the terms.

        Raises
        ------
        UndefinedKernelError
            For a Dirac mass without bias, or two masses that meet.
        DomainError
            If a function is too steep on the scale of the bias for the quadrature.
        """
        symmetric = self.y is self.x and f == g
        if self.bias_std == 0:
            result = self._sums(f, g)
        else:
            result = np.zeros((len(self.x), len(self.y)))
            for i in range(len(self.x)):
                for j in range(i if symmetric else 0, len(self.y)):
                    result[i, j] = self._with_bias(f, g, i, j)
        if symmetric:
            lower = np.tril_indices(len(result), -1)
            result[lower] = result.T[lower]
        return result

    def squares(self, f: Activation) -> tuple[Float, Float]:
        """E f(h)^2 at x and at y, shapes (n,) and (m,)."""
        each = []
        for points in (self.x,) if self.y is self.x else (self.x, self.y):
            single = [
                Lattice(self.values, self.masses, row, row, self.weight_std, self.bias_std)
                for row in points[:, None, :]
            ]
            each.append(np.array([lattice.products(f, f)[0, 0] for lattice in single]))
        return each[0], each[-1]

    def _states(self) -> Iterator[tuple[Float, Float]]:
        """Yield rows of weights, one of each pair w, -w, and the probability of both together."""
        base, d = self.values.size, self.x.shape[1]
        total = base**d
        # Digits count values upwards and the support is symmetric: state i is minus state total - 1 - i.
        for start in range(0, (total + 1) // 2, BLOCK):
            index = np.arange(start, min(start + BLOCK, (total + 1) // 2))
            digits = index[:, None] // base ** np.arange(d) % base
            mass = self.masses[digits].prod(axis=1)
            yield self.values[digits], np.where(2 * index + 1 == total, mass, 2 * mass)

    def _sums(self, f: Activation, g: Activation) -> Float:
        for function in (f, g):
            if function.has_dirac:
                raise UndefinedKernelError(
                    f"{function} holds a Dirac mass, and first pre-activations of finitely many values either miss "
                    f"it or sit on it; give the first layer a bias, take a continuous surrogate with "
                    f'jacobians=("surrogate", "surrogate"), or first_layer="gaussian"'
                )
        scale = self.weight_std / math.sqrt(self.x.shape[1])
        result = np.zeros((len(self.x), len(self.y)))
        for weights, mass in self._states():
            left = scale * _exact_zeros(weights, self.x)
            right = left if self.y is self.x else scale * _exact_zeros(weights, self.y)
            for sign in (1.0, -1.0):
                result += (0.5 * mass[:, None] * f(sign * left)).T @ g(sign * right)
        return result

    def _with_bias(self, f: Activation, g: Activation, i: int, j: int) -> float:
        """Integrate over the bias, which both inputs share."""
        panel = PANEL
        before: float | None = None
        while True:
            after = self._integrated(f, g, i, j, panel)
            if before is not None and abs(after[0] - before) <= AGREEMENT * after[1]:
                return float(after[0])
            if panel <= FINEST:
                raise DomainError(
                    f"{f} or {g} is too steep for a bias of {self.bias_std:g}: quadrature over the bias still moves; "
                    f"use a less steep function, or the jump itself"
                )
            panel, before = panel / 2, float(after[0])

    def _integrated(self, f: Activation, g: Activation, i: int, j: int, panel: float) -> Float:
        """Return the integral, and the sum of its terms in absolute value."""
        scale, s = self.weight_std / math.sqrt(self.x.shape[1]), self.bias_std
        regular = [_regular(function) for function in (f, g)]
        total = np.zeros(2)
        for weights, mass in self._states():
            one, two = scale * (weights @ self.x[i]), scale * (weights @ self.y[j])
            for sign in (1.0, -1.0):
                m, n = sign * one, sign * two
                total += 0.5 * _panels(regular[0], regular[1], m, n, s, mass, panel)
                total += 0.5 * _masses(f, g, regular[1], m, n, s, mass)
                total += 0.5 * _masses(g, f, regular[0], n, m, s, mass, meet=False)
        return total


def _regular(function: Activation) -> Activation:
    """Everything but the Dirac masses."""
    return Activation.of([atom for atom in function.atoms if not atom.is_dirac], function.name)


def _panels(
    f: Activation, g: Activation, m: Float, n: Float, s: float, mass: Float, panel: float
) -> Float:
    """Integrate f(m + s b) g(n + s b) over b, state by state, between kinks and the ends of panels."""
    fixed = np.linspace(-RANGE, RANGE, round(2 * RANGE / panel) + 1)
    edges = [np.broadcast_to(fixed, (m.size, fixed.size))]
    edges += [((place - m) / s)[:, None] for place in _places(f)]
    edges += [((place - n) / s)[:, None] for place in _places(g)]
    ends = np.sort(np.clip(np.concatenate(edges, axis=1), -RANGE, RANGE), axis=1)
    total = np.zeros(2)
    for k in range(ends.shape[1] - 1):
        half = (ends[:, k + 1] - ends[:, k]) / 2
        b = ends[:, k, None] + half[:, None] * (1 + _NODES)
        density = np.exp(-b * b / 2) / math.sqrt(2 * math.pi)
        terms = density * f(m[:, None] + s * b) * g(n[:, None] + s * b)
        weight = mass * half
        total += weight @ (terms @ _WEIGHTS), weight @ (np.abs(terms) @ _WEIGHTS)
    return total


def _places(function: Activation) -> list[float]:
    """Kinks, and where smoothed steps and bumps bend."""
    bends = [
        float(atom.at) + k * float(atom.scale)
        for atom in function.atoms
        if atom.scale > 0 and not atom.is_smooth
        for k in (-8, -4, -2, 0, 2, 4, 8)
    ]
    return [*(float(at) for at in function.breakpoints), *bends]


def _masses(
    f: Activation,
    g: Activation,
    regular: Activation,
    m: Float,
    n: Float,
    s: float,
    mass: Float,
    meet: bool = True,
) -> Float:
    """Add the Dirac masses of f times the regular part of g; masses of both that meet are refused."""
    total = np.zeros(2)
    for atom in f.atoms:
        if not atom.is_dirac:
            continue
        at = float(atom.at)
        b = (at - m) / s
        # Of equal pre-activations both are at the mass, exactly: g may jump there.
        there = at + (n - m)
        if meet:
            size = np.abs(m) + np.abs(n) + abs(at)
            for other in g.atoms:
                if other.is_dirac and np.any(np.abs(there - float(other.at)) <= 1e-13 * size):
                    raise UndefinedKernelError(
                        f"E[{f}(u) {g}(v)] over the first layer is infinite: the same weights and bias put both "
                        f"pre-activations on a Dirac mass. Use distinct inputs, or a continuous surrogate with "
                        f'jacobians=("true", "surrogate")'
                    )
        powers = float(atom.coef) * at**atom.power
        terms = powers * np.exp(-b * b / 2) / (math.sqrt(2 * math.pi) * s) * regular(there)
        total += mass @ terms, mass @ np.abs(terms)
    return total


def _exact_zeros(weights: Float, points: Float) -> Float:
    """Return weights @ points^T with the sums that are exactly 0, and no others, equal to 0."""
    sums = weights @ points.T
    for column, row in enumerate(points):
        if _sums_are_exact(row):
            continue
        slack = 4 * row.size * np.finfo(np.float64).eps * np.abs(row).sum()
        for state in np.flatnonzero(np.abs(sums[:, column]) <= slack):
            sums[state, column] = math.fsum(weights[state] * row)
    return sums


def _sums_are_exact(row: Float) -> bool:
    """Whether the entries are integers times one power of two, so small that sums of +-them have no rounding."""
    largest = np.abs(row).max()
    if largest == 0:
        return True
    grid = 2.0 ** (math.frexp(float(np.abs(row).sum()))[1] - 52)
    return bool(np.all(row == np.round(row / grid) * grid))
