"""Two hidden layers of signs: how slowly training approaches its kernel (asymmetric-kernels.md, T48, T49)."""

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

import theory as th
from proofs_check.claims.training import POINTS, TARGET, N, predicted
from proofs_check.ledger import claim
from proofs_check.verdict import Grade, Verdict
from theory.kernels import Architecture
from theory.networks import SGD, train_networks

Float = NDArray[np.float64]

SOURCE = "asymmetric-kernels.md, section 6"
ARCH = Architecture(2, th.sign(), th.hardtanh(1), weight_std=1.2, bias_std=0.3)
WIDTHS = {1024: 192, 4096: 96, 16_384: 32, 65_536: 8}
"""With their draws: widths that differ by a factor of 64, in some ten seconds."""
STEPS, RATE, TESTS = 6, 0.2, 8
FALSE_ALARM = 1e-6
TRUSTS = (
    "the pseudo-random streams and the low-rank engine (claim E3.training)",
    "the central limit theorem for logarithms of means; one relative deviation for all widths",
)


class Power(NamedTuple):
    """A fitted exponent, with its standard error, and what was fitted."""

    exponent: float
    error: float
    values: Float


@cache
def inputs() -> Float:
    """Five training inputs of ``training``, then others, of unequal norms."""
    others = np.random.default_rng(49).normal(size=(TESTS, 3))
    return np.concatenate([POINTS[:N], others * np.linspace(0.7, 2, TESTS)[:, None]])


@cache
def fitted(seed: int) -> Power:
    """Fit log RMS = log a + b log n, RMS the deviation of trained outputs from each network's own prediction."""
    kernel, squares = th.ntk(ARCH, inputs()), []
    for n, draws in WIDTHS.items():
        run = train_networks(
            ARCH, inputs()[:N], TARGET, n, draws, (0, STEPS), SGD(RATE), seed + n, points=inputs(),
            method="low-rank", threads=1,
        )  # fmt: skip
        limit = predicted(kernel, TARGET, run.outputs[:, 0], STEPS, RATE)
        squares.append(np.mean((run.outputs[:, 1] - limit)[:, N:] ** 2, axis=1))
    means = np.array([row.mean() for row in squares])
    # Few networks are wide: what they scatter relative to their mean is taken from all.
    scatter = np.concatenate([row / row.mean() - 1 for row in squares])
    many = np.array([len(row) for row in squares])
    relative = math.sqrt(float(np.sum(scatter**2)) / (many.sum() - len(many)))
    errors = relative / (2 * np.sqrt(many))
    design = np.stack([np.ones(len(many)), np.log(list(WIDTHS))], axis=1) / errors[:, None]
    inverse = np.linalg.inv(design.T @ design)
    _, exponent = inverse @ design.T @ (np.log(means) / 2 / errors)
    return Power(float(exponent), math.sqrt(inverse[1, 1]), np.sqrt(means))


def _t48(power: float, seed: int) -> Verdict:
    found = fitted(seed)
    half = float(stats.norm.isf(FALSE_ALARM / 2)) * found.error
    listed = ", ".join(f"{value:.3f}" for value in found.values)
    evidence = (
        f"RMS {listed} at n = {tuple(WIDTHS)}: n^({found.exponent:.3f} +- {half:.3f}), false alarm "
        f"{FALSE_ALARM:g}; stated n^{-power:g}"
    )
    if half >= 0.125:
        return Verdict(Grade.VACUOUS, f"{evidence}: cannot tell -1/8 from -1/4", None, TRUSTS)
    if abs(found.exponent + power) > half:
        return Verdict(Grade.REFUTED, evidence, evidence, TRUSTS)
    return Verdict(Grade.CONSISTENT, evidence, None, TRUSTS)


@claim(
    "T48.deep",
    statement=r"Full training of sign networks with two hidden layers: the deviation of a trained output from its own "
    r"kernel prediction falls as $n^{-1/8}$; $n^{-1/4}$, the rate of one hidden layer, is excluded.",
    source=f"{SOURCE}, T48, T49",
    hypotheses=(
        rf"hardtanh's derivative, five training inputs and {TESTS} others, of unequal norms; {STEPS} steps of gradient "
        rf"descent of rate {RATE:g}, which leave 2 % of the slowest mode",
        r"widths $2^{10},2^{12},2^{14},2^{16}$ without their hidden weights; a power of $n$ alone is fitted, no "
        r"correction to it: exponents within 0.07 of each other are not told apart",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _t48(0.25, seed),
)
def two_layers_are_an_eighth_power_off(seed: int = 0) -> Verdict:
    """Train wide networks and fit the exponent; the mutant's is that of one hidden layer."""
    return _t48(0.125, seed)
