"""Bonis's central limit theorem in Wasserstein-2, for one hidden layer and readout weights of any law."""

import math
from fractions import Fraction

import numpy as np

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import GAUSSIAN_FIRST, ONE_HIDDEN, REGULAR_FEATURES
from theory.bounds.setting import Setting
from theory.coupling import fourth_moments


@network_bound(
    distance="W2",
    rate=Fraction(-1, 2),
    needs=(ONE_HIDDEN, GAUSSIAN_FIRST, REGULAR_FEATURES),
    source="Bonis (2020) as quoted by Eldan, Mikulincer and Schramm, COLT 2021, Theorem 9; claim B45",
)
def bonis(setting: Setting) -> Terms:
    r"""Upper bound :math:`(\|M\|\,\sqrt{km}\,\|E[YY^T|Y|^2]\|_{HS}/n)^{1/2}` on W2.

    Y is one neuron's contribution to the m outputs, whitened; M its covariance at one output. With kurtosis mu of the
    readout weights the norm is :math:`\sqrt m(\mu+m-1)\|E[yy^T|y|^2]\|_F`, y the whitened features. The constant 1
    is that of the quotation; an output bias is common to both laws and changes nothing. Source: claim B45.
    """
    law, k, m = setting.arch.weight_laws[-1], setting.inputs, setting.outputs
    moment = setting.feature_moment
    values, vectors = np.linalg.eigh(moment)
    fourth = fourth_moments(setting.arch.layers[0].activation, setting.covariances[0])
    mixed = np.einsum("ijpq,pq->ij", fourth, np.linalg.inv(moment))
    white = (vectors / np.sqrt(values)).T @ mixed @ (vectors / np.sqrt(values))
    kurtosis = law.kurtosis / law.variance**2
    norm = math.sqrt(m) * (kurtosis + m - 1) * float(np.linalg.norm(white))
    largest = setting.weight_variance(1) * float(values[-1])
    value = math.sqrt(largest * math.sqrt(k * m) * norm / setting.widths[0])
    return Terms(
        {"sum over neurons": value},
        {"norm": norm},
        ("constant 1 as quoted, not confirmed in the original",),
    )
