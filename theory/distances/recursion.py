r"""Mean and covariance of the conditional covariance S to order 1/n, layer by layer (claim B58).

With :math:`\Phi(S)=s_b^2+s_w^2E_{N(0,S)}\sigma\sigma^T`,

.. math:: \mathrm{Cov}(S^{l+1}) = \tfrac{s_w^4}{n_l}\mathrm{Cov}(\sigma\sigma^T)
              + D\Phi\,\mathrm{Cov}(S^l)\,D\Phi^T,\qquad
          E S^{l+1}-\Sigma^{l+1} = D\Phi[E S^l-\Sigma^l]+\tfrac12D^2\Phi:\mathrm{Cov}(S^l).

An entry of Phi depends on three entries of S; its derivatives are Gaussian moments E[u^a sigma(u) v^b
sigma(v)] against Hermite polynomials, so that sigma need not be differentiable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory import checks
from theory.activations import Activation, identity
from theory.coupling import fourth_moments, require_gaussian
from theory.covariance import range_and_slack
from theory.errors import DomainError
from theory.gaussian import expectation
from theory.kernels import Architecture, layer_covariances
from theory.kernels.architecture import architecture

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class LeadingCovariance:
    """First two moments of S beside its limit K, up to terms of order 1/n^2.

    Parameters
    ----------
    limit
        K, shape (k, k).
    bias
        E S - K to order 1/n, shape (k, k); 0 for one hidden layer.
    covariance
        Cov(S_ij, S_kl) to order 1/n, shape (k, k, k, k).
    """

    limit: FloatArray
    bias: FloatArray
    covariance: FloatArray


def leading_covariance(
    arch: Architecture, X: ArrayLike, widths: int | Sequence[int]
) -> LeadingCovariance:
    """Bias and covariance of the conditional covariance S of the outputs, to leading order in 1/width.

    Parameters
    ----------
    arch
        Gaussian weights in every layer.
    X
        Inputs, shape (k, d); no two parallel beyond the first layer. Every activation; those without closed forms
        (tanh, arctan, softsign) take seconds a pair of inputs.
    widths
        Hidden widths: an integer, or one a hidden layer.

    Raises
    ------
    DomainError
        If a weight law is not Gaussian, or a pair of inputs has a singular covariance in a layer
        that is differentiated; for activations without closed forms also if three inputs or four are
        linearly dependent in it.
    InputError
        For bad inputs or widths.

    Notes
    -----
    Relative accuracy 1e-10 of the leading order. Source: claim B58 (Yaida's recursion).
    """
    architecture(arch)
    x = checks.inputs(X)
    sizes = checks.widths(widths, arch.hidden_layers)
    require_gaussian(arch)
    sigmas = [np.asarray(sigma) for sigma in layer_covariances(arch, x)]
    k = len(x)
    bias, covariance = np.zeros((k, k)), np.zeros((k, k, k, k))
    for index, (layer, width) in enumerate(zip(arch.layers, sizes, strict=True)):
        weight = arch.weight_stds[index + 1] ** 2
        fresh = weight**2 / width * _sampling_covariance(layer.activation, sigmas[index])
        if index:
            slope, curvature = _derivatives(layer.activation, sigmas[index], weight)
            bias = np.einsum("ijab,ab->ij", slope, bias) + 0.5 * np.einsum(
                "ijabcd,abcd->ij", curvature, covariance
            )
            covariance = np.einsum("ijab,abcd,klcd->ijkl", slope, covariance, slope)
        covariance = covariance + fresh
    return LeadingCovariance(sigmas[-1], bias, covariance)


def _sampling_covariance(f: Activation, sigma: FloatArray) -> FloatArray:
    """Cov(f(g_i) f(g_j), f(g_k) f(g_l)), g ~ N(0, sigma)."""
    k = len(sigma)
    rows, columns = np.indices((k, k))
    second = expectation(f, f).float64(sigma[rows, rows], sigma[columns, columns], sigma)
    return fourth_moments(f, sigma) - np.multiply.outer(second, second)


def _derivatives(f: Activation, sigma: FloatArray, weight: float) -> tuple[FloatArray, FloatArray]:
    """D Phi as (k, k, k, k) and D^2 Phi as (k, k, k, k, k, k), symmetric in each pair of indices."""
    k = len(sigma)
    slope, curvature = np.zeros((k,) * 4), np.zeros((k,) * 6)
    for i in range(k):
        for j in range(i, k):
            where = [i] if i == j else [i, j]
            block = sigma[np.ix_(where, where)]
            if range_and_slack(block)[0] != np.linalg.eigvalsh(block)[0]:
                raise DomainError(
                    f"inputs {i} and {j} have a singular covariance {block.tolist()}, at which the limit map is "
                    f"not differentiable; leave out inputs that are parallel or 0"
                )
            first, second = _block_derivatives(f, block, weight)
            for a, b in product(range(len(where)), repeat=2):
                for row, column in ((i, j), (j, i)):
                    slope[row, column, where[a], where[b]] = first[a, b]
                    for c, d in product(range(len(where)), repeat=2):
                        place = (row, column, where[a], where[b], where[c], where[d])
                        curvature[place] = second[a, b, c, d]
    return slope, curvature


def _block_derivatives(
    f: Activation, block: FloatArray, weight: float
) -> tuple[FloatArray, FloatArray]:
    """Derivatives of s_w^2 E[f(u) f(v)] (or E f(u)^2) in the block, as He2 and He4 of the whitened vector."""
    inverse = np.linalg.inv(block)
    size = len(block)
    moments = _moments(f, block)
    # E[f f g_a g_b] and E[f f g_a g_b g_c g_d], each index lowered by the inverse covariance.
    two = np.einsum("ab,ia,jb->ij", moments[2], inverse, inverse)
    four = np.einsum("abcd,ia,jb,kc,ld->ijkl", moments[4], *[inverse] * 4)
    zero = float(moments[0])
    first = 0.5 * weight * (two - zero * inverse)
    pairs = np.zeros((size,) * 4)
    for left, right in (
        ("ij", "kl"),
        ("ik", "jl"),
        ("il", "jk"),
        ("kl", "ij"),
        ("jl", "ik"),
        ("jk", "il"),
    ):
        pairs += np.einsum(f"{left},{right}->ijkl", two, inverse)
    contractions = sum(
        np.einsum(f"{left},{right}->ijkl", inverse, inverse)
        for left, right in (("ij", "kl"), ("ik", "jl"), ("il", "jk"))
    )
    return first, 0.25 * weight * (four - pairs + zero * contractions)


def _moments(f: Activation, block: FloatArray) -> dict[int, FloatArray]:
    """E[f f g_{a_1} ... g_{a_r}] for r = 0, 2, 4."""
    weighted = [f]
    for _ in range(4):
        weighted.append(weighted[-1] * identity())
    size = len(block)

    def moment(indices: tuple[int, ...]) -> float:
        if size == 1:
            p = block[0, 0]
            half = len(indices) // 2
            return float(expectation(weighted[half], weighted[half]).float64(p, p, p))
        ones = sum(indices)
        pair = expectation(weighted[len(indices) - ones], weighted[ones])
        return float(pair.float64(block[0, 0], block[1, 1], block[0, 1]))

    found: dict[int, FloatArray] = {}
    for order in (0, 2, 4):
        tensor = np.empty((size,) * order)
        for indices in product(range(size), repeat=order):
            tensor[indices] = moment(indices)
        found[order] = tensor
    return found
