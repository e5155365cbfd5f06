"""What every method of the registry holds, written once."""

import pytest

from nastk import registry
from nastk.config import search_class
from nastk.search_method import SearchContext

# Settings that a method refuses though each key for itself is allowed.
REFUSED = {
    "relativenas": ("search.population=3",),
    "random": ("search.table=a.npz",),
    "evolution": ("search.evaluations=2",),
    "darts": (),
    "snas": (),
    "pdarts": ("search.warmup_epochs=25", "search.add_cells=[1]", "search.num_operations=[3,4,5]"),
    "rsps": (),
    "fewshot": (
        *("search.groups=[9]", "search.choice_epochs=[3,2]", "search.base=evolution search.leaf_share=0.01"),
        *("search.base=relativenas search.population=3",),
    ),
}


@pytest.mark.parametrize(
    ("method", "words"), [(method, words) for method, refused in REFUSED.items() for words in refused]
)
def test_settings_that_a_method_refuses_are_refused_before_images_are_read(make_context, method, words):
    assert REFUSED.keys() == registry.METHODS.keys()
    context = make_context(method, *words.split())

    def load_images():
        raise AssertionError("images were read")

    context = SearchContext(context.config, context.space, context.mask, context.engine, load_images)
    with pytest.raises(ValueError, match=r"^(?:search\.|every stage)"):
        search_class(method, context.config.settings())(context)
