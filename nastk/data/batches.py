"""Batches: an epoch of augmented, normalised images on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from nastk.data.augmentation import Augmentation, Draws, normalise
from nastk.data.images import ImageSet


class Batches:
    """The images of a set in batches of `batch_size`; the last one may be short, none is dropped.

    augmentation: None normalises only. shuffle: a new order every epoch, else the set's own.
    """

    def __init__(
        self,
        images: ImageSet,
        batch_size: int,
        *,
        augmentation: Augmentation | None = None,
        shuffle: bool = False,
    ) -> None:
        self.images = images
        self.batch_size = batch_size
        self.augmentation = augmentation
        self.shuffle = shuffle

    def shuffled(self, batch_size: int) -> Batches:
        """The same images and augmentation, in a new order every epoch."""
        return Batches(self.images, batch_size, augmentation=self.augmentation, shuffle=True)

    @property
    def num_images(self) -> int:
        return self.images.num_images

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-self.num_images // self.batch_size)

    def epoch(
        self, shuffling: torch.Generator | None = None, augmenting: torch.Generator | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """(images float32 [B, C, H, W] channels-last, labels int64 [B]), both on the set's device.

        shuffling, augmenting: CPU generators, needed where the batches shuffle or augment. The order and
        all augmentation draws are drawn by this call, before the first batch is asked for: an abandoned
        epoch leaves the generators as a finished one does.
        """
        order = torch.arange(self.num_images)
        if self.shuffle:
            assert shuffling is not None, "shuffled batches need a generator for the order"
            order = torch.randperm(self.num_images, generator=shuffling)
        draws = None
        if self.augmentation is not None:
            assert augmenting is not None, "augmented batches need a generator for the draws"
            _, height, width = self.images.shape
            draws = self.augmentation.draw(self.num_images, height, width, augmenting)
        return self._run(order, draws)

    def _run(self, order: Tensor, draws: Draws | None) -> Iterator[tuple[Tensor, Tensor]]:
        images = self.images
        labels = images.labels[order].to(images.device).split(self.batch_size)
        batches = images.pixels(order.split(self.batch_size))
        if draws is not None:  # in one go: a copy to the device a batch would wait for it
            draws = draws.to(images.device)
        for number, (pixels, label) in enumerate(zip(batches, labels, strict=True)):
            if self.augmentation is None or draws is None:
                yield normalise(pixels, images.mean, images.std), label
            else:
                part = draws[number * self.batch_size : (number + 1) * self.batch_size]
                yield self.augmentation.apply(pixels, part, images.mean, images.std), label


class Cycle(Iterator[tuple[Tensor, Tensor]]):
    """Batches of epoch after epoch without end: within each, every image once.

    draws: gives the CPU generators of order and of augmentation, and is asked as an epoch begins. A
    checkpoint can hold where it stands: those generators as the epoch began, and how many batches ago.
    """

    def __init__(
        self, batches: Batches, draws: Callable[[], tuple[torch.Generator, torch.Generator]]
    ) -> None:
        self._batches = batches
        self._draws = draws
        self._began: dict[str, Tensor] = {}
        self._num_gone = 0
        self._rest: Iterator[tuple[Tensor, Tensor]] = iter(())

    def __next__(self) -> tuple[Tensor, Tensor]:
        batch = next(self._rest, None)
        if batch is None:
            self._begin(*self._draws())
            batch = next(self._rest)
        self._num_gone += 1
        return batch

    def _begin(self, shuffling: torch.Generator, augmenting: torch.Generator) -> None:
        self._began = {"shuffling": shuffling.get_state(), "augmenting": augmenting.get_state()}
        self._num_gone = 0
        self._rest = self._batches.epoch(shuffling, augmenting)

    def state_dict(self) -> dict[str, Any]:
        return {"began": self._began, "num_gone": self._num_gone}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken; the generators that `draws` gives are the run's to restore."""
        if not state["began"]:
            return
        shuffling, augmenting = self._draws()
        one_for_both = shuffling is augmenting
        shuffling = torch.Generator().set_state(state["began"]["shuffling"])
        augmenting = torch.Generator().set_state(state["began"]["augmenting"])
        self._begin(shuffling, shuffling if one_for_both else augmenting)
        for _ in range(state["num_gone"]):
            next(self)
