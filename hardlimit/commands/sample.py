"""``hardlimit sample``: networks of finite width, drawn by address, into an archive or a store that lasts."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hardlimit import console, options
from hardlimit.commands import COMPUTE
from theory.errors import InputError, InterruptedRunWarning

if TYPE_CHECKING:
    from theory.networks import Description

PANEL = COMPUTE
INTERRUPTED = 130
_STORE = "Long runs (--out NAME.zarr)"


class Method(StrEnum):
    """Which sampler."""

    AUTO = "auto"
    EXACT = "exact"
    WEIGHTS = "weights"
    CHAIN = "chain"


def sample(
    data: Annotated[Path, typer.Argument(metavar="X", help="Inputs (rows): .npy, .npz or .csv.")],
    out: Annotated[
        Path, typer.Option(help="Where the draws go: an .npz, or a .zarr store for long runs.")
    ] = Path("samples.npz"),
    width: options.Width = None,
    draws: Annotated[int, typer.Option(help="Networks to draw.")] = 100,
    first: Annotated[
        int, typer.Option(help="Number of the first network: go on from an earlier run.")
    ] = 0,
    seed: options.Seed = 0,
    threads: Annotated[
        int | None, typer.Option(help="Threads; the draws do not depend on it.")
    ] = None,
    method: Annotated[Method, typer.Option(help="Sampler; all have the same law.")] = Method.AUTO,
    ntk: Annotated[bool, typer.Option(help="Draw the empirical tangent kernels too.")] = True,
    outputs: Annotated[int, typer.Option(help="Outputs of a network.")] = 1,
    conditional: Annotated[
        bool, typer.Option("--conditional", help="Kernels' means given the hidden layers too.")
    ] = False,
    dtype: Annotated[
        options.DType, typer.Option(help="Arithmetic of the width, and results.")
    ] = options.DType.FLOAT64,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Predict time, memory and disk space; draw nothing.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the store, made if absent; damaged blocks are drawn again.",
            rich_help_panel=_STORE,
        ),
    ] = False,
    block: Annotated[
        int | None,
        typer.Option(help="Networks a block, what a kill can lose.", rich_help_panel=_STORE),
    ] = None,
    statistics_only: Annotated[
        bool,
        typer.Option("--statistics-only", help="Keep no network.", rich_help_panel=_STORE),
    ] = False,
    layers: options.Layers = 1,
    activation: options.Activations = None,
    surrogate: options.Surrogates = None,
    weight_std: options.WeightStds = None,
    bias_std: options.BiasStds = None,
    weights: options.Weights = None,
    jacobians: options.Jacobians = "true,surrogate",
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Sample networks: outputs, conditional covariances and tangent kernels of each.

    Ctrl-C keeps what was drawn. An .npz goes on by --first; a .zarr store, which also survives a kill, by --resume.

    Example: hardlimit sample X.npy --activation "hardtanh(1/4)" --width 4096 --draws 1000000 --out run.zarr --resume
    """
    from hardlimit import files

    files.check_suffix(out, (".npz", ".zarr"))
    lasting = out.suffix == ".zarr"
    if not lasting and (resume or statistics_only or block is not None):
        raise InputError(
            f"--resume, --block and --statistics-only need a store, --out NAME.zarr, not {out}"
        )
    arch = options.architecture(layers, activation, surrogate, weight_std, bias_std, weights)
    pair = options.pair(jacobians)
    inputs = files.read_inputs(data, key)

    from theory.networks import Description

    widths = width or [256]
    asked = widths[0] if len(widths) == 1 else widths
    kernels = {"jacobians": (pair,)} if ntk else {"ntk": False}
    described = Description.of(
        arch, inputs, asked, seed, method=method.value, outputs=outputs, conditional=conditional,
        dtype=dtype.value, **kernels,
    )  # fmt: skip
    if dry_run:
        kept = 0 if statistics_only else draws
        _predict(described, draws, threads, as_json, kept=kept, held=0 if lasting else draws)
    elif lasting:
        _into_store(
            described, draws, first, threads, out, resume, block, not statistics_only, as_json
        )
    else:
        _into_archive(described, draws, first, threads, out, as_json)


def _into_archive(
    described: "Description", draws: int, first: int, threads: int | None, out: Path, as_json: bool
) -> None:
    import warnings

    from hardlimit import files
    from theory.estimate import Estimate
    from theory.networks import sample_networks

    pairs = described.jacobians
    kernels = {"jacobians": pairs} if pairs else {"ntk": False}
    with console.progress("Networks") as report, warnings.catch_warnings():
        warnings.simplefilter("ignore", InterruptedRunWarning)
        ensemble = sample_networks(
            described.arch,
            described.inputs,
            described.widths,
            draws,
            seed=described.seed,
            method=described.method,
            outputs=described.outputs,
            conditional=described.conditional,
            dtype=described.dtype,
            threads=threads,
            first=first,
            progress=report,
            **kernels,
        )
    kept = {"outputs": ensemble.outputs, "covariances": ensemble.covariances}
    if pairs:
        kept["ntk"] = ensemble.ntk
    if described.conditional:
        kept["conditional_ntk"] = ensemble.conditional_kernels[pairs[0]]
    facts = {"seed": described.seed, "first": first, "X": described.inputs}
    files.write_arrays(out, {**kept, **facts})
    mean = Estimate.of_mean(ensemble.outputs) if ensemble.draws > 1 else None
    told = {"draws": ensemble.draws, "complete": ensemble.complete, "out": str(out)}
    _tell(described, draws, told, mean, as_json)


def _into_store(
    described: "Description",
    draws: int,
    first: int,
    threads: int | None,
    out: Path,
    resume: bool,
    block: int | None,
    keep: bool,
    as_json: bool,
) -> None:
    import warnings

    from theory.networks import open_store, run_ensemble

    if out.exists() and not resume:
        raise InputError(f"{out} is there already; go on with it by --resume, or name another")
    store = open_store(out, described, block=block, keep=keep)
    for line in store.repair():
        console.notice(f"Drawing again: {line.partition(';')[0]}")
    if store.draws:
        console.notice(f"{store.draws} networks are in {out} already.")
    with console.progress("Networks") as report, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InterruptedRunWarning)
        summary = run_ensemble(
            described, draws, first=first, store=store, threads=threads, progress=report
        )
    stopped = any(issubclass(item.category, InterruptedRunWarning) for item in caught)
    counted = {"draws": summary.draws, "block": store.block, "digest": described.digest}
    told = {**counted, "complete": not stopped, "out": str(out)}
    mean = summary.mean("outputs") if summary.draws > 1 else None
    _tell(described, first + draws, told, mean, as_json)


def _predict(
    described: "Description",
    draws: int,
    threads: int | None,
    as_json: bool,
    *,
    kept: int,
    held: int,
) -> None:
    """Say what a run would cost, with results of ``kept`` networks on disk and of ``held`` in memory to the end."""
    from hardlimit.forecast import forecast
    from theory.networks.blocks import block_size, result_bytes

    found = forecast(described, threads)
    each, block = result_bytes(described), block_size(described)
    seconds, disk = found.seconds * draws, each * kept
    needed = None if found.memory is None else found.memory + each * held
    if as_json:
        console.print_json(
            {
                **_facts(described),
                "draws": draws,
                "seconds": seconds,
                "memory": needed,
                "disk": disk,
                "block": block,
                "timed_widths": list(found.widths),
            }
        )
        return
    short = found.widths != described.widths
    memory = "unknown here" if needed is None else f"about {console.size(needed)}"
    lines = [
        f"{draws} networks, {described.arch}, by method {described.method} in {described.dtype}",
        f"time    about {console.duration(seconds)}: {found.seconds:.2g} s a network, timed on this machine now"
        + (f" at widths {found.widths} and scaled by the number of steps" if short else ""),
        f"memory  {memory} beyond what the program takes"
        + (", scaled by the number of neurons" if short else ""),
        f"disk    {console.size(disk)}, in blocks of {block} networks ({console.duration(found.seconds * block)})",
    ]
    console.print_plain("\n".join(lines))


def _facts(described: "Description") -> dict[str, Any]:
    how = {"method": described.method, "dtype": described.dtype}
    return {"architecture": str(described.arch), "widths": list(described.widths), **how}


def _tell(
    described: "Description", wanted: int, told: dict[str, Any], mean: Any, as_json: bool
) -> None:
    """Say what was drawn: how many, and the mean output with its standard error; status 130 if it was interrupted."""
    if as_json:
        estimated = mean and {"value": mean.value.tolist(), "stderr": mean.stderr.tolist()}
        console.print_json({**_facts(described), **told, "mean_output": estimated})
    else:
        console.print_plain(
            f"{told['draws']} of {wanted} networks, {described.arch}, written to {told['out']}"
        )
        if mean is not None:
            console.print_plain(f"mean output  {mean.value}\n         +-  {mean.stderr}")
    if not told["complete"]:
        raise typer.Exit(INTERRUPTED)


COMMAND = sample
