"""NumPy with ``scipy.special``: vectorised float64."""

from theory.gaussian.code.dialects import (
    float_accuracy,
    hash_comment,
    integer_power,
    python_define,
    python_fraction,
    underscored,
)
from theory.gaussian.code.target import Target

TARGET = Target(
    preamble="import numpy as np\nfrom scipy import special",
    comment=hash_comment,
    accuracy=lambda routines: [
        "Arguments are arrays that broadcast; the result is float64.",
        *float_accuracy(routines),
    ],
    integer=str,
    fraction=python_fraction,
    power=integer_power("**"),
    root="np.sqrt({})".format,
    pi="np.pi",
    infinity="np.inf",
    call="{name}({arguments})",
    functions={
        "Phi": "special.ndtr",
        "Tail": "normal_tail",
        "Centre": "normal_centre",
        "phi": "normal_density",
        "OwenT": "special.owens_t",
        "Cross": "cross",
        "Arc": "arc",
        "Step": "step",
        "Meeting": "meeting",
        "Max": "np.maximum",
        "Min": "np.minimum",
        "Abs": "np.abs",
        "exp": "np.exp",
        "log": "np.log",
        "sin": "np.sin",
        "cos": "np.cos",
        "sinh": "np.sinh",
        "cosh": "np.cosh",
        "atan": "np.arctan",
        "erf": "special.erf",
        "erfc": "special.erfc",
    },
    helpers={
        "normal_density": '''
def normal_density(x):
    """Standard normal density."""
    return 0.3989422804014327 * np.exp(-0.5 * x * x)
''',
        "normal_tail": '''
def normal_tail(x):
    """Probability above x of a standard normal variable."""
    return special.ndtr(-x)
''',
        "normal_centre": '''
def normal_centre(x):
    """Probability between 0 and x of a standard normal variable."""
    return 0.5 * special.erf(x / 2**0.5)
''',
        "arc": '''
def arc(p, q, c):
    """asin(c / sqrt(p*q)) without loss near its ends."""
    return np.arctan2(c, np.sqrt(cross(p, q, c, c)))
''',
        "cross": '''
def cross(a, b, c, d):
    """a*b - c*d to two units in the last place: exact products (Dekker), exact difference (Knuth)."""
    high, low = two_product(a, b)
    other, rest = two_product(c, d)
    gap = high - other
    back = gap - high
    lost = (high - (gap - back)) + (-other - back)
    return gap + (lost + (low - rest))
''',
        "two_product": '''
def two_product(a, b):
    """The rounded product and its rounding error."""
    product = a * b
    t, s = 134217729.0 * a, 134217729.0 * b
    a1, b1 = t - (t - a), s - (s - b)
    a2, b2 = a - a1, b - b1
    return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2
''',
        "step": '''
def step(x, size):
    """1 above 0, 0 below, 1/2 at 0 up to rounding."""
    return np.where(np.abs(x) <= 2.0**-50 * size, 0.5, np.where(x > 0, 1.0, 0.0))
''',
        "meeting": '''
def meeting(x, size):
    """Infinite at 0 up to rounding, else 0: two Dirac masses at one place or not."""
    return np.where(np.abs(x) <= 2.0**-50 * size, np.inf, 0.0)
''',
    },
    join=underscored,
    define=python_define,
    single='''
def $name(p):
    """$title."""
    p = np.asarray(p, dtype=float)
    with np.errstate(all="ignore"):
        value = np.where(p == 0, $zero_f, $mean_f(np.where(p > 0, p, 1.0)))
    return np.where(p >= 0, value, np.nan)[()]
''',
    pair='''
def $name(p, q, c):
    """$title; NaN where p, q, c is no covariance."""
    p, q, c = np.broadcast_arrays(*(np.asarray(x, dtype=float) for x in (p, q, c)))
    value = np.full(p.shape, np.nan)
    with np.errstate(all="ignore"):
        gap = cross(p, q, c, c)
        apart = (c == 0) & (p >= 0) & (q >= 0)
        proper = (p > 0) & (q > 0) & (c != 0)
        line = proper & (np.abs(gap) <= 2.0**-51 * (p * q))
        for here, function in (
            (apart, ${name}_product),
            (line & (c > 0), lambda p, q, c: $plus(p, q)),
            (line & (c < 0), lambda p, q, c: $minus(p, q)),
            (proper & ~line & (gap > 0), $inside),
        ):
            if np.any(here):
                value[here] = function(p[here], q[here], c[here])
    return value[()]


def ${name}_product(p, q, c):
    """c = 0: the product of the means; a mean of 0 wins over an infinite one."""
    one = np.where(p == 0, $zero_f, $mean_f(np.where(p > 0, p, 1.0)))
    other = np.where(q == 0, $zero_g, $mean_g(np.where(q > 0, q, 1.0)))
    return np.where((one == 0) | (other == 0), 0.0, one * other)
''',
    layer='''
def layer(p, q, c, theta, weight_variance, bias_variance):
    """One layer: covariances p = S(x, x), q = S(x', x'), c = S(x, x') and theta = T(x, x') to the next."""
    new_p = weight_variance * $dual(p, p, p) + bias_variance
    new_q = weight_variance * $dual(q, q, q) + bias_variance
    new_c = weight_variance * $dual(p, q, c) + bias_variance
    return new_p, new_q, new_c, new_c + theta * weight_variance * $slope(p, q, c)
''',
)
