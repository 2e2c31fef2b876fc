"""Statistics of an ensemble in one pass: exact integers that merge by addition, so no split or order changes a bit.

Each entry of each result keeps its power sums as integers and counts by bin; nothing else is ever added up, and every
statistic is computed from those, exactly, and rounded once. Memory does not grow with the number of networks.
"""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory import checks
from theory.errors import InputError
from theory.estimate import Estimate
from theory.networks import cumulants
from theory.networks.runs import default_threads
from theory.networks.sums import ORDER, Accumulator, counted, edge, keys_of, middle

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Ranges = tuple[tuple[int, int], ...]

JOINT = "outputs"
"""The result whose entries also keep sums of products, for their covariance matrix."""


@dataclass(frozen=True)
class Tally:
    """Exact power sums of one number (``theory.networks.sums``), and how often it fell in each bin."""

    sums: tuple[int, ...]
    keys: Int
    counts: Int

    def __add__(self, other: "Tally") -> "Tally":
        keys = np.concatenate([self.keys, other.keys])
        counts = np.concatenate([self.counts, other.counts])
        return Tally(_added(self.sums, other.sums), *counted(keys, counts))


@dataclass(frozen=True)
class Summary:
    """What is known of networks after they are gone.

    Parameters
    ----------
    digest
        Of the description that the networks have in common.
    ranges
        Their numbers, as disjoint increasing ranges (start, stop).
    shapes
        Shape of each result of one network, by name: ``outputs``, ``covariances``, ``kernels`` (pairs, n, n),
        ``conditional_kernels``; kernels where they were asked for.
    tallies
        One tally an entry, in row-major order.
    products
        Exact sums of products of each pair of outputs, first entry first.
    """

    digest: str
    ranges: Ranges
    shapes: Mapping[str, tuple[int, ...]]
    tallies: Mapping[str, tuple[Tally, ...]]
    products: tuple[tuple[int, ...], ...]

    @classmethod
    def of(
        cls, arrays: Mapping[str, NDArray[Any]], first: int, digest: str, threads: int | None = None
    ) -> "Summary":
        """Summarise networks ``first``, ``first + 1``, ... from their results, by name, networks along axis 0.

        Raises
        ------
        InputError
            For a value that is not finite.
        """
        flat = {name: _columns(name, values, first) for name, values in arrays.items()}
        workers = default_threads() if threads is None else threads
        sources = {name: _first_equals(values) for name, values in arrays.items()}
        places = [(name, int(i)) for name, source in sources.items() for i in np.unique(source)]
        pairs = list(combinations(range(len(flat[JOINT])), 2)) if JOINT in flat else []

        def work(share: int) -> tuple[list[Tally], list[tuple[int, ...]]]:
            room, outputs = Accumulator(), flat.get(JOINT, np.empty(0))
            tallies = [
                Tally(*room.powers(flat[name][i], ORDER)) for name, i in places[share::workers]
            ]
            return tallies, [
                room.products(outputs[i], outputs[j]) for i, j in pairs[share::workers]
            ]

        found: dict[tuple[str, int], Tally] = {}
        products: dict[tuple[int, int], tuple[int, ...]] = {}
        with ThreadPoolExecutor(workers) as pool:
            for share, (tallies, sums) in enumerate(pool.map(work, range(workers))):
                found.update(zip(places[share::workers], tallies, strict=True))
                products.update(zip(pairs[share::workers], sums, strict=True))
        draws = len(next(iter(arrays.values())))
        return cls(
            digest,
            ((first, first + draws),),
            {name: values.shape[1:] for name, values in arrays.items()},
            {name: tuple(found[name, int(i)] for i in source) for name, source in sources.items()},
            tuple(products[pair] for pair in pairs),
        )

    def __add__(self, other: "Summary") -> "Summary":
        """Merge with a summary of other networks of the same description: addition of integers.

        Raises
        ------
        InputError
            If the descriptions or results differ, or a network is in both.
        """
        if (self.digest, self.shapes) != (other.digest, other.shapes):
            raise InputError(
                f"summaries of different ensembles cannot be merged: {self.digest[:12]} with {dict(self.shapes)}, "
                f"{other.digest[:12]} with {dict(other.shapes)}"
            )
        return Summary(
            self.digest,
            _joined(self.ranges, other.ranges),
            self.shapes,
            {
                name: tuple(a + b for a, b in zip(mine, other.tallies[name], strict=True))
                for name, mine in self.tallies.items()
            },
            tuple(_added(a, b) for a, b in zip(self.products, other.products, strict=True)),
        )

    @property
    def draws(self) -> int:
        """Number of networks."""
        return sum(stop - start for start, stop in self.ranges)

    def mean(self, name: str) -> Estimate:
        """Mean of every entry, correctly rounded, with its standard error; needs two draws."""
        return self.cumulant(name, 1)

    def cumulant(self, name: str, order: int) -> Estimate:
        """Cumulant of order 1 to 4 of every entry, by its unbiased k-statistic, with its standard error.

        Values are correctly rounded. Squared standard errors are k2/draws for the mean and, for higher orders, the
        variance of the k-statistic of draws from the sample's own distribution; ``order`` + 1 draws are needed.

        Raises
        ------
        InputError
            For an unknown result or order, or too few draws.
        """
        if order not in (1, 2, 3, 4):
            raise InputError(f"there are cumulants of order 1, 2, 3 and 4, not {order!r}")
        self._require(order + 1)
        pairs = [cumulants.estimate(tally.sums, self.draws, order) for tally in self._of(name)]
        values, errors = np.array(pairs).T.reshape(2, *self.shapes[name])
        return Estimate(values, errors, self.draws)

    def covariance(self) -> Estimate:
        """Covariance matrix of the outputs (in row-major order), unbiased, correctly rounded, with standard errors.

        Raises
        ------
        InputError
            Without outputs, or with fewer than three draws.
        """
        self._require(3)
        tallies = self._of(JOINT)
        size = len(tallies)
        result = np.empty((2, size, size))
        for i, tally in enumerate(tallies):
            result[:, i, i] = cumulants.estimate(tally.sums, self.draws, 2)
        for (i, j), sums in zip(combinations(range(size), 2), self.products, strict=True):
            ends = tallies[i].sums, tallies[j].sums
            result[:, i, j] = result[:, j, i] = cumulants.covariance(*ends, sums, self.draws)
        return Estimate(result[0], result[1], self.draws)

    def quantile(self, name: str, level: ArrayLike) -> Float:
        """Quantiles of every entry: the ceil(level draws)-th smallest value, up to a relative error of 2^-8.

        The value returned is the middle of the bin that holds it; bins are the numbers that share sign, exponent and
        the first 7 bits of the significand. Shape: that of ``level``, then that of the result.

        Raises
        ------
        InputError
            For a level outside [0, 1], or an unknown result.
        """
        levels = checks.finite(level, "level")
        if np.any((levels < 0) | (levels > 1)):
            raise InputError(f"level must lie in [0, 1], got {level!r}")
        ranks = np.maximum(np.ceil(levels * self.draws), 1)
        values = []
        for tally in self._of(name):
            keys = tally.keys[np.searchsorted(np.cumsum(tally.counts), ranks)]
            values.append(middle(keys))
        return np.moveaxis(np.array(values), 0, -1).reshape(*levels.shape, *self.shapes[name])

    def histogram(self, name: str, entry: Sequence[int], edges: ArrayLike) -> Int:
        """Exact counts of one entry between increasing ``edges``, of which each has at most 8 significant bits.

        Such numbers (k/64 with |k| <= 256, say) are ends of bins. A value on an edge counts on its side away from 0.

        Raises
        ------
        InputError
            For edges that are no ends of bins or do not increase, or an entry that is not there.
        """
        ends = checks.finite(edges, "edges")
        keys = keys_of(ends)
        if ends.ndim != 1 or np.any(np.diff(ends) <= 0) or np.any(edge(keys) != ends):
            raise InputError(
                f"edges must increase and have at most 8 significant bits each, such as k/64 with |k| <= 256, "
                f"got {edges!r}"
            )
        shape = self.shapes[self._known(name)]
        if len(entry) != len(shape) or not all(
            0 <= i < n for i, n in zip(entry, shape, strict=True)
        ):
            raise InputError(f"{name} has entries of shape {shape}, and none at {tuple(entry)}")
        tally = self.tallies[name][int(np.ravel_multi_index(tuple(entry), shape))]
        below = np.concatenate([[0], np.cumsum(tally.counts)])
        # Bin k < 0 ends at edge k on the right, bin k >= 0 begins there.
        places = np.searchsorted(tally.keys, np.where(ends < 0, keys + 1, keys))
        return np.diff(below[places])

    def to_bytes(self) -> bytes:
        """Return everything as compressed JSON, with a checksum."""
        tallies = {
            name: [
                [[_packed(s) for s in tally.sums], tally.keys.tolist(), tally.counts.tolist()]
                for tally in row
            ]
            for name, row in self.tallies.items()
        }
        products = [[_packed(s) for s in sums] for sums in self.products]
        parts = [self.digest, self.ranges, self.shapes, tallies, products]
        return zlib.compress(json.dumps(parts, separators=(",", ":")).encode(), 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Summary":
        """Return what ``to_bytes`` wrote.

        Raises
        ------
        InputError
            If the bytes are damaged.
        """
        try:
            digest, ranges, shapes, tallies, products = json.loads(zlib.decompress(data))
        except (zlib.error, ValueError) as error:
            raise InputError(f"a summary of {len(data)} bytes is damaged: {error}") from error
        return cls(
            digest,
            tuple((start, stop) for start, stop in ranges),
            {name: tuple(shape) for name, shape in shapes.items()},
            {
                name: tuple(
                    Tally(tuple(map(_unpacked, sums)), np.array(keys), np.array(counts))
                    for sums, keys, counts in row
                )
                for name, row in tallies.items()
            },
            tuple(tuple(map(_unpacked, sums)) for sums in products),
        )

    def _known(self, name: str) -> str:
        if name not in self.tallies:
            raise InputError(f"{name!r} was not summarised; there are {', '.join(self.tallies)}")
        return name

    def _of(self, name: str) -> tuple[Tally, ...]:
        return self.tallies[self._known(name)]

    def _require(self, draws: int) -> None:
        if self.draws < draws:
            raise InputError(f"this needs at least {draws} draws, got {self.draws}; draw more")


def merged(summaries: Iterable[Summary]) -> Summary:
    """Return the sum of at least one summary."""
    total, *rest = summaries
    for summary in rest:
        total += summary
    return total


def _columns(name: str, values: NDArray[Any], first: int) -> Float:
    """One contiguous float64 row for each entry of a network's result."""
    flat = np.asarray(values, np.float64).reshape(len(values), -1)
    wrong = np.argwhere(~np.isfinite(flat))
    if len(wrong):
        draw, entry = (int(k) for k in wrong[0])
        place = [int(k) for k in np.unravel_index(entry, values.shape[1:])]
        raise InputError(
            f"{name}{place} of network {first + draw} is {flat[draw, entry]}, and only finite numbers can be summed; "
            f"rescale the inputs or weight_std"
        )
    return np.ascontiguousarray(flat.T)


def _first_equals(values: NDArray[Any]) -> Int:
    """For each entry, in row-major order, the entry to tally: that above the diagonal of symmetric matrices."""
    shape = values.shape[1:]
    entries = np.arange(int(np.prod(shape, dtype=np.int64))).reshape(shape)
    if (
        len(shape) > 1
        and shape[-1] == shape[-2]
        and np.array_equal(values, values.swapaxes(-1, -2))
    ):
        entries = np.minimum(entries, entries.swapaxes(-1, -2))
    return entries.ravel()


def _added(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(one, other, strict=True))


def _joined(one: Ranges, other: Ranges) -> Ranges:
    for (a, b), (c, d) in product(one, other):
        if max(a, c) < min(b, d):
            raise InputError(
                f"networks {max(a, c)} to {min(b, d) - 1} are in both summaries and would count twice"
            )
    joined: list[tuple[int, int]] = []
    for start, stop in sorted([*one, *other]):
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return tuple(joined)


def _packed(value: int) -> Any:
    """Odd part in hexadecimal and exponent of two: sums of float64 numbers end in many zeros."""
    if value == 0:
        return ["0", 0]
    zeros = (value & -value).bit_length() - 1
    return [f"{value >> zeros:x}", zeros]


def _unpacked(pair: Any) -> int:
    return int(pair[0], 16) << int(pair[1])
