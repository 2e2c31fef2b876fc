"""Derivatives of the kernels in weight and bias std, against differences of the recursion at 40 digits."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp

import theory as th
from theory.errors import ArchitectureError, FirstLayerWarning, InputError, UndefinedKernelError
from theory.kernels.hyperparameters import PARAMETERS, kernel_derivatives
from theory.kernels.symbolic import g11, g12, g22

DIGITS = 40
STEP = mpmath.mpf(10) ** -12

# Dyadic, of unequal norms; rows 4 and 5 differ from rows 0 and 1 by 1e-6 and by nothing.
X = np.array([[1.0, 2.0, -0.5], [0.25, -1.0, 2.0], [-2.0, 0.125, 0.375], [0.75, 0.5, -0.25]])
X = np.vstack([X, X[0] + 2.0**-20 * np.array([1.0, -2.0, 1.5]), X[1]])
ENTRIES = [(0, 1), (3, 2), (1, 5), (3, 3)]
NEAR = (0, 4)

STE = th.Architecture(2, th.sign(), th.hardtanh(1), weight_std=1.25, bias_std=0.25)
CASES = {
    "sign": STE,
    "hardtanh": th.Architecture(2, th.hardtanh(1), th.hardtanh("1/2"), 1.125, 0.25),
    "relu": th.Architecture(2, th.relu(), weight_std=1.375, bias_std=0.125),
    "erf": th.Architecture(2, th.erf(1), th.erf(2), weight_std=[1.5, 1.25, 0.75], bias_std=0.5),
    "mixed": th.Architecture(
        2, [th.ternary("1/2"), th.clipped_relu()], th.hardtanh("3/4"), [1.5, 1.0, 0.75], [0.5, 0.25, 0.0]
    ),
    "gelu": th.Architecture(1, th.gelu(), weight_std=1.5, bias_std=0.25),
    "binarized": th.Architecture(
        1, th.sign(), th.hardtanh(1), 1.25, 0.25, th.binarized(th.sign(), th.hardtanh(1))
    ),
    "linear": th.Architecture(0, weight_std=1.5, bias_std=0.25),
}  # fmt: skip


def dot(a: np.ndarray, b: np.ndarray) -> mpmath.mpf:
    total = sum(Fraction(float(s)) * Fraction(float(t)) for s, t in zip(a, b, strict=True))
    return mpmath.mpf(total.numerator) / total.denominator / len(a)


def kernel_mp(
    arch: th.Architecture, x: np.ndarray, y: np.ndarray, kind: str, stds: list[list[mpmath.mpf]]
) -> mpmath.mpf:
    """Return the entry at (x, y) by the recursion of claims T5 and T11, word for word."""
    features = [dot(x, x), dot(y, y), dot(x, y)]
    theta = slope = mpmath.mpf(0)
    for index, (w, b) in enumerate(zip(*stds, strict=True)):
        law = arch.weight_laws[index]
        v, m = (mpmath.mpf(k) for k in (law.variance, law.jacobian_moment(("true", "surrogate"))))
        theta = w**2 * m * features[2] + b**2 + theta * w**2 * v * slope
        sigma = [w**2 * v * g + b**2 for g in features]
        if index < arch.hidden_layers:
            p, q, c = sigma
            layer = arch.layers[index]
            F = th.expectation(layer.activation, layer.activation)
            features = [F.mp(*at, digits=DIGITS) for at in ((p, p, p), (q, q, q), (p, q, c))]
            D = th.expectation(layer.derivative("true"), layer.derivative("surrogate"))
            slope = D.mp(p, q, c, digits=DIGITS) if kind == "ntk" else mpmath.mpf(0)
    return theta if kind == "ntk" else sigma[2]


def difference(
    arch: th.Architecture, i: int, j: int, kind: str, parameter: str, layers: list[int]
) -> float:
    """Return the central difference of one entry in the standard deviations of some layers."""
    which = PARAMETERS.index(parameter)
    with mpmath.workdps(DIGITS + 5):
        ends = []
        for sign in (1, -1):
            stds = [[mpmath.mpf(s) for s in given] for given in (arch.weight_stds, arch.bias_stds)]
            for layer in layers:
                stds[which][layer] += sign * STEP
            ends.append(kernel_mp(arch, X[i], X[j], kind, stds))
        return float((ends[0] - ends[1]) / (2 * STEP))


@pytest.mark.parametrize("kind", ["nngp", "ntk"])
@pytest.mark.parametrize("name", CASES)
def test_all_layers_move_alike(name: str, kind: str) -> None:
    arch = CASES[name]
    found = kernel_derivatives(arch, X, kind=kind, first_layer="gaussian")
    whole = (
        th.nngp(arch, X, first_layer="gaussian")
        if kind == "nngp"
        else th.ntk(arch, X, first_layer="gaussian")
    )
    np.testing.assert_allclose(found.kernel, whole, rtol=1e-9)
    np.testing.assert_allclose(found.kernel[:4, :4], whole[:4, :4], rtol=1e-12)
    layers = list(range(arch.hidden_layers + 1))
    for i, j in [*ENTRIES, NEAR]:
        for parameter in PARAMETERS:
            exact = difference(arch, i, j, kind, parameter, layers)
            tolerance = 1e-9 if (i, j) == NEAR else 1e-11
            assert found[parameter][i, j] == pytest.approx(exact, rel=tolerance), (i, j, parameter)


def test_a_threshold_that_jump_and_surrogate_share_costs_near_duplicates_digits() -> None:
    arch = th.Architecture(1, th.ternary("1/2"), th.hardtanh("1/2"), 1.25, 0.25)
    found = kernel_derivatives(arch, X)
    for parameter in PARAMETERS:
        exact = difference(arch, *NEAR, "ntk", parameter, [0, 1])
        # Densities as large as 1/distance cancel, of arguments known to 1e-16/distance.
        assert found[parameter][NEAR] == pytest.approx(exact, rel=1e-4)


def test_layers_move_one_by_one() -> None:
    arch = CASES["mixed"]
    found = kernel_derivatives(arch, X, per_layer=True)
    for parameter in PARAMETERS:
        for layer in range(3):
            exact = difference(arch, 0, 1, "ntk", parameter, [layer])
            assert found[parameter][layer, 0, 1] == pytest.approx(exact, rel=1e-11, abs=1e-15)
    alike = kernel_derivatives(arch, X)
    for parameter in PARAMETERS:
        np.testing.assert_allclose(found[parameter].sum(axis=0), alike[parameter], rtol=1e-12)


def test_the_differentiated_expression_of_the_straight_through_estimator() -> None:
    for kind in ("nngp", "ntk"):
        arch = th.Architecture(1, th.sign(), th.hardtanh(1), weight_std="5/4", bias_std="1/4")
        formula = th.kernel_expression(arch, kind=kind).expr
        s_w, s_b = (sp.Symbol(f"s_{{{k}}}", positive=True) for k in "wb")
        found = kernel_derivatives(arch, X, kind=kind)
        at = {s_w: sp.Rational(5, 4), s_b: sp.Rational(1, 4)}
        for symbol, (i, j) in ((g11, (0, 0)), (g22, (1, 1)), (g12, (0, 1))):
            at[symbol] = sp.Rational(float(X[i] @ X[j])) / 3
        for parameter, symbol in zip(PARAMETERS, (s_w, s_b), strict=True):
            exact = float(sp.diff(formula, symbol).xreplace(at).evalf(30))
            assert found[parameter][0, 1] == pytest.approx(exact, rel=1e-13)


def test_rectangles_transposition_and_symmetry() -> None:
    rows = kernel_derivatives(STE, X[:2], X[2:])
    whole = kernel_derivatives(STE, X)
    turned = kernel_derivatives(STE, X[2:], X[:2], jacobians=("surrogate", "true"))
    for parameter in PARAMETERS:
        np.testing.assert_allclose(rows[parameter], whole[parameter][:2, 2:], rtol=1e-12)
        np.testing.assert_allclose(rows[parameter], turned[parameter].T, rtol=1e-12)
        assert np.abs(whole[parameter] - whole[parameter].T).max() > 0.01
        plain = kernel_derivatives(STE, X, kind="nngp")[parameter]
        np.testing.assert_array_equal(plain, plain.T)


def test_a_kernel_without_bias_is_even_in_it() -> None:
    arch = th.Architecture(2, th.sign(), th.hardtanh(1), weight_std=1.25)
    found = kernel_derivatives(arch, X)
    np.testing.assert_array_equal(found["bias_std"], np.zeros((6, 6)))
    # Parallel inputs: sign(lambda x) = sign(x) for every weight std, but a bias tells them apart.
    rows = np.vstack([X[0], 2 * X[0], -X[0], np.zeros(3)])
    nngp = kernel_derivatives(arch, rows, kind="nngp", with_respect_to="weight_std")
    np.testing.assert_allclose(nngp["weight_std"], 2 * nngp.kernel / 1.25, rtol=1e-15)
    with pytest.raises(UndefinedKernelError, match=r"bias_std of layer 1 is 0.*row 0 and column 1"):
        kernel_derivatives(arch, rows, kind="nngp")
    smooth = th.Architecture(2, th.erf(1), weight_std=1.25)
    assert np.all(kernel_derivatives(smooth, rows)["bias_std"] == 0)


def test_refusals_come_before_any_work() -> None:
    with pytest.raises(UndefinedKernelError, match="jump of sign"):
        kernel_derivatives(STE, X, jacobians=("true", "true"))
    assert np.all(
        np.isfinite(
            kernel_derivatives(STE, X[:2], X[2:4], jacobians=("true", "true"))["weight_std"]
        )
    )
    with pytest.raises(InputError, match="kind"):
        kernel_derivatives(STE, X, kind="kernel")
    for names in ("depth", [], ["bias_std", "bias_std"]):
        with pytest.raises(InputError, match="with_respect_to"):
            kernel_derivatives(STE, X, with_respect_to=names)
    with pytest.raises(InputError, match="jacobians"):
        kernel_derivatives(STE, X, jacobians=("true", "false"))
    with pytest.raises(InputError, match="dimensions"):
        kernel_derivatives(STE, X, X[:, :2])
    signs = th.Architecture(1, th.sign(), th.hardtanh(1), weights=th.rademacher())
    with pytest.raises(ArchitectureError, match="Gaussian first layer"):
        kernel_derivatives(signs, X, first_layer="exact")
    with pytest.warns(FirstLayerWarning):
        kernel_derivatives(signs, X, kind="nngp", with_respect_to="weight_std")
