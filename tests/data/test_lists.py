"""Lists of paths and labels: what people's CSV files look like, and what is said of those that cannot be read."""

import csv
import io
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures import put

from nastk.data.lists import csv_parts
from nastk.data.sources import has_validation, load_images
from nastk.schema import DataConfig

NAMES = [f"pics/{number}.png" for number in range(8)]
LABELS = ["bee", "cow"] * 4


@pytest.fixture
def place(tmp_path) -> Path:
    for number, name in enumerate(NAMES):
        put(tmp_path / name, seed=number)
    return tmp_path


def write(place: Path, *lines: str, name: str = "list.csv") -> Path:
    (place / name).write_text("\n".join(lines))
    return place / name


def rows(*more: list[str], delimiter: str = ",") -> list[str]:
    columns = [NAMES, LABELS, *more]
    return [delimiter.join(cells) for cells in zip(*columns, strict=True)]


def load(path, split="train", **values):
    return load_images(DataConfig(dataset=str(path), workers=0, test_portion=0, **values), split)


def refused(path, *words, split="train", **values):
    with pytest.raises(ValueError) as caught:
        load(path, split, **values)
    message = str(caught.value)
    assert "\n" not in message and all(str(word) in message for word in words), message


@pytest.mark.parametrize(
    "head",
    [
        "path,label",
        "File Name,Class",
        "\ufeffimage-path,target",
        "image,diagnosis",
        "photo,label",
        "",
        "\n",
        "\ufeff",
    ],
)
def test_columns_by_name_or_by_content(place, head):
    images = load(write(place, *([head] if head else []), *rows()))
    assert (images.classes, images.labels.tolist()) == (("bee", "cow"), [0] * 4 + [1] * 4)
    plain = load(write(place, "path,label", *rows()))
    assert images.fingerprint == plain.fingerprint


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("head", [["path", "label", "split"], None])
def test_a_split_column(place, delimiter, head):
    splits = ["train"] * 3 + ["Training", "valid", "VAL", "test", "testing"]
    path = write(place, *([delimiter.join(head)] if head else []), *rows(splits, delimiter=delimiter))
    assert [load(path, part).num_images for part in ("train", "validation", "test")] == [4, 2, 2]
    assert has_validation(DataConfig(dataset=str(path)))


def test_labels_that_are_called_as_parts(place):
    lines = [f"{name},{('train', 'test')[number % 2]}" for number, name in enumerate(NAMES)]
    assert load(write(place, *lines)).classes == ("test", "train")


def test_columns_in_any_order_and_others_between_them(place):
    lines = [f"{label},7,{name},x" for name, label in zip(NAMES, LABELS, strict=True)]
    images = load(write(place, "label,age,path,note", *lines))
    assert images.labels.tolist() == [0] * 4 + [1] * 4


def test_paths_are_relative_to_the_list_or_absolute(place, monkeypatch, tmp_path_factory):
    lines = rows()
    lines[0] = f"{place}/pics/./../{NAMES[0]},bee"
    path = write(place, "path,label", *lines)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert load(path).num_images == 8


def test_quoted_cells_and_blanks(place):
    (place / "a, b.png").write_bytes((place / NAMES[0]).read_bytes())
    path = write(place, "path, label", '"a, b.png", "honey, bee"', "", f" {NAMES[1]} ,\tcow ", " , ")
    images = load(path)
    assert (images.classes, images.num_images) == (("cow", "honey, bee"), 2)


def test_a_folder_with_images_and_one_list(place):
    write(place, "path,label", *rows())
    assert load(place).num_images == 8
    write(place, "path,label", *rows(), name="other.CSV")
    refused(place, "several lists (list.csv, other.CSV)")


def test_a_list_beside_class_folders(place):
    path = write(place, "path,label", *rows())
    put(place / "more" / "0.png")
    told = f"holds folders and a list: name the list as the data set ({path})"
    refused(place, told)
    assert load(path).num_images == 8
    (place / "more").rename(place / "pics" / "more")
    refused(place, told)


def test_a_part_of_every_class_is_held_out(place):
    path = write(place, "path,label", *rows())
    config = DataConfig(dataset=str(path), workers=0, test_portion=0.5)
    assert load_images(config, "test").labels.tolist() == [0, 0, 1, 1]
    assert load_images(config, "train").notes[0].startswith(f"{path} has no test part")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], ["has no rows"]),
        (["path,label"], ["no image of it is to train on"]),
        (["path,label", "pics/0.png"], ["line 2: expected 2 columns, found 1"]),
        (["path,label", "pics/0.png,"], ["line 2: the label is empty"]),
        (["path,label", ",bee"], ["line 2: the path is empty"]),
        (["path,label,split", "pics/0.png,bee,dev"], ["line 2: the split is 'dev'", "train, val or test"]),
        (["path,label,split", "pics/0.png,bee,test"], ["no image of it is to train on"]),
        (["path,label,class", "pics/0.png,bee,1"], ["'label' and 'class' may both be the label"]),
        (
            ["one,two,three", "pics/0.png,bee,1"],
            ["names no column of paths and labels", "'one', 'two', 'three'"],
        ),
        (["path", "pics/0.png"], ["names no column of labels"]),
        (["pics/0.png,bee,1", "pics/1.png,cow,2"], ["cannot be told", "path,label,split"]),
        (["pics/0.png,train,test", "pics/1.png,val,train"], ["cannot be told"]),
        (["pics/0.png,pics/1.png"], ["cannot be told"]),
        (["path,label", "pics/0.png,bee", "pics/1.png,bee"], ["only one class, 'bee'"]),
        (["path,label", "pics/0.png,bee", "./pics/0.png,cow"], ["pics/0.png twice, in lines 2 and 3"]),
        (["path,label", "pics/0.png,bee", "no.png,cow"], ["no.png (no such file or directory)"]),
        (["path,label", "pics/0.png,bee", "pics,cow"], ["pics (a directory, not a file)"]),
        (["path,label", 'pics/0.png,"bee', "pics/1.png,cow"], ["line 2", "unexpected end of data"]),
    ],
)
def test_faults(place, lines, words):
    refused(write(place, *lines), *words)


def test_other_files(place):
    (place / "list.csv").write_bytes(b"path,label\npics/0.png,\xff\xfe")
    refused(place / "list.csv", "list.csv is no text in UTF-8")
    os.mkfifo(place / "pipe.csv")
    refused(place / "pipe.csv", "a named pipe, not a file")


def test_all_of_a_class_cannot_be_read(place):
    for number in (1, 3, 5, 7):
        (place / NAMES[number]).write_bytes(b"")
    path = write(place, "path,label", *rows())
    refused(path, path, "class 'cow': none of its files can be read", skip_corrupt=True)


@pytest.mark.parametrize("path", ["../secret.png", "/etc/secret.png", "a/../../secret.png", "."])
def test_a_strangers_list_does_not_lead_out_of_its_folder(place, path):
    found = write(place, "path,label", "a.png,bee", f"{path},cow")
    csv_parts(found)
    with pytest.raises(ValueError, match=r"line 3: .* lies outside of the archive"):
        csv_parts(found, within=place)


fuzz = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=8)


@fuzz
@given(
    labels=st.lists(words, min_size=2, max_size=12).filter(lambda labels: len(set(labels)) > 1),
    delimiter=st.sampled_from(",;\t"),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    end=st.sampled_from(["\n", "\r\n"]),
    data=st.data(),
)
def test_what_was_written_is_read_in_whatever_order(tmp_path, labels, delimiter, quoting, end, data):
    written = [(f"{number}/{label}.png", label) for number, label in enumerate(labels)]
    written = [(path.replace("/", "_"), label) for path, label in written]
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerow(["path", "label"])
    writer.writerows(data.draw(st.permutations(written)))
    (tmp_path / "list.csv").write_bytes(stream.getvalue().encode())
    listing = csv_parts(tmp_path / "list.csv")["train"](0, None)
    assert listing.classes == tuple(sorted(set(labels)))
    expected = sorted((label, str(tmp_path / path)) for path, label in written)
    found = zip([listing.classes[label] for label in listing.labels], listing.paths, strict=True)
    assert list(found) == expected


@fuzz
@given(content=st.one_of(st.binary(max_size=60), st.text('",;\t\n\r ab.png', max_size=60).map(str.encode)))
def test_any_bytes(tmp_path, content):
    (tmp_path / "list.csv").write_bytes(content)
    try:
        for lister in csv_parts(tmp_path / "list.csv").values():
            lister(0, None)
    except ValueError as error:
        assert "\n" not in str(error)
