"""Spelling that several targets share."""

from collections.abc import Callable, Sequence

import flint
from flint import arb

from theory.gaussian.code.rounding import accuracy
from theory.gaussian.code.routine import Routine


def float_accuracy(routines: Sequence[Routine]) -> list[str]:
    """Return what a header says of float64: bounds of these formulas, which the tests hold them to."""
    found = accuracy(routines)
    return [
        f"Accuracy: error at most {found.apart:.0e} (|value| + S) where 1 - |rho| >= 1e-2, and "
        f"{found.near:.0e} (|value| + S) down to 1e-8 and on the line, for variances from 1e-3 to "
        f"{found.largest:.3g}; rho = c/sqrt(p*q). "
        f"S is the product of the sizes of the functions: sqrt(E[f^2]), a Dirac mass m delta(u - a) "
        f"adding |m| times the density of u at a.",
        "Outside nothing is promised: the error grows where standard "
        "deviations are large against thresholds, by their ratio once a power, and where exponentials of "
        "variances cancel. Between 1 - |rho| = 1e-8 "
        "and 2**-51 it is that of rounding the arguments; below, the point counts as on the line.",
        "Invalid arguments (negative or NaN, c*c > p*q beyond rounding) give NaN.",
    ]


def hash_comment(lines: Sequence[str]) -> str:
    """Return a comment of lines that start with ``#``."""
    return "\n".join(f"# {line}".rstrip() for line in lines)


def python_define(
    name: str, arguments: Sequence[str], assignments: Sequence[tuple[str, str]], result: str
) -> str:
    """Return a Python function."""
    lines = [f"def {name}({', '.join(arguments)}):"]
    lines += [f"    {symbol} = {value}" for symbol, value in assignments]
    return "\n".join([*lines, f"    return {result}"])


def underscored(name: str, part: str) -> str:
    """Return ``name_part``."""
    return f"{name}_{part}"


def python_fraction(numerator: int, denominator: int) -> str:
    """Return a float: as a quotient where both sides are exact, else the nearest one."""
    if max(abs(numerator), denominator) < 2**53:
        return f"{numerator}/{denominator}"
    return repr(numerator / denominator)


def float_fraction(numerator: int, denominator: int) -> str:
    """Return a float with decimal points, for languages that divide integers as integers."""
    if max(abs(numerator), denominator) < 2**53:
        return f"{numerator}.0/{denominator}.0"
    return repr(numerator / denominator)


def float_integer(number: int) -> str:
    """Return an integer as a float."""
    return f"{number}.0" if abs(number) < 2**53 else repr(float(number))


def integer_power(sign: str) -> Callable[[str, int], str]:
    """Return the speller of powers by an operator."""
    return lambda base, exponent: f"{base}{sign}{exponent}"


def quadrature_rows(opening: str, middle: str, closing: str) -> str:
    """Return 24 Gauss-Legendre nodes and weights of (0, 1), rounded once, a row each."""
    count, rows = 24, []
    with flint.ctx.workprec(100):
        for k in range(count):
            node, weight = arb.legendre_p_root(count, k, weight=True)
            rows.append(f"{opening}{float((1 + node) / 2)!r}{middle}{float(weight / 2)!r}{closing}")
    return "\n".join(rows)
