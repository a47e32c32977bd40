"""A caller's voice from a WAV file, in the pieces in which a microphone hands it over."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from elizad.call.events import Audio, Happening

Observe = Callable[[float, Happening], None]

PIECE_S: Final = 0.1  # what a browser's recorder gives at a time

_MOST_S: Final = 600.0  # ten minutes are no utterance


class Voice(NamedTuple):
    """Sound as 16-bit samples, little-endian, the channels of a moment side by side."""

    name: str
    pcm: bytes
    rate: int
    channels: int

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.pcm) / (2 * self.rate * self.channels)

    def pieces(self) -> Iterator[bytes]:
        """Yield it in pieces of PIECE_S; the last one is filled up with silence."""
        size = self.piece_bytes
        for start in range(0, len(self.pcm), size):
            yield self.pcm[start : start + size].ljust(size, b"\0")

    @property
    def piece_bytes(self) -> int:
        """Bytes of one piece."""
        return round(self.rate * PIECE_S) * 2 * self.channels


@contextmanager
def saved_audio(path: Path | None) -> Iterator[Observe]:
    """An observer that puts the sound of replies into one file, a piece behind the other; none for no path."""
    if path is None:
        yield lambda at, happening: None
        return
    with path.open("wb") as raw, wave.open(raw, "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))  # until the first piece says what it is

        def observe(at: float, happening: Happening) -> None:
            if not isinstance(happening, Audio):
                return
            try:
                with wave.open(io.BytesIO(happening.data), "rb") as piece:
                    if not file.tell():
                        file.setparams(piece.getparams())
                    file.writeframes(piece.readframes(piece.getnframes()))
            except (wave.Error, EOFError):
                pass  # what is no WAV file cannot be heard either

        yield observe


def read_voice(path: Path) -> Voice:
    """Read a WAV file.

    Raises: ValueError with a sentence.
    """
    try:
        with wave.open(str(path), "rb") as file:
            if file.getsampwidth() != 2:
                raise ValueError(f"{path} has samples of {8 * file.getsampwidth()} bits; 16 are needed")
            if file.getnframes() > _MOST_S * file.getframerate():
                raise ValueError(f"{path} is longer than {_MOST_S:g} s")
            voice = Voice(path.name, file.readframes(file.getnframes()), file.getframerate(), file.getnchannels())
    except OSError as wrong:
        raise ValueError(f"{path}: {wrong.strerror or wrong}") from None
    except (wave.Error, EOFError) as wrong:
        raise ValueError(f"{path} is no WAV file of plain samples: {wrong or 'it is cut off'}") from None
    if not voice.pcm:
        raise ValueError(f"{path} has no sound in it")
    return voice
