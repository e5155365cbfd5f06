"""ImageSet: labelled images, kept as bytes on the device or decoded from files as they are asked for.

Both kinds give the same uint8 batches; all that is random or floating point comes after them
(`nastk.data.augmentation`), so that a streamed set trains exactly as a resident one.
"""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from nastk.data.decoding import Form
from nastk.data.fingerprint import Fingerprint, fingerprint
from nastk.data.processes import clean_context, depend_on_parent, interrupts_held_back
from nastk.data.reading import decode_all
from nastk.data.values import ValueRange

Self = TypeVar("Self", bound="ImageSet")


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageSet(ABC):
    """N labelled images of one shape; immutable: what changes something returns another set.

    labels: int64 [N] on the CPU. classes: their names. mean, std: per channel, in units in which white
    is 1; the training set's, also in its test set. notes: what was done to the images while they were
    read, a line each, for the user. device: where `pixels` yields. values: what its deep images have as
    black and white; None: it has no deep ones. fingerprint: of the set as it was loaded, of which this may
    be a part; num_found: of how many images it was chosen then; None: it was not loaded.
    """

    labels: Tensor
    classes: tuple[str, ...]
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()
    device: torch.device = torch.device("cpu")
    values: ValueRange | None = None
    fingerprint: Fingerprint | None = None
    num_found: int | None = None

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""

    @abstractmethod
    def subset(self: Self, indices: Tensor) -> Self:
        """The set of the images at `indices`, int64 on the CPU, in that order."""

    @abstractmethod
    def to(self: Self, device: torch.device | str) -> Self:
        """The same set, yielding its batches on `device`."""

    @abstractmethod
    def pixels(self, index_batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """uint8 [B, H, W, C] on the device for each int64 [B] of `index_batches` (on the CPU)."""

    @property
    def num_images(self) -> int:
        return len(self.labels)

    @property
    def nbytes(self) -> int:
        """Bytes of all the images, decoded."""
        channels, height, width = self.shape
        return self.num_images * channels * height * width

    def with_statistics(self: Self, mean: tuple[float, ...], std: tuple[float, ...]) -> Self:
        return replace(self, mean=tuple(mean), std=tuple(std))

    def with_notes(self: Self, *notes: str) -> Self:
        return replace(self, notes=(*self.notes, *notes))

    def with_fingerprint(self: Self, contents: str) -> Self:
        """contents: digest of what was read."""
        return replace(self, fingerprint=fingerprint(self.labels, self.classes, self.shape, contents))


@dataclass(frozen=True, eq=False, kw_only=True)
class ResidentImages(ImageSet):
    """Images in memory: `tensor` uint8 [N, H, W, C], so that batches are channels-last as they come.

    on_host: too large for the device: the tensor stays on the CPU and only batches move.
    """

    tensor: Tensor
    on_host: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        height, width, channels = self.tensor.shape[1:]
        return channels, height, width

    def subset(self, indices: Tensor) -> ResidentImages:
        tensor = self.tensor.index_select(0, indices.to(self.tensor.device))
        return replace(self, tensor=tensor, labels=self.labels[indices])

    def to(self, device: torch.device | str) -> ResidentImages:
        tensor = self.tensor if self.on_host else self.tensor.to(device)
        return replace(self, tensor=tensor, device=torch.device(device))

    def pixels(self, index_batches: Iterable[Tensor]) -> Iterator[Tensor]:
        batches = list(index_batches)
        # In one go: a copy to the device a batch would wait for it.
        indices = torch.cat(batches).to(self.tensor.device)
        for part in indices.split([len(batch) for batch in batches]):
            yield self.tensor.index_select(0, part).to(self.device)


@dataclass(frozen=True, eq=False, kw_only=True)
class StreamedImages(ImageSet):
    """Images in files, decoded to `form` by `workers` processes (0: by this one) when asked for.

    The processes stay for the next epoch, and end with the set. Epochs that go on at the same time have their own.
    """

    paths: tuple[str, ...]
    form: Form
    workers: int = 0
    _idle: list[_Reader] = field(default_factory=list, init=False, repr=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.form.channels, *self.form.size

    def subset(self, indices: Tensor) -> StreamedImages:
        paths = tuple(self.paths[index] for index in indices.tolist())
        return replace(self, paths=paths, labels=self.labels[indices])

    def to(self, device: torch.device | str) -> StreamedImages:
        return replace(self, device=torch.device(device))

    def pixels(self, index_batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """Raises ValueError for a file that went bad since the set was loaded."""
        reader = self._idle.pop() if self._idle else _Reader(self)
        try:
            for batch in reader.read([indices.tolist() for indices in index_batches]):
                if isinstance(batch, str):
                    raise ValueError(batch)
                yield batch.to(self.device, non_blocking=True)
        except GeneratorExit:  # the epoch was abandoned
            self._idle.append(reader)
            raise
        self._idle.append(reader)


class _Reader:
    """A streamed set's processes, which decode the batches of one epoch after another."""

    def __init__(self, images: StreamedImages) -> None:
        """The generator is there because a loader otherwise takes its seed from the global one."""
        self._epoch = _Epoch()
        loader: DataLoader[Tensor | str] = DataLoader(
            _Files(images.paths, images.form),
            batch_sampler=self._epoch,
            collate_fn=_as_it_is,
            num_workers=images.workers,
            persistent_workers=images.workers > 0,
            worker_init_fn=depend_on_parent,
            multiprocessing_context=clean_context() if images.workers else None,
            generator=torch.Generator().manual_seed(0),
            pin_memory=images.device.type == "cuda",
        )
        # The loader is let go before anything of it, whose queues must be whole for the processes to be told to end.
        self._loaders = [loader]
        weakref.finalize(self, self._loaders.clear)

    def read(self, index_batches: list[list[int]]) -> Iterator[Tensor | str]:
        """What is still on its way of an epoch before, which was abandoned, is dropped."""
        self._epoch.batches = index_batches
        with interrupts_held_back():
            return iter(self._loaders[0])


class _Epoch:
    """The indices of each batch, which a loader asks for as an epoch begins."""

    batches: list[list[int]]

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


class _Files(Dataset["Tensor | str"]):
    """Whole batches of decoded files; a message instead where one fails (errors lose their type on the
    way from a worker)."""

    def __init__(self, paths: tuple[str, ...], form: Form) -> None:
        self.paths = paths
        self.form = form

    def __getitems__(self, indices: list[int]) -> Tensor | str:
        try:
            return decode_all([self.paths[index] for index in indices], self.form)
        except ValueError as error:
            return str(error)


def _as_it_is(batch: Any) -> Any:
    return batch
