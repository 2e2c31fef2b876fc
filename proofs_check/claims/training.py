"""Trained networks against the asymmetric kernel: rates, the right kernel, anti-learning (asymmetric-kernels.md)."""

from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.statistics import Comparison, z_tests
from proofs_check.verdict import Grade, Verdict
from theory.activations import Activation
from theory.dynamics import gradient_descent
from theory.estimate import Estimate
from theory.kernels import Architecture
from theory.networks import SGD, TrainedNetworks, train_networks

Float = NDArray[np.float64]
Pair = tuple[str, str]

SOURCE = "asymmetric-kernels.md"
TT, TS, SS = ("true", "true"), ("true", "surrogate"), ("surrogate", "surrogate")
# Five training inputs and two others, of unequal norms: the kernel is not symmetric.
POINTS = np.array(
    [
        [1.5, 0.2, -0.3], [-0.4, 0.8, 0.5], [0.3, -1.9, 1.1], [-1.0, -0.6, -1.3], [0.2, 0.5, 2.4],
        [0.6, -0.5, 0.9], [-1.2, 1.0, 0.3],
    ]
)  # fmt: skip
TARGET = np.array([1.0, -1.0, 0.5, 2.0, 0.0])
N, STEPS, RATE = 5, 60, 0.1
WIDTHS = {256: 600, 4096: 200}  # with their draws
FUNCTIONS: dict[str, tuple[Activation, Activation]] = {
    "erf": (th.erf(2), th.erf(1)),
    "hardtanh": (th.hardtanh("1/2"), th.hardtanh(1)),
    "sign": (th.sign(), th.hardtanh(1)),
}


def architecture(name: str) -> Architecture:
    """Return one hidden layer, s_w = 1.2 and s_b = 0.3."""
    sigma, tau = FUNCTIONS[name]
    return Architecture(1, sigma, tau, weight_std=1.2, bias_std=0.3)


@cache
def trained(name: str, n: int, draws: int, seed: int) -> TrainedNetworks:
    """Return networks trained by gradient descent, recorded at the start and at the end."""
    pair = SS if name == "sign" else TS
    return train_networks(
        architecture(name), POINTS[:N], TARGET, n, draws, (0, STEPS), SGD(RATE), seed,
        points=POINTS, jacobians=[pair], threads=1,
    )  # fmt: skip


def predicted(kernel: Float, target: Float, start: Float, steps: int, rate: float) -> Float:
    """Outputs (draws, points) after gradient descent with a fixed kernel (points, points); trained are the first.

    Nothing is learned from the other points: their columns are 0.
    """
    columns, many = kernel.copy(), len(target)
    columns[:, many:] = 0.0
    y = np.zeros((len(kernel), len(start)))
    y[:many] = target[:, None]
    return gradient_descent(columns, y, start.T, steps, rate).T


def squared_errors(name: str, pair: Pair, n: int, draws: int, seed: int) -> Float:
    """Squared distance of each trained network from what the kernel of a pair makes of its start, at new inputs."""
    run, kernel = (
        trained(name, n, draws, seed),
        th.ntk(architecture(name), POINTS, jacobians=pair),
    )
    limit = predicted(kernel, TARGET, run.outputs[:, 0], STEPS, RATE)
    return np.asarray(np.mean((run.outputs[:, 1] - limit)[:, N:] ** 2, axis=1))


def same_scale(label: str, small: Float, large: Float) -> Comparison:
    """Compare two means that should be equal: their difference over their mean, which should be 0."""
    gap = Estimate.of_mean(large) + -1.0 * Estimate.of_mean(small)
    return Comparison(label, gap * (2 / float(small.mean() + large.mean())), 0.0)


def scaling(name: str, pair: Pair, power: float, widths: dict[int, int], seed: int) -> Comparison:
    """Compare n^(2 power) times the squared error at two widths, given with their draws."""
    scaled = [
        n ** (2 * power) * squared_errors(name, pair, n, draws, seed) for n, draws in widths.items()
    ]
    label = ", ".join(f"{values.mean():.3g}" for values in scaled)
    return same_scale(f"{name}, {pair[0]}-{pair[1]}, n^{2 * power:g} MSE {label}", *scaled)


# ------------------------------------------------------------------- T34, T48: rates


def _t34(pair: Pair, power: float, seed: int) -> Verdict:
    comparisons = [scaling(name, pair, power, WIDTHS, seed) for name in ("hardtanh", "erf")]
    return z_tests(comparisons, false_alarm=1e-6, must_see=1.2)


@claim(
    "T34.networks",
    statement=r"Networks trained with a surrogate follow the limit kernel $\Theta_{ts}$ from their own start, rows "
    r"true and columns surrogate, with an error of order $n^{-1/2}$; with $K_{ss}$ in its place the error saturates.",
    source=f"{SOURCE}, section 5, T34",
    hypotheses=(
        r"one hidden layer, $h_{1/2}$ with $h_1'$ and $\mathrm{erf}(2x)$ with $\mathrm{erf}'(x)$; five training inputs "
        r"and two others, of unequal norms; 60 steps of gradient descent",
        r"$n$ times the squared error is the same at $n=256$ and $4096$, order $n^{-1/4}$ would make it 4 times larger",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _t34(SS, 0.5, seed),
)
def networks_follow_the_asymmetric_kernel(seed: int = 0) -> Verdict:
    """Train sampled networks; the mutant predicts them with the surrogate-surrogate kernel."""
    return _t34(TS, 0.5, seed)


def saturation(name: str, label: str, kernel: Float, share: float, seed: int) -> Comparison:
    """Compare the squared error by a wrong kernel, free of its part in 1/n, with ``share`` of a distance.

    The distance is from the prediction by Theta_ts to the wrong one, by each network's own start.
    """
    right, found = th.ntk(architecture(name), POINTS), []
    for n, draws in WIDTHS.items():
        run = trained(name, n, draws, seed)
        wrong, limit = (
            predicted(k, TARGET, run.outputs[:, 0], STEPS, RATE)[:, N:] for k in (kernel, right)
        )
        distance = np.mean((wrong - limit) ** 2, axis=1)
        error = np.mean((run.outputs[:, 1, N:] - wrong) ** 2, axis=1)
        found.append((1 / float(distance.mean())) * Estimate.of_mean(error - share * distance))
    narrow, wide = found
    ratio = max(WIDTHS) / min(WIDTHS)
    free = (ratio / (ratio - 1)) * wide + (-1 / (ratio - 1)) * narrow
    return Comparison(f"{name}, {label}", free, 0.0)


def _others(share: float, seed: int) -> Verdict:
    comparisons = []
    for name in ("hardtanh", "erf"):
        arch = architecture(name)
        others = {
            pair[0] + "-" + pair[1]: th.ntk(arch, POINTS, jacobians=pair) for pair in (TT, SS)
        }
        others["transpose"] = th.ntk(arch, POINTS).T
        comparisons += [
            saturation(name, label, kernel, share, seed) for label, kernel in others.items()
        ]
    return z_tests(comparisons, false_alarm=1e-6, must_see=1.0)


@claim(
    "T34.others",
    statement=r"With $K_{tt}$, $K_{ss}$ or the transpose in place of $\Theta_{ts}$ the error of the prediction does "
    "not vanish with the width: it tends to the distance of the two predictions.",
    source=f"{SOURCE}, section 5, T34 (K_ss and K_tt there; the transpose is ours)",
    hypotheses=(
        r"trained networks of T34.networks at $n=256$ and $4096$, extrapolated in $1/n$; $h_{1/2}$ with $h_1'$ and "
        r"$\mathrm{erf}(2x)$ with $\mathrm{erf}'(x)$; squared errors at the new inputs",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _others(0.0, seed),
)
def other_kernels_saturate(seed: int = 0) -> Verdict:
    """Measure networks against other kernels; the mutant's error vanishes."""
    return _others(1.0, seed)


def _t48(power: float, seed: int) -> Verdict:
    comparison = scaling("sign", TS, power, {100: 1000, 25_600: 150}, seed)
    return z_tests([comparison], false_alarm=1e-6, must_see=1.2)


@claim(
    "T48",
    statement=r"Full training of sign networks with the hardtanh estimator: the deviation of a trained output from its "
    r"own kernel prediction is of order $n^{-1/4}$, not $n^{-1/2}$.",
    source=f"{SOURCE}, section 6, T48, measured there",
    hypotheses=(
        "one hidden layer; five training inputs and two others, of unequal norms; 60 steps of gradient descent",
        r"$n^{1/2}$ times the squared deviation is the same at $n=100$ and $25600$, order $n^{-1/2}$ would make it "
        "16 times smaller",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _t48(0.5, seed),
)
def sign_networks_are_a_quarter_power_off(seed: int = 0) -> Verdict:
    """Train sampled sign networks; the mutant's deviation is of order n^(-1/2)."""
    return _t48(0.25, seed)


# ------------------------------------------------------------------- T38: displacement


def _t38(pair: Pair, seed: int) -> Verdict:
    comparisons = []
    for name in ("hardtanh", "erf"):
        run = trained(name, 4096, 200, seed)
        moves = th.ntk(architecture(name), POINTS[:N])
        weights = th.ntk(architecture(name), POINTS[:N], jacobians=pair)
        residual, total = run.outputs[:, 0, :N] - TARGET, np.zeros((run.draws, N))
        for _ in range(STEPS):
            total += RATE * residual
            residual = residual - RATE * residual @ moves.T
        stated = np.einsum("mi,ij,mj->m", total, weights, total)
        ratio = Estimate.of_mean(run.displacement[:, 1].sum(axis=1) / stated)
        comparisons.append(Comparison(f"{name}, |moved|^2 over its prediction", ratio, 1.0))
    return z_tests(comparisons, false_alarm=1e-6, must_see=0.04)


@claim(
    "T38",
    statement=r"$|\theta_t-\theta_0|^2=I^{\mathsf T}K_{ss}I$ with $I=\int_0^tr$, $r$ the residual under $\Theta_{ts}$: "
    r"parameters move by the surrogate-surrogate kernel.",
    source=f"{SOURCE}, section 5, T38",
    hypotheses=(
        r"trained networks of T34.networks at $n=4096$, each with the residual that follows from its own start; "
        r"gradient descent: $I$ is a sum; has to see 4 %",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _t38(TS, seed),
)
def parameters_move_by_the_surrogate_kernel(seed: int = 0) -> Verdict:
    """Compare squared displacements with the quadratic form; the mutant takes the kernel of the outputs."""
    return _t38(SS, seed)


# ------------------------------------------------------------------- T41: how far the kernel moves


def _t41(shift: float, seed: int) -> Verdict:
    comparisons = []
    for name, power in (("erf", 1.0), ("hardtanh", 0.75)):
        scaled = []
        for n, draws in WIDTHS.items():
            kernels = next(iter(trained(name, n, draws, seed).kernels.values()))[:, :, :N, :N]
            drift = kernels[:, 1] - kernels[:, 0]
            if name == "hardtanh":
                drift = drift - drift.mean(axis=0)
            scaled.append(n ** (2 * (power + shift)) * np.sum(drift**2, axis=(1, 2)))
        label = ", ".join(f"{values.mean():.3g}" for values in scaled)
        comparisons.append(
            same_scale(f"{name}, n^{2 * (power + shift):g} drift^2 {label}", *scaled)
        )
    return z_tests(comparisons, false_alarm=1e-6, must_see=1.2)


@claim(
    "T41.drift",
    statement=r"One hidden layer: the kernel drifts in training by $|\Theta_t-\Theta_0|_F=O(n^{-1/2})$ at most; by "
    r"$O(n^{-1})$ for smooth $\sigma$ and $\tau$; for hardtanh, where $O(\sqrt n)$ neurons pass a kink, the drift "
    r"scatters about its mean by $n^{-3/4}$.",
    source=f"{SOURCE}, section 5, T41(b) for the bound; the other orders are ours, measured",
    hypotheses=(
        r"trained networks of T34.networks, start against end; squares times $n^2$ and $n^{3/2}$ are the same at "
        r"$n=256$ and $4096$, where a power 1/4 off would make a factor of 4",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _t41(-0.25, seed),
)
def kernels_drift_less_than_the_bound(seed: int = 0) -> Verdict:
    """Compare the scaled squared drift at two widths; the mutant's powers are 1/4 smaller."""
    return _t41(0.0, seed)


# ------------------------------------------------------------------- T28: anti-learning

ANGLES = 2 * np.pi * np.arange(64) / 64
CIRCLE = np.sqrt(2) * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
MODE = np.cos(11 * ANGLES)
CIRCLE_ARCH = Architecture(1, th.sign(), th.hardtanh(1), weight_std=2)
CIRCLE_STEPS, CIRCLE_RATE = 40, 0.01


@cache
def learned(n: int, draws: int, seed: int) -> tuple[Float, Float]:
    """What each network learned of the mode, and what the flow of its own start has to be corrected by."""
    run = train_networks(
        CIRCLE_ARCH, CIRCLE, MODE, n, draws, (0, CIRCLE_STEPS), SGD(CIRCLE_RATE), seed, threads=1
    )
    projections = run.outputs @ MODE / 32
    return np.asarray(projections[:, 0]), np.asarray(projections[:, 1])


def _t28(pair: Pair, seed: int) -> Verdict:
    kernel = th.ntk(CIRCLE_ARCH, CIRCLE, jacobians=pair)
    # The mode is an eigenvector: the kernel depends on the difference of the angles.
    growth = (1 - CIRCLE_RATE * float(MODE @ kernel @ MODE) / 32) ** CIRCLE_STEPS

    def parts() -> Iterator[Estimate]:
        for n, draws in ((1024, 400), (4096, 100)):
            start, end = learned(n, draws, seed)
            yield Estimate.of_mean(end - growth * start)

    narrow, wide = parts()
    # What each width misses is of order n^(-1/2), as many neurons flip: twice the wide less the narrow is free of it.
    limit = 2.0 * wide + -1.0 * narrow
    return z_tests(
        [Comparison("projection on cos 11 theta", limit, 1 - growth)],
        false_alarm=1e-6,
        must_see=1.0,
    )


@claim(
    "T28.networks",
    statement=r"Sign networks with the hardtanh estimator learn the negative of the target $\cos11\theta$: their mean "
    r"projection on it after time $t$ is $1-e^{|\lambda|t}<0$ in the limit of large width.",
    source=f"{SOURCE}, section 4, T28, for trained networks",
    hypotheses=(
        r"circle, 64 equispaced inputs, $s_w=2$, $s_b=0$, $b=1$; 40 steps of gradient descent of rate 0.01, each "
        r"network's own start taken off; widths 1024 and 4096 extrapolated in $n^{-1/2}$",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _t28(SS, seed),
)
def networks_learn_the_negative(seed: int = 0) -> Verdict:
    """Train sampled networks on the circle; the mutant is the positive kernel of the surrogate alone."""
    return _t28(TS, seed)
