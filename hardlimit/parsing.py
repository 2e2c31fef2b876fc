"""Activations and weight laws as text: ``hardtanh(1/2)``, ``sign'``, ``binarized(sign, hardtanh(1))``.

The text is read as a Python expression and walked node by node; nothing in it is executed. Numbers are
exact: ``0.3`` is 3/10.
"""

import ast
import inspect
import operator
from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp

from theory.activations import Activation, x
from theory.activations.catalog import builders
from theory.arithmetic import exact
from theory.errors import ActivationError, ArchitectureError, HardlimitError, InputError
from theory.kernels import weights
from theory.kernels.weights import WeightLaw

_CONSTANTS: Mapping[str, Any] = {"x": x, "oo": sp.oo, "inf": sp.oo, "pi": sp.pi}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {"sqrt": sp.sqrt, "exp": sp.exp}
_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_CALCULUS = ("derivative", "primitive")
_LARGEST_POWER = 64


def weight_laws() -> dict[str, Callable[..., WeightLaw]]:
    """Return every weight law by its public name."""
    return {
        name: law
        for name, law in inspect.getmembers(weights, inspect.isfunction)
        if not name.startswith("_") and inspect.signature(law).return_annotation is WeightLaw
    }


def activation(text: str) -> Activation:
    """Read an activation; a trailing ``'`` is its derivative.

    Raises
    ------
    ActivationError
        For an unknown name, listing what exists, or for arguments that contradict themselves.
    InputError
        For text that is no such expression.
    """
    value = _Reader(text, builders(), "activation", ActivationError).value
    if not isinstance(value, Activation):
        raise InputError(
            f"{text!r} is {value}, no activation; write for example hardtanh(1/2), sign or sign'"
        )
    return value


def weight_law(text: str) -> WeightLaw:
    """Read a weight law, such as ``rademacher`` or ``binarized(sign, hardtanh(1))``.

    Raises
    ------
    ArchitectureError
        For an unknown name, listing what exists.
    InputError
        For text that is no such expression.
    """
    laws = weight_laws()
    name = text.partition("(")[0].strip()
    if name not in laws:
        raise ArchitectureError(f"unknown weight law {name!r}; known are {', '.join(laws)}")
    value = _Reader(text, {**builders(), **laws}, "weight law", ArchitectureError).value
    if not isinstance(value, WeightLaw):
        raise InputError(f"{text!r} is {value}, no weight law; known are {', '.join(laws)}")
    return value


def exact_number(text: str, name: str) -> sp.Expr:
    """Read an exact real number: ``2``, ``1/3``, ``0.25`` (a quarter), ``sqrt(2)/2``, ``pi``."""
    value = sp.sympify(_Reader(text, {}, "number", InputError).value)
    if not (isinstance(value, sp.Expr) and value.is_number and value.is_real):
        raise InputError(f"{name} must be a real number such as 2, 1/3 or sqrt(2)/2, got {text!r}")
    return value


class _Reader:
    """Evaluates one expression; ``builders`` are the names that may be called."""

    def __init__(
        self,
        text: str,
        known: Mapping[str, Callable[..., Any]],
        kind: str,
        unknown: type[HardlimitError],
    ) -> None:
        self.text, self.known, self.kind, self.unknown = text, known, kind, unknown
        self.source = text.strip().replace("'", ".derivative")
        try:
            tree = ast.parse(self.source, mode="eval")
        except SyntaxError as error:
            raise self.unreadable(error.msg) from error
        try:
            value = self.read(tree.body)
        except (TypeError, ZeroDivisionError, RecursionError) as error:
            if isinstance(error, HardlimitError):
                raise
            raise self.unreadable(str(error)) from error
        self.value = self.called(value)

    def unreadable(self, why: str) -> InputError:
        return InputError(
            f"cannot read {self.text!r} as {self.kind}: {why}; "
            f"write a name with exact arguments, for example hardtanh(1/2) or staircase([-1, 1], [0, 1, 2])"
        )

    def called(self, value: Any) -> Any:
        """Call a builder that was named without arguments: ``sign`` is ``sign()``."""
        return self.call(value, []) if callable(value) and value in self.known.values() else value

    def call(self, builder: Callable[..., Any], arguments: list[Any], **named: Any) -> Any:
        try:
            bound = inspect.signature(builder).bind(*arguments, **named)
        except TypeError as error:
            signature = ", ".join(inspect.signature(builder).parameters)
            raise self.unreadable(f"{error} in {builder.__name__}({signature})") from error
        return builder(*bound.args, **bound.kwargs)

    def read(self, node: ast.expr) -> Any:
        method = getattr(self, f"read_{type(node).__name__.lower()}", None)
        if method is None:
            raise self.unreadable(f"{ast.unparse(node)} has no meaning here")
        return method(node)

    def read_constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.unreadable(f"{node.value!r} is no number")
        # The digits as written, not the float that Python made of them.
        return exact(str(ast.get_source_segment(self.source, node)).replace("_", ""), self.kind)

    def read_name(self, node: ast.Name) -> Any:
        if node.id in self.known:
            return self.known[node.id]
        if node.id in _CONSTANTS:
            return _CONSTANTS[node.id]
        if not self.known:
            raise self.unreadable(f"{node.id!r} is no number")
        raise self.unknown(
            f"unknown {self.kind} {node.id!r} in {self.text!r}; known are {', '.join(self.known)}"
        )

    def read_call(self, node: ast.Call) -> Any:
        arguments = [self.called(self.read(argument)) for argument in node.args]
        named = {str(item.arg): self.called(self.read(item.value)) for item in node.keywords}
        if isinstance(node.func, ast.Attribute) and node.func.attr == "smoothed":
            return self.function_of(node.func).smoothed(*arguments, **named)
        if isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
            return _FUNCTIONS[node.func.id](*arguments, **named)
        builder = self.read(node.func)
        if builder not in self.known.values():
            raise self.unreadable(f"{ast.unparse(node.func)} takes no arguments")
        return self.call(builder, arguments, **named)

    def read_attribute(self, node: ast.Attribute) -> Any:
        if node.attr not in _CALCULUS:
            raise self.unreadable(
                f"there is .{', .'.join(_CALCULUS)} and .smoothed(std), not .{node.attr}"
            )
        return getattr(self.function_of(node), node.attr)

    def function_of(self, node: ast.Attribute) -> Activation:
        value = self.called(self.read(node.value))
        if not isinstance(value, Activation):
            raise self.unreadable(
                f"{ast.unparse(node.value)} is no activation, so it has no {node.attr}"
            )
        return value

    def read_unaryop(self, node: ast.UnaryOp) -> Any:
        value = self.called(self.read(node.operand))
        if isinstance(node.op, ast.USub):
            return -value
        if isinstance(node.op, ast.UAdd):
            return value
        raise self.unreadable(f"{ast.unparse(node)} has no meaning here")

    def read_binop(self, node: ast.BinOp) -> Any:
        left, right = (self.called(self.read(side)) for side in (node.left, node.right))
        combine = _BINARY.get(type(node.op))
        if combine is None:
            raise self.unreadable(f"{ast.unparse(node)} has no meaning here")
        if combine is operator.pow and not (
            getattr(right, "is_number", False) and abs(right) <= _LARGEST_POWER
        ):
            raise self.unreadable(f"the power {right} is beyond {_LARGEST_POWER}")
        if isinstance(right, Activation) and not isinstance(left, Activation):
            return self.scaled(node, left, right)
        return combine(left, right)

    def scaled(self, node: ast.BinOp, factor: Any, function: Activation) -> Activation:
        """Multiply by a number; SymPy's own ``*`` would take the activation for a symbol."""
        if not isinstance(node.op, ast.Mult):
            raise self.unreadable(
                f"{ast.unparse(node)} mixes a number with an activation; scale it by *"
            )
        return function.__rmul__(factor)

    def read_list(self, node: ast.List | ast.Tuple) -> list[Any]:
        return [self.called(self.read(item)) for item in node.elts]

    def read_tuple(self, node: ast.Tuple) -> tuple[Any, ...]:
        return tuple(self.read_list(node))
