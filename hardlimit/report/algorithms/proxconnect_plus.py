"""ProxConnect++ and BNN++: a backward quantizer beside the forward one."""

from hardlimit.report.algorithms import DERIVED, PRINTED, RECALLED, Algorithm, Assertion

ALGORITHM = Algorithm(
    slug="proxconnect-plus",
    title="ProxConnect++ and BNN++",
    source=(
        "Lu et al., NeurIPS 2023: understanding neural network binarization with forward and "
        "backward proximal quantizers"
    ),
    does=r"""$w_t = F(w^*_t)$, $w^*_{t+1} = w^*_t - \eta_t B(w^*_t)\,\nabla\ell(w_t)$: a forward
    quantizer $F$, and a backward quantizer $B$ that multiplies the gradient. BNN++ takes $F$ =
    SignSwish and $B$ its derivative.""",
    use="th.quantized.bnn_plus_plus(rate=0.1)",
    assertions=(
        Assertion(
            r"$(F, B)$ is ProxConnect on a transformed loss iff both are functions of $P = "
            r"\int dF/B$ and $P$ is proximal.",
            RECALLED,
            r"Synthesis holds; at jumps $\int dF/B$ gives back $P$ only for affine transforms.",
            ("S7",),
        ),
        Assertion(
            "BNN's pair (sign, window) and BNN+'s (sign, SignSwish') fall under the theory.",
            RECALLED,
            "BNN's only by a convention for 0/0; BNN+'s does not.",
            ("S8",),
        ),
        Assertion(
            "SignSwish is a forward quantizer onto $[-1, 1]$.",
            PRINTED,
            "It leaves $[-1, 1]$ by 20 %, and its derivative changes sign.",
            ("S9",),
        ),
        Assertion(
            "BNN++ falls under the theory.",
            PRINTED,
            r"It is gradient descent on $\ell\circ$SignSwish, for fixed sharpness.",
            ("S10",),
        ),
        Assertion(
            "As the sharpness grows SignSwish tends to sign.",
            DERIVED,
            "Away from 0, at a known rate; never uniformly.",
            ("S11",),
        ),
        Assertion(
            "About 30 times less memory; best among binarized networks.",
            PRINTED,
            "",
            (),
        ),
    ),
)
