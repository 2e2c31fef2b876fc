"""The settings of Eilers et al. 2024 on their circle, where no kernel is asymmetric, and off it (T53, T54)."""

from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

import theory as th
from proofs_check.claims.training import SS, TS, predicted
from proofs_check.ledger import claim
from proofs_check.methods.statistics import Comparison, z_tests
from proofs_check.verdict import Grade, Verdict, every
from theory.activations import Activation
from theory.estimate import Estimate
from theory.kernels import Architecture
from theory.networks import SGD, TrainedNetworks, sample_networks, train_networks

Float = NDArray[np.float64]

SOURCE = "asymmetric-kernels.md, section 7, T53 and T54; Eilers et al. 2024, code of figures 1-3"
LESSON, TESTS = 15, 10
RATE = 0.1 / LESSON
"""Their rate is 0.1 for the mean of the losses; ours is for the sum."""
SLOPE = 2
CURVES = {"circle": 0.0, "oval": 0.75}
"""How far the radius swings about 1."""


def target(x: Float) -> Float:
    """Polynomial that they teach, at inputs (n, 2)."""
    a, b = x.T
    return np.asarray(4 * a * b**2 - 0.8 * a**3 + 1.2 * b**2 - 0.8 * a**2 * b)


def on_curve(curve: str, angles: Float) -> Float:
    """Inputs (n, 2) at these angles, on the circle or off it."""
    radius = 1 + CURVES[curve] * np.cos(2 * angles + 1)
    return np.asarray(radius[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1))


def lesson(curve: str) -> Float:
    """Training inputs, at equidistant angles."""
    return on_curve(curve, 2 * np.pi * (np.arange(LESSON) + 0.5) / LESSON)


def points(curve: str) -> Float:
    """Training inputs, then tests."""
    tests = on_curve(curve, 2 * np.pi * np.arange(TESTS) / TESTS + 0.1)
    return np.concatenate([lesson(curve), tests])


def architecture(sigma: Activation) -> Architecture:
    """Two hidden layers, s_w = 1, s_b = 0.1, and their error-function surrogate."""
    return Architecture(2, sigma, th.erf(1), weight_std=1, bias_std="0.1")


ARCH = architecture(th.erf(SLOPE))


def seen(curve: str) -> Float:
    """Every fourth of the points."""
    return points(curve)[::4]


def _symmetric(curve: str, kernel: Float) -> Verdict:
    """Symmetric to rounding on the circle, and off it by more than a percent."""
    gap = float(np.abs(kernel - kernel.T).max() / np.abs(kernel).max())
    evidence = f"{curve}: largest asymmetry {gap:.2g} of the largest entry"
    if gap < 1e-12 if curve == "circle" else gap > 1e-2:
        return Verdict(Grade.AGREES, evidence, None, ("float64 kernels",))
    return Verdict(Grade.REFUTED, evidence, evidence, ("float64 kernels",))


@cache
def _sampled(curve: str, seed: int) -> Estimate:
    """Mean kernel (true, surrogate) without what is of order 1/n: twice the wide one less the narrow one."""
    narrow, wide = (
        sample_networks(
            ARCH, seen(curve), n, 1200, seed=seed + n, method="exact", jacobians=(TS,)
        ).mean_ntk()
        for n in (100, 200)
    )
    return 2.0 * wide + -1.0 * narrow


def _t53(transposed: bool, seed: int) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        for curve in CURVES:
            kernel = th.ntk(ARCH, seen(curve))
            yield curve, _symmetric(curve, kernel)
            compared = Comparison(curve, _sampled(curve, seed), kernel.T if transposed else kernel)
            yield f"{curve}, networks", z_tests([compared], false_alarm=1e-6)

    return every(parts())


@claim(
    "T53",
    statement=r"In the settings of Eilers et al. the kernel of networks is $\Theta_{ts}$, rows true and columns "
    r"surrogate. On their circle $\Theta_{ts}=\Theta_{ts}^{\mathsf T}$, so comparing networks with the transpose, as "
    "their figure 2 does, cannot fail; on an oval it fails.",
    source=SOURCE,
    hypotheses=(
        rf"two hidden layers, $s_w=1$, $s_b=0.1$, forward $\mathrm{{erf}}({SLOPE}x)$, surrogate erf; 15 training and "
        r"10 test angles on the circle, and with radius $1+\frac34\cos(2\varphi+1)$, of which every fourth is compared",
        r"1200 networks of widths 100 and 200 each, extrapolated in $1/n$",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _t53(True, seed),
)
def kernels_off_the_circle(seed: int = 0) -> Verdict:
    """Compare mean kernels of sampled networks; the mutant's limit is transposed, and fails on the oval alone."""
    return _t53(False, seed)


# ------------------------------------------------------------------- trained networks

STEPS, WIDTHS, DRAWS = 50, (128, 256), 160


@cache
def trained(curve: str, n: int, seed: int) -> TrainedNetworks:
    """Networks at the start and after training."""
    return train_networks(
        ARCH, lesson(curve), target(lesson(curve)), n, DRAWS, (0, STEPS), SGD(RATE), seed + n,
        points=points(curve), threads=1,
    )  # fmt: skip


def located(ends: Float, right: Float, other: Float) -> Estimate:
    """How far outputs (draws, tests) are on the way from one prediction (0) to another (1), by least squares."""
    step = other - right
    # The mean length is known far better than the mean product: to a relative error of draws^(-1/2).
    return Estimate.of_mean(np.mean((ends - right) * step, axis=1) / float(np.mean(step**2)))


def towards(run: TrainedNetworks, curve: str, other: Float) -> Estimate:
    """Where networks are between what Theta_ts makes of their starts and what another kernel does."""
    y, start = target(lesson(curve)), run.outputs[:, 0]
    right, wrong = (
        predicted(kernel, y, start, STEPS, RATE)[:, LESSON:]
        for kernel in (th.ntk(ARCH, points(curve)), other)
    )
    return located(run.outputs[:, 1, LESSON:], right, wrong)


def _trained(expected: float, seed: int) -> Verdict:
    others = {
        "transposed": th.ntk(ARCH, points("oval")).T,
        "surrogate alone": th.ntk(ARCH, points("oval"), jacobians=SS),
    }

    def compared(name: str, other: Float) -> Comparison:
        narrow, wide = (towards(trained("oval", n, seed), "oval", other) for n in WIDTHS)
        return Comparison(f"towards {name}", 2.0 * wide + -1.0 * narrow, expected)

    comparisons = [compared(*item) for item in others.items()]
    return z_tests(comparisons, false_alarm=1e-6, must_see=0.6)


@claim(
    "T53.trained",
    statement=r"Networks of T53, trained off the circle, follow $\Theta_{ts}$, and neither its transpose nor the "
    "symmetric kernel of the surrogate.",
    source=SOURCE,
    hypotheses=(
        rf"oval of T53; {DRAWS} networks of widths {WIDTHS[0]} and {WIDTHS[1]} each, extrapolated in $1/n$; the first "
        f"{STEPS} steps of their rate, each network from its own start",
        "share of the way from one prediction to the other, by least squares at the tests: 0 is stated, 1 is the other",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _trained(1.0, seed),
)
def trained_off_the_circle(seed: int = 0) -> Verdict:
    """Locate trained networks between the predictions; the mutant says that they are at the other kernel's."""
    return _trained(0.0, seed)
