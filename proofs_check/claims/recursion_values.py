"""Values of the tangent kernel against a recursion that sees no closed form (asymmetric-kernels.md, T5)."""

import mpmath
import numpy as np

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.verdict import Grade, Verdict
from theory import quadrature
from theory.activations import Activation

# Two inputs of unequal norms: on a sphere a transposition would be invisible (T8).
X = np.array([[1.0, -0.5, 2.0], [0.25, 1.5, 0.5]])
WEIGHT_STD, BIAS_STD = 1.25, 0.5
NETWORKS = {
    "sign, hardtanh(1)": (th.sign(), th.hardtanh(1)),
    "hardtanh(1/2), hardtanh(1)": (th.hardtanh("1/2"), th.hardtanh(1)),
}
# Each float64 expectation is good to 2e-13 and a layer loses less than a digit: 11 are left after two.
DIGITS = 11

Pair = tuple[mpmath.mpf, mpmath.mpf, mpmath.mpf]


def _by_quadrature(f: Activation, g: Activation, hidden: int, row: int, column: int) -> mpmath.mpf:
    """Return Theta_ts(x_row, x_column) by T5, every expectation by quadrature of the definitions."""

    def affine(value: mpmath.mpf) -> mpmath.mpf:
        return WEIGHT_STD**2 * value + BIAS_STD**2

    def mean(one: Activation, other: Activation, at: Pair) -> mpmath.mpf:
        return quadrature.expectation(one, other, *at, digits=DIGITS + 4)

    with mpmath.workdps(30):
        gram = [[mpmath.mpf(float(a @ b)) / X.shape[1] for b in X] for a in X]
        sigma: Pair = (
            affine(gram[row][row]),
            affine(gram[column][column]),
            affine(gram[row][column]),
        )
        theta = sigma[2]
        for _ in range(hidden):
            slope = WEIGHT_STD**2 * mean(f.derivative, g.derivative, sigma)
            p, q, _c = sigma
            sigma = (
                affine(mean(f, f, (p, p, p))),
                affine(mean(f, f, (q, q, q))),
                affine(mean(f, f, sigma)),
            )
            theta = sigma[2] + theta * slope
        return theta


def _t5_values(jacobians: tuple[str, str]) -> Verdict:
    def closed(network: str, hidden: int, row: int, column: int) -> float:
        f, g = NETWORKS[network]
        arch = th.Architecture(
            hidden_layers=hidden,
            activation=f,
            surrogate=g,
            weight_std=WEIGHT_STD,
            bias_std=BIAS_STD,
        )
        return float(th.ntk(arch, X, jacobians=jacobians)[row, column])

    def reference(network: str, hidden: int, row: int, column: int) -> mpmath.mpf:
        return _by_quadrature(*NETWORKS[network], hidden, row, column)

    points = [
        {"network": network, "hidden": hidden, "row": row, "column": column}
        for network in NETWORKS
        for hidden in (0, 1, 2)
        for row, column in ((0, 1), (1, 0), (1, 1))
    ]
    return agree({"closed forms": closed, "quadrature": reference}, points, digits=DIGITS)


@claim(
    "T5.values",
    statement=r"The tangent kernel $\Theta_{ts}(x,x')$ of $L=0,1,2$ hidden layers equals the recursion "
    r"$\Theta^{l+1}=\Sigma^{l+1}+\Theta^lD^{l+1}$ with every Gaussian expectation integrated numerically from "
    "its definition; rows carry the true Jacobian, columns the surrogate.",
    source="asymmetric-kernels.md, section 2, T5",
    hypotheses=(
        "two inputs of unequal norms, $s_w=5/4$, $s_b=1/2$",
        "sign with hardtanh(1), and hardtanh(1/2) with hardtanh(1)",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: _t5_values(("surrogate", "true")),
)
def kernel_values() -> Verdict:
    """Compare entries in both orders, where a transposition would show."""
    return _t5_values(("true", "surrogate"))
