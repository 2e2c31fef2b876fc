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
            "The training error never grows, and a quiet sweep ends in a minimum over single "
            "weights.",
            DERIVED,
            ("S28",),
        ),
        Assertion("Such a minimum need not be global.", DERIVED, ("S29",)),
        Assertion("32 times less memory.", PRINTED, ("S30",)),
        Assertion(
            "A visit of one weight costs one evaluation for each other value.", DERIVED, ("S30b",)
        ),
        Assertion("Plateaux trap it when ties are kept.", DERIVED, ("S30c",)),
        Assertion("Errors at par with backpropagation on MNIST, Iris, ImageNet.", PRINTED),
    ),
)
