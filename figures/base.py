"""What a figure is: named arrays, a pure drawing of them, and the claims that it shows."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from theory.errors import InputError

Array = NDArray[np.float64]
Arrays = Mapping[str, Array]

TEXT_BLOCK_MM = (160.0, 235.0)
_ID = re.compile(r"[A-Z]\d{1,2}")
_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Figure:
    r"""One figure of the thesis, as data.

    Parameters
    ----------
    id
        A capital letter and a number, such as ``"F3"``: the stem of every file that is written.
    title
        One line; mathematics between dollar signs.
    caption
        What is drawn, with every parameter that a reader needs to redo it. Mathematics between
        dollar signs, in the subset of LaTeX that matplotlib and MathML both render. Line breaks
        are spaces.
    size_mm
        Width and height in millimetres, within the text block of an A4 page.
    shows
        Ids of the claims of the ledger that the figure illustrates.
    data
        ``data(scale=1.0)`` returns finite float64 arrays named ``table.column``; arrays of one table share the
        length of their first axis. Pure; ``scale`` < 1 thins draws and grids for a smoke test.
    draw
        ``draw(canvas, arrays)`` draws on an empty matplotlib figure. Pure: it knows ``arrays`` alone.
    seed
        Seed of the addressed streams that ``data`` draws from; None where nothing is drawn at random.

    Raises
    ------
    InputError
        If the id, the size or the mathematics of the caption is malformed.
    """

    id: str
    title: str
    caption: str
    size_mm: tuple[float, float]
    shows: tuple[str, ...]
    data: Callable[..., dict[str, Array]]
    draw: Callable[[Canvas, Arrays], None]
    seed: int | None = None

    def __post_init__(self) -> None:
        """Fold the caption into one line, and refuse a figure that could not be printed."""
        object.__setattr__(self, "caption", " ".join(self.caption.split()))
        if not _ID.fullmatch(self.id):
            raise InputError(
                f"figure id {self.id!r} must be a capital letter and a number, such as 'F3'"
            )
        for name, text in (("title", self.title), ("caption", self.caption)):
            if not text.strip() or text.count("$") % 2:
                raise InputError(
                    f"the {name} of figure {self.id} is empty or has an unpaired dollar sign"
                )
        if not all(
            0 < size <= limit for size, limit in zip(self.size_mm, TEXT_BLOCK_MM, strict=True)
        ):
            raise InputError(
                f"figure {self.id} measures {self.size_mm} mm; it must fit the text block of {TEXT_BLOCK_MM} mm"
            )


def formulas(text: str) -> tuple[str, ...]:
    """Return the pieces of ``text`` between dollar signs, without the dollars."""
    return tuple(text.split("$")[1::2])


def thinned(count: int, scale: float, least: int = 2) -> int:
    """Return ``count`` scaled down for a smoke test, never below ``least`` nor above ``count``."""
    return min(count, max(least, round(count * scale)))


def checked(arrays: Mapping[str, Array], owner: str) -> dict[str, Array]:
    """Return ``arrays`` as float64, or raise ``InputError`` naming the array that cannot be published."""
    result: dict[str, Array] = {}
    lengths: dict[str, tuple[str, int]] = {}
    for name, values in arrays.items():
        array = np.asarray(values, dtype=np.float64)
        if not _NAME.fullmatch(name):
            raise InputError(f"{owner}: array name {name!r} must read table.column, in lower case")
        if array.ndim == 0:
            array = array[None]
        if not np.all(np.isfinite(array)):
            raise InputError(f"{owner}: array {name} holds NaN or infinity; leave such entries out")
        first, length = lengths.setdefault(name.split(".")[0], (name, len(array)))
        if len(array) != length:
            raise InputError(
                f"{owner}: {name} has {len(array)} rows and {first} has {length}; one table, one length"
            )
        result[name] = array
    return result
