"""Python with mpmath, at the precision of the caller."""

from theory.gaussian.code.dialects import (
    hash_comment,
    integer_power,
    python_define,
    underscored,
)
from theory.gaussian.code.target import Target

TARGET = Target(
    preamble="from mpmath import mp, mpf",
    comment=hash_comment,
    accuracy=lambda _: [
        "Arguments: anything that mpf reads, taken as exact; results are rounded to mp.prec bits.",
        "Accuracy: relative error below 2**(4 - mp.prec), inside and near the line, for all variances: "
        "the working precision is doubled until two values agree. A value below 2**(-4 mp.prec) may "
        "come with that absolute error instead.",
        "p*q - c*c below 2**(2 - mp.prec) p*q counts as on the line, where c would be a rounded root.",
        "Invalid arguments raise ValueError.",
    ],
    integer=str,
    fraction="mpf({})/{}".format,
    power=integer_power("**"),
    root="mp.sqrt({})".format,
    pi="mp.pi",
    infinity="mp.inf",
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
        "exp": "mp.exp",
        "log": "mp.log",
        "sin": "mp.sin",
        "cos": "mp.cos",
        "sinh": "mp.sinh",
        "cosh": "mp.cosh",
        "atan": "mp.atan",
        "erf": "mp.erf",
        "erfc": "mp.erfc",
    },
    helpers={
        "normal_cdf": '''
def normal_cdf(x):
    """Standard normal distribution function."""
    return mp.erfc(-x / mp.sqrt(2)) / 2
''',
        "normal_tail": '''
def normal_tail(x):
    """Probability above x of a standard normal variable."""
    return mp.erfc(x / mp.sqrt(2)) / 2
''',
        "normal_density": '''
def normal_density(x):
    """Standard normal density."""
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)
''',
        "normal_centre": '''
def normal_centre(x):
    """Probability between 0 and x of a standard normal variable."""
    return mp.erf(x / mp.sqrt(2)) / 2
''',
        "arc": '''
def arc(p, q, c):
    """asin(c / sqrt(p*q))."""
    return mp.atan2(c, mp.sqrt(cross(p, q, c, c)))
''',
        "owen_t": '''
def owen_t(h, a):
    """Owen's T to the working precision.

    Beyond slope 1 by Owen (1956), eq. 2.3. Else Gauss-Legendre on the part of (0, a) where
    exp(-h^2 x^2/2) counts, in panels on which it falls by a few orders of magnitude.
    """
    if a < 0:
        return -owen_t(h, -a)
    h = abs(h)
    if a > 1:
        k = a * h
        ends = mp.erfc(h / mp.sqrt(2)) * mp.erfc(-k / mp.sqrt(2)) + mp.erfc(-h / mp.sqrt(2)) * mp.erfc(k / mp.sqrt(2))
        return ends / 8 - owen_t(k, 1 / a)
    reach = mp.sqrt(2 * mp.ln(2) * (mp.prec + 10))
    end = a if h * a <= reach else reach / h
    panels = 1 + int(h * end / 8)
    places = [end * i / panels for i in range(panels + 1)]
    inside = mp.quad(lambda x: mp.exp(-((h * x) ** 2) / 2) / (1 + x * x), places, method="gauss-legendre")
    return mp.exp(-h * h / 2) * inside / (2 * mp.pi)
''',
        "step": '''
def step(x, size):
    """1 above 0, 0 below, 1/2 at 0."""
    if abs(x) <= mp.ldexp(size, 8 - mp.prec):
        return mpf(1) / 2
    return mpf(1 if x > 0 else 0)
''',
        "meeting": '''
def meeting(x, size):
    """Infinite at 0, else 0: two Dirac masses at one place or not."""
    return mp.inf if abs(x) <= mp.ldexp(size, 8 - mp.prec) else mpf(0)
''',
        "settled": '''
def settled(value):
    """Raise the working precision until two values agree to the caller's."""
    goal = mp.prec
    working, old = goal + 20, None
    while True:
        with mp.workprec(working):
            new = mpf(value())
            if mp.isinf(new) or old is not None and abs(new - old) <= mp.ldexp(abs(new), -goal - 2):
                break
            if old is not None and max(abs(new), abs(old)) < mp.ldexp(1, -4 * goal):
                break
        working, old = 2 * working, new
        if working > 100 * goal + 10000:
            raise ArithmeticError("the value does not settle; raise mp.prec")
    return +new
''',
        "cross": '''
def cross(a, b, c, d):
    """a*b - c*d."""
    return a * b - c * d
''',
    },
    join=underscored,
    define=python_define,
    single='''
def $name(p):
    """$title."""
    p = mpf(p)
    if not p >= 0:
        raise ValueError(f"the variance p must be at least 0, got {p}")
    return settled(lambda: $zero_f if p == 0 else $mean_f(p))
''',
    pair='''
def $name(p, q, c):
    """$title."""
    p, q, c = mpf(p), mpf(q), mpf(c)
    room = mp.fmul(p, q, exact=True)
    gap = mp.fsub(room, mp.fmul(c, c, exact=True), exact=True)
    line = p > 0 and q > 0 and abs(gap) <= mp.ldexp(room, 2 - mp.prec)
    if not (p >= 0 and q >= 0 and (gap >= 0 or line)):
        raise ValueError(f"p={p}, q={q}, c={c} is no covariance: need p, q >= 0 and c*c <= p*q")
    if c == 0:
        return settled(lambda: ${name}_product(p, q))
    if line:
        return settled(lambda: $plus(p, q) if c > 0 else $minus(p, q))
    return settled(lambda: $inside(p, q, c))


def ${name}_product(p, q):
    """c = 0: the product of the means; a mean of 0 wins over an infinite one."""
    one = $zero_f if p == 0 else $mean_f(p)
    other = $zero_g if q == 0 else $mean_g(q)
    return mpf(0) if one == 0 or other == 0 else one * other
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
