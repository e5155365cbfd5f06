"""The layouts of folders that people have: which images train, test, or are held out to test."""

import os

import pytest
import torch
from pictures import CLASSES, put, put_classes

from nastk.data import folders
from nastk.data.sources import has_validation, load_images
from nastk.data.split import held_out_part
from nastk.schema import DataConfig


def load(place, split="train", like=None, **values):
    return load_images(DataConfig(dataset=str(place), workers=0, **values), split, like)


def refused(place, *words, split="train", **values) -> str:
    with pytest.raises(ValueError) as caught:
        load(place, split, **values)
    message = str(caught.value)
    assert "\n" not in message and all(str(word) in message for word in words), message
    return message


def counts(images) -> list[int]:
    return images.labels.bincount(minlength=len(images.classes)).tolist()


class TestSplitFolders:
    @pytest.mark.parametrize("train", ["train", "Training", "TRAIN"])
    @pytest.mark.parametrize("test", ["test", "Testing", "val", "VALID", "validation"])
    def test_by_any_of_their_names(self, tmp_path, train, test):
        put_classes(tmp_path / train, 4)
        put_classes(tmp_path / test, 2)
        assert counts(load(tmp_path)) == [4, 4]
        assert counts(load(tmp_path, "test")) == [2, 2]
        assert not has_validation(DataConfig(dataset=str(tmp_path)))

    def test_all_three(self, tmp_path):
        for number, name in enumerate(("train", "Valid", "test")):
            put_classes(tmp_path / name, 4 - number)
        assert [counts(load(tmp_path, part)) for part in ("train", "validation", "test")] == [
            [4, 4],
            [3, 3],
            [2, 2],
        ]
        assert has_validation(DataConfig(dataset=str(tmp_path)))
        assert counts(load(tmp_path, "validation", max_train=4, max_test=2)) == [2, 2]

    @pytest.mark.parametrize(
        "two", [("train", "Train"), ("train", "training"), ("val", "valid"), ("test", "testing")]
    )
    def test_two_of_one_name_are_refused(self, tmp_path, two):
        for name in {"train", *two}:
            put_classes(tmp_path / name, 2)
        refused(tmp_path, *two, "leave one of them")

    def test_folders_beside_them_are_left_out_and_told(self, tmp_path):
        put_classes(tmp_path / "train")
        put_classes(tmp_path / "drafts")
        images = load(tmp_path)
        assert images.classes == CLASSES
        assert images.notes[0] == f"left out 1 other folder of {tmp_path}: drafts"

    def test_no_training_images(self, tmp_path):
        put_classes(tmp_path / "test")
        refused(tmp_path, "no folder train")
        put_classes(tmp_path / "val")
        refused(tmp_path, "no folder train")
        put_classes(tmp_path / "more")
        refused(tmp_path, "but no folder train")

    def test_an_empty_folder(self, tmp_path):
        refused(tmp_path, "no folder train", "folders of two classes or more")


class TestClassFolders:
    def test_without_a_split(self, tmp_path):
        put_classes(tmp_path, 10)
        train = load(tmp_path)
        test = load(tmp_path, "test", like=train)
        assert (train.classes, counts(train), counts(test)) == (CLASSES, [8, 8], [2, 2])

    def test_that_are_called_as_parts(self, tmp_path):
        """A train is a vehicle, and a test may be a class of papers."""
        put_classes(tmp_path, 5, ("bus", "test", "train"))
        assert load(tmp_path).classes == ("bus", "test", "train")

    @pytest.mark.parametrize("depth", [1, 3])
    @pytest.mark.parametrize("split", ["", "train"])
    def test_in_a_folder_around_them(self, tmp_path, depth, split):
        put_classes(tmp_path.joinpath(*["around"] * depth, split))
        (tmp_path / "LICENSE.txt").write_text("free")
        assert load(tmp_path).classes == CLASSES

    def test_one_class(self, tmp_path):
        put_classes(tmp_path, classes=("bee",))
        refused(tmp_path, "only one class, 'bee'")
        (tmp_path / "around").mkdir()
        (tmp_path / "bee").rename(tmp_path / "around" / "bee")
        refused(tmp_path, "around has only one class, 'bee'")

    def test_folders_without_end(self, tmp_path):
        (tmp_path / "round").symlink_to(tmp_path)
        refused(tmp_path, "no folder train")


def test_what_systems_leave_behind_is_ignored(tmp_path):
    put_classes(tmp_path / "photos" / "train")
    plain = load(tmp_path)
    put_classes(tmp_path / "__MACOSX" / "photos" / "train")
    for place in (tmp_path, tmp_path / "photos", tmp_path / "photos" / "train"):
        put(place / ".ipynb_checkpoints" / "0-checkpoint.png")
        put(place / "@eaDir" / "thumbnail.png")
        for name in ("Thumbs.db", ".DS_Store", "desktop.ini"):
            (place / name).write_bytes(b"nothing")
            (tmp_path / "photos" / "train" / "bee" / name).write_bytes(b"nothing")
    images = load(tmp_path)
    assert images.fingerprint == plain.fingerprint
    assert images.notes == plain.notes


class TestHeldOut:
    @pytest.mark.parametrize("split", ["", "train"])
    def test_every_image_is_in_one_of_the_parts(self, tmp_path, split):
        put_classes(tmp_path / split, 10)
        train, test = load(tmp_path), load(tmp_path, "test")
        assert (counts(train), counts(test)) == ([8, 8], [2, 2])
        pixels = torch.cat([train.tensor, test.tensor]).flatten(1)
        assert len(pixels.unique(dim=0)) == 20
        note = f"{tmp_path} has no test part: 0.2 of every class is held out for it"
        assert train.notes == test.notes and train.notes[0].startswith(note)
        assert (test.mean, test.std) == (train.mean, train.std)

    def test_it_is_the_same_whatever_else_is_asked_for(self, tmp_path):
        put_classes(tmp_path, 10)
        test = load(tmp_path, "test")
        again = load(tmp_path, "test", max_train=6, image_size=8, resident_mib=0)
        assert again.fingerprint == test.fingerprint
        small = load(tmp_path, "test", test_portion=0.1).tensor.flatten(1)
        assert all((row == test.tensor.flatten(1)).all(-1).any() for row in small)

    def test_training_never_opens_it(self, tmp_path, monkeypatch):
        put_classes(tmp_path, 10)
        labels = torch.tensor([0] * 10 + [1] * 10)
        _, held_out = held_out_part(labels, 0.2, CLASSES)
        for index in held_out.tolist():
            (tmp_path / CLASSES[index // 10] / f"{index % 10}.png").write_bytes(b"no image")
        assert counts(load(tmp_path)) == [8, 8]
        refused(tmp_path, "4 of 4 files cannot be read", split="test")

    def test_its_size(self, tmp_path):
        put_classes(tmp_path, 10)
        assert counts(load(tmp_path, "test", test_portion=0.5)) == [5, 5]
        assert counts(load(tmp_path, test_portion=0)) == [10, 10]
        refused(tmp_path, "no folder test or val", "data.test_portion=0", split="test", test_portion=0)

    def test_a_part_of_a_part(self, tmp_path):
        put_classes(tmp_path, 10)
        train, test = load(tmp_path, max_train=4, max_test=2), load(tmp_path, "test", max_test=2)
        assert (counts(train), counts(test)) == ([2, 2], [1, 1])
        assert (train.num_found, test.num_found) == (16, 4)

    def test_a_class_of_one_image(self, tmp_path):
        put_classes(tmp_path, 3)
        put(tmp_path / "yak" / "0.png")
        message = refused(tmp_path, "'yak' has a single image", "data.test_portion=0")
        assert message == refused(tmp_path, split="test")

    def test_there_is_a_test_part(self, tmp_path):
        put_classes(tmp_path / "train", 5)
        put_classes(tmp_path / "val", 1)
        assert counts(load(tmp_path)) == [5, 5] and load(tmp_path).notes == ()


class TestTinyImageNet:
    @pytest.fixture
    def place(self, tmp_path):
        put_classes(tmp_path / "train", 4, ("n01", "n02"), below="images")
        for number in range(4):
            put(tmp_path / "val" / "images" / f"val_{number}.JPEG", seed=number)
            put(tmp_path / "test" / "images" / f"test_{number}.JPEG")
        lines = [f"val_{number}.JPEG\tn0{1 + number // 3}\t0\t0\t62\t62\n" for number in range(4)]
        (tmp_path / "val" / "val_annotations.txt").write_text("".join(lines))
        (tmp_path / "wnids.txt").write_text("n01\nn02\n")
        return tmp_path

    def test_the_test_images_are_those_of_its_list(self, place):
        assert (load(place).classes, counts(load(place))) == (("n01", "n02"), [4, 4])
        test = load(place, "test")
        assert (test.classes, counts(test), test.notes) == (("n01", "n02"), [3, 1], ())
        assert not has_validation(DataConfig(dataset=str(place)))

    def test_training_opens_nothing_of_it(self, place, monkeypatch):
        opened = []
        open_file = folders.open_file
        monkeypatch.setattr(folders, "open_file", lambda path: opened.append(path) or open_file(path))
        (place / "val" / "val_annotations.txt").write_bytes(b"\xff")
        load(place)
        assert opened and not any(f"{os.sep}val{os.sep}" in path for path in opened)
        refused(place, "val_annotations.txt is no text in UTF-8", split="test")

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("val_0.JPEG n01", "line 5: expected a file's name, a tab and its class"),
            ("val_0.JPEG\t\t", "line 5: expected a file's name"),
            ("../../train/n01/images/0.png\tn01", "line 5: expected a file's name"),
            ("val_9.JPEG\tn01", "val_9.JPEG (no such file or directory)"),
            ("val_0.JPEG\tn03", "'n03' is in no training image"),
        ],
    )
    def test_faults_of_its_list(self, place, line, words):
        with (place / "val" / "val_annotations.txt").open("a") as file:
            file.write(line)
        refused(place, words, split="test")
