"""The table of all trainers: every entrant runs, the record resumes, and the table says what was measured."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from hardlimit import trainers
from hardlimit.cli import app
from hardlimit.datasets import Samples, bundled
from hardlimit.trainers import ENTRANTS, HEADER, Cell, cells, chosen, fitted, record, table
from theory.errors import InputError

NAMES = [entrant.name for entrant in ENTRANTS]
FAST = ["full precision", "BNN", "DST, tanh"]


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(trainers, "EPOCHS", dict.fromkeys(trainers.EPOCHS, 2))


def test_names_are_different_and_every_candidate_trains():
    assert len(set(NAMES)) == len(NAMES)
    train = bundled("iris").train
    few = Samples(train.X[::5], train.y[::5], train.classes)
    for entrant in ENTRANTS:
        for k in range(len(entrant.candidates)):
            short = trainers.Entrant(
                entrant.name, entrant.candidates, entrant.whole, 1 if entrant.whole else None
            )
            model = fitted(short, k, few, 3, "iris", 0)
            assert model.weights_.shape == (model.network_.dim,)
            levels = len(np.unique(model.weights_))
            if entrant.name != "full precision":
                assert levels <= 2**model.bits_.inference, entrant.name


def test_the_choice_is_the_best_on_samples_set_aside():
    train = bundled("iris").train
    poor, good = trainers.qt.FullPrecision(1e-9), trainers.qt.FullPrecision(0.03, trainers.ADAM)
    entrant = trainers.Entrant("two", (poor, good), False, 20)
    assert chosen(entrant, train, "iris", 0) == 1
    assert chosen(trainers.Entrant("one", (poor,)), train, "iris", 0) == 0


def test_a_record_grows_resumes_and_refuses_what_it_does_not_know(tmp_path, monkeypatch):
    path = tmp_path / "record.json"
    first = record(path, sets=["iris"], widths=[3], trainers=FAST[:2], seeds=2)
    assert [cell.key for cell in first] == [(name, "iris", 3) for name in FAST[:2]]
    calls = []
    original = trainers.measured
    monkeypatch.setattr(
        trainers, "measured", lambda *given: calls.append(given) or original(*given)
    )
    again = record(
        path, sets=["iris"], widths=[3], trainers=FAST, seeds=2, about={"processor": "one"}
    )
    assert len(calls) == 1
    assert again[:2] == first
    assert cells(path) == again
    assert json.loads(path.read_text())["machine"] == {"processor": "one"}
    for given, text in (
        ({"sets": ["mnist"]}, "no set 'mnist'"),
        ({"trainers": ["SGD"]}, "no trainer 'SGD'"),
        ({"seeds": 3}, "has 2 seeds a cell, not 3"),
    ):
        with pytest.raises(InputError, match=text):
            record(path, **given)
    path.write_text("[]")
    with pytest.raises(InputError, match="is no record of trainers"):
        cells(path)


def test_the_table_holds_means_intervals_and_ratios():
    common = {"data": "iris", "width": 3, "candidates": (0, 0), "evaluations": 7, "weights": 9}
    done = [
        Cell("BNN", accuracy=(0.5, 0.7), seconds=(3.0, 5.0), training=32, inference=1, **common),
        Cell(
            "full precision",
            accuracy=(1.0, 1.0),
            seconds=(2.0, 2.0),
            training=96,
            inference=32,
            **common,
        ),
    ]
    rows = table(done)
    assert [row[2] for row in rows] == ["full precision", "BNN"]
    found = dict(zip(HEADER, rows[1], strict=True))
    # Student's quantile for one degree of freedom is 12.706.
    assert found["accuracy"] == pytest.approx(0.6)
    assert found["95 % interval"] == pytest.approx(12.706 * 0.1, rel=1e-4)
    assert found["time / full precision"] == pytest.approx(2.0)
    assert table(done[:1])[0][-1] is None


def test_the_command_trains_shows_and_writes(tmp_path):
    options = [
        "--data",
        "iris",
        "--widths",
        "3",
        "--seeds",
        "2",
        "--record",
        str(tmp_path / "record.json"),
    ]
    chosen_ones = [part for name in FAST for part in ("--trainer", name)]
    run = CliRunner().invoke(
        app, ["quantized", *options, *chosen_ones, "--out", str(tmp_path / "t.csv"), "--json"]
    )
    assert run.exit_code == 0, run.output
    assert [row["trainer"] for row in json.loads(run.stdout)["cells"]] == FAST
    assert (
        (tmp_path / "t.csv").read_text().splitlines()[0].startswith("data,width,trainer,accuracy")
    )
    shown = CliRunner().invoke(app, ["quantized", *options, *chosen_ones])
    assert "full precision" in shown.stdout
    listed = CliRunner().invoke(app, ["quantized", "--list"])
    assert listed.stdout.splitlines() == NAMES
    assert CliRunner().invoke(app, ["quantized", *options, "--widths", "x"]).exit_code != 0
