import pytest
import torch

from nastk.data.augmentation import Augmentation
from nastk.data.batches import Batches, Cycle
from nastk.data.images import ResidentImages
from nastk.engine.random import Streams


def numbered(num: int = 10) -> ResidentImages:
    """Image i is all i, labelled i."""
    tensor = torch.arange(num, dtype=torch.uint8).view(-1, 1, 1, 1).expand(num, 8, 8, 3).contiguous()
    return ResidentImages(
        tensor=tensor,
        labels=torch.arange(num),
        classes=tuple(map(str, range(num))),
        mean=(0.0,) * 3,
        std=(1 / 255,) * 3,
    )


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("size", "sizes"), [(1, [1] * 10), (4, [4, 4, 2]), (5, [5, 5]), (64, [10])])
def test_every_image_once_in_order(size, sizes):
    batches = Batches(numbered(), size)
    found = list(batches.epoch())
    assert [len(labels) for _, labels in found] == sizes
    assert len(batches) == len(sizes)
    assert torch.cat([labels for _, labels in found]).tolist() == list(range(10))
    images = torch.cat([images for images, _ in found])
    assert images.shape == (10, 3, 8, 8)
    assert images[:, 0, 0, 0].round().int().tolist() == list(range(10))


def test_images_and_labels_stay_together():
    for images, labels in Batches(numbered(), 3, shuffle=True).epoch(seeded()):
        assert torch.equal(images[:, 0, 0, 0].round().long(), labels)


def test_same_generators_same_epoch_and_next_epoch_differs():
    batches = Batches(numbered(), 10, augmentation=Augmentation(2, True, 4), shuffle=True)
    shuffling, augmenting = seeded(1), seeded(2)
    first, second = (next(batches.epoch(shuffling, augmenting)) for _ in range(2))
    again = next(batches.epoch(seeded(1), seeded(2)))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[1], second[1])


@pytest.mark.parametrize("taken", [0, 1, 4])
def test_generators_do_not_depend_on_how_much_is_taken(taken):
    batches = Batches(numbered(), 3, augmentation=Augmentation(2, True, 4), shuffle=True)
    states = []
    for num in (taken, 4):
        shuffling, augmenting = seeded(1), seeded(2)
        epoch = batches.epoch(shuffling, augmenting)
        for _ in range(num):
            next(epoch)
        states.append((shuffling.get_state(), augmenting.get_state()))
    assert torch.equal(states[0][0], states[1][0])
    assert torch.equal(states[0][1], states[1][1])


def test_batch_size_moves_no_draw():
    def epoch(size):
        batches = Batches(numbered(), size, augmentation=Augmentation(2, True, 4), shuffle=True)
        return torch.cat([images for images, _ in batches.epoch(seeded(1), seeded(2))])

    assert torch.equal(epoch(3), epoch(10))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("on_host", [False, True])
def test_on_a_gpu(on_host):
    from dataclasses import replace

    batches = [
        Batches(images, 4, augmentation=Augmentation(2, True, 4), shuffle=True)
        for images in (numbered(), replace(numbered(), on_host=on_host).to("cuda"))
    ]
    for (cpu, label), (gpu, gpu_label) in zip(*(b.epoch(seeded(1), seeded(2)) for b in batches), strict=True):
        assert gpu.is_cuda and gpu_label.is_cuda
        torch.testing.assert_close(gpu.cpu(), cpu, rtol=0, atol=1e-4)
        assert torch.equal(gpu_label.cpu(), label)


@pytest.mark.parametrize("one_for_both", [True, False])
def test_a_cycle_goes_on_where_it_stood(one_for_both):
    """Across epochs, whatever the run's generators are when it is read back."""

    def build():
        streams = Streams(3)
        names = ("a", "a") if one_for_both else ("a", "b")
        batches = Batches(numbered(7), 3, augmentation=Augmentation(pad=1, flip=True, cutout=0), shuffle=True)
        return Cycle(batches, lambda: tuple(streams[name] for name in names)), streams

    whole, _ = build()
    expected = [next(whole) for _ in range(11)]
    assert sum(len(labels) for _, labels in expected[:3]) == 7
    for stop in (0, 1, 3, 5):
        first, streams = build()
        for _ in range(stop):
            next(first)
        second, again = build()
        again.load_state_dict(streams.state_dict())
        second.load_state_dict(first.state_dict())
        for images, labels in expected[stop:]:
            found = next(second)
            assert torch.equal(found[0], images) and torch.equal(found[1], labels)
