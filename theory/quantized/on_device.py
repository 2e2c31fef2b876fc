"""Products of packed matrices on a GPU (or any device of JAX): the integers of the compiled ones, bit for bit.

Words are halved, because JAX counts in 32 bits; some rows of the left factor meet all rows of the right one, and the
sum over words is fused, so nothing larger than the product is stored.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.devices import device
from theory.errors import InputError
from theory.quantized.packed import Packed

ROWS = 32


def packed_product_on_device(
    left: Packed, right: Packed, *, platform: str = "gpu"
) -> NDArray[np.int32]:
    """Return left @ right.T of packed matrices, exact: the integers of ``packed_product`` (claim S26).

    Parameters
    ----------
    left, right
        Of equal width.
    platform
        ``"gpu"``, ``"cpu"`` or another platform of JAX.

    Raises
    ------
    InputError
        If widths differ, JAX is not installed, or it has no such platform.
    """
    if left.width != right.width:
        raise InputError(
            f"left has {left.width} columns and right has {right.width}; rows meet rows, so both need the same"
        )
    place, jax = device(platform, "packed_product")
    gated = left.nonzero is not None or right.nonzero is not None
    planes = [_halves(one.negative) for one in (left, right)]
    planes += [_halves(one.gate) for one in (left, right)] if gated else []
    with jax.default_device(place):
        return np.asarray(_program(None if gated else left.width)(*planes))


def _halves(words: NDArray[np.uint64]) -> NDArray[np.uint32]:
    return np.ascontiguousarray(words).view(np.uint32)


@cache
def _program(width: int | None) -> Any:
    """Return the compiled product of words: of signs in rows of that width, or of signs and gates."""
    import jax
    import jax.numpy as jnp

    def count(words: Any) -> Any:
        return jnp.sum(jax.lax.population_count(words).astype(jnp.int32), axis=-1)

    def signs(a: Any, b: Any) -> Any:
        return jax.lax.map(lambda row: width - 2 * count(row ^ b), a, batch_size=ROWS)

    def with_gates(a: Any, b: Any, seen: Any, known: Any) -> Any:
        def meet(row: Any) -> Any:
            values, gate = row
            both = gate & known
            return count(both) - 2 * count((values ^ b) & both)

        return jax.lax.map(meet, (a, seen), batch_size=ROWS)

    return jax.jit(with_gates if width is None else signs)
