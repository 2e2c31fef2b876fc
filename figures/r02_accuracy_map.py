"""R2: errors of float64 expectations over the whole domain, and over the catalogue."""

from collections.abc import Iterator
from fractions import Fraction

import flint
import numpy as np
from flint import arb
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

import theory as th
from figures import style
from figures.base import Array, Arrays, Figure, thinned
from theory import quadrature

HARDTANH = th.hardtanh(1)
PAIRS = {
    "value": (HARDTANH, HARDTANH),
    "slope": (HARDTANH.derivative, HARDTANH.derivative),
    "mixed": (HARDTANH, th.erf(1)),
}
MAPS = {
    "value": r"$\mathbb{E}[h_1(u)\,h_1(v)]$",
    "slope": r"$\mathbb{E}[h_1'(u)\,h_1'(v)]$",
    "mixed": r"$\mathbb{E}[h_1(u)\,\mathrm{erf}(v)]$",
    "gap": r"$\mathbb{E}[h_1(u)^2]-\mathbb{E}[h_1(u)\,h_1(v)]$",
}
"""Tables of the maps, with what each shows."""

VARIANCES, MIDDLE = (-12, 12), (-3, 3)
DELTAS = (-15, 0)
POINTS, CHOSEN = 64, 4
SEED = 31
# Differences of two values lose as many bits as 1 - rho has; the rest is for the ratio.
BITS = 192
DIGITS = 17
# Below this float64 has no digits left to be right in.
UNDERFLOW = 1e-290
PROMISE = 1e-13
FLOOR, CEILING = 1e-17, 1e-12
RELATIVE = r"relative to $\mathbb{E}|f(u)\,g(v)|$"

KINDS = ("two functions", "one derivative", "two derivatives", "waves, exponentials")
"""Kinds of catalogue pairs; the promise is made for all but the last."""


def data(scale: float = 1.0) -> dict[str, Array]:
    """Errors against balls over variance and 1 - rho; errors of catalogue pairs at crowded random points."""
    arrays: dict[str, Array] = {}
    p, delta = _powers(VARIANCES, scale), _powers(DELTAS, scale)
    for table, pair in PAIRS.items():
        arrays |= _map(table, p, delta, _value_errors(th.expectation(*pair), p, delta))
    arrays |= _map("gap", p, delta, _gap_errors(th.expectation(HARDTANH, HARDTANH), p, delta))
    columns = (
        "kind",
        "first",
        "first_is_derivative",
        "second",
        "second_is_derivative",
        "p",
        "q",
        "c",
        "apart",
        "size",
        "error",
    )
    rows = np.array(list(_catalogue(thinned(POINTS, scale))))
    return arrays | {
        f"catalogue.{key}": column for key, column in zip(columns, rows.T, strict=True)
    }


def _powers(ends: tuple[int, int], scale: float) -> Array:
    """Powers of ten, one a decade, both ends included."""
    low, high = ends
    # Powers by Python: correctly rounded, the same on every machine.
    return np.array(
        [10.0 ** float(k) for k in np.linspace(low, high, thinned(1 + high - low, scale))]
    )


def _map(table: str, p: Array, delta: Array, error: Array) -> dict[str, Array]:
    """Name the arrays of a map: one row a variance; the values of 1 - rho are a table of their own."""
    return {f"{table}.p": p, f"{table}.error": error, f"{table}_delta.delta": delta}


def _value_errors(F: th.Expectation, p: Array, delta: Array) -> Array:
    """Relative errors of E[f(u) g(v)] at variances p = q."""
    c = p[:, None] * (1 - delta)
    values = F.float64(p[:, None], p[:, None], c)
    return np.array(
        [
            [
                relative_error(value, F.ball(P, P, Fraction(C), bits=BITS))
                for C, value in zip(covariances, row, strict=True)
            ]
            for P, covariances, row in zip(map(Fraction, p), c, values, strict=True)
        ]
    )


def _gap_errors(F: th.Expectation, p: Array, delta: Array) -> Array:
    """Relative errors of E[f(u)^2] - E[f(u) f(v)] at variances p = q and correlation 1 - delta."""
    errors = []
    for P, row in zip(map(Fraction, p), F.gap(p[:, None], delta), strict=True):
        top = F.ball(P, P, P, bits=BITS)
        inside = (F.ball(P, P, P * (1 - Fraction(D)), bits=BITS) for D in delta)
        with flint.ctx.workprec(BITS):
            gaps = [top - ball for ball in inside]
        errors.append([relative_error(value, gap) for value, gap in zip(row, gaps, strict=True)])
    return np.array(errors)


def relative_error(value: float, ball: arb) -> float:
    """Upper bound of |value - x| / |x| over all x in the ball; 0 where both are exactly 0."""
    if ball == 0 and value == 0:
        return 0.0
    with flint.ctx.workprec(BITS):
        return float((abs(arb(value) - ball) / abs(ball)).abs_upper())


def _catalogue(points: int) -> Iterator[tuple[float, ...]]:
    """Yield kind, f and g (place in the catalogue, whether the derivative), p, q, c, 1 - |rho|, E|f g|, error."""
    functions = list(th.activations.catalogue().values())
    chart = [(k, slope) for k in range(len(functions)) for slope in (False, True)]
    rng = np.random.default_rng(SEED)
    for _ in range(points):
        p, q, c = _point(rng)
        # Pairs at one point share the nodes of their integrals.
        firsts, seconds = (rng.choice(len(chart), CHOSEN, replace=False) for _ in "fg")
        chosen = [(chart[i], chart[j]) for i in firsts for j in seconds]
        pairs = [
            tuple(functions[k].derivative if slope else functions[k] for k, slope in places)
            for places in chosen
        ]
        truths = quadrature.expectations([(f, g) for f, g in pairs], p, q, c, DIGITS)
        for places, (f, g), truth in zip(chosen, pairs, truths, strict=True):
            # No panels follow a wave of many turns, and no float64 what underflows.
            if not isinstance(truth, quadrature.Reference) or truth.mass < UNDERFLOW:
                continue
            value = float(th.expectation(f, g).float64(p, q, c))
            error = float(abs(truth.value - value) / truth.mass)
            plain = f.is_plain and g.is_plain
            kind = sum(slope for _, slope in places) if plain else len(KINDS) - 1
            yield (kind, *places[0], *places[1], p, q, c, _apart(p, q, c), float(truth.mass), error)


def _point(rng: np.random.Generator) -> tuple[float, float, float]:
    """Return variances near 1 or anywhere, often equal, and a covariance near the ends or 0."""
    p, q = 10 ** rng.uniform(*(MIDDLE if rng.random() < 0.5 else VARIANCES), size=2)
    q = p if rng.random() < 0.4 else q
    small = 10 ** rng.uniform(*DELTAS)
    rho = rng.choice([-1, 1]) * (1 - small if rng.random() < 0.7 else small)
    c = float(rho * np.sqrt(p) * np.sqrt(q))
    inside = Fraction(c) ** 2 < Fraction(p) * Fraction(q)
    return (float(p), float(q), c) if inside else _point(rng)


def _apart(p: float, q: float, c: float) -> float:
    """1 - |rho|, without cancellation."""
    product, square = Fraction(p) * Fraction(q), Fraction(c) ** 2
    return float((product - square) / product) / (1 + float(square / product) ** 0.5)


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Four maps above, the catalogue below."""
    rows = canvas.add_gridspec(2, 1, height_ratios=(1.9, 1.0))
    maps, below = rows[0].subgridspec(2, 2), rows[1].subgridspec(1, 2)
    panels: list[Axes] = []
    for k, (table, title) in enumerate(MAPS.items()):
        axes = canvas.add_subplot(maps[k // 2, k % 2])
        mesh = _draw_map(axes, arrays, table)
        style.letter(axes, "abcd"[k], title)
        axes.tick_params(labelbottom=k >= 2, labelleft=k % 2 == 0)
        if k >= 2:
            axes.set_xlabel(r"variance $p=q$")
        if k % 2 == 0:
            axes.set_ylabel(r"distance of the inputs, $1-\rho$")
        panels.append(axes)
    bar = canvas.colorbar(mesh, ax=panels, pad=0.015, aspect=32, extend="both")
    bar.set_label("relative error of float64")
    bar.ax.axhline(PROMISE, color="white", lw=2.2)
    bar.ax.axhline(PROMISE, color=style.VERMILLION, lw=1.2)
    shares, ends = (canvas.add_subplot(below[0, k]) for k in range(2))
    _draw_shares(shares, arrays)
    _draw_ends(ends, arrays)
    handles = [
        Line2D([], [], marker=series.marker, ms=2.6, mew=0.6, mfc="none", **series.line)
        for series in style.SERIES[: len(KINDS)]
    ]
    canvas.legend(handles, KINDS, loc="outside lower center", ncols=len(KINDS), columnspacing=1.6)
    style.letter(shares, "e", "pairs of the catalogue")
    style.letter(ends, "f", "the same points")


def _draw_map(axes: Axes, arrays: Arrays, table: str) -> QuadMesh:
    p, delta = arrays[f"{table}.p"], arrays[f"{table}_delta.delta"]
    mesh = axes.pcolormesh(
        _edges(p), _edges(delta), np.maximum(arrays[f"{table}.error"].T, FLOOR),
        cmap=style.SEQUENTIAL, norm=LogNorm(FLOOR, CEILING), rasterized=True,
    )  # fmt: skip
    style.all_round(axes)
    for which in "xy":
        style.quiet_log(axes, which)
    axes.set_xticks([10.0**k for k in range(-12, 13, 6)])
    axes.set_yticks([10.0**k for k in range(-15, 1, 5)])
    axes.minorticks_off()
    return mesh


def _edges(centres: Array) -> Array:
    """Edges of cells around ``centres``, half way on a logarithmic axis."""
    steps = np.sqrt(centres[1:] / centres[:-1])
    return np.concatenate(
        [centres[:1] / steps[:1], centres[:-1] * steps, centres[-1:] * steps[-1:]]
    )


def _draw_shares(axes: Axes, arrays: Arrays) -> None:
    for k in range(len(KINDS)):
        errors = np.sort(arrays["catalogue.error"][arrays["catalogue.kind"] == k])
        if errors.size:
            share = np.arange(errors.size, 0, -1) / errors.size
            axes.plot(
                np.maximum(errors, FLOOR), share, drawstyle="steps-pre",
                **style.SERIES[k].line,
            )  # fmt: skip
    axes.axvline(PROMISE, color=style.VERMILLION, lw=1.2, zorder=1)
    style.quiet_log(axes, "x")
    style.quiet_log(axes, "y")
    axes.set(xlabel=f"error {RELATIVE}", ylabel="share of points with this error or more")
    axes.set_xlim(_frame(arrays))


def _draw_ends(axes: Axes, arrays: Arrays) -> None:
    for k in range(len(KINDS)):
        own = arrays["catalogue.kind"] == k
        series = style.SERIES[k]
        axes.plot(
            arrays["catalogue.apart"][own], np.maximum(arrays["catalogue.error"][own], FLOOR),
            ls="none", marker=series.marker, ms=2.2, mew=0.6, mfc="none", color=series.colour,
        )  # fmt: skip
    axes.axhline(PROMISE, color=style.VERMILLION, lw=1.2, zorder=1)
    style.quiet_log(axes, "x")
    style.quiet_log(axes, "y")
    axes.set_xticks([10.0**k for k in range(-15, 1, 5)])
    axes.minorticks_off()
    axes.set(xlabel=r"distance from the line, $1-|\rho|$", ylabel=f"error {RELATIVE}")
    axes.set_ylim(_frame(arrays))


def _frame(arrays: Arrays) -> tuple[float, float]:
    """Limits of an axis of errors: the promise in sight, and no point outside."""
    return FLOOR / 2, max(CEILING, 2 * arrays["catalogue.error"].max())


FIGURE = Figure(
    id="R2",
    title="Accuracy of the float64 expectations: any variance, any correlation, every pair",
    caption=rf"""
    (a)-(c) Relative error of $\mathbb{{E}}[f(u)\,g(v)]$ in float64 (the forms of G2 and G5) at variances
    $p=q=10^j$ and covariance $(1-10^{{-k}})\,p$, rounded to float64, against balls of {BITS} bits at the same
    numbers: the upper end of what the ball allows. (d) The gap of two inputs of equal variance, which decides the
    conditioning of a Gram matrix, with $1-\rho$ as given (G4). An error of $0$, or below $10^{{-17}}$, is drawn as
    $10^{{-17}}$. Line in the bar and below: $10^{{-13}}$, the promise. (e) All pairs
    of {CHOSEN} with {CHOSEN} functions, drawn from the catalogue and its derivatives, Dirac masses included, anew at
    each of {POINTS} random points:
    variances log-uniform within $10^{{\pm 3}}$ or, every second time, $10^{{\pm 12}}$, equal in two cases of five;
    $1-|\rho|$ or, in three of ten, $|\rho|$ log-uniform from $10^{{-15}}$ to $1$. Truth: nested quadrature of the
    definitions to {DIGITS} digits (G6). Left out are sizes $\mathbb{{E}}|f(u)\,g(v)|$ below $10^{{-290}}$, and
    waves that turn too often for the quadrature. (f) The same errors against the distance from the line
    $|\rho|=1$. The promise is made for polynomials and steps, sharp or smoothed; a value $\exp(-X)$ times its
    natural size may err by $10^{{-15}}X$ more. Waves and exponentials have a promise of their own, relative
    to $\sqrt{{\mathbb{{E}}f(u)^2\,\mathbb{{E}}g(v)^2}}$; they are shown by the same measure.
    """,
    size_mm=(150.0, 170.0),
    shows=("G2", "G4", "G5", "G6"),
    data=data,
    draw=draw,
    seed=SEED,
)
