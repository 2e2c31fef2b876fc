"""Gaussian couplings and square roots of matrices: the lemmas under every bound (bounds.md, B5)."""

from collections.abc import Iterator

import sympy as sp

from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.identity import identity
from proofs_check.verdict import Grade, Verdict, every

SOURCE = "bounds.md"
PAIRS = r"$2\times2$ matrices, $A=S^2$, $B=R^2$ with $S,R\succ0$ symbolic; closed under limits, so $S,R\succeq0$"

s1, s2, r1, r2 = sp.symbols("s1 s2 r1 r2", positive=True)
s3, r3 = sp.symbols("s3 r3", real=True)
x1, x2, y1, y2 = sp.symbols("x1 x2 y1 y2", real=True)
S = sp.Matrix([[s1, s3], [s3, s2]])
R = sp.Matrix([[r1, r3], [r3, r2]])
DEFINITE = Domain(
    {s1: (0, 2), s2: (0, 2), s3: (-1, 1), r1: (0, 2), r2: (0, 2), r3: (-1, 1)},
    (s3**2 < s1 * s2, r3**2 < r1 * r2),
)
VECTORS = Domain(
    {**DEFINITE.box, x1: (-2, 2), x2: (-2, 2), y1: (-2, 2), y2: (-2, 2)}, DEFINITE.where
)


def same(left: sp.Expr, right: sp.Expr, on: Domain = DEFINITE) -> Verdict:
    """Prove two expressions in matrix entries equal."""
    return identity(sp.expand(left), sp.expand(right), on=on, points=3)


def b5a(cross: int) -> Verdict:
    """Optimal transport between N(0, S^2) and N(0, T S^2 T): the map T, and the dual pair that certifies it.

    Here R plays T. The trace formula is stated with the factor ``cross`` in front of the square root.
    """
    a, b = S * S, R * S * S * R
    root = S * R * S
    one = sp.eye(2)
    stated = a.trace() + b.trace() - cross * root.trace()

    def parts() -> Iterator[tuple[str, Verdict]]:
        for i, j in ((0, 0), (0, 1), (1, 1)):
            yield (
                f"(STS)^2 is A^(1/2) B A^(1/2), entry {i}{j}",
                same((root * root)[i, j], (S * b * S)[i, j]),
            )
        yield "cost of the map x -> Tx", same(((one - R) * a * (one - R)).trace(), stated)
        x, y = sp.Matrix([x1, x2]), sp.Matrix([y1, y2])
        # Young: 2 x.y <= x.Tx + y.T^(-1)y, the gap being a square in the metric T^(-1); cleared of det T.
        inverse = R.adjugate()
        determinant = R.det()
        square = ((R * x - y).T * inverse * (R * x - y))[0]
        young = (
            determinant * (x.T * R * x)[0] + (y.T * inverse * y)[0] - 2 * determinant * (x.T * y)[0]
        )
        yield "no coupling costs less (dual certificate)", same(young, square, VECTORS)
        dual = determinant * (a * (one - R)).trace() + (b * (determinant * one - inverse)).trace()
        yield "value of the dual", same(dual, determinant * stated)

    return every(parts())


@claim(
    "B5(a)",
    statement=r"$W_2(N(0,A),N(0,B))^2=d_B^2(A,B)=\operatorname{tr}A+\operatorname{tr}B"
    r"-2\operatorname{tr}(A^{1/2}BA^{1/2})^{1/2}$.",
    source=f"{SOURCE}, B5(a) (Gelbrich, Bures)",
    hypotheses=(
        r"$2\times2$, $A=S^2$, $B=TAT$ with $S,T\succ0$ symbolic (every positive pair has this form)",
        "weak duality of optimal transport",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: b5a(1),
)
def gelbrich() -> Verdict:
    """Gaussian transport costs the Bures distance."""
    return b5a(2)


def b5b(sign: int) -> Verdict:
    """|S - R|_F^2 - d_B^2 = 2 (tr P^(1/2) - tr SR) with P = S R^2 S, through the squares of the traces."""
    product = R * S
    gap = (product[0, 1] + sign * product[1, 0]) ** 2

    def parts() -> Iterator[tuple[str, Verdict]]:
        # For 2x2 P >= 0: (tr P^(1/2))^2 = tr P + 2 (det P)^(1/2), and det P = (det S det R)^2.
        p = S * R * R * S
        yield "determinant", same(p.det(), (S.det() * R.det()) ** 2)
        root_trace_squared = p.trace() + 2 * S.det() * R.det()
        yield "gap is a square", same(root_trace_squared - product.trace() ** 2, gap)

    return every(parts())


@claim(
    "B5(b)",
    statement=r"$d_B(A,B)\le\|A^{1/2}-B^{1/2}\|_F$ (one noise for both); the gap "
    r"$(\operatorname{tr}(A^{1/2}BA^{1/2})^{1/2})^2-(\operatorname{tr}A^{1/2}B^{1/2})^2$ is the square of the "
    r"antisymmetric part $M_{12}-M_{21}$ of $M=B^{1/2}A^{1/2}$.",
    source=f"{SOURCE}, B5(b)",
    hypotheses=PAIRS,
    aims_at=Grade.PROVED,
    mutant=lambda: b5b(1),
)
def same_noise_coupling() -> Verdict:
    """One noise for both Gaussians is an upper bound."""
    return b5b(-1)


def b5c(offset: int) -> Verdict:
    """Sylvester: A - B = S X + X R; in the eigenbases of S and R each entry of X is multiplied by s_i + r_j."""
    low_s, low_r, up_s, up_r = sp.symbols("l_s l_r u_s u_r", positive=True)
    entries = sp.Matrix(2, 2, sp.symbols("x11 x12 x21 x22", real=True))

    def parts() -> Iterator[tuple[str, Verdict]]:
        x = S - R
        for i in range(2):
            for j in range(2):
                yield (
                    f"Sylvester equation, entry {i}{j}",
                    same((S * S - R * R)[i, j], (S * x + x * R)[i, j]),
                )
        on_s, on_r = sp.diag(low_s, low_s + up_s), sp.diag(low_r, low_r + up_r)
        image = on_s * entries + entries * on_r
        least = offset * (low_s + low_r)
        excess = sum(v**2 for v in image) - least**2 * sum(v**2 for v in entries)
        rises = ((0, 0), (0, up_r), (up_s, 0), (up_s, up_r))
        squares = sum(
            entries[index] ** 2 * (a + b) * (2 * (low_s + low_r) + a + b)
            for index, (a, b) in enumerate(rises)
        )
        box = dict.fromkeys((low_s, low_r, up_s, up_r), (0, 2))
        box |= dict.fromkeys(entries, (-2, 2))
        yield "excess is a sum of squares with positive weights", same(excess, squares, Domain(box))

    return every(parts())


@claim(
    "B5(c)",
    statement=r"$\|A^{1/2}-B^{1/2}\|_F\le\|A-B\|_F/(\lambda_{\min}(A)^{1/2}+\lambda_{\min}(B)^{1/2})$, hence "
    r"$\le\|A-B\|_F/\lambda_{\min}(B)^{1/2}$ even if $A$ is singular.",
    source=f"{SOURCE}, B5(c) (van Hemmen-Ando)",
    hypotheses=(PAIRS, "Frobenius norm (invariant under the two rotations to eigenbases)"),
    aims_at=Grade.PROVED,
    mutant=lambda: b5c(2),
)
def van_hemmen_ando() -> Verdict:
    """Square roots are Lipschitz away from 0."""
    return b5c(1)


def b5d(factor: int) -> Verdict:
    """In the eigenbasis of X = S - R: pinching bounds the trace norm by the diagonal of A - B.

    Signs of the two eigenvalues: for X_ii = u >= 0 write S_ii = R_ii + u, for X_ii = -u write R_ii = S_ii + u.
    """
    a1, a2, u1, u2 = sp.symbols("a1 a2 u1 u2", positive=True)
    off = sp.Symbol("c", real=True)
    on = Domain({a1: (0, 2), a2: (0, 2), u1: (0, 2), u2: (0, 2), off: (-1, 1)})

    def parts() -> Iterator[tuple[str, Verdict]]:
        for first in (1, -1):
            for second in (1, -1):
                small = sp.Matrix([[a1, off], [off, a2]])
                s = small + sp.diag(u1 * int(first > 0), u2 * int(second > 0))
                r = small + sp.diag(u1 * int(first < 0), u2 * int(second < 0))
                difference = s * s - r * r
                pinched = first * difference[0, 0] + second * difference[1, 1]
                norm = factor * (u1**2 + u2**2)
                yield (
                    f"signs {first:+d}{second:+d}",
                    same(pinched - norm, 2 * (a1 * u1 + a2 * u2), on),
                )

    return every(parts())


@claim(
    "B5(d)",
    statement=r"Powers-Størmer: $\|A^{1/2}-B^{1/2}\|_F^2\le\|A-B\|_1$; in the eigenbasis of "
    r"$X=A^{1/2}-B^{1/2}$, $\operatorname{tr}[(A-B)\,\mathrm{sgn}X]-\|X\|_F^2"
    r"=2\sum_i|X_{ii}|\min(A^{1/2},B^{1/2})_{ii}\ge0$.",
    source=f"{SOURCE}, B5(d)",
    hypotheses=(
        PAIRS,
        r"duality of the trace norm: $\|M\|_1\ge\operatorname{tr}(MU)$ for $\|U\|\le1$",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: b5d(2),
)
def powers_stormer() -> Verdict:
    """Square roots are 1/2-Hoelder everywhere."""
    return b5d(1)
