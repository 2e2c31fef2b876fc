"""The devices of JAX: found by platform, or refused with what is there."""

from importlib.util import find_spec
from typing import Any

from theory.errors import InputError


def device(platform: str, instead: str) -> tuple[Any, Any]:
    """Return the first device of a platform, and JAX.

    Raises
    ------
    InputError
        If JAX is not installed or has no such platform; ``instead`` names what works without.
    """
    if find_spec("jax") is None:
        raise InputError(
            f"a device needs JAX, which is not installed; pip install 'hardlimit[gpu]', or use {instead}"
        )
    import jax

    try:
        return jax.devices(platform)[0], jax
    except RuntimeError as error:
        there = sorted({found.platform for found in jax.devices()})
        raise InputError(
            f"JAX finds no device of platform {platform!r} here, only {there}; choose one of them, "
            f"install JAX for that platform, or use {instead}"
        ) from error
