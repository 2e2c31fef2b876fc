"""Weight laws as data: how an entry of W is drawn, and what the forward and backward passes make of it.

Every law has a *latent* entry W and an *effective* entry omega(W). The forward pass and the backpropagation to
lower layers use omega(W); the Jacobian with respect to the latent weight carries omega'(W) (``"true"``) or its
surrogate tau_w(W) (``"surrogate"``). Where nothing is binarized, omega is the identity and both derivatives are 1.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from itertools import pairwise
from math import sqrt
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
    """Law of a latent entry that the mask keeps; both are symmetric about 0 and of variance 1."""

    NORMAL = 0
    SIGN = 1


@dataclass(frozen=True)
class WeightLaw:
    """Law of the entries of one weight matrix.

    Parameters
    ----------
    name, label
        Identifier and LaTeX.
    latent
        Law of the latent entry W where it is kept.
    zero_probability
        Probability that an entry is set to 0, independently of all others.
    blocks
        If positive, the mask is instead a block-diagonal one with rows and columns permuted at random: position p
        of n lies in block floor(p blocks/n), and entry (i, j) is kept where the places of i and of j share a block.
    standardised
        Whether entries are divided by their standard deviation, so that the mask leaves the variance at 1.
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
    blocks: int = 0
    standardised: bool = False
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

    @property
    def is_gaussian(self) -> bool:
        """Whether entries are iid normal: given its features, a layer is then Gaussian (claim B53)."""
        return self.latent is Latent.NORMAL and self.density == 1.0 and self.forward is None

    @property
    def is_iid(self) -> bool:
        """Whether entries are independent; permuted blocks are exchangeable and uncorrelated only (claim S46)."""
        return self.blocks == 0

    @property
    def density(self) -> float:
        """Probability that the mask keeps an entry; for permuted blocks, where their number divides both widths."""
        return 1.0 / self.blocks if self.blocks else 1.0 - self.zero_probability

    @property
    def variance(self) -> float:
        """V = E[omega(W)^2], the factor of every propagated covariance (claim T11)."""
        if self.forward is None:
            return 1.0 if self.standardised else self.density
        return self._forward_moments[0]

    @property
    def kurtosis(self) -> float:
        """E[omega(W)^4], not normalised: 3 for Gaussian and 1 for +-1 weights.

        To 1e-12 for polynomials, steps and Gaussian bumps (hardtanh, erf); else by adaptive quadrature to 1e-10.
        For permuted blocks: where their number divides both widths.
        """
        if self.forward is None:
            kept = 1.0 / self.density if self.standardised else self.density
            return 3.0 * kept if self.latent is Latent.NORMAL else kept
        return self._forward_moments[1]

    @cached_property
    def _forward_moments(self) -> tuple[float, float]:
        from theory.gaussian import joint_expectation

        assert self.forward is not None
        square = _mean_product(self.forward, self.forward)
        try:
            fourth = joint_expectation([self.forward] * 4, variables=(0,) * 4)
            return square, float(fourth.float64([[1.0]]))
        except ActivationError:
            return square, _even_moment(self.forward, 4)

    @cached_property
    def eighth_moment_bound(self) -> float:
        r"""A constant K with E(sum_j a_j omega(W_ij))^8 <= K (sum_j a_j^2)^4 for every a: condition (iii) of S46.

        Both sides are polynomials in the a_j^2; comparing them coefficient by coefficient,
        K = 105 max prod_j r_{k_j} over the partitions k of 4, with r_k = E omega(W)^{2k} / (2k - 1)!!. That is
        105 = 7!! for normals and for signs (Khintchine), also for signs kept with probability 1/3 or more; 105 p^-3 for
        standardised normals kept with probability p, and then no K is less.
        For permuted blocks: where their number divides both widths.
        """
        moments = [self.variance, self.kurtosis, *self._higher_moments]
        one, two, three, four = (
            moment / odd for moment, odd in zip(moments, (1, 3, 15, 105), strict=True)
        )
        return 105.0 * max(one**4, two * one**2, two**2, three * one, four)

    @property
    def _higher_moments(self) -> tuple[float, float]:
        """E omega(W)^6 and E omega(W)^8."""
        if self.forward is not None:
            return _even_moment(self.forward, 6), _even_moment(self.forward, 8)
        power = -1 if self.standardised else 0
        normal = self.latent is Latent.NORMAL
        sixth, eighth = (self.density * self.density ** (power * k) for k in (3, 4))
        return (15.0 * sixth, 105.0 * eighth) if normal else (sixth, eighth)

    def scale(self, fan_out: int, fan_in: int) -> float:
        """Return the number that multiplies every latent entry of a (fan-out, fan-in) matrix.

        With permuted blocks the variance of an entry before scaling is the share of entries that lie in a block.
        """
        if not self.standardised:
            return 1.0
        if not self.blocks:
            return 1.0 / sqrt(self.density)
        rows, columns = (block_sizes(self.blocks, width) for width in (fan_out, fan_in))
        kept = sum(r * c for r, c in zip(rows, columns, strict=True))
        return sqrt(fan_out * fan_in / kept)

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


def block_sizes(blocks: int, width: int) -> list[int]:
    """Return how many of the positions p = 0, ..., ``width`` - 1 have floor(p blocks/width) = 0, 1, ..."""
    starts = [-(-c * width // blocks) for c in range(blocks + 1)]
    return [stop - start for start, stop in pairwise(starts)]


def _even_moment(f: "Activation", power: int) -> float:
    """E[f(W)^power] for W ~ N(0, 1), panel by panel between the centres and scales of the atoms of ``f``."""
    knots = {-12.0, 0.0, 12.0}
    for atom in f.atoms:
        if np.isfinite(at := float(atom.at)):
            knots |= {at + k * float(atom.scale) for k in (-6, -1, 0, 1, 6)}
    edges = sorted(knot for knot in knots if abs(knot) <= 12.0)

    def integrand(w: float) -> float:
        return float(f(np.array([w]))[0] ** power * np.exp(-w * w / 2) / np.sqrt(2 * np.pi))

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
    return WeightLaw(f"ternary_weights({p0:g})", rf"\{{-1,0,1\}}_{{{p0:g}}}", Latent.SIGN, p0)


def sparse_weights(density: float, values: "str | WeightLaw" = "gaussian") -> WeightLaw:
    """Entries kept independently with probability ``density`` in (0, 1), divided by its root: variance 1.

    ``values``: ``"gaussian"`` or ``"rademacher"``, the law of what is kept. Both weight derivatives are 1, also where
    an entry is 0: every weight is trained.

    Raises
    ------
    InputError
        If the density is not inside (0, 1).
    ArchitectureError
        For another law of the values.
    """
    density, kept = checks.probability(density, "density"), _values(values)
    return WeightLaw(
        f"sparse_weights({density:g}, {kept})",
        rf"{kept.label}\cdot\mathrm{{Bernoulli}}({density:g})/\sqrt{{{density:g}}}",
        kept.latent,
        zero_probability=1.0 - density,
        standardised=True,
    )


def permuted_blocks(blocks: int, values: "str | WeightLaw" = "gaussian") -> WeightLaw:
    """Block-diagonal weights whose rows and columns are permuted at random, scaled to variance 1.

    Entries are uncorrelated and exchangeable but not independent: pseudo-iid, with the Gaussian limit (claim S46).

    ``blocks``: at least 2; unequal by at most one row and column where their number does not divide the widths.
    ``values``: ``"gaussian"`` or ``"rademacher"``, the law of the entries in a block. Both weight derivatives are 1.

    Raises
    ------
    InputError
        If there are fewer than 2 blocks.
    ArchitectureError
        For another law of the values.
    """
    blocks, kept = checks.positive_int(blocks, "blocks"), _values(values)
    if blocks == 1:
        raise InputError(f"blocks must be at least 2, got 1; one block is the law {kept} itself")
    return WeightLaw(
        f"permuted_blocks({blocks}, {kept})",
        rf"{kept.label}\text{{ in {blocks} permuted blocks}}",
        kept.latent,
        blocks=blocks,
        standardised=True,
    )


def _values(values: object) -> WeightLaw:
    for law in (gaussian(), rademacher()):
        if values in (law, law.name):
            return law
    raise ArchitectureError(
        f"the values under a mask must be 'gaussian' or 'rademacher', got {values!s}"
    )


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
