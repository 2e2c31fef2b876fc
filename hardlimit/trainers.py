"""Every trainer on every bundled set: who takes part, with what settings, and a record that grows and resumes.

A cell is a trainer on a set at a width, over seeds; every seed has its own split of the set. Each trainer has a few
candidate settings, declared here: of these the one that predicts best on a quarter of the training samples, set aside,
at the least width, is trained again on all of them. Test samples are never looked at for that.
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import t as student

from hardlimit import tables
from hardlimit.datasets import BUNDLED, Samples, Split, bundled, stratified
from theory import quantized as qt
from theory.activations import x
from theory.checks import positive_int
from theory.errors import InputError

if TYPE_CHECKING:
    from theory.quantized.estimators import Classifier

Report = Callable[..., None]
Key = tuple[str, str, int]

ADAM = qt.Adam()
TRITS = (-1, 0, 1)
WIDTHS = (16, 64, 256)
EPOCHS = {"iris": 60, "wine": 60, "breast_cancer": 30, "digits": 15}
BATCH = 32
TUNING_SHARE = 0.25
REFERENCE = "full precision"


@dataclass(frozen=True)
class Entrant:
    """A trainer with its candidate settings.

    Parameters
    ----------
    name
        In the table.
    candidates
        Settings that the data set aside chooses from.
    whole
        Whether a step takes all samples: searches and chains compare losses of steps.
    epochs
        Steps of those that take all samples; None: `EPOCHS` passes in batches of `BATCH`.
    """

    name: str
    candidates: tuple[qt.Trainer, ...]
    whole: bool = False
    epochs: int | None = None


def _rates(make: Callable[..., qt.Trainer], *rates: Any, **options: Any) -> tuple[qt.Trainer, ...]:
    return tuple(make(rate, **options) for rate in rates)


def _odd_cubic() -> qt.Transformed:
    """T(p) = (3 p - p^3)/2 after a piecewise linear proximal map: smooth, and fixed at -1, 0 and 1."""
    return qt.Transformed(qt.PiecewiseLinear((-1, 1), 0.1), (3 * x - x**3) / 2)


def _plus_plus(rate: float) -> qt.Trainer:
    pair = _odd_cubic()
    return qt.ProxConnect(pair, pair.backward, rate=rate, direction=ADAM, clip=1.0)


def _walk(start: float, ratio: float = 0.97, **options: Any) -> qt.Trainer:
    return qt.Annealing(qt.Geometric(start, ratio, 1e-4), proposals=20, **options)


def _guided(start: float) -> qt.Trainer:
    return _walk(start, 0.86, uniform=0.5, block=4, rate=3.0)


def _reparameterised(rate: float, on: str = "binary", **options: Any) -> qt.Trainer:
    return qt.LocalReparameterisation(on, rate=rate, sharpness=qt.Geometric(1, 1.003, 6), **options)


LATENT = (0.003, 0.03)

ENTRANTS = (
    Entrant(REFERENCE, _rates(qt.FullPrecision, *LATENT, direction=ADAM)),
    Entrant("post-training", _rates(qt.post_training, *LATENT, direction=ADAM)),
    Entrant("BinaryConnect", _rates(qt.binary_connect, *LATENT, direction=ADAM)),
    Entrant("BinaryConnect, ternary", _rates(qt.binary_connect, *LATENT, levels=TRITS, direction=ADAM)),
    Entrant("ProxQuant", _rates(qt.proxquant, *LATENT, direction=ADAM)),
    Entrant("reverse PC", _rates(qt.reverse_prox_connect, *LATENT, direction=ADAM)),
    Entrant("ProxConnect", _rates(qt.prox_connect, *LATENT, direction=ADAM)),
    Entrant("ProxConnect++, cubic", tuple(_plus_plus(rate) for rate in LATENT)),
    Entrant("AProx, ternary", _rates(qt.aprox, *LATENT, direction=ADAM)),
    Entrant("PARQ, ternary", _rates(qt.parq, *LATENT, steps=300, direction=ADAM)),
    Entrant("BNN", _rates(qt.bnn, *LATENT, direction=ADAM)),
    Entrant("BNN+", _rates(qt.bnn_plus, *LATENT, direction=ADAM)),
    Entrant("BNN++", _rates(qt.bnn_plus_plus, *LATENT, direction=ADAM)),
    Entrant("Bop", tuple(qt.Bop(bar, 0.01) for bar in (1e-5, 1e-4, 1e-3))),
    Entrant("Bop, second order", tuple(qt.Bop(bar, 0.01, 0.001) for bar in (0.01, 0.1, 0.5))),
    Entrant("DST, tanh", _rates(qt.StateTransition, 0.03, 0.3, 3.0)),
    Entrant("DST, linear", _rates(qt.StateTransition, 0.03, 0.3, 3.0, rule=qt.LinearRule())),
    Entrant("DST, tanh, Adam", _rates(qt.StateTransition, 0.001, 0.01, direction=ADAM)),
    Entrant("annealing", (_walk(0.3), _walk(0.03)), True, 200),
    Entrant("annealing, DST proposals", (_guided(0.3), _guided(0.03)), True, 40),
    Entrant("CoNNTrA", (qt.CoNNTrA(restarts=10),), True, 10),
    Entrant("local reparam., binary", _rates(_reparameterised, 0.03, 0.1)),
    Entrant("local reparam., binary, moments", _rates(_reparameterised, 0.03, 0.1, path="moments")),
    Entrant("local reparam., ternary", _rates(_reparameterised, 0.03, 0.1, on="ternary")),
    Entrant(
        "local reparam., ternary, normalised",
        _rates(_reparameterised, 0.03, 0.1, on="ternary", normalise=True),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A trainer on a set at a width, over seeds.

    Parameters
    ----------
    trainer, data, width
        Which.
    candidates
        Number of the settings that the samples set aside chose, by seed.
    accuracy, seconds
        On the test samples, and CPU seconds of training, by seed.
    evaluations
        Forward passes times samples of one run.
    training, inference
        Bits a weight.
    weights
        Number of weights.
    """

    trainer: str
    data: str
    width: int
    candidates: tuple[int, ...]
    accuracy: tuple[float, ...]
    seconds: tuple[float, ...]
    evaluations: int
    training: float
    inference: float
    weights: int

    @property
    def key(self) -> Key:
        """What it is, for a resumed run."""
        return self.trainer, self.data, self.width


def fitted(
    entrant: Entrant, candidate: int, train: Samples, width: int, data: str, seed: int
) -> "Classifier":
    """Train a network of one hidden layer of signs, squared hinge, and return the estimator."""
    from theory.quantized.estimators import Classifier

    model = Classifier(
        entrant.candidates[candidate],
        hidden=(width,),
        epochs=entrant.epochs or EPOCHS[data],
        batch=None if entrant.whole else BATCH,
        seed=seed,
    )
    return model.fit(train.X, train.y)


def chosen(entrant: Entrant, train: Samples, data: str, seed: int) -> int:
    """Return the candidate that is most accurate on a quarter of the training samples; the first of equal ones."""
    if len(entrant.candidates) == 1:
        return 0
    fit, aside = stratified(train.y, TUNING_SHARE, seed)
    part = Samples(train.X[fit], train.y[fit], train.classes)
    scores = [
        fitted(entrant, k, part, WIDTHS[0], data, seed).score(train.X[aside], train.y[aside])
        for k in range(len(entrant.candidates))
    ]
    return int(np.argmax(scores))


def measured(entrant: Entrant, data: str, width: int, candidates: Sequence[int]) -> Cell:
    """Return a cell with one run a seed, by the candidate that was chosen for it."""
    accuracy, seconds, model = [], [], None
    for seed, candidate in enumerate(candidates):
        split: Split = bundled(data, seed)
        start = time.process_time()
        model = fitted(entrant, candidate, split.train, width, data, seed)
        seconds.append(time.process_time() - start)
        accuracy.append(float(model.score(split.test.X, split.test.y)))
    assert model is not None  # there is at least one seed
    bits = model.bits_
    return Cell(
        entrant.name, data, width, tuple(candidates), tuple(accuracy), tuple(seconds), model.evaluations_,
        float(bits.training), float(bits.inference), model.network_.dim,
    )  # fmt: skip


def record(
    path: Path,
    *,
    sets: Sequence[str] = BUNDLED,
    widths: Sequence[int] = WIDTHS,
    trainers: Sequence[str] | None = None,
    seeds: int = 5,
    about: dict[str, object] | None = None,
    progress: Report | None = None,
) -> list[Cell]:
    """Measure what the record at ``path`` does not hold yet, writing it after every cell; return all cells.

    Parameters
    ----------
    path
        A JSON file; one that exists is resumed if it has as many seeds.
    sets, widths, trainers
        What to measure; all trainers by default.
    seeds
        Runs a cell, from seed 0.
    about
        The machine, kept beside the numbers.
    progress
        Called with (cells done, cells, name).

    Raises
    ------
    InputError
        For unknown names, and a record with another number of seeds.
    """
    known = {entrant.name: entrant for entrant in ENTRANTS}
    wanted = list(known) if trainers is None else list(trainers)
    for names, options, what in ((wanted, list(known), "trainer"), (sets, BUNDLED, "set")):
        unknown = [name for name in names if name not in options]
        if unknown:
            shown = "; ".join(options)  # names hold commas
            raise InputError(f"there is no {what} {unknown[0]!r}; there are: {shown}")
    positive_int(seeds, "seeds")
    done = {cell.key: cell for cell in cells(path, seeds)}
    keys = [
        (name, data, positive_int(width, "width"))
        for data in sets
        for width in widths
        for name in wanted
    ]
    rest = [key for key in keys if key not in done]
    picks = {(cell.trainer, cell.data): cell.candidates for cell in done.values()}
    for name, data, width in rest:
        entrant = known[name]
        if (name, data) not in picks:
            picks[name, data] = tuple(
                chosen(entrant, bundled(data, seed).train, data, seed) for seed in range(seeds)
            )
        done[name, data, width] = measured(entrant, data, width, picks[name, data])
        _write(path, list(done.values()), seeds, about or {})
        if progress is not None:
            progress(
                len(keys) - len(rest) + rest.index((name, data, width)) + 1,
                len(keys),
                f"{name}, {data}",
            )
    return ordered(list(done.values()))


def ordered(done: Sequence[Cell]) -> list[Cell]:
    """Return cells by set, width, and order of the trainers."""
    order = {entrant.name: place for place, entrant in enumerate(ENTRANTS)}
    return sorted(done, key=lambda cell: (cell.data, cell.width, order[cell.trainer]))


def cells(path: Path, seeds: int | None = None) -> list[Cell]:
    """Read the cells of a record; none where there is no file."""
    if not path.is_file():
        return []
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        found = [_read(one) for one in kept["cells"]]
        runs = kept["seeds"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is no record of trainers: {error!r}; give another file"
        ) from error
    if seeds is not None and runs != seeds:
        raise InputError(f"{path} has {runs} seeds a cell, not {seeds}; give another file")
    return found


def _read(kept: dict[str, Any]) -> Cell:
    plain: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()
    }
    return Cell(**plain)


def _write(path: Path, done: list[Cell], seeds: int, about: dict[str, object]) -> None:
    """Write the record in one step, a line a cell."""
    rows = ",\n".join(json.dumps(asdict(cell)) for cell in ordered(done))
    text = f'{{"seeds": {seeds}, "machine": {json.dumps(about)}, "cells": [\n{rows}\n]}}\n'
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


HEADER = (
    "data", "width", "trainer", "accuracy", "95 % interval", "bits training", "bits inference", "weights",
    "evaluations", "time / full precision",
)  # fmt: skip


def table(done: Sequence[Cell]) -> list[list[tables.Cell]]:
    """Return a row a cell, by set, width and order of the trainers: mean and interval of the mean over seeds.

    The interval is Student's, half its length; time is the ratio of mean CPU seconds to those of full precision on
    the same set at the same width, None where that was not measured.
    """
    reference = {
        (cell.data, cell.width): np.mean(cell.seconds) for cell in done if cell.trainer == REFERENCE
    }
    rows: list[list[tables.Cell]] = []
    for cell in ordered(done):
        runs, half = len(cell.accuracy), None
        if runs > 1:
            half = float(
                student.ppf(0.975, runs - 1) * np.std(cell.accuracy, ddof=1) / np.sqrt(runs)
            )
        base = reference.get((cell.data, cell.width))
        ratio = None if base is None else float(np.mean(cell.seconds) / base)
        rows.append(
            [
                cell.data, cell.width, cell.trainer, float(np.mean(cell.accuracy)), half, cell.training, cell.inference,
                cell.weights, cell.evaluations, ratio,
            ]
        )  # fmt: skip
    return rows
