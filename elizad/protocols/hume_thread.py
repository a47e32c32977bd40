"""Hume's thread, as it comes with every payload: read once, and from then on only what is new in it.

A payload repeats the last one to the letter and adds to it. So what was read is kept as two checkpoints, before and
after what was new in the last payload, and the text that led to them: where a payload begins with that text and ends
as the last one did, only what is between is decoded. In every other case all of it is, and the outcome is the same.
What is new has the caller's newest words in it; where it has none, it is read again from the earlier checkpoint.
One entry alone, with which a call begins, leaves no checkpoint: to read it again is quicker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec
from msgspec.structs import replace

from elizad.errors import RemoteError
from elizad.protocols.hume_prosody import PlainModels, scores
from elizad.protocols.wire import MAX_SESSION_CHARS, MOST_ENTRIES, MOST_OBJECTS, check_length, decode
from elizad.speech.annotations import split_annotations
from elizad.types import Role, Utterance

GREETING_INSTRUCTION: Final = "Speak your greeting to the user."
"""What EVI puts into the thread as if the user had said it, when its configuration asks for a greeting."""

_MOST_BRACES: Final = 10_000
"""Closing braces that are read with care in one thread, a microsecond each. Half an hour has a thousand, and nobody
says them; after that, what follows an opening one is all annotation."""

_new: Final = tuple.__new__
_USER: Final = Role.USER  # found more quickly than in its enumeration
_OTHER: Final = Role.OTHER
_ROLES: Final = {"user": _USER, "assistant": Role.ASSISTANT}
_TYPES: Final = {"user_message": "user", "assistant_message": "assistant"}
_UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeEncodeError)
_SPACE: Final = " \t\n\r"  # of RFC 8259
_NOTHING: Final = msgspec.Raw(b"null")
_FEW_CHARS: Final = 8192  # of new text: two turns have half of them
_BRIEF_CHARS: Final = 3000  # of a payload: one turn of the caller's has two thousand
_MOST_PIECES: Final = 16  # of the text that is kept: to compare one more takes 70 ns, to copy all of them 10 us or more
_SHORT_PIECE: Final = 16_384  # characters: below that, to copy one is quicker than to compare one more from then on


class _Message(msgspec.Struct, gc=False):
    role: str | None = None
    content: str | None = None


class _Entry(msgspec.Struct, gc=False):
    """One entry of the thread, in Hume's order. `time` is only compared; the rest is skipped."""

    type: str | None = None
    message: _Message | None = None
    models: PlainModels | msgspec.Raw | None = None
    time: msgspec.Raw = msgspec.Raw()
    role: str | None = None
    content: str | None = None


class _Element(_Entry, gc=False):
    """One of many: the models are of use only where they came with the newest words."""

    models: msgspec.Raw = _NOTHING


class _NewElement(_Entry, gc=False):
    """One of few. What Hume does not send so is read as the others are."""

    models: PlainModels | None = None


_Session = Annotated[str, msgspec.Meta(max_length=MAX_SESSION_CHARS)] | None


class _Payload(msgspec.Struct):
    messages: list[_Element]
    custom_session_id: _Session = None


class _BriefPayload(msgspec.Struct):
    """A payload of one turn, or of a few that were typed."""

    messages: list[_NewElement]
    custom_session_id: _Session = None


class _Outline(msgspec.Struct):
    """A payload whose entries are only told apart."""

    messages: list[msgspec.Raw]


_PAYLOAD: Final = msgspec.json.Decoder(_Payload | list[_Element])
_BRIEF: Final = msgspec.json.Decoder(_BriefPayload)
# As deep as in a payload, which bounds how deep.
_ELEMENTS: Final = msgspec.json.Decoder(list[list[_Element]])
_NEW_ELEMENTS: Final = msgspec.json.Decoder(list[list[_NewElement]])
_OUTLINE: Final = msgspec.json.Decoder(_Outline | list[msgspec.Raw])


Thread = tuple[tuple[Utterance, ...], bool, Mapping[str, float], tuple[str, ...]]
"""What a thread says, without annotations, doubles and instructions, and whether its newest word is to greet; the
scores of the caller's newest words, and the insides of the brace groups that came with them.
"""


_Newest = tuple[PlainModels | msgspec.Raw | None, tuple[str, ...]]
"""What came with the caller's newest words: the models, and the insides of the brace groups."""


class _Checkpoint(msgspec.Struct, frozen=True, gc=False):
    """What the first `chars` characters of a payload come to; `objects` of 0 are not counted yet.

    `last` is the last entry: its role, content and time.
    """

    transcript: tuple[Utterance, ...] = ()
    greet: bool = False
    entries: int = 0
    last: tuple[str, str, msgspec.Raw] | None = None
    braces: int = 0
    chars: int = 0
    objects: int = 0

    def read_on(
        self, elements: Sequence[_Element] | Sequence[_NewElement], chars: int = 0, objects: int = 0
    ) -> tuple[_Checkpoint, _Newest | None]:
        """Return the checkpoint behind these entries, and what came with the newest words of the caller among them.

        Of neighbours that are the same in role, content and time only the first counts.
        """
        transcript: list[Utterance] = []
        newest: _Newest | None = None
        greet, last, braces = self.greet, self.last, self.braces
        for element in elements:
            role, content = _spoken(element)
            entry = role, content, element.time
            if entry == last:
                continue
            last = entry
            if role != "user":
                transcript.append(_new(Utterance, (_ROLES.get(role, _OTHER), content)))
                continue
            if "}" in content:
                braces += content.count("}")
            text, groups, greet = _heard(content, braces)
            if not greet:
                transcript.append(_new(Utterance, (_USER, text)))
                newest = element.models, groups
        if last is not None:
            last = last[0], last[1], last[2].copy()  # without the payload in which it stood
        entries = self.entries + len(elements)
        words = self.transcript + tuple(transcript)
        return _Checkpoint(words, greet, entries, last, braces, chars, objects), newest


def _spoken(element: _Element | _NewElement) -> tuple[str, str]:
    """Return who an entry is of, and its content."""
    said = element.message or element
    return said.role or _TYPES.get(element.type or "", ""), said.content or ""


def _heard(content: str, braces: int) -> tuple[str, tuple[str, ...], bool]:
    """Return the caller's words, the insides of the brace groups in them, and whether they ask for a greeting instead.

    `braces` closing ones have come, these included.
    """
    text = content.strip()
    groups: tuple[str, ...] = ()
    if "}" in content:
        if braces <= _MOST_BRACES:
            text, groups = split_annotations(content)
        else:
            text = content.partition("{")[0].strip()
    if GREETING_INSTRUCTION in text and text.startswith(GREETING_INSTRUCTION):  # `in` is a quicker no
        text = text.removeprefix(GREETING_INSTRUCTION).lstrip()
        return text, groups, not text
    return text, groups, False


def _alone(element: _Element | _NewElement) -> Thread:
    """Read a thread of one entry, as all of it is read, without what would be of use for the next payload only."""
    role, content = _spoken(element)
    if role != "user":
        return (_new(Utterance, (_ROLES.get(role, _OTHER), content)),), False, scores(None), ()
    text, groups, greet = _heard(content, content.count("}"))
    if greet:
        return (), True, scores(None), ()
    return (_new(Utterance, (_USER, text)),), False, scores(element.models), groups


_START: Final = _Checkpoint()


class ThreadReader:
    """Reads the payloads of one connection. Keeps the newest one's text, in pieces: a payload, once."""

    __slots__ = ("_after", "_before", "_ending", "_newer", "_older", "session")

    def __init__(self) -> None:
        self._before = _START
        self._after: _Checkpoint | None = None
        self._older: tuple[str, ...] = ()  # the text that led to the first of them, in pieces that need no copy
        self._newer = ""  # the text between them
        self._ending = ""  # what came after the second
        self.session: str | None = None  # the name in that payload

    def read(self, text: str) -> Thread:
        """Return the thread; `session` is then the session's name if the payload has one.

        Raises:
            RemoteError: 1007, the text is not a payload; 1009, no conversation is that long.
        """
        after = self._after
        if after is not None and text.endswith(self._ending):
            begin = 0
            for piece in self._older:
                if not text.startswith(piece, begin):
                    break
                begin += len(piece)
            else:
                thread = self._read_from(after, text) if text.startswith(self._newer, begin) else None
                thread = thread or self._read_from(self._before, text)
                if thread is not None:
                    return thread
        return self._read_all(text)

    def _read_from(self, point: _Checkpoint, text: str) -> Thread | None:
        """Read what comes after the checkpoint; None if the newest words are not in it, or anything is odd.

        The text up to a checkpoint leads a parser to the end of an entry, or to the beginning of the list, and the
        ending was read from there. What makes a list of entries by itself makes one there as well.
        """
        end = len(text) - len(self._ending)
        new = text[point.chars : end]
        objects = 0
        if len(text) > MOST_OBJECTS:
            objects = (point.objects or text.count("{", 0, point.chars)) + new.count("{")
            if objects + self._ending.count("{") > MOST_OBJECTS:
                return None
        lists = _lists(f"[[{{}}{new}]]")
        if len(lists) != 1:
            return None  # the list ends before the ending
        elements = lists[0]
        del elements[0]  # ours, for the comma behind it
        if point.entries + len(elements) > MOST_ENTRIES:
            return None
        after, newest = point.read_on(elements, end, objects)
        if newest is None:
            return None
        if not text.isascii():
            self._older = (text[: point.chars],)  # pieces may have narrower characters, and be compared one by one
        elif point is self._after:
            *pieces, last = self._older
            pieces += [last + self._newer] if len(last) < _SHORT_PIECE else [last, self._newer]
            self._older = tuple(pieces) if len(pieces) <= _MOST_PIECES else ("".join(pieces),)
        self._newer = new
        self._before, self._after = point, after
        models, groups = newest
        return after.transcript, after.greet, scores(models), groups

    def _read_all(self, text: str) -> Thread:
        if self._after is not None:
            self._after, self._older, self._newer = None, (), ""
        payload: _BriefPayload | _Payload | list[_Element]
        try:
            payload = _BRIEF.decode(text) if len(text) < _BRIEF_CHARS else decode(_PAYLOAD, text)
        except _UNREADABLE:
            payload = decode(_PAYLOAD, text)
        elements: list[_Element] | list[_NewElement]
        if isinstance(payload, list):
            elements, self.session = payload, None
        else:
            elements, self.session = payload.messages, payload.custom_session_id
        if len(elements) == 1:
            return _alone(elements[0])
        if not elements:
            return (), False, scores(None), ()
        check_length(len(elements))
        before, older = _START.read_on(elements[:-1])
        after, newest = before.read_on(elements[-1:])
        self._mark(text, before, after)
        models, groups = newest or older or (None, ())
        return after.transcript, after.greet, scores(models), groups

    def _mark(self, text: str, before: _Checkpoint, after: _Checkpoint) -> None:
        """Remember where in the text the last entry begins and ends, if that is certain."""
        entries = _outline(text)
        last = bytes(entries[-1]).decode()
        start = text.rfind(last)
        end = start + len(last)
        head, ending = text[:start].rstrip(_SPACE).removesuffix(","), text[end:]
        try:
            known = _outline(head + ending)
        except RemoteError:
            return  # the same words stand behind the thread as well
        # What is one entry less without these characters has its last entry there.
        if known != entries[:-1]:
            return
        self._before, self._after = replace(before, chars=len(head)), replace(after, chars=end)
        self._older, self._newer, self._ending = (head,), text[len(head) : end], ending


def _lists(text: str) -> list[list[_Element]] | list[list[_NewElement]]:
    """Read lists of entries; none if anything is wrong with them."""
    try:
        if len(text) < _FEW_CHARS:
            return _NEW_ELEMENTS.decode(text)
    except _UNREADABLE:
        pass
    try:
        return decode(_ELEMENTS, text)
    except RemoteError:
        return []


def _outline(text: str) -> list[msgspec.Raw]:
    outline = decode(_OUTLINE, text)
    return outline.messages if isinstance(outline, _Outline) else outline
