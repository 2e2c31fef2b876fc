"""Everything hardlimit raises on purpose.

``HardlimitError``
├── ``InputError``            bad values or shapes: NaN, infinity, empty, negative variance, width 0
├── ``InexactInputError``     a float where only exact input keeps its meaning
├── ``ActivationError``       an activation that contradicts itself, or leaves its class
├── ``ArchitectureError``     layers, variances and weight laws that do not fit together
├── ``StoreError``            draws on disk that are damaged, or not those that were asked for
├── ``DataError``             files of samples that are damaged, or not what they were taken for
└── ``DomainError``           well-formed, but mathematically undefined
    └── ``UndefinedKernelError``   a kernel entry that is infinite or a distribution
"""


class HardlimitError(Exception):
    """Base of every error that hardlimit raises on purpose."""


class InputError(HardlimitError, ValueError):
    """A value or a shape that no computation can start from."""


class InexactInputError(HardlimitError, TypeError):
    """A float was given where its rounding error would pass as exact."""


class ActivationError(HardlimitError, ValueError):
    """An activation contradicts itself, or the result would leave the class of activations."""


class ArchitectureError(HardlimitError, ValueError):
    """The parts of an architecture do not fit together."""


class StoreError(HardlimitError, ValueError):
    """Draws on disk are damaged, or are not those that were asked for."""


class DataError(HardlimitError, ValueError):
    """A file of samples is damaged, or is not what it was taken for."""


class DomainError(HardlimitError, ValueError):
    """The request is well-formed but mathematically undefined."""


class UndefinedKernelError(DomainError):
    """A kernel entry is infinite, or exists only as a distribution."""


class InterruptedRunWarning(UserWarning):
    """A run was interrupted; what it had drawn is kept."""


class FirstLayerWarning(UserWarning):
    """A Gaussian limit was taken for a first layer that is far from Gaussian at this input dimension."""
