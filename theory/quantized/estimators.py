"""Every trainer as a scikit-learn estimator: epochs, validation, checkpoints, and the same bits after a resumption."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from theory import checks
from theory.activations import Activation
from theory.activations.cases.hardtanh import hardtanh
from theory.activations.cases.sign import sign
from theory.errors import InputError, StoreError
from theory.quantized.losses import Loss, squared, squared_hinge
from theory.quantized.network import Network
from theory.quantized.streams import Role, generator
from theory.quantized.trainer import Array, Batch, Bits, State, Trainer

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Progress:
    """What a run reports after an epoch: the loss and errors on the training data, and on those set aside."""

    epoch: int
    loss: float
    validation: float | None
    evaluations: int


class _Estimator(BaseEstimator, ABC):
    """The loop that both estimators share.

    A checkpoint is the dictionary ``state_``: the trainer's state, the number of epochs, and, with validation, the
    state that was best.
    """

    def __init__(
        self,
        trainer: Trainer,
        *,
        hidden: Sequence[int] = (64,),
        activation: Activation | None = None,
        surrogate: Activation | None = None,
        loss: Loss | None = None,
        epochs: int = 20,
        batch: int | None = 32,
        validation: float | None = None,
        seed: int = 0,
    ) -> None:
        self.trainer = trainer
        self.hidden = hidden
        self.activation = activation
        self.surrogate = surrogate
        self.loss = loss
        self.epochs = epochs
        self.batch = batch
        self.validation = validation
        self.seed = seed

    # -- training ----------------------------------------------------------------------------------

    def _run(
        self, X: Float, Y: Float, resume: State | None, progress: Callable[[Progress], None] | None
    ) -> None:
        epochs = checks.positive_int(self.epochs, "epochs")
        self._begin(X, Y, resume)
        while self.state_["epoch"] < epochs:
            self._epoch(X, Y, progress)

    def _begin(self, X: Float, Y: Float, resume: State | None) -> None:
        if not isinstance(self.trainer, Trainer):
            raise InputError(
                f"trainer must be a declaration of theory.quantized such as BinaryConnect(), got {self.trainer!r}"
            )
        seed = checks.non_negative_int(self.seed, "seed")
        self.network_ = self._network(X.shape[1], Y.shape[1])
        if resume is None:
            start = self.trainer.start(self.network_, seed)
            self.state_: State = {"trainer": start, "epoch": 0, "best": None, "best_value": np.inf}
            return
        try:
            found = resume["trainer"]["seed"], len(self.trainer.weights(resume["trainer"]))
        except (KeyError, TypeError) as error:
            raise StoreError(
                f"resume must be the state_ of a fitted estimator, got {resume!r}"
            ) from error
        if found != (seed, self.network_.dim):
            raise StoreError(
                f"the checkpoint has seed {found[0]} and {found[1]} weights, this run seed {seed} and "
                f"{self.network_.dim}; resume with the settings that it was made with"
            )
        self.state_ = dict(resume)

    def _network(self, inputs: int, outputs: int) -> Network:
        hidden = tuple(checks.positive_int(width, "each of hidden") for width in self.hidden)
        activation, surrogate = self.activation, self.surrogate
        if activation is None:
            activation, surrogate = sign(), hardtanh(1) if surrogate is None else surrogate
        loss = self._default_loss() if self.loss is None else self.loss
        return Network((inputs, *hidden, outputs), activation, surrogate, loss)

    @abstractmethod
    def _default_loss(self) -> Loss:
        """Return the loss where none is given."""

    def _epoch(self, X: Float, Y: Float, progress: Callable[[Progress], None] | None) -> None:
        """Go once through the data: the order is a function of the seed and the number of the epoch."""
        state, trainer, epoch = dict(self.state_), self.trainer, self.state_["epoch"]
        kept, aside = self._split(len(X))
        order = kept[generator(self.seed, Role.ORDER, epoch).permutation(len(kept))]
        size = len(order) if self.batch is None else checks.positive_int(self.batch, "batch")
        inner = state["trainer"]
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            inner = trainer.step(inner, Batch(self.network_, X[rows], Y[rows]))
        state |= {"trainer": inner, "epoch": epoch + 1}
        value = self._mean_loss(inner, X[aside], Y[aside]) if len(aside) else None
        if value is not None and value < state["best_value"]:
            state |= {"best": inner, "best_value": value}
        # Replaced whole, at the end: an epoch that is interrupted leaves the last one's checkpoint.
        self.state_ = state
        if progress is not None:
            loss = self._mean_loss(inner, X[kept], Y[kept])
            progress(Progress(epoch + 1, loss, value, inner["evaluations"]))

    def _split(self, samples: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows to train with and rows set aside, the same in every epoch."""
        if self.validation is None:
            return np.arange(samples), np.arange(0)
        share = checks.probability(self.validation, "validation")
        shuffled = generator(self.seed, Role.SPLIT).permutation(samples)
        aside = int(share * samples)
        if not aside:
            raise InputError(
                f"validation = {share} of {samples} samples sets none aside; give more samples, or None"
            )
        return shuffled[aside:], shuffled[:aside]

    def _mean_loss(self, inner: State, X: Float, Y: Float) -> float:
        outputs = self.trainer.outputs(self.network_, inner, X)
        return float(self.network_.loss.value(outputs, Y).mean())

    # -- prediction --------------------------------------------------------------------------------

    @property
    def chosen_(self) -> State:
        """The trainer's state that predicts: the best on the data set aside, or the last."""
        check_is_fitted(self, "state_")
        best: State | None = self.state_["best"]
        return self.state_["trainer"] if best is None else best

    @property
    def weights_(self) -> Array:
        """The weight vector that predicts."""
        return self.trainer.weights(self.chosen_)

    @property
    def evaluations_(self) -> int:
        """Forward passes times samples that training has used."""
        return int(self.state_["trainer"]["evaluations"])

    @property
    def bits_(self) -> Bits:
        """Bits a weight, in training and in inference."""
        return self.trainer.bits()

    def _outputs(self, X: ArrayLike) -> Float:
        check_is_fitted(self, "state_")
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray(self.trainer.outputs(self.network_, self.chosen_, rows))


class Classifier(ClassifierMixin, _Estimator):
    """A small network with discrete weights as a classifier, by any trainer.

    Parameters
    ----------
    trainer
        A declaration such as ``BinaryConnect()``.
    hidden
        Widths; ``()`` is a single layer.
    activation, surrogate
        As of ``Network``; by default sign with the surrogate hardtanh(1).
    loss
        By default the squared hinge.
    epochs, batch
        Passes through the data, and samples a step; None takes all of them at once.
    validation
        Share of the data set aside; the state with the least loss on it predicts. None: the last state.
    seed
        Of the start, the order of samples, and the trainer's own draws.

    Attributes
    ----------
    classes_
        Labels, in the order of the outputs.
    state_
        The checkpoint after the last whole epoch; pass it to ``fit(..., resume=state)``.
    network_, weights_, evaluations_, bits_
        The network, the weights that predict, the cost of training, and bits a weight.

    Raises
    ------
    InputError, StoreError
        For arguments that no run can start from, and a checkpoint of another run.

    Notes
    -----
    Inputs are used as they are: put a ``StandardScaler`` before. Randomness is addressed: a resumed run has the same
    bits as one that never stopped, and ``partial_fit`` is one epoch of ``fit``.
    """

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        resume: State | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Self:
        """Train for ``epochs`` epochs, those of ``resume`` counted; ``progress`` is called after each."""
        rows, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        self._run(rows, self._targets(numbers), resume, progress)
        return self

    def partial_fit(self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None) -> Self:
        """Train for one epoch on these samples; the first call needs ``classes``, all labels there will be."""
        first = not hasattr(self, "state_")
        rows, labels = validate_data(self, X, y, dtype=np.float64, reset=first)
        check_classification_targets(labels)
        if first:
            self.classes_ = np.unique(labels if classes is None else np.asarray(classes))
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise InputError(
                f"classes are {self.classes_.tolist()} since the first call, got {classes!r}"
            )
        numbers = np.searchsorted(self.classes_, labels)
        known = self.classes_[np.minimum(numbers, len(self.classes_) - 1)] == labels
        if not np.all(known):
            raise InputError(
                f"label {np.asarray(labels)[~known][0]!r} is not among the classes {self.classes_.tolist()}; "
                f"name all classes in the first call"
            )
        targets = self._targets(numbers)
        if first:
            self._begin(rows, targets, None)
        self._epoch(rows, targets, None)
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the label of the largest output of each row."""
        best = self._outputs(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def decision_function(self, X: ArrayLike) -> Float:
        """Return the outputs (samples, classes); with two classes the difference of the two, (samples,)."""
        outputs = self._outputs(X)
        return outputs[:, 1] - outputs[:, 0] if len(self.classes_) == 2 else outputs

    def _targets(self, numbers: NDArray[np.int64]) -> Float:
        if len(self.classes_) < 2:
            raise InputError(
                f"the classifier needs samples of at least 2 classes; got one class, {self.classes_.tolist()}"
            )
        loss = self._default_loss() if self.loss is None else self.loss
        return loss.targets(numbers, len(self.classes_))

    def _default_loss(self) -> Loss:
        return squared_hinge


class Regressor(RegressorMixin, _Estimator):
    """The same network as a regressor, with the squared loss by default; arguments as of ``Classifier``."""

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        resume: State | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Self:
        """Train for ``epochs`` epochs, those of ``resume`` counted; ``progress`` is called after each."""
        rows, targets = validate_data(
            self, X, y, dtype=np.float64, multi_output=True, y_numeric=True
        )
        self.single_ = np.ndim(targets) == 1
        columns = np.asarray(targets, dtype=np.float64).reshape(len(rows), -1)
        self._run(rows, columns, resume, progress)
        return self

    def predict(self, X: ArrayLike) -> Float:
        """Return the outputs, of the shape of the targets."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self.single_ else outputs

    def _default_loss(self) -> Loss:
        return squared

    def __sklearn_tags__(self) -> Any:
        """Say what it takes: several outputs."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
