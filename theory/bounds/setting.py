"""The network and inputs at which bounds are evaluated; what several of them need is computed once."""

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory import checks
from theory.confidence import Limit, upper_gap, upper_mean
from theory.coupling import Coupling, draw_coupling
from theory.coupling.fluctuation import fluctuation
from theory.covariance import bures_squared
from theory.gaussian import expectation
from theory.kernels import Architecture, gaussian, layer_covariances
from theory.kernels.architecture import architecture
from theory.networks import sample_covariances

FloatArray = NDArray[np.float64]


class Setting:
    """Architecture, inputs, widths, outputs, and how much may be sampled.

    Parameters
    ----------
    arch, X, widths, outputs
        As for a bound.
    draws, seed, confidence
        Sampled networks (at least 2), seed of the streams, confidence of each bound that samples.

    Raises
    ------
    ArchitectureError, InputError
        Before anything is computed.
    """

    def __init__(
        self,
        arch: Architecture,
        X: ArrayLike,
        widths: int | Sequence[int],
        outputs: int,
        draws: int,
        seed: int,
        confidence: float,
    ) -> None:
        self.arch = architecture(arch)
        self.x = checks.inputs(X)
        self.widths = checks.widths(widths, arch.hidden_layers)
        self.outputs = checks.positive_int(outputs, "outputs")
        self.draws = checks.positive_int(draws, "draws")
        self.seed = seed
        self.confidence = checks.probability(confidence, "confidence")

    @property
    def inputs(self) -> int:
        """Number k of inputs."""
        return self.x.shape[0]

    @property
    def narrowest(self) -> int:
        """The least hidden width."""
        return min(self.widths)

    @cached_property
    def covariances(self) -> list[FloatArray]:
        """Covariances of the preactivations in the limit: Sigma^1, ..., Sigma^{L+1} = K."""
        return [np.asarray(sigma) for sigma in layer_covariances(self.arch, self.x)]

    @property
    def limit(self) -> FloatArray:
        """K, shape (k, k)."""
        return self.covariances[-1]

    @cached_property
    def eigenvalues(self) -> FloatArray:
        """Eigenvalues of K, increasing."""
        return np.asarray(np.linalg.eigvalsh(self.limit), dtype=np.float64)

    @cached_property
    def coupling(self) -> Coupling:
        """Draws of the conditional covariance S."""
        return draw_coupling(self.arch, self.x, self.widths, self.draws, self.seed)

    @cached_property
    def costs_given_layer_before(self) -> FloatArray:
        """d_B^2 of draws of E[S | the layer before the last hidden one] and K, shape (M,); two hidden layers or more.

        With Gaussian hidden weights, from the covariance of a shallower network that is read out into the last layer.
        """
        arch = self.arch
        shallow = Architecture(
            arch.hidden_layers - 1,
            [layer.activation for layer in arch.layers[:-1]],
            weight_std=list(arch.weight_stds[:-1]),
            bias_std=list(arch.bias_stds[:-1]),
        )
        before = sample_covariances(shallow, self.x, self.widths[:-1], self.draws, seed=self.seed)
        rows, columns = np.triu_indices(self.inputs)
        f = arch.layers[-1].activation
        diagonal = np.einsum("nii->ni", before)
        moments = expectation(f, f).float64(
            diagonal[:, rows], diagonal[:, columns], before[:, rows, columns]
        )
        covariances = np.empty_like(before)
        covariances[:, rows, columns] = covariances[:, columns, rows] = moments
        covariances *= self.weight_variance(arch.hidden_layers)
        covariances += arch.bias_stds[-1] ** 2
        return bures_squared(covariances, self.limit)

    @property
    def coupling_span(self) -> float | None:
        """A-priori bound on d_B^2(S, K): they share the bias, and the rest costs its two traces."""
        width, k = self.variance_span, self.inputs
        if width is None:
            return None
        return k * width + float(np.trace(self.limit)) - k * float(self.arch.bias_stds[-1]) ** 2

    @cached_property
    def is_centred(self) -> bool:
        """Whether E S = K is known: one hidden layer, or linear ones; first weights Gaussian."""
        hidden = [law == gaussian() for law in self.arch.weight_laws[:-1]]
        linear = all(str(layer.activation) == "identity" for layer in self.arch.layers)
        return hidden[0] and (len(hidden) == 1 or (all(hidden) and linear))

    def weight_variance(self, layer: int) -> float:
        """c_w: variance of a weight of layer 0, ..., L times its fan-in."""
        return self.arch.weight_stds[layer] ** 2 * self.arch.weight_laws[layer].variance

    @property
    def feature_moment(self) -> FloatArray:
        """E sigma(g) sigma(g)^T in the last hidden layer of the limit."""
        bias = self.arch.bias_stds[-1] ** 2
        moment: FloatArray = (self.limit - bias) / self.weight_variance(self.arch.hidden_layers)
        return moment

    @cached_property
    def feature_fluctuation(self) -> float:
        """V of the last hidden layer (claim B2)."""
        return fluctuation(self.arch.layers[-1].activation, self.covariances[-2])

    @property
    def variance_span(self) -> float | None:
        """A-priori distance of two values of S_ii; None where the last activation is unbounded."""
        bound = self.arch.layers[-1].activation.bound
        if not math.isfinite(bound):
            return None
        return self.weight_variance(self.arch.hidden_layers) * bound**2

    @cached_property
    def is_deterministic(self) -> bool:
        """Whether S = K always: one input, and a last activation of constant modulus (sign)."""
        if self.inputs > 1 or not self.arch.layers:
            return False
        bound = self.arch.layers[-1].activation.bound
        return math.isfinite(bound) and self.feature_fluctuation <= 1e-12 * bound**4

    def mean_limit(self, samples: FloatArray, level: float, span: float | None) -> Limit:
        """Upper confidence limit for the mean of a variable >= 0; infinite samples make it infinite."""
        if self.is_deterministic:
            return Limit(float(samples.max()), level, "S = K on every draw")
        if not np.all(np.isfinite(samples)):
            return Limit(math.inf, level, "infinite on a draw")
        return upper_mean(samples, level, span)

    def relative_shift(self, level: float) -> Limit:
        """Upper confidence limit for |K^(-1/2) (E S - K) K^(-1/2)|_F; exactly 0 where E S = K is known.

        Every entry takes its share of the risk. K must be regular.
        """
        if self.is_centred or self.is_deterministic:
            return Limit(0.0, level, "E S = K")
        values, vectors = np.linalg.eigh(self.limit)
        basis = vectors / np.sqrt(values)
        white = basis.T @ self.coupling.covariances @ basis
        rows, columns = np.triu_indices(self.inputs)
        each = 1 - (1 - level) / rows.size
        total, method = 0.0, ""
        for i, j in zip(rows, columns, strict=True):
            span = None
            if self.variance_span is not None:
                span = (
                    2 * self.variance_span * np.abs(basis[:, i]).sum() * np.abs(basis[:, j]).sum()
                )
            gap = upper_gap(white[:, i, j], float(i == j), each, span)
            total += (1 if i == j else 2) * gap.value**2
            method = gap.method
        return Limit(math.sqrt(total), level, method)
