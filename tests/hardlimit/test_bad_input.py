"""Bad input of every command: one readable panel, status 2, no traceback, nothing written."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from hardlimit import parsing
from hardlimit.cli import app
from theory.errors import HardlimitError

SIGN_STE = ("--activation", "sign", "--surrogate", "hardtanh(1)")


def refused(*arguments):
    """Return the panel with its borders and line breaks taken out."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert result.stdout == ""
    return " ".join(result.stderr.replace("│", " ").split())


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "X.npy"
    np.save(path, np.array([[1.0, 0.0], [0.5, 2.0]]))
    return path


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("swish",), "known are"),
        (("sign", "erf(0)"), "beta must be positive, got 0"),
        (("hardtanh(1, 2)",), "too many positional arguments"),
        (("hardtanh(",), "cannot read"),
        (("hardtanh(1/0)",), "finite real number"),
        (("hardtanh(2**9999)",), "beyond 64"),
        (("__import__('os')",), "cannot read"),
        (("open(1)",), "unknown activation 'open'"),
        (("1/2",), "no activation"),
        (("sign.__class__",), "not .__class__"),
        (("staircase([1, 0], [1, 2, 3])",), "increase strictly"),
        (("sign", "sign", "--at", "1", "1", "2"), "no covariance"),
        (("sign", "sign", "--at", "-1", "1", "0"), "at least 0, got -1"),
        (("sign", "sign", "--at", "one", "1", "0"), "cannot read 'one'"),
        (("sign'", "sign'", "--at", "1", "1", "1"), "infinite"),
        (("sign", "sign", "--format", "fortran"), "known are pretty, latex, sympy, c, jax, julia"),
        (("sign", "sign", "--format", "c", "--at", "1", "1", "0"), "leave it out"),
        (("sign", "sign", "--kind", "kernel", "--at", "1", "1", "0"), "leave it out"),
        (("sign'", "hardtanh", "--kind", "kernel"), "--kind kernel needs functions"),
        (("sign", "sign'", "--kind", "kernel"), "--kind kernel needs functions"),
        (("sign'", "sign", "--kind", "derivative"), "differentiate at most once"),
    ],
)
def test_derive(arguments, told):
    assert told in refused("derive", *arguments)


@pytest.mark.parametrize("command", ["kernel", "sample"])
@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("nan.npy", np.array([[1.0, np.nan]]), "nan"),
        ("inf.npy", np.array([[np.inf, 1.0]]), "inf"),
        ("empty.npy", np.zeros((0, 3)), "empty"),
        ("flat.npy", np.ones(3), "shape (3,)"),
        ("words.npy", np.array([["a"]]), "real numbers"),
        ("words.csv", "a,b\n1,x\n", "cannot read"),
        ("ragged.csv", "1,2\n3\n", "cannot read"),
        ("blank.csv", "\n", "no numbers"),
        ("broken.npz", "not an archive", "cannot read"),
        ("table.txt", "1 2", "must end in"),
    ],
)
def test_data_files(command, name, content, told, tmp_path):
    path = tmp_path / name
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    else:
        np.save(path, content)
    out = tmp_path / "out.npz"
    assert told in refused(command, path, *SIGN_STE, "--out", out)
    assert not out.exists()


@pytest.mark.parametrize("command", ["kernel", "sample"])
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--activation", "swish"), "unknown activation 'swish'"),
        ((), "activation must be an activation"),
        (("--activation", "sign'"), "Dirac"),
        ((*SIGN_STE, "--layers", "-1"), "hidden_layers"),
        ((*SIGN_STE, "--weight-std", "-1"), "weight_std must be positive"),
        ((*SIGN_STE, "--weight-std", "0"), "weight_std must be positive"),
        ((*SIGN_STE, "--bias-std", "-1"), "bias_std must be at least 0"),
        ((*SIGN_STE, "--bias-std", "nan"), "--bias-std must be a number"),
        ((*SIGN_STE, "--weights", "cauchy"), "unknown weight law 'cauchy'"),
        ((*SIGN_STE, "--weights", "ternary_weights(2)"), "between 0 and 1"),
        ((*SIGN_STE, "--layers", "3", "--activation", "sign"), "2 entries where 3 are needed"),
        ((*SIGN_STE, "--jacobians", "true"), "--jacobians must be two"),
        ((*SIGN_STE, "--jacobians", "true,false"), "--jacobians must be two"),
    ],
)
def test_architectures(command, arguments, told, data, tmp_path):
    out = tmp_path / "out.npz"
    assert told in refused(command, data, *arguments, "--out", out)
    assert not out.exists()


def test_kernel_that_is_infinite(data):
    told = refused("kernel", data, "--activation", "sign")
    assert told.startswith("╭─ UndefinedKernelError")
    assert "surrogate" in told


def test_kernel_of_data_that_do_not_fit(data, tmp_path):
    other = tmp_path / "Y.npy"
    np.save(other, np.ones((1, 3)))
    assert "same number of columns" in refused("kernel", data, other, *SIGN_STE)
    assert "must end in" in refused("kernel", data, *SIGN_STE, "--out", tmp_path / "K.mat")
    assert "there is no file" in refused("kernel", tmp_path / "absent.npy", *SIGN_STE)


def test_key_of_an_archive(tmp_path):
    path = tmp_path / "X.npz"
    np.savez(path, train=np.ones((1, 2)), test=np.ones((1, 2)))
    assert "train, test" in refused("kernel", path, *SIGN_STE)
    assert "not validation" in refused("kernel", path, *SIGN_STE, "--key", "validation")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--width", "0"), "width must be an integer of at least 1, got 0"),
        (("--width", "4", "--width", "5"), "2 widths"),
        (("--draws", "0"), "draws"),
        (("--seed", "-1"), "seed"),
        (("--first", "-1"), "first"),
        (("--threads", "0"), "threads"),
        (("--activation", "sign"), "is a distribution"),
        (("--out", "draws.npy"), "must end in .npz"),
    ],
)
def test_sample(arguments, told, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    law = () if "--activation" in arguments else ("--activation", "hardtanh(1/2)")
    assert told in refused("sample", data, *law, *arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["X.npy"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("T999",), "there is no claim T999"),
        (("--why", "T999"), "there is no claim T999"),
        (("--grade", "TRUE"), "there is no grade TRUE"),
        (("--source", "the sky"), "no claim matches"),
        (("T13", "--jobs", "0", "--fresh"), "jobs"),
        (("T13", "--seed", "-1", "--fresh"), "seed"),
    ],
)
def test_verify(arguments, told):
    assert told in refused("verify", *arguments)


def test_figures(tmp_path):
    assert "no figure F99" in refused("figures", "F99", "--build", tmp_path)


def test_reproduce(tmp_path):
    assert "jobs" in refused("reproduce", "--jobs", "0", "--build", tmp_path)


def test_bench(tmp_path):
    assert "bench_*.py" in refused("bench", "--folder", tmp_path)
    assert "there is no benchmark" in refused("bench", "nothing_like_it")


@given(st.text(alphabet="signhardtanh()[]'.,/*+-0123456789x _", max_size=30))
def test_any_text_is_read_or_refused(text):
    """No text makes the parser raise anything but a typed error."""
    with contextlib.suppress(HardlimitError):
        parsing.activation(text)
