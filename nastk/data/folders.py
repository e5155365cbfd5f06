"""Images in files: from a listing of them to an ImageSet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from nastk.data.decoding import Form, Header, check, decode, read_extremes, read_header
from nastk.data.file_index import FileIndex, file_index
from nastk.data.file_records import HEADERS, digests_of
from nastk.data.files import open_file, printable
from nastk.data.fingerprint import digest_of_file, digest_of_files, names_of_classes
from nastk.data.images import ImageSet, ResidentImages, StreamedImages
from nastk.data.listing import Listing
from nastk.data.sieve import Sieve
from nastk.data.sizes import resize_note, wanted_size
from nastk.data.split import Selection
from nastk.data.values import Extremes, ValueRange, range_note, together, value_range
from nastk.schema import DataConfig


def read_files(
    listing: Listing, config: DataConfig, *, selection: Selection, like: ImageSet | None, which: str
) -> ImageSet:
    """The set of the listed files that are selected, without mean and std; resident if it is no larger than
    `data.resident_mib`.

    The set is grey if all its files are, else colour; alpha is dropped. like: the training set, of whose
    classes these must be and whose channels, size and range of values these images get. which: as notes call
    them. Raises ValueError for what is missing and, unless `data.skip_corrupt`, for files that cannot be read.
    """
    place = listing.place
    labels, notes = labels_like(listing, like)
    paths, classes = listing.paths, like.classes if like else listing.classes
    part, num_found = selection.of(labels, classes)
    if part is not None:
        paths, labels = [paths[number] for number in part.tolist()], labels[part]

    sieve = Sieve(place, classes, config)
    with file_index(listing, paths, config) as index:
        paths, labels, headers = sieve.readable(read_header, paths, labels, partial(index.attempt, HEADERS))
        sizes = {header.size for header in headers}
        channels = 1 if all(header.grey for header in headers) else 3
        if like is None:
            try:
                size = wanted_size(sizes, config.image_size, config.max_side)
            except ValueError as error:
                raise ValueError(f"{printable(place)}: {error}") from None
        else:
            size = (like.shape[1], like.shape[2])
            if channels == 3 and like.shape[0] == 1:
                notes.append(f"colour images in {printable(place)} are read as grey: the training images are")
            channels = like.shape[0]
        notes += [*resize_note(sizes, size, which), *_halved_note(headers)]

        values = like.values if like else None
        deep = {path for path, header in zip(paths, headers, strict=True) if header.deep}
        if deep and values is None:
            paths, labels, values = _range_of(deep, sieve, paths, labels)
            notes += range_note(values)

        form = Form(channels, size) if values is None else Form(channels, size, values)
        load = _resident if len(paths) * form.nbytes <= config.resident_mib * 2**20 else _streamed
        images, digests = load(sieve, index, paths, labels, form)
    images = replace(images, values=values, num_found=num_found).with_fingerprint(digest_of_files(digests))
    return images.with_notes(*notes, *listing.notes, *sieve.notes())


def _range_of(
    deep: set[str], sieve: Sieve, paths: list[str], labels: Tensor
) -> tuple[list[str], Tensor, ValueRange]:
    """The paths and labels that are left, and the range of values of those that are deep."""

    def read(path: str) -> Extremes | None:
        return read_extremes(path) if path in deep else None

    paths, labels, found = sieve.readable(read, paths, labels)
    return paths, labels, value_range(together(extremes for extremes in found if extremes is not None))


def _resident(
    sieve: Sieve, _index: FileIndex, paths: list[str], labels: Tensor, form: Form
) -> tuple[ImageSet, list[bytes]]:
    """The images and the digests of their files, all of which are read anyway.

    Each file is decoded to its place, because a list of images would need the memory twice.
    """
    tensor = torch.empty(len(paths), *form.size, form.channels, dtype=torch.uint8)
    row = {path: number for number, path in enumerate(paths)}

    def read(path: str) -> tuple[int, bytes]:
        digest = _digest(path)
        tensor[row[path]] = decode(path, form)
        return row[path], digest

    _, labels, found = sieve.readable(read, paths, labels)
    if len(found) < len(paths):
        tensor = tensor[torch.tensor([number for number, _ in found])]
    images = ResidentImages(tensor=tensor, labels=labels, classes=sieve.classes)
    return images, [digest for _, digest in found]


def _streamed(
    sieve: Sieve, index: FileIndex, paths: list[str], labels: Tensor, form: Form
) -> tuple[ImageSet, list[bytes]]:
    """The images, all of which can be decoded, and the digests of their files."""
    attempt = partial(index.attempt, digests_of(form.channels))
    paths, labels, digests = sieve.readable(partial(_checked, form), paths, labels, attempt)
    images = StreamedImages(
        paths=tuple(paths), labels=labels, classes=sieve.classes, form=form, workers=sieve.config.workers
    )
    return images, digests


def _checked(form: Form, path: str) -> bytes:
    """The digest of a file that can be decoded."""
    digest = _digest(path)
    check(path, form)
    return digest


def _digest(path: str) -> bytes:
    """Taken just before the file is decoded, which then finds it in the system's memory."""
    with open_file(path) as stream:
        return digest_of_file(stream)


def _halved_note(headers: Sequence[Header]) -> tuple[str, ...]:
    num = sum(header.halved for header in headers)
    if num == 0:
        return ()
    files = "1 image" if num == 1 else f"{num:,} images"
    return (f"{files} of 16 bits a colour: only the upper 8 are read (they are dark where fewer are used)",)


def labels_like(listing: Listing, like: ImageSet | None) -> tuple[Tensor, list[str]]:
    """The labels as numbers of the training set's classes, and a note where some of those are missing.

    ValueError for a class that the training set does not have.
    """
    if like is None or listing.classes == like.classes:
        return listing.labels, []
    unseen = sorted(set(listing.classes) - set(like.classes))
    if unseen:
        raise ValueError(
            f"{printable(listing.place)}: its classes must be among the training set's, "
            f"but {unseen[0]!r} is in no training image"
        )
    numbers = torch.tensor([like.classes.index(name) for name in listing.classes])
    missing = [name for name in like.classes if name not in listing.classes]
    return numbers[listing.labels], [
        f"{printable(listing.place)} has no image of {names_of_classes(missing)}"
    ]
