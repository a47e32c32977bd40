"""A turn: what the caller said, what came back, and when. What was heard of a reply that was interrupted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

SPEECH_CHARS_PER_S: Final = 15.0  # about 170 words a minute, an unhurried speaker


@dataclass(slots=True)
class Turn:
    """One request and its reply; times are seconds since the call was opened."""

    number: int
    said: str | None
    """The caller's words; None when the caller said none: the opening, a silence."""
    asked_at: float
    chunks: list[str] = field(default_factory=list)
    first_at: float | None = None
    ended_at: float | None = None
    interrupted_at: float | None = None
    barge_in: bool = False
    """Whether it interrupted the reply before it."""
    written: bool = False
    """Whether what was heard of the reply stands in the transcript that the platform keeps."""

    @property
    def text(self) -> str:
        """The words of the reply so far."""
        return "".join(self.chunks)

    @property
    def open(self) -> bool:
        """Whether more of the reply may come."""
        return self.ended_at is None and self.interrupted_at is None

    @property
    def first_s(self) -> float | None:
        """Seconds from the request to the first words."""
        return None if self.first_at is None else self.first_at - self.asked_at

    @property
    def whole_s(self) -> float | None:
        """Seconds from the request to the end of the reply."""
        return None if self.ended_at is None else self.ended_at - self.asked_at

    def hear(self, text: str, now: float) -> None:
        """Words of the reply have come."""
        self.chunks.append(text)
        if self.first_at is None and text:
            self.first_at = now

    def heard(self) -> list[str]:
        """Return the chunks as the caller heard them: all, or what there was time to say before the interruption."""
        if self.interrupted_at is None:
            return self.chunks
        seconds = 0.0 if self.first_at is None else self.interrupted_at - self.first_at
        return spoken(self.chunks, seconds)


def spoken(chunks: list[str], seconds: float) -> list[str]:
    """Return what of `chunks` can be said in so many seconds, cut between two words."""
    room = int(max(0.0, seconds) * SPEECH_CHARS_PER_S)
    heard: list[str] = []
    for chunk in chunks:
        if room >= len(chunk):
            heard.append(chunk)
            room -= len(chunk)
            continue
        cut = chunk[: room + 1].rfind(" ")
        if cut > 0:
            heard.append(chunk[:cut])
        break
    return heard
