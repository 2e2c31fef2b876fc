"""One problem, every trainer: what must agree between algorithms."""

from hardlimit.report.algorithms import DERIVED, Algorithm, Assertion

ALGORITHM = Algorithm(
    slug="agreement",
    title="All trainers on one enumerable problem",
    source="quantized-training.md, section 6",
    does="""Where all states can be enumerated, the truth is known: minima, barriers, what each
    trainer can reach.""",
    use="",
    assertions=(
        Assertion(
            "No trainer reports less than the least energy; coordinate search ends exactly in the "
            "minima over single weights.",
            DERIVED,
            ("S50",),
        ),
        Assertion("The linear transition rule is stochastic rounding.", DERIVED, ("S51",)),
        Assertion("Rounding can flip codes: float64 against rationals.", DERIVED, ("S53",)),
        Assertion(
            "Each pair of forward map and surrogate trains with a tangent kernel of its own.",
            DERIVED,
            ("T11.algorithms",),
        ),
    ),
)
