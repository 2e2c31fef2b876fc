"""Prediction with packed weights: hidden layers of signs or trits as gated XNOR products (S26)."""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.checks import inputs
from theory.errors import InputError
from theory.quantized.network import Network
from theory.quantized.packed import Packed, pack, packed_product

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class PackedNetwork:
    """A network whose weights are -1, 0 and 1, in one or two bits each.

    Parameters
    ----------
    network
        Its activation takes the values -1, 0 and 1 alone, as ``th.sign()`` and ``th.ternary(r)`` do.
    layers
        The packed weight matrices.
    """

    network: Network
    layers: tuple[Packed, ...]

    @classmethod
    def of(cls, network: Network, weights: Array) -> "PackedNetwork":
        """Pack a weight vector.

        Raises
        ------
        InputError
            If a weight is none of -1, 0 and 1.
        """
        return cls(network, tuple(pack(matrix) for matrix in network.layers(np.asarray(weights))))

    @property
    def nbytes(self) -> int:
        """Bytes that the weights take; rows are filled up to whole words."""
        return sum(layer.nbytes for layer in self.layers)

    def outputs(self, X: ArrayLike, *, threads: int | None = None) -> NDArray[np.float64]:
        """Return the outputs (samples, outputs): those of ``Network.outputs``, bit by bit.

        The first layer, which sees real inputs, is an ordinary product unless all inputs are -1, 0 and 1.

        Raises
        ------
        InputError
            Where the activation takes a value that is none of -1, 0 and 1.
        """
        values: NDArray[Any] = inputs(X)
        for index, layer in enumerate(self.layers):
            features = self.network.features(values)
            if features.shape[1] != layer.width:
                raise InputError(
                    f"X has {values.shape[1]} columns, the network takes {self.network.sizes[0]}"
                )
            trits = bool(np.all((features == 0) | (np.abs(features) == 1)))
            if trits:
                sums = packed_product(pack(features), layer, threads=threads).astype(np.float64)
            elif index == 0:
                sums = features @ layer.unpack().T.astype(np.float64)
            else:
                raise InputError(
                    f"layer {index} of a packed network sees -1, 0 and 1 alone, but {self.network.activation} takes "
                    f"other values; use Network.outputs"
                )
            sums = sums * (1 / sqrt(layer.width) if self.network.scaled else 1)
            values = self.network.value(sums) if index < len(self.layers) - 1 else sums
        return np.asarray(values, dtype=np.float64)
