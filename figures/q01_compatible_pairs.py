"""Q1: which forward and backward quantizers ProxConnect++ covers."""

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure as Canvas

from figures import style
from figures.base import Array, Arrays, Figure, thinned
from proofs_check.claims.quantized_pairs import BACKWARDS, FORWARDS
from theory.quantized.compatibility import Fit, compatibility

FITS = (Fit.COMPATIBLE, Fit.WEAK, Fit.INCOMPATIBLE, Fit.UNDECIDED)
COLOURS = (style.BLUE, style.SKY, "#F4E3DC", style.GREY)
MARKS = ("yes", "0/0", "", "?")
ROWS = {
    "identity": "identity",
    "sign": "sign",
    "ternary": "ternary",
    "PC": r"$L_\rho^0$, $\rho=\frac{1}{2}$",
    "hardtanh": "hardtanh",
    "tanh": r"$\tanh$",
    "SignSwish": r"$\mathrm{SS}_2$ (BNN++)",
}
COLUMNS = {
    "identity (BinaryConnect)": "1\n(BinaryConnect)",
    "window (BNN)": "window\n(BNN)",
    "triangle (Bi-Real)": "triangle\n(Bi-Real)",
    "SignSwish' (BNN+)": "$\\mathrm{SS}_2'$\n(BNN+)",
    "tanh'": r"$\tanh'$",
    "RBNN": "triangle\n(RBNN)",
    "cosine (BiPer)": "cosine\n(BiPer)",
    "sine series": "sine\nseries",
}


def data(scale: float = 1.0) -> dict[str, Array]:
    """Verdict on every pair, as its place in the list of verdicts, row by row."""
    rows = list(ROWS)[: thinned(len(ROWS), scale)]
    fits = [
        FITS.index(compatibility(FORWARDS[row], BACKWARDS[column]).fit)
        for row in rows
        for column in COLUMNS
    ]
    places = [(i, j) for i in range(len(rows)) for j in range(len(COLUMNS))]
    row, column = np.array(places, float).T
    return {"pair.forward": row, "pair.backward": column, "pair.fit": np.array(fits, float)}


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """One square a pair."""
    axes = canvas.subplots()
    count = len(arrays["pair.fit"]) // len(COLUMNS)
    fits = arrays["pair.fit"].reshape(count, len(COLUMNS))
    axes.imshow(fits, cmap=ListedColormap(list(COLOURS)), vmin=-0.5, vmax=3.5, aspect="auto")
    for (i, j), fit in np.ndenumerate(fits):
        dark = int(fit) == 0
        colour = "white" if dark else style.BLACK
        axes.text(j, i, MARKS[int(fit)], ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(COLUMNS)), COLUMNS.values(), fontsize=7)
    axes.set_yticks(range(count), list(ROWS.values())[:count])
    axes.set_xticks(np.arange(len(COLUMNS) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", lw=1.5)
    axes.tick_params(which="both", length=0)
    axes.xaxis.set_ticks_position("top")
    axes.xaxis.set_label_position("top")
    axes.set(xlabel="backward quantizer $B$", ylabel="forward quantizer $F$")
    for spine in axes.spines.values():
        spine.set_visible(False)


FIGURE = Figure(
    id="Q1",
    title="Compatible pairs of forward and backward quantizers",
    caption=r"""
    Whether $F$ and $B$ are functions of a nondecreasing $P=\int dF/B$, the condition of ProxConnect++: yes (dark),
    only once $P$ is chosen where $dF=B=0$ (light, 0/0), or no (pale). With $F=\mathrm{sign}$, $B$ has to be
    constant on each side of 0: of the surrogates in use only the straight-through one fits, and BNN's window by
    convention. Sloped surrogates fit the function whose derivative they are: $\tanh$, and $\mathrm{SS}_2$ (BNN++),
    where $P$ is the identity and the update gradient descent. Hardtanh with Bi-Real's triangle fails because $P$ is
    infinite at $\pm1$. The verdicts are symbolic, with two rational points and disjoint balls for each failure by
    inconstancy.
    """,
    size_mm=(155.0, 82.0),
    shows=("S8", "S10"),
    data=data,
    draw=draw,
)
