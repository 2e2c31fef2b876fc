"""``hardlimit derive``: Gaussian expectations and kernel recursions in closed form, to read or to run."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hardlimit import console
from hardlimit.commands import COMPUTE
from hardlimit.options import AsJson
from theory.errors import InputError

if TYPE_CHECKING:
    import sympy as sp

    from theory.activations import Activation
    from theory.gaussian import Expectation
    from theory.kernels.symbolic import KernelExpression

PANEL = COMPUTE


class Kind(StrEnum):
    """What is derived from F and G."""

    VALUE = "value"
    DERIVATIVE = "derivative"
    KERNEL = "kernel"


def derive(
    f: Annotated[
        str, typer.Argument(metavar="F", help="Activation, such as sign, hardtanh(1/2) or sign'.")
    ],
    g: Annotated[
        str | None,
        typer.Argument(
            metavar="G",
            help="Second activation; without it, E[F(u)]. For a kernel the surrogate, F unless given.",
        ),
    ] = None,
    kind: Annotated[
        Kind,
        typer.Option(
            help="E[F(u) G(v)]; its derivative E[F'(u) G'(v)] by c; or one layer of the kernels with "
            "forward function F and surrogate G."
        ),
    ] = Kind.VALUE,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="pretty, latex, sympy; or source text: a file of theory/gaussian/code/targets, such as "
            "numpy or c.",
        ),
    ] = "pretty",
    at: Annotated[
        tuple[str, str, str] | None,
        typer.Option(metavar="P Q C", help="Evaluate at exact p, q, c: float64, mp and ball."),
    ] = None,
    digits: Annotated[int, typer.Option(min=1, max=1000, help="Digits of the mp value.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Derive E[F(u) G(v)] exactly; u, v centred Gaussian with variances p, q and covariance c.

    Examples: hardlimit derive "hardtanh(1/2)" "erf(2)"; hardlimit derive "sign'" "hardtanh'" --at 1 2 1/2;
    hardlimit derive sign hardtanh --kind kernel --format numpy
    """
    from hardlimit import parsing
    from theory.gaussian.code import targets

    if form not in (*_FORMULAS, *targets()):
        known = ", ".join((*_FORMULAS, *targets()))
        raise InputError(f"--format {form!r} is unknown; known are {known}")
    if at is not None and kind is Kind.KERNEL:
        raise InputError("--at gives values of an expectation; with --kind kernel, leave it out")
    if at is not None and form in targets():
        raise InputError(
            f"--at prints values below a formula; with --format {form}, which is source text, leave it out"
        )
    first = parsing.activation(f)
    second = None if g is None else parsing.activation(g)
    answer = _kernel(first, second) if kind is Kind.KERNEL else _expectation(first, second, kind)
    values = {} if at is None else _values(answer.derived, at, digits, single=second is None)
    code = answer.code(form) if form in targets() else None
    if as_json:
        given = {} if at is None else {"at": dict(zip("pqc", at, strict=True)), "values": values}
        text = {} if code is None else {"format": form, "code": code}
        console.print_json({"kind": kind.value, **answer.described(), **given, **text})
        return
    console.print_plain(_FORMULAS[form](answer) if code is None else code.rstrip("\n"))
    for name, value in values.items():
        console.print_plain(f"{name:>8}  {value}")


class _OfExpectation:
    """An expectation, in the forms that are printed."""

    def __init__(self, derived: "Expectation", title: str) -> None:
        self.derived, self.title = derived, title

    def described(self) -> dict[str, Any]:
        return {"expectation": self.title, "sympy": self.sympy(), "latex": self.latex()}

    def pretty(self) -> str:
        from sympy import pretty

        return f"{self.title} =\n\n{pretty(self.derived.expr, use_unicode=True)}\n"

    def latex(self) -> str:
        return self.derived.latex()

    def sympy(self) -> str:
        return str(self.derived.expr)

    def code(self, target: str) -> str:
        return self.derived.code(target)


class _OfKernel:
    """One layer of the covariance and of the tangent kernel, in the forms that are printed."""

    def __init__(self, derived: "KernelExpression", f: "Activation", g: "Activation") -> None:
        self.derived, self.f, self.g = derived, f, g
        self.title = f"kernels with forward function {f} and surrogate {g}"
        self.equations = {
            str(_plain(equation.lhs)): _plain(equation.rhs) for equation in derived.equations
        }

    def described(self) -> dict[str, Any]:
        equations = {name: str(expr) for name, expr in self.equations.items()}
        return {"kernel": self.title, "sympy": equations, "latex": self.latex()}

    def pretty(self) -> str:
        from sympy import Eq, Symbol, pretty

        lines = [
            pretty(Eq(Symbol(name), expr, evaluate=False), use_unicode=True)
            for name, expr in self.equations.items()
        ]
        return "\n\n".join([f"{self.title}:", *lines, ""])

    def latex(self) -> str:
        return self.derived.latex()

    def sympy(self) -> str:
        return "\n".join(f"{name} = {expr}" for name, expr in self.equations.items())

    def code(self, target: str) -> str:
        from theory.gaussian import expectation
        from theory.gaussian.code import Routine, write_layer

        dual = expectation(self.f, self.f)
        slope = expectation(self.f.derivative, self.g.derivative)
        return write_layer(Routine.of(dual), Routine.of(slope), target)


_FORMULAS: Mapping[str, Callable[["_OfExpectation | _OfKernel"], str]] = {
    "pretty": lambda answer: answer.pretty(),
    "latex": lambda answer: answer.latex(),
    "sympy": lambda answer: answer.sympy(),
}


def _expectation(f: "Activation", g: "Activation | None", kind: Kind) -> _OfExpectation:
    from theory.gaussian import expectation

    if kind is Kind.DERIVATIVE:
        f, g = f.derivative, None if g is None else g.derivative
    title = f"E[{f}(u)]" if g is None else f"E[{f}(u) {g}(v)]"
    return _OfExpectation(expectation(f, g), title)


def _kernel(f: "Activation", g: "Activation | None") -> _OfKernel:
    from theory.kernels import Architecture, kernel_expression

    surrogate = f if g is None else g
    for function in (f, surrogate):
        if function.has_dirac:
            raise InputError(
                f"--kind kernel needs functions and differentiates them itself; {function} holds Dirac "
                f"masses: write for example sign, or hardtanh for the surrogate"
            )
    arch = Architecture(1, f, surrogate, bias_std=1)  # s_b is a symbol where it is not 0
    return _OfKernel(kernel_expression(arch), f, surrogate)


def _plain(expr: "sp.Expr") -> "sp.Expr":
    r"""Rename \Sigma^{(1)}_{x x'} to Sigma__1_uv, which SymPy prints as it is meant."""
    from sympy import Symbol

    def name(symbol: "sp.Symbol") -> str:
        inner = symbol.name.replace("x'", "v").replace("x", "u").replace(" ", "")
        inner = inner.replace("^{(", "__")
        return re.sub(r"[\\{}()]", "", inner)

    return expr.xreplace({s: Symbol(name(s), **s.assumptions0) for s in expr.free_symbols})


def _values(derived: Any, at: tuple[str, str, str], digits: int, *, single: bool) -> dict[str, str]:
    """Return the value at the point ``at`` in the three number systems."""
    from math import ceil, log2

    from mpmath import nstr

    from hardlimit import parsing

    point = [parsing.exact_number(text, n) for text, n in zip(at, "pqc", strict=True)]
    arguments = point[:1] if single else point
    certified = derived.ball(*arguments, bits=ceil(digits * log2(10)) + 8)
    return {
        "float64": repr(float(derived.float64(*(float(value) for value in arguments)))),
        "mp": nstr(derived.mp(*arguments, digits=digits), digits),
        "ball": certified.str(digits),
    }


COMMAND = derive
