"""How far a finite network is from its Gaussian limit, on given inputs, between two confidence limits."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from theory.checks import inputs, positive_int, probability
from theory.checks import widths as checked_widths
from theory.confidence import Limit, upper_mean
from theory.coupling import (
    Coupling,
    chi_square_bound,
    draw_coupling,
    path_flow,
    require_gaussian_readout,
    sample_coupling,
)
from theory.covariance import range_and_slack
from theory.distances.critic import Critic, blind_critic, blind_set
from theory.distances.exact import kolmogorov, total_variation, wasserstein1
from theory.distances.expansion import sharp_wasserstein2
from theory.distances.from_outputs import drawn_outputs_to_limit
from theory.distances.jackknife import GROUPS, Distance, jackknife
from theory.distances.projection import BY_SETS, FIRST, best_projection, of_second_order, project
from theory.distances.quantile import wasserstein2
from theory.distances.radial import radial_wasserstein
from theory.distances.sandwich import Sandwich
from theory.errors import InputError
from theory.kernels import Architecture, gaussian
from theory.kernels.architecture import architecture

FloatArray = NDArray[np.float64]

FEWEST = 8
# Draws behind the limit along a path: half a second at two inputs.
PATH_DRAWS = 4000
# What the mean of the blind set bounds from below: TV itself, an interval, a half-line.
SHARES = MappingProxyType({"TV": 1.0, "convex": 0.5, "Kolmogorov": 0.25})


def wasserstein2_to_limit(
    arch: Architecture,
    X: ArrayLike,
    widths: int | Sequence[int],
    draws: int = 20_000,
    seed: int = 0,
    confidence: float = 0.99,
    outputs: int = 1,
) -> Sandwich:
    """Wasserstein-2 distance between the outputs of a finite network on X and their Gaussian limit.

    Parameters
    ----------
    arch
        Architecture with Gaussian weights in every layer: then the outputs are Gaussian given the
        last hidden layer, and only their conditional covariance S is sampled.
    X
        Inputs, shape (k, d).
    widths
        Hidden widths: an integer, or one a hidden layer.
    draws
        Sampled networks, at least 8; half of them choose where to look for a lower limit.
    seed
        Seed of the addressed streams.
    confidence
        Probability that both limits hold; each end takes half of the risk.
    outputs
        Number of outputs of the network.

    Returns
    -------
    Sandwich
        ``lower``: a projection under a test function that is blind to the mean of S
        (`theory.distances.critic`, `theory.distances.waves`), both chosen on one half of the draws
        and evaluated on the other; of order 1/n like the distance itself. ``upper``: the least limit
        that holds at every sample size: the coupling sqrt(m E d_B^2(S, K)) (claim B6(ii)), of order
        n^(-1/2), by betting; for one hidden layer the chi-square bound (claim B18), of order 1/n and
        without sampling. Where the last activation is unbounded none holds, and the least is taken of
        those labelled asymptotic: of order 1/n up to three inputs (claim B17). ``estimate``: exact on
        one input (several outputs: claim B19), with its standard error; else the sharp leading order (claim B20).

    Raises
    ------
    DomainError
        If a weight law is not Gaussian.
    InputError
        For bad inputs, widths, draws, confidence or outputs.
    """
    require_all(arch, draws, confidence, outputs)
    if arch.hidden_layers == 0:
        return _exactly_gaussian(arch, X, confidence)
    coupling = sample_coupling(arch, X, widths, draws, seed)
    return _wasserstein2(arch, inputs(X), widths, coupling, confidence, outputs)


def distances_to_limit(
    arch: Architecture,
    X: ArrayLike,
    widths: int | Sequence[int],
    draws: int = 20_000,
    seed: int = 0,
    confidence: float = 0.99,
    outputs: int = 1,
) -> Mapping[str, Sandwich]:
    """All distances between the outputs of a finite network with Gaussian readout and their limit.

    Parameters and errors as for `wasserstein2_to_limit`; hidden weights may follow any law.

    Returns
    -------
    mapping
        "W1", "W2", "TV", "convex" (supremum over convex sets) and "Kolmogorov" (supremum over
        half-spaces), from the same draws; each sandwich holds with ``confidence`` on its own. Lower
        ends: the critic and the set that are blind to the mean of S, of the order of the distance. Upper
        ends: W1 <= W2; the others have the limit of the exact distance on one input and output,
        labelled asymptotic, else 1. Estimates of W1, TV and Kolmogorov on several inputs or outputs are
        those of the projection, and smaller than the distance.
    """
    require_all(arch, draws, confidence, outputs)
    if arch.hidden_layers == 0:
        return MappingProxyType(
            dict.fromkeys(("W1", "W2", *SHARES), _exactly_gaussian(arch, X, confidence))
        )
    require_gaussian_readout(arch)
    coupling = draw_coupling(arch, X, widths, draws, seed)
    return drawn_to_limit(arch, X, widths, coupling, confidence, outputs)


def drawn_to_limit(
    arch: Architecture,
    X: ArrayLike,
    widths: int | Sequence[int],
    coupling: Coupling,
    confidence: float = 0.99,
    outputs: int = 1,
) -> Mapping[str, Sandwich]:
    """All distances from draws that are there already, such as those that bounds are made of.

    With a Gaussian readout as `distances_to_limit`, else as `outputs_to_limit`, which knows one output.

    Raises
    ------
    InputError
        For fewer than 8 draws, or a bad confidence or number of outputs.
    """
    require_all(arch, len(coupling.covariances), confidence, outputs)
    if arch.weight_laws[-1] != gaussian() and coupling.outputs is not None:
        return drawn_outputs_to_limit(arch, coupling.outputs, coupling.limit, confidence)
    second = _wasserstein2(arch, inputs(X), widths, coupling, confidence, outputs)
    return MappingProxyType(
        {
            "W1": _wasserstein1(arch, coupling, second, outputs),
            "W2": second,
            **_by_sets(arch, coupling, confidence, outputs),
        }
    )


def require_all(arch: Architecture, draws: int, confidence: float, outputs: int) -> None:
    """Raise before anything is drawn unless the arguments make sense."""
    architecture(arch)
    if positive_int(draws, "draws") < FEWEST:
        raise InputError(
            f"draws is {draws}; two halves with a variance each need at least 8, and 10000 say more"
        )
    probability(confidence, "confidence")
    positive_int(outputs, "outputs")


def _exactly_gaussian(arch: Architecture, X: ArrayLike, confidence: float) -> Sandwich:
    inputs(X)
    require_gaussian_readout(arch)
    exact = "no hidden layer: exactly Gaussian"
    return Sandwich(0.0, 0.0, 0.0, confidence, exact, exact, exact, 0.0)


def _wasserstein2(
    arch: Architecture,
    x: FloatArray,
    widths: int | Sequence[int],
    coupling: Coupling,
    confidence: float,
    outputs: int,
) -> Sandwich:
    level = (1 + confidence) / 2
    lower, lower_by = best_projection(coupling, level, of_second_order(outputs))
    estimate, stderr, by = _estimate(arch, coupling, outputs)
    uppers = [_coupled(coupling, level, outputs)]
    if stderr is not None and coupling.span is None:
        uppers.append(_asymptotic(estimate, stderr, level))
    if coupling.span is None and outputs == 1 and 2 <= len(x) <= 3 and _is_regular(coupling.limit):
        uppers.append(_along_path(coupling, level))
    if coupling.span is not None and _is_one_hidden(arch) and _is_regular(coupling.limit):
        value = chi_square_bound(arch, x, checked_widths(widths, 1)[0], outputs).value
        uppers.append(Limit(value, 1.0, "chi-square bound B18, closed form"))
    upper = min(uppers, key=lambda limit: limit.value)
    return Sandwich(
        lower.value, upper.value, estimate, confidence,
        lower_by, upper.method, by, stderr,
    )  # fmt: skip


def _wasserstein1(
    arch: Architecture, coupling: Coupling, second: Sandwich, outputs: int
) -> Sandwich:
    """The critic bounds W1 from below, and W1 <= W2."""
    level = (1 + second.confidence) / 2
    lower, lower_by = best_projection(coupling, level, FIRST)
    estimate, stderr, by = _projected_estimate(arch, coupling, wasserstein1, blind_critic, outputs)
    upper, upper_by = second.upper, f"W1 <= W2: {second.upper_by}"
    if _is_scalar(coupling, outputs) and coupling.span is None:
        limit = _asymptotic(estimate, stderr, level)
        upper, upper_by = min((upper, upper_by), (limit.value, limit.method))
    return Sandwich(lower.value, upper, estimate, second.confidence, lower_by, upper_by, by, stderr)


def _by_sets(
    arch: Architecture, coupling: Coupling, confidence: float, outputs: int
) -> dict[str, Sandwich]:
    """Distances over sets: the blind set from below."""
    level = (1 + confidence) / 2
    lower, lower_by = best_projection(coupling, level, BY_SETS)
    estimates = {
        distance: _projected_estimate(arch, coupling, distance, blind_set, outputs)
        for distance in (total_variation, kolmogorov)
    }
    found = {}
    for name, share in SHARES.items():
        estimate, stderr, by = estimates[total_variation if name == "TV" else kolmogorov]
        upper = Limit(1.0, 1.0, "trivial")
        if _is_scalar(coupling, outputs) and name != "convex":
            upper = _asymptotic(estimate, stderr, level)
        found[name] = Sandwich(
            share * lower.value, min(1.0, upper.value), estimate, confidence,
            lower_by, upper.method, by, stderr,
        )  # fmt: skip
    return found


def _coupled(coupling: Coupling, level: float, outputs: int) -> Limit:
    mean = upper_mean(coupling.costs, level, coupling.span)
    return Limit(math.sqrt(outputs * mean.value), level, f"coupling B6(ii); {mean.method}")


def _asymptotic(estimate: float, stderr: float, level: float) -> Limit:
    value = estimate + float(ndtri(level)) * stderr
    return Limit(value, level, "exact distance of the sampled mixture, jackknife (asymptotic)")


def _along_path(coupling: Coupling, level: float) -> Limit:
    """Limit for the length of the path that leads to the law of the outputs (claim B17), by a jackknife."""
    drawn = coupling.covariances[:PATH_DRAWS]
    weights = np.full(len(drawn), 1 / len(drawn))
    count = min(GROUPS, len(drawn) // 2)
    whole, left_out = path_flow(drawn, weights, coupling.limit, count).squared_lengths()
    value = count * whole - (count - 1) * float(left_out.mean())
    spread = (count - 1) / count * float(((left_out - left_out.mean()) ** 2).sum())
    square = max(0.0, value) + float(ndtri(level)) * math.sqrt(spread)
    return Limit(math.sqrt(square), level, "path of mixtures B17, jackknife (asymptotic)")


def _is_scalar(coupling: Coupling, outputs: int) -> bool:
    return coupling.limit.shape == (1, 1) and outputs == 1


def _is_regular(limit: FloatArray) -> bool:
    return bool(range_and_slack(limit)[0] == np.linalg.eigvalsh(limit)[0])


def _is_one_hidden(arch: Architecture) -> bool:
    return arch.hidden_layers == 1 and all(law == gaussian() for law in arch.weight_laws)


def is_centred(arch: Architecture) -> bool:
    """Whether E S = K exactly: one hidden layer behind Gaussian weights."""
    return arch.hidden_layers == 1 and arch.weight_laws[0] == gaussian()


def _estimate(
    arch: Architecture, coupling: Coupling, outputs: int
) -> tuple[float, float | None, str]:
    """Estimate of W2, its standard error where there is one, and how it was made."""
    covariances, limit = coupling.covariances, coupling.limit
    if _is_scalar(coupling, outputs):
        value, stderr = jackknife(
            wasserstein2, covariances[:, 0, 0], float(limit[0, 0]), centred=is_centred(arch)
        )
        return value, stderr, "exact distance of the sampled scale mixture"
    if limit.shape == (1, 1) and limit[0, 0] > 0 and covariances.min() > 0:
        value, stderr = jackknife(
            partial(radial_wasserstein, outputs=outputs),
            covariances[:, 0, 0],
            float(limit[0, 0]),
            centred=is_centred(arch),
        )
        return value, stderr, "exact radial distance B19 of the sampled scale mixture"
    sharp = sharp_wasserstein2(covariances, limit, outputs, is_centred(arch))
    if sharp is not None:
        return sharp, None, "sharp leading order B20 from sampled covariances"
    return _projected_estimate(arch, coupling, wasserstein2, blind_critic, outputs)


def _projected_estimate(
    arch: Architecture, coupling: Coupling, distance: Distance, critic: Critic, outputs: int
) -> tuple[float, float, str]:
    """Exact distance on the direction that the critic prefers."""
    chosen = project(coupling, critic)
    value, stderr = jackknife(distance, chosen.variances, chosen.s2, centred=is_centred(arch))
    where = "" if _is_scalar(coupling, outputs) else f", projected {chosen.name}"
    return value, stderr, f"exact distance of the sampled scale mixture{where}"
