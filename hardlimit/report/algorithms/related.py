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
            "BiPer: the frequency of the periodic forward map controls the quantization error.",
            CODE,
            ("S41",),
        ),
        Assertion("BD-BNN: a kurtosis target makes weights bimodal.", CODE, ("S42",)),
        Assertion("Rotated BNN: alternating rotations never lose alignment.", CODE, ("S44",)),
        Assertion("SiMaN: half of the Laplacian weights as ones is optimal.", CODE, ("S45",)),
        Assertion(
            "Quantized weights are pseudo-iid: wide networks are Gaussian.", RECALLED, ("S46",)
        ),
        Assertion("Threshold networks train as a lasso.", PRINTED, ("S47",)),
        Assertion("PBGNet and ABNet: expectations of sign networks, exactly.", CODE, ("S48",)),
        Assertion("BinaryNet's benchmark checks its product.", CODE, ("S49",)),
        Assertion("Masses of surrogates tell bugs of scale.", DERIVED, ("S27",)),
    ),
)
