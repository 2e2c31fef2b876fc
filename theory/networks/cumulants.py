"""Unbiased cumulants from exact power sums, rounded once, with the standard error that the sample itself implies.

The k-statistics and their variances are Fisher's (Kendall and Stuart, The Advanced Theory of Statistics 1, chapter 12).
A variance formula is evaluated at the cumulants of the empirical distribution, which makes it the exact variance of the
statistic for independent draws from that distribution; so it is never negative.
"""

from math import ldexp, sqrt

from theory.networks.sums import SMALLEST, central, ratio

Sums = tuple[int, ...]


def estimate(sums: Sums, count: int, order: int) -> tuple[float, float]:
    """Return the k-statistic of order 1 to 4 (``count`` > ``order``) and its standard error."""
    n, s1, s2, s3, s4 = count, *sums[:4]
    numerator, denominator = {
        1: (s1, n),
        2: (n * s2 - s1**2, n * (n - 1)),
        3: (2 * s1**3 - 3 * n * s1 * s2 + n**2 * s3, n * (n - 1) * (n - 2)),
        4: (
            -6 * s1**4
            + 12 * n * s1**2 * s2
            - 3 * n * (n - 1) * s2**2
            - 4 * n * (n + 1) * s1 * s3
            + n**2 * (n + 1) * s4,
            n * (n - 1) * (n - 2) * (n - 3),
        ),
    }[order]
    value = ratio(numerator, denominator, SMALLEST * order)
    moments = central(sums[: 2 * order], n)
    scale = _scale(moments[2], n)
    m = [ratio(moment, n**p, (SMALLEST - scale) * p) for p, moment in enumerate(moments)]
    return value, _error(_variance(m, n, order), scale * order)


def covariance(left: Sums, right: Sums, mixed: Sums, count: int) -> tuple[float, float]:
    """Return the unbiased covariance of two variables and its standard error, from their power sums and products."""
    n, (s10, s20), (s01, s02), (s11, s21, s22, s12) = count, left[:2], right[:2], mixed
    value = ratio(n * s11 - s10 * s01, n * (n - 1), 2 * SMALLEST)
    m20, m02, m11 = n * s20 - s10**2, n * s02 - s01**2, n * s11 - s10 * s01
    m22 = (
        n**3 * s22
        - 2 * n**2 * (s01 * s21 + s10 * s12)
        + n * (s01**2 * s20 + s10**2 * s02 + 4 * s10 * s01 * s11)
        - 3 * s10**2 * s01**2
    )
    # n^4 times the fourth cumulant k22, and the square of what a Gaussian pair would have.
    fourth, gaussian = m22 - m20 * m02 - 2 * m11**2, m20 * m02 + m11**2
    scale = _scale(m20, n) + _scale(m02, n)
    exponent = 4 * SMALLEST - 2 * scale
    variance = ratio(fourth, n**5, exponent) + ratio(gaussian, n**4 * (n - 1), exponent)
    return value, _error(variance, scale)


def _variance(m: list[float], n: int, order: int) -> float:
    """Variance of the k-statistic of n draws from a distribution with central moments ``m``."""
    if order == 1:
        return m[2] / (n - 1)
    k2, k3, k4 = m[2], m[3], m[4] - 3 * m[2] ** 2
    if order == 2:
        return k4 / n + 2 * k2**2 / (n - 1)
    k5 = m[5] - 10 * m[3] * m[2]
    k6 = m[6] - 15 * m[4] * m[2] - 10 * m[3] ** 2 + 30 * m[2] ** 3
    if order == 3:
        return k6 / n + 9 * (k2 * k4 + k3**2) / (n - 1) + 6 * n * k2**3 / ((n - 1) * (n - 2))
    k8 = (
        m[8]
        - 28 * m[6] * m[2]
        - 56 * m[5] * m[3]
        - 35 * m[4] ** 2
        + 420 * m[4] * m[2] ** 2
        + 560 * m[3] ** 2 * m[2]
        - 630 * m[2] ** 4
    )
    return (
        k8 / n
        + (16 * k2 * k6 + 48 * k3 * k5 + 34 * k4**2) / (n - 1)
        + (72 * n * k2**2 * k4 + 144 * n * k2 * k3**2) / ((n - 1) * (n - 2))
        + 24 * n * (n + 1) * k2**4 / ((n - 1) * (n - 2) * (n - 3))
    )


def _scale(moment: int, n: int) -> int:
    """Exponent of the standard deviation, from n^2 times the variance: keeps eighth moments in range."""
    return (moment.bit_length() - (n * n).bit_length()) // 2 + SMALLEST if moment else 0


def _error(variance: float, exponent: int) -> float:
    """Square root, scaled back; rounding may leave a variance that is 0 a little below."""
    try:
        return ldexp(sqrt(max(variance, 0.0)), exponent)
    except OverflowError:
        return float("inf")
