"""Metropolis and simulated annealing on discrete weights."""

from hardlimit.report.algorithms import DERIVED, PRINTED, RECALLED, Algorithm, Assertion

ALGORITHM = Algorithm(
    slug="annealing",
    title="Metropolis and simulated annealing of discrete weights",
    source="Kirkpatrick, Gelatt and Vecchi 1983; Hajek 1988; here with GXNOR-Net's proposal",
    does=r"""A proposal $q(x, y)$, single weights or a discrete state transition mixed with them, is
    accepted with probability $\min\{1, \pi_T(y)q(y,x)/(\pi_T(x)q(x,y))\}$, $\pi_T \propto e^{-L/T}$,
    while $T$ decreases.""",
    use="th.quantized.Annealing(temperature=th.quantized.Logarithmic(1.0))",
    assertions=(
        Assertion(
            "Metropolis and Hastings' rule has detailed balance.",
            PRINTED,
            "So it has, for every proposal of this kind.",
            ("S20",),
        ),
        Assertion(
            "Proposals along the gradient help.",
            DERIVED,
            "On an instance: the spectral gap is wider at low temperatures and narrower at "
            "high ones.",
            ("S21",),
        ),
        Assertion(
            "The depth $d^*$ of a landscape can be computed.",
            DERIVED,
            "From its sublevel sets, exactly, up to $3^{12}$ states.",
            ("S23",),
        ),
        Assertion(
            r"$-T\log \mathrm{gap}$ tends to the critical height $m$.",
            RECALLED,
            "Measured slopes agree; $m$ can exceed $d^*$.",
            ("S24",),
        ),
        Assertion(
            r"With $T_t = c/\log(1+t)$ the minima are reached in probability iff $c \ge d^*$.",
            PRINTED,
            "Below $d^*$ an exact lower bound holds for ever; above, exact laws fall.",
            ("S25",),
        ),
    ),
)
