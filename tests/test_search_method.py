"""Which methods take which spaces: by what a space has, never by its name."""

import pytest
from chain import CHAIN

from nastk import registry
from nastk.config import search_class
from nastk.search_method import Search
from nastk.spaces.space import Derivable, Encodable, WithPaths

CELLS = {"darts", "relativenas"}
IN_SUPERNETS = {*CELLS, "nasbench201", "transnas-micro"}
TAKEN = {
    "relativenas": {*IN_SUPERNETS, "transnas-macro"},
    "random": {*IN_SUPERNETS, "transnas-macro"},
    "evolution": {*IN_SUPERNETS, "transnas-macro"},
    "rsps": IN_SUPERNETS,
    "darts": IN_SUPERNETS,
    "snas": IN_SUPERNETS,
    "pdarts": CELLS,
}


@pytest.mark.parametrize("method", TAKEN)
def test_a_method_takes_what_has_all_it_needs(method):
    taken = {
        name for name in registry.SPACES if registry.METHODS[method].load().takes(registry.load_space(name))
    }
    assert taken == TAKEN[method]
    over_it = search_class("fewshot", {"search.base": method})
    assert {name for name in registry.SPACES if over_it.takes(registry.load_space(name))} == taken


@pytest.mark.parametrize("method", TAKEN)
def test_a_new_space_is_taken_without_a_word_about_it(method):
    """A chain is taken by all but those that want cells."""
    assert registry.METHODS[method].load().takes(CHAIN) == (method != "pdarts")


def test_every_need_has_to_be_met():
    class Both(Search):
        needs = (Encodable, WithPaths, Derivable)

    macro = registry.load_space("transnas-macro")
    assert Search.takes(macro) and Both.takes(CHAIN) and not Both.takes(macro)


def test_what_is_needed_is_said_by_protocols():
    class Old(Search):
        needs = ("codec",)

    with pytest.raises(
        ValueError, match=r"^Old\.needs: expected protocols of nastk\.spaces\.space, found 'codec'$"
    ):
        Old.takes(CHAIN)
