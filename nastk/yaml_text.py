"""YAML as nastk reads and writes it: the core schema of YAML 1.2, without aliases and tags of its own.

In YAML 1.1, which PyYAML reads by itself, `no` is false, 1:30 is ninety, and 1e-3 is a text.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

import yaml

_TAG = "tag:yaml.org,2002:"
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$"
)
_SCALARS = {
    "null": re.compile(r"(~|null|Null|NULL|)$"),
    "bool": re.compile(r"(true|True|TRUE|false|False|FALSE)$"),
    "int": re.compile(r"[-+]?(0|[1-9][0-9]*)$"),
    "float": _FLOAT,
}


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: ClassVar[dict[str | None, list[Any]]] = {}
    yaml_constructors = {
        _TAG + kind: yaml.SafeLoader.yaml_constructors[_TAG + kind]
        for kind in (*_SCALARS, "str", "seq", "map")
    } | {None: yaml.SafeLoader.yaml_constructors[None]}

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):  # a few nested ones make gigabytes
            raise yaml.YAMLError("aliases are not supported")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        content = super().construct_mapping(node, deep=deep)
        if len(content) != len(node.value):
            raise yaml.YAMLError("a key is given twice")
        return content


class _Dumper(yaml.SafeDumper):
    """Quotes what either version of YAML would take for something else than a text."""


for _kind, _pattern in _SCALARS.items():
    _Loader.add_implicit_resolver(_TAG + _kind, _pattern, None)
_Dumper.add_implicit_resolver(_TAG + "float", _FLOAT, None)


def read_yaml(text: str) -> Any:
    """The value of a YAML text; ValueError in one line if it is none, whatever the text."""
    try:
        return yaml.load(text, _Loader)  # a SafeLoader of even fewer types
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ValueError(f"no YAML: {error}") from None


def yaml_line(name: str, value: Any) -> str:
    """`name: value` in one line that `read_yaml` reads back."""
    text = _dump(value)
    if "\n" in text:
        text = _dump(value, default_style='"')
    return f"{name}: {text}"


def _dump(value: Any, **options: Any) -> str:
    text: str = yaml.dump(value, Dumper=_Dumper, default_flow_style=True, width=10**6, **options)
    return text.removesuffix("...\n").rstrip("\n")
