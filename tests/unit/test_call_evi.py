"""The client of EVI: what it sends, what it hears, and what it holds against a server."""

from __future__ import annotations

import base64
import io
import json
import wave
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad import cli
from elizad.call.events import Answer, Audio, Chunk, End, Finding, Note
from elizad.call.evi import HUSH_S, EviPlatform
from elizad.call.evi_frames import REQUIRED
from elizad.call.lines import Lines
from elizad.call.script import Speak, read_step
from elizad.call.voice import Voice, read_voice, saved_audio

METADATA = {"type": "chat_metadata", "chat_group_id": "g", "chat_id": "c"}
END = {"type": "assistant_end"}


FIELDS = sorted({name for fields in REQUIRED.values() for name in fields} | {"role", "content", "prosody", "scores"})
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=8,
)
_OF = {
    str: st.text(max_size=5),
    int: st.integers(),
    bool: st.booleans(),
    dict: st.dictionaries(st.sampled_from(FIELDS), _VALUES, max_size=4),
}
_ANY = st.dictionaries(st.sampled_from([*FIELDS, "type"]), _VALUES | st.sampled_from(sorted(REQUIRED)), max_size=8)
_WHOLE = st.sampled_from(sorted(REQUIRED)).flatmap(
    lambda kind: st.fixed_dictionaries(
        {"type": st.just(kind), **{name: _OF[type_] for name, type_ in REQUIRED[kind].items()}}
    )
)


def message(kind: str, text: str, **more: Any) -> dict[str, Any]:
    role = kind.partition("_")[0]
    base = {"type": kind, "message": {"role": role, "content": text}, "models": {"prosody": None}, "from_text": True}
    return {**base, **({"interim": False, "time": {"begin": 0, "end": 0}} if role == "user" else {}), **more}


def heard(text: str, **more: Any) -> dict[str, Any]:
    return message("user_message", text, **more)


def said(text: str, **more: Any) -> dict[str, Any]:
    return message("assistant_message", text, **{"id": "a-1", "is_quick_response": False, **more})


def receive(platform: EviPlatform, *messages: dict[str, Any], at: float = 1.0) -> list[Any]:
    return [meaning for each in messages for meaning in platform.receive(json.dumps(each), at)]


def findings(meanings: list[Any]) -> list[str]:
    return [meaning.rule.name for meaning in meanings if isinstance(meaning, Finding)]


def opened(**options: Any) -> EviPlatform:
    platform = EviPlatform(**options)
    assert not findings(receive(platform, METADATA))
    return platform


def test_a_turn() -> None:
    platform = opened()
    assert [json.loads(frame) for frame in platform.say("Hello", 1.0)] == [{"type": "user_input", "text": "Hello"}]
    meanings = receive(platform, heard("Hello"), said("How are you?"), said("Tell me.", id="a-2"), END)
    turn = platform.turns[0]
    assert meanings == [Chunk(turn, "How are you?"), Chunk(turn, " Tell me."), End(turn)]
    assert turn.text == "How are you? Tell me."


def test_settings_come_first_and_only_if_there_are_any() -> None:
    assert EviPlatform().open(0.0) == []
    (frame,) = EviPlatform("s-1", {"name": "Zoë"}, {"weather": "rain"}).open(0.0)
    settings = json.loads(frame)
    assert settings["type"] == "session_settings"
    assert settings["custom_session_id"] == "s-1"
    assert settings["variables"] == {"name": "Zoë"}
    assert [tool["name"] for tool in settings["tools"]] == ["weather"]


def test_words_before_the_echo_belong_to_the_reply_before() -> None:
    platform = opened()
    platform.say("One", 1.0)
    receive(platform, heard("One"), said("A long reply."))
    platform.say("Two", 2.0)
    assert platform.turns[1].barge_in
    late = receive(platform, said("It goes on."), END, {"type": "user_interruption", "time": 5})
    assert [type(meaning) for meaning in late] == [Note]
    assert receive(platform, heard("Two"), said("Yes?"))[0] == Chunk(platform.turns[1], "Yes?")
    assert platform.turns[0].text == "A long reply."


def test_the_echo_of_older_words_is_not_that_of_the_newest() -> None:
    platform = opened()
    platform.say("I think", 1.0)
    platform.say("that nobody listens", 1.1)
    assert not receive(platform, heard("I think"), said("What do you think?"), END)
    answer = receive(platform, heard("that nobody listens"), said("Nobody?"), END)
    assert answer[0] == Chunk(platform.turns[1], "Nobody?")
    assert len(platform.turns) == 2


def test_evi_may_speak_first_and_of_its_own_accord() -> None:
    platform = opened()
    receive(platform, said("Welcome."), END)
    assert (platform.turns[0].number, platform.turns[0].text) == (0, "Welcome.")
    platform.say("Hi", 2.0)
    receive(platform, heard("Hi"), said("Hello."), END)
    assert not findings(receive(platform, said("Our time is over."), END))
    assert platform.turns[-1].text == "Our time is over."


@pytest.mark.parametrize(
    ("frames", "rule"),
    [
        ([said("Hello.")], "metadata-first"),
        ([METADATA, METADATA], "metadata-first"),
        ([METADATA, {"no": "type"}], "missing-field"),
        ([METADATA, {"type": "news"}], "unknown-type"),
        ([{"type": "chat_metadata", "chat_id": "c"}], "missing-field"),
        ([METADATA, {key: value for key, value in heard("a").items() if key != "interim"}], "missing-field"),
        ([METADATA, {key: value for key, value in said("a").items() if key != "is_quick_response"}], "missing-field"),
        ([METADATA, heard("a", time={"begin": 0.5, "end": 1})], "wrong-type"),
        ([METADATA, said("a", message={"role": "robot", "content": "a"})], "wrong-type"),
        ([METADATA, said("a", message={"role": [], "content": "a"})], "wrong-type"),
        ([METADATA, said("a", models={"prosody": {"scores": {"Joy": 0.5}}})], "wrong-type"),
        ([METADATA, said("a", models={"prosody": {"scores": 48}})], "wrong-type"),
        ([METADATA, {"type": "error", "code": "E0100", "slug": "s", "message": {}}], "wrong-type"),
        ([METADATA, {"type": "error", "code": 100, "slug": "s", "message": "m"}], "wrong-type"),
        ([METADATA, END], "two-ends"),
        ([METADATA, {"type": "audio_output", "id": "a-9", "index": 0, "data": ""}], "audio"),
        ([METADATA, said("a"), {"type": "audio_output", "id": "a-1", "index": 1, "data": ""}], "audio"),
        ([METADATA, said("a"), {"type": "audio_output", "id": "a-1", "index": 0, "data": "!"}], "audio"),
        (
            [
                METADATA,
                {"type": "tool_call", "name": "a", "parameters": "{}", "tool_call_id": "t", "tool_type": "function"},
            ],
            "missing-field",
        ),
    ],
)
def test_what_an_sdk_could_not_read_is_found(frames: list[dict[str, Any]], rule: str) -> None:
    assert findings(receive(EviPlatform(), *frames)) == [rule]


@given(st.lists(st.sampled_from([METADATA, heard("a"), said("b"), END]) | _WHOLE | _ANY, max_size=6))
def test_whatever_comes_is_read(frames: list[dict[str, Any]]) -> None:
    platform = EviPlatform()
    platform.say("Hello", 0.0)
    for number, frame in enumerate(frames):
        for meaning in platform.receive(json.dumps(frame), float(number)):
            assert isinstance(meaning, Answer | Audio | Chunk | End | Finding | Note)


def test_a_tool_is_answered() -> None:
    platform = opened(tools={"weather": "rain"})
    call = {"type": "tool_call", "parameters": "{}", "response_required": True, "tool_type": "function"}
    answers = [
        json.loads(frame)
        for name in ("weather", "news")
        for meaning in receive(platform, {**call, "name": name, "tool_call_id": f"t-{name}"})
        if isinstance(meaning, Answer)
        for frame in meaning.frames
    ]
    assert answers[0] == {"tool_call_id": "t-weather", "type": "tool_response", "content": "rain"}
    assert answers[1]["type"] == "tool_error"
    assert "news" in answers[1]["error"]


# -- sound -----------------------------------------------------------------------------------------------------------


def wav(path: Path, seconds: float, rate: int = 16_000, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, width, rate, 0, "NONE", ""))
        file.writeframes(b"\1" * round(seconds * rate) * width)
    return path


def test_a_voice_is_sent_in_pieces_and_then_silence(tmp_path: Path) -> None:
    platform = opened()
    (settings,) = platform.speak(read_voice(wav(tmp_path / "a.wav", 0.25)), 5.0)
    assert json.loads(settings)["audio"] == {"encoding": "linear16", "sample_rate": 16_000, "channels": 1}
    pieces = []
    now = 5.0
    while platform.next_due < 1e9:
        now = platform.next_due
        pieces += [base64.b64decode(json.loads(frame)["data"]) for frame in platform.tick(now)[0]]
    assert all(len(piece) == 3200 for piece in pieces)
    assert b"".join(pieces).rstrip(b"\0") == b"\1" * 8000
    assert len(pieces) == 3 + round(HUSH_S / 0.1)
    assert now == pytest.approx(5.3 + HUSH_S)


def test_what_evi_has_heard_becomes_the_turns_words_and_ends_the_silence(tmp_path: Path) -> None:
    platform = opened()
    platform.speak(read_voice(wav(tmp_path / "a.wav", 0.1)), 5.0)
    platform.tick(5.0)
    receive(platform, heard("hel", from_text=False, interim=True), heard("hello", from_text=False), said("Yes?"), END)
    assert (platform.turns[0].said, platform.turns[0].text) == ("hello", "Yes?")
    assert platform.tick(5.1) == ([], [])


def test_the_format_is_declared_once(tmp_path: Path) -> None:
    platform = opened()
    voice = read_voice(wav(tmp_path / "a.wav", 0.1))
    assert len(platform.speak(voice, 5.0)) == 1
    assert platform.speak(voice, 9.0) == []


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda path: path, "No such file"),
        (lambda path: path.write_bytes(b"hello") and path, "no WAV file"),
        (lambda path: wav(path, 0.1, width=1), "samples of 8 bits"),
        (lambda path: wav(path, 0.0), "no sound"),
    ],
)
def test_what_is_no_voice(tmp_path: Path, make: Any, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        read_voice(make(tmp_path / "a.wav"))


def test_a_script_names_a_voice(tmp_path: Path) -> None:
    step = read_step(f"@ {wav(tmp_path / 'a.wav', 0.5)}")
    assert isinstance(step, Speak)
    assert step.voice.seconds == 0.5
    with pytest.raises(ValueError, match="No such file"):
        read_step("@ nowhere.wav")


def test_the_sound_of_replies_is_saved_as_one_file(tmp_path: Path) -> None:
    with saved_audio(tmp_path / "out.wav") as observe:
        for name in ("a.wav", "b.wav"):
            observe(1.0, Audio(wav(tmp_path / name, 0.5, rate=48_000).read_bytes()))
        observe(1.0, Audio(b"no sound"))
    with wave.open(str(tmp_path / "out.wav"), "rb") as file:
        assert (file.getnframes(), file.getframerate()) == (48_000, 48_000)


def test_no_sound_is_an_empty_file(tmp_path: Path) -> None:
    with saved_audio(tmp_path / "out.wav"):
        pass
    with wave.open(io.BytesIO((tmp_path / "out.wav").read_bytes()), "rb") as file:
        assert file.getnframes() == 0


def test_a_voice_knows_its_length() -> None:
    assert Voice("a", b"\0" * 64_000, 16_000, 2).seconds == 1.0


def test_only_evi_hears_a_file_from_standard_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = f"@ {wav(tmp_path / 'a.wav', 0.5)}\n".encode()
    assert Lines().feed(line) == []
    assert "only EVI hears" in capsys.readouterr().err
    assert [type(step) for step in Lines(hears=True).feed(line)] == [Speak]


@pytest.mark.parametrize("option", ["--save-audio", "--record"])
def test_a_file_that_cannot_be_written_is_told_before_anybody_is_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    path = tmp_path / "nowhere" / "file"
    assert cli.main(["call", "ws://127.0.0.1:9/v0/evi/chat", "--as", "evi", "--say", "Hello", option, str(path)]) == 2
    assert f"{path}: No such file or directory" in capsys.readouterr().err
