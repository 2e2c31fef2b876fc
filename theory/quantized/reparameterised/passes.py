r"""Forward and backward passes of networks whose weights are laws: sampled signals, or their moments (S35, S37).

A layer of weights with means mu and variances s^2 that sees signals with first and second moments h, q has

    m = f h mu^T,        v = f^2 (q (s^2 + mu^2)^T - h^2 (mu^2)^T),

f the scale of its fan-in. Signals that were drawn have q = h^2.
"""

from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.quantized.network import Network
from theory.quantized.reparameterised.normalisation import (
    Normalised,
    normalised,
    normalised_pullback,
)
from theory.quantized.reparameterised.signals import Signal

Float = NDArray[np.float64]
RAREST = 1e-12
"""Least probability whose logarithm a draw of a level uses."""


class Path(Enum):
    """How signals travel: drawn at each layer, or as moments to the last."""

    SAMPLED = "sampled"
    MOMENTS = "moments"


@dataclass(frozen=True)
class Laws:
    """Means and variances of all weights, as vectors like the network's, and gains and shifts of its units or None."""

    mean: Float
    variance: Float
    gain: Float | None = None
    shift: Float | None = None


@dataclass(frozen=True)
class Tape:
    """What one layer leaves for the way back."""

    first: Float
    second: Float
    mean: Float
    variance: Float
    normal: Normalised | None
    drawn: Any = None


@dataclass(frozen=True)
class Slopes:
    """Derivatives of the loss by what `Laws` holds."""

    mean: Float
    variance: Float
    gain: Float
    shift: Float


def units(network: Network) -> list[slice]:
    """Return where the units of each layer stand among all."""
    ends = np.cumsum([0, *network.sizes[1:]])
    return [slice(int(a), int(b)) for a, b in pairwise(ends)]


def scale(network: Network, layer: int) -> float:
    """Return f, the factor of a layer's sums."""
    return float(network.shapes[layer][1] ** -0.5) if network.scaled else 1.0


class Pass:
    """One forward pass with its way back.

    Parameters
    ----------
    network, signal
        The network, and the signal of its activation.
    laws
        Of the weights.
    path
        SAMPLED or MOMENTS; the output is drawn in both.
    draws
        Generator of the noise.
    """

    def __init__(
        self, network: Network, signal: Signal, laws: Laws, path: Path, draws: np.random.Generator
    ) -> None:
        self.network, self.signal, self.laws, self.path = network, signal, laws, path
        self.draws = draws
        self.tapes: list[Tape] = []

    def outputs(self, X: Float) -> Float:
        """Return drawn outputs (samples, outputs), one noise an output."""
        first, second = X, X**2
        last = len(self.network.shapes) - 1
        for layer in range(last + 1):
            tape = self._layer(layer, self.network.features(first), self.network.features(second))
            if layer == last:
                noise = self.draws.standard_normal(tape.mean.shape)
                self.tapes.append(Tape(**{**vars(tape), "drawn": noise}))
                return np.asarray(tape.mean + np.sqrt(tape.variance) * noise)
            if self.path is Path.MOMENTS:
                self.tapes.append(tape)
                first, second = self.signal.moments(tape.mean, tape.variance)
            else:
                first, drawn = self._draw(tape)
                second = first**2
                self.tapes.append(Tape(**{**vars(tape), "drawn": drawn}))
        raise AssertionError("a network has a last layer")

    def gradient(self, by_outputs: Float) -> Slopes:
        """Return derivatives of the loss from those by the drawn outputs."""
        noise = self.tapes[-1].drawn
        by_mean = by_outputs
        by_variance = by_outputs * noise * _half_over_root(self.tapes[-1].variance)
        means, variances = [], []
        gain, shift = np.zeros(sum(self.network.sizes[1:])), np.zeros(sum(self.network.sizes[1:]))
        for layer in range(len(self.tapes) - 1, -1, -1):
            tape = self.tapes[layer]
            if tape.normal is not None:
                here = units(self.network)[layer]
                by_mean, by_variance, gain[here], shift[here] = normalised_pullback(
                    tape.normal, by_mean, by_variance
                )
            mu, s2, f = *self._weights(layer), scale(self.network, layer)
            means.append(
                f * by_mean.T @ tape.first
                + 2 * f**2 * mu * (by_variance.T @ (tape.second - tape.first**2))
            )
            variances.append(f**2 * by_variance.T @ tape.second)
            if layer:
                width = self.network.sizes[layer]
                by_first = f * by_mean @ mu - 2 * f**2 * tape.first * (by_variance @ mu**2)
                by_second = f**2 * by_variance @ (s2 + mu**2)
                by_mean, by_variance = self._signal_back(
                    self.tapes[layer - 1], by_first[:, :width], by_second[:, :width]
                )
        flat = [
            np.concatenate([part.ravel() for part in parts[::-1]]) for parts in (means, variances)
        ]
        return Slopes(flat[0], flat[1], gain, shift)

    # -- one layer ---------------------------------------------------------------------------------

    def _weights(self, layer: int) -> tuple[Float, Float]:
        return self.network.layers(self.laws.mean)[layer], self.network.layers(self.laws.variance)[
            layer
        ]

    def _layer(self, layer: int, first: Float, second: Float) -> Tape:
        mu, s2, f = *self._weights(layer), scale(self.network, layer)
        mean = f * first @ mu.T
        # Two sums of terms >= 0: a difference of E h^2 E w^2 and the squared means could fall below 0.
        variance = f**2 * (second @ s2.T + np.maximum(second - first**2, 0.0) @ (mu**2).T)
        if self.laws.gain is None or self.laws.shift is None:
            return Tape(first, second, mean, variance, None)
        here = units(self.network)[layer]
        found = normalised(mean, variance, self.laws.gain[here], self.laws.shift[here])
        return Tape(first, second, found.mean, found.variance, found)

    def _draw(self, tape: Tape) -> tuple[Float, Any]:
        """Draw signals: levels by the Gumbel maximum, other signals at a drawn pre-activation."""
        levels = self.signal.levels
        if levels is None:
            noise = self.draws.standard_normal(tape.mean.shape)
            z = tape.mean + np.sqrt(tape.variance) * noise
            return self.network.value(z), (z, noise)
        chances = self.signal.probabilities(tape.mean, tape.variance)
        scores = np.log(np.maximum(chances, RAREST)) + self.draws.gumbel(size=chances.shape)
        return levels[scores.argmax(axis=0)], (chances, scores)

    def _signal_back(self, tape: Tape, by_first: Float, by_second: Float) -> tuple[Float, Float]:
        if self.path is Path.MOMENTS:
            return self.signal.pullback(tape.mean, tape.variance, by_first, by_second)
        levels = self.signal.levels
        if levels is None:
            z, noise = tape.drawn
            by_z = (by_first + 2 * by_second * self.network.value(z)) * self.network.slope(z)
            return by_z, by_z * noise * _half_over_root(tape.variance)
        # Straight through: the forward pass took the largest score, the way back takes their softmax.
        chances, scores = tape.drawn
        soft = np.exp(scores - scores.max(axis=0))
        soft /= soft.sum(axis=0)
        by_soft = np.stack([level * by_first + level**2 * by_second for level in levels])
        by_scores = soft * (by_soft - (soft * by_soft).sum(axis=0))
        by_chances = np.where(chances > RAREST, by_scores / np.maximum(chances, RAREST), 0.0)
        return self.signal.probability_pullback(tape.mean, tape.variance, by_chances)


def _half_over_root(variance: Float) -> Float:
    """Return d sqrt(v) / dv, 0 where v is 0."""
    return np.where(variance > 0.0, 0.5 / np.sqrt(np.where(variance > 0.0, variance, 1.0)), 0.0)
