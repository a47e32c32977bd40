"""The ear: what kinds of sound it takes, and what a listener in its process makes of them. Speech is espeak-ng's."""

from __future__ import annotations

import importlib.util
import io
import os
import shutil
import subprocess
import sys
import time
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import pytest
import trio

from elizad.evi import ear as module
from elizad.evi.ear import Deaf, Ear, Heard, Hearing, Interim, NoEar, Sound, SpeechBegan
from elizad.evi.sound import Resampler, wav
from elizad.protocols.evi.incoming import Audio
from tests.support.speech import SPOKEN, spoken

LINEAR = Audio("linear16", 1, 16_000)
WEBM = b"\x1a\x45\xdf\xa3" + b"\0" * 100

has_sphinx = importlib.util.find_spec("pocketsphinx") is not None
needs_sphinx = pytest.mark.skipif(not has_sphinx, reason="pocketsphinx is not installed (elizad[voice])")
needs_voice = pytest.mark.skipif(
    not has_sphinx or shutil.which("espeak-ng") is None, reason="pocketsphinx or espeak-ng is not installed"
)
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


@cache
def speech(rate: int = 16_000, text: str = SPOKEN) -> bytes:
    """A sentence at a rate, with a second of silence behind it."""
    pcm, made_rate = spoken(text)
    resampler = Resampler(made_rate, rate)
    return bytes(rate) + resampler.feed(pcm) + resampler.end() + bytes(2 * rate)


def container(kind: str, *options: str) -> bytes:
    """The sentence in a file as a browser's recorder makes it."""
    command = ["ffmpeg", "-loglevel", "error", "-f", "s16le", "-ar", "48000", "-ac", "1", "-i", "-", *options]
    return subprocess.run([*command, "-f", kind, "-"], input=speech(48_000), capture_output=True, check=True).stdout


class Told:
    """What an ear tells."""

    def __init__(self, ear: Ear) -> None:
        self.ear = ear
        self.sounds: list[Sound] = []
        self._news = trio.Event()

    async def put(self, sound: Sound) -> None:
        self.sounds.append(sound)
        self._news.set()
        self._news = trio.Event()

    async def until(self, kind: type[Sound], count: int = 1) -> list[Sound]:
        with trio.fail_after(120):  # a listener that has a tenth of a core needs half a minute for a sentence
            while len(found := [sound for sound in self.sounds if isinstance(sound, kind)]) < count:
                await self._news.wait()
        return found

    def feed(self, data: bytes, size: int = 3200) -> None:
        for at in range(0, len(data), size):
            self.ear.feed(data[at : at + size])


@asynccontextmanager
async def listening(
    first: bytes, audio: Audio | None, hearing: Hearing | None = None, *, interim: bool = False, began_ms: int = 0
) -> AsyncIterator[Told]:
    told = Told((hearing or Hearing()).open(first, audio, began_ms, interim=interim))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(told.ear.run, told.put)
        yield told
        nursery.cancel_scope.cancel()


def children() -> list[str]:
    # A child belongs to the thread that started it.
    pids = " ".join(task.read_text() for task in Path("/proc/self/task").glob("*/children")).split()
    names = [Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ") for pid in pids]
    return [name for name in names if "listener" in name or "ffmpeg" in name]


# -- what kinds of sound there are ------------------------------------------------------------------------------------


def refusal(first: bytes, audio: Audio | None, hearing: Hearing | None = None) -> str:
    with pytest.raises(NoEar) as refused:
        (hearing or Hearing()).open(first, audio, 0, interim=False)
    return str(refused.value)


@needs_sphinx
def test_sound_that_cannot_be_listened_to_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "session_settings.audio" in refusal(b"\0" * 100, None)
    assert '"mulaw"' in refusal(b"\0" * 100, Audio("mulaw", 1, 8000))
    assert "44099 Hz" in refusal(b"\0" * 100, Audio("linear16", 1, 44_099))
    monkeypatch.setattr(shutil, "which", lambda program: None)
    assert "ffmpeg" in refusal(WEBM, None)


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "elizad[voice]" in refusal(b"\0" * 100, LINEAR)


@needs_sphinx
async def test_more_listeners_than_the_machine_can_feed_are_refused_until_one_has_gone() -> None:
    hearing = Hearing()
    async with listening(b"", LINEAR, hearing):
        assert "call again later" in refusal(b"", LINEAR, hearing)
    async with listening(b"", LINEAR, hearing):
        pass


# -- what is heard ----------------------------------------------------------------------------------------------------


@needs_voice
async def test_speech_is_heard_with_its_times() -> None:
    async with listening(b"", LINEAR, began_ms=10_000, interim=True) as told:
        told.feed(speech())
        await told.until(Heard)
    began, *interims, heard = told.sounds
    assert isinstance(began, SpeechBegan)
    assert isinstance(heard, Heard)
    assert 10_300 < began.at_ms < 10_800, "there is half a second of silence first"
    assert heard.begin_ms == began.at_ms
    spoken_ms = len(speech()) / 32 - 1500
    assert abs(heard.end_ms - 10_500 - spoken_ms) < 500
    assert "mother" in heard.text
    assert heard.text[0].isupper()
    assert interims
    assert all(isinstance(interim, Interim) and interim.begin_ms == began.at_ms for interim in interims)
    assert interims[0].end_ms < heard.end_ms  # type: ignore[union-attr]


@needs_voice
async def test_what_is_understood_so_far_is_told_only_to_those_who_ask() -> None:
    async with listening(b"", LINEAR) as told:
        told.feed(speech())
        told.feed(speech())
        await told.until(Heard, 2)
    assert [type(sound) for sound in told.sounds] == [SpeechBegan, Heard] * 2


@needs_voice
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44_100, 1), (48_000, 2)])
async def test_other_rates_and_channels_are_the_same_speech(rate: int, channels: int) -> None:
    mono = speech(rate)
    sound = b"".join(mono[at : at + 2] * channels for at in range(0, len(mono), 2))
    async with listening(b"", Audio("linear16", channels, rate)) as told:
        told.feed(sound, size=4801)  # pieces need not end where a sample does
        [heard] = await told.until(Heard)
    assert abs(heard.end_ms - 500 - (len(speech()) / 32 - 1500)) < 500  # type: ignore[union-attr]
    assert heard.text  # type: ignore[union-attr]


@needs_voice
@pytest.mark.parametrize("rate", [44_100, 48_000])
async def test_words_survive_other_rates(rate: int) -> None:
    """Most of those of one sentence: which of the short ones are understood is a matter of chance."""
    said = "I cannot remember my father"
    async with listening(b"", Audio("linear16", 1, rate)) as told:
        told.feed(speech(rate, said))
        [heard] = await told.until(Heard)
    words = heard.text.lower().split()  # type: ignore[union-attr]
    assert sum(word in words for word in said.lower().split()) >= 4, words


@needs_voice
async def test_speech_that_is_cut_off_ends_when_nothing_more_comes() -> None:
    """A microphone that is muted, a file that ends with its last word."""
    async with listening(b"", LINEAR) as told:
        told.feed(speech()[:-32_000])
        await told.until(Heard)


@needs_voice
async def test_what_is_said_after_the_microphone_was_off_was_said_later() -> None:
    async with listening(b"", LINEAR, began_ms=10_000) as told:
        told.feed(speech()[:-32_000])
        [first] = await told.until(Heard)
        told.ear._opened -= 60  # a minute goes by
        told.feed(speech()[:-32_000])
        first, second = await told.until(Heard, 2)
    assert isinstance(first, Heard)
    assert isinstance(second, Heard)
    assert 10_300 < first.begin_ms < 10_800
    assert second.begin_ms > 70_000
    assert abs((second.end_ms - second.begin_ms) - (first.end_ms - first.begin_ms)) < 300


@needs_voice
async def test_silence_and_a_click_are_nothing() -> None:
    async with listening(b"", LINEAR) as told:
        told.feed(bytes(64_000) + b"\xff\x7f" * 160 + bytes(64_000))
        told.feed(speech())
        await told.until(Heard)
    assert [type(sound) for sound in told.sounds] == [SpeechBegan, Heard]
    assert told.sounds[0].at_ms > 4000  # type: ignore[union-attr]


@needs_voice
async def test_a_wav_file_says_itself_what_it_is_and_each_piece_may_be_one() -> None:
    sound = speech(24_000)
    pieces = [wav(sound[at : at + 24_000], 24_000) for at in range(0, len(sound), 24_000)]
    async with listening(pieces[0], None) as told:
        for piece in pieces:
            told.ear.feed(piece)
        [heard] = await told.until(Heard)
    assert "mother" in heard.text  # type: ignore[union-attr]


@needs_voice
@needs_ffmpeg
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("webm", ["-c:a", "libopus", "-b:a", "64k"]),
        ("ogg", ["-c:a", "libopus", "-b:a", "64k"]),
        ("mp4", ["-c:a", "aac", "-movflags", "frag_keyframe+empty_moov", "-frag_duration", "100000"]),
        ("wav", ["-c:a", "pcm_f32le"]),
    ],
)
async def test_a_browsers_recording_is_decoded_as_it_comes(kind: str, options: list[str]) -> None:
    data = container(kind, *options)
    async with listening(data[:800], None) as told:
        told.feed(data, 800)
        [heard] = await told.until(Heard)
        assert children()
    # Which words it takes it for depends on what the codec left; that speech begins and ends where it does must not.
    assert abs(heard.end_ms - 500 - (len(speech()) / 32 - 1500)) < 600  # type: ignore[union-attr]
    assert not children()


@needs_voice
@needs_ffmpeg
async def test_a_microphone_that_is_switched_off_and_on_begins_another_recording() -> None:
    data = container("webm", "-c:a", "libopus")
    async with listening(data, None) as told:
        told.feed(data, len(data))
        told.feed(data, len(data))
        first, second = await told.until(Heard, 2)
    assert first.end_ms < second.begin_ms + 3000  # type: ignore[union-attr]


# -- what goes wrong --------------------------------------------------------------------------------------------------


@needs_sphinx
@needs_ffmpeg
async def test_a_recording_that_is_none_is_told_of() -> None:
    async with listening(WEBM, None) as told:
        told.feed(WEBM + os.urandom(100_000))
        [deaf] = await told.until(Deaf)
    assert "decoded" in deaf.why  # type: ignore[union-attr]
    assert not children()


@needs_sphinx
async def test_a_listener_that_dies_is_told_of_and_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    hearing = Hearing()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    async with listening(b"", LINEAR, hearing) as told:
        await told.until(Deaf)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    async with listening(b"", LINEAR, hearing) as told:
        [deaf] = await told.until(Deaf)
    assert "at the moment" in deaf.why  # type: ignore[union-attr]


@needs_sphinx
async def test_nothing_is_left_of_a_listener_when_its_chat_ends() -> None:
    async with listening(b"", LINEAR) as told:
        told.feed(bytes(32_000))
        while not children():  # noqa: ASYNC110 (it is not there at once)
            await trio.sleep(0.01)
        began = time.monotonic()
    assert time.monotonic() - began < 1
    assert not children()


@needs_sphinx
async def test_sound_that_comes_too_fast_is_dropped_with_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_HELD_S", 1.0)
    ear = Hearing().open(b"", LINEAR, 0, interim=False)
    for _ in range(100):
        ear.feed(bytes(3200))
    assert ear._held_bytes == 32_000
    assert [record.message for record in caplog.records] == ["sound not heard"]


@needs_sphinx
async def test_of_a_piece_that_is_too_long_the_beginning_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HELD_S", 1.0)
    ear = Hearing().open(b"", Audio("linear16", 2, 16_000), 0, interim=False)
    ear.feed(bytes(10))
    ear.feed(bytes(100_000))
    assert ear._held_bytes == 64_000 - 2, "whole samples of both channels"


@needs_voice
async def test_decoding_does_not_hold_up_the_loop() -> None:
    """pocketsphinx holds Python's lock for seconds; that is why it has a process of its own."""
    worst = 0.0

    async def watch() -> None:
        nonlocal worst
        while True:
            before = time.thread_time()
            await trio.sleep(0.002)
            worst = max(worst, time.thread_time() - before)

    async with listening(b"", LINEAR) as told, trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        told.feed(speech())
        await told.until(Heard)
        nursery.cancel_scope.cancel()
    assert worst < 0.05


def test_a_wav_file_of_pythons_own_module_is_plain_samples() -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 16_000, 0, "NONE", ""))
        out.writeframes(b"\1\0" * 10)
    assert module._samples(file.getvalue()) == b"\1\0" * 10
    assert module._samples(b"\1\0" * 100) == b"\1\0" * 100
