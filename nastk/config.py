"""The configuration: its groups of keys, presets, KEY=VALUE overrides, errors in the user's words.

The keys are declared in schema.py and by methods. A resolved `Config` is plain
dataclasses; nothing downstream sees OmegaConf. Precedence: defaults < preset < overrides.
"""

from __future__ import annotations

import dataclasses
import os
import typing
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omegaconf import OmegaConf

from nastk import registry
from nastk.allowed import allowed_value, is_text
from nastk.presets import GENERIC, preset_owner, read_preset
from nastk.schema import (
    EngineConfig,
    LimitsConfig,
    NetworkConfig,
    RunConfig,
    SearchDataConfig,
    SpaceConfig,
    StandaloneDataConfig,
    StandaloneTrainConfig,
    SupernetConfig,
)
from nastk.shown import shown
from nastk.wording import nearest
from nastk.yaml_text import read_yaml, yaml_line

GROUPS = ("search", "space", "limits", "network", "data", "train", "engine", "run")
_SEARCH_GROUPS = {
    "space": SpaceConfig,
    "limits": LimitsConfig,
    "network": SupernetConfig,
    "data": SearchDataConfig,
    "engine": EngineConfig,
    "run": RunConfig,
}
_TRAIN_GROUPS = {
    "network": NetworkConfig,
    "data": StandaloneDataConfig,
    "train": StandaloneTrainConfig,
    "engine": EngineConfig,
    "run": RunConfig,
}
_ABOUT = {"search": "method", "evaluate": "arch", "transfer": "task"}  # what `Config.name` names


@dataclass
class Config:
    """A resolved configuration: the groups that the command has; the others are None.

    command: search, evaluate or transfer. name: the method, architecture or task it is about.
    """

    command: str
    name: str
    preset: str
    data: Any
    train: Any
    network: Any
    engine: Any
    run: RunConfig
    space: SpaceConfig | None = None
    limits: Any = None
    search: Any = None

    def groups(self) -> Iterator[tuple[str, Any]]:
        for name in GROUPS:
            if getattr(self, name) is not None:
                yield name, getattr(self, name)

    def settings(self) -> dict[str, Any]:
        """ "group.key" -> its value."""
        return {
            f"{group}.{name}": value
            for group, values in self.groups()
            for name, value in vars(values).items()
        }


def search_class(method: str, settings: Mapping[str, Any]) -> Any:
    """The class of `method` that searches under `settings` ("group.key" -> a value or its text)."""
    return registry.find("method", registry.methods(), method).load().for_settings(settings)


def schemas(
    command: str, method: str | None = None, settings: Mapping[str, Any] | None = None
) -> dict[str, type]:
    """The dataclass of every group that `command` has; a search's own group is its method's."""
    if command != "search":
        return _TRAIN_GROUPS
    found_class = search_class(str(method), settings or {})
    found = _SEARCH_GROUPS | {"search": found_class.Config, "train": found_class.TrainConfig}
    return {group: found[group] for group in GROUPS}


def resolve(command: str, name: str, preset: str, overrides: Sequence[str]) -> Config:
    """Defaults, then the preset's values, then `overrides` ("group.key=value" words).

    Raises ValueError in the user's words for an unknown preset or key, a wrong type or range.
    """
    given = dict(word.split("=", 1) for word in overrides if "=" in word)
    if command == "search":
        registry.find("method", registry.methods(), name)
        values = _method_preset(name, preset, given)
    else:
        values = list(flatten(read_preset(command, preset)))
    known = _declared(schemas(command, name, dict(values) | given))
    return _build(command, name, preset, values + _read_words(overrides, known))


def resolve_from(base: Config, overrides: Sequence[str]) -> Config:
    """All values of an earlier configuration, then `overrides`; ValueError as `resolve` raises it."""
    values = list(base.settings().items())
    given = dict(word.split("=", 1) for word in overrides if "=" in word)
    known = _declared(schemas(base.command, base.name, dict(values) | given))
    return _build(base.command, base.name, base.preset, values + _read_words(overrides, known))


def _read_words(words: Sequence[str], known: dict[str, tuple[Any, Any]]) -> list[tuple[str, Any]]:
    """KEY=VALUE words as ("group.key", value), paths being absolute."""
    texts = {dotted for dotted, (declared, _) in known.items() if is_text(declared)}
    values = []
    for dotted, value in (parse_override(word, texts) for word in words):
        is_path = dotted in known and known[dotted][1]["path"] and isinstance(value, str)
        values.append((dotted, absolute_path(value) if is_path else value))
    return values


def absolute_path(text: str) -> str:
    """The path, whether or not it exists (yet), spelt so that a run can be continued from elsewhere."""
    path = os.path.expanduser(text)
    if path.startswith("~"):
        raise ValueError(f"{text}: there is no such home directory")
    return os.path.realpath(path) if text else text


def _method_preset(method: str, preset: str, given: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The default space and the preset's values for a method, behind those of the method it builds on.

    given: the settings that the user gives ("group.key" -> text).
    """
    owner = preset_owner(method)
    values = list(flatten(read_preset(owner, preset)))
    found_class = search_class(method, dict(values) | dict(given))
    if found_class.builds_on is not None:
        return _method_preset(found_class.builds_on, preset, given) + values
    if owner == GENERIC:  # it was written without the method in mind, which need not have all its keys
        known = _declared(schemas("search", method, dict(values) | dict(given)))
        values = [(dotted, value) for dotted, value in values if dotted in known]
    return [("space.name", found_class.default_space), *values]


def _build(command: str, name: str, preset: str, values: list[tuple[str, Any]]) -> Config:
    """The defaults of the command's groups with `values` set in turn, each one checked."""
    groups = schemas(command, name, dict(values))
    tree = OmegaConf.create({group: OmegaConf.structured(schema) for group, schema in groups.items()})
    known = _declared(groups)
    for dotted, value in values:
        if dotted not in known:
            raise _unknown_key(dotted, list(known))
        declared, metadata = known[dotted]
        value = allowed_value(dotted, value, declared, metadata)
        group, name_in_group = dotted.split(".")
        tree[group][name_in_group] = value
    plain: Any = {group: OmegaConf.to_object(tree[group]) for group in groups}
    return Config(command=command, name=name, preset=preset, **plain)


def _declared(groups: dict[str, type]) -> dict[str, tuple[Any, Any]]:
    """ "group.key" -> its type and its metadata."""
    return {
        f"{group}.{f.name}": (typing.get_type_hints(schema)[f.name], f.metadata)
        for group, schema in groups.items()
        for f in dataclasses.fields(schema)
    }


def _unknown_key(dotted: str, known: list[str]) -> ValueError:
    """The same or the nearest name in the group that was meant, else in any; nothing where none is near."""
    dotted = dotted if len(dotted) <= 60 else dotted[:57] + "..."
    near = _near_key(dotted, known)
    hint = f"did you mean {near!r}?" if near else "see nastk config"
    return ValueError(f"unknown key {dotted!r}; {hint}")


def _near_key(dotted: str, known: list[str]) -> str | None:
    group, _, name = dotted.rpartition(".")
    meant = nearest(group, dict.fromkeys(key.partition(".")[0] for key in known))
    # Of a name in several groups, the learning rate say, that of the training is meant: it comes last.
    own = {key.partition(".")[2]: key for key in known if key.startswith(f"{meant}.")}
    every = {key.partition(".")[2]: key for key in known}
    for names in (own, every):
        if name in names:
            return names[name]
    for names in (own, every):
        near = nearest(name, names)
        if near is not None:
            return names[near]
    return nearest(dotted, known) if dotted.count(".") > 1 else None


def parse_override(word: str, texts: Collection[str] = ()) -> tuple[str, Any]:
    """("group.key", value) of a KEY=VALUE word; ValueError if it is none.

    The value is read as YAML, but that of a key in `texts` stands for itself, so that every path can
    be given; for those too nothing and null mean null.
    """
    dotted, equals, text = word.partition("=")
    if not equals or not dotted:
        raise ValueError(f"{shown(word)} is not KEY=VALUE (for example train.epochs=10)")
    if "${" in text:
        raise ValueError(f"{shown(word)}: interpolation is not supported")
    if dotted in texts:
        return dotted, None if text in ("", "null") else text
    try:
        return dotted, read_yaml(text)
    except ValueError:
        raise ValueError(f"{shown(word)}: the value cannot be read as YAML") from None


def setting_word(dotted: str, value: Any) -> str:
    """The KEY=VALUE word that sets a key to a value: a text stands for itself, everything else is YAML."""
    if isinstance(value, (str, os.PathLike)):
        return f"{dotted}={os.fspath(value)}"
    return yaml_line(dotted, value).replace(": ", "=", 1)


def flatten(tree: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """("group.key", value) of every entry of a preset's two-level tree."""
    for group, entries in tree.items():
        for name, value in entries.items():
            yield f"{group}.{name}", value


def to_yaml(config: Config) -> str:
    """The resolved configuration as YAML, each key with its help as a comment."""
    heads = {"command": config.command, _ABOUT[config.command]: config.name, "preset": config.preset}
    lines = [yaml_line(name, value) for name, value in heads.items()]
    for group, values in config.groups():
        fields = dataclasses.fields(values)
        if not fields:  # a method without keys of its own
            continue
        lines.append(f"{group}:")
        rows = [("  " + yaml_line(f.name, getattr(values, f.name)), _comment(f.metadata)) for f in fields]
        width = max(len(text) for text, _ in rows)
        lines += [f"{text.ljust(width)}  # {comment}" for text, comment in rows]
    return "\n".join(lines) + "\n"


def from_yaml(text: str) -> Config:
    """The configuration that `to_yaml` wrote; ValueError if it is none or holds unknown keys."""
    try:
        content = read_yaml(text)
        if not isinstance(content, dict):
            raise TypeError("no keys with values")
        command = content.pop("command")
        name, preset = content.pop(_ABOUT[command]), content.pop("preset")
        values = list(flatten(content))
        if not isinstance(name, str) or not isinstance(preset, str):
            raise TypeError(f"{_ABOUT[command]} and preset must be texts")
    except KeyError as error:
        raise ValueError(f"not a nastk configuration: {error} is missing or unknown") from None
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"not a nastk configuration: {error}") from None
    return _build(command, name, preset, values)


def _comment(metadata: Any) -> str:
    return metadata["help"] + (f" ({', '.join(metadata['choices'])})" if metadata["choices"] else "")
