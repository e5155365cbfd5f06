"""A published table in an .npz file: the values of a column, architecture by architecture."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from nastk.data.npz_file import open_npz, read_array
from nastk.registry import load_space, unknown
from nastk.shown import shown
from nastk.tables.kinds import KINDS, Kind, Part, Quantity

# Far more than any published table has: what is larger is something else.
MOST_BYTES = 256 * 2**20  # of an array
MOST_ROWS = 1_000_000


@dataclass(frozen=True, eq=False)
class Column:
    """What a table says of every architecture of `space`, in the order of the table's rows.

    archs: the benchmark's own strings [n]; values: float64 [n] of `quantity` on `dataset`.
    """

    name: str
    dataset: str
    space: str
    quantity: Quantity
    archs: tuple[str, ...]
    values: np.ndarray

    @cached_property
    def rows(self) -> dict[str, int]:
        """Architecture -> its row."""
        return {arch: row for row, arch in enumerate(self.archs)}


class Table:
    """A file with one of the tables of nastk.tables.kinds; columns are read when asked for.

    Raises ValueError in one line for a file that cannot be read, is no such table, or whose columns are
    not what they must be.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._archs: dict[str, tuple[str, ...]] = {}  # space -> its architectures, once they were read
        with open_npz(path, str(path)) as file:
            self.arrays = tuple(file.files)
            self.kind = _kind_of(self.arrays, path)
            self.datasets = self._read_datasets(file)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that the file has, of those that are known."""
        return tuple(name for part in self.kind.parts for name in part.columns if name in self.arrays)

    def part_of(self, space: str) -> Part:
        """The part about `space`; ValueError if the table is about others."""
        for part in self.kind.parts:
            if part.space == space:
                return part
        spaces = " and ".join(part.space for part in self.kind.parts)
        raise ValueError(f"{self.path}: {self.kind.name} is a table of space {spaces}, not of {space}")

    def datasets_of(self, name: str) -> list[str]:
        """The data sets that a column has values of; ValueError if there is no such column."""
        if name not in self.columns:
            raise ValueError(f"{self.path}: {unknown('column', name, self.columns)}")
        quantities = next(part.columns[name] for part in self.kind.parts if name in part.columns)
        return [known for known in self.datasets if known in quantities]

    def column(self, name: str, dataset: str | None = None) -> Column:
        """The column's values; dataset None: the first of the data sets that it has."""
        offered = self.datasets_of(name)
        part = next(part for part in self.kind.parts if name in part.columns)
        quantities = part.columns[name]
        if dataset is None and offered:
            dataset = offered[0]
        if dataset is None or dataset not in offered:
            raise ValueError(f"{self.path}: {unknown(f'data set of {name}', str(dataset), offered)}")
        with open_npz(self.path, str(self.path)) as file:
            if part.space not in self._archs:
                self._archs[part.space] = self._read_archs(file, part)
            archs = self._archs[part.space]
            values = self._read_values(file, name, len(archs))
        if values.ndim == 2:
            values = values[:, self.datasets.index(dataset)]
        return Column(name, dataset, part.space, quantities[dataset], archs, values)

    def _read_datasets(self, file: np.lib.npyio.NpzFile) -> tuple[str, ...]:
        name = self.kind.datasets
        found = self._read_texts(file, name)
        self._check_distinct(name, found)
        known = {dataset for part in self.kind.parts for of in part.columns.values() for dataset in of}
        for dataset in found:
            if dataset not in known:
                raise ValueError(f"{self.path}: {name}: {unknown('data set', dataset, known)}")
        if self.kind.metrics:
            self._check_metrics(found, self._read_texts(file, self.kind.metrics))
        return found

    def _check_metrics(self, datasets: tuple[str, ...], metrics: tuple[str, ...]) -> None:
        """The validation columns' metrics are those of the file: another metric may be better when lower."""
        for part in self.kind.parts:
            declared = part.columns[part.validation]
            expected = tuple(declared[dataset].metric for dataset in datasets)
            if metrics != expected:
                raise ValueError(
                    f"{self.path}: {self.kind.metrics}: expected {', '.join(expected)}, "
                    f"found {shown(', '.join(metrics))}"
                )

    def _read_archs(self, file: np.lib.npyio.NpzFile, part: Part) -> tuple[str, ...]:
        archs = self._read_texts(file, part.archs)
        self._check_distinct(part.archs, archs)
        space = load_space(part.space)
        for row, arch in enumerate(archs):
            try:
                space.body_from_json({"arch": arch})
            except ValueError as error:
                raise ValueError(f"{self.path}: {part.archs}[{row}]: {error}") from None
        return archs

    def _read_array(self, file: np.lib.npyio.NpzFile, name: str) -> np.ndarray:
        """The array, unless it is larger than any that a table has: it would be unpacked first."""
        assert file.zip is not None, "the file is open"
        sizes = {member.filename.removesuffix(".npy"): member.file_size for member in file.zip.infolist()}
        size = sizes[name]
        if size > MOST_BYTES:
            raise ValueError(
                f"{self.path}: {name}: {size:,} bytes unpacked; of a table are read at most {MOST_BYTES:,}"
            )
        return read_array(file, name, str(self.path))

    def _read_texts(self, file: np.lib.npyio.NpzFile, name: str) -> tuple[str, ...]:
        array = self._read_array(file, name)
        if array.ndim != 1 or array.dtype.kind != "U" or not len(array):
            raise ValueError(f"{self.path}: {name}: expected a list of texts, found {_described(array)}")
        if len(array) > MOST_ROWS:
            raise ValueError(f"{self.path}: {name}: {len(array):,} texts; at most {MOST_ROWS:,} are read")
        if not _is_unicode(array):
            raise ValueError(f"{self.path}: {name}: holds numbers that are no characters of Unicode")
        return tuple(array.tolist())

    def _check_distinct(self, name: str, texts: tuple[str, ...]) -> None:
        text, times = Counter(texts).most_common(1)[0]
        if times > 1:
            raise ValueError(f"{self.path}: {name}: {shown(text)} is given {times} times")

    def _read_values(self, file: np.lib.npyio.NpzFile, name: str, num: int) -> np.ndarray:
        array = self._read_array(file, name)
        shapes = [(num,)] if self._is_of_one(name) else [(num, len(self.datasets))]
        if array.dtype.kind not in "fiu" or array.shape not in shapes:
            raise ValueError(
                f"{self.path}: {name}: expected numbers {list(shapes[0])}, found {_described(array)}"
            )
        return array.astype(np.float64)

    def _is_of_one(self, name: str) -> bool:
        return any(len(part.columns[name]) == 1 for part in self.kind.parts if name in part.columns)


def open_table(path: Path) -> Table:
    """The table in a file, which is read once while it stays as it is: searches are built again and again."""
    try:
        found = path.stat()
    except OSError:
        return Table(path)  # which says what is wrong
    return _open_table(path.absolute(), found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=2)
def _open_table(path: Path, modified_ns: int, size: int) -> Table:  # noqa: ARG001
    return Table(path)


def _kind_of(arrays: Iterable[str], path: Path) -> Kind:
    """The kind whose arrays are all there."""
    present = set(arrays)
    for kind in KINDS:
        if present >= set(_needed(kind)):
            return kind
    wanted = " or ".join(f"{', '.join(_needed(kind))} ({kind.name})" for kind in KINDS)
    found = ", ".join(map(shown, sorted(present)[:8])) or "none"
    raise ValueError(f"{path}: not a table that nastk knows: expected the arrays {wanted}; found {found}")


def _needed(kind: Kind) -> list[str]:
    """The arrays without which a file is not of this kind."""
    return [name for name in (kind.datasets, kind.metrics, *(part.archs for part in kind.parts)) if name]


def _is_unicode(texts: np.ndarray) -> bool:
    """Whether all characters of an array of texts are some: numpy does not look, and Python then cannot print."""
    if not texts.itemsize:  # of empty texts
        return True
    numbers = np.ascontiguousarray(texts).view(np.dtype(np.uint32).newbyteorder(texts.dtype.byteorder))
    surrogates = (numbers >= 0xD800) & (numbers <= 0xDFFF)
    return bool((numbers <= sys.maxunicode).all() and not surrogates.any())


def _described(array: np.ndarray) -> str:
    return f"{array.dtype} {list(array.shape)}"
