"""Speed of exact distances and of bounds: against POT and SciPy on samples of the same networks.

A sample of M outputs carries an error of order M^(-1/2); the mixture of the same M networks is exact given them.
"""

from collections.abc import Callable

import numpy as np
import ot
from scipy.stats import kstest, norm, wasserstein_distance

import theory as th
from hardlimit.timing import Ratio, best_of
from theory.covariance import square_root
from theory.distances import (
    ScaleMixture,
    from_samples,
    kolmogorov,
    leading_wasserstein2,
    radial_wasserstein,
    total_variation,
    wasserstein1,
    wasserstein2,
    wasserstein2_to_limit,
)

DRAWS, WIDTH, PAIRS = 10_000, 256, 400
INPUTS = np.array([[1.0, 0.5, 0.0], [0.3, -1.2, 0.7]])


def variances() -> np.ndarray:
    """Conditional variances of a linear network, A = chi^2_n / n."""
    return np.random.default_rng(0).chisquare(WIDTH, DRAWS) / WIDTH


def run() -> list[Ratio]:
    """Time exact distances beside those of samples, limits beside transport, and bounds beside one sampling."""
    a = variances()
    mixture = ScaleMixture(a).recentred(1.0)
    rng = np.random.default_rng(1)
    outputs, limit = np.sqrt(a) * rng.normal(size=DRAWS), rng.normal(size=DRAWS)
    arch = th.Architecture(2, th.hardtanh(1), weight_std=1.2, bias_std=0.3)
    drawn = th.sample_networks(arch, INPUTS, WIDTH, PAIRS, ntk=False, threads=1).outputs
    gaussian = rng.normal(size=(PAIRS, 2)) @ square_root(np.asarray(th.nngp(arch, INPUTS)))
    pairs = np.sqrt(a[:PAIRS, None]) * rng.normal(size=(PAIRS, 2)), rng.normal(size=(PAIRS, 2))
    rows: list[Ratio] = []

    def compare(
        name: str, ours: Callable[[], object], other: str, theirs: Callable[[], object]
    ) -> None:
        rows.append(Ratio(name, best_of(ours), other, best_of(theirs)))

    def transport(first: np.ndarray, second: np.ndarray) -> Callable[[], object]:
        return lambda: ot.emd2([], [], ot.dist(first, second))

    def by_kstest() -> object:
        return kstest(outputs, norm.cdf)

    def on_the_line(order: int) -> object:
        return ot.wasserstein_1d(outputs, limit, p=order)

    def sampled() -> object:
        return th.sample_covariances(arch, INPUTS, WIDTH, DRAWS, threads=1)

    size, samples = f"mixture of {DRAWS} variances, exact to 1e-10", f"{DRAWS} samples"
    compare(
        f"W1, {size}",
        lambda: wasserstein1(mixture, 1.0),
        f"scipy.stats.wasserstein_distance, {samples}",
        lambda: wasserstein_distance(outputs, limit),
    )
    compare(
        f"W2, {size}",
        lambda: wasserstein2(mixture, 1.0),
        f"POT on the line, {samples}",
        lambda: on_the_line(2),
    )
    for name, distance in (("Kolmogorov", kolmogorov), ("total variation", total_variation)):

        def exact(distance: Callable[[ScaleMixture, float], float] = distance) -> object:
            return distance(mixture, 1.0)

        compare(f"{name}, {size}", exact, f"scipy.stats.kstest, {samples}", by_kstest)
    compare(
        f"Kolmogorov, W1 and W2 with limits, {samples}",
        lambda: from_samples(outputs, 1.0),
        "scipy.stats.kstest and POT, the same samples, no limits",
        lambda: (by_kstest(), on_the_line(1), on_the_line(2)),
    )
    compare(
        f"W2 of 2 outputs, mixture of {DRAWS} variances",
        lambda: radial_wasserstein(mixture, 1.0, 2),
        f"POT, {PAIRS} pairs",
        transport(*pairs),
    )
    compare(
        f"W2 on 2 inputs between limits, {PAIRS} networks drawn",
        lambda: wasserstein2_to_limit(arch, INPUTS, WIDTH, PAIRS),
        f"POT, outputs of {PAIRS} networks",
        transport(drawn, gaussian),
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
