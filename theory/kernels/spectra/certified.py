"""Eigenvalues of limit kernels on circles and spheres as balls: their signs are then proved.

The angle's half-circle is cut into pieces that shrink towards both ends. On each the kernel is a
Taylor polynomial with a rigorous remainder; its integral against a harmonic is exact up to rounding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, log2
from typing import Any

import flint
import sympy as sp
from flint import arb, arb_poly, arb_series

from theory.activations import Activation
from theory.arithmetic.balls import Balls
from theory.arithmetic.exact import exact
from theory.arithmetic.lowering import lower
from theory.checks import non_negative_int, positive, positive_int
from theory.errors import ArchitectureError, InputError
from theory.kernels.architecture import Architecture, architecture, jacobian_pair
from theory.kernels.recursion import TRAINING
from theory.kernels.spectra.duals import along, form, mean_square
from theory.kernels.spectra.expansion import Expansion, terms
from theory.kernels.spectra.profile import require_finite_diagonal
from theory.kernels.spectra.spheres import sphere_dimension, weighted

Moments = dict[int, tuple[arb, arb]]

_TERMS = 20

# Terms of cos(m t) on a piece, with m times its half-length at most _TURN: far below any tolerance.
_WAVE_TERMS, _TURN = 64, 4
_LARGEST_COUNT = 100_000

FINEST = 1e-36
"""Smallest tolerance: what the terms of the waves carry, with digits to spare."""


def certified_spectrum(
    arch: Architecture,
    modes: int | Sequence[int] = 16,
    *,
    dimension: int = 2,
    norm: Any = 1,
    kind: str = "ntk",
    jacobians: tuple[str, str] = TRAINING,
    tolerance: float = 1e-10,
) -> tuple[arb, ...]:
    """Return balls that contain the first eigenvalues of a limit kernel on inputs of one norm.

    Parameters
    ----------
    modes
        How many degrees from 0, or a list of degrees.
    arch, dimension, kind, jacobians
        As for ``zonal_spectrum``. Standard deviations count as the binary numbers that the architecture
        stores: 0.3 is not 3/10, 0.25 is 1/4.
    norm
        |x|/sqrt(d) > 0, exact.
    tolerance
        Radius aimed at, in units of a bound on the kernel; at least 1e-36.

    Returns
    -------
    tuple of arb
        lambda_0, ..., lambda_{modes-1}, or those of the degrees listed.

    Raises
    ------
    InputError
        Where an activation's expectations have no closed form (tanh, sigmoid, arctan, softsign), or none
        that Price's theorem takes to elementary functions; for bad arguments.
    ArchitectureError
        For binarized latent weights, whose constants are known in float64 only.
    UndefinedKernelError
        If the diagonal is infinite.

    Notes
    -----
    About a tenth of a second for one layer of jumps, seconds for deep kernels of kinks. Source: claim T25.
    """
    architecture(arch)
    d, degrees = sphere_dimension(dimension), _degrees(modes)
    pair, aim = jacobian_pair(jacobians), positive(tolerance, "tolerance")
    if kind not in ("ntk", "nngp"):
        raise InputError(f'kind must be "ntk" or "nngp", got {kind!r}')
    if not FINEST <= aim < 1:
        raise InputError(f"tolerance must lie in [{FINEST:g}, 1), got {tolerance!r}")
    length = exact(norm, "norm")
    if not bool(length > 0):
        raise InputError(f"norm must be positive, got {norm!r}")
    for law in arch.weight_laws:
        if law.forward is not None:
            raise ArchitectureError(
                f"weights {law.name} enter by constants known in float64 only; certified spectra need plain weights"
            )
    if kind == "ntk":
        require_finite_diagonal(arch, pair)
    for layer in arch.layers:
        form(layer.activation, layer.activation)
        if kind == "ntk":
            form(*(layer.derivative(side) for side in pair))
    bits = 3 * ceil(-log2(aim)) + 96
    kernel = SphereKernel(arch, length, kind, pair)
    with terms(_TERMS + 1, bits):
        series = [weighted(k, d) for k in degrees]
        needed = sorted({m for waves, _ in series for m, a in enumerate(waves) if a})
        moments = _moments(kernel, needed, aim)
        return tuple(_eigenvalue(waves, in_sines, d, moments) for waves, in_sines in series)


def _degrees(modes: int | Sequence[int]) -> tuple[int, ...]:
    if isinstance(modes, int):
        return tuple(range(positive_int(modes, "modes")))
    degrees = tuple(non_negative_int(k, "a degree in modes") for k in modes)
    if not degrees:
        raise InputError("modes lists no degree; give a number of degrees, or at least one")
    return degrees


@dataclass(frozen=True)
class SphereKernel:
    """The recursion of claims T5, T11 over expansions of the angle, and a bound on its values."""

    arch: Architecture
    norm: sp.Expr
    kind: str
    pair: tuple[str, str]

    def on(self, low: arb, high: arb, mirrored: bool) -> Expansion:
        """Return the kernel at the angles [low, high] within (0, pi/2], or at pi minus these."""
        arch, variance = self.arch, self._start()
        sine = Expansion.of(lambda angle: (angle / 2).sin(), low, high)
        # 1 - 2 sin^2 keeps the distance from 1 on wide balls.
        features = (1 - 2 * sine * sine) * (-variance if mirrored else variance)
        theta: Expansion | None = None
        for index, (scale, shift) in enumerate(self._affine()):
            own = features * arb(arch.weight_stds[index]) ** 2 + shift
            theta = own if theta is None else theta * scale + own
            q, c = scale * variance + shift, features * scale + shift
            if index == arch.hidden_layers:
                return theta if self.kind == "ntk" else c
            layer, rho = arch.layers[index], c * (1 / q)
            features = along(layer.activation, layer.activation, q, rho)
            variance = mean_square(layer.activation, q)
            if self.kind == "ntk":
                first, second = (layer.derivative(side) for side in self.pair)
                theta = theta * along(first, second, q, rho)
        raise AssertionError("the output layer returns")

    def bound(self) -> arb:
        """Return a bound on the kernel's absolute value at any angle."""
        arch, variance, theta = self.arch, self._start(), arb(0)
        for index, (scale, shift) in enumerate(self._affine()):
            theta = theta * scale + variance * arb(arch.weight_stds[index]) ** 2 + shift
            q = scale * variance + shift
            if index == arch.hidden_layers:
                return theta if self.kind == "ntk" else q
            layer = arch.layers[index]
            variance = mean_square(layer.activation, q)
            if self.kind == "ntk":
                first, second = (layer.derivative(side) for side in self.pair)
                theta *= _largest(first, second, q)
        raise AssertionError("the output layer returns")

    def _start(self) -> arb:
        length: arb = lower(self.norm, {}, Balls())
        return length * length

    def _affine(self) -> list[tuple[arb, arb]]:
        arch = self.arch
        stds = zip(arch.weight_stds, arch.bias_stds, arch.weight_laws, strict=True)
        return [(arb(w) ** 2 * arb(law.variance), arb(b) ** 2) for w, b, law in stds]


def _largest(f: Activation, g: Activation, q: arb) -> arb:
    """Bound |E[f(u) g(v)]| over all correlations: Cauchy and Schwarz, or masses times a supremum."""
    if not (f.has_dirac or g.has_dirac):
        return (mean_square(f, q) * mean_square(g, q)).sqrt().upper()
    return sum((_part_bound(a, b, q) for a in _split(f) for b in _split(g)), arb(0))


def _split(f: Activation) -> list[tuple[Activation, bool]]:
    masses = [atom for atom in f.atoms if atom.is_dirac]
    rest = [atom for atom in f.atoms if not atom.is_dirac]
    return [(Activation.of(part, f.name), part is masses) for part in (masses, rest) if part]


def _part_bound(first: tuple[Activation, bool], second: tuple[Activation, bool], q: arb) -> arb:
    (f, f_is_mass), (g, g_is_mass) = first, second
    if not (f_is_mass or g_is_mass):
        return _largest(f, g, q)
    if f_is_mass and g_is_mass:
        raise InputError(
            "masses of both derivatives at different places: certified spectra do not bound this pair; "
            "use th.zonal_spectrum"
        )
    masses, other = (f, g) if f_is_mass else (g, f)
    largest = other.bound
    if largest == float("inf"):
        raise InputError(
            f"{other} is unbounded against a jump: certified spectra cannot bound the kernel near its "
            f"diagonal; use th.zonal_spectrum"
        )
    density = 1 / (2 * arb.pi() * q).sqrt()
    weights = sum((abs(lower(atom.coef, {}, Balls())) for atom in masses.atoms), arb(0))
    # Suprema are float64, to 1e-12 at worst.
    return (weights * density * arb(largest) * (1 + arb(10) ** -9)).upper()


def _moments(kernel: SphereKernel, waves: list[int], aim: float) -> Moments:
    """Return the integrals of K(t) cos(m t) and K(t) sin(m t) over [0, pi] for every m listed."""
    moments: Moments = {m: (arb(0), arb(0)) for m in waves}
    largest = kernel.bound()
    halvings = ceil(-log2(aim)) + 2
    end = Fraction(3, 2 ** (halvings + 1))  # below pi / 2^halvings
    skipped = 2 * arb(flint.fmpq(end.numerator, end.denominator)) * largest * arb(0, 1)
    edges = [*(_number(end * 2**k) for k in range(halvings)), arb.pi() / 2]
    halves = list(pairwise(edges))
    stack = [(low, high, mirrored) for low, high in halves for mirrored in (False, True)]
    looked = 0
    while stack:
        low, high, mirrored = stack.pop()
        looked += 1
        if looked > _LARGEST_COUNT:
            raise InputError(
                f"the tolerance {aim:g} was not reached with {_LARGEST_COUNT} pieces; ask for a larger one"
            )
        half = (high - low) / 2
        taylor = kernel.on(low, high, mirrored) if bool(half * waves[-1] < _TURN) else None
        # Shares of the tolerance: by length, and a little for each piece however short.
        share = aim * largest * (half / 8 + arb(2) ** -9)
        if taylor is None or not _is_settled(taylor, share, half):
            middle = ((low + high) / 2).mid()
            stack += [(low, middle, mirrored), (middle, high, mirrored)]
            continue
        added = _integrals(taylor, (low + high) / 2, half, waves)
        for m, (cosine, sine) in added.items():
            sign = -1 if mirrored and m % 2 else 1
            before = moments[m]
            moments[m] = before[0] + sign * cosine, before[1] + (-sign if mirrored else sign) * sine
    return {m: (cosine + skipped, sine + skipped) for m, (cosine, sine) in moments.items()}


def _number(value: Fraction) -> arb:
    return arb(flint.fmpq(value.numerator, value.denominator))


def _is_settled(taylor: Expansion, allowed: arb, half: arb) -> bool:
    rest = abs(taylor.over[_TERMS])
    return bool(rest.is_finite()) and bool(rest.upper() * half < allowed)


def _integrals(taylor: Expansion, middle: arb, half: arb, waves: list[int]) -> Moments:
    """Return the integrals against cos(m t) and sin(m t) over one piece, remainders included."""
    polynomial = arb_poly([taylor.at[j] for j in range(_TERMS)])
    size = sum((abs(taylor.at[j]) for j in range(_TERMS)), arb(0))
    rest = 2 * half * abs(taylor.over[_TERMS]).upper() * arb(0, 1)
    found: Moments = {}
    with terms(_WAVE_TERMS, flint.ctx.prec):
        for m in waves:
            wave, turn = arb_series([middle * m, half * m]), half * m
            tail = 2 * half * size * turn**_WAVE_TERMS / arb(_WAVE_TERMS).gamma() * arb(0, 1)
            both = []
            for series in (wave.cos(), wave.sin()):
                product = polynomial * arb_poly([series[j] for j in range(series.length())])
                even = (product[j] / (j + 1) for j in range(0, product.length(), 2))
                both.append(2 * half * sum(even, arb(0)) + rest + tail)
            found[m] = both[0], both[1]
    return found


def _eigenvalue(waves: tuple[Fraction, ...], in_sines: bool, d: int, moments: Moments) -> arb:
    """Return an eigenvalue: Gamma(d/2) / (sqrt(pi) Gamma((d-1)/2)) times the weighted integral."""
    total = sum((_number(a) * moments[m][in_sines] for m, a in enumerate(waves) if a), arb(0))
    return total * (arb(d) / 2).gamma() / (arb.pi().sqrt() * (arb(d - 1) / 2).gamma())
