"""Training steps of an ensemble: ours beside JAX, which maps one network's step over all of them.

100 networks of two hidden layers of n = 1024 neurons, sign forward and hardtanh backward, 64 samples in 16 dimensions,
plain gradient descent in float64; every processor for both. *JAX*: jit of vmap of grad, parameters given away.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

import theory as th
from hardlimit.timing import Ratio, best_of
from theory.kernels import Architecture

NETWORKS, WIDTH, SAMPLES, INPUT, RATE = 100, 1024, 64, 16, 0.01
STEPS = 4


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


def run() -> list[Ratio]:
    """Time steps of both; ours is the difference of two runs, which leaves drawing and recording out."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(SAMPLES, INPUT)), random.normal(size=SAMPLES)
    arch = Architecture(2, th.sign(), th.hardtanh(1))
    ours = partial(th.train_networks, arch, x, y, WIDTH, NETWORKS, rule=th.SGD(RATE))
    short, long = (best_of(partial(ours, steps=steps), 2) for steps in (1, 1 + STEPS))
    size = f"one step of {NETWORKS} networks, n={WIDTH}, L=2, {SAMPLES} samples"
    return [Ratio(size, (long - short) / STEPS, "JAX, vmap", seconds_of_jax(x, y))]
