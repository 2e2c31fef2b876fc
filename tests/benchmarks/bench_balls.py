"""Speed of certified and many-digit values, against mpmath's two-dimensional quadrature, and of what precedes them."""

import random
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction

import mpmath

import theory as th
from hardlimit.timing import Ratio, best_of
from theory.activations import catalogue
from theory.gaussian.expectation import Expectation
from theory.quadrature import expectation as integrate

POINTS = 1000
# mpmath needs minutes for a point: one inner integral is timed, times the outer nodes and the rectangles.
DIGITS, RECTANGLES = (50, 200), 9


def points() -> list[tuple[Fraction, Fraction, Fraction]]:
    """Draw rational (p, q, c) of ordinary size."""
    draw, found = random.Random(0), []
    while len(found) < POINTS:
        p, q = (Fraction(draw.randint(1, 300), 100) for _ in "pq")
        c = Fraction(draw.randint(-300, 300), 100)
        if abs(c) > 0 and c * c < Fraction(9, 10) * p * q:
            found.append((p, q, c))
    return found


def by_mpmath(point: tuple[Fraction, Fraction, Fraction], digits: int) -> float:
    """Seconds that mpmath's quad takes for E[h h; |u| < 1, |v| < 1], the middle one of nine rectangles."""
    mp = mpmath.MPContext()
    mp.dps = digits + 5
    p, q, c = (mp.mpf(x.numerator) / x.denominator for x in point)
    det = p * q - c * c

    def integrand(u: mpmath.mpf, v: mpmath.mpf) -> mpmath.mpf:
        exponent = -(q * u * u - 2 * c * u * v + p * v * v) / (2 * det)
        return u * v * mp.exp(exponent) / (2 * mp.pi * mp.sqrt(det))

    outer = []
    mp.quad(lambda u: outer.append(u) or mp.exp(-u * u), [-1, 1])
    inner = once(lambda: mp.quad(lambda v: integrand(mp.mpf(1) / 3, v), [-1, 1]))
    return inner * len(outer)


def once(work: Callable[[], object]) -> float:
    """Return the wall time of one call, for work that is too long, or too lasting, to repeat."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def run() -> list[Ratio]:
    """Time 1000 values of E[h h], h = hardtanh(1), one value by our own quadrature, derivations and the import."""
    h, chosen = th.hardtanh(1), points()
    derived = th.expectation(h, h)
    rows = []
    for digits in DIGITS:
        scaled = by_mpmath(chosen[0], digits) * RECTANGLES * POINTS
        label = f"mpmath 2-d quad, 1 inner integral of 1 of {RECTANGLES} rectangles, scaled to all"
        bits = int(3.33 * digits) + 8
        for name, work in (
            (f"mp, {digits} digits", lambda x, digits=digits: derived.mp(*x, digits=digits)),
            (f"ball, {bits} bits", lambda x, bits=bits: derived.ball(*x, bits=bits)),
        ):
            ours = best_of(lambda work=work: [work(x) for x in chosen], repeat=1)
            rows.append(Ratio(f"hardtanh x hardtanh, {POINTS} points, {name}", ours, label, scaled))
    point = (1, 2, Fraction(1, 2))
    rows.append(
        Ratio(
            "hardtanh x hardtanh, one ball of 100 bits",
            best_of(lambda: derived.ball(*point, bits=100)),
            "nested quadrature to 30 digits",
            best_of(lambda: integrate(h, h, *point, digits=30), repeat=1),
        )
    )
    return [*rows, *derivations(), importing()]


def derivations() -> list[Ratio]:
    """Time the derivation of every pair of the catalogue, derivatives included: the mean and the slowest."""
    known = list(catalogue().values())
    times = {}
    for order in (known, [f.derivative for f in known]):
        for i, f in enumerate(order):
            for g in order[i:]:
                fresh = Expectation(f, g, single=False)
                times[f"{f} x {g}"] = once(lambda fresh=fresh: fresh.expr)
    slowest = max(times, key=times.__getitem__)
    mean = sum(times.values()) / len(times)
    return [
        Ratio(f"derivation, mean of {len(times)} pairs", mean, "the target, 0.3 s", 0.3),
        Ratio(f"derivation, slowest: {slowest}", times[slowest], "the target, 0.3 s", 0.3),
    ]


def importing() -> Ratio:
    """Time ``import theory`` with an activation and an expectation, in a fresh interpreter."""
    command = "import theory as th; th.expectation(th.sign(), th.sign())"

    def fresh() -> None:
        subprocess.run([sys.executable, "-c", command], check=True)

    return Ratio("import theory and one pair", best_of(fresh, repeat=2), "the target, 1 s", 1.0)
