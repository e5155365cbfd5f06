"""Pascal VOC's xml: pixels from 1, difficult objects, and what is said of files that are wrong."""

import pytest
from annotated import VOC, boxes_of, put_image, put_text, refused

from nastk.annotations.image_files import by_stem
from nastk.annotations.voc import listed, read_voc


@pytest.fixture
def read(tmp_path):
    """Reads a.xml of the given text with an image of 60x40 pixels."""

    def read(text=VOC, image="a.png"):
        put_image(tmp_path / "pictures" / image)
        path = put_text(tmp_path / "notes" / "a.xml", text)
        return read_voc(tmp_path / "notes", [path], by_stem(tmp_path / "pictures"))

    return read


def test_pixels_from_one_become_edges_from_zero(read, tmp_path):
    found = read()
    (image,) = found.images
    assert found.classes == ("ant", "cow")
    assert boxes_of(image) == [[0, 10, 60, 40], [2, 4, 12, 20]]
    assert (image.labels.tolist(), image.difficult.tolist()) == ([1, 0], [True, False])
    assert image.areas.tolist() == [1800, 160] and not image.crowd.any()
    assert (image.id, image.size, image.path) == ("a", (40, 60), str(tmp_path / "pictures" / "a.png"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("<xmax>60", "<xmax>62", ["object 1 (cow) of a.xml", "to x 62, y 40 leaves the image"]),
        (
            "<xmin>3</xmin>",
            "<xmin>14</xmin>",
            ["object 2 (ant) of a.xml", "x 13, y 4 to x 12, y 20 is inverted"],
        ),
        ("<width>60", "<width>61", ["a.xml: its image is 61 pixels wide and 40 high there and 60 pixels"]),
        ("<ymin>5", "<ymin>five", ["a.xml: object 2: ymin: expected a number, found 'five'"]),
        ("<ymin>5", "<ymin>nan", ["ymin: expected a number"]),
        ("<ymin>5</ymin>", "", ["ymin: expected a number, found None"]),
        ("<name>ant</name>", "", ["a.xml: object 2: it has no name"]),
        ("<name>ant</name><bndbox>", "<name>ant</name><box>", ["a.xml: no XML: mismatched tag"]),
        ("</annotation>", "", ["a.xml: no XML: "]),
        (
            "<annotation>",
            "<!DOCTYPE a [<!ENTITY x 'xx'>]><annotation>",
            ["a.xml: ", "declares the entity 'x'"],
        ),
    ],
)
def test_wrong_files(read, old, new, words):
    assert old in VOC
    refused(lambda: read(VOC.replace(old, new)), "notes: ", *words)


def test_other_documents(read):
    refused(lambda: read("<svg/>"), "a.xml: expected an element annotation, found 'svg'")
    refused(lambda: read("<annotation><object><name>ant</name></object></annotation>"), "ant has no bndbox")


def test_sizes_that_are_not_said(read):
    assert read(VOC.replace(">60</width>", ">0</width>").replace(">40</height>", ">0</height>")).images
    assert read("<annotation/>").images[0].boxes.shape == (0, 4)


def test_an_image_that_is_not_there(read):
    refused(lambda: read(image="b.png"), "a.xml: there is no image of this name")


def test_two_images_of_a_name(read, tmp_path):
    put_image(tmp_path / "pictures" / "a.jpg")
    refused(read, "a.jpg and ", "a.png have one name: leave one of them")


def test_files_far_too_large_are_not_read(read, tmp_path, monkeypatch):
    monkeypatch.setattr("nastk.annotations.voc._MOST", 100)
    refused(read, "a.xml has ", "bytes, where at most 100 are read")


def test_lists(tmp_path):
    assert listed(put_text(tmp_path / "train.txt", "a\n b  -1\n\nc 1\n")) == ["a", "b", "c"]
    refused(
        lambda: listed(put_text(tmp_path / "train.txt", "a\n../b")), "train.txt: expected an image's name"
    )
    refused(lambda: listed(put_text(tmp_path / "train.txt", "a\nb\na")), "train.txt has a twice")
    refused(lambda: listed(put_text(tmp_path / "train.txt", "\n")), "train.txt is empty")
    refused(lambda: listed(tmp_path / "val.txt"), "val.txt: no such file")
