"""Q12: BiPer's quantization error against the frequency, absolute and relative."""

import numpy as np
from matplotlib.figure import Figure as Canvas

from figures import style
from figures.base import Array, Arrays, Figure, thinned

SEED = 12
DRAWS = 40_000
PEAK, TOP = 0.95488, 0.102835


def errors(a: Array) -> tuple[Array, Array]:
    """Absolute and relative error of the best scale at a = omega b, Laplace weights."""
    squares = 2 * a**2 / (1 + 4 * a**2)
    sizes = a / np.tanh(np.pi / (2 * a)) / (1 + a**2)
    absolute = squares - sizes**2
    return absolute, absolute / squares


def data(scale: float = 1.0) -> dict[str, Array]:
    """Closed forms on a grid, and sampled errors with their standard errors."""
    a = np.geomspace(0.01, 100, thinned(300, scale, least=31))
    absolute, relative = errors(a)
    draws = np.random.Generator(np.random.Philox(key=SEED))
    points = np.geomspace(0.02, 50, thinned(12, scale, least=4))
    rows = []
    for point in points:
        size = np.abs(np.sin(point * draws.laplace(size=(20, DRAWS // 20))))
        blocks = (size**2).mean(axis=1) - size.mean(axis=1) ** 2
        rows.append((blocks.mean(), blocks.std(ddof=1) / np.sqrt(20), (size**2).mean()))
    sampled, stderr, squares = np.array(rows).T
    return {
        "law.a": a, "law.absolute": absolute, "law.relative": relative,
        "sample.a": points, "sample.absolute": sampled, "sample.stderr": stderr,
        "sample.relative": sampled / squares, "sample.relative_stderr": stderr / squares,
    }  # fmt: skip


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Absolute on the left, relative on the right."""
    panels = canvas.subplots(1, 2)
    for axes, column, stderr, series in (
        (panels[0], "absolute", "stderr", style.SERIES[0]),
        (panels[1], "relative", "relative_stderr", style.SERIES[1]),
    ):
        axes.plot(arrays["law.a"], arrays[f"law.{column}"], lw=1.2, **series.line)
        axes.errorbar(
            arrays["sample.a"], arrays[f"sample.{column}"], 1.96 * arrays[f"sample.{stderr}"], **series.points
        )  # fmt: skip
        axes.set(xlabel=r"frequency times scale $\omega b$")
        style.quiet_log(axes)
    panels[0].set(ylabel=r"$E\,\sin^2-(E\,|\sin|)^2$", ylim=(0, 0.115))
    panels[1].set(ylabel=r"$1-(E\,|\sin|)^2/E\,\sin^2$", ylim=(0, 0.55))
    panels[0].axhline(0.5 - 4 / np.pi**2, color=style.GREY, lw=0.7, linestyle=style.DOTTED)
    panels[0].annotate(f"peak {TOP} at {PEAK:.4f}", (PEAK, TOP), (PEAK, TOP + 0.006), ha="center")
    panels[1].axhline(1 - 8 / np.pi**2, color=style.GREY, lw=0.7, linestyle=style.DOTTED)
    style.letter(panels[0], "a", "absolute: not monotone")
    style.letter(panels[1], "b", "relative: falls")


FIGURE = Figure(
    id="Q12",
    title="What the frequency of a periodic binarization controls",
    caption=rf"""
    Error of $\mathrm{{sign}}(\sin\omega w)$ with the best scale against $\sin\omega w$, for
    $w\sim\mathrm{{Laplace}}(0,b)$. (a) $E\sin^2-(E|\sin|)^2$ peaks and settles at $\frac{{1}}{{2}}-4/\pi^2$
    (dotted); (b) relative to $E\sin^2$ it falls to $1-8/\pi^2$. Lines: closed forms; points: {DRAWS} draws each, 95
    % whiskers from 20 blocks.
    """,
    size_mm=(150.0, 70.0),
    shows=("S41",),
    data=data,
    draw=draw,
    seed=SEED,
)
