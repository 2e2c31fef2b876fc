"""Which tangent kernel each training algorithm has in the wide limit: constants, and one real step (T11)."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import sympy as sp
from numpy.typing import NDArray

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.identity import identity
from proofs_check.methods.statistics import Comparison, z_tests
from proofs_check.verdict import Grade, Verdict, every
from theory.activations import Activation
from theory.arithmetic import phi
from theory.estimate import Estimate
from theory.gaussian import expectation
from theory.quantized.network import Network
from theory.quantized.proximal_trainers import ProxConnect, SignSwishSlope, Window
from theory.quantized.quantizers import PAR, Identity, PiecewiseLinear, Projection, SignSwish
from theory.quantized.tangent import Tangent, tangents
from theory.quantized.trainer import Batch

SOURCE = "asymmetric-kernels.md, T11"
Float = NDArray[np.float64]
HALF = sp.Rational(1, 2)


def mean(f: Activation) -> sp.Expr:
    """E f(W), W ~ N(0, 1), derived."""
    engine = expectation(f)
    return engine.expr.subs(dict.fromkeys(engine.expr.free_symbols, 1))


# Algorithm -> (v, m) in closed form. P(|W| > h) = 2 Phi(-h); E W^2 1{|W| < h} = erf(h/sqrt 2) - 2 h phi(h).
ROOT = sp.sqrt(2 / sp.pi)


def closed_forms() -> dict[str, tuple[sp.Expr, sp.Expr]]:
    """Return v and m by algorithm, for those whose omega is a piecewise polynomial."""
    within = sp.erf(HALF / sp.sqrt(2))
    square = within - phi(HALF)  # E W^2 1{|W| < 1/2}
    return {
        "full precision": (sp.S.One, sp.S.One),
        "BinaryConnect": (sp.S.One, ROOT),
        "BNN": (sp.S.One, ROOT),
        "ternary BinaryConnect": (1 - within, 2 * phi(HALF)),
        "ProxConnect (rho = 1/2)": (4 * square + 1 - within, 2 * within),
    }


def _constants(factor: sp.Expr) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        for name, (v, m) in closed_forms().items():
            pair = tangents()[name]
            slopes = pair.forward.derivative * pair.surrogate.derivative
            yield f"v of {name}", identity(mean(pair.forward * pair.forward), v, on=Domain({}))
            yield f"m of {name}", identity(mean(slopes), factor * m, on=Domain({}))

    return every(parts())


@claim(
    "T11.algorithms",
    statement=r"The tangent kernel of an algorithm that moves latent weights by $-\eta B(u)\nabla\ell(\omega(u))$ has "
    r"$v=E\omega(W)^2$ and $m=E\omega'(W)B(W)$: BinaryConnect and BNN alike $v=1$, $m=\sqrt{2/\pi}$ (at initialisation "
    r"their windows do not matter); ternary BinaryConnect $v=1-\mathrm{erf}\frac1{2\sqrt2}$, $m=2\varphi(\frac12)$; "
    r"ProxConnect with $\rho=\frac12$ $m=2\,\mathrm{erf}\frac1{2\sqrt2}$, $v=1+3\,\mathrm{erf}\frac1{2\sqrt2}-"
    r"4\varphi(\frac12)$.",
    source=SOURCE,
    hypotheses=(r"latent weights $N(0,1)$; $\omega$ with levels $\pm1$ or $0,\pm1$",),
    aims_at=Grade.PROVED,
    mutant=lambda: _constants(sp.Rational(99, 100)),
)
def constants_of_algorithms() -> Verdict:
    """Derive both expectations; the mutant's m is 1 % low."""
    return _constants(sp.S.One)


# ------------------------------------------------------------------- one real step

INPUTS, NETWORKS = 20_000, 60
TRAINERS = {
    "full precision": ProxConnect(Identity()),
    "BinaryConnect": ProxConnect(Projection((-1, 1))),
    "BNN": ProxConnect(Projection((-1, 1)), Window()),
    "BNN+ (beta = 5)": ProxConnect(Projection((-1, 1)), SignSwishSlope(5)),
    "BNN++ (beta = 5)": ProxConnect(SignSwish(5), SignSwishSlope(5)),
    "ternary BinaryConnect": ProxConnect(Projection((-1, 0, 1))),
    "ProxConnect (rho = 1/2)": ProxConnect(PiecewiseLinear((-1, 1), 0.5)),
    "ternary ProxConnect (rho = 1/4)": ProxConnect(PiecewiseLinear((-1, 0, 1), 0.25)),
    "AProx (a = 1/2)": ProxConnect(PAR((-1, 0, 1), (0.5,))),
}


def stepped(trainer: ProxConnect, seed: int) -> Estimate:
    """Change of the outputs at two inputs by one step on a linear network, over -rate times the residual at one.

    The tangent kernel without hidden layers is m <x, x'>/d. The step moves latent weights by 0.01, or by 0.01 where the
    derivative of SignSwish is largest: over this Gaussian densities and that derivative change by less than 0.2 %.
    """
    network = Network((INPUTS, 1), th.identity(), bias=False)
    draws = np.random.Generator(np.random.Philox(key=[seed, 11]))
    X = np.stack([np.ones(INPUTS), 0.5 + (np.arange(INPUTS) % 2)])
    largest = trainer.backward.beta if isinstance(trainer.backward, SignSwishSlope) else 1.0
    rate = 0.01 / largest * np.sqrt(INPUTS)
    moving = replace(trainer, rate=rate, sharpness=1)
    seen = []
    for _ in range(NETWORKS):
        state = moving.start_at(draws.standard_normal(INPUTS))
        before = network.outputs(moving.quantized(state), X)[:, 0]
        # A target below the output by 1: the gradient at every weight is 1/sqrt(d).
        batch = Batch(network, X[:1], np.array([[before[0] - 1.0]]))
        after = network.outputs(moving.quantized(moving.step(state, batch)), X)[:, 0]
        seen.append(-(after - before) / rate)
    return Estimate.of_mean(np.array(seen))


def predicted(pair: Tangent) -> Float:
    """The kernel between the trained input (ones) and both inputs."""
    return pair.step * np.array([1.0, 1.0])


def _sampled(factor: float, seed: int) -> Verdict:
    table = tangents()
    comparisons = [
        Comparison(name, stepped(trainer, seed + k), factor * predicted(table[name]))
        for k, (name, trainer) in enumerate(TRAINERS.items())
        if name != "full precision"
    ]
    return z_tests(comparisons, false_alarm=1e-6, must_see=0.15)


@claim(
    "T11.steps",
    statement=r"One step of each algorithm on a linear network with latent weights $N(0,1)$ changes outputs by "
    r"$-\eta\,m\frac{\langle x,x'\rangle}dr$ on average, $m$ its constant of T11.algorithms.",
    source=SOURCE,
    hypotheses=(
        "20000 inputs, 60 networks, two inputs of unequal norms; nine algorithms but full precision, which is exact",
        "latent weights move by at most 0.01, over which densities and surrogates change by less than 0.2 %",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _sampled(1.25, seed),
)
def one_step_follows_the_kernel(seed: int = 0) -> Verdict:
    """Take the trainers' own step; the mutant's kernel is 25 % larger."""
    return _sampled(1.0, seed)
