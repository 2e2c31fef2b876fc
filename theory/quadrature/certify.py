"""Integrals of many products of factors at once, each a ball that contains its value.

A problem is cut into patches; on a patch every factor is analytic. What a panel may err by is set by the
mass of the integrals that need it, which is estimated first and measured while integrating.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import inf, log
from typing import Generic, Protocol, TypeVar

import numpy as np
from flint import arb, arb_mat

from theory.quadrature.axis import Factor
from theory.quadrature.errors import QuadratureError
from theory.quadrature.panels import (
    MOST_NODES,
    ROUNDING,
    Bilinear,
    Chart,
    Form,
    Panel,
    Side,
    product_rule,
    real_sizes,
    side,
    turned,
)

Key = TypeVar("Key", bound=Hashable)
# A factor of u and one of v.
Where = tuple[int, int]

# Exponents that rise by more than this within a panel are too large for floats.
_STEEPEST = 600.0
# Whoever goes less far than this above a floor goes about as far.
_NEAR = arb(30)
# Panels of one patch; more are not worth the hours they would take.
_MOST_PANELS = 800
# Nodes of the first estimate, digits beyond those asked for, and how often to ask for more.
_ROUGH, _GUARD, _ATTEMPTS = 5, 3, 4


@dataclass(frozen=True)
class Sum:
    """A ball that contains the value, and the mass behind it, the integral of |f g|, to a few digits."""

    value: arb
    mass: arb

    def __add__(self, other: "Sum") -> "Sum":
        """Add values and masses."""
        return Sum(self.value + other.value, self.mass + other.mass)

    def scaled(self, factor: arb) -> "Sum":
        """Multiply the value by ``factor`` and the mass by its absolute value."""
        return Sum(self.value * factor, self.mass * abs(factor))


NOTHING = Sum(arb(0), arb(0))


@dataclass(frozen=True)
class User(Generic[Key]):
    """An integral that takes ``coefficient`` times the product of two factors."""

    key: Key
    f: int
    g: int
    coefficient: arb


@dataclass(frozen=True)
class Patch(Generic[Key]):
    """Panels, the factors on them with their arguments, and who needs which products."""

    panels: list[Panel]
    f: tuple[Factor, ...]
    g: tuple[Factor, ...]
    forms: tuple[Form, Form]
    users: list[User[Key]]


def alike(
    users: Iterable[User[Key]], caps: Mapping[Key, arb], floor: arb
) -> Iterator[tuple[arb, list[User[Key]]]]:
    """Yield caps above ``floor`` with the users that go about as far.

    A product that is minute above its floor is followed far: there it must not take the others along.
    """
    group: list[User[Key]] = []
    present = [user for user in users if user.key in caps and not floor > caps[user.key]]
    for user in sorted(present, key=lambda user: float(caps[user.key] - floor)):
        least = caps[group[0].key] - floor if group else arb(0)
        if group and caps[user.key] - floor > 4 * max(least, _NEAR):
            yield caps[group[-1].key], group
            group = []
        group.append(user)
    if group:
        yield caps[group[-1].key], group


class Problem(Protocol[Key]):
    """Gaussian integrals over the plane or a line, without the norm of the density."""

    def floor(self, key: Key) -> arb:
        """Return the least exponent where an integral has something."""

    def beyond(self, key: Key, cap: arb) -> arb:
        """Bound the integral of |f g| over everything whose exponent is above ``cap``."""

    def patches(self, caps: Mapping[Key, arb]) -> Iterable[Patch[Key]]:
        """Cover everything whose exponent is at most the cap of the integrals."""


def certified(problem: Problem[Key], keys: Iterable[Key], digits: int) -> dict[Key, Sum]:
    """Integrate until each radius is below 10**-digits of the mass, or as far as that can be followed.

    An integral that bends too often to be followed is missing.
    """
    wanted = list(keys)
    caps = {key: problem.floor(key) + (digits + _GUARD) * log(10) for key in wanted}
    masses = _masses(problem, caps)
    found: dict[Key, Sum] = {key: NOTHING for key in wanted if not masses[key] > 0}
    wanted = [key for key in wanted if key not in found]
    for attempt in range(_ATTEMPTS):
        share = arb(10) ** -(digits + _GUARD * (attempt + 1))
        targets = {key: (masses[key] * share).mid() for key in wanted}
        caps = {key: _cap(problem, key, targets[key]) for key in wanted}
        sums = _sums(problem, caps, targets)
        for key, part in sums.items():
            if key not in found or part.value.rad() < found[key].value.rad():
                found[key] = part
            masses[key] = part.mass
        wanted = [
            key
            for key, part in sums.items()
            if part.mass > 0 and not part.value.rad() < part.mass * arb(10) ** -digits / 2
        ]
        if not wanted:
            break
    return found


def _cap(problem: Problem[Key], key: Key, target: arb) -> arb:
    """Return an exponent beyond which nothing counts."""
    cap = problem.floor(key) + 2
    for _ in range(40):
        excess = problem.beyond(key, cap) / target
        if excess.is_finite() and excess < 1:
            return cap
        cap += max(1.0, float(excess.log().mid())) if excess.is_finite() else cap
        cap = cap.mid()
    return cap


def _masses(problem: Problem[Key], caps: Mapping[Key, arb]) -> dict[Key, arb]:
    """Estimate masses by a few nodes a panel."""
    masses = dict.fromkeys(caps, arb(0))
    for patch in problem.patches(caps):
        for panel in patch.panels:
            if panel.sliver:
                continue
            chart = Chart(panel)
            forms = chart.form(patch.forms[0]), chart.form(patch.forms[1])
            _, mass = product_rule(chart, (_ROUGH, _ROUGH), patch.f, patch.g, forms)
            for user in patch.users:
                masses[user.key] += (mass[user.f, user.g] * abs(user.coefficient)).mid()
    return masses


def _sums(
    problem: Problem[Key], caps: Mapping[Key, arb], targets: Mapping[Key, arb]
) -> dict[Key, Sum]:
    sums = {key: Sum(arb(0, problem.beyond(key, cap).upper()), arb(0)) for key, cap in caps.items()}
    for patch in problem.patches(caps):
        users = [user for user in patch.users if user.key in sums]
        if not users:
            continue
        try:
            values, masses = _Worked(patch, users, targets).integrals()
        except QuadratureError:
            for user in users:
                sums.pop(user.key, None)
            continue
        for user in users:
            part = Sum(values[user.f, user.g], masses[user.f, user.g])
            sums[user.key] += part.scaled(user.coefficient)
    return sums


class _Worked(Generic[Key]):
    """Integrals of all products of factors on a patch, panel by panel."""

    def __init__(
        self, patch: Patch[Key], users: list[User[Key]], targets: Mapping[Key, arb]
    ) -> None:
        self.patch = patch
        self.targets: dict[Where, arb] = {}
        for user in users:
            where, target = (user.f, user.g), targets[user.key] / abs(user.coefficient)
            self.targets[where] = min(target, self.targets.get(where, target))
        self.errors = {where: arb(0) for where in self.targets}
        self.levels = {where: target.log() for where, target in self.targets.items()}
        self.values = arb_mat(len(patch.f), len(patch.g))
        self.masses = arb_mat(len(patch.f), len(patch.g))

    def integrals(self) -> tuple[arb_mat, arb_mat]:
        """Return values with their errors, and masses."""
        waiting, ready, count = list(self.patch.panels), [], 0
        while waiting:
            count += 1
            if count > _MOST_PANELS:
                raise QuadratureError("the integrand bends too often where its mass is")
            panel = waiting.pop()
            work = _Work.of(panel, self.patch, self.targets, self.levels)
            if work is None:
                if panel.sliver:
                    raise QuadratureError("two corners of a panel cannot be told apart")
                waiting += panel.halves()
            elif work.nodes is None:
                across, along = work.across.nodes, work.along.nodes
                waiting += panel.halves(across=None if across == along else across > along)
            else:
                ready.append(work)
        for work in ready:
            self._add(work)
        for (j, k), error in self.errors.items():
            self.values[j, k] += arb(0, error.upper())
        return self.values, self.masses

    def _add(self, work: "_Work") -> None:
        for where, bound in work.bounds.items():
            self.errors[where] += bound
        if not work.active:
            return
        assert work.nodes is not None
        fs, gs = [self.patch.f[j] for j in work.rows], [self.patch.g[k] for k in work.columns]
        value, mass = product_rule(work.chart, work.nodes, fs, gs, work.forms)
        for j, k in work.active:
            row, column = work.rows.index(j), work.columns.index(k)
            self.values[j, k] += value[row, column]
            self.masses[j, k] += mass[row, column]


@dataclass(frozen=True)
class _Work:
    """What to do with a panel.

    Parameters
    ----------
    active
        Products that are integrated, on ``rows`` of the factors of u and ``columns`` of those of v; the
        others are too small to count.
    bounds
        Of the error of each product: of the rule where it is active, of its whole integral where not.
    along, across
        The rule in each direction.
    """

    chart: Chart
    forms: tuple[Bilinear, Bilinear]
    active: list[Where]
    rows: list[int]
    columns: list[int]
    bounds: dict[Where, arb]
    along: Side
    across: Side

    @property
    def nodes(self) -> tuple[int, int] | None:
        """Nodes in each direction, or none if they are too many."""
        if max(self.along.nodes, self.across.nodes) > MOST_NODES:
            return None
        return int(self.across.nodes), int(self.along.nodes)

    @classmethod
    def of(
        cls,
        panel: Panel,
        patch: Patch[Key],
        targets: Mapping[Where, arb],
        levels: Mapping[Where, arb],
    ) -> "_Work | None":
        """Choose rules and bound their errors, or return nothing where float arithmetic cannot do that."""
        chart, fs, gs = Chart(panel), patch.f, patch.g
        forms = chart.form(patch.forms[0]), chart.form(patch.forms[1])
        falls, energy = chart.falls(), chart.energy()
        top = falls.peak(1.0) if falls.moderate else inf
        if not top < inf:
            return None
        across_, along_ = chart.spans()
        bulk = (arb(top) - energy).exp() * (4 * (across_ + along_) * ROUNDING)
        sizes, slack = real_sizes(fs, gs, *forms)
        bounds = {
            (j, k): bulk * ((sizes.f[j] + slack.f[j]) * (sizes.g[k] + slack.g[k]))
            for j, k in targets
        }
        if panel.sliver:
            bounds = {where: 2 * bound for where, bound in bounds.items()}
        active = [w for w, bound in bounds.items() if not (panel.sliver or bound < targets[w])]
        if not active:
            return cls(chart, forms, [], [], [], bounds, Side(0), Side(0))
        if not top < _STEEPEST:
            return None
        rows, columns = (sorted(set(index)) for index in zip(*active, strict=True))
        some_f, some_g = [fs[j] for j in rows], [gs[k] for k in columns]
        need = np.full((len(rows), len(columns)), -inf)
        for j, k in active:
            need[rows.index(j), columns.index(k)] = float((-energy - levels[j, k]).mid())
        back = turned(forms[0]), turned(forms[1])
        along = side(some_f, some_g, back, falls.turned(), (across_ + along_, 0.0), need)
        across = Side(2)
        if not panel.flat:
            across = side(some_f, some_g, forms, falls, (across_, along_), need)
        scale = (-energy).exp()
        for j, k in active:
            off = bulk * (slack.f[j] * (sizes.g[k] + slack.g[k]) + sizes.f[j] * slack.g[k])
            for part in (along, across):
                if part.sizes is not None:
                    product = part.sizes.f[rows.index(j)] * part.sizes.g[columns.index(k)]
                    off += scale * part.constant * product
            bounds[j, k] = off
        return cls(chart, forms, active, rows, columns, bounds, along, across)
