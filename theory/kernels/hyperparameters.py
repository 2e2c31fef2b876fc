"""Derivatives of the limit kernels with respect to the standard deviations of weights and biases.

Forward mode through the recursion: with Sigma^l at a pair come its derivatives in every direction,

    d Sigma^{l+1} = s_w^2 v dF + 2 s_w v F ds_w + 2 s_b ds_b,      F = E[sigma(u) sigma(v)],
    d Theta^{l+1} = d(own block) + s_w^2 v (D dTheta^l + Theta^l dD) + 2 s_w v D Theta^l ds_w,   D = E[j1(u) j2(v)],

with dF and dD by ``theory.gaussian.sensitivities``. Source: claims T5, T6, T11.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.activations import Activation
from theory.arithmetic.float64 import cross
from theory.checks import paired_inputs
from theory.errors import ArchitectureError, InputError, UndefinedKernelError
from theory.gaussian import expectation
from theory.gaussian.evaluation import Prepared
from theory.gaussian.sensitivities import sensitivities
from theory.kernels.architecture import Architecture, architecture, jacobian_pair
from theory.kernels.first_layer import first_layer as chosen_first_layer
from theory.kernels.pairs import moments, squared_norms
from theory.kernels.recursion import TRAINING

Float = NDArray[np.float64]
Ints = NDArray[np.intp]

PARAMETERS = ("weight_std", "bias_std")
KINDS = ("nngp", "ntk")

# Pairs that go through all layers at a time: what one of them needs stays in the cache.
_CHUNK = 1 << 15
# 1 - rho^2 below this is the line of parallel inputs, as in Expectation.float64.
_ON_LINE = 2.0**-51


@dataclass(frozen=True)
class KernelDerivatives:
    """A kernel (n, m) and its derivatives by name of the parameter: (n, m), or (L + 1, n, m) layer by layer."""

    kernel: Float
    derivatives: dict[str, Float]

    def __getitem__(self, parameter: str) -> Float:
        return self.derivatives[parameter]


@dataclass(frozen=True)
class _Carried:
    """A quantity (...) and its derivatives (directions, ...)."""

    value: Float
    slope: Float

    def affine(self, scale: "_Carried", shift: "_Carried") -> "_Carried":
        """Return scale * self + shift, both of them numbers."""
        slope = scale.value * self.slope + np.multiply.outer(scale.slope, self.value)
        slope += shift.slope.reshape(-1, *(1,) * self.value.ndim)
        return _Carried(scale.value * self.value + shift.value, slope)

    def __add__(self, other: "_Carried") -> "_Carried":
        return _Carried(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other: "_Carried") -> "_Carried":
        slope = self.slope * other.value + self.value * other.slope
        return _Carried(self.value * other.value, slope)

    def at(self, index: Ints) -> "_Carried":
        """Return some of its entries."""
        return _Carried(self.value[index], self.slope[:, index])

    @property
    def relative(self) -> Float:
        """Derivatives of the logarithm; 0 where the value is 0 and stays it."""
        out = np.zeros_like(self.slope)
        return np.divide(self.slope, self.value, out=out, where=self.value != 0)


@dataclass(frozen=True)
class _Pairs:
    """Laws of pairs of pre-activations: variances p, q, covariances c and determinants, with derivatives."""

    p: _Carried
    q: _Carried
    c: _Carried
    det: _Carried

    @classmethod
    def of(cls, p: _Carried, q: _Carried, c: _Carried) -> "_Pairs":
        """Form determinants; rounding may leave parallel inputs outside of what Cauchy and Schwarz allow."""
        det = cross(p.value, q.value, c.value, c.value)
        bound = np.copysign(np.sqrt(p.value) * np.sqrt(q.value), c.value)
        c = replace(c, value=np.where(det < 0.0, bound, c.value))
        det = np.where(det <= _ON_LINE * (p.value * q.value), 0.0, det)
        slope = q.value * p.slope + p.value * q.slope - 2 * c.value * c.slope
        return cls(p, q, c, _Carried(det, slope))

    def moment(self, f: Activation, g: Activation, name: str) -> _Carried:
        """Return E[f(u) g(v)] and its derivatives."""
        p, q, c, det = (part.value for part in (self.p, self.q, self.c, self.det))
        value = np.empty(p.shape)
        Prepared(expectation(f, g))(p, q, c, det, value, np.empty(p.shape, np.int8))
        infinite = np.flatnonzero(~np.isfinite(value))
        if infinite.size:
            k = infinite[0]
            raise UndefinedKernelError(
                f"{name} is infinite, and so is its derivative, at variances {p[k]:.6g}, {q[k]:.6g} and covariance "
                f"{c[k]:.6g}: a jump of {f} meets one of {g}; leave such pairs out, or use the jacobians "
                f"('true', 'surrogate') with a continuous surrogate"
            )
        dp, dq = self.p.relative, self.q.relative
        with np.errstate(divide="ignore", invalid="ignore"):
            # The same, as 2 c dc = q dp + p dq - d(det): where the determinant is small, it says it better.
            near = (det * (dp + dq) - self.det.slope) / (2 * c)
        turn = np.where(2 * det < p * q, near, self.c.slope - c / 2 * (dp + dq))
        turn = np.where(det == 0, 0.0, turn)
        return _Carried(value, sensitivities(f, g, p, q, c, det).along(dp, dq, turn))


def kernel_derivatives(
    arch: Architecture,
    X: ArrayLike,
    Y: ArrayLike | None = None,
    kind: str = "ntk",
    jacobians: tuple[str, str] = TRAINING,
    with_respect_to: str | Sequence[str] = PARAMETERS,
    *,
    per_layer: bool = False,
    first_layer: str | None = None,
) -> KernelDerivatives:
    """Return a limit kernel and its derivatives with respect to the standard deviations.

    Parameters
    ----------
    arch, X, Y
        As for ``nngp`` and ``ntk``.
    kind
        ``"nngp"`` or ``"ntk"``.
    jacobians
        As for ``ntk``; ignored for ``"nngp"``.
    with_respect_to
        ``"weight_std"``, ``"bias_std"`` or both.
    per_layer
        Whether each of the L + 1 standard deviations moves by itself; by default all of them move alike.
    first_layer
        Weights of the first layer that are not Gaussian are taken in their Gaussian limit; ``"gaussian"``
        does so without a warning.

    Returns
    -------
    KernelDerivatives
        ``kernel``, equal to ``nngp`` or ``ntk`` to rounding, and the derivatives by name.

    Raises
    ------
    UndefinedKernelError
        Where the kernel is infinite; where a bias_std is 0 and the kernel has a kink there (parallel or zero
        inputs of an activation that is not smooth).
    InputError
        For NaN, infinity, an empty array, dimensions that differ, unknown names.
    ArchitectureError
        For an exact first layer.

    Notes
    -----
    Relative error about 1e-12; of near-duplicates, at a relative distance of 1e-6, 1e-9, but where activation and
    surrogate jump at one threshold other than 0, up to 1e-16 over the squared distance.
    A kernel is even in each bias_std: where one is 0, and there is no kink, its derivative is 0. Source: claims
    T5, T6, T11.
    """
    architecture(arch)
    if kind not in KINDS:
        raise InputError(f'kind must be "nngp" or "ntk", got {kind!r}')
    pair = jacobian_pair(jacobians) if kind == "ntk" else None
    names = _names(with_respect_to)
    x, y = paired_inputs(X, Y)
    if first_layer == "exact":
        raise ArchitectureError(
            'derivatives are those of the Gaussian first layer; pass first_layer="gaussian"'
        )
    chosen_first_layer(arch, x, y, first_layer)
    run = _Recursion(arch, pair, _Directions.of(names, arch.hidden_layers + 1, per_layer))
    value, slopes = run.over(x, y)
    parts = np.split(slopes, len(names))
    return KernelDerivatives(
        value, {n: s if per_layer else s[0] for n, s in zip(names, parts, strict=True)}
    )


def _names(given: str | Sequence[str]) -> list[str]:
    names = [given] if isinstance(given, str) else list(given)
    if not names or any(name not in PARAMETERS for name in names) or len(set(names)) < len(names):
        raise InputError(
            f"with_respect_to must name some of {PARAMETERS}, each once, got {given!r}"
        )
    return names


@dataclass(frozen=True)
class _Directions:
    """Motions of the parameters: derivatives of s_w and s_b of every layer, (layers, directions) each."""

    weights: Float
    biases: Float

    @classmethod
    def of(cls, names: list[str], layers: int, per_layer: bool) -> "_Directions":
        one = np.eye(layers) if per_layer else np.ones((layers, 1))
        parts = {name: np.zeros((layers, len(names) * one.shape[1])) for name in PARAMETERS}
        for k, name in enumerate(names):
            parts[name][:, k * one.shape[1] : (k + 1) * one.shape[1]] = one
        return cls(parts["weight_std"], parts["bias_std"])


class _Recursion:
    """The recursion of one architecture with derivatives; ``pair`` is None for the NNGP kernel."""

    def __init__(
        self, arch: Architecture, pair: tuple[str, str] | None, directions: _Directions
    ) -> None:
        self.arch, self.pair, self.directions = arch, pair, directions

    def over(self, x: Float, y: Float) -> tuple[Float, Float]:
        """Return the kernel (n, m) and its derivatives (directions, n, m)."""
        n, m, d = len(x), len(y), x.shape[1]
        symmetric = y is x and (self.pair is None or self.pair[0] == self.pair[1])
        squares = [_squared_norms(z) for z in (x, y)]
        one, other = (self._variances(square / d) for square in squares)
        columns = np.ascontiguousarray(y.T)
        value, slopes = np.empty((n, m)), np.empty((self.directions.weights.shape[1], n, m))
        height = max(1, _CHUNK // m)
        for start in range(0, n, height):
            rows = np.arange(start, min(start + height, n))
            starts = rows if symmetric else np.zeros_like(rows)
            i = np.repeat(rows, m - starts)
            j = np.concatenate([np.arange(first, m) for first in starts])
            known = np.empty((3, i.size))
            inner, det, apart = known
            moments(x, y, columns, squares[0], squares[1], rows, starts, m, inner, det, apart)
            known /= np.array([[d], [d * d], [d]])
            found = self._entries(i, j, one, other, known)
            value[i, j], slopes[:, i, j] = found.value, found.slope
            if symmetric:
                value[j, i], slopes[:, j, i] = found.value, found.slope
        return value, slopes

    def _variances(self, norms: Float) -> list[_Carried]:
        """Return the variances of every layer's pre-activations at inputs of these norms."""
        known = [self._covariance(0, self._constant(norms))]
        for index, layer in enumerate(self.arch.layers, start=1):
            same = _Pairs.of(known[-1], known[-1], known[-1])
            f = layer.activation
            known.append(self._covariance(index, same.moment(f, f, "the kernel")))
        return known

    def _entries(
        self, i: Ints, j: Ints, one: list[_Carried], other: list[_Carried], known: Float
    ) -> _Carried:
        """Return the kernel at the pairs (i, j); ``known`` are <x,y>, their Gram determinant and |x - y|^2."""
        features = self._constant(known[0])
        here = _Pairs.of(one[0].at(i), other[0].at(j), self._covariance(0, features))
        here = replace(here, det=self._first_determinant(known[1], known[2]))
        theta = self._block(0, features)
        for index, layer in enumerate(self.arch.layers, start=1):
            self._require_no_kink(index, here, i, j)
            features = here.moment(layer.activation, layer.activation, "the kernel")
            if self.pair is not None:
                theta = self._block(index, features) + self._step(index, here) * theta
            covariance = self._covariance(index, features)
            here = _Pairs.of(one[index].at(i), other[index].at(j), covariance)
        return here.c if self.pair is None else theta

    def _first_determinant(self, det: Float, apart: Float) -> _Carried:
        """Return scale^2 det + scale shift |x - y|^2, in which no digit is lost."""
        scale, shift = self._factors(0, self.arch.weight_laws[0].variance)
        return self._constant(det).affine(scale * scale, self._zero) + self._constant(apart).affine(
            scale * shift, self._zero
        )

    @property
    def _zero(self) -> _Carried:
        return self._constant(np.zeros(()))

    def _constant(self, values: Float) -> _Carried:
        directions = self.directions.weights.shape[1]
        return _Carried(values, np.zeros((directions, *values.shape)))

    def _factors(self, index: int, moment: float) -> tuple[_Carried, _Carried]:
        """Return moment s_w^2 and s_b^2 of a layer."""
        w, b = self.arch.weight_stds[index], self.arch.bias_stds[index]
        dw, db = self.directions.weights[index], self.directions.biases[index]
        return (
            _Carried(np.asarray(moment * w**2), 2 * moment * w * dw),
            _Carried(np.asarray(b**2), 2 * b * db),
        )

    def _covariance(self, index: int, features: _Carried) -> _Carried:
        return features.affine(*self._factors(index, self.arch.weight_laws[index].variance))

    def _block(self, index: int, features: _Carried) -> _Carried:
        """Return what the weights and the bias of a layer add to the tangent kernel."""
        if self.pair is None:
            return features
        return features.affine(
            *self._factors(index, self.arch.weight_laws[index].jacobian_moment(self.pair))
        )

    def _step(self, index: int, before: _Pairs) -> _Carried:
        """Return what multiplies the tangent kernel of the layer below: s_w^2 v E[j1(u) j2(v)]."""
        assert self.pair is not None
        layer = self.arch.layers[index - 1]
        first, second = (layer.derivative(side) for side in self.pair)
        slopes = before.moment(first, second, f"the {self.pair} tangent kernel")
        scale, _ = self._factors(index, self.arch.weight_laws[index].variance)
        return slopes.affine(scale, self._zero)

    def _require_no_kink(self, index: int, here: _Pairs, i: Ints, j: Ints) -> None:
        """Refuse a derivative in a bias std of 0 below a hidden layer where the kernel may have a kink."""
        if self.arch.bias_stds[index - 1] or not self.directions.biases[index - 1].any():
            return
        above = self.arch.layers[index - 1 :]
        functions = [layer.activation for layer in above]
        if self.pair is not None:
            functions += [layer.surrogate for layer in above]
        if not any(function.breakpoints for function in functions):
            return
        p, q, c = here.p.value, here.q.value, here.c.value
        alike = (p == q) & (q == c) & (p > 0)
        bent = np.flatnonzero((here.det.value == 0) & ~alike)
        if bent.size:
            k = bent[0]
            raise UndefinedKernelError(
                f"bias_std of layer {index} is 0, and the kernel of row {i[k]} and column {j[k]}, parallel or zero "
                f"inputs, may have a kink there: take derivatives at a positive bias_std, or "
                f'with_respect_to="weight_std"'
            )


def _squared_norms(x: Float) -> Float:
    squares = np.empty(len(x))
    squared_norms(x, squares)
    return squares
