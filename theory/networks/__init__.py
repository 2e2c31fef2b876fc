"""Networks of finite width: drawn from their weights, drawn collapsed, and exactly solvable laws."""

from theory.networks.collapsed import sample_covariances
from theory.networks.ensemble import Ensemble, sample_networks

__all__ = ["Ensemble", "sample_covariances", "sample_networks"]
