import gc
import multiprocessing
import random

import numpy as np
import pytest
import torch
from PIL import Image

from nastk.data.augmentation import Augmentation
from nastk.data.batches import Batches
from nastk.data.images import ImageSet
from nastk.data.sources import load_images
from nastk.data.statistics import channel_statistics
from nastk.schema import DataConfig


def load(folder, **values) -> ImageSet:
    return load_images(DataConfig(dataset=str(folder), **values), "train")


def epochs(images: ImageSet) -> list[torch.Tensor]:
    """Two augmented epochs of every other image."""
    part = images.subset(torch.arange(0, images.num_images, 2)).to("cpu")
    batches = Batches(part, 4, augmentation=Augmentation(2, True, 4), shuffle=True)
    shuffling, augmenting = (torch.Generator().manual_seed(seed) for seed in (1, 2))
    return [tensor for _ in range(2) for batch in batches.epoch(shuffling, augmenting) for tensor in batch]


@pytest.mark.parametrize(
    ("shape", "image_size", "workers"),
    [((8, 8, 3), None, 0), ((8, 8), 16, 0), ((31, 18, 3), None, 0), ((31, 18, 3), 12, 2)],
)
def test_streamed_equals_resident_bit_for_bit(write_folder, shape, image_size, workers):
    folder = write_folder(shape=shape, per_class=7)
    resident = load(folder, image_size=image_size)
    streamed = load(folder, image_size=image_size, resident_mib=0, workers=workers)
    assert (streamed.shape, streamed.nbytes, streamed.notes) == (
        resident.shape,
        resident.nbytes,
        resident.notes,
    )
    assert (streamed.mean, streamed.std) == (resident.mean, resident.std)
    for one, other in zip(epochs(streamed), epochs(resident), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("workers", [0, 2])
def test_an_abandoned_epoch_leaves_nothing_for_the_next(write_folder, workers):
    """Nor do two that go on at the same time take from one another."""
    folder = write_folder(per_class=7)
    resident = load(folder)
    streamed = load(folder, resident_mib=0, workers=workers)
    orders = [torch.randperm(14, generator=torch.Generator().manual_seed(seed)).split(2) for seed in range(4)]
    for num, order in enumerate(orders[:2]):
        begun = streamed.pixels(order)
        for part in order[: num + 1]:
            assert next(begun).equal(resident.tensor[part])
        begun.close()
    epochs = zip(*(streamed.pixels(order) for order in orders[2:]), strict=True)
    for parts, batches in zip(zip(*orders[2:], strict=True), epochs, strict=True):
        for part, batch in zip(parts, batches, strict=True):
            assert batch.equal(resident.tensor[part])


def test_workers_stay_for_the_next_epoch_and_end_with_the_set(write_folder):
    before = set(multiprocessing.active_children())
    streamed = load(write_folder(), resident_mib=0, workers=2)
    seen = []
    for _ in range(3):
        assert len(list(streamed.pixels(torch.arange(6).split(2)))) == 3
        seen.append({child.pid for child in set(multiprocessing.active_children()) - before})
    assert len(seen[0]) == 2
    assert seen == [seen[0]] * 3
    del streamed
    gc.collect()
    assert set(multiprocessing.active_children()) == before


@pytest.mark.parametrize("resident_mib", [0, 4096])
def test_global_generators_are_left_alone(write_folder, resident_mib):
    def states():
        return torch.get_rng_state().tolist(), random.getstate(), str(np.random.get_state())

    before = states()
    epochs(load(write_folder(), resident_mib=resident_mib, workers=0))
    assert states() == before


@pytest.mark.parametrize("workers", [0, 1])
def test_file_that_goes_bad_later(write_folder, workers):
    folder = write_folder()
    images = load(folder, resident_mib=0, workers=workers)
    (folder / "train" / "b" / "2.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"cannot read .*b/2.png \(0 bytes\)"):
        list(images.pixels([torch.arange(6)]))


def test_other_statistics_and_notes(write_folder):
    images = load(write_folder())
    changed = images.with_statistics((0.0,) * 3, (1.0,) * 3).with_notes("one", "two")
    assert (changed.mean, changed.std, changed.notes) == ((0.0,) * 3, (1.0,) * 3, ("one", "two"))
    assert images.notes == ()


def test_statistics_of_streamed_images(write_folder):
    folder = write_folder(shape=(8, 8), per_class=2)
    mean, std = channel_statistics(load(folder, resident_mib=0, workers=0))
    pixels = np.stack([np.asarray(Image.open(path)) for path in folder.glob("train/*/*.png")]) / 255
    assert (mean[0], std[0]) == (pytest.approx(pixels.mean()), pytest.approx(pixels.std()))
