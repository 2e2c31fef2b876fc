"""Speed of exact distances and of bounds: against samples of the same laws, and exact assignment of samples.

A sample of M outputs carries an error of order M^(-1/2); the mixture of the same M networks is exact given them.
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import wasserstein_distance

import theory as th
from hardlimit.timing import Ratio, best_of
from theory.distances import (
    ScaleMixture,
    kolmogorov,
    leading_wasserstein2,
    radial_wasserstein,
    total_variation,
    wasserstein1,
    wasserstein2,
)

DRAWS, WIDTH, PAIRS = 10_000, 256, 400
INPUTS = np.array([[1.0, 0.5, 0.0], [0.3, -1.2, 0.7]])


def variances() -> np.ndarray:
    """Conditional variances of a linear network, A = chi^2_n / n."""
    return np.random.default_rng(0).chisquare(WIDTH, DRAWS) / WIDTH


def run() -> list[Ratio]:
    """Time each exact distance beside SciPy's on samples, and the evaluation of all bounds beside one sampling."""
    a = variances()
    mixture = ScaleMixture(a).recentred(1.0)
    rng = np.random.default_rng(1)
    outputs, limit = np.sqrt(a) * rng.normal(size=DRAWS), rng.normal(size=DRAWS)
    first, second = rng.normal(size=(2, PAIRS, 2))
    arch = th.Architecture(2, th.hardtanh(1), weight_std=1.2, bias_std=0.3)
    rows: list[Ratio] = []

    def compare(
        name: str, ours: Callable[[], object], other: str, theirs: Callable[[], object]
    ) -> None:
        rows.append(Ratio(name, best_of(ours), other, best_of(theirs)))

    def on_samples() -> object:
        return wasserstein_distance(outputs, limit)

    def assignment() -> object:
        cost = ((first[:, None] - second[None]) ** 2).sum(-1)
        return cost[linear_sum_assignment(cost)].mean()

    def sampled() -> object:
        return th.sample_covariances(arch, INPUTS, WIDTH, DRAWS, threads=1)

    size = f"mixture of {DRAWS} variances"
    for name, distance in (
        ("W1", wasserstein1),
        ("W2", wasserstein2),
        ("total variation", total_variation),
        ("Kolmogorov", kolmogorov),
    ):

        def exact(distance: Callable[[ScaleMixture, float], float] = distance) -> object:
            return distance(mixture, 1.0)

        compare(f"{name}, {size}, exact to 1e-10", exact, "scipy.stats W1 of samples", on_samples)
    compare(
        f"W2 of 2 outputs, {size}",
        lambda: radial_wasserstein(mixture, 1.0, 2),
        f"assignment of {PAIRS} pairs",
        assignment,
    )
    compare(
        f"leading W2, n={WIDTH}, k=2, L=2",
        lambda: leading_wasserstein2(arch, INPUTS, WIDTH),
        f"{DRAWS} covariances",
        sampled,
    )
    compare(
        f"Basteri-Trevisan bound, n={WIDTH}, k=2, L=2",
        lambda: th.bounds.basteri_trevisan(arch, INPUTS, WIDTH),
        f"{DRAWS} covariances",
        sampled,
    )
    return rows
