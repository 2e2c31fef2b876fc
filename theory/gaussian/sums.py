"""Sums over the nodes of a path, in lanes: the densities E and their differences D of ``price``.

Each goes with the case that needs no more of it: pairs of which one kink sits at the origin have no D,
odd functions no E.
"""

from numba import njit

from theory.arithmetic.simd import exp, expm1, wide
from theory.gaussian.lanes import (
    A0,
    A1,
    A2,
    A3,
    DX2,
    HIO,
    NODES,
    OMR,
    PER_NODE,
    R_,
    WK,
    XY2,
    Float,
)  # fmt: skip


@njit(nogil=True, error_model="numpy")
def sum_e(s: Float, lanes: int, count: int, weight: int) -> None:
    """Add weight * E to A0."""
    wide()
    for k in range(count):
        at = NODES + k * PER_NODE
        for i in range(lanes):
            square = (s[DX2 + i] + s[XY2 + i] * s[at + OMR + i]) * s[at + HIO + i]
            s[A0 + i] += s[at + weight + i] * exp(-square)


@njit(nogil=True, error_model="numpy")
def sum_d(s: Float, lanes: int, count: int, weight: int) -> None:
    """Add weight * D to A1, D counted positive."""
    wide()
    for k in range(count):
        at = NODES + k * PER_NODE
        for i in range(lanes):
            h = s[at + HIO + i]
            E = exp(-(s[DX2 + i] + s[XY2 + i] * s[at + OMR + i]) * h)
            D = E * expm1(-2.0 * s[XY2 + i] * s[at + R_ + i] * h)
            s[A1 + i] -= s[at + weight + i] * D


@njit(nogil=True, error_model="numpy")
def sum_both(s: Float, lanes: int, count: int, weight: int) -> None:
    """Do both of the above."""
    wide()
    for k in range(count):
        at = NODES + k * PER_NODE
        for i in range(lanes):
            h = s[at + HIO + i]
            E = exp(-(s[DX2 + i] + s[XY2 + i] * s[at + OMR + i]) * h)
            D = E * expm1(-2.0 * s[XY2 + i] * s[at + R_ + i] * h)
            s[A0 + i] += s[at + weight + i] * E
            s[A1 + i] -= s[at + weight + i] * D


@njit(nogil=True, error_model="numpy")
def sum_mixed_e(s: Float, lanes: int, count: int) -> None:
    """Add w E to A0 and w r E to A2, w the weight of a jump against a change of slope."""
    wide()
    for k in range(count):
        at = NODES + k * PER_NODE
        for i in range(lanes):
            h, r = s[at + HIO + i], s[at + R_ + i]
            square = (s[DX2 + i] + s[XY2 + i] * s[at + OMR + i]) * h
            E = 2.0 * h * s[at + WK + i] * exp(-square)
            s[A0 + i] += E
            s[A2 + i] += r * E


@njit(nogil=True, error_model="numpy")
def sum_mixed(s: Float, lanes: int, count: int) -> None:
    """Add the same, and with D to A1 and A3."""
    wide()
    for k in range(count):
        at = NODES + k * PER_NODE
        for i in range(lanes):
            h, r = s[at + HIO + i], s[at + R_ + i]
            E = exp(-(s[DX2 + i] + s[XY2 + i] * s[at + OMR + i]) * h)
            D = -E * expm1(-2.0 * s[XY2 + i] * r * h)
            w = 2.0 * h * s[at + WK + i]
            s[A0 + i] += w * E
            s[A1 + i] += w * D
            s[A2 + i] += w * r * E
            s[A3 + i] += w * r * D
