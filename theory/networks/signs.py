"""Sign networks with two inputs, by the integer chain of their signs (claims E4, B55, B56): cost free of neurons.

Features are +-1 or 0, so two inputs share only how many neurons have equal signs, opposite signs, or one that is 0.
These counts are multinomial, layer after layer. sign(0) = 0, as everywhere in ``sample_networks``: it occurs where even
numbers of +-1 weights are summed, and there ``chains.sign_chain``, with sgn 0 = +1, is the law of other networks (S32).
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

_BIAS, _PREACTIVATION, _OUTPUT = int(Role.BIAS), int(Role.PREACTIVATION), int(Role.OUTPUT)
_SIGN = int(Latent.SIGN)
_HALF_LOG = 0.5 * log(2.0 * pi)

SAME, OPPOSITE, FIRST, SECOND = 0, 1, 2, 3
"""Kinds of neurons: equal signs, opposite signs, zero at the second input alone, zero at the first alone; then both."""


def no_chain(
    arch: "Architecture", inputs: NDArray[np.float64], widths: tuple[int, ...], ntk: bool
) -> str | None:
    """Why the chain does not cover a request, or None if it does."""
    if len(inputs) != 2 or not arch.layers:
        return f"the chain is for two inputs and a hidden layer, got {len(inputs)} and {len(arch.layers)}"
    if any(layer.activation.atoms != sign().atoms for layer in arch.layers):
        return "the chain needs sign in every hidden layer"
    if not arch.weight_laws[0].is_gaussian:
        return "the chain is for Gaussian weights in the first layer"
    for place, law in enumerate(arch.weight_laws[1:], start=1):
        if law != rademacher() and not law.is_gaussian:
            return f"the chain is for Gaussian and +-1 weights above hidden layers, got {law.name}"
        if law == rademacher() and arch.bias_stds[place] and place < len(arch.layers):
            return f"the chain of +-1 weights has no bias, got one above hidden layer {place}"
    if ntk:
        return "the chain knows no kernels; pass ntk=False"
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
def masses(count):  # type: ignore[no-untyped-def]
    """Masses of the heads of ``count`` fair coins, and the number of heads of the first; what is left out is 1e-26."""
    middle = count // 2
    least = max(middle - int(5.5 * sqrt(count)) - 2, 0)
    found = np.empty(count - 2 * least + 1)
    mass = binomial_mass(count, middle, 0.5)
    for heads in range(middle, least - 1, -1):
        found[heads - least] = found[count - heads - least] = mass
        mass *= heads / (count - heads + 1.0)
    return found, least


@compiled
def _tails(found):  # type: ignore[no-untyped-def]
    """P(heads >= the i-th number of them)."""
    tails = np.zeros(found.shape[0] + 1)
    for i in range(found.shape[0] - 1, -1, -1):
        tails[i] = tails[i + 1] + found[i]
    return tails


@compiled
def _above(tails, least, count, bound):  # type: ignore[no-untyped-def]
    """P(sum of ``count`` fair signs > ``bound``)."""
    return tails[min(max((bound + count) // 2 + 1 - least, 0), tails.shape[0] - 1)]


@compiled
def same_signs(a, b, u, v):  # type: ignore[no-untyped-def]
    """P(X Y > 0) for X = A + B + U and Y = A - B + V, sums of a, b, u and v fair signs, all independent (claim B56).

    Twice P(X > 0, Y > 0): given A, all B with abs(B) far below A count, and those that U or V can tip are summed one by
    one. Absolute error about 1e-14, in O(sqrt n) operations without U and V, and O(n^(3/4)) with about sqrt(n) of them,
    which is what layers of +-1 weights have.
    """
    (of_a, least_a), (of_b, least_b) = masses(a), masses(b)
    (of_u, least_u), (of_v, least_v) = masses(u), masses(v)
    up, across, from_b = _tails(of_u), _tails(of_v), _tails(of_b)
    reach_u, reach_v, size = u - 2 * least_u, v - 2 * least_v, of_b.shape[0]
    total = 0.0
    for i in range(of_a.shape[0]):
        here = 2 * (least_a + i) - a
        # Places of B: possible from start to stop, certain from first to last.
        start = min(max((b - here - reach_u) // 2 + 1 - least_b, 0), size)
        stop = min(max((b + here + reach_v + 1) // 2 - least_b, start), size)
        first = min(max((b - here + reach_u) // 2 + 1 - least_b, start), stop)
        last = min(max((b + here - reach_v + 1) // 2 - least_b, first), stop)
        within = from_b[first] - from_b[last]
        for j in range(stop - start - (last - first)):
            place = start + j if start + j < first else last + j - (first - start)
            there = 2 * (least_b + place) - b
            tipped = _above(up, least_u, u, -here - there)
            within += of_b[place] * tipped * _above(across, least_v, v, there - here)
        total += of_a[i] * within
    return 2.0 * total


@compiled
def _at(found, least, count, value):  # type: ignore[no-untyped-def]
    """P(sum of ``count`` fair signs = ``value``)."""
    place = (value + count) // 2 - least
    there = (value + count) % 2 == 0 and 0 <= place < found.shape[0]
    return found[place] if there else 0.0


@compiled
def _both_zero(a, b, u, v):  # type: ignore[no-untyped-def]
    """P(X = Y = 0) in the notation of ``same_signs``: A = -(U + V)/2 and B = (V - U)/2."""
    (of_a, least_a), (of_b, least_b) = masses(a), masses(b)
    (of_u, least_u), (of_v, least_v) = masses(u), masses(v)
    total = 0.0
    for i in range(of_u.shape[0]):
        for j in range(of_v.shape[0]):
            one, two = 2 * (least_u + i) - u, 2 * (least_v + j) - v
            if (one + two) % 2 == 0:
                both = _at(of_a, least_a, a, -(one + two) // 2)
                total += of_u[i] * of_v[j] * both * _at(of_b, least_b, b, (two - one) // 2)
    return total


@compiled
def sign_shares(counts, shares):  # type: ignore[no-untyped-def]
    """Write the probabilities of the five kinds of a neuron whose +-1 weights see ``counts`` of the first four."""
    a, b, u, v = counts[SAME], counts[OPPOSITE], counts[FIRST], counts[SECOND]
    (one, least_one), (two, least_two) = masses(a + b + u), masses(a + b + v)
    both = _both_zero(a, b, u, v)
    shares[SAME], shares[OPPOSITE] = same_signs(a, b, u, v), same_signs(b, a, u, v)
    shares[FIRST] = max(_at(two, least_two, a + b + v, 0) - both, 0.0)
    shares[SECOND] = max(_at(one, least_one, a + b + u, 0) - both, 0.0)
    shares[4] = both


@compiled
def gaussian_shares(one, two, shared, shares):  # type: ignore[no-untyped-def]
    """As ``sign_shares`` for Gaussian pre-activations of these variances and this covariance."""
    shares[:] = 0.0
    if one > 0.0 and two > 0.0:
        angle = acos(min(max(shared / (sqrt(one) * sqrt(two)), -1.0), 1.0)) / pi
        shares[SAME], shares[OPPOSITE] = 1.0 - angle, angle
    elif one > 0.0 or two > 0.0:
        shares[FIRST if one > 0.0 else SECOND] = 1.0
    else:
        shares[4] = 1.0


@compiled
def _uniforms(stream, row, room, out):  # type: ignore[no-untyped-def]
    draw_words(room[0], room[1], 0, 2, stream, row)
    for c in range(4):
        word = room[1][c // 2] if c % 2 else room[0][c // 2]
        out[c] = (np.int64(word >> np.uint64(12)) + 0.5) * 2.0**-52


@compiled
def _split(n, shares, uniforms, counts):  # type: ignore[no-untyped-def]
    """Split ``n`` neurons into their kinds: a multinomial, one binomial after another."""
    for c in range(4):
        left = 0.0
        for other in range(4, c - 1, -1):
            left += shares[other]
        counts[c] = binomial(n, shares[c] / left if left > 0.0 else 0.0, uniforms[c])
        n -= counts[c]


@compiled
def _fair(count, u):  # type: ignore[no-untyped-def]
    """Sum of ``count`` fair signs."""
    return float(2 * binomial(count, 0.5, u) - count)


@compiled
def _outputs(plan, seed, network, counts, covariance, room, out):  # type: ignore[no-untyped-def]
    """Outputs at both inputs, (2, outputs): of +-1 readouts from the counts, of others from the covariance."""
    depth = plan.widths.shape[0] - 2
    stream, factor = address(seed, network, depth, _OUTPUT), plan.weight_stds[depth]
    factor /= sqrt(plan.widths[depth])
    z, uniforms = np.empty(out.shape[1] + 2), np.empty(4)
    if plan.latents[depth] == _SIGN:
        z[:] = 0.0
        if plan.bias_stds[depth] > 0.0:
            fill_normals(z, out.shape[1], address(seed, network, depth, _BIAS), 0)
        for o in range(out.shape[1]):
            _uniforms(stream, o, room, uniforms)
            same, opposite = _fair(counts[SAME], uniforms[0]), _fair(counts[OPPOSITE], uniforms[1])
            one, two = _fair(counts[FIRST], uniforms[2]), _fair(counts[SECOND], uniforms[3])
            out[0, o] = factor * (same + opposite + one) + plan.bias_stds[depth] * z[o]
            out[1, o] = factor * (same - opposite + two) + plan.bias_stds[depth] * z[o]
        return
    one, two = sqrt(covariance[0, 0]), sqrt(covariance[1, 1])
    rho = covariance[0, 1] / (one * two) if one * two > 0.0 else 0.0
    for o in range(out.shape[1]):
        fill_normals(z, 2, stream, o)
        even, odd = (
            sqrt(max(0.5 * (1.0 + rho), 0.0)) * z[0],
            sqrt(max(0.5 * (1.0 - rho), 0.0)) * z[1],
        )
        out[0, o], out[1, o] = one * (even + odd), two * (even - odd)


@compiled
def sample(plan, inputs, seed, first, pairs, used, outputs, chains, kernels):  # type: ignore[no-untyped-def]
    """As the other samplers; ``chains`` takes the last covariance alone, and there are no kernels."""
    depth, room, uniforms = plan.widths.shape[0] - 2, scratch(), np.empty(4)
    counts, shares, start = np.zeros(4, np.int64), np.empty(5), np.zeros((2, 2))
    for a in range(2):
        for b in range(2):
            for j in range(inputs.shape[1]):
                start[a, b] += inputs[a, j] * inputs[b, j]
            start[a, b] *= plan.weight_stds[0] ** 2 / inputs.shape[1]
            start[a, b] += plan.bias_stds[0] ** 2
    for m in range(chains.shape[0]):
        covariance = chains[m, 0]
        for a in range(2):
            for b in range(2):
                covariance[a, b] = start[a, b]
        for layer in range(depth):
            if layer > 0 and plan.latents[layer] == _SIGN:
                sign_shares(counts, shares)
            else:
                gaussian_shares(covariance[0, 0], covariance[1, 1], covariance[0, 1], shares)
            _uniforms(address(seed, first + m, layer, _PREACTIVATION), 0, room, uniforms)
            n = plan.widths[layer + 1]
            _split(n, shares, uniforms, counts)
            square, bias = plan.weight_stds[layer + 1] ** 2 / n, plan.bias_stds[layer + 1] ** 2
            both = counts[SAME] + counts[OPPOSITE]
            covariance[0, 0] = square * (both + counts[FIRST]) + bias
            covariance[1, 1] = square * (both + counts[SECOND]) + bias
            covariance[0, 1] = square * (counts[SAME] - counts[OPPOSITE]) + bias
            covariance[1, 0] = covariance[0, 1]
        many = outputs.shape[1] // 2
        _outputs(plan, seed, first + m, counts, covariance, room, outputs[m].reshape(2, many))
