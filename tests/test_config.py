"""The configuration: precedence, errors in the user's words, and YAML that reads back as it was."""

import contextlib
import dataclasses
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nastk.config import GROUPS, flatten, from_yaml, parse_override, resolve, schemas, to_yaml
from nastk.presets import GENERIC, list_presets, read_help, read_preset
from nastk.registry import METHODS, Entry
from nastk.schema import key
from nastk.search_method import Search
from nastk.yaml_text import read_yaml, yaml_line

PRESETS = [(owner, preset) for owner, presets in list_presets().items() for preset in presets]


@dataclasses.dataclass
class OneKeyConfig:
    size: int = key(3, "of something")


@dataclasses.dataclass
class NoKeysConfig:
    pass


class WithoutPresets(Search):
    Config = OneKeyConfig
    default_space = "darts"


class WithFewKeys(WithoutPresets):
    Config = NoKeysConfig
    TrainConfig = OneKeyConfig


@pytest.fixture(autouse=True, scope="module")
def methods_without_presets():
    with pytest.MonkeyPatch.context() as patch:
        for name, of in {"without-presets": WithoutPresets, "with-few-keys": WithFewKeys}.items():
            patch.setitem(METHODS, name, Entry(f"{__name__}:{of.__name__}", "for these tests"))
        yield


def config_of(owner, preset, *overrides):
    if owner == GENERIC:
        return resolve("search", "without-presets", preset, overrides)
    if owner in METHODS:
        return resolve("search", owner, preset, overrides)
    return resolve(owner, "something", preset, overrides)


def search(*overrides):
    return resolve("search", "relativenas", "quick", overrides)


def evaluate(*overrides):
    return resolve("evaluate", "darts-v2", "quick", overrides)


def error_of(*overrides, of=search):
    with pytest.raises(ValueError) as caught:
        of(*overrides)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 300
    return message


def test_overrides_stand_above_presets_and_presets_above_defaults():
    preset = read_preset("relativenas", "quick")
    assert search().search.population == preset["search"]["population"] != 20
    assert search("search.population=8").search.population == 8
    assert search("search.population=8", "search.population=10").search.population == 10
    assert search().engine.threads == 0
    assert search("engine.threads=2").engine.threads == 2


def test_the_groups_of_the_commands():
    assert list(schemas("search", "relativenas")) == list(GROUPS)
    for command in ("evaluate", "transfer"):
        assert list(schemas(command)) == ["network", "data", "train", "engine", "run"]
    assert search().space.name == "relativenas"
    assert evaluate().search is None
    assert [name for name, _ in evaluate().groups()] == list(schemas("evaluate"))


@pytest.mark.parametrize(
    ("word", "path", "value"),
    [
        ("train.epochs=7", "train.epochs", 7),
        ("train.epochs=+7", "train.epochs", 7),
        ("train.epochs= 7 ", "train.epochs", 7),
        ("train.lr=1", "train.lr", 1.0),
        ("train.lr=1e-3", "train.lr", 0.001),
        ("train.lr=.5", "train.lr", 0.5),
        ("train.momentum=0", "train.momentum", 0.0),
        ("train.momentum=1", "train.momentum", 1.0),
        ("data.flip=true", "data.flip", True),
        ("data.flip=False", "data.flip", False),
        ("data.image_size=null", "data.image_size", None),
        ("data.image_size=", "data.image_size", None),
        ("data.image_size=8", "data.image_size", 8),
        ("space.operations=[skip_connect, none]", "space.operations", ["skip_connect", "none"]),
        ("space.operations=null", "space.operations", None),
        ("run.seed=4294967295", "run.seed", 2**32 - 1),
        ("engine.device=cpu", "engine.device", "cpu"),
        # a text stands for itself, so that every path can be given
        ("data.dataset=123", "data.dataset", "123"),
        ("data.dataset=no", "data.dataset", "no"),
        ("data.dataset=1e3", "data.dataset", "1e3"),
        ("data.dataset=my: photos #2", "data.dataset", "my: photos #2"),
        ("data.dataset=[x]", "data.dataset", "[x]"),
        ("data.dataset=a=b", "data.dataset", "a=b"),
        ("data.dataset=C:\\new\\table", "data.dataset", "C:\\new\\table"),
        ("data.dataset=@'\"*&!%", "data.dataset", "@'\"*&!%"),
        ("data.dataset=~", "data.dataset", "~"),
        ("data.dir=null", "data.dir", None),
        ("data.dir=", "data.dir", None),
    ],
)
def test_values(word, path, value):
    group, name = path.split(".")
    found = getattr(getattr(search(word), group), name)
    assert found == value
    assert type(found) is type(value)


def test_whole_numbers_in_a_list_of_floats():
    found = resolve("search", "pdarts", "quick", ["search.skip_dropout=[0,0.4,1e-1]"]).search.skip_dropout
    assert found == [0.0, 0.4, 0.1] and {type(rate) for rate in found} == {float}


def test_the_path_of_something_is_kept_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "there").mkdir()
    whole = {name: str(tmp_path / name) for name in ("there", "not/yet")}
    for text, kept in (whole | {"~": str(tmp_path), "~/there": whole["there"]}).items():
        assert search(f"data.dir={text}").data.dir == kept
    words = ["space.name=nasbench201", "search.estimator=table", "search.table=there"]
    assert resolve("search", "evolution", "quick", words).search.table == whole["there"]
    with pytest.raises(ValueError, match="there is no such home directory"):
        search("data.dir=~nobody-of-this-name/x")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("", "'' is not KEY=VALUE (for example train.epochs=10)"),
        ("=", "'=' is not KEY=VALUE (for example train.epochs=10)"),
        ("=3", "'=3' is not KEY=VALUE (for example train.epochs=10)"),
        ("train.epochs", "'train.epochs' is not KEY=VALUE (for example train.epochs=10)"),
        ("train.epoch=1", "unknown key 'train.epoch'; did you mean 'train.epochs'?"),
        ("trian.lr=1", "unknown key 'trian.lr'; did you mean 'train.lr'?"),
        ("epochs=1", "unknown key 'epochs'; did you mean 'train.epochs'?"),
        ("network.epochs=1", "unknown key 'network.epochs'; did you mean 'train.epochs'?"),
        ("train.population=4", "unknown key 'train.population'; did you mean 'search.population'?"),
        ("data.init_channels=4", "unknown key 'data.init_channels'; did you mean 'network.init_channels'?"),
        ("data.seed=4", "unknown key 'data.seed'; did you mean 'run.seed'?"),
        ("train.epochs.0=1", "unknown key 'train.epochs.0'; did you mean 'train.epochs'?"),
        ("train..epochs=1", "unknown key 'train..epochs'; did you mean 'train.epochs'?"),
        (" train.epochs=1", "unknown key ' train.epochs'; did you mean 'train.epochs'?"),
        ("--train.epochs=1", "unknown key '--train.epochs'; did you mean 'train.epochs'?"),
        ("serch.populaton=4", "unknown key 'serch.populaton'; did you mean 'search.population'?"),
        ("dtaa.seed=4", "unknown key 'dtaa.seed'; did you mean 'run.seed'?"),
        ("lr=1", "unknown key 'lr'; did you mean 'train.lr'?"),
        ("search.max_params=1", "unknown key 'search.max_params'; see nastk config"),
        ("search.optimizer=1", "unknown key 'search.optimizer'; see nastk config"),
        ("search.x=1", "unknown key 'search.x'; see nastk config"),
        ("limits.parms=1", "unknown key 'limits.parms'; did you mean 'limits.params'?"),
        ("engine.workspace=1", "unknown key 'engine.workspace'; see nastk config"),
        ("params=1", "unknown key 'params'; did you mean 'limits.params'?"),
        (".=1", "unknown key '.'; see nastk config"),
        ("search.=1", "unknown key 'search.'; see nastk config"),
        ("stages.0=9", "unknown key 'stages.0'; see nastk config"),
        ("train=1", "unknown key 'train'; "),
        ("train.=1", "unknown key 'train.'; "),
        (".=1", "unknown key '.'; see nastk config"),
        ("x" * 5000 + "=1", "unknown key 'xxx"),
        ("train.epochs=", "train.epochs: expected an integer, found None"),
        ("train.epochs=null", "train.epochs: expected an integer, found None"),
        ("train.epochs=ten", "train.epochs: expected an integer, found 'ten'"),
        ("train.epochs=1.0", "train.epochs: expected an integer, found 1.0"),
        ("train.epochs=true", "train.epochs: expected an integer, found True"),
        ("train.epochs='1'", "train.epochs: expected an integer, found '1'"),
        ("train.epochs=[1]", "train.epochs: expected an integer, found [1]"),
        ("train.epochs={a: 1}", "train.epochs: expected an integer, found {'a': 1}"),
        ("train.epochs=1:30", "train.epochs: expected an integer, found '1:30'"),
        ("train.epochs=010", "train.epochs: expected an integer, found '010'"),
        ("train.epochs=0", "train.epochs: expected at least 1, found 0"),
        ("train.epochs=-1", "train.epochs: expected at least 1, found -1"),
        ("train.lr=fast", "train.lr: expected a number, found 'fast'"),
        ("train.lr=true", "train.lr: expected a number, found True"),
        ("train.lr==3", "train.lr: expected a number, found '=3'"),
        ("train.lr=0", "train.lr: expected more than 0, found 0"),
        ("train.lr=.nan", "train.lr: expected more than 0, found nan"),
        ("train.lr=1e39", "train.lr: expected a number that float32 can hold, found 1e+39"),
        ("train.lr=.inf", "train.lr: expected a number that float32 can hold, found inf"),
        ("train.lr=1e999", "train.lr: expected a number that float32 can hold, found inf"),
        ("train.lr=nan", "train.lr: expected a number, found 'nan'"),
        ("train.grad_clip=-.inf", "train.grad_clip: expected more than 0, found -inf"),
        (
            "train.lr=1" + "0" * 400,
            f"train.lr: expected a number that float32 can hold, found 1{'0' * 17}...{'0' * 19}",
        ),
        ("train.momentum=1.1", "train.momentum: expected at most 1, found 1.1"),
        ("run.seed=4294967296", "run.seed: expected at most 4294967295, found 4294967296"),
        ("data.flip=yes", "data.flip: expected true or false, found 'yes'"),
        ("data.flip=on", "data.flip: expected true or false, found 'on'"),
        ("data.flip=1", "data.flip: expected true or false, found 1"),
        ("data.flip=", "data.flip: expected true or false, found None"),
        ("data.image_size=7", "data.image_size: expected at least 8, found 7"),
        ("data.image_size=big", "data.image_size: expected an integer or null, found 'big'"),
        ("data.dataset=", "data.dataset: expected a text, found None"),
        ("data.dataset=???", "data.dataset: '???' is not supported"),
        ("engine.device=gpu", "engine.device: expected one of auto, cpu, cuda, found 'gpu'"),
        ("engine.device=CPU", "engine.device: expected one of auto, cpu, cuda, found 'CPU'"),
        (
            "space.operations=skip_connect",
            "space.operations: expected a list of texts or null, found 'skip_connect'",
        ),
        ("space.operations=[1]", "space.operations: expected a list of texts or null, found [1]"),
        ("space.operations=[[a]]", "space.operations: expected a list of texts or null, found [['a']]"),
        ("space.operations=['???']", "space.operations: '???' is not supported"),
        ("data.dataset=${oc.env:HOME}", "'data.dataset=${oc.env:HOME}': interpolation is not supported"),
        ("train.lr=${train.lr}", "'train.lr=${train.lr}': interpolation is not supported"),
        ("train.lr=[", "'train.lr=[': the value cannot be read as YAML"),
        ("train.lr=a: b: c", "'train.lr=a: b: c': the value cannot be read as YAML"),
        ("train.lr={a: 1, a: 2}", "'train.lr={a: 1, a: 2}': the value cannot be read as YAML"),
        ("train.lr=&a [*a]", "'train.lr=&a [*a]': the value cannot be read as YAML"),
        ("train.lr=!!int ''", "\"train.lr=!!int ''\": the value cannot be read as YAML"),
        ("train.lr=!!bool x", "'train.lr=!!bool x': the value cannot be read as YAML"),
        ("train.lr=!!binary aGk=", "'train.lr=!!binary aGk=': the value cannot be read as YAML"),
        (
            "train.lr=!!python/object/apply:os.getcwd []",
            "'train.lr=!!python/object/apply:os.getcwd []': the value cannot be read as YAML",
        ),
        ("train.lr=\0", "'train.lr=\\x00': the value cannot be read as YAML"),
        ("train.lr=\ud800", "'train.lr=\\ud800': the value cannot be read as YAML"),
        ("train.lr=" + "9" * 5000, f"'train.lr={'9' * 18}...{'9' * 28}': the value cannot be read as YAML"),
        ("train.lr=" + "[" * 5000, f"'train.lr={'[' * 18}...{'[' * 28}': the value cannot be read as YAML"),
    ],
)
def test_wrong_overrides(word, message):
    assert error_of(word).startswith(message)


def test_a_key_that_another_command_has():
    assert error_of("network.auxiliary=true").startswith("unknown key 'network.auxiliary'; ")
    assert evaluate("network.auxiliary=true").network.auxiliary
    assert error_of("search.population=2", of=evaluate).startswith("unknown key 'search.population'; ")


def test_aliases_that_multiply_are_refused_at_once():
    bomb = "[&a [x,x,x,x,x,x,x,x,x,x]" + "".join(
        f", &{name} [{','.join(['*' + before] * 10)}]"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    start = time.perf_counter()
    with pytest.raises(ValueError, match="cannot be read as YAML"):
        parse_override(f"space.operations={bomb}]")
    assert time.perf_counter() - start < 3


@pytest.mark.parametrize(
    ("command", "name", "preset", "message"),
    [
        (
            "search",
            "relativ",
            "quick",
            r"unknown method 'relativ'; did you mean 'relativenas'\? known: .*relativenas",
        ),
        (
            "search",
            "relativenas",
            "quik",
            r"unknown preset of relativenas 'quik'; did you mean 'quick'\? known: ",
        ),
        ("search", "relativenas", "../evaluate/quick", "unknown preset of relativenas '../evaluate/quick'; "),
        ("evaluate", "x", "", "unknown preset of evaluate ''; known: "),
    ],
)
def test_unknown_methods_and_presets(command, name, preset, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        resolve(command, name, preset, [])


@pytest.mark.parametrize(("owner", "preset"), PRESETS)
def test_a_preset_resolves_and_its_yaml_reads_back(owner, preset):
    config = config_of(owner, preset)
    text = to_yaml(config)
    assert from_yaml(text) == config
    assert to_yaml(from_yaml(text)) == text
    values = dict(flatten({group: vars(entries) for group, entries in config.groups()}))
    assert read_preset(owner, preset)
    for dotted, value in flatten(read_preset(owner, preset)):
        assert values[dotted] == value
    assert read_help(owner, preset).startswith("nastk ")


@pytest.mark.parametrize(("owner", "preset"), PRESETS)
def test_every_key_has_a_comment(owner, preset):
    config = config_of(owner, preset)
    lines = to_yaml(config).splitlines()
    keys = [name for _, values in config.groups() for name in vars(values)]
    assert [line.split(":")[0].strip() for line in lines if line.startswith("  ")] == keys
    assert all(re.fullmatch(r"  \w+: .*\S +# \S.*", line) for line in lines if line.startswith("  "))
    heads = [line for line in lines if not line.startswith("  ")]
    about = {"search": "method", "evaluate": "arch", "transfer": "task"}[config.command]
    assert [line.split(":")[0] for line in heads] == [
        "command",
        about,
        "preset",
        *[g for g, _ in config.groups()],
    ]


def test_a_generic_preset_leaves_out_what_the_method_does_not_have():
    config = resolve("search", "with-few-keys", "quick", ["train.size=4"])
    assert vars(config.train) == {"size": 4}
    assert config.network.num_cells == read_preset(GENERIC, "quick")["network"]["num_cells"]
    assert from_yaml(to_yaml(config)) == config
    assert "\nsearch:" not in to_yaml(config)
    with pytest.raises(ValueError, match=r"^unknown key 'train\.lr'; "):
        resolve("search", "with-few-keys", "quick", ["train.lr=0.1"])


def test_a_preset_that_extends_another_has_its_values():
    assert read_preset("random", "quick") == read_preset("relativenas", "quick")


TEXTS = st.text().filter(lambda text: "${" not in text and text != "???")


@settings(max_examples=40)
@given(
    TEXTS, TEXTS, st.none() | TEXTS, st.none() | st.lists(TEXTS), st.floats(min_value=5e-324, max_value=1e38)
)
def test_any_value_survives_the_yaml(name, dataset, directory, operations, lr):
    config = search()
    config.data = dataclasses.replace(config.data, dataset=dataset, dir=directory)
    config.space = dataclasses.replace(config.space, operations=operations)
    config.train = dataclasses.replace(config.train, lr=lr)
    config.preset = name
    text = to_yaml(config)
    assert from_yaml(text) == config
    assert to_yaml(from_yaml(text)) == text


@given(TEXTS.filter(lambda text: text not in ("", "null")))
def test_any_path_can_be_given(path):
    assert search(f"data.dataset={path}").data.dataset == path


@given(
    st.text()
    | st.builds("{}={}".format, st.sampled_from(["train.lr", "data.flip", "space.operations"]), st.text())
)
def test_any_word_is_read_or_refused(word):
    with contextlib.suppress(ValueError):
        parse_override(word)
    with contextlib.suppress(ValueError):
        search(word)


@given(st.text("[]{}:,&*!|>'\"%@`#-? \n\t01e.ntx~"))
def test_any_yaml_is_read_or_refused(text):
    with contextlib.suppress(ValueError):
        assert read_yaml(yaml_line("key", read_yaml(text)))["key"] is not ...


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("command: search", "command: find", "not a nastk configuration: 'find' is missing or unknown"),
        ("command: search", "command: [search]", "not a nastk configuration: "),
        ("command: search", "", "not a nastk configuration: 'command' is missing or unknown"),
        ("method: relativenas", "method: nas", "unknown method 'nas'; "),
        ("method: relativenas", "method: 3", "not a nastk configuration: method and preset must be texts"),
        ("method: relativenas", "", "not a nastk configuration: 'method' is missing or unknown"),
        ("preset: quick", "preset: null", "not a nastk configuration: method and preset must be texts"),
        (
            "  population: 6 ",
            "  populaton: 6 ",
            "unknown key 'search.populaton'; did you mean 'search.population'?",
        ),
        ("  population: 6 ", "  population: x ", "search.population: expected an integer, found 'x'"),
        ("  population: 6 ", "  3: x ", "unknown key 'search.3'; "),
        ("  dataset: digits", "  dataset: ${oc.env:HOME}", "data.dataset: '${oc.env:HOME}' is not supported"),
        ("search:\n", "search: 3\nmore:\n", "not a nastk configuration: "),
        ("search:\n", "search: [\n", "not a nastk configuration: "),
        ("preset: quick", "preset: quick\npreset: quick", "not a nastk configuration: a key is given twice"),
    ],
)
def test_damaged_configurations(old, new, message):
    text = to_yaml(search("search.population=6"))
    assert old in text
    assert error_of(text.replace(old, new), of=from_yaml).startswith(message)


@pytest.mark.parametrize("text", ["", "x", "[1]", "3", "null", "[" * 5000, "\0", "a: *b", "? [a]: 1"])
def test_what_is_no_configuration(text):
    assert error_of(text, of=from_yaml).startswith("not a nastk configuration: ")


def test_truncated_configurations_are_refused_or_lack_only_what_has_a_default():
    text = to_yaml(search())
    for length in range(0, len(text), 31):
        with contextlib.suppress(ValueError):
            assert from_yaml(text[:length]).command == "search"


def test_the_yaml_of_a_float_is_one_for_every_reader():
    assert yaml_line("lr", 1e-05) == "lr: 1.0e-05"
    assert yaml_line("name", "1e-05") == "name: '1e-05'"
    assert yaml_line("name", "no") == "name: 'no'"
    assert yaml_line("name", "a\nb") == 'name: "a\\nb"'
