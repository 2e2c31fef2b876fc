"""What a reference integral raises when it cannot stand behind its digits."""

from theory.errors import HardlimitError


class QuadratureError(HardlimitError, ArithmeticError):
    """An integral is not proved to the digits asked for."""
