"""``hardlimit sample`` with a store: resume, refuse, mend, predict."""

import json

import numpy as np
import pytest

import theory as th
from hardlimit import console

SMOOTH = ("--activation", "hardtanh(1/2)", "--surrogate", "hardtanh(1)", "--width", 4)


@pytest.fixture
def data(tmp_path):
    """Two inputs of unequal norms, as a file."""
    path = tmp_path / "X.npy"
    np.save(path, np.array([[1.0, 0.0], [0.5, 2.0]]))
    return path


@pytest.fixture
def request_of(data, tmp_path):
    """Arguments of a run into ``run.zarr``."""
    return ("sample", data, *SMOOTH, "--out", tmp_path / "run.zarr")


def test_a_run_resumes_to_the_bits_of_an_archive(hardlimit, data, request_of, tmp_path):
    first = hardlimit(*request_of, "--draws", 6, "--block", 4)
    assert "8 of 6 networks" in first.stdout
    second = hardlimit(*request_of, "--draws", 12, "--resume", "--json")
    told = json.loads(second.stdout)
    assert (told["draws"], told["block"], told["complete"]) == (12, 4, True)
    assert "8 networks are in" in second.stderr
    archive = tmp_path / "run.npz"
    plain = json.loads(
        hardlimit("sample", data, *SMOOTH, "--out", archive, "--draws", 12, "--json").stdout
    )
    np.testing.assert_allclose(
        told["mean_output"]["value"], plain["mean_output"]["value"], rtol=1e-12
    )
    store = th.open_store(tmp_path / "run.zarr")
    with np.load(archive) as arrays:
        assert np.array_equal(store.read("outputs"), arrays["outputs"])
        assert np.array_equal(store.ensemble().ntk, arrays["ntk"])


def test_float32_and_conditional_kernels(hardlimit, data, request_of, tmp_path):
    extra = ("--dtype", "float32", "--conditional", "--draws", 6)
    told = json.loads(hardlimit(*request_of, *extra, "--block", 6, "--json").stdout)
    assert told["dtype"] == "float32"
    archive = tmp_path / "run.npz"
    hardlimit("sample", data, *SMOOTH, "--out", archive, *extra)
    found = th.open_store(tmp_path / "run.zarr").ensemble()
    with np.load(archive) as arrays:
        assert arrays["outputs"].dtype == arrays["conditional_ntk"].dtype == np.float32
        assert np.array_equal(found.ntk, arrays["ntk"])
        (means,) = found.conditional_kernels.values()
        assert np.array_equal(means, arrays["conditional_ntk"])
    refused = hardlimit(*request_of, "--resume", status=2).stderr
    assert "conditional: True here, False asked for" in " ".join(refused.replace("│", " ").split())


def test_an_array_of_jobs_fills_one_store(hardlimit, request_of, tmp_path):
    for first in (4, 0):
        hardlimit(*request_of, "--draws", 4, "--first", first, "--block", 4, "--resume")
    assert th.open_store(tmp_path / "run.zarr").finished() == [0, 1]


def test_statistics_alone(hardlimit, request_of, tmp_path):
    told = hardlimit(*request_of, "--draws", 8, "--statistics-only", "--json").stdout
    store = th.open_store(tmp_path / "run.zarr")
    assert not store.keep
    value = json.loads(told)["mean_output"]["value"]
    assert value == store.summary().mean("outputs").value.tolist()


def test_what_is_refused(hardlimit, data, request_of, tmp_path):
    hardlimit(*request_of, "--draws", 4, "--block", 4)

    def refused(*arguments):
        result = hardlimit(*arguments, status=2)
        return " ".join(result.stderr.replace("│", " ").split())

    assert "go on with it by --resume" in refused(*request_of)
    assert "seed: 0 here, 1 asked for" in refused(*request_of, "--resume", "--seed", 1)
    assert "blocks of 4 networks, not 5" in refused(*request_of, "--resume", "--block", 5)
    assert "statistics alone were asked for" in refused(
        *request_of, "--resume", "--statistics-only"
    )
    assert "multiple of 4" in refused(*request_of, "--resume", "--first", 2)
    for option in (("--resume",), ("--block", 4), ("--statistics-only",)):
        out = tmp_path / "no.npz"
        assert "need a store" in refused("sample", data, *SMOOTH, "--out", out, *option)


def test_damage_is_told_and_mended(hardlimit, request_of, tmp_path):
    hardlimit(*request_of, "--draws", 8, "--block", 4)
    (tmp_path / "run.zarr" / "outputs" / "c" / "1" / "0").write_bytes(b"nonsense")
    again = hardlimit(*request_of, "--draws", 8, "--resume")
    assert "Drawing again: outputs of block 1 (networks 4 to 7)" in " ".join(again.stderr.split())
    assert th.open_store(tmp_path / "run.zarr").damaged() == []


def test_interrupted(hardlimit, request_of, tmp_path, monkeypatch):
    from contextlib import contextmanager

    @contextmanager
    def interrupting(_title):
        def report(done, _total):
            if done:
                raise KeyboardInterrupt

        yield report

    with monkeypatch.context() as patched:
        patched.setattr(console, "progress", interrupting)
        told = hardlimit(*request_of, "--draws", 12, "--block", 4, "--json", status=130).stdout
    assert (json.loads(told)["draws"], json.loads(told)["complete"]) == (4, False)
    hardlimit(*request_of, "--draws", 12, "--resume")
    assert th.open_store(tmp_path / "run.zarr").draws == 12


def test_a_dry_run_predicts_and_writes_nothing(hardlimit, request_of, tmp_path):
    words = hardlimit(*request_of, "--draws", 10**6, "--dry-run").stdout
    assert "1000000 networks" in words
    assert "timed on this machine now" in words
    told = json.loads(hardlimit(*request_of, "--draws", 10**6, "--dry-run", "--json").stdout)
    # Two outputs, four covariances, four kernel entries, in eight bytes each.
    assert told["disk"] == 80 * 10**6
    assert told["timed_widths"] == told["widths"] == [4]
    assert told["seconds"] > 0
    assert not (tmp_path / "run.zarr").exists()
    half = hardlimit(
        *request_of,
        "--draws",
        10**6,
        "--dry-run",
        "--json",
        "--dtype",
        "float32",
        "--method",
        "weights",
    )
    assert json.loads(half.stdout)["disk"] == 40 * 10**6


def test_a_forecast_of_the_unaffordable_is_scaled(hardlimit, data):
    """A network of 10^12 weights is predicted from a smaller one, at once."""
    deep = ("--layers", 2, "--width", 10**6, "--method", "weights", "--dry-run")
    words = hardlimit("sample", data, "--activation", "hardtanh(1/2)", *deep).stdout
    assert "scaled by the number of steps" in words


def test_progress_tells_rate_and_time_left(capsys):
    with console.progress("Networks") as report:
        report(0, 10)
        report(5, 10)
    told = capsys.readouterr().err
    assert "Networks 5/10" in told
    assert "/s, " in told
    assert "left" in told


def test_time_left_is_that_of_the_work_of_this_run(capsys, monkeypatch):
    """Half of it was done before: 10 of 100 in 10 s leave 40 s."""
    clock = iter([0.0, 10.0])
    monkeypatch.setattr(console.time, "perf_counter", lambda: next(clock))
    with console.progress("Blocks") as report:
        report(50, 100)
        report(60, 100)
    assert "Blocks 60/100 1/s, 40 s left" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.25, "0.25 s"), (45.0, "45 s"), (600.0, "10 min"), (7300.0, "2 h"), (2e6, "23 days")],
)
def test_durations(seconds, told):
    assert console.duration(seconds) == told


@pytest.mark.parametrize(
    ("count", "told"), [(12.0, "12 B"), (4096.0, "4.1 kB"), (3.2e9, "3.2 GB"), (5e13, "50 TB")]
)
def test_sizes(count, told):
    assert console.size(count) == told
