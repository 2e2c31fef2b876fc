"""Covariances of wide networks to order 1/n, against exact chains of sign networks (bounds.md, B58)."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.methods.erratum import erratum
from proofs_check.verdict import Grade, Verdict
from theory.networks import sign_chain

SIZES = (512, 1024)


def yaida(correlation: float) -> tuple[float, float, float]:
    """Return n Var r_1, n Var r_2 and n (E r_2 - limit) to leading order, r_{l+1} = (2/pi) asin(r_l) in the limit."""
    first = 2 / math.pi * math.asin(correlation)
    second = 2 / math.pi * math.asin(first)
    slope = 2 / math.pi / math.sqrt(1 - first**2)
    curvature = 2 / math.pi * first * (1 - first**2) ** -1.5
    one = 1 - first**2
    return one, 1 - second**2 + slope**2 * one, curvature / 2 * one


def by_chain(correlation: float) -> Sequence[float]:
    """Return the same three from exact chains, extrapolated from two widths to order 1/n^2."""
    rows = []
    for n in SIZES:
        chain = sign_chain(correlation, (n, n))
        values = []
        for layer in (0, 1):
            r, pmf = chain.overlaps(layer), chain.pmfs[layer]
            values.append(n * float(pmf @ r**2 - (pmf @ r) ** 2))
        limit = 2 / math.pi * math.asin(2 / math.pi * math.asin(correlation))
        rows.append([*values, n * (float(chain.overlaps() @ chain.pmfs[-1]) - limit)])
    return list(2 * np.array(rows[1]) - np.array(rows[0]))


def _b58(factor: float) -> Verdict:
    routes: dict[str, Any] = {
        "recursion": lambda correlation, which: factor * yaida(correlation)[which],
        "exact chain": lambda correlation, which: by_chain(correlation)[which],
    }
    points = [{"correlation": r, "which": k} for r in (0.3, -0.5, 0.7) for k in range(3)]
    return agree(routes, points, digits=4)


@claim(
    "B58.sign",
    statement=r"Cov$(S^{l+1})=(c_w^2/n_l)\mathrm{Cov}(\sigma\sigma^T)+D\Phi\,\mathrm{Cov}(S^l)\,D\Phi^T$, $E S^{l+1}-"
    r"K^{l+1}=D\Phi[E S^l-K^l]+\frac12D^2\Phi:\mathrm{Cov}(S^l)$ up to $O(n^{-2})$, in sign networks with two inputs.",
    source="bounds.md, section 5, B58 (Yaida)",
    hypotheses=(
        r"two hidden layers, $\rho=.3,-.5,.7$; exact chains of B55 at widths 512 and 1024, extrapolated: the rest is "
        r"of relative order $1/n^2$, times a constant that 4 digits leave room for",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: _b58(1.001),
)
def first_order_in_sign_networks() -> Verdict:
    """Compare the recursion with the exact law of the agreements; the mutant is 0.1 % off."""
    return _b58(1.0)


def _digits(printed: tuple[str, str, str]) -> Verdict:
    """Compare printed digits at rho = .3, correctly rounded, with the recursion."""
    for number, value in zip(printed, yaida(0.3), strict=True):
        if abs(value - float(number)) > 0.5 * 10.0 ** -len(number.partition(".")[2]):
            what = f"printed {number}, value {value:.6f}"
            return Verdict(Grade.REFUTED, what, what, ("float64",))
    return Verdict(Grade.AGREES, f"{', '.join(printed)} are correctly rounded", None, ("float64",))


PRINTED, CORRECTED = (".9624", "1.3899", ".06295"), (".9624", "1.3898", ".06294")


@claim(
    "B58.digits",
    statement=r"Sign networks at $\rho=.3$: predicted $n\,\mathrm{Var}$ $.9624\to1.3899$, bias $.06295/n$.",
    source="bounds.md, section 5, B58, last but one sentence",
    hypotheses=("the recursion of B58.sign; digits as printed, correctly rounded",),
    aims_at=Grade.REFUTED_AS_PRINTED,
    correction=r"$n\,\mathrm{Var}$ $.9624\to1.3898$, bias $.06294/n$.",
    mutant=lambda: erratum(
        printed=_digits(PRINTED), corrected=_digits((".9624", "1.3898", ".06295"))
    ),
)
def printed_digits_of_the_recursion() -> Verdict:
    """Printed digits and their correction; the mutant corrects one of two."""
    return erratum(printed=_digits(PRINTED), corrected=_digits(CORRECTED))
