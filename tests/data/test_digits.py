import numpy as np
import pytest

from nastk.data.named import DIGITS
from nastk.data.sources import load_images
from nastk.data.statistics import channel_statistics
from nastk.schema import DataConfig


@pytest.fixture(scope="module")
def digits():
    train = load_images(DataConfig(), "train")
    return train, load_images(DataConfig(), "test", like=train)


def test_same_as_scikit_learns(digits):
    """How nastk/data/digits.npz was made (np.savez_compressed of these arrays)."""
    from sklearn.datasets import load_digits

    source = load_digits()
    images = np.rint(source.images * 255 / 16).astype(np.uint8)
    test = np.sort(np.argsort(source.target, kind="stable")[::5])
    train = np.setdiff1d(np.arange(len(images)), test)
    for found, chosen in zip(digits, (train, test), strict=True):
        assert np.array_equal(found.tensor.numpy()[..., 0], images[chosen])
        assert np.array_equal(found.labels.numpy(), source.target[chosen])


def test_sizes(digits):
    train, test = digits
    assert (train.num_images, test.num_images) == (1437, 360)
    assert train.shape == test.shape == (1, 8, 8)
    assert train.classes == tuple("0123456789")
    assert train.nbytes == 1437 * 64


def test_statistics(digits):
    mean, std = channel_statistics(digits[0])
    assert np.allclose((*mean, *std), (*DIGITS.mean, *DIGITS.std), atol=5e-5)
    pixels = digits[0].tensor.numpy() / 255
    assert np.allclose((*mean, *std), (pixels.mean(), pixels.std()), atol=1e-12)
