"""Figures of trained networks: what their captions say, and a record that is redone in part."""

import numpy as np
import pytest

from figures import (
    circle_long,
    p02_population_gradients,
    r07_real_data,
    real_data,
    t02_circle_and_oval,
    t03_circle_long,
)
from figures.build import discover
from figures.real_data import CELLS, STEPS, Cell, feigned, jackknife, measure
from proofs_check.claims.real_data import LESSON, TASKS, TEST, law

SMALL = Cell("three_eight", 1, 32)


def test_the_record_of_r7_is_repeated_by_other_networks():
    again, kept = measure(SMALL, 64), r07_real_data.RECORD["cells"][SMALL.name]
    for key in ("spread", "error", "own_ts", "cover95", "residual"):
        for now, before in zip(again[key], kept[key], strict=True):
            # Five standard errors of the smaller sample, which is part of the other.
            assert abs(now[0] - before[0]) < 5 * now[1], key


def test_the_record_of_r7_holds_cells_of_the_plan_alone():
    plan = {cell.name: len(cell.steps) for cell in CELLS}
    for name, measures in r07_real_data.RECORD["cells"].items():
        assert {len(rows) for key, rows in measures.items() if "test" not in key} == {plan[name]}
    assert plan.keys() == r07_real_data.RECORD["cells"].keys()


@pytest.mark.parametrize("task", TASKS)
def test_networks_seem_to_leave_for_the_symmetric_kernel_as_far_as_they_forget(task):
    for width in (512, 1024, 2048):
        cell = r07_real_data.RECORD["cells"][Cell(task, 1, width).name]
        share, error = cell["towards_ss"][-1]
        explained = feigned(task, STEPS[-1], cell["flips1"][-1][0])
        # Nine comparisons: one in a thousand such records would fail.
        assert abs(share - explained) < 3.9 * error + 0.02
        assert explained > 0.1


@pytest.mark.parametrize("task", TASKS)
def test_lesson_and_tests_are_disjoint_and_balanced(task):
    inputs, labels = TASKS[task]()
    assert len(inputs) == LESSON + 2 * TEST
    assert len(np.unique(inputs, axis=0)) == len(inputs)
    assert labels[:LESSON].sum() == labels[LESSON:].sum() == 0
    lengths = np.linalg.norm(inputs, axis=1)
    assert lengths.max() > 1.3 * lengths.min()


def test_a_law_fits_outputs_that_it_made_and_not_those_of_another_kernel():
    laws = {name: law("tumours", 1, name, STEPS[1]) for name in ("ts", *real_data.RIVALS)}
    inputs, labels = TASKS["tumours"]()
    start = np.random.default_rng(1).normal(size=(400, len(inputs)))
    for name, place in (("ts", 0.0), ("ss", 1.0)):
        made = laws[name].of(start) + 0.01 * np.random.default_rng(2).normal(size=(400, 2 * TEST))
        found = real_data.compared(start, made, labels[LESSON:], laws)
        assert abs(found["towards_ss"][0] - place) < 0.02
        assert (found["own_ts"][0] < 2e-4) == (name == "ts")


def test_the_jackknife_takes_off_the_bias_of_a_square():
    samples = np.random.default_rng(3).normal(0.0, 1.0, (320, 500))
    value, error = jackknife(lambda mean: float(np.mean(mean**2)), samples)
    assert abs(value) < 4 * error
    assert np.mean(samples.mean(axis=0) ** 2) > 10 * error


def test_sampled_population_gradients_lie_on_their_curves():
    arrays = discover()["P2"].data(scale=0.3)
    for name in p02_population_gradients.NAMES:
        line = np.interp(arrays["sampled.theta"], arrays["angle.theta"], arrays[f"angle.{name}"])
        # The curve has 24 points here: up to half a degree of chord.
        reach = 5 * arrays[f"sampled.{name}_stderr"] + 0.5
        assert np.all(np.abs(arrays[f"sampled.{name}"] - line) < reach)
        assert np.all(arrays[f"angle.{name}"] <= 90)


def test_work_along_loops_is_the_integral_of_the_curl():
    arrays = discover()["P1"].data(scale=0.5)
    line = np.interp(arrays["loop.radius"], arrays["area.radius"], arrays["area.integral"])
    np.testing.assert_allclose(arrays["loop.surrogate"], line, atol=2e-2)
    np.testing.assert_allclose(arrays["loop.true"], 0, atol=1e-12)


def test_a_transposed_kernel_saturates_on_the_oval_alone():
    circle, oval = (t02_circle_and_oval._kernels(curve, 0.2) for curve in ("circle", "oval"))
    np.testing.assert_allclose(
        circle["kernel_circle.right"], circle["kernel_circle.transposed"], rtol=1e-9
    )
    assert oval["kernel_oval.transposed"][-1] > 4 * oval["kernel_oval.right"][-1]


def test_measures_of_batches_merge():
    random = np.random.default_rng(4)
    outputs = random.normal(size=(6, 1 + len(circle_long.STEPS), len(circle_long.points("oval"))))
    flips = random.random((6, 1 + len(circle_long.STEPS), 2))
    whole = circle_long.measured("oval", outputs, flips)
    parts = [circle_long.measured("oval", outputs[p], flips[p]) for p in (slice(2), slice(2, 6))]
    for key, value in circle_long.merged(*parts).items():
        np.testing.assert_allclose(value, whole[key], rtol=1e-12, atol=1e-12)


def test_the_record_of_t3_holds_batches_of_its_plan():
    held = {name: cell["networks"] for name, cell in t03_circle_long.RECORD["cells"].items()}
    for cell in circle_long.CELLS:
        assert 0 < held.pop(cell.name) <= cell.planned
    assert not held


def test_float32_changes_no_statistics_of_the_record_of_t3():
    double, single = (
        t03_circle_long.held(cell) for cell in circle_long.CELLS if cell.name.startswith("circle.100.")
    )  # fmt: skip
    for number in (
        lambda found: t03_circle_long.mean(found, "nngp"),
        lambda found: t03_circle_long.mean(found, "own"),
        lambda found: t03_circle_long.spread(found, "circle"),
    ):
        (one, error), (other, least) = number(single), number(double)
        # Fifteen comparisons: one in a thousand would fail.
        assert np.all(np.abs(one - other) < 4 * np.hypot(error, least))
