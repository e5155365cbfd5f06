"""COCO's keypoints: joints, bones, the pairs that a mirror exchanges, and what is said of files that are wrong."""

import json
import zipfile

import numpy as np
import pytest
from annotated import boxes_of, coco, put_coco, refused

from nastk.annotations.box_layouts import load_boxes
from nastk.annotations.keypoints import flips_of, load_keypoints

NAMES = ["nose", "left_eye", "right_eye"]


def people():
    """As `coco`, with joints of the cows."""
    document = coco()
    document["categories"][0] |= {"keypoints": NAMES, "skeleton": [[2, 3], [1, 2]]}
    for annotation, joints in zip(
        document["annotations"], ([3, 4, 2, 5, 6.5, 1, 0, 0, 0], None, [0] * 9), strict=True
    ):
        if joints:
            annotation["keypoints"] = joints
    return document


@pytest.fixture
def load(tmp_path):
    """Loads the documents of the parts in the usual layout."""

    def load(train=None, val=None, name="person_keypoints_{}2017.json"):
        for part, document in (("train", train or people()), ("val", val)):
            if document:
                folder = tmp_path / "set"
                put_coco(folder / "annotations" / name.format(part), folder / f"{part}2017", document)
        return load_keypoints(tmp_path / "set", tmp_path / "data")

    return load


def test_joints_of_the_category_that_has_them(load):
    train = load()["train"]
    assert train.classes == ("cow",) and train.counts().tolist() == [2] and train.num_with_joints() == 1
    assert train.skeleton.joints == tuple(NAMES)
    assert train.skeleton.bones == ((1, 2), (0, 1)) and train.skeleton.flips == ((1, 2),)
    a, b = train.images
    assert a.joints.dtype == np.float32 and not train.notes
    assert a.joints.tolist() == [[[3, 4, 2], [5, 6.5, 1], [0, 0, 0]]]
    assert boxes_of(a) == [[1, 2, 31, 22]] and a.labels.tolist() == [0] and a.areas.tolist() == [450.5]
    assert b.joints.tolist() == [[[0, 0, 0]] * 3]


def test_images_without_people(load):
    document = people()
    del document["annotations"][2]
    assert load(document)["train"].images[1].joints.shape == (0, 3, 3)


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (["nose", "left_eye", "right_eye", "right knee", "left knee"], ((1, 2), (3, 4))),
        (["LHip", "RHip", "eyeLeft", "eyeRight"], ((0, 1), (2, 3))),
        (["r-ear", "nose", "l-ear", "toe1_L", "toe2_R"], ((0, 2),)),
        (["lip", "rip", "bright_eye"], ()),
    ],
)
def test_pairs_follow_from_names(names, pairs):
    assert flips_of(names) == pairs


def test_sides_without_their_other_one_are_told_of(load):
    document = people()
    document["categories"][0]["keypoints"] = ["nose", "left_eye", "righteye"]
    (note,) = load(document)["train"].notes
    assert "stay as they are in mirrored images (2): left_eye, righteye" in note


@pytest.mark.parametrize(
    ("joints", "words"),
    [
        ([0] * 8, ["annotation 11 of a.png: keypoints: expected 9 numbers, found [0, 0"]),
        (None, ["annotation 11 of a.png: keypoints: expected 9 numbers, found None"]),
        ([0] * 8 + ["0"], ["annotation 11 of a.png: keypoints: expected 9 numbers"]),
        ([1, 1, 2, 1, 1, 3, 0, 0, 0], ["annotation 11 of a.png: joint 2: expected 0 (unknown)", "found 3"]),
    ],
)
def test_wrong_joints(load, joints, words):
    document = people()
    document["annotations"][0]["keypoints"] = joints
    refused(lambda: load(document), "person_keypoints_train2017.json: ", *words)


def test_other_faults_are_those_of_boxes(load):
    document = people()
    document["annotations"][0]["bbox"] = [10, 2, 52, 20]
    document["annotations"][1]["category_id"] = 5
    refused(
        lambda: load(document),
        "annotation 5 of a.png: there is no category 5",
        "annotation 11 of a.png: the box",
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"keypoints": []}, ["expected one category with keypoints, found 0"]),
        ({"keypoints": "nose"}, ["category cow: keypoints: expected a list of names, found 'nose'"]),
        ({"keypoints": ["nose", 1]}, ["category cow: keypoints: expected a list of names"]),
        ({"keypoints": ["nose"] * 3}, ["category cow: keypoints: a name is given twice"]),
        (
            {"skeleton": [[0, 1]]},
            ["category cow: skeleton: expected pairs of joints from 1 to 3, found [[0, 1]]"],
        ),
        ({"skeleton": [[1, 4]]}, ["skeleton: expected pairs"]),
        ({"skeleton": [[1]]}, ["skeleton: expected pairs"]),
    ],
)
def test_wrong_categories(load, change, words):
    document = people()
    document["categories"][0] |= change
    refused(lambda: load(document), "person_keypoints_train2017.json: ", *words)


def test_two_categories_with_joints(load):
    document = people()
    document["categories"][1]["keypoints"] = NAMES
    refused(lambda: load(document), "expected one category with keypoints, found 2")


def test_no_joint_to_learn_from(load):
    document = people()
    document["annotations"][0]["keypoints"] = [0] * 9
    refused(lambda: load(document), "train2017.json has no joint that is known: there is nothing to learn")


def test_parts_with_other_joints(load):
    other = people()
    other["categories"][0]["keypoints"] = ["nose", "left_ear", "right_ear"]
    refused(
        lambda: load(val=other), "val2017.json and ", "train2017.json have other joints: ['nose', 'left_ear'"
    )


@pytest.mark.parametrize("name", ["{}.json", "person_keypoints_{}.json"])
def test_layouts(load, tmp_path, name):
    assert list(load(val=people(), name=name)) == ["train", "validation"]
    assert list(load_keypoints(tmp_path / "set" / "annotations" / name.format("val"), tmp_path)) == ["train"]


def test_files_of_keypoints_beside_those_of_boxes(load, tmp_path):
    load()
    refused(lambda: load_boxes(tmp_path / "set", tmp_path), "has no boxes that are known")
    put_coco(tmp_path / "set" / "annotations" / "instances_train2017.json", tmp_path / "set" / "train2017")
    assert load_boxes(tmp_path / "set", tmp_path)["train"].skeleton is None
    assert load()["train"].skeleton is not None


def test_what_has_no_keypoints(tmp_path):
    (tmp_path / "set").mkdir()
    refused(
        lambda: load_keypoints(tmp_path / "set", tmp_path),
        "set has no keypoints: expected annotations/person_",
    )
    put_coco(tmp_path / "set" / "person_keypoints_val.json", tmp_path / "set", people())
    refused(
        lambda: load_keypoints(tmp_path / "set", tmp_path), "set has keypoints of validation, none of train"
    )
    refused(
        lambda: load_keypoints(tmp_path / "no", tmp_path),
        "no does not exist (expected a folder, a .zip or a .json",
    )


def test_coco_mini(shared_data, tmp_path):
    """The counts of the sheet, which were taken with another program."""
    parts = load_keypoints(shared_data / "coco_mini_ccby.zip", tmp_path)
    train, val = parts["train"], parts["validation"]
    assert (len(train.images), len(val.images), train.classes) == (26, 25, ("person",))
    assert (train.num_with_joints(), val.num_with_joints()) == (27, 16)
    known = [(image.joints[..., 2] > 0).sum(axis=1) for image in train.images]
    assert (np.concatenate(known) >= 13).sum() == 14
    assert len(train.skeleton.joints) == 17 and len(train.skeleton.bones) == 19
    assert train.skeleton.flips == tuple((number, number + 1) for number in range(1, 17, 2))
    with zipfile.ZipFile(shared_data / "coco_mini_ccby.zip") as archive:
        document = json.loads(archive.read("annotations/person_keypoints_train2017.json"))
    first = document["annotations"][0]
    (image,) = (image for image in train.images if image.id == first["image_id"])
    assert image.joints[0].ravel().tolist() == first["keypoints"]
