"""The estimators: scikit-learn's own checks, checkpoints, validation, and the same bits after a resumption."""

import pickle
from functools import partial
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import theory as th
from theory.errors import InputError, StoreError
from theory.quantized import Adam, Classifier, FullPrecision, Regressor, Role, generator

X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]
ADAM = FullPrecision(0.1, Adam())
small = partial(Classifier, hidden=(8,), activation=th.tanh(1), epochs=4)


def test_it_learns_and_speaks_in_labels() -> None:
    model = small(ADAM, epochs=20).fit(X, NAMES)
    assert model.score(X, NAMES) > 0.9
    assert set(model.predict(X)) == set(NAMES)
    assert model.decision_function(X).shape == (150, 3)
    assert model.weights_.shape == (model.network_.dim,)
    assert model.evaluations_ == 20 * 150
    assert (model.bits_.training, model.bits_.inference) == (96, 32)


def test_pipelines_searches_clones_and_pickles() -> None:
    model = small(ADAM)
    assert cross_val_score(make_pipeline(StandardScaler(), model), X, NAMES, cv=3).mean() > 0.8
    search = GridSearchCV(model, {"trainer": [ADAM, FullPrecision(1e-6)]}, cv=3).fit(X, NAMES)
    assert search.best_params_["trainer"] == ADAM
    model.fit(X, NAMES)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(clone(model).fit(X, NAMES).weights_, model.weights_)


@pytest.mark.parametrize("validation", [None, 0.3])
def test_a_resumed_run_has_the_same_bits(validation: float | None) -> None:
    whole = small(ADAM, epochs=5, validation=validation).fit(X, NAMES)
    half = small(ADAM, epochs=2, validation=validation).fit(X, NAMES)
    rest = small(ADAM, epochs=5, validation=validation)
    rest.fit(X, NAMES, resume=pickle.loads(pickle.dumps(half.state_)))
    np.testing.assert_array_equal(rest.weights_, whole.weights_)
    assert rest.evaluations_ == whole.evaluations_
    parts = small(ADAM, validation=validation)
    for _ in range(5):
        parts.partial_fit(X, NAMES, classes=np.unique(NAMES))
    np.testing.assert_array_equal(parts.weights_, whole.weights_)
    other = small(ADAM, epochs=5, seed=1, validation=validation).fit(X, NAMES)
    assert not np.array_equal(other.weights_, whole.weights_)


def test_an_interrupted_run_keeps_its_last_epoch() -> None:
    def stop(report: Any) -> None:
        if report.epoch == 3:
            raise KeyboardInterrupt

    model = small(ADAM, epochs=5)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, NAMES, progress=stop)
    assert model.state_["epoch"] == 3
    whole = small(ADAM, epochs=5).fit(X, NAMES)
    np.testing.assert_array_equal(model.fit(X, NAMES, resume=model.state_).weights_, whole.weights_)


def test_the_best_state_on_the_data_set_aside_predicts() -> None:
    reports = []
    # A step size that makes the loss jump: the last epoch is not the best.
    model = small(FullPrecision(6.0), epochs=8, validation=0.4).fit(
        X, NAMES, progress=reports.append
    )
    values = [report.validation for report in reports]
    best = int(np.argmin(values))
    assert best != 7
    assert model.state_["best_value"] == values[best]
    assert model.chosen_["evaluations"] == reports[best].evaluations


def test_the_regressor_follows_a_plane() -> None:
    targets = X[:, :2] @ np.array([[1.0, 0.5], [0.0, -2.0]])
    model = Regressor(ADAM, hidden=(), epochs=30).fit(X, targets)
    assert model.score(X, targets) > 0.99
    assert model.predict(X).shape == (150, 2)
    assert Regressor(ADAM, hidden=(), epochs=1).fit(X, targets[:, 0]).predict(X).shape == (150,)


@pytest.mark.parametrize("kind", [Classifier, Regressor], ids=["classifier", "regressor"])
def test_scikit_learns_own_checks(kind: type) -> None:
    model = kind(
        FullPrecision(0.1, Adam()), hidden=(8,), activation=th.tanh(1), epochs=60, batch=None
    )
    found = check_estimator(model, on_fail=None, on_skip=None)
    failed = {one["check_name"]: one["exception"] for one in found if one["status"] == "failed"}
    assert not failed
    assert len(found) > 40


def test_refusals() -> None:
    with pytest.raises(InputError, match="declaration"):
        small("adam").fit(X, NAMES)
    with pytest.raises(InputError, match="sets none aside"):
        small(ADAM, validation=0.001).fit(X, NAMES)
    with pytest.raises(InputError, match="at least 2 classes"):
        small(ADAM).fit(X, np.zeros(150))
    done = small(ADAM, epochs=1).fit(X, NAMES)
    with pytest.raises(StoreError, match="seed 0"):
        small(ADAM, seed=3).fit(X, NAMES, resume=done.state_)
    with pytest.raises(StoreError, match="state_"):
        small(ADAM).fit(X, NAMES, resume={})
    with pytest.raises(InputError, match="not among the classes"):
        small(ADAM).partial_fit(X[:60], NAMES[:60]).partial_fit(X, NAMES)
    with pytest.raises(InputError, match="since the first call"):
        done.partial_fit(X, NAMES, classes=["a", "b"])


def test_addresses_give_different_streams() -> None:
    first = generator(1, Role.STEP, 2).integers(2**63, size=4)
    np.testing.assert_array_equal(first, generator(1, Role.STEP, 2).integers(2**63, size=4))
    for other in (generator(2, Role.STEP, 2), generator(1, Role.ORDER, 2), generator(1, 3, 3)):
        assert not np.array_equal(first, other.integers(2**63, size=4))
    with pytest.raises(InputError, match="2\\^64"):
        generator(2**64, Role.START)
