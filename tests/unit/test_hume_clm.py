"""The adapter of Hume's custom language model socket, without a loop. Its conversations are in tests/trio/scripts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.conversation.commands import EndTurn, Speak
from elizad.conversation.events import Ask, TurnRequested
from elizad.errors import RemoteError
from elizad.protocols.hume_clm import HumeClm
from elizad.protocols.wire import MAX_SESSION_CHARS
from elizad.types import Role, Utterance

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(["messages", "message", "role", "content", "type", "time", "models", "custom_session_id"])
PAYLOADISH = st.recursive(
    JSON | st.sampled_from(["user", "assistant", "user_message", "hello {very sad}", "}{", "{"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=20,
)


@given(st.one_of(st.text(), PAYLOADISH.map(json.dumps)))
def test_any_text_gives_events_or_a_remote_error(text: str) -> None:
    adapter = HumeClm()
    try:
        events = adapter.receive(text)
    except RemoteError as error:
        assert error.code == 1007
        assert error.reason
    else:
        assert len(events) == 1
        assert isinstance(events[0], TurnRequested)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_words_survive_the_wire(words: str) -> None:
    [frame] = HumeClm().send([Speak(1, words)])
    assert json.loads(frame) == {"type": "assistant_input", "text": words}
    assert HumeClm().send([EndTurn(1)]) == ['{"type":"assistant_end"}']


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON"),
        ("hello", "not JSON"),
        ('{"messages":[', "not JSON"),
        ('{"messages":[],"x":NaN}', "not JSON"),
        ('{"messages":[{"role":"user","content":"\\ud800"}]}', "not JSON"),
        ("null", "unexpected shape"),
        ("{}", "unexpected shape: Object missing required field `messages`"),
        ('{"messages":null}', "unexpected shape"),
        ('{"messages":{}}', "unexpected shape"),
        ('{"messages":[1]}', "unexpected shape"),
        ('{"messages":[{"message":"hi"}]}', "unexpected shape"),
        ('{"messages":[{"message":{"role":5}}]}', "unexpected shape"),
        ('{"messages":[{"message":{"role":"user","content":["a"]}}]}', "unexpected shape"),
        ('{"messages":[],"custom_session_id":7}', "unexpected shape"),
        ('{"messages":[],"custom_session_id":"' + "x" * (MAX_SESSION_CHARS + 1) + '"}', "unexpected shape"),
        ('{"messages":[{"models":' + "[" * 1_000_000 + "]" * 1_000_000 + "}]}", "nested too deeply"),
        ("[" * 100_000, "unexpected shape"),
    ],
)
def test_bad_input_is_named_without_quoting_it(text: str, reason: str) -> None:
    with pytest.raises(RemoteError) as caught:
        HumeClm().receive(text)
    assert caught.value.code == 1007
    assert caught.value.reason.startswith(reason)


def test_what_the_caller_said_is_never_in_the_reason() -> None:
    secret = "xyzzy"
    for text in (
        f'{{"messages":[{{"message":{{"role":"user","content":["{secret}"]}}}}]}}',
        f'{{"messages":[{{"message":{{"role":"user","content":"{secret}"}}}}',
        f'{{"{secret}":1}}',
        f'{{"messages":"{secret}"}}',
    ):
        with pytest.raises(RemoteError) as caught:
            HumeClm().receive(text)
        assert secret not in caught.value.reason


def session_of(adapter: HumeClm, value: str) -> str | None:
    [event] = adapter.receive(f'{{"messages":[],"custom_session_id":{value}}}')
    assert isinstance(event, TurnRequested)
    return event.session


def test_the_session_is_kept_and_said_back_once_until_it_changes() -> None:
    adapter = HumeClm()
    assert session_of(adapter, '"a"') == "a"
    assert "custom_session_id" in adapter.send([Speak(1, "x")])[0]
    assert session_of(adapter, "null") == "a"
    assert "custom_session_id" not in adapter.send([Speak(1, "x")])[0]
    assert session_of(adapter, '"b"') == "b"
    assert json.loads(adapter.send([Speak(1, "x")])[0])["custom_session_id"] == "b"


def test_roles_and_annotations() -> None:
    payload = {
        "messages": [
            {
                "type": "user_message",
                "message": {"role": "user", "content": " Hi {quite calm} {Context: it is {late}} "},
            },
            {"type": "assistant_message", "message": {"content": "Hello"}},
            {"type": "tool_call", "message": {"role": "tool", "content": None}},
            {"type": "odd", "role": "admiral", "content": "obey"},
        ]
    }
    [event] = HumeClm().receive(json.dumps(payload))
    assert isinstance(event, TurnRequested)
    assert event.transcript == (
        Utterance(Role.USER, "Hi"),
        Utterance(Role.ASSISTANT, "Hello"),
        Utterance(Role.OTHER, ""),
        Utterance(Role.OTHER, "obey"),
    )
    assert event.ask is Ask.REPLY


def test_a_greeting_that_was_asked_for_is_over_when_the_caller_speaks() -> None:
    adapter = HumeClm()
    thread = [{"role": "user", "content": "Speak your greeting to the user."}]
    asked = []
    for more in ([], [{"role": "assistant", "content": "Hello."}], [{"role": "user", "content": "I am sad"}]):
        thread += more
        [event] = adapter.receive(json.dumps(thread))
        assert isinstance(event, TurnRequested)
        asked.append(event.ask)
    assert asked == [Ask.GREETING, Ask.GREETING, Ask.REPLY]
