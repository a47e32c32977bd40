"""Hume's thread, as it comes with every payload: read once, and from then on only what is new in it.

A payload repeats the last one to the letter and adds to it. So what was read is kept as two checkpoints, before and
after what was new in the last payload, and the text that led to them: where a payload begins with that text and ends
as the last one did, only what is between is decoded. In every other case all of it is, and the outcome is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, NamedTuple

import msgspec

from elizad.errors import RemoteError
from elizad.protocols.wire import MAX_SESSION_CHARS, check_length, check_objects, decode
from elizad.speech.annotations import split_annotations
from elizad.types import Role, Utterance

GREETING_INSTRUCTION: Final = "Speak your greeting to the user."
"""What EVI puts into the thread as if the user had said it, when its configuration asks for a greeting."""

_MOST_BRACES: Final = 10_000
"""Closing braces that are read with care in one thread, a microsecond each. Half an hour has a thousand, and nobody
says them; after that, what follows an opening one is all annotation."""

_ROLES: Final = {"user": Role.USER, "assistant": Role.ASSISTANT}
_TYPES: Final = {"user_message": "user", "assistant_message": "assistant"}
_SPACE: Final = " \t\n\r"  # of RFC 8259


class _Message(msgspec.Struct, gc=False):
    role: str | None = None
    content: str | None = None


class _Element(msgspec.Struct, gc=False):
    """One entry of the thread. `time` is only compared, `models` read for the newest words; the rest is skipped."""

    type: str | None = None
    message: _Message | None = None
    role: str | None = None
    content: str | None = None
    time: msgspec.Raw = msgspec.Raw()
    models: msgspec.Raw = msgspec.Raw()

    def flat(self) -> tuple[str, str]:
        """Return (role, content) in either shape."""
        message = self.message or _Message(self.role, self.content)
        return message.role or _TYPES.get(self.type or "", ""), message.content or ""


class _Payload(msgspec.Struct):
    messages: list[_Element]
    custom_session_id: Annotated[str, msgspec.Meta(max_length=MAX_SESSION_CHARS)] | None = None


class _Outline(msgspec.Struct):
    """A payload whose entries are only told apart."""

    messages: list[msgspec.Raw]


_PAYLOAD: Final = msgspec.json.Decoder(_Payload | list[_Element])
_ELEMENTS: Final = msgspec.json.Decoder(list[list[_Element]])  # as deep as in a payload, which bounds how deep
_OUTLINE: Final = msgspec.json.Decoder(_Outline | list[msgspec.Raw])


class Newest(NamedTuple):
    """What came with the caller's newest words: the models, unread, and the insides of the brace groups."""

    models: bytes = b""
    groups: tuple[str, ...] = ()


class Thread(NamedTuple):
    """What a thread says: without annotations, doubles and instructions. `greet`: the newest word is to greet.

    `entries` are those that were read. The rest is for reading on.
    """

    transcript: tuple[Utterance, ...] = ()
    greet: bool = False
    newest: Newest = Newest()
    entries: int = 0
    last: tuple[str, str, bytes] | None = None
    braces: int = 0

    def read_on(self, elements: Sequence[_Element]) -> Thread:
        """Return the thread with these entries behind its own.

        Of neighbours that are the same in role, content and time only the first counts.
        """
        transcript: list[Utterance] = []
        _, greet, newest, entries, last, braces = self
        for element in elements:
            role, content = element.flat()
            entry = (role, content, bytes(element.time))
            if entry == last:
                continue
            last = entry
            known = _ROLES.get(role, Role.OTHER)
            if known is not Role.USER:
                transcript.append(Utterance(known, content))
                continue
            braces += content.count("}")
            if braces <= _MOST_BRACES:
                text, groups = split_annotations(content)
            else:
                text, groups = content.partition("{")[0].strip(), ()
            instruction = text.startswith(GREETING_INSTRUCTION)
            text = text.removeprefix(GREETING_INSTRUCTION).lstrip()
            greet = instruction and not text
            if not greet:
                transcript.append(Utterance(known, text))
                newest = Newest(bytes(element.models), groups)
        return Thread((*self.transcript, *transcript), greet, newest, entries + len(elements), last, braces)


class _Checkpoint(NamedTuple):
    """The thread of the first `chars` characters of a payload, in which are so many objects."""

    chars: int
    objects: int
    thread: Thread


class ThreadReader:
    """Reads the payloads of one connection. Keeps the newest one's text: a payload, once."""

    __slots__ = ("_ending", "_head", "_points", "_session")

    def __init__(self) -> None:
        self._points: tuple[_Checkpoint, ...] = ()  # the newest first
        self._head = ""  # the text that led to the first of them
        self._ending = ""  # what came after it
        self._session: str | None = None  # the name in that payload

    def read(self, text: str) -> tuple[Thread, str | None]:
        """Return the thread, and the session's name if the payload has one.

        Raises:
            RemoteError: 1007, the text is not a payload; 1009, no conversation is that long.
        """
        for point in self._points:
            if (thread := self._read_from(point, text)) is not None:
                return thread, self._session
        return self._read_all(text)

    def _read_from(self, point: _Checkpoint, text: str) -> Thread | None:
        """Read what comes after the checkpoint; None if it is not what the payload begins with, or anything is odd.

        The text up to a checkpoint leads a parser to the end of an entry, or to the beginning of the list, and the
        ending was read from there. What makes a list of entries by itself makes one there as well.
        """
        chars, objects, thread = point
        new_end = len(text) - len(self._ending)
        head = self._head if chars == len(self._head) else self._head[:chars]
        if new_end < chars or not text.startswith(head) or not text.endswith(self._ending):
            return None
        new = text[chars:new_end].lstrip(_SPACE)
        elements: list[_Element] = []
        if new:
            if thread.entries:
                if not new.startswith(","):
                    return None
                new = new[1:]
            try:
                elements, *more = decode(_ELEMENTS, f"[[{new}]]")
                objects += new.count("{")
                check_objects(objects)
                check_length(thread.entries + len(elements))
            except RemoteError:
                return None
            if more or not elements:
                return None  # the list ends before the ending, or a comma has nothing behind it
        after = _Checkpoint(new_end, objects, thread.read_on(elements))
        self._points = after, point
        self._head = text[:new_end]
        return after.thread

    def _read_all(self, text: str) -> tuple[Thread, str | None]:
        self._points, self._head = (), ""
        payload = decode(_PAYLOAD, text)
        if isinstance(payload, _Payload):
            elements, self._session = payload.messages, payload.custom_session_id
        else:
            elements, self._session = payload, None
        check_length(len(elements))
        if not elements:
            return Thread(), self._session
        before = Thread().read_on(elements[:-1])
        thread = before.read_on(elements[-1:])
        self._mark(text, before, thread)
        return thread, self._session

    def _mark(self, text: str, before: Thread, thread: Thread) -> None:
        """Remember where in the text the last entry begins and ends, if that is certain."""
        entries = _outline(text)
        last = bytes(entries[-1]).decode()
        start = text.rfind(last)
        end = start + len(last)
        head, ending = text[:start].rstrip(_SPACE), text[end:]
        if before.entries:
            head = head.removesuffix(",")
        try:
            known = _outline(head + ending)
        except RemoteError:
            return  # the same words stand behind the thread as well
        # What is one entry less without these characters has its last entry there.
        if known != entries[:-1]:
            return
        objects = text.count("{", 0, end)
        first = _Checkpoint(len(head), objects - last.count("{"), before)
        self._points = _Checkpoint(end, objects, thread), first
        self._head, self._ending = text[:end], ending


def _outline(text: str) -> list[msgspec.Raw]:
    outline = decode(_OUTLINE, text)
    return outline.messages if isinstance(outline, _Outline) else outline
