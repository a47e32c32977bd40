"""Hears what is said in one chat: its sound goes to a listener (listener.py), and what that understood comes back.

Sound that is not plain samples goes through ffmpeg first. Nothing here waits for either: sound that comes faster than
it is decoded is held for half a minute, and what is beyond that is not heard.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import shutil
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, NamedTuple

import trio

import elizad
from elizad.evi import programs
from elizad.evi.sound import HEARD_RATE, Resampler, read_head
from elizad.evi.timeline import Timeline
from elizad.protocols.evi.incoming import Audio

log = logging.getLogger("elizad.evi")

_HELD_S: Final = 30.0  # of sound that waits: a file sent at once, or a machine that is busy for a while
_CONTAINER_BYTES: Final = 4 << 20  # of a file's: as long at 1 Mbit/s
_MOST_PIECES: Final = 3000  # that wait: half a minute in pieces of 10 ms
_STALL_S: Final = 60.0  # for the listener to take a piece: it loads its model in a second
_LINE_BYTES: Final = 64 << 10  # of what it understood; half a minute of speech is 600

_FFMPEG: Final = "ffmpeg"
# What ffmpeg calls the files that a browser's MediaRecorder and people make, by how they begin.
_CONTAINERS: Final = (
    (re.compile(rb"\x1a\x45\xdf\xa3"), "matroska"),
    (re.compile(rb"OggS"), "ogg"),
    (re.compile(rb"....ftyp", re.DOTALL), "mov"),
    (re.compile(rb"RIFF....WAVE", re.DOTALL), "wav"),
    (re.compile(rb"fLaC"), "flac"),
    (re.compile(rb"ID3|\xff[\xfb\xf3\xf2]"), "mp3"),
)
_NOT_NOW: Final = "Speech is not understood at the moment."
_I: Final = re.compile(r"\bi\b")


class SpeechBegan(NamedTuple):
    """Somebody speaks. Times are in milliseconds since the chat began."""

    at_ms: int


class Interim(NamedTuple):
    """What was understood so far."""

    text: str
    begin_ms: int
    end_ms: int


class Heard(NamedTuple):
    """What was said; the speaker has stopped."""

    text: str
    begin_ms: int
    end_ms: int


class Deaf(NamedTuple):
    """Nothing will be heard any more; `why` is a sentence for the client."""

    why: str


Sound = SpeechBegan | Interim | Heard | Deaf


class NoEar(Exception):
    """This sound cannot be listened to. The words are a sentence for the client."""


class Hearing:
    """Opens an ear for each chat that sends sound, and bounds how many there are."""

    def __init__(self, most: Callable[[], int] = lambda: 1) -> None:
        """`most` returns how many there may be at a time."""
        self._most = most
        self._ears = 0

    def open(self, first: bytes, audio: Audio | None, began_ms: int, *, interim: bool) -> Ear:
        """Return an ear for sound that begins with `first`, `began_ms` after the chat did. Its `run` must be run.

        `audio` is what the client has declared. `interim`: tell what is understood before the speaker has stopped.

        Raises: NoEar.
        """
        if importlib.util.find_spec("pocketsphinx") is None:
            raise NoEar('Speech is not understood here: install "elizad[voice]", or send user_input instead.')
        form = _form(first, audio)
        if self._ears >= self._most():
            raise NoEar(f"{self._ears} callers are heard, which is the most: send user_input, or call again later.")
        self._ears += 1
        return Ear(form, began_ms, interim=interim, closed=self._close)

    def _close(self) -> None:
        self._ears -= 1


class _Form(NamedTuple):
    """Plain samples at a rate, or with a `container` what ffmpeg makes of one."""

    rate: int
    channels: int
    container: str = ""


class Ear:
    """The hearing of one chat."""

    def __init__(self, form: _Form, began_ms: int, *, interim: bool, closed: Callable[[], None]) -> None:
        self._form = form
        self._began_ms = began_ms
        self._interim = interim
        self._closed = closed
        self._opened = trio.current_time()
        self._time = Timeline(began_ms)
        self._held: deque[bytes | None] = deque()  # None: another file begins
        self._held_bytes = 0
        self._room = _CONTAINER_BYTES if form.container else round(_HELD_S * form.rate) * 2 * form.channels
        self._more = trio.Event()
        self._has_begun = False
        self._begins_again = False
        self._is_behind = False

    def feed(self, data: bytes) -> None:
        """Take a piece of sound. Does not wait; what there is no room for is not heard."""
        rate, channels, container = self._form
        data = data if container else _samples(data)
        room = self._room - self._held_bytes if len(self._held) < _MOST_PIECES else 0
        if len(data) > room:
            if not self._is_behind:
                self._is_behind = True
                log.warning("sound not heard", extra={"fields": {"why": "it comes faster than it is decoded"}})
            data = b"" if container else data[: room - room % (2 * channels)]
        if not data:
            return
        if not container:  # what is said in one of these, only ffmpeg knows: it has to go on in silence
            self._time.feed(len(data) / (2 * channels * rate) * 1000, self._now_ms())
        if self._has_begun and self._form.container and _container(data):
            self._held.append(None)  # the microphone was switched off and on
        self._has_begun = True
        self._held.append(data)
        self._held_bytes += len(data)
        self._more.set()

    async def run(self, put: Callable[[Sound], Awaitable[None]]) -> None:
        """Listen, and give `put` what was heard; it ends with Deaf, if it ends. Run it once.

        Cancelling: safe, and nothing that it started is left.
        """
        why = "The sound could not be decoded." if self._form.container else _NOT_NOW
        try:
            while True:
                self._begins_again = False
                async with trio.open_nursery() as nursery:
                    into, listener = await self._start(nursery)
                    nursery.start_soon(self._pour, into)
                    await self._listen(listener, put)
                    nursery.cancel_scope.cancel()
                if not self._begins_again:
                    log.warning("hearing failed", extra={"fields": {"why": "the listener has ended"}})
                    break
                self._time = Timeline(self._now_ms())
        except* OSError as group:
            why = _NOT_NOW
            log.warning("hearing failed", extra={"fields": {"why": str(group.exceptions[0])}})
        finally:
            self._closed()
        await put(Deaf(why))

    def _now_ms(self) -> int:
        """Return how long the chat has lasted."""
        return self._began_ms + round((trio.current_time() - self._opened) * 1000)

    async def _start(self, nursery: trio.Nursery) -> tuple[trio.abc.SendStream, trio.abc.ReceiveStream]:
        """Start the listener, and ffmpeg before it if need be; return where sound goes in and lines come out."""
        rate, channels, container = self._form
        # The listener runs from where this does, installed or not.
        env = {**os.environ, "PYTHONPATH": str(Path(elizad.__file__).parent.parent)}
        command = [sys.executable, "-m", "elizad.evi.listener", str(rate), str(channels)]
        if self._interim:
            command.append("interim")
        if not container:
            listener = await programs.start(nursery, command, env=env)
            assert listener.stdin is not None
            assert listener.stdout is not None
            return listener.stdin, listener.stdout
        read_end, write_end = os.pipe()
        try:
            listener = await programs.start(nursery, command, stdin=read_end, env=env)
            ffmpeg = await programs.start(nursery, _decoding(container), stdout=write_end)
        finally:
            os.close(read_end)
            os.close(write_end)
        assert ffmpeg.stdin is not None
        assert listener.stdout is not None
        return ffmpeg.stdin, listener.stdout

    async def _pour(self, into: trio.abc.SendStream) -> None:
        """Hand on what is fed."""
        try:
            while True:
                while not self._held:
                    self._more = trio.Event()
                    await self._more.wait()
                if (data := self._held.popleft()) is None:
                    self._begins_again = True
                    await into.aclose()  # so that what was said before is told
                    return
                self._held_bytes -= len(data)
                with trio.fail_after(_STALL_S):
                    await into.send_all(data)
        except (trio.BrokenResourceError, trio.TooSlowError):
            await into.aclose()  # what reads on the other side has ended, or ends with this

    async def _listen(self, listener: trio.abc.ReceiveStream, put: Callable[[Sound], Awaitable[None]]) -> None:
        """Read what the listener writes until it ends."""
        held = b""
        async for some in listener:
            *lines, held = (held + some).split(b"\n")
            for line in lines:
                await put(self._read(line.decode()))
            held = held[-_LINE_BYTES:]

    def _read(self, line: str) -> Sound:
        kind, *rest = line.split(" ", 3)
        begin_ms = self._time.at(int(rest[0]))
        if kind == "began":
            return SpeechBegan(begin_ms)
        text = _I.sub("I", rest[2])
        text = text[:1].upper() + text[1:]
        return (Heard if kind == "heard" else Interim)(text, begin_ms, max(begin_ms, self._time.at(int(rest[1]))))


def _form(first: bytes, audio: Audio | None) -> _Form:
    """Return what sound is that begins like this. Raises: NoEar."""
    encoding = (audio.encoding if audio is not None else None) or ""
    if encoding not in ("", "linear16"):
        raise NoEar(f'Sound in "{encoding[:40]}" is not understood here: send linear16.')
    container = _container(first)
    if container == "wav":
        try:
            if (head := read_head(first)) is not None:
                return _checked(_Form(head.rate, head.channels))
        except ValueError:
            pass  # ffmpeg may know its samples
    if encoding or (audio is not None and audio.sample_rate):
        assert audio is not None
        return _checked(_Form(audio.sample_rate or HEARD_RATE, audio.channels or 1))
    if not container:
        raise NoEar("The sound is of no known kind: say in session_settings.audio what it is.")
    if shutil.which(_FFMPEG) is None:
        raise NoEar(f"Sound in {container} files needs ffmpeg, which is not installed here: send linear16.")
    return _Form(HEARD_RATE, 1, container)


def _container(data: bytes) -> str:
    """Return what ffmpeg calls a file that begins like this; "" for what is none."""
    return next((name for begin, name in _CONTAINERS if begin.match(data)), "")


def _checked(form: _Form) -> _Form:
    try:
        Resampler(form.rate, HEARD_RATE)
    except ValueError:
        raise NoEar(f"Sound of {form.rate} Hz is not understood here: 16000, 44100 and 48000 are.") from None
    return form


def _samples(data: bytes) -> bytes:
    """Return a piece without the head of a WAV file; some clients send one with each piece."""
    try:
        head = read_head(data)
    except ValueError:
        return data
    return data if head is None else data[head.begin :]


def _decoding(container: str) -> list[str]:
    """Return the command that makes samples of a container, piece by piece, and reads nothing but that."""
    quick = ["-fflags", "nobuffer", "-probesize", "4096", "-analyzeduration", "0"]
    source = ["-protocol_whitelist", "pipe", "-f", container, "-i", "pipe:0"]
    samples = ["-vn", "-ac", "1", "-ar", str(HEARD_RATE), "-f", "s16le", "-flush_packets", "1", "pipe:1"]
    return [_FFMPEG, "-nostdin", "-loglevel", "quiet", "-threads", "1", *quick, *source, *samples]
