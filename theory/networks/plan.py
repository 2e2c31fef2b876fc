"""An architecture flattened to arrays, and the one compiled function that evaluates every activation."""

from math import erfc, exp, pi, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory import checks
from theory.activations import Activation
from theory.activations.atoms import Kind
from theory.activations.evaluation import stable
from theory.errors import InputError, UndefinedKernelError
from theory.kernels.architecture import architecture, jacobian_pair
from theory.kernels.weights import JACOBIANS
from theory.networks.compiled import compiled, compiled_bare, wide
from theory.networks.programs import program, run

if TYPE_CHECKING:
    from theory.kernels import Architecture

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Pair = tuple[str, str]

SHORT = 2
"""Functions with so many breaks, and straight between them, are evaluated in one sweep."""

NONE = -1
"""Index of a function that is not there: the identity as a weight map, the constant 1 as its derivative."""


class Functions(NamedTuple):
    """Activations as padded arrays, one row each: sharp pieces (``PiecewiseTable``) and smooth atoms, or a program."""

    breaks: Float  # NaN beyond the last: no value lies above it or there
    break_counts: Int
    coefs: Float
    degrees: Int
    jumps: Int  # 0 where the pieces meet
    middles: Float
    atoms: Float  # (functions, atoms, 5): coef, power, at, scale, 1 for a step and 0 for a bump
    atom_counts: Int
    codes: Int  # (functions, steps): the program of a function outside that class, see ``programs``
    arguments: Float
    lengths: Int  # 0: no program


class Plan(NamedTuple):
    """Everything that a compiled sampler needs to know about an architecture; layers 0, ..., L of weights."""

    widths: Int  # (L + 2,): d, n_1, ..., n_L, outputs
    weight_stds: Float
    bias_stds: Float
    variances: Float
    latents: Int
    zero_probabilities: Float
    blocks: Int  # of permuted blocks; 0: none
    scales: Float  # what multiplies every latent entry
    weight_maps: Int  # (L + 1,) omega
    weight_slopes: Int  # (2, L + 1): omega', tau_w
    activations: Int  # (L,)
    slopes: Int  # (2, L): sigma', tau
    functions: Functions


class _Registry:
    """Numbers the distinct functions of an architecture."""

    def __init__(self) -> None:
        self.known: dict[Activation, int] = {}

    def index(self, function: Activation | None) -> int:
        if function is None or function.has_dirac:
            return NONE
        return self.known.setdefault(function, len(self.known))

    def arrays(self) -> Functions:
        functions = list(self.known)
        tables = [f.table for f in functions]
        smooth = [[a for a in f.atoms if a.scale != 0] if f.is_plain else [] for f in functions]
        programs = [[] if f.is_plain else program(stable(f.atoms)) for f in functions]
        count = max(len(functions), 1)
        pieces = max((t.coefs.shape[0] for t in tables), default=1)
        pieces = max(pieces, SHORT + 1)
        degree = max((t.coefs.shape[1] for t in tables), default=1)
        degree = max(degree, 2)
        longest = max((len(steps) for steps in programs), default=0)
        result = Functions(
            breaks=np.full((count, pieces), np.nan),
            break_counts=np.zeros(count, np.int64),
            coefs=np.zeros((count, pieces, degree)),
            degrees=np.array([t.coefs.shape[1] - 1 for t in tables] or [0], np.int64),
            jumps=np.array([int(not f.is_continuous) for f in functions] or [0], np.int64),
            middles=np.zeros((count, pieces)),
            atoms=np.zeros((count, max((len(s) for s in smooth), default=0), 5)),
            atom_counts=np.array([len(s) for s in smooth] or [0], np.int64),
            codes=np.zeros((count, longest), np.int64),
            arguments=np.zeros((count, longest)),
            lengths=np.array([len(steps) for steps in programs] or [0], np.int64),
        )
        for i, steps in enumerate(programs):
            for j, (code, argument) in enumerate(steps):
                result.codes[i, j], result.arguments[i, j] = code, argument
        for i, (table, atoms) in enumerate(zip(tables, smooth, strict=True)):
            m = len(table.breaks)
            result.break_counts[i] = m
            result.breaks[i, :m], result.middles[i, :m] = table.breaks, table.middles
            result.coefs[i, : m + 1, : table.coefs.shape[1]] = table.coefs
            for j, a in enumerate(atoms):
                step = float(a.kind is Kind.STEP)
                result.atoms[i, j] = float(a.coef), a.power, float(a.at), float(a.scale), step
        return result


def flatten(
    arch: "Architecture", dimension: int, widths: tuple[int, ...], outputs: int = 1
) -> Plan:
    """Return the plan of ``arch`` for ``dimension`` input dimensions, the given hidden widths and ``outputs``."""
    registry = _Registry()
    laws, layers = arch.weight_laws, arch.layers
    sizes = (dimension, *widths, outputs)
    sides = {
        "true": [layer.activation for layer in layers],
        "surrogate": [layer.surrogate for layer in layers],
    }
    slopes = [[registry.index(f.derivative) for f in sides[side]] for side in JACOBIANS]
    return Plan(
        widths=np.array(sizes, np.int64),
        weight_stds=np.array(arch.weight_stds, np.float64),
        bias_stds=np.array(arch.bias_stds, np.float64),
        variances=np.array([law.variance for law in laws], np.float64),
        latents=np.array([law.latent for law in laws], np.int64),
        zero_probabilities=np.array([law.zero_probability for law in laws], np.float64),
        blocks=np.array([law.blocks for law in laws], np.int64),
        scales=np.array(
            [law.scale(n, m) for law, n, m in zip(laws, sizes[1:], sizes[:-1], strict=True)]
        ),
        weight_maps=np.array([registry.index(law.forward) for law in laws], np.int64),
        weight_slopes=np.array(
            [[registry.index(law.derivative(side)) for law in laws] for side in JACOBIANS], np.int64
        ),
        activations=np.array([registry.index(layer.activation) for layer in layers], np.int64),
        slopes=np.array(slopes, np.int64).reshape(2, len(layers)),
        functions=registry.arrays(),
    )


def check_pairs(arch: "Architecture", jacobians: object) -> tuple[Pair, ...]:
    """Return the Jacobian pairs if every derivative in them exists as a function.

    Raises
    ------
    InputError
        For an unknown Jacobian, or no pair at all.
    UndefinedKernelError
        If a pair differentiates across a jump: at finite width that derivative is a distribution.
    """
    if not isinstance(jacobians, list | tuple) or not jacobians:
        raise InputError(
            f"jacobians must list at least one pair, such as [('true', 'surrogate')], got {jacobians!r}"
        )
    pairs = tuple(jacobian_pair(pair) for pair in jacobians)
    for side in sorted({side for pair in pairs for side in pair}):
        for place, layer in enumerate(arch.layers, start=1):
            function = layer.activation if side == "true" else layer.surrogate
            _refuse_jump(function, side, f"hidden layer {place}", "hardtanh(a)")
        for place, law in enumerate(arch.weight_laws, start=1):
            mapping = law.forward if side == "true" else law.surrogate
            if mapping is not None:
                _refuse_jump(mapping, side, f"weights {place}", "binarized(hardtanh(a), ...)")
    return pairs


def _refuse_jump(function: Activation, side: str, place: str, cure: str) -> None:
    if function.derivative.has_dirac:
        raise UndefinedKernelError(
            f"the {side!r} Jacobian of {function} ({place}) is a distribution: {function} jumps, so the kernel of a "
            f"finite network does not exist; take {cure} with small a, or the pair ('surrogate', 'surrogate') "
            f"with a continuous surrogate such as hardtanh(1), or pass ntk=False"
        )


def hidden_widths(width: object, arch: "Architecture") -> tuple[int, ...]:
    """Return the hidden widths that ``arch`` needs."""
    return checks.widths(width, len(architecture(arch).layers))


@compiled_bare
def _constant(functions, index, values, out, count):  # type: ignore[no-untyped-def]
    """Constant pieces and at most ``SHORT`` breaks: everything stays in registers."""
    wide()
    number, c = values.dtype.type, functions.coefs[index]
    b0, b1 = number(functions.breaks[index, 0]), number(functions.breaks[index, 1])
    m0, m1 = number(functions.middles[index, 0]), number(functions.middles[index, 1])
    c0, c1, c2 = number(c[0, 0]), number(c[1, 0]), number(c[2, 0])
    for i in range(count):
        v = values[i]
        value = c2 if v > b1 else (c1 if v > b0 else c0)
        value = m0 if v == b0 else value
        out[i] = m1 if v == b1 else value


@compiled_bare
def _straight(functions, index, values, out, count):  # type: ignore[no-untyped-def]
    """Straight pieces that meet, at most ``SHORT`` breaks: everything stays in registers."""
    wide()
    number, c = values.dtype.type, functions.coefs[index]
    b0, b1 = number(functions.breaks[index, 0]), number(functions.breaks[index, 1])
    c00, c10, c20 = number(c[0, 0]), number(c[1, 0]), number(c[2, 0])
    c01, c11, c21 = number(c[0, 1]), number(c[1, 1]), number(c[2, 1])
    for i in range(count):
        v = values[i]
        slope = c21 if v > b1 else (c11 if v > b0 else c01)
        start = c20 if v > b1 else (c10 if v > b0 else c00)
        out[i] = slope * v + start


@compiled
def _piecewise(functions, index, values, out, count):  # type: ignore[no-untyped-def]
    """Horner's rule with coefficients selected by interval: every inner loop is branchless and vectorises."""
    breaks, coefs = functions.breaks[index], functions.coefs[index]
    places = functions.break_counts[index]
    chosen = np.empty(count)
    out[:count] = 0.0
    for power in range(functions.degrees[index], -1, -1):
        chosen[:] = coefs[0, power]
        for b in range(places):
            place, coef = breaks[b], coefs[b + 1, power]
            for i in range(count):
                chosen[i] = coef if values[i] > place else chosen[i]
        for i in range(count):
            out[i] = out[i] * values[i] + chosen[i]
    for b in range(places):
        place, middle = breaks[b], functions.middles[index, b]
        for i in range(count):
            out[i] = middle if values[i] == place else out[i]


@compiled_bare
def evaluate(functions, index, values, out, count):  # type: ignore[no-untyped-def]
    """Write function ``index`` of the first ``count`` values to ``out``, another array; midpoints at jumps.

    Straight pieces are evaluated in the type of the values, everything else in float64.
    """
    if functions.lengths[index] > 0:
        length = functions.lengths[index]
        run(functions.codes[index], functions.arguments[index], length, values, out, count)
        return
    short = functions.break_counts[index] <= SHORT
    if short and functions.degrees[index] == 0:
        _constant(functions, index, values, out, count)
    elif short and functions.degrees[index] == 1 and functions.jumps[index] == 0:
        _straight(functions, index, values, out, count)
    else:
        _piecewise(functions, index, values, out, count)
    if functions.atom_counts[index] > 0:
        _add_atoms(functions, index, values, out, count)


@compiled_bare
def _add_atoms(functions, index, values, out, count):  # type: ignore[no-untyped-def]
    """Add the smooth atoms."""
    atoms = functions.atoms[index]
    for t in range(functions.atom_counts[index]):
        coef, power, at, scale = atoms[t, 0], int(atoms[t, 1]), atoms[t, 2], atoms[t, 3]
        is_step = atoms[t, 4] == 1.0
        for i in range(count):
            z = (values[i] - at) / scale
            density = exp(-0.5 * z * z) / (scale * sqrt(2.0 * pi))
            shape = 0.5 * erfc(-z / sqrt(2.0)) if is_step else density
            out[i] += coef * values[i] ** power * shape
