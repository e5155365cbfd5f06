"""Lists of image files and their classes: a CSV of any people's making, Tiny-ImageNet's annotations.

A CSV has a row an image: its path (relative to the CSV), its label and, if it likes, the part it belongs to.
Columns are known by their names in the first row, or, without such a row, by what they hold.
"""

from __future__ import annotations

import csv
import io
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nastk.data.files import printable, read_text
from nastk.data.formats import EXTENSIONS
from nastk.data.listing import Lister, Listing, check_several, listing_of
from nastk.data.parts import Part, part_named
from nastk.shown import shown

_NAMES = {
    "path": "path paths file files file_name filename filenames file_path filepath filepaths image images "
    "image_path image_name image_file img img_path",
    "label": "label labels class classes class_name category target",
    "split": "split splits set subset part partition data_set dataset",
}
_ROLES = {name: role for role, names in _NAMES.items() for name in names.split()}
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Row:
    """An image of a list; line: where it stands there."""

    path: str
    label: str
    line: int


def csv_parts(path: Path, within: Path | None = None) -> dict[Part, Lister]:
    """The parts that the split column knows, or all as training images.

    within: the folder that no path may lead out of (a stranger's archive). Raises ValueError in the user's
    words, with the line, for what cannot be read.
    """
    rows: dict[Part, list[Row]] = defaultdict(list)
    lines: dict[str, int] = {}
    for row, part in _rows(path, within):
        if row.path in lines:
            raise ValueError(
                f"{printable(path)} has {printable(row.path)} twice, in lines {lines[row.path]} and {row.line}"
            )
        lines[row.path] = row.line
        rows[part].append(row)
    if "train" not in rows:
        raise ValueError(f"{printable(path)}: no image of it is to train on")
    return {part: partial(_listed, path, found) for part, found in rows.items()}


def read_annotations(
    path: Path, images: Path, _threads: int, known: tuple[str, ...] | None = None
) -> Listing:
    """The images of a list as Tiny-ImageNet's val_annotations.txt: a line an image in the folder `images`, its
    file's name and its class first, with tabs between them."""
    rows = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        name, _, rest = line.partition("\t")
        label = rest.partition("\t")[0].strip()
        if not line.strip():
            continue
        if not label or name != os.path.basename(name):
            raise ValueError(f"{printable(path)}, line {number}: expected a file's name, a tab and its class")
        rows.append(Row(os.path.join(images, name), label, number))
    return _listed(path, rows, 0, known)


def _listed(place: Path, rows: Sequence[Row], _threads: int, known: tuple[str, ...] | None = None) -> Listing:
    paths_of = defaultdict(list)
    for row in rows:
        paths_of[row.label].append(row.path)
    if known is None:
        check_several(place, paths_of)
    return listing_of(place, paths_of)


def _rows(path: Path, within: Path | None) -> Iterable[tuple[Row, Part]]:
    table = _table(path)
    if not table:
        raise ValueError(f"{printable(path)} has no rows")
    columns = _named_columns(path, table[0][1])
    if columns is None:
        columns = _columns_by_content(path, table)
    else:
        table = table[1:]
    width = max(columns.values()) + 1
    for line, cells in table:
        where = f"{printable(path)}, line {line}"
        if len(cells) < width:
            raise ValueError(f"{where}: expected {width} columns, found {len(cells)}")
        cell = {role: cells[number] for role, number in columns.items()}
        for role, text in cell.items():
            if not text:
                raise ValueError(f"{where}: the {role} is empty")
        part = part_named(cell.get("split", "train"))
        if part is None:
            raise ValueError(f"{where}: the split is {shown(cell['split'])}, expected train, val or test")
        found = os.path.normpath(os.path.join(path.parent, cell["path"]))
        if within is not None and not found.startswith(os.path.join(within, "")):
            raise ValueError(f"{where}: {printable(cell['path'])} lies outside of the archive")
        yield Row(found, cell["label"], line), part


def _table(path: Path) -> list[tuple[int, list[str]]]:
    """(line, cells) of every row that holds anything, blanks around cells taken away."""
    text = read_text(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=first.count)  # of equally many the first
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    rows, line = [], 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                rows.append((line, stripped))
            line = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{printable(path)}, line {line}: {error}") from None
    return rows


def _named_columns(path: Path, first: Sequence[str]) -> dict[str, int] | None:
    """Where the columns stand that the first row names; None: it is an image's.

    A column of another name is the path's or the label's if it is the only one left for it.
    """
    if any(_is_image(path, cell) for cell in first):
        return None
    columns: dict[str, int] = {}
    others = []
    for number, cell in enumerate(first):
        role = _ROLES.get("_".join(cell.lower().replace("-", " ").split()))
        if role is None:
            others.append(number)
        elif role in columns:
            raise ValueError(
                f"{printable(path)}: {shown(first[columns[role]])} and {shown(cell)} may both be the {role}; leave one"
            )
        else:
            columns[role] = number
    missing = [role for role in ("path", "label") if role not in columns]
    if len(missing) == len(others) == 1:
        columns[missing[0]], missing = others[0], []
    if missing:
        raise ValueError(
            f"{printable(path)}: its first row names no column of {' and '.join(f'{role}s' for role in missing)} "
            f"(expected path, label and perhaps split, found {', '.join(map(shown, first[:5]))})"
        )
    return columns


def _columns_by_content(path: Path, table: Sequence[tuple[int, list[str]]]) -> dict[str, int]:
    """Of a list without names: the path is what the first row has an image's file for, the split, where there are
    three columns, what holds nothing but names of parts."""
    first = table[0][1]
    paths = [number for number, cell in enumerate(first) if _is_image(path, cell)]
    others = [number for number in range(len(first)) if number not in paths]
    splits = [
        number
        for number in others
        if len(others) == 2 and all(len(row) > number and part_named(row[number]) for _, row in table)
    ]
    if len(paths) != 1 or len(others) - len(splits) != 1:
        raise ValueError(
            f"{printable(path)}: which columns hold the path, the label and the split cannot be told; "
            "name them in a first row: path,label,split"
        )
    (label,) = set(others) - set(splits)
    columns = {"path": paths[0], "label": label}
    if splits:
        columns["split"] = splits[0]
    return columns


def _is_image(path: Path, cell: str) -> bool:
    return cell.lower().endswith(EXTENSIONS) or os.path.isfile(os.path.join(path.parent, cell))
