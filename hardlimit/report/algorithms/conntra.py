"""CoNNTrA: coordinate search over finite sets of weights."""

from hardlimit.report.algorithms import DERIVED, PRINTED, Algorithm, Assertion

ALGORITHM = Algorithm(
    slug="conntra",
    title="CoNNTrA: combinatorial coordinate search",
    source=(
        "Date, Carothers, Mitchell, Hendler and Magdon-Ismail, 2020 (pseudo-code "
        "reconstructed from the abstract)"
    ),
    does=r"""One weight at a time takes the value of its finite set that makes the training error
    least; the weights of best validation error are kept.""",
    use="th.quantized.CoNNTrA(levels=(-1, 0, 1), restarts=3)",
    assertions=(
        Assertion(
            "The training error never grows.",
            DERIVED,
            "So it is, and a quiet sweep ends in a minimum over single weights.",
            ("S28",),
        ),
        Assertion(
            "It finds good weights.",
            DERIVED,
            "Such a minimum need not be global, and often is not.",
            ("S29",),
        ),
        Assertion(
            "32 times less memory.",
            PRINTED,
            "Against float64; 16 times against float32.",
            ("S30",),
        ),
        Assertion(
            "A visit of one weight costs one evaluation for each other value.",
            DERIVED,
            "Exactly.",
            ("S30b",),
        ),
        Assertion(
            "Ties keep the old value.",
            DERIVED,
            "Then plateaux trap it; broken at random they do not.",
            ("S30c",),
        ),
        Assertion(
            "Errors at par with backpropagation on MNIST, Iris, ImageNet.",
            PRINTED,
            "",
            (),
        ),
    ),
)
