"""A call on record: JSON lines with times, directions and frames, and how two records of a call compare. Pure.

The first line says what it is; then a line for every frame: {"at": seconds, "dir": "out" | "in", "frame": text}. The
address is not kept, since addresses hold secrets.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

import msgspec

VERSION: Final[Literal[1]] = 1

_ENCODE: Final = msgspec.json.Encoder().encode


class Head(msgspec.Struct, rename={"version": "elizad_call", "platform": "as"}):
    """The first line. `name` is the session or call id that the platform used."""

    version: Literal[1]
    platform: Literal["hume", "retell"]
    name: str = ""


class Entry(msgspec.Struct, omit_defaults=True):
    """One frame; `dir` is as the platform sees it. An entry with `close` is the end of the connection."""

    at: float
    dir: Literal["out", "in"]
    frame: str = ""
    close: int | None = None


class Record(NamedTuple):
    """A whole recording."""

    head: Head
    entries: list[Entry]


def line(value: Head | Entry) -> str:
    """Write one line, with its line end."""
    return _ENCODE(value).decode() + "\n"


def read_record(lines: Iterable[str]) -> Record:
    """Read a recording.

    Raises: ValueError that names the line.
    """
    head: Head | None = None
    entries: list[Entry] = []
    for number, text in enumerate(lines, 1):
        try:
            if head is None:
                head = msgspec.json.decode(text, type=Head)
            else:
                entries.append(msgspec.json.decode(text, type=Entry))
        except (msgspec.DecodeError, UnicodeEncodeError) as wrong:
            what = "it is no recording of elizad call" if head is None else "it cannot be read"
            raise ValueError(f"line {number}: {what}: {wrong}") from None
    if head is None:
        raise ValueError("it is empty")
    return Record(head, entries)


# -- answers ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Reply:
    """What came for one request. `frames` are those that were sent for it, as text."""

    request: int
    frames: list[str] = field(default_factory=list)
    text: str = ""
    ended: bool = False
    interrupted: bool = False
    """A newer request was made before the end."""


class Ledger:
    """Sorts frames by the request they answer. Request 0 is what comes before the first one, or asks for nothing."""

    def __init__(self, platform: str) -> None:
        self._hume = platform == "hume"
        self.replies: dict[int, Reply] = {0: Reply(0)}
        self.current = self.replies[0]

    def sent(self, frame: str) -> None:
        """The platform has sent a frame."""
        message = _object(frame)
        number = len(self.replies) if self._hume else message.get("response_id")
        if isinstance(number, int):
            if not self.current.ended and self.current.request:
                self.current.interrupted = True
            self.current = self.replies.setdefault(number, Reply(number))

    def received(self, frame: str) -> None:
        """The server has sent a frame. The pong of Retell's ping_pong bears a time of day, and counts for nothing."""
        message = _object(frame)
        reply, text, end = self.current, "", False
        if self._hume:
            text = message.get("text", "")
            end = message.get("type") == "assistant_end"
        else:
            kind = message.get("response_type")
            if kind == "ping_pong":
                return
            number = message.get("response_id")
            reply = self.replies.get(number, reply) if isinstance(number, int) else self.replies[0]
            text = message.get("content", "") if kind == "response" else ""
            end = kind == "response" and message.get("content_complete") is True
        reply.frames.append(frame)
        reply.text += text if isinstance(text, str) else ""
        reply.ended = reply.ended or end


def _object(frame: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(frame)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def ledger_of(record: Record) -> Ledger:
    """Return the answers of a recording."""
    ledger = Ledger(record.head.platform)
    for entry in record.entries:
        if entry.close is None:
            (ledger.sent if entry.dir == "out" else ledger.received)(entry.frame)
    return ledger


class Comparison(NamedTuple):
    """One answer then and now. "same": to the letter; "words": the same words, cut or written in another way."""

    request: int
    outcome: Literal["same", "words", "different"]
    then: str
    now: str


def compare(then: Ledger, now: Ledger) -> list[Comparison]:
    """Compare answer by answer. Of one that was interrupted only as much as both have can be compared."""
    out = []
    for number, before in then.replies.items():
        after = now.replies.get(number, Reply(number))
        outcome: Literal["same", "words", "different"] = "different"
        if before.interrupted:
            shorter, longer = sorted((before.text, after.text), key=len)
            if longer.startswith(shorter):
                outcome = "same"
        elif before.frames == after.frames:
            outcome = "same"
        elif before.text == after.text and before.ended == after.ended:
            outcome = "words"
        out.append(Comparison(number, outcome, before.text, after.text))
    return out


def first_difference(then: str, now: str) -> int:
    """Return at which character two texts part."""
    pairs = enumerate(zip(then, now, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(then), len(now)))
