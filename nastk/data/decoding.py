"""Image files: what their headers say, whether they are whole, and their pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image, ImageFile
from torch import Tensor

from nastk.data.files import open_file
from nastk.data.formats import LONGEST, format_of
from nastk.data.memory import PixelBudget
from nastk.data.quiet import silent_stderr
from nastk.data.sizes import covering, fit
from nastk.data.values import SIXTEEN_BITS, Extremes, ValueRange, extremes_of, together

_DEEP = {"I", "I;16", "I;16B", "I;16L", "I;16N", "F"}  # PIL's modes of more than 8 bits
_GREY = {"1", "L", "LA"} | _DEEP
_SUBFILE_TYPE, _WIDTH, _HEIGHT, _ORIENTATION = 254, 256, 257, 274  # tags of TIFF; EXIF has the last one too
_SCALES = {"L;2": 85, "L;4": 17}  # by which Pillow multiplies grey pixels of so few bits
_EXCHANGES_SIDES = (5, 6, 7, 8)  # orientations

# Above so many pixels, which are hundreds of megabytes, an image is reduced before it is resized. Of smaller
# ones, which nearly all cameras take, all pixels count.
_HUGE = 2**26
_BAND = 2**22  # pixels of an image that are brought to bytes at a time
_BUDGET = PixelBudget(_HUGE)
# One thread has all huge images: each thread keeps some of the memory that it had before.
_ALONE = ThreadPoolExecutor(1)

T = TypeVar("T")


@dataclass(frozen=True)
class Header:
    """size: (H, W) in pixels, as the image is to be seen. deep: of more than 8 bits. halved: of 16 bits of
    which Pillow reads the upper 8. preview: a smaller picture, as at the head of cameras' raw files."""

    size: tuple[int, int]
    grey: bool
    deep: bool
    halved: bool
    preview: bool


@dataclass(frozen=True)
class Form:
    """What images are brought to: grey (1 channel) or colour (3), (H, W) in pixels; and what deep ones
    among them have as black and white."""

    channels: int
    size: tuple[int, int]
    values: ValueRange = SIXTEEN_BITS

    @property
    def nbytes(self) -> int:
        """Of one image."""
        return self.channels * self.size[0] * self.size[1]


def read_header(path: str) -> Header:
    with _opened(path) as image:
        size, turn = (image.height, image.width), _turn(image)
        tags = _tags(image)
        if tags is not None:  # some versions of Pillow turn its size with the header, others with the pixels
            size, turn = (int(tags[_HEIGHT]), int(tags[_WIDTH])), _orientation(tags)
        return Header(
            size=size[::-1] if turn in _EXCHANGES_SIDES else size,
            grey=image.mode in _GREY,
            deep=image.mode in _DEEP,
            halved=image.mode not in _DEEP and any(";16" in str(tile[3]) for tile in image.tile[:1]),
            preview=tags is not None and bool(int(tags.get(_SUBFILE_TYPE, 0)) & 1),
        )


def read_extremes(path: str) -> Extremes:
    """Of the values of a deep image."""
    with _opened(path) as image:
        return _in_turn(image, lambda: _extremes(image))


def check(path: str, form: Form) -> None:
    """Raise whatever `decode` would raise.

    A JPEG is decoded to an eighth of its sides: all its data are read, and they are where it can fail.
    """
    with _opened(path) as image:
        if _is_jpeg(image):
            _in_turn(image, image.load, draft=(1, 1))
        else:
            _in_turn(image, lambda: _bytes(image, form))


def decode(path: str, form: Form) -> Tensor:
    """uint8 [H, W, C] of a file, turned as its EXIF says; alpha is dropped.

    Of an animation it is the first picture, of a TIFF the first page.
    """
    with _opened(path) as image:
        huge = image.width * image.height > _HUGE
        return _in_turn(
            image,
            lambda: fit(torch.from_numpy(_bytes(image, form)), form.size),
            draft=_needed(image, form.size) if huge and _is_jpeg(image) else None,
        )


def decode_indices(path: str) -> np.ndarray:
    """uint8 [H, W] of a PNG whose pixels are numbers and no colours: those of a palette are not looked up.

    Raises ValueError for another file.
    """
    with _opened(path) as image:
        if image.format != "PNG":
            raise ValueError(f"a {image.format}, expected a PNG, which keeps numbers as they are")
        if image.mode not in ("1", "L", "P"):
            raise ValueError(
                f"its pixels are {image.mode}, expected numbers of at most 8 bits, grey or of a palette"
            )
        scale = max([_SCALES.get(str(tile[3]), 1) for tile in image.tile], default=1)
        indices = _in_turn(image, lambda: np.array(image).astype(np.uint8))
        return np.ascontiguousarray(_turned(indices // scale, _turn(image)))


@contextmanager
def _opened(path: str) -> Iterator[ImageFile.ImageFile]:
    with open_file(path) as stream:
        start = stream.read(LONGEST)
        kind = format_of(start)
        if kind is None:
            raise ValueError("not an image" if start else "0 bytes")
        silence = silent_stderr() if kind == "TIFF" else nullcontext()
        with silence, Image.open(stream, formats=[kind]) as image:
            yield image


def _in_turn(image: Image.Image, work: Callable[[], T], draft: tuple[int, int] | None = None) -> T:
    """`work`, which needs the image's pixels, when there is memory for them.

    draft: (H, W) that are enough of a JPEG: it is decoded to at least that, in halves.
    """
    num = image.width * image.height
    if draft is not None:
        image.draft(image.mode, draft[::-1])
        if not image.info.get("progressive"):  # of which all is held in memory, however small it gets
            num = image.width * image.height

    def in_turn() -> T:
        with _BUDGET.taking(num):
            return work()

    return _ALONE.submit(in_turn).result() if num > _HUGE else in_turn()


def _extremes(image: Image.Image) -> Extremes:
    image.load()
    return together(extremes_of(np.array(band)) for band in _bands(image, 1))


def _bytes(image: Image.Image, form: Form) -> np.ndarray:
    """uint8 [H, W, C]; of a huge image at least twice as large as `fit` will make it. Closes the image."""
    image.load()
    factor = 1
    if image.width * image.height > _HUGE:
        height, width = _needed(image, form.size)
        factor = max(min(image.height // height, image.width // width), 1)
    shape = -(-image.height // factor), -(-image.width // factor), form.channels
    pixels = np.empty(shape, np.uint8)
    top = 0
    for band in _bands(image, factor):
        part = _grey(band, form.values) if form.channels == 1 else _colour(band, form.values)
        if factor > 1:
            part = np.asarray(Image.fromarray(part).reduce(factor))
        pixels[top : top + len(part)] = part.reshape(-1, *shape[1:])
        top += len(part)
    image.close()
    return np.ascontiguousarray(_turned(pixels, _turn(image)))


def _needed(image: Image.Image, size: tuple[int, int]) -> tuple[int, int]:
    """(H, W) as the image lies in its file: twice the size that it will be scaled to."""
    if _turn(image) in _EXCHANGES_SIDES:
        size = size[::-1]
    height, width = covering((image.height, image.width), size)
    return 2 * height, 2 * width


def _bands(image: Image.Image, multiple: int) -> Iterator[Image.Image]:
    """The image from top to bottom in parts of whole rows, but the last a multiple of `multiple` of them."""
    rows = max(_BAND // image.width // multiple, 1) * multiple
    if rows >= image.height:
        yield image
        return
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


def _grey(image: Image.Image, values: ValueRange) -> np.ndarray:
    """uint8 [H, W]. PIL clips deep grey to 255 instead of scaling it, so that is done here."""
    if image.mode in _DEEP:
        return values.to_bytes(np.array(image))
    return np.array(image.convert("L"))


def _colour(image: Image.Image, values: ValueRange) -> np.ndarray:
    """uint8 [H, W, 3]."""
    if image.mode in _GREY:
        return np.repeat(_grey(image, values)[:, :, None], 3, axis=2)
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA")
    return np.array(image.convert("RGB"))


def _is_jpeg(image: Image.Image) -> bool:
    return image.format in ("JPEG", "MPO")


def _tags(image: Image.Image) -> Any:
    """A TIFF's; None: another format."""
    return getattr(image, "tag_v2", None)


def _turn(image: Image.Image) -> int:
    """The orientation (as in EXIF, 1 is upright) that the image has when Pillow has decoded it."""
    if _tags(image) is not None:  # Pillow turns a TIFF itself
        return 1
    try:
        return _orientation(
            Image.Image.getexif(image)
        )  # PNG's own would decode it, to look behind the pixels
    except Exception:  # Pillow raises many types on foreign bytes, and the picture itself may be whole
        return 1


def _orientation(tags: Any) -> int:
    found = tags.get(_ORIENTATION)
    return int(found) if found in range(1, 9) else 1


def _turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """[H, W, C] as it is to be seen."""
    if orientation in _EXCHANGES_SIDES:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
