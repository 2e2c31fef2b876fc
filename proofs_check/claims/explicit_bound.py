"""The value of the explicit Basteri-Trevisan bound: an inequality with slack would not notice a wrong constant."""

from collections.abc import Sequence
from fractions import Fraction

import mpmath
import numpy as np

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.verdict import Grade, Verdict
from theory import quadrature
from theory.activations import Activation

# Slopes 1/a, weights and widths differ from layer to layer: a shifted index would show.
CLIPS = (Fraction(1, 2), Fraction(2), Fraction(1))
WEIGHT_STDS, BIAS_STD = (1.25, 0.75, 1.5, 1.125), 0.5
WIDTHS = (40, 90, 65)
INPUTS = {
    "apart": [[1.0, 0.5, 0.0], [0.25, -1.25, 0.75]],
    "nearly parallel": [[1.0, 0.5, 0.0], [1.0, 0.5, 0.0625]],
}
# The library rounds its value up by a factor 1 + 1e-9.
DIGITS = 8


def moments(f: Activation, covariance: mpmath.matrix) -> list[list[mpmath.mpf]]:
    """Return E f(g_i) f(g_j), g ~ N(0, covariance), by quadrature."""
    k = covariance.rows
    return [
        [
            quadrature.expectation(
                f, f, covariance[i, i], covariance[j, j], covariance[i, j], digits=DIGITS + 6
            )
            for j in range(k)
        ]
        for i in range(k)
    ]


def printed(inputs: str, hidden: int, power: int) -> mpmath.mpf:
    """Return B2 with the minimum of B4; ``power`` = 1 is that of sqrt(c_w) in the product."""
    x = np.array(INPUTS[inputs])
    k, total = len(x), mpmath.mpf(0)
    with mpmath.workdps(30):
        gram = (x @ x.T).tolist()
        covariance = WEIGHT_STDS[0] ** 2 * mpmath.matrix(gram) / x.shape[1] + BIAS_STD**2
        for clip, width, std in zip(CLIPS[:hidden], WIDTHS, WEIGHT_STDS[1:], strict=False):
            f = th.hardtanh(clip)
            second, fourth = moments(f, covariance), moments(f * f, covariance)
            spread = mpmath.fsum(
                fourth[i][j] - second[i][j] ** 2 for i in range(k) for j in range(k)
            )
            covariance = std**2 * mpmath.matrix(second) + BIAS_STD**2
            least = min(mpmath.eigsy(covariance, eigvals_only=True))
            by_eigenvalue = std**2 * mpmath.sqrt(spread / (least * width))
            step = min(by_eigenvalue, std * mpmath.root(k * spread / width, 4))
            total = total * std**power / mpmath.mpf(clip.numerator) * clip.denominator + step
    return total


def evaluated(inputs: str, hidden: int) -> float:
    """Return the library's value."""
    clips: Sequence[Fraction] = CLIPS[:hidden]
    arch = th.Architecture(
        hidden,
        [th.hardtanh(clip) for clip in clips],
        weight_std=WEIGHT_STDS[: hidden + 1],
        bias_std=BIAS_STD,
    )
    return float(th.bounds.basteri_trevisan(arch, INPUTS[inputs], WIDTHS[:hidden]).value)


def _b2_value(power: int) -> Verdict:
    def stated(inputs: str, hidden: int) -> mpmath.mpf:
        return printed(inputs, hidden, power)

    points = [{"inputs": name, "hidden": hidden} for name in INPUTS for hidden in (1, 2, 3)]
    return agree({"printed": stated, "library": evaluated}, points, digits=DIGITS)


@claim(
    "B2.value",
    statement=r"The library's bound is $\sum_l m_{l+1}\prod_{j>l}\mathrm{Lip}(\sigma_j)\sqrt{c_w^{(j)}}$, "
    r"$m_{l+1}=\min(c_w^{(l)}\sqrt{V_l/(\lambda_+n_l)},\ (kV_l)^{1/4}\sqrt{c_w^{(l)}}\,n_l^{-1/4})$, "
    r"$V_l=\sum_{ij}(E[\sigma(g_i)^2\sigma(g_j)^2]-E[\sigma(g_i)\sigma(g_j)]^2)$, with every expectation integrated "
    "numerically from its definition.",
    source="bounds.md, B2 and B4",
    hypotheses=(
        "1, 2, 3 hidden layers of hardtanh(1/2), hardtanh(2), hardtanh(1), unequal weights and widths; one output",
        "two inputs, once apart and once nearly parallel",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: _b2_value(2),
)
def value_of_the_explicit_bound() -> Verdict:
    """Evaluate the printed formula beside the library."""
    return _b2_value(1)
