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
            "No trainer reports less than the least energy, and coordinate search ends in the "
            "minima over single weights.",
            DERIVED,
            "So it is; annealing at $c = d^*$ ends in a minimum as often as the exact law says.",
            ("S50",),
        ),
        Assertion(
            "The linear transition rule is stochastic rounding.",
            DERIVED,
            "So it is, in law and in the mean.",
            ("S51",),
        ),
        Assertion(
            "Rounding can flip codes.",
            DERIVED,
            "It does where a latent weight lies on a jump: two of seven trainers in a hundred "
            "steps.",
            ("S53",),
        ),
        Assertion(
            "Each pair of forward map and surrogate trains with a tangent kernel of its own.",
            DERIVED,
            "Its constants are known, and agree with the algorithms' own steps.",
            ("T11.algorithms", "T11.steps"),
        ),
    ),
)
