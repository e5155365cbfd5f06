"""Genotypes among other things: names, logs, comments, files of several; and texts that are none."""

import json
import time

import pytest
from notation_writers import FOR_ALL, SAMPLE, aw_nas, fields, genotype_of, literal, nni, refusal_of

from nastk.archs import load_arch
from nastk.genotype import parse, to_json
from nastk.notations.texts import calls

V1, V2 = (load_arch(name).genotype for name in ("darts-v1", "darts-v2"))


def text_of(genotype):
    return literal({cell: list(getattr(genotype.body, cell)) for cell in ("normal", "reduce")})


ONE, OTHER = text_of(V1), text_of(V2)
HEAD = "from collections import namedtuple\n\nGenotype = namedtuple('Genotype', 'normal normal_concat')\n"


@pytest.mark.parametrize(
    "text",
    [
        f"{'x' * 100} = {ONE}",
        f"{'name_' * 500}={ONE}",
        f"2020-01-02 03:04:05,678 genotype = {ONE}",
        f"07/19 10:05:22 AM | genotype = {ONE}\n",
        f"epoch 3 it's {ONE}, acc 97.2",
        f"# searched on photos, seed 2\nCELL = {ONE}",
        f"\n\n# a\n\n  # b\n{ONE}\n",
        f"#{ONE}",
        f"# CELL = {ONE}\n",
        f"{HEAD}\nDARTS_V1 = {ONE}\n\nDARTS = DARTS_V1\n",
        f"genotype = gt.{ONE}",
        f"cell = nas.genotypes.{ONE}",
        f'python train.py --genotype \\\n  "{ONE}" --epochs 3',
        f'"the best is {ONE}"',
        f"genotypes:\n    {ONE}\nepochs: 3\n",
        f"# OLD = {OTHER}\nNEW = {ONE}",
        f"#OLD = {OTHER[:60]}\n#   {OTHER[60:]}\nNEW = {ONE}",
        f"genotype = {OTHER[:200]}\ngenotype = {ONE}\n{OTHER[:20]}",
        ONE.replace("Genotype(", "Genotype(  # it's the first :)\n"),
        ONE.replace("Genotype(", "Genotype ("),
        ONE.replace(")", ") "),
        ONE.replace(", 0)", ", np.int64(0))").replace("'sep_conv_3x3'", "np.str_('sep_conv_3x3')"),
        ONE.replace("'", '"'),
    ],
)
def test_a_genotype_among_other_things_is_found(text):
    assert parse(text) == (V1, {})


def test_what_only_looks_like_one_is_passed_over():
    code = "class Genotype(NamedTuple):\n    pass\n\ngenotype = Genotype(normal=gene, reduce=gene)\n"
    assert parse(f"{code}CELL = {ONE}\n") == (V1, {})


@pytest.mark.parametrize("write", FOR_ALL)
def test_every_notation_may_have_comments_before_it(write):
    comments = "# searched on photos, seed 2\n\n  # it's {mine}: [\n"
    assert parse(comments + write(SAMPLE))[0] == genotype_of(SAMPLE)
    string = "|skip_connect~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|"
    assert parse(comments + string)[0].body == string
    assert parse(comments + to_json(V1))[0] == V1


SEVERAL = f"{HEAD}A = {ONE}\n# not me: C = {ONE}\nB = {OTHER}\n"


def test_a_text_of_several_is_answered_with_their_names():
    assert refusal_of(SEVERAL) == "2 genotypes: A, B; FILE:NAME picks one"
    assert parse(SEVERAL, "A") == parse(SEVERAL, "1") == (V1, {})
    assert parse(SEVERAL, "B") == parse(SEVERAL, "2") == (V2, {})


@pytest.mark.parametrize(
    "name", ["C", "AA", "0", "3", "-1", "", "²", "9" * 5000, "x" * 5000, "\ud800", "A\n"]
)
def test_a_name_that_none_has(name):
    assert refusal_of(SEVERAL, name).startswith("unknown genotype ")
    assert refusal_of(SEVERAL, name).endswith("known: A, B")


def test_a_log_of_many_is_picked_from_by_number():
    log = "\n".join(f"epoch {i} genotype = {OTHER if i == 30 else ONE}" for i in range(50))
    assert refusal_of(log) == "50 genotypes: 1, 2, 3, 4, 5 ... 50; FILE:NAME picks one"
    assert refusal_of(log, "genotype") == (
        "50 genotypes are called genotype: 1, 2, 3, 4, 5 ... 50; FILE:NUMBER picks one"
    )
    assert [parse(log, str(number))[0] for number in (1, 30, 31, 32)] == [V1, V1, V2, V1]


def test_names_of_several_kinds():
    text = f"A = {ONE}\nA = {OTHER}\nB = {ONE}\n{OTHER}\n('D', CNN{ONE}),\n'E': {ONE},\n1: {ONE}\n"
    assert refusal_of(text) == "7 genotypes: 1, 2, B, 4, D, E, 7; FILE:NAME picks one"


def test_long_lists_of_names_are_cut():
    text = "\n".join(f"{'n' * 99}{chr(65 + i)} = {ONE}" for i in range(26))
    assert refusal_of(text).endswith(f" ... {'n' * 99}Z; FILE:NAME picks one")
    assert parse(text, "n" * 99 + "Q")[0] == V1


def test_a_list_of_aw_nas_s_and_one_of_dictionaries():
    several = aw_nas(SAMPLE) * 3
    assert refusal_of(several) == "3 genotypes: 1, 2, 3; FILE:NAME picks one"
    assert parse(several, "3")[0] == genotype_of(SAMPLE)
    top = f"[{nni(SAMPLE)}, {fields(SAMPLE)}]"
    assert refusal_of(top) == "2 genotypes: 1, 2; FILE:NAME picks one"
    assert parse(top, "1") == parse(top, "2") == parse(f"[{nni(SAMPLE)}]") == (genotype_of(SAMPLE), {})


@pytest.mark.parametrize("write", [to_json, lambda _: nni(SAMPLE), lambda _: "64-41414-1_23_333"])
def test_what_has_no_name_is_not_picked_by_one(write):
    assert refusal_of(write(V1), "A") == "one genotype, which has no name; leave :A out"


def test_the_command_in_a_provenance_is_no_genotype():
    """A genotype file may say by which command it came about, of which another genotype is a word."""
    provenance = {"command": f"nastk evaluate --arch '{OTHER}'"}
    assert parse(to_json(V1, provenance)) == (V1, provenance)
    broken = json.loads(to_json(V1, provenance)) | {"normal": []}
    assert refusal_of(json.dumps(broken)) == "normal: expected 8 (operation, input) pairs, found 0"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{'normal_concat': [2], 'normal_concat': [3]}", "as Python: 'normal_concat' is given twice"),
        ("{'normal/op_2_0': open('x')}", "as Python: not a literal"),
        ("{'normal/op_2_0': {**{}}}", "as Python: not a literal"),
        ("x = (1, 2", "as Python: '(' was never closed"),
        ("x = " + "(" * 19_000, "as Python: too many nested parentheses"),
        ("x = (" + "1, " * 9_000 + ")", "as Python: 27,002 characters (at most 20,000)"),
        ("{'\\U00110000': 1}", "illegal Unicode character"),
        ("(1, 2)", "expected a JSON object, found tuple"),
        ("{1, 2}", "expected a JSON object, found set"),
        (f"CELL = {ONE[:-1]}", "not a genotype literal: '(' was never closed"),
        (f"CELL = {ONE}[0]", "not a genotype literal: expected Genotype(normal="),
        (f"CELL = {ONE}(1)", "not a genotype literal: expected Genotype(normal="),
        (ONE.replace("0)", "0", 1), "not a genotype literal: closing parenthesis ']' does not match"),
        (ONE.replace("'", "", 1), "not a genotype literal: "),
    ],
)
def test_malformed_values(text, message):
    assert message in refusal_of(text)


HOSTILE = [
    "[",
    "{",
    "(",
    "{'a':",
    "Genotype(",
    "x = Genotype('\n",
    "Genotype('')\n",
    "'",
    '"\\',
    "#",
    "\n",
    " ",
    "a=",
]


@pytest.mark.parametrize(
    "unit", [*HOSTILE, "none=0:", "|", "-", "\ud800", "\U0010ffff", "((0,1),", "#Genotype('\n"]
)
def test_huge_texts_are_refused_in_time_that_grows_with_their_length(unit):
    """Ten times the text, not much more than ten times the time: a square of it would be a hundred times."""
    seconds = []
    for length in (30_000, 300_000):
        text = unit * (length // len(unit))
        start = time.process_time()
        refusal_of(text)
        seconds.append(time.process_time() - start)
    assert seconds[1] < 40 * max(seconds[0], 0.01)


def test_truncated_texts_at_every_length():
    for text in (literal(SAMPLE), aw_nas(SAMPLE)):
        start = text.index("Genotype(") + len("Genotype(")
        assert {len(calls.find(text[:length])) for length in range(start + 20, len(text))} == {1}
        for length in range(start, text.rindex(")"), 7):
            refusal_of(text[:length])
