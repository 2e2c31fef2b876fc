"""The text of every target: written for the whole catalogue or refused, and read back where no tool runs it.

Julia and Mathematica are installed by no package index. Their text is run by readers of the few constructs that
it holds; where ``julia`` is on PATH, it runs the text itself too.
"""

import itertools
import re
import shutil
import subprocess
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy.special import erf, erfc
from sympy.parsing.mathematica import MathematicaParser

import theory as th
from theory.activations import catalogue
from theory.errors import DomainError, InputError
from theory.gaussian import p
from theory.gaussian.code import Routine, target, targets, write_layer
from theory.gaussian.code.target import Writer

PAIRS = {
    "hardtanh-hardtanh": (th.hardtanh(1), th.hardtanh("1/2")),
    "sign'-hardtanh'": (th.sign().derivative, th.hardtanh(1).derivative),
    "erf-erf": (th.erf(1), th.erf(2)),
    "gelu-relu": (th.gelu(), th.relu()),
    "staircase-triangle": (th.staircase((-1, 0), (0, 1, 3)), th.triangle(1)),
    "ternary'-ternary'": (th.ternary("1/2").derivative, th.ternary("1/2").derivative),
}
POINTS = [
    ("13/10", "7/10", "-2/5"), ("1/1000", "1000", "1/3"), ("1", "1", "99999999/100000000"), ("4", "1", "2"),
    ("4", "1", "-2"), ("1/4", "1/4", "1/4"), ("2", "3", "0"), ("0", "3", "0"), ("3", "0", "0"),
]  # fmt: skip


def truth(F, point):
    """The value to 40 digits; infinite, or a limit at variance 0, as float64 says."""
    try:
        return F.mp(*(Fraction(x) for x in point), digits=40)
    except DomainError:
        return mpmath.mpf(float(F.float64(*(float(Fraction(x)) for x in point))))


# -- Julia -----------------------------------------------------------------------------------------


def python_from_julia(text: str) -> str:
    """Translate the Julia that is printed: functions, loops over pairs, conditions, powers."""
    lines = []
    depth = 0
    for line in text.splitlines():
        code = line.split("#")[0].strip()
        if not code or code.startswith("using "):
            continue
        code = (
            code.replace("^", "**")
            .replace("::Real", "")
            .replace("&&", "and")
            .replace("!(", "not (")
        )
        code = re.sub(r"^const ", "", code)
        code = re.sub(r"(return |= )(.+?) \? (.+)", chosen, code)
        if code == "end":
            depth -= 1
            continue
        opening = re.match(r"(function|if|for) ", code)
        code = re.sub(r"^function ", "def ", code)
        lines.append("    " * depth + code + (":" if opening else ""))
        depth += 1 if opening else 0
    assert depth == 0
    return "\n".join(lines)


def chosen(match: re.Match) -> str:
    """``a ? b : c`` as Python writes it; ``||`` occurs in conditions only."""
    lead, condition, rest = match.groups()
    one, other = rest.split(" : ", 1)
    nested = re.fullmatch(r"(.+?) \? (.+)", other)
    if nested:
        other = chosen(re.match(r"()(.+?) \? (.+)", other))
    return f"{lead}({one}) if ({condition.replace('||', 'or')}) else ({other})"


def fused(a, b, c):
    """a*b + c, rounded once."""
    return float(Fraction(a) * Fraction(b) + Fraction(c))


def julia_names() -> dict:
    return {
        "sqrt": np.sqrt, "exp": np.exp, "abs": abs, "max": max, "min": min, "pi": np.pi, "fma": fused,
        "atan": np.arctan2, "erf": erf, "erfc": erfc, "ldexp": np.ldexp, "Float64": float, "NaN": np.nan,
        "Inf": np.inf,
    }  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_julia_as_read(name):
    F = th.expectation(*PAIRS[name])
    names = julia_names()
    exec(compile(python_from_julia(F.code("julia")), "julia", "exec"), names)
    for point in ([float(Fraction(x)) for x in texts] for texts in POINTS):
        wanted = float(truth(F, point))
        got = float(names["expectation"](*point))
        assert got == pytest.approx(wanted, rel=1e-9, abs=1e-13), point
    assert np.isnan(names["expectation"](1.0, 1.0, 2.0))


def test_the_reader_of_julia_sees_a_wrong_sign():
    F = th.expectation(*PAIRS["sign'-hardtanh'"])
    text, right = F.code("julia"), float(F.float64(1.3, 0.7, -0.4))
    wrong = text.replace("fma(-c, d, other)", "fma(c, d, other)")
    assert wrong != text
    names = julia_names()
    exec(compile(python_from_julia(wrong), "julia", "exec"), names)
    assert names["expectation"](1.3, 0.7, -0.4) != pytest.approx(right, rel=1e-9)


@pytest.mark.skipif(shutil.which("julia") is None, reason="no julia on PATH")
def test_julia_as_run(tmp_path):
    F = th.expectation(*PAIRS["hardtanh-hardtanh"])
    path = tmp_path / "exported.jl"
    path.write_text(F.code("julia") + "print(expectation(1.3, 0.7, -0.4))\n", encoding="utf-8")
    done = subprocess.run(["julia", path], capture_output=True, text=True, check=True, timeout=300)
    assert float(done.stdout) == pytest.approx(float(F.float64(1.3, 0.7, -0.4)), rel=1e-12)


# -- Mathematica -----------------------------------------------------------------------------------


def owen(h, a):
    """Owen's T by its definition."""
    integrand = lambda x: mpmath.exp(-h * h * (1 + x * x) / 2) / (1 + x * x)  # noqa: E731
    return mpmath.quad(integrand, mpmath.linspace(0, a, 9)) / (2 * mpmath.pi)


BUILT_IN = {
    "Plus": lambda *x: mpmath.fsum(x), "Times": lambda *x: mpmath.fprod(x), "Power": lambda x, n: x**n,
    "Sqrt": mpmath.sqrt, "Exp": mpmath.exp, "Erf": mpmath.erf, "Erfc": mpmath.erfc, "Max": max, "Min": min,
    "Abs": abs, "Sign": mpmath.sign, "OwenT": owen, "ArcTan": lambda x, y: mpmath.atan2(y, x),
    "Less": lambda x, y: x < y, "Greater": lambda x, y: x > y, "Equal": lambda x, y: x == y,
    "Or": lambda *x: any(x), "And": lambda *x: all(x), "List": lambda *x: list(x),
}  # fmt: skip
CONSTANTS = {
    "Pi": mpmath.pi,
    "Infinity": mpmath.inf,
    "Indeterminate": mpmath.nan,
    "True": True,
    "Null": None,
}


class Mathematica:
    """Evaluates the full forms that SymPy's reader of Mathematica makes of the text."""

    def __init__(self, text: str) -> None:
        reader = MathematicaParser()
        self.defined: dict = {}
        self(reader._from_tokens_to_fullformlist(reader._from_mathematica_to_tokens(text)), {})

    def __call__(self, form, names):
        if isinstance(form, str):
            return self.atom(form, names)
        head, *arguments = form
        lazy = getattr(self, f"do_{head.lower()}", None)
        if lazy is not None:
            return lazy(names, *arguments)
        values = [self(argument, names) for argument in arguments]
        if head in self.defined:
            parameters, body = self.defined[head]
            return self(body, dict(zip(parameters, values, strict=True)))
        return BUILT_IN[head](*values)

    def atom(self, text, names):
        if re.fullmatch(r"-?\d+", text):
            return mpmath.mpf(text)
        return names[text] if text in names else CONSTANTS[text]

    def do_setdelayed(self, _, left, right):
        head, *patterns = left
        assert all(kind == "Pattern" and blank == ["Blank"] for kind, _, blank in patterns)
        self.defined[head] = [name for _, name, _ in patterns], right

    def do_compoundexpression(self, names, *parts):
        return [self(part, names) for part in parts if part != "Null"][-1]

    def do_module(self, names, local, body):
        return self(body, {**names, **dict.fromkeys(local[1:])})

    def do_set(self, names, name, right):
        assert name in names, f"{name} is not local"
        names[name] = self(right, names)

    def do_which(self, names, *cases):
        for condition, result in zip(cases[::2], cases[1::2], strict=True):
            if self(condition, names):
                return self(result, names)
        raise AssertionError("no case holds")

    def do_if(self, names, condition, one, other):
        return self(one if self(condition, names) else other, names)


@pytest.mark.parametrize("name", PAIRS)
def test_mathematica_as_read(name):
    F = th.expectation(*PAIRS[name])
    with mpmath.workdps(60):
        program = Mathematica(F.code("mathematica"))
        for point in POINTS:
            arguments = [mpmath.mpf(Fraction(x).numerator) / Fraction(x).denominator for x in point]
            if Fraction(point[2]) ** 2 == Fraction(point[0]) * Fraction(point[1]):
                assert arguments[2] ** 2 == arguments[0] * arguments[1], (
                    "the line must be exact here"
                )
            wanted = truth(F, point)
            got = program(["expectation", "p", "q", "c"], dict(zip("pqc", arguments, strict=True)))
            assert got == wanted or abs(got - wanted) <= mpmath.mpf("1e-30") * (1 + abs(wanted)), (
                point
            )


def test_the_layer_in_both():
    f, g = th.hardtanh("1/2"), th.hardtanh(1)
    slope = th.expectation(f.derivative, g.derivative)
    parts = Routine.of(th.expectation(f, f)), Routine.of(slope)
    at = (1.25, 0.75, -0.5, 0.25, 1.5, 0.125)
    names = julia_names()
    exec(compile(python_from_julia(write_layer(*parts, "julia")), "julia", "exec"), names)
    in_julia = names["layer"](*at)
    program = Mathematica(write_layer(*parts, "mathematica"))
    letters = "pqctwb"
    in_mathematica = program(
        ["layer", *letters], dict(zip(letters, map(mpmath.mpf, at), strict=True))
    )
    dual = float(th.expectation(f, f).float64(*at[:3]))
    last = 1.5 * dual + 0.125 + 0.25 * 1.5 * float(slope.float64(*at[:3]))
    assert in_julia[3] == pytest.approx(last, rel=1e-13)
    assert [float(x) for x in in_mathematica] == pytest.approx(list(in_julia), rel=1e-13)


# -- all of them -----------------------------------------------------------------------------------


def test_numpy_imports_numpy_and_special_functions_alone():
    lines = th.expectation(*PAIRS["hardtanh-hardtanh"]).code("numpy").splitlines()
    imports = [line for line in lines if re.match(r"(import|from)\b", line)]
    assert imports == ["import numpy as np", "from scipy import special"]


@pytest.mark.parametrize("name", targets())
def test_every_target_writes_the_catalogue_or_says_what_is_missing(name):
    functions = [g for f in catalogue().values() for g in (f, f.derivative)]
    pairs = list(itertools.product(functions, functions))
    refusals: list[str] = []
    for f, g in pairs[:: len(pairs) // 12]:
        try:
            F = th.expectation(f, g)
            text = F.code(name)
        except InputError as error:
            refusals.append(str(error))
            continue
        assert f"E[{F.f}(u) {F.g}(v)]" in text
        assert "Accuracy" in text
        assert "Domain" in text
    assert all("has no rule for" in told or "six digits" in told for told in refusals), refusals


def test_unknown_targets_and_functions():
    with pytest.raises(InputError, match="unknown target 'fortran'; known are c, jax, julia"):
        th.expectation(th.sign()).code("fortran")
    for name in targets():
        with pytest.raises(InputError, match=f"{name} has no rule for Mystery"):
            Writer(target(name), name)(1 + sp.Function("Mystery")(p))
    tiny = th.expectation(th.hardtanh("1e-400"))
    assert th.expectation(th.hardtanh("1e-400"), th.sign()).code("mathematica")
    with pytest.raises(InputError, match=r"cannot hold the number|keeps less than six digits"):
        th.expectation(tiny.f, th.sign()).code("c")
