"""Bop: binary weights without latent ones."""

from hardlimit.report.algorithms import CODE, DERIVED, RECALLED, Algorithm, Assertion

ALGORITHM = Algorithm(
    slug="bop",
    title="Bop and Bop2ndOrder",
    source="Helwegen et al., NeurIPS 2019; second-order form by Suarez-Ramirez et al., CVPRW 2021",
    does=r"""A binary weight $w$ has no latent copy: it flips when the moving average $m$ of its
    gradient agrees with it and is large, $wm > \tau$. Bop2ndOrder divides $m$ by the root of a moving
    average $v$ of squared gradients.""",
    use="th.quantized.Bop(threshold=1e-3)",
    assertions=(
        Assertion(
            "No forward map $w = F(m)$ makes Bop a case of ProxConnect++: the rule has hysteresis.",
            DERIVED,
            ("S14",),
        ),
        Assertion(r"It flips iff $wm > \tau$; at equality the code yields $+1$.", CODE, ("S43",)),
        Assertion(
            r"$m/\sqrt v$ does not change when gradients are rescaled, and it is bounded: a larger "
            r"$\tau$ freezes training.",
            RECALLED,
            ("S43",),
        ),
    ),
)
