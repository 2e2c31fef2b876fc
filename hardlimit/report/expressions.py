"""The derived expressions that the report prints: every case of the catalogue."""

from collections.abc import Iterator
from dataclasses import dataclass

from theory.activations import Activation, catalogue
from theory.gaussian import expectation
from theory.gaussian.display import lines

# Lines beyond which a formula is folded away.
LINES = 5


@dataclass(frozen=True)
class Derived:
    """A Gaussian expectation as LaTeX: what it is of, and the lines of what it equals."""

    group: str
    left: str
    right: tuple[str, ...]

    @property
    def folded(self) -> bool:
        """Whether the formula is too long to stand in the open."""
        return len(self.right) > LINES


def derived() -> Iterator[Derived]:
    """Yield E[f f], E[f' f'] and, where f jumps, E[f' g'] with the surrogate g = hardtanh(1)."""
    cases = catalogue()
    surrogate = cases["hardtanh(1)"]
    for name, f in cases.items():
        yield _pair(name, f, f)
        yield _pair(name, f.derivative, f.derivative)
        if not f.is_continuous:
            yield _pair(name, f.derivative, surrogate.derivative)


def _pair(group: str, f: Activation, g: Activation) -> Derived:
    left = rf"\mathbb{{E}}\left[{f.label}(u)\,{g.label}(v)\right]"
    return Derived(group, left, lines(expectation(f, g).latex_terms()))
