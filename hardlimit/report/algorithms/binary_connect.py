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
            "So it is.",
            ("S1",),
        ),
        Assertion(
            r"There are non-trivial $L_\rho^\varrho$ with a convex regulariser, so that errors "
            r"vanish.",
            RECALLED,
            r"Only for $\rho = \varrho = 0$, which quantizes nothing.",
            ("S2",),
        ),
        Assertion(
            "ProxConnect is the generalised conditional gradient method on the dual, and "
            "sharpens as steps add up.",
            PRINTED,
            "Exactly, in rationals; float64 can part by a level.",
            ("S3",),
        ),
        Assertion(
            "A general inequality (Theorem 5.1) bounds the regret of the quantized iterates.",
            RECALLED,
            "It is an identity, for every loss and regulariser.",
            ("S4",),
        ),
        Assertion(
            "For hard binarisation there is a certificate of optimality.",
            DERIVED,
            "Its residual is $2|u|$ summed over flips.",
            ("S5",),
        ),
        Assertion(
            r"The fixed points are the vectors with $s_i\nabla_i\ell(s) \le 0$.",
            RECALLED,
            "So they are; minima over single flips only for multilinear losses.",
            ("S13",),
        ),
    ),
)
