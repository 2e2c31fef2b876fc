"""Samples with labels: the sets that scikit-learn brings along, and files that a user points at.

Files: IDX (MNIST and its relatives, also compressed), the binary batches of CIFAR-10 and CIFAR-100, and folders of
images, one a class. Pixels become numbers in [-1, 1]; what a file says of itself is checked against its size first.
"""

import gzip
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.checks import non_negative_int, probability
from theory.errors import DataError, InputError
from theory.quantized.streams import Role, generator

Float = NDArray[np.float64]
Labels = NDArray[np.int64]

BUNDLED = ("breast_cancer", "digits", "iris", "wine")
TEST_SHARE = 0.3
"""Share of each class that `bundled` sets aside."""

_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm", ".pgm", ".tif", ".tiff", ".webp")
_CIFAR_PIXELS = 3 * 32 * 32


@dataclass(frozen=True, eq=False)
class Samples:
    """Inputs with the numbers of their classes.

    Parameters
    ----------
    X
        (samples, features).
    y
        Class numbers 0, 1, ... (samples,).
    classes
        Names of the classes, by number.
    """

    X: Float
    y: Labels
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, eq=False)
class Split:
    """Samples to train with and samples to test with, of the same classes."""

    train: Samples
    test: Samples


# ------------------------------------------------------------------------------------ bundled sets


def bundled(name: str, seed: int = 0) -> Split:
    """Return a set of scikit-learn, split and scaled.

    Parameters
    ----------
    name
        "iris", "wine", "breast_cancer" or "digits" (8 x 8).
    seed
        Of the split: of every class, `TEST_SHARE` of the samples, rounded, are set aside at random.

    Notes
    -----
    Features are centred and divided by their standard deviations over the training samples alone; a feature that is
    constant there is only centred.

    Raises
    ------
    InputError
        For another name.
    """
    if name not in BUNDLED:
        raise InputError(f"there is no bundled set {name!r}; there are {', '.join(BUNDLED)}")
    from sklearn import datasets

    found = getattr(datasets, f"load_{name}")()
    X, y = np.asarray(found.data, dtype=np.float64), np.asarray(found.target, dtype=np.int64)
    classes = tuple(str(one) for one in found.target_names)
    train, test = stratified(y, TEST_SHARE, seed)
    centre, spread = X[train].mean(axis=0), X[train].std(axis=0)
    scaled = (X - centre) / np.where(spread > 0.0, spread, 1.0)
    return Split(Samples(scaled[train], y[train], classes), Samples(scaled[test], y[test], classes))


def stratified(y: Labels, share: float, seed: int) -> tuple[Labels, Labels]:
    """Return rows to train and to test with: of every class the share, rounded, is set aside at random."""
    probability(share, "share")
    draws = generator(non_negative_int(seed, "seed"), Role.SPLIT)
    aside = []
    for label in np.unique(y):
        rows = draws.permutation(np.flatnonzero(y == label))
        aside.append(rows[: round(share * len(rows))])
    test = np.sort(np.concatenate(aside))
    return np.setdiff1d(np.arange(len(y)), test), test


# --------------------------------------------------------------------------------------------- IDX


def read_idx(path: str | Path) -> NDArray[Any]:
    """Read an array from an IDX file, compressed by gzip or not.

    Raises
    ------
    DataError
        If there is no such file, its magic number is not that of IDX, or its size is not what its header says.
    """
    place = Path(path)
    content = _content(place)
    if (
        len(content) < 4
        or content[0]
        or content[1]
        or content[2] not in _IDX_TYPES
        or not content[3]
    ):
        raise DataError(
            f"{place} begins with {content[:4].hex(' ') or 'nothing'}; an IDX file begins with 00 00, a type among "
            f"{', '.join(f'{kind:02x}' for kind in _IDX_TYPES)} and a number of dimensions of at least 1"
        )
    axes, dtype = content[3], np.dtype(_IDX_TYPES[content[2]])
    start = 4 + 4 * axes
    if len(content) < start:
        raise DataError(
            f"{place} ends within its header: {axes} dimensions need {start} bytes, it has {len(content)}"
        )
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", axes, 4))
    wanted = start + math.prod(shape) * dtype.itemsize
    if len(content) != wanted:
        raise DataError(
            f"{place} has {len(content)} bytes, its header says {shape} entries of {dtype.itemsize} bytes, {wanted} in "
            f"all; it is {'cut off' if len(content) < wanted else 'longer than it should be'}: fetch it again"
        )
    return (
        np.frombuffer(content, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))
    )


def idx_samples(images: str | Path, labels: str | Path) -> Samples:
    """Read images of bytes (samples, rows, columns) with labels of bytes (samples,), each from an IDX file.

    Raises
    ------
    DataError
        For a file that is not IDX, or not of bytes and this shape, and for unequal numbers of samples.
    """
    pixels, numbers = read_idx(images), read_idx(labels)
    if pixels.ndim < 2 or pixels.dtype != np.uint8:
        raise DataError(
            f"{images} holds {pixels.dtype} of shape {pixels.shape}; images are bytes, one array a sample"
        )
    if numbers.ndim != 1 or numbers.dtype != np.uint8:
        raise DataError(
            f"{labels} holds {numbers.dtype} of shape {numbers.shape}; labels are bytes, one a sample"
        )
    if len(pixels) != len(numbers):
        raise DataError(
            f"{images} has {len(pixels)} images and {labels} has {len(numbers)} labels; they belong to different sets"
        )
    return _numbered(_scaled(pixels.reshape(len(pixels), -1)), numbers)


def mnist(folder: str | Path) -> Split:
    """Read a folder with the four files of MNIST, or of a set in its form, by their usual names, ``.gz`` or not.

    Raises
    ------
    DataError
        If a file is missing or damaged, or the two parts differ in the size of their images.
    """
    parts = {}
    for part, stem in (("train", "train"), ("test", "t10k")):
        pair = (
            _either(Path(folder), f"{stem}-images-idx3-ubyte"),
            _either(Path(folder), f"{stem}-labels-idx1-ubyte"),
        )
        parts[part] = idx_samples(*pair)
    return _alike(parts["train"], parts["test"], Path(folder))


def _either(folder: Path, name: str) -> Path:
    for place in (folder / name, folder / f"{name}.gz", folder / name.replace("-idx", ".idx")):
        if place.is_file():
            return place
    raise DataError(f"there is no file {name} or {name}.gz in {folder}")


# ------------------------------------------------------------------------------------------- CIFAR


def cifar10(folder: str | Path) -> Split:
    """Read ``data_batch_1.bin`` to ``data_batch_5.bin`` and ``test_batch.bin``, red, green and blue planes in turn.

    Raises
    ------
    DataError
        If a batch is missing or no whole number of records, or holds a label above 9.
    """
    place = Path(folder)
    names = _named(place / "batches.meta.txt", 10)
    train = [_records(place / f"data_batch_{k}.bin", 1, 0, names) for k in range(1, 6)]
    return Split(_joined(train), _records(place / "test_batch.bin", 1, 0, names))


def cifar100(folder: str | Path, *, coarse: bool = False) -> Split:
    """Read ``train.bin`` and ``test.bin`` with their 100 fine, or 20 coarse, labels.

    Raises
    ------
    DataError
        As of `cifar10`.
    """
    place, which = Path(folder), 0 if coarse else 1
    names = _named(
        place / f"{'coarse' if coarse else 'fine'}_label_names.txt", 20 if coarse else 100
    )
    train, test = (_records(place / name, 2, which, names) for name in ("train.bin", "test.bin"))
    return Split(train, test)


def _records(path: Path, labels: int, which: int, names: tuple[str, ...]) -> Samples:
    content, size = _content(path), labels + _CIFAR_PIXELS
    if not content or len(content) % size:
        raise DataError(
            f"{path} has {len(content)} bytes; records of {size} bytes each, {labels} of labels and {_CIFAR_PIXELS} of "
            f"pixels, would leave {len(content) % size}: it is no such batch, or cut off"
        )
    rows = np.frombuffer(content, np.uint8).reshape(-1, size)
    numbers = rows[:, which]
    if numbers.max() >= len(names):
        raise DataError(
            f"record {int(numbers.argmax())} of {path} has the label {numbers.max()}; labels are below {len(names)}"
        )
    return Samples(_scaled(rows[:, labels:]), numbers.astype(np.int64), names)


def _named(path: Path, count: int) -> tuple[str, ...]:
    """Return the names of classes from a file of lines, numbers where there is none."""
    if not path.is_file():
        return tuple(str(k) for k in range(count))
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if len(lines) != count:
        raise DataError(f"{path} names {len(lines)} classes; there are {count}")
    return tuple(lines)


def _joined(parts: list[Samples]) -> Samples:
    X, y = np.concatenate([p.X for p in parts]), np.concatenate([p.y for p in parts])
    return Samples(X, y, parts[0].classes)


# ------------------------------------------------------------------------------------------ images


def image_folder(
    folder: str | Path, size: tuple[int, int] | None = None, *, grey: bool = False
) -> Samples:
    """Read a folder that holds one folder of images a class; classes and files in the order of their names.

    Parameters
    ----------
    folder
        Where the folders of the classes are.
    size
        (width, height) that every image is brought to; None: all must have one size.
    grey
        One number a pixel in place of red, green and blue.

    Raises
    ------
    DataError
        If there are no images, one cannot be read, or sizes differ and none is asked for.
    """
    from PIL import Image, UnidentifiedImageError

    place = Path(folder)
    if not place.is_dir():
        raise DataError(f"there is no folder {place}")
    classes = sorted(entry for entry in place.iterdir() if entry.is_dir())
    found = [
        (path, number)
        for number, one in enumerate(classes)
        for path in sorted(one.iterdir())
        if path.suffix.lower() in _IMAGES
    ]
    if not found:
        raise DataError(
            f"{place} holds no images; it needs a folder a class with files such as {', '.join(_IMAGES[:3])}"
        )
    rows, first = [], found[0][0]
    shape: tuple[int, int] | None = size
    for path, _ in found:
        try:
            with Image.open(path) as image:
                pixels = image.convert("L" if grey else "RGB")
        except (UnidentifiedImageError, OSError, SyntaxError) as error:
            raise DataError(f"{path} cannot be read as an image: {error}") from error
        if size is not None:
            pixels = pixels.resize(size)
        shape = shape or pixels.size
        if pixels.size != shape:
            raise DataError(
                f"{path} has {pixels.size[0]} x {pixels.size[1]} pixels and {first} has {shape[0]} x {shape[1]}; give "
                f"size=(width, height)"
            )
        rows.append(np.asarray(pixels, dtype=np.uint8).ravel())
    numbers = np.array([number for _, number in found], dtype=np.int64)
    return Samples(_scaled(np.stack(rows)), numbers, tuple(one.name for one in classes))


# ----------------------------------------------------------------------------------------- together


def _content(path: Path) -> bytes:
    """Return the bytes of a file, those inside where it is compressed by gzip."""
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    content = path.read_bytes()
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{path} is damaged: {error}; fetch it again") from error


def _scaled(pixels: NDArray[np.uint8]) -> Float:
    """Return bytes as numbers in [-1, 1]."""
    return pixels / 127.5 - 1.0


def _numbered(X: Float, labels: NDArray[np.uint8]) -> Samples:
    count = int(labels.max(initial=0)) + 1
    return Samples(X, labels.astype(np.int64), tuple(str(k) for k in range(count)))


def _alike(train: Samples, test: Samples, folder: Path) -> Split:
    if train.X.shape[1] != test.X.shape[1]:
        raise DataError(
            f"in {folder}, images to train with have {train.X.shape[1]} pixels, those to test with {test.X.shape[1]}"
        )
    names = max(train.classes, test.classes, key=len)
    return Split(Samples(train.X, train.y, names), Samples(test.X, test.y, names))
