"""The constant of W2 ~ C / n by extrapolation, against the expansion and the recursion (bounds.md, B20, B58, B80)."""

from collections.abc import Iterator, Mapping

import theory as th
from proofs_check.claims.rates import linear_mixture
from proofs_check.ledger import claim
from proofs_check.methods.statistics import Comparison, z_tests
from proofs_check.verdict import Grade, Verdict, every
from theory.activations import Activation
from theory.distances import leading_wasserstein2, wasserstein2
from theory.distances.jackknife import jackknife
from theory.estimate import Estimate
from theory.networks import sample_covariances

SOURCE = "bounds.md"
X = [[1.0, 0.5]]
WIDTH = 128
TOLERANCE = 1e-4
TRUSTS = ("float64 evaluation of the exact one-dimensional distance",)


def extrapolated(depth: int) -> float:
    """Limit of n W2 for linear networks, in units of the limit's deviation, from three widths."""
    one, two, four = (
        n * wasserstein2(linear_mixture(n, depth), 1.0) for n in (WIDTH, 2 * WIDTH, 4 * WIDTH)
    )
    return (8 * four - 6 * two + one) / 3


def exact(factor: float) -> Verdict:
    """Linear networks, whose laws are known."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        for depth in (1, 2, 3):
            arch = th.Architecture(depth, th.identity())
            scale = float(th.nngp(arch, X)[0, 0]) ** 0.5
            stated = factor * leading_wasserstein2(arch, X, 1) / scale
            found = extrapolated(depth)
            evidence = f"{depth} hidden: n W2 -> {found:.8f}, stated {stated:.8f}"
            wrong = abs(found / stated - 1) > TOLERANCE
            grade = Grade.REFUTED if wrong else Grade.AGREES
            yield f"L = {depth}", Verdict(grade, evidence, evidence if wrong else None, TRUSTS)

    listed = list(parts())
    verdict = every(listed)
    if verdict.grade is not Grade.AGREES:
        return verdict
    return Verdict(Grade.AGREES, "; ".join(one.evidence for _, one in listed), None, TRUSTS)


@claim(
    "B20.constant",
    statement=r"$n\,W_2(f_n(x),G(x))$ converges to the constant of B20 with the moments of B58.",
    source=f"{SOURCE}, B20, B58; protocol B80 (5)",
    hypotheses=(
        "linear networks with 1, 2, 3 hidden layers, one input: exact laws",
        "widths 128, 256, 512, terms of order 1/n and 1/n^2 eliminated; to 1e-4",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: exact(1.0005),
)
def constant_of_linear_networks() -> Verdict:
    """Compare the extrapolated constant with the stated one; the mutant is 0.05 % off."""
    return exact(1.0)


ACTIVATIONS: Mapping[str, Activation] = {
    "hardtanh": th.hardtanh(1),
    "erf": th.erf(1),
    "ReLU": th.relu(),
    "leaky ReLU": th.leaky_relu("1/4"),
    "clipped ReLU": th.clipped_relu(),
    "triangle": th.triangle(1),
    "GELU": th.gelu(),
}
# Narrow, for the unknown mean of S adds noise of relative order n/draws; what extrapolation leaves is of order 1/n^2.
NARROW, DRAWS, FALSE_ALARM = 32, 20_000, 1e-6


def sampled(factor: float, seed: int) -> Verdict:
    """2 (2n) W2(2n) - n W2(n) for two hidden layers, against the recursion."""
    comparisons = []
    for place, (name, f) in enumerate(ACTIVATIONS.items()):
        arch = th.Architecture(2, f, weight_std=1.3, bias_std=0.3)
        s2 = float(th.nngp(arch, X)[0, 0])
        found = []
        for n in (NARROW, 2 * NARROW):
            drawn = sample_covariances(arch, X, n, DRAWS, seed=seed + 1000 * place + n, threads=1)
            value, error = jackknife(wasserstein2, drawn[:, 0, 0], s2, centred=False)
            found.append(Estimate(n * value, n * error, DRAWS))  # type: ignore[arg-type]
        estimate = 2.0 * found[1] + -1.0 * found[0]
        stated = factor * leading_wasserstein2(arch, X, 1)
        comparisons.append(Comparison(f"{name}, n W2", estimate, stated))
    return z_tests(comparisons, false_alarm=FALSE_ALARM, must_see=0.7)


@claim(
    "B20.sampled",
    statement=r"$n\,W_2(f_n(x),G(x))$ converges to the constant of B20 with the moments of B58, for every kind of "
    "activation: bounded and not, smooth, with kinks, even.",
    source=f"{SOURCE}, B20, B58; protocol B80 (5)",
    hypotheses=(
        "hardtanh, erf, ReLU, leaky and clipped ReLU, triangle, GELU",
        r"two hidden layers, $s_w=1.3$, $s_b=.3$, one input",
        f"extrapolated from widths {NARROW} and {2 * NARROW}, {DRAWS} draws each",
        "has to see 70 % everywhere, sees 14 % at best",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: sampled(1.4, seed),
)
def constants_of_sampled_networks(seed: int = 0) -> Verdict:
    """Compare extrapolated distances of sampled mixtures with the recursion; the mutant is 40 % off."""
    return sampled(1.0, seed)
