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
            r"The rest $\nu$ is spent with probability $\tanh(m|\nu|/\Delta z)$.",
            RECALLED,
            "The step is biased, for every $m$.",
            ("S15",),
        ),
        Assertion(
            "Paper and code treat the ends of the range alike.",
            CODE,
            "They have one law, because the ends are lattice points.",
            ("S16",),
        ),
        Assertion(
            "A linear rule would be unbiased.",
            DERIVED,
            "Exactly while the step stays in the box.",
            ("S17",),
        ),
        Assertion(
            "Decreasing the learning rate lets the weights settle.",
            CODE,
            "It does not: the stationary law of small steps does not depend on it.",
            ("S18",),
        ),
        Assertion(
            "Training can reach good weights from anywhere.",
            DERIVED,
            "With whole gradients the chain is reducible: some states are never seen again.",
            ("S19",),
        ),
        Assertion(
            "No full-precision memory is needed.",
            CODE,
            "With Adam, as in the code, 66 bits a weight are.",
            ("S22",),
        ),
        Assertion(
            "Gated XNOR products equal ternary products; 5/9 of the operations rest.",
            RECALLED,
            "So it is.",
            ("S26",),
        ),
        Assertion(
            "99.32 / 92.50 / 94.12 % on MNIST, CIFAR-10, SVHN.",
            RECALLED,
            "",
            (),
        ),
    ),
)
