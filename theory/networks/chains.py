r"""Exactly solvable networks: reference laws with no sampling and no asymptotics (claims B54-B57, T44).

With sign activations the features are +-1, so everything that two inputs know of each other is the number k of
neurons on which they agree. That number is a Markov chain over the layers, with binomial steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import poch

from theory import checks
from theory.errors import InputError

Float = NDArray[np.float64]


def binomial_pmf(n: int, p: float) -> Float:
    """Probabilities of 0, ..., n under Bin(n, p), shape (n + 1,).

    By the two-term recursion from the mode outwards, then normalised: five roundings a step, so a relative error
    below 5 (abs(k - mode) + sqrt(n)/2 + 4) 2^-53 wherever the result does not underflow. ``p`` is clipped to [0, 1],
    for arguments that left it by rounding.
    """
    p = min(max(float(p), 0.0), 1.0)
    if p in (0.0, 1.0):
        return np.asarray(np.eye(n + 1)[n if p == 1.0 else 0])
    mode = min(int((n + 1) * p), n)
    up, down = np.arange(mode, n), np.arange(mode, 0, -1)
    odds = p / (1.0 - p)
    right = np.cumprod((n - up) / (up + 1.0) * odds)
    left = np.cumprod(down / (n - down + 1.0) / odds)
    weights = np.concatenate([left[::-1], [1.0], right])
    return np.asarray(weights / weights.sum())


def agreement_with_gaussian_weights(correlation: ArrayLike) -> Float:
    """P(sgn u = sgn v) for centred Gaussians of this correlation: 1 - arccos(rho)/pi, rho clipped to [-1, 1]."""
    return np.asarray(1.0 - np.arccos(np.clip(correlation, -1.0, 1.0)) / np.pi)


def agreement_with_sign_weights(n: int) -> Float:
    """P(sgn(A + B) = sgn(A - B)) for k = 0, ..., n agreements among ``n`` features and +-1 weights, shape (n + 1,).

    A and B are sums of k and of n - k fair signs, and sgn 0 = +1; there are no ties for odd n. Both sums are at
    least 0 where A >= abs(B) and both are negative where A < -abs(B). Relative error below 1e-13 for n <= 4096.
    """
    result = np.empty(n + 1)
    for k in range(n + 1):
        heads = binomial_pmf(k, 0.5)
        tail = np.concatenate([np.cumsum(heads[::-1])[::-1], [0.0]])  # tail[i] = P(heads >= i)
        bound = np.abs(2 * np.arange(n - k + 1) - (n - k))
        at_least = np.minimum((k + bound + 1) // 2, k + 1)  # least i with 2 i - k >= bound
        above = np.minimum((k + bound) // 2 + 1, k + 1)  # least i with 2 i - k > bound
        result[k] = binomial_pmf(n - k, 0.5) @ (tail[at_least] + tail[above])
    return np.clip(result, 0.0, 1.0)


LARGEST_STD = 1e36


@dataclass(frozen=True)
class SignChain:
    """Law of the number of agreements between two inputs of a sign network, after each hidden layer.

    Parameters
    ----------
    widths
        n_1, ..., n_L.
    pmfs
        For each hidden layer, probabilities of 0, ..., n_l agreements, shape (n_l + 1,).
    weight_std, bias_std
        s_w and s_b of the readout.
    """

    widths: tuple[int, ...]
    pmfs: tuple[Float, ...]
    weight_std: float
    bias_std: float

    def overlaps(self, layer: int = -1) -> Float:
        """Values of the overlap r = 2k/n - 1 that ``pmfs[layer]`` weighs."""
        n = self.widths[layer]
        return (2 * np.arange(n + 1) - n) / n

    def conditional_variances(self, t1: float, t2: float) -> tuple[Float, Float]:
        """Variances of t1 f(x1) + t2 f(x2) given the agreements, Gaussian readout, and their probabilities.

        The projection is exactly the mixture of the N(0, variances) with these weights.
        """
        cross = 2.0 * t1 * t2 * self.overlaps()
        bias = self.bias_std**2 * (t1 + t2) ** 2
        return self.weight_std**2 * (t1 * t1 + t2 * t2 + cross) + bias, self.pmfs[-1]

    def characteristic(self, t1: float, t2: float) -> float:
        """E exp(i (t1 f(x1) + t2 f(x2))) for a Gaussian readout (real, by symmetry)."""
        variances, weights = self.conditional_variances(t1, t2)
        return float(np.exp(-variances / 2.0) @ weights)

    def covariance(self) -> float:
        """E[f(x1) f(x2)] = s_w^2 E r + s_b^2."""
        return float(self.weight_std**2 * (self.overlaps() @ self.pmfs[-1]) + self.bias_std**2)


def sign_chain(
    correlation: float,
    widths: int | Sequence[int],
    *,
    weight_std: float = 1.0,
    bias_std: float = 0.0,
    hidden: str = "gaussian",
) -> SignChain:
    """Exact law of the agreements of two inputs through a sign network.

    Parameters
    ----------
    correlation
        Of the first pre-activations, in [-1, 1]: Sigma^1_12 / sqrt(Sigma^1_11 Sigma^1_22). The first layer is Gaussian.
    widths
        n_1, ..., n_L.
    weight_std, bias_std
        s_w > 0 and s_b >= 0 of every later layer.
    hidden
        Weights of the layers 2, ..., L: ``"gaussian"`` (claim B55), or ``"rademacher"`` (claim B56; no bias, and
        sgn 0 = +1, which matters for even widths only: there ``sample_networks``, with sign(0) = 0, draws others).

    Raises
    ------
    InputError
        For values outside their domain.
    """
    rho = _correlation(correlation)
    sizes = _sizes(widths)
    if not sizes:
        raise InputError("widths is empty; a sign chain needs at least one hidden layer")
    std = checks.positive(weight_std, "weight_std")
    bias = checks.number(bias_std, "bias_std")
    if bias < 0.0:
        raise InputError(f"bias_std must be at least 0, got {bias}")
    if max(std, bias) > LARGEST_STD:
        raise InputError(
            f"weight_std = {std:g} and bias_std = {bias:g} must not exceed {LARGEST_STD:g}: their squares leave float64"
        )
    if hidden not in ("gaussian", "rademacher"):
        raise InputError(f"hidden must be 'gaussian' or 'rademacher', got {hidden!r}")
    if hidden == "rademacher" and bias > 0.0:
        raise InputError(f"the chain of +-1 weights has no bias, got bias_std = {bias}; use 0")
    pmfs = [binomial_pmf(sizes[0], float(agreement_with_gaussian_weights(rho)))]
    for n, following in pairwise(sizes):
        if hidden == "gaussian":
            overlap = (2 * np.arange(n + 1) - n) / n
            steps = agreement_with_gaussian_weights(
                (std**2 * overlap + bias**2) / (std**2 + bias**2)
            )
        else:
            steps = agreement_with_sign_weights(n)
        mixed = np.zeros(following + 1)
        for weight, step in zip(pmfs[-1], steps, strict=True):
            mixed += weight * binomial_pmf(following, float(step))
        pmfs.append(mixed / mixed.sum())
    return SignChain(sizes, tuple(pmfs), std, bias)


def one_layer_characteristic(
    correlation: float, n: int, t1: float, t2: float, weight_std: float = 1.0
) -> float:
    """E exp(i (t1 f(x1) + t2 f(x2))) of a bias-free sign network with one hidden layer, in closed form (claim T44).

    exp(-(s_w^2/2)(t1^2 + t2^2)) (cosh A - r sinh A)^n, A = s_w^2 t1 t2 / n, r = (2/pi) arcsin(rho).

    Raises
    ------
    InputError
        For a correlation outside [-1, 1], a width below 1, a scale <= 0, or numbers that are not finite.
    """
    r = 2.0 / np.pi * np.arcsin(_correlation(correlation))
    width = checks.positive_int(n, "n")
    std = checks.positive(weight_std, "weight_std")
    one, two = std * checks.number(t1, "t1"), std * checks.number(t2, "t2")
    a = one * two / width
    # cosh A - r sinh A with the growth e^|A| taken out, which the Gaussian factor outweighs.
    fading = np.exp(-2.0 * abs(a))
    rest = ((1.0 + fading) - r * np.copysign(1.0 - fading, a)) / 2.0
    # -(t1^2 + t2^2)/2 + |t1 t2| as a square.
    return float(np.exp(-0.5 * (abs(one) - abs(two)) ** 2) * rest**width)


def _correlation(value: object) -> float:
    rho = checks.number(value, "correlation")
    if not -1.0 <= rho <= 1.0:
        raise InputError(f"correlation must lie in [-1, 1], got {rho}")
    return rho


@dataclass(frozen=True)
class ProductLaw:
    """Moments of the conditional output variance A of a bias-free ReLU or linear network at one input.

    A = K prod_l R_l with independent R_l of mean 1, K the limit variance.

    Parameters
    ----------
    mean_root
        E sqrt(A / K).
    relative_variance
        Var(A) / K^2; the excess kurtosis of the output is three times this.
    """

    mean_root: float
    relative_variance: float


def relu_law(widths: Sequence[int]) -> ProductLaw:
    """Law for ReLU: R_l = (2/n_l) chi^2 with Bin(n_l, 1/2) degrees of freedom (claim B57); relative error 1e-12."""
    roots, fourth = 1.0, 1.0
    for n in _sizes(widths):
        active = np.arange(1, n + 1)
        roots *= float(binomial_pmf(n, 0.5)[1:] @ _mean_chi(active) * np.sqrt(2.0 / n))
        fourth *= 1.0 + 5.0 / n
    return ProductLaw(roots, fourth - 1.0)


def linear_law(widths: Sequence[int]) -> ProductLaw:
    """Law for the identity: R_l = chi^2 with n_l degrees of freedom, over n_l (claim B57); relative error 1e-12."""
    sizes = np.array(_sizes(widths), np.float64)
    roots = float(np.prod(_mean_chi(sizes) / np.sqrt(sizes)))
    return ProductLaw(roots, float(np.prod(1.0 + 2.0 / sizes)) - 1.0)


def _mean_chi(degrees: NDArray[np.generic]) -> Float:
    """E sqrt(chi^2) = sqrt 2 Gamma((j + 1)/2) / Gamma(j/2)."""
    return np.asarray(np.sqrt(2.0) * poch(np.asarray(degrees, np.float64) / 2.0, 0.5))


def _sizes(widths: object) -> tuple[int, ...]:
    """Return the widths of one layer (an integer) or of several (a sequence)."""
    several = isinstance(widths, Sequence | np.ndarray) and np.ndim(widths) == 1
    return checks.widths(widths, len(widths) if several else 1)  # type: ignore[arg-type]
