"""The image formats that are read, told apart by how their files begin and never by their names.

The list is fixed: Pillow's other decoders are never asked (one starts Ghostscript).
"""

from __future__ import annotations

import struct

EXTENSIONS = (".jpg", ".jpeg", ".jfif", ".mpo", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
LONGEST = 18  # bytes of a file's beginning that tell its format

_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)  # bytes; two letters alone begin many a text
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def format_of(start: bytes) -> str | None:
    """Pillow's name of the format of a file that starts like this; None: it is not one of those read."""
    if start.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "WEBP"
    if start.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if start.startswith(_TIFF_STARTS) and start[8:10] != b"CR":  # Canon's raw files are not
        return "TIFF"
    if start.startswith(b"BM") and len(start) >= LONGEST:
        return "BMP" if struct.unpack_from("<I", start, 14)[0] in _BMP_HEADERS else None
    return None
