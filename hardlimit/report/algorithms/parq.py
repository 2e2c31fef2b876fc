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
            r"The average and the last iterate satisfy $E F - F^* \le GR(2 + 1.5\ln t)/\sqrt t$ "
            r"(Theorems 3.1, 3.2); constants of the proof.",
            PRINTED,
            ("S6",),
        ),
        Assertion("The proximal map is (7); it tends to rounding.", PRINTED, ("S12",)),
        Assertion(
            "The program's map, of slope above 1 in unscaled units, is the proximal map after "
            "rescaling only.",
            CODE,
            ("S12",),
        ),
    ),
)
