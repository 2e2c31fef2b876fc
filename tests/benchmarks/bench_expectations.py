"""Gaussian expectations in float64: speed beside SciPy's bivariate normal and Gauss-Hermite, with errors.

The error of each method, against ball arithmetic at 200 points and in units of sqrt(E[f^2] E[g^2]), stands
in its name: a fast wrong number is no alternative.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import multivariate_normal

import theory as th
from hardlimit.timing import Ratio, best_of

Float = NDArray[np.float64]
POINTS = 100_000
CHECKED = 200


def run() -> list[Ratio]:
    """Return one row a pair and alternative."""
    rng = np.random.default_rng(0)
    p, q = rng.uniform(0.5, 2, (2, POINTS))
    c = rng.uniform(-0.95, 0.95, POINTS) * np.sqrt(p * q)
    rows = []
    for f, g in (
        (th.hardtanh(1), th.hardtanh(1)),
        (th.hardtanh(1).derivative, th.hardtanh(1).derivative),
        (th.sign().derivative, th.hardtanh(1).derivative),
        (th.erf(1), th.erf(1)),
    ):
        F = th.expectation(f, g)
        seconds = best_of(lambda F=F: F.float64(p, q, c))
        name = f"E[{f}(u) {g}(v)], {POINTS} points, {seconds / POINTS * 1e9:.0f} ns each"
        name += f", error {_error(F, F.float64, p, q, c):.0e}"
        if not (f.has_dirac or g.has_dirac):
            for nodes in (25, 100):
                rule = _gauss_hermite(f, g, nodes)
                size = POINTS // nodes
                scaled = best_of(lambda r=rule, n=size: r(p[:n], q[:n], c[:n])) * POINTS / size
                rows.append(
                    Ratio(
                        name,
                        seconds,
                        f"Gauss-Hermite, {nodes} nodes, error {_error(F, rule, p, q, c):.0e}",
                        scaled,
                    )
                )
        if f == g == th.hardtanh(1).derivative:
            few = [values[:CHECKED] for values in (p, q, c)]
            scaled = best_of(lambda few=few: _scipy(*few)) * POINTS / CHECKED
            label = f"SciPy bivariate normal cdf, error {_error(F, _scipy, p, q, c):.0e}"
            rows.append(Ratio(name, seconds, label, scaled))
    return rows


def _gauss_hermite(f, g, nodes: int):  # type: ignore[no-untyped-def]
    z, w = np.polynomial.hermite_e.hermegauss(nodes)
    weight = np.outer(w, w) / (2 * np.pi)

    def rule(p: Float, q: Float, c: Float) -> Float:
        u = np.sqrt(p)[:, None, None] * z[None, :, None]
        rest = np.sqrt(q - c**2 / p)
        v = (c / p)[:, None, None] * u + rest[:, None, None] * z[None, None, :]
        return np.einsum("nij,ij->n", f(np.broadcast_to(u, v.shape)) * g(v), weight)

    return rule


def _scipy(p: Float, q: Float, c: Float) -> Float:
    """P(|u| < 1, |v| < 1) as one box probability of the bivariate normal law."""
    total = np.zeros_like(p)
    for i, (P, Q, C) in enumerate(zip(p, q, c, strict=True)):
        law = multivariate_normal(cov=[[P, C], [C, Q]])
        total[i] = law.cdf([1, 1], lower_limit=[-1, -1])
    return total


def _error(F, method, p: Float, q: Float, c: Float) -> float:  # type: ignore[no-untyped-def]
    chosen = slice(0, CHECKED)
    values = method(p[chosen], q[chosen], c[chosen])
    exact = [
        float(F.mp(*point, digits=20))
        for point in zip(p[chosen], q[chosen], c[chosen], strict=True)
    ]
    return float(np.max(np.abs(values - exact)) / np.max(np.abs(exact)))
