"""ProxConnect as a dual method, its telescoping identity, and the flip certificate of BinaryConnect (S3, S4, S5)."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.verdict import Grade, Verdict, every
from theory.quantized.flips import flip_certificate
from theory.quantized.maps import Regulariser
from theory.quantized.network import Network
from theory.quantized.proximal_trainers import ProxConnect
from theory.quantized.quantizers import PAR, Levels, Projection, projection
from theory.quantized.schedules import Schedule
from theory.quantized.trainer import Batch

Array = NDArray[Any]
SOURCE = "quantized-training.md, section 1"
F = Fraction
D, SAMPLES = 3, 4
STEPS = 60


def exact(values: Any) -> Array:
    """Return an object array of fractions."""
    return np.vectorize(F, otypes=[object])(np.asarray(values))


def problem(seed: int, d: int = D) -> Batch:
    """Least squares of a linear neuron with small integer data: a convex loss with rational gradients."""
    draws = np.random.Generator(np.random.Philox(key=seed))
    network = Network((d, 1), th.identity(), bias=False, scaled=False)
    X = draws.integers(-2, 3, (SAMPLES, d))
    return Batch(network, exact(X), exact(draws.integers(-3, 4, (SAMPLES, 1))))


def start(seed: int, d: int = D) -> Array:
    """Rational latent weights, none of them 0."""
    draws = np.random.Generator(np.random.Philox(key=[seed, 1]))
    return exact(2 * draws.integers(-8, 8, d) + 1) / F(7)


QUANTIZERS: tuple[Levels, ...] = (
    PAR((-1, 0, 1), (F(1, 3),)),
    PAR((-1, F(-1, 2), 0, F(1, 2), 1), (F(1, 8), F(1, 3))),
    Projection((-1, 0, 1)),
    Projection((-1, 1)),
)


# ------------------------------------------------------------------- S3: the dual method


@dataclass(frozen=True)
class Harmonic(Schedule):
    """lambda_t = 1/(t + 5), or the step sizes lambda_t/pi_t that it makes."""

    offset: int = 5

    def averaging(self, step: int) -> Fraction:
        """Return lambda_t."""
        return F(1, step + self.offset)

    def __call__(self, step: int) -> Fraction:
        """Return eta_t = lambda_t/pi_t, pi_t the product of the 1 - lambda_s: here 1/(offset - 1), constant."""
        pi = F(1)
        for s in range(step + 1):
            pi *= 1 - self.averaging(s)
        return self.averaging(step) / pi


def connected(quantizer: Levels, seed: int) -> tuple[Any, ...]:
    """Weights w_t and sharpness mu_t of the library's ProxConnect, step by step."""
    trainer, batch = ProxConnect(quantizer, rate=Harmonic()), problem(seed)
    state, seen = trainer.start_at(start(seed)), []
    for _ in range(STEPS):
        seen += [*trainer.quantized(state), F(state["mu"])]
        state = trainer.step(state, batch)
    return tuple(map(F, seen))


def dual(quantizer: Levels, seed: int, slip: Fraction) -> tuple[Any, ...]:
    """The same from v_(t+1) = (1 - lambda) v - lambda grad(w), w the exact minimiser of pi z^2/2 - v z + r(z)."""
    r = Regulariser.of(quantizer.map(1))
    batch, v, pi, seen = problem(seed), start(seed), F(1), []
    for t in range(STEPS):
        w = exact([nearer(r.minimisers(entry / pi, 1 / pi)) for entry in v])
        seen += [*w, 1 / pi]
        rate = Harmonic().averaging(t)
        v = (1 - slip * rate) * v - rate * batch.gradient(w)
        pi *= 1 - rate
    return tuple(seen)


def nearer(minimisers: list[Fraction]) -> Fraction:
    """Return the minimiser nearer 0, the right one of two equally near: the choice of the library at a jump."""
    return min(minimisers, key=lambda z: (abs(z), -z))


def _s3(slip: Fraction) -> Verdict:
    cases = [{"quantizer": q, "seed": s} for q in QUANTIZERS for s in range(3)]
    return exhaustive(cases, connected, lambda quantizer, seed: dual(quantizer, seed, slip))


@claim(
    "S3",
    statement=r"ProxConnect $w_t=P_r^{\mu_t}(u_t)$, $u_{t+1}=u_t-\eta_t\nabla\ell(w_t)$ is the generalised conditional "
    r"gradient method on the dual, rescaled: $v_{t+1}=(1-\lambda_t)v_t-\lambda_t\nabla\ell(w_t)$, "
    r"$w_t=\arg\max_z\langle v_t,z\rangle-r(z)-\frac{\pi_{t-1}}2z^2$, with $u_t=v_t/\pi_{t-1}$, "
    r"$\eta_t=\lambda_t/\pi_t$, $\pi_t=\prod_{s\leq t}(1-\lambda_s)$ and $\mu_t=1/\pi_{t-1}=1+\sum_{s<t}\eta_s$.",
    source=f"{SOURCE}, S3",
    hypotheses=(
        "60 steps on three least-squares problems in rationals, two PAR regularisers and two projections, "
        r"$\lambda_t=1/(t+5)$; the dual side minimises over the emitted $r$ and knows no proximal map",
        r"the recursion itself: $u_{t+1}=v_{t+1}/\pi_t=v_t/\pi_{t-1}-(\lambda_t/\pi_t)\nabla\ell$",
        "ProxConnect's update is recalled, not read",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _s3(F(99, 100)),
)
def prox_connect_is_dual_conditional_gradient() -> Verdict:
    """Run both forms in rationals; the mutant forgets 1 % of the averaging."""
    return _s3(F(1))


# ------------------------------------------------------------------- S4: the identity


def telescoped(
    quantizer: Levels, seed: int, first: int, last: int, residual: Fraction
) -> tuple[Fraction, Fraction]:
    """Both sides of the identity for arbitrary vectors g_t, step sizes, and every comparison point of a few."""
    draws = np.random.Generator(np.random.Philox(key=[seed, 2]))
    r = Regulariser.of(quantizer.map(1))
    gradients = [exact(draws.integers(-9, 10, D)) / F(4) for _ in range(last + 1)]
    rates = [F(int(draws.integers(1, 9)), 8) for _ in range(last + 1)]
    u, mu = [start(seed)], [F(1)]
    for g, eta in zip(gradients, rates, strict=True):
        u.append(u[-1] - eta * g)
        mu.append(mu[-1] + eta)
    w = [quantizer.map(m)(latent) for m, latent in zip(mu, u, strict=True)]
    point = exact([quantizer.levels[k] for k in draws.integers(0, len(quantizer.levels), D)])

    def height(z: Array) -> Fraction:
        return sum((F(r(entry)) for entry in z), F(0))

    def phi(t: int, z: Array) -> Fraction:
        return F((z @ z) / F(2) - u[t] @ z + mu[t] * height(z))

    def gap(t: int, z: Array) -> Fraction:
        return phi(t, z) - phi(t, w[t])

    left = sum(
        (
            rates[t] * (gradients[t] @ (w[t] - point) + height(w[t]) - height(point))
            for t in range(first, last + 1)
        ),
        F(0),
    )
    rest = sum((gap(t + 1, w[t]) for t in range(first, last + 1)), F(0))
    return F(left), gap(first, point) - gap(last + 1, point) + residual * rest


def _s4(residual: Fraction) -> Verdict:
    cases = [
        {"quantizer": q, "seed": seed, "first": first, "last": last}
        for q in QUANTIZERS
        for seed in range(4)
        for first, last in ((0, 0), (0, 7), (3, 9))
    ]
    return exhaustive(
        cases,
        lambda **case: telescoped(**case, residual=residual)[0],
        lambda **case: telescoped(**case, residual=residual)[1],
    )


@claim(
    "S4",
    statement=r"With $\varphi_t(w)=\frac12\|w\|^2-\langle u_t,w\rangle+\mu_tr(w)$, $w_t=\arg\min\varphi_t$ and "
    r"$\Delta_t(w)=\varphi_t(w)-\varphi_t(w_t)\geq0$: $\sum_{\tau=s}^t\eta_\tau[\langle g_\tau,w_\tau-w\rangle+"
    r"r(w_\tau)-r(w)]=\Delta_s(w)-\Delta_{t+1}(w)+\sum_{\tau=s}^t\Delta_{\tau+1}(w_\tau)$, for any $g_\tau$ and "
    r"any $r$.",
    source=f"{SOURCE}, S4; sharpens PC, theorem 5.1",
    hypotheses=(
        r"proof: $\varphi_{\tau+1}-\varphi_\tau=\eta_\tau(\langle g_\tau,\cdot\rangle+r)$, summed",
        "arbitrary rational vectors, step sizes and comparison points; two convex regularisers and two indicators",
        "of PC's theorem the structure was read in notes of a third party, its constants are recalled",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _s4(F(101, 100)),
)
def telescoping_identity() -> Verdict:
    """Both sides in rationals; the mutant has 1.01 of the residual."""
    return _s4(F(1))


# ------------------------------------------------------------------- S5: BinaryConnect's certificate

CORNERS: Callable[[int], Array] = lambda d: exact(list(product((-1, 1), repeat=d)))  # noqa: E731


def certified(seed: int, d: int, rate: Fraction, share: Fraction) -> tuple[int, ...]:
    """Whether Delta is as stated, flips cost at most 2 eta |g|, and the bound is above the true gap, at every step."""
    batch, trainer = problem(seed, d), ProxConnect(Projection((-1, 1)), rate=rate)
    signs = projection((-1, 1))
    state, latents, gradients = trainer.start_at(start(seed, d)), [start(seed, d)], []
    for _ in range(12):
        gradients.append(batch.gradient(signs(state["latent"])))
        state = trainer.step(state, batch)
        latents.append(state["latent"])
    corners = CORNERS(d)
    losses = [batch.energy(corner) for corner in corners]
    least = min(losses)
    u = np.array(latents)
    weights = signs(u)
    delta = int(
        all(
            (w @ w - c @ c) / F(2) + v @ (w - c) == 2 * sum(abs(v)[w != c], F(0))
            for v, w in zip(u, weights, strict=True)
            for c in corners
        )
    )
    flips = [
        (2 * abs(u[t + 1][i]), 2 * rate * abs(gradients[t][i]))
        for t, i in zip(*np.nonzero(weights[1:] != weights[:-1]), strict=True)
    ]
    cheap = int(all(cost <= share * limit for cost, limit in flips))
    bounds = flip_certificate(u, exact([rate] * 12)).bound
    best = np.minimum.accumulate([batch.energy(w) for w in weights[:-1]])
    return delta, cheap, int(all(best - least <= bounds)), int(bool(flips))


def _s5(share: Fraction) -> Verdict:
    cases: list[dict[str, Any]] = [
        {"seed": seed, "d": d, "rate": rate}
        for seed in range(5)
        for d in (2, 5)
        for rate in (F(1, 8), F(1))
    ]
    moved = [case for case in cases if certified(**case, share=F(1))[3]]
    return every(
        [
            (
                "runs with flips",
                exhaustive(
                    moved,
                    lambda **case: certified(**case, share=share),
                    lambda **case: (1, 1, 1, 1),  # noqa: ARG005
                ),
            )
        ]
    )


@claim(
    "S5",
    statement=r"For $Q=\{\pm1\}^d$: $\Delta_t(w)=2\sum_{i:w_i\neq\mathrm{sgn}\,u_{t,i}}|u_{t,i}|$ and "
    r"$\Delta_{\tau+1}(w_\tau)=2\sum_{\mathrm{flips}}|u_{\tau+1,i}|\leq2\eta_\tau\sum_{\mathrm{flips}}|g_{\tau,i}|$. "
    r"For convex $\ell$, $\min_\tau\ell(w_\tau)-\ell(w)\leq[\Delta_s(w)-\Delta_{t+1}(w)+2\sum_{\mathrm{flips}}|u|]"
    r"/\sum\eta$; the largest right side over all $w$ is read off the latent weights.",
    source=f"{SOURCE}, S5",
    hypotheses=(
        "rational runs of 12 steps that flip something, least squares in 2 and 5 dimensions, two step sizes; the true "
        "minimum by going through all corners",
        "convexity turns gradients into gaps; the rest is S4",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _s5(F(1, 2)),
)
def flips_certify_optimality() -> Verdict:
    """Check every part at every step; the mutant halves the price of a flip."""
    return _s5(F(1))
