"""Gram matrices: no bit depends on blocks, near-duplicates against balls, tables of angles against the recursion."""

import pickle

import flint
import numpy as np
import pytest
import sympy as sp
from numpy.typing import NDArray

import theory as th
from theory.errors import InputError, UndefinedKernelError
from theory.kernels import plan as plans
from theory.kernels.layers import Recursion

Float = NDArray[np.float64]
TRAINING = ("true", "surrogate")
ORDINARY = ("true", "true")
KINDS = ("nngp", TRAINING, ORDINARY)
MIXED = th.Architecture(
    3,
    [th.hardtanh(1), th.sign(), th.relu()],
    [th.hardtanh(2), th.hardtanh(1), th.erf()],
    weight_std=[1, "3/2", 2, "1/2"],
    bias_std=["1/10", 0, "1/3", 1],
)


def unequal(n: int, seed: int, d: int = 7) -> Float:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) * np.exp(rng.normal(0, 1, (n, 1)))


def sphere(n: int, seed: int) -> Float:
    rows = unequal(n, seed)
    return rows * (3 / np.linalg.norm(rows, axis=1, keepdims=True))


# --- one matrix ---------------------------------------------------------------------------------------


def tabulate(monkeypatch) -> None:
    """Let tables be used for few inputs too."""
    for name in ("PAYS", "FEWEST", "WORTH"):
        monkeypatch.setattr(plans, name, 0)


def slowly(arch: th.Architecture, x: Float, y: Float, pair: tuple[str, str]) -> tuple[Float, Float]:
    """The recursion of T5 with whole matrices, one expectation after the other."""
    w, b = arch.weight_stds, arch.bias_stds
    p, q, c = ((w[0] ** 2 * m / x.shape[1] + b[0] ** 2) for m in (
        (x * x).sum(1)[:, None], (y * y).sum(1)[None], x @ y.T))  # fmt: skip
    theta = c
    for index, layer in enumerate(arch.layers, start=1):
        F = th.expectation(layer.activation, layer.activation)
        G = th.expectation(*(layer.derivative(side) for side in pair))
        slope = w[index] ** 2 * G.float64(p, q, c)
        p, q, c = (w[index] ** 2 * F.float64(*law) + b[index] ** 2
                   for law in ((p, p, p), (q, q, q), (p, q, c)))  # fmt: skip
        theta = c + theta * slope
    return c, theta


@pytest.mark.parametrize(
    "pair", [TRAINING, TRAINING[::-1], ("surrogate", "surrogate")], ids="-".join
)
def test_layers_of_every_kind_against_the_recursion_on_whole_matrices(pair) -> None:
    x, y = unequal(20, 1), unequal(33, 2)
    found = th.gram(MIXED, x, y, ("nngp", pair))
    for mine, other in zip(found.values(), slowly(MIXED, x, y, pair), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-11, atol=1e-13 * np.abs(other).max())


def arcsine(x: Float, depth: int) -> tuple[Float, Float]:
    """Williams' kernel of erf and its tangent kernel (T13, T14)."""
    k = theta = x @ x.T / x.shape[1]
    for _ in range(depth):
        d = np.diag(k) + 0.5
        inside = np.outer(d, d)
        slope = 2 / np.pi / np.sqrt(inside - k**2)
        k = 2 / np.pi * np.arcsin(k / np.sqrt(inside))
        theta = k + theta * slope
    return k, theta


def arccosine(x: Float, depth: int) -> tuple[Float, Float]:
    """Cho and Saul's kernel of relu and its tangent kernel (T18)."""
    k = theta = x @ x.T / x.shape[1]
    for _ in range(depth):
        size = np.sqrt(np.outer(np.diag(k), np.diag(k)))
        angle = np.arccos(np.clip(k / size, -1, 1))
        np.fill_diagonal(angle, 0)
        k = size * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
        theta = k + theta * (np.pi - angle) / (2 * np.pi)
    return k, theta


@pytest.mark.parametrize(
    ("f", "closed"), [(th.erf(), arcsine), (th.relu(), arccosine)], ids=["erf", "relu"]
)
def test_closed_forms(f, closed) -> None:
    x = unequal(40, 3)
    found = th.gram(th.Architecture(3, f), x, kinds=("nngp", ORDINARY))
    for mine, other in zip(found.values(), closed(x, 3), strict=True):
        np.testing.assert_allclose(mine, other, rtol=2e-12, atol=1e-14)


@pytest.mark.parametrize("rows", [unequal, sphere], ids=["unequal", "sphere"])
def test_no_bit_depends_on_blocks_threads_or_company(rows, monkeypatch) -> None:
    tabulate(monkeypatch)
    x = np.concatenate([rows(260, 4), rows(20, 4), rows(20, 4) * [[1 + 1e-9] * 6 + [1]]])
    x = x if rows is unequal else x * (3 / np.linalg.norm(x, axis=1, keepdims=True))
    arch = th.Architecture(2, th.sign(), th.hardtanh(1), weight_std="6/5", bias_std="1/5")
    kinds = ("nngp", TRAINING)
    whole = th.gram(arch, x, kinds=kinds, threads=1)
    plan = pickle.loads(pickle.dumps(th.gram_plan(arch, x, kinds=kinds)))
    assert (plan._angles is not None) == (rows is sphere)
    for threads in (1, 2):
        some = plan.block((31, 290), (3, 170), threads=threads)
        for block, matrix in zip(some.values(), whole.values(), strict=True):
            assert np.array_equal(block, matrix[31:290, 3:170])
    here, there = plan.both((0, 50), (130, 300))
    for kind, matrix in zip(plan.kinds, whole.values(), strict=True):
        assert np.array_equal(here[kind], matrix[:50, 130:])
        assert np.array_equal(there[kind], matrix[130:, :50])
    assert np.array_equal(whole["nngp"], whole["nngp"].T)
    assert np.array_equal(whole[TRAINING], th.ntk(arch, x, threads=2))
    single = th.nngp(arch, x, dtype="float32")
    assert single.dtype == np.float32
    assert np.array_equal(single, whole["nngp"].astype(np.float32))
    if rows is unequal:
        assert np.array_equal(th.ntk(arch, x[:9], x[5:60]), whole[TRAINING][:9, 5:60])


def test_the_diagonal_is_that_of_single_inputs() -> None:
    x = unequal(150, 5)
    found = th.gram(MIXED, x, kinds=("nngp", TRAINING))
    for i in (0, 77, 149):
        alone = th.gram(MIXED, x[i : i + 1], x[i : i + 1].copy(), ("nngp", TRAINING))
        for matrix, entry in zip(found.values(), alone.values(), strict=True):
            assert matrix[i, i] == entry[0, 0]


def test_bad_requests() -> None:
    x = unequal(3, 6)
    for call, message in (
        (lambda: th.nngp(MIXED, x, dtype="float16"), "dtype"),
        (lambda: th.nngp(MIXED, x, threads=0), "threads"),
        (lambda: th.gram(MIXED, x, kinds=()), "kinds"),
        (lambda: th.gram(MIXED, x, kinds="nngp"), "kinds"),
        (lambda: th.gram(MIXED, x, kinds=("ntk",)), "jacobians"),
        (lambda: th.differences(MIXED, x, x[:, :2]), "same number of columns"),
    ):
        with pytest.raises(InputError, match=message):
            call()


# --- conditioning ---------------------------------------------------------------------------------


def exactly(arch: th.Architecture, x: Float, y: Float, pair: tuple[str, str]) -> list[sp.Rational]:
    """K(x, x), K(y, y), K(x, y) and Theta(x, y) by balls of 400 bits, their middles taken on."""

    def middle(F: th.Expectation, *law: sp.Rational) -> sp.Rational:
        mantissa, exponent = F.ball(*law, bits=400).mid().man_exp()
        return sp.Rational(int(mantissa)) * sp.Rational(2) ** int(exponent)

    rows = [[sp.Rational(float(v)) for v in row] for row in (x, y)]
    w, b = ([sp.Rational(s) ** 2 for s in stds] for stds in (arch.weight_stds, arch.bias_stds))
    law = [
        w[0] * sum(s * t for s, t in zip(rows[i], rows[j], strict=True)) / len(x) + b[0]
        for i, j in ((0, 0), (1, 1), (0, 1))
    ]
    theta = law[2]
    with flint.ctx.workprec(600):
        for index, layer in enumerate(arch.layers, start=1):
            F = th.expectation(layer.activation, layer.activation)
            slope = middle(th.expectation(*(layer.derivative(side) for side in pair)), *law)
            p, q, c = law
            laws = ((p, p, p), (q, q, q), (p, q, c))
            law = [w[index] * middle(F, *one) + b[index] for one in laws]
            theta = law[2] + theta * w[index] * slope
    return [*law, theta]


def duplicate(angle: float, norm: float, kind: str, seed: int) -> tuple[Float, Float]:
    """Two rows at an angle, of norms that differ as much, or not, or by far."""
    rng = np.random.default_rng(seed)
    x, e = rng.standard_normal((2, 6))
    e -= x * (e @ x) / (x @ x)
    e *= np.linalg.norm(x) / np.linalg.norm(e)
    y = x + angle * (e + (0.7 * x if kind == "generic" else 0))
    scale = norm / np.linalg.norm(x) * np.sqrt(6)
    return x * scale, y * scale * (1.7 if kind == "far" else 1)


DUPLICATES = [
    (1e-8, 1.0, "generic"), (1e-8, 1e-6, "sphere"), (1e-8, 1e6, "far"),
    (1e-6, 1e6, "generic"), (1e-6, 1.0, "far"), (1e-3, 1.0, "generic"), (1e-3, 1e-6, "generic"), (1e-3, 1e6, "sphere"),
]  # fmt: skip
CONDITIONED = {
    "erf": (th.erf(), None),
    "relu": (th.relu(), None),
    "hardtanh": (th.hardtanh(1), None),
    "sign": (th.sign(), th.hardtanh(1)),
    "ordinary sign": (th.sign(), None),
}


@pytest.mark.parametrize("name", CONDITIONED)
def test_near_duplicates_keep_twelve_digits(name: str) -> None:
    f, surrogate = CONDITIONED[name]
    for k, (angle, norm, kind) in enumerate(DUPLICATES):
        depth, bias = 1 + (k + len(name)) % 2, ("0", "1/4")[(k + len(name)) // 2 % 2]
        arch = th.Architecture(depth, f, surrogate, weight_std="3/2", bias_std=bias)
        x, y = duplicate(angle, norm, kind, k)
        p, q, c, theta = exactly(arch, x, y, TRAINING)
        found = th.gram(arch, x[None], y[None], ("nngp", TRAINING))
        for mine, right in ((found["nngp"], c), (found[TRAINING], theta)):
            assert abs(sp.Rational(float(mine[0, 0])) / right - 1) <= 1e-12
        difference = sp.Rational(float(th.differences(arch, x[None], y[None])[0, 0]))
        size = max(abs(p - q), p + q - 2 * c) / 2
        assert abs(difference - (p - c)) <= 1e-12 * size


def test_differences_of_smooth_functions_are_subtracted_with_the_budget_that_is_stated() -> None:
    arch = th.Architecture(1, th.gelu(), weight_std="3/2")
    for angle, norm in ((1e-8, 1.0), (1e-3, 1.0), (1e-8, 1e6)):
        x, y = duplicate(angle, norm, "generic", 9)
        p, _, c, theta = exactly(arch, x, y, TRAINING)
        found = th.gram(arch, x[None], y[None], ("nngp", TRAINING))
        assert abs(sp.Rational(float(found["nngp"][0, 0])) / c - 1) <= 1e-12
        # At norm 1e6 its kink is as sharp as rounding of 1 - rho is felt.
        budget = 1e-10 if norm > 1 else 1e-12
        assert abs(sp.Rational(float(found[TRAINING][0, 0])) / theta - 1) <= budget
        difference = sp.Rational(float(th.differences(arch, x[None], y[None])[0, 0]))
        assert abs(difference - (p - c)) <= 2e-13 * p


@pytest.mark.parametrize("f", [th.sign(), th.hardtanh(1), th.relu(), th.erf()], ids=str)
def test_matrices_of_near_duplicates_are_semidefinite_to_rounding(f) -> None:
    rng = np.random.default_rng(11)
    x = np.concatenate([unequal(20, 12)] * 4)
    x[20:] *= 1 + 10.0 ** rng.uniform(-9, -1, (60, 1)) * rng.standard_normal((60, 7))
    x[40:60] *= 10.0 ** rng.uniform(-6, 6, (20, 1))
    K = th.nngp(th.Architecture(2, f), x)
    root = np.sqrt(np.diag(K))
    scaled = K / np.outer(root, root)
    assert np.linalg.eigvalsh(scaled).min() >= -80 * np.finfo(float).eps


def test_differences_of_all_pairs() -> None:
    x = unequal(30, 13)
    x[20:] = x[:10] * (1 + 1e-7)
    arch = th.Architecture(2, th.hardtanh(1), bias_std="1/3")
    K, gaps = th.nngp(arch, x), th.differences(arch, x)
    direct = np.diag(K)[:, None] - K
    np.testing.assert_allclose(gaps, direct, atol=1e-13 * K.max())
    assert np.array_equal(np.diag(gaps), np.zeros(30))
    # x + y: both halves of a difference belong to one pair
    both = th.differences(arch, x, x[::-1])
    np.testing.assert_allclose(both, gaps[:, ::-1], rtol=1e-13, atol=1e-300)


def test_opposite_rows_stay_opposite_through_odd_layers() -> None:
    x = unequal(12, 14)
    found = th.gram(
        th.Architecture(4, th.hardtanh(1)), np.concatenate([x, -x, x]), kinds=("nngp", ORDINARY)
    )
    for matrix in found.values():
        here = matrix[:12, :12]
        off = ~np.eye(12, dtype=bool)
        assert np.array_equal(np.diag(matrix[:12, 12:24]), -np.diag(here))
        assert np.array_equal(matrix[:12, 24:], here)
        np.testing.assert_allclose(matrix[:12, 12:24][off], -here[off], rtol=1e-13)


# --- one norm -------------------------------------------------------------------------------------

ROUND = {
    "sign": th.Architecture(3, th.sign(), th.hardtanh(1), bias_std="1/3"),
    "hardtanh": th.Architecture(3, th.hardtanh(1), weight_std="13/10"),
    "relu": th.Architecture(2, th.relu(), bias_std="1/10"),
    "erf and steep hardtanh": th.Architecture(2, [th.erf(), th.hardtanh("1/20")]),
}


@pytest.mark.parametrize("name", ROUND)
def test_tables_of_angles_are_the_recursion(name: str, monkeypatch) -> None:
    x = sphere(150, 15)
    x[50:60] = -x[:10]
    x[60:70] = x[:10]
    near = x[:50] * (1 + 10.0 ** np.linspace(-8, -1, 50)[:, None] * unequal(50, 16, 7) / 9)
    x[100:] = near * (3 / np.linalg.norm(near, axis=1, keepdims=True))
    kinds = ("nngp", TRAINING)
    direct = th.gram_plan(ROUND[name], x, kinds=kinds)
    tabulate(monkeypatch)
    tabulated = th.gram_plan(ROUND[name], x, kinds=kinds)
    assert direct._angles is None
    assert tabulated._angles is not None
    for kind in tabulated.kinds:
        one, other = (plan.block((0, 150), (0, 150))[kind] for plan in (direct, tabulated))
        np.testing.assert_allclose(other, one, rtol=0, atol=3e-13 * np.abs(one).max())


def test_tables_that_do_not_fit_are_not_used(monkeypatch) -> None:
    tabulate(monkeypatch)
    x = sphere(30, 17)
    arch = th.Architecture(1, th.erf())
    assert th.gram_plan(arch, x, kinds=("nngp",))._angles is not None
    assert (
        th.gram_plan(arch, x * (1 + 1e-14 * np.arange(30)[:, None]), kinds=("nngp",))._angles
        is None
    )
    original = Recursion.run

    def noisy(self, points, kinds, mirrored=()):
        found = original(self, points, kinds, mirrored)
        for values in found.values():
            values *= 1 + 1e-11 * np.sin(1e6 * np.arange(values.size))
        return found

    monkeypatch.setattr(Recursion, "run", noisy)
    assert th.gram_plan(arch, x, kinds=("nngp",))._angles is None


def test_an_infinite_entry_is_named_on_a_sphere_too(monkeypatch) -> None:
    tabulate(monkeypatch)
    x = sphere(30, 18)
    y = np.concatenate([sphere(20, 19), x[7:8]])
    with pytest.raises(UndefinedKernelError, match="row 7 and column 20"):
        th.ntk(th.Architecture(1, th.sign()), x, y)
    assert np.all(np.isfinite(th.ntk(th.Architecture(1, th.sign()), x, y[:20])))
