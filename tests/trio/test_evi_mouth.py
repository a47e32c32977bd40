"""The mouth: speech from espeak-ng, and silence where there is none. Programs that fail are scripts made here."""

from __future__ import annotations

import io
import logging
import os
import shutil
import time
import wave
from array import array
from collections.abc import Callable
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import pytest
import trio

from elizad.evi import mouth as module
from elizad.evi.mouth import Espeak, Mouth, Silence, open_mouth, wav_seconds

SENTENCE = "Why do you say that your mother is always angry with you when you come home?"

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")

Make = Callable[[str], Espeak]


@pytest.fixture
def made(tmp_path: Path) -> Make:
    """A mouth whose espeak-ng is a shell script."""

    def make(script: str) -> Espeak:
        program = tmp_path / "espeak-ng"
        program.write_text(f"#!/bin/sh\ncd {tmp_path}\n{script}\n")
        program.chmod(0o755)
        return Espeak("en-us", 165, str(program))

    return make


async def said(mouth: Mouth, text: str = SENTENCE, voice: str = "") -> list[bytes]:
    async with aclosing(mouth.say(text, voice)) as sound:
        return [piece async for piece in sound]


def samples(piece: bytes) -> array[int]:
    with wave.open(io.BytesIO(piece)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (48_000, 2, 1)
        return array("h", file.readframes(file.getnframes()))


def is_silent(pieces: list[bytes]) -> bool:
    return not any(any(samples(piece)) for piece in pieces)


async def _true(condition: Callable[[], object]) -> None:
    with trio.fail_after(5):
        while not condition():  # noqa: ASYNC110 (another process makes it true)
            await trio.sleep(0.01)


async def _gone(pid: int) -> None:
    await _true(lambda: not Path(f"/proc/{pid}").exists())


async def _number_in(path: Path) -> int:
    await _true(lambda: path.exists() and path.read_text().strip())
    return int(path.read_text())  # noqa: ASYNC240


# -- silence -----------------------------------------------------------------------------------------------------------


async def test_silence_lasts_about_as_long_as_the_words_would() -> None:
    pieces = await said(Silence(165))
    assert is_silent(pieces)
    assert 3 < sum(map(wav_seconds, pieces)) < 6
    assert max(map(wav_seconds, pieces)) <= 0.5
    assert sum(map(wav_seconds, await said(Silence(330)))) < 3


def test_what_the_configuration_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_mouth("off", "en-us", 165) is None
    assert isinstance(open_mouth("silence", "en-us", 165), Silence)
    monkeypatch.setattr(shutil, "which", lambda program: None)
    assert isinstance(open_mouth("auto", "en-us", 165), Silence)
    assert isinstance(open_mouth("espeak", "en-us", 165), Espeak)
    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")
    assert isinstance(open_mouth("auto", "en-us", 165), Espeak)


# -- espeak-ng itself --------------------------------------------------------------------------------------------------


@needs_espeak
async def test_a_sentence_is_speech_in_short_pieces() -> None:
    pieces = await said(Espeak("en-us", 165))
    assert 3 < sum(map(wav_seconds, pieces)) < 6
    assert wav_seconds(pieces[0]) < 0.25
    assert max(map(wav_seconds, pieces)) < 0.51
    whole = array("h", (sample for piece in pieces for sample in samples(piece)))
    assert max(whole) > 5000, "it can be heard"
    # Between two samples speech moves little, and a piece goes on where the one before ended.
    steps = [abs(b - a) for a, b in pairwise(whole)]
    ends = [sum(len(samples(piece)) for piece in pieces[:count]) - 1 for count in range(1, len(pieces))]
    assert max(steps[end] for end in ends) <= max(steps[:1000] + steps[20_000:60_000])


@needs_espeak
async def test_a_faster_rate_is_shorter_and_another_voice_is_another() -> None:
    usual = await said(Espeak("en-us", 165), "I see.")
    assert sum(map(wav_seconds, await said(Espeak("en-us", 300), SENTENCE))) < 3
    assert await said(Espeak("en-us", 165), "I see.", "en-gb+f3") != usual


@needs_espeak
@pytest.mark.parametrize("voice", ["9e068547-5ba4-4c8e-8e03-69282a008f04", "Ava Song", "--help", "../../etc/passwd"])
async def test_a_voice_that_is_not_there_is_the_usual_one(voice: str, caplog: pytest.LogCaptureFixture) -> None:
    mouth = Espeak("en-us", 165)
    assert await said(mouth, "I see.", voice) == await said(mouth, "I see.")
    assert not caplog.records


@needs_espeak
async def test_a_text_is_read_and_never_obeyed() -> None:
    mouth = Espeak("en-us", 165)
    assert not is_silent(await said(mouth, "-f /etc/passwd"))
    assert await said(mouth, "I \x01300S see \x00 it.") == await said(mouth, "I 300S see it.")
    assert await said(mouth, "[[h@l'oU]]") == await said(mouth, "[ [h@l'oU]]")


@needs_espeak
async def test_a_long_text_is_spoken_to_its_end_by_several() -> None:
    pieces = await said(Espeak("en-us", 165), "We talked about your brother. " * 30)
    assert 40 < sum(map(wav_seconds, pieces)) < 80


@needs_espeak
async def test_ten_who_speak_at_once_do_not_hold_up_the_loop() -> None:
    """Speech of ten replies is made in the time in which it is played, and nobody waits long for the loop."""
    mouth = Espeak("en-us", 165)
    worst = 0.0

    async def watch() -> None:
        nonlocal worst
        while True:
            before = time.thread_time()
            await trio.sleep(0.002)
            worst = max(worst, time.thread_time() - before)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        async with trio.open_nursery() as speakers:
            for number in range(10):
                speakers.start_soon(said, mouth, f"{SENTENCE} {number}")
        nursery.cancel_scope.cancel()
    # Work of the loop's own thread between two of its looks: one piece is a few milliseconds of it.
    assert worst < 0.1


# -- programs that fail ------------------------------------------------------------------------------------------------

FAILURES = {
    "ends": ("exit 3", "ended with 3"),
    "says nothing": ("exit 0", "no WAV file"),
    "talks rubbish": ("cat; cat; echo rubbish rubbish", "no WAV file"),
    "stops short": ("printf 'RIFF____WAVEfmt '", "no WAV file"),
    "never stops": ("exec yes", "does not stop"),
    "dies": ("kill -9 $$", "ended with -9"),
}


@pytest.mark.parametrize(("script", "why"), FAILURES.values(), ids=FAILURES)
async def test_a_program_that_fails_costs_its_words_and_one_warning(
    script: str, why: str, made: Make, caplog: pytest.LogCaptureFixture
) -> None:
    mouth = made(script)
    for _ in range(3):
        pieces = await said(mouth)
        assert is_silent(pieces)
        assert 3 < sum(map(wav_seconds, pieces)) < 6
    [record] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert why in record.fields["why"]  # type: ignore[attr-defined]


async def test_a_program_that_is_not_there_costs_its_words_and_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    mouth = Espeak("en-us", 165, "/nowhere/espeak-ng")
    assert is_silent(await said(mouth))
    assert is_silent(await said(mouth))
    assert len(caplog.records) == 1


async def test_a_program_that_hangs_is_killed_after_its_deadline(
    made: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_DEADLINE_S", 0.5)
    mouth = made("echo $$ >pid; trap '' TERM; while :; do sleep 0.1; done")
    assert is_silent(await said(mouth))
    await _gone(await _number_in(tmp_path / "pid"))


async def test_after_a_failure_it_is_tried_again_when_it_has_rested(
    made: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mouth = made("echo >>tries; exit 1")
    await said(mouth)
    await said(mouth)
    assert len((tmp_path / "tries").read_text()) == 1
    monkeypatch.setattr(module, "_REST_S", 0.0)
    monkeypatch.setattr(mouth, "_rests_until", 0.0)
    await said(mouth)
    assert len((tmp_path / "tries").read_text()) == 2


async def test_an_interruption_kills_at_once(made: Make, tmp_path: Path) -> None:
    mouth = made("echo $$ >pid; trap '' TERM; while :; do sleep 0.1; done")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(said, mouth)
        pid = await _number_in(tmp_path / "pid")
        began = trio.current_time()
        nursery.cancel_scope.cancel()
    assert trio.current_time() - began < 1, "it is not asked politely first"
    await _gone(pid)


async def test_no_more_processes_than_processors(made: Make, tmp_path: Path) -> None:
    mouth = made("echo $$ >>pids; sleep 0.2; exit 1")
    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(said, mouth)
        await trio.sleep(0.15)
        assert len((tmp_path / "pids").read_text().split()) <= (os.cpu_count() or 1)


async def test_what_is_said_stands_on_no_command_line(made: Make, tmp_path: Path) -> None:
    mouth = made('echo "$@" >arguments; cat >text; exit 1')
    await said(mouth, "My secret.")
    assert (tmp_path / "arguments").read_text() == "-v en-us -s 165 -b 1 --stdin --stdout\n"
    assert (tmp_path / "text").read_text() == "My secret."
