"""Training runs: samples of a step, independence of threads, batches, pauses and records, and what is refused."""

import warnings
from dataclasses import replace
from functools import partial
from time import sleep

import numpy as np
import pytest

import theory as th
from theory.errors import ArchitectureError, InputError, InterruptedRunWarning, UndefinedKernelError
from theory.networks.entries import latent_weights
from theory.networks.training import runs

RANDOM = np.random.default_rng(7)
X, NEW, Y = RANDOM.normal(size=(5, 3)), RANDOM.normal(size=(4, 3)), RANDOM.normal(size=5)
LAW = th.gaussian()

# ---------------------------------------------------------------------- samples of a step


def orders(samples, steps, draws=1, seed=0):
    """Which inputs each step takes, read off a linear network on the unit vectors."""
    arch, eye, state, taken = th.Architecture(0), np.eye(7), None, []
    for step in range(1, steps + 1):
        run = th.train_networks(
            arch, eye, np.full(7, 50.0), (), draws, step, th.SGD(0.1), seed, samples=samples,
            keep=True, resume=state,
        )  # fmt: skip
        before = (
            np.stack([latent_weights(LAW, seed, m, 0, 1, 7)[0] for m in range(draws)])
            if state is None
            else state.parameters
        )
        taken.append(run.state.parameters != before)
        state = run.state
    return np.stack(taken, axis=1)


def test_every_epoch_takes_every_sample_once_in_its_own_order():
    taken = orders(3, 9, draws=4)
    assert (taken.sum(axis=2) == [3, 3, 1] * 3).all()
    for epoch in range(3):
        assert (taken[:, 3 * epoch : 3 * epoch + 3].sum(axis=1) == 1).all()
    firsts = taken[:, ::3].reshape(12, 7)
    assert len(np.unique(firsts, axis=0)) > 4
    assert not np.array_equal(taken, orders(3, 9, draws=4, seed=1))


def test_a_mean_is_over_the_samples_of_the_step():
    arch, eye, far = th.Architecture(0), np.eye(7), np.full(7, 50.0)
    moved = {}
    for loss in ("sum", "mean"):
        runs = [
            th.train_networks(
                arch, eye, far, (), 1, step, th.SGD(0.1), loss=loss, samples=3, keep=True
            ).state.parameters[0]
            for step in (0, 1, 3)
        ]
        moved[loss] = runs
    first = (moved["sum"][1] - moved["sum"][0]) / 3
    np.testing.assert_allclose(moved["mean"][1] - moved["mean"][0], first, rtol=1e-9, atol=1e-12)
    # The third step of an epoch of 7 takes one sample: its mean is its sum.
    last = np.argmin(np.abs(moved["mean"][2] - moved["sum"][2]))
    assert moved["mean"][2][last] == moved["sum"][2][last] != moved["sum"][0][last]


# ---------------------------------------------------------------------- one network, one result


ARCH = th.Architecture(
    2, th.sign(), th.hardtanh(1), 1.2, 0.3, th.binarized(th.sign(), th.hardtanh(1))
)
RULES = {"plain": th.SGD(0.02), "momentum": th.SGD(0.02, 0.9), "adam": th.Adam(0.01)}
OPTIONS = {"samples": 2, "clip": 1.0, "keep": True, "seed": 9}


def trained_in(dtype, rule, draws=5, steps=(11,), **changes):
    return th.train_networks(
        ARCH, X, Y, (40, 30), draws, steps, RULES[rule], dtype=dtype, **OPTIONS | changes
    )


trained = partial(trained_in, "float64")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rule", RULES)
def test_threads_records_and_pauses_change_no_bit(rule, dtype):
    trained = partial(trained_in, dtype)
    whole = trained(rule, threads=1)
    assert whole.state.parameters.dtype == whole.state.slots.dtype == dtype
    for other in (
        trained(rule, threads=3),
        trained(rule, steps=(0, 1, 4, 11), points=NEW, jacobians=[("surrogate", "surrogate")]),
    ):
        np.testing.assert_array_equal(other.state.parameters, whole.state.parameters)
        np.testing.assert_array_equal(other.state.slots, whole.state.slots)
    later = trained(rule, draws=2, first=3)
    np.testing.assert_array_equal(later.outputs, whole.outputs[3:])
    half = trained(rule, steps=(2, 5))
    rest = trained(rule, steps=(7, 11), resume=half.state)
    np.testing.assert_array_equal(rest.state.parameters, whole.state.parameters)
    for name in ("outputs", "displacement", "neuron_flips", "weight_flips"):
        np.testing.assert_array_equal(getattr(rest, name)[:, -1], getattr(whole, name)[:, -1])
    assert rest.state.step == 11
    assert whole.displacement.min() > 0


def test_a_stored_state_goes_on(tmp_path):
    half = trained("adam", steps=(5,))
    np.savez(tmp_path / "state.npz", **vars(half.state))
    with np.load(tmp_path / "state.npz") as stored:
        rest = trained("adam", resume=th.State(**stored))
    np.testing.assert_array_equal(rest.state.parameters, trained("adam").state.parameters)


def test_progress_moves_within_a_network(monkeypatch):
    monkeypatch.setattr(runs, "PERIOD", 1e-3)
    calls = []
    run = trained(
        "plain", draws=2, steps=(0, 400), threads=1, progress=lambda *done: calls.append(done)
    )
    done, totals = np.array(calls).T
    assert run.complete
    assert set(totals) == {802}
    assert done[0] == 0 and done[-1] == 802 and (np.diff(done) >= 0).all()  # noqa: PT018
    assert np.sum((done > 1) & (done < 401)) > 3


def interrupts(done, total):
    if done > 1:
        raise KeyboardInterrupt


@pytest.mark.parametrize("method", ["weights", "low-rank"])
def test_an_interrupt_is_heard_within_a_network(method):
    arch = th.Architecture(2, th.sign(), th.hardtanh(1))
    request = {"steps": 10**9} if method == "weights" else {"steps": 10**4, "samples": 1}
    request |= {"width": 60, "draws": 3, "rule": th.SGD(0.1), "method": method}
    with pytest.warns(InterruptedRunWarning, match=r"0 of 3.*first=0"):
        part = th.train_networks(arch, X, Y, **request, progress=interrupts)
    assert not part.complete
    assert part.outputs.shape == (0, 1, 5)


def test_an_interrupt_keeps_the_networks_before_the_first_that_is_unfinished():
    ended = []

    def work(i):
        yield 1
        if i == 1:
            while True:
                sleep(1e-3)
                yield 0
        ended.append(i)

    def progress(done, total):
        assert total == 5
        if len(ended) == 4:
            raise KeyboardInterrupt

    with pytest.warns(InterruptedRunWarning, match=r"1 of 5.*first=8"):
        assert runs.run_networks(work, 5, 1, 7, 2, progress) == 1


def test_an_interrupted_run_is_the_start_of_the_whole_one(monkeypatch):
    """A state of the networks that are kept goes on, as that of a smaller run."""
    monkeypatch.setattr(runs, "PERIOD", 1e-3)

    def progress(done, total):
        assert total == 5 * 201
        if done >= 2 * 201:
            raise KeyboardInterrupt

    with pytest.warns(InterruptedRunWarning, match="of 5 draws"):
        part = trained("adam", steps=(200,), threads=1, progress=progress)
    assert 2 <= part.draws < 5
    whole = trained("adam", steps=(200,))
    np.testing.assert_array_equal(part.outputs, whole.outputs[: part.draws])
    np.testing.assert_array_equal(part.state.parameters, whole.state.parameters[: part.draws])
    with pytest.raises(InputError, match="shape of the parameters"):
        trained("adam", steps=(300,), resume=part.state)


def test_an_error_in_a_network_ends_the_run():
    def work(i):
        yield 1
        if i == 1:
            raise ZeroDivisionError
        while i == 0:
            sleep(1e-3)
            yield 0

    with pytest.raises(ZeroDivisionError):
        runs.run_networks(work, 3, 1, 0, 2, None)


def test_divergence_is_visible_and_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = th.train_networks(th.Architecture(1, th.relu()), X, Y, 8, 1, [1, 300], th.SGD(50.0))
    assert np.isfinite(run.outputs[0, 0]).all()
    assert not np.isfinite(run.outputs[0, 1]).all()


SINGLE = np.finfo(np.float32).eps
PLAIN_RULES = {"plain": th.SGD(0.05), "momentum": th.SGD(0.02, 0.9), "adam": th.Adam(0.01)}


@pytest.mark.parametrize("rule", PLAIN_RULES)
def test_float32_rounds_and_nothing_else(rule):
    """Each of 5 steps is within rounding of the float64 step from the same parameters."""
    arch = th.Architecture(2, th.hardtanh("1/2"), th.erf(1), 1.2, 0.3)
    request = {"arch": arch, "X": X, "y": Y, "width": 64, "draws": 2, "rule": PLAIN_RULES[rule]}
    state = th.train_networks(**request, steps=0, keep=True, dtype="float32").state
    start = th.train_networks(**request, steps=0, keep=True).state.parameters
    np.testing.assert_array_equal(state.parameters, start.astype(np.float32))
    for step in range(1, 6):
        wide = replace(
            state,
            parameters=state.parameters.astype(np.float64),
            slots=state.slots.astype(np.float64),
        )
        exact = th.train_networks(**request, steps=step, keep=True, resume=wide).state
        run = th.train_networks(**request, steps=step, keep=True, resume=state, dtype="float32")
        state = run.state
        largest = np.abs(exact.parameters).max()
        np.testing.assert_allclose(state.parameters, exact.parameters, atol=8 * SINGLE * largest)
        if rule != "plain":
            scale = np.abs(exact.slots).max()
            np.testing.assert_allclose(state.slots, exact.slots, atol=64 * SINGLE * scale)
    assert np.abs(state.parameters - exact.parameters).max() > 0
    # Records are those of the rounded parameters, in float64.
    again = replace(state, parameters=state.parameters.astype(np.float64), slots=wide.slots)
    seen = th.train_networks(**request, steps=5, resume=again)
    np.testing.assert_array_equal(run.outputs, seen.outputs)


# ---------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"y": Y[:4]}, InputError, "one target a training input"),
        ({"steps": (3, 3)}, InputError, "increasing"),
        ({"steps": ()}, InputError, "increasing"),
        ({"steps": (-1,)}, InputError, "steps must be an integer of at least 0"),
        ({"rule": 0.1}, InputError, r"th\.SGD"),
        ({"keep": "no"}, InputError, "keep must be True or False"),
        ({"samples": 6}, InputError, "more than the 5"),
        ({"loss": "max"}, InputError, "unknown loss"),
        ({"method": "exact"}, InputError, "unknown method"),
        ({"dtype": "float16"}, InputError, "unknown dtype"),
        ({"parametrisation": "mup"}, InputError, "unknown parametrisation"),
        ({"clip": -1.0}, InputError, "clip must be a positive number"),
        ({"points": NEW[:, :2]}, InputError, "columns"),
        ({"jacobians": [("true", "surrogate")]}, UndefinedKernelError, "jumps"),
        ({"draws": 0}, InputError, "draws"),
    ],
    ids=str,
)
def test_bad_requests_are_refused(changes, error, words):
    request = {
        "arch": ARCH, "X": X, "y": Y, "width": (40, 30), "draws": 1, "steps": 1, "rule": th.SGD(0.1)
    }  # fmt: skip
    with pytest.raises(error, match=words):
        th.train_networks(**request | {"clip": None} | changes)


def test_bad_architectures_and_rules_are_refused():
    with pytest.raises(ArchitectureError, match="without jumps"):
        th.train_networks(th.Architecture(1, th.sign()), X, Y, 4, 1, 1, th.SGD(0.1))
    with pytest.raises(ArchitectureError, match="none"):
        th.train_networks(th.Architecture(1, th.tanh()), X, Y, 4, 1, 1, th.SGD(0.1), clip=1.0)
    for make in (
        lambda: th.SGD(0.0),
        lambda: th.SGD(0.1, momentum=1.0),
        lambda: th.Adam(0.1, beta2=-0.1),
        lambda: th.Adam(0.1, epsilon=0.0),
    ):
        with pytest.raises(InputError):
            make()


def test_other_states_are_refused():
    state = trained("plain", steps=(3,)).state
    for changes, words in (
        ({"seed": 8}, "seed"),
        ({"first": 1}, "first network"),
        ({"rule": "adam"}, "slots"),
        ({"dtype": "float32"}, "type of the parameters"),
        ({"steps": (2,)}, "step 3"),
    ):
        with pytest.raises(InputError, match=words):
            trained_in(
                **{"dtype": "float64", "rule": "plain", "steps": (9,), "resume": state} | changes
            )
    with pytest.raises(InputError, match="widths"):
        trained("plain", steps=(9,), resume=replace(state, widths=(40, 31)))
