"""Annealed noise: how fast, and in which order of the layers, noisy quantizers become sharp (T62b, T62c)."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from types import MappingProxyType

import numpy as np
import sympy as sp

from proofs_check.claims.noise_regularisation import ROWS, SCALES, t
from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.erratum import erratum
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.methods.identity import identity
from proofs_check.verdict import Grade, Verdict, every
from theory.activations import x

SOURCE = "asymmetric-kernels.md, section 9"
TRUSTS = ("Python's rational arithmetic",)
SYMBOLIC = ("SymPy's limits of elementary functions",)

# ------------------------------------------------------------------- T62b: one layer

TAILS: Mapping[str, sp.Expr] = MappingProxyType(
    {
        "uniform": (1 - x) / 2,
        "triangular": (1 - x) ** 2 / 2,
        "gaussian": sp.erfc(x / sp.sqrt(2)) / 2,
        "logistic": sp.exp(-x) / (1 + sp.exp(-x)),
        "laplace": sp.exp(-x) / 2,
        "cauchy": sp.Rational(1, 2) - sp.atan(x) / sp.pi,
    }
)
"""P(nu > x) for x > 0 at scale 1; of bounded noise, for x < 1."""


def _decayed(expr: sp.Expr, s: sp.Expr) -> sp.Expr:
    """Write t for exp(-x/s), so that both sides are rational."""
    plain = expr.replace(sp.tanh, lambda z: (1 - sp.exp(-2 * z)) / (1 + sp.exp(-2 * z)))
    return plain.replace(sp.exp, lambda z: t ** sp.expand(-z * s / x))


def _t62b(share: sp.Expr) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        for name, row in ROWS.items():
            tail, end = TAILS[name], sp.S.One if row.bounded else sp.oo
            yield f"{name}, no mass beyond", _exactly(sp.limit(tail, x, end, "-"), sp.S.Zero)
            sides = [(sp.S.One, -sp.diff(tail, x), row.density(sp.S.One))]
            sides += [(s, 1 - row.average(x, s), 2 * share * tail.subs(x, x / s)) for s in SCALES]
            for s, left, right in sides:
                on = Domain({x: (0, s if row.bounded else 4)})
                if name == "logistic":
                    left, right, on = _decayed(left, s), _decayed(right, s), Domain({t: (0, 1)})
                yield f"{name}, s = {s}", identity(left, right, on=on)

    return every(parts())


def _exactly(found: sp.Expr, stated: sp.Expr) -> Verdict:
    if sp.simplify(found - stated) == 0:
        return Verdict(Grade.PROVED, f"exactly {stated}", None, SYMBOLIC)
    return Verdict(Grade.REFUTED, f"{found} is not {stated}", f"{found}, stated {stated}", SYMBOLIC)


@claim(
    "T62b",
    statement=r"$|E\,\mathrm{sgn}(x+\lambda\nu)-\mathrm{sgn}\,x|=2P(\nu>|x|/\lambda)$ for symmetric noise: exactly 0 "
    r"once $\lambda\le|x|$ for uniform and triangular noise, $\mathrm{erfc}(|x|/(\lambda\sqrt2))$ for Gaussian noise, "
    r"$e^{-|x|/\lambda}$ for Laplace noise, of order $\lambda$ for Cauchy noise.",
    source=f"{SOURCE}, T62b; the last two are ours",
    hypotheses=(
        f"scales {', '.join(map(str, SCALES))}",
        r"$E\,\mathrm{sgn}(x+\lambda\nu)$ as T62a proves it, with $-P(\nu>x)'$ the density",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _t62b(sp.Rational(101, 100)),
)
def gap_of_a_noisy_sign() -> Verdict:
    """Compare 1 - E sgn(x + noise) with twice the tail, whose slope is the density."""
    return _t62b(sp.S.One)


# ------------------------------------------------------------------- T62b: several Lipschitz layers

Vector = tuple[Fraction, ...]


@dataclass(frozen=True)
class Ramps:
    """A piecewise linear function: slope * x plus jumps of slope; ``lip`` its Lipschitz constant."""

    slope: Fraction
    kinks: tuple[tuple[Fraction, Fraction], ...]
    lip: Fraction

    def __call__(self, z: Fraction, noise: Fraction) -> Fraction:
        """Exact mean over noise uniform on [-noise, noise]."""
        total = self.slope * z
        for place, jump in self.kinks:
            away = z - place
            if abs(away) < noise:
                total += jump * (away + noise) ** 2 / (4 * noise)
            elif away > 0:
                total += jump * away
        return total


def clip(a: Fraction) -> Ramps:
    """h_a + 1, up to the constant that no difference sees."""
    return Ramps(Fraction(0), ((-a, 1 / a), (a, -1 / a)), 1 / a)


def modulus(a: Fraction) -> Ramps:
    """Return a |x|: at its kink the noise costs all that the bound allows."""
    return Ramps(-a, ((Fraction(0), 2 * a),), a)


@dataclass(frozen=True)
class Layer:
    """Weights, function and size of the noise."""

    weights: tuple[Vector, ...]
    function: Ramps
    noise: Fraction

    @property
    def norm(self) -> Fraction:
        """Largest absolute row sum: the norm for largest entries."""
        return max(sum((abs(a) for a in row), Fraction(0)) for row in self.weights)


def _passed(layers: tuple[Layer, ...], inputs: Vector, noisy: bool) -> Vector:
    for layer in layers:
        sums = [
            sum((a * b for a, b in zip(row, inputs, strict=True)), Fraction(0))
            for row in layer.weights
        ]
        inputs = tuple(layer.function(z, layer.noise if noisy else Fraction(0)) for z in sums)
    return inputs


def _cases() -> Iterator[tuple[tuple[Layer, ...], Vector]]:
    """Sharp ones first, a single noisy |x| at its kink below noiseless layers; then rational networks at random."""
    one = (Fraction(1),)
    for lips in product((Fraction(1, 2), Fraction(1), Fraction(3)), repeat=2):
        first = Layer(((Fraction(2),),), modulus(lips[0]), Fraction(1, 4))
        second = Layer(((Fraction(-5, 2),),), modulus(lips[1]), Fraction(0))
        yield (first, second), (Fraction(0),)
        yield (Layer((one,), modulus(lips[0]), Fraction(1, 3)),), (Fraction(0),)
    random = np.random.Generator(np.random.Philox(key=62))

    def fractions(*shape: int) -> tuple[Fraction, ...]:
        return tuple(Fraction(int(k), 8) for k in random.integers(-16, 17, np.prod(shape)))

    for _ in range(300):
        layers = []
        for _ in range(int(random.integers(1, 4))):
            flat, kind = fractions(2, 2), (clip, modulus)[int(random.integers(2))]
            size, noise = Fraction(int(random.integers(1, 9)), 4), int(random.integers(1, 9))
            layers.append(Layer((flat[:2], flat[2:]), kind(size), Fraction(noise, 16)))
        yield tuple(layers), fractions(2)


def _composed(power: int, share: Fraction = Fraction(1)) -> Verdict:
    """Compare with a share of sum_l prod_{j>l} Lip_j |A_j| Lip_l^power lambda_l E|nu|; one noisy |x| attains it."""
    count = 0
    for layers, inputs in _cases():
        count += 1
        exact, noisy = (_passed(layers, inputs, noise) for noise in (False, True))
        error = max(abs(a - b) for a, b in zip(exact, noisy, strict=True))
        bound = Fraction(0)
        for layer in layers:
            bound = layer.function.lip * layer.norm * bound
            bound += share * layer.function.lip**power * layer.noise / 2
        if error > bound:
            shown = ", ".join(f"Lip {layer.function.lip}, noise {layer.noise}" for layer in layers)
            witness = f"layers ({shown}): error {error}, bound {bound}"
            return Verdict(Grade.REFUTED, f"fails at case {count}", witness, TRUSTS)
    return Verdict(Grade.AGREES, f"holds in all {count} cases, in rationals", None, TRUSTS)


@claim(
    "T62b.composition",
    statement=r"Lipschitz layers: $\sup|F_\lambda-F|\le\sum_l\big(\prod_{j>l}\mathrm{Lip}|A_j|\big)\lambda_lE|\nu_l|$.",
    source=f"{SOURCE}, T62b",
    hypotheses=(
        r"the corrected bound by induction: $|\sigma_\lambda(Aa')-\sigma(Aa)|\le\mathrm{Lip}|A||a'-a|"
        r"+\mathrm{Lip}\,\lambda E|\nu|$, as smoothing keeps the Lipschitz constant",
        "checked with uniform noise, where means are rational: 300 networks of one to three layers of hardtanh or "
        r"$a|x|$, and chains of $a|x|$ at its kink, which attain the corrected bound",
    ),
    aims_at=Grade.REFUTED_AS_PRINTED,
    mutant=lambda: erratum(printed=_composed(0), corrected=_composed(1, Fraction(99, 100))),
    correction=r"$\sup|F_\lambda-F|\le\sum_l\big(\prod_{j>l}\mathrm{Lip}_j|A_j|\big)\mathrm{Lip}_l\lambda_lE|\nu_l|$: "
    "the noise passes through the function of its own layer; the printed bound holds for Lipschitz constants up to 1.",
)
def noise_through_layers() -> Verdict:
    """Exact means of piecewise linear networks; the mutant's correction is 1 % too small."""
    return erratum(printed=_composed(0), corrected=_composed(1))


# ------------------------------------------------------------------- T62c: sign networks

FIRST = (Fraction(1, 3), Fraction(1), Fraction(-7, 2))
"""Pre-activations of the first layer."""


def _clipped(z: Fraction, noise: Fraction) -> Fraction:
    """E sgn(z + uniform noise on [-noise, noise])."""
    return max(Fraction(-1), min(Fraction(1), z / noise))


def _outputs(
    rows: tuple[int, ...], out: tuple[int, ...], factor: Fraction
) -> tuple[Fraction, Fraction]:
    """Output without and with noise of ``factor`` times the least noiseless pre-activation of each layer."""
    exact, noisy = list(FIRST), list(FIRST)
    for layer in ((rows[:3], rows[3:6], rows[6:]), (out,), ()):
        size = factor * min(abs(z) for z in exact)
        exact = [Fraction(1 if z > 0 else -1) for z in exact]
        noisy = [_clipped(z, size) for z in noisy]
        if layer:
            exact, noisy = (
                [sum((a * b for a, b in zip(row, side, strict=True)), Fraction(0)) for row in layer]
                for side in (exact, noisy)
            )
    return exact[0], noisy[0]


def _t62c(factor: Fraction) -> Verdict:
    signs = tuple(product((-1, 1), repeat=3))
    cases = [{"rows": rows, "out": out} for rows in product((-1, 1), repeat=9) for out in signs]
    return exhaustive(
        cases,
        lambda rows, out: _outputs(rows, out, factor)[1],
        lambda rows, out: _outputs(rows, out, factor)[0],
    )


@claim(
    "T62c",
    statement=r"$F=\mathrm{sgn}\circ A_L\circ\dots$: where no pre-activation $z_{l,i}$ vanishes, "
    r"$F_\lambda(x)\to F(x)$ for any joint $\lambda\to0$; with uniform noise $F_\lambda(x)=F(x)$ exactly as soon as "
    r"$\lambda_l\le\min_i|z_{l,i}|$ for every $l$.",
    source=f"{SOURCE}, T62c",
    hypotheses=(
        r"uniform noise: induction over layers, carried out for every $\pm1$ network with two hidden layers of three "
        r"neurons above pre-activations $1/3,1,-7/2$, with $\lambda_l=\min_i|z_{l,i}|$",
        r"other noise: $2P(\nu>|z'|/\lambda)\to0$ for $z'\to z\ne0$, layer by layer (T62b)",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _t62c(Fraction(101, 100)),
)
def annealing_is_exact_off_ties() -> Verdict:
    """Run every network in rationals; the mutant's noise is 1 % larger."""
    return _t62c(Fraction(1))


# ------------------------------------------------------------------- T62c: ties

noise, ease = sp.symbols("lambda kappa", positive=True)
# Two neurons of opposite signs meet in a tie; under Cauchy noise of size l they leave (2/pi)(1/|b| - 1/a) l = l.
ABOVE, BELOW = 2 / sp.pi, 1 / sp.pi


def _tie(second: sp.Expr, stated: sp.Expr) -> Verdict:
    """Limit of E sgn(E sgn(a + noise) + E sgn(-b + noise)) for noise ``noise`` and then ``second``."""
    rest = 2 / sp.pi * (sp.atan(noise / BELOW) - sp.atan(noise / ABOVE))
    return _exactly(sp.limit(2 / sp.pi * sp.atan(rest / second), noise, 0, "+"), stated)


def _ties(equal: sp.Expr) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        left = 2 / sp.pi * (sp.atan(noise / BELOW) - sp.atan(noise / ABOVE))
        yield "error of the first layer", _exactly(sp.limit(left / noise, noise, 0, "+"), sp.S.One)
        yield "equal noise", _tie(noise, equal)
        yield "equal noise, to a factor", _tie(ease * noise, 2 / sp.pi * sp.atan(1 / ease))
        yield "first layer annealed faster", _tie(sp.sqrt(noise), sp.S.Zero)
        yield "first layer annealed more slowly", _tie(noise**2, sp.S.One)
        yield "chance of a tie", _chance()

    return every(parts())


def _chance() -> Verdict:
    """P(m signs add up to 0) against sqrt(2/(pi m)), for even m: below it, by less than 1/(4m)."""
    for k in range(1, 13):
        m = 2**k
        ratio = math.comb(m, m // 2) / 2**m * math.sqrt(math.pi * m / 2)
        if not 1 - 1 / (4 * m) < ratio < 1:
            witness = f"m = {m}: ratio {ratio}"
            return Verdict(Grade.REFUTED, "the stated order fails", witness, TRUSTS)
    return Verdict(Grade.AGREES, "relative error within 1/(4m), m = 2, 4, ..., 4096", None, TRUSTS)


@claim(
    "T62c.ties",
    statement=r"A tie $z_{l+1,i}=0$ has probability about $\sqrt{2/(\pi m)}$ for even fan-in $m$. The noisy network "
    r"then tends to $1-2F(0)$ iff the error $e_l$ of the layer below is $o(\lambda_{l+1})$; with "
    r"$e_1=\lambda_1=\lambda_2$ it tends to $1-2F(-1)$: layers below must be annealed faster.",
    source=f"{SOURCE}, T62c with its counterexample",
    hypotheses=(
        r"Cauchy noise; two neurons with $z=2/\pi$ and $-1/\pi$, whose errors leave $e_1\sim\lambda_1$ in their sum; "
        r"$1-2F(-1)=\frac12$, against $1-2F(0)=0$",
        r"$e_1/\lambda_2\to1/\kappa$ gives $\frac2\pi\arctan\frac1\kappa$, 0 for $\kappa=\infty$ alone",
        "chance of a tie by the exact binomial law",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: _ties(sp.S.Zero),
)
def ties_need_the_right_order() -> Verdict:
    """Take the limits; the mutant's tie is resolved at equal noise."""
    return _ties(sp.Rational(1, 2))
