"""Mathematica: exact, and to any precision, with its own ``OwenT``."""

from collections.abc import Sequence

from theory.gaussian.code.dialects import integer_power
from theory.gaussian.code.target import Target


def _comment(lines: Sequence[str]) -> str:
    return "(* " + "\n   ".join(lines).replace("*)", "* )") + " *)"


def _join(name: str, part: str) -> str:
    return name + "".join(word.capitalize() for word in part.split("_"))


def _define(
    name: str, arguments: Sequence[str], assignments: Sequence[tuple[str, str]], result: str
) -> str:
    head = f"{name}[{', '.join(f'{a}_' for a in arguments)}] := "
    if not assignments:
        return f"{head}{result};"
    names = ", ".join(symbol for symbol, _ in assignments)
    lines = [f"{head}Module[{{{names}}},"]
    lines += [f"  {symbol} = {value};" for symbol, value in assignments]
    return "\n".join([*lines, f"  {result}];"])


TARGET = Target(
    preamble="",
    comment=_comment,
    accuracy=lambda _: [
        "Accuracy: exact arguments give an exact result, to be read by N[..., digits]; arbitrary-precision "
        "arguments give the digits that Mathematica reports. Machine numbers lose digits near the "
        "line, where p q - c^2 cancels.",
        "Invalid arguments give Indeterminate.",
    ],
    integer=str,
    fraction="{}/{}".format,
    power=integer_power("^"),
    root="Sqrt[{}]".format,
    pi="Pi",
    infinity="Infinity",
    call="{name}[{arguments}]",
    functions={
        "Phi": "normalCDF",
        "Tail": "normalTail",
        "Centre": "normalCentre",
        "phi": "normalDensity",
        "OwenT": "OwenT",
        "Cross": "cross",
        "Arc": "arc",
        "Step": "step",
        "Meeting": "meeting",
        "Max": "Max",
        "Min": "Min",
        "Abs": "Abs",
        "exp": "Exp",
        "log": "Log",
        "sin": "Sin",
        "cos": "Cos",
        "sinh": "Sinh",
        "cosh": "Cosh",
        "atan": "ArcTan",
        "erf": "Erf",
        "erfc": "Erfc",
    },
    helpers={
        "normalCDF": "normalCDF[x_] := Erfc[-x/Sqrt[2]]/2;",
        "normalTail": "normalTail[x_] := Erfc[x/Sqrt[2]]/2;",
        "normalCentre": "normalCentre[x_] := Erf[x/Sqrt[2]]/2;",
        "normalDensity": "normalDensity[x_] := Exp[-x^2/2]/Sqrt[2*Pi];",
        "arc": "(* ArcSin[c/Sqrt[p*q]]; ArcTan takes the abscissa first. *)\n"
        "arc[p_, q_, c_] := ArcTan[Sqrt[cross[p, q, c, c]], c];",
        "cross": "cross[a_, b_, c_, d_] := a*b - c*d;",
        "step": "step[x_, size_] := (1 + Sign[x])/2;",
        "meeting": "meeting[x_, size_] := If[x == 0, Infinity, 0];",
    },
    join=_join,
    define=_define,
    single="""
(* $title *)
$name[p_] := Which[p < 0, Indeterminate, p == 0, $zero_f, True, $mean_f[p]];
""",
    pair="""
(* $title *)
$name[p_, q_, c_] := Which[
  p < 0 || q < 0 || c^2 > p*q, Indeterminate,
  c == 0, ${name}Product[
    If[p == 0, $zero_f, $mean_f[p]], If[q == 0, $zero_g, $mean_g[q]]],
  c^2 == p*q, If[c > 0, $plus[p, q], $minus[p, q]],
  True, $inside[p, q, c]];

(* A mean of 0 wins over an infinite one. *)
${name}Product[one_, other_] := If[one == 0 || other == 0, 0, one*other];
""",
    layer="""
(* One layer: covariances p = S(x, x), q = S(x', x'), c = S(x, x') and theta = T(x, x') to the next. *)
layer[p_, q_, c_, theta_, weightVariance_, biasVariance_] := Module[{newC},
  newC = weightVariance*$dual[p, q, c] + biasVariance;
  {weightVariance*$dual[p, p, p] + biasVariance,
   weightVariance*$dual[q, q, q] + biasVariance,
   newC,
   newC + theta*weightVariance*$slope[p, q, c]}];
""",
)
