"""``hardlimit bounds``: every theorem on a network's distance to its limit, beside the distance itself."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hardlimit import console, options
from hardlimit.commands import EVIDENCE

if TYPE_CHECKING:
    from theory.bounds import Row
    from theory.distances import Sandwich

PANEL = EVIDENCE
VIOLATED = 1


def bounds(
    data: Annotated[
        Path | None, typer.Argument(metavar="X", help="Inputs (rows): .npy, .npz or .csv.")
    ] = None,
    widths: Annotated[
        str,
        typer.Option(metavar="N,N,...", help="Widths; 64x256 gives one a hidden layer."),
    ] = "64,256,1024",
    outputs: Annotated[int, typer.Option(help="Outputs of the network.")] = 1,
    draws: Annotated[int, typer.Option(help="Networks to draw for each width.")] = 20_000,
    confidence: Annotated[
        float, typer.Option(help="Confidence of every limit, bounds with a sampled part included.")
    ] = 0.99,
    seed: options.Seed = 0,
    layers: options.Layers = 1,
    activation: options.Activations = None,
    weight_std: options.WeightStds = None,
    bias_std: options.BiasStds = None,
    weights: options.Weights = None,
    key: Annotated[str | None, typer.Option(help="Which array of an .npz.")] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Confront every bound with the declared grid instead.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Evaluate every bound on the distance of a finite network to its Gaussian limit, and measure it.

    Ratios are bound / measured estimate. Exit status 1 if a bound lies below the lower confidence
    limit of the distance that it bounds. With --verify the family of all limits holds at risk 1e-3.

    Example: hardlimit bounds X.npy --layers 2 --activation "hardtanh(1)" --bias-std 0.3 --widths 64,1024
    """
    from hardlimit import files
    from theory.bounds import evaluate
    from theory.errors import InputError

    if verify:
        _verify(draws, seed, as_json)
        return
    if data is None:
        raise InputError("give a file of inputs, or --verify for the declared grid of networks")
    arch = options.architecture(layers, activation, None, weight_std, bias_std, weights)
    inputs = files.read_inputs(data, key)
    tables = []
    for sizes in _widths(widths):
        measured = _measure(arch, inputs, sizes, outputs, (draws, seed, confidence))
        rows = evaluate(arch, inputs, sizes, outputs, draws=draws, seed=seed, confidence=confidence)
        tables.append((sizes, measured, rows))
    violated = [row for _, measured, rows in tables for row in rows if _violates(row, measured)]
    if as_json:
        described = {
            "architecture": str(arch), "inputs": len(inputs), "outputs": outputs, "draws": draws,
            "seed": seed, "confidence": confidence,
        }  # fmt: skip
        console.print_json({**described, "widths": [_as_data(*one) for one in tables]})
    else:
        console.print_plain(f"{arch}, {len(inputs)} inputs, {outputs} outputs, {draws} draws")
        for one in tables:
            console.print_plain("\n".join(_as_lines(*one)))
    if violated:
        raise typer.Exit(VIOLATED)


def _verify(draws: int, seed: int, as_json: bool) -> None:
    """Run the protocol on its declared grid."""
    from proofs_check.protocol import DECLARED, run_protocol

    with console.progress("Networks") as report:
        outcome = run_protocol(DECLARED, draws=draws, seed=seed, progress=report)
    violated = [str(one) for one in outcome.violations]
    counts = {
        "networks": len(DECLARED.networks()),
        "comparisons": len(outcome.comparisons),
        "informative": outcome.informative,
        "tests": outcome.tests,
        "false_alarm": outcome.false_alarm,
    }
    if as_json:
        console.print_json({**counts, "draws": draws, "seed": seed, "violations": violated})
    else:
        console.print_plain(", ".join(f"{name} {value}" for name, value in counts.items()))
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


def _measure(
    arch: Any, inputs: Any, sizes: int | list[int], outputs: int, sampled: tuple[int, int, float]
) -> "Mapping[str, Sandwich]":
    from theory.distances import distances_to_limit, outputs_to_limit
    from theory.kernels import gaussian

    if arch.weight_laws[-1] == gaussian():
        return distances_to_limit(arch, inputs, sizes, *sampled, outputs)
    return outputs_to_limit(arch, inputs, sizes, *sampled)


def _violates(row: "Row", measured: "Mapping[str, Sandwich]") -> bool:
    found = measured.get(row.declared.distance)
    return row.bound is not None and found is not None and row.bound.value < found.lower


def _ratio(row: "Row", measured: "Mapping[str, Sandwich]") -> float | None:
    found = measured.get(row.declared.distance)
    if row.bound is None or found is None or not math.isfinite(row.bound.value):
        return None
    return row.bound.value / found.estimate if found.estimate > 0 else None


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
