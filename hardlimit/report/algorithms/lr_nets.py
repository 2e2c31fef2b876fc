"""LR-nets: distributions over discrete weights, trained through Gaussian pre-activations."""

from hardlimit.report.algorithms import CODE, RECALLED, Algorithm, Assertion

ALGORITHM = Algorithm(
    slug="lr-nets",
    title="LR-nets and their binary activations",
    source=(
        "Shayer, Levi and Fetaya, ICLR 2018; Berger, Navon and Fetaya, 2023; Roth et al., "
        "ECML-PKDD 2019"
    ),
    does=r"""Every weight has a law on $\{-1, 0, 1\}$ with mean $\mu$ and variance $\sigma^2$; a
    pre-activation is replaced by $m + \sqrt v\,\varepsilon$ with $m = \sum\mu_i h_i$, $v =
    \sum\sigma_i^2h_i^2$, and the laws are trained through it. A sign activation is $+1$ with
    probability $\Phi(m/\sqrt v)$.""",
    use="th.quantized.LocalReparameterisation(weights_on='ternary')",
    assertions=(
        Assertion(
            r"$P(\mathrm{sign} = +1) = \Phi(m/\sqrt v)$.",
            CODE,
            "Up to a central limit error, most of which is half the mass of ties.",
            ("S31",),
        ),
        Assertion(
            "Test networks take the sign of zero as zero.",
            CODE,
            "They leave $-1$ and $+1$ with the probability of a tie.",
            ("S32",),
        ),
        Assertion(
            "Laws start from pretrained weights with their mean.",
            CODE,
            "Ternary ones only up to $|W| = 9/38$.",
            ("S33",),
        ),
        Assertion(
            "Moments and test quantizer of ternary activations.",
            CODE,
            "Wrong as programmed; corrected.",
            ("S34",),
        ),
        Assertion(
            "Means and variances are propagated through layers.",
            CODE,
            "Exactly for two layers, with a bias from the third on.",
            ("S35",),
        ),
        Assertion(
            "Convolutions sample their outputs independently.",
            CODE,
            "Marginals are right, the joint law is not.",
            ("S36",),
        ),
        Assertion(
            "Its gradients are right and have low variance.",
            RECALLED,
            "So they are, where it can be computed exactly.",
            ("S37",),
        ),
        Assertion(
            "Batch normalisation by the law of total variance.",
            CODE,
            "Right; with the statistics of test batches predictions depend on their companions.",
            ("S38",),
        ),
        Assertion(
            "The maximum of signs, as if they were independent.",
            CODE,
            "Right for weights that are not shared.",
            ("S39",),
        ),
        Assertion(
            "Two independent sigmoids as a ternary law.",
            CODE,
            "Only where they sum to at most 1.",
            ("S40",),
        ),
        Assertion(
            "Deterministic laws give back the plain network.",
            CODE,
            "But for the floor $10^{-3}$ of the variance.",
            ("S52",),
        ),
        Assertion(
            "MNIST 0.50 / 0.53 %, CIFAR-10 6.74 / 6.82 % error.",
            RECALLED,
            "",
            (),
        ),
    ),
)
