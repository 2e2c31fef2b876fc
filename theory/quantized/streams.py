"""Addressed randomness of training: a generator is a function of a seed, a role and up to three indices."""

from enum import IntEnum
from typing import Any

import numpy as np

from theory import checks
from theory.errors import InputError


class Role(IntEnum):
    """What a stream is for."""

    START = 0
    ORDER = 1
    SPLIT = 2
    STEP = 3
    PREDICT = 4


def generator(seed: Any, role: int, *index: int) -> np.random.Generator:
    """Return the generator at an address: never advanced elsewhere, so a resumed run draws the same numbers.

    Philox4x64: key (seed, role), counter (block, index). ``index``: up to three integers of at least 0.

    Raises
    ------
    InputError
        For a seed that is no integer in [0, 2^64).
    """
    key = checks.non_negative_int(seed, "seed")
    if key >= 2**64:
        raise InputError(f"seed must be below 2^64, got {key}")
    counter = [0, *index, *([0] * (3 - len(index)))]
    words = np.array([key, int(role)], np.uint64), np.array(counter, np.uint64)
    return np.random.Generator(np.random.Philox(key=words[0], counter=words[1]))
