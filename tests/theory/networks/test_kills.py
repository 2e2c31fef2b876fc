"""Processes are killed while they write, at random moments: the store loses at most the block that was running."""

import os
import random
import select
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import theory as th

# Imports once, then forks a child for each line of its input: the child appends to the store named there, and writes a
# dot whenever a block is finished. Nothing is compiled and no thread is started before the fork.
PROGRAM = """
import os, sys
import numpy as np
import zarr
import theory as th

X = np.array([[1.0, 0.5], [0.2, -2.0]])
arch = th.Architecture(1, th.hardtanh("1/2"), th.hardtanh(1))
asked = th.Description.of(arch, X, 3, seed=7, method="weights")
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        store = th.open_store(line.strip(), asked)
        th.run_ensemble(asked, 4000, store=store, threads=1, progress=lambda *_: os.write(1, b"."))
        os._exit(0)
    os.write(1, f"{child}\\n".encode())
    os.waitpid(child, 0)
    os.write(1, b"gone\\n")
"""
KILLS = 6
BLOCK = 4


@pytest.fixture
def server():
    """The process that forks writers."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield process
        process.stdin.close()


def heard(server, seconds):
    """Return what the server says within a time, or until a child is gone."""
    text, end = b"", time.monotonic() + seconds
    while b"gone" not in text and (left := end - time.monotonic()) > 0:
        if select.select([server.stdout], [], [], left)[0]:
            text += os.read(server.stdout.fileno(), 4096)
    return text


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
def test_kill_minus_nine_in_a_loop(tmp_path, server):
    X = np.array([[1.0, 0.5], [0.2, -2.0]])
    arch = th.Architecture(1, th.hardtanh("1/2"), th.hardtanh(1))
    asked = th.Description.of(arch, X, 3, seed=7, method="weights")
    store = th.open_store(tmp_path / "run.zarr", asked, block=BLOCK)
    moments, before, interrupted = random.Random(0), 0, 0
    for _ in range(KILLS):
        server.stdin.write(f"{store.path}\n".encode())
        server.stdin.flush()
        said = b""
        while said.count(b".") < 2 and b"gone" not in said:
            said += heard(server, 0.05)
        time.sleep(moments.uniform(0.0, 0.1))
        os.kill(int(said.replace(b".", b"").split()[0]), signal.SIGKILL)
        said += heard(server, 60.0)
        assert b"gone" in said
        # One dot says that the run began; the last block may have ended without a dot.
        blocks = len(store.finished())
        assert 0 <= blocks - before - (said.count(b".") - 1) <= 1
        assert store.damaged() == []
        interrupted, before = interrupted + (blocks < 1000), blocks
    assert interrupted == KILLS
    assert before > KILLS
    draws = before * BLOCK + 40
    total = th.run_ensemble(asked, draws, store=store)
    whole = th.sample_networks(arch, X, 3, draws, seed=7, method="weights")
    found = store.ensemble(0, draws)
    assert np.array_equal(found.outputs, whole.outputs)
    assert np.array_equal(found.covariances, whole.covariances)
    assert np.array_equal(found.ntk, whole.ntk)
    assert total.to_bytes() == th.run_ensemble(asked, draws).to_bytes()
