"""Presets: one YAML file a known recipe, `<method or command>/<preset>.yaml`.

A preset holds only what differs from the defaults. `extends: <owner>/<preset>` starts from another
preset, so that a baseline shares its budget with the method it is held against. `search/` is for the
methods that have none of their own: only groups that every method has, budgets that are not measured.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

from nastk import registry
from nastk.yaml_text import read_yaml

GENERIC = "search"


def list_presets() -> dict[str, list[str]]:
    """Owner (a method or a command) -> the names of its presets."""
    found = {}
    for owner in sorted(resources.files(__name__).iterdir(), key=lambda entry: entry.name):
        if owner.is_dir():
            found[owner.name] = sorted(f.name[:-5] for f in owner.iterdir() if f.name.endswith(".yaml"))
    return {owner: names for owner, names in found.items() if names}


def preset_owner(method: str) -> str:
    """Whose presets a search by `method` starts from: its own, else the generic ones."""
    return method if method in list_presets() else GENERIC


def read_preset(owner: str, preset: str) -> dict[str, dict[str, Any]]:
    """The preset's values, group by group; ValueError names the nearest preset if there is none."""
    names = list_presets().get(owner, [])
    if preset not in names:
        raise registry.unknown(f"preset of {owner}", preset, names)
    text = (resources.files(__name__) / owner / f"{preset}.yaml").read_text(encoding="utf-8")
    values: dict[str, Any] = read_yaml(text) or {}
    base = values.pop("extends", None)
    if base is None:
        return values
    merged = read_preset(*str(base).split("/"))
    for group, entries in values.items():
        merged[group] = merged.get(group, {}) | entries
    return merged


def read_help(owner: str, preset: str) -> str:
    """The preset's first comment line."""
    text = (resources.files(__name__) / owner / f"{preset}.yaml").read_text(encoding="utf-8")
    return text.splitlines()[0].lstrip("# ")
