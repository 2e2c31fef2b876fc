"""Reference values of Gaussian expectations that never see a closed form (claim G6)."""

from theory.quadrature.errors import QuadratureError as QuadratureError
from theory.quadrature.reference import Reference as Reference
from theory.quadrature.reference import expectation as expectation
from theory.quadrature.reference import expectations as expectations
from theory.quadrature.reference import moment as moment
