"""Every figure of the package: found, computed thinned, drawn, captioned, tied to the ledger."""

from functools import cache

import numpy as np
import pytest
from latex2mathml.converter import convert
from matplotlib.mathtext import MathTextParser

import theory as th
from figures import r01_digits, r02_accuracy_map, style
from figures.base import Array, checked, formulas
from figures.build import discover
from proofs_check import discover as claims

FIGURES = discover()
EVERY = pytest.mark.parametrize("name", FIGURES)


@cache
def thin(name: str) -> dict[str, Array]:
    return checked(FIGURES[name].data(scale=0.03), name)


def test_discovery_finds_the_figures_of_the_thesis_in_order():
    assert list(FIGURES) == sorted(FIGURES, key=lambda name: (name[0], int(name[1:])))
    assert {"F1", "F2", "F3", "F4", "F5", "F6", "F10", "F12", "R1", "R2"} <= set(FIGURES)


@EVERY
def test_data_is_finite_named_and_repeatable(name):
    arrays = thin(name)
    again = FIGURES[name].data(scale=0.03)
    assert arrays
    for key, array in arrays.items():
        assert array.dtype == np.float64
        np.testing.assert_array_equal(array, np.atleast_1d(again[key]))


@EVERY
def test_draw_shows_labelled_axes(name):
    with style.thesis_style():
        canvas = style.canvas(FIGURES[name].size_mm)
        FIGURES[name].draw(canvas, thin(name))
        canvas.canvas.draw()
    panels = [axes for axes in canvas.axes if axes.get_subplotspec() is not None]
    assert panels
    assert all(axes.has_data() for axes in panels)
    for direction in ("x", "y"):
        own = [getattr(axes, f"get_{direction}label")() for axes in panels]
        assert any(own) or getattr(canvas, f"get_sup{direction}label")()


@EVERY
def test_title_and_caption_are_mathematics_that_both_renderers_read(name):
    parser = MathTextParser("path")
    for text in (FIGURES[name].title, FIGURES[name].caption):
        assert "\n" not in text
        for formula in formulas(text):
            parser.parse(f"${formula}$")
            assert "<math" in convert(formula)
        outside = "".join(text.split("$")[::2])
        assert not set(outside) & set("\\{}^_"), "LaTeX outside of dollar signs"


@EVERY
def test_shown_claims_are_in_the_ledger(name):
    known = [claim.id for claim in claims()]
    assert FIGURES[name].shows
    for shown in FIGURES[name].shows:
        assert any(claim == shown or claim.startswith(f"{shown}.") for claim in known), shown


@EVERY
def test_sampled_figures_name_their_seed_and_others_do_not(name):
    unseeded = {"F1", "F11", "M1", "M2", "M3", "P1", "Q1", "Q14", "Q16", "Q4", "Q5", "R5", "R6"}
    assert (FIGURES[name].seed is None) == (name in unseeded)


def test_the_exact_lines_of_f5_agree_with_the_sampled_points():
    # The deviation of a variance estimate is below 5 % at these draws; 25 % is six of them.
    arrays = FIGURES["F5"].data(scale=0.2)
    for table in ("l0", "l1"):
        line = np.interp(arrays[f"{table}.n"], arrays["exact.n"], arrays[f"exact.{table}"])
        np.testing.assert_allclose(arrays[f"{table}.rms"], line, rtol=0.25)


def test_the_limit_kernel_of_f6_is_symmetric_on_equal_norms_alone():
    arrays = thin("F6")
    for hidden in (1, 2):
        assert arrays[f"limit_size.circle{hidden}"][0] < 1e-12
        assert arrays[f"limit_size.spiral{hidden}"][0] > 1e-2


def test_the_bounds_of_f10_hold_for_the_measured_distance():
    arrays = thin("F10")
    for hidden in (1, 2, 3):
        seen = dict(zip(arrays[f"l{hidden}.n"], arrays[f"l{hidden}.lower"], strict=True))
        bounds = [
            name for name in arrays if name.endswith(f"_l{hidden}.value") and "sharp" not in name
        ]
        assert len(bounds) >= 6
        for name in bounds:
            widths = arrays[name.replace(".value", ".n")]
            assert np.all(arrays[name] > [seen[n] for n in widths]), name
        coupled = arrays[f"coupling_l{hidden}.value"]
        assert np.all(arrays[f"l{hidden}.distance"] < coupled)
        assert np.all(coupled < arrays[f"basteri_trevisan_l{hidden}.value"])
    exact = arrays["binary.lattice"]
    assert np.all(exact < arrays["binary.skorokhod"])
    assert np.all(arrays["outputs.distance"] < arrays["outputs.coupling"])
    assert arrays["angle.eigenvalue_64"][0] > arrays["angle.free_64"][0]


def test_what_the_caption_of_r1_says_of_the_spectra_is_true():
    images, _ = r01_digits.digits(r01_digits.TRAIN, 1)
    train = images[: r01_digits.CLASSES * r01_digits.TRAIN]
    least = {}
    for forward in (th.sign(), th.hardtanh("1/2")):
        arch = th.Architecture(
            1, forward, th.hardtanh(1), r01_digits.WEIGHT_STD, r01_digits.BIAS_STD
        )
        least[forward.name] = np.linalg.eigvals(th.ntk(arch, train)).real.min()
    assert least["sign"] > 1e-3
    assert least["hardtanh"] < -1e-3


def test_the_corners_of_the_maps_of_r2_keep_the_promise():
    arrays = thin("R2")
    for table in r02_accuracy_map.MAPS:
        assert np.all(arrays[f"{table}.error"] < r02_accuracy_map.PROMISE)


def test_r2_sees_an_error_of_a_few_ulp():
    ball = th.expectation(th.sign(), th.sign()).ball(1, 1, "1/2", bits=128)
    error = r02_accuracy_map.relative_error((1 + 2**-50) / 3, ball)
    np.testing.assert_allclose(error, 2**-50, rtol=0.2)
