"""Gram matrices beside those of neural-tangents 0.6.5, with errors: three hidden layers, inputs in 32 dimensions.

Inputs are normal, row by row times a number uniform in [1/2, 2]; one row is a near-duplicate of another, at a relative
distance of 1e-6. Seconds are of processor time on one thread, of the best of some runs after compilation. Memory is
what a process grows by at its peak, the result of 8 N^2 bytes included, but for what it held free before. Errors are
the greatest of |value - exact| / |exact|: over ordinary pairs and one diagonal entry, and at the near-duplicates. Exact
values come from the recursion of claim T5 in numbers of 40 digits, each expectation the midpoint of an Arb ball.

neural-tangents is from another time: it gets an environment of its own, built once under build/neural-tangents from the
requirements beside this file (about 600 MB; it needs the network), and float64. Where that fails, the reason is printed
and its rows are left out. Its hardtanh is ElementwiseNumerical of degree 25; its tangent kernel of sign is its NNGP
kernel, so sign is compared by NNGP kernels, and the kernel of the straight-through estimator with that as well.
Sizes that would take it minutes, or more memory than there is, are scaled from the largest one timed, like N^2.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from math import nan
from pathlib import Path
from typing import IO, Any

import mpmath
import numpy as np
from numpy.typing import NDArray

import theory as th
from hardlimit.environments import environment
from hardlimit.timing import Ratio

Float = NDArray[np.float64]

HERE = Path(__file__).parent

DIMENSION, DEPTH, WEIGHT_STD, BIAS_STD = 32, 3, 1.25, 0.25
SIZES = (256, 1024, 4096, 16384)
ORDINARY, NEAR = [(0, 1), (2, 7), (5, 20), (9, 9)], (10, 11)
DIGITS = 40


@dataclass(frozen=True)
class Case:
    """A kernel, what neural-tangents calls it, and up to which size that is run."""

    name: str
    arch: th.Architecture
    kind: str
    jacobians: tuple[str, str]
    other: str
    other_kind: str
    other_up_to: int

    def __call__(self, x: Float) -> Float:
        """Return our kernel of x with itself."""
        if self.kind == "nngp":
            return th.nngp(self.arch, x, threads=1)
        return th.ntk(self.arch, x, jacobians=self.jacobians, threads=1)

    @property
    def same(self) -> bool:
        """Whether both sides compute one kernel."""
        return self.kind == self.other_kind


@dataclass(frozen=True)
class Timed:
    """What one side took, and its entries."""

    seconds: float
    mebibytes: float
    values: Float


def cases() -> list[Case]:
    """Return the kernels: two closed forms there, sign, and one that it has by quadrature only."""
    ordinary = ("true", "true")

    def arch(f: Any, g: Any = None) -> th.Architecture:
        return th.Architecture(DEPTH, f, g, WEIGHT_STD, BIAS_STD)

    ste = arch(th.sign(), th.hardtanh(1))
    return [
        Case("NTK of erf", arch(th.erf(1)), "ntk", ordinary, "erf", "ntk", 4096),
        Case("NTK of ReLU", arch(th.relu()), "ntk", ordinary, "relu", "ntk", 4096),
        Case("NNGP of sign", ste, "nngp", ordinary, "sign", "nngp", 4096),
        Case("NTK of sign/hardtanh", ste, "ntk", ("true", "surrogate"), "sign", "nngp", 4096),
        Case("NNGP of hardtanh", arch(th.hardtanh(1)), "nngp", ordinary, "hardtanh", "nngp", 1024),
        Case("NTK of hardtanh", arch(th.hardtanh(1)), "ntk", ordinary, "hardtanh", "ntk", 1024),
    ]


def points(n: int) -> Float:
    """Return n inputs by the law above, the first ones the same for every n."""
    directions, lengths, step = (np.random.default_rng(seed) for seed in range(3))
    x = directions.standard_normal((n, DIMENSION)) * lengths.uniform(0.5, 2, (n, 1))
    one, other = NEAR
    size = 1e-6 * np.linalg.norm(x[one]) / DIMENSION**0.5
    x[other] = x[one] + size * step.standard_normal(DIMENSION)
    return x


def run() -> list[Ratio]:
    """Return one row a kernel and size."""
    rows = []
    with neural_tangents() as ask:
        for case in cases():
            exact: list[mpmath.mpf] | None = None
            last: tuple[int, Timed] | None = None
            for n in SIZES:
                x = points(n)
                exact = exact or [entry(case, x[i], x[j]) for i, j in (*ORDINARY, NEAR)]
                mine = ours(case, x)
                name = f"{case.name}, N = {n}: {told(mine, n, exact)}"
                label = "neural-tangents"
                if ask is not None and n <= case.other_up_to:
                    last = n, ask(case, x)
                if last is None:
                    rows.append(Ratio(name, mine.seconds, f"{label} is not there", nan))
                    continue
                size, theirs = last
                label += "" if case.same else ", NNGP only"
                label += f": {told(theirs, size, exact if case.same else None)}"
                label += "" if size == n else f", scaled from N = {size}"
                rows.append(Ratio(name, mine.seconds, label, theirs.seconds * (n / size) ** 2))
    return rows


def told(timed: Timed, n: int, exact: list[mpmath.mpf] | None) -> str:
    """Return nanoseconds an entry and layer, memory and errors in words."""
    words = f"{timed.seconds / (n * n * DEPTH) * 1e9:.3g} ns an entry and layer, {timed.mebibytes:.0f} MiB"
    if exact is None:
        return words
    *ordinary, near = (
        float(abs(mpmath.mpf(float(v)) - e) / abs(e))
        for v, e in zip(timed.values, exact, strict=True)
    )
    return f"{words}, error {max(ordinary):.0e}, near-duplicate {near:.0e}"


def ours(case: Case, x: Float) -> Timed:
    """Time our kernel."""
    case(x[:64])  # compiles
    seconds, grown = [], nan
    found: Float | None = None
    for _ in range(repeats(len(x))):
        # Beside a result that is still there, finding pages takes the system as long as all else.
        found = None
        with peak() as memory:
            start = time.process_time()
            found = case(x)
            seconds.append(time.process_time() - start)
            grown = memory()
    assert found is not None
    return Timed(min(seconds), grown, found[tuple(np.array([*ORDINARY, NEAR]).T)])


def repeats(n: int) -> int:
    """Return how often a size is timed; twice at least, since the first time the system finds gigabytes of pages."""
    return 20 if n <= 256 else 5 if n <= 1024 else 4 if n <= 4096 else 2


@contextmanager
def peak() -> Iterator[Callable[[], float]]:
    """Yield a function that returns by how many MiB the process has grown at its peak; NaN but on Linux."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        yield lambda: nan
        return

    def field(name: str) -> float:
        return float(Path("/proc/self/status").read_text().split(f"{name}:")[1].split()[0]) / 1024

    before = field("VmRSS")
    yield lambda: field("VmHWM") - before


def entry(case: Case, x: Float, y: Float) -> mpmath.mpf:
    """Return an entry of the kernel to 40 digits, by claim T5 word for word."""

    def product(a: Float, b: Float) -> mpmath.mpf:
        total = sum(Fraction(float(s)) * Fraction(float(t)) for s, t in zip(a, b, strict=True))
        return mpmath.mpf(total.numerator) / total.denominator / len(a)

    with mpmath.workdps(DIGITS + 5):
        w, b = mpmath.mpf(WEIGHT_STD) ** 2, mpmath.mpf(BIAS_STD) ** 2
        p, q, c = (w * g + b for g in (product(x, x), product(y, y), product(x, y)))
        theta = c
        for layer in case.arch.layers:
            F = th.expectation(layer.activation, layer.activation)
            D = th.expectation(*(layer.derivative(side) for side in case.jacobians))
            slope = D.mp(p, q, c, DIGITS) if case.kind == "ntk" else 0
            p, q, c = (w * F.mp(*at, DIGITS) + b for at in ((p, p, p), (q, q, q), (p, q, c)))
            theta = c + theta * w * slope
        return theta if case.kind == "ntk" else c


# ---------------------------------------------------------------------------- the other side


@contextmanager
def neural_tangents() -> Iterator[Callable[[Case, Float], Timed] | None]:
    """Yield a function that times a kernel there, or None where it cannot be had."""
    python = environment("neural-tangents", HERE / "neural_tangents.txt")
    if python is None:
        yield None
        return
    command = [str(python), str(HERE / "neural_tangents_worker.py")]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as worker,
    ):
        assert worker.stdin is not None
        assert worker.stdout is not None
        channel: tuple[IO[str], IO[str]] = (worker.stdin, worker.stdout)
        file = Path(folder) / "x.npy"

        def ask(case: Case, x: Float) -> Timed:
            np.save(file, x)
            request = {
                "activation": case.other, "kind": case.other_kind, "depth": DEPTH, "weight_std": WEIGHT_STD,
                "bias_std": BIAS_STD, "inputs": str(file), "entries": [*ORDINARY, NEAR],
                "repeat": 1 if case.other == "hardtanh" else repeats(len(x)),
            }  # fmt: skip
            channel[0].write(json.dumps(request) + "\n")
            channel[0].flush()
            answer = json.loads(channel[1].readline())
            return Timed(answer["seconds"], answer["mebibytes"], np.array(answer["values"]))

        yield ask
        worker.stdin.close()


if __name__ == "__main__":
    for row in run():
        sys.stdout.write(
            f"{row.name} | {row.seconds:.3g} s | {row.alternative} | ratio {row.ratio:.3g}\n"
        )
