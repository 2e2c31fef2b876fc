"""Packed products and what weights take in memory (S22, S26)."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.methods.identity import identity
from proofs_check.verdict import Grade, Verdict, every
from theory.quantized import Adam, FullPrecision, StateTransition, pack, packed_product

SOURCE = "quantized-training.md, section 2; GXNOR-Net"

# ----------------------------------------------------------------------------------------- S26


def _position(a: int, w: int) -> int:
    """One position of the ternary identity: 2 [a = w] g - g, g = [a != 0][w != 0]."""
    gate = int(a != 0 and w != 0)
    return 2 * gate * int((a < 0) == (w < 0)) - gate


def _products(width: int, levels: tuple[int, ...]) -> Verdict:
    """The library's packed product of all vectors with all vectors."""
    every_vector = np.array(list(product(levels, repeat=width)), dtype=np.int8)
    packed = pack(every_vector)
    if (packed.nonzero is None) != (0 not in levels):
        return Verdict(Grade.REFUTED, "wrong planes", f"width {width}, levels {levels}")
    wide: NDArray[np.int64] = every_vector.astype(np.int64)
    found, exact = packed_product(packed, packed, threads=1), wide @ wide.T
    count = f"{exact.size} pairs of vectors of width {width}"
    if np.array_equal(found, exact):
        return Verdict(Grade.PROVED, count, None, ("NumPy's integer products",))
    i, j = np.argwhere(found != exact)[0]
    return Verdict(Grade.REFUTED, count, f"vectors {every_vector[i]} and {every_vector[j]}")


def _s26(rest: int) -> Verdict:
    signs = [{"a": a, "w": w} for a, w in product((-1, 1), repeat=2)]
    ternary = [{"a": a, "w": w} for a, w in product((-1, 0, 1), repeat=2)]
    p, q = sp.symbols("p q", positive=True)

    def parts() -> Iterator[tuple[str, Verdict]]:
        # Both sides are sums over positions, so the table of one position decides every width.
        yield (
            "+-1, one position",
            exhaustive(signs, lambda a, w: a * w, lambda a, w: 1 - 2 * int(a != w)),
        )
        yield "ternary, one position", exhaustive(ternary, lambda a, w: a * w, _position)
        for width in range(1, 7):
            yield f"library, +-1, {width}", _products(width, (-1, 1))
            yield f"library, ternary, {width}", _products(width, (-1, 0, 1))
        # a rests with probability p, w with q.
        resting = identity(1 - (1 - p) * (1 - q), p + q - p * q, on=Domain({p: (0, 1), q: (0, 1)}))
        yield "rest", resting
        counted = exhaustive(
            [{"n": 21}],
            lambda n: (
                Fraction(sum(a * w == 0 for a, w in product((-1, 0, 1), repeat=2)), 9),
                Fraction(n * sum(a * w != 0 for a, w in product((-1, 0, 1), repeat=2)), 9),
            ),
            lambda n: (Fraction(rest, 9), Fraction(n * 4, 9)),
        )
        yield "uniform ternary", counted

    return every(parts())


@claim(
    "S26",
    statement=r"$\pm1$: $a\cdot w=n-2\,\mathrm{popcount}(a\oplus w)$. Ternary, gate $g=[a\ne0][w\ne0]$: $a\cdot w=2\,"
    r"\mathrm{popcount}(\mathrm{xnor}\wedge g)-\mathrm{popcount}(g)$. A position rests with probability $1-(1-p_a)"
    r"(1-p_w)$, $5/9$ for uniform ternary; of 21 XNOR $28/3$ work, printed as 9.",
    source=f"{SOURCE}, S26; operation counts recalled",
    hypotheses=("the table of one position, hence any width; the library's products for all vectors up to width 6",),
    aims_at=Grade.PROVED,
    mutant=lambda: _s26(4),
)  # fmt: skip
def packed_identities() -> Verdict:
    """Tables of one position, then all vectors through the packed code; the mutant rests 4 times of 9."""
    return _s26(5)


# ----------------------------------------------------------------------------------------- S22


def _bits(moments: int) -> Verdict:
    """Compare what the trainers declare with the accounting."""
    trainers = {
        "DST": StateTransition(),
        "DST with Adam": StateTransition(direction=Adam()),
        "float32": FullPrecision(),
        "float32 with Adam": FullPrecision(direction=Adam()),
    }
    extra = 32 * moments
    stated = dict(zip(trainers, (2, 2 + extra, 32, 32 + extra), strict=True))

    def declared(name: str) -> Fraction:
        return Fraction(trainers[name].bits().training)

    def parts() -> Iterator[tuple[str, Verdict]]:
        names = [{"name": name} for name in trainers]
        yield "bits", exhaustive(names, declared, lambda name: Fraction(stated[name]))
        ratios = exhaustive(
            [{}],
            lambda: (
                declared("float32 with Adam") / declared("DST with Adam"),
                declared("float32") / declared("DST"),
            ),
            lambda: (Fraction(16, 11), Fraction(16)),
        )
        yield "ratios 1.4545 and 16", ratios
        # Two planes: measured bits an entry.
        packed = pack(np.resize([-1, 0, 1], (3, 640)))
        stored = Fraction(8 * packed.nbytes, 3 * 640)
        yield "packed", exhaustive([{}], lambda: stored, lambda: Fraction(2))
        # that is, log2(3) = 1.585 to three digits
        entropy = int(2**15845 < 3**10000 < 2**15855)
        yield "entropy", exhaustive([{}], lambda: entropy, lambda: 1)

    return every(parts())


@claim(
    "S22",
    statement=r"A DST weight takes 2 bits ($\log_23=1.585$ of entropy). With Adam it takes $2\times32$ bits of moments "
    r"beside: 66 bits a weight in training against 96 for float32 with Adam, $16/11=1.45$ times less, not 16; plain "
    r"DST 2 against 32, 16 times less.",
    source=f"{SOURCE}, S22; that moments are floats was read in the code",
    hypotheses=(
        "accounting of the state that has to be kept; packed storage of ternary weights is measured",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _bits(1),
)
def memory_of_training() -> Verdict:
    """Add up what trainers declare; the mutant's Adam keeps one moment."""
    return _bits(2)
