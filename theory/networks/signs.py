"""Sign networks with two inputs, by the integer chain of their agreements (claims E4, B55, B56): cost free of neurons.

Features are +-1, so two inputs share only the number k of neurons on which they agree: binomial, layer after layer.
Binomials come from one uniform of 52 bits each, by inversion outwards from the mode: about sqrt(n) steps of a
recursion that starts from Loader's saddle-point form of the mass at the mode, right to 1e-14.
"""

# ruff: noqa: ARG001  (one signature for every sampler)
from math import acos, exp, lgamma, log, log1p, pi, sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from theory.activations import sign
from theory.kernels.weights import Latent, rademacher
from theory.networks.compiled import compiled
from theory.networks.normals import draw_words, fill_normals, scratch
from theory.networks.streams import Role, address

if TYPE_CHECKING:
    from theory.kernels import Architecture

_PREACTIVATION, _OUTPUT = int(Role.PREACTIVATION), int(Role.OUTPUT)
_SIGN = int(Latent.SIGN)
_HALF_LOG = 0.5 * log(2.0 * pi)


def no_chain(
    arch: "Architecture", inputs: NDArray[np.float64], widths: tuple[int, ...], ntk: bool
) -> str | None:
    """Why the chain does not cover a request, or None if it does."""
    if len(inputs) != 2 or not arch.layers:
        return f"the chain is for two inputs and a hidden layer, got {len(inputs)} and {len(arch.layers)}"
    if any(layer.activation.atoms != sign().atoms for layer in arch.layers):
        return "the chain needs sign in every hidden layer"
    if not (arch.weight_laws[0].is_gaussian and arch.weight_laws[-1].is_gaussian):
        return "the chain is for Gaussian weights in the first layer and in the readout"
    for place, (law, n) in enumerate(zip(arch.weight_laws[1:-1], widths, strict=False), start=1):
        if law == rademacher() and arch.bias_stds[place]:
            return f"the chain of +-1 weights has no bias, got one above hidden layer {place}"
        if law == rademacher() and n % 2 == 0:
            return f"sums of {n} signs above hidden layer {place} can be 0, where sign is 0; the chain takes odd widths"
        if law != rademacher() and not law.is_gaussian:
            return (
                f"the chain is for Gaussian and +-1 weights between hidden layers, got {law.name}"
            )
    if ntk:
        return "the chain knows no kernels; pass ntk=False"
    if not arch.bias_stds[0] and not np.all(np.any(inputs, axis=1)):
        return "an input is zero, so its first pre-activations vanish and sign is 0 there"
    return None


@compiled
def _correction(n):  # type: ignore[no-untyped-def]
    """Log n! less Stirling's formula."""
    if n < 16.0:
        return lgamma(n + 1.0) - (n + 0.5) * log(n) + n - _HALF_LOG
    s = 1.0 / (n * n)
    return (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s / 1188)))) / n


@compiled
def _deviance(x, mean):  # type: ignore[no-untyped-def]
    """Value of x log(x/mean) + mean - x, without cancellation where they are close."""
    v = (x - mean) / (x + mean)
    if abs(v) > 0.1:
        return x * log(x / mean) + mean - x
    total, term = (x - mean) * v, 2.0 * x * v
    for j in range(1, 20):
        term *= v * v
        total += term / (2 * j + 1)
    return total


@compiled
def binomial_mass(n, k, p):  # type: ignore[no-untyped-def]
    """Probability of k under Bin(n, p), p in (0, 1); relative error about 1e-14 near the mode."""
    if k == 0:
        return exp(n * log1p(-p))
    if k == n:
        return exp(n * log(p))
    there, rest = float(k), float(n - k)
    exponent = _correction(float(n)) - _correction(there) - _correction(rest)
    exponent -= _deviance(there, n * p) + _deviance(rest, n * (1.0 - p))
    return exp(exponent) * sqrt(n / (2.0 * pi * there * rest))


@compiled
def binomial(n, p, u):  # type: ignore[no-untyped-def]
    """The number of Bin(n, p) that the uniform ``u`` names, values in order of their distance to the mode."""
    if p <= 0.0 or p >= 1.0:
        return n if p >= 1.0 else 0
    mode = min(int((n + 1) * p), n)
    right = binomial_mass(n, mode, p)
    up, down, left, odds = mode, mode, right, p / (1.0 - p)
    u -= right
    while u >= 0.0 and (right > 0.0 or left > 0.0):
        right *= (n - up) / (up + 1.0) * odds
        up += 1
        u -= right
        if u < 0.0:
            return up
        left *= down / (n - down + 1.0) / odds
        down -= 1
        u -= left
        if u < 0.0:
            return down
    return mode


@compiled
def agreement(n, k):  # type: ignore[no-untyped-def]
    """P(sgn(A + B) = sgn(A - B)) = P(abs(A) > abs(B)) for sums A, B of k and of n - k fair signs, n odd (claim B56).

    A sum of positive terms, outwards from the middle: relative error about 1e-13, in O(sqrt n) operations.
    """
    if k == n:
        return 1.0
    rest = n - k
    heads, others = (k + 1) // 2, (rest + 1) // 2
    mass, other = binomial_mass(k, heads, 0.5), binomial_mass(rest, others, 0.5)
    total, within = 0.0, 0.0
    while heads <= k and mass > 0.0:
        while others <= rest and 2 * others - rest < 2 * heads - k:
            within += other if 2 * others == rest else 2.0 * other
            other *= (rest - others) / (others + 1.0)
            others += 1
        total += within * (mass if 2 * heads == k else 2.0 * mass)
        mass *= (k - heads) / (heads + 1.0)
        heads += 1
    return min(total, 1.0)


@compiled
def sample(plan, inputs, seed, first, pairs, used, outputs, chains, kernels):  # type: ignore[no-untyped-def]
    """As the other samplers; ``chains`` takes the last covariance alone, and there are no kernels."""
    depth, room, z = plan.widths.shape[0] - 2, scratch(), np.empty(2)
    first_words, second_words, _, _ = room
    scale, bias = plan.weight_stds[0] ** 2 / inputs.shape[1], plan.bias_stds[0] ** 2
    same, one, two = bias, bias, bias
    for j in range(inputs.shape[1]):
        same += scale * inputs[0, j] * inputs[1, j]
        one += scale * inputs[0, j] ** 2
        two += scale * inputs[1, j] ** 2
    start = same / (sqrt(one) * sqrt(two))
    for m in range(chains.shape[0]):
        rho, n, agree = start, 0, 0
        for layer in range(depth):
            stream = address(seed, first + m, layer, _PREACTIVATION)
            draw_words(first_words, second_words, 0, 1, stream, 0)
            u = (np.int64(first_words[0] >> np.uint64(12)) + 0.5) * 2.0**-52
            if layer > 0 and plan.latents[layer] == _SIGN:
                p = agreement(n, agree)
            else:
                p = 1.0 - acos(min(max(rho, -1.0), 1.0)) / pi
            n = plan.widths[layer + 1]
            agree = binomial(n, p, u)
            overlap = (2.0 * agree - n) / n
            square, bias = plan.weight_stds[layer + 1] ** 2, plan.bias_stds[layer + 1] ** 2
            rho = (square * overlap + bias) / (square + bias)
        variance = square + bias
        for a in range(2):
            for b in range(2):
                chains[m, 0, a, b] = variance if a == b else variance * rho
        many = outputs.shape[1] // 2
        for o in range(many):
            fill_normals(z, 2, address(seed, first + m, depth, _OUTPUT), o, room)
            even, odd = sqrt(0.5 * (1.0 + rho)) * z[0], sqrt(0.5 * (1.0 - rho)) * z[1]
            outputs[m, o] = sqrt(variance) * (even + odd)
            outputs[m, many + o] = sqrt(variance) * (even - odd)
