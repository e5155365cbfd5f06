"""The packages and commands that a page of the documentation shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def read_page(name: str) -> tuple[dict[str, str], list[list[str]]]:
    """File -> its text, for every block that begins with a file's name; the commands of all other blocks."""
    page = (DOCS / name).read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    files = {path: block for block in blocks for path in re.findall(r"\A# (\S+)\n", block)}
    commands = [
        shlex.split(line) for block in blocks if not block.startswith("# ") for line in block.splitlines()
    ]
    return files, commands
