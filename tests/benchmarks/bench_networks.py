"""The compiled sampler against plain NumPy, and the limit kernel against sampling it."""

import numpy as np

import theory as th
from hardlimit.timing import Ratio, best_of

WIDTH, DRAWS = 256, 50


def numpy_outputs(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Outputs of sign networks with two hidden layers, one matrix product at a time."""
    outputs = np.empty((DRAWS, len(X)))
    for draw in range(DRAWS):
        x = X / np.sqrt(X.shape[1])
        for _ in range(2):
            x = np.sign(x @ rng.standard_normal((x.shape[1], WIDTH))) / np.sqrt(WIDTH)
        outputs[draw] = x @ rng.standard_normal(WIDTH)
    return outputs


def run() -> list[Ratio]:
    """Time both on eight inputs."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((8, 16))
    arch = th.Architecture(2, th.sign(), th.hardtanh(1))
    ramp = th.Architecture(2, th.hardtanh("1/2"), th.hardtanh(1))
    work = f"{DRAWS} networks of width {WIDTH}"
    return [
        Ratio(
            f"outputs of {work}, weight by weight",
            best_of(lambda: th.sample_networks(arch, X, WIDTH, DRAWS, method="weights", ntk=False)),
            "NumPy matrix products",
            best_of(lambda: numpy_outputs(X, rng)),
        ),
        Ratio(
            "limit kernel",
            best_of(lambda: th.ntk(ramp, X)),
            f"the mean kernel of {work}",
            best_of(lambda: th.sample_networks(ramp, X, WIDTH, DRAWS), repeat=1),
        ),
    ]
