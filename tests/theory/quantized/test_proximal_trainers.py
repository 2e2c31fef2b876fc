"""ProxConnect and its relatives, and Bop: rules by hand, exact replays, learning, and checkpoints."""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

import theory as th
from theory.activations import x
from theory.errors import InputError
from theory.quantized import (
    CONNECT,
    POST_TRAINING,
    PROX_GRADIENT,
    REVERSE,
    Adam,
    Batch,
    Bop,
    Classifier,
    Network,
    PiecewiseLinear,
    Power,
    ProxConnect,
    Rule,
    Trainer,
    Transformed,
    Window,
    aprox,
    binary_connect,
    bnn,
    bnn_plus,
    bnn_plus_plus,
    parq,
    post_training,
    prox_connect,
    proxquant,
    reverse_prox_connect,
)

F = Fraction
X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
ADAM = Adam()
NAMED = {
    "BinaryConnect": binary_connect(0.02, direction=ADAM),
    "ternary BinaryConnect": binary_connect(0.02, (-1, 0, 1), ADAM),
    "ProxQuant": proxquant(0.02, direction=ADAM),
    "reverse ProxConnect": reverse_prox_connect(0.02, direction=ADAM),
    "ProxConnect": prox_connect(0.02, direction=ADAM),
    "post-training": post_training(0.02, direction=ADAM),
    "BNN": bnn(0.02, ADAM),
    "BNN+": bnn_plus(0.02, direction=ADAM),
    "BNN++": bnn_plus_plus(0.02, direction=ADAM),
    "PARQ": parq(0.02, steps=80, direction=ADAM),
    "AProx": aprox(0.02, direction=ADAM),
    "Bop": Bop(1e-4),
    "Bop2ndOrder": Bop(0.5, 0.05, 0.01),
}
LINEAR = Network((2, 1), th.identity(), scaled=False, bias=False)


def exact(values: object) -> np.ndarray:
    return np.vectorize(F, otypes=[object])(np.asarray(values))


BATCH = Batch(LINEAR, exact([[1, 0], [0, 2]]), exact([[3], [1]]))
# The mean loss is ((w_1 - 3)^2 + (2 w_2 - 1)^2)/4.


@pytest.mark.parametrize(
    ("rule", "after"),
    [
        (CONNECT, [F(1, 4) + 1, F(-1, 2) + 3]),
        (PROX_GRADIENT, [1 + F(1), -1 + F(3)]),
        (REVERSE, [1 + F(11, 8), -1 + F(2)]),
        (POST_TRAINING, [F(1, 4) + F(11, 8), F(-1, 2) + F(2)]),
    ],
    ids=["connect", "proxquant", "reverse", "post-training"],
)
def test_the_four_rules_by_hand(rule: Rule, after: list[Fraction]) -> None:
    trainer = ProxConnect(rule=rule, rate=F(1))
    state = trainer.start_at(exact([F(1, 4), F(-1, 2)]))
    # grad(w) = ((w_1 - 3)/2, 2 w_2 - 1): (-1, -3) at (1, -1), (-11/8, -2) at (1/4, -1/2).
    stepped = trainer.step(state, BATCH)
    assert stepped["latent"].tolist() == after
    assert (stepped["step"], stepped["evaluations"], stepped["mu"]) == (1, 2, 2)
    assert set(trainer.weights(stepped)) <= {-1, 1}


def test_backward_quantizer_window_and_clip() -> None:
    trainer = ProxConnect(backward=Window(F(1, 3)), rate=F(1), clip=F(1))
    stepped = trainer.step(trainer.start_at(exact([F(1, 4), F(-1, 2)])), BATCH)
    assert stepped["latent"].tolist() == [1, F(-1, 2)]


def test_a_transformed_pair_is_prox_connect_on_the_transformed_loss() -> None:
    """S7: PC++ with F = T(P), B = T'(P) has the iterates of PC on loss(T(w)), here by hand-made gradients."""
    proximal, transform = PiecewiseLinear((-1, 0, 1), F(1, 8)), x**3 / 2 + x
    pair = Transformed(proximal, transform)
    trainer = ProxConnect(pair, pair.backward, rate=F(1, 16))
    state, latent, mu = (
        trainer.start_at(exact([F(3, 8), F(-2, 3)])),
        exact([F(3, 8), F(-2, 3)]),
        F(1),
    )
    for _ in range(12):
        state = trainer.step(state, BATCH)
        z = proximal(latent, mu)
        slope = np.array([1 + 3 * v * v / 2 for v in z], dtype=object)
        latent = latent - F(1, 16) * slope * BATCH.gradient(z * z * z / 2 + z)
        mu += F(1, 16)
        assert state["latent"].tolist() == latent.tolist()


@pytest.mark.parametrize("name", NAMED)
def test_every_algorithm_learns_and_resumes(name: str) -> None:
    make = partial(Classifier, NAMED[name], hidden=(32,), seed=2)
    model = make(epochs=16).fit(X, Y)
    assert model.score(X, Y) > 0.7
    assert model.bits_.inference <= 2
    half = make(epochs=7).fit(X, Y)
    rest = make(epochs=16).fit(X, Y, resume=half.state_)
    np.testing.assert_array_equal(rest.weights_, model.weights_)


def test_bop_flips_past_the_threshold_and_keeps_at_it() -> None:
    trainer: Trainer = Bop(F(1, 2), F(1))
    state = Bop(F(1, 2), F(1)).start_at(exact([1, 1]))
    # The gradient at (1, 1) is (-1, 1): only w_2 m_2 = 1 passes 1/2.
    assert trainer.step(state, BATCH)["weights"].tolist() == [1, -1]
    keeps = Bop(F(1), F(1))
    assert keeps.step(keeps.start_at(exact([1, 1])), BATCH)["weights"].tolist() == [1, 1]
    assert (Bop().bits().training, Bop(second=0.1).bits().training) == (33, 65)


def test_prox_connect_sharpens_and_ends_on_levels() -> None:
    trainer = prox_connect(0.02, direction=ADAM)
    model = Classifier(trainer, hidden=(8,), epochs=8).fit(X, Y)
    state = model.state_["trainer"]
    assert state["mu"] == pytest.approx(1 + 0.02 * state["step"])
    early = trainer.quantized(state | {"mu": 1})
    assert len(np.unique(early)) > 2
    late = trainer.quantized(state | {"mu": 100.0})
    np.testing.assert_array_equal(late, model.weights_)


def test_refusals() -> None:
    with pytest.raises(InputError, match="must be a quantizer"):
        ProxConnect("sign")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="rate must be"):
        ProxConnect(rate="fast")
    with pytest.raises(InputError, match="adaptivity"):
        Bop(adaptivity=2)
    assert ProxConnect(rate=Power(0.1, -0.5)).rate(3) == pytest.approx(0.05)
