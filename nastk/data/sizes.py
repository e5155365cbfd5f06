"""The size that images are brought to.

The rule. Sides are multiples of 4, because the networks halve them twice. Images that are all of one
such size stay as they are. Of one other size: each side becomes the next lower multiple of 4. Of
different sizes: squares, of the smallest side there is, rounded down to a multiple of 4, but at least
16 and at most 64. Where a side is above `data.max_side`, both are reduced in proportion until none is (to
multiples of 4, at least 8). `data.image_size` asks for squares of that side instead. An image is scaled (bilinear,
antialiased) until it just covers the wanted size, and its centre is cut out.
"""

from __future__ import annotations

import math
from collections.abc import Collection

from torch import Tensor

SMALLEST = 8
_LARGE = 2**24  # pixels of a scaled image, of which only the centre is wanted


def check_image_size(image_size: int | None) -> None:
    """Raise ValueError unless `data.image_size` is None or a multiple of 4 from 8 up."""
    if image_size is not None and (image_size % 4 or image_size < SMALLEST):
        raise ValueError(
            f"data.image_size: expected a multiple of 4, at least {SMALLEST}, found {image_size}"
        )


def wanted_size(
    sizes: Collection[tuple[int, int]], image_size: int | None, max_side: int | None = None
) -> tuple[int, int]:
    """(H, W) for images of the sizes (H, W) that there are; ValueError where they are too small."""
    if image_size is not None:
        return image_size, image_size
    height, width = _by_sizes(sizes)
    longest = max(height, width)
    if max_side is None or longest <= max_side:
        return height, width
    height, width = (max(side * max_side // longest // 4 * 4, SMALLEST) for side in (height, width))
    return height, width


def _by_sizes(sizes: Collection[tuple[int, int]]) -> tuple[int, int]:
    smallest = min(min(size) for size in sizes)
    if len(set(sizes)) > 1:
        side = min(max(smallest // 4 * 4, 16), 64)
        return side, side
    height, width = next(iter(sizes))
    if smallest < SMALLEST:
        raise ValueError(
            f"images of {height}x{width} pixels are too small (at least {SMALLEST}x{SMALLEST}); "
            "enlarge them with data.image_size"
        )
    return height // 4 * 4, width // 4 * 4


def resize_note(
    sizes: Collection[tuple[int, int]], size: tuple[int, int], which: str = "images"
) -> tuple[str, ...]:
    """What the user should know about it, if anything. which: "test images", say."""
    different = set(sizes)
    if different == {size}:
        return ()
    if len(different) == 1:
        found = "{} of {}x{} pixels".format(which, *different.pop())
    else:
        found = f"{which} of {len(different)} different sizes"
    return (f"{found} are scaled and centre-cropped to {size[0]}x{size[1]} (see data.image_size)",)


def covering(found: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """The least (H, W) of the proportions found that covers `size`."""
    scale = _scale(found, size)
    return max(size[0], round(found[0] * scale)), max(size[1], round(found[1] * scale))


def fit(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """uint8 [..., h, w, C] -> [..., H, W, C]: scaled until it covers `size`, the centre cut out."""
    found = pixels.shape[-3], pixels.shape[-2]
    if found == size:
        return pixels
    from torchvision.transforms.v2 import functional  # takes seconds, and most sets need no resizing

    if math.prod(covering(found, size)) > max(_LARGE, 4 * math.prod(size)):
        pixels = _middle(pixels, size)
        found = pixels.shape[-3], pixels.shape[-2]
    planes = functional.resize(pixels.movedim(-1, -3), list(covering(found, size)), antialias=True)
    return functional.center_crop(planes, list(size)).movedim(-3, -1).contiguous()


def _scale(found: tuple[int, int], size: tuple[int, int]) -> float:
    return max(size[0] / found[0], size[1] / found[1])


def _middle(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """Of images far longer than they are wide, twice what is wanted of them, about the same centre."""
    scale = _scale((pixels.shape[-3], pixels.shape[-2]), size)
    for axis, wanted in ((-3, size[0]), (-2, size[1])):
        length = pixels.shape[axis]
        kept = min(math.ceil(2 * wanted / scale), length)
        kept += (length - kept) % 2
        pixels = pixels.narrow(axis, (length - kept) // 2, kept)
    return pixels
