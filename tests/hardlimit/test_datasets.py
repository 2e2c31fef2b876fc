"""Loaders, on small files that the tests write: what is read, and what is refused with which words."""

import gzip
import struct

import numpy as np
import pytest
from PIL import Image
from sklearn import datasets as scikit

from hardlimit.datasets import (
    BUNDLED,
    bundled,
    cifar10,
    cifar100,
    idx_samples,
    image_folder,
    mnist,
    read_idx,
)
from theory.errors import DataError, InputError

DRAWS = np.random.default_rng(3)
CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx(array, code=None):
    """Return the bytes of an IDX file, by the format's description."""
    kind = CODES[array.dtype.str[1:]] if code is None else code
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


# -- bundled sets ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_sets_are_split_by_class_and_scaled_by_the_training_part(name):
    split = bundled(name)
    whole = getattr(scikit, f"load_{name}")()
    assert len(split.train) + len(split.test) == len(whole.target)
    for label, count in enumerate(np.bincount(whole.target)):
        assert (split.test.y == label).sum() == round(0.3 * count)
    np.testing.assert_allclose(split.train.X.mean(axis=0), 0, atol=1e-12)
    spread = split.train.X.std(axis=0)
    assert np.all(np.isclose(spread, 1) | (spread == 0))
    assert split.train.classes == split.test.classes == tuple(map(str, whole.target_names))


def test_a_split_belongs_to_its_seed():
    np.testing.assert_array_equal(bundled("iris", 1).test.X, bundled("iris", 1).test.X)
    assert not np.array_equal(bundled("iris", 1).test.X, bundled("iris", 2).test.X)
    with pytest.raises(InputError, match="no bundled set 'mnist'"):
        bundled("mnist")


# -- IDX -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("compressed", [False, True])
def test_idx_files_of_every_type_are_read(tmp_path, kind, compressed):
    array = (DRAWS.normal(size=(2, 3, 4)) * 50).astype(kind)
    content = idx(array)
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(content) if compressed else content)
    np.testing.assert_array_equal(read_idx(path), array)
    assert read_idx(path).dtype == np.dtype(kind)


GOOD = idx(np.arange(6, dtype="u1").reshape(2, 3))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "begins with nothing"),
        (b"\x89PNG" + GOOD, "begins with 89 50"),
        (GOOD[:2] + b"\x07" + GOOD[3:], "begins with 00 00 07"),
        (GOOD[:9], "ends within its header"),
        (GOOD[:-1], "cut off"),
        (GOOD + b"\x00", "longer than it should be"),
        (gzip.compress(GOOD)[:-9], "is damaged"),
    ],
    ids=["empty", "magic", "type", "header", "short", "long", "gzip"],
)
def test_damaged_idx_files_are_refused(tmp_path, content, text):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(DataError, match=text):
        read_idx(path)


def write_mnist(folder, train=5, test=3, side=2):
    made = {}
    for stem, count in (("train", train), ("t10k", test)):
        pixels = DRAWS.integers(0, 256, (count, side, side)).astype("u1")
        labels = (np.arange(count) % 3).astype("u1")
        (folder / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(pixels)))
        (folder / f"{stem}-labels-idx1-ubyte").write_bytes(idx(labels))
        made[stem] = pixels, labels
    return made


def test_a_folder_of_mnist_is_read(tmp_path):
    made = write_mnist(tmp_path)
    split = mnist(tmp_path)
    pixels, labels = made["train"]
    np.testing.assert_allclose(split.train.X, pixels.reshape(5, 4) / 127.5 - 1)
    np.testing.assert_array_equal(split.train.y, labels)
    assert (len(split.test), split.test.classes) == (3, ("0", "1", "2"))


def test_sizes_that_differ_and_missing_files_are_refused(tmp_path):
    images, labels = tmp_path / "images", tmp_path / "labels"
    images.write_bytes(idx(np.zeros((3, 2, 2), "u1")))
    labels.write_bytes(idx(np.zeros(4, "u1")))
    with pytest.raises(DataError, match=r"3 images and .* 4 labels"):
        idx_samples(images, labels)
    with pytest.raises(DataError, match="labels are bytes"):
        idx_samples(images, images)
    with pytest.raises(DataError, match="images are bytes"):
        idx_samples(labels, labels)
    with pytest.raises(DataError, match="no file train-images"):
        mnist(tmp_path)
    write_mnist(tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(idx(np.zeros((3, 3, 3), "u1")))
    with pytest.raises(DataError, match="4 pixels, those to test with 9"):
        mnist(tmp_path)


# -- CIFAR -----------------------------------------------------------------------------------------


def batch(labels, count=2, below=10):
    rows = DRAWS.integers(0, 256, (count, labels + 3072)).astype("u1")
    rows[:, :labels] %= below
    return rows


def test_cifar10_batches_are_joined_in_order(tmp_path):
    batches = [batch(1) for _ in range(5)]
    for k, rows in enumerate(batches):
        (tmp_path / f"data_batch_{k + 1}.bin").write_bytes(rows.tobytes())
    test = batch(1, 3)
    (tmp_path / "test_batch.bin").write_bytes(test.tobytes())
    split = cifar10(tmp_path)
    whole = np.concatenate(batches)
    np.testing.assert_array_equal(split.train.y, whole[:, 0])
    np.testing.assert_allclose(split.train.X, whole[:, 1:] / 127.5 - 1)
    np.testing.assert_array_equal(split.test.y, test[:, 0])
    assert split.train.classes == tuple("0123456789")
    (tmp_path / "batches.meta.txt").write_text("\n".join(f"class {k}" for k in range(10)))
    assert cifar10(tmp_path).test.classes[3] == "class 3"
    (tmp_path / "batches.meta.txt").write_text("one")
    with pytest.raises(DataError, match="names 1 classes"):
        cifar10(tmp_path)


def test_cifar100_has_two_labels_a_record(tmp_path):
    rows = batch(2, 4, 20)
    for name in ("train.bin", "test.bin"):
        (tmp_path / name).write_bytes(rows.tobytes())
    np.testing.assert_array_equal(cifar100(tmp_path).train.y, rows[:, 1])
    coarse = cifar100(tmp_path, coarse=True)
    np.testing.assert_array_equal(coarse.test.y, rows[:, 0])
    assert (len(coarse.test.classes), coarse.test.X.shape) == (20, (4, 3072))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "has 0 bytes"),
        (batch(1).tobytes()[:-5], "cut off"),
        (batch(2, 1).tobytes(), "would leave 1"),
        (bytes([10]) + bytes(3072), "has the label 10"),
    ],
    ids=["empty", "short", "other", "label"],
)
def test_damaged_batches_are_refused(tmp_path, content, text):
    (tmp_path / "data_batch_1.bin").write_bytes(content)
    with pytest.raises(DataError, match=text):
        cifar10(tmp_path)


# -- images ----------------------------------------------------------------------------------------


def write_images(folder, sizes=((4, 3), (4, 3))):
    made = []
    for k, size in enumerate(sizes):
        (folder / f"class {k}").mkdir(exist_ok=True)
        pixels = DRAWS.integers(0, 256, (size[1], size[0], 3)).astype("u1")
        Image.fromarray(pixels).save(folder / f"class {k}" / "one.png")
        made.append(pixels)
    return made


def test_image_folders_are_read_by_class(tmp_path):
    made = write_images(tmp_path)
    (tmp_path / "class 0" / "notes.txt").write_text("no image")
    found = image_folder(tmp_path)
    np.testing.assert_allclose(found.X, [one.ravel() / 127.5 - 1 for one in made])
    np.testing.assert_array_equal(found.y, [0, 1])
    assert found.classes == ("class 0", "class 1")
    assert image_folder(tmp_path, (2, 2), grey=True).X.shape == (2, 4)


def test_image_folders_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(DataError, match="no folder"):
        image_folder(tmp_path / "none")
    with pytest.raises(DataError, match="holds no images"):
        image_folder(tmp_path)
    write_images(tmp_path, ((4, 3), (3, 4)))
    with pytest.raises(DataError, match=r"has 3 x 4 pixels and .* has 4 x 3"):
        image_folder(tmp_path)
    (tmp_path / "class 1" / "one.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(DataError, match="cannot be read as an image"):
        image_folder(tmp_path)
