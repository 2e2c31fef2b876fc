"""Price's theorem for every pair of the catalogue (asymmetric-kernels.md, T6): one claim a forward function."""

from collections.abc import Iterator
from functools import partial

import sympy as sp

from proofs_check.ledger import claim
from proofs_check.methods.identity import identity
from proofs_check.notation import COVARIANCES, c, chart, noise, p, q
from proofs_check.verdict import Grade, Verdict, every
from theory.activations import Activation, catalogue
from theory.gaussian import expectation


def _t6(f: Activation, exchanged: bool) -> Verdict:
    """Compare the c-derivative of E[f T] with E[f' T'], and the value at c = 0 with E[f] E[T]."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        for name, primitive in catalogue().items():
            where = chart(noise(f), noise(primitive))
            dual = expectation(f, primitive).expr
            slope = expectation(f.derivative, primitive.derivative).expr
            if exchanged:
                slope = slope.subs({p: q, q: p}, simultaneous=True)
            yield (
                f"slope, T = {name}",
                identity(sp.diff(dual, c), slope, on=COVARIANCES, chart=where, points=3),
            )
            means = expectation(f).expr * expectation(primitive).expr.subs(p, q)
            yield (
                f"value at c = 0, T = {name}",
                identity(dual.subs(c, 0), means, on=COVARIANCES, chart=where, points=3),
            )

    return every(parts())


for label, activation in catalogue().items():
    claim(
        f"T6.{label}",
        statement=r"$E[\sigma'(u)\tau(v)]=\frac{d}{dc}E[\sigma(u)T(v)]$ at fixed $q_u,q_v$, and "
        r"$E[\sigma(u)T(v)]=E[\sigma(u)]E[T(v)]$ at $c=0$: "
        rf"forward $\sigma={activation.label}$, every $T$ of the catalogue, $\tau=T'$.",
        source="asymmetric-kernels.md, section 2, T6",
        hypotheses=(
            r"$|c|<\sqrt{q_uq_v}$",
            "the two sides are derived by separate runs of the engine",
            f"T over all {len(catalogue())} activations of the catalogue",
        ),
        aims_at=Grade.PROVED,
        mutant=partial(_t6, activation, exchanged=True),
    )(partial(_t6, activation, exchanged=False))
