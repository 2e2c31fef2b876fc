"""Metropolis-Hastings on the weights of a network, at a temperature that falls: simulated annealing (S20, S21, S25)."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from theory import checks
from theory.errors import InputError
from theory.quantized.network import Network
from theory.quantized.schedules import schedule
from theory.quantized.search import Cache
from theory.quantized.state_transition import code_bits, random_codes
from theory.quantized.temperatures import Adaptive
from theory.quantized.trainer import Array, Batch, Bits, State, Trainer, advanced, begun, draws
from theory.quantized.transition import Moves, Rule, TanhRule, moves, values


@dataclass(frozen=True)
class Annealing(Trainer):
    """Propose, and accept with probability min{1, pi(y) q(y, x) / (pi(x) q(x, y))}, pi = exp(-energy / temperature).

    A proposal is, with probability ``uniform``, a change of one weight to another value, all equally likely, and else
    a discrete state transition of ``block`` weights along the gradient. The energy is the mean loss of the batch: train
    on whole data (``batch=None``) for a chain that is reversible at each temperature.

    Parameters
    ----------
    temperature
        A number, a schedule (``Logarithmic(c)``, ``Geometric(start, ratio, limit)``), or ``Adaptive(start, speed)``.
    uniform
        Share of uniform proposals, in (0, 1]; 1 is Metropolis et al. and needs no gradient.
    block
        Weights that a transition moves, chosen anew each time; None: all. Few are accepted at once in large networks.
    rate, rule, levels
        As in ``StateTransition``; the step size is a number.
    proposals
        Proposals a step of the trainer, at one temperature.

    Raises
    ------
    InputError
        For a share outside (0, 1], or ``Adaptive`` with fewer than two proposals a step.
    """

    temperature: Any = 0.1
    uniform: float = 1.0
    block: int | None = None
    rate: float = 0.1
    rule: Rule = field(default_factory=TanhRule)
    levels: int = 1
    proposals: int = 10

    def __post_init__(self) -> None:
        if not 0 < self.uniform <= 1:
            raise InputError(
                f"uniform must lie in (0, 1], got {self.uniform!r}: without uniform proposals the chain may not reach "
                f"every state (S19)"
            )
        count = checks.positive_int(self.proposals, "proposals")
        if isinstance(self.temperature, Adaptive):
            if count < 2:
                raise InputError(
                    f"Adaptive measures a deviation: it needs at least 2 proposals a step, got {count}"
                )
        else:
            schedule(self.temperature, "temperature")
        if self.block is not None:
            checks.positive_int(self.block, "block")

    def start(self, network: Network, seed: int) -> State:
        """Independent weights, uniform on Z_N."""
        first = self._first()
        codes = random_codes(network, seed, self.levels)
        return begun(seed) | {"codes": codes, "temperature": first, "accepted": 0}

    def step(self, state: State, batch: Batch) -> State:
        """Make the proposals of one temperature."""
        temperature = state["temperature"]
        run = self._single if self.uniform == 1 else self._mixed
        codes, energies, accepted = run(state["codes"], temperature, batch, draws(state))
        if isinstance(self.temperature, Adaptive):
            following = self.temperature.after(temperature, float(np.std(energies)))
        else:
            following = float(schedule(self.temperature, "temperature")(state["step"] + 1))
        return advanced(
            state, len(batch) * (self.proposals + 1), codes=codes, temperature=following,
            accepted=state["accepted"] + accepted,
        )  # fmt: skip

    def weights(self, state: State) -> Array:
        """The values of the states."""
        return values(state["codes"], self.levels)

    def bits(self) -> Bits:
        """What a code takes: nothing else is kept."""
        return Bits(code_bits(self.levels), code_bits(self.levels))

    def _first(self) -> float:
        if isinstance(self.temperature, Adaptive):
            return self.temperature.start
        return float(schedule(self.temperature, "temperature")(0))

    def _single(
        self, codes: Array, temperature: float, batch: Batch, random: np.random.Generator
    ) -> tuple[Array, list[float], int]:
        """Change one weight at a time: a pass for the cache, then only what a change reaches."""
        codes, count = codes.copy(), 2**self.levels + 1
        cache = Cache(batch.network, values(codes, self.levels), batch.X, batch.Y)
        energies, accepted = [float(cache.energy)], 0
        for _ in range(self.proposals):
            site = int(random.integers(codes.size))
            code = (codes[site] + random.integers(1, count)) % count
            value = float(values(code, self.levels))
            energy = float(cache.trial(site, value))
            if np.log(random.random()) < (energies[-1] - energy) / temperature:
                cache.move(site, value)
                codes[site], accepted = code, accepted + 1
            else:
                energy = energies[-1]
            energies.append(energy)
        return codes, energies, accepted

    def _mixed(
        self, codes: Array, temperature: float, batch: Batch, random: np.random.Generator
    ) -> tuple[Array, list[float], int]:
        """Propose changes of one weight and transitions along the gradient."""
        here = self._at(codes, batch)
        energies, accepted = [here.energy], 0
        for _ in range(self.proposals):
            there, odds = self._propose(here, batch, random)
            climb = (there.energy - here.energy) / temperature
            if np.log(random.random()) < odds - climb:
                here, accepted = there, accepted + 1
            energies.append(here.energy)
        return here.codes, energies, accepted

    def _at(self, codes: Array, batch: Batch) -> "_Place":
        weights = values(codes, self.levels)
        return _Place(codes, float(batch.energy(weights)), batch.gradient(weights))

    def _propose(
        self, here: "_Place", batch: Batch, random: np.random.Generator
    ) -> tuple["_Place", float]:
        """Return where to go, and log q(back) - log q(there)."""
        codes, count = here.codes, 2**self.levels + 1
        chosen = np.arange(codes.size)
        if self.block is not None and self.block < codes.size:
            chosen = random.permutation(codes.size)[: self.block]
        other = codes.copy()
        if random.random() < self.uniform:
            site = int(random.integers(codes.size))
            other[site] = (codes[site] + random.integers(1, count)) % count
        else:
            jumps = self._jumps(here, chosen)
            other[chosen] = jumps.draw(random.random(chosen.size))
        there = self._at(other, batch)
        return there, self._log_chance(there, here, chosen) - self._log_chance(here, there, chosen)

    def _jumps(self, place: "_Place", chosen: Array) -> Moves:
        return moves(
            place.codes[chosen], -self.rate * place.gradient[chosen], self.levels, self.rule
        )

    def _log_chance(self, here: "_Place", there: "_Place", chosen: Array) -> float:
        """Return log q(here, there) for the weights that a transition may move; -inf where it cannot happen."""
        jumps = self._jumps(here, chosen)
        target = there.codes[chosen]
        single = np.where(target == jumps.near, 1 - jumps.chance, 0.0)
        single = np.where((target == jumps.far) & (jumps.near != jumps.far), jumps.chance, single)
        moved = np.flatnonzero(here.codes != there.codes)
        inside = np.isin(moved, chosen).all()
        with np.errstate(divide="ignore"):
            jump = np.log(single).sum() + np.log1p(-self.uniform) if inside else -np.inf
        if moved.size != 1:
            return float(jump)
        return float(np.logaddexp(jump, np.log(self.uniform / (here.codes.size * 2**self.levels))))


@dataclass(frozen=True, eq=False)
class _Place:
    """A state with its energy and gradient."""

    codes: Array
    energy: float
    gradient: Array
