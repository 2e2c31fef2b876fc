"""The registry of claims: a claim is declared where it stands, never in a second list."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from proofs_check.verdict import Grade, Verdict
from theory.errors import InputError

Check = Callable[..., Verdict]


@dataclass(frozen=True)
class Claim:
    """A statement, where it comes from, and how it is checked.

    Parameters
    ----------
    id
        Permanent; never reused.
    statement
        Prose with ``$LaTeX$`` formulas, as in the source.
    source
        Where the statement stands: document, numbered claim or equation.
    hypotheses
        What the statement assumes, one phrase each.
    aims_at
        The grade that the check has to reach.
    check
        Returns the verdict; takes no argument, or the keyword ``seed``.
    mutant
        A nearby false statement put to the same check, which must refute it.
    correction
        The corrected statement, exactly where the claim aims at REFUTED_AS_PRINTED.
    threads
        Threads that BLAS and Numba may use in this check.
    """

    id: str
    statement: str
    source: str
    hypotheses: tuple[str, ...]
    aims_at: Grade
    check: Check
    mutant: Check
    correction: str | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("id", "statement", "source"):
            if not getattr(self, name).strip():
                raise InputError(f"claim {self.id!r} has an empty {name}; a reader needs it")
        if not Grade.REFUTED_AS_PRINTED.reaches(self.aims_at) and not Grade.PROVED.reaches(
            self.aims_at
        ):
            raise InputError(
                f"claim {self.id!r} aims at {self.aims_at}; aim at PROVED, ENCLOSED, AGREES, "
                f"CONSISTENT, or at REFUTED_AS_PRINTED for an erratum"
            )
        if (self.correction is not None) != (self.aims_at is Grade.REFUTED_AS_PRINTED):
            raise InputError(
                f"claim {self.id!r} aims at {self.aims_at} with correction {self.correction!r}; "
                f"a correction belongs to REFUTED_AS_PRINTED, and only there"
            )


@dataclass
class Ledger:
    """Claims by id, in the order of their declaration."""

    claims: dict[str, Claim] = field(default_factory=dict)

    def claim(
        self,
        id: str,  # noqa: A002 - the ledger calls it so
        *,
        statement: str,
        source: str,
        aims_at: Grade,
        mutant: Check,
        hypotheses: str | Sequence[str] = (),
        correction: str | None = None,
        threads: int = 1,
    ) -> Callable[[Check], Check]:
        """Register the decorated check as a claim; the check itself is returned unchanged.

        Raises
        ------
        InputError
            If the id is taken, or the declaration contradicts itself.
        """

        def register(check: Check) -> Check:
            entry = Claim(
                id=id,
                statement=" ".join(statement.split()),
                source=source,
                hypotheses=(hypotheses,) if isinstance(hypotheses, str) else tuple(hypotheses),
                aims_at=aims_at,
                check=check,
                mutant=mutant,
                correction=correction,
                threads=threads,
            )
            if id in self.claims:
                raise InputError(
                    f"claim id {id!r} is declared twice: by {_origin(self.claims[id].check)} "
                    f"and by {_origin(check)}; ids are permanent and unique"
                )
            self.claims[id] = entry
            return check

        return register

    def __iter__(self) -> Iterator[Claim]:
        return iter(self.claims.values())


LEDGER = Ledger()
claim = LEDGER.claim


def discover() -> tuple[Claim, ...]:
    """Import all of ``proofs_check/claims``; return every claim, in natural order of id."""
    package = importlib.import_module("proofs_check.claims")
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
    return tuple(sorted(LEDGER, key=lambda entry: _natural(entry.id)))


def _origin(check: Check) -> str:
    """Return where a check is defined; one that was made by ``partial`` names its function."""
    function = getattr(check, "func", check)
    return f"{function.__module__}.{function.__qualname__}"


def _natural(text: str) -> tuple[tuple[bool, int, str], ...]:
    """Sort key under which T9 stands before T13."""
    parts: list[str] = []
    for character in text:
        if parts and parts[-1][-1].isdigit() == character.isdigit():
            parts[-1] += character
        else:
            parts.append(character)
    return tuple((part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts)
