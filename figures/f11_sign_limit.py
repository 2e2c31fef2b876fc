"""F11: the forward slope up to the sign limit: blow-up with the true derivative, a limit with a surrogate."""

from fractions import Fraction

import numpy as np
from matplotlib.figure import Figure as Canvas

import theory as th
from figures import style
from figures.base import Array, Arrays, Figure, thinned

HIDDEN = (1, 2, 3)
HALVINGS = 10
BACKWARD = Fraction(1)
SHOWN = (Fraction(1), Fraction(1, 4), Fraction(1, 16))


def data(scale: float = 1.0) -> dict[str, Array]:
    """Diagonals against a for equal and fixed backward slopes; kernels against the angle."""
    slopes = [Fraction(1, 2**k) for k in range(thinned(HALVINGS + 1, scale, least=3))]
    pole = np.array([[1.0]])
    arrays = {"diagonal.a": np.array([float(a) for a in slopes])}
    for hidden in HIDDEN:
        for name, pair in (("equal", ("true", "true")), ("fixed", ("true", "surrogate"))):
            arrays[f"diagonal.{name}{hidden}"] = np.array(
                [th.ntk(_arch(hidden, a), pole, jacobians=pair)[0, 0] for a in slopes]
            )
        limit = th.Architecture(hidden, th.sign(), th.hardtanh(BACKWARD))
        arrays[f"limit.fixed{hidden}"] = th.ntk(limit, pole)[0]
    angle = np.linspace(0, np.pi, thinned(241, scale, least=9))[1:-1]
    points = np.sqrt(2) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    origin = np.array([[np.sqrt(2), 0.0]])
    arrays["profile.angle"] = angle
    for name, pair in (("equal", ("true", "true")), ("fixed", ("true", "surrogate"))):
        rows = [th.ntk(_arch(1, a), points, origin, pair)[:, 0] for a in SHOWN]
        sign = th.ntk(th.Architecture(1, th.sign(), th.hardtanh(BACKWARD)), points, origin, pair)
        arrays[f"profile.{name}"] = np.stack([*rows, sign[:, 0]], axis=1)
    return arrays


def _arch(hidden: int, a: Fraction) -> th.Architecture:
    return th.Architecture(hidden, th.hardtanh(a), th.hardtanh(BACKWARD))


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Diagonals on the left, kernels against the angle in the middle and on the right."""
    left, middle, right = canvas.subplots(1, 3)
    a = arrays["diagonal.a"]
    for series, hidden in zip(style.SERIES, HIDDEN, strict=False):
        left.plot(a, arrays[f"diagonal.equal{hidden}"], label=f"$L={hidden}$", **series.line)
        left.plot(a, arrays[f"diagonal.fixed{hidden}"], color=series.colour, lw=0.8, ls="-")
        left.axhline(
            arrays[f"limit.fixed{hidden}"][0], color=series.colour, lw=0.7, ls=style.DOTTED
        )
    left.set(
        xscale="log", yscale="log", xlabel="forward slope parameter $a$", ylabel=r"$\Theta(x,x)$"
    )
    left.legend(loc="upper right")
    style.letter(left, "a", "diagonal")
    labels = (*(f"$a={value}$" for value in SHOWN), "sign")
    titles = (("equal", "b", "$b=a$"), ("fixed", "c", "$b=1$"))
    for axes, (name, letter, title) in zip((middle, right), titles, strict=True):
        for k, label in enumerate(labels):
            look = {"color": style.BLACK, "lw": 0.9} if k == len(SHOWN) else style.SERIES[k].line
            axes.plot(arrays["profile.angle"], arrays[f"profile.{name}"][:, k], label=label, **look)
        axes.set_xticks([0, np.pi / 2, np.pi], ["$0$", r"$\pi/2$", r"$\pi$"])
        axes.set_xlabel(r"angle $\theta$")
        style.letter(axes, letter, title)
    middle.set(ylim=(-5, 12), ylabel=r"$\Theta(x,x')$")
    right.legend(loc="upper right")


FIGURE = Figure(
    id="F11",
    title="As the forward slope grows the true-gradient kernel blows up, the surrogate one has a limit",
    caption=r"""
    Forward $h_a$, $s_w=1$, $s_b=0$, unit norms. (a) Diagonal of the kernel against $a$ for 1, 2, 3 hidden layers: with
    the true derivative, $b=a$ (dashes as in the legend), it grows like $a^{-1}$ a layer; with the backward derivative
    $h_1'$ (thin) it has the finite limit of a sign network (dotted). (b), (c) One hidden layer: the kernel against the
    angle. For $b=a$ the limit is finite off the diagonal, like $1/\theta$ near it; for $b=1$ it is bounded.
    """,
    size_mm=(150.0, 62.0),
    shows=("T31", "T33.value"),
    data=data,
    draw=draw,
)
