"""Training steps of an ensemble: ours beside JAX and PyTorch, which map one network's step over all of them.

100 networks of two hidden layers of n = 1024 neurons, sign forward and hardtanh backward, 64 samples in 16 dimensions,
plain gradient descent in float64; every processor for all three. *JAX*: jit of vmap of grad, parameters given away.
*PyTorch*: vmap of grad, updates in place, in an environment of its own, built once under build/pytorch from the
requirements beside this file; where that fails, the reason is printed and its row is left out. Then our float32 beside
our float64, and the first steps of a wide network without its hidden weights beside those with them.
"""

import json
import subprocess
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import theory as th
from hardlimit.environments import environment
from hardlimit.timing import Ratio, best_of
from theory.kernels import Architecture

NETWORKS, WIDTH, SAMPLES, INPUT, RATE = 100, 1024, 64, 16, 0.01
STEPS = 4
WIDE, FEW = 4096, 16
HERE = Path(__file__).parent


@jax.custom_vjp
def sign(h):
    return jnp.sign(h)


sign.defvjp(lambda h: (jnp.sign(h), h), lambda h, g: (g * (jnp.abs(h) < 1),))


def loss(parameters, x, y):
    *hidden, readout = parameters
    for w in hidden:
        x = sign(x @ w.T / np.sqrt(w.shape[1]))
    return jnp.sum(((x @ readout.T / np.sqrt(readout.shape[1]))[:, 0] - y) ** 2) / 2


def step(parameters, x, y):
    slopes = jax.grad(loss)(parameters, x, y)
    return [w - RATE * g for w, g in zip(parameters, slopes, strict=True)]


def seconds_of_jax(x, y):
    """Seconds of one step of all networks."""
    with jax.enable_x64(True):
        random = np.random.default_rng(0)
        shapes = [(WIDTH, INPUT), (WIDTH, WIDTH), (1, WIDTH)]
        state = [[jnp.asarray(random.normal(size=(NETWORKS, *shape))) for shape in shapes]]
        taken = jax.jit(jax.vmap(step, in_axes=(0, None, None)), donate_argnums=0)
        inputs, targets = jnp.asarray(x), jnp.asarray(y)

        def work():
            state[0] = jax.block_until_ready(taken(state[0], inputs, targets))

        return best_of(work, 3)


def seconds_of_pytorch():
    """Seconds of one step of all networks, or None where PyTorch cannot be had."""
    python = environment("pytorch", HERE / "pytorch.txt")
    if python is None:
        return None
    size = {
        "networks": NETWORKS, "width": WIDTH, "samples": SAMPLES, "inputs": INPUT, "rate": RATE,
    }  # fmt: skip
    told = subprocess.run(
        [str(python), str(HERE / "pytorch_worker.py"), json.dumps(size)],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(told.stdout)["seconds"]


def run() -> list[Ratio]:
    """Time steps of all; ours is the difference of two runs, which leaves drawing and recording out."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(SAMPLES, INPUT)), random.normal(size=SAMPLES)
    arch = Architecture(2, th.sign(), th.hardtanh(1))
    train = partial(th.train_networks, arch, rule=th.SGD(RATE))
    ours = partial(train, x, y, WIDTH, NETWORKS)
    seconds = {}
    for dtype in ("float64", "float32"):
        short, long = (
            best_of(partial(ours, steps=steps, dtype=dtype), 2) for steps in (1, 1 + STEPS)
        )
        seconds[dtype] = (long - short) / STEPS
    wide = partial(train, x[:FEW], y[:FEW], WIDE, 1, STEPS)
    first = {method: best_of(partial(wide, method=method), 2) for method in ("low-rank", "weights")}
    size = f"one step of {NETWORKS} networks, n={WIDTH}, L=2, {SAMPLES} samples"
    few = f"first {STEPS} steps of a network, n={WIDE}, L=2, {FEW} samples, low-rank"
    others = {"JAX, vmap": seconds_of_jax(x, y), "PyTorch, vmap": seconds_of_pytorch()}
    return [
        *(Ratio(size, seconds["float64"], name, s) for name, s in others.items() if s is not None),
        Ratio(f"{size}, float32", seconds["float32"], "float64", seconds["float64"]),
        Ratio(few, first["low-rank"], "every weight stored", first["weights"]),
    ]
