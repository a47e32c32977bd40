"""Says a text aloud: espeak-ng in a process of its own for each span of words, or silence as long as the words.

Whoever waits for sound gets some in every case: a program that is missing, hangs or talks rubbish costs its words,
and one warning, never the reply.
"""

from __future__ import annotations

import logging
import math
import os
import re
import shutil
from collections.abc import AsyncGenerator, Iterator
from typing import Final, Literal, Protocol

import trio

from elizad.evi import programs
from elizad.evi.sound import RATE, Resampler, one_channel, read_head, silence, wav, wav_seconds

__all__ = ["Espeak", "Mouth", "Silence", "open_mouth", "wav_seconds"]

log = logging.getLogger("elizad.evi")

PROGRAM: Final = "espeak-ng"

_FIRST_S: Final = 0.2  # the first piece: the player has something at once
_PIECE_S: Final = 0.5  # the others: a millisecond of work each, so that the loop is not held up
_SPAN_CHARS: Final = 300  # to one process: some 15 s of speech, made in 30 ms
_DEADLINE_S: Final = 5.0  # for one span: a hundred times what it takes
_REST_S: Final = 30.0  # without another try after a failure: each may take _DEADLINE_S of a caller's time
_MOST_BYTES: Final = 16 << 20  # of one span: three minutes, which no span takes at 80 words a minute
_MOST_UNKNOWN: Final = 256  # voices remembered as not there; programs for Hume ask for some of Hume's

_CHARS_PER_WORD: Final = 7.3  # measured on espeak-ng, with the space and the pauses between sentences
_BREATH_S: Final = 0.4  # what it adds to any text, however short

_VOICE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+/-]{0,63}")
_UNSPEAKABLE: Final = re.compile(r"[\x00-\x1f\x7f]+")  # espeak-ng takes some of them for commands


class Mouth(Protocol):
    """What makes sound of words."""

    def say(self, text: str, voice: str) -> AsyncGenerator[bytes, None]:
        """Yield pieces, each a complete WAV file of half a second at most (48 kHz, 16 bit, one channel).

        An empty or unknown `voice` is the usual one. Close it where it is not read to its end.

        Cancelling: at once, and no process is left.
        """
        ...


def open_mouth(sound: Literal["auto", "espeak", "silence", "off"], voice: str, words_per_minute: int) -> Mouth | None:
    """Return what the configuration asks for; None: no sound at all."""
    if sound == "off":
        return None
    if sound == "silence" or (sound == "auto" and shutil.which(PROGRAM) is None):
        return Silence(words_per_minute)
    return Espeak(voice, words_per_minute)


class Silence:
    """Silence that lasts as long as the words would."""

    def __init__(self, words_per_minute: int) -> None:
        self._chars_per_s = _CHARS_PER_WORD * words_per_minute / 60

    async def say(self, text: str, voice: str) -> AsyncGenerator[bytes, None]:
        """See Mouth."""
        left_s = self.seconds(text)
        while left_s > 0:
            yield wav(silence(min(_PIECE_S, left_s)))
            left_s -= _PIECE_S

    def seconds(self, text: str) -> float:
        """Return how long a text takes to say."""
        return _BREATH_S + len(text) / self._chars_per_s


class _Failed(Exception):
    """espeak-ng gave no speech; the words say why."""


class Espeak:
    """Speech from espeak-ng. One for the whole daemon: it bounds how many processes there are."""

    def __init__(self, voice: str, words_per_minute: int, program: str = PROGRAM) -> None:
        """`voice` is the usual one, as `espeak-ng --voices` has them."""
        self._voice = voice
        self._rate = words_per_minute
        self._program = program
        self._silence = Silence(words_per_minute)
        self._processes = trio.CapacityLimiter(os.cpu_count() or 1)  # each is busy as long as it lives
        self._unknown: set[str] = set()
        self._rests_until = -math.inf  # in trio's time
        self._has_warned = False

    async def say(self, text: str, voice: str) -> AsyncGenerator[bytes, None]:
        """See Mouth."""
        first = True
        for span in _spans(text):
            pcm, rate = await self._speech(span, voice)
            resampler = Resampler(rate, RATE)
            size_s = _FIRST_S if first else _PIECE_S
            at = 0
            while at < len(pcm):
                await trio.lowlevel.checkpoint()
                end = at + 2 * round(size_s * rate)
                piece = resampler.feed(pcm[at:end])
                yield wav(piece + resampler.end() if end >= len(pcm) else piece)
                at, size_s, first = end, _PIECE_S, False

    async def _speech(self, span: str, voice: str) -> tuple[bytes, int]:
        """Return the samples of a span of words, and their rate."""
        if trio.current_time() >= self._rests_until:
            try:
                if voice and voice != self._voice and voice not in self._unknown and _VOICE.fullmatch(voice):
                    try:
                        return await self._run(span, voice)
                    except _Failed:
                        # Most likely there is no such voice; if something else is wrong it is wrong with ours too.
                        if len(self._unknown) < _MOST_UNKNOWN:
                            self._unknown.add(voice)
                return await self._run(span, self._voice)
            except _Failed as why:
                self._rests_until = trio.current_time() + _REST_S
                log.log(
                    logging.DEBUG if self._has_warned else logging.WARNING,
                    "speech failed",
                    extra={"fields": {"program": self._program, "why": str(why)}},
                )
                self._has_warned = True
        return silence(self._silence.seconds(span)), RATE

    async def _run(self, span: str, voice: str) -> tuple[bytes, int]:
        """Raises: _Failed. Cancelling: the process is killed and waited for."""
        # What is said never stands on the command line, which everybody on the machine can read.
        command = [self._program, "-v", voice, "-s", str(self._rate), "-b", "1", "--stdin", "--stdout"]
        async with self._processes:
            try:
                with trio.fail_after(_DEADLINE_S):
                    output = await _output(command, span.encode())
            except trio.TooSlowError:
                raise _Failed(f"no speech within {_DEADLINE_S:g} s") from None
        try:
            head = read_head(output)
            if head is None:
                raise ValueError("no WAV file")
            pcm = one_channel(output[head.begin :], head.channels)
            Resampler(head.rate, RATE)
        except ValueError as error:
            raise _Failed(f"what it wrote is {error}") from None
        if not pcm:
            raise _Failed("it wrote no sound")
        return pcm, head.rate


async def _output(command: list[str], text: bytes) -> bytes:
    """Run a program and return what it writes. Raises: _Failed. Cancelling: it is killed and waited for."""
    output = bytearray()
    failed = ""
    try:
        async with trio.open_nursery() as nursery:
            process = await programs.start(nursery, command, stdin=text)
            assert process.stdout is not None
            async for some in process.stdout:
                output += some
                if len(output) > _MOST_BYTES:
                    failed = "it does not stop speaking"
                    process.kill()
                    break
    except* OSError as group:
        failed = str(group.exceptions[0])
    if not failed and process.returncode:
        failed = f"it ended with {process.returncode}"
    if failed:
        raise _Failed(failed)
    return bytes(output)


def _spans(text: str) -> Iterator[str]:
    """Cut a text between words, so that no process has much to do; espeak-ng's own mark-up is no longer one."""
    text = _UNSPEAKABLE.sub(" ", text).replace("[[", "[ [").strip()
    while len(text) > _SPAN_CHARS:
        at = text.rfind(" ", 1, _SPAN_CHARS + 1)
        at = _SPAN_CHARS if at < 0 else at
        yield text[:at]
        text = text[at:].lstrip()
    if text:
        yield text
