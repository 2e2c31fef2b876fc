"""Options that several commands share, and the architecture and data that they describe."""

import os
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from theory.errors import InputError

if TYPE_CHECKING:
    from theory.kernels import Architecture

_SHAPE = "Architecture"
_MANY = "repeat it for one a layer"


class DType(StrEnum):
    """Numbers that are computed with, or kept."""

    FLOAT64 = "float64"
    FLOAT32 = "float32"


Layers = Annotated[
    int, typer.Option("--layers", help="Hidden layers, 0 or more.", rich_help_panel=_SHAPE)
]
Activations = Annotated[
    list[str] | None,
    typer.Option(
        "--activation",
        metavar="F",
        help=f"Forward function, such as sign or hardtanh(1/2); {_MANY}.",
        rich_help_panel=_SHAPE,
    ),
]
Surrogates = Annotated[
    list[str] | None,
    typer.Option(
        "--surrogate",
        metavar="F",
        help=f"Function whose derivative the backward pass uses; {_MANY}. Default: the activation.",
        rich_help_panel=_SHAPE,
    ),
]
WeightStds = Annotated[
    list[str] | None,
    typer.Option(
        "--weight-std",
        metavar="S",
        help=f"Standard deviation of the weights, 1 unless given; {_MANY}.",
        rich_help_panel=_SHAPE,
    ),
]
BiasStds = Annotated[
    list[str] | None,
    typer.Option(
        "--bias-std",
        metavar="S",
        help=f"Standard deviation of the biases, 0 unless given; {_MANY}.",
        rich_help_panel=_SHAPE,
    ),
]
Weights = Annotated[
    list[str] | None,
    typer.Option(
        "--weights",
        metavar="LAW",
        help="gaussian, rademacher, ternary_weights(p0), sparse_weights(density, LAW), permuted_blocks(number, LAW) or "
        f"binarized(F, G); {_MANY}.",
        rich_help_panel=_SHAPE,
    ),
]
Jacobians = Annotated[
    str,
    typer.Option(
        "--jacobians",
        metavar="ROWS,COLUMNS",
        help="Jacobian of rows and of columns: true or surrogate.",
    ),
]
Width = Annotated[
    list[int] | None, typer.Option(help="Width of the hidden layers; repeat it for one a layer.")
]
Key = Annotated[str | None, typer.Option(help="Which array of an .npz.")]
Seed = Annotated[int, typer.Option("--seed", help="Address of every random number.")]
Jobs = Annotated[
    int, typer.Option("--jobs", "-j", help="Processes.", show_default="the number of cores")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Build = Annotated[Path, typer.Option("--build", metavar="DIR", help="Folder for what is made.")]

BUILD = Path("build")
CORES = os.cpu_count() or 1


def claims_cache(build: Path) -> Path:
    """Folder where results of claims are kept."""
    return build / "cache" / "claims"


def grid_cache(build: Path) -> Path:
    """Folder where confrontations of bounds with networks are kept."""
    return build / "cache" / "grid"


def figures_cache(build: Path) -> Path:
    """Folder where arrays of figures are kept."""
    return build / "cache" / "figures"


def architecture(
    layers: int,
    activations: list[str] | None,
    surrogates: list[str] | None,
    weight_stds: list[str] | None,
    bias_stds: list[str] | None,
    laws: list[str] | None,
) -> "Architecture":
    """Build the architecture that the shared options describe.

    Raises
    ------
    HardlimitError
        If a text cannot be read, or the parts do not fit together.
    """
    from hardlimit import parsing
    from theory.kernels import Architecture, gaussian

    return Architecture(
        hidden_layers=layers,
        activation=_one_or_many([parsing.activation(text) for text in activations or ()], None),
        surrogate=_one_or_many([parsing.activation(text) for text in surrogates or ()], None),
        weight_std=_one_or_many([_real(text, "--weight-std") for text in weight_stds or ()], 1),
        bias_std=_one_or_many([_real(text, "--bias-std") for text in bias_stds or ()], 0),
        weights=_one_or_many([parsing.weight_law(text) for text in laws or ()], gaussian()),
    )


def pair(text: str) -> tuple[str, str]:
    """Read ``rows,columns`` of ``--jacobians``.

    Raises
    ------
    InputError
        Unless it names two Jacobians.
    """
    sides = tuple(side.strip() for side in text.split(","))
    if len(sides) != 2 or not set(sides) <= {"true", "surrogate"}:
        raise InputError(
            f"--jacobians must be two of true and surrogate, such as true,surrogate; got {text!r}"
        )
    return (sides[0], sides[1])


def _one_or_many(values: list[Any], default: Any) -> Any:
    if not values:
        return default
    return values[0] if len(values) == 1 else values


def _real(text: str, name: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise InputError(f"{name} must be a number such as 1.2 or 6/5, got {text!r}") from error
