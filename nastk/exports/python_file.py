"""One readable Python file that needs PyTorch only: the network, its weights' reader, and images to classes.

Written from the parts in `standalone/`, which are code as any other here: of them what the network needs, behind
constants that say which network it is. Its module names are the network's, so that its state dict fits.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from nastk import __version__
from nastk.exports.exported import Exported
from nastk.genotype import Genotype
from nastk.networks.cell_network import CellNetwork
from nastk.networks.nasbench201 import NASBench201Network
from nastk.shown import one_line
from nastk.spaces.cell_topology import CellPair
from nastk.spaces.nasbench201 import NASBENCH201, NONE
from nastk.wording import counted

_WIDTH = 110  # of a line
_IMPORTS = """\
from __future__ import annotations

import sys
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn"""


def write(exported: Exported) -> bytes:
    """The same network gives the same bytes. ValueError for a network that has no part here (another package's)."""
    network = exported.network
    if type(network.network) is CellNetwork:
        part, architecture = "cell_network", _cells(network.genotype)
    elif type(network.network) is NASBench201Network:
        part, architecture = "nasbench201_network", _cell(network.genotype)
    else:
        raise ValueError(
            f"--format python: nastk has no stand-alone code for space {network.genotype.space!r}"
        )
    stem = str(network.settings["stem"])
    constants = architecture | {
        "STEM": stem,
        "INIT_CHANNELS": network.settings["init_channels"],
        "NUM_CELLS": network.settings["num_cells"],
        "CHANNELS": network.shape[0],
        "IMAGE_SIZE": network.shape[1:],
        "CLASSES": network.classes,
        "MEAN": network.mean,
        "STD": network.std,
        "BLACK": network.values.black,
        "WHITE": network.values.white,
    }
    words = {stem, *(pair[0] for pairs in architecture.values() for pair in pairs)}
    use = list(_definitions("use", words))
    code = _needed([*_definitions("layers", words), *_definitions(part, words)], use)
    text = "\n\n\n".join([*code, *(source for source, _ in use)])
    head = "\n\n".join(
        [_docstring(exported), _IMPORTS, "\n".join(_constant(*entry) for entry in constants.items())]
    )
    return f"{head}\n\n\n{text}\n".encode()


def _cells(genotype: Genotype) -> dict[str, Any]:
    body = genotype.body
    assert isinstance(body, CellPair)
    return {"NORMAL": body.normal, "REDUCE": body.reduce}


def _cell(genotype: Genotype) -> dict[str, Any]:
    """(operation, node, input) of every edge that has an operation."""
    names = [NASBENCH201.operations[operation] for _, operation in NASBENCH201.path(genotype)]
    edges = zip(names, NASBENCH201.edges, strict=True)
    return {"CELL": tuple((name, *ends) for name, ends in edges if name != NONE)}


def _definitions(part: str, words: set[str]) -> Iterator[tuple[str, ast.stmt]]:
    """The definitions of a part, each with its source and the comments before it; imports are left out.

    Of tables by name only the entries of `words` are in them.
    """
    source = _with_entries(
        (files("nastk.exports.standalone") / f"{part}.py").read_text(encoding="utf-8"), words
    )
    lines, end = source.splitlines(), 0
    for node in ast.parse(source).body:
        assert node.end_lineno is not None
        if not isinstance(node, (ast.Import, ast.ImportFrom, ast.Expr)):
            yield "\n".join(lines[end : node.end_lineno]).strip("\n"), node
        end = node.end_lineno


def _with_entries(source: str, words: set[str]) -> str:
    """The source, in its tables by name only the entries of `words`; each entry has a line of its own."""
    others = {
        key.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant) and key.value not in words
    }
    return "\n".join(line for number, line in enumerate(source.splitlines(), 1) if number not in others)


def _needed(definitions: list[tuple[str, ast.stmt]], users: list[tuple[str, ast.stmt]]) -> list[str]:
    """Those of the definitions that the users need, or that what they need needs, in their order."""
    by_name = {_name(node): node for _, node in definitions}
    waiting = [node for _, node in users]
    found: set[str] = set()
    while waiting:
        names = {node.id for node in ast.walk(waiting.pop()) if isinstance(node, ast.Name)}
        new = (names & by_name.keys()) - found
        found |= new
        waiting += [by_name[name] for name in new]
    return [source for source, node in definitions if _name(node) in found]


def _name(node: ast.stmt) -> str:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return node.name
    assert isinstance(node, (ast.Assign, ast.AnnAssign))
    target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
    assert isinstance(target, ast.Name)
    return target.id


def _docstring(exported: Exported) -> str:
    network, name = exported.network, _plain(exported.name)
    size = f"{counted(network.settings['init_channels'], 'channel')}, {counted(network.settings['num_cells'], 'cell')}"
    if next(network.parameters()).is_meta:
        came = (
            "It was never trained: classes, sizes, mean and std below are placeholders, to be replaced by those of "
            "the images that it will be trained on."
        )
    else:
        came = (
            f"It was {_plain(exported.trained)}." if exported.trained else "How it was trained is not known."
        )
    about = (
        f"{name}: a network of space {network.genotype.space}, {size}, written by nastk {__version__}. {came}"
    )
    return f'''"""An image classifier in one file. Needs PyTorch; safetensors to read weights, Pillow to read images.

    network = load("weights.safetensors")
    predict(network, "cat.jpg")  # [("cat", 0.93), ...]

or: python THIS_FILE weights.safetensors cat.jpg

{textwrap.fill(about, _WIDTH)}
The code is nastk's, under the Apache License 2.0; the weights have the licence that their owner gives them.
"""'''


def _plain(text: str) -> str:
    """A text that can stand in a docstring."""
    return one_line(text).replace("\\", "/").replace('"', "'")


def _constant(name: str, value: Any) -> str:
    """An assignment as a formatter writes it."""
    if isinstance(value, tuple):
        entries = [_literal(entry) for entry in value]
        line = f"{name} = ({', '.join(entries)}{',' if len(entries) == 1 else ''})"
        if len(line) <= _WIDTH and not any(isinstance(entry, tuple) for entry in value):
            return line
        return "\n".join([f"{name} = (", *(f"    {entry}," for entry in entries), ")"])
    return f"{name} = {_literal(value)}"


def _literal(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_literal, value))})"
    text = repr(value)
    if isinstance(value, str) and text.startswith("'") and '"' not in text:
        return f'"{text[1:-1]}"'
    return text
