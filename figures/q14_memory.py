"""Q14: bits a weight, in training and in inference: what is saved, and against what."""

import math

import numpy as np
from matplotlib.figure import Figure as Canvas

from figures import style
from figures.base import Array, Arrays, Figure
from theory.quantized import Adam, Annealing, FullPrecision, StateTransition, binary_connect, pack

LABELS = (
    "float64", "float32 with Adam", "float32", "BinaryConnect with Adam", "BinaryConnect",
    "transition with Adam", "transition, annealing", "binary annealing",
)  # fmt: skip


def data(scale: float = 1.0) -> dict[str, Array]:  # noqa: ARG001 - arithmetic
    """Bits a weight as the trainers declare them; measured bits of packed matrices; entropies."""
    adam = Adam()
    trainers = (
        FullPrecision(direction=adam), FullPrecision(), binary_connect(0.1, direction=adam),
        binary_connect(0.1), StateTransition(direction=adam), Annealing(), Annealing(levels=0),
    )  # fmt: skip
    bits = [trainer.bits() for trainer in trainers]
    entries = np.resize([-1, 0, 1], (3, 640))
    signs = np.resize([-1, 1], (3, 640))
    stored = [8 * pack(values).nbytes / values.size for values in (entries, signs)]
    return {
        "weight.training": np.array([64.0, *(one.training for one in bits)]),
        "weight.inference": np.array([64.0, *(one.inference for one in bits)]),
        "packed.bits": np.array([*stored, 8 / 5, math.log2(3)]),
    }


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Two bars a method, with the ratio to float64 and float32 at the right."""
    axes = canvas.subplots()
    rows = np.arange(len(LABELS))[::-1].astype(np.float64)
    for name, shift, colour in (
        ("training", 0.19, style.VERMILLION),
        ("inference", -0.19, style.BLUE),
    ):
        values = arrays[f"weight.{name}"]
        axes.barh(rows + shift, values, height=0.36, color=colour, label=name)
        for row, value in zip(rows, values, strict=True):
            times = f"{value:g}   $64/{value:g}={64 / value:.3g}$,  $32/{value:g}={32 / value:.3g}$"
            axes.text(value * 1.06, row + shift, times, va="center", fontsize=6.5)
    style.quiet_log(axes)
    axes.set_yticks(rows, labels=LABELS)
    axes.set(xlabel="bits a weight", xlim=(0.8, 900))
    axes.set_ylabel("what is kept")
    axes.legend(loc="lower right", fontsize=7)


FIGURE = Figure(
    id="Q14",
    title="Bits a weight: ratios of 32 and 16 are those of inference, against float64 and float32",
    caption=r"""
    Bits that have to be kept for a weight between two steps of training (red) and for predictions (blue), a real
    number counting as 32; on the right the ratios to float64 and to float32. A ternary weight takes 2 bits in two
    packed planes (measured), 1.6 as five to a byte and at least $\log_23=1.585$; a binary one takes 1. Discrete
    state transition keeps nothing else with plain gradients, and two real moments with Adam, as its published code
    does: 66 bits against the 96 of float32 with Adam, a ratio of 1.45.
    """,
    size_mm=(150.0, 88.0),
    shows=("S22", "S30"),
    data=data,
    draw=draw,
)
