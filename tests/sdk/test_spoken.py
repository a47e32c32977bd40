"""Spoken chats through Hume's own SDKs: a voice goes in, as it is or as a browser records it, and is understood."""

from __future__ import annotations

import importlib.util
import shutil
import time
import wave
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sdk.browser import Browser, bundle
from tests.sdk.driver import SDKS, Program, Sdk
from tests.support.daemon import Daemon
from tests.support.speech import spoken

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pocketsphinx") is None or shutil.which("espeak-ng") is None,
    reason="needs pocketsphinx (elizad[voice]) and espeak-ng (Debian's package espeak-ng)",
)

PIECE_S = 0.1


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon(config='[evi]\nsound = "espeak"\n') as running:
        yield running


def voice(folder: Path, silence_s: int) -> Path:
    """Write a WAV file: silence, a sentence, and silence."""
    pcm, rate = spoken()
    with wave.open(str(folder / "voice.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        second = bytes(2 * rate)
        file.writeframes(silence_s * second + pcm + 3 * second)
    return folder / "voice.wav"


@pytest.mark.parametrize("sdk", [sdk for sdk in SDKS if not sdk.camel], ids=str)
def test_a_voice_in_small_pieces(sdk: Sdk, daemon: Daemon, programs: Callable[[Sdk], Program], tmp_path: Path) -> None:
    with wave.open(str(voice(tmp_path, 1))) as file:
        rate, pcm = file.getframerate(), file.readframes(file.getnframes())
    size = 2 * round(rate * PIECE_S)
    with programs(sdk).chat("http" + daemon.url.removeprefix("ws"), verbose_transcription=True) as chat:
        chat.send("session_settings", audio={"encoding": "linear16", "channels": 1, "sample_rate": rate})
        for at in range(0, len(pcm), size):
            chat.send("audio_input", data=b64encode(pcm[at : at + size]).decode())
            time.sleep(PIECE_S)
        messages = chat.until("assistant_end")
    heard = [message for message in messages if message["type"] == "user_message"]
    assert {message["interim"] for message in heard[:-1]} == {True}
    assert (heard[-1]["interim"], heard[-1]["from_text"]) == (False, False)
    assert "mother" in heard[-1]["message"]["content"].lower()
    assert 0 < heard[-1]["time"]["begin"] < heard[-1]["time"]["end"]
    said = {message["id"] for message in messages if message["type"] == "assistant_message"}
    assert said
    assert said == {message["id"] for message in messages if message["type"] == "audio_output"}


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg (Debian's package ffmpeg)")
def test_a_voice_into_the_microphone_of_a_page(daemon: Daemon, modules: Path, tmp_path: Path) -> None:
    page = bundle(modules, modules / "react" / "page.jsx")
    # It begins to play when the page asks for the microphone; the chat is open a moment later.
    microphone = f"--use-file-for-fake-audio-capture={voice(tmp_path, 4)}%noloop"
    browser = Browser(modules, page, tmp_path / "profile", [microphone])
    try:
        clean = {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False}
        browser.open("http" + daemon.url.removeprefix("ws"), "any", audioConstraints=clean)
        kinds, texts = zip(*browser.shown("assistant", 1), strict=True)
        assert kinds[0] == "user"
        assert len(texts[0].split()) >= 3  # which words is a matter of chance: the browser's resampling is not ours
    finally:
        browser.end()
