"""Figure 3 of Eilers et al. at its least width and full length: which regression networks follow (T53)."""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

import theory as th
from proofs_check.claims.circle_and_beyond import LESSON, architecture, lesson, on_curve, target
from proofs_check.claims.memory import response
from proofs_check.ledger import claim
from proofs_check.verdict import Grade, Verdict, every
from theory.networks import SGD, train_networks

Float = NDArray[np.float64]

WIDTH, DRAWS, STEPS, RATE = 20, 32, 30_000, 0.1
FALSE_ALARM = 1e-6
TRUSTS = ("the pseudo-random streams", "Student's law for means of the draws stated")


class Measures(NamedTuple):
    """One number a network: where it is, and its squared distance from the mean of networks, each over the law's."""

    share: Float  # of the way from the mean by Theta_ts (0) to that of NNGP regression (1)
    variance: Float


@cache
def measures(seed: int) -> Measures:
    """Train the networks on the circle, and compare them with both regressions at other angles."""
    arch, x = architecture(th.sign()), lesson("circle")
    both = np.concatenate([x, on_curve("circle", 2 * np.pi * (np.arange(40) + 0.25) / 40)])
    run = train_networks(
        arch, x, target(x), WIDTH, DRAWS, STEPS, SGD(RATE), seed, points=both, loss="mean", threads=1
    )  # fmt: skip
    start, y = th.nngp(arch, both), np.append(target(x), np.zeros(40))
    left, regression = (
        response(kernel, LESSON, STEPS, RATE / LESSON)[LESSON:]
        for kernel in (th.ntk(arch, both), start)
    )
    mean, other = -left @ y, -regression @ y
    law = np.mean(np.einsum("ai,ij,aj->a", left, start, left))
    found, step = run.outputs[:, 0, LESSON:], other - mean
    around = (found - found.mean(axis=0)) * np.sqrt(DRAWS / (DRAWS - 1))
    return Measures(
        np.mean((found - mean) * step, axis=1) / np.mean(step**2),
        np.mean(around**2, axis=1) / law,
    )


def below(name: str, samples: Float, bound: float) -> Verdict:
    """Whether the mean of samples is below a bound, with confidence; undecided where it may be either."""
    error = samples.std(ddof=1) / np.sqrt(len(samples))
    half = float(stats.t.isf(FALSE_ALARM / 2, len(samples) - 1) * error)
    evidence = f"{name} {samples.mean():.2f} +- {half:.2f} (false alarm {FALSE_ALARM / 2:g}) against {bound:g}"
    if samples.mean() + half < bound:
        return Verdict(Grade.CONSISTENT, evidence, None, TRUSTS)
    if samples.mean() - half > bound:
        return Verdict(Grade.REFUTED, evidence, evidence, TRUSTS)
    return Verdict(Grade.UNDECIDED, evidence, None, TRUSTS)


def _long(exchanged: bool, seed: int) -> Verdict:
    share, variance = measures(seed)

    def parts() -> Iterator[tuple[str, Verdict]]:
        name = "share of the way to the other regression"
        yield "mean", below(name, 1 - share if exchanged else share, 0.5)
        yield "spread", below("variance over the law's", variance, 1.0)

    listed = list(parts())
    verdict = every(listed)
    if verdict.grade is not Grade.CONSISTENT:
        return verdict
    evidence = "; ".join(part.evidence for _, part in listed)
    return Verdict(Grade.CONSISTENT, evidence, None, TRUSTS)


@claim(
    "T53.long",
    statement=r"In the setting of figure 3 of Eilers et al., at its least width and after its 30000 steps, the mean of "
    r"sign networks is nearer to $\Theta_{ts}(x,X)\Theta_{ts}^{-1}y$ than to regression with the covariance at the "
    "start (NNGP), and their variance is less than that of T37.",
    source="asymmetric-kernels.md, section 7, T51 and T53; that the variance is less is ours",
    hypotheses=(
        rf"two hidden layers of {WIDTH}, $s_w=1$, $s_b=0.1$, backward derivative of erf; {LESSON} inputs on the unit "
        rf"circle, 40 others; half the mean square, rate {RATE:g}; {DRAWS} networks",
        "widths 20, 100 and 500 with up to 500 networks are the record of figure T3",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _long(True, seed),
)
def thirty_thousand_steps(seed: int = 0) -> Verdict:
    """Train networks to the end; the mutant exchanges the two regressions."""
    return _long(False, seed)
