"""Flips make trained sign networks forget their start, which passes for another kernel (asymmetric-kernels.md, T37).

A step moves a pre-activation by the readout weight times something of order n^(-1/2), and the neurons that flip are of
that order too: they take their share of the start with them. The loss is felt where the start can still be seen, in the
part of it that training inputs leave open, and there it is many times the share of flips.
"""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.statistics import Comparison, z_tests
from proofs_check.verdict import Grade, Verdict
from theory.dynamics import gradient_descent
from theory.estimate import Estimate
from theory.kernels import Architecture
from theory.networks import SGD, train_networks

Float = NDArray[np.float64]

NODES, MASSES = np.polynomial.hermite_e.hermegauss(80)
# |a| of a standard normal readout weight a.
SIZES, SHARES = NODES[40:], 2 * MASSES[40:] / MASSES.sum()


def forgotten(arch: Architecture, inputs: Float, flips: float, *, weighted: bool = True) -> Float:
    """E[f(x) f(x')] at the start less what is left of it when f(x) is of a later time, for all pairs of inputs.

    One hidden layer of signs, of which a share ``flips`` of all pre-activations changed sign. Moves are independent of
    where a neuron was, with a standard deviation in proportion to |a|; ``weighted=False``: the same for all neurons.
    """
    (std, _), (bias, _) = arch.weight_stds, arch.bias_stds
    products = std**2 * inputs @ inputs.T / inputs.shape[1] + bias**2
    lengths = np.sqrt(np.diag(products))
    rho = np.clip(products / np.outer(lengths, lengths), -1, 1)
    sizes, shares, weights = SIZES, SHARES, SHARES * SIZES**2
    if not weighted:
        sizes, shares, weights = np.ones(1), np.ones(1), np.ones(1)
    move = brentq(lambda g: shares @ np.arctan(sizes * g) / math.pi - flips, 0.0, 1e3)
    kept = sum(
        w * np.arcsin(rho / math.hypot(1.0, a * move)) for a, w in zip(sizes, weights, strict=True)
    )
    return np.asarray(arch.weight_stds[1] ** 2 * 2 / math.pi * (np.arcsin(rho) - kept))


def response(kernel: Float, many: int, steps: int, rate: float) -> Float:
    """Return I - A_t of T37 for gradient descent, (points, points): what training on the first ``many`` leaves."""
    columns, start = kernel.copy(), np.eye(len(kernel))
    columns[:, many:] = 0.0
    return gradient_descent(columns, np.zeros_like(start), start, steps, rate)


# ------------------------------------------------------------------- networks

LESSON, TESTS, STEPS = 6, 10, 24
ARCH = Architecture(1, th.sign(), th.hardtanh(1), weight_std=1.2, bias_std=0.3)
WIDTHS, DRAWS = (64, 256), 3000


@cache
def task() -> tuple[Float, Float]:
    """Inputs (LESSON + TESTS, 4) of unequal norms, and targets of the first."""
    random = np.random.default_rng(2024)
    inputs = random.normal(size=(LESSON + TESTS, 4)) * random.uniform(0.7, 2, (LESSON + TESTS, 1))
    return inputs, random.choice([-1.0, 1.0], LESSON)


@cache
def found(n: int, seed: int) -> tuple[Estimate, float]:
    """Share of the start, where the lesson leaves it open, that networks forget; and their share of flips."""
    inputs, y = task()
    kernel = th.ntk(ARCH, inputs)
    rate = th.dynamics.stability(kernel[:LESSON, :LESSON]).rate_limit / 4
    run = train_networks(
        ARCH, inputs[:LESSON], y, n, DRAWS, (0, STEPS), SGD(rate), seed + n, points=inputs, threads=1
    )  # fmt: skip
    left = response(kernel, LESSON, STEPS, rate)
    start, target = run.outputs[:, 0], np.zeros(len(inputs))
    target[:LESSON] = y
    law = target + (start - target) @ left.T
    open_part = (start @ left.T)[:, LESSON:]
    away = (run.outputs[:, 1] - law)[:, LESSON:]
    size = np.mean(np.diag(left @ th.nngp(ARCH, inputs) @ left.T)[LESSON:])
    share = Estimate.of_mean(-np.mean(away * open_part, axis=1) / float(size))
    return share, float(run.neuron_flips[:, 1].mean())


def stated(flips: float, *, weighted: bool) -> float:
    """Return the same share as it follows from the flips."""
    inputs, _ = task()
    kernel = th.ntk(ARCH, inputs)
    rate = th.dynamics.stability(kernel[:LESSON, :LESSON]).rate_limit / 4
    left = response(kernel, LESSON, STEPS, rate)
    lost = left @ forgotten(ARCH, inputs, flips, weighted=weighted) @ left.T
    size = left @ th.nngp(ARCH, inputs) @ left.T
    return float(np.diag(lost)[LESSON:].sum() / np.diag(size)[LESSON:].sum())


def _memory(weighted: bool, seed: int) -> Verdict:
    """What is missed is of the order of the flips, n^(-1/2): twice the wide less the narrow is free of it."""
    ratios = []
    for n in WIDTHS:
        share, flips = found(n, seed)
        ratios.append((1 / stated(flips, weighted=weighted)) * share)
    narrow, wide = ratios
    label = f"forgotten over stated, {narrow.value:.3f} and {wide.value:.3f} at n = {WIDTHS}"
    limit = 2.0 * wide + -1.0 * narrow
    return z_tests([Comparison(label, limit, 1.0)], false_alarm=1e-6, must_see=0.6)


@claim(
    "T37.memory",
    statement=r"Training forgets the start: if a share $p$ of pre-activations flipped, then to leading order "
    r"$E[(f_t-\hat f_t)(x)f_0(x')]=-[(I-A_t)M](x,x')$, with $\hat f_t$ what $\Theta_{ts}$ makes of $f_0$, and "
    r"$M=\frac2\pi s_w^2E[a^2(\arcsin\rho-\arcsin\frac{\rho}{\sqrt{1+a^2g^2}})]$, $a\sim N(0,1)$, "
    r"$\pi p=E\arctan(|a|g)$. It vanishes as $p\sim n^{-1/2}$, and has the sign of a way from $\Theta_{ts}$ to "
    r"$\Theta_{ss}$ where it is none.",
    source="asymmetric-kernels.md, section 5, T37, section 6, T47; the correction is ours",
    hypotheses=(
        r"sign with hardtanh's derivative, one hidden layer, $\rho$ the correlation of pre-activations; moves of "
        r"pre-activations count as Gaussian, as $|a|$, independent of where they start",
        f"{LESSON} training inputs and {TESTS} others, of unequal norms, {STEPS} steps; {DRAWS} networks of widths "
        rf"{WIDTHS[0]} and {WIDTHS[1]} each, extrapolated in $n^{{-1/2}}$; share of $(I-A_t)f_0$ that is lost at the "
        "others, over the stated one",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _memory(False, seed),
)
def networks_forget_their_start(seed: int = 0) -> Verdict:
    """Correlate what networks miss with their start; the mutant moves all neurons alike, which halves the loss."""
    return _memory(True, seed)
