"""What a bound returns, how one is declared, and where bounds register."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Any, TypeVar

from numpy.typing import ArrayLike

from theory.bounds.hypotheses import Hypothesis
from theory.bounds.setting import Setting
from theory.errors import DomainError
from theory.kernels import Architecture

Function = TypeVar("Function", bound=Callable[..., Any])

# Covers the rounding of moments and eigenvalues, so that the float returned is an upper bound too.
ROUND_UP = 1 + 1e-9


@dataclass(frozen=True)
class Bound:
    """An explicit inequality, evaluated.

    Parameters
    ----------
    value
        The bound, rounded outward; infinite for a theorem that states no constant.
    terms
        Its summands by name: they add up to ``value``.
    hypotheses
        What was used, one phrase each.
    source
        Claim or theorem.
    details
        Numbers that the terms were made of.
    """

    value: float
    terms: Mapping[str, float]
    hypotheses: tuple[str, ...]
    source: str
    details: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", MappingProxyType(dict(self.terms)))
        object.__setattr__(self, "details", MappingProxyType(dict(self.details)))

    def __str__(self) -> str:
        parts = " + ".join(f"{number:.4g} ({name})" for name, number in self.terms.items())
        return f"{self.value:.6g} = {parts} [{self.source}]"


@dataclass(frozen=True)
class Terms:
    """What the formula of a bound evaluates to, before it is rounded outward.

    Parameters
    ----------
    terms
        Summands by name.
    details
        Numbers that they were made of.
    notes
        Hypotheses that depend on the numbers, such as the method behind a confidence limit.
    """

    terms: Mapping[str, float]
    details: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class NetworkBound:
    """An upper bound on the distance of a finite network's outputs to their Gaussian limit.

    Called like a function; see ``help(bound.formula)`` for what it computes.

    Parameters
    ----------
    formula
        Evaluates the bound in a setting whose hypotheses hold.
    distance
        "W1", "W2", "TV", "Kolmogorov" or "convex": which distance is bounded.
    rate
        Exponent of the width, all hidden widths equal.
    needs
        Hypotheses, each checked before anything is computed.
    source
        Claim or theorem.
    most
        A value that the distance cannot pass.
    """

    formula: Callable[[Setting], Terms]
    distance: str
    rate: Fraction
    needs: tuple[Hypothesis, ...]
    source: str
    most: float = math.inf

    @property
    def name(self) -> str:
        """Name of the bound in ``theory.bounds``."""
        return self.formula.__name__

    def __call__(
        self,
        arch: Architecture,
        X: ArrayLike,
        widths: int | Sequence[int],
        outputs: int = 1,
        *,
        draws: int = 20_000,
        seed: int = 0,
        confidence: float = 0.99,
    ) -> Bound:
        """Evaluate the bound for a network.

        Parameters
        ----------
        arch
            Architecture; which ones are allowed is for the hypotheses to say.
        X
            Inputs, shape (k, d).
        widths
            Hidden widths: an integer, or one a hidden layer.
        outputs
            Number m of outputs.
        draws, seed, confidence
            For bounds with a sampled part: how many networks, the seed of the addressed streams,
            and the one-sided confidence of ``value``.

        Raises
        ------
        DomainError
            If a hypothesis fails; the message names each that does.
        InputError
            For bad inputs, widths, outputs, draws or confidence.
        """
        return self.at(Setting(arch, X, widths, outputs, draws, seed, confidence))

    def at(self, setting: Setting) -> Bound:
        """Evaluate the bound in a setting, whose samples several bounds may share."""
        failures = self.failures(setting)
        if failures:
            raise DomainError(
                f"{self.name} does not apply: {'; '.join(failures)}; th.bounds.evaluate lists what does, and "
                f"th.bounds.coupling and th.bounds.skorokhod need least"
            )
        found = self.formula(setting)
        total = math.fsum(found.terms.values()) * ROUND_UP
        scale = ROUND_UP if total <= self.most else ROUND_UP * self.most / total
        return Bound(
            min(total, self.most),
            {
                name: term * scale if math.isfinite(total) else term
                for name, term in found.terms.items()
            },
            tuple(hypothesis.phrase for hypothesis in self.needs) + found.notes,
            self.source,
            found.details,
        )

    def failures(self, setting: Setting) -> list[str]:
        """Say which hypotheses fail in a setting, and what to do."""
        reasons = (hypothesis.failure(setting) for hypothesis in self.needs)
        return [reason for reason in reasons if reason is not None]


REGISTRY: dict[str, Callable[..., Any]] = {}


def bound(function: Function) -> Function:
    """Publish a function as ``theory.bounds.<its name>``."""
    REGISTRY[function.__name__] = function
    return function


def network_bound(
    *,
    distance: str,
    rate: Fraction | int,
    needs: tuple[Hypothesis, ...],
    source: str,
    most: float = math.inf,
) -> Callable[[Callable[[Setting], Terms]], NetworkBound]:
    """Publish a formula as the network bound ``theory.bounds.<its name>``."""

    def declare(formula: Callable[[Setting], Terms]) -> NetworkBound:
        declared = NetworkBound(formula, distance, Fraction(rate), needs, source, most)
        REGISTRY[declared.name] = declared
        return declared

    return declare
