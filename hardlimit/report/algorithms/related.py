"""Statements of related papers that can be checked."""

from hardlimit.report.algorithms import CODE, DERIVED, PRINTED, RECALLED, Algorithm, Assertion

ALGORITHM = Algorithm(
    slug="related",
    title="Related papers: what in them can be checked",
    source="quantized-training.md, section 5",
    does="""Papers that stand beside these algorithms, each with its one checkable statement.""",
    use="",
    assertions=(
        Assertion(
            "BiPer: the frequency controls the quantization error.",
            CODE,
            "The relative error; the absolute one is not monotone.",
            ("S41",),
        ),
        Assertion(
            "BD-BNN: a kurtosis target makes weights bimodal.",
            CODE,
            "At its 1.8 or 2.0 it certifies nothing.",
            ("S42",),
        ),
        Assertion(
            "Rotated BNN: alternating rotations never lose alignment.",
            CODE,
            "So it is (checked in the plane).",
            ("S44",),
        ),
        Assertion(
            "SiMaN: half of the weights as ones.",
            CODE,
            "The best share is $1/e$ for Laplacian weights, .5405 for normal ones.",
            ("S45",),
        ),
        Assertion(
            "Quantized weights are pseudo-iid, and wide networks Gaussian.",
            RECALLED,
            "The moment conditions hold for the laws here.",
            ("S46",),
        ),
        Assertion(
            "Threshold networks train as a lasso over few patterns.",
            PRINTED,
            "The lasso holds; the count of patterns fails for inputs with ties.",
            ("S47",),
        ),
        Assertion(
            "PBGNet and ABNet: expectations of sign networks.",
            CODE,
            "Marginals are exact for a tree only; the bias is missing in a norm.",
            ("S48",),
        ),
        Assertion(
            "BinaryNet's benchmark checks its product.",
            CODE,
            "It checks one matrix only.",
            ("S49",),
        ),
        Assertion(
            "The mass of a surrogate is the jump that it stands for.",
            DERIVED,
            "So it is for GXNOR-Net, Bi-Real, BNN; RBNN's is larger.",
            ("S27",),
        ),
    ),
)
