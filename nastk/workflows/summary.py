"""summary.json: what a run was and what came of it."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from nastk import __version__
from nastk.config import Config, flatten, resolve, setting_word
from nastk.engine.device import Engine
from nastk.run import SUMMARY, Run
from nastk.workflows.result_text import RESULT


def write_summary(
    run: Run,
    config: Config,
    engine: Engine,
    result_text: Callable[[dict[str, Any]], str],
    *,
    steps: int,
    wall_s: float,
    **content: Any,
) -> None:
    """Write summary.json, the last file of a run, and before it the result in words.

    result_text: of what is in summary.json.
    """
    about = "method" if config.command == "search" else "arch"
    summary: dict[str, Any] = (
        {"command": config.command}
        | ({} if about in content else {about: config.name})
        | {"dataset": config.data.dataset, "seed": config.run.seed}
        | content
        | {
            "wall_s": round(wall_s, 3),
            "steps": steps,
            "device": engine.describe(),
            "versions": {
                "nastk": __version__,
                "torch": version("torch"),
                "python": platform.python_version(),
            },
        }
    )
    run.write_text(RESULT, result_text(summary))
    run.write_json(SUMMARY, summary)


def reproduce_command(config: Config, arch: str | None = None) -> str:
    """The command line that gives this configuration: what differs from the preset is spelt out.

    arch: what an evaluation or a transfer is to take as --arch; else that is left to its configuration.
    Some settings bring others along (search.base those of a method): these are looked at in a further round.
    """
    flag = {"search": "--method", "evaluate": "--arch", "transfer": "--task"}[config.command]
    about = [flag, config.name]
    if arch is not None:
        about = ["--arch", arch] if config.command == "evaluate" else [*about, "--arch", arch]
    words: dict[str, str] = {}
    while True:
        known = dict(_values(resolve(config.command, config.name, config.preset, [*words.values()])))
        more = {
            key: setting_word(key, value)
            for key, value in _values(config)
            if key in known and key not in words and known[key] != value
        }
        if not more:
            break
        words |= more
    return shlex.join(["nastk", config.command, *about, "--preset", config.preset, *words.values()])


def _values(config: Config) -> list[tuple[str, Any]]:
    return list(flatten({group: vars(values) for group, values in config.groups()}))
