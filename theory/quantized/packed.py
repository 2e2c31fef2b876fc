"""Matrices of -1, 0 and +1 in one or two bits an entry, and their products by exclusive or and bit counts (S26).

A word holds 64 entries of a row: bit s of word w is column 64 w + s. Signs alone need one plane, set where the entry
is -1; with zeros a second plane is the gate, set where the entry is not 0. Rows end with unset bits.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory import checks
from theory.errors import InputError
from theory.quantized.tiles import GATED_COLUMNS, SIGN_COLUMNS, fill

Words = NDArray[np.uint64]
WORD = 64


@dataclass(frozen=True)
class Packed:
    """A matrix of -1, 0 and +1.

    Parameters
    ----------
    negative
        Words of shape (rows, ceil(width / 64)): where the entry is -1.
    nonzero
        The gate, same shape: where the entry is not 0. None if no entry is 0.
    width
        Columns.
    """

    negative: Words
    nonzero: Words | None
    width: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.negative), self.width

    @property
    def nbytes(self) -> int:
        """Bytes that the planes take."""
        return self.negative.nbytes + (0 if self.nonzero is None else self.nonzero.nbytes)

    @property
    def gate(self) -> Words:
        """The gate, all entries where no entry is 0."""
        if self.nonzero is not None:
            return self.nonzero
        return np.repeat(_plane(np.ones((1, self.width), dtype=bool)), len(self.negative), axis=0)

    def unpack(self) -> NDArray[np.int8]:
        """Return the entries, shape (rows, width)."""
        negative, nonzero = (_bits(plane, self.width) for plane in (self.negative, self.gate))
        return nonzero.astype(np.int8) - 2 * (negative & nonzero).astype(np.int8)


def pack(values: ArrayLike) -> Packed:
    """Pack a matrix of -1, 0 and +1; one bit an entry if none is 0, else two.

    Raises
    ------
    InputError
        For any other entry, or anything but a matrix with at least one row and one column.
    """
    given = np.asarray(values)
    if given.ndim != 2 or 0 in given.shape:
        raise InputError(f"values must be a matrix with rows and columns, got shape {given.shape}")
    negative, positive = given == -1, given == 1
    nonzero = negative | positive
    zero = given == 0
    if not np.all(nonzero | zero):
        i, j = np.argwhere(~(nonzero | zero))[0]
        raise InputError(
            f"values[{i}, {j}] is {given[i, j]}; packed matrices hold -1, 0 and +1: quantize first"
        )
    gate = _plane(nonzero) if np.any(zero) else None
    return Packed(_plane(negative), gate, given.shape[1])


def packed_product(left: Packed, right: Packed, *, threads: int | None = None) -> NDArray[np.int32]:
    """Return left @ right.T: inner products of rows with rows, exact.

    +-1 with +-1 is width - 2 popcount(a xor b); with zeros on either side both are gated, and the product is
    popcount(g) - 2 popcount((a xor b) and g), g the entries where neither is 0 (claim S26).

    Parameters
    ----------
    left, right
        Of equal width.
    threads
        None: as many as the process may use. The result does not depend on it.
    """
    if left.width != right.width:
        raise InputError(
            f"left has {left.width} columns and right has {right.width}; rows meet rows, so both need the same"
        )
    workers = checks.threads(threads)
    gated = left.nonzero is not None or right.nonzero is not None
    planes = [_interleaved(one) if gated else one.negative for one in (left, right)]
    rows, columns = len(left.negative), len(right.negative)
    out = checks.storage((rows, columns), "the product", "int32")
    block = GATED_COLUMNS if gated else SIGN_COLUMNS
    panels = -(-columns // block)
    workers = min(workers, panels)
    ends = [min(columns, block * (panels * k // workers)) for k in range(workers + 1)]

    def work(k: int) -> None:
        fill(gated, planes[0], planes[1], left.width, out.reshape(-1), ends[k], ends[k + 1])

    if workers == 1:
        work(0)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, range(workers)))
    return out


def _plane(bits: NDArray[np.bool_]) -> Words:
    """Pack booleans, 64 columns a word."""
    words = -(-bits.shape[1] // WORD)
    packed = np.zeros((bits.shape[0], 8 * words), np.uint8)
    found = np.packbits(bits, axis=1, bitorder="little")
    packed[:, : found.shape[1]] = found
    return packed.view("<u8").astype(np.uint64, copy=False)


def _bits(plane: Words, width: int) -> NDArray[np.bool_]:
    bytes_ = plane.astype("<u8", copy=False).view(np.uint8)
    return np.unpackbits(bytes_, axis=1, count=width, bitorder="little").astype(bool)


def _interleaved(one: Packed) -> Words:
    """Sign word and gate word in turn."""
    pairs = np.stack([one.negative, one.gate], axis=2)
    return pairs.reshape(len(pairs), -1)
