"""How the ordinary kernel of sign networks blows up towards its diagonal (asymmetric-kernels.md, T31 and T32)."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import flint
from flint import arb, arb_mat

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.verdict import Grade, Verdict, every

SECTION = "asymmetric-kernels.md, section 4"
DEPTHS = (1, 2, 3, 4, 5)

# s_w and s_b of every layer, dyadic, so that float64 holds them.
UNIT = ((1, 1, 1, 1, 1, 1), (0, 0, 0, 0, 0, 0))
BIASED = (("3/2", "3/4", "5/4", 2, "1/2", 1), ("1/2", "1/4", 0, "3/2", "3/4", 1))

Stds = tuple[tuple[Any, ...], tuple[Any, ...]]


def number(value: Any) -> arb:
    """Return a ball about a rational number."""
    q = Fraction(value)
    return arb(flint.fmpq(q.numerator, q.denominator))


def squares(stds: Stds, hidden: int) -> list[tuple[arb, arb]]:
    """Return s_w^2 and s_b^2 of the weight layers."""
    pairs = zip(*(part[: hidden + 1] for part in stds), strict=True)
    return [(number(w) ** 2, number(b) ** 2) for w, b in pairs]


def tangent_kernel(p: arb, q: arb, c: arb, m: arb | None, layers: Sequence[tuple[arb, arb]]) -> arb:
    """Return Theta for erf_m, sign without m, above first pre-activations of this law, by T5, T13, T14."""
    noise = arb(0) if m is None else 1 / (2 * m * m)
    theta = c
    for weight, bias in layers:
        P, Q = p + noise, q + noise
        slope = 2 / (arb.pi() * (P * Q - c * c).sqrt())
        dual = 2 / arb.pi() * (c / (P * Q).sqrt()).asin()
        same = (
            (2 / arb.pi() * (v / (v + noise)).asin()) if m is not None else arb(1) for v in (p, q)
        )
        p, q, c = (weight * value + bias for value in (*same, dual))
        theta = c + theta * weight * slope
    return theta


def on_a_sphere(hidden: int, norm: Any, angle: arb, m: arb | None, stds: Stds) -> arb:
    """Return the same at two inputs of one norm |x|/sqrt(d)."""
    (weight, bias), *layers = squares(stds, hidden)
    square = number(norm) ** 2 * weight
    return tangent_kernel(square + bias, square + bias, square * angle.cos() + bias, m, layers)


def measured(hidden: int) -> arb:
    """Return the slope of log Theta against log angle, with its sign turned, between 10^-300 and 10^-301."""
    with flint.ctx.workprec(3000):
        near, nearer = (on_a_sphere(hidden, 1, arb(10) ** -k, None, UNIT) for k in (300, 301))
        return (nearer / near).log() / arb(10).log()


def _exponents(stated: Callable[[int], Fraction]) -> Verdict:
    points = [{"hidden": hidden} for hidden in DEPTHS]
    return agree({"recursion in balls": measured, "stated": stated}, points, digits=8)


@claim(
    "T32",
    statement=r"Off the diagonal the ordinary tangent kernel of sign is like $C\cdot\mathrm{angle}^{-(2-2^{1-L})}$: "
    r"exponents $1,\tfrac32,\tfrac74,\tfrac{15}8,\tfrac{31}{16}$ for $L=1,\dots,5$.",
    source=f"{SECTION}, T32",
    hypotheses=("angles of $10^{-300}$; $s_w=1$, $s_b=0$, unit norms",),
    aims_at=Grade.AGREES,
    mutant=lambda: _exponents(lambda hidden: 2 - Fraction(1, hidden)),
)
def exponents_of_the_singular_kernel() -> Verdict:
    """The recursion's own growth over a decade of angles, far inside the asymptotic range."""
    return _exponents(lambda hidden: 2 - Fraction(2, 2**hidden))


def law(hidden: int, norm: Any, stds: Stds) -> "th.SingularLaw":
    """Return the toolkit's law of a sign network."""
    weights, biases = (part[: hidden + 1] for part in stds)
    arch = th.Architecture(hidden, th.sign(), weight_std=weights, bias_std=biases)
    return th.certified_singular_law(arch, norm)


def scaled(hidden: int, norm: Any, stds: Stds) -> arb:
    """Return Theta times angle^(2 - 2^(1-L)) at an angle of 10^-600."""
    with flint.ctx.workprec(6000):
        angle = arb(10) ** -600
        exponent = number(2 - Fraction(2, 2**hidden))
        return on_a_sphere(hidden, norm, angle, None, stds) * angle**exponent


def stated_constant(hidden: int, base: Fraction) -> arb:
    """Return 2^-L (base/pi)^(2 - 2^(1-L)), base = 4."""
    return (number(base) / arb.pi()) ** number(2 - Fraction(2, 2**hidden)) / 2**hidden


def _constants(base: Fraction) -> Verdict:
    unit = [{"hidden": hidden} for hidden in DEPTHS]
    any_norm = [
        {"hidden": hidden, "norm": norm, "stds": BIASED} for hidden in DEPTHS for norm in (1, "3/4")
    ]
    return every(
        (
            (
                "unit variances",
                agree(
                    {
                        "recursion in balls": lambda hidden: scaled(hidden, 1, UNIT),
                        "stated": lambda hidden: stated_constant(hidden, base),
                        "singular law": lambda hidden: law(hidden, 1, UNIT).coefficient,
                    },
                    unit,
                    digits=25,
                ),
            ),
            (
                "any variances",
                agree(
                    {
                        "recursion in balls": scaled,
                        "singular law": lambda hidden, norm, stds: (
                            law(hidden, norm, stds).coefficient
                        ),
                    },
                    any_norm,
                    digits=25,
                ),
            ),
        )
    )


@claim(
    "T32.constant",
    statement=r"On the unit sphere at $s_w=1$, $s_b=0$ the ordinary tangent kernel of sign is "
    r"$2^{-L}(4/(\pi\,\mathrm{angle}))^{2-2^{1-L}}(1+o(1))$; at any variances and norm its constant is that of "
    r"the recursion $a\mapsto\sqrt{(4s_w^2/\pi)\,a/\sqrt q}$ of differences, $D\sim s_w^2(2/\pi)/(\sqrt q\,a)$.",
    source="derived for this project; exponents in T32",
    hypotheses=(
        "the recursion at angles of $10^{-600}$",
        r"$L\le5$; unit variances, and others in every layer with norms 1 and 3/4",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: _constants(Fraction(3999, 1000)),
)
def constants_of_the_singular_kernel() -> Verdict:
    """The kernel's recursion in balls, the closed form, and the toolkit's law."""
    return _constants(Fraction(4))


def _diagonals(last: int) -> Verdict:
    def steep(hidden: int, norm: Any, stds: Stds) -> arb:
        with flint.ctx.workprec(1200):
            m = arb(10) ** 60
            return on_a_sphere(hidden, norm, arb(0), m, stds) / m**hidden

    def product(hidden: int, norm: Any, stds: Stds) -> arb:
        first, *rest = squares(stds, hidden)
        length = number(norm) ** 2 * first[0] + first[1]
        result, q = length, length
        for k, (weight, bias) in enumerate(rest):
            result *= weight * 2 / (arb.pi() * q.sqrt())
            q = weight + bias * (k < last)
        return result

    points = [
        {"hidden": hidden, "norm": norm, "stds": stds}
        for hidden in DEPTHS[:4]
        for norm, stds in ((1, UNIT), ("3/4", BIASED))
    ]
    return agree(
        {
            "recursion in balls, m = 10^60": steep,
            "stated": product,
            "singular law": lambda hidden, norm, stds: law(hidden, norm, stds).diagonal,
        },
        points,
        digits=25,
    )


@claim(
    "T31.values",
    statement=r"$\Theta_m(x,x)\sim\Sigma^1\prod_ls_w^2(2m/(\pi\sqrt{q^l}))$ with $q^1=\Sigma^1$ and "
    r"$q^l=s_w^2+s_b^2$ above, biases in every layer included.",
    source=f"{SECTION}, T31",
    hypotheses=(r"$m=10^{60}$, $L\le4$, unit variances and others in every layer",),
    aims_at=Grade.AGREES,
    mutant=lambda: _diagonals(0),
)
def diagonals_of_steep_networks() -> Verdict:
    """The recursion of erf_m in balls, the product, and the toolkit's law."""
    return _diagonals(5)


# Inputs of unequal norms, no two on one line.
POINTS = (("2", "0"), ("1/2", "1"), ("-1", "1/4"), ("-1/4", "-2"), ("3", "-1"))
LABELS = (1, -1, 1, -1, -1)
TARGET = ("1", "3/2")


def voted(hidden: int, stds: Stds, weigh: bool) -> arb:
    """Return sum_i y_i Theta(x, x_i) / D(x_i), D the constants of the diagonal."""
    (weight, bias), *layers = squares(stds, hidden)
    total = arb(0)
    with flint.ctx.workprec(400):
        for point, label in zip(POINTS, LABELS, strict=True):
            norm = _inner(point, point, weight, bias)
            theta = tangent_kernel(
                _inner(TARGET, TARGET, weight, bias),
                norm,
                _inner(TARGET, point, weight, bias),
                None,
                layers,
            )
            steep = norm.sqrt() if weigh else arb(1)
            for above, (scale, _) in enumerate(layers):
                below = 1 if above == 0 else layers[above - 1][0] + layers[above - 1][1]
                steep *= scale * 2 / (arb.pi() * arb(below).sqrt())
            total += label * theta / steep
    return total


def regressed(hidden: int, stds: Stds) -> arb:
    """Return m^L times the prediction of kernel regression with erf_m, m = 10^60."""
    (weight, bias), *layers = squares(stds, hidden)
    with flint.ctx.workprec(1200):
        m = arb(10) ** 60

        def theta(x: tuple[str, str], y: tuple[str, str]) -> arb:
            p, q, c = (_inner(a, b, weight, bias) for a, b in ((x, x), (y, y), (x, y)))
            return tangent_kernel(p, q, c, m, layers)

        gram = arb_mat([[theta(x, y) for y in POINTS] for x in POINTS])
        row = arb_mat([[theta(TARGET, y) for y in POINTS]])
        labels = arb_mat([[arb(label)] for label in LABELS])
        return (row * gram.solve(labels))[0, 0] * m**hidden


def _inner(x: tuple[str, str], y: tuple[str, str], weight: arb, bias: arb) -> arb:
    return (
        sum((number(a) * number(b) for a, b in zip(x, y, strict=True)), arb(0)) / 2 * weight + bias
    )


def _classifier(weigh: bool) -> Verdict:
    return agree(
        {
            "regression in balls, m = 10^60": regressed,
            "vote": lambda hidden, stds: voted(hidden, stds, weigh),
        },
        [{"hidden": hidden, "stds": stds} for hidden in (1, 2, 3) for stds in (UNIT, BIASED)],
        digits=25,
    )


@claim(
    "T32.classifier",
    statement=r"Kernel regression with the tangent kernel of $\operatorname{erf}_m$ tends to 0 like $m^{-L}$ beside "
    r"its inputs, and its sign to that of $\sum_iy_i\Theta(x,x_i)/D(x_i)$, $\Theta$ the kernel of sign and "
    r"$\Theta_m(x,x)\sim D(x)m^L$: a classifier by a singular kernel.",
    source=f"{SECTION}, T32; the weights derived for this project",
    hypotheses=(
        r"$m=10^{60}$, $L\le3$; five inputs of unequal norms in the plane, unit variances and others",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: _classifier(False),
)
def regression_becomes_a_vote() -> Verdict:
    """Solve the regression in balls, and weigh the votes by the constants of T31."""
    return _classifier(True)
