"""Where the parts of a set of boxes lie, in all the layouts that people have, and the classes they have in common."""

import json
import zipfile

import pytest
from annotated import VOC, boxes_of, coco, put_coco, put_image, put_text, refused

from nastk.annotations.box_layouts import load_boxes
from nastk.annotations.classes import counts_text


@pytest.fixture
def load(tmp_path):
    def load(name="set"):
        return load_boxes(tmp_path / name, tmp_path / "data")

    return load


def put_voc(year, **lists):
    """lists: names of images of every part."""
    for part, names in lists.items():
        put_text(year / "ImageSets" / "Main" / f"{part}.txt", "\n".join(names))
        for name in names:
            put_image(year / "JPEGImages" / f"{name}.jpg")
            put_text(year / "Annotations" / f"{name}.xml", VOC)


def put_yolo(folder, *parts, where="images/{}", names="[cow, bee]"):
    for part in parts:
        put_image(folder / where.format(part) / f"{part}.png")
        label = folder / where.format(part).replace("images", "labels") / f"{part}.txt"
        put_text(label, "0 0.5 0.5 0.5 0.5")
    lines = [f"names: {names}", *(f"{part}: {where.format(part)}" for part in parts)]
    put_text(folder / "data.yaml", "\n".join(lines))


@pytest.mark.parametrize(
    ("file", "images"),
    [
        ("annotations/instances_{}2017.json", "{}2017"),
        ("annotations/instances_{}2017.json", "images/{}2017"),
        ("Annotations/{}.json", "{}"),
        ("{}.json", "images"),
        ("{}.json", "images/{}"),
        ("{}/_annotations.coco.json", "{}"),
        ("{}/annotations.json", "{}/images"),
    ],
)
def test_coco(load, tmp_path, file, images):
    for part in ("train", "val"):
        put_coco(tmp_path / "set" / file.format(part), tmp_path / "set" / images.format(part))
    put_text(tmp_path / "set" / "annotations" / "captions_train2017.json", "{")
    parts = load()
    assert list(parts) == ["train", "validation"]
    assert [len(part.images) for part in parts.values()] == [2, 2]
    for name, part in zip(("train", "val"), parts.values(), strict=True):
        assert part.images[0].path == str(tmp_path / "set" / images.format(name) / "a.png")


@pytest.mark.parametrize(
    "name", ["result.json", "instances_default.json", "train.json", "_annotations.coco.json"]
)
def test_one_coco_file_is_of_training_images(load, tmp_path, name):
    put_coco(tmp_path / "set" / name, tmp_path / "set" / "images")
    assert list(load()) == list(load(f"set/{name}")) == ["train"]


def test_a_file_by_itself_has_its_images_around_it(load, tmp_path):
    put_coco(tmp_path / "set" / "annotations" / "instances_val2017.json", tmp_path / "set" / "val2017")
    assert list(load("set/annotations/instances_val2017.json")) == ["train"]


def test_two_coco_files_of_a_part(load, tmp_path):
    for name in ("instances_train2014.json", "instances_train2017.json"):
        put_coco(tmp_path / "set" / name, tmp_path / "set" / "images")
    refused(load, "instances_train2014.json and ", "instances_train2017.json are both of train: leave one")


def test_voc(load, tmp_path):
    put_voc(tmp_path / "set", train=["a"], val=["b", "c"], trainval=["a", "b", "c"], test=["d"])
    parts = load()
    assert {part: [image.id for image in found.images] for part, found in parts.items()} == {
        "train": ["a"],
        "validation": ["b", "c"],
        "test": ["d"],
    }
    assert parts["test"].classes == ("ant", "cow")


def test_voc_of_several_years_in_folders_around_it(load, tmp_path):
    devkit = tmp_path / "set" / "VOCdevkit"
    put_voc(devkit / "VOC2007", trainval=["a"], test=["b"])
    put_voc(devkit / "VOC2012", train=["c"], val=["d"])
    put_text(devkit / "VOC2012" / "Annotations" / "c.xml", VOC.replace("ant<", "bee<"))
    parts = load()
    train = parts["train"]
    assert [image.id for image in train.images] == ["a", "c"]
    assert list(parts) == ["train", "validation", "test"] and len(parts["validation"].images) == 1
    assert train.classes == parts["test"].classes == ("ant", "cow", "bee")
    assert [[train.classes[label] for label in image.labels] for image in train.images] == [
        ["cow", "ant"],
        ["cow", "bee"],
    ]


def test_an_image_of_a_list_without_xml(load, tmp_path):
    put_voc(tmp_path / "set", train=["a", "b"])
    (tmp_path / "set" / "Annotations" / "b.xml").unlink()
    refused(load, "train.txt: b.xml: ", "no such file")


def test_voc_without_lists(load, tmp_path):
    put_image(tmp_path / "set" / "images" / "a.png")
    put_text(tmp_path / "set" / "annotations" / "a.xml", VOC)
    assert list(load()) == ["train"]
    (tmp_path / "set" / "images").rename(tmp_path / "set" / "pictures")
    refused(load, "set has no folder JPEGImages (or images) beside annotations")


def test_voc_with_images_beside_the_files(load, tmp_path):
    for part in ("train", "valid"):
        put_image(tmp_path / "set" / part / "a.jpg")
        put_text(tmp_path / "set" / part / "a.xml", VOC)
    assert list(load()) == ["train", "validation"]


@pytest.mark.parametrize("where", ["images/{}", "{}/images"])
def test_yolo(load, tmp_path, where):
    put_yolo(tmp_path / "set", "train", "val", where=where)
    for parts in (load(), load("set/data.yaml")):
        assert list(parts) == ["train", "validation"]
        assert boxes_of(parts["validation"].images[0]) == [[15, 10, 45, 30]]


def test_two_descriptions(load, tmp_path):
    put_yolo(tmp_path / "set", "train")
    put_text(tmp_path / "set" / "other.yml", "")
    refused(load, "set holds several descriptions (data.yaml, other.yml): name one")


def test_two_formats_at_once(load, tmp_path):
    put_yolo(tmp_path / "set", "train")
    put_coco(tmp_path / "set" / "train.json", tmp_path / "set" / "images" / "train")
    refused(
        load, "set holds annotations of COCO and of YOLO: leave one of them there, or name a .json or .yaml"
    )
    assert load("set/data.yaml") and load("set/train.json")


def test_what_has_no_training_images_or_no_boxes(load, tmp_path):
    put_yolo(tmp_path / "set", "val")
    refused(load, "set has YOLO annotations of validation, none of train")
    put_image(tmp_path / "plain" / "deep" / "deeper" / "a.png")
    refused(
        lambda: load("plain"), "deeper has no boxes that are known: expected annotations/instances_train.json"
    )
    refused(lambda: load("plain/deep/deeper/a.png"), "a.png is not a folder, a .zip, a .json or a .yaml file")
    refused(lambda: load("missing"), "missing does not exist (expected a folder")


def test_an_archive_holds_what_its_folder_held(load, tmp_path):
    put_yolo(tmp_path / "set", "train", "val")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in (tmp_path / "set").rglob("*.*"):
            archive.write(file, file.relative_to(tmp_path))
    for packed, plain in zip(load("set.zip").values(), load().values(), strict=True):
        assert boxes_of(packed.images[0]) == boxes_of(plain.images[0])


def test_an_archive_s_description_leads_nowhere_else(load, tmp_path):
    put_image(tmp_path / "outside" / "images" / "a.png")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("data.yaml", f"names: [cow]\ntrain: {tmp_path}/outside/images")
    refused(lambda: load("set.zip"), "data.yaml: ", "is not there")


def with_categories(*names):
    """As `coco`, with other names of the categories 2, 17 and 90."""
    categories = [{"id": number, "name": name} for number, name in zip((2, 17, 90), names, strict=True)]
    return coco() | {"categories": categories}


def test_classes_are_the_same_by_name_and_not_by_number(load, tmp_path):
    for part, document in (("train", coco()), ("val", with_categories("cow", "owl", "bee"))):
        put_coco(tmp_path / "set" / f"{part}.json", tmp_path / "set" / "images", document)
    train, val = load().values()
    assert train.classes == val.classes == ("bee", "ant", "cow", "owl")
    assert (train.counts().tolist(), val.counts().tolist()) == ([1, 0, 2, 0], [2, 0, 1, 0])
    assert not val.notes


def test_classes_that_no_training_image_has(load, tmp_path):
    for part, document in (("train", coco()), ("val", with_categories("ant", "bee", "cow"))):
        put_coco(tmp_path / "set" / f"{part}.json", tmp_path / "set" / "images", document)
    train, val = load().values()
    assert not train.notes
    assert val.notes == (f"{tmp_path}/set/val.json has something of 1 class that no training image has: ant",)


def test_no_class_in_common(load, tmp_path):
    for part, document in (("train", coco()), ("val", with_categories("Bee", "ant", "Cow"))):
        put_coco(tmp_path / "set" / f"{part}.json", tmp_path / "set" / "images", document)
    refused(load, "val.json has no class in common with ", "train.json: Bee, Cow there, bee, cow here")


def test_no_object_to_learn_from(load, tmp_path):
    put_coco(tmp_path / "set" / "train.json", tmp_path / "set" / "images", coco() | {"annotations": []})
    refused(load, "train.json has nothing of any class: there is nothing to learn")


def test_a_part_without_objects_is_no_fault(load, tmp_path):
    for part, document in (("train", coco()), ("val", coco() | {"annotations": []})):
        put_coco(tmp_path / "set" / f"{part}.json", tmp_path / "set" / "images", document)
    assert load()["validation"].counts().tolist() == [0, 0, 0]


def test_counts_are_told(load, tmp_path):
    for part, document in (("train", coco()), ("val", coco())):
        document["annotations"] = document["annotations"][: 3 if part == "train" else 1]
        put_coco(tmp_path / "set" / f"{part}.json", tmp_path / "set" / "images", document)
    assert counts_text(load()).splitlines() == [
        "train 2 images with 3 objects of 2 classes, validation 2 images with 1 object of 1 class",
        "  bee  train 1  validation 0",
        "  cow  train 2  validation 1",
        "  no object of 1 class: ant",
    ]


def test_coco_mini(shared_data, tmp_path):
    """The counts of the sheet, which were taken with another program."""
    parts = load_boxes(shared_data / "coco_mini_ccby.zip", tmp_path)
    train, val = parts["train"], parts["validation"]
    assert (len(train.images), len(val.images), len(train.classes)) == (26, 25, 80)
    assert train.counts().sum() == 333 and (train.counts() > 0).sum() == 51 and val.counts().sum() == 213
    assert sum(image.crowd.sum() for image in train.images) == 5
    areas = [area for image in train.images for area in image.areas.tolist()]
    assert (sum(area < 32**2 for area in areas), sum(area > 96**2 for area in areas)) == (179, 41)
    assert not train.notes and "that no training image has" in val.notes[0]
    with zipfile.ZipFile(shared_data / "coco_mini_ccby.zip") as archive:
        document = json.loads(archive.read("annotations/instances_train2017.json"))
    first = document["annotations"][0]
    (image,) = (image for image in train.images if image.id == first["image_id"])
    left, top, width, height = first["bbox"]
    assert pytest.approx(boxes_of(image)[0], abs=1e-3) == [left, top, left + width, top + height]
    names = {category["id"]: category["name"] for category in document["categories"]}
    assert train.classes[image.labels[0]] == names[first["category_id"]]
