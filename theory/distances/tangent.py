"""How far the empirical tangent kernel is from its limit: mean, bias, variance, tails, shape; all Jacobian pairs.

The limit is a number, so the Wasserstein distance of order 2 of the law of Theta_n(x, x') to it is the root mean
square deviation, made of its bias and its standard deviation; the second is of order n^(-1/2) (claims B59-B63).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, ndtr, ndtri

from theory.checks import inputs, number, positive_int, probability
from theory.checks import widths as checked_widths
from theory.distances.sandwich import Sandwich
from theory.errors import ActivationError, ArchitectureError, InputError
from theory.estimate import Estimate
from theory.kernels import Architecture, gaussian
from theory.kernels.architecture import architecture, jacobian_pair
from theory.kernels.recursion import TRAINING, ntk
from theory.networks import one_layer_variance, sample_networks, tangent_spread

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

FEWEST = 8


@dataclass(frozen=True)
class TangentDistance:
    """Law of the empirical tangent kernel on k inputs beside its limit; arrays have shape (k, k).

    Parameters
    ----------
    limit
        Theta.
    bias, variance
        Estimates of E Theta_n - Theta and of Var Theta_n.
    expected
        Var Theta_n from closed forms: exact for one hidden layer, on the diagonal of equal Jacobians to leading order
        in 1/n, NaN where there is none.
    expected_by
        Which of these.
    deviations
        Sampled Theta_n - Theta, shape (draws, k, k).
    confidence
        Of each limit.
    """

    limit: FloatArray
    bias: Estimate
    variance: Estimate
    expected: FloatArray
    expected_by: str
    deviations: FloatArray = field(repr=False)
    confidence: float

    @property
    def is_unbiased(self) -> BoolArray:
        """Where the confidence interval of the bias (asymptotic) contains 0."""
        reach = float(ndtri((1 + self.confidence) / 2)) * self.bias.stderr
        return np.asarray(np.abs(self.bias.value) <= reach)

    def wasserstein2(self, row: int, column: int) -> Sandwich:
        """W2 of Theta_n(x_row, x_column) to its limit: the root mean square deviation; limits asymptotic."""
        mean = Estimate.of_mean(self._entry(row, column) ** 2)
        reach = float(ndtri((1 + self.confidence) / 2)) * float(mean.stderr)
        low, high = (math.sqrt(max(0.0, float(mean.value) + one)) for one in (-reach, reach))
        root = math.sqrt(float(mean.value))
        by = "central limit theorem (asymptotic)"
        stderr = float(mean.stderr) / (2 * root) if root > 0 else 0.0
        return Sandwich(low, high, root, self.confidence, by, by, "sampled mean square", stderr)

    def tail(self, row: int, column: int, threshold: float) -> Sandwich:
        """P(|Theta_n - Theta| > threshold) at an entry; limits of Clopper and Pearson, at every sample size."""
        level = number(threshold, "threshold")
        if level < 0:
            raise InputError(f"threshold must be at least 0, got {threshold!r}")
        seen = np.abs(self._entry(row, column)) > level
        count, draws = int(seen.sum()), seen.size
        half = (1 - self.confidence) / 2
        low = float(betaincinv(count, draws - count + 1, half)) if count else 0.0
        high = float(betaincinv(count + 1, draws - count, 1 - half)) if count < draws else 1.0
        by = "Clopper-Pearson"
        return Sandwich(low, high, count / draws, self.confidence, by, by, "sampled frequency")

    def normality(self, row: int, column: int) -> Sandwich:
        """Kolmogorov distance of Theta_n - Theta to N(0, v), v the expected variance, else the sampled one.

        Limits from a band (Dvoretzky, Kiefer, Wolfowitz, Massart) that holds at every sample size for fixed v.

        Raises
        ------
        InputError
            If the entry does not fluctuate.
        """
        values = np.sort(self._entry(row, column))
        expected = float(self.expected[row, column])
        known = math.isfinite(expected)
        variance = expected if known else float(self.variance.value[row, column])
        if variance <= 0:
            raise InputError(f"entry ({row}, {column}) does not fluctuate: it has no shape")
        level = ndtr(values / math.sqrt(variance))
        steps = np.arange(values.size + 1) / values.size
        distance = float(max((steps[1:] - level).max(), (level - steps[:-1]).max()))
        width = math.sqrt(math.log(2 / (1 - self.confidence)) / (2 * values.size))
        by = "DKW-Massart band" + ("" if known else ", sampled variance (asymptotic)")
        return Sandwich(
            max(0.0, distance - width), min(1.0, distance + width), distance, self.confidence,
            by, by, "empirical law",
        )  # fmt: skip

    def _entry(self, row: int, column: int) -> FloatArray:
        size = self.limit.shape[0]
        if not (0 <= row < size and 0 <= column < size):
            raise InputError(f"entry ({row}, {column}) is outside a kernel of {size} inputs")
        return self.deviations[:, row, column]


def tangent_to_limit(
    arch: Architecture,
    X: ArrayLike,
    widths: int | Sequence[int],
    jacobians: tuple[str, str] = TRAINING,
    draws: int = 10_000,
    seed: int = 0,
    confidence: float = 0.99,
) -> TangentDistance:
    """Distance of the empirical tangent kernel of a finite network on X to its limit.

    Parameters
    ----------
    arch
        Any architecture whose kernel is finite, with a hidden layer.
    X, widths
        Inputs, shape (k, d), and hidden widths.
    jacobians
        As for ``ntk``: rows take the first Jacobian.
    draws, seed, confidence
        Sampled networks, at least 8, seed of the addressed streams, and confidence of each limit.

    Returns
    -------
    TangentDistance
        With the closed form of the variance where there is one (claims B59, T43, B63).

    Raises
    ------
    InputError
        For bad inputs, widths, Jacobians, draws or confidence, or no hidden layer.
    UndefinedKernelError
        If a Jacobian differentiates across a jump.
    """
    architecture(arch)
    x, pair = inputs(X), jacobian_pair(jacobians)
    sizes = checked_widths(widths, arch.hidden_layers)
    if not sizes:
        raise InputError("tangent_to_limit needs a hidden layer; give hidden_layers >= 1")
    if positive_int(draws, "draws") < FEWEST:
        raise InputError(f"draws is {draws}; at least {FEWEST} are needed, and 10000 say more")
    level = probability(confidence, "confidence")
    limit = np.asarray(ntk(arch, x, jacobians=pair), dtype=np.float64)
    sampled = sample_networks(arch, x, list(sizes), draws, seed, jacobians=(pair,)).kernels[pair]
    deviations = np.asarray(sampled, dtype=np.float64) - limit
    bias = Estimate.of_mean(deviations)
    squares = (deviations - bias.value) ** 2
    variance = Estimate.of_mean(squares * (draws / (draws - 1)))
    expected, by = _expected(arch, x, sizes, pair)
    return TangentDistance(limit, bias, variance, expected, by, deviations, level)


def _expected(
    arch: Architecture, x: FloatArray, sizes: Sequence[int], pair: tuple[str, str]
) -> tuple[FloatArray, str]:
    """Variance of each entry from closed forms, and which."""
    k = len(x)
    try:
        if arch.hidden_layers == 1:
            return one_layer_variance(arch, x, pair) / sizes[0], "exact for one hidden layer (B59)"
        if pair[0] == pair[1] and all(law == gaussian() for law in arch.weight_laws):
            found = [tangent_spread(arch, one, list(sizes), pair[0]).variance for one in x]
            expected = np.full((k, k), np.nan)
            np.fill_diagonal(expected, found)
            return expected, "leading order on the diagonal (B63)"
    except (ActivationError, ArchitectureError):
        pass
    return np.full((k, k), np.nan), "none"
