"""E[f(u) g(v)] of two activations under a Gaussian pair: derived once, evaluated anywhere."""

from functools import cache, cached_property
from typing import Any

import flint
import mpmath
import numpy as np
import sympy as sp
from flint import arb
from numpy.typing import ArrayLike, NDArray

from theory.activations import Activation
from theory.activations.atoms import step
from theory.arithmetic import Formula, OwenT, exact, exact_or_dyadic, readable
from theory.arithmetic.functions import Orthant
from theory.checks import positive_int, reals
from theory.errors import DomainError, InputError
from theory.gaussian.display import displayed, latex_terms
from theory.gaussian.integral import LineIntegral, MeanIntegral, PairIntegral
from theory.gaussian.line import mean_of, on_line
from theory.gaussian.linear import Linear
from theory.gaussian.stein import Factor, PairMoments
from theory.gaussian.tilted import tilted_pair

Float = NDArray[np.float64]

p, q = sp.symbols("p q", positive=True)
c = sp.Symbol("c", real=True)

_ONE = Activation.of([step(sp.S.One, 0)], "1", label="1")


class Expectation:
    r"""The function (p, q, c) -> E[f(u) g(v)], (u, v) ~ N(0, [[p, c], [c, q]]).

    Obtained from ``theory.expectation``. Dirac masses in f or g are allowed.

    Attributes
    ----------
    f, g
        The two activations.

    Notes
    -----
    Derivation: Stein recursion and variance inflation (claims G2, G3). Ends (claim G4): c = 0 factorises,
    c = +-sqrt(pq) is one-dimensional, and a variance 0 means the value at 0 (midpoint at a jump).
    """

    def __init__(self, f: Activation, g: Activation, *, single: bool) -> None:
        self.f, self.g, self._single = f, g, single

    # -- symbolic ----------------------------------------------------------------------------------

    @cached_property
    def expr(self) -> sp.Expr:
        """SymPy expression in ``theory.gaussian.p``, ``q`` (positive) and ``c`` (real), |c| < sqrt(pq)."""
        return readable(self._derived)

    def latex(self) -> str:
        r"""Return the LaTeX of ``expr``, with :math:`\Delta` for the determinant where it recurs."""
        return " ".join(self.latex_terms())

    def latex_terms(self) -> tuple[str, ...]:
        """Return ``latex()`` as pieces between which a line may break."""
        noises = []
        for activation in (self.f, self.g):
            scales = {atom.scale for atom in activation.atoms if not atom.is_smooth}
            noises.append(max(scales, default=sp.S.Zero, key=float) ** 2)
        return latex_terms(self.expr, (p + noises[0]) * (q + noises[1]) - c**2)

    def code(self, target: str) -> str:
        """Return source text of a self-contained function ``expectation(p, q, c)`` in another system.

        Parameters
        ----------
        target
            ``"numpy"``, ``"jax"``, ``"c"``, ``"julia"``, ``"mathematica"`` or ``"python-mpmath"``: a file
            of ``theory/gaussian/code/targets``. For a single function the argument is ``p`` alone.

        Raises
        ------
        InputError
            For an unknown target, or a formula that holds a function which the target does not know.

        Notes
        -----
        The text states its domain and its accuracy in its first lines.
        """
        from theory.gaussian.code import Routine, write

        return write({"expectation": Routine.of(self)}, target)

    def on_line(self, sign: int = 1) -> sp.Expr:
        """Return the expression in p, q on the line c = sign*sqrt(pq): equal or opposite inputs."""
        if sign not in (1, -1):
            raise InputError(f"sign must be 1 or -1, got {sign!r}")
        return readable(self._line(sign).expr)

    @cached_property
    def _derived(self) -> sp.Expr:
        if self._single:
            return _one_variable(self.f).expr
        if self._vanishes:
            return sp.S.Zero
        if self.f.has_curve or self.g.has_curve:
            return PairIntegral(self.f, self.g).expr
        total = Linear()
        for a in self.f.atoms:
            for b in self.g.atoms:
                if not (a.is_plain and b.is_plain):
                    total.add_all(tilted_pair(a, b, p, q, c))
                    continue
                moment = _pair(a.scale, b.scale).moment(
                    a.power, b.power, Factor.of(a), Factor.of(b)
                )
                total.add_all(moment, a.coef * b.coef)
        total.complement()
        return total.expr

    @cached_property
    def _vanishes(self) -> bool:
        """Whether an odd function meets an even one: the pair (u, v) is symmetric about 0."""
        return self.f.parity * self.g.parity == -1

    @property
    def exchanged(self) -> "Expectation":
        """The same expectation with (f, p) and (g, q) exchanged."""
        return expectation(self.g, self.f)

    @cached_property
    def mean_formula(self) -> Formula | MeanIntegral:
        """E[f(u)] as a function of the variance of u > 0."""
        return _one_variable(self.f)

    @cached_property
    def _generic(self) -> Formula | PairIntegral:
        if not self._vanishes and any(h.has_curve or h.has_tilted_step for h in (self.f, self.g)):
            # Tilted steps are small numbers times large ones: their integral keeps the digits.
            closed = None if self.f.has_curve or self.g.has_curve else self._derived
            return PairIntegral(self.f, self.g, closed)
        # In Owen's T the large parts of the orthants cancel exactly, before anything is rounded.
        total = Linear()
        for term in sp.Add.make_args(self._derived):
            coefficient, leaf = term.as_independent(Orthant, as_Add=False)
            total.add(leaf.rewrite(OwenT), coefficient)
        return Formula(total.expr, (p,) if self._single else (p, q, c))

    @cache  # noqa: B019  an expectation lives as long as its cache entry
    def _line(self, sign: int) -> Formula | LineIntegral:
        total = Linear()
        if self._vanishes:
            return Formula(sp.S.Zero, (p, q))
        if self.f.has_curve or self.g.has_curve:
            return LineIntegral(self.f, self.g, sign)
        for a in self.f.atoms:
            for b in self.g.atoms:
                if a.scale == 0 and b.scale == 0:
                    total.add_all(on_line(a, b, p, q, sign))
                elif not (a.is_plain and b.is_plain):
                    total.add_all(tilted_pair(a, b, p, q, sign * sp.sqrt(p) * sp.sqrt(q)))
                else:
                    pair = PairMoments(p, q, sign * sp.sqrt(p) * sp.sqrt(q), a.scale, b.scale)
                    moment = pair.moment(a.power, b.power, Factor.of(a), Factor.of(b))
                    total.add_all(moment, a.coef * b.coef)
        total.complement()
        if self.f.has_tilted_step or self.g.has_tilted_step:
            return LineIntegral(self.f, self.g, sign, total.expr)
        return Formula(total.expr, (p, q))

    # -- float64 -----------------------------------------------------------------------------------

    def float64(
        self,
        p: ArrayLike,
        q: ArrayLike | None = None,
        c: ArrayLike | None = None,
        *,
        threads: int = 1,
    ) -> Float:
        """Evaluate in float64; arguments broadcast.

        Parameters
        ----------
        p, q, c
            Variances (0, or from 1e-75 to 1e75) and covariance (|c| <= sqrt(pq)); only ``p`` for a
            single function.
        threads
            Threads over slices of the arrays; the result does not depend on it.

        Returns
        -------
        ndarray
            ``inf`` where two Dirac masses meet (sign' sign' on the diagonal), or one sits on a variable
            of variance 0.

        Raises
        ------
        InputError
            For NaN, infinity, a variance that is negative or out of range, c*c > p*q beyond rounding,
            or ``threads`` that is no positive integer.

        Notes
        -----
        Error at most 1e-13 E|f(u) g(v)| at the float64 numbers given, for polynomial and step atoms,
        sharp or smoothed: relative, where f g does not change sign. A value exp(-X) times its natural
        size adds 1e-15 X, the rounding of its exponent. Pairs with waves, exponentials or curves:
        2e-13 (|value| + sqrt(E[f^2] E[g^2])). A covariance within rounding of the line, 2**-51 in
        1 - c*c/(p*q), counts as on it. Exchanging (f, p) and (g, q) changes no bit.
        """
        # Numba takes a second to load: only where it is used.
        from theory.gaussian.evaluation import broadcast, evaluate

        threads = positive_int(threads, "threads")
        if self._single:
            P = reals(p, "p")
            return evaluate(self, P, np.ones_like(P), np.zeros_like(P), threads)
        if q is None or c is None:
            raise InputError(f"E[{self.f}(u) {self.g}(v)] needs p, q and c; got p only")
        P, Q, C = broadcast(reals(p, "p"), reals(q, "q"), reals(c, "c"))
        return evaluate(self, P, Q, C, threads)

    def gap(self, p: ArrayLike, delta: ArrayLike, *, threads: int = 1) -> Float:
        """Evaluate E[f(u)^2] - E[f(u) f(v)], both variances p, correlation 1 - delta, without cancellation.

        Parameters
        ----------
        p, delta
            Variance, and 1 minus the correlation, from 0 to 2; arguments broadcast. delta is taken as given:
            form it from the inputs, not from a rounded correlation.
        threads
            Threads over slices of the arrays; the result does not depend on it.

        Returns
        -------
        ndarray
            Half the mean square of f(u) - f(v): what decides the conditioning of a Gram matrix.

        Raises
        ------
        InputError
            If f and g differ, for a negative or unbounded entry, delta > 2, or ``threads`` that is no
            positive integer.
        DomainError
            If f holds Dirac masses: the diagonal is infinite.

        Notes
        -----
        Relative error at most 1e-13 for p from 1e-12 to 1e12 and delta from 1e-15; where all kinks lie away
        from the origin at x standard deviations, 1e-15 x**2 more. Claims G4, G5. Functions whose changes are
        all jumps, sharp or smoothed, or all changes of slope take a fraction of a microsecond a point. Balls,
        a millisecond or more a point, settle the others, values below 1e-290, p delta above about 1e12 squared
        distances of kinks, and what cancels:
        even parts with kinks that return to 0 (triangle, clipped ReLU) at p delta above about 1e3 squared kinks.
        """
        from theory.gaussian.gap import gap

        return gap(self, p, delta, positive_int(threads, "threads"))

    # -- exact input -------------------------------------------------------------------------------

    def ball(self, p: Any, q: Any = None, c: Any = None, bits: int = 128) -> arb:
        """Evaluate as an Arb ball that contains the value, with ``bits`` good bits.

        Parameters
        ----------
        p, q, c
            Exact numbers: int, Fraction, decimal string, SymPy number (``sqrt(2)`` included).
        bits
            Good bits of the result; a value below 2**-4096 comes with that absolute radius instead.

        Raises
        ------
        InexactInputError
            For a float: write it exactly.
        DomainError
            Where the value is infinite.
        InputError
            For a negative variance, c*c > p*q, or ``bits`` that is no positive integer.
        """
        bits = positive_int(bits, "bits")
        arguments = [exact(v, n) for v, n in zip(self._arguments(p, q, c), "pqc", strict=False)]
        return self._exactly(arguments, bits)

    def mp(self, p: Any, q: Any = None, c: Any = None, digits: int = 50) -> mpmath.mpf:
        """Evaluate as an mpmath number correct to ``digits`` digits (the rounded midpoint of a ball).

        Arguments as for ``ball``; floats and mpmath numbers are taken as the dyadic rationals they store.
        """
        digits = positive_int(digits, "digits")
        arguments = [
            exact_or_dyadic(v, n) for v, n in zip(self._arguments(p, q, c), "pqc", strict=False)
        ]
        bits = int(digits * 3.33) + 8
        ball = self._exactly(arguments, bits)
        mantissa, exponent = ball.mid().man_exp()
        with mpmath.workprec(bits + 8):
            return mpmath.ldexp(mpmath.mpf(int(mantissa)), int(exponent))

    def _arguments(self, p: Any, q: Any, c: Any) -> list[Any]:
        if self._single:
            return [p]
        if q is None or c is None:
            raise InputError(f"E[{self.f}(u) {self.g}(v)] needs p, q and c; got p only")
        return [p, q, c]

    def _exactly(self, arguments: list[sp.Expr], bits: int) -> arb:
        for value, name in zip(arguments[:2], "pq", strict=False):
            if bool(value < 0):
                raise InputError(f"variance {name} must be at least 0, got {value}")
        if self._single:
            return self._mean_ball(self.f, arguments[0], bits)
        P, Q, C = arguments
        det = sp.expand(P * Q - C**2)
        if det.is_zero is None:
            det = sp.simplify(det)
        on_line = det.equals(0)
        if on_line is None:
            raise InputError(
                f"whether c = {C} lies on +-sqrt(p*q) for p={P}, q={Q} cannot be decided exactly; simplify them"
            )
        if not on_line and bool(det < 0):
            raise InputError(f"p={P}, q={Q}, c={C} is no covariance: need |c| <= sqrt(p*q)")
        if C == 0:
            means = self._mean_ball(self.f, P, bits + 8), self._mean_ball(self.g, Q, bits + 8)
            with flint.ctx.workprec(bits + 32):  # a product takes the ambient precision
                return means[0] * means[1]
        if on_line:
            # Exact numbers go in first: whether two jumps coincide is then decided exactly.
            line = self._line(1 if bool(C > 0) else -1)
            if isinstance(line, LineIntegral):
                return line.ball(P, Q, bits)
            value = line.expr.subs({p: P, q: Q})
            if value.has(sp.oo, -sp.oo, sp.nan):
                raise DomainError(f"E[{self.f}(u) {self.g}(v)] is infinite at p={P}, q={Q}, c={C}")
            return Formula(value, ()).ball(bits=bits)
        return self._generic.ball(P, Q, C, bits=bits)

    def _mean_ball(self, f: Activation, P: sp.Expr, bits: int) -> arb:
        if P != 0:
            return _one_variable(f).ball(P, bits=bits)
        if f.at_zero.is_infinite:
            raise DomainError(f"E[{f}(u)] is infinite at variance 0: its Dirac mass sits at 0")
        return Formula(f.at_zero, ()).ball(bits=bits)

    # -- display -----------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<Expectation E[{self.f}(u){'' if self._single else f' {self.g}(v)'}]>"

    def _repr_latex_(self) -> str:
        second = "" if self._single else rf"\,{self.g.label}(v)"
        left = rf"\mathbb{{E}}\left[{self.f.label}(u){second}\right]"
        return displayed(left, self.latex_terms())


def expectation(f: Activation, g: Activation | None = None) -> Expectation:
    """Return E[f(u) g(v)] as a function of the covariance of (u, v), or E[f(u)] of its variance.

    Parameters
    ----------
    f, g
        Activations, derivatives with Dirac masses included; ``g`` absent means E[f(u)].

    Returns
    -------
    Expectation
        Symbolic expression and evaluators. Claims G1-G4, T13-T23.
    """
    for function, name in ((f, "f"), (g, "g")):
        if not isinstance(function, Activation) and not (name == "g" and function is None):
            raise InputError(
                f"{name} must be an activation such as th.hardtanh(1), got {function!r}"
            )
    return _derive(f, g)


@cache
def _derive(f: Activation, g: Activation | None) -> Expectation:
    return Expectation(f, _ONE if g is None else g, single=g is None)


@cache
def _pair(e: sp.Expr, d: sp.Expr) -> PairMoments:
    return PairMoments(p, q, c, e, d)


def _one_variable(f: Activation) -> Formula | MeanIntegral:
    if f.has_curve and f.parity != -1:
        return MeanIntegral(f)
    closed = mean_of(f, p)
    return MeanIntegral(f, closed) if f.has_tilted_step and closed != 0 else Formula(closed, (p,))
