r"""Exact moments of finite networks: ReLU at one input for any depth, tangent kernels of one hidden layer.

A power of a ReLU network is a sum over tuples of paths from an input to the output. Symmetric weights leave the
tuples in which every neuron is met an even number of times, and every neuron met keeps one fair gate: four paths
are then all at one neuron, or paired at two, and a layer moves these states by a fixed matrix (claims B52, B61).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory import checks
from theory.activations import Activation
from theory.arithmetic import exact
from theory.checks import widths as checked_widths
from theory.errors import ActivationError, ArchitectureError, InputError
from theory.gaussian import expectation, joint_expectation
from theory.kernels.architecture import architecture, jacobian_pair
from theory.kernels.recursion import TRAINING, layer_covariances

if TYPE_CHECKING:
    from theory.kernels import Architecture

Float = NDArray[np.float64]


@dataclass(frozen=True)
class OutputMoments:
    """Exact even moments of one output.

    Parameters
    ----------
    second, fourth
        E f^2 and E f^4.
    """

    second: Fraction
    fourth: Fraction

    @property
    def excess_kurtosis(self) -> Fraction:
        """E f^4 / (E f^2)^2 - 3."""
        return self.fourth / self.second**2 - 3


@dataclass(frozen=True)
class TangentMoments:
    """Exact moments of a diagonal entry of the empirical tangent kernel.

    Parameters
    ----------
    mean, second
        E K and E K^2.
    """

    mean: Fraction
    second: Fraction

    @property
    def relative_variance(self) -> Fraction:
        """Var K / (E K)^2."""
        return self.second / self.mean**2 - 1


def relu_output_moments(
    x: Sequence[Any],
    widths: Sequence[int],
    kurtosis: Any = 3,
    variances: Sequence[Any] | None = None,
) -> OutputMoments:
    r"""Return E f(x)^2 and E f(x)^4 of a bias-free ReLU network, exactly, for symmetric weights of any law.

    Parameters
    ----------
    x
        The input: exact numbers (int, Fraction, decimal string), not all 0.
    widths
        n_1, ..., n_L; empty for a linear network.
    kurtosis
        E w^4 / (E w^2)^2 of an entry: 3 Gaussian, 1 for +-1, 1/(1 - p_0) ternary; exact, one or L + 1 of them.
    variances
        Variance c_l of sqrt(n) times an entry, exact, L + 1 of them; by default 2 in every layer but the last, 1 there.

    Returns
    -------
    OutputMoments
        Fractions. Gaussian weights give E f^4 / (E f^2)^2 = 3 prod_l (1 + 5/n_l).

    Raises
    ------
    InputError, InexactInputError
        For floats, a zero input, widths below 1, a kurtosis below 1 or a variance that is not positive.

    Notes
    -----
    Ties are harmless: relu(0) = 0. Source: claim B52.
    """
    square, power4, sizes, fourths, scales = _checked(x, widths, kurtosis, variances)
    second = Fraction(square)
    single, paired = power4, 3 * (square**2 - power4)
    fan_in = len(x)
    for n, mu, c in zip(sizes, fourths, scales, strict=False):
        factor = (c / fan_in) ** 2
        single, paired = (
            factor * Fraction(n, 2) * (mu * single + paired),
            factor * Fraction(n * (n - 1), 4) * (3 * single + paired),
        )
        second *= c / fan_in * Fraction(n, 2)
        fan_in = n
    last = scales[-1] / fan_in
    return OutputMoments(last * second, last**2 * (fourths[-1] * single + paired))


def relu_tangent_moments(
    x: Sequence[Any],
    widths: Sequence[int],
    kurtosis: Any = 3,
    variances: Sequence[Any] | None = None,
) -> TangentMoments:
    r"""Return E K and E K^2, K = sum over weights of (df(x)/dw)^2, of a bias-free ReLU network, exactly.

    Parameters
    ----------
    x, widths, kurtosis, variances
        As for ``relu_output_moments``; the derivative is by w, an entry scaled to variance 1 (NTK parametrisation).

    Returns
    -------
    TangentMoments
        Fractions; E K = (L + 1) (|x|^2/n_0) c_{L+1} prod_l (c_l / 2).

    Raises
    ------
    InputError, InexactInputError
        As for ``relu_output_moments``.

    Notes
    -----
    Exact where no neuron with live inputs is tied at 0, as with any density; with ties, as of +-1 weights at even
    fan-in, exact if relu'(0) is a fair coin, 0 or 1. Source: claim B61.
    """
    square, power4, sizes, fourths, scales = _checked(x, widths, kurtosis, variances)
    fan_in = len(x)
    # Four paths, all at one neuron or paired 12|34, 13|24 (which stands for 14|23 too), after 0, 1, 2 edges taken out.
    pairs = square**2 - power4
    zero = (Fraction(0),) * 3
    states = [(power4, pairs, pairs), zero, zero]
    mean = Fraction(len(sizes) + 1) * square
    # The output is one neuron without a gate.
    counts = [(Fraction(n, 2), Fraction(n * (n - 1), 4)) for n in sizes] + [
        (Fraction(1), Fraction(0))
    ]
    for (one, two), n, mu, c in zip(counts, (*sizes, 1), fourths, scales, strict=True):
        factor = (c / fan_in) ** 2
        plain = [_unmarked(state, one, two, mu) for state in states]
        taken = [_marked(state, one, two) for state in states]
        unscaled = (
            plain[0],
            _sum(plain[1], taken[0], taken[0]),
            _sum(plain[2], taken[1], taken[0]),
        )
        states = [tuple(factor * v for v in state) for state in unscaled]  # type: ignore[misc]
        mean *= c / fan_in * one
        fan_in = n
    return TangentMoments(mean, states[2][0])


State = tuple[Fraction, Fraction, Fraction]


def _unmarked(state: State, one: Fraction, two: Fraction, mu: Fraction) -> State:
    """Four weights a neuron: mu where all paths come from one neuron below, 1 where they come paired."""
    single, own, other = state
    return one * (mu * single + own + 2 * other), two * (single + own), two * (single + other)


def _marked(state: State, one: Fraction, two: Fraction) -> State:
    """Paths 1, 2 or 3, 4 or both pairs share an edge whose weight is gone: 12|34 is the only pairing left."""
    single, own, _ = state
    return one * (single + own), two * (single + own), Fraction(0)


def _sum(*states: State) -> State:
    return tuple(sum(entries, Fraction(0)) for entries in zip(*states, strict=True))  # type: ignore[return-value]


def relu_tangent_spread(hidden_layers: int, kurtosis: Any = 3) -> Fraction:
    """Return lim n Var(K)/(E K)^2 of a ReLU network with Gaussian first layer and all hidden widths n, exactly.

    Parameters
    ----------
    hidden_layers
        L >= 1.
    kurtosis
        Of the later weights; 3 is Gaussian, 1 is +-1.

    Returns
    -------
    Fraction
        E K^2 / (E K)^2 is a polynomial of degree at most 2 L in 1/n: its first coefficient, by interpolation.

    Raises
    ------
    InputError, InexactInputError
        For fewer than one hidden layer, or a kurtosis below 1 or inexact.

    Notes
    -----
    Independent of x, by the Gaussian first layer. Source: claim B62.
    """
    depth = checks.positive_int(hidden_layers, "hidden_layers")
    laws = [3, *[kurtosis] * depth]
    nodes = [Fraction(1, n) for n in range(1, 2 * depth + 2)]
    values = [
        relu_tangent_moments([1], [n] * depth, laws).relative_variance
        for n in range(1, 2 * depth + 2)
    ]
    # values / node is a polynomial of degree 2 L - 1 whose value at 0 is wanted.
    total = Fraction(0)
    for i, (node, value) in enumerate(zip(nodes, values, strict=True)):
        weight = Fraction(1)
        for j, other in enumerate(nodes):
            if j != i:
                weight *= other / (other - node)
        total += weight * value / node
    return total


def _checked(
    x: Sequence[Any], widths: Sequence[int], kurtosis: Any, variances: Sequence[Any] | None
) -> tuple[Fraction, Fraction, tuple[int, ...], list[Fraction], list[Fraction]]:
    """Return |x|_2^2, |x|_4^4, widths, kurtoses and variances, the last two of every layer."""
    sizes = checked_widths(list(widths), len(widths))
    entries = [_rational(value, f"x[{i}]") for i, value in enumerate(x)]
    square = sum((v**2 for v in entries), Fraction(0))
    if not square:
        raise InputError(
            f"x = {list(x)!r} is the zero input: every moment is 0; give another input"
        )
    layers = len(sizes) + 1
    given = list(kurtosis) if isinstance(kurtosis, list | tuple) else [kurtosis] * layers
    scales = [2] * len(sizes) + [1] if variances is None else list(variances)
    for name, values in (("kurtosis", given), ("variances", scales)):
        if len(values) != layers:
            raise InputError(f"{name} lists {len(values)} entries for {layers} weight layers")
    fourths = [_rational(value, "kurtosis") for value in given]
    scaled = [_rational(value, "variances") for value in scales]
    if min(fourths) < 1:
        raise InputError(f"kurtosis must be at least 1 = (E w^2)^2/(E w^2)^2, got {min(fourths)}")
    if min(scaled) <= 0:
        raise InputError(f"variances must be positive, got {min(scaled)}")
    return square, sum((v**4 for v in entries), Fraction(0)), sizes, fourths, scaled


def _rational(value: Any, name: str) -> Fraction:
    number = exact(value, name)
    if not number.is_Rational:
        raise InputError(f"{name} must be rational, got {number}")
    return Fraction(int(number.p), int(number.q))


def one_layer_variance(
    arch: "Architecture", X: ArrayLike, jacobians: tuple[str, str] = TRAINING
) -> Float:
    r"""Return n Var Theta_n(x, x') of networks with one hidden layer, the same at every width n.

    Parameters
    ----------
    arch
        One hidden layer; Gaussian first layer; readout of any law that nothing binarizes.
    X
        Inputs, shape (k, d).
    jacobians
        As for ``ntk``: rows take the first Jacobian.

    Returns
    -------
    ndarray
        Shape (k, k):

        .. math:: s_w^4\{\mathrm{Var}(gg) + (\Sigma^1)^2(\mu_4 E[kk^2] - v^2E[kk]^2) + 2v\Sigma^1\mathrm{Cov}(gg, kk)\},

        gg = sigma(u) sigma(v), kk = j_1(u) j_2(v), v and mu_4 second and fourth moment of a readout weight. The mean
        of Theta_n is ``ntk(arch, X, jacobians=jacobians)`` at every width.

    Raises
    ------
    ArchitectureError
        For another number of hidden layers, or weights outside this class.
    ActivationError
        For activations whose fourfold products have no closed form (``joint_expectation``).
    DomainError
        If a derivative has a mass where the other jumps or has one: the variance is infinite.
    InputError
        For bad inputs or Jacobians.

    Notes
    -----
    Each expectation is accurate to 1e-12 of its terms. Source: claims T43, B59.
    """
    _require_one_layer(arch)
    pair = jacobian_pair(jacobians)
    sigma, (first, second) = arch.layers[0].activation, map(arch.layers[0].derivative, pair)
    covariance = layer_covariances(arch, X)[0]
    rows, columns = np.indices(covariance.shape)
    indices = np.stack([rows, columns], axis=-1)
    blocks = covariance[indices[..., :, None], indices[..., None, :]]
    p, q = np.diag(covariance)[rows], np.diag(covariance)[columns]

    def fourfold(one: Activation, two: Activation, three: Activation, four: Activation) -> Float:
        try:
            left, right = one * two, three * four
        except ActivationError:
            functions = [one, two, three, four]
            return joint_expectation(functions, variables=(0, 0, 1, 1)).float64(blocks)
        return expectation(left, right).float64(p, q, covariance)

    values = expectation(sigma, sigma).float64(p, q, covariance)
    factors = expectation(first, second).float64(p, q, covariance)
    readout = arch.weight_laws[1]
    v, mu = readout.variance, readout.kurtosis
    spread = mu * fourfold(first, first, second, second) - (v * factors) ** 2
    mixed = v * (fourfold(sigma, first, sigma, second) - values * factors)
    own = fourfold(sigma, sigma, sigma, sigma) - values**2
    result = arch.weight_stds[1] ** 4 * (own + covariance**2 * spread + 2 * covariance * mixed)
    return np.asarray(result)


def _require_one_layer(arch: "Architecture") -> None:
    depth = len(architecture(arch).layers)
    if depth != 1:
        raise ArchitectureError(
            f"the exact variance is that of one hidden layer, got {depth}; for any depth, one input and large widths "
            f"use th.tangent_spread"
        )
    first, readout = arch.weight_laws
    if not first.is_gaussian:
        raise ArchitectureError(
            f"weights 1 follow {first.name}; the closed form needs a Gaussian first layer, th.gaussian()"
        )
    if readout.forward is not None or not readout.is_iid:
        raise ArchitectureError(
            f"weights 2 follow {readout.name}, which is binarized or not independent; use a readout such as "
            f"th.gaussian() or th.rademacher()"
        )
