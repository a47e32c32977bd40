"""A spoken chat with the real process: a voice goes in as a microphone hands it over, a spoken reply comes out."""

from __future__ import annotations

import importlib.util
import io
import json
import shutil
import time
import wave
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.support.daemon import Daemon
from tests.support.speech import spoken

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pocketsphinx") is None or shutil.which("espeak-ng") is None,
    reason="pocketsphinx or espeak-ng is not installed",
)

PIECE_S = 0.1


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon(
        config='[evi]\nsound = "espeak"\n[evi.configs.greeter]\ngreeting = "' + "One more word. " * 20 + '"'
    ) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def voice() -> tuple[bytes, int]:
    """A sentence as samples of 16 bits, a second of silence behind it, and its rate."""
    pcm, rate = spoken()
    return bytes(rate) + pcm + bytes(2 * rate), rate


def speak(ws: ClientConnection, voice: tuple[bytes, int]) -> None:
    """Send it piece by piece, as fast as it is spoken."""
    pcm, rate = voice
    audio = {"encoding": "linear16", "channels": 1, "sample_rate": rate}
    ws.send(json.dumps({"type": "session_settings", "audio": audio}))
    size = 2 * round(rate * PIECE_S)
    for at in range(0, len(pcm), size):
        ws.send(json.dumps({"type": "audio_input", "data": b64encode(pcm[at : at + size]).decode()}))
        time.sleep(PIECE_S)


def until(ws: ClientConnection, type: str) -> list[dict[str, Any]]:
    """Return all messages up to the first of this type."""
    messages: list[dict[str, Any]] = []
    while not messages or messages[-1]["type"] != type:
        messages.append(json.loads(ws.recv(timeout=30)))
    return messages


def test_a_spoken_chat(daemon: Daemon, voice: tuple[bytes, int]) -> None:
    with connect(f"{daemon.url}/v0/evi/chat?verbose_transcription=true", open_timeout=20, proxy=None) as ws:
        speak(ws, voice)
        messages = until(ws, "assistant_end")
    heard = [message for message in messages if message["type"] == "user_message"]
    assert [message["interim"] for message in heard[-2:]] == [True, False], "it is told while it is spoken as well"
    final = heard[-1]
    assert "mother" in final["message"]["content"].lower()
    assert final["from_text"] is False
    assert 300 < final["time"]["begin"] < final["time"]["end"] < 20_000
    replies = [message for message in messages if message["type"] == "assistant_message"]
    assert replies
    for reply in replies:
        pieces = [message for message in messages if message["type"] == "audio_output" and message["id"] == reply["id"]]
        assert [piece["index"] for piece in pieces] == list(range(len(pieces)))
        assert loudest(pieces) > 3000, "each sentence is spoken"


def test_speech_over_a_reply_interrupts_it(daemon: Daemon, voice: tuple[bytes, int]) -> None:
    with connect(f"{daemon.url}/v0/evi/chat?config_id=greeter", open_timeout=20, proxy=None) as ws:
        until(ws, "audio_output")
        speak(ws, voice)
        before = until(ws, "user_interruption")
        after = until(ws, "assistant_end")
    assert not [message for message in before if message["type"] == "user_message"], "before it is understood"
    assert after[0]["type"] == "user_message", "nothing of the greeting follows"
    assert all("One more word." not in message["message"]["content"] for message in after if "message" in message)


def loudest(pieces: list[dict[str, Any]]) -> int:
    most = 0
    for piece in pieces:
        with wave.open(io.BytesIO(b64decode(piece["data"]))) as file:
            assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (48_000, 2, 1)
            most = max(most, *array("h", file.readframes(file.getnframes())))
    return most
