"""``hardlimit train``: the library's bits, also after interruptions and a kill; tables, predictions, refusals."""

import json

import numpy as np
import pytest

import theory as th
from hardlimit.training_limit import moments

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
ARCH = th.Architecture(1, th.hardtanh("1/2"), th.hardtanh(1), bias_std="1/2")
STEPS = (0, 3, 20)
PLAIN = ("--steps", "0,3,20", "--rate", 0.05)


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


def test_an_archive_holds_what_the_library_computes(hardlimit, given, tmp_path):
    out = tmp_path / "run.npz"
    told = hardlimit(*given, *PLAIN, "--draws", 4, "--first", 2, "--jacobians", "surrogate,surrogate",
                     "--out", out, "--seed", 9, "--loss", "mean", "--json").stdout  # fmt: skip
    found, both = archive(out), np.vstack([X, NEW])
    pair = ("surrogate", "surrogate")
    run = th.train_networks(
        ARCH,
        X,
        Y,
        8,
        4,
        STEPS,
        th.SGD(0.05),
        9,
        points=both,
        jacobians=[pair],
        first=2,
        loss="mean",
    )
    np.testing.assert_array_equal(found["outputs"], run.outputs[:, :, 5:])
    np.testing.assert_array_equal(found["kernels"][:, :, 0], run.kernels[pair][:, :, 5:, 5:])
    np.testing.assert_array_equal(found["displacement"], run.displacement)
    np.testing.assert_allclose(
        found["loss"], ((run.outputs[:, :, :5] - Y) ** 2).mean(axis=2) / 2, rtol=1e-14
    )
    told = json.loads(told)
    assert (told["draws"], told["complete"], told["steps"]) == (4, True, list(STEPS))
    np.testing.assert_allclose(told["loss"]["mean"], found["loss"].mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(
        told["outputs"]["stderr"], found["outputs"].std(axis=0, ddof=1) / 2, rtol=1e-12
    )


@pytest.mark.parametrize("loss", ["sum", "mean"])
def test_the_limit_beside_it_is_that_of_stepping(hardlimit, given, tmp_path, loss):
    """Mean, spread and loss of infinitely wide networks, by stepping the affine map of every start."""
    told = json.loads(
        hardlimit(*given, *PLAIN, "--loss", loss, "--draws", 2, "--out", tmp_path / "r.npz", "--json").stdout
    )["limit"]  # fmt: skip
    both = np.vstack([X, NEW])
    kernel, sigma = th.ntk(ARCH, both, X), th.nngp(ARCH, both)
    rate = 0.05 / (5 if loss == "mean" else 1)
    linear, mean = np.eye(8), np.zeros(8)
    for step in range(21):
        if step in STEPS:
            t, law = STEPS.index(step), linear @ sigma @ linear.T
            np.testing.assert_allclose(told["mean"][t], mean[5:], atol=1e-12)
            np.testing.assert_allclose(told["std"][t], np.sqrt(np.diag(law))[5:], atol=1e-10)
            total = ((mean[:5] - Y) ** 2 + np.diag(law)[:5]).sum() / 2
            assert told["loss"][t] == pytest.approx(total / (5 if loss == "mean" else 1), rel=1e-9)
        mean, linear = mean - rate * kernel @ (mean[:5] - Y), linear - rate * kernel @ linear[:5]


def test_the_table_tells_networks_and_limit(hardlimit, given, tmp_path):
    words = hardlimit(*given, *PLAIN, "--draws", 3, "--out", tmp_path / "run.npz").stdout
    first, second = words.split("\n\n")[1:]
    rows = [line.split() for line in first.splitlines()]
    found = archive(tmp_path / "run.npz")
    assert [row[0] for row in rows[1:]] == ["0", "3", "20"]
    assert float(rows[3][1]) == pytest.approx(found["loss"][:, 2].mean(), rel=1e-3)
    spread = np.sqrt((found["outputs"].std(axis=0, ddof=1)[2] ** 2).mean())
    assert float(rows[3][6]) == pytest.approx(spread, rel=1e-3)
    assert float(rows[3][8]) == pytest.approx(found["neuron_flips"][:, 2, 0].mean(), rel=1e-3)
    points = [line.split() for line in second.splitlines()]
    assert len(points) == 4
    assert float(points[2][1]) == pytest.approx(found["outputs"][:, 2, 1].mean(), rel=1e-3)
    alone = hardlimit(*given, *PLAIN, "--draws", 1, "--out", tmp_path / "one.npz").stdout
    assert " - " in alone


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--rule", "momentum"), "plain gradient descent"),
        (("--rule", "adam"), "plain gradient descent"),
        (("--samples", 2), "not for 2 of 5 samples a step"),
        (("--parametrisation", "standard"), "--parametrisation ntk"),
        (("--weights", "binarized(sign, hardtanh(1))", "--clip", 1), "--clip"),
    ],
)
def test_where_the_limit_says_nothing(hardlimit, given, tmp_path, options, why):
    out = tmp_path / "run.npz"
    told = hardlimit(*given, *PLAIN, *options, "--draws", 2, "--out", out, "--json").stdout
    assert why in json.loads(told)["limit"]["why"]


def test_rates_that_diverge_are_told(hardlimit, given, tmp_path):
    slow = ("--steps", "0,400", "--rate", 1e6, "--draws", 2, "--out", tmp_path / "run.npz")
    law = ("--activation", "relu", "--surrogate", "relu")
    arguments = [a for a in given if a not in LAW or a in ("--width", 8)]
    words = hardlimit(*arguments, *law, *slow).stdout
    assert "2 of 2 networks left float64" in words
    assert "No limit beside it: after 400 steps of rate 1e+06 the outputs leave float64" in words
    told = json.loads(hardlimit(*arguments, *law, *slow, "--json").stdout)
    assert told["left_float64"] == 2
    assert told["outputs"]["mean"][1] == [None, None, None]


# ---------------------------------------------------------------------- predictions and refusals


def test_a_dry_run_predicts_and_writes_nothing(hardlimit, given, tmp_path):
    out = tmp_path / "run.zarr"
    asked = (*given, *PLAIN, "--rule", "adam", "--draws", 10**6, "--out", out, "--dry-run")
    words = hardlimit(*asked).stdout
    assert "timed on this machine" in words
    told = json.loads(hardlimit(*asked, "--json").stdout)
    # At three times: the loss, three outputs, two displacements, flips of one hidden layer and of two weight layers.
    assert told["disk"] == 8 * 3 * 9 * 10**6
    # 3 x 8 + 1 parameters and 9 biases less one, with two slots each.
    assert told["states"] == 8 * 3 * (2 * 8 + 8 + 8 + 1) * told["block"]
    assert told["seconds"] > 0
    assert told["memory"] > told["states"]
    assert not out.exists()


def test_what_is_too_wide_is_timed_narrower(hardlimit, given):
    arguments = [a for a in given if a not in ("--width", 8)]
    deep = ("--layers", 2, "--width", 2**12, "--dry-run", "--draws", 1, *PLAIN)
    assert "and scaled" in hardlimit(*arguments, *deep).stdout
    assert "low-rank" in hardlimit(*arguments, *deep, "--method", "low-rank").stdout


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "--rate is needed"),
        (("--rate", 0), "rate must be a positive number"),
        (("--rate", 1, "--momentum", 0.5), "--momentum is for --rule momentum"),
        (("--rate", 1, "--rule", "momentum", "--momentum", 1), "momentum must lie in [0, 1)"),
        (("--rate", 1, "--steps", "ten"), "--steps must be integers such as 0,10,100"),
        (("--rate", 1, "--steps", "3,3"), "increasing list"),
        (("--rate", 1, "--clip", 1), "has none"),
        (("--rate", 1, "--samples", 6), "more than the 5 training inputs"),
        (("--rate", 1, "--draws", 0), "draws must be an integer of at least 1"),
        (("--rate", 1, "--first", -1), "first must be an integer of at least 0"),
        (("--rate", 1, "--threads", 0), "threads must be an integer of at least 1"),
        (("--rate", 1, "--resume"), "need a store"),
        (("--rate", 1, "--out", "run.csv"), "must end in .npz or .zarr"),
        (("--rate", 1, "--surrogate", "sign"), "without jumps"),
        (("--rate", 1, "--jacobians", "true"), "--jacobians must be two"),
        (("--rate", 1, "--width", 4, "--width", 5), "widths"),
        (("--rate", 1, "--rule", "adam", "--method", "low-rank"), "Adam works entry by entry"),
    ],
)
def test_bad_requests(hardlimit, given, options, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = given
    if "--surrogate" in options:
        arguments = [a for a in given if a not in ("--surrogate", "hardtanh(1)")]
    before = sorted(path.name for path in tmp_path.iterdir())
    result = hardlimit(*arguments, *options, status=2)
    assert told in refusal(result)
    assert result.stdout == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        (np.ones(4), "got (4,)"),
        (np.array([1, 2, np.nan, 4, 5.0]), "nan"),
        (np.ones((5, 1, 1)), "must hold targets"),
        (np.zeros((0,)), "must hold targets"),
    ],
    ids=["short", "nan", "three axes", "empty"],
)
def test_bad_targets(hardlimit, given, targets, told, tmp_path):
    np.save(tmp_path / "y.npy", targets)
    assert told in refusal(hardlimit(*given, *PLAIN, status=2))


def test_points_of_another_dimension(hardlimit, given, tmp_path):
    np.save(tmp_path / "new.npy", np.ones((3, 5)))
    told = refusal(hardlimit(*given, *PLAIN, status=2))
    assert "points have 5 dimensions and X has 2" in told


def test_targets_of_other_formats(hardlimit, given, tmp_path):
    np.savetxt(tmp_path / "y.csv", Y, fmt="%.17g", header="target", comments="")
    np.savez(tmp_path / "y.npz", a=Y[:, None], b=-Y)
    outputs = []
    for name, options in (("y.npy", ()), ("y.csv", ()), ("y.npz", ("--target-key", "a"))):
        arguments = [tmp_path / name if a == tmp_path / "y.npy" else a for a in given]
        hardlimit(*arguments, *PLAIN, *options, "--draws", 2, "--out", tmp_path / "run.npz")
        outputs.append(archive(tmp_path / "run.npz")["outputs"])
    np.testing.assert_array_equal(outputs[0], outputs[1])
    np.testing.assert_array_equal(outputs[0], outputs[2])


def test_several_outputs(hardlimit, given, tmp_path):
    """Two outputs are the library's, in outputs, loss and kernels; their limits are those of each by itself."""
    both = np.stack([Y, Y[::-1] ** 2], axis=1)
    np.save(tmp_path / "y.npy", both)
    out = tmp_path / "run.npz"
    asked = (*given, *PLAIN, "--draws", 3, "--jacobians", "surrogate,surrogate")
    words = hardlimit(*asked, "--out", out).stdout
    assert "point,output at step 20" in words
    pair, looks = ("surrogate", "surrogate"), np.vstack([X, NEW])
    run = th.train_networks(
        ARCH, X, both, 8, 3, STEPS, th.SGD(0.05), points=looks, jacobians=[pair]
    )
    found = archive(out)
    np.testing.assert_array_equal(found["outputs"], run.outputs[:, :, 5:])
    np.testing.assert_array_equal(found["kernels"][:, :, 0], run.kernels[pair][:, :, 5:, :, 5:])
    loss = ((run.outputs[:, :, :5] - both) ** 2).sum(axis=(2, 3)) / 2
    np.testing.assert_allclose(found["loss"], loss, rtol=1e-14)
    told = json.loads(hardlimit(*asked, "--out", tmp_path / "run.zarr", "--json").stdout)["limit"]
    total = 0.0
    for k in range(2):
        np.save(tmp_path / "y.npy", both[:, k])
        alone = json.loads(hardlimit(*given, *PLAIN, "--draws", 2, "--out", out, "--json").stdout)
        np.testing.assert_allclose(
            np.array(told["mean"])[:, :, k], alone["limit"]["mean"], atol=1e-12
        )
        np.testing.assert_allclose(told["std"], alone["limit"]["std"], rtol=1e-12)
        total = total + np.array(alone["limit"]["loss"])
    np.testing.assert_allclose(told["loss"], total, rtol=1e-12)


def test_moments_of_pieces_are_those_of_the_whole():
    values = RANDOM.normal(size=(11, 2, 3)) + 5
    values[7, 1, 2] = np.nan
    found = moments([{"outputs": values[a:b]} for a, b in ((0, 1), (1, 6), (6, 11))])["outputs"]
    assert (found.count, found.lost) == (11, 1)
    np.testing.assert_allclose(found.mean, values.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(found.std, values.std(axis=0, ddof=1), rtol=1e-12)
    np.testing.assert_allclose(found.stderr, values.std(axis=0, ddof=1) / 11**0.5, rtol=1e-12)
