# ruff: noqa: D102, ARG002  (the methods are hooks that SymPy names and calls)
"""The few special functions that every Gaussian expectation of the class is written in.

``Phi``, ``phi``, ``Phi2`` and ``OwenT`` are what a reader sees. ``Cross``, ``Arc``, ``Orthant`` and
``JointDensity`` are the same quantities in raw arguments, kept unevaluated so that a number system can compute them
without cancellation; ``readable`` turns them into the first kind.
"""

from typing import Any

import mpmath
import sympy as sp


class phi(sp.Function):  # noqa: N801  the letter of the field
    r"""Standard normal density, :math:`\varphi(x)=e^{-x^2/2}/\sqrt{2\pi}`."""

    nargs = 1
    is_real = True
    is_positive = True

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        if x.is_zero:
            return 1 / sp.sqrt(2 * sp.pi)
        if x.is_infinite:
            return sp.Integer(0)
        return cls(-x) if x.could_extract_minus_sign() else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return -self.args[0] * self

    def _eval_rewrite_as_exp(self, x: sp.Expr, **_: Any) -> sp.Expr:
        return sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.exp)._eval_evalf(prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _call(printer, r"\varphi", self.args, exp)


class Phi(sp.Function):
    r"""Standard normal distribution function, :math:`\Phi(x)=(1+\mathrm{erf}(x/\sqrt2))/2`."""

    nargs = 1
    is_real = True

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        if x.is_zero:
            return sp.Rational(1, 2)
        if x is sp.oo:
            return sp.Integer(1)
        if x is -sp.oo:
            return sp.Integer(0)
        return 1 - cls(-x) if x.could_extract_minus_sign() else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return phi(self.args[0])

    def _eval_rewrite_as_erf(self, x: sp.Expr, **_: Any) -> sp.Expr:
        return (1 + sp.erf(x / sp.sqrt(2))) / 2

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.erf)._eval_evalf(prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _call(printer, r"\Phi", self.args, exp)


class OwenT(sp.Function):
    r"""Owen's function, :math:`T(h,a)=\frac1{2\pi}\int_0^a\frac{e^{-h^2(1+x^2)/2}}{1+x^2}\,dx`."""

    nargs = 2
    is_real = True

    @classmethod
    def eval(cls, h: sp.Expr, a: sp.Expr) -> sp.Expr | None:
        if a.is_zero or h.is_infinite:
            return sp.Integer(0)
        if h.is_zero:
            return sp.atan(a) / (2 * sp.pi)
        if h.could_extract_minus_sign():
            return cls(-h, a)
        return -cls(h, -a) if a.could_extract_minus_sign() else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        h, a = self.args
        if argindex == 1:
            return -phi(h) * (Phi(a * h) - sp.Rational(1, 2))
        return sp.exp(-(h**2) * (1 + a**2) / 2) / (2 * sp.pi * (1 + a**2))

    def _eval_evalf(self, prec: int) -> sp.Expr:
        with mpmath.workprec(prec + 10):
            h, a = (
                mpmath.mpf(arg._eval_evalf(prec + 10)._to_mpmath(prec + 10)) for arg in self.args
            )
            value = mpmath.quad(
                lambda x: mpmath.exp(-(h**2) * (1 + x**2) / 2) / (1 + x**2), [0, a]
            ) / (2 * mpmath.pi)
        return sp.Expr._from_mpmath(value, prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _call(printer, r"\operatorname{T}", self.args, exp)


class Phi2(sp.Function):
    r"""Bivariate normal distribution function, :math:`\Phi_2(h,k;r)=P(X\le h,Y\le k)`."""

    nargs = 3
    is_real = True

    @classmethod
    def eval(cls, h: sp.Expr, k: sp.Expr, r: sp.Expr) -> sp.Expr | None:
        if r.is_zero:
            return Phi(h) * Phi(k)
        if h.is_zero and k.is_zero:
            return sp.Rational(1, 4) + sp.asin(r) / (2 * sp.pi)
        for free, bound in ((h, k), (k, h)):
            if bound is sp.oo:
                return Phi(free)
            if bound is -sp.oo:
                return sp.Integer(0)
        return None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        h, k, r = self.args
        root = sp.sqrt(1 - r**2)
        if argindex == 1:
            return phi(h) * Phi((k - r * h) / root)
        if argindex == 2:
            return phi(k) * Phi((h - r * k) / root)
        return sp.exp(-(h**2 - 2 * r * h * k + k**2) / (2 * root**2)) / (2 * sp.pi * root)

    def _eval_rewrite_as_OwenT(self, h: sp.Expr, k: sp.Expr, r: sp.Expr, **_: Any) -> sp.Expr:
        return orthant_by_owen(h, k, sp.Integer(1), sp.Integer(1), r)

    def _eval_evalf(self, prec: int) -> sp.Expr:
        h, k, r = (arg._eval_evalf(prec) for arg in self.args)
        return orthant_by_owen(h, k, sp.Integer(1), sp.Integer(1), r).doit()._eval_evalf(prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        h, k, r = (printer._print(arg) for arg in self.args)
        text = rf"\Phi_2\left({h}, {k}; {r}\right)"
        return rf"\left({text}\right)^{{{exp}}}" if exp else text


class _Tail(sp.Function):
    nargs = 2
    is_real = True

    def _complex(self) -> sp.Expr:
        x, y = self.args
        return sp.exp(-(y**2) / 2) * (1 + sp.erf((x + sp.I * y) / sp.sqrt(2))) / 2

    def _eval_evalf(self, prec: int) -> sp.Expr:
        real, imaginary = self._complex()._eval_evalf(prec).as_real_imag()
        return real if isinstance(self, PhiCos) else imaginary


class PhiCos(_Tail):
    r"""Truncated characteristic function, :math:`E[\cos(yZ)\,1\{Z>-x\}]=e^{-y^2/2}\,\mathrm{Re}\,\Phi(x+iy)`."""

    @classmethod
    def eval(cls, x: sp.Expr, y: sp.Expr) -> sp.Expr | None:
        if y.is_zero:
            return Phi(x)
        if x.is_zero:
            return sp.exp(-(y**2) / 2) / 2
        return cls(x, -y) if y.could_extract_minus_sign() else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        x, y = self.args
        if argindex == 1:
            return phi(x) * sp.cos(x * y)
        return -y * self - phi(x) * sp.sin(-x * y)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _call(printer, r"\Phi_{\cos}", self.args, exp)


class PhiSin(_Tail):
    r"""Truncated characteristic function, :math:`E[\sin(yZ)\,1\{Z>-x\}]=e^{-y^2/2}\,\mathrm{Im}\,\Phi(x+iy)`."""

    @classmethod
    def eval(cls, x: sp.Expr, y: sp.Expr) -> sp.Expr | None:
        if y.is_zero:
            return sp.Integer(0)
        if x.could_extract_minus_sign():  # sin is odd: what lies above -x is what lies above x
            return cls(-x, y)
        return -cls(x, -y) if y.could_extract_minus_sign() else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        x, y = self.args
        if argindex == 1:
            return -phi(x) * sp.sin(x * y)
        return -y * self + phi(x) * sp.cos(x * y)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _call(printer, r"\Phi_{\sin}", self.args, exp)


class Voigt(sp.Function):
    r"""Real part of the Faddeeva function, :math:`\mathrm{Re}\,e^{-z^2}\mathrm{erfc}(-iz)`, z = x + iy, y > 0."""

    nargs = 2
    is_real = True
    is_positive = True

    @classmethod
    def eval(cls, x: sp.Expr, y: sp.Expr) -> sp.Expr | None:
        if x.is_zero:
            return sp.exp(y**2) * sp.erfc(y)
        return cls(-x, y) if x.could_extract_minus_sign() else None

    def _eval_evalf(self, prec: int) -> sp.Expr:
        x, y = self.args
        z = x + sp.I * y
        return sp.re((sp.exp(-(z**2)) * sp.erfc(-sp.I * z))._eval_evalf(prec))

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _call(printer, r"\mathrm{Re}\,w", self.args, exp)


class Cross(sp.Function):
    """Difference of products ``a*b - c*d``, which float64 computes without cancellation."""

    nargs = 4
    is_real = True

    @classmethod
    def eval(cls, a: sp.Expr, b: sp.Expr, c: sp.Expr, d: sp.Expr) -> sp.Expr | None:
        if (c * d).is_zero:
            return a * b
        if (a * b).is_zero:
            return -c * d
        return None

    def doit(self, **_: Any) -> sp.Expr:
        a, b, c, d = self.args
        return a * b - c * d


class Arc(sp.Function):
    """``asin(c / sqrt(P*Q))``, as ``atan2(c, sqrt(P*Q - c**2))``: no digit is lost near the ends."""

    nargs = 3
    is_real = True

    @classmethod
    def eval(cls, P: sp.Expr, Q: sp.Expr, c: sp.Expr) -> sp.Expr | None:
        if c.could_extract_minus_sign():
            return -cls(P, Q, -c)
        return None

    def doit(self, **_: Any) -> sp.Expr:
        P, Q, c = self.args
        return sp.asin(c / sp.sqrt(P * Q))


class Orthant(sp.Function):
    """``P(U <= a, V <= b)`` for centred Gaussian (U, V), variances P and Q, covariance c; a, b > 0."""

    nargs = 5
    is_real = True

    def doit(self, **_: Any) -> sp.Expr:
        a, b, P, Q, c = self.args
        return Phi2(a / sp.sqrt(P), b / sp.sqrt(Q), c / sp.sqrt(P * Q))

    def _eval_rewrite_as_OwenT(self, *args: sp.Expr, **_: Any) -> sp.Expr:
        return orthant_by_owen(*args)


class JointDensity(sp.Function):
    """Density of a centred Gaussian (U, V), variances P and Q, covariance c, at (a, b)."""

    nargs = 5
    is_real = True

    @classmethod
    def eval(cls, a: sp.Expr, b: sp.Expr, P: sp.Expr, Q: sp.Expr, c: sp.Expr) -> sp.Expr | None:
        # Reflections leave the density alone: both thresholds are brought to the positive side.
        if a.is_negative or (a.is_zero and b.is_negative):
            return cls(-a, -b, P, Q, c)
        return cls(a, -b, P, Q, -c) if b.is_negative else None

    def doit(self, **_: Any) -> sp.Expr:
        a, b, P, Q, c = self.args
        det = P * Q - c**2
        square = sp.expand(a**2 * Q - 2 * a * b * c + b**2 * P)
        return sp.exp(-sp.S.Half * square * det**-1) / (2 * sp.pi * sp.sqrt(det))

    def _eval_rewrite_as_phi(self, *args: sp.Expr, **_: Any) -> sp.Expr:
        # A product of two densities: the quadratic form as a sum of squares, free of cancellation.
        a, b, P, Q, c = args
        det = Cross(P, Q, c, c)
        return phi(a / sp.sqrt(P)) * phi(Cross(b, P, c, a) / sp.sqrt(P * det)) / sp.sqrt(det)


def orthant_by_owen(a: sp.Expr, b: sp.Expr, P: sp.Expr, Q: sp.Expr, c: sp.Expr) -> sp.Expr:
    r"""``P(U <= a, V <= b)`` by Owen's T for thresholds that are numbers or declared positive.

    Owen (1956), eq. (2.1); claim T19. With :math:`\Delta = PQ-c^2` the second argument of T is
    :math:`(k/h-r)/\sqrt{1-r^2} = (bP-ca)/(a\sqrt\Delta)`, which no rounding of r enters.
    """
    h, k = a / sp.sqrt(P), b / sp.sqrt(Q)
    root = sp.sqrt(Cross(P, Q, c, c))
    if a.is_zero and b.is_zero:
        return sp.Rational(1, 4) + Arc(P, Q, c) / (2 * sp.pi)
    if b.is_zero:
        return Phi(h) / 2 + OwenT(h, c / root)
    if a.is_zero:
        return Phi(k) / 2 + OwenT(k, c / root)
    same_side = (a * b).is_positive
    return (
        Phi(h) / 2
        + Phi(k) / 2
        - OwenT(h, Cross(b, P, c, a) / (a * root))
        - OwenT(k, Cross(a, Q, c, b) / (b * root))
        - (0 if same_side else sp.Rational(1, 2))
    )


def readable(expr: sp.Expr) -> sp.Expr:
    """Rewrite the raw functions (``Cross``, ``Arc``, ``Orthant``, ``JointDensity``) in textbook form."""
    return expr.replace(
        lambda e: isinstance(e, Cross | Arc | Orthant | JointDensity), lambda e: e.doit()
    )


def _call(printer: Any, name: str, args: tuple[sp.Expr, ...], exp: str | None) -> str:
    power = rf"^{{{exp}}}" if exp else ""
    return rf"{name}{power}\left({', '.join(printer._print(arg) for arg in args)}\right)"
