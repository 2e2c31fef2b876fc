"""What a reference integral raises when it cannot stand behind its digits."""

from theory.errors import HardlimitError


class QuadratureError(HardlimitError, ArithmeticError):
    """Two independent resolutions of the same integral disagree beyond the digits asked for."""
