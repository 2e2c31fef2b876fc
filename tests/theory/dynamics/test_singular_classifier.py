"""The vote that regression with the kernel of sign becomes: against steep erf, and scikit-learn's own checks."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.multiclass import OneVsRestClassifier
from sklearn.utils.estimator_checks import check_estimator

import theory as th
from theory.dynamics.singular import SingularKernelClassifier
from theory.errors import ArchitectureError, InputError

RNG = np.random.default_rng(11)
X = RNG.standard_normal((25, 3)) * RNG.uniform(0.4, 3, (25, 1))
Y = np.where(X[:, 0] * X[:, 1] > 0, "up", "down")
NEW = RNG.standard_normal((60, 3))
BIASED = th.Architecture(2, th.sign(), weight_std=1.25, bias_std=0.5)


@pytest.mark.parametrize("bias", [0.0, 0.5])
@pytest.mark.parametrize("hidden", [1, 2, 3])
def test_votes_are_what_regression_with_steep_erf_tends_to(hidden: int, bias: float) -> None:
    m = 10**8
    arch = th.Architecture(hidden, th.sign(), weight_std=1.25, bias_std=bias)
    steep = th.Architecture(hidden, th.erf(m), weight_std=1.25, bias_std=bias)
    model = SingularKernelClassifier(arch).fit(X, Y)
    solved = np.linalg.solve(th.ntk(steep, X), np.where(Y == "up", 1.0, -1.0))
    predicted = th.ntk(steep, NEW, X) @ solved
    votes = model.decision_function(NEW)
    np.testing.assert_allclose(
        predicted * float(m) ** hidden, votes, rtol=1e-4, atol=1e-5 * np.abs(votes).max()
    )
    assert np.abs(predicted).max() < 1e-5
    np.testing.assert_array_equal(model.predict(NEW), np.where(predicted > 0, "up", "down"))


def test_training_inputs_keep_their_labels() -> None:
    model = SingularKernelClassifier(BIASED).fit(X, Y)
    votes = model.decision_function(np.vstack([X, NEW[:1]]))
    np.testing.assert_array_equal(votes[:-1], np.where(Y == "up", np.inf, -np.inf))
    assert np.isfinite(votes[-1])
    assert model.score(X, Y) == 1.0
    lines = SingularKernelClassifier(th.Architecture(1, th.sign())).fit(X, Y)
    for factor in (2.0, -0.125):  # exact: the rows stay on their lines
        expected = np.where(Y == "up", np.inf, -np.inf) * np.sign(factor)
        np.testing.assert_array_equal(lines.decision_function(factor * X), expected)


def test_equal_inputs_share_one_vote() -> None:
    twice = np.vstack([X, X[:2]])
    model = SingularKernelClassifier(BIASED).fit(twice, np.append(Y, Y[:2]))
    once = SingularKernelClassifier(BIASED).fit(X, Y)
    np.testing.assert_allclose(model.decision_function(NEW), once.decision_function(NEW))
    other = {"up": "down", "down": "up"}
    split = SingularKernelClassifier(BIASED).fit(twice, [*Y, other[Y[0]], Y[1]])
    assert split.decision_function(X[:2])[0] == 0
    left = SingularKernelClassifier(BIASED).fit(X[1:], Y[1:])
    np.testing.assert_allclose(split.decision_function(NEW), left.decision_function(NEW))


def test_the_input_zero_has_the_limit_of_its_neighbours() -> None:
    votes = []
    for size in (0.0, 1e-7):
        points = np.vstack([X, np.full((1, 3), size)])
        model = SingularKernelClassifier(BIASED).fit(points, np.append(Y, "up"))
        votes.append(model.decision_function(NEW))
    np.testing.assert_allclose(*votes, rtol=0, atol=1e-5)
    with pytest.raises(InputError, match="row 1 of X is 0"):
        SingularKernelClassifier(th.Architecture(1, th.sign())).fit([[1.0], [0.0]], [0, 1])


def test_scikit_learns_own_checks() -> None:
    found = check_estimator(SingularKernelClassifier(BIASED), on_fail=None, on_skip=None)
    failed = {
        check["check_name"]: check["exception"] for check in found if check["status"] == "failed"
    }
    assert not failed
    assert len(found) > 40


def test_clones_pickles_and_more_classes() -> None:
    model = SingularKernelClassifier(BIASED).fit(X, Y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(NEW), model.predict(NEW))
    three = np.digitize(X[:, 0], [-0.3, 0.3])
    several = OneVsRestClassifier(clone(model)).fit(X, three)
    np.testing.assert_array_equal(several.predict(X), three)


def test_refusals() -> None:
    for arch in (
        th.Architecture(1, th.hardtanh(1)),
        th.Architecture(2, (th.sign(), th.relu())),
        th.Architecture(0),
    ):
        with pytest.raises(ArchitectureError, match="odd activations with a jump"):
            SingularKernelClassifier(arch).fit(X, Y)
    with pytest.raises(ArchitectureError, match="surrogates"):
        SingularKernelClassifier(th.Architecture(1, th.sign(), th.hardtanh(1))).fit(X, Y)
    with pytest.raises(InputError, match="binary classification"):
        SingularKernelClassifier(BIASED).fit(X, np.arange(25) % 3)
    doubled = np.vstack([X, 2 * X[3:4]])
    with pytest.raises(InputError, match="rows 3 and 25 of X lie on one line"):
        SingularKernelClassifier(th.Architecture(1, th.sign())).fit(doubled, np.append(Y, "up"))
