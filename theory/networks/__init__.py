"""Networks of finite width: drawn from their weights, drawn collapsed, and exactly solvable laws."""

from theory.networks.accelerator import sample_on_device as sample_on_device
from theory.networks.blocks import run_ensemble as run_ensemble
from theory.networks.chains import ProductLaw as ProductLaw
from theory.networks.chains import SignChain as SignChain
from theory.networks.chains import linear_law as linear_law
from theory.networks.chains import one_layer_characteristic as one_layer_characteristic
from theory.networks.chains import relu_law as relu_law
from theory.networks.chains import sign_chain as sign_chain
from theory.networks.collapsed import sample_covariances as sample_covariances
from theory.networks.description import Description as Description
from theory.networks.ensemble import Ensemble as Ensemble
from theory.networks.ensemble import sample_networks as sample_networks
from theory.networks.leading import LeadingMoments as LeadingMoments
from theory.networks.leading import tangent_spread as tangent_spread
from theory.networks.moments import OutputMoments as OutputMoments
from theory.networks.moments import TangentMoments as TangentMoments
from theory.networks.moments import one_layer_variance as one_layer_variance
from theory.networks.moments import relu_output_moments as relu_output_moments
from theory.networks.moments import relu_tangent_moments as relu_tangent_moments
from theory.networks.moments import relu_tangent_spread as relu_tangent_spread
from theory.networks.statistics import Summary as Summary
from theory.networks.store import Store as Store
from theory.networks.store import open_store as open_store
