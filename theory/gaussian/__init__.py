"""Gaussian expectations of activations, derived by Stein recursion and evaluated with known error.

The public surface also names the law of Gaussian weights ``th.gaussian()``. Python keeps one attribute
for a package and a function of that name, so this package can be called and then returns the law; see
docs/decisions/0006-gaussian-package-and-law.md.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from theory.gaussian.boxes import enclose as enclose
from theory.gaussian.boxes import over_boxes as over_boxes
from theory.gaussian.expectation import Expectation as Expectation
from theory.gaussian.expectation import c as c
from theory.gaussian.expectation import expectation as expectation
from theory.gaussian.expectation import p as p
from theory.gaussian.expectation import q as q
from theory.gaussian.several import JointExpectation as JointExpectation
from theory.gaussian.several import joint_expectation as joint_expectation


class _PackageAndLaw(ModuleType):
    def __call__(self) -> Any:
        """Return the law of Gaussian weights; by name, since kernels lie on a higher floor."""
        return import_module("theory.kernels").gaussian()


sys.modules[__name__].__class__ = _PackageAndLaw
