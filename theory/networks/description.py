"""What an ensemble is, apart from the numbers of its networks: network i is bitwise a function of this and of i."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import InputError
from theory.kernels.architecture import Architecture
from theory.networks.canonical import decode, encode
from theory.networks.ensemble import Task, prepare

if TYPE_CHECKING:
    from theory.networks.plan import Pair

VERSION = 3
"""Version of the samplers' bits: raised whenever a network of any description comes out with other bits."""


@dataclass(frozen=True, eq=False)
class Description:
    """A request that ``sample_networks`` would accept, with every choice made; build it by ``Description.of``.

    Parameters
    ----------
    arch
        The architecture; its parameters are exact.
    inputs
        Rows, shape (n, d).
    widths
        Width of every hidden layer.
    seed
        64-bit key of every random number.
    method
        The sampler that was chosen.
    jacobians
        Pairs of Jacobians of the empirical kernels; none without ntk.
    outputs
        Outputs of a network.
    conditional
        Whether the mean of each kernel given the hidden layers belongs to the results.
    dtype
        ``"float64"`` or ``"float32"``.
    """

    arch: Architecture
    inputs: NDArray[np.float64]
    widths: tuple[int, ...]
    seed: int
    method: str
    jacobians: tuple["Pair", ...]
    outputs: int
    conditional: bool
    dtype: str

    @classmethod
    def of(
        cls,
        arch: Architecture,
        X: ArrayLike,
        width: int | Sequence[int],
        seed: int = 0,
        **options: Any,
    ) -> "Description":
        """Return the description of a request; ``options`` are those of ``sample_networks`` that change its draws.

        Raises
        ------
        InputError, ArchitectureError, UndefinedKernelError
            As ``sample_networks`` does.
        """
        task = prepare(arch, X, width, seed, **options)
        hidden = tuple(int(n) for n in task.plan.widths[1:-1])
        outputs = int(task.plan.widths[-1])
        return cls(
            arch, task.inputs, hidden, int(task.seed), task.method, task.pairs, outputs,
            task.conditional, task.dtype,
        )  # fmt: skip

    @cached_property
    def task(self) -> Task:
        """The request, checked and flattened for the samplers."""
        kernels: dict[str, Any] = (
            {"jacobians": self.jacobians} if self.jacobians else {"ntk": False}
        )
        options: dict[str, Any] = {"conditional": self.conditional, "dtype": self.dtype}
        return prepare(
            self.arch,
            self.inputs,
            self.widths,
            self.seed,
            method=self.method,
            outputs=self.outputs,
            **options,
            **kernels,
        )

    def document(self, *, names: bool = True) -> dict[str, Any]:
        """Return all but the entries of the inputs as JSON data, those by their SHA-256; see ``canonical.encode``."""
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        exact = np.ascontiguousarray(parts.pop("inputs"), "<f8")
        sha256 = hashlib.sha256(exact.tobytes()).hexdigest()
        return {
            "sampler": VERSION,
            **{name: encode(part, names=names) for name, part in parts.items()},
            "inputs": {"shape": list(exact.shape), "sha256": sha256},
        }

    @classmethod
    def from_document(cls, document: dict[str, Any], inputs: NDArray[np.float64]) -> "Description":
        """Return the description that wrote ``document`` about ``inputs``.

        Raises
        ------
        InputError
            If the document was written by another version of the samplers, or about other inputs.
        """
        if document.get("sampler") != VERSION:
            raise InputError(
                f"these networks were drawn by samplers of version {document.get('sampler')}, and this is version "
                f"{VERSION}, which draws others: read their arrays with zarr, or draw again into another store"
            )
        parts = {name: decode(item) for name, item in document.items() if name in _PARTS}
        made = cls(inputs=np.ascontiguousarray(inputs, np.float64), **parts)
        written = made.document()
        if written != document:
            different = [name for name in written if written[name] != document.get(name)]
            raise InputError(
                f"a description cannot be read back: its {', '.join(different)} came out different"
            )
        return made

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, the inputs' bytes and the version of the samplers: equal means equal draws."""
        text = json.dumps(self.document(names=False), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Description) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[Any, ...]:
        x = self.inputs
        return _restored, (json.dumps(self.document()), x.tobytes(), x.shape)

    def difference(self, other: "Description") -> list[str]:
        """Return one line for each thing in which ``other`` differs: the name, the value here, the value there."""
        lines = []
        for field in fields(self):
            if field.name not in ("arch", "inputs"):
                lines += _unequal(field.name, getattr(self, field.name), getattr(other, field.name))
        for field in fields(self.arch):
            here, there = getattr(self.arch, field.name), getattr(other.arch, field.name)
            if isinstance(here, tuple) and isinstance(there, tuple) and len(here) == len(there):
                for place, pair in enumerate(zip(here, there, strict=True), start=1):
                    lines += _unequal(f"{field.name} of layer {place}", *pair)
            else:
                lines += _unequal(field.name, here, there)
        return lines + _unequal_arrays(self.inputs, other.inputs)


_PARTS = {field.name for field in fields(Description)} - {"inputs"}


@lru_cache(maxsize=8)
def _restored(text: str, data: bytes, shape: tuple[int, int]) -> Description:
    """Unpickle; one object a process, so that its task is prepared once."""
    return Description.from_document(json.loads(text), np.frombuffer(data).reshape(shape))


def _unequal(name: str, here: Any, there: Any) -> list[str]:
    if here == there:
        return []
    texts = [_text(value) for value in (here, there)]
    if texts[0] == texts[1]:
        texts = [json.dumps(encode(value, names=False)) for value in (here, there)]
    return [f"{name}: {texts[0]} here, {texts[1]} asked for"]


def _text(value: Any) -> str:
    return f"({', '.join(map(_text, value))})" if isinstance(value, tuple) else str(value)


def _unequal_arrays(here: NDArray[np.float64], there: NDArray[np.float64]) -> list[str]:
    if here.shape != there.shape:
        return [f"inputs: shape {here.shape} here, {there.shape} asked for"]
    places = np.argwhere(here.view(np.int64) != there.view(np.int64))
    if not len(places):
        return []
    i, j = (int(k) for k in places[0])
    return [
        f"inputs: {len(places)} of {here.size} entries, the first X[{i}, {j}] = {float(here[i, j])!r} here, "
        f"{float(there[i, j])!r} asked for"
    ]
