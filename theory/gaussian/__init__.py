"""Gaussian expectations of activations, derived by Stein recursion and evaluated with known error."""

from theory.gaussian.expectation import Expectation as Expectation
from theory.gaussian.expectation import c as c
from theory.gaussian.expectation import expectation as expectation
from theory.gaussian.expectation import p as p
from theory.gaussian.expectation import q as q
