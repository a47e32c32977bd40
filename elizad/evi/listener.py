"""Writes down what is said: a program of its own for each chat that sends sound, for elizad to start.

pocketsphinx holds Python's lock as long as it works, more than half a second for a second of speech: in a thread of the
daemon every other call would stand still. Here it has a process, which can also be killed, and crash, alone.

    python -m elizad.evi.listener RATE CHANNELS [interim]

reads 16-bit samples from standard input and writes lines, in milliseconds since the first sample:

    began 480
    interim 480 1200 MY MOTHER
    heard 480 2100 MY MOTHER IS ALWAYS ANGRY
"""

from __future__ import annotations

import os
import re
import select
import signal
import sys
from collections import deque
from collections.abc import Iterator
from typing import Final, TextIO

from pocketsphinx import Decoder, Endpointer

from elizad.evi.sound import HEARD_RATE, Resampler, one_channel

_READ_BYTES: Final = 16_384  # an eighth of a second from a browser
_HUSH_S: Final = 0.7  # without any sound in the midst of speech: the microphone was muted, or a file has ended
_INTERIM_MS: Final = 400  # between two looks at what was understood so far, which cost 20 ms each
_BEFORE_S: Final = 0.24  # of what came before speech, for the decoder: words begin softly
_LONGEST_MS: Final = 30_000  # of one utterance: nobody speaks longer without taking breath, but a radio does
_NOISE: Final = re.compile(r"<[^>]*>|\[[^\]]*\]|\(\d+\)|\+\+\w+\+\+")


class Listener:
    """Finds speech in sound and decodes it."""

    def __init__(self, *, interim: bool) -> None:
        self._endpointer = Endpointer(sample_rate=HEARD_RATE)
        self._decoder = Decoder(samprate=HEARD_RATE, loglevel="FATAL")
        self._interim = interim
        # The endpointer gives speech from its first loud frame on; what comes before belongs to the first sound.
        window = round(Endpointer.DEFAULT_WINDOW / self._endpointer.frame_length)
        before = round(_BEFORE_S / self._endpointer.frame_length)
        self._before: deque[bytes] = deque(maxlen=window + before)
        self._before_frames = before
        self._waiting = b""
        self._heard_ms = 0.0
        self._quiet_ms = 0.0  # of it, our own: times are told without
        self._began_ms = 0
        self._looked_ms = 0
        self._said = ""
        self._is_open = False

    @property
    def is_in_speech(self) -> bool:
        """Whether somebody is speaking."""
        return self._is_open

    def feed(self, pcm: bytes) -> Iterator[str]:
        """Take samples at HEARD_RATE; yield what there is to tell."""
        self._waiting += pcm
        size = self._endpointer.frame_bytes
        while len(self._waiting) >= size:
            frame, self._waiting = self._waiting[:size], self._waiting[size:]
            yield from self._frame(frame)

    def end(self) -> Iterator[str]:
        """Take it that nobody speaks any more."""
        quiet = bytes(self._endpointer.frame_bytes)
        before = self._heard_ms
        while self._is_open:
            yield from self._frame(quiet)
        self._quiet_ms += self._heard_ms - before

    def _frame(self, frame: bytes) -> Iterator[str]:
        speech = self._endpointer.process(frame)
        self._heard_ms += self._endpointer.frame_length * 1000
        if speech is None:
            self._before.append(frame)
            return
        if not self._is_open:
            self._is_open, self._said = True, ""
            self._began_ms = self._looked_ms = round(self._endpointer.speech_start * 1000)
            self._decoder.start_utt()
            speech = b"".join(list(self._before)[: self._before_frames]) + speech
            self._before.clear()
            yield f"began {self._told(self._began_ms)}"
        self._decoder.process_raw(speech, full_utt=False)
        now_ms = round(self._heard_ms)
        if not self._endpointer.in_speech:
            yield from self._close(round(self._endpointer.speech_end * 1000))
        elif now_ms - self._began_ms > _LONGEST_MS:
            yield from self._close(now_ms)
        elif self._interim and now_ms - self._looked_ms >= _INTERIM_MS:
            self._looked_ms = now_ms
            if (said := self._understood()) and said != self._said:
                self._said = said
                yield f"interim {self._told(self._began_ms)} {self._told(now_ms)} {said}"

    def _close(self, end_ms: int) -> Iterator[str]:
        self._is_open = False
        self._decoder.end_utt()
        if said := self._understood():
            yield f"heard {self._told(self._began_ms)} {self._told(end_ms)} {said}"

    def _told(self, at_ms: int) -> int:
        return max(at_ms - round(self._quiet_ms), 0)

    def _understood(self) -> str:
        found = self._decoder.hyp()
        return " ".join(_NOISE.sub(" ", found.hypstr).split()) if found is not None else ""


def listen(source: int, out: TextIO, rate: int, channels: int, *, interim: bool) -> None:
    """Listen to a file descriptor until it ends."""
    listener = Listener(interim=interim)
    resampler = Resampler(rate, HEARD_RATE)
    held = b""
    while True:
        if listener.is_in_speech and not select.select([source], [], [], _HUSH_S)[0]:
            tell(out, listener.end())
        some = os.read(source, _READ_BYTES)
        if not some:
            break
        held += some
        whole = len(held) // (2 * channels) * (2 * channels)
        tell(out, listener.feed(resampler.feed(one_channel(held[:whole], channels))))
        held = held[whole:]
    tell(out, listener.feed(resampler.end()))
    tell(out, listener.end())


def tell(out: TextIO, lines: Iterator[str]) -> None:
    """Write each line as soon as there is one."""
    for line in lines:
        out.write(line + "\n")
        out.flush()


def main() -> None:
    """What `python -m elizad.evi.listener` runs."""
    # A daemon that is stopped finishes its calls first; this ends with its input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        listen(0, sys.stdout, int(sys.argv[1]), int(sys.argv[2]), interim="interim" in sys.argv[3:])
    except BrokenPipeError:
        os._exit(0)  # nobody wants to know any more


if __name__ == "__main__":
    main()
