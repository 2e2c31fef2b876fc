"""Number systems and the exact functions that expectations are written in."""

from theory.arithmetic.balls import accurate_ball as accurate_ball
from theory.arithmetic.balls import ball as ball
from theory.arithmetic.exact import exact as exact
from theory.arithmetic.exact import exact_or_dyadic as exact_or_dyadic
from theory.arithmetic.formula import Formula as Formula
from theory.arithmetic.functions import OwenT as OwenT
from theory.arithmetic.functions import Phi as Phi
from theory.arithmetic.functions import Phi2 as Phi2
from theory.arithmetic.functions import phi as phi
from theory.arithmetic.functions import readable as readable
from theory.arithmetic.lowering import lower as lower
