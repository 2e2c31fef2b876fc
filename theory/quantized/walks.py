"""Discrete state transition and many annealed walks at once on a GPU (or any device of JAX).

A walk compares random words with integers, so it has the same bits on every platform: JAX's Threefry with the key
(seed), folded with the number of the step.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory import checks
from theory.checks import finite
from theory.devices import device
from theory.errors import InputError
from theory.quantized.landscape import Landscape
from theory.quantized.transition import Rule, checked, split

Int = NDArray[np.int32]
WORDS = 2**32


def transition_on_device(
    codes: ArrayLike,
    change: ArrayLike,
    uniforms: ArrayLike,
    bits: int,
    rule: Rule,
    *,
    platform: str = "gpu",
) -> NDArray[np.int64]:
    """Return ``moves(codes, change, bits, rule).draw(uniforms)``, computed on a device in float64 (S16).

    With ``LinearRule`` bit for bit; with ``TanhRule`` the device's tanh may differ in its last bits, and a weight may
    then differ whose uniform number lies within 1e-15 of it.

    Raises
    ------
    InputError
        As for ``moves``; if shapes differ, JAX is not installed, or it has no such platform.
    """
    start, wanted, top = checked(codes, change, bits)
    drawn = finite(uniforms, "uniforms")
    if drawn.shape != start.shape:
        raise InputError(f"uniforms need shape {start.shape}, one a weight, got {drawn.shape}")
    place, jax = device(platform, "moves")
    with jax.enable_x64(True), jax.default_device(place):
        return np.asarray(_transition(top, rule)(start, wanted, drawn))


@cache
def _transition(top: int, rule: Rule) -> Any:
    import jax
    import jax.numpy as jnp

    def jump(codes: Any, wanted: Any, uniforms: Any) -> Any:
        near, far, chance = split(jnp, codes, wanted, top, rule)
        return jnp.where(uniforms < chance, far, near)

    return jax.jit(jump)


@dataclass(frozen=True)
class Walks:
    """Where walks on a landscape ended, and the lowest state that each has seen; numbers of states, one a walk."""

    last: Int
    best: Int


def annealed_walks(
    landscape: Landscape,
    temperatures: ArrayLike,
    walks: int,
    seed: int = 0,
    *,
    platform: str = "gpu",
) -> Walks:
    """Follow many independent Metropolis walks, one proposal of a single weight at each temperature.

    Parameters
    ----------
    landscape
        Any; walks begin at states drawn uniformly.
    temperatures
        Positive, one a step; see ``theory.quantized.temperatures``.
    walks
        How many.
    seed
        Below 2^32.
    platform
        ``"gpu"``, ``"cpu"`` or another platform of JAX; walks do not depend on it.

    Returns
    -------
    Walks
        Their law is ``annealed_law``, but for chances rounded down to multiples of 2^-32.

    Raises
    ------
    InputError
        For temperatures that are not positive, if JAX is not installed, or it has no such platform.
    """
    t = finite(temperatures, "temperatures")
    if t.ndim != 1 or np.any(t <= 0):
        raise InputError("temperatures must be a list of positive numbers, one a step")
    count, key = checks.positive_int(walks, "walks"), checks.non_negative_int(seed, "seed")
    if key >= WORDS:
        raise InputError(f"seed must be below 2^32, got {key}")
    near = landscape.neighbours
    energies = landscape.energies.astype(np.float64)
    climbs, place = np.unique(
        np.maximum(energies[near] - energies[:, None], 0.0), return_inverse=True
    )
    kinds = place.reshape(near.shape).astype(np.int32)
    # Kind 0 climbs nothing and is always accepted; the others where a word is below the limit.
    limits = np.floor(np.exp(-climbs / t[:, None]) * WORDS).clip(max=WORDS - 1).astype(np.uint32)
    _, ranks = np.unique(energies, return_inverse=True)
    found_on, jax = device(platform, "annealed_law")
    with jax.default_device(found_on):
        last, best = _program(count, *near.shape)(key, near, kinds, ranks.astype(np.int32), limits)
        return Walks(np.asarray(last), np.asarray(best))


@cache
def _program(walks: int, size: int, degree: int) -> Any:
    """Return the compiled walks: words choose a start, then a neighbour and an acceptance a step."""
    import jax
    import jax.numpy as jnp

    def below(words: Any, count: int) -> Any:
        """Integers from 0 to count - 1: the high word of a product, in two halves of 16 bits."""
        low, high = words & 0xFFFF, words >> 16
        return ((high * count + (low * count >> 16)) >> 16).astype(jnp.int32)

    def run(seed: Any, near: Any, kinds: Any, ranks: Any, limits: Any) -> Any:
        key = jax.random.key(seed, impl="threefry2x32")

        def draw(step: Any, rows: int) -> Any:
            return jax.random.bits(jax.random.fold_in(key, step), (rows, walks), jnp.uint32)

        first = (draw(0, 1)[0] % size).astype(jnp.int32)

        def step(carry: Any, at: Any) -> Any:
            here, best = carry
            number, limit = at
            words = draw(number, 2)
            turn = below(words[0], degree)
            kind = kinds[here, turn]
            here = jnp.where((kind == 0) | (words[1] < limit[kind]), near[here, turn], here)
            return (here, jnp.where(ranks[here] < ranks[best], here, best)), None

        numbers = jnp.arange(1, len(limits) + 1)
        (last, best), _ = jax.lax.scan(step, (first, first), (numbers, limits))
        return last, best

    return jax.jit(run)
