"""Image files: what is read of them, that what was checked decodes, and what memory it takes."""

import io
import os
import random
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nastk.data import decoding
from nastk.data.decoding import Form, check, decode, read_header
from nastk.data.formats import EXTENSIONS, format_of
from nastk.data.memory import PixelBudget
from nastk.data.quiet import no_warnings, silent_stderr
from nastk.data.reading import Unreadable, attempt_all

ORIENTATION = 0x112
SMALL = Form(3, (16, 16))


def picture(height=37, width=45, seed=0) -> Image.Image:
    """Smooth, as photos are; no two corners alike."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height))


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def two_pictures(kind: str, **options) -> bytes:
    first, second = picture(), picture(seed=1)
    if kind == "GIF":
        first, second = first.convert("P"), second.convert("P")
    return encoded(first, kind, save_all=True, append_images=[second], **options)


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


def files() -> dict[str, bytes]:
    """A file of every format, and of every way in which one is compressed."""
    image = picture()
    deep = Image.fromarray(np.arange(37 * 45, dtype=np.uint16).reshape(37, 45))
    found = {
        "png": encoded(image, "PNG"),
        "png, palette": encoded(image.convert("P"), "PNG"),
        "png, deep": encoded(deep, "PNG"),
        "png, turned": encoded(image, "PNG", exif=turned(6)),
        "jpeg": encoded(image, "JPEG"),
        "jpeg, progressive": encoded(image, "JPEG", progressive=True),
        "jpeg, grey": encoded(image.convert("L"), "JPEG"),
        "jpeg, ink": encoded(image.convert("CMYK"), "JPEG"),
        "jpeg, turned": encoded(image, "JPEG", exif=turned(6)),
        "mpo": two_pictures("MPO"),
        "webp": encoded(image, "WEBP"),
        "webp, lossless": encoded(image.convert("RGBA"), "WEBP", lossless=True),
        "webp, animated": two_pictures("WEBP"),
        "bmp": encoded(image, "BMP"),
        "bmp, palette": encoded(image.convert("P"), "BMP"),
        "gif": encoded(image.convert("P"), "GIF"),
        "gif, animated": two_pictures("GIF"),
        "tiff": encoded(image, "TIFF"),
        "tiff, deep": encoded(deep, "TIFF"),
        "tiff, floats": encoded(Image.fromarray(np.ones((37, 45), np.float32)), "TIFF"),
        "tiff, turned": encoded(image, "TIFF", exif=turned(6)),
        "tiff, fax": encoded(image.convert("1"), "TIFF", compression="group4"),
    }
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        found[f"tiff, {compression}"] = encoded(image, "TIFF", compression=compression)
    return found


FILES = files()
each_file = pytest.mark.parametrize("name", FILES)


@each_file
def test_a_format_is_told_by_its_beginning_whatever_the_name(tmp_path, name):
    kind = {"mpo": "JPEG"}.get(name, name.split(",")[0].upper())
    assert format_of(FILES[name][:18]) == kind
    path = tmp_path / f"file{EXTENSIONS[len(name) % len(EXTENSIONS)]}"
    path.write_bytes(FILES[name])
    check(str(path), SMALL)
    assert decode(str(path), SMALL).shape == (16, 16, 3)
    assert decode(str(path), Form(1, (20, 12))).shape == (20, 12, 1)


NO_IMAGES = [
    b"",
    b"\0" * 18,
    b"%!PS-Adobe-3.0 EPSF-3",
    b"BMW and other cars.",
    b"<html></html>",
    b"P6 8 8 255 .......",
    b"II*\0\x10\0\0\0CR\x02\0......",
    b"\0\0\0\x20ftypavif........",
]


@pytest.mark.parametrize("content", NO_IMAGES)
def test_what_begins_like_none_of_them(content):
    assert format_of(content[:18]) is None


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "MPO", "TIFF", "PNG"])
def test_of_several_pictures_the_first_is_read(tmp_path, kind):
    one, several = tmp_path / "one", tmp_path / "several"
    first = picture().convert("P") if kind == "GIF" else picture()
    options = {"lossless": True} if kind == "WEBP" else {}
    one.write_bytes(encoded(first, "JPEG" if kind == "MPO" else kind, **options))
    several.write_bytes(two_pictures(kind, **options))
    form = Form(3, (36, 44))
    assert torch.equal(decode(str(one), form), decode(str(several), form))


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Cut off, changed in a few places, or with a piece missing."""
    changed = bytearray(content)
    match rng.randrange(4):
        case 0:
            return content[: rng.randrange(1, len(content))]
        case 1:
            return content[: len(content) - rng.randrange(1, 12)]
        case 2:
            for _ in range(rng.randrange(1, 4)):
                end = len(content) if rng.random() < 0.5 else min(len(content), 200)
                changed[rng.randrange(end)] = rng.randrange(256)
        case 3:
            start = rng.randrange(2, len(content))
            del changed[start : start + rng.randrange(1, 80)]
    return bytes(changed)


@each_file
def test_what_the_check_lets_through_decodes_and_decoders_print_nothing(tmp_path, name, capfd):
    """Both ways round: what it refuses does not decode either."""
    rng = random.Random(0)
    outcomes = set()
    for number in range(40):
        path = str(tmp_path / str(number))
        Path(path).write_bytes(damaged(FILES[name], rng))
        if isinstance(attempt_all(read_header, [path], 1)[0], Unreadable):
            continue
        for form in (SMALL, Form(1, (16, 16))):
            (checked,) = attempt_all(lambda path, form=form: check(path, form), [path], 1)
            (decoded,) = attempt_all(lambda path, form=form: decode(path, form), [path], 1)
            assert isinstance(checked, Unreadable) == isinstance(decoded, Unreadable), (checked, decoded)
            outcomes.add(isinstance(checked, Unreadable))
    assert outcomes
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0nonsense", b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x02ab\0\0"]
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_of_exif_without_sense_the_image_is_upright(tmp_path, kind, exif):
    path = str(tmp_path / "file")
    Path(path).write_bytes(encoded(picture(), kind, exif=exif))
    with no_warnings():
        assert read_header(path).size == (37, 45)
        assert decode(path, Form(3, (36, 44))).shape == (36, 44, 3)


def test_orientation_behind_the_pixels_of_a_png(tmp_path):
    turned_png, upright = encoded(picture(), "PNG", exif=turned(6)), encoded(picture(), "PNG")
    start = turned_png.index(b"eXIf") - 4
    length = int.from_bytes(turned_png[start : start + 4], "big") + 12
    path = str(tmp_path / "late.png")
    Path(path).write_bytes(upright[:-12] + turned_png[start : start + length] + upright[-12:])
    expected = np.rot90(np.asarray(picture()), -1)
    assert np.array_equal(decode(path, Form(3, (45, 37))).numpy(), expected)


def test_stderr_is_silent_for_as_long_as_any_thread_wants_it_and_no_longer(capfd):
    both_in, first_out = threading.Barrier(2), threading.Event()

    def first():
        with silent_stderr():
            both_in.wait()
        first_out.set()

    thread = threading.Thread(target=first)
    thread.start()
    with silent_stderr():
        both_in.wait()
        first_out.wait()
        os.write(2, b"of a decoder")
    thread.join()
    os.write(2, b"of nastk")
    assert capfd.readouterr().err == "of nastk"


class TestHugeImages:
    """Above a number of pixels that is small here, images are reduced before they are brought to size."""

    @pytest.fixture(autouse=True)
    def small_limits(self, monkeypatch):
        monkeypatch.setattr(decoding, "_HUGE", 200 * 300)
        monkeypatch.setattr(decoding, "_BAND", 4000)

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF"])
    @pytest.mark.parametrize("orientation", [1, 6])
    @pytest.mark.parametrize("channels", [1, 3])
    def test_look_as_if_they_were_resized_at_once(self, tmp_path, monkeypatch, kind, orientation, channels):
        image = picture(400, 611).convert("P") if kind == "GIF" else picture(400, 611)
        path, form = str(tmp_path / "huge"), Form(channels, (24, 32))
        Path(path).write_bytes(
            encoded(image, kind, **({} if kind == "GIF" else {"exif": turned(orientation)}))
        )
        reduced = decode(path, form)
        check(path, form)
        monkeypatch.setattr(decoding, "_HUGE", 10**9)
        at_once = decode(path, form)
        assert reduced.shape == at_once.shape
        assert (reduced.float() - at_once.float()).abs().mean() < 3  # of 255

    def test_are_brought_to_bytes_in_parts(self, tmp_path, monkeypatch):
        seen = []
        colour = decoding._colour

        def watched(band, values):
            seen.append(band.size)
            return colour(band, values)

        monkeypatch.setattr(decoding, "_colour", watched)
        path = tmp_path / "huge"
        path.write_bytes(encoded(picture(400, 611), "PNG"))
        decode(str(path), SMALL)
        assert len(seen) > 30 and max(width * height for width, height in seen) <= 611 * 12

    def test_a_jpeg_is_decoded_to_a_part(self, tmp_path, monkeypatch):
        sizes = []
        read = decoding._bytes

        def watched(image, form):
            sizes.append(image.size)
            return read(image, form)

        monkeypatch.setattr(decoding, "_bytes", watched)
        path = tmp_path / "huge"
        path.write_bytes(encoded(picture(400, 611), "JPEG"))
        decode(str(path), Form(3, (24, 32)))
        assert sizes == [(77, 50)]

    def test_one_after_the_other(self, tmp_path, monkeypatch):
        assert most_at_once(tmp_path, monkeypatch, picture(400, 611)) == 1


def test_photos_are_decoded_side_by_side_as_far_as_their_pixels_allow(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "_BUDGET", PixelBudget(37 * 45 * 5 // 2))
    assert most_at_once(tmp_path, monkeypatch, picture()) == 2


def most_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, image: Image.Image) -> int:
    """How many images four threads have in memory together, at most."""
    inside: list[int] = []
    counts = []
    read = decoding._bytes

    def watched(image, form):
        inside.append(1)
        counts.append(len(inside))
        time.sleep(0.05)
        inside.pop()
        return read(image, form)

    monkeypatch.setattr(decoding, "_bytes", watched)
    paths = [str(tmp_path / str(number)) for number in range(6)]
    for path in paths:
        Path(path).write_bytes(encoded(image, "PNG"))
    found = attempt_all(lambda path: decode(path, SMALL), paths, 4)
    assert not any(isinstance(one, Unreadable) for one in found)
    return max(counts)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "1", "I;16"])
def test_photos_are_read_in_parts_to_the_same_pixels(tmp_path, monkeypatch, mode):
    image = picture(200, 150)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image)[..., 0].astype(np.uint16) * 200)
    else:
        image = image.convert(mode)
    path, form = tmp_path / "photo", Form(3, (200, 150))
    path.write_bytes(encoded(image, "PNG"))
    at_once = decode(str(path), form)
    monkeypatch.setattr(decoding, "_BAND", 1000)
    assert torch.equal(at_once, decode(str(path), form))
