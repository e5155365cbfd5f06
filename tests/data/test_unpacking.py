"""Archives: unpacked once, nowhere else than into their folder, and never to more than they may."""

import os
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures import put, put_classes

from nastk.data import unpacking
from nastk.data.sources import load_images
from nastk.data.unpacking import unpacked
from nastk.schema import DataConfig


@pytest.fixture
def folder(tmp_path) -> Path:
    put_classes(tmp_path / "set" / "train", 4)
    put_classes(tmp_path / "set" / "test", 1)
    return tmp_path / "set"


def pack(folder: Path, name: str = "set.zip", compression: int = zipfile.ZIP_STORED) -> Path:
    """An archive of the folder, as one makes it of a folder: with its name in front."""
    path = folder.parent / name
    with zipfile.ZipFile(path, "w", compression) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder.parent))
    return path


def config(path: Path, **values) -> DataConfig:
    return DataConfig(dataset=str(path), dir=str(path.parent / "data"), workers=0, **values)


def load(path: Path, split="train", **values):
    return load_images(config(path, **values), split)


def everything_in(place: Path) -> list[str]:
    return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


def refused(path: Path, *words) -> None:
    with pytest.raises(ValueError) as caught:
        load(path)
    message = str(caught.value)
    assert "\n" not in message and all(str(word) in message for word in (path, *words)), message


@pytest.mark.parametrize("name", ["set.zip", "SET.ZIP"])
def test_it_holds_what_the_folder_held(folder, name):
    path = pack(folder, name)
    for split in ("train", "test"):
        assert load(path, split).fingerprint == load(folder, split).fingerprint
    (made,) = (folder.parent / "data" / "unpacked").iterdir()
    assert made.name.startswith(f"{path.stem}-")
    assert everything_in(made) == [f"set/{name}" for name in everything_in(folder)]
    assert load(path).notes == (f"{path} was unpacked to {made}",)
    assert load(path, resident_mib=0).fingerprint == load(folder).fingerprint


def test_any_layout(tmp_path):
    put_classes(tmp_path / "flat", 5)
    assert load(pack(tmp_path / "flat", "flat.zip")).labels.tolist() == [0] * 4 + [1] * 4
    put(tmp_path / "listed" / "0.png")
    put(tmp_path / "listed" / "1.png", seed=1)
    (tmp_path / "listed" / "list.csv").write_text("path,label\n0.png,bee\n1.png,cow\n")
    assert load(pack(tmp_path / "listed", "listed.zip"), test_portion=0).classes == ("bee", "cow")


def test_it_is_unpacked_once(folder, monkeypatch):
    path = pack(folder)
    first = load(path)
    monkeypatch.setattr(unpacking, "_unpack", lambda *_args: pytest.fail("unpacked once more"))
    os.utime(path, (0, 0))
    assert load(path).fingerprint == first.fingerprint
    (folder.parent / "moved").mkdir()
    path = path.rename(folder.parent / "moved" / "set.zip")
    config_there = DataConfig(dataset=str(path), dir=str(folder.parent / "data"), workers=0)
    assert load_images(config_there, "train").fingerprint == first.fingerprint


def test_another_one_of_its_name_is_noticed(folder):
    path = pack(folder)
    first = load(path)
    put(folder / "train" / "bee" / "0.png", seed=77)
    path.unlink()
    assert load(pack(folder)).fingerprint != first.fingerprint
    assert len(list((folder.parent / "data" / "unpacked").iterdir())) == 2


@pytest.mark.parametrize("change", [os.unlink, lambda path: path.write_bytes(b"short")])
def test_a_change_of_what_was_unpacked_is_noticed(folder, change):
    path = pack(folder)
    load(path)
    (made,) = (folder.parent / "data" / "unpacked").iterdir()
    change(made / "set" / "train" / "bee" / "1.png")
    refused(path, made, "set/train/bee/1.png is no longer as it was", "remove that folder")


def test_litter_stays_where_it_is(folder):
    put(folder.parent / "__MACOSX" / "set" / "train" / "bee" / "._0.png")
    path = pack(folder)
    with zipfile.ZipFile(path, "a") as archive:
        for name in ("__MACOSX/set/train/bee/._0.png", "set/.DS_Store", "set/train/Thumbs.db"):
            archive.writestr(name, b"nothing")
    load(path)
    (made,) = (folder.parent / "data" / "unpacked").iterdir()
    assert everything_in(made) == [f"set/{name}" for name in everything_in(folder)]


def test_backslashes_of_windows_programs(folder):
    path = pack(folder)
    with zipfile.ZipFile(path) as archive:
        contents = {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            info = zipfile.ZipInfo(name)
            info.filename = name.replace("/", "\\")
            archive.writestr(info, content)
    assert load(path).fingerprint == load(folder).fingerprint


def write(path: Path, *names: str, content: bytes = b"nothing", **about) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for key, value in about.items():
                setattr(info, key, value)
            archive.writestr(info, content)
    return path


@pytest.mark.parametrize(
    "name", ["../out.png", "/out.png", "a/../../out.png", "a/..", "..\\out.png", "C:\\out.png", "c:/out.png"]
)
def test_paths_that_lead_out_of_it(tmp_path, name):
    path = write(tmp_path / "set.zip", "train/bee/0.png", name)
    refused(path, "a path that leads out of it")
    assert everything_in(tmp_path) == ["set.zip"]


def test_links_twins_and_secrets(tmp_path):
    link = (stat.S_IFLNK | 0o777) << 16
    refused(
        write(tmp_path / "link.zip", "train/bee", content=b"/etc", external_attr=link), "a link, train/bee"
    )
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = write(tmp_path / "twins.zip", "train/bee/0.png", "train/bee/0.png")
    refused(path, "train/bee/0.png twice")
    path = write(tmp_path / "secret.zip", "train/bee/0.png")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    refused(path, "encrypted")
    refused(write(tmp_path / "clash.zip", "train", "train/bee/0.png"), "cannot be unpacked")
    assert everything_in(tmp_path) == ["clash.zip", "link.zip", "secret.zip", "twins.zip"]


def test_more_than_it_may_unpack_to(tmp_path, monkeypatch):
    path = write(tmp_path / "bomb.zip", "train/bee/0.bmp", content=bytes(10**6))
    monkeypatch.setattr(unpacking, "_HARMLESS", 10**5)
    refused(path, f"of {path.stat().st_size:,} bytes would unpack to 1,000,000", "name the folder")
    assert everything_in(tmp_path) == ["bomb.zip"]


def test_more_than_it_says(tmp_path):
    """Of a file that is larger than the archive says, no more is unpacked than that."""
    path = write(tmp_path / "set.zip", "train/bee/0.png", content=bytes(10**6))
    content = path.read_bytes().replace((10**6).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(content)
    refused(path, "damaged: train/bee/0.png")
    assert everything_in(tmp_path) == ["set.zip"]


def test_more_than_the_disk_has(folder, monkeypatch):
    path = pack(folder)
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda _: unpacking.shutil._ntuple_diskusage(9, 9, 0))
    refused(path, "GiB free", "--data-dir")


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "set.zip")
    refused(tmp_path / "set.zip", "a named pipe, not a file")


def test_a_place_that_cannot_be_written(folder):
    (folder.parent / "data").write_text("a file")
    refused(pack(folder), "cannot be unpacked", folder.parent / "data")


def test_damage_leaves_nothing_behind(folder):
    path = pack(folder)
    content = bytearray(path.read_bytes())
    at = content.index(b"IDAT")
    content[at : at + 10] = bytes(10)
    path.write_bytes(content)
    refused(path, "damaged: set/")
    path.write_bytes(content[: len(content) // 2])
    refused(path, "no .zip, or a truncated one")
    path.write_bytes(b"")
    refused(path, "no .zip")
    assert [name for name in everything_in(folder.parent) if name.startswith("data")] == []


def test_two_runs_at_once(folder, monkeypatch):
    path = pack(folder)
    root = folder.parent / "data"
    unpack = unpacking._unpack

    def overtaken(*arguments):
        monkeypatch.setattr(unpacking, "_unpack", unpack)
        unpacked(path, root)
        unpack(*arguments)

    monkeypatch.setattr(unpacking, "_unpack", overtaken)
    place = unpacked(path, root)
    assert list(root.iterdir()) == [place]
    assert everything_in(place / "set") == everything_in(folder)


fuzz = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)


@fuzz
@given(position=st.integers(0), byte=st.integers(0, 255), cut=st.integers(0, 3000))
def test_any_damage(tmp_path, position, byte, cut):
    put_classes(tmp_path / "set", 1)
    path = pack(tmp_path / "set")
    content = bytearray(path.read_bytes())
    content[position % len(content)] = byte
    path.write_bytes(content[: max(1, len(content) - cut // 10)])
    try:
        place = unpacked(path, tmp_path / "data")
        assert place.parent == tmp_path / "data"
    except ValueError as error:
        assert "\n" not in str(error)
