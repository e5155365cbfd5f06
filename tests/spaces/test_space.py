"""What is asked of spaces is asked of strangers' too, and none of it takes torch."""

import pkgutil
import subprocess
import sys

from chain import CHAIN

import nastk.spaces
from nastk.spaces.cell import DARTS
from nastk.spaces.space import Derivable, Encodable, Space, WithPaths


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
