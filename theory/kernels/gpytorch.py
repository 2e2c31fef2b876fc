"""Limit kernels for GPyTorch, differentiable in the standard deviations.

Imported by its full name, ``theory.kernels.gpytorch``, so that PyTorch is loaded only where it is used. GPyTorch is an
optional dependency: ``pip install 'hardlimit[gpytorch]'``.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.activations import Activation
from theory.errors import InputError
from theory.kernels.architecture import Architecture
from theory.kernels.covariance import BLOCK, Covariance
from theory.kernels.hyperparameters import PARAMETERS, kernel_derivatives
from theory.kernels.recursion import ORDINARY
from theory.kernels.weights import WeightLaw, gaussian

_HERE = find_spec("gpytorch") is not None
# By name: types of theirs are there only where they are.
torch: Any = import_module("torch") if _HERE else None
gpytorch: Any = import_module("gpytorch") if _HERE else None

Float = NDArray[np.float64]


class NeuralKernel(gpytorch.kernels.Kernel if _HERE else object):  # type: ignore[misc]
    r"""The NNGP or the tangent kernel of an infinitely wide network, as a GPyTorch kernel.

    Parameters
    ----------
    hidden_layers, activation, surrogate, weights
        As for ``Architecture``.
    weight_std, bias_std
        Where training starts: positive numbers, or lists of L + 1 that are trained one by one. Afterwards they are
        properties, in float64, of the parameters ``raw_weight_std`` and ``raw_bias_std``: a softplus of them.
    kind
        ``"nngp"`` or ``"ntk"``.
    jacobians
        For the tangent kernel, one of the symmetric pairs: ``("true", "true")`` or ``("surrogate", "surrogate")``.
    active_dims
        Columns of the inputs to use, as in every GPyTorch kernel.

    Raises
    ------
    InputError
        When it is made: where GPyTorch is not installed; for an asymmetric pair of Jacobians (the regressor for those
        is ``theory.dynamics.ridge.AsymmetricRidge``) or a standard deviation that is not positive. When it is called,
        for inputs that require a gradient: only the standard deviations have one.
    ArchitectureError, UndefinedKernelError
        As ``Architecture``, ``nngp`` and ``ntk`` do.

    Notes
    -----
    Computed in float64 on the processor, and returned in the type and on the device of the inputs. Derivatives are
    exact (``kernel_derivatives``), of first order. Weights of a first layer that are not Gaussian are taken in their
    Gaussian limit. Source: claims T5, T11.
    """

    is_stationary = False
    has_lengthscale = False

    def __init__(
        self,
        hidden_layers: int,
        activation: Activation | None = None,
        surrogate: Activation | None = None,
        weight_std: Any = 1.0,
        bias_std: Any = 0.1,
        weights: WeightLaw | None = None,
        kind: str = "nngp",
        jacobians: tuple[str, str] = ORDINARY,
        active_dims: tuple[int, ...] | None = None,
    ) -> None:
        if not _HERE:
            raise InputError(
                "this kernel needs GPyTorch, which is not installed; pip install 'hardlimit[gpytorch]', or use "
                "theory.kernels.scikit"
            )
        super().__init__(active_dims=active_dims)
        self._parts = (hidden_layers, activation, surrogate), weights or gaussian()
        self.kind, self.jacobians = kind, jacobians
        for name, value in zip(PARAMETERS, (weight_std, bias_std), strict=True):
            start = torch.as_tensor(np.asarray(value, dtype=np.float64))
            if not bool((start > 0).all()):
                raise InputError(f"{name} = {value} cannot be trained from; give positive numbers")
            self.register_parameter(f"raw_{name}", torch.nn.Parameter(torch.zeros_like(start)))
            self.register_constraint(f"raw_{name}", gpytorch.constraints.Positive())
            self._set(name, start)
        Covariance(self.architecture, kind, jacobians)

    @property
    def weight_std(self) -> Any:
        """s_w, a tensor () or (L + 1,)."""
        return self.raw_weight_std_constraint.transform(self.raw_weight_std)

    @weight_std.setter
    def weight_std(self, value: Any) -> None:
        self._set("weight_std", value)

    @property
    def bias_std(self) -> Any:
        """s_b, a tensor () or (L + 1,)."""
        return self.raw_bias_std_constraint.transform(self.raw_bias_std)

    @bias_std.setter
    def bias_std(self, value: Any) -> None:
        self._set("bias_std", value)

    def _set(self, name: str, value: Any) -> None:
        raw, constraint = getattr(self, f"raw_{name}"), getattr(self, f"raw_{name}_constraint")
        given = torch.as_tensor(value, dtype=raw.dtype).expand(raw.shape)
        self.initialize(**{f"raw_{name}": constraint.inverse_transform(given)})

    @property
    def architecture(self) -> Architecture:
        """The architecture with the present standard deviations."""
        return self._with(_numbers(self.weight_std), _numbers(self.bias_std))

    def _with(self, weight_std: Float, bias_std: Float) -> Architecture:
        functions, weights = self._parts
        return Architecture(*functions, weight_std.tolist(), bias_std.tolist(), weights)

    def forward(self, x1: Any, x2: Any, diag: bool = False, **_: Any) -> Any:
        """Return the kernel (..., n, m) of inputs (..., n, d) and (..., m, d), or its diagonal (..., n)."""
        if x1.requires_grad or x2.requires_grad:
            raise InputError(
                "inputs require a gradient, and this kernel has derivatives in weight_std and bias_std only; "
                "detach the inputs"
            )
        if x1.dim() > 2 or x2.dim() > 2:
            shape = torch.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
            one, other = (x.expand(*shape, *x.shape[-2:]).flatten(0, -3) for x in (x1, x2))
            parts = [self.forward(a, b, diag) for a, b in zip(one, other, strict=True)]
            return torch.stack(parts).reshape(*shape, *parts[0].shape)
        if diag:
            pairs = zip(x1.split(BLOCK), x2.split(BLOCK), strict=True)
            return torch.cat([torch.diagonal(self.forward(a, b)) for a, b in pairs])
        found = _Entries.apply(self.weight_std, self.bias_std, self, x1, x2)
        return found.to(dtype=x1.dtype, device=x1.device)


class _Entries(torch.autograd.Function if _HERE else object):  # type: ignore[misc]
    """The kernel as a function of the two standard deviations; what follows them is not differentiated."""

    @staticmethod
    def forward(ctx: Any, weight_std: Any, bias_std: Any, kernel: Any, x1: Any, x2: Any) -> Any:
        one, other = _numbers(x1), _numbers(x2)
        arch = kernel._with(_numbers(weight_std), _numbers(bias_std))
        same = None if np.array_equal(one, other) else other
        names = [name for name, needed in zip(PARAMETERS, ctx.needs_input_grad) if needed]  # noqa: B905
        if not names:
            return torch.from_numpy(Covariance(arch, kernel.kind, kernel.jacobians)(one, same))
        found = kernel_derivatives(
            arch, one, same, kernel.kind, kernel.jacobians, names,
            per_layer=bool(weight_std.dim() or bias_std.dim()), first_layer="gaussian",
        )  # fmt: skip
        ctx.slopes = {name: torch.from_numpy(found[name]) for name in names}
        ctx.dims = dict(zip(PARAMETERS, (weight_std.dim(), bias_std.dim()), strict=True))
        return torch.from_numpy(found.kernel)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> tuple[Any, ...]:
        """Return the derivatives of a sum of entries, weighted by ``gradient``; they have none of their own."""
        once = torch.autograd.function.once_differentiable(_Entries._sums)
        return once(ctx, gradient)

    @staticmethod
    def _sums(ctx: Any, gradient: Any) -> tuple[Any, ...]:
        found: list[Any] = []
        for name in PARAMETERS:
            if name not in ctx.slopes:
                found.append(None)
                continue
            layers = (ctx.slopes[name] * gradient).sum(dim=(-2, -1))
            found.append(layers if ctx.dims[name] else layers.sum())
        return (*found, None, None, None)


def _numbers(tensor: Any) -> Float:
    return np.asarray(tensor.detach().cpu().numpy(), dtype=np.float64)
