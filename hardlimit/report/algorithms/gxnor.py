"""GXNOR-Net: discrete weights that jump with a probability."""

from hardlimit.report.algorithms import CODE, DERIVED, RECALLED, Algorithm, Assertion

ALGORITHM = Algorithm(
    slug="gxnor",
    title="GXNOR-Net: discrete state transition",
    source="Deng, Jiao, Pei, Wu and Li, Neural Networks 2018",
    does=r"""Weights live on a grid of step $\Delta z$ in $[-1, 1]$. A proposed change, cut off at the
    ends, is split into whole steps and a remainder $\nu$; the weight moves by the whole steps, and by
    one more with probability $\tau(\nu) = \tanh(m|\nu|/\Delta z)$. Activations are ternary, products
    are gated XNOR.""",
    use="th.quantized.StateTransition(rate=0.1, levels=1)",
    assertions=(
        Assertion(
            "The tanh rule spends the remainder on the average; it is biased for every $m$.",
            DERIVED,
            ("S15",),
        ),
        Assertion(
            "Cutting off before or after the jump is the same law (paper and code).",
            CODE,
            ("S16",),
        ),
        Assertion(
            "The linear rule is unbiased exactly while the step stays in the box.",
            DERIVED,
            ("S17",),
        ),
        Assertion(
            "Smaller learning rates do not anneal: the stationary law of small steps does not "
            "depend on them.",
            DERIVED,
            ("S18",),
        ),
        Assertion(
            "Full-batch transition is reducible: it cannot reach most states.", DERIVED, ("S19",)
        ),
        Assertion(
            "No full-precision memory: with Adam, 66 bits a weight in training.", CODE, ("S22",)
        ),
        Assertion(
            "Gated XNOR products equal ternary products; 5/9 of the operations rest.",
            RECALLED,
            ("S26",),
        ),
        Assertion("99.32 / 92.50 / 94.12 % on MNIST, CIFAR-10, SVHN.", RECALLED),
    ),
)
