"""The kernel recursion as SymPy: one equation a layer, and the closed expression of the output kernel."""

from dataclasses import dataclass

import sympy as sp

from theory.errors import InputError
from theory.gaussian import Expectation, c, expectation, p, q
from theory.gaussian.display import plain_latex
from theory.kernels.architecture import Architecture, architecture, jacobian_pair
from theory.kernels.recursion import TRAINING

# Second moments <x,x>/d, <x',x'>/d, <x,x'>/d of the two inputs.
g11, g22 = sp.symbols("g_{11} g_{22}", positive=True)
g12 = sp.Symbol("g_{12}", real=True)


@dataclass(frozen=True)
class KernelExpression:
    """The recursion of a limit kernel between two inputs x, x'.

    Attributes
    ----------
    equations
        From the inputs to the output: Sigma at (x, x), (x', x') and (x, x') for every layer, then Theta.
    kind
        ``"nngp"`` or ``"ntk"``.
    """

    equations: tuple[sp.Equality, ...]
    kind: str

    @property
    def expr(self) -> sp.Expr:
        """The output kernel with every layer substituted, in g_11, g_22, g_12 and the standard deviations."""
        known: dict[sp.Symbol, sp.Expr] = {}
        for equation in self.equations:
            known[equation.lhs] = equation.rhs.xreplace(known)
        return known[self.equations[-1].lhs]

    def latex(self) -> str:
        """Return the recursion as an ``aligned`` LaTeX block."""
        lines = [rf"{sp.latex(e.lhs)} &= {plain_latex(e.rhs)}" for e in self.equations]
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"


def kernel_expression(
    arch: Architecture, kind: str = "ntk", jacobians: tuple[str, str] = TRAINING
) -> KernelExpression:
    """Return the recursion of the NNGP or tangent kernel between two distinct inputs, for any depth.

    Parameters
    ----------
    arch
        The architecture; its standard deviations enter as symbols s_w, s_b (one a layer where they differ),
        the constants of its weight laws as v, m where they are not 1.
    kind
        ``"ntk"`` or ``"nngp"``.
    jacobians
        For the tangent kernel: first Jacobian at x, second at x'.

    Returns
    -------
    KernelExpression
        Equations layer by layer, the substituted expression, LaTeX. Source: claims T5, T11.
    """
    architecture(arch)
    if kind not in ("ntk", "nngp"):
        raise InputError(f'kind must be "ntk" or "nngp", got {kind!r}')
    pair = jacobian_pair(jacobians)
    equations: list[sp.Equality] = []
    features = {"xx": g11, "yy": g22, "xy": g12}
    theta: sp.Symbol | None = None
    slope = sp.S.Zero
    for index in range(arch.hidden_layers + 1):
        w, b, v, m = _constants(arch, index)
        sigma = {where: _symbol("Sigma", index + 1, where) for where in features}
        equations += [
            sp.Eq(sigma[k], w**2 * v * features[k] + b**2, evaluate=False) for k in features
        ]
        if kind == "ntk":
            own = w**2 * m * features["xy"] + b**2
            carried = sp.S.Zero if theta is None else theta * w**2 * v * slope
            theta = _symbol("Theta", index + 1, "xy")
            equations.append(sp.Eq(theta, own + carried, evaluate=False))
        if index < arch.hidden_layers:
            layer = arch.layers[index]
            features = _dual(expectation(layer.activation, layer.activation), sigma)
            first, second = (layer.derivative(side) for side in pair)
            slope = expectation(first, second).expr.xreplace(_at(sigma))
    return KernelExpression(tuple(equations), kind)


def _dual(F: Expectation, sigma: dict[str, sp.Symbol]) -> dict[str, sp.Expr]:
    diagonal = F.on_line(1).xreplace({q: p})
    return {
        "xx": diagonal.xreplace({p: sigma["xx"]}),
        "yy": diagonal.xreplace({p: sigma["yy"]}),
        "xy": F.expr.xreplace(_at(sigma)),
    }


def _at(sigma: dict[str, sp.Symbol]) -> dict[sp.Symbol, sp.Symbol]:
    return {p: sigma["xx"], q: sigma["yy"], c: sigma["xy"]}


def _symbol(letter: str, layer: int, where: str) -> sp.Symbol:
    places = {"xx": "x x", "yy": "x' x'", "xy": "x x'"}
    name = rf"\{letter}^{{({layer})}}_{{{places[where]}}}"
    return sp.Symbol(name, positive=True) if where != "xy" else sp.Symbol(name, real=True)


def _constants(arch: Architecture, index: int) -> tuple[sp.Expr, sp.Expr, sp.Expr, sp.Expr]:
    def named(letter: str, values: tuple[float, ...]) -> sp.Symbol:
        suffix = "" if len(set(values)) == 1 else f",{index + 1}"
        return sp.Symbol(f"s_{{{letter}{suffix}}}", positive=True)

    b = sp.S.Zero if arch.bias_stds[index] == 0 else named("b", arch.bias_stds)
    law = arch.weight_laws[index]
    if law.forward is None and law.variance == 1.0:
        return named("w", arch.weight_stds), b, sp.S.One, sp.S.One
    m = sp.S.One if law.forward is None else sp.Symbol(f"m_{{{index + 1}}}", real=True)
    return named("w", arch.weight_stds), b, sp.Symbol(f"v_{{{index + 1}}}", positive=True), m
