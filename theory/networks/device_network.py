"""One network as a pure function of its number, in JAX: what ``accelerator`` maps over a batch."""

from functools import partial
from math import sqrt
from typing import Any

import numpy as np

from theory.kernels.weights import JACOBIANS, Latent, WeightLaw
from theory.networks.plan import NONE, Functions
from theory.networks.programs import traced
from theory.networks.streams import Role


class Network:
    """Results of the network whose number has the two 32-bit words ``words``, for one checked request.

    Parameters
    ----------
    task
        A ``theory.networks.ensemble.Task``.
    laws
        Of its weights, layer by layer.
    jax
        The module, which is imported only where it is needed.
    dtype
        ``"float32"`` or ``"float64"``.
    """

    def __init__(self, task: Any, laws: tuple[WeightLaw, ...], jax: Any, dtype: str) -> None:
        self.task, self.plan, self.laws = task, task.plan, laws
        self.jax, self.jnp, self.dtype = jax, jax.numpy, dtype
        self.inputs = np.asarray(task.inputs, dtype)
        self.k, self.depth = len(task.inputs), len(self.plan.widths) - 2
        self.widths = [int(width) for width in self.plan.widths]
        self.exact = task.method == "exact"
        self.floor = float(np.finfo(dtype).eps) * max(self.k, *self.widths)

    def __call__(self, words: Any) -> dict[str, Any]:
        """Outputs (k,), their conditional covariance (k, k), and the kernels (pairs, k, k)."""
        base = self.jax.random.key(int(self.task.seed) & 0xFFFFFFFF)
        for word in (int(self.task.seed) >> 32, words[0], words[1]):
            base = self.jax.random.fold_in(base, word)
        features, levels, products = self._forward(base)
        scale = self.plan.weight_stds[-1] ** 2 * self.plan.variances[-1] / self.widths[-2]
        covariance = scale * features[-1] @ features[-1].T + self.plan.bias_stds[-1] ** 2
        kernels = self._kernels(base, features, levels, products)
        return {"outputs": levels[-1][:, 0], "covariances": covariance, "kernels": kernels}

    def _forward(self, base: Any) -> tuple[list[Any], list[Any], list[Any]]:
        """Features of layers 0, ..., L, then pre-activations and products W x of layers 1, ..., L + 1."""
        features, levels, products = [self.jnp.asarray(self.inputs)], [], []
        for layer in range(self.depth + 1):
            here, n, following = features[-1], self.widths[layer], self.widths[layer + 1]
            if not self._is_drawn(layer):
                noise = self._normals(base, layer, Role.PREACTIVATION, (self.k, following))
                products.append(self._gram_root(here) @ noise)
            else:
                products.append(here @ self._weights(base, layer)[1].T)
            bias = self._normals(base, layer, Role.BIAS, (following,))
            weight_std, bias_std = self.plan.weight_stds[layer], self.plan.bias_stds[layer]
            levels.append(weight_std / sqrt(n) * products[-1] + bias_std * bias)
            if layer < self.depth:
                features.append(self.evaluate(self.plan.activations[layer], levels[-1]))
        return features, levels, products

    def _is_drawn(self, layer: int) -> bool:
        """Whether weights are drawn: always in the readout, and in a first layer that is not Gaussian."""
        return not self.exact or layer == self.depth or not self.laws[layer].is_gaussian

    def _kernels(self, base: Any, features: Any, levels: Any, products: Any) -> Any:
        kernels = self.jnp.zeros((len(self.task.pairs), self.k, self.k), self.dtype)
        adjoints = self.jnp.ones((2, self.k, 1), self.dtype)
        for layer in range(self.depth if self.task.pairs else -1, -1, -1):
            weights = None
            if self._is_drawn(layer):
                weights = self._weights(base, layer)
            kernels += self._layer_kernels(layer, features[layer], adjoints, weights)
            if layer > 0:
                flat = adjoints.reshape(2 * self.k, -1)
                if weights is None:
                    back = self._adjoints_without_weights(
                        base, layer, flat, features[layer], products[layer]
                    )
                else:
                    back = flat @ weights[1]
                slopes = [
                    self.evaluate(index, levels[layer - 1])
                    for index in self.plan.slopes[:, layer - 1]
                ]
                factor = self.plan.weight_stds[layer] / sqrt(self.widths[layer])
                adjoints = factor * back.reshape(2, self.k, -1) * self.jnp.stack(slopes)
        return kernels

    def _layer_kernels(self, layer: int, inputs: Any, adjoints: Any, weights: Any) -> Any:
        """Contribution of one layer's weights and biases to the kernel of every pair."""
        factor = self.plan.weight_stds[layer] ** 2 / self.widths[layer]
        binarized = self.plan.weight_maps[layer] != NONE
        block = self.plan.bias_stds[layer] ** 2
        if not binarized:
            block = block + factor * inputs @ inputs.T
        parts = []
        for pair in self.task.pairs:
            one, two = (JACOBIANS.index(side) for side in pair)
            part = (adjoints[one] @ adjoints[two].T) * block
            if binarized:
                slopes = [
                    self.evaluate(self.plan.weight_slopes[side, layer], weights[0])
                    for side in (one, two)
                ]
                rows = adjoints[one][:, None, :] * adjoints[two][None, :, :]
                columns = inputs[:, None, :] * inputs[None, :, :]
                part = part + factor * ((rows @ (slopes[0] * slopes[1])) * columns).sum(axis=-1)
            parts.append(part)
        return self.jnp.stack(parts)

    def _adjoints_without_weights(
        self, base: Any, layer: int, flat: Any, inputs: Any, product: Any
    ) -> Any:
        """W^T V given W x alone (claim E2), as rows: ``flat`` (2k, fan-out) to (2k, fan-in)."""
        inverse = self._gram_inverse(inputs) @ inputs
        fresh = self._normals(base, layer, Role.ADJOINT, (2 * self.k, self.widths[layer]))
        outside = fresh - (fresh @ inputs.T) @ inverse
        return (flat @ product.T) @ inverse + self._gram_root(flat) @ outside

    def _gram(self, rows: Any) -> tuple[Any, Any, Any]:
        values, vectors = self.jnp.linalg.eigh(rows @ rows.T)
        return values, vectors, values > self.floor * values[-1]

    def _gram_root(self, rows: Any) -> Any:
        values, vectors, kept = self._gram(rows)
        return vectors * self.jnp.sqrt(self.jnp.where(kept, values, 0.0))

    def _gram_inverse(self, rows: Any) -> Any:
        values, vectors, kept = self._gram(rows)
        inverse = self.jnp.where(kept, 1.0 / self.jnp.where(kept, values, 1.0), 0.0)
        return (vectors * inverse) @ vectors.T

    def _key(self, base: Any, layer: int, role: Role) -> Any:
        return self.jax.random.fold_in(self.jax.random.fold_in(base, layer), int(role))

    def _normals(self, base: Any, layer: int, role: Role, shape: tuple[int, ...]) -> Any:
        return self.jax.random.normal(self._key(base, layer, role), shape, self.dtype)

    def _weights(self, base: Any, layer: int) -> tuple[Any, Any]:
        """Latent and effective weights (fan-out, fan-in)."""
        rows, columns = shape = (self.widths[layer + 1], self.widths[layer])
        law, key = self.laws[layer], self._key(base, layer, Role.WEIGHT)
        draw = self.jax.random.normal if law.latent is Latent.NORMAL else self.jax.random.rademacher
        latent = law.scale(*shape) * draw(key, shape, self.dtype)
        mask = self.jax.random.fold_in(key, 1)
        if law.blocks:
            one, two = self.jax.random.split(mask)
            left = self.jax.random.permutation(one, rows) * law.blocks // rows
            right = self.jax.random.permutation(two, columns) * law.blocks // columns
            latent = latent * (left[:, None] == right[None, :])
        elif law.zero_probability > 0.0:
            uniforms = self.jax.random.uniform(mask, shape, self.dtype)
            latent = latent * (uniforms >= law.zero_probability)
        mapping = self.plan.weight_maps[layer]
        return latent, latent if mapping == NONE else self.evaluate(mapping, latent)

    def evaluate(self, index: Any, values: Any) -> Any:
        """Function ``index`` of the plan; midpoints at jumps. A derivative that is no function is never used: 0."""
        functions: Functions = self.plan.functions
        if index == NONE:
            return self.jnp.zeros_like(values)
        if functions.lengths[index] > 0:
            steps = zip(functions.codes[index], functions.arguments[index], strict=True)
            return traced(list(steps)[: functions.lengths[index]], values, self.jax)
        jnp, coefs = self.jnp, functions.coefs[index]
        places = functions.breaks[index][: functions.break_counts[index]]
        # Casts, because NumPy's float64 scalars would raise float32 arrays.
        piece = partial(jnp.polyval, x=values)
        result = piece(jnp.asarray(coefs[0, ::-1], self.dtype))
        for at, place in enumerate(places):
            above = piece(jnp.asarray(coefs[at + 1, ::-1], self.dtype))
            result = jnp.where(values > float(place), above, result)
        for place, middle in zip(places, functions.middles[index], strict=False):
            result = jnp.where(values == float(place), float(middle), result)
        for coef, power, at, scale, step in functions.atoms[index][: functions.atom_counts[index]]:
            z = (values - float(at)) / float(scale)
            density = jnp.exp(-0.5 * z * z) / (float(scale) * sqrt(2.0 * np.pi))
            shape = self.jax.scipy.special.ndtr(z) if step else density
            result = result + float(coef) * values ** int(power) * shape
        return result
