r"""Continuous surrogates of stochastic binary networks (asymmetric-kernels.md, T66).

Weights +-1 with means m, neurons +-1 with the sign as their law. To average over what is drawn gives a continuous
network in the means; its length q and the overlap y = q/(1 + q) of two passes of one input are the same thing.
"""

from collections.abc import Callable

import numpy as np
import sympy as sp

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.methods.domain import Domain
from proofs_check.methods.identity import identity
from proofs_check.notation import COVARIANCES, VARIANCES, c, chart, p, q
from proofs_check.verdict import Grade, Verdict, every
from theory.gaussian import expectation

SECTION = "asymmetric-kernels.md, section 10, T66"
SOURCE = f"{SECTION}; Stamatescu et al. 2019 (abstract), derived here"
# y the overlap, a = E[x^2] = (2/pi) arcsin y a symbol of its own where nothing else of it is used.
y, a, m2, bias, phi = sp.symbols("y a m_2 s_b varphi", positive=True)
INSIDE = Domain({y: (0, 1), a: (0, 1), m2: (0, 1), bias: (0, 2)})
ANGLES = Domain({phi: (0, sp.Rational(3, 2))})
_w = sp.Symbol("w", positive=True)
_TURNED = {y: (1 - _w**2) / (1 + _w**2)}  # makes the roots of 1 - y and 1 + y rational
SMOOTH = th.sign().smoothed(1)  # erf(h / sqrt 2), the mean of a neuron whose field has variance 1
MEAN_SLOPE = 2 / sp.pi / sp.sqrt(1 - y**2)  # d a / d y


def _surrogate(rate: int) -> Verdict:
    """Compare the surrogate's length map and gradient factor with the overlap map and its slope."""
    square = expectation(SMOOTH, SMOOTH).on_line(1).subs(q, p)
    slope = expectation(SMOOTH.derivative, SMOOTH.derivative).on_line(1).subs(q, p)
    following = (m2 * a + bias**2) / (1 - m2 * a)
    overlap = (bias**2 + m2 * a) / (1 + bias**2)
    # At a fixed point 1 - E[m^2] E[x^2] = (1 + s_b^2)(1 - y).
    factor = m2 * 2 / sp.pi / sp.sqrt(1 + rate * y / (1 - y)) / ((1 + bias**2) * (1 - y))
    parts = {
        "E[x^2]": identity(square, 2 / sp.pi * sp.asin(p / (1 + p)), on=VARIANCES),
        "E[x'^2]": identity(slope, 2 / sp.pi / sp.sqrt(1 + rate * p), on=VARIANCES),
        "overlap of the next layer": identity(following / (1 + following), overlap, on=INSIDE),
        "fixed point": identity(1 - overlap, (1 - m2 * a) / (1 + bias**2), on=INSIDE),
        "slope": identity(factor, sp.diff(overlap, a) * MEAN_SLOPE, on=INSIDE, chart=_TURNED),
        "two passes": identity(
            expectation(th.sign(), th.sign()).expr,
            2 / sp.pi * sp.asin(c / sp.sqrt(p * q)),
            on=COVARIANCES,
            chart=chart(),
        ),
    }
    return every(parts.items())


@claim(
    "T66.surrogate",
    statement=r"Stochastic $\pm1$ weights of means $m$ and neurons: the surrogate $x=\operatorname{erf}(h/\sqrt2)$, "
    r"$h=(\sum m_jx_j+s_bb)/\sqrt{\sum(1-m_j^2x_j^2)}$, has the lengths "
    r"$q'=(E[m^2]E[x^2]+s_b^2)/(1-E[m^2]E[x^2])$ with $E[x^2]=\frac2\pi\arcsin\frac q{1+q}$. With $y=q/(1+q)$ this is "
    r"$y'=(s_b^2+E[m^2]\frac2\pi\arcsin y)/(1+s_b^2)$, the overlap of two passes of one input through the stochastic "
    r"sign network, and at a fixed point its slope is the surrogate's factor $\chi$ of squared gradients.",
    source=SOURCE,
    hypotheses=(
        "infinite width, fields Gaussian given the means",
        r"$h$ scaled by $n^{-1/2}$ throughout",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _surrogate(1),
)
def surrogate_is_an_overlap() -> Verdict:
    """Moments from the engine, then identities between rational functions and one arcsine."""
    return _surrogate(2)


def _no_critical_point(angle: sp.Expr) -> Verdict:
    """Show the slope at a fixed point without the bias, and the function of one angle that bounds it."""
    total = (1 - m2 * a) / (1 - y)  # 1 + s_b^2, from the fixed-point equation
    stated = 2 * m2 / sp.pi * sp.sqrt((1 - y) / (1 + y)) / (1 - m2 * a)
    # t/atan(t) rises: its slope has the sign of atan(t) - t/(1 + t^2), which is 0 at 0 and rises.
    excess = sp.diff(sp.atan(y) - y / (1 + y**2), y)
    # y = cos(phi): the root is tan(phi/2), and 1 - a = 2 phi/pi.
    half = sp.sin(phi / 2) / sp.cos(phi / 2)
    certain = 2 / sp.pi * half / (2 * phi / sp.pi)
    parts = {
        "E[x^2]": identity(
            sp.diff(2 / sp.pi * sp.asin(y), y), MEAN_SLOPE, on=INSIDE, chart=_TURNED
        ),
        "slope": identity(m2 * MEAN_SLOPE / total, stated, on=INSIDE, chart=_TURNED),
        "tan x / x": identity(excess, 2 * y**2 / (1 + y**2) ** 2, on=INSIDE),
        "means of size 1": identity(certain, sp.sin(angle) / sp.cos(angle) / angle / 2, on=ANGLES),
    }
    return every(parts.items())


@claim(
    "T66.no-critical-point",
    statement=r"At its fixed point $y$ the overlap map has the slope $\chi=\frac2\pi E[m^2]\sqrt{\frac{1-y}{1+y}}/"
    r"(1-E[m^2]\frac2\pi\arcsin y)$, which grows with $E[m^2]$; at $E[m^2]=1$, $y=\cos\varphi$, it is "
    r"$\frac12\tan(\varphi/2)/(\varphi/2)\in(\frac12,\frac2\pi]$. So $\chi\le2/\pi$ for all means and biases: no "
    r"critical initialisation; correlations live $1/\ln(\pi/2)=2.2144$ layers at most, longest with means at $\pm1$.",
    source=SOURCE,
    hypotheses=(
        r"$\tan(x)/x$ rises on $(0,\frac\pi2)$: $\arctan t>t/(1+t^2)$ by its derivative",
        "the surrogate of T66.surrogate",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _no_critical_point(phi),
)
def stochastic_signs_are_never_critical() -> Verdict:
    """The slope with the bias eliminated by the fixed-point equation, and the function that bounds it."""
    return _no_critical_point(phi / 2)


# -- stochastic weights, continuous neurons -----------------------------------------------------------


def critical_erf(length: float, mean_square: float) -> th.MeanField:
    """Return erf layers on the edge of chaos at a fixed length, with weights that are partly redrawn."""
    variance, shift = th.MeanField(th.erf(1)).critical_line("tt", length)
    stds = float(np.sqrt(variance)), float(np.sqrt(shift))
    return th.MeanField(th.erf(1), None, *stds, mean_square=mean_square)


def _divergence(power: float) -> Verdict:
    """Compare depth scales next to E[m^2] = 1 with 1/sqrt(2 kappa F'' (1 - E[m^2]))."""

    def closed(length: float, gap: float) -> float:
        q_ = length
        layer = critical_erf(q_, 1.0)
        kappa = 1 - layer.bias_std**2 / q_
        bend = layer.weight_std**2 * q_ * 16 / np.pi * q_ * (1 + 4 * q_) ** -1.5
        return float((2 * kappa * bend * gap) ** power)

    def measured(length: float, gap: float) -> float:
        return critical_erf(length, 1 - gap).correlation.depth_scale

    points = [{"length": q_, "gap": gap} for q_ in (0.5, 1.0, 2.0) for gap in (2.0**-26, 2.0**-24)]
    ratio: dict[str, Callable[..., float]] = {
        "one": lambda **_: 1.0,
        "measured over closed": lambda length, gap: measured(length, gap) / closed(length, gap),
    }
    return agree(ratio, points, digits=3)


@claim(
    "T66.depth",
    statement=r"Stochastic weights of variance $s_w^2$, continuous neurons: correlations follow $F(\rho)=(E[m^2]s_w^2"
    r"E[\sigma(u)\sigma(v)]+s_b^2)/q$, convex on $[0,1]$ with $F(1)<1$ for $E[m^2]<1$: one fixed point, stable, no "
    r"chaotic phase. On the edge of chaos of $E[m^2]=1$ the depth scale of correlations is "
    r"$\sim(2\kappa F''(1)(1-E[m^2]))^{-1/2}$, $\kappa=s_w^2V/q$, $F''(1)=s_w^2qE[(\sigma'')^2]$: to train deep, means "
    r"must be close to $\pm1$.",
    source=SOURCE,
    hypotheses=(
        r"erf(1) at lengths 1/2, 1, 2; $1-E[m^2]=2^{-26},2^{-24}$",
        r"relative corrections are of the order $(1-E[m^2])^{1/2}$",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: _divergence(-1 / 3),
)
def depth_scale_diverges_at_certain_weights() -> Verdict:
    """The library's fixed points and slopes against the expansion at correlation 1."""
    return _divergence(-0.5)
