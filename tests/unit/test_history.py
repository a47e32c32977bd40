"""The fold: the same transcript, the same words, wherever and however often it is sent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from elizad.conversation.history import History, user_turns
from elizad.conversation.phrases import APOLOGY
from elizad.eliza import Eliza, State, Step
from elizad.types import Role, Utterance
from tests.support.calls import SCRIPT

U, A, O = Role.USER, Role.ASSISTANT, Role.OTHER  # noqa: E741

WORDS = st.sampled_from(["my sister", "I need rest", "long", "loop", "yes", "", "my house, my rules", "I"])


class CountingEliza(Eliza):
    """Counts how many steps are taken."""

    steps = 0

    def reply(self, state: State, text: str, trace: list[Step] | None = None) -> tuple[State, str]:
        self.steps += 1
        return super().reply(state, text, trace)


def make_eliza() -> CountingEliza:
    return CountingEliza(SCRIPT, max_steps=50)


def transcript(*entries: tuple[Role, str]) -> list[Utterance]:
    return [Utterance(role, text) for role, text in entries]


def test_utterances_without_a_word_of_ours_between_are_one_turn() -> None:
    assert user_turns(transcript((U, "a"), (U, "b"), (A, "x"), (A, "y"), (U, "c"))) == ["a b", "c"]
    assert user_turns(transcript((U, "a"), (O, "tool"), (U, "b"))) == ["a b"]


def test_turns_without_words_count_only_after_the_first_word() -> None:
    assert user_turns(transcript((U, ""), (A, "x"), (U, "a"), (A, "y"), (U, ""))) == ["a", ""]
    assert user_turns(transcript((U, ""), (A, "x"))) == []
    assert user_turns([]) == []


@given(st.lists(WORDS, min_size=1, max_size=12))
def test_a_growing_transcript_costs_one_step_a_turn(turns: list[str]) -> None:
    eliza = make_eliza()
    history = History(eliza)
    for end in range(1, len(turns) + 1):
        history.answer(turns[:end])
        assert eliza.steps == end


@given(st.lists(WORDS, min_size=1, max_size=12), st.lists(WORDS, min_size=1, max_size=12))
def test_what_was_sent_before_does_not_change_the_reply(before: list[str], turns: list[str]) -> None:
    used = History(make_eliza())
    for end in range(1, len(before) + 1):
        used.answer(before[:end])
    assert used.answer(turns).text == History(make_eliza()).answer(turns).text


def test_a_corrected_last_utterance_costs_one_step_and_leaves_no_trace() -> None:
    eliza = make_eliza()
    history = History(eliza)
    history.answer(["my sister", "I need"])
    steps = eliza.steps
    corrected = history.answer(["my sister", "I need rest"])
    assert eliza.steps == steps + 1
    assert corrected == History(make_eliza()).answer(["my sister", "I need rest"])


def test_the_same_payload_again_gets_the_same_reply_for_nothing() -> None:
    eliza = make_eliza()
    history = History(eliza)
    first = history.answer(["yes"])
    steps = eliza.steps
    assert history.answer(["yes"]) == first
    assert eliza.steps == steps


def test_an_endless_script_costs_one_reply() -> None:
    history = History(make_eliza())
    answer = history.answer(["loop"])
    assert answer.text == APOLOGY
    assert answer.problem is not None
    assert "round in a circle" in answer.problem
    assert history.answer(["loop", "I need rest"]).text == "WHAT WOULD REST CHANGE"
