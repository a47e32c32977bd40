"""What a caller does, as lines of text: utterances, waits, barge-ins and silences.

# a comment
my mother hates me           said when the reply before has ended
! no, listen to me           said over the reply, as soon as its first words are there
!0.4 no, listen to me        said so many seconds after the utterance before, whatever has come by then
~ 1.5                        nothing is said for so many seconds
...                          the caller stays silent until the platform reminds the server of it (Retell)
@ hello.wav                  the caller's voice, from a file (EVI)
\\! this begins with a mark   a backslash in front: the line is said as it stands
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from elizad.call.voice import Voice, read_voice


class Say(NamedTuple):
    """Say it, and listen to the whole reply (unless the next step interrupts it)."""

    text: str


class Barge(NamedTuple):
    """Say it over the reply: `after_s` after the utterance before, or at its first words when that is None."""

    text: str
    after_s: float | None


class Wait(NamedTuple):
    """Do nothing for a while."""

    seconds: float


class Speak(NamedTuple):
    """Say what a file has, with the voice in it, and listen to the whole reply."""

    voice: Voice


class Silence(NamedTuple):
    """Stay silent until the platform sends a reminder."""


Step = Say | Barge | Wait | Speak | Silence

_BARGE: Final = re.compile(r"!(\d+(?:\.\d+)?)?\s+(\S.*)")
_SPEAK: Final = re.compile(r"@\s+(\S[^\0]*)")
_WAIT: Final = re.compile(r"~\s*(\d+(?:\.\d+)?)")

MAX_WAIT_S: Final = 3600.0  # twice as long as any platform keeps a call


def read_step(line: str) -> Step | None:
    """Read one line; None for a comment or an empty line.

    Raises: ValueError with a sentence.
    """
    line = line.strip()
    if not line or line.startswith("#"):
        return None
    if line == "...":
        return Silence()
    if line.startswith("@"):
        match = _SPEAK.fullmatch(line)
        if match is None:
            raise ValueError('a voice looks like "@ hello.wav"')
        return Speak(read_voice(Path(match[1])))
    if line.startswith("~"):
        match = _WAIT.fullmatch(line)
        if match is None or float(match[1]) > MAX_WAIT_S:
            raise ValueError(f'a wait looks like "~ 1.5", with at most {MAX_WAIT_S:g} seconds')
        return Wait(float(match[1]))
    if line.startswith("!"):
        match = _BARGE.fullmatch(line)
        if match is None or float(match[1] or 0) > MAX_WAIT_S:
            raise ValueError('a barge-in looks like "! words" or "!0.4 words"')
        return Barge(match[2], float(match[1]) if match[1] else None)
    return Say(line.removeprefix("\\"))


def read_script(lines: Iterable[str]) -> list[Step]:
    """Read a whole script.

    Raises: ValueError that names the line.
    """
    steps: list[Step] = []
    for number, line in enumerate(lines, 1):
        try:
            step = read_step(line)
        except ValueError as wrong:
            raise ValueError(f"line {number}: {wrong}") from None
        if isinstance(step, Barge) and not any(isinstance(s, Say | Barge | Speak | Silence) for s in steps):
            raise ValueError(f"line {number}: there is no reply yet to interrupt")
        if step is not None:
            steps.append(step)
    return steps
