"""JAX: under ``jit``, ``vmap`` and ``grad``; no branch on a value."""

from theory.gaussian.code.dialects import (
    float_accuracy,
    hash_comment,
    integer_power,
    python_define,
    python_fraction,
    quadrature_rows,
    underscored,
)
from theory.gaussian.code.target import Target

TARGET = Target(
    preamble="import jax\nimport jax.numpy as jnp\nfrom jax.scipy import special",
    comment=hash_comment,
    accuracy=lambda routines: [
        "Arguments broadcast. Enable jax_enable_x64 for what follows; in float32 take 5e8 times the error, "
        "and 2**-22 for the line.",
        *float_accuracy(routines),
        "Derivatives by jax.grad, c = 0 included: on pairs of the catalogue and in the same region within "
        "1e-9 (|d| + S/w), with w = p, q or sqrt(p*q) for the derivative d by p, q or c. On the line, and "
        "at variance 0, they are those along it.",
    ],
    integer=str,
    fraction=python_fraction,
    power=integer_power("**"),
    root="jnp.sqrt({})".format,
    pi="jnp.pi",
    infinity="jnp.inf",
    call="{name}({arguments})",
    functions={
        "Phi": "special.ndtr",
        "Tail": "normal_tail",
        "Centre": "normal_centre",
        "phi": "normal_density",
        "OwenT": "owen_t",
        "Cross": "cross",
        "Arc": "arc",
        "Step": "step",
        "Meeting": "meeting",
        "Max": "jnp.maximum",
        "Min": "jnp.minimum",
        "Abs": "jnp.abs",
        "exp": "jnp.exp",
        "log": "jnp.log",
        "sin": "jnp.sin",
        "cos": "jnp.cos",
        "sinh": "jnp.sinh",
        "cosh": "jnp.cosh",
        "atan": "jnp.arctan",
        "erf": "special.erf",
        "erfc": "special.erfc",
    },
    helpers={
        "normal_density": '''
def normal_density(x):
    """Standard normal density."""
    return 0.3989422804014327 * jnp.exp(-0.5 * x * x)
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
    return jnp.arctan2(c, jnp.sqrt(cross(p, q, c, c)))
''',
        "cross": '''
@jax.custom_jvp
def _cross(a, b, c, d):
    # Halves of half the digits have exact products, which no fused operation can change; their sum is
    # compensated (Knuth).
    kind = jnp.finfo(a.dtype)
    half = [jax.lax.reduce_precision(x, kind.nexp, (kind.nmant - 1) // 2) for x in (a, b, c, d)]
    (a1, b1, c1, d1), (a2, b2, c2, d2) = half, [x - y for x, y in zip((a, b, c, d), half)]
    total, lost = a1 * b1, 0.0
    for term in (-c1 * d1, a1 * b2, -c1 * d2, a2 * b1, -c2 * d1, a2 * b2, -c2 * d2):
        new = total + term
        back = new - total
        lost = lost + ((total - (new - back)) + (term - back))
        total = new
    return total + lost


@_cross.defjvp
def _cross_jvp(at, along):
    (a, b, c, d), (da, db, dc, dd) = at, along
    return cross(a, b, c, d), da * b + a * db - dc * d - c * dd


def cross(a, b, c, d):
    """a*b - c*d to a few units in the last place."""
    return _cross(*jnp.broadcast_arrays(*(_real(x) for x in (a, b, c, d))))
''',
        "owen_t": '''
GAUSS_LEGENDRE = (
ROWS
)


@jax.custom_jvp
def _owen_t(h, a):
    nodes = jnp.asarray(GAUSS_LEGENDRE, dtype=h.dtype)
    h, b = jnp.abs(h), jnp.abs(a)
    short = b <= 1
    slope = jnp.where(short, b, 1 / jnp.where(short, 1, b))
    k = jnp.where(short, h, h * b)
    end = jnp.minimum(slope, 8.4 / jnp.maximum(k, 1e-30))
    x = end[..., None] * nodes[:, 0]
    parts = nodes[:, 1] * jnp.exp(-0.5 * (k[..., None] * x) ** 2) / (1 + x * x)
    value = end * jnp.sum(parts, axis=-1) * jnp.exp(-0.5 * k * k) / (2 * jnp.pi)
    ends = special.ndtr(-h) * special.ndtr(k) + special.ndtr(h) * special.ndtr(-k)
    return jnp.sign(a) * jnp.where(short, value, ends / 2 - value)


@_owen_t.defjvp
def _owen_t_jvp(at, along):
    (h, a), (dh, da) = at, along
    by_h = -0.19947114020071635 * jnp.exp(-0.5 * h * h) * special.erf(a * h / 2**0.5)
    by_a = jnp.exp(-0.5 * h * h * (1 + a * a)) / (2 * jnp.pi * (1 + a * a))
    return _owen_t(h, a), by_h * dh + by_a * da


def owen_t(h, a):
    """Owen's T: absolute error below 2e-16, relative error below 1e-15 (1 + h^2), in float64."""
    return _owen_t(*jnp.broadcast_arrays(_real(h), _real(a)))
'''.replace("ROWS", quadrature_rows("    (", ", ", "),")),
        "step": '''
def step(x, size):
    """1 above 0, 0 below, 1/2 at 0 up to rounding."""
    near = jnp.abs(x) <= 4 * jnp.finfo(x.dtype).eps * size
    return jnp.where(near, 0.5, jnp.where(x > 0, 1.0, 0.0))
''',
        "meeting": '''
def meeting(x, size):
    """Infinite at 0 up to rounding, else 0: two Dirac masses at one place or not."""
    return jnp.where(jnp.abs(x) <= 4 * jnp.finfo(x.dtype).eps * size, jnp.inf, 0.0)
''',
        "_real": """
def _real(x):
    return jnp.asarray(x, dtype=jnp.result_type(float))
""",
    },
    join=underscored,
    define=python_define,
    single='''
def $name(p):
    """$title; NaN for p < 0."""
    p = _real(p)
    value = jnp.where(p == 0, $zero_f, $mean_f(jnp.where(p > 0, p, 1.0)))
    return jnp.where(p >= 0, value, jnp.nan)
''',
    pair='''
def $name(p, q, c):
    """$title; NaN where p, q, c is no covariance."""
    p, q, c = jnp.broadcast_arrays(_real(p), _real(q), _real(c))
    gap = cross(p, q, c, c)
    proper = (p > 0) & (q > 0)
    apart = (p >= 0) & (q >= 0) & (c == 0)
    line = proper & ~apart & (jnp.abs(gap) <= 2 * jnp.finfo(gap.dtype).eps * p * q)
    plain = proper & ~line & (gap > 0)
    # Stand-ins keep the branches that are not taken finite, and their derivatives with them.
    P, Q = jnp.where(p > 0, p, 1.0), jnp.where(q > 0, q, 1.0)
    inside = $inside(jnp.where(plain, P, 1.0), jnp.where(plain, Q, 1.0), jnp.where(plain, c, 0.5))
    ends = jnp.where(c > 0, $plus(P, Q), $minus(P, Q))
    one = jnp.where(p == 0, $zero_f, $mean_f(P))
    other = jnp.where(q == 0, $zero_g, $mean_g(Q))
    # A mean of 0 wins over an infinite one.
    product = jnp.where((one == 0) | (other == 0), 0.0, one * other)
    value = jnp.where(line, ends, jnp.where(plain, inside, jnp.nan))
    # At c = 0 the value is the product, exact where it vanishes; the derivative is that of the inside.
    at_zero = jnp.where(proper, inside + jax.lax.stop_gradient(product - inside), product)
    return jnp.where(apart, at_zero, value)
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
