r"""Gaussian moments of atoms by Stein's identity and variance inflation (claims G2, G3).

Setting: (u, v) is centred Gaussian with variances p, q and covariance c. An atom of the first function
reads u and the noisy s = u + e z, an atom of the second reads v and t = v + d w, with z, w independent
standard normal. Write P = p + e^2, Q = q + d^2, D = PQ - c^2. Every moment

    E[u^i S(s) v^j T(t)],   S, T in {1, step above a threshold, Dirac mass at a threshold}

comes down to orthant probabilities by E[u G] = p E[d_u G] + c E[d_v G] + p E[d_s G] + c E[d_t G]; a Dirac
mass is conditioned on. Nothing is integrated symbolically.
"""

from dataclasses import dataclass
from functools import cache

import sympy as sp

from theory.activations.atoms import Atom, Kind
from theory.arithmetic.functions import Arc, Cross, JointDensity, Orthant, OwenT, Phi, Phi2, phi
from theory.gaussian.linear import Linear


@dataclass(frozen=True)
class Factor:
    """S or T: absent (``at`` None), a step above ``at``, or a Dirac mass at ``at``."""

    at: sp.Expr | None = None
    mass: bool = False

    @classmethod
    def of(cls, atom: Atom) -> "Factor":
        """Return the factor an atom puts on its noisy variable."""
        return cls() if atom.is_smooth else cls(atom.at, atom.kind is Kind.BUMP)

    @property
    def is_step(self) -> bool:
        """Whether this is a step."""
        return self.at is not None and not self.mass

    @property
    def jump(self) -> "Factor":
        """The derivative of a step."""
        return Factor(self.at, mass=True)


NONE = Factor()


class PairMoments:
    """All moments of one pair of noisy variables.

    Parameters
    ----------
    p, q, c
        Variances and covariance of (u, v): symbols or expressions.
    e, d
        Noise scales of s and t; 0 makes s = u, t = v.
    """

    def __init__(self, p: sp.Expr, q: sp.Expr, c: sp.Expr, e: sp.Expr, d: sp.Expr) -> None:
        self.p, self.q, self.c, self.e2, self.d2 = p, q, c, e**2, d**2
        self.P, self.Q = p + e**2, q + d**2
        self.D = Cross(self.P, self.Q, c, c)
        self._joint = cache(self._joint_moment)
        self._given = cache(self._given_moment)

    def moment(self, i: int, j: int, S: Factor, T: Factor) -> Linear:
        """Return E[u^i S(s) v^j T(t)]."""
        return self._joint(i, j, S, T)

    def _joint_moment(self, i: int, j: int, S: Factor, T: Factor) -> Linear:
        result = Linear()
        if S.mass:
            assert S.at is not None
            root = sp.sqrt(self.P)
            for leaf, coefficient in self._given(i, j, S.at, T).terms.items():
                result.add(phi(S.at / root) * leaf, coefficient / root)
        elif T.mass:
            result.add_all(self.swapped._joint(j, i, T, S))
        elif i == j == 0:
            result.add(self._orthant(S, T))
        elif i == 0:
            result.add_all(self.swapped._joint(j, i, T, S))
        else:
            if i > 1:
                result.add_all(self._joint(i - 2, j, S, T), (i - 1) * self.p)
            if j > 0:
                result.add_all(self._joint(i - 1, j - 1, S, T), j * self.c)
            if S.is_step:
                result.add_all(self._joint(i - 1, j, S.jump, T), self.p)
            if T.is_step:
                result.add_all(self._joint(i - 1, j, S, T.jump), self.c)
        return result

    def _given_moment(self, i: int, j: int, a: sp.Expr, T: Factor) -> Linear:
        """Return E[u^i v^j T(t) | s = a]."""
        P, c, result = self.P, self.c, Linear()
        if T.mass:
            assert T.at is not None
            # Density of t given s = a: the joint density over that of s.
            joint = JointDensity(a, T.at, P, self.Q, c)
            density = phi(a / sp.sqrt(P)) / sp.sqrt(P)
            result.add(joint / density, self._doubly_given(i, j, a, T.at))
        elif i == j == 0:
            result.add(self._step_given(a, T))
        else:
            # Stein for the Gaussian (u, v, t) given s = a.
            noise = self.e2 / P
            if i > 0:
                (m, n), mean = (i - 1, j), self.p * a / P
                with_u, with_v, with_t = self.p * noise, c * noise, c * noise
            else:
                (m, n), mean = (i, j - 1), c * a / P
                spread = Cross(P, self.q, c, c) / P
                with_u, with_v, with_t = c * noise, spread, spread
            result.add_all(self._given(m, n, a, T), mean)
            if m > 0:
                result.add_all(self._given(m - 1, n, a, T), m * with_u)
            if n > 0:
                result.add_all(self._given(m, n - 1, a, T), n * with_v)
            if T.is_step:
                result.add_all(self._given(m, n, a, T.jump), with_t)
        return result

    def _step_given(self, a: sp.Expr, T: Factor) -> sp.Expr:
        """Return P(t above its threshold | s = a), or 1."""
        b = T.at
        if b is None:
            return sp.S.One
        root = sp.sqrt(self.P * self.D)
        if not (a.is_number and b.is_number):  # thresholds moved by a tilt have no known sign
            if sp.expand(self.c * a - b * self.P).could_extract_minus_sign():
                return 1 - Phi(Cross(b, self.P, self.c, a) / root)
            return Phi(Cross(self.c, a, b, self.P) / root)
        # Signs are brought to the front of Phi, so that equal probabilities look equal.
        if b == 0:
            leaning = Phi(self.c * abs(a) / root)
            return leaning if bool(a >= 0) else 1 - leaning
        side = 1 if bool(b < 0) else -1
        inside = Phi(Cross(abs(b), self.P, self.c, -side * a) / root)
        return inside if side > 0 else 1 - inside

    def _doubly_given(self, i: int, j: int, a: sp.Expr, b: sp.Expr) -> sp.Expr:
        """Return E[u^i v^j | s = a, t = b]."""
        c, e2, d2, D = self.c, self.e2, self.d2, self.D
        inner_p, inner_q = Cross(self.p, self.Q, c, c), Cross(self.P, self.q, c, c)
        mean_u = a if e2 == 0 else (a * inner_p + b * c * e2) / D
        mean_v = b if d2 == 0 else (b * inner_q + a * c * d2) / D
        var_u, var_v, cov = e2 * inner_p / D, d2 * inner_q / D, c * e2 * d2 / D

        @cache
        def raw(m: int, n: int) -> sp.Expr:
            if m == n == 0:
                return sp.S.One
            if m == 0:
                older = (n - 1) * var_v * raw(0, n - 2) if n > 1 else sp.S.Zero
                return mean_v * raw(0, n - 1) + older
            older = (m - 1) * var_u * raw(m - 2, n) if m > 1 else sp.S.Zero
            mixed = n * cov * raw(m - 1, n - 1) if n > 0 else sp.S.Zero
            return mean_u * raw(m - 1, n) + older + mixed

        return raw(i, j)

    def _orthant(self, S: Factor, T: Factor) -> sp.Expr:
        """Return P(s above, t above); a factor that is absent has no threshold."""
        a, b = S.at, T.at
        if a is None or b is None:
            one = sp.S.One if a is None else Phi(-a / sp.sqrt(self.P))
            other = sp.S.One if b is None else Phi(-b / sp.sqrt(self.Q))
            return one * other
        P, Q, c = self.P, self.Q, self.c
        if not (a.is_number and b.is_number):
            return Phi2(-a / sp.sqrt(P), -b / sp.sqrt(Q), c / sp.sqrt(P * Q))
        if a == 0 and b == 0:
            return sp.Rational(1, 4) + Arc(P, Q, c) / (2 * sp.pi)
        for near, V in ((a, P), (b, Q)):
            if a * b == 0 and near != 0:
                h = -near / sp.sqrt(V)
                return Phi(h) / 2 + OwenT(h, c / sp.sqrt(self.D))
        h, k = abs(a) / sp.sqrt(P), abs(b) / sp.sqrt(Q)
        # Thresholds are brought to the positive quadrant, so that equal probabilities look equal.
        same = Orthant(abs(a), abs(b), P, Q, c)
        opposite = Orthant(abs(a), abs(b), P, Q, -c)
        if bool(a < 0) and bool(b < 0):
            return same
        if bool(a > 0) and bool(b > 0):
            return 1 - Phi(h) - Phi(k) + same
        return (Phi(k) if bool(a > 0) else Phi(h)) - opposite

    @property
    def swapped(self) -> "PairMoments":
        """The same pair with the roles of (u, s) and (v, t) exchanged."""
        if not hasattr(self, "_swapped"):
            self._swapped = PairMoments(self.q, self.p, self.c, sp.sqrt(self.d2), sp.sqrt(self.e2))
            self._swapped._swapped = self
        return self._swapped
