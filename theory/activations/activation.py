"""An activation: a finite sum of atoms that knows its derivative, primitive and smoothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from theory.activations import atoms as at
from theory.activations.atoms import Atom, x
from theory.activations.evaluation import branches, evaluator
from theory.activations.motions import reflected
from theory.activations.table import PiecewiseTable, extremum, piecewise
from theory.arithmetic.exact import exact
from theory.checks import finite
from theory.errors import ActivationError

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Activation:
    """A forward function or surrogate: exact atoms, and a name to print.

    Two activations are equal when they are the same function, whatever they are called.

    Parameters
    ----------
    atoms
        Canonical sum of atoms (``theory.activations.atoms.combine``).
    name
        Plain name, such as ``hardtanh``.
    parameters
        Exact parameters by name.
    label
        LaTeX name.

    Notes
    -----
    At a jump the value is the midpoint (sign(0) = 0): the limit of every symmetric smoothing, and the
    value that makes expectations continuous as the variance goes to 0. Source: claim G1.
    """

    atoms: tuple[Atom, ...]
    name: str = field(default="f", compare=False)
    parameters: Mapping[str, sp.Expr] = field(default_factory=dict, compare=False)
    label: str = field(default="f", compare=False)

    def __post_init__(self) -> None:
        for atom in self.atoms:
            if not atom.coef.is_finite or not atom.coef.is_real:
                raise ActivationError(
                    f"{self.name}: coefficient {atom.coef} is not a finite real number"
                )
            if atom.power < 0 or bool(atom.scale < 0):
                raise ActivationError(
                    f"{self.name}: atom {atom} has a negative power or scale; both must be at least 0"
                )
        if self.atoms != at.combine(self.atoms):
            raise ActivationError(f"{self.name}: atoms are not in canonical form; build it by `of`")

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what was cached: compiled functions are not for pickling."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # Activations are keys of many caches, and hashing SymPy numbers takes longer than most look-ups save.
        return hash(self.atoms)

    @classmethod
    def of(
        cls,
        atoms: list[Atom] | tuple[Atom, ...],
        name: str = "f",
        parameters: Mapping[str, sp.Expr] | None = None,
        label: str | None = None,
    ) -> "Activation":
        """Build an activation from atoms in any order."""
        return cls(at.combine(atoms), name, parameters or {}, label or rf"\mathrm{{{name}}}")

    # -- the function ------------------------------------------------------------------------------

    @cached_property
    def expr(self) -> sp.Expr:
        """The function as SymPy, in ``theory.activations.x``; Dirac masses as ``DiracDelta``."""
        sharp = [atom for atom in self.atoms if atom.is_sharp]
        rest = [atom.expr for atom in self.atoms if not atom.is_sharp]
        return (piecewise if all(a.is_plain for a in sharp) else branches)(sharp) + sp.Add(*rest)

    @cached_property
    def breakpoints(self) -> tuple[sp.Expr, ...]:
        """Places where the function is not smooth, in increasing order."""
        places = {
            atom.at
            for atom in self.atoms
            if atom.scale == 0
            and not atom.is_smooth
            and not (atom.curve is not None and atom.curve.is_analytic)
        }
        return tuple(sorted(places, key=float))

    @cached_property
    def table(self) -> PiecewiseTable:
        """The plain sharp steps as float64 polynomials between breakpoints."""
        return PiecewiseTable.of([a for a in self.atoms if a.is_sharp and a.is_plain])

    @cached_property
    def _rest(self) -> Callable[[Float], Float]:
        """Everything but the plain sharp steps."""
        return evaluator([a for a in self.atoms if not (a.is_sharp and a.is_plain)])

    def __call__(self, values: ArrayLike) -> Float:
        """Evaluate in float64, elementwise, to a few ulp of the largest term.

        Raises
        ------
        ActivationError
            If the activation holds Dirac masses: it has no values there.
        """
        self._require_values()
        u = finite(values, "x")
        if any(atom.is_sharp and not atom.is_plain for atom in self.atoms):
            # exp(x) - exp(x) 1{x > 0} is 0 on the right: terms are collected exactly on each interval.
            return evaluator(self.atoms)(u)
        return self.table(u) + self._rest(u)

    # -- calculus ----------------------------------------------------------------------------------

    @cached_property
    def derivative(self) -> "Activation":
        """Distributional derivative; a jump becomes a Dirac mass."""
        terms = [term for atom in self.atoms for term in at.derivative(atom)]
        return Activation.of(terms, f"{self.name}'", self.parameters, f"{self.label}'")

    @cached_property
    def primitive(self) -> "Activation":
        """The primitive that vanishes at 0 (midpoint value, where 0 is a jump)."""
        terms = [term for atom in self.atoms for term in at.primitive(atom)]
        raw = Activation.of(terms)
        terms.append(at.step(-raw.at_zero, 0))
        return Activation.of(terms, f"∫{self.name}", self.parameters, rf"\int {self.label}")

    def smoothed(self, std: Any) -> "Activation":
        """Average over independent Gaussian noise of exact standard deviation ``std`` > 0 (claim G3)."""
        s = exact(std, "std")
        if not bool(s > 0):
            raise ActivationError(f"smoothing needs a positive standard deviation, got {s}")
        terms = [term for atom in self.atoms for term in at.smoothed(atom, s)]
        return Activation.of(
            terms, f"{self.name}*N({s}^2)", self.parameters, rf"{self.label} * N_{{{sp.latex(s)}}}"
        )

    def noisy(self, law: str, scale: Any) -> "Activation":
        """Average a staircase over independent symmetric noise: E[f(x + noise)] (claim T62a).

        Parameters
        ----------
        law
            ``"uniform"`` on [-scale, scale], ``"triangular"`` (half-width ``scale``), ``"gaussian"``
            (standard deviation), ``"logistic"``, ``"laplace"`` or ``"cauchy"``: a declaration in
            ``theory.activations.noises``.
        scale
            Exact positive number.

        Raises
        ------
        ActivationError
            For an unknown law, a scale that is not positive, or a function that is not piecewise constant.
        """
        from theory.activations.noises import noisy

        return noisy(self, law, scale)

    @cached_property
    def at_zero(self) -> sp.Expr:
        """Exact value at 0, the midpoint at a jump; ``oo`` on a Dirac mass."""
        if any(atom.is_dirac and atom.at == 0 for atom in self.atoms):
            return sp.oo
        smooth = [atom for atom in self.atoms if not atom.is_dirac]
        return sp.radsimp(sp.Add(*(atom.expr.subs(x, 0) for atom in smooth)))

    # -- facts -------------------------------------------------------------------------------------

    @cached_property
    def has_dirac(self) -> bool:
        """Whether a Dirac mass is present, so that point values do not exist."""
        return any(atom.is_dirac for atom in self.atoms)

    @cached_property
    def is_sharp(self) -> bool:
        """Whether every atom is a plain sharp step: a piecewise polynomial."""
        return all(atom.is_sharp and atom.is_plain for atom in self.atoms)

    @cached_property
    def is_plain(self) -> bool:
        """Whether every atom is a polynomial times a step or a bump, the class of claim G1."""
        return all(atom.is_plain for atom in self.atoms)

    @cached_property
    def has_tilted_step(self) -> bool:
        """Whether an exponential sits on a step: closed forms exist, as large numbers times small ones."""
        return any(atom.tilt != 0 and not atom.is_smooth for atom in self.atoms)

    @cached_property
    def has_curve(self) -> bool:
        """Whether Gaussian expectations of it have no closed form."""
        return any(atom.curve is not None for atom in self.atoms)

    @cached_property
    def parity(self) -> int:
        """1 for an even function, -1 for an odd one, 0 for neither; the zero function counts as even."""
        mirrored = at.combine(term for atom in self.atoms for term in reflected(atom))
        if mirrored == self.atoms:
            return 1
        return -1 if at.combine(replace(a, coef=-a.coef) for a in mirrored) == self.atoms else 0

    @cached_property
    def is_continuous(self) -> bool:
        """Whether there is no jump (and no Dirac mass)."""
        return not self.has_dirac and not self.derivative.has_dirac

    @cached_property
    def lipschitz(self) -> float:
        """Least Lipschitz constant; ``inf`` at a jump. Exact for piecewise polynomials, else to 1e-12."""
        if not self.is_continuous:
            return float("inf")
        return extremum(self.derivative)

    @cached_property
    def bound(self) -> float:
        """Supremum of the absolute value; ``inf`` if unbounded. Accuracy as for ``lipschitz``."""
        self._require_values()
        return extremum(self)

    # -- algebra -----------------------------------------------------------------------------------

    def __add__(self, other: "Activation") -> "Activation":
        _require_activation(other, "+")
        return Activation.of(
            [*self.atoms, *other.atoms],
            f"({self.name} + {other.name})",
            {},
            f"({self.label} + {other.label})",
        )

    def __sub__(self, other: "Activation") -> "Activation":
        return self + (-1) * other

    def __mul__(self, other: "Activation") -> "Activation":
        _require_activation(other, "*")
        terms = [
            term for left in self.atoms for right in other.atoms for term in at.product(left, right)
        ]
        return Activation.of(
            terms, f"{self.name}*{other.name}", {}, rf"{self.label}\,{other.label}"
        )

    def __rmul__(self, factor: Any) -> "Activation":
        k = exact(factor, "factor")
        scaled = [replace(a, coef=k * a.coef) for a in self.atoms]
        return Activation.of(
            scaled, f"{k}*{self.name}", self.parameters, rf"{sp.latex(k)}\,{self.label}"
        )

    def __neg__(self) -> "Activation":
        return (-1) * self

    # -- display -----------------------------------------------------------------------------------

    def __str__(self) -> str:
        base = self.name.rstrip("'")
        primes = self.name[len(base) :]
        inside = ", ".join(str(value) for value in self.parameters.values())
        return f"{base}({inside}){primes}" if inside else self.name

    def __repr__(self) -> str:
        return f"<Activation {self}: {self.expr}>"

    def _repr_latex_(self) -> str:
        return f"${self.label}(x) = {sp.latex(self.expr)}$"

    def _require_values(self) -> None:
        if self.has_dirac:
            raise ActivationError(
                f"{self} holds Dirac masses and has no point values; use it inside an expectation, "
                f"or smooth it first"
            )


def _require_activation(other: object, sign: str) -> None:
    if not isinstance(other, Activation):
        raise ActivationError(
            f"an activation {sign} {other!r} has no meaning: the right side must be an activation; "
            f"scale by a number on the left, as in 2 * th.sign()"
        )


Builder = Callable[..., Activation]
