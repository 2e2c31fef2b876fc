"""Letters that the claims share: the Gaussian pair (u, v), its domain, and its charts."""

from collections.abc import Mapping
from typing import Any

import sympy as sp

from proofs_check.methods.domain import Domain
from theory.activations import Activation
from theory.gaussian import c, p, q

__all__ = ["COVARIANCES", "VARIANCES", "c", "chart", "covariances", "noise", "p", "q", "rho"]

rho = c / sp.sqrt(p * q)

VARIANCES = Domain({p: (0, 4), q: (0, 4)})
P, Q, w = sp.symbols("P Q w", positive=True)


def covariances(extra: Mapping[sp.Symbol, tuple[Any, Any]] | None = None) -> Domain:
    """Return the open cone of covariances, c*c < p*q, with further parameters in their intervals."""
    box = {p: (0, 4), q: (0, 4), c: (-2, 2), **(extra or {})}
    return Domain(box, (c**2 < p * q,))


COVARIANCES = covariances()


def noise(f: Activation) -> sp.Expr:
    """Return the largest variance of Gaussian noise inside an activation: what its chart needs."""
    return max((atom.scale**2 for atom in f.atoms), key=float)


def chart(noise_u: Any = 0, noise_v: Any = 0) -> dict[sp.Symbol, sp.Expr]:
    r"""Return a change of variables in which every square root of a Gaussian formula is rational.

    With :math:`p+e^2=P^2`, :math:`q+d^2=Q^2` and :math:`c=PQ\cos\theta`, the half-angle
    :math:`w=\tan(\theta/2)` makes :math:`\sqrt{P^2Q^2-c^2}=PQ\sin\theta` rational too. P, Q, w > 0
    cover the cone, and c = 0 is w = 1.

    Parameters
    ----------
    noise_u, noise_v
        Variances e^2, d^2 of the smoothing noise (claim T16).
    """
    cosine = (1 - w**2) / (1 + w**2)
    return {p: P**2 - noise_u, q: Q**2 - noise_v, c: P * Q * cosine}
