"""``hardlimit kernel``: Gram matrices of the infinitely wide network."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hardlimit import console, options
from hardlimit.commands import COMPUTE

PANEL = COMPUTE


class Kind(StrEnum):
    """Which limit kernel."""

    NNGP = "nngp"
    NTK = "ntk"


class FirstLayer(StrEnum):
    """How a first layer of few weight values is taken."""

    GAUSSIAN = "gaussian"
    EXACT = "exact"


def kernel(
    data: Annotated[Path, typer.Argument(metavar="X", help="Inputs (rows): .npy, .npz or .csv.")],
    other: Annotated[
        Path | None, typer.Argument(metavar="Y", help="Inputs of the columns; X if absent.")
    ] = None,
    kind: Annotated[Kind, typer.Option(help="Covariance or tangent kernel.")] = Kind.NTK,
    layers: options.Layers = 1,
    activation: options.Activations = None,
    surrogate: options.Surrogates = None,
    weight_std: options.WeightStds = None,
    bias_std: options.BiasStds = None,
    weights: options.Weights = None,
    jacobians: options.Jacobians = "true,surrogate",
    first_layer: Annotated[
        FirstLayer | None,
        typer.Option(
            help="Binary or ternary first layer: exact at this input dimension, or as if it were Gaussian."
        ),
    ] = None,
    key: Annotated[str | None, typer.Option(help="Which array of an .npz.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write it: .npy, .npz or .csv.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Compute the NNGP or tangent kernel of an architecture on data.

    Example: hardlimit kernel X.npy --layers 2 --activation sign --surrogate "hardtanh(1)" --bias-std 0.3
    """
    from hardlimit import files

    if out is not None:
        files.check_suffix(out, files.READABLE)
    arch = options.architecture(layers, activation, surrogate, weight_std, bias_std, weights)
    pair = options.pair(jacobians)
    rows = files.read_inputs(data, key)
    columns = None if other is None else files.read_inputs(other, key)

    from theory.kernels import nngp, ntk

    first = None if first_layer is None else first_layer.value
    with console.warnings_as_notices():
        if kind is Kind.NNGP:
            gram = nngp(arch, rows, columns, first_layer=first)
        else:
            gram = ntk(arch, rows, columns, pair, first_layer=first)
    if out is not None:
        files.write_arrays(out, {"kernel": gram})
    if as_json:
        described = {"kind": kind.value, "architecture": str(arch), "shape": list(gram.shape)}
        if kind is Kind.NTK:
            described["jacobians"] = list(pair)
        kept = {"kernel": gram.tolist()} if out is None else {"out": str(out)}
        console.print_json({**described, **kept})
    elif out is not None:
        console.print_plain(f"{kind.value} of {arch}, shape {gram.shape}, written to {out}")
    else:
        from numpy import array2string

        console.print_plain(array2string(gram, max_line_width=100))


COMMAND = kernel
