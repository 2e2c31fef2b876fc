"""E[f_1(u_1) ... f_m(u_m)] of several activations under a Gaussian vector, evaluated with known error."""

from collections.abc import Sequence
from functools import cached_property
from numbers import Integral
from typing import Any

import mpmath
import numpy as np
import sympy as sp
from flint import arb
from numpy.typing import ArrayLike, NDArray

from theory.activations import Activation
from theory.arithmetic import exact, exact_or_dyadic
from theory.checks import finite, positive_int
from theory.covariance import semidefinite
from theory.errors import InputError
from theory.gaussian import several_balls
from theory.gaussian.several_factors import (
    Reduced,
    describe,
    exactly_tied,
    merged,
    reduced,
    require_semidefinite,
)
from theory.gaussian.several_float64 import evaluate
from theory.gaussian.several_moments import NONE, Mark
from theory.gaussian.several_symbolic import formula, symbols

Float = NDArray[np.float64]

MOST_STEPS, MOST_FACTORS = 4, 8


class JointExpectation:
    r"""The function K -> E[f_1(u_{k_1}) ... f_m(u_{k_m})], u ~ N(0, K).

    Obtained from ``theory.joint_expectation``.

    Attributes
    ----------
    functions
        The activations f_1, ..., f_m.
    variables
        k_1, ..., k_m: the variable that each of them reads.
    K
        Symbols of the covariance matrix, shape (n, n), in ``expr``.
    """

    def __init__(self, functions: tuple[Activation, ...], variables: tuple[int, ...]) -> None:
        self.functions, self.variables = functions, variables
        self._factors = merged(tuple(zip(functions, variables, strict=True)))
        self.K = symbols(max(variables) + 1)

    @cached_property
    def expr(self) -> sp.Expr:
        """SymPy expression in the entries of ``K``, for a regular matrix.

        Closed where no orthant is left but of two variables, or of three with thresholds 0; with one integral of
        arcsines for four with thresholds 0 (four signs, four error functions); otherwise the defining integral,
        unevaluated.
        """
        return formula(self._factors, self.K)

    @property
    def is_closed(self) -> bool:
        """Whether ``expr`` holds no integral."""
        return not self.expr.has(sp.Integral)

    def float64(self, K: ArrayLike) -> Float:
        """Evaluate in float64.

        Parameters
        ----------
        K
            Covariance matrices, shape (..., n, n), singular ones included.

        Returns
        -------
        ndarray
            Shape (...).

        Raises
        ------
        InputError
            For NaN, a wrong shape, or a matrix that is not symmetric positive semidefinite to rounding.
        DomainError
            Where the value is infinite.

        Notes
        -----
        Two factors or fewer, once merged: as ``Expectation.float64``. Otherwise the relative error is at most 1e-12,
        at a covariance within rounding of the one given: c^2 within 2**-51 of p q counts as equal, and a matrix that
        rounding made indefinite is lifted. Products of at most four signs or error functions are vectorised (under a
        millisecond a point); everything else, and points too close to singular, takes a ball a point: milliseconds,
        and up to seconds where four thresholds meet that are not 0.
        """
        return evaluate(self._factors, self._matrices(K))

    def _matrices(self, K: ArrayLike) -> Float:
        matrices, size = finite(K, "K"), self.K.rows
        if matrices.shape[-2:] != (size, size):
            raise InputError(
                f"{self!r} has {size} variables: K must have shape (..., {size}, {size}), got {matrices.shape}"
            )
        # Unit variances first: beside a large variance, no small one may hide behind rounding.
        variances = np.diagonal(matrices, axis1=-2, axis2=-1)
        scale = np.sqrt(np.where(variances > 0, variances, 1.0))
        semidefinite(
            matrices / scale[..., :, None] / scale[..., None, :], "K, scaled to correlations,"
        )
        return matrices

    def ball(self, K: Any, bits: int = 128) -> arb:
        """Evaluate as an Arb ball that contains the value, with ``bits`` good bits.

        Parameters
        ----------
        K
            Covariance matrix: rows of exact numbers (int, Fraction, decimal string, SymPy number), or a SymPy matrix.
        bits
            Good bits of the result. A value too small to show them at a working precision of 4 ``bits`` + 256 comes
            with the radius that this leaves; zeros by parity and by independence are exact.

        Raises
        ------
        InexactInputError
            For a float: write it exactly.
        InputError
            For a wrong shape, or a matrix that is not symmetric positive semidefinite.
        DomainError
            Where the value is infinite, or a singular K with irrational entries does not let it settle.
        """
        bits = positive_int(bits, "bits")
        return several_balls.value(self._reduced(K, exact), bits)

    def mp(self, K: Any, digits: int = 50) -> mpmath.mpf:
        """Evaluate as an mpmath number correct to ``digits`` digits (the rounded midpoint of a ball).

        Arguments as for ``ball``; floats and mpmath numbers are taken as the dyadic rationals they store.
        """
        digits = positive_int(digits, "digits")
        bits = int(digits * 3.33) + 8
        value = several_balls.value(self._reduced(K, exact_or_dyadic), bits)
        mantissa, exponent = value.mid().man_exp()
        with mpmath.workprec(bits + 8):
            return mpmath.ldexp(mpmath.mpf(int(mantissa)), int(exponent))

    def _reduced(self, K: Any, read: Any) -> Reduced:
        rows = K.tolist() if hasattr(K, "tolist") else K
        size = self.K.rows
        try:
            rows = [list(row) for row in rows]
        except TypeError as error:
            raise InputError(f"K must be a matrix of exact numbers, got {K!r}") from error
        if [len(row) for row in rows] != [size] * size:
            raise InputError(
                f"{self!r} has {size} variables: K must have {size} rows of {size} entries, got "
                f"{[len(row) for row in rows]} entries in {len(rows)} rows"
            )
        matrix = sp.Matrix(size, size, lambda i, j: read(rows[i][j], f"K[{i}][{j}]"))
        if not matrix.is_symmetric():
            raise InputError(f"K = {matrix.tolist()} is not symmetric")
        require_semidefinite(matrix)
        return reduced(self._factors, matrix, exactly_tied(matrix))

    def __repr__(self) -> str:
        return f"<JointExpectation {describe(self.functions, self.variables)}>"

    def _repr_latex_(self) -> str:
        inside = r"\,".join(
            f"{f.label}(u_{{{k + 1}}})" for f, k in zip(self.functions, self.variables, strict=True)
        )
        return rf"$\mathbb{{E}}\left[{inside}\right]$"


def joint_expectation(
    functions: Sequence[Activation], variables: Sequence[int] | None = None
) -> JointExpectation:
    """Return E[f_1(u_1) ... f_m(u_m)] as a function of the covariance of a centred Gaussian vector.

    Parameters
    ----------
    functions
        Activations, derivatives with Dirac masses included. At most four of them may hold steps or masses once
        factors on one variable are multiplied, and at most eight are given.
    variables
        The variable that each function reads, numbers from 0 without gaps: ``(0, 0, 1, 1)`` is
        E[f(u) g(u) h(v) k(v)] as a function of the covariance of (u, v). By default each has its own.

    Returns
    -------
    JointExpectation
        Symbolic expression and evaluators. Claims J1-J6, and G2, G3.

    Raises
    ------
    InputError
        For anything but activations, or variables with gaps.
    ActivationError
        For three functions or more that hold other than polynomials, steps and Gaussian bumps.
    DomainError
        Where two Dirac masses, or a mass and a jump, share a variable and a place.
    """
    given = tuple(functions)
    for f in given:
        if not isinstance(f, Activation):
            raise InputError(f"functions must hold activations such as th.sign(), got {f!r}")
    if not 1 <= len(given) <= MOST_FACTORS:
        raise InputError(f"between 1 and {MOST_FACTORS} functions are needed, got {len(given)}")
    numbers = tuple(range(len(given)) if variables is None else variables)
    if (
        len(numbers) != len(given)
        or not all(isinstance(k, Integral) and not isinstance(k, bool) for k in numbers)
        or sorted(set(numbers)) != list(range(max(numbers) + 1))
    ):
        raise InputError(
            f"variables must number one variable a function, from 0 without gaps, as in (0, 0, 1, 1); got "
            f"{variables!r} for {len(given)} functions"
        )
    result = JointExpectation(given, numbers)
    several = result._factors if len(result._factors) > 2 else ()
    stepped = [f for f, _ in several if any(Mark.of(atom) != NONE for atom in f.atoms)]
    if len(stepped) > MOST_STEPS:
        raise InputError(
            f"{result!r} has {len(stepped)} factors with steps, at most {MOST_STEPS} are supported"
        )
    return result
