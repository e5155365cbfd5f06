"""A decision: its words, and the room that a tensor over several needs."""

from chain import CHAIN

from nastk.spaces.decision import Decision, most_options


def test_a_decision_is_known_by_its_group_and_its_name():
    assert str(Decision("normal", "0 -> 2", ("a", "b"))) == "normal 0 -> 2"
    assert Decision("layer", "0", ("a",)) == Decision("layer", "0", ("a",)) != Decision("layer", "1", ("a",))


def test_the_width_of_a_tensor_over_decisions_is_that_of_the_one_with_most_options():
    assert most_options(CHAIN.decisions) == 4
    assert most_options(CHAIN.decisions[::2]) == 3
