"""The fold: the same transcript, the same words, wherever and however often it is sent."""

from __future__ import annotations

import tracemalloc
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from elizad.conversation.commands import Cue, EndTurn
from elizad.conversation.conversation import Conversation, Manner
from elizad.conversation.events import Ask, TurnRequested
from elizad.conversation.history import CallerTurns, History
from elizad.conversation.phrases import APOLOGY
from elizad.eliza import Eliza, State, Step
from elizad.types import Role, Utterance
from tests.support.calls import SCRIPT
from tests.support.guided import take

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


class Answer(NamedTuple):
    state: State
    text: str
    problem: str | None


def answer(history: History, turns: list[str]) -> Answer:
    """The reply, without a thought for others."""
    while (found := history.answer(tuple(turns))) is None:
        pass
    return Answer(*found)


def transcript(*entries: tuple[Role, str]) -> list[Utterance]:
    return [Utterance(role, text) for role, text in entries]


def turns_of(*entries: tuple[Role, str], limit: int = 100) -> list[str]:
    return list(CallerTurns(limit).of(tuple(transcript(*entries))))


def test_utterances_without_a_word_of_ours_between_are_one_turn() -> None:
    assert turns_of((U, "a"), (U, "b"), (A, "x"), (A, "y"), (U, "c")) == ["a b", "c"]
    assert turns_of((U, "a"), (O, "tool"), (U, "b")) == ["a b"]


def test_turns_without_words_count_only_after_the_first_word() -> None:
    assert turns_of((U, ""), (A, "x"), (U, "a"), (A, "y"), (U, "")) == ["a", ""]
    assert turns_of((U, ""), (A, "x"), (U, ""), (U, "a")) == ["a"]
    assert turns_of((U, ""), (A, "x")) == []
    assert turns_of() == []


def test_of_a_turn_so_much_is_heard() -> None:
    assert turns_of((U, "abc"), (U, "def"), (A, "x"), (U, "ghi"), (U, "jkl"), limit=5) == ["abc d", "ghi j"]


ENTRIES = st.lists(st.tuples(st.sampled_from([U, A, O]), WORDS), max_size=8)


@given(st.lists(ENTRIES, max_size=6))
def test_turns_are_those_of_the_transcript_whatever_was_sent_before(transcripts: list[list[tuple[Role, str]]]) -> None:
    used = CallerTurns(12)
    sent: list[tuple[Role, str]] = []
    for entries in transcripts:
        for now in (entries, sent := sent + entries, sent[:-1] + entries[:1]):
            assert list(used.of(tuple(transcript(*now)))) == turns_of(*now, limit=12)


@given(st.lists(WORDS, min_size=1, max_size=12))
def test_a_growing_transcript_costs_one_step_a_turn(turns: list[str]) -> None:
    eliza = make_eliza()
    history = History(eliza)
    for end in range(1, len(turns) + 1):
        answer(history, turns[:end])
        assert eliza.steps == end


@given(st.lists(WORDS, min_size=1, max_size=12), st.lists(WORDS, min_size=1, max_size=12))
def test_what_was_sent_before_does_not_change_the_reply(before: list[str], turns: list[str]) -> None:
    used = History(make_eliza())
    for end in range(1, len(before) + 1):
        answer(used, before[:end])
    assert answer(used, turns).text == answer(History(make_eliza()), turns).text


def test_a_corrected_last_utterance_costs_one_step_and_leaves_no_trace() -> None:
    eliza = make_eliza()
    history = History(eliza)
    answer(history, ["my sister", "I need"])
    steps = eliza.steps
    corrected = answer(history, ["my sister", "I need rest"])
    assert eliza.steps == steps + 1
    assert corrected == answer(History(make_eliza()), ["my sister", "I need rest"])


def test_the_same_payload_again_gets_the_same_reply_for_nothing() -> None:
    eliza = make_eliza()
    history = History(eliza)
    first = answer(history, ["my sister", "yes"])
    steps = eliza.steps
    assert answer(history, ["my sister", "yes"]) == first
    assert eliza.steps == steps


def test_an_endless_script_costs_one_reply() -> None:
    history = History(make_eliza())
    found = answer(history, ["loop"])
    assert found.text == APOLOGY
    assert found.problem is not None
    assert "round in a circle" in found.problem
    assert answer(history, ["loop", "I need rest"]).text == "WHAT WOULD REST CHANGE"


def test_a_replay_takes_one_turn_at_a_time() -> None:
    eliza = make_eliza()
    history = History(eliza)
    turns = ("my sister", "I need rest", "yes", "long")
    for steps in range(1, len(turns)):
        assert history.answer(turns) is None
        assert eliza.steps == steps
    assert history.answer(turns) is not None
    assert eliza.steps == len(turns)
    assert history.answer((*turns, "yes")) is not None, "what is known need not be replayed"


def test_what_went_wrong_in_an_earlier_turn_is_no_problem_of_the_newest() -> None:
    found = answer(History(make_eliza()), ["loop", "I need rest"])
    assert found.text == "WHAT WOULD REST CHANGE"
    assert found.problem is None


@given(st.lists(WORDS, min_size=2, max_size=8), st.integers(0, 7))
def test_a_replay_that_is_given_up_changes_no_reply(turns: list[str], after: int) -> None:
    history = History(make_eliza())
    for _ in range(min(after, len(turns) - 1)):
        history.answer(tuple(turns))
    assert answer(history, turns) == answer(History(make_eliza()), turns)


def test_chunks_are_due_one_after_the_other_from_when_the_turn_may_begin() -> None:
    conversation = Conversation(make_eliza(), Manner("word", 0.5))
    event = TurnRequested(7, ask=Ask.GREETING, greeting="Please do go on", hold_s=2.0)
    cues = take(conversation, event).cues
    assert [(cue.due_s, len(cue.commands)) for cue in cues] == [(2.0, 1), (2.5, 1), (3.0, 1), (3.5, 2)]
    assert cues[-1].commands[-1] == EndTurn(7)
    [silence] = take(conversation, replace(event, greeting="")).cues
    assert silence == Cue(2.0, (EndTurn(7),)), "silence ends as soon as it may begin"


def test_a_conversation_that_nobody_has_begun_holds_next_to_nothing() -> None:
    eliza, manner = make_eliza(), Manner()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        open_calls = [Conversation(eliza, manner) for _ in range(100)]
        each = (tracemalloc.get_traced_memory()[0] - before) / len(open_calls)
    finally:
        tracemalloc.stop()
    assert each < 512
