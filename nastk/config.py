"""The configuration: dataclass schemas, presets, KEY=VALUE overrides, errors in the user's words.

Every key is declared once, with its help and what is allowed, by `key`. A resolved `Config` is plain
dataclasses; nothing downstream sees OmegaConf. Precedence: defaults < preset < overrides.
"""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from omegaconf import OmegaConf

from nastk import registry
from nastk.allowed import allowed_value, is_text
from nastk.genotype import shown
from nastk.presets import GENERIC, preset_owner, read_preset
from nastk.yaml_text import read_yaml, yaml_line


def key(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    above: float | None = None,
    high: float | None = None,
    choices: Sequence[str] = (),
) -> Any:
    """Declare a configuration key: its default, one line of help, and the values allowed.

    low and high are inclusive bounds, above an exclusive one; for a list they hold for each entry.
    """
    metadata = {"help": help, "low": low, "above": above, "high": high, "choices": tuple(choices)}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass
class SpaceConfig:
    name: str = key("darts", "search space (nastk list spaces)")
    operations: list[str] | None = key(None, "only these operations on every edge; null: all of the space")


@dataclass
class SupernetConfig:
    init_channels: int = key(16, "channels of the first cells", low=1)
    num_cells: int = key(8, "cells; the reductions stand at 1/3 and 2/3", low=1)


@dataclass
class NetworkConfig:
    init_channels: int = key(36, "channels of the first cells", low=1)
    num_cells: int = key(20, "cells; the reductions stand at 1/3 and 2/3", low=1)
    stem: str = key(
        "cifar", "first layers: cifar keeps the side, imagenet takes an eighth", choices=("cifar", "imagenet")
    )
    auxiliary: bool = key(False, "train with an auxiliary head after 2/3 of the cells")


@dataclass
class DataConfig:
    dataset: str = key("digits", "a known name, a directory of class folders, or an .npz file")
    dir: str | None = key(None, "where known names are looked for; null: $NASTK_DATA, else ~/.cache/nastk")
    image_size: int | None = key(
        None, "resize to this side in pixels; null: as they are, if all agree", low=8
    )
    max_train: int | None = key(
        None, "use a class-balanced part of this many training images; null: all", low=2
    )
    max_test: int | None = key(None, "use a class-balanced part of this many test images; null: all", low=1)
    pad: int = key(4, "random crop after zero-padding by this many pixels", low=0)
    flip: bool = key(True, "flip images left to right at random")
    cutout: int = key(16, "side of the square set to zero in training images, in pixels; 0: off", low=0)
    skip_corrupt: bool = key(False, "leave out files that cannot be read instead of stopping")
    resident_mib: int = key(4096, "sets up to this size stay on the device; larger ones are streamed", low=0)
    workers: int = key(2, "processes that read a streamed set", low=0)


@dataclass
class SearchDataConfig(DataConfig):
    train_portion: float = key(
        0.5, "part of the training images that trains weights; the rest validates", above=0, high=0.95
    )
    augment_validation: bool = key(False, "validate on augmented images, as the authors' codes do")


@dataclass
class TrainConfig:
    epochs: int = key(600, "epochs", low=1)
    batch_size: int = key(96, "images a step", low=1)
    lr: float = key(0.025, "learning rate at the start", above=0)
    lr_min: float = key(0.0, "learning rate at the end of the cosine", low=0)
    momentum: float = key(0.9, "momentum of SGD", low=0, high=1)
    weight_decay: float = key(3e-4, "weight decay of SGD", low=0)
    grad_clip: float = key(5.0, "largest gradient norm", above=0)


@dataclass
class DropPathTrainConfig(TrainConfig):
    drop_path: float = key(0.2, "drop-path probability that is reached at the end", low=0, high=0.95)


@dataclass
class StandaloneTrainConfig(DropPathTrainConfig):
    auxiliary_weight: float = key(0.4, "weight of the auxiliary head's loss", low=0)
    label_smoothing: float = key(0.0, "label smoothing of the training loss", low=0, high=0.99)
    eval_batch_size: int = key(512, "images a step when testing", low=1)


@dataclass
class EngineConfig:
    device: str = key("auto", "auto takes CUDA if there is one", choices=("auto", "cpu", "cuda"))
    threads: int = key(0, "CPU threads; 0: as many as PyTorch takes by itself", low=0)
    precision: str = key("fp32", "tf32 and bf16 are for CUDA only", choices=("fp32", "tf32", "bf16"))


@dataclass
class StandaloneEngineConfig(EngineConfig):
    compile: bool = key(False, "torch.compile the network (long start, then somewhat faster)")


@dataclass
class RunConfig:
    seed: int = key(0, "seed of every random stream of the run", low=0, high=2**32 - 1)
    checkpoint_every: int = key(1, "steps between checkpoints", low=1)


GROUPS = ("search", "space", "network", "data", "train", "engine", "run")
_SEARCH_GROUPS = {
    "space": SpaceConfig,
    "network": SupernetConfig,
    "data": SearchDataConfig,
    "engine": EngineConfig,
    "run": RunConfig,
}
_TRAIN_GROUPS = {
    "network": NetworkConfig,
    "data": DataConfig,
    "train": StandaloneTrainConfig,
    "engine": StandaloneEngineConfig,
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
    texts = {dotted for dotted, (declared, _) in known.items() if is_text(declared)}
    values += [parse_override(word, texts) for word in overrides]
    return _build(command, name, preset, values)


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
    """A right key in the wrong group, else the nearest whole key, else the nearest behind the dot."""
    dotted = dotted if len(dotted) <= 60 else dotted[:57] + "..."
    tail = dotted.split(".")[-1]
    tails = {name.split(".")[1]: name for name in known}
    near = [tails[tail]] if tail in tails else difflib.get_close_matches(dotted, known, n=1)
    if not near:
        near = [tails[name] for name in difflib.get_close_matches(tail, tails, n=1)]
    hint = f"did you mean {near[0]!r}?" if near else "see nastk config"
    return ValueError(f"unknown key {dotted!r}; {hint}")


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
