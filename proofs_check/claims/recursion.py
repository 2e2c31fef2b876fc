"""Kernel recursions and what they do to asymmetry (asymmetric-kernels.md, section 2)."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import sympy as sp

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.identity import Along, identity
from proofs_check.notation import COVARIANCES, VARIANCES, c, chart, noise, p, q
from proofs_check.verdict import Grade, Verdict, every
from theory.activations import Activation, catalogue
from theory.gaussian import expectation
from theory.kernels import Architecture, KernelExpression, kernel_expression

SECTION = "asymmetric-kernels.md, section 2"
PAIRS = (
    (th.sign(), th.hardtanh(1)),
    (th.hardtanh("1/2"), th.hardtanh(1)),
    (th.erf(2), th.hardtanh(1)),
    (th.relu(), th.erf(1)),
)
JACOBIANS = (("true", "surrogate"), ("true", "true"), ("surrogate", "surrogate"))
s_w, s_b = sp.symbols("s_{w} s_{b}", positive=True)
g12 = sp.Symbol("g_{12}", real=True)

Terms = dict[int, sp.Expr]


def moments(layer: int) -> tuple[sp.Symbol, sp.Symbol, sp.Symbol]:
    """Return the symbols Sigma^layer at (x,x), (x',x'), (x,x') as the derived recursion names them."""
    stem = rf"\Sigma^{{({layer})}}_"
    return (
        sp.Symbol(f"{stem}{{x x}}", positive=True),
        sp.Symbol(f"{stem}{{x' x'}}", positive=True),
        sp.Symbol(f"{stem}{{x x'}}", real=True),
    )


def below(expr: sp.Expr, layer: int) -> sp.Expr:
    """Return a Gaussian expectation at the covariance of the layer below ``layer``."""
    return expr.subs(dict(zip((p, q, c), moments(layer - 1), strict=True)), simultaneous=True)


def recursion(arch: Architecture, pair: tuple[str, str]) -> dict[str, sp.Expr]:
    """Return the derived right-hand sides by name, Theta with earlier Thetas substituted."""
    derived: KernelExpression = kernel_expression(arch, "ntk", pair)
    thetas: dict[sp.Expr, sp.Expr] = {}
    found = {}
    for equation in derived.equations:
        found[str(equation.lhs)] = equation.rhs.xreplace(thetas)
        if str(equation.lhs).startswith(r"\Theta"):
            thetas[equation.lhs] = found[str(equation.lhs)]
    return found


def explicit_sum(hidden: int, sigma: Terms, slope: Terms) -> sp.Expr:
    """Return sum_{l=1}^{L+1} Sigma^l prod_{k=l+1}^{L+1} D^k."""
    top = hidden + 1
    return sp.Add(
        *(sigma[l] * sp.Mul(*(slope[k] for k in range(l + 1, top + 1))) for l in range(1, top + 1))
    )


def _t5(total: Callable[[int, Terms, Terms], sp.Expr]) -> Verdict:
    return every(
        (f"L = {hidden}, {f}, {g}, {pair}: {name}", verdict)
        for hidden in (0, 1, 2)
        for f, g in (PAIRS if hidden else PAIRS[:1])
        for pair in JACOBIANS
        for name, verdict in compared(hidden, f, g, pair, total)
    )


def compared(
    hidden: int,
    f: Activation,
    g: Activation,
    pair: tuple[str, str],
    total: Callable[[int, Terms, Terms], sp.Expr],
) -> Iterator[tuple[str, Verdict]]:
    """Compare the derived recursion with the printed one, equation by equation."""
    arch = Architecture(
        hidden_layers=hidden, activation=f, surrogate=g, weight_std=1.2, bias_std=0.3
    )
    derived = recursion(arch, pair)
    jacobian = {"true": f.derivative, "surrogate": g.derivative}
    dual = expectation(f, f).expr
    mean_square = expectation(f, f).on_line(1).subs(q, p)
    slope_dual = expectation(*(jacobian[side] for side in pair)).expr
    box = {s_w: (0, 2), s_b: (0, 2), g12: (-1, 1)}
    for layer in range(1, hidden + 2):
        xx, yy, xy = moments(layer)
        box |= {xx: (1, 4), yy: (1, 4), xy: (-1, 1)}
    domain = Domain(box)
    sigma, slope = {1: s_w**2 * g12 + s_b**2}, {}
    for layer in range(2, hidden + 2):
        printed = (
            mean_square.subs(p, moments(layer - 1)[0]),
            mean_square.subs(p, moments(layer - 1)[1]),
        )
        for symbol, mean in zip(moments(layer), (*printed, below(dual, layer)), strict=True):
            value = s_w**2 * mean + s_b**2
            yield str(symbol), identity(derived[str(symbol)], value, on=domain, points=2)
        sigma[layer] = s_w**2 * below(dual, layer) + s_b**2
        slope[layer] = s_w**2 * below(slope_dual, layer)
    theta = derived[rf"\Theta^{{({hidden + 1})}}_{{x x'}}"]
    yield "Theta", identity(theta, total(hidden, sigma, slope), on=domain, points=2)


def shifted_sum(hidden: int, sigma: Terms, slope: Terms) -> sp.Expr:
    """Return the sum with the readout's own term left out wherever a hidden layer exists."""
    return explicit_sum(hidden, sigma, slope) - (sigma[hidden + 1] if hidden else 0)


@claim(
    "T5",
    statement=r"$\Theta_{ts}^{l+1}=\Sigma^{l+1}+\Theta_{ts}^lD_{ts}^{l+1}$ with $\Sigma^{l+1}=s_w^2"
    r"E[\sigma(u)\sigma(v)]+s_b^2$, $D_{ts}^{l+1}=s_w^2E[\sigma'(u)\tau(v)]$. Explicitly $L=0$: $\Sigma^1$; "
    r"$L=1$: $\Sigma^2+\Sigma^1D^2$; $L=2$: $\Sigma^3+\Sigma^2D^3+\Sigma^1D^2D^3$.",
    source=f"{SECTION}, T5",
    hypotheses=(
        "$L=0,1,2$; pairs sign and hardtanh, hardtanh and hardtanh, erf and hardtanh, ReLU and erf; "
        "all of $K_{ts},K_{tt},K_{ss}$",
        "that the recursion is the limit of networks is not part of this claim",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _t5(shifted_sum),
)
def recursion_gives_explicit_sums() -> Verdict:
    """Compare every derived equation, layer moments kept as symbols."""
    return _t5(explicit_sum)


T7_ORDERS = 6
T7_PAIRS = (
    (th.sign(), th.hardtanh(1)),
    (th.hardtanh("1/2"), th.hardtanh(1)),
    (th.relu(), th.erf(1)),
    (th.staircase((-1, 0, 1), (-3, -1, 1, 3)), th.triangle(1)),
)


def hermite(order: int) -> Activation:
    """Return He_order as an activation."""
    x = th.identity()
    one = x.derivative
    known = [one, x]
    for n in range(1, order):
        known.append(x * known[n] - n * known[n - 1])
    return known[order]


def _t7(norm: Callable[[int], sp.Expr]) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        nowhere = Domain({})
        for f, g in T7_PAIRS:
            first, second = f.derivative, g.derivative
            series = expectation(first, second).expr.subs({p: 1, q: 1})
            for k in range(T7_ORDERS + 1):
                a_k, b_k = (expectation(h * hermite(k)).expr.subs(p, 1) for h in (first, second))
                taylor = sp.diff(series, c, k).subs(c, 0) / sp.factorial(k)
                yield f"{f}, {g}, order {k}", identity(taylor, a_k * b_k / norm(k), on=nowhere)

    return every(parts())


@claim(
    "T7",
    statement=r"On unit variances, with $\sigma'=\sum a_k\mathrm{He}_k/\sqrt{k!}$ and "
    r"$\tau=\sum b_k\mathrm{He}_k/\sqrt{k!}$: $E[\sigma'(u)\tau(v)]=\sum_k a_kb_k\rho^k$.",
    source=f"{SECTION}, T7",
    hypotheses=(
        f"coefficients of order 0 to {T7_ORDERS}; pairs "
        + ", ".join(f"{f} and {g}" for f, g in T7_PAIRS),
        "a Dirac mass in $\\sigma'$ is paired with $\\mathrm{He}_k$ as a distribution",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _t7(lambda _: sp.S.One),
)
def hermite_coefficients() -> Verdict:
    """Differentiate the two-dimensional form; derive one-dimensional Hermite moments."""
    return _t7(sp.factorial)


SURROGATES = ("hardtanh(1)", "erf(1)", "triangle(1)", "relu", "identity")


def _t8_sphere(second_variance: sp.Expr) -> Verdict:
    """Compare D(x,x') with D(x',x), each derived by its own run of the engine."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        known = catalogue()
        for name, f in known.items():
            for other in SURROGATES:
                first, second = f.derivative, known[other].derivative
                forward = expectation(first, second).expr.subs(q, second_variance)
                # D(x',x): tau reads the first variable, sigma' the second.
                backward = expectation(second, first).expr.subs(q, second_variance)
                where = {**chart(noise(f)), q: second_variance.subs(p, chart(noise(f))[p])}
                domain = Domain({p: (1, 3), c: (-1, 1)})
                yield (
                    f"{name}, {other}",
                    identity(forward, backward, on=domain, chart=where, along=Along(c), points=3),
                )

    return every(parts())


@claim(
    "T8.i",
    statement=r"On any sphere (equal norms) $D(x,x')=s_w^2E[\sigma'(u)\tau(v)]$ is symmetric under "
    r"$x\leftrightarrow x'$, so the limit kernel is symmetric for every $\sigma,\tau$ and every depth.",
    source=f"{SECTION}, T8(i)",
    hypotheses=(
        "$\\sigma$ over the catalogue, $\\tau=T'$ for $T$ in " + ", ".join(SURROGATES),
        "depth by induction on T5: equal variances in one layer give equal variances in the next",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _t8_sphere(2 * p),
)
def symmetric_on_spheres() -> Verdict:
    """Derive D with the two functions in either order."""
    return _t8_sphere(p)


def _t8_sign(first_asymmetric: int) -> Verdict:
    arch = Architecture(
        hidden_layers=3,
        activation=th.sign(),
        surrogate=th.hardtanh(1),
        weight_std=1.2,
        bias_std=0.3,
    )
    derived = recursion(arch, ("true", "surrogate"))
    slope = expectation(th.sign().derivative, th.hardtanh(1).derivative).expr

    def parts() -> Iterator[tuple[str, Verdict]]:
        for layer in range(2, 5):
            for symbol in moments(layer)[:2]:
                value = derived[str(symbol)]
                domain = Domain({s_w: (0, 2), s_b: (0, 2)})
                yield str(symbol), identity(value, s_w**2 + s_b**2, on=domain)
        for layer in range(first_asymmetric, 5):
            sigma = moments(layer - 1)
            equal = s_w**2 + s_b**2 if layer > 2 else None
            ends = {symbol: symbol if equal is None else equal for symbol in sigma[:2]}
            here = below(slope, layer)
            there = slope.subs(
                dict(zip((p, q, c), (sigma[1], sigma[0], sigma[2]), strict=True)), simultaneous=True
            )
            domain = Domain(
                {s_w: (1, 2), s_b: (0, 2), sigma[0]: (1, 3), sigma[1]: (1, 3), sigma[2]: (-1, 1)}
            )
            yield f"D^{layer} exchanged", identity(here.subs(ends), there.subs(ends), on=domain)

    return every(parts())


@claim(
    "T8.ii",
    statement=r"If $\sigma=\operatorname{sign}$, then $\Sigma^l(x,x)=s_w^2+s_b^2$ for all $l\ge2$, so all "
    r"$D^l$ with $l\ge3$ are symmetric and the only asymmetric factor is $D^2$.",
    source=f"{SECTION}, T8(ii)",
    hypotheses=("surrogate $h_1'$", "layers 2, 3, 4; later ones repeat the same equation"),
    aims_at=Grade.PROVED,
    mutant=lambda: _t8_sign(2),
)
def sign_is_asymmetric_once() -> Verdict:
    """Read the diagonals off the recursion; exchange the inputs in each factor."""
    return _t8_sign(3)


def _t9(variance: sp.Expr) -> Verdict:
    one = th.identity().derivative

    def parts() -> Iterator[tuple[str, Verdict]]:
        for name, f in catalogue().items():
            pair = expectation(f.derivative, one).expr
            mean = expectation(f.derivative).expr
            yield (
                f"{name} depends on x only",
                identity(pair, mean, on=COVARIANCES, chart=chart(noise(f)), points=3),
            )
        diagonal = expectation(th.sign().derivative, one).expr
        both = replace(VARIANCES, box=dict(VARIANCES.box))
        yield "sign", identity(diagonal, sp.sqrt(2 / (sp.pi * variance)), on=both, chart=chart())
        arch = Architecture(
            activation=th.sign(),
            surrogate=th.identity(),
            hidden_layers=1,
            weight_std=1.2,
            bias_std=0.3,
        )
        derived = recursion(arch, ("true", "surrogate"))
        xx, yy, xy = moments(1)
        sigma = {1: s_w**2 * g12 + s_b**2, 2: derived[str(moments(2)[2])]}
        scaling = s_w**2 * sp.sqrt(2 / (sp.pi * variance.subs({p: xx, q: yy})))
        domain = Domain(
            {s_w: (0, 2), s_b: (0, 2), g12: (-1, 1), xx: (1, 3), yy: (1, 3), xy: (-1, 1)}
        )
        theta = derived[r"\Theta^{(2)}_{x x'}"]
        yield "Theta^2", identity(theta, sigma[2] + scaling * sigma[1], on=domain)

    return every(parts())


@claim(
    "T9",
    statement=r"Identity STE, $\tau=1$: $D(x,x')=s_w^2E[\sigma'(u)]$ depends on $x$ only, so "
    r"$\Theta^2=\Sigma^2+\mathrm{Diag}_x\Sigma^1$; for sign, $\mathrm{Diag}=s_w^2\sqrt{2/(\pi q_x)}$.",
    source=f"{SECTION}, T9",
    hypotheses=("$\\sigma$ over the catalogue", "one hidden layer"),
    aims_at=Grade.PROVED,
    mutant=lambda: _t9(q),
)
def identity_surrogate_scales_rows() -> Verdict:
    """Derive with a constant surrogate derivative."""
    return _t9(p)
