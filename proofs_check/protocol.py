"""Every bound against every network of a grid, at a family-wise confidence fixed beforehand (claim B80).

A bound is refuted where it lies below the lower confidence limit of the distance that it bounds. The
number of tests, and with it the confidence of each, is known before anything is drawn.
"""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from joblib import Parallel, delayed, parallel_config

from proofs_check.cache import digest, load, store, versions
from proofs_check.grid import Grid, Network
from theory.bounds import NetworkBound, Setting, catalogue, evaluate_at
from theory.checks import positive_int, probability
from theory.distances import Sandwich, drawn_to_limit

Report = Callable[..., None]

DISTANCES = 5
# Relative errors do not depend on the width: where networks are large, fewer do.
FULL_WIDTH, FEWEST = 2**13, 250


@dataclass(frozen=True)
class Comparison:
    """One bound at one network, beside the distance."""

    network: str
    bound: str
    distance: str
    value: float
    measured: Sandwich

    @property
    def holds(self) -> bool:
        """Whether the lower confidence limit of the distance is below the bound."""
        return self.value >= self.measured.lower

    def __str__(self) -> str:
        return (
            f"{self.bound} = {self.value:.4g} against {self.distance} >= {self.measured.lower:.4g} "
            f"({self.network})"
        )


@dataclass(frozen=True)
class Summary:
    """One bound over a grid.

    Parameters
    ----------
    comparisons, informative, violations
        Networks at which it has a value, those where the lower limit of the distance is positive, and
        those that refute it.
    closest
        Least ratio of the bound to the lower confidence limit; None if none is positive.
    typical
        Median ratio of the bound to the estimate of the distance, over estimates that are positive.
    """

    bound: str
    distance: str
    comparisons: int
    informative: int
    violations: int
    closest: float | None
    typical: float | None


@dataclass(frozen=True)
class Outcome:
    """What a grid showed.

    Parameters
    ----------
    networks
        How many there were.
    comparisons
        Every bound with a finite value, at every network that satisfies its hypotheses.
    tests
        Confidence statements, counted before the first draw.
    level
        Confidence of each, such that all hold with probability 1 - false_alarm.
    """

    networks: int
    comparisons: tuple[Comparison, ...]
    tests: int
    level: float
    false_alarm: float

    @property
    def violations(self) -> list[Comparison]:
        """Bounds that the networks refute."""
        return [one for one in self.comparisons if not one.holds]

    @property
    def informative(self) -> int:
        """Comparisons whose lower limit is positive: those that could have failed."""
        return sum(one.measured.lower > 0 for one in self.comparisons)

    def by_bound(self) -> list[Summary]:
        """One summary a bound, by distance and name."""
        names = sorted({(one.distance, one.bound) for one in self.comparisons})
        return [
            _summary([one for one in self.comparisons if one.bound == name]) for _, name in names
        ]


def _summary(group: Sequence[Comparison]) -> Summary:
    seen = [one.value / one.measured.lower for one in group if one.measured.lower > 0]
    ratios = [one.value / one.measured.estimate for one in group if one.measured.estimate > 0]
    return Summary(
        group[0].bound, group[0].distance, len(group), len(seen), sum(not one.holds for one in group),
        min(seen, default=None), statistics.median(ratios) if ratios else None,
    )  # fmt: skip


def draws_at(width: int, draws: int) -> int:
    """Networks to draw at a width: fewer above `FULL_WIDTH`, where each costs more."""
    return min(draws, max(FEWEST, draws * FULL_WIDTH // width))


def confront(network: Network, draws: int, seed: int, level: float) -> list[Comparison]:
    """Evaluate all bounds on one network, and measure the distances that they bound."""
    arch, x, n = network.arch, network.inputs, network.width
    setting = Setting(arch, x, n, 1, draws_at(n, draws), seed, level)
    measured = drawn_to_limit(arch, x, n, setting.coupling, level)
    return [
        Comparison(
            network.label, row.declared.name, row.declared.distance, row.bound.value,
            measured[row.declared.distance],
        )
        for row in evaluate_at(setting)
        if row.bound is not None
        and row.declared.distance in measured
        and row.bound.value < row.declared.most
    ]  # fmt: skip


def run_protocol(
    grid: Grid,
    *,
    draws: int = 1000,
    seed: int = 0,
    false_alarm: float = 1e-3,
    jobs: int = 1,
    cache_dir: str | Path | None = None,
    progress: Report | None = None,
) -> Outcome:
    """Confront every bound with every network of a grid.

    Parameters
    ----------
    grid
        `DECLARED`, or a smaller one.
    draws
        Networks drawn at each cell; above `FULL_WIDTH` fewer.
    seed
        Of the addressed streams; every cell has its own.
    false_alarm
        Probability that some true bound is refuted, shared equally by all confidence statements: a lower
        limit a distance and an upper limit a bound at every cell.
    jobs
        Processes; the outcome does not depend on it.
    cache_dir
        Where cells are kept: a run that was interrupted goes on with them while sources, versions and arguments
        are unchanged.
    progress
        Called with (cells done, cells, name).
    """
    networks = grid.networks()
    bounds = sum(isinstance(one, NetworkBound) for one in catalogue().values())
    tests = len(networks) * (bounds + DISTANCES)
    level = 1 - probability(false_alarm, "false_alarm") / tests
    cells = [Cell(index, network, draws, seed, level) for index, network in enumerate(networks)]
    found: dict[int, list[Comparison]] = {}
    key = f"{digest(('theory', 'proofs_check'), versions())} draws {draws} seed {seed} level {level!r}"
    if cache_dir is not None:
        for cell in cells:
            kept = load(Path(cache_dir) / cell.file, key)
            if kept is not None and kept["network"] == cell.network.label:
                found[cell.index] = [_read(one) for one in kept["comparisons"]]
    rest = [cell for cell in cells if cell.index not in found]
    for cell, comparisons in _confronted(rest, positive_int(jobs, "jobs")):
        found[cell.index] = comparisons
        if cache_dir is not None:
            plain = [asdict(one) for one in comparisons]
            kept = {"network": cell.network.label, "comparisons": plain}
            store(Path(cache_dir) / cell.file, key, kept)
        if progress is not None:
            progress(len(found), len(networks), cell.network.label)
    ordered = tuple(one for index in range(len(cells)) for one in found[index])
    return Outcome(len(networks), ordered, tests, level, false_alarm)


@dataclass(frozen=True)
class Cell:
    """One network of a grid, with what its confrontation depends on."""

    index: int
    network: Network
    draws: int
    seed: int
    level: float

    @property
    def file(self) -> str:
        """Name of its file among the kept ones."""
        return f"{self.index:05d}.json"

    def run(self) -> "tuple[Cell, list[Comparison]]":
        """Confront it."""
        return self, confront(self.network, self.draws, self.seed + self.index, self.level)


def _confronted(cells: Sequence[Cell], jobs: int) -> Iterator[tuple[Cell, list[Comparison]]]:
    """Confront cells, those of one architecture mostly in one process, which then knows its kernels."""
    if jobs == 1:
        yield from (cell.run() for cell in cells)
        return
    with parallel_config(backend="loky", inner_max_num_threads=1):
        yield from Parallel(n_jobs=jobs, batch_size=4, return_as="generator_unordered")(
            delayed(Cell.run)(cell) for cell in cells
        )


def _read(kept: dict[str, object]) -> Comparison:
    """Return a comparison from its JSON values."""
    measured = kept.pop("measured")
    return Comparison(**kept, measured=Sandwich(**measured))  # type: ignore[arg-type]
