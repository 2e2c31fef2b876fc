"""R5: all 1797 handwritten digits and a second data set: kernel regression with binarized networks."""

from fractions import Fraction

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from sklearn.datasets import load_breast_cancer, load_digits

import theory as th
from figures import style
from figures.base import Array, Arrays, Figure, thinned

CLASSES = 10
WEIGHT_STD, BIAS_STD = 1.2, 0.3
RIDGE = 1e-2
TRAIN = 120
COUNTS = (2, 4, 8, 16, 32, 64, 120)
DEPTHS = (1, 2, 3)
FOLDS = 5
KERNELS: dict[str, tuple[th.Activation | None, th.Activation | None, str]] = {
    "sign": (th.sign(), th.hardtanh(1), "sign, $h_1'$"),
    "steep": (th.hardtanh(Fraction(1, 2)), th.hardtanh(1), "$h_{1/2}$, $h_1'$"),
    "erf": (th.erf(1), th.erf(1), "erf, $\\mathrm{erf}'$"),
    "linear": (None, None, "linear"),
}


def data(scale: float = 1.0) -> dict[str, Array]:
    """Test errors against the number of images, per digit, and for tumours against depth; a spectrum."""
    arrays: dict[str, Array] = {}
    pixels, labels = _digits(scale)
    train = np.concatenate(
        [np.flatnonzero(labels == digit)[: thinned(TRAIN, scale)] for digit in range(CLASSES)]
    )
    test = np.setdiff1d(np.arange(len(labels)), train)
    for name in KERNELS:
        kernel = th.ntk(_arch(name, 1), pixels)
        counts = [count for count in COUNTS if count <= thinned(TRAIN, scale)]
        arrays["curve.count"] = np.array(counts, dtype=float)
        arrays[f"curve.{name}"] = np.array(
            [_multiclass(kernel, labels, _first(labels, train, n), test) for n in counts]
        )
        arrays["digit.digit"] = np.arange(CLASSES, dtype=float)
        arrays[f"digit.{name}"] = _one_against_rest(kernel, labels, train, test)
        if name == "sign":
            arrays |= _spectrum(kernel)
    return arrays | _tumours(scale)


def _digits(scale: float) -> tuple[Array, Array]:
    """All images in the order of the data set, by writers; mean squared pixel 1."""
    bundle = load_digits()
    kept = slice(0, thinned(len(bundle.data), scale, least=120))
    pixels: Array = bundle.data / np.sqrt((bundle.data**2).mean())
    return pixels[kept], bundle.target[kept]


def _arch(name: str, hidden: int) -> th.Architecture:
    forward, surrogate, _ = KERNELS[name]
    depth = hidden if forward else 0
    return th.Architecture(depth, forward, surrogate, weight_std=WEIGHT_STD, bias_std=BIAS_STD)


def _first(labels: Array, train: Array, count: int) -> Array:
    """The first ``count`` training images of every class."""
    return np.concatenate([train[labels[train] == digit][:count] for digit in range(CLASSES)])


def _outputs(kernel: Array, targets: Array, train: Array, test: Array) -> Array:
    """Kernel regression with a ridge of 1 % of the mean diagonal; rows of the kernel evaluate."""
    gram = kernel[np.ix_(train, train)]
    ridge = RIDGE * np.trace(gram) / len(gram)
    weights = np.linalg.solve(gram + ridge * np.eye(len(gram)), targets)
    outputs: Array = kernel[np.ix_(test, train)] @ weights
    return outputs


def _multiclass(kernel: Array, labels: Array, train: Array, test: Array) -> float:
    targets = np.eye(CLASSES)[labels[train]] - 1 / CLASSES
    guessed = _outputs(kernel, targets, train, test).argmax(axis=1)
    return float((guessed != labels[test]).mean())


def _one_against_rest(kernel: Array, labels: Array, train: Array, test: Array) -> Array:
    """Share of test images on the wrong side, for each digit against all others."""
    targets = 2.0 * np.eye(CLASSES)[labels[train]] - 1
    truth = 2.0 * np.eye(CLASSES)[labels[test]] - 1
    errors: Array = (_outputs(kernel, targets, train, test) * truth <= 0).mean(axis=0)
    return errors


def _spectrum(kernel: Array) -> dict[str, Array]:
    """Eigenvalues of the symmetric part on all images, largest first, and of the antisymmetric one in size."""
    even = np.linalg.eigvalsh((kernel + kernel.T) / 2)[::-1].astype(np.float64)
    odd = np.linalg.svd((kernel - kernel.T) / 2, compute_uv=False).astype(np.float64)
    rank = np.arange(1.0, len(even) + 1)
    return {"spectrum.rank": rank, "spectrum.even": even, "spectrum.odd": odd}


def _tumours(scale: float) -> dict[str, Array]:
    """Test errors on the breast-cancer data, in folds that take every fifth case, against depth."""
    bundle = load_breast_cancer()
    kept = slice(0, thinned(len(bundle.data), scale, least=100))
    values, labels = bundle.data[kept], bundle.target[kept]
    inputs = (values - values.mean(axis=0)) / values.std(axis=0)
    targets = 2.0 * labels - 1
    arrays: dict[str, Array] = {"tumour.depth": np.array(DEPTHS, dtype=float)}
    place = np.arange(len(labels))
    for name in KERNELS:
        errors = []
        for hidden in DEPTHS:
            kernel = th.ntk(_arch(name, hidden), inputs)
            folds = [(place[place % FOLDS != k], place[place % FOLDS == k]) for k in range(FOLDS)]
            wrong = [
                _outputs(kernel, targets[train], train, test) * targets[test] <= 0
                for train, test in folds
            ]
            errors.append(np.concatenate(wrong).mean())
        arrays[f"tumour.{name}"] = np.array(errors)
    return arrays


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Learning curves and digits above, spectrum and the second data set below."""
    panels = canvas.subplots(2, 2).ravel()
    _draw_lines(panels[0], arrays, "curve", "count")
    panels[0].set(xscale="log", yscale="log", xlabel="training images a class", ylabel="test error")
    ticks = arrays["curve.count"]
    panels[0].set_xticks(ticks, [f"{n:g}" for n in ticks])
    panels[0].minorticks_off()
    panels[0].set_yticks([0.05, 0.1, 0.2, 0.5], ["5 %", "10 %", "20 %", "50 %"])
    style.letter(panels[0], "a", "all ten digits")
    _draw_digits(panels[1], arrays)
    _draw_spectrum(panels[2], arrays)
    _draw_lines(panels[3], arrays, "tumour", "depth")
    panels[3].set(xlabel="hidden layers $L$", ylabel="test error", ylim=(0, 0.05))
    panels[3].set_xticks(arrays["tumour.depth"])
    panels[3].yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
    style.letter(panels[3], "d", "breast cancer, 5 folds")
    handles, names = panels[0].get_legend_handles_labels()
    canvas.legend(handles, names, loc="outside lower center", ncols=len(KERNELS))


def _draw_lines(axes: Axes, arrays: Arrays, table: str, column: str) -> None:
    for series, (name, (_, _, label)) in zip(style.SERIES, KERNELS.items(), strict=False):
        axes.plot(
            arrays[f"{table}.{column}"], arrays[f"{table}.{name}"],
            marker=series.marker, mfc="white", label=label, **series.line,
        )  # fmt: skip


def _draw_digits(axes: Axes, arrays: Arrays) -> None:
    for k, (series, name) in enumerate(zip(style.SERIES, KERNELS, strict=False)):
        axes.plot(
            arrays["digit.digit"] + 0.16 * (k - 1.5), 100 * arrays[f"digit.{name}"], ls="none",
            marker=series.marker, mfc="white", color=series.colour,
        )  # fmt: skip
    for edge in np.arange(0.5, CLASSES - 1):
        axes.axvline(edge, color=style.GREY, lw=0.3)
    axes.set(xlabel="digit against the rest", ylabel="test error (%)", yscale="log", ylim=(0.1, 70))
    axes.set_xticks(range(CLASSES))
    axes.set_yticks([0.1, 1, 10], ["0.1", "1", "10"])
    axes.tick_params(axis="x", length=0)
    style.letter(axes, "b", "one against rest")


def _draw_spectrum(axes: Axes, arrays: Arrays) -> None:
    names = (
        ("even", r"$(\Theta+\Theta^{\mathsf{T}})/2$"),
        ("odd", r"$(\Theta-\Theta^{\mathsf{T}})/2$"),
    )
    for series, (name, label) in zip(style.SERIES, names, strict=False):
        value = arrays[f"spectrum.{name}"]
        shown = value > 1e-12 * arrays["spectrum.even"].max()
        axes.plot(arrays["spectrum.rank"][shown], value[shown], label=label, **series.line)
    axes.set(xscale="log", yscale="log", xlabel="rank", ylabel="eigenvalue (modulus)")
    axes.legend(loc="lower left")
    style.letter(axes, "c", "sign, $h_1'$, all images")


FIGURE = Figure(
    id="R5",
    title="Limit kernels of binarized networks on all digits, and on a second data set",
    caption=rf"""
    Kernel regression with limit kernels of forward function and backward derivative as named,
    $s_w={WEIGHT_STD}$, $s_b={BIAS_STD}$, ridge one per cent of the mean diagonal; rows of the kernel evaluate,
    so that its asymmetry enters; the linear network has no hidden layer. (a) The 1797 images of $8\times8$
    pixels that scikit-learn carries: share of wrong guesses among ten classes, one hidden layer; the first
    images of a class train, the test images are all after the first {TRAIN} of each class, largely by other
    writers. (b) Each digit against the rest with {TRAIN} training images a class: share of test images on the
    wrong side. The mismatched pair of hardtanhs has negative eigenvalues, more with every image; where one
    comes close to minus the ridge, regression fails, in (a) from 64 images a class on. (c) Eigenvalues of the
    symmetric and the antisymmetric part of $\Theta$ on all 1797 images, one hidden layer of sign: norms differ,
    and so the kernel is asymmetric, by less than one per cent; five eigenvalues of the symmetric part, not
    drawn, are negative, none below $-0.016$. (d) Breast-cancer data of scikit-learn, 569 cases of 30
    standardised features: test error against depth, {FOLDS} folds of every fifth case.
    """,
    size_mm=(150.0, 120.0),
    shows=("T5", "T8", "T29", "T36"),
    data=data,
    draw=draw,
)
