"""The layouts of images with masks that people have, and the parts of a data set in each.

train/*, trainannot/*.png and so on                                        CamVid as SegNet has it
JPEGImages/*, SegmentationClass/*.png, ImageSets/Segmentation/train.txt    VOC
leftImg8bit/train/<city>/*, gtFine/train/<city>/*_labelIds.png             Cityscapes
images/train/*, masks/train/*.png, or train/images/*, train/masks/*.png, or images/*, masks/*.png: all training
any of these in a folder that holds nothing else, or packed as a .zip; classes.txt names the classes, one a line
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nastk.annotations import legends
from nastk.annotations.classes import unlearned
from nastk.annotations.image_files import Sizes, by_stem, read_sizes
from nastk.annotations.masks import Pair, listed_classes, read_masks
from nastk.annotations.places import called, existing_folder, find_below, part_of
from nastk.annotations.review import Review
from nastk.annotations.sets import IGNORED, Legend, MaskedImages
from nastk.annotations.voc import VOC_LISTS, listed
from nastk.data.files import is_there, printable
from nastk.data.listing import entries_of
from nastk.data.parts import Part

_IMAGES = ("images", "image", "imgs", "img", "jpegimages")
_MASKS = ("masks", "mask", "labels", "label", "annotations", "annotation", "annots", "gt", "segmentation")
_ANNOT = "annot"  # behind the name of a part, as SegNet has it
_CLASSES = "classes.txt"
_CITY_IMAGE = "_leftImg8bit"


@dataclass(frozen=True)
class _Found:
    """The images and the masks of one part by their names, and which images belong to it (None: all)."""

    place: Path
    images: Mapping[str, str]
    masks: Mapping[str, str]
    names: Sequence[str] | None = None


@dataclass(frozen=True)
class _Layout:
    """legend: of the layout's own data set; None: any set's."""

    parts: Mapping[Part, _Found]
    legend: Legend | None = None


def load_masks(
    place: Path, root: Path, ignored: Collection[int] = (IGNORED,), sizes: Sizes = read_sizes
) -> dict[Part, MaskedImages]:
    """All parts of a data set of masks, of training images at least; all have the training images' classes.

    root: the data directory, below which archives are unpacked. ignored: values of pixels that count neither way,
    where the layout does not say. ValueError, in one line, where there are no such masks, or where they are wrong.
    """

    def find(folder: Path) -> tuple[Path, _Layout] | None:
        layout = _camvid(folder) or _voc(folder) or _cityscapes(folder) or _plain(folder)
        return (folder, layout) if layout else None

    missing = (
        "masks that are known: expected images/train/* with masks/train/*.png, or the folders of CamVid, VOC or "
        "Cityscapes"
    )
    folder, layout = find_below(existing_folder(place, root), find, missing)
    if "train" not in layout.parts:
        raise ValueError(f"{printable(folder)} has masks of {', '.join(layout.parts)}, none of train")
    named = is_there(folder / _CLASSES)
    legend = listed_classes(folder / _CLASSES, ignored) if named else layout.legend
    parts: dict[Part, MaskedImages] = {}
    for part in sorted(layout.parts, key=lambda part: part != "train"):
        found = layout.parts[part]
        images = read_masks(found.place, _pairs(found), legend, ignored, sizes)
        legend = images.legend
        parts[part] = replace(images, notes=unlearned(images, parts.get("train", images)))
    return parts


def _pairs(found: _Found) -> list[Pair]:
    """ValueError for an image without a mask, or a name of a list without an image."""
    review = Review(found.place)
    pairs = []
    for name in found.images if found.names is None else found.names:
        for kind, paths in (("image", found.images), ("mask", found.masks)):
            if name not in paths:
                review.fault(printable(name), f"there is no {kind} of this name")
        if name in found.images and name in found.masks:
            pairs.append(Pair(name, found.images[name], found.masks[name]))
    review.refuse()
    return pairs


def _camvid(place: Path) -> _Layout | None:
    folders, _ = entries_of(place)
    parts = {
        part: _Found(place / name, by_stem(place / name), by_stem(place / f"{name}{_ANNOT}"))
        for name in folders
        if (part := part_of(name)) and f"{name}{_ANNOT}" in folders
    }
    return _Layout(parts, legends.CAMVID) if parts else None


def _voc(place: Path) -> _Layout | None:
    images, masks = called(place, "jpegimages"), called(place, "segmentationclass")
    if images is None or masks is None:
        return None
    found_images, found_masks = by_stem(images), by_stem(masks)
    lists = place / "ImageSets" / "Segmentation"
    parts = {
        part: _Found(path, found_images, found_masks, listed(path))
        for part, names in VOC_LISTS.items()
        if (path := next((lists / name for name in names if is_there(lists / name)), None))
    }
    if not parts:
        parts["train"] = _Found(masks, found_images, found_masks, list(found_masks))
    return _Layout(parts, legends.VOC)


def _cityscapes(place: Path) -> _Layout | None:
    images, masks = place / "leftImg8bit", place / "gtFine"
    if not images.is_dir() or not masks.is_dir():
        return None
    names = {
        part: name for name in entries_of(masks)[0] if (part := part_of(name)) and is_there(images / name)
    }
    names.pop("test", None)  # whose masks are empty: it is scored by those who have them
    found = {part: by_stem(masks / name) for part, name in names.items()}
    for ending, legend in legends.CITYSCAPES.items():
        if found and all(_ending(each, ending) for each in found.values()):
            parts = {
                part: _Found(
                    masks / name, _ending(by_stem(images / name), _CITY_IMAGE), _ending(found[part], ending)
                )
                for part, name in names.items()
            }
            return _Layout(parts, legend)
    raise ValueError(f"{printable(masks)} has no train/<city>/*{' or *'.join(legends.CITYSCAPES)}.png")


def _plain(place: Path) -> _Layout | None:
    parts: dict[Part, _Found] = {}
    for part, images, masks in _image_and_mask_folders(place):
        if part in parts:
            raise ValueError(f"{printable(parts[part].place)} and {printable(images)} are both of {part}")
        parts[part] = _Found(images, by_stem(images), by_stem(masks))
    return _Layout(parts) if parts else None


def _image_and_mask_folders(place: Path) -> Iterator[tuple[Part, Path, Path]]:
    images, masks = called(place, *_IMAGES), called(place, *_MASKS)
    folders = entries_of(place)[0]
    if images is None or masks is None:
        for name in folders:
            inner = called(place / name, *_IMAGES), called(place / name, *_MASKS)
            if (part := part_of(name)) and inner[0] and inner[1]:
                yield part, inner[0], inner[1]
        return
    inside = [(part, name) for name in entries_of(images)[0] if (part := part_of(name))]
    if not inside:
        yield "train", images, masks
    for part, name in inside:
        if part != "test" or is_there(masks / name):  # test images often have none
            yield part, images / name, masks / name


def _ending(paths: Mapping[str, str], ending: str) -> dict[str, str]:
    """Those whose names end so, by their names without it."""
    return {name.removesuffix(ending): path for name, path in paths.items() if name.endswith(ending)}
