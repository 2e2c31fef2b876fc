"""``hardlimit bounds``: every theorem on a network's distance to its limit, beside the distance itself."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hardlimit import console, options, tables
from hardlimit.commands import EVIDENCE

if TYPE_CHECKING:
    from proofs_check.protocol import Outcome
    from theory.bounds import Row, Setting
    from theory.distances import Sandwich

PANEL = EVIDENCE
VIOLATED = 1
DRAWS, DRAWS_ON_THE_GRID = 20_000, 1000
HEADER = (
    "widths", "distance", "bound", "value", "rate", "lower limit", "estimate", "upper limit", "bound / estimate",
    "holds", "source", "fails for want of",
)  # fmt: skip
SUMMARY = (
    "distance", "bound", "networks", "of them informative", "violations", "least bound / lower limit",
    "median bound / estimate",
)  # fmt: skip


def bounds(
    data: Annotated[
        Path | None, typer.Argument(metavar="X", help="Inputs (rows): .npy, .npz or .csv.")
    ] = None,
    widths: Annotated[
        str,
        typer.Option(metavar="N,N,...", help="Widths; 64x256 gives one a hidden layer."),
    ] = "64,256,1024",
    outputs: Annotated[int, typer.Option(help="Outputs of the network.")] = 1,
    draws: Annotated[
        int | None,
        typer.Option(
            help="Networks to draw for each width.",
            show_default=f"{DRAWS}; with --verify {DRAWS_ON_THE_GRID}, fewer where they are large",
        ),
    ] = None,
    confidence: Annotated[
        float, typer.Option(help="Confidence of every limit, bounds with a sampled part included.")
    ] = 0.99,
    seed: options.Seed = 0,
    layers: options.Layers = 1,
    activation: options.Activations = None,
    weight_std: options.WeightStds = None,
    bias_std: options.BiasStds = None,
    weights: options.Weights = None,
    key: options.Key = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Confront every bound with the declared grid instead.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write the table too: all digits as .csv, three as .tex.")
    ] = None,
    jobs: options.Jobs = options.CORES,
    build: options.Build = options.BUILD,
    as_json: options.AsJson = False,
) -> None:
    """Evaluate every bound on the distance of a finite network to its Gaussian limit, and measure it.

    Ratios are bound / measured estimate. Exit status 1 if a bound lies below the lower confidence
    limit of the distance that it bounds. With --verify the family of all limits holds at risk 1e-3; a run that was
    interrupted goes on.

    Example: hardlimit bounds X.npy --layers 2 --activation "hardtanh(1)" --bias-std 0.3 --widths 64,1024
    """
    from hardlimit import files
    from theory.bounds import Setting, evaluate_at
    from theory.errors import InputError

    if out is not None:
        tables.check(out)
    if verify:
        outcome = _verify(draws or DRAWS_ON_THE_GRID, seed, jobs, options.grid_cache(build))
        _report(outcome, out, as_json)
        return
    draws = draws or DRAWS
    if data is None:
        raise InputError("give a file of inputs, or --verify for the declared grid of networks")
    arch = options.architecture(layers, activation, None, weight_std, bias_std, weights)
    inputs = files.read_inputs(data, key)
    found = []
    for sizes in _widths(widths):
        setting = Setting(arch, inputs, sizes, outputs, draws, seed, confidence)
        found.append((sizes, _measure(setting), evaluate_at(setting)))
    if out is not None:
        tables.write(
            out,
            HEADER,
            [_as_cells(sizes, measured, row) for sizes, measured, rows in found for row in rows],
        )
    if as_json:
        described = {
            "architecture": str(arch), "inputs": len(inputs), "outputs": outputs, "draws": draws,
            "seed": seed, "confidence": confidence,
        }  # fmt: skip
        console.print_json({**described, "widths": [_as_data(*one) for one in found]})
    else:
        console.print_plain(f"{arch}, {len(inputs)} inputs, {outputs} outputs, {draws} draws")
        for one in found:
            console.print_plain("\n".join(_as_lines(*one)))
    if any(_violates(row, measured) for _, measured, rows in found for row in rows):
        raise typer.Exit(VIOLATED)


def _verify(draws: int, seed: int, jobs: int, cache: Path) -> "Outcome":
    """Run the protocol on its declared grid."""
    from proofs_check import grid, protocol

    with console.progress("Networks") as report:
        return protocol.run_protocol(
            grid.DECLARED, draws=draws, seed=seed, jobs=jobs, cache_dir=cache, progress=report
        )


def _report(outcome: "Outcome", out: Path | None, as_json: bool) -> None:
    """Show what the grid showed; exit status 1 if a bound is refuted."""
    counts = {
        "networks": outcome.networks,
        "comparisons": len(outcome.comparisons),
        "informative": outcome.informative,
        "tests": outcome.tests,
        "false_alarm": outcome.false_alarm,
    }
    summaries = outcome.by_bound()
    rows: list[list[tables.Cell]] = [
        [
            one.distance,
            one.bound,
            one.comparisons,
            one.informative,
            one.violations,
            one.closest,
            one.typical,
        ]
        for one in summaries
    ]
    if out is not None:
        tables.write(out, SUMMARY, rows)
    violated = [str(one) for one in outcome.violations]
    if as_json:
        console.print_json(
            {**counts, "bounds": [vars(one) for one in summaries], "violations": violated}
        )
    else:
        console.print_plain(", ".join(f"{name} {value}" for name, value in counts.items()))
        console.print_plain(tables.aligned(SUMMARY, rows))
        console.print_plain("\n".join(violated) or "every bound holds at every network")
    if violated:
        raise typer.Exit(VIOLATED)


def _widths(text: str) -> list[int | list[int]]:
    """Read ``64,256`` (equal widths) and ``64x256`` (one a layer)."""
    from theory.errors import InputError

    try:
        found = [[int(part) for part in item.split("x")] for item in text.split(",")]
    except ValueError as error:
        raise InputError(f"--widths must be like 64,256 or 64x32,256x128, got {text!r}") from error
    return [sizes[0] if len(sizes) == 1 else sizes for sizes in found]


def _measure(setting: "Setting") -> "Mapping[str, Sandwich]":
    from theory.distances import distances_to_limit, drawn_to_limit

    arch, x, sizes = setting.arch, setting.x, setting.widths
    if not sizes:
        sampled = (setting.draws, setting.seed, setting.confidence)
        return distances_to_limit(arch, x, sizes, *sampled, setting.outputs)
    return drawn_to_limit(arch, x, sizes, setting.coupling, setting.confidence, setting.outputs)


def _violates(row: "Row", measured: "Mapping[str, Sandwich]") -> bool:
    found = measured.get(row.declared.distance)
    return row.bound is not None and found is not None and row.bound.value < found.lower


def _ratio(row: "Row", measured: "Mapping[str, Sandwich]") -> float | None:
    found = measured.get(row.declared.distance)
    if row.bound is None or found is None or not math.isfinite(row.bound.value):
        return None
    return row.bound.value / found.estimate if found.estimate > 0 else None


def _as_cells(
    sizes: int | list[int], measured: "Mapping[str, Sandwich]", row: "Row"
) -> "list[tables.Cell]":
    """One line of the table: a bound at some widths."""
    declared, found = row.declared, measured.get(row.declared.distance)
    return [
        "x".join(str(n) for n in sizes) if isinstance(sizes, list) else str(sizes),
        declared.distance,
        declared.name,
        row.bound.value if row.bound is not None else None,
        str(declared.rate),
        found.lower if found is not None else None,
        found.estimate if found is not None else None,
        found.upper if found is not None else None,
        _ratio(row, measured),
        None if row.bound is None else not _violates(row, measured),
        declared.source,
        "; ".join(row.reasons),
    ]


def _as_data(
    sizes: int | list[int], measured: "Mapping[str, Sandwich]", rows: "list[Row]"
) -> dict[str, Any]:
    return {
        "widths": sizes,
        "measured": {
            name: {
                "lower": one.lower,
                "estimate": one.estimate,
                "upper": one.upper if math.isfinite(one.upper) else None,
                "lower_by": one.lower_by,
                "estimate_by": one.estimate_by,
                "upper_by": one.upper_by,
            }
            for name, one in measured.items()
        },
        "bounds": [
            {
                "name": row.declared.name,
                "distance": row.declared.distance,
                "rate": str(row.declared.rate),
                "source": row.declared.source,
                "value": row.bound.value if math.isfinite(row.bound.value) else None,
                "ratio": _ratio(row, measured),
                "holds": not _violates(row, measured),
                "hypotheses": list(row.bound.hypotheses),
            }
            for row in rows
            if row.bound is not None
        ],
        "inapplicable": [
            {"name": row.declared.name, "source": row.declared.source, "reasons": list(row.reasons)}
            for row in rows
            if row.bound is None
        ],
    }


def _as_lines(
    sizes: int | list[int], measured: "Mapping[str, Sandwich]", rows: "list[Row]"
) -> list[str]:
    lines = ["", f"width {sizes}"]
    lines += [f"  {name:<10} {one}" for name, one in measured.items()]
    lines.append(f"  {'bound':<32} {'distance':<10} {'value':>10} {'rate':>7} {'ratio':>8}")
    for row in rows:
        if row.bound is None:
            continue
        value = row.bound.value
        shown = f"{value:10.4g}" if math.isfinite(value) else " no const."
        ratio = _ratio(row, measured)
        compared = f"{ratio:8.3g}" if ratio is not None else f"{'-':>8}"
        mark = "  VIOLATED" if _violates(row, measured) else ""
        rate = f"n^{row.declared.rate}"
        lines.append(
            f"  {row.declared.name:<32} {row.declared.distance:<10} {shown} {rate:>7} {compared}{mark}"
        )
    lines.append("  not applicable")
    lines += [
        f"  {row.declared.name:<32} {'; '.join(row.reasons)}" for row in rows if row.bound is None
    ]
    return lines


COMMAND = bounds
