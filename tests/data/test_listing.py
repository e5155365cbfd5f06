"""What lies in class folders besides images, and that the user hears of it."""

import os

import numpy as np
import pytest
from PIL import Image

from nastk.data.listing import list_classes
from nastk.data.sources import load_images
from nastk.schema import DataConfig


@pytest.fixture
def place(write_folder):
    """A folder with the classes a and b, three PNG in each."""
    return write_folder(splits=("train",)) / "train"


def images_of(place) -> list[str]:
    return [os.path.relpath(path, place) for path in list_classes(place, 1).paths]


USUAL = [f"{name}/{number}.png" for name in "ab" for number in range(3)]


def test_nothing_else_no_note(place):
    listing = list_classes(place, 2)
    assert (listing.classes, listing.labels.tolist(), listing.notes) == (("a", "b"), [0] * 3 + [1] * 3, ())
    assert images_of(place) == USUAL


def test_others_are_counted_by_kind_with_a_file_of_each(place):
    for name in ("1.heic", "2.HEIC", "x.txt", "album.db", "README"):
        (place / "a" / name).write_bytes(b"BM is no bitmap, nor is II*")
    for name in ("b/empty", "b/.DS_Store", "beside.jpg"):
        (place / name).write_bytes(b"")
    os.mkfifo(place / "b" / "pipe")
    (note,) = list_classes(place, 1).notes
    assert note == (
        f"left out 8 other files of {place}: 2 .heic ({place}/a/1.heic), 2 without an extension "
        f"({place}/a/README), 1 .db ({place}/a/album.db), 1 .txt ({place}/a/x.txt), 2 of other kinds"
    )
    assert images_of(place) == USUAL


def test_one_of_them(place):
    os.mkfifo(place / "b" / "pipe")
    (note,) = list_classes(place, 1).notes
    assert note == f"left out 1 other file of {place}: 1 named pipe, not a file ({place}/b/pipe)"


def test_an_image_without_an_images_name(place):
    (place / "a" / "0.png").rename(place / "a" / "0")
    (place / "b" / "0.png").rename(place / "b" / "0.jpg.download")
    assert images_of(place) == ["a/0", *USUAL[1:3], "b/0.jpg.download", *USUAL[4:]]


@pytest.mark.parametrize("subfile", [0, 1])
def test_raw_files_of_cameras_are_no_images_but_their_previews_would_be_read(place, subfile):
    with Image.open(place / "a" / "0.png") as image:
        image.save(place / "a" / "photo.nef", "TIFF", tiffinfo={254: subfile})
        image.save(place / "a" / "page.tif", "TIFF", tiffinfo={254: subfile})
    assert ("a/photo.nef" in images_of(place)) == (subfile == 0)
    assert "a/page.tif" in images_of(place)


def test_linked_folders_are_looked_into_once(place, tmp_path):
    (tmp_path / "more").mkdir()
    (place / "a" / "0.png").rename(tmp_path / "more" / "0.png")
    (place / "a" / "more").symlink_to(tmp_path / "more")
    (tmp_path / "more" / "round").symlink_to(place / "a")
    (place / "b" / "itself").symlink_to("itself")
    listing = list_classes(place, 1)
    assert images_of(place) == ["a/1.png", "a/2.png", "a/more/0.png", *USUAL[3:]]
    assert "too many levels of symbolic links" in listing.notes[0]


def test_a_class_of_other_files_only(place):
    (place / "c").mkdir()
    for number in range(12):
        (place / "c" / f"{number}.heic").write_bytes(b"ftypheic")
    with pytest.raises(ValueError, match=r"/c has no image \(\.jpg, .*\), only 12 \.heic \(.*/c/0\.heic\)"):
        list_classes(place, 1)


def test_a_part_of_the_images_is_a_part_of_the_images(place):
    """And not of the other files between them."""
    for number in range(100):
        (place / "a" / f"{number}.txt").write_text("nothing")
    images = load_images(DataConfig(dataset=str(place.parent), max_train=4), "train")
    assert images.labels.tolist() == [0, 0, 1, 1]


def test_notes_reach_the_set(place):
    (place / "a" / "x.txt").write_text("nothing")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(place / "a" / "x.gif")
    images = load_images(DataConfig(dataset=str(place.parent), test_portion=0), "train")
    assert images.num_images == 7
    assert images.notes == (f"left out 1 other file of {place}: 1 .txt ({place}/a/x.txt)",)
