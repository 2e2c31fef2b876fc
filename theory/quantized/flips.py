"""An optimality certificate for BinaryConnect, read off the latent weights of a run (S5)."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.errors import InputError

Array = NDArray[Any]


class FlipCertificate(NamedTuple):
    """Bounds on min_s loss(w_s) - min over {-1, 1}^d of the loss, s <= t, for each step t; shape (steps,) each.

    ``floor`` is the part that flips cause: what is left of ``bound`` where the latent weights stay bounded.
    """

    bound: Array
    floor: Array


def flip_certificate(latents: Array, rates: Array) -> FlipCertificate:
    r"""Return :math:`[\max_w(\Delta_0(w)-\Delta_{t+1}(w))+2\sum_{flips}|u|]/\sum\eta` for every step t of a run.

    Valid for convex losses and full gradients at w = sign(u), unclipped; the minimiser need not be known, since the
    largest difference over all w is that of the L1 norms plus twice the entries that grew against their sign.

    Parameters
    ----------
    latents
        u_0, ..., u_T, shape (steps + 1, d); object arrays of ``Fraction`` stay exact.
    rates
        Step sizes, shape (steps,).

    Raises
    ------
    InputError
        If the shapes do not fit.
    """
    u, eta = np.asarray(latents), np.asarray(rates)
    if u.ndim != 2 or eta.shape != (len(u) - 1,):
        raise InputError(
            f"latents {u.shape} and rates {eta.shape} must have shapes (steps + 1, d) and (steps,)"
        )
    flipped = (u[1:] >= 0) != (u[:-1] >= 0)
    cost = np.cumsum(np.where(flipped, 2 * abs(u[1:]), 0 * u[1:]).sum(axis=1))
    total = np.cumsum(eta)
    # Delta_t(w) = sum |u_t| - w u_t: linear in w, so its difference is largest at a sign vector.
    start = abs(u[0]).sum() - abs(u[1:]).sum(axis=1) + abs(u[1:] - u[0]).sum(axis=1)
    return FlipCertificate((start + cost) / total, cost / total)
