"""``hardlimit kernel``: Gram matrices of the infinitely wide network."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hardlimit import console, options
from hardlimit.commands import COMPUTE
from theory.errors import InputError

if TYPE_CHECKING:
    from theory.kernels import GramPlan

PANEL = COMPUTE
INTERRUPTED = 130
_LARGE = "Large matrices (block by block)"


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
    key: options.Key = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write it: .npy, .npz or .csv, or a .zarr store block by block."),
    ] = None,
    dtype: Annotated[
        options.DType, typer.Option(help="Type of the result.")
    ] = options.DType.FLOAT64,
    threads: Annotated[int | None, typer.Option(help="Threads; no bit depends on them.")] = None,
    memory: Annotated[
        float | None,
        typer.Option(
            metavar="GB",
            help="Write a .npy or .zarr block by block, in so much memory beside that of Python; 1 for a .zarr.",
            rich_help_panel=_LARGE,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with a .zarr, or a .npy under --memory, that was stopped; begun if absent.",
            rich_help_panel=_LARGE,
        ),
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Compute the NNGP or tangent kernel of an architecture on data.

    Example: hardlimit kernel X.npy --layers 2 --activation sign --surrogate "hardtanh(1)" --bias-std 0.3
    """
    from hardlimit import files

    large = out is not None and (out.suffix == ".zarr" or memory is not None)
    if out is not None:
        files.check_suffix(out, (".npy", ".zarr") if large else files.READABLE)
    if not large and (resume or memory is not None):
        raise InputError(
            "--resume and --memory are for files written block by block: --out NAME.zarr, or NAME.npy with --memory"
        )
    arch = options.architecture(layers, activation, surrogate, weight_std, bias_std, weights)
    pair = options.pair(jacobians)
    rows = files.read_inputs(data, key)
    columns = None if other is None else files.read_inputs(other, key)

    from theory.kernels import gram as grams
    from theory.kernels import gram_plan
    from theory.kernels.recursion import Which

    first = None if first_layer is None else first_layer.value
    asked: Which = "nngp" if kind is Kind.NNGP else pair
    if large and out is not None:
        with console.warnings_as_notices():
            plan = gram_plan(arch, rows, columns, (asked,), first_layer=first)
        _write(plan, out, dtype, memory, threads, resume)
        if as_json:
            console.print_json(
                {
                    "kind": kind.value,
                    "architecture": str(arch),
                    "shape": list(plan.shape),
                    "out": str(out),
                }
            )
        else:
            console.print_plain(f"{kind.value} of {arch}, shape {plan.shape}, is in {out}")
        return
    with console.warnings_as_notices():
        (gram,) = grams(
            arch, rows, columns, (asked,), first_layer=first, dtype=dtype.value, threads=threads
        ).values()
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


def _write(
    plan: "GramPlan",
    out: Path,
    dtype: options.DType,
    memory: float | None,
    threads: int | None,
    resume: bool,
) -> None:
    """Compute block by block into a file; Ctrl-C keeps what is finished."""
    from hardlimit.grams import MEMORY, write_gram

    cap = MEMORY if memory is None else int(memory * 1e9)
    with console.progress("Blocks") as report:
        try:
            write_gram(
                plan,
                out,
                dtype=dtype.value,
                memory=cap,
                threads=threads,
                resume=resume,
                progress=report,
            )
        except KeyboardInterrupt:
            console.notice(f"interrupted: finished blocks of {out} are kept; go on by --resume")
            raise typer.Exit(INTERRUPTED) from None


COMMAND = kernel
