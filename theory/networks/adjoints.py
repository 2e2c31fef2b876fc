"""The backward pass without weights (claim E2), and the tangent kernels that it makes.

Write W = [W, b] and x = [s_w/sqrt(n) x; s_b] (n + 1, k) for the weights and the features with the bias. Given the
forward pass, W between two hidden layers is known through N = W q alone, with q an orthonormal basis of the columns of
x, and N the normals of the layer above. The adjoints V above depend on W through N only. So, with U = Z B^T, Z fresh
normals and B B^T = V^T V,

    W^T V  =  q (N^T V) + (1 - q q^T) U  =  U + q (N^T V - q^T U)

exactly in law, jointly over inputs, outputs and both Jacobians. One sweep draws U and sums q^T U, the next one adds the
correction; nothing is inverted. Adjoints are rows (side, input, output), each side padded to whole tiles.

A layer of several stretches is not swept twice as a whole, which would store U: T_s = q_s^T U_s of each stretch s is
drawn before U, by N(0, q_s^T q_s) x B, and then U_s given T_s, stretch by stretch. With q~ = q_s J orthonormal,

    q_s = q~ R^T,   T_s = R Z' B^T,   U_s = U + q~ (Z' B^T - q~^T U),   Z' and Z fresh,

and W^T V on the stretch is U_s + q_s (N^T V - sum_s T_s). q_s^T q_s comes from the forward pass.
"""

from math import sqrt

from theory.networks.chunks import (
    CHUNK,
    bounds,
    clear,
    features,
    place_of,
    stretches,
)
from theory.networks.compiled import compiled_bare, compiled_inline, wide
from theory.networks.normals import fill_normals, normals_from
from theory.networks.plan import evaluate
from theory.networks.roots import add_matrix, add_transposed, invert, square_root, zero
from theory.networks.streams import Role, address
from theory.networks.tiles import (
    TILE,
    add_gram,
    add_lower_gram,
    add_mixture,
    add_tiles,
    block,
    flat,
    mix,
    padded,
)

_ADJOINT = int(Role.ADJOINT)


@compiled_bare
def _scaled(scale, back, row, slope, a, v, target):  # type: ignore[no-untyped-def]
    """One row of adjoints: ``scale`` times what came back, times the slope."""
    wide()
    for j in range(v.shape[1]):
        v[target, j] = scale * back[row, j] * slope[a, j]


@compiled_inline
def _through_activation(plan, work, slots, layer, h, back, factor, v):  # type: ignore[no-untyped-def]
    """Adjoints of hidden layer ``layer`` (from 1), ``factor`` times ``back`` times the slope; uses the features chunk.

    ``back`` has the rows of ``v`` or, for the last layer, one row an output for all sides and inputs.
    """
    k, count, many = work.grams.shape[1], h.shape[1], plan.widths[-1]
    tall, shared = padded(k * many), layer == plan.widths.shape[0] - 2
    slope, scale = block(work.x, 0, h.shape[0], count), h.dtype.type(factor)
    for side in range(2):
        if slots[side] >= 0:
            function = plan.slopes[side, layer - 1]
            evaluate(plan.functions, function, flat(h), work.x, k * count)
            for a in range(k):
                for o in range(many):
                    row = slots[side] * tall + a * many + o
                    _scaled(scale, back, o if shared else row, slope, a, v, row)
            for row in range(slots[side] * tall + k * many, (slots[side] + 1) * tall):
                for j in range(count):
                    v[row, j] = 0.0


@compiled_inline
def readout_adjoints(plan, work, slots, w, h, v):  # type: ignore[no-untyped-def]
    """Adjoints of a chunk of the last hidden layer, from its readout weights; uses the features chunk."""
    depth = plan.widths.shape[0] - 2
    factor = plan.weight_stds[depth] / sqrt(plan.widths[depth])
    _through_activation(plan, work, slots, depth, h, w, factor, v)


@compiled_bare
def add_products(v, slots, pairs, normals, rank, onward, products, crossed):  # type: ignore[no-untyped-def]
    """Add a chunk's v v^T, lower tiles, and N v^T if the pass goes ``onward``; else only what the pairs need."""
    height, count = v.shape
    if onward:
        add_lower_gram(v, height, count, products)
        add_gram(normals, rank, v, height, count, crossed)
        return
    tall, done = height // (max(slots[0], slots[1]) + 1), 0
    for p in range(pairs.shape[0]):
        one, two = slots[pairs[p, 0]], slots[pairs[p, 1]]
        low, high = max(one, two), min(one, two)
        if not (done >> (2 * low + high)) & 1:
            done |= 1 << (2 * low + high)
            for i in range(low * tall, (low + 1) * tall, TILE):
                stop = min(i + 1, (high + 1) * tall)
                add_tiles(v, i, high * tall, stop, count, products)


@compiled_bare
def _add_layer(many, gram, bias, slots, pairs, products, theta):  # type: ignore[no-untyped-def]
    """Add the weights and biases below a layer of adjoints, whose products are given, to every pair."""
    k = gram.shape[0]
    tall = padded(k * many)
    for p in range(pairs.shape[0]):
        one, two = slots[pairs[p, 0]] * tall, slots[pairs[p, 1]] * tall
        for a in range(k):
            for b in range(k):
                shared = gram[a, b] + bias
                for i in range(one + a * many, one + (a + 1) * many):
                    for j in range(two + b * many, two + (b + 1) * many):
                        theta[p, i - one, j - two] += products[max(i, j), min(i, j)] * shared


@compiled_bare
def _start(many, gram, bias, theta):  # type: ignore[no-untyped-def]
    """Fill kernels with the readout's part."""
    for p in range(theta.shape[0]):
        for i in range(theta.shape[1]):
            for j in range(theta.shape[2]):
                theta[p, i, j] = 0.0
        for a in range(gram.shape[0]):
            for b in range(gram.shape[0]):
                for o in range(many):
                    theta[p, a * many + o, b * many + o] = gram[a, b] + bias


@compiled_bare
def _share(sums, drawn, inverse, rank, scale, square, spare, pivots, room, eps):  # type: ignore[no-untyped-def]
    """Root R (``spare[1]``) and basis J (``spare[2]``) of a stretch's q^T q; returns their rank.

    ``sums`` is x x^T over the stretch or, if ``drawn``, q^T q itself; ``scale`` (k) bounds the lengths of the features
    there. What lies below 64 eps of the terms that it is the sum of is rounding, and dropped.
    """
    k, own, half = inverse.shape[0], spare[0], spare[3]
    for c in range(rank):
        for b in range(k):
            total = 0.0
            for a in range(k):
                total += inverse[a, c] * sums[max(a, b), min(a, b)]
            half[c, b] = total
    for c in range(rank):
        for d in range(c + 1):
            total = 0.0
            for b in range(k):
                total += half[c, b] * inverse[b, d]
            own[c, d] = sums[c, d] if drawn else square * total
            own[d, c] = own[c, d]
    largest = 0.0
    for c in range(rank):
        length = 0.0
        for a in range(k):
            length += abs(inverse[a, c]) * scale[a]
        rounding = 64.0 * eps * length * length
        if own[c, c] <= rounding:
            for d in range(rank):
                own[c, d], own[d, c] = 0.0, 0.0
        else:
            largest = max(largest, rounding / own[c, c])
    found = square_root(own, rank, largest, spare[1], pivots, room)
    invert(spare[1], pivots, found, spare[2])
    return found


@compiled_inline
def _stretch_normals(plan, work, stream, below, s, count, height, breadth, eps, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` (rank, height) with Z' B^T of stretch ``s``, and R and J of ``_share``; returns the rank."""
    k, n, along = work.grams.shape[1], plan.widths[below], work.ranks[below]
    first, last = bounds(n, s, count)
    scale, turned = work.spare[4][0], work.root[1]
    for a in range(k):
        scale[a] = sqrt(work.grams[below, a, a] * (last - first) / n)
    square = plan.weight_stds[below] ** 2 / n
    rank = _share(
        work.shares[below, s], work.looked[below], work.inverses[below], along, scale, square,
        work.spare, work.pivots, work.room_of_roots, eps,
    )  # fmt: skip
    zero(out)
    for c in range(rank):
        fill_normals(work.z, breadth, stream, height + 1 + s * k + c)
        for i in range(breadth):
            for j in range(height):
                out[c, j] += work.z[i] * turned[i, j]
    return rank


@compiled_inline
def _look(plan, inputs, work, below, count):  # type: ignore[no-untyped-def]
    """Replace the sums over each stretch by those of the basis itself, for columns that nearly depend."""
    k, rows, n, along = inputs.shape[0], work.roots.shape[1], plan.widths[below], work.ranks[below]
    factor, sums = plan.weight_stds[below] / sqrt(n), work.spare[0]
    for c in range(rows):
        for a in range(k):
            work.mixing[c, a] = factor * work.inverses[below, a, c] if c < along else 0.0
    for s in range(count):
        first, last = bounds(n, s, count)
        for a in range(rows):
            for b in range(rows):
                sums[a, b] = 0.0
        for start in range(first, last, CHUNK):
            _, x = features(plan, inputs, work, below, start, min(CHUNK, last - start))
            q = block(work.z, 0, rows, x.shape[1])
            mix(work.mixing, along, x, k, q)
            add_lower_gram(q, along, x.shape[1], sums)
        for a in range(k):
            for b in range(a + 1):
                work.shares[below, s, a, b] = sums[a, b]


@compiled_inline
def _before(plan, inputs, work, below, crossed, stream, count, breadth, eps):  # type: ignore[no-untyped-def]
    """What the whole layer fixes: ``panels[0]`` = N^T V - q^T U, without the neurons where they are one stretch."""
    k, along, height = inputs.shape[0], work.ranks[below], crossed.shape[1]
    bias, inverse, left = plan.bias_stds[below], work.inverses[below], work.panels[0]
    fresh, onto = work.fresh[0:1], work.fresh[1:2]
    zero(onto)
    if bias > 0.0:
        fill_normals(fresh[0], breadth, stream, height)
        add_matrix(1.0, fresh, 1, breadth, work.root[1], height, onto)
    for c in range(along):
        total = 0.0
        for a in range(k):
            total += bias * inverse[a, c]
        for j in range(height):
            left[c, j] = crossed[c, j] - total * onto[0, j]
    if count == 1:
        return
    if work.looked[below]:
        _look(plan, inputs, work, below, count)
    for s in range(count):
        drawn = work.panels[1]
        rank = _stretch_normals(plan, work, stream, below, s, count, height, breadth, eps, drawn)
        add_matrix(-1.0, work.spare[1], along, rank, drawn, height, left)


@compiled_inline
def _correction(plan, work, stream, below, s, count, height, breadth, eps):  # type: ignore[no-untyped-def]
    """Fill ``work.correction`` with what the features of stretch ``s`` have to be multiplied by, from x^T U there."""
    k, along, inverse = work.grams.shape[1], work.ranks[below], work.inverses[below]
    factor = plan.weight_stds[below] / sqrt(plan.widths[below])
    left, drawn, through, here = work.panels[0], work.panels[1], work.panels[2], work.panels[3]
    zero(here)
    add_transposed(factor, inverse, along, k, through, height, here)
    if count == 1:
        for c in range(along):
            for j in range(height):
                here[c, j] = left[c, j] - here[c, j]
    else:
        rank = _stretch_normals(plan, work, stream, below, s, count, height, breadth, eps, drawn)
        add_transposed(-1.0, work.spare[2], rank, along, here, height, drawn)
        for c in range(along):
            for j in range(height):
                here[c, j] = left[c, j]
        add_matrix(1.0, work.spare[2], along, rank, drawn, height, here)
    zero(through)
    add_matrix(factor, inverse, k, along, here, height, through)
    for a in range(k):
        for j in range(height):
            work.correction[j, a] = through[a, j]


@compiled_inline
def _descend(plan, inputs, seed, number, work, slots, pairs, below, products, crossed, eps):  # type: ignore[no-untyped-def]
    """Replace the sums over hidden layer ``below`` + 1 by those over layer ``below``."""
    k, n, height = inputs.shape[0], plan.widths[below], products.shape[0]
    factor, count = plan.weight_stds[below] / sqrt(n), stretches(n)
    for i in range(height):
        for j in range(i):
            products[j, i] = products[i, j]
    breadth = square_root(
        products, height, height * eps, work.root[0], work.pivots, work.room_of_roots
    )
    for i in range(height):
        for c in range(height):
            work.root[1][c, i], work.turn[i, c] = work.root[0][i, c], work.root[0][i, c]
    stream = address(seed, number, below, _ADJOINT)
    _before(plan, inputs, work, below, crossed, stream, count, breadth, eps)
    zero(products)
    rank = 0
    if below > 1:
        zero(crossed)
        rank = work.ranks[below - 1]
    for s in range(count):
        first, last = bounds(n, s, count)
        through = work.panels[2]
        zero(through)
        for start in range(first, last, CHUNK):
            size = min(CHUNK, last - start)
            _, x = features(plan, inputs, work, below, start, size)
            z = block(work.z, 0, height, x.shape[1])
            for c in range(breadth):
                normals_from(z[c], start, size, stream, c)
            clear(z, breadth, size)
            u = block(work.back, start - first, height, x.shape[1])
            mix(work.turn, height, z, breadth, u)
            add_gram(x, k, u, height, x.shape[1], through)
        _correction(plan, work, stream, below, s, count, height, breadth, eps)
        for start in range(first, last, CHUNK):
            size = min(CHUNK, last - start)
            h, x = features(plan, inputs, work, below, start, size)
            u = block(work.back, start - first, height, x.shape[1])
            v = block(work.v, 0, height, x.shape[1])
            add_mixture(work.correction, height, x, k, u)
            _through_activation(plan, work, slots, below, h, u, factor, v)
            place = place_of(plan, below, start)
            normals = block(work.layers, place, x.shape[0], x.shape[1])
            add_products(v, slots, pairs, normals, rank, below > 1, products, crossed)


@compiled_inline
def backward(plan, inputs, seed, number, work, slots, pairs, products, crossed, eps, theta):  # type: ignore[no-untyped-def]
    """Tangent kernels of one network, from the sums over its last hidden layer."""
    depth, many = plan.widths.shape[0] - 2, plan.widths[-1]
    _start(many, work.grams[depth], plan.bias_stds[depth] ** 2, theta)
    for layer in range(depth, 0, -1):
        if layer < depth:
            _descend(plan, inputs, seed, number, work, slots, pairs, layer, products, crossed, eps)
        square = plan.bias_stds[layer - 1] ** 2
        _add_layer(many, work.grams[layer - 1], square, slots, pairs, products, theta)
