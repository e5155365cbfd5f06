"""What is found wrong with annotations, gathered so that all of it is told of at once, and in one line."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from nastk.data.files import printable
from nastk.shown import one_line
from nastk.wording import counted

_SHOWN = 3  # faults that a message names
_LONGEST = 300  # characters of one


class Review:
    """Of the annotations in one place, which every message names first."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._faults: list[str] = []
        self._num_faults = 0
        self._mended: dict[str, list[str]] = defaultdict(list)

    def fault(self, where: str, what: str) -> None:
        """where: the item, as people find it in their file. what: what is wrong, and what would be right."""
        self._num_faults += 1
        if self._num_faults <= _SHOWN:
            self._faults.append(one_line(f"{where}: {what}", _LONGEST))

    def mended(self, what: str, where: str) -> None:
        """Something that could be put right: told of in a note. what: "left out boxes without area", say."""
        self._mended[what].append(where)

    def refuse(self) -> None:
        """Raise ValueError if there was a fault."""
        if self._num_faults:
            more = self._num_faults - len(self._faults)
            rest = f"; and {counted(more, 'more fault')}" if more else ""
            raise ValueError(f"{printable(self.place)}: {'; '.join(self._faults)}{rest}")

    def notes(self) -> tuple[str, ...]:
        return tuple(
            f"{printable(self.place)}: {what} ({len(items):,}): {one_line(', '.join(items[:_SHOWN]), _LONGEST)}"
            + (", ..." if len(items) > _SHOWN else "")
            for what, items in self._mended.items()
        )
