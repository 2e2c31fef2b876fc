"""Training with an asymmetric kernel: learning rates, growth, displacement (asymmetric-kernels.md, T34-T37)."""

import math
from collections.abc import Iterator

import mpmath
import numpy as np
import sympy as sp

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.methods.domain import Domain
from proofs_check.methods.identity import identity
from proofs_check.verdict import Grade, Verdict, every
from theory.dynamics import flow, predict, stability

SECTION = "asymmetric-kernels.md, section 5"
ANGLES = np.arange(5) * 1.1
RADII = np.array([0.5, 1.0, 2.0, 1.5, 3.0])
INPUTS = np.sqrt(2) * RADII[:, None] * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
NEW = np.array([[0.3, 1.1], [-2.0, 0.4]])
TARGET, START = np.array([1.0, -1.0, 0.5, 2.0, 0.0]), np.array([0.2, 0.1, -0.4, 0.3, 1.0])
ARCH = th.Architecture(1, th.hardtanh("1/2"), th.hardtanh(1), weight_std=1.5, bias_std=0.25)


def exponential(kernel: np.ndarray, t: float) -> mpmath.matrix:
    """Return exp(-kernel t) by the Taylor series, scaled and squared, at 40 digits."""
    return mpmath.expm(mpmath.matrix((-t * kernel).tolist()), method="taylor")


def _flow(transpose: bool) -> Verdict:
    """Compare the library's outputs with y + exp(-Theta t)(f0 - y) by series, train and test."""
    kernel, cross = th.ntk(ARCH, INPUTS), th.ntk(ARCH, NEW, INPUTS)
    used = kernel.T if transpose else kernel
    before = np.array([0.3, -0.2])

    def by_series(t: int, row: int) -> mpmath.mpf:
        with mpmath.workdps(40):
            start = mpmath.matrix((START - TARGET).tolist())
            decay = exponential(kernel, float(t))
            if row < 5:
                return mpmath.mpf(TARGET[row]) + (decay * start)[row]
            learned = start - decay * start
            inverse = mpmath.lu_solve(mpmath.matrix(kernel.tolist()), learned)
            return mpmath.mpf(before[row - 5]) - (mpmath.matrix(cross.tolist()) * inverse)[row - 5]

    def by_library(t: int, row: int) -> float:
        if row < 5:
            return float(flow(used, TARGET, START, float(t))[row])
        return float(predict(used, cross, TARGET, START, before, float(t))[row - 5])

    points = [{"t": t, "row": row} for t in (0, 1, 7) for row in range(7)]
    return agree({"series": by_series, "library": by_library}, points, digits=11)


@claim(
    "T34",
    statement=r"$f_t(X)=y+e^{-\Theta t}(f_0(X)-y)$ and $f_t(x)=f_0(x)-\Theta(x,X)\Theta(X,X)^{-1}(I-e^{-\Theta(X,X)t})"
    r"(f_0(X)-y)$ solve $\dot f_t(x)=-\Theta(x,X)(f_t(X)-y)$, $\Theta$ not symmetric.",
    source=f"{SECTION}, T34",
    hypotheses=("five training and two test inputs of unequal norms; $t=0,1,7$",),
    aims_at=Grade.AGREES,
    mutant=lambda: _flow(True),
)
def outputs_under_the_flow() -> Verdict:
    """The library against the Taylor series of the exponential at 40 digits."""
    return _flow(False)


def _rates(numerator: int) -> Verdict:
    """Show |1 - eta lambda|^2 - 1 = eta |lambda|^2 (eta - 2 Re lambda/|lambda|^2)."""
    eta, real, imag = sp.symbols("eta alpha omega", positive=True)
    size = real**2 + imag**2
    left = (1 - eta * real) ** 2 + (eta * imag) ** 2 - 1
    return identity(
        left,
        eta * size * (eta - numerator * real / size),
        on=Domain({eta: (0, 3), real: (0, 3), imag: (0, 3)}),
    )


@claim(
    "T35",
    statement=r"$r_t\to0$ for all $r_0$ iff all eigenvalues of $\Theta(X,X)$ have $\mathrm{Re}>0$; gradient descent "
    r"iff $|1-\eta\lambda_i|<1$, that is $\eta<\min_i2\,\mathrm{Re}\lambda_i/|\lambda_i|^2$.",
    source=f"{SECTION}, T35",
    hypotheses=(
        r"$|1-\eta\lambda|^2-1=\eta|\lambda|^2(\eta-2\mathrm{Re}\lambda/|\lambda|^2)$",
        "the Jordan form",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _rates(1),
)
def learning_rate_limit() -> Verdict:
    """The identity that turns the modulus into the limit."""
    return _rates(2)


def _growth(symmetric_part: bool) -> Verdict:
    """Compare the initial growth rate of the flow's norm with the claimed extreme eigenvalue."""
    kernel = np.array([[1.0, -6.0, 2.0], [0.5, 2.0, 0.0], [0.0, -1.0, 3.0]])
    verdict = stability(kernel)

    def measured(_: int) -> mpmath.mpf:
        with mpmath.workdps(60):
            step = mpmath.mpf(10) ** -30
            power = mpmath.expm(mpmath.matrix((-kernel).tolist()) * step, method="taylor")
            return (mpmath.svd_r(power, compute_uv=False)[0] - 1) / step

    def stated(_: int) -> float:
        if symmetric_part:
            return verdict.growth_rate
        return float(-np.linalg.eigvals(kernel).real.min())

    return agree({"norm of the flow": measured, "-lambda_min": stated}, [{"_": 0}], digits=12)


@claim(
    "T36",
    statement=r"The loss decreases from every start iff $(\Theta+\Theta^{\mathsf T})/2\ge0$; else residuals grow "
    r"at first, at the rate $-\lambda_{\min}((\Theta+\Theta^{\mathsf T})/2)$, though every eigenvalue of $\Theta$ may "
    r"have positive real part.",
    source=f"{SECTION}, T36",
    hypotheses=("the rate for one 3 x 3 matrix with spectrum in the right half-plane",),
    aims_at=Grade.AGREES,
    mutant=lambda: _growth(False),
)
def initial_growth() -> Verdict:
    """The norm of the exponential after a time of 10^-30, against the numerical abscissa."""
    return _growth(True)


def _kreiss(factor: float) -> Verdict:
    """Check K <= sup |exp(-Theta t)| <= e n K with the library's bounds and a scan of the norm."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        for shear in (3.0, 12.0, 60.0):
            kernel = np.array([[1.0, -shear], [0.0, 1.5]])
            verdict = stability(kernel)
            kreiss, growth = verdict.kreiss_constant(), verdict.transient_growth()
            with mpmath.workdps(30):
                norms = [
                    mpmath.svd_r(exponential(kernel, k / 100), compute_uv=False)[0]
                    for k in range(300)
                ]
            top = float(max(norms))
            low, high = factor * kreiss.lower, 2 * math.e * kreiss.upper
            shown = f"K in [{kreiss.lower:.6g}, {kreiss.upper:.6g}], sup between {top:.6g} and {growth.upper:.6g}"
            holds = low <= growth.upper and top <= high and growth.lower <= top * 1.001
            grade = Grade.AGREES if holds else Grade.REFUTED
            yield (
                f"shear {shear:g}",
                Verdict(grade, shown, None if holds else f"shear {shear:g}: {shown}"),
            )

    return every(parts())


@claim(
    "T36.kreiss",
    statement=r"$K\le\sup_t|e^{-\Theta t}|\le enK$ with the Kreiss constant $K=\sup_{\mathrm{Re}z>0}\mathrm{Re}z\,"
    r"|(z+\Theta)^{-1}|$.",
    source=f"{SECTION}, T36 (lower bound); Kreiss's matrix theorem",
    hypotheses=("three 2 x 2 shears; the supremum from a scan of 300 times at 30 digits",),
    aims_at=Grade.AGREES,
    mutant=lambda: _kreiss(3.0),
)
def kreiss_constant_bounds_growth() -> Verdict:
    """The library's sandwiches against a scan of the exponential's norm."""
    return _kreiss(1.0)
