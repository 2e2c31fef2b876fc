"""``hardlimit bounds``: a table, JSON, and an exit status that means something."""

import csv
import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

import theory as th
from hardlimit.cli import app
from hardlimit.commands import bounds as command
from proofs_check import grid
from theory.distances import Sandwich

NETWORK = ("--activation", "hardtanh(1)", "--bias-std", "0.3", "--draws", "200")


@pytest.fixture
def run(tmp_path):
    path = tmp_path / "X.npy"
    np.save(path, np.array([[1.0, 0.5]]))

    def invoke(*arguments, status=0):
        result = CliRunner().invoke(app, ["bounds", str(path), *arguments])
        assert result.exit_code == status, result.output
        return result

    return invoke


def test_the_table_names_values_and_failing_hypotheses(run):
    shown = run(*NETWORK, "--widths", "64").stdout
    assert "basteri_trevisan " in shown
    assert "n^-1/2" in shown
    assert "hardtanh(1) is not twice continuously differentiable" in shown


def test_json_holds_what_the_table_shows(run):
    found = json.loads(run(*NETWORK, "--layers", "2", "--widths", "8x16,32", "--json").stdout)
    assert [one["widths"] for one in found["widths"]] == [[8, 16], 32]
    for one in found["widths"]:
        assert {"W1", "W2", "TV"} <= set(one["measured"])
        assert all(bound["holds"] for bound in one["bounds"])
        assert all(row["reasons"] for row in one["inapplicable"])


def test_binary_readout_is_measured_from_outputs(run):
    weights = ("--weights", "gaussian", "--weights", "rademacher")
    found = json.loads(
        run("--activation", "sign", *weights, "--widths", "9", "--draws", "200", "--json").stdout
    )
    assert any(bound["name"] == "hipp_mattner" for bound in found["widths"][0]["bounds"])


def test_a_violated_bound_is_shown_and_changes_the_exit_status(run, monkeypatch):
    false = Sandwich(9.0, math.inf, 9.0, 0.99, "", "", "")
    monkeypatch.setattr(command, "_measure", lambda *_: {"W2": false})
    assert "VIOLATED" in run(*NETWORK, "--widths", "64", status=1).stdout


def test_bad_widths_are_refused(run):
    assert "--widths" in run(*NETWORK, "--widths", "wide", status=2).output


def test_the_protocol_runs_from_the_command_and_goes_on(run, monkeypatch, tmp_path):
    """A second run reads every cell, and shows the same."""
    small = grid.Grid({"sign": th.sign()}, (1,), (8,), ("one input",), grid.ALL_LAWS)
    monkeypatch.setattr(grid, "DECLARED", small)
    build = ["--build", str(tmp_path / "build"), "--jobs", "1", "--draws", "64"]
    first = CliRunner().invoke(app, ["bounds", "--verify", "--json", *build])
    assert first.exit_code == 0, first.output
    shown = json.loads(first.stdout)
    assert shown["networks"] == 3
    assert {one["bound"] for one in shown["bounds"]} >= {"hipp_mattner", "skorokhod"}
    monkeypatch.setattr("proofs_check.protocol.confront", None)
    table = tmp_path / "table.csv"
    again = CliRunner().invoke(app, ["bounds", "--verify", "--json", *build, "--out", str(table)])
    assert json.loads(again.stdout) == shown
    assert len(table.read_text().splitlines()) == 1 + len(shown["bounds"])
    assert CliRunner().invoke(app, ["bounds"]).exit_code == 2


def test_tables_as_csv_and_latex(run, tmp_path):
    paths = [tmp_path / "t.csv", tmp_path / "t.tex"]
    for path in paths:
        run(*NETWORK, "--widths", "64", "--out", str(path))
    with paths[0].open() as file:
        rows = list(csv.DictReader(file))
    assert {row["bound"] for row in rows} == {
        name
        for name, one in th.bounds.catalogue().items()
        if isinstance(one, th.bounds.NetworkBound)
    }
    for row in rows:
        assert bool(row["value"]) != bool(row["fails for want of"])
        assert row["holds"] in {"True", ""}
    exact = th.bounds.basteri_trevisan(
        th.Architecture(1, th.hardtanh(1), bias_std="0.3"), [[1.0, 0.5]], 64
    )
    (value,) = (row["value"] for row in rows if row["bound"] == "basteri_trevisan")
    assert float(value) == pytest.approx(exact.value, rel=1e-12)
    latex = paths[1].read_text()
    assert latex.startswith("\\begin{tabular}{l")
    assert r"basteri\_trevisan & " in latex
    assert latex.count(r"\\") == 1 + len(rows)
    assert "--out" in run(*NETWORK, "--out", str(tmp_path / "t.pdf"), status=2).output
