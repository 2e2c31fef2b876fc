"""F3: empirical and limit kernel against the angle, one hidden layer."""

from matplotlib.figure import Figure as Canvas

from figures.angle_sweep import SETTING, draw_sweep, sweep
from figures.base import Array, Arrays, Figure

SEED = 3


def data(scale: float = 1.0) -> dict[str, Array]:
    """Kernels of sampled networks and their limit, in both orders of the two inputs."""
    return sweep(hidden_layers=1, seed=SEED, scale=scale)


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Draw widths in columns, orders in rows."""
    draw_sweep(canvas, arrays)


FIGURE = Figure(
    id="F3",
    title="One hidden layer: the tangent kernel against the angle, on inputs of unequal norms",
    caption=f"One hidden layer of width $n$. {SETTING}",
    size_mm=(150.0, 165.0),
    shows=("T5", "T8"),
    data=data,
    draw=draw,
    seed=SEED,
)
