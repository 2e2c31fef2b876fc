"""PARQ: piecewise-affine regularisers whose proximal map sharpens."""

from hardlimit.report.algorithms import CODE, PRINTED, Algorithm, Assertion

ALGORITHM = Algorithm(
    slug="parq",
    title="PARQ and AProx",
    source="Jin et al., 2025: PARQ, piecewise-affine regularised quantization",
    does=r"""The regulariser $\Psi(w) = \max_k \{a_k(|w| - q_k) + b_k\}$ is convex and its slope jumps
    at the levels $q_k$. AProx applies $\mathrm{prox}_{\gamma_t\lambda\Psi}$ to a latent variable, with
    $\gamma_t = \sum_{s\le t}\eta_s$: it tends to rounding.""",
    use="th.quantized.parq(rate=0.1)",
    assertions=(
        Assertion(
            r"$E F - F^* \le GR(2 + 1.5\ln t)/\sqrt t$ for the average and the last iterate "
            r"(Theorems 3.1, 3.2).",
            PRINTED,
            "Theorem 3.1 holds; two constants of the appendix do not prove what they should. "
            "Theorem 3.2 is not judged.",
            ("S6",),
        ),
        Assertion(
            "The proximal map is (7), and tends to rounding.",
            PRINTED,
            "So it is.",
            ("S12",),
        ),
        Assertion(
            "The program applies it.",
            CODE,
            "After rescaling: in unscaled units its slope is above 1, and no convex function "
            "has such a map.",
            ("S12",),
        ),
    ),
)
