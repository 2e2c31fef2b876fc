"""Flow and descent against mpmath's exponential and against stepping, on kernels far from normal."""

import mpmath
import numpy as np
import pytest
from scipy.linalg import expm

import theory as th
from theory.errors import DomainError, InputError

RNG = np.random.default_rng(5)
X = RNG.normal(size=(7, 2)) * np.exp(RNG.normal(size=(7, 1)))  # unequal norms: not symmetric
NEW = RNG.normal(size=(3, 2))
ARCH = th.Architecture(2, th.hardtanh("1/2"), th.hardtanh(1), weight_std=1.3, bias_std=0.4)
KERNEL, CROSS = th.ntk(ARCH, X), th.ntk(ARCH, NEW, X)
Y, F0, NEW_F0 = (RNG.normal(size=(rows, 2)) for rows in (7, 7, 3))


def exact_exponential(t: float) -> np.ndarray:
    with mpmath.workdps(60):
        power = mpmath.expm(-t * mpmath.matrix(KERNEL.tolist()), method="taylor")
        return np.array(power.tolist(), dtype=float)


@pytest.mark.parametrize("t", [0.0, 0.01, 1.0, 30.0])
def test_flow_against_mpmath(t):
    expected = Y + exact_exponential(t) @ (F0 - Y)
    np.testing.assert_allclose(th.dynamics.flow(KERNEL, Y, F0, t), expected, atol=3e-13)
    # A transposed kernel would pass on a sphere, and must not here.
    if t == 1.0:
        assert np.abs(th.dynamics.flow(KERNEL.T, Y, F0, t) - expected).max() > 1e-3


@pytest.mark.parametrize("t", [0.0, 0.01, 1.0, 30.0])
def test_prediction_solves_its_equation(t):
    weights = CROSS @ np.linalg.inv(KERNEL) @ (np.eye(7) - exact_exponential(t))
    expected = NEW_F0 - weights @ (F0 - Y)
    found = th.dynamics.predict(KERNEL, CROSS, Y, F0, NEW_F0, t)
    np.testing.assert_allclose(found, expected, atol=1e-11)


def test_training_inputs_predict_themselves():
    times = [0.3, 4.0, np.inf]
    here = th.dynamics.predict(KERNEL, KERNEL, Y, F0, F0, times)
    np.testing.assert_allclose(here, th.dynamics.flow(KERNEL, Y, F0, times), atol=1e-11)
    assert here.shape == (3, 7, 2)


def test_singular_kernels_have_finite_times_and_no_limit():
    doubled = np.vstack([X, X[:1]])
    kernel = th.ntk(ARCH, doubled)
    y, f0 = np.arange(8.0), np.zeros(8)
    half = th.dynamics.predict(kernel, kernel, y, f0, f0, 2.0)
    np.testing.assert_allclose(half, th.dynamics.flow(kernel, y, f0, 2.0), atol=1e-11)
    with pytest.raises(DomainError, match="zero to rounding"):
        th.dynamics.flow(kernel, y, f0, np.inf)


def test_stiff_kernels_keep_their_digits():
    """Rates over eight decades, sheared: the exact integral by mpmath."""
    rates = np.array([1e5, 30.0, 1.0, 1e-3])
    kernel = np.diag(rates) + np.triu(np.ones((4, 4)), 1)
    with mpmath.workdps(60):
        exact = mpmath.matrix(kernel.tolist())
        decay = mpmath.expm(-7 * exact, method="taylor")
        target = mpmath.lu_solve(exact, (mpmath.eye(4) - decay) * mpmath.ones(4, 1))
        expected = np.array([float(value) for value in target])
    found = th.dynamics.predict(kernel, np.eye(4), np.zeros(4), -np.ones(4), np.zeros(4), 7.0)
    # |Theta| t = 7e5 times the rounding unit.
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("t", [1e-9, 0.37, 0.75, 1.49, 24.0])
def test_one_input_has_all_digits(t):
    """The integral of exp(-s) up to t, at the ends of the reach of the series too."""
    found = th.dynamics.predict([[1.0]], [[1.0]], [0.0], [-1.0], [0.0], t)
    np.testing.assert_allclose(found, -np.expm1(-t), rtol=1e-14)


@pytest.mark.parametrize("t", [1e-3, 0.4, 25.0])
def test_few_columns_are_stepped_to_the_same_values(t):
    """One column takes the last doublings by steps; as many columns as inputs take all of them by squares."""
    n = 200
    kernel = np.diag(np.linspace(0.1, 6.0, n)) + np.triu(RNG.normal(size=(n, n)) / 8, 1)
    start, zero = RNG.normal(size=n), np.zeros(n)
    found = th.dynamics.predict(kernel, np.eye(n), zero, start, zero, t)
    every = th.dynamics.predict(kernel, np.eye(n), np.zeros((n, n)), np.eye(n), np.zeros((n, n)), t)
    np.testing.assert_allclose(found, every @ start, rtol=1e-10, atol=1e-11 * np.abs(found).max())
    decayed = start - expm(-t * kernel) @ start
    np.testing.assert_allclose(-kernel @ found, decayed, atol=1e-9 * np.abs(decayed).max())


def test_an_indefinite_kernel_is_a_verdict():
    kernel = np.diag([1.0, -2.0])
    grown = th.dynamics.flow(kernel, [1.0, 1.0], [0.0, 0.0], 1.0)
    np.testing.assert_allclose(grown, [1 - np.exp(-1), 1 - np.exp(2)], rtol=1e-14)
    with pytest.raises(DomainError, match="1 mode learns the negative of the target"):
        th.dynamics.flow(kernel, [1.0, 1.0], [0.0, 0.0], np.inf)
    with pytest.raises(DomainError, match="beyond float64"):
        th.dynamics.flow(kernel, [1.0, 1.0], [0.0, 0.0], 1e4)


def test_descent_against_stepping_and_towards_the_flow():
    rate = 0.4 * th.dynamics.stability(KERNEL).rate_limit
    f = F0.copy()
    for _ in range(37):
        f = f - rate * KERNEL @ (f - Y)
    np.testing.assert_allclose(th.dynamics.gradient_descent(KERNEL, Y, F0, 37, rate), f, atol=1e-12)
    flow = th.dynamics.flow(KERNEL, Y, F0, 0.5)
    errors = [
        np.abs(th.dynamics.gradient_descent(KERNEL, Y, F0, n, 0.5 / n) - flow).max()
        for n in (2**12, 2**13)
    ]
    assert errors[1] == pytest.approx(errors[0] / 2, rel=0.01)
    with pytest.raises(DomainError, match="rate_limit"):
        th.dynamics.gradient_descent(KERNEL, Y, F0, 10**6, 1e3)


@pytest.mark.parametrize("steps", [0, 1, 6, 8, 37, 200])
def test_descent_elsewhere_against_stepping(steps):
    """Up to seven steps are taken one by one, more by powers."""
    rate = 0.4 * th.dynamics.stability(KERNEL).rate_limit
    f, elsewhere = F0.copy(), NEW_F0.copy()
    for _ in range(steps):
        f, elsewhere = f - rate * KERNEL @ (f - Y), elsewhere - rate * CROSS @ (f - Y)
    found = th.dynamics.predict_descent(KERNEL, CROSS, Y, F0, NEW_F0, steps, rate)
    np.testing.assert_allclose(found, elsewhere, atol=1e-11)
    grid = [steps, 2]
    many = th.dynamics.predict_descent(KERNEL, CROSS, Y, F0, NEW_F0, grid, rate)
    assert many.shape == (2, 3, 2)
    np.testing.assert_array_equal(many[0], found)
    here = th.dynamics.gradient_descent(KERNEL, Y, F0, grid, rate)
    np.testing.assert_allclose(here[0], f, atol=1e-11)
    with pytest.raises(DomainError, match="rate_limit"):
        th.dynamics.predict_descent(KERNEL, CROSS, Y, F0, NEW_F0, 10**6, 1e3)


@pytest.mark.parametrize("t", [0.5, 20.0, np.inf])
def test_a_weight_counts_samples(t):
    """A sample of weight 3 is three samples; powers of the kernel with repeated rows know nothing of weights."""
    counts = np.array([1, 3, 1, 2, 1, 1, 1])
    places = np.repeat(np.arange(7), counts)
    many = KERNEL[np.ix_(places, places)]
    if t == np.inf:
        once = th.dynamics.predict(KERNEL, CROSS, Y, F0, NEW_F0, t, weights=counts)
        plain = th.dynamics.predict(KERNEL, CROSS, Y, F0, NEW_F0, t)
        np.testing.assert_allclose(once, plain, atol=1e-10)
        return
    repeated = th.dynamics.flow(many, Y[places], F0[places], t)
    found = th.dynamics.flow(KERNEL, Y, F0, t, weights=counts)
    np.testing.assert_allclose(found[places], repeated, atol=1e-12)
    if t == 0.5:
        assert np.abs(found - th.dynamics.flow(KERNEL, Y, F0, t)).max() > 1e-3
    repeated = th.dynamics.predict(many, CROSS[:, places], Y[places], F0[places], NEW_F0, t)
    found = th.dynamics.predict(KERNEL, CROSS, Y, F0, NEW_F0, t, weights=counts)
    np.testing.assert_allclose(found, repeated, atol=1e-11)
    steps, rate = int(20 * t), 0.01
    for found, repeated in (
        (
            th.dynamics.gradient_descent(KERNEL, Y, F0, steps, rate, weights=counts)[places],
            th.dynamics.gradient_descent(many, Y[places], F0[places], steps, rate),
        ),
        (
            th.dynamics.predict_descent(KERNEL, CROSS, Y, F0, NEW_F0, steps, rate, weights=counts),
            th.dynamics.predict_descent(
                many, CROSS[:, places], Y[places], F0[places], NEW_F0, steps, rate
            ),
        ),
    ):
        np.testing.assert_allclose(found, repeated, atol=1e-11)


def test_a_quadratic_form_is_that_of_turned_residuals():
    """With W = R^T R the residual R r has the loss (1/2) sum of squares and the kernel R Theta R^T."""
    turn = RNG.normal(size=(7, 7)) + 3 * np.eye(7)
    found = th.dynamics.flow(KERNEL, Y, F0, 0.1, weights=turn.T @ turn)
    seen = th.dynamics.flow(turn @ KERNEL @ turn.T, turn @ Y, turn @ F0, 0.1)
    np.testing.assert_allclose(turn @ found, seen, atol=1e-11)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 0.0], "leave samples of weight 0 out"),
        ([1.0], "one number a sample"),
        ([[1.0, 0.5], [0.0, 1.0]], "symmetric"),
        ([[1.0, 2.0], [2.0, 1.0]], "no minimum"),
    ],
    ids=["zero", "short", "not symmetric", "indefinite"],
)
def test_bad_weights(weights, message):
    with pytest.raises(InputError, match=message):
        th.dynamics.flow(np.eye(2), [1.0, 1.0], [0.0, 0.0], 1.0, weights=weights)


@pytest.mark.parametrize(
    ("kernel", "y", "f0", "t", "message"),
    [
        (np.ones((2, 3)), [1.0, 1.0], [1.0, 1.0], 1.0, "shape"),
        (np.eye(2), [1.0], [1.0], 1.0, "y must have shape"),
        (np.eye(2), [1.0, 1.0], [[1.0], [1.0]], 1.0, "both need the same"),
        (np.eye(2), [1.0, 1.0], [1.0, 1.0], -1.0, "time of at least 0"),
        (np.eye(2), [1.0, 1.0], [1.0, 1.0], np.nan, "time of at least 0"),
        (np.eye(2) * np.nan, [1.0, 1.0], [1.0, 1.0], 1.0, "finite"),
    ],
    ids=["oblong", "short", "two shapes", "past", "no time", "nan"],
)
def test_bad_questions(kernel, y, f0, t, message):
    with pytest.raises(InputError, match=message):
        th.dynamics.flow(kernel, y, f0, t)


TWO, ONES, NOUGHT = np.eye(2), np.ones(2), np.zeros(2)
DYN = th.dynamics


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("a kernel beyond squares", InputError, "largest entry of kernel is 1e\\+200"),
        ("a kernel below squares", InputError, "largest entry of kernel is 1e-200"),
        ("weights beyond float64", InputError, "kernel times weights is inf"),
        ("modes of such weights", InputError, "kernel times weights is 1e\\+300"),
        ("a time beyond float64", DomainError, "t = 1e\\+300 times a kernel"),
        ("the same, elsewhere", DomainError, "t = 1e\\+300 times a kernel"),
        ("a rate beyond float64", DomainError, "the kernel times the rate"),
        ("no steps, at such a rate", DomainError, "the kernel times the rate"),
        ("targets beyond float64", InputError, "y and f0 differ by more"),
        ("no time", InputError, "at least one time"),
        ("no number of steps", InputError, "at least one number"),
        ("targets of no output", InputError, "y must have shape"),
    ],
)
def test_ends_of_float64_are_errors_before_any_work(name, error, message):
    calls = {
        "a kernel beyond squares": lambda: DYN.stability(1e200 * TWO),
        "a kernel below squares": lambda: DYN.flow(1e-200 * TWO, ONES, NOUGHT, 1.0),
        "weights beyond float64": lambda: DYN.flow(
            1e10 * TWO, ONES, NOUGHT, 1.0, weights=[1e300, 1]
        ),
        "modes of such weights": lambda: DYN.stability(TWO, weights=[1e300, 1]),
        "a time beyond float64": lambda: DYN.flow(1e10 * TWO, ONES, NOUGHT, [1.0, 1e300, np.inf]),
        "the same, elsewhere": lambda: DYN.predict(1e10 * TWO, TWO, ONES, NOUGHT, NOUGHT, 1e300),
        "a rate beyond float64": lambda: DYN.gradient_descent(1e10 * TWO, ONES, NOUGHT, 1, 1e300),
        "no steps, at such a rate": lambda: DYN.predict_descent(
            1e10 * TWO, TWO, ONES, NOUGHT, NOUGHT, 0, 1e300
        ),
        "targets beyond float64": lambda: DYN.flow(TWO, 1e308 * ONES, -1e308 * ONES, 1.0),
        "no time": lambda: DYN.flow(TWO, ONES, NOUGHT, []),
        "no number of steps": lambda: DYN.gradient_descent(TWO, ONES, NOUGHT, [], 0.1),
        "targets of no output": lambda: DYN.flow(TWO, np.ones((2, 0)), np.ones((2, 0)), 1.0),
    }
    with pytest.raises(error, match=message):
        calls[name]()


@pytest.mark.parametrize("t", [0.0, 1e300, np.inf])
def test_long_times_and_zero_kernels_are_answered(t):
    stable = DYN.predict(np.diag([1.0, 2.0]), np.diag([1.0, 2.0]), ONES, NOUGHT, NOUGHT, t)
    np.testing.assert_allclose(stable, 1.0 if t else 0.0, rtol=1e-12)
    if np.isfinite(t):
        assert (DYN.flow(np.zeros((2, 2)), ONES, NOUGHT, t) == 0).all()
