"""What is no mixture, no sample and no covariance is refused with a typed error."""

import numpy as np
import pytest

import theory as th
from theory.distances.expansion import sharp_wasserstein2
from theory.errors import InputError

D = th.distances
REFUSED = [
    (lambda: D.kolmogorov([1.0, 2.0], 1.0), "ScaleMixture"),
    (lambda: D.wasserstein2(None, 1.0), "ScaleMixture"),
    (lambda: D.from_samples(1.0, 1.0), "shape"),
    (lambda: D.ScaleMixture([1.0, 2.0], [1e308, 1e308]), "finite sum"),
    (lambda: sharp_wasserstein2(np.ones(3), np.eye(2)), "do not fit"),
    (lambda: sharp_wasserstein2(np.ones((1, 2, 2)), np.eye(2)), "at least 2"),
]


@pytest.mark.parametrize(
    ("call", "message"), REFUSED, ids=[f"{i}-{m}" for i, (_, m) in enumerate(REFUSED)]
)
def test_bad_arguments_are_refused(call, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
