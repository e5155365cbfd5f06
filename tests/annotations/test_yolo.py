"""YOLO's txt and yaml: lines as objects, files that may be missing, and what is said of those that are wrong."""

import pytest
from annotated import boxes_of, put_image, put_text, refused

from nastk.annotations.yolo import images_of, labels_of, read_description, read_yolo


@pytest.fixture
def read(tmp_path):
    """Reads images/a.png, of 60x40 pixels, with the given lines, and b.png without any."""

    def read(*lines):
        put_text(tmp_path / "labels" / "a.txt", "\n".join(lines))
        images = [str(put_image(tmp_path / "images" / name)) for name in ("a.png", "b.png")]
        return read_yolo(tmp_path / "images", images, ("cow", "bee"))

    return read


def test_centres_and_sizes_become_edges(read):
    found = read("1 0.5 0.5 0.5 0.25", "", "0 .25 1e-1 .5 0.2 ", "1 0.5 0.5 1 1")
    a, b = found.images
    assert found.classes == ("cow", "bee")
    assert boxes_of(a) == [[15, 15, 45, 25], [0, 0, 30, 8], [0, 0, 60, 40]] and a.labels.tolist() == [1, 0, 1]
    assert a.areas.tolist() == [300, 240, 2400] and a.size == (40, 60)
    assert b.boxes.shape == (0, 4) and b.id == b.path


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("2 0.5 0.5 0.1 0.1", ["line 2 of", "a.txt: expected a class from 0 to 1, found '2'"]),
        ("cow 0.5 0.5 0.1 0.1", ["line 2 of", "found 'cow'"]),
        ("-1 0.5 0.5 0.1 0.1", ["line 2 of", "found '-1'"]),
        ("0 0.5 0.5 0.1", ["line 2 of", "expected a class and 4 numbers, found '0 0.5 0.5 0.1'"]),
        ("0 0.1 0.1 0.9 0.1 0.9 0.9", ["line 2 of", "expected a class and 4 numbers"]),
        ("0 30 20 10 10", ["line 2 of", "as parts of the image's sides, from 0 to 1, found '0 30 20 10 10'"]),
        ("0 0.5 0.5 -0.1 0.1", ["line 2 of", "from 0 to 1"]),
        ("0 0.5 0.5 x 0.1", ["line 2 of", "from 0 to 1"]),
        ("0 0.5 nan 0.1 0.1", ["line 2 of", "from 0 to 1"]),
        ("0 0.9 0.5 0.3 0.1", ["line 2 of", "the box from x 45, y 18 to x 63, y 22 leaves the image"]),
    ],
)
def test_wrong_lines(read, line, words):
    refused(lambda: read("0 0.5 0.5 0.1 0.1", line), "images: ", *words)


def test_a_set_without_any_file_of_labels(tmp_path):
    image = str(put_image(tmp_path / "images" / "a.png"))
    refused(
        lambda: read_yolo(tmp_path, [image], ("cow",)),
        "none of its images has a file of labels (looked for",
        "a.txt",
    )
    refused(lambda: read_yolo(tmp_path, [], ("cow",)), "has no image (.jpg")


def test_an_image_that_is_not_there(tmp_path):
    put_text(tmp_path / "a.txt", "0 0.5 0.5 0.1 0.1")
    refused(lambda: read_yolo(tmp_path, [str(tmp_path / "a.png")], ("cow",)), "a.png: no such file")


def test_labels_that_are_no_text(read, tmp_path):
    read()
    (tmp_path / "labels" / "b.txt").write_bytes(b"\xff\xfe")
    refused(lambda: read(), "b.png", "b.txt is no text in UTF-8")


def test_where_labels_lie():
    assert labels_of("/s/images/train/a.b.jpg") == "/s/labels/train/a.b.txt"
    assert labels_of("/images/s/Images/a.jpg") == "/images/s/labels/a.txt"
    assert labels_of("s/train/a.jpg") == "s/train/a.txt"


@pytest.mark.parametrize(
    "lines",
    [
        "names: [cow, bee]\nnc: 2\ntrain: train/images\nval: valid/images\n",
        "names: {1: bee, 0: cow}\npath: .\ntrain: [train/images]\nvalid: valid/images\n",
        "names: [cow, bee]\npath: ../elsewhere\ntrain: ../train/images\nval: ../valid/images\ntest:\n",
    ],
)
def test_descriptions(tmp_path, lines):
    for part in ("train", "valid"):
        put_image(tmp_path / part / "images" / f"{part}.png")
    found = read_description(put_text(tmp_path / "data.yaml", lines))
    assert found.classes == ("cow", "bee")
    assert found.parts == {
        "train": (tmp_path / "train" / "images",),
        "validation": (tmp_path / "valid" / "images",),
    }
    assert images_of(found.parts["train"]) == [str(tmp_path / "train" / "images" / "train.png")]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("names: [", ["while parsing"]),
        ("nc: 2", ["it has no names"]),
        ("names: cow", ["names: expected a list of classes, found 'cow'"]),
        ("names: []", ["names: expected a list of classes"]),
        ("names: {1: cow, 2: bee}", ["names: expected the numbers from 0 on, found [1, 2]"]),
        ("names: [cow, cow]", ["names: a class is given twice"]),
        ("names: [cow]\nnc: 2", ["nc is 2, but there are 1 names"]),
        ("names: [cow]\ntrain: 3", ["train: expected a folder or a list of images, found 3"]),
        ("names: [cow]\npath: 3\ntrain: a", ["path: expected a folder, found 3"]),
        ("names: [cow]\ntrain: images", ["images is not there (looked for", "images)"]),
    ],
)
def test_wrong_descriptions(tmp_path, lines, words):
    path = put_text(tmp_path / "data.yaml", lines)
    refused(lambda: read_description(path), "data.yaml: ", *words)


def test_lists_of_images(tmp_path):
    path = put_text(tmp_path / "train.txt", "./images/a.png\n\nimages/../b.png\n")
    assert images_of([path]) == [str(tmp_path / "b.png"), str(tmp_path / "images" / "a.png")]


def test_nothing_leads_out_of_an_archive(tmp_path):
    inside = tmp_path / "inside"
    put_image(tmp_path / "a.png")
    path = put_text(inside / "data.yaml", f"names: [cow]\ntrain: {tmp_path}")
    assert read_description(path).parts["train"] == (tmp_path,)
    refused(lambda: read_description(path, inside), "data.yaml: ", "is not there")
    path = put_text(inside / "train.txt", "../a.png")
    assert images_of([path]) == [str(tmp_path / "a.png")]
    refused(lambda: images_of([path], inside), "train.txt, line 1: ../a.png lies outside of the archive")
