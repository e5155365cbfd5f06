"""nastk: neural architecture search for images, from the command line and from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nastk.api import (
        SearchRun,
        TrainingRun,
        evaluate,
        export,
        load,
        open,
        predict,
        rank,
        search,
        transfer,
        write_report,
    )

__version__ = "0.1.0"
__all__ = [
    "SearchRun",
    "TrainingRun",
    "evaluate",
    "export",
    "load",
    "open",
    "predict",
    "rank",
    "search",
    "transfer",
    "write_report",
]


def __getattr__(name: str) -> Any:
    """The functions of nastk.api, loaded when first asked for: importing nastk costs no torch."""
    if name not in __all__:
        raise AttributeError(f"module 'nastk' has no attribute {name!r}")
    from nastk import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
