"""Training of finite networks with a surrogate in the backward pass: ensembles, one network a thread at a time."""

from theory.networks.training.engine import train_networks as train_networks
from theory.networks.training.results import State as State
from theory.networks.training.results import TrainedNetworks as TrainedNetworks
from theory.networks.training.rules import SGD as SGD
from theory.networks.training.rules import Adam as Adam
