"""Values written as Python: read from the syntax tree, never evaluated.

The tree of a long hostile expression may exhaust the stack, so that what is longer than any genotype is
refused before it is parsed.
"""

from __future__ import annotations

import ast
import warnings
from typing import Any

from nastk.shown import shown

# A literal has some 700 characters, a configuration of NAS-Bench-301 some 3,000.
MAX_CHARACTERS = 20_000
_TYPES = ("Genotype", "CNNGenotype", "RNNGenotype")


def fields_of(text: str) -> dict[str, Any]:
    """The arguments of Genotype(name=value, ...); a ValueError names the one at fault."""
    try:
        call = _expression(text)
    except ValueError as error:
        raise ValueError(f"not a genotype literal: {error}") from None
    if (
        not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _TYPES)
        or call.args
        or any(word.arg is None for word in call.keywords)
    ):
        raise ValueError(
            "not a genotype literal: expected Genotype(normal=..., normal_concat=..., reduce=...)"
        )
    fields: dict[str, Any] = {}
    for word in call.keywords:
        name = str(word.arg)
        if name in fields:
            raise ValueError(f"{shown(name)} is given twice")
        fields[name] = _value(word.value, name[:60])
    return fields


def value_of(text: str) -> Any:
    """The value that a text is, of dictionaries, lists, tuples, sets, texts and numbers; else ValueError."""
    return _value(_expression(text), "")


def _expression(text: str) -> ast.expr:
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"{len(text):,} characters (at most {MAX_CHARACTERS:,})")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes and the like
            return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise ValueError(error.msg) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ValueError(str(error) or type(error).__name__) from None


def _value(node: ast.expr, where: str) -> Any:
    """The value of a node; a ValueError begins with `where`."""
    try:
        return _value_of(node)
    except _GivenTwice as error:
        raise ValueError(f"{error} is given twice") from None
    except (ValueError, TypeError, RecursionError, OverflowError):
        raise ValueError(f"{where}{': ' if where else ''}not a literal") from None


class _GivenTwice(ValueError):
    """A dictionary has a key twice, of which Python would take the last."""


def _value_of(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, int, float, type(None))):
        return node.value
    if isinstance(node, ast.Tuple):
        return tuple(map(_value_of, node.elts))
    if isinstance(node, ast.List):
        return [*map(_value_of, node.elts)]
    if isinstance(node, ast.Set):
        return {*map(_value_of, node.elts)}
    if isinstance(node, ast.Dict):
        return _dictionary(node)
    if (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
    ):
        return -_value_of(node.operand)
    if isinstance(node, ast.Call) and not node.keywords:
        return _called(ast.unparse(node.func), [*map(_value_of, node.args)])
    raise ValueError("not a literal")


def _called(name: str, arguments: list[Any]) -> Any:
    """The value of one of a few harmless calls."""
    if name == "range":  # as DARTS's code writes concats
        values = range(*arguments)
        if len(values) <= 100:
            return list(values)
    if name in ("np.int64", "np.str_") and len(arguments) == 1:  # as NumPy 2 prints its numbers and texts
        return arguments[0]
    raise ValueError("not a literal")


def _dictionary(node: ast.Dict) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            raise ValueError("not a literal")
        name = _value_of(key)
        if name in found:
            raise _GivenTwice(shown(name))
        found[name] = _value_of(value)
    return found
