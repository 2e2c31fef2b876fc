"""``hardlimit train``: finite networks, trained, into an archive or a store that lasts, beside their limit."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hardlimit import console, options
from hardlimit.commands import COMPUTE
from theory.errors import InputError, StoreError

if TYPE_CHECKING:
    from hardlimit.training import Training
    from hardlimit.training_limit import Limit, Moments
    from theory.networks import SGD, Adam

PANEL = COMPUTE
INTERRUPTED = 130
MOMENTUM = 0.9
_STORE = "Long runs (--out NAME.zarr)"
_LESSON = "Training"


class Rule(StrEnum):
    """How parameters follow gradients."""

    SGD = "sgd"
    MOMENTUM = "momentum"
    ADAM = "adam"


class Loss(StrEnum):
    """Half the squared residuals of a step: their sum, or their mean."""

    SUM = "sum"
    MEAN = "mean"


class Parametrisation(StrEnum):
    """Which coordinates are trained."""

    NTK = "ntk"
    STANDARD = "standard"


class Method(StrEnum):
    """Whether weights between hidden layers are stored."""

    AUTO = "auto"
    WEIGHTS = "weights"
    LOW_RANK = "low-rank"


def train(
    data: Annotated[Path, typer.Argument(metavar="X", help="Inputs (rows): .npy, .npz or .csv.")],
    targets: Annotated[
        Path, typer.Argument(metavar="Y", help="Targets, one an input: .npy, .npz or .csv.")
    ],
    out: Annotated[
        Path, typer.Option(help="Where results go: an .npz, or a .zarr store for long runs.")
    ] = Path("trained.npz"),
    rate: Annotated[
        float | None, typer.Option(help="Learning rate; needed.", rich_help_panel=_LESSON)
    ] = None,
    steps: Annotated[
        str,
        typer.Option(
            metavar="N,N,...",
            help="Steps after which networks are recorded; 0 is the start.",
            rich_help_panel=_LESSON,
        ),
    ] = "0,10,100",
    rule: Annotated[Rule, typer.Option(help="Update rule.", rich_help_panel=_LESSON)] = Rule.SGD,
    momentum: Annotated[
        float | None,
        typer.Option(
            help="Of --rule momentum.", show_default=str(MOMENTUM), rich_help_panel=_LESSON
        ),
    ] = None,
    loss: Annotated[
        Loss,
        typer.Option(help="Half the sum of squares, or half their mean.", rich_help_panel=_LESSON),
    ] = Loss.SUM,
    samples: Annotated[
        int | None, typer.Option(help="Samples a step; all unless given.", rich_help_panel=_LESSON)
    ] = None,
    parametrisation: Annotated[
        Parametrisation, typer.Option(help="Coordinates.", rich_help_panel=_LESSON)
    ] = Parametrisation.NTK,
    clip: Annotated[
        float | None,
        typer.Option(help="Bound of binarized latent weights.", rich_help_panel=_LESSON),
    ] = None,
    points: Annotated[
        Path | None,
        typer.Option(help="Inputs where networks are recorded; X if absent."),
    ] = None,
    jacobians: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROWS,COLUMNS",
            help="Record this empirical kernel too, such as true,surrogate; repeat it for more.",
        ),
    ] = None,
    width: options.Width = None,
    draws: Annotated[int, typer.Option(help="Networks to train.")] = 100,
    first: Annotated[
        int, typer.Option(help="Number of the first network: go on from an earlier run.")
    ] = 0,
    seed: options.Seed = 0,
    threads: Annotated[int | None, typer.Option(help="Threads; no bit depends on them.")] = None,
    method: Annotated[
        Method, typer.Option(help="Store the weights between hidden layers, or not.")
    ] = Method.WEIGHTS,
    dtype: Annotated[
        options.DType, typer.Option(help="Arithmetic of a step; records are float64.")
    ] = options.DType.FLOAT64,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Predict time, memory and disk space; train nothing.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the store, made if absent, from the last states in it.",
            rich_help_panel=_STORE,
        ),
    ] = False,
    block: Annotated[
        int | None,
        typer.Option(help="Networks a block, trained together.", rich_help_panel=_STORE),
    ] = None,
    layers: options.Layers = 1,
    activation: options.Activations = None,
    surrogate: options.Surrogates = None,
    weight_std: options.WeightStds = None,
    bias_std: options.BiasStds = None,
    weights: options.Weights = None,
    key: options.Key = None,
    target_key: Annotated[
        str | None, typer.Option(help="Which array of an .npz of targets.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Train networks, forward by the activation and backward by the surrogate, and compare them with their limit.

    Ctrl-C keeps the networks that are finished. An .npz goes on by --first; a .zarr store, which also survives a kill
    and keeps the state of networks in training, by --resume.

    Example: hardlimit train X.npy y.npy --activation sign --surrogate "hardtanh(1)" --width 1024 --rate 0.05
    """
    from hardlimit import files

    files.check_suffix(out, (".npz", ".zarr"))
    lasting = out.suffix == ".zarr"
    if not lasting and (resume or block is not None):
        raise InputError(f"--resume and --block need a store, --out NAME.zarr, not {out}")
    arch = options.architecture(layers, activation, surrogate, weight_std, bias_std, weights)
    pairs = [options.pair(text) for text in jacobians or ()]
    update, times = _rule(rule, rate, momentum), _steps(steps)
    inputs, y = files.read_inputs(data, key), files.read_targets(targets, target_key)
    looks = None if points is None else files.read_inputs(points, key)

    from hardlimit.training import Training
    from theory.checks import non_negative_int, positive_int

    widths = width or [256]
    training = Training.of(
        arch, inputs, y, widths[0] if len(widths) == 1 else widths, times, update, seed,
        points=looks, jacobians=pairs, loss=loss.value, samples=samples,
        parametrisation=parametrisation.value, clip=clip, method=method.value, dtype=dtype.value,
    )  # fmt: skip
    positive_int(draws, "draws")
    non_negative_int(first, "first")
    for name, value in (("threads", threads), ("block", block)):
        if value is not None:
            positive_int(value, name)
    if dry_run:
        _predict(training, draws, threads, block, as_json, held=0 if lasting else draws)
        return
    if lasting and out.exists() and not resume:
        raise InputError(f"{out} is there already; go on with it by --resume, or name another")
    into = _into_store if lasting else _into_archive
    told, found = into(training, draws, first, threads, out, block)
    _tell(training, first + draws, told, found, as_json)
    if not told["complete"]:
        raise typer.Exit(INTERRUPTED)


def _rule(rule: Rule, rate: float | None, momentum: float | None) -> "SGD | Adam":
    from theory.networks import SGD, Adam

    if rate is None:
        raise InputError(
            "--rate is needed, such as --rate 0.1; th.dynamics.stability(kernel).rate_limit is where descent diverges"
        )
    if momentum is not None and rule is not Rule.MOMENTUM:
        raise InputError(f"--momentum is for --rule momentum, not {rule.value}; leave it out")
    if rule is Rule.ADAM:
        return Adam(rate)
    if rule is Rule.SGD:
        return SGD(rate)
    return SGD(rate, MOMENTUM if momentum is None else momentum)


def _steps(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise InputError(f"--steps must be integers such as 0,10,100, got {text!r}") from error


def _into_archive(
    training: "Training", draws: int, first: int, threads: int | None, out: Path, _: int | None
) -> "tuple[dict[str, Any], dict[str, Moments]]":
    import numpy as np

    from hardlimit import files
    from hardlimit.training import Part, Runner, block_size
    from hardlimit.training_limit import moments
    from theory.checks import threads as processors

    size = block_size(training, processors(threads))
    spans = [
        (start, min(size, first + draws - start)) for start in range(first, first + draws, size)
    ]
    parts: list[Part] = []
    with console.progress("Steps") as report:
        runner = Runner(training, threads, lambda _: None, report)
        begun = (Part.begin(training, *span) for span in spans)
        parts.extend(runner.run(begun, draws))
    done = sum(part.draws for part in parts)
    kept = {
        name: np.concatenate([part.arrays[name] for part in parts] or [np.empty((0, *shape))])
        for name, shape in training.shapes.items()
    }
    facts = {"X": training.X, "y": training.y, "steps": np.array(training.steps)}
    points = training.X if training.points is None else training.points
    about = {"points": points, "seed": training.seed, "first": first}
    files.write_arrays(out, {**kept, **facts, **about})
    told = {"draws": done, "complete": done == draws, "out": str(out)}
    return told, moments([kept] if done else [])


def _into_store(
    training: "Training",
    draws: int,
    first: int,
    threads: int | None,
    out: Path,
    block: int | None,
) -> "tuple[dict[str, Any], dict[str, Moments]]":
    from hardlimit.training import Runner, block_size
    from hardlimit.training_limit import MEASURED, moments
    from hardlimit.training_store import TrainingStore
    from theory.checks import threads as processors

    size = block or min(block_size(training, processors(threads)), draws)
    store = TrainingStore(out, training, size)
    if block not in (None, store.block):
        raise StoreError(f"{out} has blocks of {store.block} networks, not {block}; leave it out")
    for line in store.damaged():
        console.notice(f"Training again what is damaged: {line}")
    spans = store.missing(first, draws)
    left = sum(count for _, count in spans)
    if left < draws:
        console.notice(f"{draws - left} of these networks are in {out} already.")
    done = 0
    with console.progress("Steps") as report:
        runner = Runner(training, threads, store.save, report)
        for part in runner.run((store.part(*span) for span in spans), left):
            store.commit(part)
            done += part.draws
    found = moments(store.pieces([name for name in MEASURED if name in training.shapes]))
    counted = found["loss"].count if found else 0
    told = {"draws": counted, "block": store.block, "complete": done == left, "out": str(out)}
    return told, found


def _predict(
    training: "Training",
    draws: int,
    threads: int | None,
    block: int | None,
    as_json: bool,
    *,
    held: int,
) -> None:
    """Say what a run would cost, with the results of ``held`` networks in memory to the end."""
    from hardlimit.forecast import forecast_training
    from hardlimit.training import block_size
    from theory.checks import threads as processors

    found = forecast_training(training, threads)
    size = block or min(block_size(training, processors(threads)), draws)
    seconds, disk = found.seconds * draws, training.result_bytes * draws
    states = training.state_bytes * min(size, draws)
    assert found.memory is not None
    memory = found.memory + 2 * states + training.result_bytes * max(held, size)
    if as_json:
        console.print_json(
            {
                **_facts(training), "draws": draws, "seconds": seconds, "memory": memory,
                "disk": disk, "states": states, "block": size, "timed_widths": list(found.widths),
            }
        )  # fmt: skip
        return
    scaled = "" if found.widths == training.widths else f" at widths {found.widths}, and scaled"
    lines = [
        f"{draws} networks, {training.arch}, {training.steps[-1]} steps, method {training.method}, {training.dtype}",
        f"time    about {console.duration(seconds)}: {found.seconds:.2g} s a network, timed on this machine{scaled}",
        f"memory  about {console.size(memory)} beyond what the program takes",
        f"disk    {console.size(disk)}; in a store also {console.size(states)} for the states of a block of {size}",
    ]
    console.print_plain("\n".join(lines))


def _facts(training: "Training") -> dict[str, Any]:
    return {
        "architecture": str(training.arch),
        "widths": list(training.widths),
        "method": training.method,
        "dtype": training.dtype,
        "rule": str(training.rule),
        "steps": list(training.steps),
    }


def _tell(
    training: "Training",
    wanted: int,
    told: dict[str, Any],
    found: "dict[str, Moments]",
    as_json: bool,
) -> None:
    """Say what was trained, and what the limit says beside it."""
    from hardlimit.training_limit import limit_of, table_of_points, table_of_times

    limit: Limit | str = "no network is finished"
    if found:
        with console.warnings_as_notices():
            limit = limit_of(training)
    if as_json:
        measured = {
            name: {key: _listed(getattr(one, key)) for key in ("mean", "std", "stderr")}
            for name, one in found.items()
        }
        beside = (
            {"why": limit}
            if isinstance(limit, str)
            else {name: _listed(values) for name, values in vars(limit).items()}
        )
        lost = found["outputs"].lost if found else 0
        console.print_json(
            {**_facts(training), **told, "left_float64": lost, **measured, "limit": beside}
        )
        return
    console.print_plain(
        f"{told['draws']} of {wanted} networks, {training.arch}, written to {told['out']}"
    )
    if found:
        known = None if isinstance(limit, str) else limit
        for table in (table_of_times, table_of_points):
            console.print_plain(f"\n{table(training, found, known)}")
        if lost := found["outputs"].lost:
            console.print_plain(
                f"\n{lost} of {told['draws']} networks left float64: take a smaller --rate"
            )
    if isinstance(limit, str):
        console.print_plain(f"\nNo limit beside it: {limit}")


def _listed(values: Any) -> Any:
    """Nested lists of numbers; what left float64 is null."""
    import numpy as np

    if values is None:
        return None
    if np.ndim(values):
        return [_listed(value) for value in values]
    return float(values) if np.isfinite(values) else None


COMMAND = train
