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
            "Bop is another latent-weight method.",
            DERIVED,
            "It has hysteresis: no map from $m$ to $w$ gives it.",
            ("S14",),
        ),
        Assertion(
            r"It flips iff $wm > \tau$.",
            CODE,
            "At equality the code yields $+1$ whatever $w$ was.",
            ("S43",),
        ),
        Assertion(
            r"Dividing by $\sqrt v$ makes it invariant to scale.",
            RECALLED,
            r"It does, and it bounds the statistic: a larger $\tau$ freezes training.",
            ("S43",),
        ),
    ),
)
