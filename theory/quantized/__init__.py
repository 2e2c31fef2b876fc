"""Networks with binary and ternary weights, and the algorithms that train them, beside exact ground truth.

Claims S1 to S53 of docs/theory/quantized-training.md.
"""

from typing import TYPE_CHECKING, Any

from theory.quantized.full_precision import FullPrecision as FullPrecision
from theory.quantized.losses import Loss as Loss
from theory.quantized.losses import cross_entropy as cross_entropy
from theory.quantized.losses import errors as errors
from theory.quantized.losses import squared as squared
from theory.quantized.losses import squared_hinge as squared_hinge
from theory.quantized.network import Network as Network
from theory.quantized.reparameterised.trainer import (
    LocalReparameterisation as LocalReparameterisation,
)
from theory.quantized.schedules import Adam as Adam
from theory.quantized.schedules import Constant as Constant
from theory.quantized.schedules import Cosine as Cosine
from theory.quantized.schedules import Direction as Direction
from theory.quantized.schedules import Geometric as Geometric
from theory.quantized.schedules import Gradient as Gradient
from theory.quantized.schedules import Linear as Linear
from theory.quantized.schedules import Power as Power
from theory.quantized.schedules import Schedule as Schedule
from theory.quantized.schedules import schedule as schedule
from theory.quantized.search import CoNNTrA as CoNNTrA
from theory.quantized.search import coordinate_search as coordinate_search
from theory.quantized.streams import Role as Role
from theory.quantized.streams import generator as generator
from theory.quantized.trainer import Batch as Batch
from theory.quantized.trainer import Bits as Bits
from theory.quantized.trainer import State as State
from theory.quantized.trainer import Trainer as Trainer
from theory.quantized.trainer import advanced as advanced
from theory.quantized.trainer import begun as begun
from theory.quantized.trainer import draws as draws
from theory.quantized.trainer import uniform_start as uniform_start

if TYPE_CHECKING:
    from theory.quantized.estimators import Classifier as Classifier
    from theory.quantized.estimators import Regressor as Regressor


def __getattr__(name: str) -> Any:
    # scikit-learn is loaded only where it is used.
    if name in {"Classifier", "Regressor"}:
        from theory.quantized import estimators

        return getattr(estimators, name)
    raise AttributeError(f"theory.quantized has no public name {name!r}")
