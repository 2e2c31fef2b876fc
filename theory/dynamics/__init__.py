"""Training in the kernel regime: what gradient flow and descent do with a kernel of any shape."""

from theory.dynamics.flow import flow as flow
from theory.dynamics.flow import gradient_descent as gradient_descent
from theory.dynamics.flow import predict as predict
from theory.dynamics.flow import predict_descent as predict_descent
from theory.dynamics.stability import Mode as Mode
from theory.dynamics.stability import Stability as Stability
from theory.dynamics.stability import stability as stability
from theory.dynamics.trained_process import TrainedProcess as TrainedProcess
from theory.dynamics.trained_process import descended_process as descended_process
from theory.dynamics.trained_process import trained_process as trained_process
from theory.dynamics.transient import Between as Between
