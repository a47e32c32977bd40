"""What clients of EVI send, and what they ask for in the address: read, or told in words what is wrong."""

from __future__ import annotations

import json
import urllib.parse
from base64 import b64encode
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.protocols.evi import incoming
from elizad.protocols.evi.incoming import EviProblem, SessionSettings, read
from elizad.protocols.evi.outgoing import Writer
from elizad.protocols.evi.query import Wanted, read_query

KINDS = (
    "audio_input user_input assistant_input tool_response tool_error session_settings "
    "pause_assistant_message resume_assistant_message"
).split()
FIELDS = (
    "type data text tool_call_id content error custom_session_id system_prompt context audio tools builtin_tools "
    "variables voice_id metadata language_model_api_key event_limit level code"
).split()
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.sampled_from(KINDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=8,
)


def message(type: str, **fields: Any) -> str:
    return json.dumps({"type": type, **fields})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (message("user_input", text="hi"), incoming.UserInput(text="hi")),
        (message("assistant_input", text="hi", models=3), incoming.AssistantInput(text="hi")),
        (message("audio_input", data="AAAA", custom_session_id="a"), incoming.AudioInput("a", data="AAAA")),
        (message("pause_assistant_message", custom_session_id=None), incoming.Pause()),
        (message("resume_assistant_message"), incoming.Resume()),
        (
            message("tool_response", tool_call_id="1", content="x", tool_name=None, tool_type="function"),
            incoming.ToolResponse(tool_call_id="1", content="x", tool_type="function"),
        ),
        (
            message("tool_error", tool_call_id="1", error="x", content=None, level="warn"),
            incoming.ToolError(tool_call_id="1", error="x", level="warn"),
        ),
        (message("session_settings"), SessionSettings()),
    ],
)
def test_each_kind_of_message_is_read(text: str, expected: object) -> None:
    assert read(text) == expected


def test_settings_as_an_old_sdk_sends_them_say_nothing_with_their_nulls() -> None:
    names = [name for name in SessionSettings.__struct_fields__ if name != "context"]
    assert read(message("session_settings", **dict.fromkeys(names))) == SessionSettings()


def test_all_that_settings_can_hold() -> None:
    settings = read(
        message(
            "session_settings",
            system_prompt="Be brief.",
            context={"text": "At sea", "type": "editable"},
            audio={"encoding": "linear16", "channels": 1, "sample_rate": 48000, "codec": None},
            tools=[{"type": "function", "name": "a", "parameters": "{}", "description": "b", "fallback_content": "c"}],
            builtin_tools=[{"name": "hang_up"}],
            variables={"a": "b", "c": 1, "d": 1.5, "e": True},
            metadata={"x": {"y": 1}},
            voice_id="v",
            language_model_api_key="k",
            event_limit=5,
        )
    )
    assert isinstance(settings, SessionSettings)
    assert isinstance(settings.context, incoming.Context)
    assert settings.context.stays
    assert settings.audio == incoming.Audio("linear16", 1, 48000)
    assert settings.variables == {"a": "b", "c": 1, "d": 1.5, "e": True}
    assert settings.builtin_tools == (incoming.Tool("hang_up"),)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "E0100"),
        ("{", "E0100"),
        ("\ud800", "E0100"),
        ('{"type":"user_input","text":' + "[" * 100_000, "E0101"),
        ("3", "E0101"),
        ("[]", "E0101"),
        ("{}", "E0101"),
        (message("dance"), "E0101"),
        (message("user_input"), "E0101"),
        (message("user_input", text=None), "E0101"),
        (message("user_input", text="a", custom_session_id="s" * 257), "E0101"),
        (message("assistant_input", text="a" * 20_001), "E0101"),
        (message("session_settings", context={"type": "temporary"}), "E0101"),
        (message("session_settings", context={"text": "a", "type": "eternal"}), "E0101"),
        (message("session_settings", audio={"channels": 0}), "E0101"),
        (message("session_settings", tools=[{"name": "a"}] * 65), "E0101"),
        (message("session_settings", variables={str(n): "" for n in range(101)}), "E0101"),
        (message("session_settings", variables={"a": []}), "E0101"),
    ],
)
def test_what_is_no_message_is_told_with_its_code(text: str, code: str) -> None:
    with pytest.raises(EviProblem) as caught:
        read(text)
    assert caught.value.code == code


def test_a_problem_says_what_is_wrong() -> None:
    with pytest.raises(EviProblem) as caught:
        read(message("user_input", text=None))
    assert caught.value.message == "This cannot be taken as it is: Expected `str`, got `null` - at `$.text`."
    problem = read_query("config_version=new").problem
    assert problem is not None
    assert problem.message.startswith("This cannot be taken as it is: in the address: Expected `int | null`")


def test_a_problem_does_not_say_back_what_was_said() -> None:
    with pytest.raises(EviProblem) as caught:
        read(message("user_input", text={"secret": "my heart"}))
    assert "heart" not in str(caught.value)


@given(st.text() | json_values.map(json.dumps))
def test_any_text_is_a_message_or_a_problem(text: str) -> None:
    try:
        read(text)
    except EviProblem as problem:
        assert problem.code in ("E0100", "E0101")


@given(st.binary())
def test_sound_comes_out_as_it_went_in(data: bytes) -> None:
    assert incoming.AudioInput(data=b64encode(data).decode()).sound() == data


@pytest.mark.parametrize("data", ["?", "AAA", "AA AA", "ä"])
def test_what_is_no_base64_is_a_problem(data: str) -> None:
    with pytest.raises(EviProblem) as caught:
        incoming.AudioInput(data=data).sound()
    assert caught.value.code == "E0201"


# -- the address -------------------------------------------------------------------------------------------------------


def test_an_address_as_the_newest_sdks_write_it() -> None:
    wanted = read_query(
        "config_id=ferry&config_version=3&resumed_chat_group_id=g&verbose_transcription=true&event_limit=5&voice_id=v"
        "&api_key=k&fernSdkLanguage=JavaScript&session_settings%5Bcustom_session_id%5D=s1"
        "&session_settings%5Baudio%5D%5Bchannels%5D=1&session_settings%5Baudio%5D%5Bsample_rate%5D=16000"
        "&session_settings[context][text]=At%20sea&session_settings[context][type]=persistent"
        "&session_settings[variables][name]=Ann&session_settings[variables][age]=33&session_settings[system_prompt]=Brief"
    )
    assert wanted == Wanted(
        "ferry",
        3,
        "g",
        True,
        5,
        "v",
        SessionSettings(
            "s1",
            system_prompt="Brief",
            context=incoming.Context("At sea", "persistent"),
            audio=incoming.Audio(channels=1, sample_rate=16000),
            variables={"name": "Ann", "age": "33"},
        ),
    )


def test_variables_in_one_json_text_as_older_sdks_write_them() -> None:
    wanted = read_query(
        "session_settings%5Bvariables%5D=%7B%22name%22%3A+%22Jo%22%2C+%22age%22%3A+3%2C+%22in%22%3A+true%7D"
    )
    assert repr(wanted.settings.variables) == repr({"name": "Jo", "age": 3, "in": True})


def test_tools_in_an_address_are_a_list() -> None:
    wanted = read_query("session_settings[tools][0][name]=a&session_settings[tools][1][name]=b")
    assert wanted.settings.tools == (incoming.Tool("a"), incoming.Tool("b"))


@pytest.mark.parametrize("query", ["", "&&", "config_id=", "x=1&y", "session_settings=1"])
def test_an_address_that_says_nothing(query: str) -> None:
    assert read_query(query) == Wanted()


@pytest.mark.parametrize(
    "query",
    [
        "config_version=new",
        "verbose_transcription=perhaps",
        "session_settings[",
        "session_settings[]=1",
        "session_settings[audio]=1",
        "session_settings[audio]=1&session_settings[audio][channels]=1",
        "session_settings[audio][channels]=1&session_settings[audio]=1",
        "session_settings[audio][channels]=many",
        "session_settings[variables]=Jo",
        "session_settings[variables]=[1]",
        'session_settings[variables]={"a":[1]}',
        'session_settings[variables]={"a":1',
        "session_settings[variables]=" + '{"a":' * 150_000,
        "session_settings[a][b][c][d]=1",
        "session_settings[a]b=1",
        "session_settings[custom_session_id]=" + "s" * 257,
        "&".join(f"session_settings[variables][v{n}]=1" for n in range(101)),
        "&".join(["a=1"] * 301),
    ],
)
def test_an_address_that_makes_no_sense_is_a_problem_and_no_more(query: str) -> None:
    wanted = read_query(query if "=" in query else query + "=1")
    assert wanted.problem is not None
    assert wanted.problem.code == "E0101"
    assert wanted.settings == SessionSettings()


@pytest.mark.parametrize(
    "wrong", ["event_limit=all", "config_version=new", "verbose_transcription=perhaps", "voice_id=&a["]
)
def test_what_is_wrong_with_one_part_of_an_address_takes_no_other_away(wrong: str) -> None:
    wanted = read_query(f"config_id=ferry&{wrong}&session_settings[custom_session_id]=ann&resumed_chat_group_id=g")
    assert (wanted.config_id, wanted.resumed_chat_group_id) == ("ferry", "g")
    assert (wanted.event_limit, wanted.config_version, wanted.verbose_transcription) == (None, None, False)
    assert wanted.settings.custom_session_id == "ann"
    assert (wanted.problem is None) == wrong.startswith("voice_id")


@given(st.text(st.sampled_from("session_settings[]=&%5B5Daudio0") | st.characters(max_codepoint=126)))
def test_any_address_can_be_read(query: str) -> None:
    read_query(query)
    read_query(f"session_settings[{query}")


@given(st.dictionaries(st.text("abc_", min_size=1), st.text(max_size=20), max_size=5))
def test_variables_come_through_an_address_unchanged(variables: dict[str, str]) -> None:
    query = urllib.parse.urlencode({f"session_settings[variables][{name}]": value for name, value in variables.items()})
    read = read_query(query)
    assert read.problem is None
    # What is empty was not said, in an address.
    assert (read.settings.variables or {}) == {name: value for name, value in variables.items() if value}


# -- what is sent ------------------------------------------------------------------------------------------------------


def test_an_answer_of_a_tool_is_said_back_without_what_it_did_not_say() -> None:
    writer = Writer("r")
    writer.session = "ann"
    error = incoming.ToolError(tool_call_id="1", error="broken", level="warn")
    assert json.loads(writer.echo(error)) == {
        "type": "tool_error",
        "tool_call_id": "1",
        "error": "broken",
        "level": "warn",
        "custom_session_id": "ann",
    }


def test_sound_is_a_number_and_base64() -> None:
    assert json.loads(Writer("r").audio_output("a", 0, b"RIFF")) == {
        "type": "audio_output",
        "id": "a",
        "index": 0,
        "data": "UklGRg==",
        "custom_session_id": None,
    }


@given(st.text())
def test_any_words_can_be_sent(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    sent = Writer("r").assistant_message("a", text, from_text=False)
    assert msgspec.json.decode(sent)["message"]["content"] == text
