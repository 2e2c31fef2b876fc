"""``hardlimit derive``: a Gaussian expectation in closed form."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from hardlimit import console
from hardlimit.commands import COMPUTE
from hardlimit.options import AsJson

PANEL = COMPUTE


class Form(StrEnum):
    """How the expression is printed."""

    PRETTY = "pretty"
    LATEX = "latex"
    SYMPY = "sympy"


def derive(
    f: Annotated[
        str, typer.Argument(metavar="F", help="Activation, such as sign, hardtanh(1/2) or sign'.")
    ],
    g: Annotated[
        str | None, typer.Argument(metavar="G", help="Second activation; without it, E[F(u)].")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="How to print it.")] = Form.PRETTY,
    at: Annotated[
        tuple[str, str, str] | None,
        typer.Option(metavar="P Q C", help="Evaluate at exact p, q, c: float64, mp and ball."),
    ] = None,
    digits: Annotated[int, typer.Option(min=1, max=1000, help="Digits of the mp value.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Derive E[F(u) G(v)] exactly; u, v centred Gaussian with variances p, q and covariance c.

    Examples: hardlimit derive "hardtanh(1/2)" "erf(2)"; hardlimit derive "sign'" "hardtanh'" --at 1 2 1/2
    """
    from hardlimit import parsing
    from theory.gaussian import expectation

    first = parsing.activation(f)
    second = None if g is None else parsing.activation(g)
    derived = expectation(first, second)
    point = (
        []
        if at is None
        else [parsing.exact_number(text, n) for text, n in zip(at, "pqc", strict=True)]
    )
    values = _values(derived, point, digits, single=second is None) if point else {}
    title = f"E[{first}(u)]" if second is None else f"E[{first}(u) {second}(v)]"
    if as_json:
        given = {} if at is None else {"at": dict(zip("pqc", at, strict=True)), "values": values}
        console.print_json(
            {"expectation": title, "sympy": str(derived.expr), "latex": derived.latex(), **given}
        )
        return
    _show(title, derived, form)
    for name, value in values.items():
        console.print_plain(f"{name:>8}  {value}")


def _show(title: str, derived: Any, form: Form) -> None:
    if form is Form.LATEX:
        console.print_plain(derived.latex())
    elif form is Form.SYMPY:
        console.print_plain(str(derived.expr))
    else:
        from sympy import pretty

        console.print_plain(f"{title} =\n\n{pretty(derived.expr, use_unicode=True)}\n")


def _values(derived: Any, point: list[Any], digits: int, *, single: bool) -> dict[str, str]:
    """Return the value at ``point`` in the three number systems."""
    from math import ceil, log2

    from mpmath import nstr

    arguments = point[:1] if single else point
    certified = derived.ball(*arguments, bits=ceil(digits * log2(10)) + 8)
    return {
        "float64": repr(float(derived.float64(*(float(value) for value in arguments)))),
        "mp": nstr(derived.mp(*arguments, digits=digits), digits),
        "ball": certified.str(digits),
    }


COMMAND = derive
