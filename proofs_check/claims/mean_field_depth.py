"""Depth: how asymmetry, correlations and tangent kernels pass through layers (asymmetric-kernels.md, T8, T64, T65)."""

from collections.abc import Iterator

import flint
import mpmath
import numpy as np
import sympy as sp
from flint import arb

import theory as th
from proofs_check.claims.mean_field import transmission
from proofs_check.claims.recursion import SURROGATES
from proofs_check.claims.spectra import within
from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.methods.domain import Domain
from proofs_check.methods.erratum import erratum
from proofs_check.methods.identity import identity
from proofs_check.notation import p, q
from proofs_check.verdict import Grade, Verdict, every
from theory import quadrature
from theory.activations import catalogue
from theory.gaussian import c, expectation

SECTION = "asymmetric-kernels.md"
s_w, s_b, r = sp.symbols("s_w s_b r", positive=True)

# -- T8 (iii) -----------------------------------------------------------------------------------------

FORWARD, BACKWARD = 1, 2
Layers = list[tuple[mpmath.mpf, mpmath.mpf, mpmath.mpf]]


def erf_layers(weight: str, bias: str, depth: int) -> tuple[Layers, Layers]:
    """Return (D(x,x'), D(x',x)) and (Theta(x,x'), Theta(x',x)) behind their Sigma(x,x'), by T5, T13, T14.

    Forward erf(x), backward (erf 2x)', two inputs of unequal norms; entry l belongs to hidden layer l.
    """
    w2, b2 = mpmath.mpf(weight) ** 2, mpmath.mpf(bias) ** 2
    P, Q, C = (w2 * mpmath.mpf(value) + b2 for value in ("1.17", "0.485", "0.435"))
    there = back = C
    factors: Layers = []
    kernels: Layers = []

    def slope(at_true: mpmath.mpf, at_surrogate: mpmath.mpf) -> mpmath.mpf:
        one, other = 1 + 2 * FORWARD**2 * at_true, 1 + 2 * BACKWARD**2 * at_surrogate
        det = one * other - 4 * (FORWARD * BACKWARD * C) ** 2
        return w2 * 4 * FORWARD * BACKWARD / (mpmath.pi * mpmath.sqrt(det))

    def dual(one: mpmath.mpf, other: mpmath.mpf, both: mpmath.mpf) -> mpmath.mpf:
        return (
            w2
            * 2
            / mpmath.pi
            * mpmath.asin(2 * both / mpmath.sqrt((1 + 2 * one) * (1 + 2 * other)))
            + b2
        )

    for _ in range(depth):
        first, second = slope(P, Q), slope(Q, P)
        P, Q, C = dual(P, P, P), dual(Q, Q, Q), dual(P, Q, C)
        there, back = C + there * first, C + back * second
        factors.append((C, first, second))
        kernels.append((C, there, back))
    return factors, kernels


DEPTH = 120
ORDERED = (("1.25", "1"), ("1", "0.75"))


def _ratio(layers: Layers) -> mpmath.mpf:
    """Return by how much the antisymmetric part shrinks over the last layer."""
    (_, a, b), (_, later_a, later_b) = layers[-2:]
    return (later_a - later_b) / (a - b)


def _field(weight: str, bias: str) -> th.MeanField:
    return th.MeanField(th.erf(FORWARD), th.erf(BACKWARD), float(weight), float(bias))


def _shrinking(of_correlations: bool) -> Verdict:
    """Compare the rate of D's antisymmetric part with the slope of the length map, at depth 120."""

    def measured(weight: str, bias: str) -> mpmath.mpf:
        with mpmath.workdps(160):
            return _ratio(erf_layers(weight, bias, DEPTH)[0])

    def stated(weight: str, bias: str) -> float:
        field = _field(weight, bias)
        return field.correlation.slope if of_correlations else field.length.slope

    points = [{"weight": weight, "bias": bias} for weight, bias in ORDERED]
    return agree({"recursion": measured, "slope of the length map": stated}, points, digits=6)


def _kernels() -> Verdict:
    """Compare the rate of Theta's antisymmetric part with chi_ts, which is larger than the length's slope."""

    def measured(weight: str, bias: str) -> mpmath.mpf:
        with mpmath.workdps(160):
            return _ratio(erf_layers(weight, bias, DEPTH)[1])

    def stated(weight: str, bias: str) -> float:
        field = _field(weight, bias)
        return float(field.chi("ts", field.length.value))

    points = [{"weight": weight, "bias": bias} for weight, bias in ORDERED]
    return agree({"recursion": measured, "chi_ts": stated}, points, digits=6)


def _printed_rate() -> Verdict:
    """Put "the asymmetry decays like the convergence of lengths" to the test, for the kernel itself."""
    weight, bias = "1.25", "1"
    with mpmath.workdps(60):
        kernels = erf_layers(weight, bias, 40)[1]
        share = [abs(a - b) / abs(a) for _, a, b in kernels]
        found, lengths = share[39] / share[19], _field(weight, bias).length.slope ** 20
        shown = f"share of the antisymmetric part falls by {float(found):.3g} over layers 20 to 40"
        if found > 1000 * lengths:
            witness = (
                f"s_w = {weight}, s_b = {bias}: {shown}, deviations of lengths by {lengths:.3g}"
            )
            return Verdict(Grade.REFUTED, "fails for the kernel", witness, ("mpmath",))
    return Verdict(Grade.UNDECIDED, shown)


@claim(
    "T8.iii",
    statement=r"For general $\sigma$ the asymmetry decays with depth like the convergence of $q^l(x)$ to the common "
    r"fixed point $q^*$.",
    source=f"{SECTION}, section 2, T8(iii)",
    hypotheses=(
        r"erf forward, $(\operatorname{erf}2x)'$ backward; $(s_w,s_b)=(1.25,1),(1,.75)$: ordered phase",
        "T13, T14 for the recursion, at depth 120 and 160 digits",
    ),
    aims_at=Grade.REFUTED_AS_PRINTED,
    correction=r"That holds for the factors: $D^l(x,x')-D^l(x',x)$ shrinks by $V'(q^*)$ a layer. The kernel's own "
    r"antisymmetric part obeys $a_{l+1}=a_lD+\Theta^l\,\delta D$ and shrinks, or grows, by $\max(V'(q^*),D^*)$, in the "
    r"ordered phase $D^*=\chi_{ts}$.",
    mutant=lambda: erratum(printed=_printed_rate(), corrected=_shrinking(True)),
)
def asymmetry_with_depth() -> Verdict:
    """The recursion of two inputs to depth 120, far below the rounding of float64."""
    corrected = every([("factors", _shrinking(False)), ("kernels", _kernels())])
    return erratum(printed=_printed_rate(), corrected=corrected)


# -- T64 ----------------------------------------------------------------------------------------------


def _sums(shift: int) -> Verdict:
    """Compare deep kernels at the fixed length with the geometric sum of chi_ts."""
    layers = (
        th.MeanField(th.hardtanh(1), th.hardtanh(2), 1.6),
        th.MeanField(th.sign(), th.hardtanh(1), 1.25),
        th.MeanField(th.erf(1), th.hardtanh("1/2"), 1.5),
    )

    def kernel(layer: int, depth: int) -> float:
        own = layers[layer]
        arch = th.Architecture(depth, own.activation, own.surrogate, own.weight_std)
        x = np.array([[np.sqrt(own.length.value) / own.weight_std]])
        return float(th.ntk(arch, x)[0, 0])

    def series(layer: int, depth: int) -> float:
        own = layers[layer]
        length = own.length.value
        chi = float(own.chi("ts", length))
        return length * sum(chi**k for k in range(depth + 1 + shift))

    points = [{"layer": k, "depth": depth} for k in range(3) for depth in (1, 4, 9)]
    return agree({"recursion": kernel, "geometric sum": series}, points, digits=9)


@claim(
    "T64.growth",
    statement=r"At the fixed length $\Theta^{L+1}(x,x)=\Sigma\sum_{k\le L}\chi_{ts}^k$, without bias: linear in depth "
    r"at $\chi_{ts}=1$.",
    source=f"{SECTION}, section 10, T64",
    hypotheses=("hardtanh, sign and erf layers, $L=1,4,9$",),
    aims_at=Grade.AGREES,
    mutant=lambda: _sums(-1),
)
def tangent_kernels_grow_with_chi() -> Verdict:
    """The recursion of the kernel against the sum."""
    return _sums(0)


def _sign_map(power: int) -> Verdict:
    """Derive the correlation map of sign and its slope."""
    w = sp.Symbol("w", positive=True)
    inside = Domain({r: (0, 1), s_w: (0, 2), s_b: (0, 2)})
    turned = {r: (1 - w**2) / (1 + w**2)}
    product = expectation(th.sign(), th.sign()).expr.subs({p: 1, q: 1}).subs(c, r)
    own = (s_w**2 * product + s_b**2) / (s_w**2 + s_b**2)
    stated = (s_w**2 * 2 / sp.pi * sp.asin(r) + s_b**2) / (s_w**2 + s_b**2)
    slope = s_w**2 * 2 / sp.pi / (s_w**2 + s_b**2) / sp.sqrt(1 - r**2) ** power
    return every(
        [
            ("map", identity(own, stated, on=inside, chart=turned)),
            ("slope", identity(sp.diff(stated, r), slope, on=inside, chart=turned)),
        ]
    )


@claim(
    "T64.sign-map",
    statement=r"A layer of sign maps correlations by $\rho\to(s_w^2\frac2\pi\arcsin\rho+s_b^2)/(s_w^2+s_b^2)$, with "
    r"slope $\frac2\pi\frac{s_w^2}{s_w^2+s_b^2}(1-\rho^2)^{-1/2}$, infinite at $\rho=1$: no ordered phase, no edge "
    r"of chaos. At $s_b=0$ the fixed point is 0, with slope $2/\pi$.",
    source=f"{SECTION}, section 10, T64",
    hypotheses=(r"$\rho\in(0,1)$; negative $\rho$ by the odd arcsine",),
    aims_at=Grade.PROVED,
    mutant=lambda: _sign_map(-1),
)
def sign_has_no_ordered_phase() -> Verdict:
    """Derive the map; differentiate it."""
    return _sign_map(1)


def _catalogue(std: float) -> Verdict:
    """Compare lengths and gradient factors of the catalogue's layers with quadratures of their definitions."""

    def moment(f: th.activations.Activation, g: th.activations.Activation, length: int) -> float:
        return float(quadrature.expectation(f, g, length, length, length, digits=12))

    def parts() -> Iterator[tuple[str, Verdict]]:
        for name, f in (catalogue() | catalogue(closed=False)).items():
            field = th.MeanField(f, None, 1.0)
            routes = {
                "library": lambda q, field=field: float(field.length_map(float(q))),
                "quadrature": lambda q, f=f: std * moment(f, f, q),
            }
            yield f"V of {name}", agree(routes, [{"q": 1}, {"q": 3}], digits=9)
            for other in SURROGATES:
                surrogate = catalogue()[other]
                own = th.MeanField(f, surrogate, 1.0)
                slopes = f.derivative, surrogate.derivative
                routes = {
                    "library": lambda q, own=own: float(own.chi("ts", float(q))),
                    "quadrature": lambda q, slopes=slopes: std * moment(slopes[0], slopes[1], q),
                }
                yield f"chi_ts of {name}, {other}", agree(routes, [{"q": 2}], digits=9)
                if not f.derivative.has_dirac:
                    square = {
                        "library": lambda q, own=own: float(own.chi("tt", float(q))),
                        "quadrature": lambda q, f=f: std * moment(f.derivative, f.derivative, q),
                    }
                    yield f"chi_tt of {name}", agree(square, [{"q": 2}], digits=9)

    return every(parts())


@claim(
    "T64.catalogue",
    statement=r"Length map $V(q)=E[\sigma^2]$ and factors $\chi_{tt}$, $\chi_{ts}$ of every activation of the "
    r"catalogue, for $\tau=T'$ with $T$ in "
    + ", ".join(SURROGATES)
    + ", are the integrals that define them.",
    source=f"{SECTION}, section 10, T64",
    hypotheses=(r"$q=1,3$ for lengths, $q=2$ for factors; $s_w=1$, $s_b=0$",),
    aims_at=Grade.AGREES,
    mutant=lambda: _catalogue(1.000001),
)
def mean_field_of_the_catalogue() -> Verdict:
    """MeanField against quadrature that sees no closed form."""
    return _catalogue(1.0)


# -- T65 ----------------------------------------------------------------------------------------------

HALVINGS = (4, 8, 16, 32, 64, 128, 256)
SHARES = {32: "1.03", 64: "1.02", 128: "1.03", 256: "1.04"}


def _scaling(shift: int) -> Verdict:
    """Enclose the effective exponent and the logarithm behind it; compare the optimum with Panter and Dite."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        with flint.ctx.workprec(128):
            losses = {}
            for n in HALVINGS:
                found = th.evenly_spaced(n)
                losses[n] = 1 - transmission(found.thresholds, found.levels)
            x = [arb(n + 1).log() for n in HALVINGS]
            y = [losses[n].log() for n in HALVINGS]
            mean_x, mean_y = (sum(values, arb(0)) / len(values) for values in (x, y))
            pairs = [(a - mean_x, b - mean_y) for a, b in zip(x, y, strict=True)]
            slope = sum((a * b for a, b in pairs), arb(0)) / sum((a * a for a, _ in pairs), arb(0))
            yield "exponent", within("slope of ln(1 - chi_0)", slope, "-1.821", shift)
            for n, printed in SHARES.items():
                share = losses[n] * n * n / arb(n).log()
                yield f"N = {n}", within("(1 - chi_0) N^2/ln N", share, printed, shift)
            limit = arb(3).sqrt() * arb.pi() / 2
            for n in HALVINGS[2:]:
                best = th.lloyd_max(n)
                ratio = (1 - transmission(best.thresholds, best.levels)) * n * n / limit
                shown = f"D_N N^2 / (sqrt 3 pi/2) = {ratio.str(6)} at N = {n}"
                near = bool(abs(ratio - 1) < arb(3) / n)
                yield (
                    f"Lloyd-Max, N = {n}",
                    Verdict(Grade.ENCLOSED, shown)
                    if near
                    else Verdict(Grade.REFUTED, shown, shown),
                )

    return every(parts())


@claim(
    "T65.scaling",
    statement=r"Equally spaced levels: $\ln(1-\chi_0)$ against $\ln(N+1)$ has the slope $-1.821$ over "
    r"$N=4,8,\dots,256$, an effective exponent: $(1-\chi_0)N^2/\ln N=1.03,1.02,1.03,1.04$ at $N=32,\dots,256$. "
    r"Lloyd-Max quantisers: $D_NN^2\to\frac{\sqrt3\pi}2$ (Panter and Dite), within $3/N$ relatively.",
    source=f"{SECTION}, section 10, T65",
    hypotheses=(
        "quantisers found in float64: at an optimum their error is squared",
        "$N$ by doublings",
    ),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: _scaling(1),
)
def depth_against_levels() -> Verdict:
    """Transmissions as balls; the least-squares line in balls as well."""
    return _scaling(0)
