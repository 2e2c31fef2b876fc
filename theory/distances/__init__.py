"""Distances between a finite network's law and its Gaussian limit: exact, estimated, with confidence."""

from theory.distances.bures import bures as bures
from theory.distances.critic import blind_critic as blind_critic
from theory.distances.critic import blind_set as blind_set
from theory.distances.exact import kolmogorov as kolmogorov
from theory.distances.exact import total_variation as total_variation
from theory.distances.exact import wasserstein1 as wasserstein1
from theory.distances.expansion import leading_wasserstein2 as leading_wasserstein2
from theory.distances.expansion import sharp_wasserstein2 as sharp_wasserstein2
from theory.distances.from_outputs import outputs_to_limit as outputs_to_limit
from theory.distances.from_samples import SampleDistances as SampleDistances
from theory.distances.from_samples import from_samples as from_samples
from theory.distances.mixture import ScaleMixture as ScaleMixture
from theory.distances.quantile import wasserstein as wasserstein
from theory.distances.quantile import wasserstein2 as wasserstein2
from theory.distances.radial import radial_wasserstein as radial_wasserstein
from theory.distances.recursion import LeadingCovariance as LeadingCovariance
from theory.distances.recursion import leading_covariance as leading_covariance
from theory.distances.sandwich import Sandwich as Sandwich
from theory.distances.tangent import TangentDistance as TangentDistance
from theory.distances.tangent import tangent_to_limit as tangent_to_limit
from theory.distances.to_limit import distances_to_limit as distances_to_limit
from theory.distances.to_limit import drawn_to_limit as drawn_to_limit
from theory.distances.to_limit import wasserstein2_to_limit as wasserstein2_to_limit
from theory.distances.waves import Waves as Waves
