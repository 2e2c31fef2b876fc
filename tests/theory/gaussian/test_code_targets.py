"""What is exported is what was derived: every target is run, and held to the accuracy that it states."""

import ctypes
import json
import re
import shutil
import subprocess
import sys
from fractions import Fraction
from functools import cache

import mpmath
import numpy as np
import pytest
import sympy as sp

import theory as th
from theory.arithmetic import OwenT, accurate_ball
from theory.errors import DomainError
from theory.gaussian import c, p, q
from theory.gaussian.code import Routine, write_layer
from theory.gaussian.code.rounding import size

PAIRS = {
    "hardtanh-hardtanh": (th.hardtanh(1), th.hardtanh("1/2")),
    "sign'-hardtanh'": (th.sign().derivative, th.hardtanh(1).derivative),
    "erf-erf": (th.erf(1), th.erf(2)),
    "gelu-relu": (th.gelu(), th.relu()),
    "staircase-hardtanh": (th.staircase((-1, 0, 1), (-3, -1, 1, 3)), th.hardtanh(1)),
    "ternary-sign": (th.ternary("1/2"), th.sign()),
    "triangle-triangle": (th.triangle(1), th.triangle(1)),
    "ternary'-sign'": (th.ternary("1/2").derivative, th.sign().derivative),
    "ternary'-ternary'": (th.ternary("1/2").derivative, th.ternary("1/2").derivative),
    "staircase'-triangle": (th.staircase((-1, 0), (0, 1, 3)).derivative, th.triangle(1)),
    "sine-sine": (th.sine(1), th.sine(2)),
    "triangle^2-triangle^2": (th.triangle(1) * th.triangle(1), th.triangle(1) * th.triangle(1)),
    "relu^2-hardtanh^2": (th.relu() * th.relu(), th.hardtanh(1) * th.hardtanh(1)),
}
SINGLE = {
    "hardtanh'": th.hardtanh(1).derivative,
    "sign'": th.sign().derivative,
    "gelu": th.gelu(),
    "clipped_relu": th.clipped_relu(),
}
ON_JAX = ("hardtanh-hardtanh", "sign'-hardtanh'", "gelu-relu", "ternary'-ternary'")
CC = shutil.which("cc") or shutil.which("gcc")
needs_cc = pytest.mark.skipif(CC is None, reason="no C compiler, cc or gcc, on PATH")


# -- points and truth ------------------------------------------------------------------------------


@cache
def points() -> list[tuple[float, float, float]]:
    """Random and nasty points of the region that headers name, c = 0 and c = +-sqrt(pq) among them."""
    rng = np.random.default_rng(20)
    found = []
    for _ in range(40):
        P, Q = 10 ** rng.uniform(-3, 3, 2)
        Q = P if rng.random() < 0.3 else Q
        near = 1 - 10 ** rng.uniform(-8, 0)
        rho = rng.choice([near, -near, 10 ** rng.uniform(-8, 0) * 0.99, 0.0])
        found.append((P, Q, rho * np.sqrt(P) * np.sqrt(Q)))
    for P in (1e-3, 0.0625, 1.0, 1e3):
        for rho in (1 - 1e-8, 1e-8 - 1, 0.0, 1.0, -1.0):
            found += [(P, P, rho * P), (P, P / 4, rho * P / 2)]
    found += [(0.0, 2.0, 0.0), (3.0, 0.0, 0.0), (0.0, 0.0, 0.0)]
    return [(float(P), float(Q), float(C)) for P, Q, C in found]


def value(F, *point: float) -> float:
    """The certified value, rounded once; where it is infinite or a limit, what float64 says."""
    try:
        return float(F.ball(*(Fraction(x) for x in point), bits=60))
    except DomainError:
        return float(F.float64(*point))


@cache
def truths(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Values, and their sizes S, at all points."""
    f, g = PAIRS[name]
    P, Q, _ = np.array(points()).T
    with np.errstate(invalid="ignore"):
        sizes = size(f, P) * size(g, Q)
    return np.array([value(th.expectation(f, g), *point) for point in points()]), sizes


def stated(text: str) -> tuple[float, float, float]:
    """What a header says: error bounds away from the line and near it, and the largest variance."""
    flat = re.sub(r"\n\W+", " ", text)
    apart, near = re.findall(r"(\S+) \(\|value\| \+ S\)", flat)
    region = re.search(r"variances from 1e-3 to (\S+);", flat)
    assert region
    return float(apart), float(near), float(region[1])


def worst(name: str, text: str, values: np.ndarray) -> tuple[float, str]:
    """Largest error as a share of what the header allows, and where."""
    truth, sizes = truths(name)
    apart, near, largest = stated(text)
    shares = []
    for (P, Q, C), got, wanted, scale in zip(points(), values, truth, sizes, strict=True):
        if max(P, Q) > largest:
            shares.append(0.0)
            continue
        if P * Q == 0 or np.isinf(wanted):
            shares.append(0.0 if np.isclose(got, wanted, rtol=1e-14, atol=0) else np.inf)
            continue
        moderate = C == 0 or abs(C) <= 0.99 * np.sqrt(P) * np.sqrt(Q)
        allowed = (apart if moderate else near) * (abs(wanted) + scale) + 1e-300
        shares.append(abs(got - wanted) / allowed if np.isfinite(got) else np.inf)
    i = int(np.argmax(shares))
    return shares[i], f"{name} at {points()[i]}: {values[i]} instead of {truth[i]}"


def means(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Variances, E[f(u)] and its size."""
    P = np.array([0.0, 1e-3, 0.3, 1.0, 7.0, 1e3])
    F = th.expectation(SINGLE[name])
    return P, np.array([value(F, x) for x in P]), size(SINGLE[name], P)


def assert_means(name: str, text: str, values: np.ndarray) -> None:
    P, truth, sizes = means(name)
    at_zero, rest = P == 0, P > 0
    np.testing.assert_array_equal(values[at_zero], truth[at_zero])
    error = np.abs(values[rest] - truth[rest])
    assert np.all(error <= stated(text)[0] * (np.abs(truth) + sizes)[rest])


def loaded(text: str) -> dict:
    """Run Python source in a namespace of its own."""
    names: dict = {}
    exec(compile(text, "exported", "exec"), names)
    return names


def built(text: str, folder, *flags: str) -> ctypes.CDLL:
    """Compile C source without a warning, and load it."""
    source, library = folder / "exported.c", folder / f"exported{len(flags)}.so"
    source.write_text(text, encoding="utf-8")
    command = [CC, "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2", *flags]
    subprocess.run(
        [*command, "-shared", "-fPIC", "-o", library, source, "-lm"], check=True, timeout=60
    )
    return ctypes.CDLL(str(library))


def in_c(library: ctypes.CDLL, name: str, *columns) -> np.ndarray:
    function = getattr(library, name)
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double] * len(columns)
    return np.array([function(*(float(x) for x in row)) for row in zip(*columns, strict=True)])


# -- the targets -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAIRS)
def test_numpy(name):
    text = th.expectation(*PAIRS[name]).code("numpy")
    values = loaded(text)["expectation"](*np.array(points()).T)
    share, where = worst(name, text, values)
    assert share <= 1, where


@needs_cc
@pytest.mark.parametrize("name", PAIRS)
def test_c(name, tmp_path):
    text = th.expectation(*PAIRS[name]).code("c")
    for flags in ((), ("-march=native", "-ffp-contract=fast")):
        values = in_c(built(text, tmp_path, *flags), "expectation", *np.array(points()).T)
        share, where = worst(name, text, values)
        assert share <= 1, where


@pytest.mark.parametrize("name", SINGLE)
def test_means_in_numpy_and_mpmath(name):
    F = th.expectation(SINGLE[name])
    P, truth, _ = means(name)
    text = F.code("numpy")
    assert_means(name, text, loaded(text)["expectation"](P))
    precise = loaded(F.code("python-mpmath"))["expectation"]
    assert [float(precise(x)) for x in P] == pytest.approx(truth.tolist(), rel=1e-14)


@needs_cc
@pytest.mark.parametrize("name", SINGLE)
def test_means_in_c(name, tmp_path):
    text = th.expectation(SINGLE[name]).code("c")
    assert_means(name, text, in_c(built(text, tmp_path), "expectation", means(name)[0]))


@pytest.mark.parametrize("name", PAIRS)
def test_mpmath(name):
    F = th.expectation(*PAIRS[name])
    function = loaded(F.code("python-mpmath"))["expectation"]
    places = [x for x in points()[::9] if x[0] * x[1] > 0]
    places += [(1e-3, 1e-3, -1e-3), (4.0, 1.0, 2.0 - 2**-40), (1e3, 1e3, 1e3 * (1 - 1e-8))]
    for point in places:
        try:
            truth = F.mp(*point, digits=40)
        except DomainError:
            with mpmath.workdps(30):
                assert mpmath.isinf(function(*point))
            continue
        with mpmath.workdps(30):
            before = mpmath.mp.prec
            got = function(*point)
            assert mpmath.mp.prec == before
            slack = mpmath.ldexp(abs(truth), 4 - before) + mpmath.ldexp(1, -4 * before)
            assert abs(got - truth) <= slack, f"{got} instead of {truth} at {point}"


def test_mpmath_at_many_digits():
    F = th.expectation(*PAIRS["hardtanh-hardtanh"])
    with mpmath.workdps(120):
        got = loaded(F.code("python-mpmath"))["expectation"]("1.3", "0.7", "-0.4")
        gap = abs(got - F.mp(mpmath.mpf("1.3"), mpmath.mpf("0.7"), mpmath.mpf("-0.4"), digits=130))
        assert gap <= mpmath.mpf(10) ** -119


JAX_PROGRAM = """
import json, sys
import jax
jax.config.update("jax_enable_x64", True)
import numpy as np

given = json.load(sys.stdin)
answer = {}
for name, text in given["pairs"].items():
    names = {}
    exec(text, names)
    both = jax.jit(jax.vmap(jax.value_and_grad(names["expectation"], argnums=(0, 1, 2))))
    value, slopes = both(*np.array(given["points"]).T)
    answer[name] = [[repr(float(x)) for x in column] for column in (value, *slopes)]
names = {}
exec(given["layer"], names)
answer["layer"] = [repr(float(x)) for x in jax.jit(names["layer"])(*given["at"])]
json.dump(answer, sys.stdout)
"""
LAYER_AT = (1.3, 0.7, -0.4, 0.25, 1.44, 0.09)


@pytest.fixture(scope="module")
def in_jax():
    """Values and derivatives by JAX, in an interpreter of its own: its threads and settings stay there."""
    given = {
        "points": points(),
        "pairs": {name: th.expectation(*PAIRS[name]).code("jax") for name in ON_JAX},
        "layer": layer("jax"),
        "at": LAYER_AT,
    }
    done = subprocess.run(
        [sys.executable, "-c", JAX_PROGRAM],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("name", ON_JAX)
def test_jax(name, in_jax):
    values = np.array([float(x) for x in in_jax[name][0]])
    share, where = worst(name, th.expectation(*PAIRS[name]).code("jax"), values)
    assert share <= 1, where


@pytest.mark.slow
@pytest.mark.parametrize("name", ON_JAX[:3])
def test_derivatives_in_jax(name, in_jax):
    """Against the derivative of the expression, in balls, off the line and c = 0 included."""
    F = th.expectation(*PAIRS[name])
    _, sizes = truths(name)
    _, *slopes = np.array([[float(x) for x in column] for column in in_jax[name]])
    for symbol, got in zip((p, q, c), slopes, strict=True):
        derivative = sp.diff(F.expr, symbol)
        for i in range(0, len(points()), 3):
            P, Q, C = points()[i]
            if P * Q == 0 or abs(C) >= np.sqrt(P * Q) * (1 - 1e-9):
                continue
            at = {p: Fraction(P), q: Fraction(Q), c: Fraction(C)}
            truth = float(accurate_ball(derivative, at, 50))
            unit = {p: P, q: Q, c: np.sqrt(P * Q)}[symbol]
            assert abs(got[i] - truth) <= 1e-9 * (abs(truth) + sizes[i] / unit), (symbol, P, Q, C)


@pytest.mark.slow
def test_derivatives_in_jax_are_finite(in_jax):
    """On the line and at variance 0 too, but where the value itself is infinite."""
    for name in ON_JAX:
        values, *slopes = np.array([[float(x) for x in column] for column in in_jax[name]])
        assert np.all(np.isfinite(slopes)[:, np.isfinite(values)]), name


@needs_cc
def test_owens_function_in_c(tmp_path):
    """The error that its comment states, over 12 decades of the slope and into the far tail."""
    text = th.expectation(*PAIRS["hardtanh-hardtanh"]).code("c")
    library = built(text + "double owen(double h, double a) { return owen_t(h, a); }\n", tmp_path)
    rng = np.random.default_rng(5)
    H = np.concatenate([rng.uniform(-3, 3, 60), rng.uniform(3, 36, 40), [0.0, 1e-9, 1.0, 2.0]])
    A = rng.choice([-1, 1], 104) * 10 ** rng.uniform(-6, 6, 104)
    A[40:70] = rng.uniform(0.5, 2, 30)
    A[-2:] = 1.0, np.nextafter(1.0, 2.0)
    values = in_c(library, "owen", H, A)
    for h, a, got in zip(H, A, values, strict=True):
        truth = float(accurate_ball(OwenT(*map(sp.Rational, map(Fraction, (h, a)))), bits=60))
        assert abs(got - truth) <= 2e-16
        assert abs(got - truth) <= 1e-15 * (1 + h * h) * abs(truth) + 1e-300


def test_the_region_shrinks_where_powers_cancel():
    text = th.expectation(*PAIRS["triangle^2-triangle^2"]).code("numpy")
    assert stated(text)[2] < 1000


# -- kernels ---------------------------------------------------------------------------------------


def layer(name: str) -> str:
    """One layer with forward hardtanh(1/2) and surrogate hardtanh(1)."""
    f, g = th.hardtanh("1/2"), th.hardtanh(1)
    slope = th.expectation(f.derivative, g.derivative)
    return write_layer(Routine.of(th.expectation(f, f)), Routine.of(slope), name)


def expected_layer() -> list[float]:
    P, Q, C, theta, w, b = LAYER_AT
    f, g = th.hardtanh("1/2"), th.hardtanh(1)
    dual = th.expectation(f, f).float64([P, Q, P], [P, Q, Q], [P, Q, C])
    slope = float(th.expectation(f.derivative, g.derivative).float64(P, Q, C))
    new = w * dual + b
    return [*new, new[2] + theta * w * slope]


def test_layer_in_numpy_is_the_kernel_of_the_library():
    """Two steps from the inputs give the tangent kernel of two hidden layers."""
    arch = th.Architecture(2, th.hardtanh("1/2"), th.hardtanh(1), weight_std=1.2, bias_std=0.3)
    X = np.array([[1.0, 0.0], [0.5, 2.0]])
    gram = 1.44 * X @ X.T / 2 + 0.09
    step = loaded(layer("numpy"))["layer"]
    for row, column in ((0, 1), (1, 0), (1, 1)):
        state = (gram[row, row], gram[column, column], gram[row, column], gram[row, column])
        for _ in range(2):
            state = step(*state, 1.44, 0.09)
        assert state[2] == pytest.approx(th.nngp(arch, X)[row, column], rel=1e-13)
        assert state[3] == pytest.approx(th.ntk(arch, X)[row, column], rel=1e-13)
    for one in (step, loaded(layer("python-mpmath"))["layer"]):
        assert [float(x) for x in one(*LAYER_AT)] == pytest.approx(expected_layer(), rel=1e-13)


@needs_cc
def test_layer_in_c(tmp_path):
    library = built(layer("c"), tmp_path)
    state = [ctypes.c_double(x) for x in LAYER_AT[:4]]
    library.layer.argtypes = [ctypes.POINTER(ctypes.c_double)] * 4 + [ctypes.c_double] * 2
    library.layer.restype = None
    library.layer(*(ctypes.byref(x) for x in state), *LAYER_AT[4:])
    assert [x.value for x in state] == pytest.approx(expected_layer(), rel=1e-13)


@pytest.mark.slow
def test_layer_in_jax(in_jax):
    assert [float(x) for x in in_jax["layer"]] == pytest.approx(expected_layer(), rel=1e-13)


# -- what all of them share ------------------------------------------------------------------------


def test_a_wrong_constant_is_noticed():
    """The ninth digit of the normal density is enough for the check to fail."""
    text = th.expectation(*PAIRS["hardtanh-hardtanh"]).code("numpy")
    wrong = text.replace("0.3989422804014327", "0.3989422814014327")
    assert wrong != text
    values = loaded(wrong)["expectation"](*np.array(points()).T)
    assert worst("hardtanh-hardtanh", wrong, values)[0] > 1


def test_shapes_and_invalid_arguments(tmp_path):
    F = th.expectation(*PAIRS["hardtanh-hardtanh"])
    function = loaded(F.code("numpy"))["expectation"]
    assert function(np.ones((2, 1)), 2.0, [0.1, 0.0, -0.1]).shape == (2, 3)
    assert np.ndim(function(1.0, 2.0, 0.5)) == 0
    bad = [(-1, 1, 0), (1, 1, 2), (1, 1, np.nan), (np.nan, 1, 0), (0, 1, 0.1), (1, -1, 0.5)]
    assert np.all(np.isnan(function(*np.array(bad, dtype=float).T)))
    assert np.isnan(loaded(th.expectation(th.gelu()).code("numpy"))["expectation"](-1.0))
    precise = loaded(F.code("python-mpmath"))["expectation"]
    for point in bad:
        with pytest.raises(ValueError, match="covariance"):
            precise(*point)
    if CC is not None:
        library = built(F.code("c"), tmp_path)
        assert np.all(np.isnan(in_c(library, "expectation", *np.array(bad, dtype=float).T)))
