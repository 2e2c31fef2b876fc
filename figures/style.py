"""How every figure looks: one place for colours, dashes, markers, type and size.

Colours are the eight of Okabe and Ito, which readers with any of the common colour-vision
deficiencies can tell apart; dash and marker vary with them, so that a grey print keeps the message.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import NullFormatter

MM_PER_INCH = 25.4

BLACK = "#000000"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#7F7F7F"

SEQUENTIAL = "cividis"
DIVERGING = "PuOr_r"

DOTTED = (0, (1, 1.5))

# Keys are a closed list of literals in matplotlib's own types; Any lets them be plain strings.
RC: dict[Any, Any] = {
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "font.size": 9.0,
    "axes.labelsize": 9.0,
    "axes.titlesize": 9.0,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.fontsize": 8.0,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.use_mathtext": True,
    "axes.unicode_minus": True,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "xtick.minor.size": 1.6,
    "ytick.minor.size": 1.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 4.0,
    "legend.frameon": False,
    "legend.handlelength": 2.2,
    "legend.borderaxespad": 0.3,
    "legend.labelspacing": 0.35,
    "image.interpolation": "nearest",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,
    "pdf.use14corefonts": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "hardlimit",
}


class Series(NamedTuple):
    """Colour, marker and dash that always go together."""

    colour: str
    marker: str
    dash: Any

    @property
    def line(self) -> dict[str, Any]:
        """Keywords for a drawn line."""
        return {"color": self.colour, "linestyle": self.dash}

    @property
    def points(self) -> dict[str, Any]:
        """Keywords for measured points with error bars."""
        return {
            "color": self.colour,
            "marker": self.marker,
            "linestyle": "none",
            "markerfacecolor": "white",
            "markeredgewidth": 0.9,
            "elinewidth": 0.9,
            "capsize": 1.8,
            "capthick": 0.9,
        }


SERIES = (
    Series(BLUE, "o", "-"),
    Series(VERMILLION, "s", (0, (5, 1.6))),
    Series(GREEN, "^", (0, (3, 1.2, 1, 1.2))),
    Series(PURPLE, "D", (0, (1.2, 1.2))),
    Series(ORANGE, "v", (0, (6, 1.5, 1, 1.5, 1, 1.5))),
)


@contextmanager
def thesis_style() -> Iterator[None]:
    """Apply the style, and only the style, while a figure is drawn and saved."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(RC)
        yield


def canvas(size_mm: tuple[float, float]) -> Canvas:
    """Return an empty matplotlib figure of ``size_mm``, outside pyplot's global state."""
    width, height = size_mm
    return Canvas(figsize=(width / MM_PER_INCH, height / MM_PER_INCH), layout="constrained")


def letter(axes: Axes, name: str, title: str = "") -> None:
    """Head a panel with its letter in bold and, if given, what it shows."""
    axes.set_title(rf"$\mathbf{{{name}}}$" + (f"  {title}" if title else ""), loc="left", pad=4.0)


def all_round(axes: Axes) -> None:
    """Give a heat map its full frame."""
    axes.spines[["top", "right"]].set_visible(True)


def quiet_log(axes: Axes, which: str = "x") -> None:
    """Make an axis logarithmic, labelled at decades alone however short it is."""
    axes.set(**{f"{which}scale": "log"})
    getattr(axes, f"{which}axis").set_minor_formatter(NullFormatter())
