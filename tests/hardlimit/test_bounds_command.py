"""``hardlimit bounds``: a table, JSON, and an exit status that means something."""

import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

import theory as th
from hardlimit.cli import app
from hardlimit.commands import bounds as command
from proofs_check import protocol
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


def test_the_protocol_runs_from_the_command(run, monkeypatch):
    small = protocol.Grid({"sign": th.sign()}, (1,), (8,), ("one input",), protocol.ALL_LAWS)
    monkeypatch.setattr(protocol, "DECLARED", small)
    result = CliRunner().invoke(app, ["bounds", "--verify", "--draws", "64", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["networks"] == 3
    assert CliRunner().invoke(app, ["bounds"]).exit_code == 2
