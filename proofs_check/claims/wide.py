"""Exactly solvable laws against sampled networks of widths 10^2 to 10^6 (T12, T43, T44 with B55, B57)."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.statistics import Comparison, z_tests
from proofs_check.verdict import Grade, Verdict, every
from theory.estimate import Estimate
from theory.kernels import Architecture, binarized
from theory.networks import sample_networks
from theory.networks.chains import binomial_pmf
from theory.networks.moments import one_layer_variance

Float = NDArray[np.float64]
# Width -> networks. Fewer than MANY: their squares are compared by the law of chi square, not by its normal limit.
LADDER = {10**2: 20_000, 10**4: 1500, 10**6: 40}
MANY = 1000
FALSE_ALARM = 1e-6
X = np.array([[1.0, 0.5, -0.3], [1.2, -0.4, -1.4]])
TRUE = ("true", "surrogate")


def two_tests(
    sampled: Callable[[int, int], Float], exact: Callable[[int], tuple[Any, Any]]
) -> Verdict:
    """Compare means and variances at every width; ``exact`` returns both."""
    means, spreads = [], []
    for n, draws in LADDER.items():
        values = sampled(n, draws)
        mean, variance = exact(n)
        # The variance is known: of 40 networks the sample's own would not be accurate enough.
        error = np.sqrt(np.asarray(variance) / draws)
        means.append(
            Comparison(f"mean, n = {n}", Estimate(values.mean(axis=0), error, draws), mean)
        )
        squares = (values - mean) ** 2 / variance
        spreads.append(Comparison(f"variance, n = {n}", *spread(squares)))
    return every(
        (
            ("means", z_tests(means, false_alarm=FALSE_ALARM / 2, must_see=0.15)),
            ("variances", z_tests(spreads, false_alarm=FALSE_ALARM / 2, must_see=0.6)),
        )
    )


def spread(squares: Float) -> tuple[Estimate, Any]:
    """Return an estimate of 1 from squares of mean 1, and its exact value.

    For few draws, of a wide and so nearly Gaussian network, the cube root of the mean square, which is normal with mean
    1 - 2/(9 m) and variance 2/(9 m) to the accuracy of these tests (Wilson and Hilferty).
    """
    draws = len(squares)
    if draws >= MANY:
        return Estimate.of_mean(squares), 1.0
    roots = np.cbrt(squares.mean(axis=0))
    return Estimate(roots, np.full_like(roots, math.sqrt(2 / (9 * draws))), draws), 1 - 2 / (
        9 * draws
    )


# ------------------------------------------------------------------- T12: no hidden layer, width = input dimension


def _t12(factor: float, seed: int) -> Verdict:
    a, b, std, bias = 0.5, 1.0, 1.2, 0.3
    law = binarized(th.hardtanh("1/2"), th.hardtanh(1))
    arch = Architecture(0, weights=law, weight_std=std, bias_std=bias)
    p = math.erf(min(a, b) / math.sqrt(2))

    def pair(d: int) -> Float:
        return np.stack(
            [np.where(np.arange(d) % 2, 0.5, 1.5), np.where(np.arange(d) % 4, 1.0, -0.7)]
        )

    def sampled(d: int, draws: int) -> Float:
        run = sample_networks(
            arch, pair(d), 1, draws, seed + d, method="weights", jacobians=(TRUE,), threads=1
        )
        return run.ntk[:, 0, 1]

    def exact(d: int) -> tuple[float, float]:
        x, y = pair(d)
        mean = std**2 * p / (a * b) * float(x @ y) / d + bias**2
        return mean, factor * std**4 * p * (1 - p) / (a * b) ** 2 * float((x * y) @ (x * y)) / d**2

    return two_tests(sampled, exact)


@claim(
    "T12.wide",
    statement=r"Weight binarization, no hidden layer: mean $s_w^2m\langle x,x'\rangle/d+s_b^2$ and variance "
    r"$\frac{s_w^4p(1-p)}{(ab)^2d^2}\sum_jx_j^2x_j'^2$ of $\Theta_d(x,x')$ at $d=10^2,10^4,10^6$, sampled "
    r"from the weights.",
    source="asymmetric-kernels.md, section 2, T12",
    hypotheses=(
        r"$\omega=h_{1/2}$, $\tau_w=h_1'$, $s_w=1.2$, $s_b=.3$, two inputs of unequal norms; 20000, 1500, 40 networks",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _t12(1.1, seed),
)
def binarized_weights_in_high_dimension(seed: int = 0) -> Verdict:
    """Compare sampled moments with the scaled binomial law; the mutant's variance is 10 % too large."""
    return _t12(1.0, seed)


# ------------------------------------------------------------------- T43: one hidden layer


def _t43(factor: float, seed: int) -> Verdict:
    arch = Architecture(1, th.hardtanh("1/2"), th.hardtanh(1), weight_std=1.2, bias_std=0.3)
    mean, variance = th.ntk(arch, X), factor * one_layer_variance(arch, X)

    def sampled(n: int, draws: int) -> Float:
        run = sample_networks(
            arch, X, n, draws, seed + n, method="exact", jacobians=(TRUE,), threads=1
        )
        return run.ntk

    return two_tests(sampled, lambda n: (mean, variance / n))


@claim(
    "T43.wide",
    statement=r"One hidden layer: $E[\Theta_n]=\Theta$ and $n\,\mathrm{Var}\,\Theta_n$ as in T43 at "
    r"$n=10^2,10^4,10^6$, in networks sampled exactly in law without their weights.",
    source="asymmetric-kernels.md, section 6, T43",
    hypotheses=(
        "hardtanh(1/2) trained as hardtanh(1), $s_w=1.2$, $s_b=.3$, all four entries at two inputs of unequal norms; "
        "20000, 1500, 40 networks",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _t43(1.1, seed),
)
def one_hidden_layer_of_any_width(seed: int = 0) -> Verdict:
    """Compare sampled moments with closed forms; the mutant's variance is 10 % too large."""
    return _t43(1.0, seed)


# ------------------------------------------------------------------- T44, B55: sign networks, two inputs


def overlap_moments(correlation: float, depth: int, n: int) -> tuple[float, float]:
    """Return mean and variance of r = 2 k/n - 1 after one or two layers of width n, from the chain of B55."""

    def step(r: Any) -> Any:
        return 2 / math.pi * np.arcsin(r)

    first = float(step(correlation))
    if depth == 1:
        return first, (1 - first**2) / n
    pmf = binomial_pmf(n, (1 + first) / 2)
    second = step((2 * np.arange(n + 1) - n) / n)
    mean = float(pmf @ second)
    return mean, float(pmf @ (1 - second**2)) / n + float(pmf @ (second - mean) ** 2)


def _b55(factor: float, seed: int) -> Verdict:
    correlation = factor * float(X[0] @ X[1] / math.sqrt((X[0] @ X[0]) * (X[1] @ X[1])))

    def of_depth(depth: int) -> Verdict:
        arch = Architecture(depth, th.sign())

        def sampled(n: int, draws: int) -> Float:
            run = sample_networks(arch, X, n, draws, seed + n, method="exact", ntk=False, threads=1)
            return run.covariances[:, 0, 1]

        return two_tests(sampled, lambda n: overlap_moments(correlation, depth, n))

    return every((f"{depth} hidden layers", of_depth(depth)) for depth in (1, 2))


@claim(
    "B55.wide",
    statement=r"Sign networks, two inputs, 1 and 2 hidden layers of width $10^2,10^4,10^6$: the conditional covariance "
    r"$r=2k/n-1$ has the mean and the variance of the chain of B55 (at depth 1: of T44 (ii)).",
    source="bounds.md, section 5, B55; asymmetric-kernels.md, section 6, T44",
    hypotheses=(
        "Gaussian weights, no bias; networks sampled exactly in law without their weights: 20000, 1500, 40",
        "moments of the chain by exact sums over the first layer; the mutant starts from 0.99 of the correlation",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _b55(0.99, seed),
)
def agreements_at_any_width(seed: int = 0) -> Verdict:
    """Compare sampled overlaps with the chain."""
    return _b55(1.0, seed)


# ------------------------------------------------------------------- B57: ReLU and linear networks


def _b57(factor: float, seed: int) -> Verdict:
    def of(f: Any, gain: float, excess: int) -> Verdict:
        arch = Architecture(2, f, weight_std=[math.sqrt(gain), math.sqrt(gain), 1.0])

        def sampled(n: int, draws: int) -> Float:
            run = sample_networks(
                arch, X[:1], n, draws, seed + n, method="exact", ntk=False, threads=1
            )
            return run.covariances[:, 0, 0] / float(X[0] @ X[0] / 3)

        return two_tests(sampled, lambda n: (1.0, factor * ((1 + excess / n) ** 2 - 1)))

    return every(
        (
            ("ReLU", of(th.relu(), 2.0, 5)),
            ("linear", of(th.identity(), 1.0, 2)),
        )
    )


@claim(
    "B57.wide",
    statement=r"ReLU and linear networks, one input, no bias, two hidden layers of width $10^2,10^4,10^6$: $E A=K$ and "
    r"$\mathrm{Var}(A)/K^2=\prod(1+5/n_l)-1$ (ReLU), $\prod(1+2/n_l)-1$ (linear).",
    source="bounds.md, section 5, B57",
    hypotheses=(
        "Gaussian weights; networks sampled exactly in law without their weights: 20000, 1500, 40",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _b57(1.12, seed),
)
def conditional_variance_at_any_width(seed: int = 0) -> Verdict:
    """Compare sampled conditional variances with products; the mutant's variance is 12 % too large."""
    return _b57(1.0, seed)
