"""F7: the spectrum of the kernel matrix in the complex plane as the width grows, off the sphere and on it."""

import numpy as np
from matplotlib.figure import Figure as Canvas

import theory as th
from figures import style
from figures.base import Array, Arrays, Figure, thinned

INPUTS = 12
WIDTHS = (64, 512, 4096)
DRAWS = 30
SEED = 7
ARCH = th.Architecture(1, th.hardtanh("1/2"), th.identity(), weight_std=1.5)

# Of 120 draws the one whose limit kernel has the largest imaginary part.
PLACED_BY = 45


def data(scale: float = 1.0) -> dict[str, Array]:
    """Eigenvalues of sampled kernels and of the limit, for inputs of the plane of one norm and of many."""
    draws = np.random.default_rng(PLACED_BY)
    directions = draws.normal(size=(INPUTS, 2))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    norms = np.exp(1.5 * draws.normal(size=(INPUTS, 1)))
    angle = 2 * np.pi * np.arange(INPUTS) / INPUTS
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    arrays: dict[str, Array] = {}
    for name, points in (("one", circle), ("many", norms * directions)):
        limit = np.linalg.eigvals(th.ntk(ARCH, points))
        size = np.abs(limit).max()
        arrays |= _parts(f"{name}_limit", limit / size)
        for n in WIDTHS[: thinned(len(WIDTHS), scale)]:
            kernels = th.sample_networks(ARCH, points, n, thinned(DRAWS, scale), seed=SEED).ntk
            arrays |= _parts(f"{name}_{n}", np.linalg.eigvals(kernels).ravel() / size)
    return arrays


def _parts(table: str, values: Array) -> dict[str, Array]:
    return {f"{table}.real": np.real(values), f"{table}.imag": np.imag(values)}


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """One norm on the left, many on the right; both axes in units of the spectral radius."""
    panels = canvas.subplots(1, 2, sharey=True)
    for axes, name, letter in zip(panels, ("one", "many"), "ab", strict=True):
        for series, n in zip(style.SERIES, WIDTHS, strict=False):
            if f"{name}_{n}.real" not in arrays:
                continue
            axes.plot(
                arrays[f"{name}_{n}.real"], arrays[f"{name}_{n}.imag"],
                ls="none", marker=".", ms=2.2, color=series.colour, label=f"$n={n}$",
            )  # fmt: skip
        axes.plot(
            arrays[f"{name}_limit.real"], arrays[f"{name}_limit.imag"],
            ls="none", marker="x", ms=5, mew=0.9, color=style.BLACK, label="limit",
        )  # fmt: skip
        axes.axvline(0, color=style.GREY, lw=0.6)
        axes.set_xscale("symlog", linthresh=0.01)
        axes.set_yscale("symlog", linthresh=0.003)
        axes.set_xlabel(r"real part $\mathrm{Re}\,\lambda/\rho$")
        style.letter(axes, letter, "one norm" if name == "one" else "log-normal norms")
    panels[0].set_ylabel(r"imaginary part $\mathrm{Im}\,\lambda/\rho$")
    panels[1].legend(loc="upper left")


FIGURE = Figure(
    id="F7",
    title="Complex eigenvalues of the kernel matrix: an effect of finite width on a sphere, of the limit off it",
    caption=rf"""
    One hidden layer, forward $h_{{1/2}}$, identity backward, $s_w=1.5$, $s_b=0$; {INPUTS} inputs of the plane, rows
    of $\Theta(X,X)$ with the true Jacobian. Eigenvalues of {DRAWS} sampled kernels a width and of the limit
    (crosses), in units of the limit's spectral radius $\rho$; axes linear near 0, logarithmic beyond. (a) Equispaced
    inputs of one norm: the limit is symmetric with double eigenvalues, which finite width splits into complex
    pairs; the imaginary parts vanish as $n$ grows. (b) Random directions, log-normal norms (of 120 draws the one
    with the largest imaginary part): a pair of the limit's own eigenvalues is complex.
    """,
    size_mm=(150.0, 70.0),
    shows=("T8.i", "T30"),
    data=data,
    draw=draw,
    seed=SEED,
)
