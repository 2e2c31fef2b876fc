"""A store survives a kill at any step, extends, verifies what it holds, and never mixes ensembles."""

import threading

import numpy as np
import pytest

import theory as th
from theory.errors import InputError, InterruptedRunWarning, StoreError
from theory.networks.store import ensembles

X = np.array([[1.0, 0.5], [0.2, -2.0]])
ARCH = th.Architecture(1, th.hardtanh("1/2"), th.hardtanh(1))
BLOCK = 4


def described(**changes):
    return th.Description.of(ARCH, X, **{"width": 3, "seed": 7, "method": "weights", **changes})


HERE = described()
SHORT = described(method="exact", conditional=True, dtype="float32")


@pytest.fixture(scope="module")
def whole():
    """The first 24 networks, without any store."""
    return th.sample_networks(ARCH, X, 3, 24, seed=7, method="weights")


def same(store, whole, draws, first=0):
    found = store.ensemble(first, draws)
    for name in ("outputs", "covariances", "ntk"):
        expected = getattr(whole, name)[first : first + draws]
        assert np.array_equal(getattr(found, name), expected), name
    return True


def test_runs_resume_and_extend_to_the_same_bits(tmp_path, whole):
    path = tmp_path / "run.zarr"
    store = th.open_store(path, HERE, block=BLOCK)
    first = th.run_ensemble(HERE, 9, store=store)
    assert (first.draws, store.finished()) == (12, [0, 1, 2])
    seen = []
    again = th.open_store(path, HERE)
    total = th.run_ensemble(HERE, 24, store=again, progress=lambda *now: seen.append(now))
    assert seen == [(0, 12), (4, 12), (8, 12), (12, 12)]
    assert same(th.open_store(path), whole, 24)
    assert total.to_bytes() == th.run_ensemble(HERE, 24).to_bytes()
    assert th.open_store(path).summary().to_bytes() == total.to_bytes()


def test_blocks_come_in_any_order(tmp_path, whole):
    """As the tasks of a job array would draw them."""
    store = th.open_store(tmp_path / "run.zarr", HERE, block=BLOCK)
    for first in (16, 0, 8):
        th.run_ensemble(HERE, 8, first=first, store=th.open_store(store.path, HERE))
    assert same(store, whole, 24)
    assert store.read("outputs", 5, 2).shape == (2, 2)


def test_threads_and_blocks_change_no_bit(whole):
    one, other = (
        th.run_ensemble(HERE, 24, threads=threads, block=block)
        for threads, block in ((1, 5), (3, 24))
    )
    assert one.to_bytes() == other.to_bytes()
    np.testing.assert_allclose(one.mean("outputs").value, whole.outputs.mean(axis=0), rtol=1e-12)


def test_statistics_alone(tmp_path):
    path = tmp_path / "run.zarr"
    total = th.run_ensemble(HERE, 24, store=th.open_store(path, HERE, block=BLOCK, keep=False))
    store = th.open_store(path)
    assert store.draws == 24
    assert store.summary().to_bytes() == total.to_bytes() == th.run_ensemble(HERE, 24).to_bytes()
    (path / "summary" / "zarr.json").unlink()
    assert store.summary().to_bytes() == total.to_bytes()
    with pytest.raises(InputError, match="keeps statistics alone"):
        store.read("outputs")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_conditional_kernels(dtype, tmp_path):
    """Kept, merged and resumed as they are drawn at once."""
    asked = described(method="exact", conditional=True, dtype=dtype)
    whole = th.sample_networks(ARCH, X, 3, 24, seed=7, conditional=True, dtype=dtype)
    store = th.open_store(tmp_path / "run.zarr", asked, block=BLOCK)
    th.run_ensemble(asked, 8, store=store)
    total = th.run_ensemble(asked, 24, store=th.open_store(store.path))
    found = th.open_store(store.path).ensemble()
    assert store.names == ("outputs", "covariances", "kernels", "conditional_kernels")
    for name in ("outputs", "covariances", "ntk"):
        assert getattr(found, name).dtype == dtype
        assert np.array_equal(getattr(found, name), getattr(whole, name))
    ((pair, means),) = found.conditional_kernels.items()
    assert np.array_equal(means, whole.conditional_kernels[pair])
    assert total.to_bytes() == th.run_ensemble(asked, 24).to_bytes()
    expected = means.astype(float).mean(axis=0)
    np.testing.assert_allclose(total.mean("conditional_kernels").value[0], expected, rtol=1e-12)


def test_without_kernels_a_run_goes_on_from_its_arrays(tmp_path):
    plain = described(ntk=False)
    store = th.open_store(tmp_path / "run.zarr", plain, block=BLOCK)
    th.run_ensemble(plain, 8, store=store)
    (store.path / "summary" / "zarr.json").unlink()
    total = th.run_ensemble(plain, 12, store=store)
    assert total.to_bytes() == th.run_ensemble(plain, 12).to_bytes()
    assert store.ensemble().kernels == {}


class Killed(BaseException):
    """Stands for a kill: nothing after it runs, and nothing cleans up."""


def kill_at(step, monkeypatch):
    """Die at the ``step``-th time that something has reached the disk."""
    left = [step]

    def dying(original):
        def call(*arguments):
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return original(*arguments)

        return call

    for name in ("flush", "write_bytes"):
        monkeypatch.setattr(ensembles, name, dying(getattr(ensembles, name)))


@pytest.mark.parametrize(
    ("asked", "keep"), [(HERE, True), (HERE, False), (SHORT, True)], ids=["all", "none", "float32"]
)
def test_a_kill_at_any_step_leaves_whole_blocks(asked, keep, tmp_path, monkeypatch):
    expected = th.run_ensemble(asked, 12)
    request = {"conditional": asked.conditional, "dtype": asked.dtype, "method": asked.method}
    whole = th.sample_networks(ARCH, X, 3, 12, seed=7, **request)
    for step in range(40):
        path = tmp_path / f"{step}.zarr"
        with monkeypatch.context() as patched:
            store = th.open_store(path, asked, block=BLOCK, keep=keep)
            kill_at(step, patched)
            try:
                th.run_ensemble(asked, 8, store=store)
                finished = True
            except Killed:
                finished = False
        survivor = th.open_store(path, asked, keep=keep)
        assert survivor.damaged() == []
        if keep and survivor.finished():
            assert same(survivor, whole, survivor.draws)
        assert th.run_ensemble(asked, 12, store=survivor).to_bytes() == expected.to_bytes()
        if finished:
            break
    assert finished
    assert step > 4


def test_ctrl_c_keeps_finished_blocks(tmp_path, whole):
    def stop(done, total):
        if done == 8:
            raise KeyboardInterrupt

    store = th.open_store(tmp_path / "run.zarr", HERE, block=BLOCK)
    with pytest.warns(InterruptedRunWarning, match=r"8 of 24 networks were drawn, and are kept in"):
        assert th.run_ensemble(HERE, 24, store=store, progress=stop).draws == 8
    assert same(store, whole, 8)
    with pytest.warns(InterruptedRunWarning, match="and are in the result"):
        assert th.run_ensemble(HERE, 24, block=BLOCK, progress=stop).draws == 8


def test_two_writers_at_a_time(tmp_path, whole):
    path = tmp_path / "run.zarr"
    errors = []

    def work(draws):
        try:
            store = th.open_store(path, HERE, block=BLOCK)
            th.run_ensemble(HERE, draws, store=store)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(draws,)) for draws in (24, 12, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert same(th.open_store(path), whole, 24)


DIFFERENT = {
    "dtype": ({"dtype": "float32"}, "dtype: float64 here, float32 asked for"),
    "seed": ({"seed": 8}, "seed: 7 here, 8 asked for"),
    "width": ({"width": 4}, r"widths: \(3\) here, \(4\) asked for"),
    "kernels": ({"ntk": False}, "jacobians"),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_other_networks_are_refused(name, tmp_path):
    changes, told = DIFFERENT[name]
    store = th.open_store(tmp_path / "run.zarr", HERE, block=BLOCK)
    with pytest.raises(StoreError, match=told):
        th.open_store(store.path, described(**changes))
    with pytest.raises(StoreError, match=told):
        th.run_ensemble(described(**changes), 4, store=store)


def test_a_store_of_other_samplers_is_refused(tmp_path, monkeypatch):
    store = th.open_store(tmp_path / "run.zarr", HERE, block=BLOCK)
    monkeypatch.setattr("theory.networks.description.VERSION", 99)
    with pytest.raises(StoreError, match=r"run.zarr: these networks .* version 99.* into another"):
        th.open_store(store.path)


def test_other_stores_are_refused(tmp_path):
    path = tmp_path / "run.zarr"
    with pytest.raises(StoreError, match="there is no store"):
        th.open_store(path)
    th.open_store(path, HERE, block=BLOCK)
    with pytest.raises(StoreError, match="blocks of 4 networks, not 5"):
        th.open_store(path, HERE, block=5)
    with pytest.raises(StoreError, match="keeps results, and statistics alone were asked for"):
        th.open_store(path, HERE, keep=False)
    with pytest.raises(StoreError, match="exists, and is no store"):
        th.open_store(tmp_path, HERE)
    with pytest.raises(InputError, match="block"):
        th.open_store(tmp_path / "new.zarr", HERE, block=0)
    with pytest.raises(InputError, match=r"multiple of 4, the block of .*, got 6; take 4"):
        th.run_ensemble(HERE, 4, first=6, store=th.open_store(path))
    assert not (tmp_path / "new.zarr").exists()


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


HARM = {
    "a bit": ("outputs/c/1/0", flip, r"outputs of block 1 \(networks 4 to 7\)"),
    "half of it": (
        "kernels/c/2/0/0/0",
        lambda path: path.write_bytes(path.read_bytes()[:50]),
        "kernels of block 2",
    ),
    "all of it": ("covariances/c/0/0/0", lambda path: path.unlink(), "covariances of block 0"),
}


@pytest.mark.parametrize("name", HARM)
def test_damage_is_named_and_mended(name, tmp_path, whole):
    chunk, harm, told = HARM[name]
    store = th.open_store(tmp_path / "run.zarr", HERE, block=BLOCK)
    th.run_ensemble(HERE, 12, store=store)
    harm(store.path / chunk)
    with pytest.raises(StoreError, match=told + r".* is damaged: .*store\.repair\(\)"):
        store.ensemble(0, 12)
    assert len(store.damaged()) == 1
    assert len(store.repair()) == 1
    assert store.damaged() == []
    assert store.draws == 8
    th.run_ensemble(HERE, 12, store=store)
    assert same(store, whole, 12)


def test_a_damaged_record_is_no_record(tmp_path, whole):
    store = th.open_store(tmp_path / "run.zarr", HERE, block=BLOCK)
    th.run_ensemble(HERE, 12, store=store)
    flip(store.path / "finished/c/1/0")
    assert store.finished() == [0, 2]
    with pytest.raises(InputError, match=r"networks 4 to 7 .* are not drawn yet"):
        store.read("outputs", 0, 12)
    th.run_ensemble(HERE, 12, store=store)
    assert same(store, whole, 12)


def test_damaged_statistics_are_named(tmp_path):
    store = th.open_store(tmp_path / "run.zarr", HERE, block=BLOCK, keep=False)
    total = th.run_ensemble(HERE, 8, store=store)
    (store.path / "summary" / "zarr.json").unlink()
    flip(store.path / "statistics" / "1" / "zarr.json")
    with pytest.raises(StoreError, match="statistics of block 1"):
        store.summary()
    store.repair()
    assert th.run_ensemble(HERE, 8, store=store).to_bytes() == total.to_bytes()


def test_several_outputs(tmp_path):
    several = described(outputs=2)
    store = th.open_store(tmp_path / "run.zarr", several, block=BLOCK)
    total = th.run_ensemble(several, 8, store=store)
    whole = th.sample_networks(ARCH, X, 3, 8, seed=7, method="weights", outputs=2)
    assert same(store, whole, 8)
    assert total.covariance().value.shape == (4, 4)
    np.testing.assert_allclose(
        total.mean("kernels").value[0], whole.mean_ntk().value, rtol=1e-12, atol=1e-15
    )


def test_any_program_that_reads_zarr_reads_it(tmp_path, whole):
    import zarr

    store = th.open_store(tmp_path / "run.zarr", HERE, block=BLOCK)
    th.run_ensemble(HERE, 8, store=store)
    group = zarr.open_group(store.path, mode="r")
    assert np.array_equal(group["outputs"][:8], whole.outputs[:8])
    assert np.array_equal(group["inputs"][:], X)
    assert {name for name, _ in group.members()} >= {
        "outputs",
        "covariances",
        "kernels",
        "finished",
    }


def test_memory_does_not_grow_with_the_number_of_networks():
    """Peak of what Python and NumPy hold, for 16 times as many networks; bins are met ever more rarely."""
    import tracemalloc

    peaks = []
    th.run_ensemble(HERE, 64, block=64, threads=1)
    for draws in (256, 16 * 256):
        tracemalloc.start()
        th.run_ensemble(HERE, draws, block=64, threads=1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.25 * peaks[0]
