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
            r"$(F, B)$ is ProxConnect on a transformed loss iff both are functions of $P = \int "
            r"dF/B$ and $P$ is proximal.",
            RECALLED,
            ("S7",),
        ),
        Assertion(
            "BNN's pair (sign, clip) and BNN+'s (sign, derivative of SignSwish) fall under the "
            "theory.",
            RECALLED,
            ("S8",),
        ),
        Assertion("SignSwish is a forward quantizer onto $[-1, 1]$.", PRINTED, ("S9",)),
        Assertion(
            r"BNN++ is gradient descent on $\ell\circ$SignSwish for fixed sharpness.",
            DERIVED,
            ("S10",),
        ),
        Assertion("As the sharpness grows SignSwish tends to sign.", DERIVED, ("S11",)),
        Assertion(
            "The mass of a surrogate of a unit jump is the jump: a test of scale.",
            DERIVED,
            ("S27",),
        ),
        Assertion("About 30 times less memory; best among binarized networks.", PRINTED),
    ),
)
