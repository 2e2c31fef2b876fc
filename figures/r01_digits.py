"""R1: kernels of binarized networks on real images, the handwritten digits that scikit-learn carries."""

from fractions import Fraction
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.linalg import expm
from scipy.stats import norm
from sklearn.datasets import load_digits

import theory as th
from figures import style
from figures.base import Array, Arrays, Figure, thinned
from theory.estimate import Estimate

CLASSES = 10
TRAIN, TEST = 20, 20
WEIGHT_STD, BIAS_STD = 1.2, 0.3
DEPTHS = (0, 1, 2)
WIDTHS = (16, 32, 64, 128, 256, 512)
DRAWS = 8
RIDGE = 0.1
FIRST_TIME, DOUBLINGS = 0.08, 13
FOLLOWED = "steep1"
FOLLOWED_WIDTHS = (32, 512)
ZERO = 1e-10
SEED = 11
Z95 = float(norm.ppf(0.975))

TRAINING, MOTION = ("true", "surrogate"), ("surrogate", "surrogate")
NETWORKS: dict[str, tuple[th.Activation, tuple[str, str], str]] = {
    "sign": (th.sign(), MOTION, "sign, both surrogate"),
    "steep": (th.hardtanh(Fraction(1, 2)), TRAINING, "$h_{1/2}$, true-surrogate"),
}
"""Forward function, Jacobian pair and label of the networks that are sampled."""


def data(scale: float = 1.0) -> dict[str, Array]:
    """Limit kernels with their spectra; errors and test accuracies of sampled kernels against the width."""
    images, labels = digits(thinned(TRAIN, scale), thinned(TEST, scale))
    train = len(images) // 2
    arrays: dict[str, Array] = {
        "gram.label": labels[:train].astype(float),
        "flow.t": FIRST_TIME * 2.0 ** np.arange(DOUBLINGS + 1.0),
    }
    for hidden in DEPTHS:
        kernel = th.ntk(_arch(hidden, th.sign()), images)
        gram = kernel[:train, :train]
        root = np.sqrt(np.diag(gram))
        arrays[f"gram.l{hidden}"] = gram / np.outer(root, root)
        arrays[f"limit_accuracy.binary{hidden}"] = np.array(_accuracy(kernel, labels))
        arrays |= _spectrum(gram, hidden)
        if hidden == 1:
            arrays["flow.binary1"] = _flow(kernel, labels)
    widths = WIDTHS if scale == 1 else FOLLOWED_WIDTHS
    for name, (forward, pair, _) in NETWORKS.items():
        for hidden in DEPTHS[1:]:
            arch, table = _arch(hidden, forward), f"{name}{hidden}"
            limit = th.ntk(arch, images, jacobians=pair)
            arrays[f"limit_accuracy.{table}"] = np.array(_accuracy(limit, labels))
            lowest = np.linalg.eigvals(limit[:train, :train]).real.min()
            arrays[f"least_real_part.{table}"] = np.array(lowest)
            rows = []
            for k, n in enumerate(widths):
                draws = thinned(DRAWS, scale)
                kernels = th.sample_networks(
                    arch, images, n, draws, seed=SEED, first=k * draws, jacobians=(pair,)
                ).ntk
                rows.append((n, *_convergence(kernels, limit, labels)))
                if table == FOLLOWED and n in FOLLOWED_WIDTHS:
                    curves = Estimate.of_mean(np.array([_flow(one, labels) for one in kernels]))
                    arrays |= {f"flow.n{n}": curves.value, f"flow.n{n}_stderr": curves.stderr}
            columns = ("n", "error", "error_stderr", "accuracy", "accuracy_stderr")
            arrays |= {
                f"{table}.{key}": value
                for key, value in zip(columns, np.array(rows).T, strict=True)
            }
            if table == FOLLOWED:
                arrays["flow.limit"] = _flow(limit, labels)
    return arrays


def digits(train: int, test: int) -> tuple[Array, Array]:
    """Images of every class, training before test, sorted by class; mean squared pixel 1.

    The data set is ordered by writer. Training images are the first of a class, test images its last, so
    that no writer is on both sides.
    """
    bundle = load_digits()
    places = [np.flatnonzero(bundle.target == digit) for digit in range(CLASSES)]
    chosen = np.concatenate(
        [place[:train] for place in places] + [place[-test:] for place in places]
    )
    pixels: Array = bundle.data / np.sqrt((bundle.data**2).mean())
    return pixels[chosen], bundle.target[chosen]


def _arch(hidden: int, forward: th.Activation) -> th.Architecture:
    return th.Architecture(
        hidden,
        forward if hidden else None,
        th.hardtanh(1) if hidden else None,
        weight_std=WEIGHT_STD,
        bias_std=BIAS_STD,
    )


def _spectrum(gram: Array, hidden: int) -> dict[str, Array]:
    """Eigenvalues away from 0, largest real part first."""
    values = np.linalg.eigvals(gram)
    values = values[np.abs(values) > ZERO * np.abs(values).max()]
    values = values[np.lexsort((values.imag, -values.real))]
    return {f"spectrum{hidden}.re": values.real, f"spectrum{hidden}.im": values.imag}


def _regression(kernel: Array, labels: Array) -> tuple[Array, Array, Array]:
    """Gram matrix of the training images, one-hot targets, and the kernel from test rows to training columns."""
    train = len(labels) // 2
    targets: Array = np.eye(CLASSES)[labels[:train]] - 1 / CLASSES
    return kernel[:train, :train], targets, kernel[train:, :train]


def _accuracy(kernel: Array, labels: Array) -> float:
    """Test accuracy of kernel ridge regression on one-hot classes; rows of the kernel evaluate."""
    gram, targets, across = _regression(kernel, labels)
    ridge = RIDGE * np.trace(gram) / len(gram)
    weights = np.linalg.solve(gram + ridge * np.eye(len(gram)), targets)
    return float(((across @ weights).argmax(axis=1) == labels[len(gram) :]).mean())


def _flow(kernel: Array, labels: Array) -> Array:
    """Test accuracy along the gradient flow, at times that double, in units where the mean diagonal is 1.

    f_t = K(x, X) (integral of exp(-K(X, X) s) over 0 < s < t) y; kernel regression without ridge is
    the limit of large t.
    """
    gram, targets, across = _regression(kernel, labels)
    train = len(gram)
    # The integral is the upper right block of the exponential of an augmented generator.
    generator = np.zeros((train + CLASSES, train + CLASSES))
    generator[:train, :train] = -gram * train / np.trace(gram)
    generator[:train, train:] = targets
    step = expm(FIRST_TIME * generator)
    decay, weights = step[:train, :train], step[:train, train:]
    found = []
    for _ in range(DOUBLINGS + 1):
        found.append(((across @ weights).argmax(axis=1) == labels[train:]).mean())
        decay, weights = decay @ decay, weights + decay @ weights
    return np.array(found, dtype=np.float64)


def _convergence(kernels: Array, limit: Array, labels: Array) -> tuple[float, float, float, float]:
    """Relative Frobenius error and test accuracy of sampled kernels, each with its standard error."""
    error = Estimate.of_mean(np.linalg.norm(kernels - limit, axis=(1, 2)) / np.linalg.norm(limit))
    accuracy = Estimate.of_mean(np.array([_accuracy(kernel, labels) for kernel in kernels]))
    return (
        float(error.value),
        float(error.stderr),
        float(accuracy.value),
        float(accuracy.stderr),
    )


def draw(canvas: Canvas, arrays: Arrays) -> None:
    """Gram matrices, spectra, convergence."""
    rows = canvas.add_gridspec(3, 1, height_ratios=(1.0, 0.75, 1.1))
    grams, spectra, below = (rows[k].subgridspec(1, 3) for k in range(3))
    panels: list[Axes] = []
    planes: list[Axes] = []
    for k, hidden in enumerate(DEPTHS):
        axes = canvas.add_subplot(grams[0, k])
        image = axes.imshow(
            arrays[f"gram.l{hidden}"], cmap=style.SEQUENTIAL, vmin=0, vmax=1, aspect="auto"
        )
        _label_classes(axes, arrays["gram.label"], rows=k == 0)
        depth = "no hidden layer" if hidden == 0 else f"{hidden} hidden layer{'s' * (hidden > 1)}"
        style.letter(axes, "abc"[k], depth)
        panels.append(axes)
        first = planes[0] if planes else None
        plane = canvas.add_subplot(spectra[0, k], sharex=first, sharey=first)
        _draw_spectrum(plane, arrays, hidden)
        plane.tick_params(labelleft=k == 0)
        style.letter(plane, "def"[k])
        planes.append(plane)
    bar = canvas.colorbar(image, ax=panels, pad=0.015, aspect=18)
    bar.set_label(r"normalised $\Theta(x,x')$")
    planes[0].set_ylabel(r"imaginary part of $\lambda\times\, 10^3$")
    error, accuracy, flow = (canvas.add_subplot(below[0, k]) for k in range(3))
    _draw_convergence(error, accuracy, arrays)
    _draw_flow(flow, arrays)
    for axes, name in zip((error, accuracy, flow), "ghi", strict=True):
        style.letter(axes, name)
    handles, names = error.get_legend_handles_labels()
    canvas.legend(handles, names, loc="outside lower center", ncols=3, columnspacing=1.4)


def _label_classes(axes: Axes, labels: Array, *, rows: bool) -> None:
    style.all_round(axes)
    digit = np.unique(labels)
    centres = [np.flatnonzero(labels == value).mean() for value in digit]
    names = [f"{int(value)}" for value in digit]
    axes.set_xticks(centres, names)
    axes.set_yticks(centres, names if rows else [""] * len(names))
    axes.tick_params(length=1.5)
    axes.set_xlabel("class of $x'$ (surrogate)")
    if rows:
        axes.set_ylabel("class of $x$ (true)")


def _draw_spectrum(axes: Axes, arrays: Arrays, hidden: int) -> None:
    real, imaginary = arrays[f"spectrum{hidden}.re"], arrays[f"spectrum{hidden}.im"]
    turning = np.abs(imaginary) > ZERO * np.abs(real).max()
    axes.axhline(0.0, color=style.GREY, lw=0.5, zorder=1)
    for chosen, series in ((~turning, style.SERIES[0]), (turning, style.SERIES[1])):
        axes.plot(
            real[chosen], 1e3 * imaginary[chosen], ls="none", marker=series.marker,
            ms=2.6, mew=0.6, mfc="none", color=series.colour,
        )  # fmt: skip
    axes.set(xscale="log", xlabel=r"real part of $\lambda$")
    note = f"{turning.sum()} of {len(real)} not real"
    axes.annotate(note, (0.04, 0.06), xycoords="axes fraction", va="bottom", fontsize=8)


def _draw_convergence(error: Axes, accuracy: Axes, arrays: Arrays) -> None:
    for k, (name, (_, _, label)) in enumerate(NETWORKS.items()):
        for hidden in DEPTHS[1:]:
            series = style.SERIES[2 * k + hidden - 1]
            table = f"{name}{hidden}"
            n = arrays[f"{table}.n"]
            for axes, column in ((error, "error"), (accuracy, "accuracy")):
                axes.errorbar(
                    n,
                    arrays[f"{table}.{column}"],
                    Z95 * arrays[f"{table}.{column}_stderr"],
                    label=f"{label}, {hidden} layer{'s' * (hidden > 1)}",
                    **series.points,
                )
            accuracy.axhline(arrays[f"limit_accuracy.{table}"][0], lw=0.9, zorder=1, **series.line)
    linear: dict[str, Any] = {"color": style.GREY, "lw": 0.9, "ls": style.DOTTED}
    accuracy.axhline(arrays["limit_accuracy.binary0"][0], zorder=1, **linear)
    error.plot([], [], label="no hidden layer", **linear)
    guide = np.array([WIDTHS[0], WIDTHS[-1]], dtype=float)
    error.plot(guide, 0.55 * guide**-0.5, color=style.BLACK, lw=0.8, label="slope $-1/2$")
    for axes in (error, accuracy):
        style.quiet_log(axes)
        axes.set(xlabel="width $n$", xlim=(WIDTHS[0] / 1.3, WIDTHS[-1] * 1.3))
    error.set(yscale="log", ylabel=r"error $\|\Theta_n-\Theta\|_F\,/\,\|\Theta\|_F$")
    accuracy.set_ylabel("test accuracy")


def _draw_flow(axes: Axes, arrays: Arrays) -> None:
    t = arrays["flow.t"]
    binary, steep = style.SERIES[0], style.SERIES[2]
    axes.plot(t, arrays["flow.binary1"], label="sign, limit", **binary.line)
    axes.plot(t, arrays["flow.limit"], color=steep.colour, label="$h_{1/2}$, limit")
    for n, dash in zip(FOLLOWED_WIDTHS, (style.DOTTED, style.SERIES[1].dash), strict=True):
        value, reach = arrays[f"flow.n{n}"], Z95 * arrays[f"flow.n{n}_stderr"]
        axes.fill_between(t, value - reach, value + reach, color=steep.colour, alpha=0.2, lw=0)
        axes.plot(t, value, color=steep.colour, ls=dash, lw=1.0, label=f"$h_{{1/2}}$, $n={n}$")
    style.quiet_log(axes)
    axes.set(xlabel="training time $t$", ylabel="test accuracy", ylim=(0, 1.03))
    axes.legend(loc="lower left", handlelength=1.8)


FIGURE = Figure(
    id="R1",
    title="Binarized networks on handwritten digits: limit kernels, spectra, finite widths",
    caption=rf"""
    Images of $8\times 8$ pixels, scaled to mean squared pixel $1$; the first {TRAIN} of a class train and
    its last {TEST} test, by other writers; $s_w={WEIGHT_STD}$, $s_b={BIAS_STD}$. (a)-(c) Limit kernel
    $\Theta(x,x')$ of the sign network trained with backward derivative $h_1'$, on the training images sorted by
    class, divided by $\sqrt{{\Theta(x,x)\,\Theta(x',x')}}$. (d)-(f) Its eigenvalues $\lambda$ on the training images
    (circles real, squares not; zero eigenvalues left out). The images have unequal norms, so $\Theta$ is
    asymmetric, and some eigenvalues leave the real axis, by little. (g) Distance of sampled kernels from their
    own limits. At finite width the true Jacobian of a sign network is a distribution, and its training kernel does
    not exist; shown are the kernel of sign networks with the surrogate in both Jacobians, and the training
    kernel (true, surrogate) of networks with forward pass $h_{{1/2}}$, which does. (h) Test accuracy of kernel
    regression on one-hot classes with ridge ${RIDGE:g}$ times the mean diagonal: finite widths (points), limits
    (lines of the same colour), no hidden layer (dotted, at every width). (i) Test accuracy of the training kernels
    along the gradient flow without ridge, one hidden layer; time in units of the inverse mean diagonal. For
    $h_{{1/2}}$ some eigenvalues have negative real parts, even in the limit: training forgets again what it
    learned, the sooner the narrower the network, and the regression of (h) suffers where an eigenvalue comes
    close to minus the ridge. For the sign all real parts are positive. Whiskers and bands: 95 % over {DRAWS}
    networks.
    """,
    size_mm=(150.0, 185.0),
    shows=("T5", "T8"),
    data=data,
    draw=draw,
    seed=SEED,
)
