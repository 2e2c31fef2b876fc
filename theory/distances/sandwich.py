"""An unknown number between two confidence limits, with the method behind each end."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sandwich:
    """Lower and upper limits that hold together with a stated confidence, and an estimate.

    Parameters
    ----------
    lower, upper
        Limits; ``upper`` is infinite where nothing bounds the number from above.
    estimate
        Point estimate. It need not lie between the limits where it measures a leading order only.
    confidence
        Probability that both limits hold.
    lower_by, upper_by, estimate_by
        The argument behind each number; "asymptotic" marks a limit that holds for large samples
        only.
    stderr
        Standard error of the estimate, where one is known.
    """

    lower: float
    upper: float
    estimate: float
    confidence: float
    lower_by: str
    upper_by: str
    estimate_by: str
    stderr: float | None = None

    @property
    def method(self) -> str:
        """One line that says which method gave each number."""
        return f"lower: {self.lower_by}; estimate: {self.estimate_by}; upper: {self.upper_by}"

    def __contains__(self, value: float) -> bool:
        return self.lower <= value <= self.upper

    def __str__(self) -> str:
        return f"{self.estimate:.6g} in [{self.lower:.6g}, {self.upper:.6g}] ({100 * self.confidence:g} %)"
