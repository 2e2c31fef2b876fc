"""Published training algorithms, one a module: ``ALGORITHM`` says what its source claims and which claims judge it."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass

PRINTED, RECALLED, CODE, DERIVED = (
    "read in print",
    "recalled, not confirmed",
    "read in its code",
    "derived here",
)


@dataclass(frozen=True)
class Assertion:
    """Something said of an algorithm, where that was learnt, what holds, and the claims of the ledger that show it.

    An empty ``judged_by`` says that nothing here judges it: a headline number, for example.
    """

    says: str
    known: str
    holds: str
    judged_by: tuple[str, ...]


@dataclass(frozen=True)
class Algorithm:
    """A page of the report: what an algorithm does, what is said of it, what holds.

    Parameters
    ----------
    slug
        File name of its page.
    title, source
        The algorithm, and who published it where.
    does
        How it trains, in a paragraph with ``$LaTeX$`` formulas.
    use
        A line of Python that makes its trainer.
    assertions
        What is said of it.
    """

    slug: str
    title: str
    source: str
    does: str
    use: str
    assertions: tuple[Assertion, ...]

    @property
    def judged_by(self) -> tuple[str, ...]:
        """Every claim that judges an assertion, once, in order."""
        return tuple(dict.fromkeys(name for item in self.assertions for name in item.judged_by))


def discover() -> tuple[Algorithm, ...]:
    """Return every algorithm of the package, in the order of its modules."""
    return tuple(_found())


def _found() -> Iterator[Algorithm]:
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        yield importlib.import_module(module.name).ALGORITHM
