"""BinaryConnect and ProxConnect: gradients at the quantized weights move latent ones."""

from hardlimit.report.algorithms import DERIVED, PRINTED, RECALLED, Algorithm, Assertion

ALGORITHM = Algorithm(
    slug="binary-connect",
    title="BinaryConnect, ProxQuant and ProxConnect",
    source="Courbariaux et al., NeurIPS 2015; Bai et al., ICLR 2019; Dockhorn et al., NeurIPS 2021",
    does=r"""A latent $u$ collects gradients taken at quantized weights: $w_t = P_r^{\mu_t}(u_t)$,
    $u_{t+1} = u_t - \eta\nabla\ell(w_t)$, $\mu_t = 1 + \sum_{s<t}\eta_s$. With $r$ the indicator of the
    allowed values, $P$ is projection: BinaryConnect. ProxQuant moves the quantized weights instead,
    reverse ProxConnect takes the gradient at the latent ones.""",
    use="th.quantized.binary_connect(rate=0.1)",
    assertions=(
        Assertion(
            "A scalar quantizer is a proximal map iff it does not decrease and its graph is "
            "closed.",
            PRINTED,
            ("S1",),
        ),
        Assertion(
            r"The regulariser of $L_\rho^\varrho$ is convex only for $\rho = \varrho = 0$.",
            DERIVED,
            ("S2",),
        ),
        Assertion(
            "ProxConnect is the generalised conditional gradient method on the dual, and its "
            "quantizer sharpens as steps add up.",
            PRINTED,
            ("S3",),
        ),
        Assertion(
            "A general inequality (Theorem 5.1) bounds the regret of the quantized iterates; it "
            "is an identity.",
            RECALLED,
            ("S4",),
        ),
        Assertion(
            "For hard binarisation the residual is $2|u|$ summed over flips: a certificate of "
            "optimality.",
            DERIVED,
            ("S5",),
        ),
        Assertion(
            r"The fixed points are the vectors with $s_i\nabla_i\ell(s) \le 0$.",
            RECALLED,
            ("S13",),
        ),
    ),
)
