"""Limit kernels: recursion against explicit formulas, degenerate inputs, symmetry, refusals."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.special import erf

import theory as th
from theory.errors import ArchitectureError, HardlimitError, InputError, UndefinedKernelError
from theory.kernels import layer_covariances
from theory.kernels.symbolic import g11, g12, g22

PAIRS = [(i, j) for i in ("true", "surrogate") for j in ("true", "surrogate")]
X = np.array([[1.0, 2.0, 3.0], [0.3, -1.0, 2.0], [-2.0, 0.1, 0.4], [0.7, 0.7, -0.2]])
STE = th.Architecture(2, th.sign(), th.hardtanh(1), weight_std=1.2, bias_std=0.3)
SMOOTH = th.Architecture(2, th.hardtanh("1/2"), th.hardtanh(1), weight_std=1.1, bias_std=0.2)


def williams(x: NDArray[np.float64], w: float, b: float) -> NDArray[np.float64]:
    first = w**2 * x @ x.T / x.shape[1] + b**2
    scale = np.sqrt(np.outer(np.diag(first), np.diag(first)))
    return w**2 * 2 / np.pi * np.arcsin(first / scale) + b**2


def test_sign_kernels_against_williams_and_the_hardtanh_surrogate() -> None:
    arch = th.Architecture(1, th.sign(), th.hardtanh(1), weight_std=1.2, bias_std=0.3)
    np.testing.assert_allclose(th.nngp(arch, X), williams(X, 1.2, 0.3), rtol=1e-7)
    first = 1.2**2 * X @ X.T / 3 + 0.3**2
    q = np.diag(first)
    given_u = q[None, :] - first**2 / q[:, None]  # Var of v given u (claim T17)
    with np.errstate(divide="ignore"):
        slope = np.sqrt(2 / (np.pi * q))[:, None] * erf(1 / np.sqrt(2 * np.maximum(given_u, 0)))
    expected = williams(X, 1.2, 0.3) + first * 1.2**2 * slope
    np.testing.assert_allclose(th.ntk(arch, X), expected, rtol=1e-7)


def test_no_hidden_layer_is_linear() -> None:
    arch = th.Architecture(0, weight_std=2, bias_std=1)
    np.testing.assert_allclose(th.nngp(arch, X), 4 * X @ X.T / 3 + 1, rtol=1e-14)
    np.testing.assert_array_equal(th.ntk(arch, X), th.nngp(arch, X))


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_the_symbolic_recursion_is_the_numerical_one(depth: int, pair: tuple[str, str]) -> None:
    arch = th.Architecture(depth, th.hardtanh(1), th.erf(2), weight_std="3/2", bias_std="1/5")
    expression = th.kernel_expression(arch, jacobians=pair)
    numbers = {g11: X[0] @ X[0] / 3, g22: X[1] @ X[1] / 3, g12: X[0] @ X[1] / 3}
    known = {sp.Symbol("s_{w}", positive=True): 1.5, sp.Symbol("s_{b}", positive=True): 0.2}
    for equation in expression.equations:
        known[equation.lhs] = sp.N(equation.rhs.subs(known).subs(numbers), 20)
    value = float(known[expression.equations[-1].lhs])
    assert value == pytest.approx(th.ntk(arch, X[:1], X[1:2], jacobians=pair)[0, 0], rel=1e-11)
    assert expression.latex().count("&=") == 4 * (depth + 1)
    assert expression.expr.free_symbols <= {g11, g22, g12, *known}


def test_substituted_expression_and_nngp_kind() -> None:
    arch = th.Architecture(1, th.relu(), weight_std=2)
    nngp = th.kernel_expression(arch, kind="nngp")
    w = sp.Symbol("s_{w}", positive=True)
    gram = X[:2] @ X[:2].T / 3
    at = {g11: gram[0, 0], g22: gram[1, 1], g12: gram[0, 1], w: 2}
    assert float(nngp.expr.subs(at)) == pytest.approx(th.nngp(arch, X[:2])[0, 1], rel=1e-13)
    assert nngp._repr_latex_().startswith("$$")
    with pytest.raises(InputError, match="kind"):
        th.kernel_expression(arch, kind="kernel")


@pytest.mark.parametrize("arch", [STE, SMOOTH], ids=["sign", "hardtanh"])
def test_jacobian_pairs_transpose_and_agree_on_spheres(arch: th.Architecture) -> None:
    Y = X[::-1] * 1.7
    forward = th.ntk(arch, X, Y, jacobians=("true", "surrogate"))
    backward = th.ntk(arch, Y, X, jacobians=("surrogate", "true"))
    np.testing.assert_allclose(forward, backward.T, rtol=1e-12)
    mixed = th.ntk(arch, X)
    assert np.abs(mixed - mixed.T).max() > 0.05
    sphere = X / np.linalg.norm(X, axis=1, keepdims=True)
    on_sphere = th.ntk(arch, sphere)
    np.testing.assert_allclose(on_sphere, on_sphere.T, rtol=1e-9)


def test_equal_forward_and_surrogate_give_one_kernel() -> None:
    arch = th.Architecture(2, th.hardtanh(1), weight_std=1.3)
    kernels = [th.ntk(arch, X, jacobians=pair) for pair in PAIRS]
    for kernel in kernels[1:]:
        np.testing.assert_allclose(kernel, kernels[0], rtol=1e-12)
    assert np.linalg.eigvalsh(kernels[0]).min() > 0


def test_duplicates_parallel_and_zero_rows_are_exact() -> None:
    rows = np.array(
        [[0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [0.3, 0.6, 0.9], [-0.2, -0.4, -0.6], [0, 0, 0]]
    )
    arch = th.Architecture(2, th.sign(), th.hardtanh(1))
    K = th.nngp(arch, rows)
    # 0.3, 0.6, 0.9 are not exactly parallel to the others as doubles; -0.2, -0.4, -0.6 are.
    assert K[0, 1] == K[0, 0] == 1.0
    assert K[0, 3] == -1.0
    assert 1 - K[0, 2] < 1e-3
    assert K[4, 0] == 0.0
    with pytest.raises(UndefinedKernelError, match=r"row 4 and column 0"):
        th.ntk(arch, rows)
    theta = th.ntk(arch, rows[:4])
    np.testing.assert_array_equal(theta[0], theta[1])


def test_the_ordinary_kernel_of_sign_exists_off_the_diagonal_only() -> None:
    with pytest.raises(UndefinedKernelError, match="continuous surrogate"):
        th.ntk(STE, X, jacobians=("true", "true"))
    off = th.ntk(STE, X[:2], X[2:], jacobians=("true", "true"))
    assert np.all(np.isfinite(off))
    steep = th.Architecture(2, th.erf(2000), weight_std=1.2, bias_std=0.3)
    np.testing.assert_allclose(th.ntk(steep, X[:2], X[2:]), off, rtol=2e-3)


def test_sign_is_the_limit_of_steep_hardtanh_with_a_fixed_surrogate() -> None:
    limit = th.ntk(STE, X)
    gaps = []
    for a in ("1/10", "1/100", "1/1000"):
        arch = th.Architecture(2, th.hardtanh(a), th.hardtanh(1), weight_std=1.2, bias_std=0.3)
        gaps.append(np.abs(th.ntk(arch, X) - limit).max())
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 5e-3


def test_heterogeneous_layers() -> None:
    arch = th.Architecture(
        2,
        [th.sign(), th.relu()],
        [th.hardtanh(1), th.relu()],
        weight_std=[1, 2, "1/2"],
        bias_std=[0, 0.1, 0],
    )
    first, second, third = layer_covariances(arch, X)
    np.testing.assert_allclose(first, X @ X.T / 3, rtol=1e-13)
    np.testing.assert_allclose(second, 4 * williams(X, 1, 0) + 0.01, rtol=1e-7)
    q = np.sqrt(np.diag(second))
    angle = np.arccos(np.clip(second / np.outer(q, q), -1, 1))
    arccos = np.outer(q, q) * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
    np.testing.assert_allclose(third, arccos / 4, rtol=1e-6)
    np.testing.assert_array_equal(third, third.T)


def test_weight_binarization_rescales_blocks() -> None:
    plain = th.Architecture(1, th.hardtanh(1), weight_std=1.1, bias_std=0.2)
    binary = th.Architecture(
        1,
        th.hardtanh(1),
        weight_std=1.1,
        bias_std=0.2,
        weights=th.binarized(th.sign(), th.hardtanh(1)),
    )
    np.testing.assert_allclose(
        th.nngp(binary, X, first_layer="gaussian"), th.nngp(plain, X), rtol=1e-13
    )
    m, s1 = np.sqrt(2 / np.pi), th.nngp(th.Architecture(0, weight_std=1.1, bias_std=0.2), X)
    slope = (th.ntk(plain, X) - th.nngp(plain, X)) / s1
    expected = m * (th.nngp(plain, X) - 0.04) + 0.04 + (m * (s1 - 0.04) + 0.04) * slope
    kernel = th.ntk(binary, X, first_layer="gaussian")
    np.testing.assert_allclose(kernel, expected, rtol=1e-12)
    with pytest.raises(UndefinedKernelError):
        th.ntk(binary, X, jacobians=("true", "true"), first_layer="gaussian")


moderate = st.floats(-1e3, 1e3).map(lambda v: v if abs(v) > 1e-30 else 0.0)
shifts = st.floats(0, 2).map(lambda v: v if v > 1e-30 else 0.0)


@given(arrays(np.float64, (4, 3), elements=moderate), st.floats(0.1, 3), shifts)
def test_kernels_are_symmetric_and_obey_cauchy_schwarz(x, w: float, b: float) -> None:
    arch = th.Architecture(2, th.hardtanh(1), weight_std=w, bias_std=b)
    K = th.nngp(arch, x)
    np.testing.assert_array_equal(K, K.T)
    assert np.all(np.outer(np.diag(K), np.diag(K)) * (1 + 1e-12) >= K**2)
    assert np.linalg.eigvalsh(K).min() >= -1e-11 * max(np.trace(K), 1e-300)


@given(
    arrays(np.float64, st.tuples(st.integers(0, 2), st.integers(0, 2)), elements=st.floats()),
)
def test_bad_inputs_never_pass(x) -> None:
    bad = x.size == 0 or not np.all(np.isfinite(x))
    try:
        with np.errstate(over="ignore"):
            K = th.nngp(th.Architecture(1, th.sign()), x)
    except HardlimitError:
        sizes = np.abs(x[x != 0])
        assert bad or sizes.max() > 1e36 or sizes.min() < 1e-36
    else:
        assert not bad
        assert np.all(np.isfinite(K))


def test_standard_parametrisation_scales_the_blocks() -> None:
    arch = th.Architecture(1, th.relu(), weight_std=[1.5, 0.7], bias_std=[0.4, 0.2])
    width = 50
    first, second = layer_covariances(arch, X)
    slope = 0.7**2 * th.expectation(th.heaviside(), th.heaviside()).float64(
        np.diag(first)[:, None], np.diag(first)[None, :], first
    )
    features = (second - 0.04) / 0.7**2
    expected = width * features + 1 + (X @ X.T + 1) * slope
    np.testing.assert_allclose(th.standard_ntk(arch, X, width), expected, rtol=1e-12)
    linear = th.Architecture(0, weight_std=3)
    np.testing.assert_allclose(th.standard_ntk(linear, X, []), X @ X.T + 1, rtol=1e-13)
    with pytest.raises(InputError, match="at least 1"):
        th.standard_ntk(arch, X, 0)
    binary = th.Architecture(1, th.relu(), weights=th.binarized(th.sign(), th.hardtanh(1)))
    with pytest.raises(ArchitectureError, match="binarized"):
        th.standard_ntk(binary, X, 8)


def test_sizes_out_of_all_proportion_are_refused() -> None:
    with pytest.raises(InputError, match="rescale the inputs"):
        th.nngp(STE, [[1e60]])
    with pytest.raises(InputError, match="lie between"):
        th.nngp(th.Architecture(1, th.sign()), [[1e-60]])
    assert th.nngp(th.Architecture(1, th.sign()), [[1e-30], [1e30]])[0, 1] == 1.0


REFUSED = [
    (lambda: th.Architecture(-1, th.relu()), "at least 0"),
    (lambda: th.Architecture(1), "must be an activation"),
    (lambda: th.Architecture(1, "relu"), "must be an activation"),
    (lambda: th.Architecture(2, [th.relu()]), "2 are needed"),
    (lambda: th.Architecture(1, th.sign().derivative), "Dirac"),
    (lambda: th.Architecture(1, th.sign(), th.sign().derivative), "Dirac"),
    (lambda: th.Architecture(1, th.relu(), weight_std=0), "positive"),
    (lambda: th.Architecture(1, th.relu(), weight_std=float("nan")), "finite"),
    (lambda: th.Architecture(1, th.relu(), bias_std=-1), "at least 0"),
    (lambda: th.Architecture(1, th.relu(), bias_std="a lot"), "real number"),
    (lambda: th.Architecture(1, th.relu(), weights="gaussian"), "weights must be laws"),
    (lambda: th.ntk(STE, X, jacobians="true"), "jacobians"),
    (lambda: th.ntk(STE, X, jacobians=("true", "exact")), "jacobians"),
    (lambda: th.nngp(STE, X[0]), "shape"),
    (lambda: th.nngp(STE, X, X[:, :2]), "same number of columns"),
    (lambda: th.nngp(STE, np.empty((0, 3))), "empty"),
    (lambda: th.nngp(STE, [["a", "b"]]), "real numbers"),
]


@pytest.mark.parametrize(
    ("call", "message"), REFUSED, ids=[f"{i}-{m}" for i, (_, m) in enumerate(REFUSED)]
)
def test_contradictory_requests_are_refused(call, message: str) -> None:
    with pytest.raises((ArchitectureError, InputError), match=message):
        call()


def test_architectures_print_and_compare() -> None:
    assert "sign/hardtanh(1)" in str(STE)
    assert th.Architecture(1, th.relu()) == th.Architecture(1, [th.relu()], [th.relu()])


def test_opposite_inputs_of_one_norm_stay_covariances_through_the_layers() -> None:
    angle = 2 * np.pi * np.arange(48) / 48
    circle = 1.5 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    arch = th.Architecture(3, th.hardtanh(1), weight_std=1.25)
    limit = th.ntk(arch, circle)
    np.testing.assert_allclose(
        limit, limit[0, (np.arange(48)[:, None] - np.arange(48)) % 48], rtol=1e-7, atol=1e-12
    )
    np.testing.assert_array_equal(limit, limit.T)
