"""Building: byte-stable files, arrays kept by digest, interruptions, refusals."""

import importlib.util
import sys
import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from figures import build as builder
from figures import files, style
from figures.base import Figure, checked, thinned
from figures.build import build
from figures.provenance import data_digest, drawing_digest
from theory.errors import InputError, InterruptedRunWarning

CALLS: list[str] = []


def data(scale: float = 1.0):
    CALLS.append("data")
    return {
        "line.x": np.arange(4.0),
        "line.y": np.arange(12.0).reshape(4, 3) / 7,
        "one.z": np.array(0.1),
    }


def draw(canvas, arrays):
    CALLS.append("draw")
    axes = canvas.subplots()
    axes.plot(arrays["line.x"], arrays["line.y"])
    axes.set(xlabel="$x$", ylabel=r"$\alpha(x)$")


def figure(name="Z1", **changes):
    fields = {
        "id": name, "title": "A test", "caption": "Three lines, $y = x$.", "size_mm": (60.0, 40.0),
        "shows": (), "data": data, "draw": draw,
    }  # fmt: skip
    return Figure(**(fields | changes))


@pytest.fixture
def known(monkeypatch):
    CALLS.clear()

    def declare(*figures):
        monkeypatch.setattr(builder, "discover", lambda: {f.id: f for f in figures})

    declare(figure())
    return declare


def contents(folder: Path):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def test_two_builds_write_the_same_bytes(tmp_path):
    for place in ("a", "b"):
        build(["F1"], out=tmp_path / place, cache_dir=tmp_path / f"cache-{place}")
    first = contents(tmp_path / "a")
    assert first == contents(tmp_path / "b")
    assert {"F1.png", "F1.pdf", "F1.npz", "F1.forward.csv"} <= set(first)
    assert b"CreationDate" not in first["F1.pdf"]


def test_unchanged_figures_are_reused_and_force_is_obeyed(tmp_path, known):
    where = {"out": tmp_path / "out", "cache_dir": tmp_path / "cache"}
    (fresh,) = build(**where)
    assert (fresh.reused, CALLS) == (False, ["data", "draw"])
    (kept,) = build(**where)
    assert (kept.reused, CALLS, kept.files) == (True, ["data", "draw"], fresh.files)
    (forced,) = build(force=True, **where)
    assert (forced.reused, CALLS) == (False, ["data", "draw"] * 2)


def test_a_lost_or_altered_file_is_written_again_from_kept_arrays(tmp_path, known):
    where = {"out": tmp_path / "out", "cache_dir": tmp_path / "cache"}
    (fresh,) = build(**where)
    before = contents(tmp_path / "out")
    fresh.files[0].unlink()
    fresh.files[1].write_text("altered")
    (again,) = build(**where)
    assert again.reused
    assert CALLS == ["data", "draw", "draw"]
    assert contents(tmp_path / "out") == before


def test_files_hold_the_arrays_exactly(tmp_path, known):
    build(out=tmp_path, cache_dir=tmp_path / "cache")
    kept = files.read_npz(tmp_path / "Z1.npz")
    for name, array in checked(data(), "Z1").items():
        np.testing.assert_array_equal(kept[name], array)
    table = np.genfromtxt(tmp_path / "Z1.line.csv", delimiter=",", names=True, deletechars="")
    np.testing.assert_array_equal(table["y[2]"], data()["line.y"][:, 2])


def test_an_interrupted_sampler_stops_the_build_and_keeps_what_is_done(tmp_path, known):
    def cut_short(scale: float = 1.0):
        warnings.warn("3 of 10 networks", InterruptedRunWarning, stacklevel=2)
        return data()

    known(figure("Z1"), figure("Z2", data=cut_short))
    with pytest.raises(KeyboardInterrupt):
        build(out=tmp_path, cache_dir=tmp_path / "cache")
    assert {path.name.split(".")[0] for path in tmp_path.iterdir() if path.is_file()} == {"Z1"}
    assert not list((tmp_path / "cache").glob("Z2*"))


def test_unknown_ids_are_refused_before_any_work(tmp_path, known):
    with pytest.raises(InputError, match="no figure Q7; there are Z1"):
        build(["Z1", "Q7"], out=tmp_path / "out", cache_dir=tmp_path / "cache")
    assert not CALLS
    assert not (tmp_path / "out").exists()


def test_progress_names_each_figure_and_ends(tmp_path, known):
    seen = []
    build(out=tmp_path, cache_dir=tmp_path / "c", progress=lambda *report: seen.append(report))
    assert seen == [(0, 1, "Z1"), (1, 1, "")]


def test_the_style_leaves_no_trace(tmp_path, known):
    before = dict(mpl.rcParams)
    build(out=tmp_path, cache_dir=tmp_path / "cache")
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "figure-1"},
        {"caption": "an unpaired $x"},
        {"title": "  "},
        {"size_mm": (400.0, 50.0)},
        {"size_mm": (100.0, 0.0)},
    ],
)
def test_a_figure_that_cannot_be_printed_is_refused(changes):
    with pytest.raises(InputError):
        figure(**changes)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.ones(2)}, "table.column"),
        ({"t.x": np.array([1.0, np.nan])}, "t.x holds NaN"),
        ({"t.x": np.ones(2), "t.y": np.ones(3)}, "t.y has 3 rows and t.x has 2"),
    ],
)
def test_arrays_that_cannot_be_published_are_refused(arrays, message):
    with pytest.raises(InputError, match=message):
        checked(arrays, "figure Z1")


def test_thinning_keeps_the_least_and_never_grows():
    assert [thinned(100, s) for s in (1.0, 0.1, 1e-6)] == [100, 10, 2]
    assert thinned(3, 0.5, least=8) == 3


SOURCE = '''
"""A figure."""
import numpy as np
from figures.base import Figure

def data(scale=1.0):
    return {{"t.x": np.arange({count}.0)}}

def draw(canvas, arrays):
    canvas.subplots().plot(arrays["t.x"], color="{colour}")

FIGURE = Figure(id="Z9", title="t", caption="{caption}", size_mm=(50.0, 50.0), shows=(), data=data, draw=draw)
'''


@pytest.fixture
def version(tmp_path, monkeypatch):
    def made(count=3, colour="red", caption="c") -> Figure:
        name = f"figure_{count}_{colour}_{caption}"
        path = tmp_path / f"{name}.py"
        path.write_text(SOURCE.format(count=count, colour=colour, caption=caption))
        spec = importlib.util.spec_from_file_location("versioned_figure", path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "versioned_figure", module)
        spec.loader.exec_module(module)
        found: Figure = module.FIGURE
        return found

    return made


def test_words_and_colours_redraw_but_do_not_recompute(version):
    start = version()
    arrays, drawing = data_digest(start), drawing_digest(start)
    for change in ({"colour": "blue"}, {"caption": "d"}):
        changed = version(**change)
        assert data_digest(changed) == arrays
        assert drawing_digest(changed) != drawing
    assert data_digest(version(count=4)) != arrays


def test_panel_letters_and_sizes():
    canvas = style.canvas((150.0, 90.0))
    np.testing.assert_allclose(canvas.get_size_inches() * 25.4, (150.0, 90.0))
    axes = canvas.subplots()
    style.letter(axes, "a", "first")
    assert "first" in axes.get_title(loc="left")
