"""Blocks on a Dask cluster: the bits of a local run, also when a worker is killed."""

import logging
import os
import signal

import numpy as np
import pytest

import theory as th
from theory.errors import InputError

X = np.array([[1.0, 0.5], [0.2, -2.0]])
ARCH = th.Architecture(1, th.hardtanh("1/2"), th.hardtanh(1))
ASKED = th.Description.of(ARCH, X, 3, seed=7, method="weights")


@pytest.fixture(scope="module")
def client():
    """Two processes; the client is closed before the cluster, and its farewells are not heard."""
    from distributed import Client, LocalCluster

    quiet = {"dashboard_address": None, "silence_logs": logging.CRITICAL}
    with LocalCluster(n_workers=2, threads_per_worker=1, **quiet) as cluster, Client(cluster) as it:
        yield it


@pytest.mark.slow
def test_a_killed_worker_costs_time_and_no_result(client, tmp_path):
    """One of two workers dies in the middle; the store and the statistics have the bits of a local run."""
    pids = client.run(os.getpid)
    killed = []

    def kill(done, total):
        if done >= 40 and not killed:
            killed.append(next(iter(pids.values())))
            os.kill(killed[0], signal.SIGKILL)

    store = th.open_store(tmp_path / "run.zarr", ASKED, block=4)
    far = th.run_ensemble(ASKED, 160, store=store, client=client, progress=kill)
    assert killed
    assert far.to_bytes() == th.run_ensemble(ASKED, 160).to_bytes()
    whole = th.sample_networks(ARCH, X, 3, 160, seed=7, method="weights")
    assert np.array_equal(store.ensemble().ntk, whole.ntk)
    assert np.array_equal(store.read("outputs"), whole.outputs)


@pytest.mark.slow
def test_without_a_store(client):
    far = th.run_ensemble(ASKED, 50, client=client, block=7)
    assert far.to_bytes() == th.run_ensemble(ASKED, 50).to_bytes()


@pytest.mark.slow
def test_conditional_kernels_in_float32(client):
    asked = th.Description.of(ARCH, X, 3, seed=7, conditional=True, dtype="float32")
    far = th.run_ensemble(asked, 50, client=client, block=7)
    assert far.to_bytes() == th.run_ensemble(asked, 50).to_bytes()


def test_something_else_is_refused():
    with pytest.raises(InputError, match="client must be a Dask client"):
        th.run_ensemble(ASKED, 4, client="tcp://localhost:8786")
