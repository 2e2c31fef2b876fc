r"""Sign networks with the hardtanh estimator at the ends, beta to 0 and to infinity (asymmetric-kernels.md, T27).

For odd k, with A_k(t) = sin((k-1)t)/(2(k-1)) + sin((k+1)t)/(2(k+1)), an integration by parts turns the
eigenvalue into lambda_k = (4/pi^2) (1/k^2 + (1/beta) int_beta^inf A_k(arcsin(beta/v)) exp(-v^2/2) dv);
at kappa = k beta fixed it tends, as beta -> 0, to (4/pi^2) (1/kappa) int_0^inf sin(kappa/v) exp(-v^2/2) dv.
"""

from fractions import Fraction

import flint
import sympy as sp
from flint import acb, arb

from proofs_check.methods.canonical import vanishes
from proofs_check.verdict import Grade, Verdict
from theory.kernels.brackets import fmpq

TRUSTS = (
    "Arb (ball arithmetic, and acb.integral of Petras)",
    "the closed forms T15 and T17",
    "the bounds of the integrals' ends, derived in the module's comments",
)
SMALL, LARGE = Fraction(1, 20), Fraction(2)
_CUT = Fraction(1, 4)
_STEP = Fraction(1, 200)
_FAR = 12


# -- beta to 0 ----------------------------------------------------------------------------------------


def limit_integral(low: Fraction, high: Fraction) -> arb:
    """Return a ball for (1/kappa) int_w^inf sin(kappa/v) exp(-v^2/2) dv over kappa in [low, high], w = 1/4."""
    kappa, cut = arb(fmpq((low + high) / 2)), arb(fmpq(_CUT))

    def integrand(v: acb, _: bool) -> acb:
        return (kappa / v).sin() * (-v * v / 2).exp()

    middle = acb.integral(integrand, acb(cut), acb(_FAR)).real / kappa
    least = arb(fmpq(low))
    # |d/dkappa| <= int (1/kappa^2 + 1/(kappa v)) exp(-v^2/2); beyond v = 12 the integrand is below exp(-v^2/2).
    slope = (arb.pi() / 2).sqrt() / least**2 + _over_v(cut) / least
    rest = slope * fmpq((high - low) / 2) + (-(arb(_FAR) ** 2) / 2).exp() / least
    return middle + rest.upper() * arb(0, 1)


def _over_v(cut: arb) -> arb:
    """Bound the integral of exp(-v^2/2)/v over v > ``cut``: 1/v up to 1, the Gaussian beyond."""
    return -cut.log() + (arb.pi() / 2).sqrt() * (1 / arb(2).sqrt()).erfc()


def distance_to_limit(low: Fraction, largest: Fraction) -> arb:
    """Bound |(pi^2/4) lambda_k - limit_integral(k beta)| for kappa = k beta >= ``low`` and beta <= ``largest``.

    Below v = w one more integration by parts, against B_k = -cos((k-1)t)/(2(k-1)^2) - cos((k+1)t)/(2(k+1)^2),
    leaves 2 max|B_k| m(t_w), as m = cos t/sin^2 t exp(-beta^2/(2 sin^2 t)) falls from t_w = arcsin(beta/w) to
    0 at pi/2. Above it, with x = beta/v = sin t,
    beta^-1 A_k = (kappa sin(kt) cos t - beta x cos(kt))/(kappa^2 - beta^2),
    |kt - kappa/v| <= r kappa beta^2/v^3 where arcsin x <= x + r x^3, and 1 - cos t <= x^2. Every term grows with beta
    and falls with kappa.
    """
    kappa, beta, w = (arb(fmpq(value)) for value in (low, largest, _CUT))
    square, gap = beta * beta, kappa**2 - beta**2
    x = beta / w
    ratio = (x.asin() - x) / x**3
    below = 2 * w**2 * (kappa**2 + square) / gap**2 * (-w * w / 2).exp()
    phase = kappa / gap * kappa * ratio * square / (2 * w**2)
    cosine = kappa / gap * square / w
    factor = square / (kappa * gap) * (arb.pi() / 2).sqrt()
    second = square / gap * _over_v(w)
    return below + phase + cosine + factor + second + square / kappa**2


def negative_near_zero(window: Fraction) -> Verdict:
    """Show lambda_k < 0 for every beta in (0, 1/20], k the odd number with k beta in [window, window + 1/10)."""
    with flint.ctx.workprec(64):
        error = distance_to_limit(window, SMALL).upper()
        worst = arb(-1)
        low = window
        while low < window + 2 * SMALL:
            ball = limit_integral(low, low + _STEP) + error * arb(0, 1)
            if ball > 0:
                witness = f"(pi^2/4) lambda_k = {ball.str(8)} for k beta near {float(low):g}, beta <= 1/20"
                return Verdict(Grade.REFUTED, "a positive eigenvalue", witness, TRUSTS)
            if not ball < 0:
                return Verdict(Grade.UNDECIDED, f"{ball.str(4)} for k beta near {float(low):g}")
            worst = max(worst, ball.upper(), key=float)
            low += _STEP
    return Verdict(
        Grade.ENCLOSED,
        f"(pi^2/4) lambda_k < {float(worst):.2g} for beta in (0, 1/20], k the odd number with k beta in "
        f"[{float(window):g}, {float(window + 2 * SMALL):g})",
        None,
        TRUSTS,
    )


# -- beta to infinity ---------------------------------------------------------------------------------


def bend(z: sp.Expr, sine: sp.Expr, cosine: sp.Expr) -> sp.Expr:
    """Return h'' of h = cos t erfc(z), z = beta/(sqrt 2 sin t)."""
    inner = 3 * cosine + 2 * cosine**3 / sine**2 - 2 * z**2 * cosine**3 / sine**2
    return -cosine * sp.erfc(z) - 2 / sp.sqrt(sp.pi) * sp.exp(-(z**2)) * z * inner


def bend_is_derived() -> bool:
    """Say whether ``bend`` is the second derivative, by an exact residual of zero."""
    t, beta = sp.symbols("t beta", positive=True)
    z = beta / (sp.sqrt(2) * sp.sin(t))
    residual = sp.diff(sp.cos(t) * sp.erfc(z), t, 2) - bend(z, sp.sin(t), sp.cos(t))
    y = sp.Symbol("y", positive=True)
    rational = {sp.sin(t): y, sp.cos(t): sp.sqrt(1 - y**2)}
    return vanishes(sp.expand(residual).subs(rational))


def total_bend(beta: Fraction) -> arb:
    """Bound the integral of |h''| over [0, pi/2] by that of its terms' absolute values.

    They fall as beta grows while z^2 >= 3/2, so that a bound at sqrt 3 <= beta holds beyond it.
    """
    scale, end = arb(fmpq(beta)) / arb(2).sqrt(), arb(fmpq(Fraction(1, 50)))

    def majorant(t: acb, _: bool) -> acb:
        s, c = t.sin(), t.cos()
        return _sizes(scale / s, s, c)

    value = acb.integral(majorant, acb(end), acb(arb.pi() / 2)).real
    # Below the end every term grows with t if its cosine is replaced by 1.
    at_end = _sizes(acb(scale / end.sin()), acb(end.sin()), acb(1)).real
    return value + end * at_end.upper() * arb(0, 1)


def _sizes(z: acb, s: acb, c: acb) -> acb:
    steep = 3 * c + 2 * c**3 / s**2 + 2 * z**2 * c**3 / s**2
    return c * z.erfc() + 2 / acb.pi().sqrt() * (-z * z).exp() * z * steep


def positive_beyond(beta: Fraction) -> Verdict:
    """Show lambda_k > 0 for all odd k and all beta' >= ``beta``, from two integrations by parts.

    For k >= 3, |int_0^{pi/2} h cos(kt)| <= k^-2 int |h''|, to be outweighed by the 4/(pi k)^2 of the arcsine; for k = 1
    the integral of cos^2 t erfc is below pi/4, which leaves a positive term.
    """
    if beta**2 < 3:
        return Verdict(
            Grade.UNDECIDED, f"terms of h'' need not fall with beta from {float(beta):g}"
        )
    if not bend_is_derived():
        return Verdict(Grade.UNDECIDED, "no exact zero: the printed h'' against the derivative")
    with flint.ctx.workprec(64):
        lead = (2 / arb.pi()).sqrt() / arb(fmpq(beta)) * 2 / arb.pi()
        share = lead * total_bend(beta) / (4 / arb.pi() ** 2)
        shown = f"the estimator's part is at most {share.str(4)} of the arcsine's, for every k >= 3"
        if not share < 1:
            return Verdict(Grade.UNDECIDED, shown)
    return Verdict(Grade.ENCLOSED, f"{shown} and beta >= {float(beta):g}", None, TRUSTS)


def by_parts(k: int, beta: arb) -> arb:
    """Return lambda_k by the form of the module's first lines, over t = arcsin(beta/v)."""
    end = beta / 12

    def integrand(t: acb, _: bool) -> acb:
        sine = t.sin()
        wave = ((k - 1) * t).sin() / (2 * (k - 1)) + ((k + 1) * t).sin() / (2 * (k + 1))
        return wave * t.cos() / sine**2 * (-((beta / sine) ** 2) / 2).exp()

    value = acb.integral(integrand, acb(end), acb(arb.pi() / 2)).real
    # |A_k| <= t, and exp(-beta^2/(2 sin^2 t))/t grows up to t = beta.
    rest = (-((beta / end) ** 2) / 2).exp() / end.sin() ** 2 * end * end
    return 4 / (arb.pi() * k) ** 2 + 4 / arb.pi() ** 2 * (value + rest.upper() * arb(0, 1))
