"""The house: which rooms may import which (docs/design.md), drawn from the source and checked."""

import ast
from pathlib import Path

import pytest

import nastk
from nastk.registry import METHODS, SPACES

PACKAGE = Path(nastk.__file__).parent
# From the roof down; a room imports its own floor (if it is one room) and the floors below, nothing above.
FLOORS = (
    {"__main__", "interrupts", "cli", "api"},
    {"workflows"},
    {"methods"},
    {"splitting", "populations"},
    {"weight_sharing"},
    {"search_method"},
    {"estimators", "tasks", "costs", "exports"},
    {"networks", "tables", "report", "ranking"},
    {"archs", "annotations"},
    {"data", "engine", "spaces"},
    {"budget"},
    {"config", "presets"},
    {"genotype", "allowed"},
    {"notations"},
    {"registry", "run", "schema"},
    {"json_text", "metrics", "shown", "stats", "wording", "xml_text", "yaml_text"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def modules() -> dict[str, Path]:
    """Module name -> its file."""
    return {
        ".".join(["nastk", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__"): path
        for path in PACKAGE.rglob("*.py")
    }


def imported(module: str, path: Path, known: set[str]) -> set[str]:
    """The modules of nastk that a module imports, wherever in it: also in functions and for types only."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    found = {name if name in known else name.rpartition(".")[0] for name in found}
    return {name for name in found if name in known} - {module, "nastk"}


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    files = modules()
    # nastk/__init__.py is a name for nastk/api.py: it loads it when asked for, and is imported for its version.
    return {name: imported(name, path, set(files)) for name, path in files.items() if name != "nastk"}


def room(module: str) -> str:
    return module.split(".")[1]


def test_every_room_has_a_floor_and_every_floor_its_rooms(graph):
    assert {room(module) for module in graph} == set(FLOOR)


def test_arrows_go_one_way(graph):
    """From every room to its own floor's or a lower one's, rooms of one floor being circle-free among themselves."""
    wrong = [
        f"{module} -> {target}"
        for module, targets in graph.items()
        for target in targets
        if FLOOR[room(target)] < FLOOR[room(module)]
    ]
    assert not wrong


def test_there_is_no_circle(graph):
    """Not of modules, in no room, and not of rooms either."""
    rooms: dict[str, set[str]] = {}
    for module, targets in graph.items():
        rooms.setdefault(room(module), set()).update(map(room, targets))
    for arrows in (graph, {name: targets - {name} for name, targets in rooms.items()}):
        left = dict(arrows)
        while ends := [name for name, targets in left.items() if not targets & left.keys()]:
            for name in ends:
                del left[name]
        assert not left, f"a circle among {sorted(left)}"


def test_nobody_imports_the_roof(graph):
    roof = FLOORS[0]
    arrows = {(room(module), room(target)) for module, targets in graph.items() for target in targets}
    assert {source for source, target in arrows if target in roof} <= roof


def test_no_method_is_named_outside_its_room(graph):
    """Only the registry and presets know methods by name; everybody else asks the registry."""
    assert not {
        f"{module} -> {target}"
        for module, targets in graph.items()
        for target in targets
        if room(target) == "methods" and room(module) != "methods"
    }
    names = METHODS.keys() - SPACES.keys() - {"random"}  # which is a word, too
    for module, path in modules().items():
        if room(f"{module}.") in ("methods", "registry"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert node.value not in names, f"{module}, line {node.lineno}: {node.value!r}"


def test_spaces_and_genotypes_know_no_training_and_the_engine_no_architecture(graph):
    for module, targets in graph.items():
        if room(module) in ("spaces", "genotype"):
            assert not {room(target) for target in targets} & {"engine", "data", "networks", "estimators"}
        if room(module) == "engine":
            assert not {room(target) for target in targets} & {"spaces", "genotype", "networks", "estimators"}
