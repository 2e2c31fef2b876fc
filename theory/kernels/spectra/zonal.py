"""Eigenvalues of limit kernels on circles and spheres, by quadrature over the angle."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from theory.checks import positive, positive_int
from theory.errors import InputError
from theory.kernels.architecture import Architecture, architecture, jacobian_pair
from theory.kernels.recursion import TRAINING
from theory.kernels.spectra.profile import profile
from theory.kernels.spectra.spheres import harmonics, multiplicity, sphere_dimension

Float = NDArray[np.float64]

# Panels shrink by halves towards both ends, where kernels of jumps behave like roots of the angle.
_HALVINGS = 48
_NODES = 16

ROUNDING = 1e-13
"""Accuracy of the expectations behind a kernel, relative to its diagonal."""


@dataclass(frozen=True)
class ZonalSpectrum:
    """Eigenvalues of a kernel on the sphere in ``dimension`` dimensions, under the uniform law of mass 1.

    Attributes
    ----------
    eigenvalues
        lambda_0, ..., shape (modes,): for degree-k harmonics, each of multiplicity ``multiplicities[k]``.
        On N equispaced points of the circle the Gram matrix has about N lambda_k.
    errors
        What two quadratures differ by, plus 1e-13 of the diagonal for rounding, shape (modes,).
    multiplicities
        Shape (modes,).
    diagonal
        K(x, x), which is the sum of all eigenvalues times multiplicities.
    dimension
        d; the circle has d = 2.
    """

    eigenvalues: Float
    errors: Float
    multiplicities: NDArray[np.int64]
    diagonal: float
    dimension: int

    @property
    def negative(self) -> NDArray[np.int64]:
        """Degrees with an eigenvalue below zero by more than its error.

        The kernel is not positive there, and training with it drives targets of these degrees the
        wrong way (claims T25, T28).
        """
        return np.flatnonzero(self.eigenvalues < -self.errors)

    @property
    def ratio(self) -> float:
        """Least over largest eigenvalue."""
        return float(self.eigenvalues.min() / self.eigenvalues.max())

    def __str__(self) -> str:
        found = self.negative
        where = f"S^{self.dimension - 1}, degrees below {len(self.eigenvalues)}"
        if not found.size:
            return f"No negative eigenvalue on {where}."
        k = int(found[np.argmin(self.eigenvalues[found])])
        return (
            f"{len(found)} negative eigenvalues on {where}: the least is {self.eigenvalues[k]:.6g} at degree {k}, "
            f"{self.ratio:.2g} of the largest; targets of these degrees are learned with the wrong sign."
        )


def zonal_spectrum(
    arch: Architecture,
    modes: int = 32,
    *,
    dimension: int = 2,
    norm: Any = 1,
    kind: str = "ntk",
    jacobians: tuple[str, str] = TRAINING,
) -> ZonalSpectrum:
    """Return the eigenvalues of a limit kernel on inputs of one norm.

    Parameters
    ----------
    arch
        The network. On inputs of one norm its kernels depend on the angle alone, for every pair of
        Jacobians (claim T8).
    modes
        Degrees 0, ..., modes - 1.
    dimension
        Input dimension d >= 2: Fourier coefficients for 2, Gegenbauer for more.
    norm
        |x|/sqrt(d) > 0.
    kind
        ``"ntk"`` or ``"nngp"``.
    jacobians
        For the tangent kernel.

    Returns
    -------
    ZonalSpectrum
        Each with an error: 1e-13 of the diagonal; several layers of jumps make the kernel a higher root
        of the angle, and cost digits.

    Raises
    ------
    UndefinedKernelError
        If the diagonal is infinite: the operator is unbounded.
    InputError
        For a bad dimension, norm or kind.

    Notes
    -----
    Gauss-Legendre panels that shrink towards both ends. A first layer of binary weights counts as Gaussian,
    its limit as d grows. Certified values:
    ``certified_spectrum``. Source: claim T25.
    """
    architecture(arch)
    d, count = sphere_dimension(dimension), positive_int(modes, "modes")
    length, pair = positive(norm, "norm"), jacobian_pair(jacobians)
    if kind not in ("ntk", "nngp"):
        raise InputError(f'kind must be "ntk" or "nngp", got {kind!r}')
    kernel = profile(arch, length, kind, pair)
    diagonal = float(kernel(np.zeros(1))[0])
    values, errors = coefficients(kernel, count, d)
    return ZonalSpectrum(
        values,
        errors + ROUNDING * abs(diagonal),
        np.array([multiplicity(k, d) for k in range(count)]),
        diagonal,
        d,
    )


def coefficients(
    kernel: Callable[[Float], Float], count: int, dimension: int
) -> tuple[Float, Float]:
    """Return the first eigenvalues of a zonal kernel, given as a function of the angle, and their errors."""
    coarse = _integrate(kernel, count, dimension, _NODES)
    fine = _integrate(kernel, count, dimension, _NODES + 8)
    return fine, np.abs(fine - coarse)


def _integrate(kernel: Callable[[Float], Float], count: int, d: int, nodes: int) -> Float:
    angles, weights = _rule(count + d, nodes)
    density = np.exp(gammaln(d / 2) - gammaln((d - 1) / 2)) / np.sqrt(np.pi)
    values = kernel(angles) * weights * density * np.sin(angles) ** (d - 2)
    return np.asarray(_modes(angles, count, d) @ values)


def _modes(angles: Float, count: int, d: int) -> Float:
    if d == 2:
        # cos(k arccos(rho)) from the angle itself: the recurrence loses digits near the ends.
        return np.cos(np.arange(count)[:, None] * angles)
    return harmonics(np.cos(angles), count, d)


def _rule(frequency: int, nodes: int) -> tuple[Float, Float]:
    """Return Gauss-Legendre nodes and weights on [0, pi], panels halving towards both ends."""
    halves = np.concatenate([[0.0], np.pi / 2 * 0.5 ** np.arange(_HALVINGS, -1, -1.0)])
    widest = min(np.pi / 8, 8.0 / frequency)
    left = np.concatenate(
        [
            np.linspace(low, high, int(np.ceil((high - low) / widest)) + 1)[:-1]
            for low, high in pairwise(halves)
        ]
    )
    edges = np.concatenate([left, [np.pi / 2]])
    points, weights = np.polynomial.legendre.leggauss(nodes)
    middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    angles = (middle[:, None] + half[:, None] * points).ravel()
    parts = (half[:, None] * weights).ravel()
    return np.concatenate([angles, np.pi - angles]), np.concatenate([parts, parts])
