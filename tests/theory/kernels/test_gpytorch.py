"""The kernels inside GPyTorch: values, gradients, training; run where GPyTorch is installed."""

import warnings
from importlib import import_module

import numpy as np
import pytest

import theory as th
from theory.errors import InputError

# Loading PyTorch, some of its dependencies warn about each other.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    module = import_module("theory.kernels.gpytorch")

torch, gpytorch, NeuralKernel = module.torch, module.gpytorch, module.NeuralKernel
entries = module._Entries.apply if module._HERE else None
needed = pytest.mark.skipif(
    not module._HERE, reason="GPyTorch is not installed (the extra 'gpytorch')"
)

X = np.random.default_rng(0).standard_normal((12, 3)) * np.linspace(0.5, 2, 12)[:, None]


def kernels() -> dict[str, NeuralKernel]:
    return {
        "nngp": NeuralKernel(2, th.hardtanh(1), weight_std=1.25, bias_std=0.25),
        "layers": NeuralKernel(1, th.relu(), weight_std=[1.25, 1.0], bias_std=0.25),
        "ntk": NeuralKernel(
            2, th.sign(), th.hardtanh(1), 1.25, 0.25, kind="ntk", jacobians=("surrogate", "surrogate")
        ),
    }  # fmt: skip


def test_without_gpytorch_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HERE", False)
    with pytest.raises(InputError, match=r"hardlimit\[gpytorch\]"):
        NeuralKernel(1, th.relu())


@needed
@pytest.mark.parametrize("name", ["nngp", "layers", "ntk"])
def test_values_diagonals_batches(name: str) -> None:
    kernel, x = kernels()[name], torch.from_numpy(X)
    arch = kernel.architecture
    expected = (
        th.nngp(arch, X) if kernel.kind == "nngp" else th.ntk(arch, X, jacobians=kernel.jacobians)
    )
    np.testing.assert_allclose(kernel(x).to_dense().detach(), expected, rtol=1e-12)
    np.testing.assert_allclose(kernel(x, x[:5]).to_dense().detach(), expected[:, :5], rtol=1e-12)
    np.testing.assert_allclose(kernel(x, diag=True).detach(), np.diag(expected), rtol=1e-12)
    batches = kernel(x.reshape(3, 4, 3)).to_dense().detach()
    np.testing.assert_allclose(batches[1], expected[4:8, 4:8], rtol=1e-12)
    assert kernel(x.float()).to_dense().dtype == torch.float32


@needed
@pytest.mark.parametrize("name", ["nngp", "layers", "ntk"])
def test_gradcheck(name: str) -> None:
    kernel, x = kernels()[name], torch.from_numpy(X)
    stds = [s.detach().clone().requires_grad_() for s in (kernel.weight_std, kernel.bias_std)]
    for other in (x, x[:4]):
        assert torch.autograd.gradcheck(lambda w, b: entries(w, b, kernel, x, other), stds)  # noqa: B023
        alone = [stds[0], stds[1].detach()]
        assert torch.autograd.gradcheck(lambda w, b: entries(w, b, kernel, x, other), alone)  # noqa: B023


@needed
@pytest.mark.parametrize("optimizer", ["Adam", "LBFGS"])
def test_exact_regression_is_trained(optimizer: str) -> None:
    class Process(gpytorch.models.ExactGP):
        def __init__(self, x, y, likelihood):
            super().__init__(x, y, likelihood)
            self.mean_module = gpytorch.means.ZeroMean()
            self.covar_module = kernels()["nngp"]

        def forward(self, x):
            return gpytorch.distributions.MultivariateNormal(
                self.mean_module(x), self.covar_module(x)
            )

    x = torch.from_numpy(X)
    y = torch.sin(x[:, 0])
    likelihood = gpytorch.likelihoods.GaussianLikelihood().double()
    process = Process(x, y, likelihood).double()
    objective = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, process)
    process.train()
    likelihood.train()
    steps = {
        "Adam": lambda of: torch.optim.Adam(of, lr=0.1),
        "LBFGS": lambda of: torch.optim.LBFGS(of, max_iter=8, line_search_fn="strong_wolfe"),
    }[optimizer](process.parameters())
    losses = []

    def loss():
        steps.zero_grad()
        value = -objective(process(x), y)
        value.backward()
        losses.append(value.item())
        return value

    start = process.covar_module.weight_std.item()
    for _ in range(10 if optimizer == "Adam" else 1):
        steps.step(loss)
    assert losses[-1] < losses[0] - 0.01
    assert process.covar_module.weight_std.item() != start
    process.eval()
    likelihood.eval()
    with torch.no_grad():
        K, noise = process.covar_module(x).to_dense(), likelihood.noise
        mean = K[:3] @ torch.linalg.solve(K + noise * torch.eye(12), y)
        np.testing.assert_allclose(process(x[:3]).mean, mean, rtol=1e-6)


@needed
def test_refusals_and_setters() -> None:
    kernel = kernels()["nngp"]
    kernel.weight_std = 0.75
    kernel.bias_std = 0.5
    assert kernel.weight_std.item() == pytest.approx(0.75)
    assert kernel.architecture.bias_stds == pytest.approx((0.5,) * 3)
    with pytest.raises(InputError, match="AsymmetricRidge"):
        NeuralKernel(1, th.sign(), th.hardtanh(1), kind="ntk", jacobians=("true", "surrogate"))
    with pytest.raises(InputError, match="bias_std"):
        NeuralKernel(1, th.relu(), bias_std=0.0)
    with pytest.raises(InputError, match="detach"):
        kernel(torch.from_numpy(X).requires_grad_()).to_dense()
