"""The tables of names: every entry is there, and listing them costs no torch."""

import subprocess
import sys

import pytest

from nastk.registry import DATASETS, METHODS, SPACES, TASKS, Entry, find, load_space, unknown

TABLES = {"method": METHODS, "space": SPACES, "dataset": DATASETS, "task": TASKS}
ENTRIES = [(kind, name) for kind, table in TABLES.items() for name in table]


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_an_entry_loads_and_has_a_line_of_help(kind, name):
    entry = find(kind, TABLES[kind], name)
    assert entry.load() is not None
    assert entry.help
    assert "\n" not in entry.help
    assert len(entry.help) < 100


@pytest.mark.parametrize("name", SPACES)
def test_a_space_has_its_own_name_and_two_networks_or_only_tables(name):
    assert load_space(name).name == name
    if name.startswith("transnas-"):
        for load in (SPACES[name].load_network, SPACES[name].load_supernet):
            with pytest.raises(ValueError, match=f"nastk has no network of space '{name}'"):
                load()
        return
    assert SPACES[name].load_network().__module__.startswith("nastk.networks.")
    assert SPACES[name].load_supernet().__module__.startswith("nastk.networks.")


@pytest.mark.parametrize("name", METHODS)
def test_a_method_names_spaces_that_exist(name):
    method = METHODS[name].load()
    assert method.takes(load_space(method.default_space))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("relativnas", "unknown method 'relativnas'; did you mean 'relativenas'? known: "),
        ("", "unknown method ''; known: "),
        ("\0", "unknown method '\\x00'; known: "),
        ("x" * 100_000, f"unknown method '{'x' * 57}...'; known: "),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(ValueError) as caught:
        find("method", METHODS, name)
    assert str(caught.value) == message + ", ".join(sorted(METHODS))


def test_unknown_where_nothing_is_known():
    assert str(unknown("preset", "quick", [])) == "unknown preset 'quick'; known: "


def test_a_target_is_a_module_and_an_attribute():
    assert Entry("nastk.genotype:FORMAT", "").load() == "nastk-genotype"


def test_listing_needs_no_torch():
    code = (
        "import sys, nastk.registry, nastk.presets\n"
        "nastk.presets.list_presets()\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
