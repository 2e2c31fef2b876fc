"""Julia with SpecialFunctions.jl, for ``erfc``."""

from collections.abc import Sequence

from theory.gaussian.code.dialects import (
    float_accuracy,
    float_fraction,
    float_integer,
    hash_comment,
    integer_power,
    quadrature_rows,
    underscored,
)
from theory.gaussian.code.target import Target


def _define(
    name: str, arguments: Sequence[str], assignments: Sequence[tuple[str, str]], result: str
) -> str:
    lines = [f"function {name}({', '.join(arguments)})"]
    lines += [f"    {symbol} = {value}" for symbol, value in assignments]
    return "\n".join([*lines, f"    return {result}", "end"])


TARGET = Target(
    preamble="using SpecialFunctions: erf, erfc",
    comment=hash_comment,
    accuracy=lambda routines: [
        "Arguments become Float64; broadcast by expectation.(p, q, c).",
        *float_accuracy(routines),
    ],
    integer=float_integer,
    fraction=float_fraction,
    power=integer_power("^"),
    root="sqrt({})".format,
    pi="pi",
    infinity="Inf",
    call="{name}({arguments})",
    functions={
        "Phi": "normal_cdf",
        "Tail": "normal_tail",
        "Centre": "normal_centre",
        "phi": "normal_density",
        "OwenT": "owen_t",
        "Cross": "cross",
        "Arc": "arc",
        "Step": "step",
        "Meeting": "meeting",
        "Max": "max",
        "Min": "min",
        "Abs": "abs",
        "exp": "exp",
        "log": "log",
        "sin": "sin",
        "cos": "cos",
        "sinh": "sinh",
        "cosh": "cosh",
        "atan": "atan",
        "erf": "erf",
        "erfc": "erfc",
    },
    helpers={
        "cross": """
# a*b - c*d to two units in the last place (Kahan).
function cross(a, b, c, d)
    other = c * d
    rest = fma(-c, d, other)
    return fma(a, b, -other) + rest
end
""",
        "arc": """
# asin(c / sqrt(p*q)) without loss near its ends.
function arc(p, q, c)
    return atan(c, sqrt(cross(p, q, c, c)))
end
""",
        "normal_cdf": """
function normal_cdf(x)
    return 0.5 * erfc(-0.7071067811865476 * x)
end
""",
        "normal_tail": """
function normal_tail(x)
    return 0.5 * erfc(0.7071067811865476 * x)
end
""",
        "normal_centre": """
function normal_centre(x)
    return 0.5 * erf(0.7071067811865476 * x)
end
""",
        "normal_density": """
function normal_density(x)
    return 0.3989422804014327 * exp(-0.5 * x * x)
end
""",
        "owen_t": """
const GAUSS_LEGENDRE = (
ROWS
)

# Owen's T(h, a): absolute error below 2e-16, relative error below 1e-15 (1 + h^2).
# Beyond slope 1 by Owen (1956), eq. 2.3; else Gauss-Legendre where exp(-h^2 x^2/2) counts.
function owen_t(h, a)
    b = abs(a)
    slope = b <= 1.0 ? b : 1.0 / b
    k = b <= 1.0 ? abs(h) : abs(h) * b
    reach = k * slope <= 8.4 ? slope : 8.4 / k
    total = 0.0
    for (node, weight) in GAUSS_LEGENDRE
        x = reach * node
        total += weight * exp(-0.5 * (k * x) * (k * x)) / (1.0 + x * x)
    end
    total *= reach * exp(-0.5 * k * k) * 0.15915494309189535
    if b > 1.0
        s = 0.7071067811865476 * abs(h)
        t = 0.7071067811865476 * k
        total = 0.125 * (erfc(s) * erfc(-t) + erfc(-s) * erfc(t)) - total
    end
    return a < 0.0 ? -total : total
end
""".replace("ROWS", quadrature_rows("    (", ", ", "),")),
        "step": """
# 1 above 0, 0 below, 1/2 at 0 up to rounding.
function step(x, size)
    return abs(x) <= ldexp(size, -50) ? 0.5 : x > 0.0 ? 1.0 : 0.0
end
""",
        "meeting": """
# Infinite at 0 up to rounding, else 0: two Dirac masses at one place or not.
function meeting(x, size)
    return abs(x) <= ldexp(size, -50) ? Inf : 0.0
end
""",
    },
    join=underscored,
    define=_define,
    single="""
# $title
function $name(p::Real)
    p = Float64(p)
    if !(p >= 0.0)
        return NaN
    end
    return p == 0.0 ? $zero_f : $mean_f(p)
end
""",
    pair="""
# $title; NaN where p, q, c is no covariance.
function $name(p::Real, q::Real, c::Real)
    p, q, c = Float64(p), Float64(q), Float64(c)
    gap = cross(p, q, c, c)
    if !(p >= 0.0 && q >= 0.0)
        return NaN
    end
    if c == 0.0
        # A mean of 0 wins over an infinite one.
        one_mean = p == 0.0 ? $zero_f : $mean_f(p)
        other_mean = q == 0.0 ? $zero_g : $mean_g(q)
        return one_mean == 0.0 || other_mean == 0.0 ? 0.0 : one_mean * other_mean
    end
    if p > 0.0 && q > 0.0 && abs(gap) <= ldexp(p * q, -51)
        return c > 0.0 ? $plus(p, q) : $minus(p, q)
    end
    return gap > 0.0 ? $inside(p, q, c) : NaN
end
""",
    layer="""
# One layer: covariances p = S(x, x), q = S(x', x'), c = S(x, x') and theta = T(x, x') to the next.
function layer(p, q, c, theta, weight_variance, bias_variance)
    new_p = weight_variance * $dual(p, p, p) + bias_variance
    new_q = weight_variance * $dual(q, q, q) + bias_variance
    new_c = weight_variance * $dual(p, q, c) + bias_variance
    return new_p, new_q, new_c, new_c + theta * weight_variance * $slope(p, q, c)
end
""",
)
