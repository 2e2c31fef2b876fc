"""Sign networks with binary readout sit on a lattice: their distance is of order n^(-1/2) (bounds.md, B41)."""

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from proofs_check.ledger import claim
from proofs_check.verdict import Grade, Verdict, every
from theory.distances.from_samples import Cells
from theory.networks.chains import binomial_pmf

Float = NDArray[np.float64]
WIDTHS = (101, 1001, 10_001, 100_001, 1_000_001)
TRUSTS = ("float64 sums over the n + 1 atoms", "SciPy's normal distribution function")


def lattice(n: int) -> tuple[Float, Float]:
    """Atoms of n^(-1/2) sum +-1, and the distribution function at them."""
    atoms = (2 * np.arange(n + 1) - n) / math.sqrt(n)
    return atoms, np.minimum(np.cumsum(binomial_pmf(n, 0.5)), 1.0)


def wasserstein(n: int, order: int) -> float:
    """Exact distance to N(0, 1), times sqrt n."""
    atoms, cdf = lattice(n)
    cells = Cells(np.concatenate([[0.0], cdf[:-1]]), cdf, 1.0, order)
    cost = (cells.below(atoms) + cells.above(atoms)).sum()
    return math.sqrt(n) * float(cost ** (1 / order))


def uniform(n: int) -> float:
    """Exact Kolmogorov distance to N(0, 1), times sqrt n: the supremum is at an atom, from either side."""
    atoms, cdf = lattice(n)
    level = stats.norm.cdf(atoms)
    before = np.concatenate([[0.0], cdf[:-1]])
    return math.sqrt(n) * float(max(np.abs(cdf - level).max(), np.abs(level - before).max()))


CONSTANTS: dict[str, tuple[Callable[[int], float], float, str]] = {
    "W1": (lambda n: wasserstein(n, 1), 0.5, ".5003"),
    "W2": (lambda n: wasserstein(n, 2), 1 / math.sqrt(3), ".5780"),
    "d_K": (uniform, 1 / math.sqrt(2 * math.pi), ".3983"),
}


def b41(factor: float) -> Verdict:
    """Compare with the printed digits at n = 101, and with the limits as n grows: errors of order 1/n."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        for name, (distance, constant, printed) in CONSTANTS.items():
            values = [distance(n) for n in WIDTHS]
            stated = factor * constant
            gaps = [abs(value - stated) * n for value, n in zip(values, WIDTHS, strict=True)]
            listed = ", ".join(f"{value:.6f}" for value in values)
            evidence = f"sqrt n {name} = {listed} at n = {WIDTHS}, limit {stated:.6f}"
            # An error g/n keeps its g; a wrong limit multiplies it by 10 from width to width. 1e-9 is what rounding
            # leaves, times the width.
            if (
                max(gaps[1:]) > 2 * gaps[0] + 1e-9 * WIDTHS[-1]
                or abs(values[0] - float(printed)) > 0.5001e-4
            ):
                yield name, Verdict(Grade.REFUTED, evidence, evidence, TRUSTS)
            else:
                yield name, Verdict(Grade.AGREES, evidence, None, TRUSTS)

    return every(parts())


@claim(
    "B41",
    statement=r"$S_n=n^{-1/2}\sum\pm1$: $\sqrt n\,W_1\to\tfrac12$, $\sqrt n\,W_2\to1/\sqrt3$, "
    r"$\sqrt n\,d_K\to1/\sqrt{2\pi}$; at $n=101$ they are $.5003,\ .5780,\ .3983$. A sign network with $\pm1$ readout "
    r"is at distance $\Theta(n^{-1/2})$ from its limit, not $1/n$.",
    source="bounds.md, B41 with B54",
    hypotheses=("one input, exact binomial law", "odd widths 101, 1001, ..., 1000001"),
    aims_at=Grade.AGREES,
    mutant=lambda: b41(1.001),
)
def lattice_constants() -> Verdict:
    """Exact lattice laws against the normal law."""
    return b41(1.0)
