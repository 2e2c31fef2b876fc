"""The commands answer, in words and in JSON, and their exit status means what it says."""

import json
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest

import theory as th
from hardlimit import claims, console, files
from proofs_check import Claim, Grade, Verdict
from theory import networks
from theory.gaussian.code import targets

SIGN_STE = ("--activation", "sign", "--surrogate", "hardtanh(1)")
SMOOTH_STE = ("--activation", "hardtanh(1/2)", "--surrogate", "hardtanh(1)")


@pytest.fixture
def data(tmp_path):
    """Four inputs of unequal norms, as a file."""
    path = tmp_path / "X.npy"
    np.save(path, np.array([[1.0, 0.0], [0.5, 2.0], [-3.0, 1.0], [0.25, -0.5]]))
    return path


def arrays_of(path):
    """Return the arrays of an archive, and close it."""
    with np.load(path) as archive:
        return dict(archive)


@pytest.mark.parametrize(
    "command",
    ["bounds", "derive", "kernel", "sample", "train", "verify", "figures", "reproduce", "bench"],
)
def test_every_command_explains_itself(hardlimit, command):
    assert "Usage" in hardlimit(command, "--help").stdout


def test_derive_prints_what_a_mathematician_writes(hardlimit):
    assert r"\operatorname{asin}" in hardlimit("derive", "sign", "sign", "--format", "latex").stdout
    assert "Phi" in hardlimit("derive", "sign'", "hardtanh'", "--format", "sympy").stdout
    assert "E[sign(u) sign(v)]" in hardlimit("derive", "sign", "sign").stdout


def test_derive_evaluates_in_three_number_systems(hardlimit):
    printed = hardlimit("derive", "sign", "sign", "--at", "1", "1", "1/2", "--json").stdout
    values = json.loads(printed)["values"]
    assert float(values["float64"]) == pytest.approx(1 / 3, rel=1e-15)
    assert values["mp"].startswith("0.333333333333333333333333")
    assert values["ball"].startswith("[0.3333333333333333333")


def test_derive_of_one_function(hardlimit):
    printed = hardlimit("derive", "hardtanh'", "--at", "1", "0", "0", "--json").stdout
    answer = json.loads(printed)
    assert answer["expectation"] == "E[hardtanh(1)'(u)]"
    assert float(answer["values"]["float64"]) == pytest.approx(0.6826894921370859, rel=1e-14)


def test_derive_the_derivative_by_the_covariance(hardlimit):
    """By Price's theorem the derivative of the arcsine is 2/pi over the root of the determinant."""
    printed = hardlimit(
        "derive", "sign", "sign", "--kind", "derivative", "--at", 1, 2, "1/2", "--json"
    ).stdout
    answer = json.loads(printed)
    assert answer["kind"] == "derivative"
    assert float(answer["values"]["float64"]) == pytest.approx(2 / np.pi / 1.75**0.5, rel=1e-14)
    alone = hardlimit("derive", "hardtanh", "--kind", "derivative", "--format", "sympy").stdout
    assert alone == hardlimit("derive", "hardtanh'", "--format", "sympy").stdout


def test_derive_the_kernel_recursion(hardlimit):
    lines = hardlimit("derive", "sign", "hardtanh", "--kind", "kernel", "--format", "sympy").stdout
    equations = dict(line.split(" = ") for line in lines.splitlines())
    assert equations["Sigma__2_uu"] == "s_b**2 + s_w**2"
    assert "Theta__1_uv" in equations["Theta__2_uv"]
    assert r"\Theta^{(2)}" in hardlimit("derive", "sign", "--kind", "kernel", "--json").stdout
    assert "Θ²ᵤᵥ" in hardlimit("derive", "sign", "hardtanh", "--kind", "kernel").stdout


@pytest.mark.parametrize("name", targets())
@pytest.mark.parametrize("kind", ["value", "derivative", "kernel"])
def test_derive_source_text(hardlimit, name, kind):
    """Standard output is the file and nothing else; JSON holds the same text."""
    options = ("derive", "sign", "hardtanh(1/2)", "--kind", kind, "--format", name)
    text = hardlimit(*options).stdout
    forward, surrogate = th.sign(), th.hardtanh("1/2")
    pairs = {
        "value": {"expectation": (forward, surrogate)},
        "derivative": {"expectation": (forward.derivative, surrogate.derivative)},
        "kernel": {"dual": (forward, forward), "slope": (forward.derivative, surrogate.derivative)},
    }[kind]
    for function, (f, g) in pairs.items():
        assert f"{function} = E[{f}(u) {g}(v)]" in text
    assert ("layer" in text) == (kind == "kernel")
    answer = json.loads(hardlimit(*options, "--json").stdout)
    assert answer["format"] == name
    assert answer["code"] == text


def test_derived_numpy_text_runs(hardlimit):
    names = {}
    exec(hardlimit("derive", "sign'", "hardtanh'", "--format", "numpy").stdout, names)
    F = th.expectation(th.sign().derivative, th.hardtanh(1).derivative)
    assert names["expectation"](1.0, 2.0, 0.5) == pytest.approx(F.float64(1.0, 2.0, 0.5), rel=1e-14)


def test_kernel_is_that_of_the_library(hardlimit, data, tmp_path):
    options = (*SIGN_STE, "--layers", 2, "--weight-std", "1.2", "--bias-std", "0.3")
    printed = json.loads(hardlimit("kernel", data, *options, "--json").stdout)
    arch = th.Architecture(2, th.sign(), th.hardtanh(1), weight_std=1.2, bias_std=0.3)
    expected = th.ntk(arch, np.load(data))
    np.testing.assert_array_equal(printed["kernel"], expected)
    for suffix in (".npy", ".csv", ".npz"):
        out = tmp_path / f"K{suffix}"
        hardlimit("kernel", data, *options, "--out", out)
        np.testing.assert_array_equal(files.read_inputs(out), expected)


def test_kernel_of_two_data_sets_in_words(hardlimit, data, tmp_path):
    other = tmp_path / "Y.csv"
    other.write_text("first,second\n1,2\n", encoding="utf-8")
    nngp = hardlimit("kernel", data, other, *SIGN_STE, "--kind", "nngp").stdout
    assert nngp.count("\n") == 4
    summary = json.loads(
        hardlimit("kernel", data, other, *SIGN_STE, "--json", "--out", tmp_path / "K.npy").stdout
    )
    assert summary["shape"] == [4, 1]


def test_layers_may_differ(hardlimit, data):
    mixed = ("--layers", 2, "--activation", "sign", "--activation", "hardtanh(1/2)")
    law = ("--weights", "gaussian", "--weights", "rademacher", "--weights", "ternary_weights(0.5)")
    printed = hardlimit("kernel", data, *mixed, *law, "--kind", "nngp", "--json").stdout
    assert "sign -> hardtanh(1/2)" in json.loads(printed)["architecture"]


def test_sample_is_addressed(hardlimit, data, tmp_path):
    """Six networks are the first two and the next four, bit for bit."""
    options = (*SMOOTH_STE, "--width", 8, "--seed", 3)
    runs = {"all": (0, 6), "head": (0, 2), "tail": (2, 4)}
    draws = {}
    for name, (first, count) in runs.items():
        out = tmp_path / f"{name}.npz"
        told = hardlimit(
            "sample", data, *options, "--first", first, "--draws", count, "--out", out, "--json"
        )
        assert json.loads(told.stdout)["draws"] == count
        draws[name] = arrays_of(out)
    for key in ("outputs", "covariances", "ntk"):
        np.testing.assert_array_equal(
            draws["all"][key], np.concatenate([draws["head"][key], draws["tail"][key]])
        )


def test_sample_in_words(hardlimit, data, tmp_path):
    out = tmp_path / "one.npz"
    told = hardlimit(
        "sample", data, *SIGN_STE, "--no-ntk", "--draws", 1, "--width", 4, "--out", out
    )
    assert "1 of 1 networks" in told.stdout
    assert "ntk" not in arrays_of(out)


def test_interrupted_sample_keeps_what_was_drawn(hardlimit, data, tmp_path, monkeypatch):
    @contextmanager
    def interrupting(_title):
        def report(done, _total):
            if done:
                raise KeyboardInterrupt

        yield report

    monkeypatch.setattr(console, "progress", interrupting)
    monkeypatch.setattr(networks, "sample_networks", partial(networks.sample_networks, batch=5))
    out = tmp_path / "half.npz"
    options = (*SMOOTH_STE, "--width", 4, "--draws", 10, "--out", out)
    hardlimit("sample", data, *options, status=130)
    assert len(arrays_of(out)["outputs"]) == 5


def test_verify_lists_checks_and_explains(hardlimit, tmp_path):
    listed = json.loads(hardlimit("verify", "--list", "--json").stdout)["claims"]
    assert {"id", "statement", "source", "aims_at"} <= set(listed[0])
    assert "T13" in hardlimit("verify", "--list", "--source", "T").stdout
    options = ("--build", tmp_path, "--jobs", 1)
    first = hardlimit("verify", "T13", *options).stdout
    assert "1 of 1 claims hold" in first
    assert "0 unchanged and reused" in first
    assert "1 unchanged and reused" in hardlimit("verify", "T13", *options).stdout
    assert "Mutant: REFUTED" in hardlimit("verify", "--why", "T13", *options).stdout
    answer = json.loads(hardlimit("verify", "T13", "--json", *options).stdout)
    assert set(answer) == {"claims", "versions", "seed"}
    assert answer["claims"][0]["mutant"] == "REFUTED"


def test_verify_fails_with_a_claim(hardlimit, monkeypatch):
    """A refuted claim, or a mutant that survives, is status 1 and is named."""

    def proved():
        return Verdict(Grade.PROVED, "exact")

    def refuted():
        return Verdict(Grade.REFUTED, "no", "at 1")

    entries = [
        Claim("A1", "false", "nowhere", (), Grade.PROVED, check=refuted, mutant=refuted),
        Claim("A2", "true", "nowhere", (), Grade.PROVED, check=proved, mutant=proved),
        Claim("A3", "true", "nowhere", (), Grade.PROVED, check=proved, mutant=refuted),
    ]
    monkeypatch.setattr(claims, "select", lambda *_: entries)
    told = hardlimit("verify", "--jobs", 1, "--fresh", status=1).stdout
    assert "1 of 3 claims hold" in " ".join(told.split())
    assert "NOT HOLDING: A1, A2" in " ".join(told.split())
    assert "at 1" in told


def test_figures_are_listed_and_drawn(hardlimit, tmp_path):
    listed = json.loads(hardlimit("figures", "--list", "--json").stdout)["figures"]
    assert {"id", "title", "shows"} == set(listed[0])
    assert hardlimit("figures", "--list").stdout.count("\n") == len(listed)
    options = ("F1", "--build", tmp_path)
    assert "F1" in hardlimit("figures", *options).stdout
    again = json.loads(hardlimit("figures", *options, "--json").stdout)["figures"]
    assert again[0]["reused"]
    assert (tmp_path / "figures" / "F1.pdf").is_file()
    assert "reused" in hardlimit("figures", *options).stdout


def test_bench_shows_ratios(hardlimit, tmp_path):
    (tmp_path / "bench_sum.py").write_text(
        "from hardlimit.timing import Ratio, best_of\n"
        "def run():\n"
        "    return [Ratio('[sum]', best_of(lambda: sum(range(9)), 1), 'nothing', 1.0)]\n",
        encoding="utf-8",
    )
    assert hardlimit("bench", "--list", "--folder", tmp_path).stdout == "sum\n"
    told = hardlimit("bench", "--folder", tmp_path).stdout
    assert "[sum]" in told
    assert "nothing" in told
    rows = json.loads(hardlimit("bench", "sum", "--folder", tmp_path, "--json").stdout)
    assert rows["benchmarks"][0]["alternative_seconds"] == 1.0


def test_the_repository_has_benchmarks(hardlimit):
    assert json.loads(hardlimit("bench", "--list", "--json").stdout)["benchmarks"]


def test_version(hardlimit):
    assert hardlimit("--version").stdout.startswith("hardlimit ")


def test_ctrl_c_is_status_130(hardlimit, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("hardlimit.claims.check", stop)
    assert "Interrupted" in hardlimit("verify", "T13", status=130).stderr
