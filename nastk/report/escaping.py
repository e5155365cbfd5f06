"""Texts of strangers in pictures and pages."""

from __future__ import annotations

import re
from html import escape


def escaped(text: str) -> str:
    """Escaped for XML and HTML, and without the characters that these have no way to write."""
    return escape(re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text))
