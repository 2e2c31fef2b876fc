"""Trained networks in a store: after Ctrl-C, after a kill, extended, damaged, and what is refused by name."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest
import zarr

from hardlimit import console, training, training_store

RANDOM = np.random.default_rng(11)
X, NEW = RANDOM.normal(size=(5, 2)) * [[0.5], [1], [2], [1], [3]], RANDOM.normal(size=(3, 2))
Y = RANDOM.normal(size=5)
LAW = (
    "--activation",
    "hardtanh(1/2)",
    "--surrogate",
    "hardtanh(1)",
    "--bias-std",
    "1/2",
    "--width",
    8,
)
PLAIN = ("--steps", "0,3,20", "--rate", 0.05)
RESULTS = ("loss", "outputs", "displacement", "neuron_flips", "weight_flips", "kernels")


@pytest.fixture
def given(tmp_path):
    """Arguments of a run on inputs and targets, and three other points."""
    for name, values in (("X", X), ("y", Y), ("new", NEW)):
        np.save(tmp_path / f"{name}.npy", values)
    return ("train", tmp_path / "X.npy", tmp_path / "y.npy", *LAW, "--points", tmp_path / "new.npy")


def archive(path):
    with np.load(path) as arrays:
        return dict(arrays)


def refusal(result):
    return " ".join(result.stderr.replace("│", " ").split())


HARD = ("--rule", "adam", "--rate", 0.01, "--samples", 2, "--steps", "0,3,8", "--dtype", "float32",
        "--weights", "binarized(sign, hardtanh(1))", "--clip", 1, "--jacobians", "surrogate,surrogate")  # fmt: skip


@pytest.fixture
def whole(hardlimit, given, tmp_path):
    """Results of a run that nothing interrupts."""
    hardlimit(*given, *HARD, "--draws", 6, "--out", tmp_path / "whole.npz")
    return archive(tmp_path / "whole.npz")


def kept(path):
    group = zarr.open_group(path, mode="r")
    return {name: group[name][:] for name in RESULTS}


def assert_same(path, whole, count=6):
    found = kept(path)
    for name in RESULTS:
        np.testing.assert_array_equal(found[name][:count], whole[name][:count], err_msg=name)


def in_short_segments(patched):
    """Segments of one step, and a state after each."""
    patched.setattr(training, "PERIOD", 0.0)
    patched.setattr(training, "BLOCK_COST", 0.0)
    patched.setattr(training, "SHARE", np.inf)
    patched.setattr(training_store, "flush", lambda _: None)  # kills are another test


@contextmanager
def interrupting(after):
    """Progress that stops once so many steps are taken."""

    @contextmanager
    def progress(_title):
        def report(done, _total):
            if done >= after:
                raise KeyboardInterrupt

        yield report

    yield progress


@pytest.mark.parametrize("after", [1, 14, 30, 52])
def test_a_store_goes_on_after_ctrl_c(hardlimit, given, whole, tmp_path, monkeypatch, after):
    out = ("--out", tmp_path / "run.zarr")
    with monkeypatch.context() as patched, interrupting(after) as progress:
        patched.setattr(console, "progress", progress)
        in_short_segments(patched)
        told = hardlimit(*given, *HARD, "--draws", 6, "--block", 2, *out, "--json", status=130)
    assert json.loads(told.stdout)["complete"] is False
    told = json.loads(hardlimit(*given, *HARD, "--draws", 6, *out, "--resume", "--json").stdout)
    assert (told["draws"], told["complete"], told["block"]) == (6, True, 2)
    assert_same(tmp_path / "run.zarr", whole)
    assert list((tmp_path / "run.zarr" / "running").glob("*-*")) == []


def test_ctrl_c_saves_what_no_period_has(hardlimit, given, whole, tmp_path, monkeypatch):
    out = tmp_path / "run.zarr"
    with monkeypatch.context() as patched, interrupting(24) as progress:
        patched.setattr(console, "progress", progress)
        patched.setattr(training, "BLOCK_COST", 0.0)
        hardlimit(*given, *HARD, "--draws", 6, "--block", 6, "--out", out, status=130)
    assert [state.name for state in (out / "running").glob("0-*")] == ["0-3"]
    hardlimit(*given, *HARD, "--draws", 6, "--out", out, "--resume")
    assert_same(out, whole)


def test_an_archive_keeps_finished_networks_after_ctrl_c(
    hardlimit, given, whole, tmp_path, monkeypatch
):
    out = tmp_path / "run.npz"
    with monkeypatch.context() as patched, interrupting(3 * 9) as progress:
        patched.setattr(console, "progress", progress)
        in_short_segments(patched)
        told = json.loads(hardlimit(
            *given, *HARD, "--draws", 6, "--out", out, "--threads", 1, "--json", status=130
        ).stdout)  # fmt: skip
    count = told["draws"]
    assert 2 <= count <= 3
    found = archive(out)
    for name in RESULTS:
        np.testing.assert_array_equal(found[name], whole[name][:count])


KILLED = """
import sys
from hardlimit import training
training.PERIOD, training.BLOCK_COST, training.SHARE = 0.0, 0.0, float('inf')
from hardlimit.cli import app
app(sys.argv[1:])
"""


def test_kill_minus_nine(hardlimit, given, tmp_path):
    """A process is killed while it trains; what goes on from its last state has the bits of one that was not."""
    steps = ("--rule", "momentum", "--rate", 0.001, "--steps", "0,5,3000", "--draws", 2)
    out = tmp_path / "run.zarr"
    arguments = [str(a) for a in (*given, *steps, "--out", out, "--block", 2, "--threads", 1)]
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, *arguments],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as process:
        limit = time.monotonic() + 120
        while (
            not (states := list((out / "running").glob("0-*")))
            or max(int(state.name[2:]) for state in states) < 8
        ):
            assert process.poll() is None
            assert time.monotonic() < limit
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    assert zarr.open_group(out)["finished"].shape[0] == 0
    begun = []
    done = training.Training.trained

    def watched(self, times, *arguments, **options):
        begun.append(options["resume"] and options["resume"].step)
        return done(self, times, *arguments, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(training.Training, "trained", watched)
        hardlimit(*given, *steps, "--out", out, "--resume")
    assert begun[0] >= 7
    hardlimit(*given, *steps, "--out", tmp_path / "whole.npz")
    found, right = zarr.open_group(out, mode="r"), archive(tmp_path / "whole.npz")
    for name in ("loss", "outputs", "displacement", "neuron_flips", "weight_flips"):
        np.testing.assert_array_equal(found[name][:], right[name], err_msg=name)


def test_draws_are_added_also_within_a_block(hardlimit, given, whole, tmp_path):
    out = ("--out", tmp_path / "run.zarr")
    hardlimit(*given, *HARD, "--draws", 3, "--block", 4, *out)
    assert np.isnan(kept(tmp_path / "run.zarr")["loss"][3]).all()
    again = hardlimit(*given, *HARD, "--draws", 6, *out, "--resume")
    assert "3 of these networks are in" in again.stderr
    assert_same(tmp_path / "run.zarr", whole)
    later = tmp_path / "later.zarr"
    hardlimit(*given, *HARD, "--draws", 2, "--first", 4, "--block", 4, "--out", later)
    np.testing.assert_array_equal(kept(later)["outputs"][4:6], whole["outputs"][4:])


def test_damage_is_trained_again(hardlimit, given, whole, tmp_path):
    out = tmp_path / "run.zarr"
    hardlimit(*given, *HARD, "--draws", 6, "--block", 2, "--out", out)
    chunk = out / "outputs" / "c" / "1" / "0" / "0"
    data = bytearray(chunk.read_bytes())
    data[9] ^= 1
    chunk.write_bytes(data)
    group = zarr.open_group(out)
    group["loss"][5] = 0.0
    told = hardlimit(*given, *HARD, "--draws", 6, "--out", out, "--resume").stderr
    assert "damaged: block 1 (networks 2 to 3)" in told
    assert "damaged: block 2 (networks 4 to 5)" in told
    assert_same(out, whole)


@pytest.mark.parametrize("what", ["parameters", "results", "slots"])
def test_a_damaged_state_is_not_gone_on_with(hardlimit, given, whole, tmp_path, monkeypatch, what):
    out = tmp_path / "run.zarr"
    with monkeypatch.context() as patched, interrupting(40) as progress:
        patched.setattr(console, "progress", progress)
        in_short_segments(patched)
        hardlimit(*given, *HARD, "--draws", 6, "--block", 6, "--out", out, status=130)
    (state,) = (out / "running").glob("0-*")
    group = zarr.open_group(state)
    group[what][1] = 7.0
    hardlimit(*given, *HARD, "--draws", 6, "--out", out, "--resume")
    assert_same(out, whole)


def test_wide_networks_without_their_weights(hardlimit, given, tmp_path):
    wide = ("--layers", 2, "--width", 40, "--method", "low-rank", "--draws", 3)
    arguments = [a for a in given if a not in ("--width", 8)]
    hardlimit(*arguments, *wide, *PLAIN, "--out", tmp_path / "run.npz")
    hardlimit(*arguments, *wide, *PLAIN, "--out", tmp_path / "run.zarr", "--block", 2)
    right = archive(tmp_path / "run.npz")
    group = zarr.open_group(tmp_path / "run.zarr", mode="r")
    for name in ("loss", "outputs", "displacement", "weight_flips"):
        np.testing.assert_array_equal(group[name][:3], right[name])


def test_another_run_is_refused_by_name(hardlimit, given, tmp_path, monkeypatch):
    out = ("--out", tmp_path / "run.zarr")
    hardlimit(*given, *PLAIN, "--draws", 2, *out)

    def refused(*arguments):
        return refusal(hardlimit(*given, *PLAIN, "--draws", 2, *out, *arguments, status=2))

    assert "go on with it by --resume" in refused()
    for changed, told in (
        (("--rate", 0.06), "rule: "),
        (("--seed", 1), "seed: 0 here, 1 asked for"),
        (("--steps", "0,3,21"), "steps: [0, 3, 20] here"),
        (("--loss", "mean"), 'loss: "sum" here, "mean" asked for'),
        (("--dtype", "float32"), "dtype: "),
        (("--jacobians", "true,surrogate"), "jacobians: "),
        (("--weight-std", 2), "architecture: "),
        (("--samples", 2), "samples: 5 here, 2 asked for"),
    ):
        assert told in refused("--resume", *changed)
    assert "blocks of 2 networks, not 3" in refused("--resume", "--block", 3)
    assert "multiple of 2" in refused("--resume", "--first", 1)
    with monkeypatch.context() as patched:
        patched.setattr(training, "VERSION", training.VERSION + 1)
        assert "training: 1 here, 2 asked for" in refused("--resume")
    np.save(tmp_path / "y.npy", np.nextafter(Y, 9))
    assert "y: " in refused("--resume")
    (tmp_path / "other.zarr").mkdir()
    other = hardlimit(*given, *PLAIN, "--out", tmp_path / "other.zarr", "--resume", status=2)
    assert "no store of trained networks" in refusal(other)
