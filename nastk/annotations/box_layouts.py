"""The layouts of images with boxes that people have, and the parts of a data set in each.

annotations/instances_train2017.json, with train2017/* or images/train2017/* or images/*       COCO
train/_annotations.coco.json with the images beside it                                         COCO
Annotations/*.xml, JPEGImages/* and ImageSets/Main/train.txt; several years of it, together    VOC
train/*.xml with the images beside them; annotations/*.xml with images/*: all training         VOC
data.yaml with train: images/train and labels/train/*.txt, or train/images and train/labels    YOLO
any of these in a folder that holds nothing else, or packed as a .zip; a .json or a .yaml by itself
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from nastk.annotations.classes import together, with_common_classes
from nastk.annotations.coco import read_coco
from nastk.annotations.coco_files import CocoFile, coco_files, lone_coco_file
from nastk.annotations.image_files import Sizes, by_stem, read_sizes
from nastk.annotations.places import called, existing_folder, find_below, part_of
from nastk.annotations.sets import BoxedImages
from nastk.annotations.voc import VOC_LISTS, listed, read_voc
from nastk.annotations.yolo import images_of, read_description, read_yolo
from nastk.data.files import is_there, printable
from nastk.data.listing import entries_of
from nastk.data.parts import Part

Reader = Callable[[Sizes], BoxedImages]


def load_boxes(place: Path, root: Path, sizes: Sizes = read_sizes) -> dict[Part, BoxedImages]:
    """All parts of a data set of boxes, of training images at least, with their classes in common.

    root: the data directory, below which archives are unpacked. ValueError, in one line, where there are no such
    annotations, or where they are wrong.
    """
    return with_common_classes({part: read(sizes) for part, read in find_boxes(place, root).items()})


def find_boxes(place: Path, root: Path) -> dict[Part, Reader]:
    """What reads each part; no annotation is read yet."""
    kind = place.suffix.lower()
    if kind == ".json" and place.is_file():
        return {"train": _coco_reader(lone_coco_file(place))}
    if kind in (".yaml", ".yml") and place.is_file():
        return _yolo_parts(place, None)
    folder = existing_folder(place, root, "a .json", "a .yaml file")
    within = None if folder == place else folder  # nothing may lead out of an archive's
    return find_below(
        folder,
        partial(_in_folder, within),
        "boxes that are known: expected annotations/instances_train.json (COCO), Annotations/*.xml (VOC) or a .yaml "
        "file with names (YOLO)",
    )


def _in_folder(within: Path | None, place: Path) -> dict[Part, Reader] | None:
    found = {"COCO": _coco(place), "VOC": _voc(place), "YOLO": _yolo(place, within)}
    kinds = [kind for kind, parts in found.items() if parts]
    if len(kinds) > 1:
        raise ValueError(
            f"{printable(place)} holds annotations of {' and of '.join(kinds)}: leave one of them there, or name "
            "a .json or .yaml file as the data set"
        )
    parts = found[kinds[0]] if kinds else None
    if parts and "train" not in parts:
        raise ValueError(
            f"{printable(place)} has {kinds[0]} annotations of {', '.join(parts)}, none of train"
        )
    return parts


def _coco(place: Path) -> dict[Part, Reader]:
    return {part: _coco_reader(file) for part, file in coco_files(place).items()}


def _coco_reader(file: CocoFile) -> Reader:
    return lambda sizes: read_coco(file.path, file.folders, sizes)


def _voc(place: Path) -> dict[Part, Reader]:
    folders, _ = entries_of(place)
    if _has_xml(place):
        return {part: partial(_years, place, [place], part) for part in _voc_parts(place)}
    beside = {part: place / name for name in folders if (part := part_of(name)) and _xml_files(place / name)}
    if beside:
        return {part: partial(_beside, folder) for part, folder in beside.items()}
    years = [place / name for name in folders if _has_xml(place / name)]
    parts = dict.fromkeys(part for year in years for part in _voc_parts(year))
    return {part: partial(_years, place, years, part) for part in parts}


def _has_xml(year: Path) -> bool:
    folder = called(year, "annotations")
    return folder is not None and bool(_xml_files(folder))


def _voc_parts(year: Path) -> dict[Part, Path | None]:
    """The lists of a year's parts; without any list all is to train on."""
    lists = year / "ImageSets" / "Main"
    found = {
        part: next((lists / name for name in names if is_there(lists / name)), None)
        for part, names in VOC_LISTS.items()
    }
    there: dict[Part, Path | None] = {part: path for part, path in found.items() if path}
    return there or {"train": None}


def _years(place: Path, years: Sequence[Path], part: Part, sizes: Sizes) -> BoxedImages:
    several = []
    for year in years:
        parts = _voc_parts(year)
        if part in parts:
            several.append(_year(year, parts[part], sizes))
    return several[0] if len(several) == 1 else together(place, several)


def _year(year: Path, names: Path | None, sizes: Sizes) -> BoxedImages:
    folder = called(year, "annotations")
    images = called(year, "jpegimages", "images")
    assert folder is not None
    if images is None:
        raise ValueError(f"{printable(year)} has no folder JPEGImages (or images) beside {folder.name}")
    files = [folder / f"{name}.xml" for name in listed(names)] if names else _xml_files(folder)
    return read_voc(names or folder, files, by_stem(images), sizes)


def _beside(folder: Path, sizes: Sizes) -> BoxedImages:
    return read_voc(folder, _xml_files(folder), by_stem(folder), sizes)


def _yolo(place: Path, within: Path | None) -> dict[Part, Reader]:
    _, files = entries_of(place)
    found = [place / name for name in files if name.lower().endswith((".yaml", ".yml"))]
    if len(found) > 1:
        shown = ", ".join(printable(path.name) for path in found[:3])
        raise ValueError(f"{printable(place)} holds several descriptions ({shown}): name one as the data set")
    return _yolo_parts(found[0], within) if found else {}


def _yolo_parts(path: Path, within: Path | None) -> dict[Part, Reader]:
    description = read_description(path, within)

    def reader(places: Sequence[Path]) -> Reader:
        return lambda sizes: read_yolo(places[0], images_of(places, within), description.classes, sizes)

    return {part: reader(places) for part, places in description.parts.items()}


def _xml_files(folder: Path) -> list[Path]:
    return [folder / name for name in entries_of(folder)[1] if name.lower().endswith(".xml")]
