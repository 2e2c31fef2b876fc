r"""Coordinate search over a finite set of weights, with cached pre-activations (CoNNTrA; S28 to S30c).

A visit of a weight tries every other value of the set and takes the best; the old value stays on ties. A change of one
weight moves one pre-activation a sample, so only samples whose neuron changes its value are passed on.

The published text was not at hand: this is the reconstruction from its abstract that section 3 of
docs/theory/quantized-training.md describes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory import checks
from theory.errors import InputError
from theory.quantized.network import Network
from theory.quantized.streams import Role, generator
from theory.quantized.trainer import Array, Batch, Bits, State, Trainer, advanced, begun, draws

EQUAL = 1e-12
"""Losses closer than this, relatively, are ties in float64: sums that are updated round differently than fresh ones."""


class Cache:
    """A weight vector with the passes that belong to it, and what a change of one weight would cost.

    Parameters
    ----------
    network
        Whose loss is searched; it needs values only.
    weights
        The vector to start from; copied.
    X, Y
        Inputs and targets.

    Attributes
    ----------
    weights, energy
        The current weights and their mean loss.
    trials
        Changes that were tried.
    """

    def __init__(self, network: Network, weights: Array, X: Array, Y: Array) -> None:
        self.network, self.weights, self._targets = network, weights.copy(), Y
        self._matrices = network.layers(self.weights)
        self._features = [network.features(X)]
        self._sums: list[Array] = []
        for layer, matrix in enumerate(self._matrices):
            self._sums.append(self._features[-1] @ matrix.T)
            if layer < len(self._matrices) - 1:
                self._features.append(network.features(network.value(self._scaled(layer))))
        self._losses = network.loss.value(self._scaled(-1), Y)
        self.trials = 0

    @property
    def energy(self) -> Any:
        """The mean loss."""
        return self._losses.sum() / len(self._losses)

    def trial(self, coordinate: int, value: Any) -> Any:
        """Return the mean loss with one weight changed."""
        self.trials += 1
        rows, losses = self._changed(coordinate, value)[-1]
        if not len(rows):
            return self.energy
        return (self._losses.sum() + (losses - self._losses[rows]).sum()) / len(self._losses)

    def move(self, coordinate: int, value: Any) -> None:
        """Change one weight."""
        *steps, (rows, losses) = self._changed(coordinate, value)
        for layer, where, sums in steps:
            self._sums[layer][where] = sums
            if layer < len(self._sums) - 1:
                values = self.network.value(self._times(layer, self._sums[layer][where[0]]))
                self._features[layer + 1][where[0], : values.shape[1]] = values
        self._losses[rows] = losses
        layer, row, column = self.network.place(coordinate)
        self._matrices[layer][row, column] = value

    def _changed(self, coordinate: int, value: Any) -> list[Any]:
        """Return (layer, place, sums) of what changes, then (samples, losses)."""
        layer, unit, column = self.network.place(coordinate)
        samples = np.arange(len(self._losses))
        difference = value - self._matrices[layer][unit, column]
        moved = self._sums[layer][:, unit] + difference * self._features[layer][:, column]
        steps: list[Any] = [(layer, (slice(None), unit), moved)]
        if layer == len(self._sums) - 1:
            outputs = self._sums[layer].copy()
            outputs[:, unit] = moved
            return [*steps, (samples, self._loss(outputs, samples))]
        values = self.network.value(self._times(layer, moved))
        jump = values - self._features[layer + 1][:, unit]
        rows = np.flatnonzero(jump)
        # Most changes turn few neurons: the rest of the samples keeps its sums.
        above = self._matrices[layer + 1]
        sums = self._sums[layer + 1][rows] + np.multiply.outer(jump[rows], above[:, unit])
        steps.append((layer + 1, (rows,), sums))
        for deeper in range(layer + 2, len(self._sums)):
            seen = self.network.features(self.network.value(self._times(deeper - 1, sums)))
            sums = seen @ self._matrices[deeper].T
            steps.append((deeper, (rows,), sums))
        return [*steps, (rows, self._loss(sums, rows))]

    def _loss(self, sums: Array, rows: Array) -> Array:
        return self.network.loss.value(self._times(-1, sums), self._targets[rows])

    def _scaled(self, layer: int) -> Array:
        return self._times(layer, self._sums[layer])

    def _times(self, layer: int, sums: Array) -> Array:
        """Scale sums as the network does; unscaled ones of whole numbers stay exact."""
        return sums * self.network.shapes[layer][1] ** -0.5 if self.network.scaled else sums


def visit(
    cache: Cache, coordinate: int, levels: Sequence[Any], ties: np.random.Generator | None = None
) -> bool:
    """Give one weight its best value; return whether the loss fell.

    ``ties``: None keeps the old value where no other is better; a generator takes one of the best at random (S30c).
    """
    old, energy = cache.weights[coordinate], cache.energy
    others = [value for value in levels if value != old]
    tried = [cache.trial(coordinate, value) for value in others]
    margin = 0 if cache.weights.dtype == object else EQUAL * (1 + abs(energy))
    least = min(tried, default=energy)
    lower = bool(least < energy - margin)
    if ties is None and not lower:
        return False
    best = min(least, energy) + margin
    candidates = [value for value, one in zip(others, tried, strict=True) if one <= best]
    if ties is None:
        cache.move(coordinate, candidates[0])
        return True
    if energy <= best:
        candidates.append(old)
    chosen = candidates[int(ties.integers(len(candidates)))]
    if chosen != old:
        cache.move(coordinate, chosen)
    return lower


@dataclass(frozen=True, eq=False)
class Search:
    """Outcome of coordinate searches.

    Parameters
    ----------
    weights, energy
        The best weights found and their mean loss on the data that chose them.
    ends
        Weights and training loss where each search stopped.
    trials, visits
        Changes that were tried, and weights that were looked at, over all searches.
    """

    weights: Array
    energy: Any
    ends: tuple[tuple[Array, Any], ...]
    trials: int
    visits: int


def descend(cache: Cache, levels: Sequence[Any], order: Iterable[int], sweeps: int) -> int:
    """Visit all weights in one order until a sweep changes nothing, or ``sweeps`` are done; return the visits (S28)."""
    places, visits = list(order), 0
    for _ in range(sweeps):
        lowered = [visit(cache, place, levels) for place in places]
        visits += len(places)
        if not any(lowered):
            break
    return visits


def coordinate_search(
    network: Network,
    X: Array,
    Y: Array,
    levels: Sequence[Any] = (-1.0, 0.0, 1.0),
    *,
    starts: int = 1,
    sweeps: int = 100,
    seed: int = 0,
    validation: tuple[Array, Array] | None = None,
) -> Search:
    """Search from several random starts, each to its first quiet sweep; keep the best end.

    Parameters
    ----------
    network, X, Y
        What is searched: the mean loss at inputs (samples, inputs) and targets (samples, outputs).
    levels
        Values of a weight, at least two.
    starts
        Independent uniform starts and orders of the weights.
    sweeps
        The most sweeps a start.
    seed
        Of the addressed streams: a start does not depend on how many there are.
    validation
        Other samples that choose between the starts; None: the training loss does.

    Raises
    ------
    InputError
        For fewer than two different levels.
    """
    allowed = _levels(levels)
    checks.positive_int(sweeps, "sweeps")
    best: tuple[Any, Array] | None = None
    ends, trials, visits = [], 0, 0
    for run in range(checks.positive_int(starts, "starts")):
        stream = generator(seed, Role.START, run)
        weights = np.asarray(allowed)[stream.integers(len(allowed), size=network.dim)]
        cache = Cache(network, weights, X, Y)
        visits += descend(cache, allowed, stream.permutation(network.dim).tolist(), sweeps)
        trials += cache.trials
        ends.append((cache.weights, cache.energy))
        judged = cache.energy if validation is None else network.energy(cache.weights, *validation)
        if best is None or judged < best[0]:
            best = judged, cache.weights
    assert best is not None  # there is at least one start
    return Search(best[1], best[0], tuple(ends), trials, visits)


@dataclass(frozen=True)
class CoNNTrA(Trainer):
    """Coordinate search as a trainer: a step visits all weights once, in random order, on its batch.

    Parameters
    ----------
    levels
        Values of a weight.
    restarts
        Random starts that follow, each after a quiet sweep; then the weights with the least training loss predict,
        which compares steps and therefore needs whole batches. 0: the current weights predict.
    random_ties
        Whether a visit takes one of several best values at random (S30c), or keeps the old one.

    Notes
    -----
    With ``validation`` of the estimator, the state that is best on the samples set aside predicts.
    """

    levels: tuple[float, ...] = (-1.0, 0.0, 1.0)
    restarts: int = 0
    random_ties: bool = False
    _values: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_values", _levels(self.levels))
        checks.non_negative_int(self.restarts, "restarts")

    def start(self, network: Network, seed: int) -> State:
        """Uniform weights on the levels."""
        weights = self._uniform(generator(seed, Role.START), network.dim)
        return begun(seed) | {
            "current": weights, "best": weights, "best_energy": np.inf, "quiet": 0, "left": self.restarts,
        }  # fmt: skip

    def step(self, state: State, batch: Batch) -> State:
        """Sweep once; after a quiet sweep the next one begins at a new start, while there are restarts left."""
        stream, current, left = draws(state), state["current"], state["left"]
        if state["quiet"] and left:
            current, left = self._uniform(stream, len(current)), left - 1
        cache = Cache(batch.network, current, batch.X, batch.Y)
        ties = stream if self.random_ties else None
        lowered = [
            visit(cache, place, self._values, ties)
            for place in stream.permutation(len(current)).tolist()
        ]
        arrays: State = {"current": cache.weights, "quiet": int(not any(lowered)), "left": left}
        if cache.energy < state["best_energy"]:
            arrays |= {"best": cache.weights, "best_energy": cache.energy}
        # One pass for the cache, then one a trial, however little of it had to be computed.
        return advanced(state, (1 + cache.trials) * len(batch), **arrays)

    def weights(self, state: State) -> Array:
        """The current weights; with restarts the best."""
        return np.asarray(state["best"] if self.restarts else state["current"])

    def bits(self) -> Bits:
        """The bits of a level's number, in training as in inference (S30)."""
        code = float(np.ceil(np.log2(len(self._values))))
        return Bits(code, code)

    def _uniform(self, stream: np.random.Generator, dim: int) -> NDArray[np.float64]:
        return np.asarray(self._values)[stream.integers(len(self._values), size=dim)]


def _levels(levels: Sequence[Any]) -> tuple[Any, ...]:
    """Return levels in ascending order, at least two."""
    values = tuple(sorted(set(levels)))
    if len(values) < 2 or len(values) != len(levels):
        raise InputError(f"levels must be at least two different numbers, got {tuple(levels)}")
    return values
