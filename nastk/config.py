"""The configuration: dataclass schemas, presets, KEY=VALUE overrides, errors in the user's words.

Every key is declared once, with its help and what is allowed, by `key`. A resolved `Config` is plain
dataclasses; nothing downstream sees OmegaConf. Precedence: defaults < preset < overrides.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nastk import registry
from nastk.presets import read_preset


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
    drop_path: float = key(0.2, "drop-path probability that is reached at the end", low=0, high=0.95)


@dataclass
class StandaloneTrainConfig(TrainConfig):
    auxiliary_weight: float = key(0.4, "weight of the auxiliary head's loss", low=0)
    label_smoothing: float = key(0.0, "label smoothing of the training loss", low=0, high=0.99)
    eval_batch_size: int = key(512, "images a step when testing", low=1)


@dataclass
class EngineConfig:
    device: str = key("auto", "auto takes CUDA if there is one", choices=("auto", "cpu", "cuda"))
    threads: int = key(0, "CPU threads; 0: as many as PyTorch takes by itself", low=0)
    precision: str = key("fp32", "tf32 and bf16 are for CUDA only", choices=("fp32", "tf32", "bf16"))
    channels_last: bool = key(True, "keep image tensors channels-last (faster convolutions)")


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
    "train": TrainConfig,
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


def schemas(command: str, method: str | None = None) -> dict[str, type]:
    """The dataclass of every group that `command` has; a search's own group is its method's."""
    if command != "search":
        return _TRAIN_GROUPS
    method_class = registry.find("method", registry.METHODS, str(method)).load()
    return {"search": method_class.Config} | _SEARCH_GROUPS


def resolve(command: str, name: str, preset: str, overrides: Sequence[str]) -> Config:
    """Defaults, then the preset's values, then `overrides` ("group.key=value" words).

    Raises ValueError in the user's words for an unknown preset or key, a wrong type or range.
    """
    values: list[tuple[str, Any]] = []
    if command == "search":
        values += [("space.name", registry.find("method", registry.METHODS, name).load().spaces[0])]
    values += flatten(read_preset(name if command == "search" else command, preset))
    values += [parse_override(word) for word in overrides]
    return _build(command, name, preset, values)


def _build(command: str, name: str, preset: str, values: list[tuple[str, Any]]) -> Config:
    """The defaults of the command's groups with `values` set in turn, each one checked."""
    groups = schemas(command, name)
    tree = OmegaConf.create({group: OmegaConf.structured(schema) for group, schema in groups.items()})
    known = {f"{group}.{f.name}": f for group, schema in groups.items() for f in dataclasses.fields(schema)}
    for dotted, value in values:
        if dotted not in known:
            raise _unknown_key(dotted, list(known))
        group, name_in_group = dotted.split(".")
        declared = typing.get_type_hints(groups[group])[name_in_group]
        if not _fits(declared, value):
            raise ValueError(f"{dotted}: expected {_spelled(declared)}, found {value!r}")
        _check_range(dotted, value, known[dotted].metadata)
        tree[group][name_in_group] = value
    plain: Any = {group: OmegaConf.to_object(tree[group]) for group in groups}
    return Config(command=command, name=name, preset=preset, **plain)


def _unknown_key(dotted: str, known: list[str]) -> ValueError:
    """Nearest by the whole key, else by the part behind the dot (a right key in the wrong group)."""
    near = difflib.get_close_matches(dotted, known, n=1)
    if not near:
        tails = {name.split(".")[1]: name for name in known}
        near = [tails[tail] for tail in difflib.get_close_matches(dotted.split(".")[-1], tails, n=1)]
    hint = f"did you mean {near[0]!r}?" if near else "see nastk config"
    return ValueError(f"unknown key {dotted!r}; {hint}")


def parse_override(word: str) -> tuple[str, Any]:
    """("group.key", value) of a KEY=VALUE word; the value is read as YAML. ValueError if it is none."""
    dotted, equals, text = word.partition("=")
    if not equals or not dotted:
        raise ValueError(f"{word!r} is not KEY=VALUE (for example train.epochs=10)")
    if "${" in text:
        raise ValueError(f"{word!r}: interpolation is not supported")
    try:
        content: Any = OmegaConf.to_container(OmegaConf.from_dotlist(["value=" + text]))
    except (OmegaConfBaseException, yaml.YAMLError, ValueError, TypeError, RecursionError, AttributeError):
        raise ValueError(f"{word!r}: the value cannot be read as YAML") from None
    return dotted, content["value"]


def flatten(tree: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """("group.key", value) of every entry of a preset's two-level tree."""
    for group, entries in tree.items():
        for name, value in entries.items():
            yield f"{group}.{name}", value


def _fits(declared: Any, value: Any) -> bool:
    """Whether a YAML value is of the declared type; stricter than OmegaConf, for which 1 is true."""
    if typing.get_origin(declared) in (typing.Union, types.UnionType):
        return any(_fits(option, value) for option in typing.get_args(declared))
    if typing.get_origin(declared) is list:
        return isinstance(value, list) and all(_fits(typing.get_args(declared)[0], item) for item in value)
    if declared in (int, float) and isinstance(value, bool):
        return False
    return isinstance(value, (int, float) if declared is float else declared)


def _spelled(declared: Any) -> str:
    if typing.get_origin(declared) in (typing.Union, types.UnionType):
        return " or ".join(map(_spelled, typing.get_args(declared)))
    if typing.get_origin(declared) is list:
        return f"a list of {_spelled(typing.get_args(declared)[0]).removeprefix('an ').removeprefix('a ')}s"
    names = {int: "an integer", float: "a number", bool: "true or false", str: "a text", type(None): "null"}
    return names[declared]


def _check_range(dotted: str, value: Any, metadata: Any) -> None:
    low, above, high, choices = (metadata[name] for name in ("low", "above", "high", "choices"))
    for item in value if isinstance(value, list) else [value]:
        if choices and item not in choices:
            raise ValueError(f"{dotted}: expected one of {', '.join(choices)}, found {item!r}")
        if item is None or isinstance(item, (str, bool)):
            continue
        bounds = [
            (low is not None and not item >= low, f"at least {low}"),
            (above is not None and not item > above, f"more than {above}"),
            (high is not None and not item <= high, f"at most {high}"),
            (item != item or item in (float("inf"), float("-inf")), "a finite number"),
        ]
        for wrong, wanted in bounds:
            if wrong:
                raise ValueError(f"{dotted}: expected {wanted}, found {item}")


def to_yaml(config: Config) -> str:
    """The resolved configuration as YAML, each key with its help as a comment."""
    heads = {"command": config.command, _ABOUT[config.command]: config.name, "preset": config.preset}
    lines = [_line(name, value) for name, value in heads.items()]
    for group, values in config.groups():
        lines.append(f"{group}:")
        fields = dataclasses.fields(values)
        rows = [("  " + _line(f.name, getattr(values, f.name)), _comment(f.metadata)) for f in fields]
        width = max(len(text) for text, _ in rows)
        lines += [f"{text.ljust(width)}  # {comment}" for text, comment in rows]
    return "\n".join(lines) + "\n"


def from_yaml(text: str) -> Config:
    """The configuration that `to_yaml` wrote; ValueError if it is none or holds unknown keys."""
    try:
        content: Any = OmegaConf.to_container(OmegaConf.create(text))
        command = content.pop("command")
        name, preset = content.pop(_ABOUT[command]), content.pop("preset")
        values = list(flatten(content))
    except (OmegaConfBaseException, yaml.YAMLError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"not a nastk configuration: {error}") from None
    return _build(command, name, preset, values)


def _line(name: str, value: Any) -> str:
    return yaml.safe_dump({name: value}, default_flow_style=None, width=10**6).rstrip("\n")


def _comment(metadata: Any) -> str:
    return metadata["help"] + (f" ({', '.join(metadata['choices'])})" if metadata["choices"] else "")
