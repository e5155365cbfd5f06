"""COCO's json: what is read of it, and what is said of everything that can be wrong with it."""

import json

import numpy as np
import pytest
from annotated import boxes_of, coco, put_coco, put_image, put_text, refused
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nastk.annotations.coco import read_coco


@pytest.fixture
def read(tmp_path):
    """Reads a document whose images a.png and b.png are of 60x40 pixels."""

    def read(document=None, folders=("pictures",)):
        path = put_coco(tmp_path / "set.json", tmp_path / "pictures", document)
        return read_coco(path, [tmp_path / name for name in folders])

    return read


def test_boxes_labels_and_flags(read, tmp_path):
    found = read()
    assert found.classes == ("bee", "ant", "cow")  # by their ids
    assert found.counts().tolist() == [1, 0, 2] and not found.notes and found.skeleton is None
    a, b = found.images
    assert (a.id, a.size, a.path) == (7, (40, 60), str(tmp_path / "pictures" / "a.png"))
    assert boxes_of(a) == [[1, 2, 31, 22], [0, 0, 60, 40]]
    assert (a.labels.tolist(), a.labels.dtype) == ([2, 0], np.int64)
    assert (a.areas.tolist(), a.areas.dtype) == ([450.5, 2400], np.float32)
    assert (a.crowd.tolist(), a.crowd.dtype) == ([False, True], bool)
    assert (a.difficult.tolist(), a.joints.shape) == ([False, False], (2, 0, 3))
    assert (b.id, b.size, boxes_of(b)) == (3, (40, 60), [[10.5, 4, 12.5, 6]])


def test_images_without_objects(read):
    found = read(coco() | {"annotations": []})
    (image, _) = found.images
    assert image.boxes.shape == (0, 4) and image.joints.shape == (0, 0, 3) and image.labels.dtype == np.int64
    assert found.counts().tolist() == [0, 0, 0]


def test_the_folder_that_has_the_first_image_is_taken(read, tmp_path):
    (tmp_path / "empty").mkdir()
    assert len(read(folders=("missing", "empty", "pictures")).images) == 2
    refused(lambda: read(folders=("missing", "empty")), "a.png is not there (looked in", "missing", "empty")


def test_names_with_folders(read, tmp_path):
    document = coco()
    document["images"][0]["file_name"] = "deep\\a.png"
    put_image(tmp_path / "pictures" / "deep" / "a.png")
    assert read(document).images[0].path.endswith("deep/a.png")


def test_boxes_that_rounding_put_outside_are_cut_and_empty_ones_left_out(read):
    document = coco()
    document["annotations"][0]["bbox"] = [-0.75, 2, 61.5, 20]
    document["annotations"][1]["bbox"] = [5, 5, 0, 10]
    found = read(document)
    assert boxes_of(found.images[0]) == [[0, 2, 60, 22]] and found.images[0].labels.tolist() == [2]
    cut, empty = found.notes
    assert "at most 1 pixel outside were cut at the edge (1): annotation 11 of a.png" in cut
    assert "left out boxes without any area (1): annotation 5 of a.png" in empty


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bbox": [10, 2, 52, 20]}, ["annotation 11 of a.png", "x 10, y 2 to x 62, y 22 leaves the image"]),
        ({"bbox": [-1.5, 2, 5, 20]}, ["annotation 11 of a.png", "leaves", "60 pixels wide and 40 high"]),
        ({"bbox": [1, -1.5, 5, 20]}, ["annotation 11 of a.png", "leaves"]),
        ({"bbox": [1, 30, 5, 11.5]}, ["annotation 11 of a.png", "leaves"]),
        ({"bbox": [20, 2, -5, 20]}, ["annotation 11 of a.png", "x 20, y 2 to x 15, y 22 is inverted"]),
        ({"bbox": [20, 2, 5, -2]}, ["annotation 11 of a.png", "inverted"]),
        ({"bbox": [1, 2, 3]}, ["annotation 11 of a.png", "bbox: expected 4 numbers, found [1, 2, 3]"]),
        ({"bbox": [1, 2, 3, True]}, ["annotation 11 of a.png", "bbox: expected 4 numbers"]),
        ({"bbox": [1, 2, "3", 4]}, ["annotation 11 of a.png", "bbox: expected 4 numbers"]),
        ({"bbox": None}, ["annotation 11 of a.png", "bbox", "found None"]),
        ({"category_id": 1}, ["annotation 11 of a.png", "there is no category 1"]),
        ({"category_id": [2]}, ["annotation 11 of a.png", "there is no category [2]"]),
        ({"iscrowd": 2}, ["annotation 11 of a.png", "iscrowd: expected 0 or 1, found 2"]),
        ({"area": -1}, ["annotation 11 of a.png", "area: expected a number of pixels, found -1"]),
        ({"image_id": 8}, ["annotation 11: there is no image 8"]),
        ({"id": 5}, ["annotation at place 2: its id 5 is another one's, too"]),
        ({"id": None}, ["annotation at place 1: expected an id, found None"]),
        ({"id": True}, ["annotation at place 1: expected an id, found True"]),
    ],
)
def test_wrong_annotations(read, change, words):
    document = coco()
    document["annotations"][0] |= change
    refused(lambda: read(document), "set.json: ", *words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"file_name": "c.png"}, ["c.png: no such file"]),
        ({"file_name": "a.png"}, ["image 3: 'a.png' is image 7, too"]),
        ({"file_name": "../b.png"}, ["image 3: its file_name leads out of the folder of images: '../b.png'"]),
        ({"file_name": "/b.png"}, ["image 3: its file_name leads out"]),
        ({"file_name": ""}, ["image 3: file_name: expected a text, found ''"]),
        (
            {"height": 60, "width": 40},
            ["image b.png: 40 pixels wide and 60 high in the annotations, 60 pixels"],
        ),
        (
            {"height": "40", "width": 60},
            ["image 3: expected integers as width and height, found 60 and '40'"],
        ),
        ({"id": 7}, ["image at place 2: its id 7 is another one's, too"]),
    ],
)
def test_wrong_images(read, change, words):
    document = coco()
    document["images"][1] |= change
    refused(lambda: read(document), "set.json: ", *words)


def test_wrong_categories(read):
    document = coco()
    document["categories"][1]["id"] = 90
    refused(lambda: read(document), "category at place 2: its id 90 is another one's, too")
    document["categories"][1] = {"id": 2, "name": "cow"}
    refused(lambda: read(document), "category 90: another one is called 'cow', too")
    document["categories"][1]["name"] = 4
    refused(lambda: read(document), "category 2: expected a name, found 4")


def test_all_faults_are_counted_and_the_first_told(read):
    document = coco()
    document["annotations"] = [
        {"id": number, "image_id": 7, "category_id": 90, "bbox": [1, 1, 99, 9]} for number in range(5)
    ]
    refused(lambda: read(document), *(f"annotation {n} of a.png" for n in range(3)), "; and 2 more faults")


def test_images_are_measured_as_they_are_to_be_seen(read, tmp_path):
    document = coco()
    document["images"][0] |= {"file_name": "turned.jpg", "height": 60, "width": 40}
    turned = Image.Exif()
    turned[274] = 6  # a quarter to the right
    Image.new("RGB", (60, 40)).save(put_image(tmp_path / "pictures" / "turned.jpg"), exif=turned)
    document["annotations"] = [
        {"id": 1, "image_id": 7, "category_id": 90, "bbox": [0, 0, 40, 60]},
    ]
    assert read(document).images[0].size == (60, 40)


def test_damaged_images(read, tmp_path):
    document = coco()
    document["images"][1]["file_name"] = "c.png"
    put_text(tmp_path / "pictures" / "c.png", "no image")
    refused(lambda: read(document), "c.png: not an image")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", ["set.json: no JSON: "]),
        ("[]", ["set.json is no COCO file: it has no list 'images'"]),
        ('{"images": [], "annotations": []}', ["no COCO file: it has no list 'categories'"]),
        ('{"images": [], "annotations": [], "categories": []}', ["set.json has no images"]),
        ('{"images": [1], "annotations": [2], "categories": [3]}', ["image at place 1: expected an id"]),
        ("[" * 100_000, ["set.json: no JSON: too many brackets"]),
        (json.dumps(coco()).replace("450.5", "NaN"), ["set.json: no JSON: NaN is no number"]),
    ],
)
def test_no_coco_file(tmp_path, text, words):
    path = put_text(tmp_path / "set.json", text)
    refused(lambda: read_coco(path, [tmp_path]), *words)


def test_files_larger_than_the_machine(tmp_path, monkeypatch):
    path = put_coco(tmp_path / "set.json", tmp_path)
    monkeypatch.setattr("os.sysconf", lambda name: 8)
    refused(
        lambda: read_coco(path, [tmp_path]),
        "set.json, once it is read, would take",
        "more than this machine's",
    )


JUNK = (
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.lists(st.integers(-5, 70), max_size=5)
    | st.just({})
)


@given(st.sampled_from(["images", "annotations", "categories"]), st.integers(0, 1), st.data())
def test_any_change_is_read_or_refused_in_one_line(tmp_path_factory, kind, place, data):
    folder = tmp_path_factory.getbasetemp() / "changed"
    document = coco()
    key = data.draw(st.sampled_from(sorted(document[kind][place])))
    document[kind][place][key] = data.draw(JUNK)
    path = put_coco(folder / "set.json", folder, document)
    try:
        read_coco(path, [folder], lambda paths: [(40, 60)] * len(paths))
    except ValueError as error:
        assert str(error).startswith(f"{path}") and str(error).isprintable()
