"""What is asked of spaces: which of them have it, and that none of it takes torch."""

import pkgutil
import subprocess
import sys

import pytest
from chain import CHAIN

import nastk.spaces
from nastk import registry
from nastk.spaces.cell import DARTS
from nastk.spaces.space import Derivable, Encodable, Space, WithPaths

SPACES = {name: registry.load_space(name) for name in registry.SPACES}
IN_TABLES_ONLY = {"transnas-macro"}  # of no supernet, and no strengths


@pytest.mark.parametrize("name", SPACES)
def test_what_a_space_has(name):
    space = SPACES[name]
    assert isinstance(space, Space) and isinstance(space, Encodable)
    for protocol in (WithPaths, Derivable):
        assert isinstance(space, protocol) == (name not in IN_TABLES_ONLY)


@pytest.mark.parametrize("name", SPACES)
def test_decisions_differ_in_their_words_and_have_options(name):
    decisions = SPACES[name].decisions
    assert len(set(map(str, decisions))) == len(decisions)
    assert all(len(set(decision.options)) == len(decision.options) > 1 for decision in decisions)


def test_a_space_that_nobody_knows_is_one_by_what_it_has():
    assert all(isinstance(CHAIN, protocol) for protocol in (Space, Encodable, WithPaths, Derivable))

    class Part:
        """A space but for one thing."""

        def __getattr__(self, name):
            if name == "body_to_json":
                raise AttributeError(name)
            return getattr(DARTS, name)

    assert not any(isinstance(Part(), protocol) for protocol in (Space, Encodable, WithPaths, Derivable))


def test_spaces_and_genotypes_need_no_torch():
    modules = [module.name for module in pkgutil.iter_modules(nastk.spaces.__path__, "nastk.spaces.")]
    assert len(modules) > 10
    code = (
        f"import sys, nastk.genotype, nastk.archs, {', '.join(modules)}\n"
        "nastk.archs.load_arch('darts-v1')\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
