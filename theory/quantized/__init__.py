"""Networks with binary and ternary weights, and the algorithms that train them, beside exact ground truth.

Claims S1 to S53 of docs/theory/quantized-training.md.
"""

from typing import TYPE_CHECKING, Any

from theory.quantized.annealing import Annealing as Annealing
from theory.quantized.bop import Bop as Bop
from theory.quantized.certificates import Certificate as Certificate
from theory.quantized.certificates import certificate as certificate
from theory.quantized.compatibility import Compatibility as Compatibility
from theory.quantized.compatibility import Fit as Fit
from theory.quantized.compatibility import compatibility as compatibility
from theory.quantized.flips import FlipCertificate as FlipCertificate
from theory.quantized.flips import flip_certificate as flip_certificate
from theory.quantized.full_precision import FullPrecision as FullPrecision
from theory.quantized.landscape import Landscape as Landscape
from theory.quantized.losses import Loss as Loss
from theory.quantized.losses import cross_entropy as cross_entropy
from theory.quantized.losses import errors as errors
from theory.quantized.losses import squared as squared
from theory.quantized.losses import squared_hinge as squared_hinge
from theory.quantized.maps import Map as Map
from theory.quantized.maps import Regulariser as Regulariser
from theory.quantized.network import Network as Network
from theory.quantized.on_device import packed_product_on_device as packed_product_on_device
from theory.quantized.packed import Packed as Packed
from theory.quantized.packed import pack as pack
from theory.quantized.packed import packed_product as packed_product
from theory.quantized.packed_network import PackedNetwork as PackedNetwork
from theory.quantized.proximal_trainers import CONNECT as CONNECT
from theory.quantized.proximal_trainers import POST_TRAINING as POST_TRAINING
from theory.quantized.proximal_trainers import PROX_GRADIENT as PROX_GRADIENT
from theory.quantized.proximal_trainers import REVERSE as REVERSE
from theory.quantized.proximal_trainers import ProxConnect as ProxConnect
from theory.quantized.proximal_trainers import Rule as Rule
from theory.quantized.proximal_trainers import SignSwishSlope as SignSwishSlope
from theory.quantized.proximal_trainers import Window as Window
from theory.quantized.proximal_trainers import aprox as aprox
from theory.quantized.proximal_trainers import binary_connect as binary_connect
from theory.quantized.proximal_trainers import bnn as bnn
from theory.quantized.proximal_trainers import bnn_plus as bnn_plus
from theory.quantized.proximal_trainers import bnn_plus_plus as bnn_plus_plus
from theory.quantized.proximal_trainers import parq as parq
from theory.quantized.proximal_trainers import post_training as post_training
from theory.quantized.proximal_trainers import prox_connect as prox_connect
from theory.quantized.proximal_trainers import proxquant as proxquant
from theory.quantized.proximal_trainers import reverse_prox_connect as reverse_prox_connect
from theory.quantized.quantizers import PAR as PAR
from theory.quantized.quantizers import Identity as Identity
from theory.quantized.quantizers import Levels as Levels
from theory.quantized.quantizers import PiecewiseLinear as PiecewiseLinear
from theory.quantized.quantizers import Projection as Projection
from theory.quantized.quantizers import Quantizer as Quantizer
from theory.quantized.quantizers import SignSwish as SignSwish
from theory.quantized.quantizers import k_bit as k_bit
from theory.quantized.quantizers import projection as projection
from theory.quantized.quantizers import sign_swish as sign_swish
from theory.quantized.quantizers import sign_swish_activation as sign_swish_activation
from theory.quantized.quantizers import sign_swish_slope as sign_swish_slope
from theory.quantized.reparameterised.trainer import (
    LocalReparameterisation as LocalReparameterisation,
)
from theory.quantized.replay import Replay as Replay
from theory.quantized.replay import replay as replay
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
from theory.quantized.state_transition import StateTransition as StateTransition
from theory.quantized.streams import Role as Role
from theory.quantized.streams import generator as generator
from theory.quantized.surrogates import rectangular as rectangular
from theory.quantized.surrogates import triangular as triangular
from theory.quantized.synthesis import Pair as Pair
from theory.quantized.synthesis import Transformed as Transformed
from theory.quantized.synthesis import backward_of as backward_of
from theory.quantized.synthesis import forward_of as forward_of
from theory.quantized.synthesis import synthesise as synthesise
from theory.quantized.tangent import Tangent as Tangent
from theory.quantized.tangent import tangents as tangents
from theory.quantized.temperatures import Adaptive as Adaptive
from theory.quantized.temperatures import Logarithmic as Logarithmic
from theory.quantized.trainer import Batch as Batch
from theory.quantized.trainer import Bits as Bits
from theory.quantized.trainer import State as State
from theory.quantized.trainer import Trainer as Trainer
from theory.quantized.trainer import advanced as advanced
from theory.quantized.trainer import begun as begun
from theory.quantized.trainer import draws as draws
from theory.quantized.trainer import uniform_start as uniform_start
from theory.quantized.transition import LinearRule as LinearRule
from theory.quantized.transition import TanhRule as TanhRule
from theory.quantized.walks import annealed_walks as annealed_walks
from theory.quantized.walks import transition_on_device as transition_on_device

if TYPE_CHECKING:
    from theory.quantized.estimators import Classifier as Classifier
    from theory.quantized.estimators import Regressor as Regressor


def __getattr__(name: str) -> Any:
    # scikit-learn is loaded only where it is used.
    if name in {"Classifier", "Regressor"}:
        from theory.quantized import estimators

        return getattr(estimators, name)
    raise AttributeError(f"theory.quantized has no public name {name!r}")
