"""Configurations as programs post them: what is refused and in which words, what they come to, how they are shown."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.evi.config_checks import BadSpec, checked, description_of, name_of, profile_of, shown, spec_of
from elizad.evi.profile import HARD_STOP_S, Profile

USUAL = Profile(voice="en-us", inactivity_s=600.0)
ABOUT = {"id": "i-1", "version": 3, "version_description": None, "name": "n", "created_on": 1, "modified_on": 2}
WHOLE = {
    "name": "n",
    "evi_version": "3",
    "version_description": "first",
    "language_model": {"model_provider": "ANTHROPIC", "model_resource": "a-model", "temperature": 1},
    "voice": {"provider": "HUME_AI", "name": "ITO"},
    "prompt": {"text": "Be kind."},
    "ellm_model": {"allow_short_responses": False},
    "tools": [],
    "builtin_tools": [{"name": "hang_up"}],
    "event_messages": {"on_new_chat": {"enabled": True, "text": "Hi."}, "on_inactivity_timeout": None},
    "timeouts": {"inactivity": {"enabled": True, "duration_secs": 1}, "max_duration": {"enabled": False}},
    "nudges": {"enabled": True, "interval_secs": 5},
    "webhooks": [{"url": "https://a.example", "events": ["chat_started"]}],
    "turn_detection": {"end_of_turn_silence_ms": 600},
}


def profile(**spec: Any) -> Profile:
    return profile_of(checked({"name": "n", **spec}, named=True), USUAL, "i-1", 3, "n")


def test_a_whole_configuration_is_taken_with_what_is_not_known_here():
    assert checked(WHOLE, named=True) == WHOLE
    assert checked({**WHOLE, "voice": None, "id": "mine", "version": 9}, named=False) == {
        key: value for key, value in WHOLE.items() if key not in ("name", "voice")
    }


@pytest.mark.parametrize("seconds", [0, 1801, -1, 10**30, 1.5, 600.0, "600", True, [], {}])
@pytest.mark.parametrize("which", ["inactivity", "max_duration"])
def test_a_timeout_out_of_range_is_refused_in_words_that_name_the_key(seconds, which):
    with pytest.raises(BadSpec, match=rf"^timeouts\.{which}\.duration_secs must be between 1 and 1800$"):
        checked({"name": "n", "timeouts": {which: {"enabled": True, "duration_secs": seconds}}}, named=True)


def test_what_is_nested_deeper_than_can_be_walked_is_refused():
    deep: object = 1
    for _ in range(18):
        deep = [deep]
    assert checked({"x": deep}, named=False) == {"x": deep}
    for _ in range(900):
        deep = {"x": deep}
    with pytest.raises(BadSpec, match="nested more than 20 deep"):
        checked({"x": deep}, named=False)


@pytest.mark.parametrize("seconds", [1, 2, 600, 1799, 1800])
def test_a_timeout_within_the_range_is_taken(seconds):
    given_ = {"inactivity": {"enabled": True, "duration_secs": seconds}}
    assert profile(timeouts=given_).inactivity_s == seconds
    assert profile(timeouts={"max_duration": given_["inactivity"]}).max_duration_s == seconds


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ([], "the body must be an object"),
        (None, "the body must be an object"),
        ({}, "name is required"),
        ({"name": None}, "name is required"),
        ({"name": ""}, "name is required"),
        ({"name": 1}, "name is required"),
        ({"name": "x" * 257}, "name is required"),
        ({"timeouts": []}, "timeouts must be an object"),
        ({"timeouts": {"inactivity": {}}}, "timeouts.inactivity.enabled must be true or false"),
        ({"timeouts": {"inactivity": {"enabled": "yes"}}}, "timeouts.inactivity.enabled must be true or false"),
        (
            {"event_messages": {"on_new_chat": {"text": "x"}}},
            "event_messages.on_new_chat.enabled must be true or false",
        ),
        ({"event_messages": {"on_new_chat": {"enabled": True, "text": 1}}}, "event_messages.on_new_chat.text must be"),
        ({"language_model": "gpt"}, "language_model must be an object"),
        ({"language_model": {"temperature": 1.1}}, "language_model.temperature must be between 0 and 1"),
        ({"language_model": {"temperature": True}}, "language_model.temperature must be between 0 and 1"),
        ({"prompt": {"id": "p-1"}}, "prompt.id is not known here"),
        ({"tools": [{"id": "t-1"}]}, "tools[0].id is not known here"),
        ({"tools": {}}, "tools must be a list"),
        ({"builtin_tools": [{}]}, "builtin_tools[0].name must be a string"),
        ({"webhooks": [{"url": "u"}]}, "webhooks[0].events must be a list"),
        ({"ellm_model": {"allow_short_responses": 1}}, "ellm_model.allow_short_responses must be true or false"),
        ({"voice": {"name": 7}}, "voice.name must be a string"),
        ({"evi_version": 2}, "evi_version must be a string"),
        ({"version_description": []}, "version_description must be a string"),
    ],
)
def test_what_is_refused_and_why(spec, message):
    body = {"name": "n", **spec} if isinstance(spec, dict) and spec and "name" not in spec else spec
    with pytest.raises(BadSpec) as caught:
        checked(body, named=True)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "resource",
    [
        None,
        "",
        "gpt-4",
        "ftp://host/",
        "ws+unix:/var/run/docker.sock",
        "wss://",
        "wss://a b/",
        "ws://host:99999/",
        "file:///etc",
    ],
)
def test_a_custom_language_model_needs_an_address_that_can_be_dialled(resource):
    model = {"model_provider": "CUSTOM_LANGUAGE_MODEL", "model_resource": resource}
    with pytest.raises(BadSpec, match="must be the address of your server"):
        checked({"name": "n", "language_model": model}, named=True)


def test_builtin_tools_are_those_of_the_chat():
    assert profile(builtin_tools=[{"name": "hang_up", "fallback_content": None}, None]).builtin_tools == ("hang_up",)
    assert profile().builtin_tools == ()


@pytest.mark.parametrize("url", ["wss://clm.example/llm?token=x", "ws://127.0.0.1:8000/", "https://a.example/chat"])
def test_a_custom_language_model_is_what_answers(url):
    model = {"model_provider": "CUSTOM_LANGUAGE_MODEL", "model_resource": url}
    assert profile(language_model=model).custom_language_model == url
    assert profile(language_model={**model, "model_provider": "OPEN_AI"}).custom_language_model == ""


def test_what_is_not_said_is_as_usual():
    assert profile() == USUAL._replace(id="i-1", version=3, name="n")
    off = profile(timeouts={"inactivity": {"enabled": False}, "max_duration": {"enabled": False, "duration_secs": 5}})
    assert (off.inactivity_s, off.max_duration_s) == (0.0, HARD_STOP_S)


def test_event_messages_are_said_word_for_word_and_made_where_there_is_no_text():
    names = ("on_new_chat", "on_inactivity_timeout", "on_max_duration_timeout")

    def said(message: object) -> tuple[str | None, ...]:
        found = profile(event_messages=dict.fromkeys(names, message))
        return found.greeting, found.inactivity_text, found.max_duration_text

    assert said({"enabled": True, "text": "As is."}) == ("As is.",) * 3
    assert said({"enabled": False, "text": "As is."}) == said(None) == (None,) * 3
    greeting, *others = said({"enabled": True, "text": None})
    assert greeting == ""
    assert all(others)


@pytest.mark.parametrize(
    ("voice", "expected"), [("ITO", "en-us"), ("de", "de"), ("en-gb+f3", "en-gb+f3"), (None, "en-us")]
)
def test_a_voice_of_espeak_is_taken_and_one_of_humes_is_not(voice, expected):
    assert profile(voice={"provider": "CUSTOM_VOICE", "name": voice}).voice == expected


def test_what_the_sdks_require_inside_a_part_is_there():
    full = shown(checked(WHOLE, named=False), USUAL, ABOUT)
    assert {key: full[key] for key in ABOUT} == ABOUT
    assert full["timeouts"] == {
        "inactivity": {"enabled": True, "duration_secs": 1},
        "max_duration": {"enabled": False, "duration_secs": 1800},
    }
    assert full["event_messages"]["on_new_chat"] == {"enabled": True, "text": "Hi."}
    assert full["event_messages"]["on_inactivity_timeout"] is None
    assert full["builtin_tools"] == [{"tool_type": "BUILTIN", "name": "hang_up"}]
    assert full["voice"] == {"provider": "HUME_AI", "name": "ITO", "id": "ITO"}
    assert full["prompt"]["text"] == "Be kind."
    assert set(full["prompt"]) >= {"id", "version", "version_type", "name", "created_on", "modified_on"}
    assert full["turn_detection"] == WHOLE["turn_detection"]
    nulls = {"builtin_tools": [None, {"name": "web_search"}], "tools": [None], "webhooks": [None]}
    full = shown(checked(nulls, named=False), USUAL, ABOUT)
    assert (len(full["builtin_tools"]), full["tools"], full["webhooks"]) == (1, [], [])
    bare = shown({}, USUAL, ABOUT)
    assert bare["timeouts"]["inactivity"] == {"enabled": True, "duration_secs": 600}
    assert bare["ellm_model"] is None
    assert shown({"ellm_model": {}}, USUAL, ABOUT)["ellm_model"] == {"allow_short_responses": True}


def test_what_stands_in_the_configuration_file_is_shown_as_if_posted_without_its_token():
    own = USUAL._replace(
        id="baker",
        version=0,
        name="baker",
        greeting="",
        inactivity_text="Hm?",
        max_duration_s=60.0,
        custom_language_model="wss://clm.example/llm?token=hidden",
        system_prompt="Be kind.",
    )
    spec = spec_of(own)
    assert "hidden" not in str(spec)
    again = profile_of(checked(spec, named=False), USUAL, "baker", 0, "baker")
    assert again == own._replace(custom_language_model="wss://clm.example/llm")
    plain = USUAL._replace(id="x", version=0, name="x", inactivity_s=0.0)
    assert profile_of(checked(spec_of(plain), named=False), USUAL, "x", 0, "x") == plain


def test_names_and_descriptions():
    assert name_of({"name": "a", "other": 1}) == "a"
    assert description_of({"version_description": "d"}) == "d"
    assert description_of({}) is description_of({"version_description": None}) is None
    for body in ([], {"version_description": 1}):
        with pytest.raises(BadSpec):
            description_of(body)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*WHOLE, "enabled", "duration_secs", "text", "id", "inactivity", "on_new_chat", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from([*WHOLE, "x"]), VALUES, max_size=6) | VALUES)
def test_any_body_is_refused_or_can_be_shown_and_used(body):
    try:
        spec = checked(body, named=False)
    except BadSpec as bad:
        assert str(bad)
        return
    profile_of(spec, USUAL, "i-1", 3, "n")
    full = shown(spec, USUAL, ABOUT)
    assert all(full[key] == value for key, value in ABOUT.items())
    for which in ("inactivity", "max_duration"):
        timeout = full["timeouts"][which]
        assert isinstance(timeout["enabled"], bool)
        assert 1 <= timeout["duration_secs"] <= 1800
    try:
        assert msgspec.json.encode(full)
    except (OverflowError, UnicodeEncodeError):
        pass  # such a number or letter is refused before it is kept
