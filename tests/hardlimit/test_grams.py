"""Gram matrices block by block: stopped, resumed, mended, refused, in little memory, on a cluster."""

import json
import logging
import subprocess
import sys

import numpy as np
import pytest
import zarr
from typer.testing import CliRunner

import theory as th
from hardlimit.cli import app
from hardlimit.grams import write_gram
from theory.errors import InputError, StoreError

X = np.random.default_rng(0).standard_normal((300, 5))
Y = np.random.default_rng(1).standard_normal((140, 5))
ARCH = th.Architecture(2, th.sign(), th.hardtanh(1), bias_std="1/4")
TRAINING = ("true", "surrogate")
LITTLE = 900_000


class Stopped(Exception):
    """Ends a run in the middle."""


def stop_at(block):
    def progress(done, total):
        if done == block:
            raise Stopped

    return progress


def read(path):
    if path.suffix == ".npy":
        return np.load(path)
    return zarr.open_group(path, mode="r")["kernel"][:]


@pytest.mark.parametrize("name", ["K.zarr", "K.npy"])
@pytest.mark.parametrize("other", [None, Y], ids=["symmetric", "rectangular"])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(name, other, tmp_path):
    plan = th.gram_plan(ARCH, X, other, (TRAINING,))
    path = tmp_path / name
    with pytest.raises(Stopped):
        write_gram(plan, path, memory=LITTLE, progress=stop_at(2))
    with pytest.raises(StoreError, match="--resume"):
        write_gram(plan, path, memory=LITTLE)
    left = write_gram(plan, path, resume=True)
    assert left == sum(1 for _ in plan.spans(128)) - 2
    assert np.array_equal(read(path), th.ntk(ARCH, X, other))
    assert [child.name for child in tmp_path.iterdir()] == [name]


def test_single_precision_is_rounded_once(tmp_path):
    plan = th.gram_plan(ARCH, X, Y, ("nngp",))
    write_gram(plan, tmp_path / "K.npy", dtype="float32")
    found = np.load(tmp_path / "K.npy")
    assert found.dtype == np.float32
    assert np.array_equal(found, th.nngp(ARCH, X, Y).astype(np.float32))


def test_damaged_blocks_are_computed_again(tmp_path):
    plan = th.gram_plan(ARCH, X, None, (TRAINING,))
    path = tmp_path / "K.zarr"
    write_gram(plan, path, memory=LITTLE)
    right = read(path)
    chunk = path / "kernel" / "c" / "1" / "0"
    data = bytearray(chunk.read_bytes())
    data[77] ^= 1
    chunk.write_bytes(data)
    other = zarr.open_group(path)["kernel"]
    other[280, 290] += 1.0
    assert write_gram(plan, path, resume=True) == 2
    assert np.array_equal(read(path), right)
    assert write_gram(plan, path, resume=True) == 0


@pytest.mark.parametrize("name", ["K.zarr", "K.npy"])
def test_another_matrix_is_refused(name, tmp_path):
    path = tmp_path / name
    with pytest.raises(Stopped):
        write_gram(
            th.gram_plan(ARCH, X, None, (TRAINING,)), path, memory=LITTLE, progress=stop_at(1)
        )
    moved = X.copy()
    moved[3, 3] = np.nextafter(moved[3, 3], 2)
    steep = th.Architecture(2, th.sign(), th.hardtanh(2), bias_std="1/4")
    for plan, dtype, what in (
        (th.gram_plan(ARCH, moved, None, (TRAINING,)), "float64", "X"),
        (th.gram_plan(steep, X, None, (TRAINING,)), "float64", "architecture"),
        (th.gram_plan(ARCH, X, None, ("nngp",)), "float64", "kind"),
        (th.gram_plan(ARCH, X, None, (TRAINING,)), "float32", "dtype"),
        (th.gram_plan(ARCH, X, Y, (TRAINING,)), "float64", "Y"),
    ):
        with pytest.raises(StoreError, match=rf"another matrix[^\n]*\n  {what}: "):
            write_gram(plan, path, dtype=dtype, resume=True)


def test_bad_requests(tmp_path):
    plan = th.gram_plan(ARCH, X, None, (TRAINING,))
    (tmp_path / "other.zarr").mkdir()
    for call, error, message in (
        (lambda: write_gram(plan, tmp_path / "K.csv"), InputError, "zarr or .npy"),
        (lambda: write_gram(plan, tmp_path / "K.npy", memory=1000), InputError, "are needed"),
        (lambda: write_gram(plan, tmp_path / "other.zarr", resume=True), StoreError, "no Gram"),
        (lambda: write_gram(th.gram_plan(ARCH, X), tmp_path / "K.npy"), InputError, "2 kinds"),
    ):
        with pytest.raises(error, match=message):
            call()


def test_the_command(tmp_path):
    np.save(tmp_path / "X.npy", X)
    given = ("kernel", tmp_path / "X.npy", "--layers", 2, "--activation", "sign", "--surrogate", "hardtanh(1)",
             "--bias-std", "1/4")  # fmt: skip

    def run(*arguments, status=0):
        result = CliRunner().invoke(app, [str(argument) for argument in (*given, *arguments)])
        assert result.exit_code == status, result.output
        return result

    told = json.loads(run("--out", tmp_path / "K.zarr", "--json").stdout)
    assert told["shape"] == [300, 300]
    run("--out", tmp_path / "K.zarr", "--resume")
    run("--out", tmp_path / "K.npy", "--memory", "0.001", "--dtype", "float32", "--threads", 1)
    run("--out", tmp_path / "plain.npy", "--threads", 2)
    right = th.ntk(ARCH, X)
    assert np.array_equal(read(tmp_path / "K.zarr"), right)
    assert np.array_equal(np.load(tmp_path / "plain.npy"), right)
    assert np.array_equal(np.load(tmp_path / "K.npy"), right.astype(np.float32))
    assert "--resume" in run("--out", tmp_path / "K.zarr", status=2).stderr
    assert "block by block" in " ".join(
        run("--out", tmp_path / "K.csv", "--resume", status=2).stderr.split()
    )


MEASURE = """
import resource, sys
import numpy as np, theory as th
from pathlib import Path
from hardlimit.grams import write_gram
for n in (1500, 4000):
    X = np.random.default_rng(0).standard_normal((n, 4))
    plan = th.gram_plan(th.Architecture(1, th.erf()), X, None, ("nngp",))
    for name in ("K.npy", "K.zarr"):
        path = Path(sys.argv[1]) / f"{n}{name}"
        write_gram(plan, path, dtype="float32", memory=25_000_000, threads=1)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)
"""


@pytest.mark.slow
def test_memory_stays_under_the_cap(tmp_path):
    """Matrices of 64 MB in 25 MB: the process takes no more than that beyond what it takes for small ones."""
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)], check=True, capture_output=True, text=True
    )
    used = [float(line) for line in run.stdout.split()]
    assert used[3] - used[1] <= 25.0 + 10.0


@pytest.mark.slow
def test_workers_of_a_cluster_give_the_same_bits(tmp_path):
    from distributed import Client, LocalCluster

    quiet = {"dashboard_address": None, "silence_logs": logging.CRITICAL}
    plan = th.gram_plan(ARCH, X, None, (TRAINING,))
    with LocalCluster(n_workers=2, threads_per_worker=1, **quiet) as cluster, Client(cluster) as it:
        write_gram(plan, tmp_path / "K.zarr", memory=LITTLE, client=it)
    assert np.array_equal(read(tmp_path / "K.zarr"), th.ntk(ARCH, X))
