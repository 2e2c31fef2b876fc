"""Which tangent kernel an algorithm trains with: the constants of claim T11 for its forward and backward quantizer.

In the wide limit the latent weights are N(0, 1); the effective weight omega(W) passes on E omega^2 of every covariance,
and a step that multiplies gradients by B(W) moves the effective weights as if they were real, times E omega'(W) B(W).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from types import MappingProxyType

from theory.activations import Activation
from theory.activations.cases.hardtanh import hardtanh
from theory.activations.cases.identity import identity
from theory.activations.cases.sign import sign
from theory.activations.cases.ternary import ternary
from theory.kernels.weights import WeightLaw, binarized
from theory.quantized.quantizers import PAR, PiecewiseLinear, sign_swish_activation


@dataclass(frozen=True)
class Tangent:
    """An algorithm's pair, as far as a wide network sees it.

    Parameters
    ----------
    forward
        omega.
    surrogate
        Function whose derivative is the backward quantizer B.

    Notes
    -----
    The update has to move latent weights by -rate B(u) grad(omega(u)): ``CONNECT`` of ``ProxConnect``. Rules that move
    the quantized weights, Bop and search have no such kernel. Source: claim T11.
    """

    forward: Activation
    surrogate: Activation

    @cached_property
    def law(self) -> WeightLaw:
        """The weight law to give to ``th.Architecture``: its kernels are those that training sees."""
        return binarized(self.forward, self.surrogate)

    @property
    def propagation(self) -> float:
        """V = E omega(W)^2: the factor of every covariance and of every back-propagated kernel."""
        return self.law.variance

    @property
    def step(self) -> float:
        """M = E omega'(W) B(W), W ~ N(0, 1): the factor of every weight block of the tangent kernel."""
        return self.law.jacobian_moment(("true", "surrogate"))


def tangents() -> Mapping[str, Tangent]:
    """Return the algorithms by name, at the sharpness named (mu = 1)."""
    straight = identity()
    rounded = PiecewiseLinear((-1, 1), Fraction(1, 2)).map(1).activation
    ternary_line = PiecewiseLinear((-1, 0, 1), Fraction(1, 4)).map(1).activation
    par = PAR((-1, 0, 1), (Fraction(1, 2),)).map(1).activation
    swish = sign_swish_activation(5)
    return MappingProxyType(
        {
            "full precision": Tangent(straight, straight),
            "BinaryConnect": Tangent(sign(), straight),
            "BNN": Tangent(sign(), hardtanh(1)),
            "BNN+ (beta = 5)": Tangent(sign(), swish),
            "BNN++ (beta = 5)": Tangent(swish, swish),
            "ternary BinaryConnect": Tangent(ternary("1/2"), straight),
            "ProxConnect (rho = 1/2)": Tangent(rounded, straight),
            "ternary ProxConnect (rho = 1/4)": Tangent(ternary_line, straight),
            "AProx (a = 1/2)": Tangent(par, straight),
        }
    )
