"""A training step of many networks by PyTorch, run in an environment of its own: sizes in, seconds of a step out.

One network's loss is a function of its parameters; ``grad`` and ``vmap`` make the step of all of them, and parameters
are updated in place. float64, every processor.
"""

import json
import sys
import time

import torch
from torch.func import grad, vmap


class Sign(torch.autograd.Function):
    """Sign forward, hardtanh backward."""

    generate_vmap_rule = True

    @staticmethod
    def forward(h):
        """Return the signs."""
        return torch.sign(h)

    @staticmethod
    def setup_context(ctx, inputs, _):
        """Keep where hardtanh has a slope."""
        ctx.save_for_backward(inputs[0].abs() < 1)

    @staticmethod
    def backward(ctx, g):
        """Return the gradient through hardtanh."""
        return g * ctx.saved_tensors[0]


def loss(parameters, x, y):
    """Half the sum of squared residuals of one network."""
    *hidden, readout = parameters
    for w in hidden:
        x = Sign.apply(x @ w.T / w.shape[1] ** 0.5)
    return ((x @ readout.T / readout.shape[1] ** 0.5)[:, 0] - y).square().sum() / 2


def main(networks, width, samples, inputs, rate):
    """Print the least seconds of three steps, after one that warms up."""
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    shapes = [(width, inputs), (width, width), (1, width)]
    parameters = [torch.randn(networks, *shape) for shape in shapes]
    x, y = torch.randn(samples, inputs), torch.randn(samples)
    slopes_of = vmap(grad(loss), in_dims=(0, None, None))
    times = []
    for _ in range(4):
        start = time.perf_counter()
        slopes = slopes_of(tuple(parameters), x, y)
        for w, g in zip(parameters, slopes, strict=True):
            w.sub_(g, alpha=rate)
        times.append(time.perf_counter() - start)
    sys.stdout.write(json.dumps({"seconds": min(times[1:])}) + "\n")


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
