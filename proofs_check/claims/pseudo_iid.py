"""Pseudo-iid weights: quantised and structured laws that meet the conditions of the wide limit (S46)."""

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, permutations, product
from math import factorial, prod

import numpy as np

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.methods.statistics import Comparison, z_tests
from proofs_check.verdict import Grade, Verdict, every
from theory.estimate import Estimate
from theory.kernels import Architecture, WeightLaw, gaussian
from theory.kernels.weights import Latent

SOURCE = "quantized-training.md, section 5.1, S46"
PARTITIONS = ((4,), (3, 1), (2, 2), (2, 1, 1), (1, 1, 1, 1))
ODD = {1: 1, 2: 3, 3: 15, 4: 105}
"""(2k - 1)!!, the even moments of a standard normal."""


# ------------------------------------------------------------- (iii): eighth moments of weighted sums


def moments(law: WeightLaw, density: Fraction) -> dict[int, Fraction]:
    """Return E W^2k for k = 1, ..., 4 of a standardised law that keeps an entry with probability ``density``."""
    normal = law.latent is Latent.NORMAL
    return {k: density ** (1 - k) * (ODD[k] if normal else 1) for k in ODD}


def coefficient(powers: tuple[int, ...], moment: dict[int, Fraction]) -> Fraction:
    """Return the coefficient of prod a_j^(2 k_j) in E(sum_j a_j W_j)^8, independent symmetric W."""
    ways = Fraction(factorial(8), prod(factorial(2 * k) for k in powers))
    return ways * prod(moment[k] for k in powers)


def stated(powers: tuple[int, ...]) -> Fraction:
    """Return the same of (sum_j a_j^2)^4."""
    return Fraction(factorial(4), prod(factorial(k) for k in powers))


IID: tuple[tuple[WeightLaw, Fraction], ...] = (
    (gaussian(), Fraction(1)),
    (th.rademacher(), Fraction(1)),
    (th.sparse_weights(0.5, "rademacher"), Fraction(1, 2)),
    (th.sparse_weights(0.25, "rademacher"), Fraction(1, 4)),
    (th.sparse_weights(0.0625, "rademacher"), Fraction(1, 16)),
    (th.sparse_weights(0.25), Fraction(1, 4)),
    (th.permuted_blocks(4, "rademacher"), Fraction(1, 4)),
    (th.permuted_blocks(4), Fraction(1, 4)),
)


def law_bound(law: WeightLaw) -> Fraction:
    """Return the constant that the library states for a law, as an exact number of simple denominator."""
    return Fraction(law.eighth_moment_bound).limit_denominator(10**4)


def least_bound(law: WeightLaw, density: Fraction) -> Fraction:
    """Return the least K that bounds every coefficient."""
    moment = moments(law, density)
    return max(coefficient(powers, moment) / stated(powers) for powers in PARTITIONS)


def enumerated(
    law: WeightLaw, weights: tuple[int, ...], density: Fraction, blocks: int = 0
) -> Fraction:
    """Return E(sum_j a_j W_j)^8 over all masks of a row, and all signs where the values are signs.

    ``blocks``: 0 for independent masks, else the mask is a uniform n/b-subset of the columns.
    """
    n, total, mass = len(weights), Fraction(0), Fraction(0)
    if blocks:
        masks = [(set(kept), Fraction(1)) for kept in combinations(range(n), n // blocks)]
    else:
        masks = [
            (
                {j for j in range(n) if keep[j]},
                density ** sum(keep) * (1 - density) ** (n - sum(keep)),
            )
            for keep in product((0, 1), repeat=n)
        ]
    for kept, chance in masks:
        if law.latent is Latent.NORMAL:
            value = Fraction(105 * sum(weights[j] ** 2 for j in kept) ** 4)
        else:
            sums = [
                sum(w * s for w, s in zip((weights[j] for j in kept), signs, strict=True))
                for signs in product((-1, 1), repeat=len(kept))
            ]
            value = Fraction(sum(s**8 for s in sums), len(sums))
        total, mass = total + chance * value, mass + chance
    return total / mass / density**4


def expanded(law: WeightLaw, weights: tuple[int, ...], density: Fraction) -> Fraction:
    """Return the same from the coefficients; only for independent entries."""
    moment, n, total = moments(law, density), len(weights), Fraction(0)
    for powers in PARTITIONS:
        monomials = {
            tuple(sorted(zip(places, order, strict=True)))
            for places in combinations(range(n), len(powers))
            for order in set(permutations(powers))
        }
        size = sum(prod(weights[j] ** (2 * k) for j, k in one) for one in monomials)
        total += coefficient(powers, moment) * size
    return total


BLOCK_ROWS = (
    (2, (3, 2, 1, 1)),
    (2, (1, 1, 1, 1, 1, 1)),
    (3, (2, 1, 1, 1, 0, 5)),
    (3, (1, 0, 0, 0, 0, 0)),
)


def below(law: WeightLaw, weights: tuple[int, ...], blocks: int) -> int:
    """Return 1 where the eighth moment with permuted blocks is at most that with independent masks."""
    density = Fraction(1, blocks)
    return int(enumerated(law, weights, density, blocks) <= expanded(law, weights, density))


def always(**_: object) -> int:
    """Return 1."""
    return 1


def printed(n: int) -> int:
    """Return 100 times the printed value at n = 256."""
    return {256: 10337}[n]


def printed_eighth_moment(n: int) -> int:
    """Return E(n^(-1/2) sum +-1)^8, times 100 and rounded."""
    heads = sum(
        prod(range(n - i + 1, n + 1)) // factorial(i) * (2 * i - n) ** 8 for i in range(n + 1)
    )
    return round(Fraction(100 * heads, 2**n * n**4))


def _eighth(shift: int) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        laws = [{"law": law, "density": density} for law, density in IID]
        yield (
            "K of the library",
            exhaustive(laws, lambda law, density: law_bound(law) - shift * density, least_bound),
        )
        cases = [
            {"law": law, "weights": weights, "density": density}
            for law, density in IID
            if law.is_iid
            for weights in ((1, 0, 0), (2, 1, 1), (3, 2, 1), (1, 1, 1, 1))
        ]
        yield "expansion", exhaustive(cases, enumerated, expanded)
        rows = [
            {"law": law, "weights": weights, "blocks": blocks}
            for law in (th.permuted_blocks(2), th.permuted_blocks(2, "rademacher"))
            for blocks, weights in BLOCK_ROWS
        ]
        yield "permuted blocks below independent masks", exhaustive(rows, below, always)
        yield "E S^8 at n = 256", exhaustive([{"n": 256}], printed_eighth_moment, printed)

    return every(parts())


@claim(
    "S46.iii",
    statement=r"Condition (iii), $E|\sum_ja_jW_{ij}|^8\le K\|a\|^8n^{-4}$: $\pm1/\sqrt n$ weights satisfy it with "
    r"$K=105$ (at $n=256$ and equal $a_j$ the left side is $103.37$); symmetric ternary weights kept with probability "
    r"$p$ and of variance 1 with $K=\max(105,35/p,35/(3p^2),7/p^2,p^{-3})$, normals kept so with $105p^{-3}$, "
    r"and permuted blocks, $b$ of them, with the same at $p=1/b$.",
    source=SOURCE,
    hypotheses=(
        "coefficient by coefficient over the partitions of 4, hence for every n and a",
        r"permuted blocks: $b$ divides both widths; a row keeps $s=n/b$ places drawn without replacement, so given r "
        r"places all with probability $\prod_{i<r}(s-i)/(n-i)\le b^{-r}$, no more than independent masks",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _eighth(1),
)
def eighth_moments() -> Verdict:
    """Compare the library's constants with the coefficients, and those with all masks and signs of small rows."""
    return _eighth(0)


# ----------------------------------------------------------------- (iv): products over two columns


def arrangements(count: int, blocks: int) -> Counter[tuple[int, ...]]:
    """Return every way to give ``count`` positions their block, all equally likely."""
    return Counter(set(permutations([p * blocks // count for p in range(count)])))


def pair_moments(rows: int, columns: int, blocks: int) -> tuple[Fraction, Fraction, Fraction]:
    """Return the variance of an entry, and E W_ij^2 W_ij'^2 and E W_ij^2 W_i'j'^2 for +-1 values, by enumeration."""
    left, right = arrangements(rows, blocks), arrangements(columns, blocks)
    counts = [0, 0, 0]
    for one in left:
        for two in right:
            counts[0] += one[0] == two[0]
            counts[1] += one[0] == two[0] == two[1]
            counts[2] += one[0] == two[0] and one[1] == two[1]
    total = len(left) * len(right)
    first, same, other = (Fraction(count, total) for count in counts)
    return blocks * first, blocks**2 * same, blocks**2 * other


def stated_pairs(rows: int, columns: int, blocks: int) -> tuple[Fraction, Fraction, Fraction]:
    """Return 1 and the two closed forms."""
    same = Fraction(columns - blocks, columns - 1)
    other = 1 + Fraction(blocks - 1, (rows - 1) * (columns - 1))
    return Fraction(1), same, other


def as_if_independent(rows: int, columns: int, blocks: int) -> tuple[Fraction, Fraction, Fraction]:  # noqa: ARG001
    """Return what independent entries would give."""
    return Fraction(1), Fraction(1), Fraction(1)


SHAPES = [
    {"rows": m, "columns": n, "blocks": b}
    for m, n, b in (
        (2, 2, 2),
        (4, 4, 2),
        (4, 6, 2),
        (6, 4, 2),
        (6, 6, 2),
        (6, 6, 3),
        (3, 6, 3),
        (8, 4, 4),
    )
]


@claim(
    "S46.iv",
    statement=r"Condition (iv), $n^2E[W_{i_aj}W_{i_bj}W_{i_cj'}W_{i_dj'}]\to\sigma^4\delta_{ab}\delta_{cd}$ for $j\ne "
    r"j'$: for $b$ permuted blocks of an $m\times n$ matrix of variance $1/n$ the expectation is 0 unless "
    r"$a=b$, $c=d$; then it is $\frac{n-b}{n-1}$ in one row and $1+\frac{b-1}{(m-1)(n-1)}$ in two, so the "
    r"condition holds, at rate $1/n$.",
    source=SOURCE + "; the source leaves (iii) and (iv) unverified for permuted block masks",
    hypotheses=(
        "b divides m and n",
        r"independent symmetric values of variance 1 under the mask, so that unpaired factors average to 0",
        "closed forms against every arrangement of rows and columns at eight shapes up to 8",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: exhaustive(SHAPES, pair_moments, as_if_independent),
)
def permuted_pairs() -> Verdict:
    """Enumerate all arrangements of small matrices."""
    return exhaustive(SHAPES, pair_moments, stated_pairs)


# ------------------------------------------------------------------------ the limit that they have

LAWS = (
    th.sparse_weights(0.25),
    th.sparse_weights(0.25, "rademacher"),
    th.permuted_blocks(4),
    th.permuted_blocks(4, "rademacher"),
)
X = np.array([[1.0, 0.5, -0.3], [1.2, -0.4, -1.4]])


def _limit(factor: float, seed: int) -> Verdict:
    comparisons = []
    for law in LAWS:
        arch = Architecture(
            1, th.hardtanh(1), weight_std=1.3, bias_std=0.2, weights=[gaussian(), law]
        )
        run = th.sample_networks(arch, X, 24, 20_000, seed, method="weights", ntk=False, threads=1)
        products = run.outputs[:, :, None] * run.outputs[:, None, :]
        exact = factor * th.nngp(arch, X)
        comparisons.append(Comparison(f"{law}, width 24", Estimate.of_mean(products), exact))
        deep = Architecture(
            2, th.hardtanh(1), weight_std=1.3, bias_std=0.2, weights=[gaussian(), law, law]
        )
        wide = th.sample_networks(
            deep, X, 128, 5_000, seed + 1, method="weights", ntk=False, threads=1
        )
        products = wide.outputs[:, :, None] * wide.outputs[:, None, :]
        exact = factor * th.nngp(deep, X)
        comparisons.append(Comparison(f"{law}, width 128", Estimate.of_mean(products), exact))
    return z_tests(comparisons, false_alarm=1e-6, must_see=0.25)


@claim(
    "S46.limit",
    statement=r"Sparse and block-permuted weights of variance 1, normal or $\pm1$ where they are kept, have the NNGP "
    r"covariance of Gaussian weights: exactly at every width with one hidden layer behind a Gaussian first one, and as "
    r"the width grows with two.",
    source=SOURCE + "; gaussian processes of pseudo-iid networks, Definition 1",
    hypotheses=(
        "hardtanh, unequal norms; density 1/4 and 4 blocks; Gaussian first layer, as the definition asks",
        "width 24 at one hidden layer; width 128 at two, where the bias of order 1/n is below the resolution",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _limit(1.25, seed),
)
def masked_limit(seed: int = 0) -> Verdict:
    """Covariances of outputs drawn weight by weight against the limit kernel."""
    return _limit(1.0, seed)
