"""What the figures of quantized training compute beside the claims: layers in float64 against rationals."""

from fractions import Fraction

import numpy as np
import pytest

from figures.q10_variance_over_layers import variances
from theory.quantized.reparameterised.exact import exact_variance, layer_law, propagated_variance


def test_variances_over_layers_are_those_of_the_exact_joint_law():
    chances = np.random.default_rng(1).integers(1, 8, (3, 3, 3))
    exact, marginal, _ = variances(chances / 8)
    rows = [
        [[{-1: 1 - Fraction(int(k), 8), 1: Fraction(int(k), 8)} for k in row] for row in one]
        for one in chances
    ]
    law = {(1, 1, 1): Fraction(1)}
    for layer in range(2):
        law = layer_law(rows[layer], law)
        for unit, row in enumerate(rows[layer + 1]):
            assert exact[layer, unit] == pytest.approx(float(exact_variance(row, law)), rel=1e-12)
            assert marginal[layer, unit] == pytest.approx(
                float(propagated_variance(row, law)), rel=1e-12
            )
