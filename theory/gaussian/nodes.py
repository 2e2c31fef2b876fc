r"""Gauss-Legendre nodes along the path of Price's theorem, in lanes, with all that depends on rho alone.

Rows of each node: 1/(2 (1 - r^2)), 1 - r, r, the weight of d theta, and that weight times rho - r.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from theory.arithmetic.simd import exp, expm1, wide
from theory.gaussian.lanes import (
    A0,
    A1,
    ALL_C,
    ALL_DET,
    ALL_P,
    ALL_Q,
    C_,
    DET,
    DTH,
    HIO,
    NODES,
    OMR,
    P_,
    PER_NODE,
    Q_,
    R_,
    RHO,
    RP,
    RQ,
    S_,
    SIGN,
    SIZE,
    STEP,
    VALUE,
    W_,
    WK,
    Z_,
    Float,
)

Int = NDArray[np.int64]

# Rules: up to which |rho| a number of nodes gives full precision for every pair of kinks
# (tests/theory/gaussian/test_price.py measures it). Beyond, the variable w = atanh(rho) keeps the
# essential singularity of the density at |rho| = 1 at a constant distance.
_RULES = (
    (0.2, 6, False), (0.3, 8, False), (0.5, 10, False), (0.7, 12, False), (0.85, 16, False),
    (0.9, 20, False), (0.95, 24, False), (0.99, 32, False), (0.99999, 64, True),
)  # fmt: skip

# max(x y, x**2/2, y**2/2) of the innermost kinks from which one rule more is needed, and another one.
STEEP = (4.0, 20.0)
# A path integral below this share of the value is right to 1e-9 of itself without them.
MASKED = 2e-5


def _rules() -> tuple[Float, Int, Int, Float, Float]:
    limits, starts, hyperbolic = [], [0], []
    nodes: list[float] = []
    weights: list[float] = []
    for limit, count, in_w in _RULES:
        z, w = np.polynomial.legendre.leggauss(count)
        limits.append(limit)
        hyperbolic.append(int(in_w))
        nodes.extend((z + 1) / 2)
        weights.extend(w / 2)
        starts.append(len(nodes))
    return (
        np.array(limits), np.array(starts), np.array(hyperbolic), np.array(nodes), np.array(weights),
    )  # fmt: skip


RULES = _rules()


@njit(nogil=True, error_model="numpy")
def gather(s: Float, who: Int, e2: float, d2: float) -> int:
    """Copy points of the chunk into lanes, their variances inflated by the scales of the kinks.

    Returns the number of lanes: a multiple of ``STEP``, the last point repeated.
    """
    wide()
    lanes = (who.size + STEP - 1) // STEP * STEP
    for i in range(who.size):
        k = who[i]
        s[P_ + i] = s[ALL_P + k]
        s[Q_ + i] = s[ALL_Q + k]
        s[C_ + i] = s[ALL_C + k]
        s[DET + i] = s[ALL_DET + k]
    for i in range(who.size, lanes):
        for row in (P_, Q_, C_, DET):
            s[row + i] = s[row + who.size - 1]
    for i in range(lanes):
        p, q = s[P_ + i], s[Q_ + i]
        noisy = s[DET + i] + p * d2 + q * e2 + e2 * d2
        p, q = p + e2, q + d2
        size = abs(s[C_ + i])
        one, other = math.sqrt(p), math.sqrt(q)
        root = one * other
        rest = math.sqrt(noisy)
        rp, rq = 1.0 / one, 1.0 / other
        s[P_ + i] = p
        s[Q_ + i] = q
        s[RP + i] = rp
        s[RQ + i] = rq
        s[S_ + i] = root
        s[SIGN + i] = 1.0 if s[C_ + i] >= 0.0 else -1.0
        s[RHO + i] = size * rp * rq
        s[Z_ + i] = size / (root + rest)
        s[W_ + i] = rest
        s[VALUE + i] = 0.0
        s[SIZE + i] = 0.0
    return lanes


@njit(nogil=True, error_model="numpy")
def nodes_in_z(s: Float, lanes: int, nodes: Float, weights: Float) -> None:
    """Fill the nodes in z = tan(theta/2), where everything is rational."""
    wide()
    for k in range(nodes.size):
        t, weight = nodes[k], 2.0 * weights[k]
        at = NODES + k * PER_NODE
        for i in range(lanes):
            Z = s[Z_ + i]
            z = Z * t
            less, more = 1.0 - z * z, 1.0 + z * z
            both = 1.0 / (less * more)
            inverse = both * less
            steep = more * more * both
            s[at + HIO + i] = 0.5 * steep * steep
            s[at + OMR + i] = (1.0 - z) * (1.0 - z) * inverse
            s[at + R_ + i] = 2.0 * z * inverse
            dth = weight * Z * inverse
            s[at + DTH + i] = dth
            s[at + WK + i] = dth * s[RHO + i] * (1.0 - t) * (1.0 - z * Z) * inverse


@njit(nogil=True, error_model="numpy")
def nodes_in_w(s: Float, lanes: int, nodes: Float, weights: Float) -> None:
    """Fill the nodes in w = atanh(r), for |rho| near 1."""
    wide()
    for i in range(lanes):
        end = (s[S_ + i] + abs(s[C_ + i])) / s[W_ + i]
        s[W_ + i] = end
        s[A0 + i] = math.log(end)
        s[A1 + i] = 2.0 / (end * end + 1.0)
    for k in range(nodes.size):
        t, weight = nodes[k], 2.0 * weights[k]
        at = NODES + k * PER_NODE
        for i in range(lanes):
            W = s[A0 + i]
            root = exp(W * t)
            e = root * root
            more = e + 1.0
            both = 1.0 / (more * e)
            inverse = e * both
            s[at + HIO + i] = 0.125 * more * more * more * both
            s[at + OMR + i] = 2.0 * inverse
            s[at + R_ + i] = expm1(2.0 * W * t) * inverse
            dth = weight * W * root * inverse
            s[at + DTH + i] = dth
            rest = e * expm1(2.0 * W * (1.0 - t))
            s[at + WK + i] = dth * rest * inverse * s[A1 + i]
