"""Weight laws as data: how an entry of W is drawn, and what the forward and backward passes make of it.

Every law has a *latent* entry W and an *effective* entry omega(W). The forward pass and the backpropagation to
lower layers use omega(W); the Jacobian with respect to the latent weight carries omega'(W) (``"true"``) or its
surrogate tau_w(W) (``"surrogate"``). Where nothing is binarized, omega is the identity and both derivatives are 1.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.integrate import quad

from theory import checks
from theory.activations import Activation
from theory.errors import ActivationError, ArchitectureError, InputError, UndefinedKernelError

if TYPE_CHECKING:
    from theory.activations.atoms import Atom

JACOBIANS = ("true", "surrogate")
"""Names of the two derivatives: the mathematical one, and the one that training puts in its place."""


class Latent(IntEnum):
    """Law of the latent entry; all are symmetric about 0."""

    NORMAL = 0
    SIGN = 1
    TERNARY = 2


@dataclass(frozen=True)
class WeightLaw:
    """Law of the entries of one weight matrix.

    Parameters
    ----------
    name, label
        Identifier and LaTeX.
    latent
        Law of the latent entry W.
    zero_probability
        P(W = 0), used by ``Latent.TERNARY`` alone.
    forward
        Odd map omega from latent to effective weight; None is the identity.
    surrogate
        Function whose derivative is tau_w; None where omega is the identity.

    Raises
    ------
    ArchitectureError
        If omega is not odd: the effective weights would not be centred, and no limit theory here would hold.
    """

    name: str
    label: str
    latent: Latent = Latent.NORMAL
    zero_probability: float = 0.0
    forward: "Activation | None" = None
    surrogate: "Activation | None" = None

    def __post_init__(self) -> None:
        if self.forward is None:
            return
        for role, function in (("forward", self.forward), ("surrogate", self.surrogate)):
            if not isinstance(function, Activation) or function.has_dirac:
                raise ActivationError(
                    f"the {role} map of binarized weights must be a function, got {function!r}; "
                    f"pass the function itself (for example hardtanh(1)), not its derivative"
                )
        grid = np.linspace(0.0, 8.0, 801)
        gap = np.abs(self.forward(grid) + self.forward(-grid))
        worst = int(gap.argmax())
        if gap[worst] > 1e-12:
            raise ArchitectureError(
                f"binarized weights need an odd map, so that they are centred, but {self.forward} takes "
                f"{self.forward(grid)[worst]} at {grid[worst]} and {self.forward(-grid)[worst]} at {-grid[worst]}"
            )

    def __str__(self) -> str:
        return self.name

    def derivative(self, jacobian: str) -> "Activation | None":
        """Derivative that a ``"true"`` or ``"surrogate"`` Jacobian puts on the latent weight; None is constant 1."""
        if jacobian not in JACOBIANS:
            raise InputError(f"unknown Jacobian {jacobian!r}; choose from {JACOBIANS}")
        source = self.forward if jacobian == "true" else self.surrogate
        return None if source is None else source.derivative

    @cached_property
    def variance(self) -> float:
        """V = E[omega(W)^2], the factor of every propagated covariance (claim T11)."""
        if self.forward is None:
            return 1.0 - self.zero_probability
        return _mean_product(self.forward, self.forward)

    @cached_property
    def kurtosis(self) -> float:
        """E[omega(W)^4], not normalised: 3 for Gaussian and 1 for +-1 weights.

        To 1e-12 for polynomials, steps and Gaussian bumps (hardtanh, erf); else by adaptive quadrature to 1e-10.
        """
        if self.forward is None:
            return 3.0 if self.latent is Latent.NORMAL else 1.0 - self.zero_probability
        from theory.gaussian import joint_expectation

        try:
            fourth = joint_expectation([self.forward] * 4, variables=(0,) * 4)
            return float(fourth.float64([[1.0]]))
        except ActivationError:
            return _fourth_moment(self.forward)

    def jacobian_moment(self, pair: tuple[str, str]) -> float:
        """M of claim T11: E of the product of the pair's two derivatives at a latent N(0, 1) weight.

        1 where nothing is binarized; sqrt(2/pi) tau_w(0) for ("true", "surrogate") with sign weights;
        erf(min(a, b)/sqrt 2)/(ab) for hardtanh(a) with surrogate hardtanh(b).

        Raises
        ------
        UndefinedKernelError
            If both derivatives have an atom at the same latent value: the moment is infinite.
        """
        rows, columns = (self.derivative(side) for side in pair)
        if rows is None or columns is None:
            return 1.0
        shared = {atom.at for atom in _diracs(rows)} & {atom.at for atom in _diracs(columns)}
        if shared:
            raise UndefinedKernelError(
                f"E[{rows}(W) {columns}(W)] is infinite: both derivatives have an atom at W = "
                f"{', '.join(map(str, sorted(shared)))}; use the pair ('true', 'surrogate') with a continuous "
                f"surrogate such as hardtanh(1), or hardtanh(a) with small a in place of a jump"
            )
        return _mean_product(rows, columns)


def _diracs(function: "Activation") -> list["Atom"]:
    return [atom for atom in function.atoms if atom.is_dirac]


def _mean_product(f: "Activation", g: "Activation") -> float:
    """E[f(W) g(W)] for one W ~ N(0, 1)."""
    from theory.gaussian import expectation

    try:
        product = f * g
    except ActivationError:
        return float(expectation(f, g).float64(1.0, 1.0, 1.0))
    return float(expectation(product).float64(1.0))


def _fourth_moment(f: "Activation") -> float:
    """E[f(W)^4] for W ~ N(0, 1), panel by panel between the centres and scales of the atoms of ``f``."""
    knots = {-12.0, 0.0, 12.0}
    for atom in f.atoms:
        if np.isfinite(at := float(atom.at)):
            knots |= {at + k * float(atom.scale) for k in (-6, -1, 0, 1, 6)}
    edges = sorted(knot for knot in knots if abs(knot) <= 12.0)

    def integrand(w: float) -> float:
        return float(f(np.array([w]))[0] ** 4 * np.exp(-w * w / 2) / np.sqrt(2 * np.pi))

    panels = pairwise(edges)
    return float(sum(quad(integrand, lo, hi, epsabs=1e-13, epsrel=1e-12)[0] for lo, hi in panels))


def gaussian() -> WeightLaw:
    """Standard normal weights, the law of the Gaussian limit theorems."""
    return WeightLaw("gaussian", r"\mathcal N(0,1)")


def rademacher() -> WeightLaw:
    """Fair +-1 weights, trained as if they were real: both weight derivatives are 1."""
    return WeightLaw("rademacher", r"\{\pm1\}", Latent.SIGN)


def ternary_weights(p0: float) -> WeightLaw:
    """Weights -1, 0, 1 with P(0) = ``p0`` in (0, 1) and fair signs; variance 1 - p0."""
    p0 = checks.probability(p0, "p0")
    return WeightLaw(f"ternary_weights({p0:g})", rf"\{{-1,0,1\}}_{{{p0:g}}}", Latent.TERNARY, p0)


def binarized(forward: "Activation", surrogate: "Activation | None" = None) -> WeightLaw:
    """Latent N(0, 1) weights seen through ``forward``; ``surrogate`` (default: ``forward``) supplies tau_w.

    ``binarized(sign(), hardtanh(1))`` is BinaryConnect and Hubara et al. (2016).

    Raises
    ------
    ActivationError
        If either map is not a function (has Dirac atoms).
    ArchitectureError
        If ``forward`` is not odd.
    """
    if not isinstance(forward, Activation):
        raise ActivationError(
            f"binarized weights need a forward map such as th.sign(), got {forward!r}"
        )
    surrogate = forward if surrogate is None else surrogate
    return WeightLaw(
        f"binarized({forward}, {surrogate})",
        rf"{forward.label}(\mathcal N(0,1))",
        forward=forward,
        surrogate=surrogate,
    )
