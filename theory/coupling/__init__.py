"""What bounds and distances share: conditional covariances beside the limit, and how much they fluctuate.

``theory.bounds`` and ``theory.distances`` do not import each other.
"""

from theory.coupling.chi_square import ChiSquare as ChiSquare
from theory.coupling.chi_square import chi_square_bound as chi_square_bound
from theory.coupling.fluctuation import fluctuation as fluctuation
from theory.coupling.fluctuation import fourth_moments as fourth_moments
from theory.coupling.fluctuation import power_moment as power_moment
from theory.coupling.path import path_flow as path_flow
from theory.coupling.path import path_length as path_length
from theory.coupling.product_moments import product_moment as product_moment
from theory.coupling.sampled import Coupling as Coupling
from theory.coupling.sampled import draw_coupling as draw_coupling
from theory.coupling.sampled import require_gaussian as require_gaussian
from theory.coupling.sampled import require_gaussian_readout as require_gaussian_readout
from theory.coupling.sampled import sample_coupling as sample_coupling
from theory.coupling.stein import stein_discrepancy as stein_discrepancy
