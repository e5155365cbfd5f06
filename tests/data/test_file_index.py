"""What is read of files once, and what is read again; that nothing else depends on it."""

import os
import random
import shutil
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nastk.data import file_index, folders, index_file, kept_statistics
from nastk.data.decoding import Header
from nastk.data.file_index import FileIndex
from nastk.data.file_records import HEADERS, RECORD, digests_of
from nastk.data.index_file import read_index, write_index
from nastk.data.reading import attempt_all
from nastk.data.sources import load_images
from nastk.schema import DataConfig


@pytest.fixture(autouse=True)
def worth_it_and_settled(monkeypatch, tmp_path):
    """Of a few files that were written just now, too."""
    monkeypatch.setattr(index_file, "FEWEST", 1)
    monkeypatch.setattr(file_index, "SETTLED", 0)
    monkeypatch.setenv("NASTK_DATA", str(tmp_path / "cache"))


@pytest.fixture
def asked(monkeypatch):
    """The files whose headers were read, and those that were read whole, as folder/name."""
    found = []

    def heard(called, path_of):
        def call(*arguments):
            path = path_of(arguments)
            found.append((called.__name__, "/".join(Path(path).parts[-2:])))
            return called(*arguments)

        return call

    for name in ("read_header", "check"):
        monkeypatch.setattr(folders, name, heard(getattr(folders, name), lambda arguments: arguments[0]))
    return found


@pytest.fixture
def photos(write_folder) -> Path:
    return write_folder(splits=("train",))


ALL = sorted(f"{name}/{number}.png" for name in "ab" for number in range(3))


def load(folder, split="train", **values):
    return load_images(
        DataConfig(dataset=str(folder), workers=0, **{"resident_mib": 0, "test_portion": 0, **values}), split
    )


def described(images):
    """All that a load says of its images but for where they are in memory."""
    return (
        images.paths,
        images.labels.tolist(),
        images.classes,
        images.form,
        images.notes,
        images.fingerprint,
        (images.mean, images.std),
    )


def both(*names):
    return sorted(product(("check", "read_header"), names))


def index_of(tmp_path) -> Path:
    (file,) = (tmp_path / "cache" / ".index").glob("*.npz")
    return file


def without_index(folder, monkeypatch, **values):
    with monkeypatch.context() as patch:
        patch.setattr(index_file, "FEWEST", 10**9)
        return described(load(folder, **values))


def test_nothing_is_read_twice_and_nothing_else_changes(photos, asked, monkeypatch):
    expected = without_index(photos, monkeypatch)
    asked.clear()
    assert described(load(photos)) == expected
    assert sorted(asked) == both(*ALL)
    asked.clear()
    monkeypatch.setattr(kept_statistics, "channel_statistics", None)
    assert described(load(photos)) == expected
    assert asked == []


def test_a_resident_set_is_read_and_digested_each_time_but_for_its_headers(photos, asked):
    first = load(photos, resident_mib=1)
    asked.clear()
    second = load(photos, resident_mib=1)
    assert asked == []
    assert second.tensor.equal(first.tensor) and second.fingerprint == first.fingerprint


def grow(path):
    Image.fromarray(np.zeros((12, 8, 3), np.uint8)).save(path)


def touch(path):
    os.utime(path, ns=(0, 10**9))


def change_in_secret(path):
    """Its size and when it was modified stay."""
    status = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("change", [grow, touch, change_in_secret])
def test_a_changed_file_is_read_again(photos, asked, change, monkeypatch):
    load(photos)
    change(photos / "train" / "a" / "1.png")
    asked.clear()
    found = described(load(photos))
    assert sorted(asked) == both("a/1.png")
    assert found == without_index(photos, monkeypatch)


def test_two_files_that_change_places(photos, monkeypatch):
    """Of one size and one time, as those of archives are."""
    a, b = photos / "train" / "a", photos / "train" / "b"
    for number, place in enumerate((a, b)):
        Image.fromarray(np.full((8, 8), number, np.uint8)).save(place / "0.bmp")
        os.utime(place / "0.bmp", ns=(0, 0))
    before = load(photos)
    (a / "0.bmp").rename(a / "x")
    (b / "0.bmp").rename(a / "0.bmp")
    (a / "x").rename(b / "0.bmp")
    after = load(photos)
    assert after.fingerprint != before.fingerprint
    assert described(after) == without_index(photos, monkeypatch)


def test_a_file_that_changed_just_now_is_read_again(photos, asked, monkeypatch):
    monkeypatch.setattr(file_index, "SETTLED", 10**12)
    load(photos)
    asked.clear()
    load(photos)
    assert sorted(asked) == both(*ALL)


def test_files_that_come_and_go(photos, asked, tmp_path, monkeypatch):
    load(photos)
    (photos / "train" / "a" / "0.png").unlink()
    shutil.copy(photos / "train" / "b" / "1.png", photos / "train" / "a" / "new.png")
    asked.clear()
    found = described(load(photos))
    assert sorted(asked) == both("a/new.png")
    assert found == without_index(photos, monkeypatch)
    names, records = read_index(index_of(tmp_path))
    assert sorted(names) == sorted({*ALL, "a/new.png"} - {"a/0.png"})
    assert len(records) == 6


def test_parts_of_a_place_keep_one_anothers_records(photos, asked):
    load(photos, test_portion=0.3)
    load(photos, "test", test_portion=0.3)
    asked.clear()
    load(photos, "test", test_portion=0.3)
    load(photos)
    assert asked == []


def test_a_list_is_the_same_from_wherever_it_is_read(photos, asked, tmp_path, monkeypatch):
    rows = "\n".join(f"train/{name},{name[0]}" for name in ALL)
    (photos / "list.csv").write_text(f"path,label\n{rows}\n")
    for place, name in ((photos, "list.csv"), (tmp_path, "set/list.csv"), (tmp_path, photos / "list.csv")):
        monkeypatch.chdir(place)
        asked.clear()
        assert load(name).num_images == 6
        assert sorted(asked) == (both(*ALL) if place == photos else [])


def test_few_files_have_none(photos, asked, tmp_path, monkeypatch):
    monkeypatch.setattr(index_file, "FEWEST", 7)
    load(photos)
    assert not (tmp_path / "cache").exists()


def test_nothing_is_written_beside_the_images(photos):
    before = sorted(photos.rglob("*"))
    load(photos)
    load(photos, dir=str(photos), max_train=4)  # which is asked for
    load(photos, dir=str(photos))
    assert [path for path in sorted(photos.rglob("*")) if ".index" not in path.parts] == before


def test_what_is_broken_is_told_each_time_and_the_rest_is_kept(photos, asked):
    (photos / "train" / "a" / "0.png").write_bytes(b"<html>")
    whole = (photos / "train" / "b" / "0.png").read_bytes()
    (photos / "train" / "b" / "0.png").write_bytes(whole[:-40])

    def refused():
        asked.clear()
        with pytest.raises(ValueError, match="cannot be read") as caught:
            load(photos)
        return str(caught.value)

    assert refused() == refused()
    assert asked == [("read_header", "a/0.png")]
    notes = load(photos, skip_corrupt=True).notes
    asked.clear()
    assert load(photos, skip_corrupt=True).notes == notes
    assert "left out 2 files" in notes[0]
    assert asked == [("read_header", "a/0.png"), ("check", "b/0.png")]
    (photos / "train" / "a" / "0.png").unlink()
    assert refused() == refused()
    assert asked == [("check", "b/0.png")]


def test_an_interrupt_keeps_what_was_read(photos, asked, monkeypatch):
    monkeypatch.setattr(file_index, "PIECE", 2)
    check = folders.check

    def interrupted(path, form):
        if path.endswith("b/1.png"):
            raise KeyboardInterrupt
        check(path, form)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(folders, "check", interrupted)
        load(photos)
    asked.clear()
    load(photos)
    assert asked == [("check", "b/1.png"), ("check", "b/2.png")]


BAD_STATISTICS = [
    "",
    "[1, 2]",
    '{"mean": [0.5]}',
    '{"mean": [0.5], "std": [0.5]}',
    '{"mean": "abc", "std": [1, 1, 1]}',
]


@pytest.mark.parametrize("text", BAD_STATISTICS)
def test_statistics_that_are_none_are_counted_anew(photos, tmp_path, text):
    expected = described(load(photos))
    (file,) = (tmp_path / "cache" / ".index").glob("*.json")
    whole = file.read_text()
    file.write_text(text)
    assert described(load(photos)) == expected
    assert file.read_text() == whole


@pytest.mark.parametrize("values", [{"image_size": 12}, {"max_train": 4}])
def test_statistics_are_of_these_images_in_this_form(photos, monkeypatch, values):
    before = load(photos)
    expected = without_index(photos, monkeypatch, **values)
    assert described(load(photos, **values)) == expected != described(before)
    grow(photos / "train" / "a" / "1.png")
    assert described(load(photos, image_size=8)) == without_index(photos, monkeypatch, image_size=8)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_file_that_was_found_to_decode_as_grey_may_not_as_colour(channels):
    records = np.zeros(2, RECORD)
    digests_of(channels).put(records[1], bytes(range(16)))
    assert digests_of(channels).known(records).tolist() == [False, True]
    assert digests_of(4 - channels).known(records).tolist() == [False, False]
    assert digests_of(channels).get(records)[1] == bytes(range(16))


def test_headers_are_as_they_were():
    headers = [
        Header((number, 2**31), *said) for number, said in enumerate(product((False, True), repeat=4), 1)
    ]
    records = np.zeros(len(headers), RECORD)
    for record, header in zip(records, headers, strict=True):
        HEADERS.put(record, header)
    assert HEADERS.known(records).all()
    assert HEADERS.get(records) == headers


@pytest.mark.parametrize("seed", range(10))
def test_so_many_failures_end_it_as_they_would_without_an_index(seed, tmp_path, monkeypatch):
    monkeypatch.setattr(file_index, "PIECE", 7)
    rng = random.Random(seed)
    paths = [str(tmp_path / str(number)) for number in range(50)]
    bad = {path for path in paths if rng.random() < 0.3}
    for path in paths:
        Path(path).write_text("")

    def read(path):
        if path in bad:
            raise ValueError(path)
        return bytes(16)

    for enough in (None, 1, 5, len(bad), len(bad) + 1):
        index = FileIndex(tmp_path / "index.npz", paths, paths)
        known = [path for path in paths if path not in bad and rng.random() < 0.5]
        index.attempt(digests_of(3), read, known, 1)
        found = index.attempt(digests_of(3), read, paths, 2, enough=enough)
        assert found == attempt_all(read, paths, 1, enough=enough)


NAMES = ["a/0.png", "b/ü\n.png", "b/\udcff.png"]


def records_of(num: int) -> np.ndarray:
    return np.frombuffer(np.random.default_rng(0).bytes(RECORD.itemsize * num), np.uint8).view(RECORD)


def saved(**changes):
    def save(file):
        arrays = {
            "made_by": np.frombuffer(index_file._MADE_BY, np.uint8),
            "names": np.frombuffer(b"a\0b\0", np.uint8),
            "records": np.zeros(2, RECORD),
        }
        np.savez(file, allow_pickle=True, **(arrays | changes))

    return save


def flip_a_bit(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def make_a_folder(file):
    file.unlink()
    file.mkdir()


DAMAGES = {
    "empty": lambda file: file.write_bytes(b""),
    "garbage": lambda file: file.write_bytes(b"PK" + bytes(range(256))),
    "truncated": lambda file: os.truncate(file, file.stat().st_size // 2),
    "a bit": flip_a_bit,
    "a folder": make_a_folder,
    "version": saved(made_by=np.frombuffer(b"records 0", np.uint8)),
    "pickled": saved(names=np.array([{}], object)),
    "other records": saved(records=np.zeros((2, 3), np.int64)),
    "too few records": saved(records=np.zeros(1, RECORD)),
    "records in rows": saved(records=np.zeros((2, 1), RECORD)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index_is_made_anew(photos, asked, tmp_path, damage):
    expected = described(load(photos))
    file = index_of(tmp_path)
    DAMAGES[damage](file)
    assert read_index(file)[0] == []
    asked.clear()
    assert described(load(photos)) == expected
    assert sorted(asked) == both(*ALL)
    asked.clear()
    load(photos)
    assert sorted(asked) == ([] if file.is_file() else both(*ALL))


def test_a_whole_index_is_read_as_it_was_written(tmp_path):
    file = tmp_path / "new" / "index.npz"
    assert read_index(file)[0] == []
    write_index(file, NAMES, records_of(3))
    names, records = read_index(file)
    assert names == NAMES
    assert records.tobytes() == records_of(3).tobytes()
    write_index(file, [], records_of(0))
    assert read_index(file)[0] == []
    assert [*file.parent.iterdir()] == [file]


def test_where_nothing_can_be_written_there_is_none(photos, tmp_path, monkeypatch):
    expected = without_index(photos, monkeypatch)
    (tmp_path / "cache").write_text("a file")
    assert described(load(photos)) == described(load(photos)) == expected
    monkeypatch.setenv("NASTK_DATA", "~nobody-of-this-name/x")
    assert described(load(photos)) == expected


def test_a_full_disk_leaves_nothing_behind(photos, tmp_path, monkeypatch):
    def full(stream, **arrays):
        stream.write(b"PK")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        found = described(load(photos))
    assert [*(tmp_path / "cache" / ".index").glob(".*"), *(tmp_path / "cache" / ".index").glob("*.npz")] == []
    assert described(load(photos)) == found


def test_several_runs_at_once(photos, asked, tmp_path, monkeypatch):
    """What a reader finds is whole at any time, and in the end it is all there."""
    file = tmp_path / "index.npz"
    write_index(file, NAMES, records_of(3))

    def write_and_read(number):
        write_index(file, NAMES, records_of(3))
        return read_index(file)[0] == NAMES

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(write_and_read, range(100)))
    assert sorted(tmp_path.glob(".*")) == []
    with ThreadPoolExecutor(4) as pool:
        found = [*pool.map(lambda _: described(load(photos)), range(4))]
    assert found == [without_index(photos, monkeypatch)] * 4
    asked.clear()
    load(photos)
    assert asked == []
