"""How a tangent kernel of jumps blows up: towards its diagonal, and on it as the jumps are smoothed less and less.

Near the diagonal, pre-activations at two inputs of a sphere differ by a normal variable of small standard deviation
delta. A jump of height h at g, differentiated on both sides, passes h^2 p(g) / (sqrt(2 pi) delta), p the density of the
pre-activation; jumps of an activation turn delta^2 into s_w^2 h^2 p(g) sqrt(2/pi) delta. Source: claims T31, T32.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp
from flint import arb, ctx
from numpy.typing import ArrayLike, NDArray

from theory.activations import Activation
from theory.arithmetic.balls import Balls
from theory.arithmetic.exact import exact
from theory.arithmetic.lowering import lower
from theory.checks import finite, positive_int
from theory.errors import ArchitectureError, InputError, UndefinedKernelError
from theory.gaussian import expectation
from theory.kernels.architecture import Architecture, architecture, jacobian_pair
from theory.kernels.recursion import ORDINARY
from theory.kernels.spectra.duals import mean_product
from theory.kernels.spectra.profile import masses

Float = NDArray[np.float64]


@dataclass(frozen=True)
class SingularLaw:
    """How a tangent kernel Theta grows towards its diagonal, on inputs of one norm.

    Attributes
    ----------
    exponent, coefficient
        Theta(x, x') = coefficient * angle^-exponent (1 + o(1)) as the angle between x and x' tends to 0.
    power, diagonal
        Theta_m(x, x) = diagonal * m^power (1 + o(1)) as m tends to infinity, Theta_m the kernel of the network whose
        activations and surrogates are averaged over Gaussian noise of standard deviation 1/(m sqrt 2): erf(m x) for
        sign. ``power`` is the number of layers at which both Jacobians differentiate a jump; at 0 the kernel is finite,
        ``exponent`` is 0, and ``diagonal`` and ``coefficient`` are Theta(x, x).
    """

    exponent: Fraction
    coefficient: Any
    power: int
    diagonal: Any


def singular_law(
    arch: Architecture, norm: ArrayLike = 1.0, jacobians: tuple[str, str] = ORDINARY
) -> SingularLaw:
    """Return how a tangent kernel blows up on its diagonal, in float64.

    Parameters
    ----------
    arch
        The network; an activation without jumps passes the singularity of the layers below on.
    norm
        |x|/sqrt(d) > 0, any shape.
    jacobians
        By default those of the ordinary kernel.

    Returns
    -------
    SingularLaw
        ``coefficient`` and ``diagonal`` have the shape of ``norm``; relative error 1e-12.

    Raises
    ------
    UndefinedKernelError
        Where the leading terms of a layer's jumps cancel, or an activation is constant.
    InputError
        For a norm that is not positive, or unknown Jacobians.

    Notes
    -----
    Sign networks of L hidden layers have exponent 2 - 2^(1-L) and power L; at s_w = 1, s_b = 0 and norm 1 the
    coefficient is 2^-L (4/pi)^(2 - 2^(1-L)), the diagonal (2/pi)^L. The kernel off its diagonal is ``ntk`` of distinct
    inputs. Certified: ``certified_singular_law``. Source: claims T31, T32.
    """
    architecture(arch)
    pair, lengths = jacobian_pair(jacobians), finite(norm, "norm")
    if np.any(lengths <= 0):
        raise InputError(f"norm must be positive, got {norm!r}")
    moments = [law.jacobian_moment(pair) for law in arch.weight_laws]
    numbers = _Numbers(
        float, np.exp, lambda f, g, q: expectation(f, g).float64(q, q, q), np.float64(np.pi)
    )
    return _law(arch, pair, lengths, moments, numbers)


def certified_singular_law(
    arch: Architecture,
    norm: Any = 1,
    jacobians: tuple[str, str] = ORDINARY,
    *,
    bits: int = 128,
) -> SingularLaw:
    """Return how a tangent kernel blows up on its diagonal, in balls.

    Parameters
    ----------
    arch, jacobians
        As for ``singular_law``. Standard deviations count as the binary numbers that the architecture stores.
    norm
        |x|/sqrt(d) > 0, exact.
    bits
        Working precision.

    Returns
    -------
    SingularLaw
        ``coefficient`` and ``diagonal`` are balls that contain the numbers.

    Raises
    ------
    UndefinedKernelError
        As for ``singular_law``; also where it cannot be told whether leading terms cancel.
    InputError
        As for ``singular_law``; also where an expectation has no closed form.
    ArchitectureError
        For binarized latent weights, whose constants are known in float64 only.
    """
    architecture(arch)
    pair, length = jacobian_pair(jacobians), exact(norm, "norm")
    if not bool(length > 0):
        raise InputError(f"norm must be positive, got {norm!r}")
    for law in arch.weight_laws:
        if law.forward is not None:
            raise ArchitectureError(
                f"weights {law.name} enter by constants known in float64 only; certified laws need plain weights"
            )
    with ctx.workprec(positive_int(bits, "bits")):
        numbers = _Numbers(
            lambda value: lower(value, {}, Balls()) if isinstance(value, sp.Basic) else arb(value),
            lambda value: value.exp(),
            mean_product,
            arb.pi(),
        )
        return _law(arch, pair, numbers.constant(length), [1.0] * len(arch.weight_laws), numbers)


@dataclass(frozen=True)
class _Numbers:
    """What the recursion asks of a number system, beside + * / and powers."""

    constant: Callable[[Any], Any]
    exponential: Callable[[Any], Any]
    moment: Callable[[Activation, Activation, Any], Any]
    pi: Any

    def jumps(self, f: Activation, g: Activation, q: Any) -> Any:
        """Return the sum of h_f h_g p(g) over the masses that both derivatives have, p the density of N(0, q)."""
        heights = {atom.at: atom.coef for atom in g.atoms if atom.is_dirac}
        total = 0 * q
        for atom in f.atoms:
            if atom.is_dirac and atom.at in heights:
                product, place = atom.coef * heights[atom.at], self.constant(atom.at)
                total = total + self.constant(product) * self.exponential(-(place**2) / (2 * q))
        return total / (2 * self.pi * q) ** 0.5


def _law(
    arch: Architecture, pair: tuple[str, str], norm: Any, moments: list[float], numbers: _Numbers
) -> SingularLaw:
    """Carry the variance q, the difference delta = a angle^e, and both laws of Theta through the layers."""
    stds = [
        (numbers.constant(w) ** 2, numbers.constant(b) ** 2)
        for w, b in zip(arch.weight_stds, arch.bias_stds, strict=True)
    ]
    variances = [numbers.constant(law.variance) for law in arch.weight_laws]
    weight, shift = stds[0]
    q = weight * variances[0] * norm**2 + shift
    a, e = (weight * variances[0]) ** 0.5 * norm, Fraction(1)
    diagonal = weight * moments[0] * norm**2 + shift
    coefficient, power, exponent = diagonal, 0, Fraction(0)
    for index, layer in enumerate(arch.layers, start=1):
        (weight, shift), f = stds[index], layer.activation
        scale = weight * variances[index]
        first, second = (layer.derivative(side) for side in pair)
        if masses(first) & masses(second):
            passed = scale * numbers.jumps(first, second, q) / (2 * numbers.pi) ** 0.5
            coefficient, exponent, power = coefficient / a, exponent + e, power + 1
        else:
            passed = scale * numbers.moment(first, second, q)
        coefficient, diagonal = coefficient * passed, diagonal * passed
        if power:
            _require_sign(passed, index, f"what passes the jacobians {pair}")
        square = numbers.moment(f, f, q)
        if not power:
            own = weight * moments[index] * square + shift
            coefficient, diagonal = coefficient + own, diagonal + own
        slope = f.derivative
        if slope.has_dirac:
            spread = numbers.jumps(slope, slope, q) * (2 / numbers.pi) ** 0.5
            a, e = (scale * spread * a) ** 0.5, e / 2
        else:
            a = (scale * numbers.moment(slope, slope, q)) ** 0.5 * a
        _require_sign(a, index, f"differences of {f}")
        q = scale * square + shift
    return SingularLaw(exponent, coefficient, power, diagonal)


def _require_sign(value: Any, layer: int, what: str) -> None:
    """Refuse a factor of the law that is 0, or may be: smaller terms would decide."""
    if not np.all(value != 0):
        raise UndefinedKernelError(
            f"hidden layer {layer}: the leading term of {what} is {value}, so smaller ones decide how the kernel "
            f"grows; a singular law needs it to differ from 0"
        )
