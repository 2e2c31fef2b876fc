"""Mean and variance of the tangent kernel at one input, to order 1/n, for any activation and depth (claim B63)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory import checks
from theory.activations import Activation
from theory.errors import ArchitectureError, DomainError, InputError, UndefinedKernelError
from theory.kernels.architecture import architecture
from theory.kernels.weights import JACOBIANS
from theory.networks.plan import hidden_widths

if TYPE_CHECKING:
    from theory.kernels import Architecture

Float = NDArray[np.float64]

# Beyond 12 standard deviations, z^8 times the density is below 1e-22 of its mean.
RANGE = 12.0
GRADES, HALVINGS = 60, 6
AGREEMENT = 1e-12


@dataclass(frozen=True)
class LeadingMoments:
    """Mean and variance of Theta_n(x, x) up to terms of order 1/n^2.

    Parameters
    ----------
    limit
        Theta(x, x), the limit kernel.
    bias
        E Theta_n - Theta to order 1/n.
    variance
        Var Theta_n to order 1/n.
    covariance, covariance_bias, covariance_variance
        The same three of the conditional variance S of the output: its limit, E S - K and Var S.
    """

    limit: float
    bias: float
    variance: float
    covariance: float
    covariance_bias: float
    covariance_variance: float


def tangent_spread(
    arch: "Architecture", x: ArrayLike, width: int | Sequence[int], jacobian: str = "true"
) -> LeadingMoments:
    r"""Return the leading 1/n mean and variance of the empirical tangent kernel at one input.

    Parameters
    ----------
    arch
        Gaussian weights; any activations and depth L >= 1.
    x
        One input, shape (d,).
    width
        Hidden width, or one a hidden layer.
    jacobian
        ``"true"`` for the ordinary kernel, ``"surrogate"`` for that of two surrogate Jacobians.

    Returns
    -------
    LeadingMoments
        Errors of order 1/n^2; the Gaussian averages behind them are accurate to 1e-11.

    Raises
    ------
    ArchitectureError
        For weights that are not Gaussian, or no hidden layer.
    UndefinedKernelError
        If the derivative holds a Dirac mass: no finite network has that kernel.
    DomainError
        If a function is too steep on the scale of its inputs for the quadrature, or all its inputs are 0.
    InputError
        For a bad input, width or Jacobian.

    Notes
    -----
    The covariances of (S, conditional mean of Theta) pass through a layer by the delta method; the adjoints of two
    neurons add alpha and beta. Source: claims B63 and, for S, B58.
    """
    values = checks.finite(x, "x")
    if values.ndim != 1 or values.size == 0:
        raise InputError(f"x must be one input of shape (d,), got shape {values.shape}")
    if jacobian not in JACOBIANS:
        raise InputError(f"jacobian must be one of {JACOBIANS}, got {jacobian!r}")
    sizes = hidden_widths(width, arch)
    _require_gaussian(arch)
    for place, layer in enumerate(arch.layers, start=1):
        if layer.derivative(jacobian).has_dirac:
            raise UndefinedKernelError(
                f"the {jacobian!r} derivative in hidden layer {place} is that of a jump: no finite network has that "
                f'kernel; take hardtanh(a) with small a, or jacobian="surrogate"'
            )
    scales = [std**2 for std in arch.weight_stds]
    shifts = [std**2 for std in arch.bias_stds]
    state = _State.first(scales[0] * float(values @ values) / values.size + shifts[0])
    for layer, c, shift, n in zip(arch.layers, scales[1:], shifts[1:], sizes, strict=True):
        averages = Averages(layer.activation, layer.derivative(jacobian), state.variance)
        state = state.through(averages, c, shift, n)
    return LeadingMoments(
        state.theta, state.bias_theta, state.spread_theta + state.beta,
        state.variance, state.bias, state.spread,
    )  # fmt: skip


def _require_gaussian(arch: "Architecture") -> None:
    if not architecture(arch).layers:
        raise ArchitectureError("arch has no hidden layer: its kernel does not fluctuate")
    for place, law in enumerate(arch.weight_laws, start=1):
        if not law.is_gaussian:
            raise ArchitectureError(
                f"weights {place} follow {law.name}; the recursion is that of Gaussian weights, th.gaussian()"
            )


class Averages:
    """E of powers of s(z), d(z) and Hermite polynomials, z ~ N(0, variance)."""

    def __init__(self, s: Activation, d: Activation, variance: float) -> None:
        if variance <= 0:
            raise DomainError(
                "the pre-activations are all 0 (a zero input without bias); give another input or a bias"
            )
        self.variance = variance
        self.s, self.d = s, d
        before = self._tabulate(edges := self._edges())
        for _ in range(HALVINGS):
            edges = np.sort(np.concatenate([edges, (edges[:-1] + edges[1:]) / 2]))
            after = self._tabulate(edges)
            if np.all(np.abs(after - before) <= AGREEMENT * np.maximum(np.abs(after), 1e-3)):
                return
            before = after
        raise DomainError(
            f"{s} or {d} is too steep or too fast for inputs of variance {variance:g}: quadrature still moves with "
            f"{edges.size} panels; use a less steep function"
        )

    def _edges(self) -> Float:
        """Panels that shrink towards 0, every kink and the centre of every smoothed step: no spike falls between."""
        root = math.sqrt(self.variance)
        places = {float(atom.at) / root for f in (self.s, self.d) for atom in f.atoms}
        places |= {float(at) / root for f in (self.s, self.d) for at in f.breakpoints}
        centres = np.array([0.0, *(at for at in places if abs(at) < RANGE)])
        grades = RANGE * 2.0 ** -np.arange(GRADES)
        offsets = np.concatenate([-grades, [0.0], grades])
        graded = (centres[:, None] + offsets).ravel()
        edges = np.concatenate([np.linspace(-RANGE, RANGE, 25), graded])
        return np.unique(edges[np.abs(edges) <= RANGE])

    def _tabulate(self, edges: Float) -> Float:
        """Set nodes and values; return the averages that everything else is made of."""
        root = math.sqrt(self.variance)
        nodes, weights = np.polynomial.legendre.leggauss(20)
        half = np.diff(edges) / 2
        self.z = (edges[:-1, None] + half[:, None] * (1 + nodes)).ravel()
        density = np.exp(-(self.z**2) / 2) / math.sqrt(2 * math.pi)
        self.weights = (half[:, None] * weights).ravel() * density
        self.f, self.g = self.s(root * self.z), self.d(root * self.z)
        powers = [
            self.f**i * self.g**j for i, j in ((2, 0), (4, 0), (2, 2), (0, 2), (0, 4), (1, 1))
        ]
        return np.array([float(self.weights @ (p * h)) for p in powers for h in (1.0, self.z**4)])

    def mean(self, values: Float) -> float:
        """E values."""
        return float(self.weights @ values)

    def slope(self, values: Float) -> float:
        """Derivative of E values by the variance, by Price's theorem."""
        return self.mean(values * (self.z**2 - 1)) / (2 * self.variance)

    def curvature(self, values: Float) -> float:
        """Second derivative of E values by the variance."""
        hermite = self.z**4 - 6 * self.z**2 + 3
        return self.mean(values * hermite) / (4 * self.variance**2)


@dataclass(frozen=True)
class _State:
    """Limits and 1/n terms at one layer, letters of claim B63 in comments."""

    variance: float  # G
    theta: float  # Theta
    spread: float = 0.0  # V / n
    cross: float = 0.0  # U / n
    spread_theta: float = 0.0  # T / n
    alpha: float = 0.0
    beta: float = 0.0
    bias: float = 0.0  # b_G / n
    bias_theta: float = 0.0  # b_H / n

    @classmethod
    def first(cls, variance: float) -> "_State":
        """The first layer: Gaussian, and its kernel equals its covariance."""
        return cls(variance, variance)

    def through(self, e: Averages, c: float, shift: float, n: int) -> "_State":
        """Pass a layer of width n."""
        f2, g2, fg = e.f**2, e.g**2, e.f * e.g
        q = f2 + g2 * self.theta
        both = c * (e.slope(f2) + self.theta * e.slope(g2))  # h_G
        carried = c * e.mean(g2)  # h_H
        bent = c * (e.curvature(f2) + self.theta * e.curvature(g2))  # h_GG
        mixed = c * e.slope(g2)  # h_GH
        slope, curvature = c * e.slope(f2), c * e.curvature(f2)  # g_G, g_GG
        return _State(
            variance=shift + c * e.mean(f2),
            theta=shift + c * (e.mean(f2) + e.mean(g2) * self.theta),
            spread=c**2 * (e.mean(f2**2) - e.mean(f2) ** 2) / n + slope**2 * self.spread,
            cross=c**2 * (e.mean(f2 * q) - e.mean(f2) * e.mean(q)) / n
            + slope * (both * self.spread + carried * self.cross),
            spread_theta=c**2 * (e.mean(q**2) - e.mean(q) ** 2) / n
            + both**2 * self.spread
            + 2 * both * carried * self.cross
            + carried**2 * self.spread_theta,
            alpha=c**2 * e.mean(fg**2) * self.theta / n
            + c**2 * e.mean(e.z * fg) ** 2 * self.alpha / self.variance,
            beta=2 * c**2 * e.mean(g2**2) * self.theta**2 / n + c**2 * e.mean(g2) ** 2 * self.beta,
            bias=slope * self.bias + curvature * self.spread / 2,
            bias_theta=both * self.bias
            + carried * self.bias_theta
            + bent * self.spread / 2
            + mixed * self.cross
            + 2 * c * self.alpha * e.slope(g2),
        )
