"""C99 with ``math.h`` alone."""

import re
from collections.abc import Sequence

from theory.gaussian.code.dialects import (
    float_accuracy,
    float_fraction,
    float_integer,
    quadrature_rows,
    underscored,
)
from theory.gaussian.code.target import Target


def _comment(lines: Sequence[str]) -> str:
    body = "\n".join(f" * {line}".rstrip() for line in lines)
    return f"/*\n{body}\n */"


def _power(base: str, exponent: int) -> str:
    return "*".join([base] * exponent) if exponent <= 4 else f"pow({base}, {exponent})"


def _define(
    name: str, arguments: Sequence[str], assignments: Sequence[tuple[str, str]], result: str
) -> str:
    lines = [f"static double {name}({', '.join(f'double {a}' for a in arguments)})", "{"]
    lines += [f"    const double {symbol} = {value};" for symbol, value in assignments]
    # A formula need not hold every argument, and compilers warn of those that it leaves out.
    used = " ".join([result, *(value for _, value in assignments)])
    lines += [f"    (void){a};" for a in arguments if not re.search(rf"\b{a}\b", used)]
    return "\n".join([*lines, f"    return {result};", "}"])


TARGET = Target(
    preamble="#include <math.h>",
    comment=_comment,
    accuracy=lambda routines: [
        "C99; compile without -ffast-math, which would undo the exact products.",
        *float_accuracy(routines),
    ],
    integer=float_integer,
    fraction=float_fraction,
    power=_power,
    root="sqrt({})".format,
    pi="3.14159265358979323846",
    infinity="INFINITY",
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
        "Max": "fmax",
        "Min": "fmin",
        "Abs": "fabs",
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
/* a*b - c*d to two units in the last place (Kahan). */
static double cross(double a, double b, double c, double d)
{
    const double other = c * d;
    const double rest = fma(-c, d, other);
    return fma(a, b, -other) + rest;
}
""",
        "arc": """
/* asin(c / sqrt(p*q)) without loss near its ends. */
static double arc(double p, double q, double c)
{
    return atan2(c, sqrt(cross(p, q, c, c)));
}
""",
        "normal_cdf": """
static double normal_cdf(double x)
{
    return 0.5 * erfc(-0.70710678118654752440 * x);
}
""",
        "normal_tail": """
static double normal_tail(double x)
{
    return 0.5 * erfc(0.70710678118654752440 * x);
}
""",
        "normal_centre": """
static double normal_centre(double x)
{
    return 0.5 * erf(0.70710678118654752440 * x);
}
""",
        "normal_density": """
static double normal_density(double x)
{
    return 0.39894228040143267794 * exp(-0.5 * x * x);
}
""",
        "owen_t": """
/* Owen's T(h, a): absolute error below 2e-16, relative error below 1e-15 (1 + h^2).
 * Beyond slope 1 by Owen (1956), eq. 2.3; else Gauss-Legendre where exp(-h^2 x^2/2) counts. */
static double owen_t(double h, double a)
{
    static const double nodes[24][2] = {
ROWS
    };
    const double b = fabs(a);
    const double slope = b <= 1.0 ? b : 1.0 / b;
    const double k = b <= 1.0 ? fabs(h) : fabs(h) * b;
    const double end = k * slope <= 8.4 ? slope : 8.4 / k;
    double sum = 0.0;
    for (int i = 0; i < 24; i++) {
        const double x = end * nodes[i][0];
        sum += nodes[i][1] * exp(-0.5 * (k * x) * (k * x)) / (1.0 + x * x);
    }
    sum *= end * exp(-0.5 * k * k) * 0.15915494309189533577;
    if (b > 1.0) {
        const double s = 0.70710678118654752440 * fabs(h), t = 0.70710678118654752440 * k;
        sum = 0.125 * (erfc(s) * erfc(-t) + erfc(-s) * erfc(t)) - sum;
    }
    return a < 0.0 ? -sum : sum;
}
""".replace("ROWS", quadrature_rows("        {", ", ", "},")),
        "step": """
/* 1 above 0, 0 below, 1/2 at 0 up to rounding. */
static double step(double x, double size)
{
    return fabs(x) <= ldexp(size, -50) ? 0.5 : x > 0.0 ? 1.0 : 0.0;
}
""",
        "meeting": """
/* Infinite at 0 up to rounding, else 0: two Dirac masses at one place or not. */
static double meeting(double x, double size)
{
    return fabs(x) <= ldexp(size, -50) ? INFINITY : 0.0;
}
""",
    },
    join=underscored,
    define=_define,
    single="""
/* $title */
double $name(double p)
{
    if (!(p >= 0.0))
        return NAN;
    return p == 0.0 ? $zero_f : $mean_f(p);
}
""",
    pair="""
/* $title; NAN where p, q, c is no covariance. */
double $name(double p, double q, double c)
{
    const double gap = cross(p, q, c, c);
    if (!(p >= 0.0 && q >= 0.0))
        return NAN;
    if (c == 0.0) {
        /* A mean of 0 wins over an infinite one. */
        const double one = p == 0.0 ? $zero_f : $mean_f(p);
        const double other = q == 0.0 ? $zero_g : $mean_g(q);
        return one == 0.0 || other == 0.0 ? 0.0 : one * other;
    }
    if (p > 0.0 && q > 0.0 && fabs(gap) <= ldexp(p * q, -51))
        return c > 0.0 ? $plus(p, q) : $minus(p, q);
    return gap > 0.0 ? $inside(p, q, c) : NAN;
}
""",
    layer="""
/* One layer: covariances p = S(x, x), q = S(x', x'), c = S(x, x') and theta = T(x, x') to the next. */
void layer(double *p, double *q, double *c, double *theta, double weight_variance, double bias_variance)
{
    const double slope_here = weight_variance * $slope(*p, *q, *c);
    const double new_c = weight_variance * $dual(*p, *q, *c) + bias_variance;
    *p = weight_variance * $dual(*p, *p, *p) + bias_variance;
    *q = weight_variance * $dual(*q, *q, *q) + bias_variance;
    *c = new_c;
    *theta = new_c + *theta * slope_here;
}
""",
)
