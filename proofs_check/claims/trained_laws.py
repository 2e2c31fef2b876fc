"""Laws of ensembles: trained networks as the Gaussian process, and without their hidden weights (T37, E3)."""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

import theory as th
from proofs_check.claims.training import POINTS, TARGET, N, architecture
from proofs_check.ledger import claim
from proofs_check.methods.statistics import Comparison, z_tests
from proofs_check.verdict import Grade, Verdict
from theory.dynamics import TrainedProcess, trained_process
from theory.estimate import Estimate
from theory.kernels import Architecture
from theory.networks import SGD, train_networks
from theory.networks.training.literal import Literal
from theory.networks.training.lowrank import LowRank, directions
from theory.networks.training.matrices import Unstored
from theory.networks.training.request import Task, prepare

Float = NDArray[np.float64]

SOURCE = "asymmetric-kernels.md, section 5"
ARCH = architecture("hardtanh")

# ------------------------------------------------------------------- T37: ensembles

RATE, STEPS, DRAWS = 0.02, 300, 1500


@cache
def trained(seed: int) -> Float:
    """Outputs (draws, 2) of trained networks at the new inputs."""
    run = train_networks(
        ARCH, POINTS[:N], TARGET, 512, DRAWS, STEPS, SGD(RATE), seed, points=POINTS[N:], threads=1
    )
    return run.outputs[:, 0]


def _networks(posterior: bool, seed: int) -> Verdict:
    """Compare mean and covariance of networks with the process, or with a covariance of another formula."""
    outputs = trained(seed)
    law = trained_process(ARCH, POINTS[:N], TARGET, POINTS[N:], RATE * STEPS)
    covariance = law.covariance
    if posterior:
        covariance = _without_cross(law)
    gaps = outputs - law.mean
    products = Estimate.of_mean(gaps[:, :, None] * gaps[:, None, :])
    return z_tests(
        [
            Comparison("mean", Estimate.of_mean(outputs), law.mean),
            Comparison("covariance", products, covariance),
        ],
        false_alarm=1e-6,
        must_see=2.0,
    )


def _without_cross(law: TrainedProcess) -> Float:
    """Return Sigma - A Sigma A^T, which forgets that start and training inputs are correlated."""
    start = th.nngp(ARCH, POINTS[:N])
    found: Float = th.nngp(ARCH, POINTS[N:]) - law.responses @ start @ law.responses.T
    return found


@claim(
    "T37.networks",
    statement=r"Wide networks trained with a surrogate have the mean and the covariance of T37 over draws of their "
    r"start.",
    source=f"{SOURCE}, T37, for trained networks",
    hypotheses=(
        r"1500 networks of one hidden layer, $n=512$, $h_{1/2}$ with $h_1'$; five training inputs and two others, of "
        r"unequal norms; 300 steps of gradient descent of rate 0.02, close to the flow at $t=6$",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _networks(True, seed),
)
def ensembles_have_the_law_of_the_process(seed: int = 0) -> Verdict:
    """Train networks; the mutant's covariance is that of a posterior, Sigma - A Sigma A^T."""
    return _networks(False, seed)


# ------------------------------------------------------------------- E3: without the hidden weights

PAIR = POINTS[[0, 5]]
DEEP = Architecture(2, th.hardtanh("1/2"), th.hardtanh(1), [1.3, 1.1, 0.9], 0.3)
RECORDS = (0, 2)
_NAMES = ("outputs", "kernels", "displacement")


class Forgetful(Unstored):
    """A matrix whose answers do not depend on what it answered on the other side."""

    def _answers(self, units: Float, left: bool) -> Float:
        return super()._answers(units, left) - self._known(units, left)

    def _known(self, units: Float, left: bool) -> Float:
        far = self.rights if left else self.lefts
        known: Float = (units @ far.images.T) @ far.units
        return known


class ForgetfulNetwork(LowRank):
    """A network whose weights between hidden layers forget."""

    def unstored(self, layer: int, fan_out: int, fan_in: int) -> Unstored:
        """Return weights that forget."""
        rights, lefts = directions(self.task)
        return Forgetful(fan_out, fan_in, rights, lefts, (self.task.seed, self.number, layer))


# Networks without hidden weights have numbers of their own: first layer, biases and readout are drawn from them.
_NETWORKS: dict[str, Callable[[Task, int], Literal | LowRank]] = {
    "weights": lambda task, i: Literal(task, i, None, 0),
    "low-rank": lambda task, i: LowRank(task, 10**6 + i),
    "forgetful": lambda task, i: ForgetfulNetwork(task, 10**6 + i),
}


def records(method: str, seed: int, draws: int) -> list[Float]:
    """Outputs, kernels and displacements of trained networks before and after: (draws, 2, ...)."""
    task = prepare(
        DEEP, POINTS[:N], TARGET, (12, 12), RECORDS, SGD(0.05), seed, PAIR,
        [("surrogate", "surrogate")], "sum", 2, "ntk", None, "weights", "float64", False,
    )  # fmt: skip
    found = []
    for i in range(draws):
        network = _NETWORKS[method](task, i)
        seen = [network.recorded()]
        network.advance(*RECORDS)
        seen.append(network.recorded())
        found.append([np.array([part[name] for part in seen]) for name in _NAMES])
    return [np.array(values) for values in zip(*found, strict=True)]


@cache
def moments(method: str, seed: int, draws: int) -> Float:
    """Products of outputs, kernels and displacements of trained networks, (draws, numbers)."""
    both, theta, moves = records(method, seed, draws)
    outputs, moved = both.reshape(draws, 4), moves[:, 1]
    kernels = theta.reshape(draws, 8)[:, [0, 1, 3, 4, 5, 7]]
    rows, columns = np.triu_indices(4)
    products = outputs[:, rows] * outputs[:, columns]
    crossed = [outputs**4, outputs**2 * moved[:, 1:2], kernels * outputs[:, [3]] ** 2]
    return np.concatenate([outputs, kernels, moved, products, *crossed], axis=1)


def _e3(method: str, seed: int) -> Verdict:
    """Compare moments of networks trained with and without their hidden weights."""
    literal, found = (moments(each, seed, 6000) for each in ("weights", method))
    size = np.abs(literal).mean(axis=0)
    gap = Estimate.of_mean(found / size) + -1.0 * Estimate.of_mean(literal / size)
    return z_tests([Comparison("moments", gap, np.zeros(len(size)))], false_alarm=1e-6)


@claim(
    "E3.training",
    statement=r"Training couples $W$ to the data, and yet its first steps can be drawn without it: asked for $Wx$ and "
    r"$W^{\mathsf T}v$ along any directions, each a function of earlier answers, a Gaussian $W$ answers a new unit $q$ "
    r"orthogonal to those asked for by $PWq+(1-P)g$, with $P$ the projection on the left directions and $g$ fresh.",
    source="exact-sampling.md, E3, which asks for it for one step; for any number of steps it is ours",
    hypotheses=(
        "two hidden layers of 12 neurons, hardtanh; two steps on two samples each, recorded at two inputs before and "
        "after: half of all directions are asked for; 37 first to fourth moments of outputs, kernels and displacement "
        "of 6000 networks a side",
    ),
    aims_at=Grade.CONSISTENT,
    mutant=lambda seed=0: _e3("forgetful", seed),
)
def first_steps_need_no_hidden_weights(seed: int = 0) -> Verdict:
    """Train with and without hidden weights; the mutant's answers do not depend on those of the other side."""
    return _e3("low-rank", seed)
