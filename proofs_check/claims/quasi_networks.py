r"""Quasi networks of binary weights: smoothed activations and exponential spectra (asymmetric-kernels.md, T63).

On the circle, with q the variance of a pre-activation and z = q cos(theta)/(q + s^2), the duals of smoothed ReLU and
sign are those of ReLU and sign at the correlation z. Their singularities at z = +-1 then lie off the real axis, at
height eta = arccosh(t0), t0 = 1 + s^2/q, and give every coefficient its leading term.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction

import flint
import sympy as sp
from flint import acb, arb

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.identity import Along, identity
from proofs_check.notation import COVARIANCES, c, chart, p, q
from proofs_check.verdict import Grade, Verdict, every
from theory.activations.atoms import x
from theory.arithmetic import Phi, phi
from theory.gaussian import expectation
from theory.kernels.brackets import fmpq

SECTION = "asymmetric-kernels.md, section 10, T63"
TRUSTS = ("Arb (ball arithmetic, and acb.integral of Petras)", "Darboux's method for the constants")


def arc_cosine(P: sp.Expr, Q: sp.Expr) -> sp.Expr:
    """Return sqrt(PQ)/(2 pi) (sin t + (pi - t) cos t), cos t = c/sqrt(PQ)."""
    rho = c / sp.sqrt(P * Q)
    return (sp.sqrt(P * Q - c**2) + c * (sp.pi / 2 + sp.asin(rho))) / (2 * sp.pi)


def _dual(share: int) -> Verdict:
    """Compare smoothed ReLU and its dual with the printed forms, noise of variance ``share`` s^2 in the dual."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        for std in (sp.S.One, sp.Rational(1, 2)):
            smooth = th.relu().smoothed(std)
            printed = x * Phi(x / std) + std * phi(x / std)
            yield f"psi, s = {std}", identity(smooth.expr, printed, on=Domain({x: (-4, 4)}))
            noise = share * std**2
            yield (
                f"dual, s = {std}",
                identity(
                    expectation(smooth, smooth).expr,
                    arc_cosine(p + noise, q + noise),
                    on=COVARIANCES,
                    chart=chart(std**2, std**2),
                    along=Along(c),
                ),
            )

    return every(parts())


@claim(
    "T63.dual",
    statement=r"The quasi activation $\psi(y)=E[\operatorname{relu}(y+s\xi)]=y\Phi(y/s)+s\varphi(y/s)$ has the "
    r"arc-cosine dual with $q\to q+s^2$ and $c$ unchanged.",
    source=f"{SECTION} (closed form)",
    hypotheses=(r"$s\in\{1,\tfrac12\}$; other $s$ by scaling", "all covariances"),
    aims_at=Grade.PROVED,
    mutant=lambda: _dual(2),
)
def quasi_activation_has_an_arc_cosine_dual() -> Verdict:
    """Derive from the smoothed atoms, against the arc-cosine form."""
    return _dual(1)


# -- decay --------------------------------------------------------------------------------------------

Dual = Callable[[acb], acb]


def _relu(z: acb) -> acb:
    return ((1 - z * z).sqrt() + z * (acb.pi() / 2 + z.asin())) / (2 * acb.pi())


def _step(z: acb) -> acb:
    return (acb.pi() / 2 + z.asin()) / (2 * acb.pi())


def _sign(z: acb) -> acb:
    return 2 / acb.pi() * z.asin()


DUALS: dict[str, tuple[Dual, int, Fraction, Callable[[arb], arb]]] = {
    # name: dual at unit variance, parity of k, exponent, constant of the leading term for w = sqrt(1 - t0^-2)
    "relu": (_relu, 0, Fraction(5, 2), lambda w: w.sqrt() ** 3 / (2 * arb.pi() ** 3).sqrt()),
    "step": (_step, 1, Fraction(3, 2), lambda w: w.sqrt() / (2 * arb.pi() ** 3).sqrt()),
    "sign": (_sign, 1, Fraction(3, 2), lambda w: (8 * w / arb.pi() ** 3).sqrt()),
}


def fourier(dual: Dual, k: int, start: arb) -> arb:
    """Return (1/pi) int_0^pi dual(cos(theta)/t0) cos(k theta) dtheta."""

    def integrand(theta: acb, analytic: bool) -> acb:
        z = theta.cos() / start
        if analytic and z.imag.contains(0) and not abs(z.real) < 1:
            return acb(arb.nan(), arb.nan())
        return dual(z) * (k * theta).cos()

    tolerance = arb(2) ** (8 - flint.ctx.prec)
    value = acb.integral(integrand, acb(0), acb(arb.pi()), abs_tol=tolerance, rel_tol=tolerance)
    return value.real / arb.pi()


def _decay(offset: Fraction) -> Verdict:
    """Compare coefficients with constant k^-(exponent + offset) (t0 + sqrt(t0^2 - 1))^-k, within 4/k."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        for name, (dual, parity, exponent, constant) in DUALS.items():
            for start in (Fraction(5, 4), Fraction(3)):
                for degree in (48, 96):
                    k = degree + parity
                    with flint.ctx.workprec(128 + 4 * k):
                        t0 = arb(fmpq(start))
                        base = t0 + (t0 * t0 - 1).sqrt()
                        lead = constant((1 - 1 / (t0 * t0)).sqrt())
                        term = lead * arb(k) ** arb(fmpq(-(exponent + offset))) / base**k
                        ratio = fourier(dual, k, t0) / term
                        gap = abs(ratio - 1)
                        shown = f"ratio {ratio.str(8)} at k = {k}, t0 = {start}"
                        if gap < arb(4) / k:
                            yield f"{name}, k = {k}", Verdict(Grade.ENCLOSED, shown, None, TRUSTS)
                        elif gap > arb(4) / k:
                            yield f"{name}, k = {k}", Verdict(Grade.REFUTED, shown, shown, TRUSTS)
                        else:
                            yield f"{name}, k = {k}", Verdict(Grade.UNDECIDED, shown)

    return every(parts())


@claim(
    "T63.decay",
    statement=r"On the circle the eigenvalues of the dual of smoothed ReLU decay like "
    r"$k^{-5/2}(t_0+\sqrt{t_0^2-1})^{-k}$, $t_0=1+s^2/q$, those of its derivative and of smoothed sign like "
    r"$k^{-3/2}$ times the same power. With $w=(1-t_0^{-2})^{1/2}$ the leading terms are, in units of $q+s^2$ for "
    r"ReLU, $w^{3/2}(2\pi^3)^{-1/2}$ (even $k$), $w^{1/2}(2\pi^3)^{-1/2}$ and $(8w/\pi^3)^{1/2}$ (odd $k$), up to "
    r"$1+O(1/k)$.",
    source=f"{SECTION} (checkable decay; constants derived here)",
    hypotheses=(r"$t_0=\tfrac54,3$; $k$ near 48 and 96; $O(1/k)$ read as at most $4/k$",),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: _decay(Fraction(1, 2)),
)
def smoothing_gives_exponential_spectra() -> Verdict:
    """Fourier coefficients in balls of some hundred digits, against the singularities' leading terms."""
    return _decay(Fraction(0))
