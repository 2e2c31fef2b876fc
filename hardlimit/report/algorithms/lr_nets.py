"""LR-nets: distributions over discrete weights, trained through Gaussian pre-activations."""

from hardlimit.report.algorithms import CODE, DERIVED, RECALLED, Algorithm, Assertion

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
            r"$P(\mathrm{sign} = +1) = \Phi(m/\sqrt v)$ up to a central limit error; the error is "
            r"dominated by ties.",
            DERIVED,
            ("S31",),
        ),
        Assertion(
            "Sign of zero: training splits ties, the test code leaves zeros.", CODE, ("S32",)
        ),
        Assertion("Weights start from pretrained ones with their mean.", CODE, ("S33",)),
        Assertion("Moments of ternary activations, as programmed.", CODE, ("S34",)),
        Assertion("Moments propagate exactly for two layers, not beyond.", DERIVED, ("S35",)),
        Assertion("Shared weights correlate what is sampled independently.", DERIVED, ("S36",)),
        Assertion("Its gradients have low variance.", RECALLED, ("S37",)),
        Assertion(
            "Batch normalisation by the law of total variance; test batches change predictions.",
            CODE,
            ("S38",),
        ),
        Assertion("The maximum of signs, as if they were independent.", CODE, ("S39",)),
        Assertion("Two independent sigmoids as a ternary law.", CODE, ("S40",)),
        Assertion(
            r"Deterministic laws give back the plain network, but for the floor $10^{-3}$ of $v$.",
            CODE,
            ("S52",),
        ),
        Assertion("MNIST 0.50 / 0.53 %, CIFAR-10 6.74 / 6.82 % error.", RECALLED),
    ),
)
