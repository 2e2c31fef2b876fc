"""``hardlimit sample``: networks of finite width, drawn by address."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hardlimit import console, options
from hardlimit.commands import COMPUTE

if TYPE_CHECKING:
    from theory.networks import Ensemble

PANEL = COMPUTE
INTERRUPTED = 130


def sample(
    data: Annotated[Path, typer.Argument(metavar="X", help="Inputs (rows): .npy, .npz or .csv.")],
    out: Annotated[Path, typer.Option(help="Where the draws go: an .npz.")] = Path("samples.npz"),
    width: Annotated[
        list[int] | None,
        typer.Option(help="Width of the hidden layers; repeat it for one a layer."),
    ] = None,
    draws: Annotated[int, typer.Option(help="Networks to draw.")] = 100,
    first: Annotated[
        int, typer.Option(help="Number of the first network: go on from an earlier run.")
    ] = 0,
    seed: options.Seed = 0,
    threads: Annotated[
        int | None, typer.Option(help="Threads; the draws do not depend on it.")
    ] = None,
    ntk: Annotated[bool, typer.Option(help="Draw the empirical tangent kernels too.")] = True,
    layers: options.Layers = 1,
    activation: options.Activations = None,
    surrogate: options.Surrogates = None,
    weight_std: options.WeightStds = None,
    bias_std: options.BiasStds = None,
    weights: options.Weights = None,
    jacobians: options.Jacobians = "true,surrogate",
    key: Annotated[str | None, typer.Option(help="Which array of an .npz.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Sample networks: outputs, conditional covariances and tangent kernels of each, into one file.

    Ctrl-C keeps what was drawn; --first goes on where a run stopped.
    """
    import warnings

    from hardlimit import files
    from theory.errors import InterruptedRunWarning

    files.check_suffix(out, (".npz",))
    arch = options.architecture(layers, activation, surrogate, weight_std, bias_std, weights)
    pair = options.pair(jacobians)
    inputs = files.read_inputs(data, key)

    from theory.networks import sample_networks

    widths = width or [256]
    with console.progress("Networks") as report, warnings.catch_warnings():
        warnings.simplefilter("ignore", InterruptedRunWarning)
        ensemble = sample_networks(
            arch,
            inputs,
            widths[0] if len(widths) == 1 else widths,
            draws,
            seed=seed,
            threads=threads,
            first=first,
            ntk=ntk,
            jacobians=(pair,),
            progress=report,
        )
    kept = {"outputs": ensemble.outputs, "covariances": ensemble.covariances}
    if ntk:
        kept["ntk"] = ensemble.ntk
    files.write_arrays(out, {**kept, "seed": seed, "first": first, "X": inputs})
    _describe(ensemble, out, draws, as_json, {"architecture": str(arch), "widths": widths})
    if not ensemble.complete:
        raise typer.Exit(INTERRUPTED)


def _describe(
    ensemble: "Ensemble", out: Path, wanted: int, as_json: bool, given: dict[str, Any]
) -> None:
    """Say what was drawn: how many, and the mean output with its standard error."""
    from theory.estimate import Estimate

    drawn = len(ensemble.outputs)
    mean = Estimate.of_mean(ensemble.outputs) if drawn > 1 else None
    if as_json:
        estimated = mean and {"value": mean.value.tolist(), "stderr": mean.stderr.tolist()}
        counted = {"draws": drawn, "complete": ensemble.complete, "out": str(out)}
        console.print_json({**given, **counted, "mean_output": estimated})
        return
    console.print_plain(f"{drawn} of {wanted} networks, {given['architecture']}, written to {out}")
    if mean is not None:
        console.print_plain(f"mean output  {mean.value}\n         +-  {mean.stderr}")


COMMAND = sample
