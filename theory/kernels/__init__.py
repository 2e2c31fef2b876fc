"""Architectures and their limit kernels: NNGP and (asymmetric) tangent kernels."""

from theory.kernels.architecture import Architecture as Architecture
from theory.kernels.architecture import Layer as Layer
from theory.kernels.mean_field import MeanField as MeanField
from theory.kernels.plan import GramPlan as GramPlan
from theory.kernels.quantizers import evenly_spaced as evenly_spaced
from theory.kernels.quantizers import lloyd_max as lloyd_max
from theory.kernels.recursion import differences as differences
from theory.kernels.recursion import gram as gram
from theory.kernels.recursion import gram_plan as gram_plan
from theory.kernels.recursion import layer_covariances as layer_covariances
from theory.kernels.recursion import nngp as nngp
from theory.kernels.recursion import ntk as ntk
from theory.kernels.recursion import standard_ntk as standard_ntk
from theory.kernels.spectra import ZonalSpectrum as ZonalSpectrum
from theory.kernels.spectra import certified_spectrum as certified_spectrum
from theory.kernels.spectra import critical_parameter as critical_parameter
from theory.kernels.spectra import zonal_spectrum as zonal_spectrum
from theory.kernels.symbolic import KernelExpression as KernelExpression
from theory.kernels.symbolic import kernel_expression as kernel_expression
from theory.kernels.weights import WeightLaw as WeightLaw
from theory.kernels.weights import binarized as binarized
from theory.kernels.weights import gaussian as gaussian
from theory.kernels.weights import permuted_blocks as permuted_blocks
from theory.kernels.weights import rademacher as rademacher
from theory.kernels.weights import sparse_weights as sparse_weights
from theory.kernels.weights import ternary_weights as ternary_weights
