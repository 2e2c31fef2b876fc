"""Lanes of points in one scratch array, and the answer that a kernel gives of each point.

Every row of lanes sits at a constant offset of one array, so that the compiler can see that rows do
not overlap and runs several lanes at once.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from theory.arithmetic.simd import fma, wide

Float = NDArray[np.float64]
Status = NDArray[np.int8]

DONE, OTHER_WAY, NOT_INSIDE = 0, 1, 2

LANES = 64
# What is left over of a vector runs one lane at a time, eight times slower: groups are filled up to
# the most that LLVM takes in one step, four vectors of eight.
STEP = 32
CHUNK = 8192
MOST_NODES = 64

# rows of the scratch array: of lanes, then five a node, then of the whole chunk
(
    P_, Q_, RP, RQ, S_, SIGN, RHO, Z_, W_, X_, Y_, DX2, XY2,
    A0, A1, A2, A3, VALUE, SIZE, C_, DET, NODES,
) = (LANES * i for i in range(22))  # fmt: skip
HIO, OMR, R_, DTH, WK = (LANES * i for i in range(5))
PER_NODE = 5 * LANES
ALL = NODES + PER_NODE * MOST_NODES
ALL_P, ALL_Q, ALL_C, ALL_DET, ALL_VALUE, ALL_SIZE = (ALL + CHUNK * i for i in range(6))
SCRATCH = ALL + 6 * CHUNK

# A sum loses digits when it is smaller than its terms; these are right to about 6 ulp, as measured.
TERM_ERROR = 2.0**-49
TWO_PI = 2.0 * math.pi


@njit(nogil=True, cache=True, error_model="numpy")
def determinant(p: float, q: float, c: float) -> float:
    """Return p q - c**2 to 2 ulp, for |c| <= sqrt(p q)."""
    high = p * q
    low = fma(p, q, -high)
    square = c * c
    return (high - square) + (low - fma(c, c, -square))


@njit(nogil=True, cache=True, error_model="numpy")
def determinants(p: Float, q: Float, c: Float, det: Float) -> None:
    """Fill p q - c**2: 0 for what rounding of p, q and c may have made of 0, NaN where this is no covariance."""
    wide()
    for i in range(p.size):
        value = determinant(p[i], q[i], c[i])
        rounding = 2.0**-51 * (p[i] * q[i])
        det[i] = value if value > rounding else (0.0 if value >= -rounding else np.nan)


@njit(nogil=True, error_model="numpy")
def check(s: Float, n: int, status: Status) -> None:
    """Say which points lie inside the domain."""
    wide()
    for i in range(n):
        p, q, det = s[ALL_P + i], s[ALL_Q + i], s[ALL_DET + i]
        inside = (p >= 1e-75) & (q >= 1e-75) & (p <= 1e75) & (q <= 1e75) & (det > 0.0)
        status[i] = DONE if inside else NOT_INSIDE
