"""P1: the field of a surrogate on two parameters is the gradient of no loss: phase portraits and circulation."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.integrate import dblquad

import theory as th
from figures import style
from figures.base import Array, Arrays, Figure, thinned

FORWARD, SURROGATE = th.erf(2), th.erf(1)
INPUT, TARGET = 1.0, 0.5
REACH, GRID = 2.0, 61
STARTS, STEP, STEPS = 9, 0.02, 300
CENTRE, RADII = (0.9, 0.9), 9
LOOP = 2000
LIMIT = 4.0


def field(v: Array, w: Array, slope: th.Activation) -> tuple[Array, Array]:
    """Components along v and w of the gradient of (v sigma(w x) - y)^2 / 2, with ``slope`` for sigma'."""
    value = FORWARD(w * INPUT)
    residual = v * value - TARGET
    return residual * value, residual * v * INPUT * slope(w * INPUT)


def curl(v: Array, w: Array) -> Array:
    """Slope of g_v in w less that of g_w in v, for the surrogate's field (T40)."""
    value = FORWARD(w * INPUT)
    gap = FORWARD.derivative(w * INPUT) - SURROGATE.derivative(w * INPUT)
    return np.asarray(INPUT * gap * (2 * v * value - TARGET))


def data(scale: float = 1.0) -> dict[str, Array]:
    """Both fields, the loss and the curl on a grid of (v, w), and circulation around circles."""
    ticks = np.linspace(-REACH, REACH, thinned(GRID, scale, least=9))
    v, w = np.meshgrid(ticks, ticks)
    starts = np.linspace(-REACH, REACH, thinned(STARTS, scale, least=3))
    arrays = {"axis.value": ticks, "grid.curl": curl(v, w)}
    arrays["grid.loss"] = (v * FORWARD(w * INPUT) - TARGET) ** 2 / 2
    for name, slope in (("surrogate", SURROGATE), ("true", FORWARD)):
        path = _descents(starts, slope.derivative)
        arrays |= {f"path_{name}.v": path[0], f"path_{name}.w": path[1]}
    radii = np.linspace(0.1, 0.9, thinned(RADII, scale, least=3))
    arrays["loop.radius"] = radii
    for name, slope in (("surrogate", SURROGATE), ("true", FORWARD)):
        arrays[f"loop.{name}"] = np.array([_circulation(r, slope.derivative) for r in radii])
    fine = np.linspace(0.0, 1.0, thinned(21, scale, least=3))
    return arrays | {
        "area.radius": fine,
        "area.integral": np.array([_integral(radius) for radius in fine]),
    }


def _descents(ticks: Array, slope: th.Activation) -> Array:
    """Paths (2, steps + 1, starts) of descent from a square of starts, by the midpoint rule."""
    state = np.stack([part.ravel() for part in np.meshgrid(ticks, ticks)])
    path = [state]
    for _ in range(STEPS):
        half = state - STEP / 2 * np.stack(field(state[0], state[1], slope))
        state = state - STEP * np.stack(field(half[0], half[1], slope))
        path.append(state)
    return np.stack(path, axis=1)


def _circulation(radius: float, slope: th.Activation) -> float:
    """Work of the field along a circle, once round from v towards w, by the trapezoidal rule."""
    angle = 2 * np.pi * np.arange(LOOP) / LOOP
    along_v, along_w = field(
        CENTRE[0] + radius * np.cos(angle), CENTRE[1] + radius * np.sin(angle), slope
    )
    speed = radius * (along_w * np.cos(angle) - along_v * np.sin(angle))
    return float(2 * np.pi * speed.mean())


def _integral(radius: float) -> float:
    """Minus the integral of the curl over a disc (Green's theorem, with the curl's sign of T40)."""

    def integrand(angle: float, r: float) -> float:
        v, w = CENTRE[0] + r * np.cos(angle), CENTRE[1] + r * np.sin(angle)
        return -r * float(curl(np.array(v), np.array(w)))

    return float(dblquad(integrand, 0.0, radius, 0.0, 2 * np.pi, epsabs=1e-9)[0])


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Surrogate's descent with its curl, true descent with the loss, and circulation."""
    surrogate, true, loop = canvas.subplots(1, 3)
    loop.set_box_aspect(1)
    ticks = arrays["axis.value"]
    image = surrogate.pcolormesh(
        ticks, ticks, arrays["grid.curl"], cmap=style.DIVERGING, vmin=-LIMIT, vmax=LIMIT,
        shading="gouraud", rasterized=True,
    )  # fmt: skip
    bar = canvas.colorbar(image, ax=surrogate, location="bottom", aspect=24)
    bar.set_label(r"curl $\partial_wg_v-\partial_vg_w$")
    loss = true.contourf(ticks, ticks, arrays["grid.loss"], levels=12, cmap=style.SEQUENTIAL)
    canvas.colorbar(loss, ax=true, location="bottom", aspect=24).set_label("loss $r^2/2$")
    for axes, name in ((surrogate, "surrogate"), (true, "true")):
        _draw_descent(axes, arrays, name)
    style.letter(surrogate, "a", r"descent with $\tau$")
    style.letter(true, "b", r"descent with $\sigma^{\prime}$")
    radius = arrays["area.radius"]
    first, second = style.SERIES[:2]
    loop.plot(radius, arrays["area.integral"], label="integral of the curl", **first.line)
    loop.axhline(0.0, lw=0.9, **second.line)
    for series, name, label in (
        (first, "surrogate", r"$\tau$"),
        (second, "true", r"$\sigma^{\prime}$"),
    ):
        marks = arrays["loop.radius"], arrays[f"loop.{name}"]
        loop.errorbar(*marks, label=f"field with {label}", **series.points)
    loop.set(xlabel="radius of the circle", ylabel="circulation of the field")
    loop.legend()
    style.letter(loop, "c", "once round")


def _draw_descent(axes: Axes, arrays: Arrays, name: str) -> None:
    style.all_round(axes)
    colour = style.BLACK if name == "surrogate" else "white"
    v, w = arrays[f"path_{name}.v"], arrays[f"path_{name}.w"]
    axes.plot(v, w, color=colour, lw=0.6)
    axes.plot(v[0], w[0], ".", color=colour, ms=2.5)
    if name == "surrogate":
        angle = np.linspace(0, 2 * np.pi, 100)
        radius = arrays["loop.radius"][-1]
        axes.plot(
            CENTRE[0] + radius * np.cos(angle), CENTRE[1] + radius * np.sin(angle),
            color=style.GREEN, lw=1.2,
        )  # fmt: skip
    axes.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal")
    axes.set(xlabel="readout $v$", ylabel="weight $w$")


FIGURE = Figure(
    id="P1",
    title="A surrogate in the backward pass descends no loss",
    caption=rf"""
    One neuron $f=v\,\sigma(wx)$, $\sigma(u)=\mathrm{{erf}}(2u)$, one sample $x={INPUT:g}$, $y={TARGET:g}$. (a)
    Descent, from the dots, along the field $g$ in which $\tau=\mathrm{{erf}}'$ takes the place of $\sigma'$; colour:
    its curl $x(\sigma'(wx)-\tau(wx))(r+v\sigma(wx))$, $r=f-y$, which vanishes for gradients. (b) Descent along the
    gradient, over the loss. (c) Work of each field once round circles about $(v,w)={CENTRE}$, the largest of which is
    in (a): marks by integration along the circle, line by that of the curl over the disc.
    """,
    size_mm=(160.0, 80.0),
    shows=("T40",),
    data=data,
    draw=draw,
)
