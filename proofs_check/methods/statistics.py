"""Tests whose risk is declared before they look, and whose resolution is stated after."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from proofs_check.verdict import Grade, Verdict
from theory.checks import finite, probability
from theory.errors import InputError
from theory.estimate import Estimate

TRUSTS = (
    "the pseudo-random streams",
    "the central limit theorem at the number of draws stated",
    "SciPy's normal and chi-square quantiles",
)
POWER = 0.99


@dataclass(frozen=True)
class Comparison:
    """An estimate (scalar or array), the exact value that it should have, and a name for both."""

    label: str
    estimate: Estimate
    exact: ArrayLike


def z_tests(
    comparisons: Sequence[Comparison],
    *,
    false_alarm: float = 1e-6,
    must_see: float | None = None,
) -> Verdict:
    """Compare estimates with exact values, all at once, at one family-wise false-alarm rate.

    Parameters
    ----------
    comparisons
        Every entry of every estimate counts as one test.
    false_alarm
        Probability of a refutation if all values are right (Sidak over the family; conservative
        under dependence of Gaussian estimates, by Sidak's inequality).
    must_see
        The smallest relative discrepancy that the run has to be able to see with probability 0.99
        in every entry; VACUOUS if it is blind to it. None: the resolution is only stated.
    """
    probability(false_alarm, "false_alarm")
    if not comparisons:
        return Verdict(Grade.VACUOUS, "no comparison", None, TRUSTS)
    values, errors, exact, labels = _flattened(comparisons)
    tests = len(values)
    limit = float(stats.norm.isf(-math.expm1(math.log1p(-false_alarm) / tests) / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = np.where(values == exact, 0.0, np.abs(values - exact) / errors)
    worst = int(np.argmax(scores))
    draws = min(item.estimate.draws for item in comparisons)
    risk = (
        f"{draws} draws, {tests} tests, false alarm {false_alarm:g} in all, so |z| <= {limit:.2f}"
    )
    if not scores[worst] <= limit:
        return Verdict(
            Grade.REFUTED,
            f"{risk}; largest |z| {scores[worst]:.2f}",
            f"{labels[worst]}: estimate {values[worst]:.8g} +- {errors[worst]:.2g}, "
            f"stated {exact[worst]:.8g}",
            TRUSTS,
        )
    seen = (limit + float(stats.norm.ppf(POWER))) * errors
    size = np.where(exact == 0.0, 1.0, np.abs(exact))
    blind = f"blind below {(seen / size).min():.2g} to {(seen / size).max():.2g} (relative)"
    evidence = f"{risk}; largest |z| {scores[worst]:.2f}; {blind}"
    if must_see is not None and (seen / size).max() > must_see:
        return Verdict(Grade.VACUOUS, f"{evidence}, needs {must_see:g}", None, TRUSTS)
    return Verdict(Grade.CONSISTENT, evidence, None, TRUSTS)


def chi_square(
    counts: ArrayLike,
    probabilities: ArrayLike,
    *,
    false_alarm: float = 1e-6,
    must_see: float | None = None,
) -> Verdict:
    """Goodness of fit of counts to stated probabilities, by Pearson's statistic.

    Parameters
    ----------
    counts, probabilities
        One entry a cell. Neighbouring cells are pooled, in the order given, until each expects at
        least 10.
    false_alarm
        Probability of a refutation if the probabilities are right.
    must_see
        The smallest effect w = sqrt(sum (p' - p)^2 / p) that has to be seen with probability 0.99;
        else VACUOUS.

    Raises
    ------
    InputError
        If the shapes differ, a probability is negative, or they do not add up to 1 within 1e-9.
    """
    probability(false_alarm, "false_alarm")
    seen, stated = finite(counts, "counts"), finite(probabilities, "probabilities")
    if seen.shape != stated.shape or seen.ndim != 1:
        raise InputError(
            f"counts {seen.shape} and probabilities {stated.shape} must be equal lists"
        )
    if stated.min() < 0 or abs(stated.sum() - 1) > 1e-9:
        raise InputError(f"probabilities add up to {stated.sum()!r}, smallest {stated.min()!r}")
    impossible = np.flatnonzero((stated == 0) & (seen > 0))
    if impossible.size:
        cell = int(impossible[0])
        return Verdict(
            Grade.REFUTED,
            f"cell {cell} has probability 0",
            f"cell {cell} was seen {seen[cell]:g} times",
            TRUSTS,
        )
    draws = float(seen.sum())
    observed, expected, starts = _pooled(seen, stated * draws)
    freedom = len(expected) - 1
    if freedom < 1:
        return Verdict(
            Grade.VACUOUS, f"{draws:g} draws fill fewer than two cells of 10", None, TRUSTS
        )
    statistic = float(((observed - expected) ** 2 / expected).sum())
    limit = float(stats.chi2.isf(false_alarm, freedom))
    risk = f"{draws:g} draws, {freedom + 1} cells, false alarm {false_alarm:g}"
    outcome = f"{risk}; chi-square {statistic:.2f} against {limit:.2f}"
    if statistic > limit:
        pulls = (observed - expected) / np.sqrt(expected)
        worst = int(np.argmax(np.abs(pulls)))
        return Verdict(
            Grade.REFUTED,
            outcome,
            f"cells from {starts[worst]}: seen {observed[worst]:g}, expected {expected[worst]:.6g}",
            TRUSTS,
        )
    effect = math.sqrt(_noncentrality(limit, freedom) / draws)
    evidence = f"{outcome}; blind below effect {effect:.2g}"
    if must_see is not None and effect > must_see:
        return Verdict(Grade.VACUOUS, f"{evidence}, needs {must_see:g}", None, TRUSTS)
    return Verdict(Grade.CONSISTENT, evidence, None, TRUSTS)


def _flattened(
    comparisons: Sequence[Comparison],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Return values, standard errors, exact values and names of all entries."""
    labels: list[str] = []
    values, errors, exact = [], [], []
    for item in comparisons:
        value, error, reference = np.broadcast_arrays(
            finite(item.estimate.value, f"estimate of {item.label}"),
            finite(item.estimate.stderr, f"standard error of {item.label}"),
            finite(item.exact, f"exact value of {item.label}"),
        )
        values.append(value.ravel())
        errors.append(error.ravel())
        exact.append(reference.ravel())
        places = (
            [""] if value.ndim == 0 else [str(list(map(int, i))) for i in np.ndindex(value.shape)]
        )
        labels.extend(f"{item.label}{place}" for place in places)
    return np.concatenate(values), np.concatenate(errors), np.concatenate(exact), labels


def _pooled(
    counts: np.ndarray, expected: np.ndarray, least: float = 10.0
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Merge neighbouring cells until each expects ``least``; a short tail joins the last cell."""
    groups: list[list[float]] = []
    starts: list[int] = []
    for cell, (count, mean) in enumerate(zip(counts, expected, strict=True)):
        if groups and groups[-1][1] < least:
            groups[-1][0] += count
            groups[-1][1] += mean
        else:
            groups.append([float(count), float(mean)])
            starts.append(cell)
    if len(groups) > 1 and groups[-1][1] < least:
        count, mean = groups.pop()
        starts.pop()
        groups[-1][0] += count
        groups[-1][1] += mean
    pooled = np.array(groups)
    return pooled[:, 0], pooled[:, 1], starts


def _noncentrality(limit: float, freedom: int) -> float:
    """Return the noncentrality at which the statistic passes ``limit`` with probability POWER."""
    low, high = 0.0, 1.0
    while stats.ncx2.sf(limit, freedom, high) < POWER:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        if stats.ncx2.sf(limit, freedom, middle) < POWER:
            low = middle
        else:
            high = middle
    return high
