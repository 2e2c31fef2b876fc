"""The kernels inside scikit-learn: values, gradients, and the estimators that take them."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import theory as th
from theory.errors import InputError, UndefinedKernelError
from theory.kernels.scikit import NeuralKernel

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 3)) * RNG.uniform(0.5, 2, (40, 1))
Y = np.sin(X[:, 0]) + 0.1 * RNG.standard_normal(40)

NNGP = NeuralKernel(2, th.hardtanh(1), weight_std=1.25, bias_std=0.25)
KERNELS = {
    "nngp": NNGP,
    "ntk": NeuralKernel(1, th.erf(1), weight_std=1.25, bias_std=0.25, kind="ntk"),
    "surrogate": NeuralKernel(
        2, th.sign(), th.hardtanh(1), 1.25, 0.25, kind="ntk", jacobians=("surrogate", "surrogate")
    ),
    "layers": NeuralKernel(1, th.relu(), weight_std=[1.5, 1.0], bias_std=0.25),
    "fixed": NeuralKernel(1, th.sign(), weight_std=1.25, bias_std=0.0, bias_std_bounds="fixed"),
}


@pytest.mark.parametrize("name", KERNELS)
def test_values_and_diagonal(name: str) -> None:
    kernel = KERNELS[name]
    arch = kernel.architecture
    expected = (
        th.nngp(arch, X, X[:5])
        if kernel.kind == "nngp"
        else th.ntk(arch, X, X[:5], kernel.jacobians)
    )
    np.testing.assert_array_equal(kernel(X, X[:5]), expected)
    np.testing.assert_allclose(kernel.diag(X), np.diag(kernel(X)), rtol=1e-14)
    assert not kernel.is_stationary()


@pytest.mark.parametrize("name", KERNELS)
def test_gradients_are_those_in_theta(name: str) -> None:
    kernel = KERNELS[name]
    value, gradient = kernel(X, eval_gradient=True)
    np.testing.assert_allclose(value, kernel(X), rtol=1e-12)
    assert gradient.shape == (40, 40, len(kernel.theta))
    step = 1e-5
    for k, move in enumerate(step * np.eye(len(kernel.theta))):
        up, down = (kernel.clone_with_theta(kernel.theta + s * move)(X) for s in (1, -1))
        # The second difference is below 1e-10 of the kernel, its rounding below 1e-10 too.
        np.testing.assert_allclose(gradient[..., k], (up - down) / (2 * step), rtol=1e-7, atol=1e-8)


def test_a_kernel_with_nothing_to_fit_has_no_gradient() -> None:
    kernel = NeuralKernel(1, th.sign(), weight_std_bounds="fixed", bias_std_bounds="fixed")
    value, gradient = kernel(X, eval_gradient=True)
    assert value.shape == (40, 40)
    assert gradient.shape == (40, 40, 0)


def test_gaussian_process_regression_fits_by_the_gradient() -> None:
    kernel = NNGP + WhiteKernel(0.01)
    start = GaussianProcessRegressor(kernel, optimizer=None).fit(X, Y)
    process = GaussianProcessRegressor(kernel).fit(X, Y)
    theta = start.kernel_.theta + np.array([0.1, -0.1, 0.2])
    _, gradient = start.log_marginal_likelihood(theta, eval_gradient=True)
    for k, move in enumerate(1e-5 * np.eye(3)):
        up, down = (start.log_marginal_likelihood(theta + s * move) for s in (1, -1))
        assert gradient[k] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-5)
    assert process.log_marginal_likelihood_value_ > start.log_marginal_likelihood_value_ + 1
    # The oracle of the prediction is its formula.
    K, cross = process.kernel_(X), process.kernel_(X[:4] + 0.1, X)
    mean, std = process.predict(X[:4] + 0.1, return_std=True)
    np.testing.assert_allclose(mean, cross @ np.linalg.solve(K + 1e-10 * np.eye(40), Y), rtol=1e-6)
    rest = process.kernel_.diag(X[:4] + 0.1) - np.einsum(
        "ij,ji->i", cross, np.linalg.solve(K, cross.T)
    )
    np.testing.assert_allclose(std**2, rest, rtol=1e-4)


def test_classifiers_ridge_and_pipelines_take_it() -> None:
    small, classes = X[:25], Y[:25] > 0
    kernel = NeuralKernel(1, th.erf(1), bias_std=0.25, bias_std_bounds="fixed")
    start = GaussianProcessClassifier(kernel, optimizer=None).fit(small, classes)
    fitted = GaussianProcessClassifier(kernel).fit(small, classes)
    assert fitted.log_marginal_likelihood_value_ > start.log_marginal_likelihood_value_
    kernel = KERNELS["surrogate"]
    ridge = KernelRidge(kernel=kernel, alpha=0.5).fit(X, Y)
    expected = kernel(X[:5], X) @ np.linalg.solve(kernel(X) + 0.5 * np.eye(40), Y)
    np.testing.assert_allclose(ridge.predict(X[:5]), expected, rtol=1e-9)
    scaled = StandardScaler().fit_transform(X)
    machine = make_pipeline(StandardScaler(), SVC(kernel=KERNELS["ntk"])).fit(X, Y > 0)
    plain = SVC(kernel="precomputed").fit(KERNELS["ntk"](scaled), Y > 0)
    np.testing.assert_array_equal(machine.predict(X), plain.predict(KERNELS["ntk"](scaled)))
    search = GridSearchCV(KernelRidge(kernel=NNGP), {"kernel__weight_std": [0.5, 1.5]}, cv=2)
    assert search.fit(X, Y).best_params_["kernel__weight_std"] in (0.5, 1.5)


@pytest.mark.parametrize("name", KERNELS)
def test_clones_copies_and_parameters(name: str) -> None:
    kernel = KERNELS[name]
    kernel(X[:3])
    for copy in (clone(kernel), pickle.loads(pickle.dumps(kernel))):
        assert copy == kernel
        np.testing.assert_array_equal(copy(X[:3]), kernel(X[:3]))
    assert clone(kernel).set_params(weight_std=2.0).get_params()["weight_std"] == 2.0
    assert kernel.weight_std != 2.0
    assert "s_w" in repr(kernel)


def test_refusals_say_where_to_go() -> None:
    mixed = NeuralKernel(1, th.sign(), th.hardtanh(1), kind="ntk", jacobians=("true", "surrogate"))
    for call in (mixed, mixed.diag, lambda x: mixed(x, eval_gradient=True)):
        with pytest.raises(InputError, match="AsymmetricRidge"):
            call(X)
    plain = NeuralKernel(1, th.erf(1), kind="ntk", jacobians=("true", "surrogate"))
    np.testing.assert_array_equal(plain(X), plain(X).T)
    with pytest.raises(InputError, match=r"bias_std = 0.*fixed"):
        GaussianProcessRegressor(NeuralKernel(1, th.relu(), bias_std=0)).fit(X, Y)
    with pytest.raises(InputError, match="kind"):
        NeuralKernel(1, th.relu(), kind="kernel")(X)
    with pytest.raises(InputError, match="leave Y out"):
        NNGP(X, X, eval_gradient=True)
    with pytest.raises(UndefinedKernelError):
        NeuralKernel(1, th.sign(), kind="ntk")(X)
