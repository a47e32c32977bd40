"""The state of one chat with EVI: what stands in its transcript, what is owed an answer, what settings change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.conversation.events import Ask
from elizad.conversation.history import CallerTurns
from elizad.protocols.evi.chat import HANG_UP, Chat
from elizad.protocols.evi.incoming import Context, EviProblem, SessionSettings, Tool
from elizad.types import Role, Utterance


def user_turns(transcript: tuple[Utterance, ...]) -> list[str]:
    return list(CallerTurns(2000).of(transcript))


def settings(**fields: Any) -> SessionSettings:
    return SessionSettings(**fields)


def test_a_turn_has_the_whole_chat() -> None:
    chat = Chat([Utterance(Role.USER, "before")])
    chat.say("yes")
    chat.apply(settings(custom_session_id="ann", variables={"n": 1}, context=Context("sea", "persistent")))
    event = chat.hear("now")
    assert event is not None
    assert (event.turn, event.ask, event.session, event.context) == (1, Ask.REPLY, "ann", ("sea",))
    assert event.variables == {"n": "1"}
    assert [text for _, text in event.transcript] == ["before", "yes", "now"]


def test_turns_are_numbered_whoever_begins_them() -> None:
    chat = Chat()
    first, second, third = chat.greet(None), chat.hear("a"), chat.ask()
    assert second is not None
    assert (first.turn, second.turn, third) == (1, 2, 3)


def test_two_messages_before_a_word_of_ours_are_one_turn() -> None:
    chat = Chat()
    chat.hear("a")
    event = chat.hear("b")
    assert event is not None
    assert user_turns(event.transcript) == ["a b"]


def test_messages_of_a_pause_are_turns_of_their_own() -> None:
    chat = Chat()
    chat.pause()
    assert [chat.hear("a"), chat.hear("b"), chat.hear("c")] == [None] * 3
    event = chat.resume()
    assert event is not None
    assert user_turns(event.transcript) == ["a", "b", "c"]
    assert chat.transcript == tuple(Utterance(Role.USER, text) for text in "abc")
    chat.say("yes")
    assert chat.resume() is None


def test_a_message_that_waits_for_its_answer_when_the_pause_begins() -> None:
    chat = Chat()
    chat.hear("a")
    chat.pause()
    event = chat.resume()
    assert event is not None
    assert user_turns(event.transcript) == ["a"]


def test_settings_that_are_wrong_change_nothing() -> None:
    chat = Chat()
    chat.apply(settings(variables={f"a{n}": "" for n in range(100)}))
    chat.apply(settings(variables={f"b{n}": "" for n in range(100)}))
    with pytest.raises(EviProblem):
        chat.apply(settings(custom_session_id="ann", variables={"c": ""}))
    assert chat.session is None
    assert len(chat.variables) == 200


def test_tools_replace_those_that_were_declared_before() -> None:
    chat = Chat(builtin_tools=[Tool("search", "builtin")])
    assert set(chat.tools) == {"search"}
    chat.apply(settings(tools=(Tool("look", "function"),)))
    assert set(chat.tools) == {"look", "search"}
    chat.apply(settings(builtin_tools=(Tool(HANG_UP),)))
    assert {name: tool.type for name, tool in chat.tools.items()} == {"look": "function", HANG_UP: "builtin"}
    chat.apply(settings())
    assert set(chat.tools) == {"look", HANG_UP}, "what is not said stays as it is"
    chat.apply(settings(tools=(Tool("ask", "function"),)))
    assert set(chat.tools) == {"ask", HANG_UP}
    chat.apply(settings(tools=()))
    assert set(chat.tools) == {HANG_UP}


def test_what_is_said_at_length_fills_a_chat() -> None:
    chat = Chat()
    for _ in range(4_000):
        assert not chat.is_full
        chat.say("a")
    assert chat.is_full
    chat = Chat()
    chat.hear("a" * 1_000_001)
    assert chat.is_full


@given(st.lists(st.sampled_from(["hear", "say", "pause", "resume"])))
def test_an_answer_is_owed_for_the_last_message_and_once(deeds: list[str]) -> None:
    chat, paused, owed, heard = Chat(), False, False, 0
    for deed in deeds:
        match deed:
            case "hear":
                event = chat.hear(f"m{heard}")
                heard += 1
                assert (event is None) is paused
                owed = True
            case "say":
                chat.say("yes")
                owed = False
            case "pause":
                chat.pause()
                paused = True
            case "resume":
                event = chat.resume()
                assert (event is not None) is (paused and owed)
                if event is not None:
                    assert user_turns(event.transcript)[-1].endswith(f"m{heard - 1}")
                paused = False
        assert chat.paused is paused
    assert [text for role, text in chat.transcript if role is Role.USER] == [f"m{n}" for n in range(heard)]
